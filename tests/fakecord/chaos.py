"""What goes wrong: connections drop, sessions end, requests fail."""

from __future__ import annotations

import asyncio
import dataclasses
import re

from .broadcast import Broadcast
from .gateway import INVALID_SESSION, RECONNECT


@dataclasses.dataclass(slots=True)
class RestFailure:
    """Which REST requests should fail."""

    path: re.Pattern[str]
    status: int
    times: int


class Chaos:
    """Makes things go wrong.

    Attributes
    ----------
    failures
        The REST failures still to come.
    """

    def __init__(self, broadcast: Broadcast) -> None:
        self.failures: list[RestFailure] = []
        self._broadcast = broadcast

    async def drop_connections(self) -> None:
        """Reset the TCP connection of every client, without a close frame."""
        for session in self._broadcast.live_sessions():
            connection = session.detach()
            if connection is not None:
                connection.abort()
        await asyncio.sleep(0)

    async def close_connections(self, code: int, reason: str = "") -> None:
        """Close the connection of every client with a code."""
        for session in self._broadcast.live_sessions():
            if session.connection is not None:
                await session.connection.close(code, reason)

    async def request_reconnect(self) -> None:
        """Ask every client to reconnect and resume (opcode 7)."""
        for session in self._broadcast.live_sessions():
            if session.connection is not None:
                await session.connection.send_opcode(RECONNECT)

    async def invalidate(self, *, resumable: bool = False) -> None:
        """Invalidate every live session (opcode 9); unless `resumable`, clients must identify again."""
        for session in self._broadcast.live_sessions():
            connection = session.connection
            if not resumable:
                session.detach()
                del self._broadcast.sessions[session.id]
            if connection is not None:
                await connection.send_opcode(INVALID_SESSION, resumable)

    def expire_sessions(self) -> None:
        """Forget every session without a connection: a later resume gets an invalid session."""
        for session in list(self._broadcast.sessions.values()):
            if session.connection is None:
                del self._broadcast.sessions[session.id]

    def fail_rest(self, path: str, status: int = 500, times: int = 1) -> None:
        """Let the next REST requests with a matching path fail.

        Parameters
        ----------
        path
            A regular expression searched for in the path after `/api/v10`.
        status
            The status to answer with; 429 comes with the headers of a rate limit.
        times
            How many requests fail.
        """
        self.failures.append(RestFailure(re.compile(path), status, times))

    def next_failure(self, path: str) -> int | None:
        """Return the status that a request must fail with, if any, and count it."""
        for failure in self.failures:
            if failure.times and failure.path.search(path):
                failure.times -= 1
                return failure.status
        return None
