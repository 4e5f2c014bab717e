"""The driver for MariaDB and MySQL: connections, transactions, and what errors mean."""

from __future__ import annotations

import asyncio
import itertools
import re
import socket
import ssl
import typing
from collections.abc import Mapping, Sequence

from persist.driver_errors import DROPPED
from persist.errors import MissingDriverError
from persist.pool import keep_alive
from persist.server_driver import Client
from persist.spi import Row

from .mysql_dialect import literal

try:
    import aiomysql
except ModuleNotFoundError as _error:
    raise MissingDriverError("aiomysql", "mysql") from _error

__all__ = ("CLIENT", "Place", "family")

_ERRORS: typing.Final = (aiomysql.Error, OSError)


def _spelled(sql: str, params: Row) -> bytes:
    """Return a statement with its parameters inserted."""
    if not params:
        return sql.encode()
    first, *others = sql.split("?")
    # Most are ids, and one query may name a thousand.
    spelled = (str(p) if type(p) is int else literal(p) for p in params)
    return "".join([first, *itertools.chain.from_iterable(zip(spelled, others, strict=True))]).encode()


async def _ask(connection: typing.Any, sql: str, params: Row = ()) -> Sequence[Row]:
    async with connection.cursor() as cursor:
        await cursor.execute(_spelled(sql, params))
        return typing.cast("Sequence[Row]", await cursor.fetchall())


class _Transaction:
    def __init__(self, connection: typing.Any) -> None:
        self._connection = connection

    async def execute(self, sql: str, params: Row = ()) -> None:
        await _ask(self._connection, sql, params)

    async def fetch(self, sql: str, params: Row = ()) -> Sequence[Row]:
        return await _ask(self._connection, sql, params)


def _code(error: BaseException) -> int:
    found = error.args[0] if isinstance(error, aiomysql.Error) and error.args else 0
    return found if isinstance(found, int) else 0


_NO_CONNECTION: typing.Final = 2003
_NO_TLS: typing.Final = 2026
_REFUSED: typing.Final = frozenset((1044, 1045, 1049, 1130, 1698, _NO_TLS))
_LOST: typing.Final = frozenset(
    (
        *(1047, 1053, 1927, 2002, 2003, 2006, 2013, 2014, 2055, 4031),  # not in the cluster, stopping, killed, gone
        *(1152, 1158, 1159, 1160, 1161, 1184),  # the connection broke
        *(1290, 1792, 1836),  # read-only
    )
)
_TOO_LONG: typing.Final = frozenset((1969, 3024))
_NO_TABLE: typing.Final = 1146
_WITHHELD: typing.Final = frozenset((1142, 1143, 1227, _NO_TABLE))
_CONFLICTS: typing.Final = frozenset((1020, 1213, 1614))
_TEMPORARY: typing.Final = frozenset(
    (
        *(1205, 3572, *_CONFLICTS),  # locks and deadlocks
        *(1040, 1129, 1203, 1226),  # too many connections
        *(1021, 1030, 1037, 1038, 1041, 1114, 1180),  # disk, memory, and a commit that a cluster rejected
        *(1317, *_TOO_LONG),  # interrupted, or over its time limit
        *(1050, 1061, 1062),  # nodes of a cluster do not share locks: two created a table at once
    )
)


def _is_too_long(error: Exception) -> bool:
    return _code(error) in _TOO_LONG


def _is_withheld(error: Exception) -> bool:
    return _code(error) in _WITHHELD


def _is_conflict(error: Exception) -> bool:
    return _code(error) in _CONFLICTS


_OUT_OF_STEP: typing.Final = (aiomysql.InterfaceError, aiomysql.InternalError)
"""Raised by the client library itself when it no longer knows which statement an answer belongs to."""


def _is_lost(error: Exception) -> bool:
    if isinstance(error, _OUT_OF_STEP):
        return True
    return _code(error) in _LOST if isinstance(error, aiomysql.Error) else isinstance(error, OSError)


def _is_refused(error: Exception) -> bool:
    return _code(error) in _REFUSED or isinstance(error.__cause__, (socket.gaierror, ssl.SSLError))


