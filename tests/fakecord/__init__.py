"""A fake Discord (gateway and part of the REST API) on loopback, for testing bots without the network."""

from __future__ import annotations

from . import payloads as payloads
from .client import Remote as Remote
from .client import RemoteError as RemoteError
from .client import running as running
from .intents import EVENT_INTENTS as EVENT_INTENTS
from .intents import Intent as Intent
from .payloads import Payload as Payload
from .server import FakeDiscord as FakeDiscord
from .session import Session as Session
from .settings import Settings as Settings

__all__ = (
    "EVENT_INTENTS",
    "FakeDiscord",
    "Intent",
    "Payload",
    "Remote",
    "RemoteError",
    "Session",
    "Settings",
    "payloads",
    "running",
)
