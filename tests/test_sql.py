"""The exact SQL for each database, including servers that are not available here."""

from __future__ import annotations

import asyncio
import os
import pathlib
import textwrap
import time
import typing
from collections.abc import Iterator, Mapping, Sequence

import pytest

from persist import ddl, texts
from persist.backends import mysql_dialect as mysql
from persist.backends import postgresql_dialect as postgresql
from persist.backends import sqlite_dialect as sqlite
from persist.conditions import AllOf, AnyOf, Condition, Not, Within, Worded
from persist.contract_samples import message, origin
from persist.dialect import Dialect
from persist.entities import CHANNELS, COMPLETENESS, INVITES, MEMBERS, MESSAGES, THREADS, USERS, VOICE_STATES
from persist.errors import SchemaError
from persist.model import Record
from persist.questions import Questions
from persist.schema import META, Columnar, Rows, columns_of, row_of, table_of, texts_of
from persist.slicing import slices
from persist.spi import Order, Select
from persist.stride import Stride

GOLDEN = pathlib.Path(__file__).parent / "golden"
DIALECTS: Mapping[str, Dialect] = {
    "sqlite": sqlite.DIALECT,
    "postgresql": postgresql.DIALECT,
    "postgresql_jsonb": postgresql.JSONB,
    "mariadb": mysql.MARIADB,
    "mysql": mysql.MYSQL,
}
_MOMENT = "2024-01-01 00:00:00.000000"
QUESTIONS = {
    "one record by its key": Select(MEMBERS, keys=((1, 2),)),
    "one record with its parts": Select(VOICE_STATES, keys=((1, 2),), metadata=True, whole=True),
    "with its history": Select(USERS, keys=((1,),), metadata=True),
    "records by their keys": Select(USERS, keys=((1,), (2,)), want="keys"),
    "by keys of two parts": Select(MEMBERS, keys=((1, 2), (1, 3), (4, 5)), want="keys"),
    "by keys that are texts": Select(INVITES, keys=(("a",), ("it's\0",)), want="keys"),
    "the first page": Select(MESSAGES, guild_id=1, limit=2, want="keys"),
    "the next page by key": Select(MESSAGES, guild_id=1, after=(7,), limit=2, want="keys"),
    "the next page by a key of two parts": Select(MEMBERS, after=(1, 7), limit=2, want="keys"),
    "the next page within a guild": Select(MEMBERS, guild_id=1, after=(7,), limit=2, want="keys"),
    "the next page where a guild is wanted": Select(
        MEMBERS, where=(Condition("guild_id", "equals", 1),), after=(7,), limit=2, want="keys"
    ),
    "the next page, sorted by a column and then by a key of two parts": Select(
        MEMBERS, order=(Order("joined_at"),), after=(_MOMENT, 1, 7), limit=2, want="keys"
    ),
    "the next page, sorted up": Select(USERS, order=(Order("username"),), after=("a", 7), limit=2, want="keys"),
    "the next page, sorted down": Select(
        MESSAGES, order=(Order("edited_timestamp", descending=True),), after=(_MOMENT, 7), limit=2, want="keys"
    ),
    "the next page, after NULL": Select(USERS, order=(Order("username"),), after=(None, 7), limit=2, want="keys"),
    "a count": Select(
        USERS,
        want="count",
        where=(
            Not(Condition("username", "contains", "50%")),
            AnyOf((Condition("flags", "has_bits", 4), Condition("id", "on_shard", (1, 2)))),
            AllOf((Condition("username", "startswith", "ab"), Condition("global_name", "is_null"))),
            AnyOf(()),
        ),
    ),
    "what belongs": Select(
        MESSAGES,
        want="count",
        where=(
            Within(("channel_id",), THREADS, (Within(("parent_id",), CHANNELS, (Condition("name", "equals", "a"),)),)),
            Condition("timestamp", "at_least", _MOMENT),
        ),
    ),
    "what messages say": Select(
        MESSAGES,
        guild_id=1,
        where=(Worded(MESSAGES, (" red ", " pan", " 熊 ")), Not(Worded(MESSAGES, (" red panda ",)))),
        order=(Order("id", descending=True),),
        limit=2,
        want="keys",
    ),
    "what people are called": Select(
        MEMBERS,
        want="count",
        where=(AnyOf((Worded(MEMBERS, ("natalia",)), Within(("user_id",), USERS, (Worded(USERS, ("\n al", "é")),)))),),
    ),
    "pairs that belong": Select(MEMBERS, want="count", where=(Within(("guild_id", "user_id"), MEMBERS, ()),)),
}