def _is_temporary(error: Exception) -> bool:
    if not isinstance(error, aiomysql.Error):
        return isinstance(error, OSError)
    code = _code(error)
    return code in _TEMPORARY or code in _LOST or isinstance(error, _OUT_OF_STEP)


def _is_usable(connection: typing.Any) -> bool:
    reader = getattr(connection, "_reader", None)
    if connection.closed or reader is None or connection.get_transaction_status():
        return False
    # The server may have reset an idle connection, or sent a message that it is closing, which is still unread.
    unasked = bool(getattr(reader, "_buffer", b""))
    return not (reader.at_eof() or unasked or reader.exception() is not None)


class _Connection(aiomysql.Connection):  # type: ignore[misc]  # aiomysql has no types
    """A connection that closes its socket at once; with TLS, it would stay open until the server answers."""

    def close(self) -> None:
        transport = getattr(self._writer, "transport", None)
        super().close()
        if transport is not None:
            transport.abort()


async def _close(connection: typing.Any) -> None:
    if _is_usable(connection):
        await connection.ensure_closed()
    connection.close()


_NO_CONNECTION_BECAUSE: typing.Final = (
    (FileNotFoundError, "; is there such a socket?"),
    (socket.gaierror, "; is the host name right, and can this machine resolve it?"),
    (ssl.SSLError, "; is its certificate for this host name, and signed by one in sslrootcert?"),
    (Exception, "; is the server running there, and does a firewall let this machine through?"),
)
_READS: typing.Final = "; this server is read-only: name the primary, or all servers of the cluster"
_TIME: typing.Final = "; it took longer than its time limit"
_WAYS_OUT: typing.Final = {
    1040: "; allow more connections on the server, or fewer with ?max=",
    1044: "; have its owner GRANT ALL ON it to this user, or name another database",
    1045: "; is the password right, and can this user connect from here?",
    1047: "; this node is not part of its cluster at the moment",
    1049: "; create it first, with CREATE DATABASE, or name another",
    1114: "; free some space on the server's disk",
    1130: "; have the server's owner create a user for this machine",
    1142: "; have its owner GRANT ALL ON it to this user, or name another database",
    _NO_TABLE: DROPPED,
    1153: "; allow longer packets on the server, with max_allowed_packet",
    1205: "; another process has held a lock for longer than ?timeout=: what else uses these tables?",
    1213: "; another process changed the same data at the same moment",
    1226: "; raise this limit of the user, or allow fewer connections with ?max=",
    1290: _READS,
    1792: _READS,
    1836: _READS,
    1969: _TIME,
    3024: _TIME,
}


def _told(error: Exception) -> str:
    code = _code(error)
    way_out = _WAYS_OUT.get(code, "")
    said = error.args[1] if code and len(error.args) > 1 else str(error) or type(error).__name__
    if code == _NO_CONNECTION:
        said = f"{said} ({str(error.__cause__) or 'no answer in time'})"
        way_out = next((way for kind, way in _NO_CONNECTION_BECAUSE if isinstance(error.__cause__, kind)), "")
    return f"{said}{way_out}"


