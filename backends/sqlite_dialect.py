"""The SQL dialect of SQLite."""

from __future__ import annotations

import functools
import json
import math
import sys
import time
import typing
from collections.abc import Iterator, Sequence

from persist import ddl
from persist.dialect import Dialect, Integrity, Search, Statement
from persist.schema import Columnar, Field, Rows, Table
from persist.slicing import shared
from persist.spi import Row
from persist.words import Term

__all__ = ("APPLICATION_ID", "BINDS_ONCE", "DIALECT")

APPLICATION_ID: typing.Final = 0x70727374
"""``prst``, by which ``file`` and other tools recognize the database."""

_SIZES: typing.Final = (1024, 512, 256, 128, 64, 32, 8, 1)
"""How many rows a statement may write. Long statements seldom hand over the GIL; a few sizes stay prepared."""

_USUAL: typing.Final = 128
"""The most rows that a statement writes, unless the writer waits for the GIL longer than it works."""

_BINDS: typing.Final = 32_766
"""The most parameters of one statement: https://www.sqlite.org/limits.html"""

BINDS_ONCE: typing.Final = not (3, 12) <= sys.version_info < (3, 12, 4)
"""Whether one value can be bound for many rows. Python 3.12.0 to 3.12.3 considers ``?1`` a named parameter, and warns:
https://github.com/python/cpython/issues/117995"""

_NULL: typing.Final = math.nan
"""SQLite stores NaN as NULL (``sqlite3VdbeMemSetDouble``), and binding it takes a tenth of the time of ``None``: for
``None``, ``True`` and ``False``, Python's module looks for an adapter each time."""

_BOUND: typing.Final = {None: _NULL, False: 0, True: 1}


@functools.cache
def _insert(table: Table, rows: int, once: int) -> str:
    """Return an upsert of this many rows; the values of the last ``once`` columns are bound once, before all rows."""
    own = len(table.fields) - once
    fields = (*table.fields[own:], *table.fields[:own])
    names = ", ".join(DIALECT.quote(field.name) for field in fields)
    # Values that are bound once come first, so that no others need a number: SQLite searches a list of all numbers for
    # each (``sqlite3ExprAssignVarNumber``). Preparing a thousand rows takes 6 ms this way, and 200 ms otherwise.
    row = ", ".join([*(f"?{place}" for place in range(1, once + 1)), *(["?"] * own)])
    marks = [row] * rows
    quoted = DIALECT.quote(table.name)
    changed = ", ".join(f'"{name}" = excluded."{name}"' for name in table.changing)
    counted = f', "revision" = {quoted}."revision" + 1' if table.counts else ""
    key = ", ".join(map(DIALECT.quote, table.key))
    return (
        f"INSERT INTO {quoted} ({names}) VALUES ({'), ('.join(marks)}) "
        f"ON CONFLICT ({key}) DO UPDATE SET {changed}{counted} "
        f'WHERE {quoted}."{table.compared}" IS NOT excluded."{table.compared}"'
    )


