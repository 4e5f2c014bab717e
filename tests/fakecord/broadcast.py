"""Sends events to the sessions that should receive them."""

from __future__ import annotations

import contextlib
import contextvars
import typing

from .encoding import dumps
from .observer import Observer
from .payloads import Payload
from .session import Session
from .world import World

_NAMED_BY_THEIR_OWN_ID: typing.Final = frozenset({"GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE"})


class Broadcast:
    """Sends events to every session that should receive them.

    Attributes
    ----------
    sessions
        The sessions that a client has or may resume, by ID.
    """

    def __init__(self, world: World, observer: Observer) -> None:
        self.world = world
        self.observer = observer
        self.sessions: dict[str, Session] = {}
        self._silent = contextvars.ContextVar("silent", default=False)

    @contextlib.asynccontextmanager
    async def silently(self) -> typing.AsyncIterator[None]:
        """Change the world without events, for the current task, until the block ends.

        Nothing is kept for a later resume either: the client only finds out from the next GUILD_CREATE.
        """
        token = self._silent.set(True)
        try:
            yield
        finally:
            self._silent.reset(token)

    def live_sessions(self) -> list[Session]:
        """Return the connected sessions."""
        return [session for session in self.sessions.values() if session.connection is not None]

    def listeners(self, name: str, guild_id: str | None) -> list[Session]:
        """Return the sessions that should receive an event of that guild; none while changes are silent."""
        if self._silent.get():
            return []
        return [session for session in self.sessions.values() if session.hears(name, guild_id)]

    async def emit(self, name: str, payload: Payload, guild_id: str | None = None) -> None:
        """Send an event, known or not, without changing the world.

        Parameters
        ----------
        name
            The event's name.
        payload
            Its data.
        guild_id
            The guild it happens in, if the payload does not say so.
        """
        if guild_id is None:
            guild_id = payload.get("id" if name in _NAMED_BY_THEIR_OWN_ID else "guild_id")
        if self._is_out(name, guild_id):
            return
        listeners = self.listeners(name, guild_id)
        if not self._silent.get():
            self.observer.emitted[name] += 1
        if listeners:
            body = dumps(payload)
            for session in listeners:
                await session.dispatch(name, payload, body)

    def _is_out(self, name: str, guild_id: str | None) -> bool:
        guild = self.world.guilds.get(guild_id or "")
        return guild is not None and not guild.available and name != "GUILD_DELETE"
