"""Keep records in a PostgreSQL database, ``postgresql://user:password@host:5432/database``.

Several servers of one cluster, tried in turn: ``postgresql://user@one:5432,two:5432/database``.
A socket: ``postgresql://user@/database?host=/var/run/postgresql``. The other options:

``min``, ``max``
    How many connections are made at once, and how many at most (1 and 4).
``timeout``
    Seconds to wait for a connection (10).
``statement_timeout``
    Seconds that a statement may take (no limit).
``sslmode``, ``sslrootcert``, ``sslcert``, ``sslkey``
    As for psql.
``target_session_attrs``
    ``primary``, ``standby``, ``prefer-standby``, ``read-write``, ``read-only``, ``any``.
``synchronous_commit``
    ``off`` commits faster, and a crash of the server may lose its last moments.
``schema``
    The schema that the tables are in.
``compression``
    ``zstd`` compresses what Discord said, as far as it is worth it.
``payload``
    ``jsonb`` stores what Discord said as jsonb instead of text: slower to write, and your own SQL can index it.
``statement_cache_size``
    0 for a PgBouncer that shares connections between transactions.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import getpass
import re
import socket
import ssl
import typing
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence

import yarl

from persist import ddl, urls
from persist.dialect import (
    Convert,
    Dialect,
    Integrity,
    Question,
    Search,
    Speller,
    Statement,
    is_one,
    keys_in_lists,
    slices,
)
from persist.errors import BackendError, MissingDriverError, SchemaError
from persist.model import Entity, Key
from persist.pool import Link, Pool, keep_alive
from persist.schema import Columnar, Field, Rows, Storage, Table
from persist.sealing import Sealing
from persist.spi import Backend, Driver, Row, Transaction, hookimpl
from persist.sql import SqlStore
from persist.urls import Option
from persist.words import Term

try:
    import asyncpg
except ModuleNotFoundError as _error:
    raise MissingDriverError("asyncpg", "postgresql") from _error

__all__ = ("DIALECT", "JSONB", "PostgresDriver", "persist_backends")

_ROWS: typing.Final = 250
"""How many rows a statement writes: a longer one would hold the event loop for more than a millisecond."""

# ------------------------------------------------------------------------------------------------------- how it spells

# PostgreSQL cannot store U+0000. These words, of letters that then stand nowhere else, keep the order of texts; and as
# none of them is found across two others, they keep what is part of what.
_ESCAPES: typing.Final = {"\0": "\1\1\1\2", "\1": "\1\1\2\2", "\2": "\1\2\2\2"}
_UNESCAPES: typing.Final = {word: letter for letter, word in _ESCAPES.items()}


def _without_nul(text: str) -> str:
    if "\0" not in text and "\1" not in text and "\2" not in text:
        return text
    return re.sub("[\0\1\2]", lambda found: _ESCAPES[found[0]], text)


def _with_nul(text: str) -> str:
    return re.sub("\1[\1\2]{3}", lambda found: _UNESCAPES[found[0]], text) if "\1" in text else text


_JSON_ESCAPES: typing.Final = {r"\u0000": r"\u0001\u0001", r"\u0001": r"\u0001\u0002"}
_JSON_UNESCAPES: typing.Final = {r"\u0001\u0001": r"\u0000", r"\u0001\u0002": r"\u0001"}


def _json_without_nul(document: str) -> str:
    if r"\u000" not in document:
        return document
    # The first alternative keeps an escaped backslash together, so that what follows it is no escape.
    return re.sub(r"\\\\|\\u000[01]", lambda found: _JSON_ESCAPES.get(found[0], found[0]), document)


def _json_with_nul(document: str) -> str:
    if r"\u0001" not in document:
        return document
    return re.sub(r"\\\\|\\u0001\\u000[12]", lambda found: _JSON_UNESCAPES.get(found[0], found[0]), document)


_ARRAYS: typing.Final[Mapping[Storage, str]] = {"snowflake": "bigint[]", "integer": "bigint[]", "boolean": "boolean[]"}
"""The types that lists of values have on their way in; what is not here is text."""


_STORE: typing.Final[Mapping[Storage, str]] = {"time": "{}::text::timestamptz"}
_BIND: typing.Final[Mapping[Storage, Convert]] = {"text": _without_nul, "name": _without_nul}
_JSONB_STORE: typing.Final[Mapping[Storage, str]] = {**_STORE, "document": "{}::text::jsonb"}
_JSONB_BIND: typing.Final[Mapping[Storage, Convert]] = {**_BIND, "document": _json_without_nul}
_CONCERNED: typing.Final = re.compile(r"[\0\1\2]|\\u000")
"""What a text has that one of these changes."""


@functools.cache
def _insert(table: Table, *, jsonb: bool) -> str:
    store = _JSONB_STORE if jsonb else _STORE
    quote = DIALECT.quote
    marks, values = [], []
    for number, field in enumerate(table.fields, 1):
        marks.append(f"${number}::{_ARRAYS.get(field.kind, 'text[]')}")
        values.append(store.get(field.kind, "{}").format(f"v{number}"))
    names = ", ".join(quote(field.name) for field in table.fields)
    changed = [f"{quote(name)} = excluded.{quote(name)}" for name in table.changing]
    changed += ['"revision" = stored."revision" + 1'] if table.counts else []
    compared = quote(table.compared)
    return (
        f"INSERT INTO {quote(table.name)} AS stored ({names}) "
        f"SELECT {', '.join(values)} FROM unnest({', '.join(marks)}) "
        f"AS given ({', '.join(f'v{number}' for number in range(1, len(marks) + 1))}) "
        f"ON CONFLICT ({', '.join(map(quote, table.key))}) DO UPDATE SET {', '.join(changed)} "
        f"WHERE stored.{compared} IS DISTINCT FROM excluded.{compared}"
    )


def _bound(table: Table, rows: Rows[typing.Any], *, jsonb: bool) -> Iterator[Columnar]:
    """Yield rows, some at a time, as values that this server takes."""
    bind = _JSONB_BIND if jsonb else _BIND
    converts = [bind.get(field.kind) for field in table.fields]
    for some in slices(table, rows, _ROWS):
        yield [
            values if convert is None else _converted(convert, values)
            for convert, values in zip(converts, some, strict=True)
        ]


def _converted(convert: Convert, values: Sequence[typing.Any]) -> Sequence[typing.Any]:
    """Convert a column of texts. Most of them have nothing that is changed, which one look at all of it tells."""
    if not _CONCERNED.search("".join(filter(None, values))):
        return values
    return [None if v is None else convert(v) for v in values]


def _upsert(table: Table, rows: Rows[typing.Any], *, jsonb: bool = False) -> Iterator[Statement]:
    for columns in _bound(table, rows, jsonb=jsonb):
        yield _insert(table, jsonb=jsonb), columns


# What COPY reads: https://www.postgresql.org/docs/current/sql-copy.html
_COPY_NULL: typing.Final = r"\N"
_COPY_SPECIAL: typing.Final = re.compile(r"[\\\t\n\r]")
_COPY_ESCAPES: typing.Final = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}


def _loaded(table: Table, rows: Rows[typing.Any], *, jsonb: bool = False) -> Iterator[bytes]:
    numbers = [field.kind in _ARRAYS for field in table.fields]
    for columns in _bound(table, rows, jsonb=jsonb):
        texts = [_spelled(values, str if number else None) for number, values in zip(numbers, columns, strict=True)]
        yield "\n".join((*map("\t".join, zip(*texts, strict=True)), "")).encode()


def _spelled(values: Sequence[typing.Any], spell: Callable[[typing.Any], str] | None) -> Sequence[str]:
    """Spell a column for COPY. Most columns hold nothing that is special, which one look at all of it tells."""
    if len(values) > 1 and is_one(values):
        return [*_spelled(values[:1], spell)] * len(values)
    if spell is not None:
        return [_COPY_NULL if value is None else spell(value) for value in values]
    given = [value for value in values if value is not None]
    if not _COPY_SPECIAL.search("".join(given)):
        return values if len(given) == len(values) else [_COPY_NULL if value is None else value for value in values]
    return [_COPY_NULL if value is None else _COPY_SPECIAL.sub(_escape, value) for value in values]


def _escape(found: re.Match[str]) -> str:
    return _COPY_ESCAPES[found[0]]


def _keys_as_arrays(speller: Speller, entity: Entity[typing.Any], keys: Sequence[Key]) -> str:
    # One statement for however many keys: it stays prepared.
    if len(keys) == 1:
        return keys_in_lists(speller, entity, keys)
    parts = []
    for kind, values in zip(entity.key.values(), zip(*keys, strict=True), strict=True):
        given = [_without_nul(value) for value in values] if kind == "text" else values
        parts.append(f"{speller.bound(given)}::{_ARRAYS.get(kind, 'text[]')}")
    names = [speller.quote(name) for name in entity.key]
    if len(names) == 1:
        return f"{names[0]} = ANY({parts[0]})"
    return f"({', '.join(names)}) IN (SELECT * FROM unnest({', '.join(parts)}))"


def _index_part(field: Field) -> str:
    return "{}" if field.required else "{} NULLS FIRST"


def _comments(table: Table) -> Iterator[str]:
    yield "COMMENT ON TABLE {} IS '{}'".format(f'"{table.name}"', table.about.replace("'", "''"))


_TERMS: typing.Final = "array_to_tsvector(string_to_array({}, ' '))"


def _create_search(dialect: Dialect, texts: Table, owner: Table) -> Iterator[str]:
    quote = dialect.quote
    table, key = quote(texts.name), ", ".join(map(quote, texts.key))
    yield from ddl.create(dialect, texts)
    yield f"ALTER TABLE {table} ADD FOREIGN KEY ({key}) REFERENCES {quote(owner.name)} ({key}) ON DELETE CASCADE"
    yield f"CREATE INDEX {quote(f'{texts.name}_terms')} ON {table} USING gin ({_TERMS.format(quote('terms'))})"


def _asked(terms: Sequence[Term]) -> str:
    return " & ".join(f"'{term.word}'{':*' if term.is_open else ''}" for term in terms)


def _checks(tables: Sequence[str]) -> Iterator[str]:
    """Ask amcheck for the rows of each table that cannot be, and for its indexes, which raises at the first problem."""
    for table in tables:
        yield f"""SELECT '{table}: ' || msg FROM verify_heapam('"{table}"'::regclass)"""
        yield (
            "SELECT NULL FROM (SELECT bt_index_check(i.indexrelid) FROM pg_index i "
            "JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam AND a.amname = 'btree' "
            f"""WHERE i.indrelid = '"{table}"'::regclass AND i.indisvalid) checked"""
        )


DIALECT: typing.Final = Dialect(
    types={
        "snowflake": "BIGINT",
        "integer": "BIGINT",
        "boolean": "BOOLEAN",
        "text": 'TEXT COLLATE "C"',
        "name": 'TEXT COLLATE "C"',
        "time": "TIMESTAMPTZ",
        "snowflakes": 'TEXT COLLATE "C"',
        "document": "TEXT",
    },
    placeholder=lambda number: f"${number}",
    upsert=_upsert,
    loaded=_loaded,
    store=_STORE,
    load={"time": "to_char({}, 'YYYY-MM-DD HH24:MI:SS.US')"},
    bind=_BIND,
    read={"text": _with_nul},
    keys=_keys_as_arrays,
    among={
        "snowflake": ("= ANY({}::bigint[])", list),
        "integer": ("= ANY({}::bigint[])", list),
        "text": ("= ANY({}::text[])", list),
        "name": ("= ANY({}::text[])", list),
    },
    contains="strpos({0}, {1}) > 0",
    day="({0} AT TIME ZONE 'UTC')::date",
    ascending=" NULLS FIRST",
    descending=" DESC NULLS LAST",
    lock_rows=" FOR UPDATE",
    lookups=2,
    list_tables="SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()",
    list_columns=(
        "SELECT column_name::text FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND table_name = $1"
    ),
    list_indexes="SELECT indexname::text FROM pg_indexes WHERE schemaname = current_schema()",
    index_part=_index_part,
    comments=_comments,
    lock="SELECT pg_advisory_xact_lock(hashtext('persist'), hashtext(coalesce(current_schema(), ''))) IS NOT NULL",
    prepare=("SET LOCAL statement_timeout = 0",),
    size="SELECT SUM(pg_total_relation_size(c.oid))::bigint FROM pg_class c WHERE c.relkind = 'r' "
    "AND c.relnamespace = current_schema()::regnamespace",
    may_create="SELECT has_schema_privilege(current_schema(), 'CREATE')",
    integrity=Integrity(
        _checks,
        lambda row: None if row[0] is None else str(row[0]),
        offered="SELECT COUNT(*) = 2 FROM pg_proc WHERE proname IN ('verify_heapam', 'bt_index_check') AND pronargs IN "
        "(1, 6) AND pg_function_is_visible(oid) AND has_function_privilege(oid, 'EXECUTE')",
        lacking="CREATE EXTENSION amcheck, and let a superuser run persist verify",
    ),
    tested=(15,),
    vacuum=("VACUUM (ANALYZE) {0}",),
    rewrite=("VACUUM (FULL, ANALYZE) {0}",),
    many=1000,
    rows=True,
    search=Search(
        create=_create_search,
        drop=lambda texts, _: (f'DROP TABLE IF EXISTS "{texts.name}"',),
        matches=_TERMS.format('"terms"') + " @@ {1}::text::tsquery",
        asked=_asked,
    ),
    lock_note=" FOR SHARE",
)

JSONB: typing.Final = dataclasses.replace(
    DIALECT,
    types={**DIALECT.types, "document": "JSONB"},
    upsert=functools.partial(_upsert, jsonb=True),
    loaded=functools.partial(_loaded, jsonb=True),
    store=_JSONB_STORE,
    load={**DIALECT.load, "document": "{}::text"},
    bind=_JSONB_BIND,
    read={**DIALECT.read, "document": _json_with_nul},
)
"""For payloads that are jsonb."""

_DIALECTS: typing.Final = {"text": DIALECT, "jsonb": JSONB}


def _question(wanted: str | None) -> Question:
    def answered(rows: Sequence[Row]) -> Dialect:
        found = str(rows[0][0]) if rows else wanted or "text"
        if wanted not in (None, found):
            msg = f"the payloads in this database are {found}: leave out ?payload={wanted}, or name an empty database"
            raise SchemaError(msg)
        return _DIALECTS.get(found, DIALECT)

    column = "table_schema = current_schema() AND table_name = 'users' AND column_name = 'payload'"
    return Question(f"SELECT data_type FROM information_schema.columns WHERE {column}", answered)


# ------------------------------------------------------------------------------------------------ how it is talked to


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


# ------------------------------------------------------------------------------------------------------ how it is named

_TARGETS: typing.Final = ("any", "primary", "standby", "prefer-standby", "read-write", "read-only")
_OPTIONS: typing.Final[Mapping[str, Option]] = {
    "compression": urls.COMPRESSION,
    "host": Option(str, "one more server, `two:5432`, or the folder of a socket; several are tried in turn"),
    "max": Option(urls.whole(1), "how many connections there are at most (4)"),
    "min": Option(urls.whole(0), "how many connections are made at once (1)"),
    "payload": Option(
        urls.choice("text", "jsonb"), "`text` (the default), or `jsonb`, chosen when the tables are made"
    ),
    "schema": Option(str, "the schema that the tables are in"),
    "sslmode": Option(
        urls.choice("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
        "`disable`, `allow`, `prefer` (the default), `require`, `verify-ca`, `verify-full`",
    ),
    "statement_cache_size": Option(
        urls.whole(0), "how many statements are kept prepared (200); `0` for a PgBouncer that shares connections"
    ),
    "statement_timeout": Option(urls.seconds, "seconds that a statement may take (no limit)"),
    "synchronous_commit": Option(
        urls.choice("on", "off", "local", "remote_write", "remote_apply"),
        "`on`, `off`, `local`, `remote_write`, `remote_apply`; what the server has if it is left out",
    ),
    "target_session_attrs": Option(
        urls.choice(*_TARGETS), f"which of several servers: {', '.join(f'`{target}`' for target in _TARGETS)}"
    ),
    "timeout": Option(urls.seconds, "seconds to wait for a connection (10)"),
    **urls.TLS,
}


def _open(url: yarl.URL) -> SqlStore:
    options = urls.options_of(url, _OPTIONS)
    hosts = urls.hosts_of(url, 5432)
    settings = {"application_name": "hikari-persist", "TimeZone": "UTC"}
    if "synchronous_commit" in options:
        settings["synchronous_commit"] = options["synchronous_commit"]
    if "statement_timeout" in options:
        settings["statement_timeout"] = str(round(options["statement_timeout"] * 1000))
    if "schema" in options:
        settings["search_path"] = '"{}"'.format(options["schema"].replace('"', '""'))
    user = url.user or getpass.getuser()
    database = url.path.removeprefix("/") or user
    # What is about TLS goes in the form that asyncpg reads all of it from.
    tls: dict[str, str] = {
        name: options[name] for name in ("sslmode", "sslrootcert", "sslcert", "sslkey") if name in options
    }
    connect = functools.partial(
        asyncpg.connect,
        str(yarl.URL.build(scheme="postgresql", path="/", query=tls)),
        host=[host for host, _ in hosts],
        port=[port for _, port in hosts],
        user=user,
        password=url.password,
        database=database,
        timeout=options.get("timeout", 10),
        statement_cache_size=options.get("statement_cache_size", 200),
        max_cached_statement_lifetime=0,
        target_session_attrs=options.get("target_session_attrs"),
        server_settings=settings,
    )
    where = ", ".join(host if host.startswith("/") else f"{host}:{port}" for host, port in hosts)
    name = f"{database!r} on {where} as {user!r}"
    driver: Driver = PostgresDriver(connect, name, least=options.get("min", 1), most=options.get("max", 4))
    return SqlStore(
        _question(options.get("payload")), driver, Sealing(compression=options.get("compression") == "zstd")
    )


@hookimpl
def persist_backends() -> Sequence[Backend]:
    return [Backend("postgresql", _open, _OPTIONS), Backend("postgres", _open, _OPTIONS)]