def _upsert(table: Table, rows: Rows[typing.Any]) -> Iterator[Statement]:
    # The writer requests one statement at a time, so each one's length depends on how long the last one waited.
    width, start = len(table.fields), 0
    while start < len(rows):
        most = min(len(rows) - start, _USUAL * rows.stride.times, _BINDS // width)
        size = next(size for size in _SIZES if size <= most)
        began, worked = time.perf_counter(), time.thread_time()
        columns = rows.columns(start, size)
        once = shared(table, columns) if BINDS_ONCE else 0
        yield _insert(table, size, once), _flat(table, columns, once)
        worked = time.thread_time() - worked
        rows.stride.waited(time.perf_counter() - began - worked, worked)
        start += size


def _flat(table: Table, columns: Columnar, once: int) -> Row:
    own = len(columns) - once
    flat = [None] * (once + own * len(columns[0]))
    for place, (field, column) in enumerate(zip(table.fields, columns, strict=True)):
        if place < own:
            flat[once + place :: own] = _bound(field, column)
        else:
            flat[place - own] = _bound(field, column[:1])[0]
    return flat


def _bound(field: Field, column: Sequence[typing.Any]) -> Sequence[typing.Any]:
    if field.kind == "boolean":
        return list(map(_BOUND.get, column))
    if not field.required and None in column:
        return [_NULL if value is None else value for value in column]
    return column


def _create_search(dialect: Dialect, texts: Table, owner: Table) -> Iterator[str]:
    quote = dialect.quote
    table, index = quote(texts.name), quote(f"{texts.name}_index")
    # An explicit row id, because VACUUM may change implicit ones.
    columns = ", ".join(('"docid" INTEGER PRIMARY KEY', *ddl.columns(dialect, texts)))
    yield f"CREATE TABLE {table} ({columns}, UNIQUE ({', '.join(map(quote, texts.key))}))"
    options = f"""content='{texts.name}', content_rowid='docid', tokenize="ascii tokenchars '_'", detail=none"""
    yield f'CREATE VIRTUAL TABLE {index} USING fts5 ("terms", {options}, columnsize=0)'
    gone = f'INSERT INTO {index} ({index}, rowid, "terms") VALUES (\'delete\', OLD."docid", OLD."terms")'
    come = f'INSERT INTO {index} (rowid, "terms") VALUES (NEW."docid", NEW."terms")'
    for what, when, does in (
        ("new", "INSERT", (come,)),
        ("changed", 'UPDATE OF "terms"', (gone, come)),
        ("gone", "DELETE", (gone,)),
    ):
        trigger = quote(f"{texts.name}_{what}")
        yield f"CREATE TRIGGER {trigger} AFTER {when} ON {table} BEGIN {'; '.join(does)}; END"
    same = " AND ".join(f"{quote(name)} = OLD.{quote(name)}" for name in texts.key)
    yield (
        f"CREATE TRIGGER {quote(f'{texts.name}_of')} AFTER DELETE ON {quote(owner.name)} "
        f"BEGIN DELETE FROM {table} WHERE {same}; END"
    )


def _drop_search(texts: Table, _: Table) -> Iterator[str]:
    yield f"DROP TRIGGER IF EXISTS {DIALECT.quote(f'{texts.name}_of')}"
    yield f"DROP TABLE IF EXISTS {DIALECT.quote(f'{texts.name}_index')}"
    yield f"DROP TABLE IF EXISTS {DIALECT.quote(texts.name)}"


def _asked(terms: Sequence[Term]) -> str:
    return " AND ".join(f'"{term.word}"{"*" if term.is_open else ""}' for term in terms)


_VACUUM: typing.Final = (
    "PRAGMA query_only = OFF",
    "VACUUM",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA query_only = ON",
)

DIALECT = Dialect(
    types={
        "snowflake": "INTEGER",
        "integer": "INTEGER",
        "boolean": "BOOLEAN",
        "text": "TEXT",
        "name": "TEXT",
        "time": "DATETIME",
        "snowflakes": "TEXT",
        "document": "TEXT",
    },
    placeholder=lambda _: "?",
    upsert=_upsert,
    list_tables="SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'",
    list_columns="SELECT name FROM pragma_table_info(?)",
    list_indexes="SELECT name FROM sqlite_schema WHERE type = 'index'",
    keys_in_indexes=True,
    among={"snowflake": ("IN (SELECT value FROM json_each({}))", lambda values: json.dumps(list(values)))},
    finish=(f"PRAGMA application_id = {APPLICATION_ID}",),
    octets="LENGTH(CAST({0} AS BLOB))",
    version="SELECT 'SQLite ' || sqlite_version()",
    size="SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    integrity=Integrity(lambda _: ("PRAGMA integrity_check",), lambda row: None if row[0] == "ok" else str(row[0])),
    vacuum=_VACUUM,
    rewrite=_VACUUM,
    exclusive=True,
    binary=True,
    rows=True,
    search=Search(
        create=_create_search,
        drop=_drop_search,
        matches='"docid" IN (SELECT rowid FROM "{0}_index" WHERE "{0}_index" MATCH {1})',
        asked=_asked,
        offered="SELECT COUNT(*) FROM pragma_module_list WHERE name = 'fts5'",
        lacking="this Python's SQLite has no FTS5; use a Python with it, such as those from python.org",
    ),
)
