"""The SQL dialect of PostgreSQL."""

from __future__ import annotations

import dataclasses
import functools
import re
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence

from persist import ddl
from persist.dialect import Convert, Dialect, Integrity, Question, Search, Statement
from persist.errors import SchemaError
from persist.model import Entity, Key
from persist.schema import Columnar, Field, Rows, Storage, Table
from persist.slicing import is_one, shared, slices
from persist.spelling import Speller, keys_in_lists
from persist.spi import Row
from persist.words import Term

__all__ = ("DIALECT", "JSONB", "question")

_ROWS: typing.Final = 250
"""How many rows a statement writes: a longer one would block the event loop for more than a millisecond."""

# PostgreSQL cannot store U+0000. These words consist of characters that then occur nowhere else. They preserve the
# order of texts, and because none of them occurs across two others, they also preserve which text contains which.
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
    # The first alternative matches an escaped backslash as a whole, so that it does not begin an escape.
    return re.sub(r"\\\\|\\u000[01]", lambda found: _JSON_ESCAPES.get(found[0], found[0]), document)


def _json_with_nul(document: str) -> str:
    if r"\u0001" not in document:
        return document
    return re.sub(r"\\\\|\\u0001\\u000[12]", lambda found: _JSON_UNESCAPES.get(found[0], found[0]), document)


_ARRAYS: typing.Final[Mapping[Storage, str]] = {"snowflake": "bigint[]", "integer": "bigint[]", "boolean": "boolean[]"}
"""The array types of parameters; all other types are text."""


_STORE: typing.Final[Mapping[Storage, str]] = {"time": "{}::text::timestamptz"}
_BIND: typing.Final[Mapping[Storage, Convert]] = {"text": _without_nul, "name": _without_nul}
_JSONB_STORE: typing.Final[Mapping[Storage, str]] = {**_STORE, "document": "{}::text::jsonb"}
_JSONB_BIND: typing.Final[Mapping[Storage, Convert]] = {**_BIND, "document": _json_without_nul}
_CONCERNED: typing.Final = ("\0", "\1", "\2", r"\u000")
"""A text that needs a conversion contains one of these. Searching for each takes a tenth of the time of one pattern."""


@functools.cache
def _insert(table: Table, once: int, *, jsonb: bool) -> str:
    """Return an upsert of rows, passed column by column; the last ``once`` columns are passed as a single value."""
    store = _JSONB_STORE if jsonb else _STORE
    quote = DIALECT.quote
    own = len(table.fields) - once
    marks, values = [], []
    for number, field in enumerate(table.fields, 1):
        given, kind = f"v{number}", _ARRAYS.get(field.kind, "text[]")
        if number <= own:
            marks.append(f"${number}::{kind}")
        else:
            given = f"${number}::{kind.removesuffix('[]')}"
        values.append(store.get(field.kind, "{}").format(given))
    names = ", ".join(quote(field.name) for field in table.fields)
    changed = [f"{quote(name)} = excluded.{quote(name)}" for name in table.changing]
    changed += ['"revision" = stored."revision" + 1'] if table.counts else []
    compared = quote(table.compared)
    spelled = {field.name: value for field, value in zip(table.fields, values, strict=True)}
    same = " AND ".join(f"known.{quote(name)} = {spelled[name]}" for name in (*table.key, table.compared))
    # Unchanged rows are left out first, because a conflict locks its row, and each lock is written to the log.
    return (
        f"INSERT INTO {quote(table.name)} AS stored ({names}) "
        f"SELECT {', '.join(values)} FROM unnest({', '.join(marks)}) "
        f"AS given ({', '.join(f'v{number}' for number in range(1, len(marks) + 1))}) "
        f"WHERE NOT EXISTS (SELECT FROM {quote(table.name)} AS known WHERE {same}) "
        f"ON CONFLICT ({', '.join(map(quote, table.key))}) DO UPDATE SET {', '.join(changed)} "
        f"WHERE stored.{compared} IS DISTINCT FROM excluded.{compared}"
    )


def _bound(table: Table, rows: Rows[typing.Any], *, jsonb: bool) -> Iterator[Columnar]:
    """Yield rows, some at a time, as values that the server accepts."""
    bind = _JSONB_BIND if jsonb else _BIND
    converts = [bind.get(field.kind) for field in table.fields]
    for some in slices(table, rows, _ROWS):
        yield [
            values if convert is None else _converted(convert, values)
            for convert, values in zip(converts, some, strict=True)
        ]


