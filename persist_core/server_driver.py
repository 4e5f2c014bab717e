"""The driver for all database servers, given how to use the client library of one of them."""

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
    """How to use one client library, as data: everything that differs between servers, except their SQL."""

    server: str
    """The name of this type of database in messages."""

    errors: tuple[type[Exception], ...]
    """The exceptions of the library."""

    run: Callable[[C, str], Awaitable[object]]
    """Runs a statement without parameters or a result."""

    fetch: Callable[[C, str, Row], Awaitable[Sequence[Row]]]
    """Runs a query and returns its rows."""

    transaction: Callable[[C], Transaction]
    """Makes a transaction object from a connection that is in a transaction."""

    begin: str
    """The statement that begins a transaction."""

    snapshot: Sequence[str]
    """The statements that begin a read-only transaction with a snapshot of everything committed so far."""

    close: Callable[[C], Awaitable[None]]
    """Closes a connection, whatever its state."""

    is_usable: Callable[[C], bool]
    """Whether a connection is open, and not in a transaction."""

    is_lost: Callable[[Exception], bool]
    """Whether an error means that the server has changed: it is gone, was restarted, or is read-only now."""

    is_refused: Callable[[Exception], bool]
    """Whether an error means that the login or the server is wrong: on the first connection, a mistake in the URL."""

    is_temporary: Callable[[Exception], bool]
    """Whether the same request may succeed later, for errors that are not a refusal."""

    is_conflict: Callable[[Exception], bool]
    """Whether an error means that another transaction was in the way, so that an immediate retry helps."""

    told: Callable[[Exception], str]
    """Returns what went wrong and the way out. Never include a password."""

    is_too_long: Callable[[Exception], bool] = lambda _: False
    """Whether an error means that a statement exceeded its time limit."""

    is_withheld: Callable[[Exception], bool] = lambda _: False
    """Whether an error means that a right or a table is missing: once it has been used, it may come back."""


class ServerDriver(typing.Generic[C]):
    """Runs SQL on a database server, with a few connections: a :class:`~persist.spi.Driver`.

    Parameters
    ----------
    client
        How to use the client library.
    connect
        Opens a connection.
    name
        The name of the database in messages.
    least, most
        How many connections to open at the start, and the maximum.

    Attributes
    ----------
    recognise
        If set, called with each new connection. Its errors go to the caller who needed the connection.
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
        self._connect = connect
        self.recognise: Callable[[Transaction], Awaitable[None]] | None = None
        self._link = Link(self._connected, client.close, client.is_usable, client.is_lost)
        self._name = name
        self._sizes = (least, most)
        self._pool: Pool[C] | None = None
        self._was_open = self._was_used = False

    def __repr__(self) -> str:
        return f"the {self._client.server} database {self._name}"

    async def open(self) -> None:
        """Connect."""
        pool = Pool(self._link, *self._sizes)
        await pool.open()
        self._pool, self._was_open = pool, True

    async def _connected(self) -> C:
        connection = await self._connect()
        if self.recognise is not None:
            try:
                await self.recognise(self._client.transaction(connection))
            except BaseException:
                with contextlib.suppress(Exception):
                    await self._client.close(connection)
                raise
        return connection

    async def close(self) -> None:
        """Disconnect. If there is no connection, this is a no-op."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        """Yield a connection that commits its statements at the end, or rolls back on any exception."""
        async with self._opened().lend() as connection:
            await self._client.run(connection, self._client.begin)
            try:
                yield self._client.transaction(connection)
                await self._client.run(connection, "COMMIT")
                self._was_used = True
            except Exception:
                await self._roll_back(connection)
                raise

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Transaction]:
        """Yield a connection with a snapshot of the database, unaffected by what others write meanwhile."""
        async with self._opened().lend() as connection:
            try:
                for sql in self._client.snapshot:
                    await self._client.run(connection, sql)
                yield self._client.transaction(connection)
            finally:
                await self._roll_back(connection)

    async def _roll_back(self, connection: C) -> None:
        with contextlib.suppress(*self.errors, RuntimeError):  # the second is uvloop's if the connection has ended
            await self._client.run(connection, "ROLLBACK")

    async def fetch(self, sql: str, params: Row = ()) -> Sequence[Row]:
        """Run one query, outside any transaction, and return its rows."""
        async with self._opened().lend() as connection:
            return await self._client.fetch(connection, sql, params)

    async def lookup(self, sql: str, params: Row = ()) -> Sequence[Row]:
        """Run one query that returns a few rows by key."""
        return await self.fetch(sql, params)

    def _opened(self) -> Pool[C]:
        if self._pool is None:
            msg = f"{self!r} is not open"
            raise BackendError(msg)
        return self._pool

    def temporary(self, error: Exception) -> bool:
        """Return whether the same request may succeed later."""
        if self._client.is_refused(error):
            # On the first connection this is a mistake in the URL; later, maintenance of the server or the network.
            return self._was_open
        return self._client.is_temporary(error) or (self._was_used and self._client.is_withheld(error))

    def collides(self, error: Exception) -> bool:
        """Return whether another transaction was in the way."""
        return self._client.is_conflict(error)

    def exceeds(self, error: Exception) -> bool:
        """Return whether a statement took longer than the server or the URL allows."""
        return self._client.is_too_long(error)

    def explain(self, error: Exception) -> str:
        """Return one sentence that says what went wrong and the way out."""
        return f"{self!r}: {self._client.told(error)}"
