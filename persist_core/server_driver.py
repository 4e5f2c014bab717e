"""The driver that is written once for all servers, given how the client library of one of them is used."""

from __future__ import annotations

import contextlib
import typing
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from .errors import BackendError
from .pool import Link, Pool
from .spi import Row, Transaction

__all__ = ("Client", "ServerDriver")

C = typing.TypeVar("C")


class Client(typing.NamedTuple, typing.Generic[C]):
    """How one client library is used, as data: all that differs between servers but for how they spell."""

    server: str
    """What its kind of database is called in messages."""

    errors: tuple[type[Exception], ...]
    """What it raises."""

    run: Callable[[C, str], Awaitable[object]]
    """Runs a statement that has no parameters and whose answer nobody needs."""

    fetch: Callable[[C, str, Row], Awaitable[Sequence[Row]]]
    """Runs a query and returns its rows."""

    transaction: Callable[[C], Transaction]
    """Makes what statements of a transaction are run with, on a connection that is in one."""

    begin: str
    """Begins a transaction."""

    snapshot: Sequence[str]
    """Begin a transaction that only reads, and sees all that was committed before, and nothing that is afterwards."""

    close: Callable[[C], Awaitable[None]]
    """Ends a connection in whatever state it is."""

    is_usable: Callable[[C], bool]
    """Whether a connection is open, and in no transaction."""

    is_lost: Callable[[Exception], bool]
    """Whether an error says that the server is not the one it was: gone, restarted, or only reading now."""

    is_refused: Callable[[Exception], bool]
    """Whether an error says that nobody is let in, or no such server is there: at first, a mistake in the URL."""

    is_temporary: Callable[[Exception], bool]
    """Whether the same request may succeed later, of an error that is no refusal."""

    is_conflict: Callable[[Exception], bool]
    """Whether an error says that another transaction was in the way, and that the same is done again at once."""

    told: Callable[[Exception], str]
    """Says what went wrong and the way out. Never with a password."""


class ServerDriver(typing.Generic[C]):
    """Runs SQL on the database of a server, on a few connections: a :class:`~persist.spi.Driver`.

    Parameters
    ----------
    client
        How its client library is used.
    connect
        Makes a connection.
    name
        What the database is called in messages.
    least, most
        How many connections are made at once, and how many at most.
    """

    def __init__(
        self,
        client: Client[C],
        connect: Callable[[], Awaitable[C]],
        name: str,
        *,
        least: int = 1,
        most: int = 4,
    ) -> None:
        self.errors: tuple[type[Exception], ...] = client.errors
        self._client = client
        self._link = Link(connect, client.close, client.is_usable, client.is_lost)
        self._name = name
        self._sizes = (least, max(least, most))
        self._pool: Pool[C] | None = None
        self._was_open = False

    def __repr__(self) -> str:
        return f"the {self._client.server} database {self._name}"

    async def open(self) -> None:
        """Connect."""
        pool = Pool(self._link, *self._sizes)
        await pool.open()
        self._pool, self._was_open = pool, True

    async def close(self) -> None:
        """Disconnect. If there is no connection, this is a no-op."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        """Lend a connection on which statements are made all or, on any exception, none."""
        async with self._opened().lend() as connection:
            await self._client.run(connection, self._client.begin)
            try:
                yield self._client.transaction(connection)
                await self._client.run(connection, "COMMIT")
            except Exception:
                await self._roll_back(connection)
                raise

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Transaction]:
        """Lend a connection that sees the database as it is now, whatever others write meanwhile."""
        async with self._opened().lend() as connection:
            try:
                for sql in self._client.snapshot:
                    await self._client.run(connection, sql)
                yield self._client.transaction(connection)
            finally:
                await self._roll_back(connection)

    async def _roll_back(self, connection: C) -> None:
        with contextlib.suppress(*self.errors):
            await self._client.run(connection, "ROLLBACK")

    async def fetch(self, sql: str, params: Row = ()) -> Sequence[Row]:
        """Run one query, beside any transaction, and return its rows."""
        async with self._opened().lend() as connection:
            return await self._client.fetch(connection, sql, params)

    async def lookup(self, sql: str, params: Row = ()) -> Sequence[Row]:
        """Run one query of a few rows by key."""
        return await self.fetch(sql, params)

    def _opened(self) -> Pool[C]:
        if self._pool is None:
            msg = f"{self!r} is not open"
            raise BackendError(msg)
        return self._pool

    def temporary(self, error: Exception) -> bool:
        """Tell whether the same request may succeed later."""
        if self._client.is_refused(error):
            # At first it is a mistake in the URL; later somebody is at work on the server, or on the network.
            return self._was_open
        return self._client.is_temporary(error)

    def collides(self, error: Exception) -> bool:
        """Tell whether another transaction was in the way."""
        return self._client.is_conflict(error)

    def explain(self, error: Exception) -> str:
        """Say in one sentence what went wrong and the way out."""
        return f"{self!r}: {self._client.told(error)}"
