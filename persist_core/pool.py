"""A pool of connections to a server: opened when needed, lent to one user at a time, and replaced after an outage."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import typing
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

__all__ = ("Link", "Pool", "keep_alive")

C = typing.TypeVar("C")


class Link(typing.NamedTuple, typing.Generic[C]):
    """How to open and close connections with one client library."""

    connect: Callable[[], Awaitable[C]]
    close: Callable[[C], Awaitable[None]]
    """Closes a connection, whatever its state."""

    is_usable: Callable[[C], bool]
    """Whether a connection is open, and not in a transaction."""

    is_lost: Callable[[Exception], bool]
    """Whether an error means that the server has changed: it is gone, was restarted, or is read-only now."""


class Pool(typing.Generic[C]):
    """Lends connections.

    Parameters
    ----------
    link
        How to open and close them.
    least
        How many to open at the start.
    most
        The maximum; anyone who needs one more waits.
    """

    def __init__(self, link: Link[C], least: int, most: int) -> None:
        self._link = link
        self._least = least
        self._room = asyncio.Semaphore(most)
        self._idle: list[C] = []
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def open(self) -> None:
        """Connect. If that fails, no connection stays open."""
        try:
            for _ in range(self._least):
                self._idle.append(await self._link.connect())
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Disconnect. Lent connections are closed when they are returned."""
        self._closed = True
        self._end_idle()
        while self._ending:
            await asyncio.wait(self._ending)

    @contextlib.asynccontextmanager
    async def lend(self) -> AsyncGenerator[C]:
        """Lend a connection. If its user is canceled, its state is unknown, so it is closed."""
        async with self._room:
            connection = await self._take()
            reusable = False
            try:
                with _noticing_its_end():
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
        # Nobody needs to know what is wrong with a connection that is being closed.
        with contextlib.suppress(Exception):
            await self._link.close(connection)


@contextlib.contextmanager
def _noticing_its_end() -> Generator[None]:
    """Raise what asyncio would if a connection has ended, where uvloop raises something that could be a mistake."""
    try:
        yield
    except RuntimeError as error:
        if "the handler is closed" not in str(error):
            raise
        msg = "the connection has ended"
        raise ConnectionResetError(msg) from error


_KEEP_ALIVE: typing.Final = (
    ("TCP_KEEPIDLE", 15),
    ("TCP_KEEPINTVL", 5),
    ("TCP_KEEPCNT", 3),
    ("TCP_USER_TIMEOUT", 30_000),
)


def keep_alive(transport: asyncio.BaseTransport | None) -> None:
    """Let the system notice within half a minute if the other side has vanished."""
    raw: socket.socket | None = transport.get_extra_info("socket") if transport is not None else None
    if raw is None or raw.family not in (socket.AF_INET, socket.AF_INET6):
        return
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEP_ALIVE:  # the system may not have all of them
        if (option := getattr(socket, name, None)) is not None:
            raw.setsockopt(socket.IPPROTO_TCP, option, value)