def spoken(dialect: Dialect) -> Iterator[str]:
    """Yield the SQL for a database: tables, writes and queries."""
    for table in (META, table_of(COMPLETENESS), table_of(INVITES)):
        yield from ddl.create(dialect, table)
    (field,) = (field for field in table_of(MESSAGES).fields if field.name == "has_attachments")
    yield ddl.add_column(dialect, table_of(MESSAGES), field)
    records = [
        COMPLETENESS.record({"kind": kind, "state": "it's a\\b %s ?"}, 1, origin(1)) for kind in ("members", "a\0\1\2")
    ]
    at_once = [COMPLETENESS.record({"kind": kind, "state": "s"}, 1, origin(1)) for kind in "abcdefgh"]
    for some in (records, at_once):
        for sql, params in dialect.upsert(table_of(COMPLETENESS), Rows(some, columns_of)):
            yield f"{sql}\n    {list(params)!r}"
    assert dialect.search is not None
    yield texts.asked(dialect) + dialect.lock_note
    for entity in (MESSAGES, MEMBERS):
        yield from dialect.search.drop(texts_of(entity), table_of(entity))
        yield from dialect.search.create(dialect, texts_of(entity), table_of(entity))
    said = [message(1, 1, content="It's a Red Panda: 熊"), message(2, 1, content="!")]
    for sql, params in texts.written(dialect, MESSAGES, said):
        yield f"{sql}\n    {list(params)!r}"
    questions = Questions(dialect, None)
    for what, query in QUESTIONS.items():
        asked = questions.spelled(query)
        yield f"-- {what}\n{asked.sql}\n    {list(asked.params)!r}"


