"""The driver for PostgreSQL: connections, transactions, and what errors mean."""

from __future__ import annotations

import re
import socket
import ssl
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from persist.driver_errors import DROPPED
from persist.errors import MissingDriverError
from persist.pool import keep_alive
from persist.schema import Table
from persist.server_driver import Client
from persist.spi import Row

try:
    import asyncpg
except ModuleNotFoundError as _error:
    raise MissingDriverError("asyncpg", "postgresql") from _error

__all__ = ("CLIENT", "connecting")


def connecting(dsn: str, **arguments: typing.Any) -> Callable[[], Awaitable[typing.Any]]:
    """Return a function that connects, with the arguments of ``asyncpg.connect``."""

    async def connect() -> typing.Any:
        connection = await asyncpg.connect(dsn, max_cached_statement_lifetime=0, **arguments)
        keep_alive(getattr(connection, "_transport", None))
        return connection

    return connect


async def _run(connection: typing.Any, sql: str) -> object:
    return await connection.execute(sql)


async def _fetch(connection: typing.Any, sql: str, params: Row) -> Sequence[Row]:
    return typing.cast("Sequence[Row]", await connection.fetch(sql, *params))


async def _ask(connection: typing.Any, sql: str, params: Row) -> Sequence[Row]:
    try:
        return await _fetch(connection, sql, params)
    except asyncpg.DataError:
        # asyncpg rejected a value after the server prepared the statement, and the server holds table locks until the
        # next message.
        await connection.execute("SELECT 1")
        raise


class _Transaction:
    def __init__(self, connection: typing.Any) -> None:
        self._connection = connection

    async def execute(self, sql: str, params: Row = ()) -> None:
        await self._connection.execute(sql, *params)

    async def fetch(self, sql: str, params: Row = ()) -> Sequence[Row]:
        return await _fetch(self._connection, sql, params)

    async def load(self, table: Table, parts: AsyncIterator[bytes]) -> bool:
        """Write new rows with COPY, which cannot skip existing rows: if there is one, write none."""
        names = [field.name for field in table.fields]
        await self._connection.execute("SAVEPOINT loading")
        # While asyncpg waits for room to send more, it does not notice that the server ends the connection.
        self._connection.add_termination_listener(_send_on)
        try:
            await self._connection.copy_to_table(table.name, source=_while_open(self._connection, parts), columns=names)
        except asyncpg.UniqueViolationError:
            await self._connection.execute("ROLLBACK TO SAVEPOINT loading")
            return False
        finally:
            self._connection.remove_termination_listener(_send_on)
        await self._connection.execute("RELEASE SAVEPOINT loading")
        return True


def _send_on(connection: typing.Any) -> None:
    connection._protocol.resume_writing()  # noqa: SLF001 - there is no public name for it


