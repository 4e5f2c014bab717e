"""Keep records in a MariaDB or MySQL (8.0.19 or newer) database: ``mysql://user:password@host:3306/database``.

Several servers of one cluster, tried in turn: ``mysql://user:password@one:3306,two:3306/database``.
A socket: ``mysql://user@/database?host=/run/mysqld/mysqld.sock``. The other options:

``min``, ``max``
    How many connections are made at once, and how many at most (1 and 4).
``timeout``
    Seconds to wait for a connection (10).
``statement_timeout``
    Seconds that a statement may take (no limit); MySQL has this for reading only.
``compression``
    ``zstd`` compresses what Discord said, as far as it is worth it.
``sslmode``
    ``disable``, ``prefer`` (what there is, the default), ``require``, ``verify-ca``, ``verify-full``.
``sslrootcert``, ``sslcert``, ``sslkey``
    Files of certificates and their key.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import getpass
import re
import socket
import ssl
import typing
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence

import yarl

from persist import ddl, urls
from persist.dialect import Dialect, Integrity, Question, Search, Statement, is_one, slices
from persist.errors import BackendError, MissingDriverError, SchemaError, URLError
from persist.pool import Link, Pool, keep_alive
from persist.schema import Field, Rows, Storage, Table
from persist.sealing import Sealing
from persist.spi import Backend, Driver, Row, Transaction, hookimpl
from persist.sql import SqlStore
from persist.urls import Option
from persist.words import Term

try:
    import aiomysql
except ModuleNotFoundError as _error:
    raise MissingDriverError("aiomysql", "mysql") from _error

__all__ = ("MARIADB", "MYSQL", "MysqlDriver", "literal", "persist_backends")

_ROWS: typing.Final = 250
"""How many rows a statement writes: a longer one would hold the event loop for more than a millisecond."""

_CHARACTERS: typing.Final = 1_000_000
"""How long the documents of a statement are: as hexadecimal UTF-8, they stay below the 16 MB that a server takes."""

# ------------------------------------------------------------------------------------------------------- how it spells


def literal(value: typing.Any) -> str:
    """Spell a value. Right for utf8mb4, and as long as sql_mode is what every connection here sets it to."""
    return (_texts if type(value) is str else _numbers)((value,))[0]


def _quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


class _Form(typing.NamedTuple):
    """How an upsert of one server family refers to the row that could not be inserted."""

    alias: str
    """What follows the rows."""

    given: str
    """A column of that row."""


_VALUES: typing.Final = _Form("", "VALUES({})")
_ALIAS: typing.Final = _Form(" AS `given`", "`given`.{}")


@functools.cache
def _ends(table: Table, form: _Form) -> tuple[str, str]:
    """Return what stands before and after the rows of an upsert."""
    names = ", ".join(_quote(field.name) for field in table.fields)
    stored, given = _quote(table.name) + ".{}", form.given
    compared = _quote(table.compared)
    same = f"{stored.format(compared)} <=> {given.format(compared)}"
    # From left to right, each sees what those before it have made: what is compared comes last.
    # Columns that are read from the payload are the same when it is.
    beside = [name for name in table.changing if name in _BESIDE]
    changes = [
        f"{column} = IF({same}, {stored.format(column)}, {given.format(column)})" for column in map(_quote, beside)
    ]
    revision = _quote("revision")
    changes += [f"{revision} = {stored.format(revision)} + IF({same}, 0, 1)"] if table.counts else []
    read = [_quote(name) for name in table.changing if name not in _BESIDE and name != table.compared]
    changes += [f"{column} = {given.format(column)}" for column in (*read, compared)]
    start = f"INSERT INTO {_quote(table.name)} ({names}) VALUES "
    return start, f"{form.alias} ON DUPLICATE KEY UPDATE {', '.join(changes)}"


_BESIDE: typing.Final = frozenset(("guild_id", "source", "shard", "epoch", "last_updated"))
"""What may differ although the payload is the same."""


def _upsert(table: Table, rows: Rows[typing.Any], *, form: _Form) -> Iterator[Statement]:
    # As text: the client library would need eight times as long to put in as many parameters.
    start, end = _ends(table, form)
    for some in slices(table, rows, _ROWS, _CHARACTERS):
        columns = [_literals(field.kind, values) for field, values in zip(table.fields, some, strict=True)]
        values = ",".join([f"({','.join(row)})" for row in zip(*columns, strict=True)])
        yield f"{start}{values}{end}", ()


def _literals(kind: Storage, values: Sequence[typing.Any]) -> list[str]:
    spell = _LITERALS.get(kind, _texts)
    return spell(values[:1]) * len(values) if is_one(values) else spell(values)


def _numbers(values: Sequence[typing.Any]) -> list[str]:
    return ["NULL" if v is None else f"{v:d}" for v in values]


def _texts(values: Sequence[typing.Any]) -> list[str]:
    given = "".join(filter(None, values))
    if "\\" not in given and "'" not in given:
        return ["NULL" if v is None else f"'{v}'" for v in values]
    return ["NULL" if v is None else "'" + v.replace("\\", "\\\\").replace("'", "''") + "'" for v in values]


def _documents(values: Sequence[typing.Any]) -> list[str]:
    return [f"x'{v.encode().hex()}'" for v in values]


_LITERALS: typing.Final[Mapping[Storage, Callable[[Sequence[typing.Any]], list[str]]]] = {
    "snowflake": _numbers,
    "integer": _numbers,
    "boolean": _numbers,
    "document": _documents,
}
"""How values of a kind are spelled, many at once; what is not here is text."""


def _index_part(field: Field) -> str:
    return "{}(191)" if field.kind == "text" else "{}"


def _table_options(table: Table) -> str:
    return f" ENGINE = InnoDB COMMENT = {literal(table.about)}"


def _types(text: str) -> dict[typing.Any, str]:
    return {
        "snowflake": "BIGINT",
        "integer": "BIGINT",
        "boolean": "BOOLEAN",
        "text": f"LONGTEXT {text}",
        "name": f"VARCHAR(191) {text}",
        "time": "DATETIME(6)",
        "snowflakes": f"LONGTEXT {text}",
        "document": f"LONGTEXT {text}",
    }


def _create_search(dialect: Dialect, texts: Table, owner: Table) -> Iterator[str]:
    table, key = _quote(texts.name), ", ".join(map(_quote, texts.key))
    yield from ddl.create(dialect, texts)
    yield f"ALTER TABLE {table} ADD FOREIGN KEY ({key}) REFERENCES {_quote(owner.name)} ({key}) ON DELETE CASCADE"
    yield f"ALTER TABLE {table} ADD FULLTEXT INDEX {_quote(f'{texts.name}_terms')} ({_quote('terms')})"


def _asked(terms: Sequence[Term]) -> str:
    return " ".join(f"+{term.word}{'*' if term.is_open else ''}" for term in terms)


_SEARCH: typing.Final = Search(
    create=_create_search,
    drop=lambda texts, _: (f"DROP TABLE IF EXISTS {_quote(texts.name)}",),
    matches="MATCH (`terms`) AGAINST ({1} IN BOOLEAN MODE)",
    asked=_asked,
    # Words of less than three letters, and some that are frequent, are not indexed; with this, none is one of them.
    prefix="__",
    offered="SELECT @@innodb_ft_min_token_size <= 3 AND @@innodb_ft_max_token_size >= 84",
    lacking="let the server have innodb_ft_min_token_size = 3 and innodb_ft_max_token_size = 84, as it has by itself",
)

_LOCK: typing.Final = "CONCAT('persist ', MD5(DATABASE()))"


def _checked(row: Row) -> str | None:
    """Read what CHECK TABLE says: the table, the operation, what sort of word this is, and the word."""
    table, _, sort, said = map(str, row)
    if sort == "note" or (sort == "status" and said in ("OK", "Table is already up to date")):
        return None
    return f"{table.rpartition('.')[2]}: {said}"


MARIADB: typing.Final = Dialect(
    types=_types("CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"),
    placeholder=lambda _: "?",
    upsert=functools.partial(_upsert, form=_VALUES),
    quote=_quote,
    load={"time": "CAST({} AS CHAR)"},
    contains="INSTR({0}, {1}) > 0",
    # What & makes has no sign, and would be another number than one that has.
    has_bits="CAST({0} & {1} AS SIGNED) = {2}",
    between_commas="CONCAT(',', {0}, ',')",
    # MariaDB fills keys up with zeros when it sorts the few that LIMIT asks for: texts that end in them become equal.
    then_by="LENGTH({0})",
    lock_rows=" FOR UPDATE",
    lookups=2,
    list_tables="SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()",
    list_columns=(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?"
    ),
    list_indexes="SELECT DISTINCT index_name FROM information_schema.statistics WHERE table_schema = DATABASE()",
    table_options=_table_options,
    index_part=_index_part,
    inline_indexes=True,
    lock=f"SELECT GET_LOCK({_LOCK}, 86400)",
    unlock=f"SELECT RELEASE_LOCK({_LOCK})",
    prepare=("SET SESSION max_statement_time = 0",),
    finish=("SET SESSION max_statement_time = @persist_seconds",),
    checkpoint=("COMMIT", "START TRANSACTION"),
    version="SELECT CONCAT(IF(version() LIKE '%MariaDB%', '', 'MySQL '), version())",
    size="SELECT CAST(SUM(data_length + index_length) AS SIGNED) FROM information_schema.tables "
    "WHERE table_schema = DATABASE()",
    integrity=Integrity(lambda tables: (f"CHECK TABLE {', '.join(map(_quote, tables))}",), _checked),
    tested=(10, 11),
    vacuum=("OPTIMIZE TABLE {0}",),
    rewrite=("OPTIMIZE TABLE {0}",),
    many=1000,
    search=_SEARCH,
    by_key=" FORCE INDEX (PRIMARY)",  # where there is an index of the same columns, it is taken for as good
    lock_note=" LOCK IN SHARE MODE",
)

_OLDEST: typing.Final = (8, 0, 19)
MYSQL: typing.Final = dataclasses.replace(
    MARIADB,
    types=_types("CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin"),
    upsert=functools.partial(_upsert, form=_ALIAS),
    prepare=("SET SESSION max_execution_time = 0",),
    finish=("SET SESSION max_execution_time = 1000 * @persist_seconds",),
    tested=_OLDEST,
)


def _dialect(rows: Sequence[Row]) -> Dialect:
    version = str(rows[0][0]) if rows else "MariaDB"
    if "mariadb" in version.lower():
        return MARIADB
    if tuple(map(int, re.findall(r"\d+", version)[:3])) < _OLDEST:
        msg = f"MySQL {version} is too old; it has to be {'.'.join(map(str, _OLDEST))} or newer"
        raise SchemaError(msg)
    return MYSQL


# ------------------------------------------------------------------------------------------------ how it is talked to


def _spelled(sql: str, params: Row) -> bytes:
    """Return a statement with its parameters in it."""
    if not params:
        return sql.encode()
    first, *others = sql.split("?")
    return "".join([first, *(literal(p) + other for p, other in zip(params, others, strict=True))]).encode()


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


class MysqlDriver:
    """Runs SQL on a MariaDB or MySQL database, on a few connections.

    Parameters
    ----------
    connect
        Makes a connection.
    name
        What the database is called in messages.
    least, most
        How many connections are made at once, and how many at most.
    """

    errors: tuple[type[Exception], ...] = (aiomysql.Error, OSError)

    def __init__(
        self, connect: Callable[[], Awaitable[typing.Any]], name: str, *, least: int = 1, most: int = 4
    ) -> None:
        self._connect = connect
        self._name = name
        self._sizes = (least, max(least, most))
        self._pool: Pool[typing.Any] | None = None
        self._was_open = False

    def __repr__(self) -> str:
        return f"the MySQL database {self._name}"

    async def open(self) -> None:
        pool = Pool(Link(self._connect, _close, _is_usable, _is_lost), *self._sizes)
        await pool.open()
        self._pool, self._was_open = pool, True

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        async with self._opened().lend() as connection:
            await _ask(connection, "START TRANSACTION")
            try:
                yield _Transaction(connection)
                await _ask(connection, "COMMIT")
            except Exception:
                with contextlib.suppress(*self.errors):
                    await _ask(connection, "ROLLBACK")
                raise

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Transaction]:
        """Lend a connection that sees the database as it is now, whatever others write meanwhile."""
        async with self._opened().lend() as connection:
            await _ask(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            await _ask(connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            try:
                yield _Transaction(connection)
            finally:
                with contextlib.suppress(*self.errors):
                    await _ask(connection, "ROLLBACK")

    async def fetch(self, sql: str, params: Row = ()) -> Sequence[Row]:
        async with self._opened().lend() as connection:
            return await _ask(connection, sql, params)

    async def lookup(self, sql: str, params: Row = ()) -> Sequence[Row]:
        return await self.fetch(sql, params)

    def _opened(self) -> Pool[typing.Any]:
        if self._pool is None:
            msg = f"{self!r} is not open"
            raise BackendError(msg)
        return self._pool

    def temporary(self, error: Exception) -> bool:
        if isinstance(error, OSError) and not isinstance(error, aiomysql.Error):
            return True
        code = _code(error)
        if code in _REFUSED or isinstance(error.__cause__, (socket.gaierror, ssl.SSLError)):
            # At first it is a mistake in the URL; later somebody is at work on the server, or on the network.
            return self._was_open
        return code in _TEMPORARY or code in _LOST or isinstance(error, aiomysql.InterfaceError)

    def explain(self, error: Exception) -> str:
        code = _code(error)
        way_out = _WAYS_OUT.get(code, "")
        said = error.args[1] if code and len(error.args) > 1 else str(error) or type(error).__name__
        if code == _NO_CONNECTION:
            said = f"{said} ({error.__cause__})"
            way_out = next((way for kind, way in _NO_CONNECTION_BECAUSE if isinstance(error.__cause__, kind)), "")
        return f"{self!r}: {said}{way_out}"


def _code(error: BaseException) -> int:
    found = error.args[0] if isinstance(error, aiomysql.Error) and error.args else 0
    return found if isinstance(found, int) else 0


_NO_CONNECTION: typing.Final = 2003
_NO_TLS: typing.Final = 2026
_REFUSED: typing.Final = frozenset((1044, 1045, 1049, 1130, 1698, _NO_TLS))
_LOST: typing.Final = frozenset(
    (
        *(1047, 1053, 1927, 2002, 2003, 2006, 2013, 2014, 2055),  # not of the cluster now, stopping, killed, gone
        *(1152, 1158, 1159, 1160, 1161, 1184),  # the connection broke
        *(1290, 1792, 1836),  # only reading
    )
)
_TEMPORARY: typing.Final = frozenset(
    (
        *(1205, 1213, 1020, 1614, 3572),  # locks and deadlocks
        *(1040, 1129, 1203, 1226),  # too many connections
        *(1021, 1030, 1037, 1038, 1041, 1114, 1180),  # disk, memory, and a commit that a cluster refused
        *(1317, 1969, 3024),  # interrupted, or out of time
        *(1050, 1061, 1062),  # each node of a cluster has locks of its own: two made the same table at once
    )
)


def _is_lost(error: Exception) -> bool:
    if isinstance(error, aiomysql.InterfaceError):
        return True
    return _code(error) in _LOST if isinstance(error, aiomysql.Error) else isinstance(error, OSError)


def _is_usable(connection: typing.Any) -> bool:
    reader = getattr(connection, "_reader", None)
    return not (connection.closed or reader is None or reader.at_eof() or connection.get_transaction_status())


async def _close(connection: typing.Any) -> None:
    if _is_usable(connection):
        await connection.ensure_closed()
    connection.close()


_NO_CONNECTION_BECAUSE: typing.Final = (
    (socket.gaierror, "; is the name of the host right, and can this machine look it up?"),
    (ssl.SSLError, "; is its certificate for this name, and from whom sslrootcert says?"),
    (Exception, "; is the server running there, and does a firewall let this machine through?"),
)
_READS: typing.Final = "; this server only reads: name the primary, or all servers of the cluster"
_TIME: typing.Final = "; it took longer than its time limit"
_WAYS_OUT: typing.Final = {
    1040: "; allow more connections on the server, or fewer with ?max=",
    1044: "; let its owner GRANT ALL ON it to this user, or name a database of its own",
    1045: "; is the password right, and may this user connect from here?",
    1047: "; this node is not part of its cluster at the moment",
    1049: "; make it first, with CREATE DATABASE, or name another",
    1114: "; make room on the disk of the server",
    1130: "; let the server's owner make a user for this machine",
    1142: "; let its owner GRANT ALL ON it to this user, or name a database of its own",
    1153: "; let the server take longer packets, with max_allowed_packet",
    1290: _READS,
    1792: _READS,
    1836: _READS,
    1969: _TIME,
    3024: _TIME,
}

# ------------------------------------------------------------------------------------------------------ how it is named

_SETTINGS: typing.Final = (
    "SET NAMES utf8mb4, SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', SESSION sql_notes = 0, "
    # Texts are sorted by so many bytes only: the longest that Discord has are four thousand characters.
    "SESSION max_sort_length = 16384, "
    "SESSION autocommit = 1, @persist_seconds = {seconds}"
)
_OPTIONS: typing.Final[Mapping[str, Option]] = {
    "compression": urls.COMPRESSION,
    "host": Option(str, "one more server, or the path of a socket; several are tried in turn"),
    "max": Option(urls.whole(1), "how many connections there are at most (4)"),
    "min": Option(urls.whole(0), "how many connections are made at once (1)"),
    "sslmode": Option(
        urls.choice("disable", "prefer", "require", "verify-ca", "verify-full"),
        "`disable`, `prefer` (the default), `require`, `verify-ca`, `verify-full`",
    ),
    "statement_timeout": Option(urls.seconds, "seconds that reading may take (no limit)"),
    "timeout": Option(urls.seconds, "seconds to wait for a connection (10)"),
    **urls.TLS,
}


class _Place(typing.NamedTuple):
    """Where a database is, and how connections to it are made."""

    hosts: Sequence[tuple[str, int]]
    arguments: Mapping[str, typing.Any]
    sslmode: str
    seconds: float

    async def connect(self) -> typing.Any:
        """Connect to the first server that takes changes; if none does, to the first that answers."""
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
            except MysqlDriver.errors as error:
                trouble = error
        if reading is not None:
            return await self._connect(*reading)
        raise trouble or ConnectionError

    async def _connect(self, host: str, port: int) -> typing.Any:
        where = {"unix_socket": host} if host.startswith("/") else {"host": host, "port": port}
        connection = aiomysql.Connection(**where, **self.arguments)
        try:
            await _ping(connection)  # which connects
            keep_alive(getattr(getattr(connection, "_writer", None), "transport", None))
            await _ask(connection, _SETTINGS.format(seconds=self.seconds))
            await _ask(connection, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            if self.seconds:
                mariadb = "mariadb" in connection.get_server_info().lower()
                limit = "max_statement_time = " if mariadb else "max_execution_time = 1000 * "
                await _ask(connection, f"SET SESSION {limit}@persist_seconds")
            await self._insist(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    async def _insist(self, connection: typing.Any) -> None:
        # The client library goes on without TLS where the server has none.
        if self.sslmode not in ("disable", "prefer"):
            rows = await _ask(connection, "SHOW SESSION STATUS LIKE 'Ssl_cipher'")
            if not rows[0][1]:
                raise aiomysql.OperationalError(_NO_TLS, f"it offers no TLS, and sslmode={self.sslmode} asks for it")


async def _ping(connection: typing.Any) -> None:
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    await connection.ping()
    if task is not None and task.cancelling() > before:
        # aiomysql connects by asyncio.wait_for, which loses a cancellation that comes in its last moment.
        raise asyncio.CancelledError


def _tls(options: Mapping[str, typing.Any]) -> ssl.SSLContext | None:
    mode = options.get("sslmode", "prefer")
    if mode == "disable":
        return None
    try:
        context = ssl.create_default_context(cafile=options.get("sslrootcert"))
        context.check_hostname = mode == "verify-full"
        context.verify_mode = ssl.CERT_REQUIRED if mode.startswith("verify") else ssl.CERT_NONE
        if "sslcert" in options:
            context.load_cert_chain(options["sslcert"], options.get("sslkey"))
    except OSError as error:
        msg = f"the certificates that the URL names cannot be read: {error}"
        raise URLError(msg) from error
    return context


def _open(url: yarl.URL) -> SqlStore:
    options = urls.options_of(url, _OPTIONS)
    hosts = urls.hosts_of(url, 3306)
    user = url.user or getpass.getuser()
    database = url.path.removeprefix("/")
    if not database:
        msg = f"{urls.shown(url)} names no database; write {url.scheme}://user@host/database"
        raise URLError(msg)
    arguments = {
        "user": user,
        "password": url.password or "",
        "db": database,
        "charset": "utf8mb4",
        "connect_timeout": options.get("timeout", 10),
        "ssl": _tls(options),
        "program_name": "hikari-persist",
        "autocommit": None,
    }
    place = _Place(hosts, arguments, options.get("sslmode", "prefer"), options.get("statement_timeout", 0))
    where = ", ".join(host if host.startswith("/") else f"{host}:{port}" for host, port in hosts)
    name = f"{database!r} on {where} as {user!r}"
    driver: Driver = MysqlDriver(place.connect, name, least=options.get("min", 1), most=options.get("max", 4))
    return SqlStore(
        Question("SELECT VERSION()", _dialect), driver, Sealing(compression=options.get("compression") == "zstd")
    )


@hookimpl
def persist_backends() -> Sequence[Backend]:
    return [Backend("mysql", _open, _OPTIONS), Backend("mariadb", _open, _OPTIONS)]