CLIENT: typing.Final = Client[typing.Any](
    server="MySQL",
    errors=_ERRORS,
    run=_ask,
    fetch=_ask,
    transaction=_Transaction,
    begin="START TRANSACTION",
    snapshot=(
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ),
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
"""How to use aiomysql."""

# MySQL warns about a strict mode without the three in the middle.
_MODE: typing.Final = "STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
_SETTINGS: typing.Final = (
    "SET NAMES utf8mb4, SESSION sql_mode = '{mode}', "
    # Only this many bytes of a text are sorted by; Discord's longest texts have four thousand characters.
    "SESSION max_sort_length = 16384, "
    # These protections against users' mistakes would truncate results, and reject queries and deletions.
    "SESSION sql_big_selects = 1, SESSION sql_safe_updates = 0, SESSION sql_select_limit = 18446744073709551615, "
    "SESSION autocommit = 1, @persist_seconds = {seconds}, @persist_wait = {wait}, "
    "SESSION lock_wait_timeout = {wait}, SESSION innodb_lock_wait_timeout = {wait}"
)


class Family(typing.NamedTuple):
    """The settings of a session that MariaDB and MySQL spell differently."""

    settings: str
    """Ask for no notes, which aiomysql would make Python's warnings of, and lift limits."""

    limit: str
    """Limit the time of a statement."""


_MYSQL: typing.Final = Family(
    # Beyond this limit of memory, MySQL reads a whole table for a query that names many ids.
    "SET SESSION sql_notes = 0, SESSION range_optimizer_max_mem_size = 0",
    "SET SESSION max_execution_time = CAST(1000 * @persist_seconds AS SIGNED)",
)
_MARIADB: typing.Final = Family("SET SESSION sql_notes = 0", "SET SESSION max_statement_time = @persist_seconds")
_MARIADB_11_3: typing.Final = _MARIADB._replace(settings="SET SESSION note_verbosity = ''")
"""The first where every release has this setting; later ones warn about the old one."""


def family(version: str) -> Family:
    """Return the settings for the server with this version, as it introduces itself."""
    if "mariadb" not in version.lower():
        return _MYSQL
    # Older ones pretend to be MySQL 5.5.5 first.
    *_, numbers = re.findall(r"(\d+)\.(\d+)\.\d+", version) or [("0", "0")]
    return _MARIADB_11_3 if tuple(map(int, numbers)) >= (11, 3) else _MARIADB


class Limits(typing.NamedTuple):
    """How long a connection waits, in seconds."""

    reading: float
    """For an answer; 0 for no limit."""

    locks: float
    """For a lock that another process holds."""


class Place(typing.NamedTuple):
    """Where a database is, and how to connect to it."""

    hosts: Sequence[tuple[str, int]]
    arguments: Mapping[str, typing.Any]
    sslmode: str
    limits: Limits

    async def connect(self) -> typing.Any:
        """Connect to the first server that accepts changes; if none does, to the first that answers."""
        if len(self.hosts) == 1:
            return await self._connect(*self.hosts[0])
        trouble: Exception | None = None
        reading: tuple[str, int] | None = None
        for host in self.hosts:
            try:
                connection = await self._connect(*host)
                if not (await _ask(connection, "SELECT @@GLOBAL.read_only"))[0][0]:
                    return connection
                connection.close()
                reading = reading or host
            except _ERRORS as error:
                trouble = error
        if reading is not None:
            return await self._connect(*reading)
        raise trouble or ConnectionError

    async def _connect(self, host: str, port: int) -> typing.Any:
        where = {"unix_socket": host} if host.startswith("/") else {"host": host, "port": port}
        connection = _Connection(**where, **self.arguments)
        try:
            await self._reach(connection, host)
            keep_alive(getattr(getattr(connection, "_writer", None), "transport", None))
            seconds, locks = self.limits
            await _ask(connection, _SETTINGS.format(mode=_MODE, seconds=seconds, wait=max(1, round(locks))))
            await _ask(connection, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            own = family(connection.get_server_info())
            await _ask(connection, own.settings)
            if seconds:
                await _ask(connection, own.limit)
            await self._insist(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    async def _reach(self, connection: typing.Any, host: str) -> None:
        nowhere = aiomysql.OperationalError(_NO_CONNECTION, f"Can't connect to MySQL server on {host!r}")
        try:
            # The client library's own timeout ends with the TCP connection, on which a server that hangs sends nothing.
            async with asyncio.timeout(self.arguments["connect_timeout"]):
                await _ping(connection)  # this connects
        except TimeoutError as error:
            raise nowhere from error
        except aiomysql.OperationalError as error:  # it calls every socket 'localhost'
            if _code(error) == _NO_CONNECTION:
                raise nowhere from error.__cause__
            raise

    async def _insist(self, connection: typing.Any) -> None:
        # If the server has no TLS, the client library connects without it.
        if self.sslmode not in ("disable", "prefer"):
            rows = await _ask(connection, "SHOW SESSION STATUS LIKE 'Ssl_cipher'")
            if not rows[0][1]:
                raise aiomysql.OperationalError(_NO_TLS, f"it offers no TLS, but sslmode={self.sslmode} requires it")


async def _ping(connection: typing.Any) -> None:
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    await connection.ping()
    if task is not None and task.cancelling() > before:
        # aiomysql connects with asyncio.wait_for, which loses a cancellation that arrives at the last moment.
        raise asyncio.CancelledError
