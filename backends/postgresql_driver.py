"""How PostgreSQL is talked to: its connections, its transactions, and what its errors mean."""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
import typing
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence

from persist.errors import BackendError, MissingDriverError
from persist.pool import Link, Pool, keep_alive
from persist.schema import Table
from persist.spi import Row, Transaction

try:
    import asyncpg
except ModuleNotFoundError as _error:
    raise MissingDriverError("asyncpg", "postgresql") from _error

__all__ = ("PostgresDriver", "connecting")


def connecting(dsn: str, **arguments: object) -> Callable[[], Awaitable[typing.Any]]:
    """Return what makes a connection, with the arguments of ``asyncpg.connect``."""
    return functools.partial(asyncpg.connect, dsn, max_cached_statement_lifetime=0, **arguments)


class _Transaction:
    def __init__(self, connection: typing.Any) -> None:
        self._connection = connection

    async def execute(self, sql: str, params: Row = ()) -> None:
        await self._connection.execute(sql, *params)

    async def fetch(self, sql: str, params: Row = ()) -> Sequence[Row]:
        return typing.cast("Sequence[Row]", await self._connection.fetch(sql, *params))

    async def load(self, table: Table, parts: AsyncIterator[bytes]) -> bool:
        """Write new rows by COPY, which knows no way around a row that is there: then write none of them."""
        names = [field.name for field in table.fields]
        await self._connection.execute("SAVEPOINT loading")
        try:
            await self._connection.copy_to_table(table.name, source=parts, columns=names)
        except asyncpg.UniqueViolationError:
            await self._connection.execute("ROLLBACK TO SAVEPOINT loading")
            return False
        await self._connection.execute("RELEASE SAVEPOINT loading")
        return True


class PostgresDriver:
    """Runs SQL on a PostgreSQL database, on a few connections.

    Parameters
    ----------
    connect
        Makes a connection.
    name
        What the database is called in messages.
    least, most
        How many connections are made at once, and how many at most.
    """

    errors: tuple[type[Exception], ...] = (
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
        OSError,
    )

    def __init__(
        self, connect: Callable[[], Awaitable[typing.Any]], name: str, *, least: int = 1, most: int = 4
    ) -> None:
        self._connect = connect
        self._name = name
        self._sizes = (least, max(least, most))
        self._pool: Pool[typing.Any] | None = None
        self._was_open = False

    def __repr__(self) -> str:
        return f"the PostgreSQL database {self._name}"

    async def open(self) -> None:
        pool = Pool(Link(self._connected, _close, _is_usable, _is_lost), *self._sizes)
        await pool.open()
        self._pool, self._was_open = pool, True

    async def _connected(self) -> typing.Any:
        connection = await self._connect()
        keep_alive(getattr(connection, "_transport", None))
        return connection

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        async with self._opened().lend() as connection:
            await connection.execute("BEGIN")
            try:
                yield _Transaction(connection)
                await connection.execute("COMMIT")
            except Exception:
                with contextlib.suppress(*self.errors):
                    await connection.execute("ROLLBACK")
                raise

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Transaction]:
        """Lend a connection that sees the database as it is now, whatever others write meanwhile."""
        async with self._opened().lend() as connection:
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                await connection.fetch("SELECT 1")
                yield _Transaction(connection)
            finally:
                with contextlib.suppress(*self.errors):
                    await connection.execute("ROLLBACK")

    async def fetch(self, sql: str, params: Row = ()) -> Sequence[Row]:
        async with self._opened().lend() as connection:
            return typing.cast("Sequence[Row]", await connection.fetch(sql, *params))

    async def lookup(self, sql: str, params: Row = ()) -> Sequence[Row]:
        return await self.fetch(sql, params)

    def _opened(self) -> Pool[typing.Any]:
        if self._pool is None:
            msg = f"{self!r} is not open"
            raise BackendError(msg)
        return self._pool

    def temporary(self, error: Exception) -> bool:
        if isinstance(error, ValueError):  # a value that cannot be sent
            return False
        if _state(error).startswith(_REFUSED) or isinstance(error, (socket.gaierror, ssl.SSLError)):
            # At first it is a mistake in the URL; later somebody is at work on the server, or on the network.
            return self._was_open
        return not isinstance(error, asyncpg.PostgresError) or _is_temporary(error)

    def explain(self, error: Exception) -> str:
        state = _state(error)
        way_out = next((way for start, way in _WAYS_OUT.items() if state.startswith(start)), "")
        for kind, way in _OTHER_WAYS_OUT:
            if isinstance(error, kind):
                way_out = way
                break
        said = str(error) or type(error).__name__
        return f"{self!r}: {said}{way_out}"


def _state(error: Exception) -> str:
    return str(getattr(error, "sqlstate", None) or "") if isinstance(error, asyncpg.PostgresError) else ""


_READ_ONLY: typing.Final = "25006"
_REFUSED: typing.Final = ("28", "3D")
_TEMPORARY: typing.Final = ("08", "25", "40", "53", "55", "57", "58")
"""Classes of errors: connection, transaction state, rollback, resources, locks, operators, system."""
_LOST: typing.Final = ("08", "57P", _READ_ONLY)


def _is_temporary(error: Exception) -> bool:
    stale = (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)
    return isinstance(error, stale) or _state(error).startswith(_TEMPORARY)


def _is_lost(error: Exception) -> bool:
    if isinstance(error, asyncpg.InterfaceError):
        return not isinstance(error, ValueError)
    return isinstance(error, (OSError, asyncpg.InternalClientError)) or _state(error).startswith(_LOST)


def _is_usable(connection: typing.Any) -> bool:
    return not connection.is_closed() and not connection.is_in_transaction()


async def _close(connection: typing.Any) -> None:
    try:
        await connection.close(timeout=5)
    finally:
        connection.terminate()


_WAYS_OUT: typing.Final = {
    "28P01": "; is the password right?",
    "28": "; may this user connect from here (pg_hba.conf)?",
    "3D": "; make it first, with CREATE DATABASE, or name another",
    "3F": "; make it first, with CREATE SCHEMA, or name another",
    "42501": "; let its owner GRANT CREATE, USAGE ON SCHEMA to this user, or name a database of its own",
    _READ_ONLY: "; this server only reads: name the primary, or all servers with ?target_session_attrs=primary",
    "53100": "; make room on the disk of the server",
    "53300": "; allow more connections on the server, or fewer with ?max=",
    "57014": "; it took longer than its time limit",
    "57P03": "; the server is starting or stopping, try again",
}
_OTHER_WAYS_OUT: typing.Final = (
    (socket.gaierror, "; is the name of the host right, and can this machine look it up?"),
    (ssl.SSLError, "; is its certificate for this name, and from whom sslrootcert says?"),
    (FileNotFoundError, "; is there such a file or socket?"),
    (ConnectionRefusedError, "; is the server running there?"),
    (TimeoutError, "; nobody answered in time: is the server running, and does a firewall let this machine through?"),
    (OSError, "; is the server running there?"),
    (asyncpg.TargetServerAttributeNotMatched, "; none of the named servers is what target_session_attrs asks for"),
)
