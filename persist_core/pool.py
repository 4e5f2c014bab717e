"""A few connections to a server: made when needed, lent to one at a time, and made anew when the server was away."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import typing
from collections.abc import AsyncGenerator, Awaitable, Callable

__all__ = ("Link", "Pool", "keep_alive")

C = typing.TypeVar("C")


class Link(typing.NamedTuple, typing.Generic[C]):
    """How connections are made and ended with one client library."""

    connect: Callable[[], Awaitable[C]]
    close: Callable[[C], Awaitable[None]]
    """Ends a connection in whatever state it is."""

    is_usable: Callable[[C], bool]
    """Whether a connection is open, and in no transaction."""

    is_lost: Callable[[Exception], bool]
    """Whether an error says that the server is not the one it was: gone, restarted, or only reading now."""


class Pool(typing.Generic[C]):
    """Lends connections.

    Parameters
    ----------
    link
        How they are made and ended.
    least
        How many are made at once.
    most
        How many there are at most; who needs one more waits.
    """

    def __init__(self, link: Link[C], least: int, most: int) -> None:
        self._link = link
        self._least = least
        self._room = asyncio.Semaphore(most)
        self._idle: list[C] = []
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def open(self) -> None:
        """Connect. When that fails, nothing stays connected."""
        try:
            for _ in range(self._least):
                self._idle.append(await self._link.connect())
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Disconnect. Connections that are lent end as they come back."""
        self._closed = True
        self._end_idle()
        while self._ending:
            await asyncio.wait(self._ending)

    @contextlib.asynccontextmanager
    async def lend(self) -> AsyncGenerator[C]:
        """Lend a connection. Whoever is cancelled while using it leaves it in an unknown state: then it ends."""
        async with self._room:
            connection = await self._take()
            reusable = False
            try:
                yield connection
                reusable = True
            except Exception as error:
                reusable = not self._link.is_lost(error)
                if not reusable:
                    self._end_idle()  # they lead to the same server
                raise
            finally:
                if reusable and not self._closed and self._link.is_usable(connection):
                    self._idle.append(connection)
                else:
                    self._end(connection)

    async def _take(self) -> C:
        while self._idle:
            connection = self._idle.pop()
            if self._link.is_usable(connection):
                return connection
            self._end(connection)
        return await self._link.connect()

    def _end_idle(self) -> None:
        while self._idle:
            self._end(self._idle.pop())

    def _end(self, connection: C) -> None:
        task = asyncio.create_task(self._close(connection), name="persist: end a connection")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _close(self, connection: C) -> None:
        # Whatever is wrong with a connection that ends, nobody is there to hear of it.
        with contextlib.suppress(Exception):
            await self._link.close(connection)


_KEEP_ALIVE: typing.Final = (
    ("TCP_KEEPIDLE", 15),
    ("TCP_KEEPINTVL", 5),
    ("TCP_KEEPCNT", 3),
    ("TCP_USER_TIMEOUT", 30_000),
)


def keep_alive(transport: asyncio.BaseTransport | None) -> None:
    """Let the system notice within half a minute that the other side has vanished without a word."""
    raw: socket.socket | None = transport.get_extra_info("socket") if transport is not None else None
    if raw is None or raw.family not in (socket.AF_INET, socket.AF_INET6):
        return
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEP_ALIVE:  # which of them there are depends on the system
        if (option := getattr(socket, name, None)) is not None:
            raw.setsockopt(socket.IPPROTO_TCP, option, value)