def _converted(convert: Convert, values: Sequence[typing.Any]) -> Sequence[typing.Any]:
    """Convert a column of texts. Most columns need no conversion, which one search in all their texts shows."""
    text = "".join(filter(None, values))
    if not any(mark in text for mark in _CONCERNED):
        return values
    return [None if v is None else convert(v) for v in values]


def _upsert(table: Table, rows: Rows[typing.Any], *, jsonb: bool = False) -> Iterator[Statement]:
    for columns in _bound(table, rows, jsonb=jsonb):
        once = shared(table, columns)
        own = len(columns) - once
        yield _insert(table, once, jsonb=jsonb), (*columns[:own], *(column[0] for column in columns[own:]))


# The text format of COPY: https://www.postgresql.org/docs/current/sql-copy.html
_COPY_NULL: typing.Final = r"\N"
_COPY_SPECIAL: typing.Final = re.compile(r"[\\\t\n\r]")
_COPY_ESCAPES: typing.Final = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}


def _loaded(table: Table, rows: Rows[typing.Any], *, jsonb: bool = False) -> Iterator[bytes]:
    numbers = [field.kind in _ARRAYS for field in table.fields]
    for columns in _bound(table, rows, jsonb=jsonb):
        texts = [_spelled(values, str if number else None) for number, values in zip(numbers, columns, strict=True)]
        yield "\n".join((*map("\t".join, zip(*texts, strict=True)), "")).encode()


def _spelled(values: Sequence[typing.Any], spell: Callable[[typing.Any], str] | None) -> Sequence[str]:
    """Encode a column for COPY. Most columns have no special characters, which one search in all their texts shows."""
    if len(values) > 1 and is_one(values):
        return [*_spelled(values[:1], spell)] * len(values)
    if spell is not None:
        return [_COPY_NULL if value is None else spell(value) for value in values]
    given = [value for value in values if value is not None]
    text = "".join(given)
    if not any(special in text for special in _COPY_ESCAPES):
        return values if len(given) == len(values) else [_COPY_NULL if value is None else value for value in values]
    return [_COPY_NULL if value is None else _COPY_SPECIAL.sub(_escape, value) for value in values]


def _escape(found: re.Match[str]) -> str:
    return _COPY_ESCAPES[found[0]]


def _keys_as_arrays(speller: Speller, entity: Entity[typing.Any], keys: Sequence[Key]) -> str:
    # The statement is the same for any number of keys, so it stays prepared.
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
    """Query amcheck for invalid rows of each table, and for its indexes, which raises at the first problem."""
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
    # Writing an unchanged record locks the table, but not the row.
    keep_out=lambda table, *_: (f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE", ()),
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
    prepare=("SET LOCAL statement_timeout = 0", "SET LOCAL lock_timeout = 0"),
    size="SELECT SUM(pg_total_relation_size(c.oid))::bigint FROM pg_class c WHERE c.relkind = 'r' "
    "AND c.relnamespace = current_schema()::regnamespace",
    may_create="SELECT has_schema_privilege(current_schema(), 'CREATE')",
    integrity=Integrity(
        _checks,
        lambda row: None if row[0] is None else str(row[0]),
        offered="SELECT COUNT(*) = 2 FROM pg_proc WHERE proname IN ('verify_heapam', 'bt_index_check') AND pronargs IN "
        "(1, 6) AND pg_function_is_visible(oid) AND has_function_privilege(oid, 'EXECUTE')",
        lacking="CREATE EXTENSION amcheck, and run persist verify as a superuser",
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
"""The dialect for payloads stored as jsonb."""

_DIALECTS: typing.Final = {"text": DIALECT, "jsonb": JSONB}
_ENCODINGS: typing.Final = ("UTF8", "SQL_ASCII")
"""The encodings that can hold any text; the second one stores bytes unchanged."""


def question(wanted: str | None) -> Question:
    def answered(rows: Sequence[Row]) -> Dialect:
        encoding, known = rows[0] if rows else ("UTF8", None)
        if encoding not in _ENCODINGS:
            msg = (
                f"texts in this database are {encoding}, which lacks most of the characters that people write; name "
                "one that is made with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
            )
            raise SchemaError(msg)
        found = str(known or wanted or "text")
        if wanted not in (None, found):
            msg = f"this database stores payloads as {found}; leave out ?payload={wanted}, or name an empty database"
            raise SchemaError(msg)
        return _DIALECTS.get(found, DIALECT)

    column = "table_schema = current_schema() AND table_name = 'users' AND column_name = 'payload'"
    # Not data_type, which a server may quote (quote_all_identifiers).
    payload = f"SELECT udt_name::text FROM information_schema.columns WHERE {column}"
    return Question(f"SELECT getdatabaseencoding()::text, ({payload})", answered)