@pytest.mark.parametrize("name", DIALECTS)
def test_databases_are_told_what_they_were_told_before(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a difference is intended, PERSIST_WRITE_GOLDEN=1 updates the files, and a reviewer reads what changed."""
    monkeypatch.setattr(sqlite, "BINDS_ONCE", True)  # the SQL is not run here, so any Python will do
    text = "\n\n".join(
        "\n".join(textwrap.fill(line, 118, break_long_words=False, break_on_hyphens=False) for line in part.split("\n"))
        for part in spoken(DIALECTS[name])
    )
    path = GOLDEN / f"{name}.sql"
    if os.environ.get("PERSIST_WRITE_GOLDEN") == "1":
        path.write_text(f"{text}\n", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == f"{text}\n"


@pytest.mark.parametrize(
    ("version", "dialect"),
    [
        ("10.11.19-MariaDB-0+deb12u1", mysql.MARIADB),
        ("5.5.5-10.6.1-MariaDB", mysql.MARIADB),
        ("8.0.19", mysql.MYSQL),
        ("8.4.2-debug", mysql.MYSQL),
        ("9.1.0", mysql.MYSQL),
    ],
)
def test_the_server_says_which_dialect_it_speaks(version: str, dialect: Dialect) -> None:
    assert mysql.QUESTION.dialect([(version, 16_777_216)]) is dialect


@pytest.mark.parametrize(
    ("version", "settings"),
    [
        ("5.5.5-10.11.19-MariaDB-0+deb12u1", "SET SESSION sql_notes = 0"),
        ("11.2.1-MariaDB", "SET SESSION sql_notes = 0"),
        ("11.8.9-MariaDB-4", "SET SESSION note_verbosity = ''"),
        ("12.0.2-MariaDB", "SET SESSION note_verbosity = ''"),
        ("9.7.4-2", "SET SESSION sql_notes = 0, SESSION range_optimizer_max_mem_size = 0"),
    ],
)
def test_notes_are_turned_off_by_a_setting_that_the_server_does_not_warn_about(version: str, settings: str) -> None:
    mysql_driver = pytest.importorskip("persist.backends.mysql_driver", reason="aiomysql is not installed.")
    assert mysql_driver.family(version).settings == settings


def test_a_server_that_is_too_old_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"MySQL 5\.7\.44-log is too old; upgrade it to 8\.0\.19 or newer"):
        mysql.QUESTION.dialect([("5.7.44-log", 4_194_304)])


@pytest.mark.parametrize("version", ["10.11.19-MariaDB", "8.4.2"])
def test_statements_are_no_longer_than_the_server_takes(version: str) -> None:
    records = [message(number, 1, content="\U0001f600" * 2000) for number in range(100)]

    def longest(packet: int) -> int:
        dialect = mysql.QUESTION.dialect([(version, packet)])
        told = list(dialect.upsert(table_of(MESSAGES), Rows(records, columns_of)))
        assert sum(sql.count("x'") for sql, _ in told) == len(records)
        return max(len(sql.encode()) for sql, _ in told)

    assert longest(16_777_216) > 1_048_576 > longest(1_048_576)


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        (None, "NULL"),
        (True, "1"),
        (2**63 - 1, "9223372036854775807"),
        ("", "''"),
        ("it's", "'it''s'"),
        ("\\'; DROP TABLE users; --", r"'\\''; DROP TABLE users; --'"),
        ("\\", r"'\\'"),
    ],
)
def test_values_are_spelled_for_mysql(value: object, spelled: str) -> None:
    assert mysql.literal(value) == spelled


def test_what_is_neither_text_nor_number_is_not_spelled_for_mysql() -> None:
    for value in (1.5, b"x", ["x"]):
        with pytest.raises((TypeError, ValueError)):
            mysql.literal(value)


def test_a_statement_is_neither_too_many_rows_nor_too_long() -> None:
    table = table_of(MESSAGES)
    records = [message(number, 1, content="x" * (1000 if number == 7 else 1)) for number in range(23)]
    rows = list(map(row_of, records))

    def cut(size: int) -> list[list[tuple[typing.Any, ...]]]:
        return [list(zip(*some, strict=True)) for some in slices(table, Rows(records, columns_of), 10, size)]

    assert [len(some) for some in cut(4_000_000)] == [10, 10, 3]
    assert [row for some in cut(500) for row in some] == rows
    assert [len(some) for some in cut(500) if rows[7] in some] == [1]


async def test_statements_grow_while_the_event_loop_is_slow_to_come_round() -> None:
    async def busy() -> None:
        while True:
            time.sleep(0.03)  # noqa: ASYNC251 - blocking is the point
            await asyncio.sleep(0)

    stride, table = Stride(), table_of(MESSAGES)
    rows = Rows([message(number, 1) for number in range(100)], columns_of, stride)

    def lengths() -> list[int]:
        return [len(some[0]) for some in slices(table, rows, 10)]

    assert lengths() == [10] * 10
    hog = asyncio.create_task(busy())
    for _ in range(3):
        await stride.turn()
    assert lengths() == [80, 20]
    hog.cancel()
    while stride.times > 1:
        await stride.turn()
    assert lengths() == [10] * 10


def test_rows_are_made_as_they_are_needed() -> None:
    made: list[int] = []

    def columns(records: Sequence[Record]) -> Columnar:
        made.append(len(records))
        return columns_of(records)

    for dialect in DIALECTS.values():
        made.clear()
        rows = Rows([message(number, 1) for number in range(1000)], columns)
        _, params = next(iter(dialect.upsert(table_of(MESSAGES), rows)))
        if params:
            assert params[0] is not None
        assert sum(made) <= 250
