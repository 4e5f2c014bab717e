"""What each gateway event changes: one row per event.

The rows follow `Gateway Events <https://docs.discord.com/developers/events/gateway-events>`_ and are in files by topic.
An event without a row is counted and ignored. In payloads, absent, null and empty mean different things: absent fields
stay as they are.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping

from . import (
    events_application,
    events_channels,
    events_guilds,
    events_members,
    events_messages,
    events_moderation,
    events_scheduled,
    events_threads,
)
from .changes import Change
from .model import Payload
from .plans import Context, Event, Plan

__all__ = ("EVENTS", "Event", "add")

_events: dict[str, Event] = {
    **events_guilds.ROWS,
    **events_channels.ROWS,
    **events_threads.ROWS,
    **events_members.ROWS,
    **events_messages.ROWS,
    **events_scheduled.ROWS,
    **events_moderation.ROWS,
    **events_application.ROWS,
}

EVENTS: typing.Final[Mapping[str, Event]] = types.MappingProxyType(_events)
"""Every row by the name of its event."""


def add(name: str, event: Event) -> None:
    """Add to the changes of an event. Plugins do this with the hook ``persist_entities``."""
    known = _events.get(name)
    _events[name] = event if known is None else Event(_both(known.plan, event.plan), f"{known.about} {event.about}")


def _both(first: Plan, second: Plan) -> Plan:
    def plan(payload: Payload, context: Context) -> Iterator[Change]:
        yield from first(payload, context)
        yield from second(payload, context)

    return plan