async def _while_open(connection: typing.Any, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for part in parts:
        if connection.is_closed():
            return
        yield part


def _state(error: Exception) -> str:
    return str(getattr(error, "sqlstate", None) or "") if isinstance(error, asyncpg.PostgresError) else ""


_READ_ONLY: typing.Final = "25006"
_NOT_OURS: typing.Final = ("26000", "42P05")
"""A prepared statement is missing, or another client prepared it: a pooler has lent the connection to both."""
_REFUSED: typing.Final = ("28", "3D")
_TEMPORARY: typing.Final = ("08", "25", "40", "53", "55", "57", "58", *_NOT_OURS)
"""Classes of errors: connection, transaction state, rollback, resources, locks, operators, system."""
_CANCELED: typing.Final = "57014"
_WITHHELD: typing.Final = "42501"
_NO_TABLE: typing.Final = "42P01"
_CONFLICTS: typing.Final = ("40001", "40P01")
_LOST: typing.Final = ("08", "57P", _READ_ONLY, *_NOT_OURS)
_NOT_PASSED: typing.Final = re.compile(r"unsupported startup parameter(?: in options)?: (\w+)")
"""PgBouncer's error for a setting in a URL that it cannot keep per client."""


def _is_refused(error: Exception) -> bool:
    if _NOT_PASSED.search(str(error)):
        return True
    return _state(error).startswith(_REFUSED) or isinstance(error, (socket.gaierror, ssl.SSLError))


def _is_temporary(error: Exception) -> bool:
    if not isinstance(error, asyncpg.PostgresError):
        return not isinstance(error, ValueError)  # a value that cannot be sent
    stale = (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)
    return isinstance(error, stale) or _state(error).startswith(_TEMPORARY)


def _is_too_long(error: Exception) -> bool:
    return _state(error) == _CANCELED and "timeout" in str(error)


def _is_withheld(error: Exception) -> bool:
    return _state(error) in (_WITHHELD, _NO_TABLE)


def _is_conflict(error: Exception) -> bool:
    return _state(error) in _CONFLICTS


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
    "28": "; can this user connect from here (pg_hba.conf)?",
    "3D": "; create it first, with CREATE DATABASE, or name another",
    "40": "; another process changed the same data at the same moment, try again",
    "3F": "; create it first, with CREATE SCHEMA, or name another",
    _WITHHELD: "; have its owner GRANT CREATE, USAGE ON SCHEMA to this user if tables are to be created, or SELECT, "
    "INSERT, UPDATE, DELETE on the existing tables (SELECT to read only), or name another database",
    _NO_TABLE: DROPPED,
    _READ_ONLY: "; this server is read-only: name the primary, or all servers with ?target_session_attrs=primary; if "
    "it is the primary, set default_transaction_read_only to off for the server, the database, or this user",
    "53100": "; free some space on the server's disk",
    "53300": "; allow more connections on the server, or fewer with ?max=",
    "55P03": "; another process has held a lock for longer than ?timeout=: what else uses these tables?",
    _CANCELED: "; it took longer than its time limit, or somebody canceled it",
    "57P03": "; the server is starting or stopping, try again",
}
_OTHER_WAYS_OUT: typing.Final = (
    (socket.gaierror, "; is the host name right, and can this machine resolve it?"),
    (ssl.SSLError, "; is its certificate for this host name, and signed by one in sslrootcert?"),
    (FileNotFoundError, "; is there such a file or socket?"),
    (ConnectionRefusedError, "; is the server running there?"),
    (TimeoutError, "; no answer in time: is the server running, and does a firewall let this machine through?"),
    (OSError, "; is the server running there?"),
    (asyncpg.TargetServerAttributeNotMatched, "; none of the named servers fits target_session_attrs"),
)


_BUSY: typing.Final = re.compile(r"another operation (\(\d+\) )?is (in progress|cancelling)")
"""asyncpg's errors for a connection that is still busy with a canceled operation."""


def _told(error: Exception) -> str:
    if _BUSY.search(str(error)):
        return "a connection was still busy with a canceled operation, or about to end, and has been dropped; try again"
    state = _state(error)
    if state in _NOT_OURS:
        return "a PgBouncer shares connections between clients; put ?statement_cache_size=0 into the URL"
    if named := _NOT_PASSED.search(str(error)):
        return (
            f"a PgBouncer does not pass on {named[1]}; leave it out of the URL and set it on the server, "
            f"with ALTER ROLE ... SET {named[1]} = ..."
        )
    way_out = next((way for start, way in _WAYS_OUT.items() if state.startswith(start)), "")
    way_out = next((way for kind, way in _OTHER_WAYS_OUT if isinstance(error, kind)), way_out)
    # The next lines quote the whole row, which must not get into a log.
    said, _, _ = str(error).partition("\n")
    return f"{said or type(error).__name__}{way_out}"


CLIENT: typing.Final = Client[typing.Any](
    server="PostgreSQL",
    errors=(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError),
    run=_run,
    fetch=_ask,
    transaction=_Transaction,
    # Whatever the default is: a transaction that waited for a lock has to see what was committed meanwhile.
    begin="BEGIN ISOLATION LEVEL READ COMMITTED",
    # A snapshot begins with the first query.
    snapshot=("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SELECT 1"),
    close=_close,
    is_usable=_is_usable,
    is_lost=_is_lost,
    is_refused=_is_refused,
    is_temporary=_is_temporary,
    is_conflict=_is_conflict,
    told=_told,
    is_too_long=_is_too_long,
    is_withheld=_is_withheld,
)
"""How to use asyncpg."""
