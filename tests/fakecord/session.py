"""A gateway session: what a client has subscribed to, and the events that can be replayed."""

from __future__ import annotations

import collections
import time

from .connection import Connection
from .encoding import dumps
from .intents import Intent, wants, without_content
from .payloads import Payload

_MESSAGE_EVENTS = frozenset({"MESSAGE_CREATE", "MESSAGE_UPDATE"})
_EVERY_SHARD = frozenset({"USER_UPDATE"})
_CONTENT = int(Intent.MESSAGE_CONTENT)


class Session:
    """One shard's session, which may outlive its connection.

    Attributes
    ----------
    sequence
        The number of its last event.
    arriving
        The guilds announced in READY whose GUILD_CREATE is still to come; their other events are not sent before it.
    last_acked
        The sequence number in the client's last heartbeat.
    """

    def __init__(self, session_id: str, bot_id: str, identify: Payload, connection: Connection, replay: int) -> None:
        self.id = session_id
        self.shard: tuple[int, int] = tuple(identify.get("shard", (0, 1)))
        self.intents: int = identify["intents"]
        self.large_threshold: int = identify.get("large_threshold", 50)
        self.connection: Connection | None = connection
        self.sequence = 0
        self.resumes = 0
        self.last_acked: int | None = None
        self.arriving: set[str] = set()
        self.detached_at: float | None = None
        self._bot_id = bot_id
        self._buffer: collections.deque[tuple[int, bytes]] = collections.deque(maxlen=replay)

    def owns(self, guild_id: str | None) -> bool:
        """Return whether this shard receives events of a guild; None means direct messages."""
        shard, count = self.shard
        return shard == 0 if guild_id is None else (int(guild_id) >> 22) % count == shard

    def hears(self, name: str, guild_id: str | None) -> bool:
        """Return whether this session receives events of that guild, regardless of its intents."""
        return guild_id not in self.arriving and (name in _EVERY_SHARD or self.owns(guild_id))

    def frame(self, name: str, body: bytes) -> bytes:
        """Give an event its number and remember it for a resume."""
        self.sequence += 1
        raw = b'{"t":"%s","s":%d,"op":0,"d":%s}' % (name.encode(), self.sequence, body)
        self._buffer.append((self.sequence, raw))
        return raw

    async def dispatch(self, name: str, payload: Payload, body: bytes | None = None) -> None:
        """Send the client an event that its intents allow, or keep it for a resume if the client is away."""
        if not wants(self.intents, name, payload, self._bot_id):
            return
        if name in _MESSAGE_EVENTS and not self.intents & _CONTENT:
            payload, body = without_content(payload, self._bot_id), None
        raw = self.frame(name, dumps(payload) if body is None else body)
        if self.connection is not None:
            await self.connection.send(raw)

    def can_resume_from(self, sequence: int) -> bool:
        """Return whether every event after that number is still remembered."""
        first = self._buffer[0][0] if self._buffer else self.sequence + 1
        return sequence + 1 >= first

    async def resume(self, connection: Connection, sequence: int) -> None:
        """Replay the events that the client missed, and then continue with a new connection."""
        while sequence < self.sequence:  # Events may happen while the missed ones are being sent.
            missed = [entry for entry in self._buffer if entry[0] > sequence]
            for _, raw in missed:
                await connection.send(raw)
            sequence = missed[-1][0]
        self.connection = connection
        self.detached_at = None
        self.resumes += 1
        await self.dispatch("RESUMED", {"_trace": ["fakecord"]})

    def detach(self) -> Connection | None:
        """Forget the connection but keep the session."""
        connection, self.connection = self.connection, None
        self.detached_at = time.monotonic()
        return connection

    def is_expired(self, window: float) -> bool:
        """Return whether the client has been away for longer than `window` seconds."""
        return self.detached_at is not None and time.monotonic() - self.detached_at > window
