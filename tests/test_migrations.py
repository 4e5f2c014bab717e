"""A database of an earlier version is migrated to this version, and a foreign database stays unchanged."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import typing
from collections.abc import Sequence

import pytest
import yarl
from hearing import Hearing
from stores import opened

from persist import doctor, migrations
from persist.changes import Put
from persist.completeness import known
from persist.conditions import Condition
from persist.contract_base import found
from persist.contract_samples import member, message, origin
from persist.entities import COMPLETENESS, MEMBERS, MESSAGES, USERS
from persist.errors import SchemaError
from persist.plugins import open_store
from persist.schema import VERSION, tables
from persist.spi import Page, Select
from persist.sql import SqlStore

DUMPS = pathlib.Path(__file__).parent / "dumps"


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def url(request: pytest.FixtureRequest) -> str:
    """Return the URL of a new, empty database of every engine."""
    return str(request.getfixturevalue(f"{request.param}_url"))


async def run(url: str, *statements: str) -> None:
    """Run statements with the engine's own client library."""
    where = yarl.URL(url)
    if where.scheme == "sqlite":
        with contextlib.closing(sqlite3.connect(where.path[1:])) as connection:
            connection.executescript(";\n".join(statements))
        return
    if where.scheme == "postgresql":
        import asyncpg  # noqa: PLC0415 - an extra that only tests of this server need

        connection = await asyncpg.connect(url)
        try:
            await connection.execute(";\n".join(statements))
        finally:
            await connection.close()
        return
    import aiomysql  # noqa: PLC0415 - an extra that only tests of this server need

    arguments = {"host": where.host, "port": where.port, "user": where.user, "db": where.path[1:], "charset": "utf8mb4"}
    async with aiomysql.connect(**arguments, autocommit=True) as connection, connection.cursor() as cursor:
        is_mariadb = "mariadb" in connection.get_server_info().lower()
        for statement in statements:  # the dumps are MariaDB's
            await cursor.execute(
                statement if is_mariadb else statement.replace("utf8mb4_nopad_bin", "utf8mb4_0900_bin")
            )


async def load(url: str, version: int = 1) -> None:
    """Create a database of an earlier version, with data."""
    text = (DUMPS / f"version_{version}.{yarl.URL(url).scheme}.sql").read_text(encoding="utf-8")
    await run(url, *text.removesuffix(";\n").split(";\n"))


async def page(store: SqlStore, *where: Condition) -> Page:
    return await store.select(Select(MESSAGES, where=where, metadata=True))


def numbers(found: Page) -> Sequence[int]:
    return sorted(int(record.key[0]) for record in found.records)


async def check_version_2(store: SqlStore) -> None:
    """Check what the dump of version 1 has become."""
    assert numbers(await page(store, Condition("has_attachments", "equals", value=True))) == [
        101,
        102,
        105,
        106,
        109,
        110,
    ]
    assert numbers(await page(store, Condition("has_attachments", "equals", value=False))) == [100, 104, 108]
    assert numbers(await page(store, Condition("has_attachments", "is_null"))) == [103, 107, 111]
    stored = {record.key: record for record in (await page(store)).records}
    assert stored[101,].payload["content"] == "message 1 'quoted' \\ ; \U0001f600"
    assert (stored[101,].revision, stored[101,].first_seen) == (1, stored[101,].origin.at)
    assert (await store.select(Select(USERS, want="count"))).count == 2
    assert (await store.select(Select(MEMBERS, keys=((10, 1),)))).records[0].payload["nick"] == "a\\b"


async def test_version_1_becomes_this_version_with_its_data(url: str) -> None:
    await load(url)
    for _ in range(2):
        async with opened(url) as store:
            await check_version_2(store)
    async with opened(url) as store:
        await store.apply([Put(message(105, 21, 10, attachments=[]))])
        assert 105 in numbers(await page(store, Condition("has_attachments", "equals", value=False)))


EARLIER = pytest.mark.parametrize("version", range(1, VERSION))


@EARLIER
async def test_a_migrated_database_is_like_a_new_one(url: str, version: int) -> None:
    await load(url, version)
    for _ in range(2):
        async with opened(url) as store:
            await check_version_2(store)
            for table in tables():
                found = await store._driver.fetch(store.dialect.list_columns, (table.name,))
                assert {row[0] for row in found} == {field.name for field in table.fields}
            there = {row[0] for row in await store._driver.fetch(store.dialect.list_indexes)}
            assert {f"{table.name}_by_{index[0]}" for table in tables() for index in table.indexes} <= there
            assert await who_said(store, 1) == list(range(100, 112))


async def who_said(store: SqlStore, author: int) -> list[int]:
    return numbers(await page(store, Condition("author_id", "equals", author)))


@EARLIER
async def test_indexes_of_sqlite_are_no_larger_than_those_of_a_new_file(sqlite_url: str, version: int) -> None:
    made: list[set[tuple[str, str]]] = []
    for start in (version, None):
        if start is not None:
            await load(sqlite_url, start)
        async with opened(sqlite_url if start is not None else "memory://") as store:
            found = await store.query("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
            made.append({(row[0], row[1]) for row in found})
    assert made[0] == made[1]
    assert ("messages_by_author_id", 'CREATE INDEX "messages_by_author_id" ON "messages" ("author_id")') in made[0]


def test_every_version_has_its_migration_and_its_dump() -> None:
    assert [migration.version for migration in migrations.MIGRATIONS] == list(range(2, VERSION + 1))
    assert all(migration.name.endswith(".") for migration in migrations.MIGRATIONS)
    for version in range(1, VERSION):
        assert len(list(DUMPS.glob(f"version_{version}.*.sql"))) == 3


async def test_progress_is_told(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("persist.backfill._SLICE", 5)
    await load(url)
    told: list[tuple[str, int, int]] = []
    store = typing.cast("SqlStore", open_store(url))
    await store.migrate(lambda migration, seen, total: told.append((migration.name, seen, total)))
    first, second = (migration.name for migration in migrations.MIGRATIONS)
    assert told[:3] == [(first, 5, 12), (first, 10, 12), (first, 12, 12)]
    tables_told = [(seen, total) for name, seen, total in told if name == second]
    assert tables_told == [(number, len(tables_told)) for number in range(1, len(tables_told) + 1)]
    async with opened(url) as store:
        await check_version_2(store)


async def test_a_migration_that_fails_is_tried_again_from_where_it_was(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("persist.backfill._SLICE", 4)
    await load(url)
    store = typing.cast("SqlStore", open_store(url))

    def fail(_: migrations.Migration, seen: int, __: int) -> None:
        if seen == 8:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.migrate(fail)
    told: list[tuple[int, int]] = []
    await store.migrate(lambda migration, now, _: told.append((migration.version, now)))
    resumes = bool(store.dialect.checkpoint)
    assert len([seen for version, seen in told if version == 2]) == (2 if resumes else 3)


async def test_indexes_that_were_made_in_part_are_completed(url: str) -> None:
    await load(url, 2)
    store = typing.cast("SqlStore", open_store(url))

    def fail(_: migrations.Migration, seen: int, total: int) -> None:
        if seen == total // 2:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.migrate(fail)
    async with opened(url) as store:
        assert await who_said(store, 1) == list(range(100, 112))
    async with opened(url) as store:
        await check_version_2(store)


# ------------------------------------------------------------------------------------------------------ many processes

_PROGRAM = """
import asyncio, sys
from persist import backfill
from persist.plugins import open_store

backfill._SLICE = 1

async def main():
    store = open_store(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    slow = float(sys.argv[2])
    if slow:
        def progress(*_):
            import time
            print("slice", flush=True)
            time.sleep(slow)
        await store.migrate(progress)
    await store.open()
    await store.close()

asyncio.run(main())
"""


def start(url: str, slow: float = 0) -> subprocess.Popen[str]:
    program = [sys.executable, "-P", "-c", _PROGRAM, url, str(slow)]
    process = subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


async def finish_together(processes: Sequence[subprocess.Popen[str]]) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        _, said = await asyncio.to_thread(process.communicate)
        assert process.returncode == 0, said


async def test_ten_processes_may_start_at_once_on_an_empty_database(url: str) -> None:
    await finish_together([start(url) for _ in range(10)])
    async with opened(url) as store:
        await store.apply([Put(message(1, 2))])
        assert numbers(await page(store)) == [1]


async def test_ten_processes_may_start_at_once_on_an_old_database(url: str) -> None:
    await load(url)
    await finish_together([start(url) for _ in range(10)])
    async with opened(url) as store:
        await check_version_2(store)


async def test_a_process_killed_in_the_middle_of_a_migration_leaves_it_to_the_next(url: str) -> None:
    await load(url)
    process = start(url, 0.05)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    for _ in range(4):
        assert await asyncio.to_thread(process.stdout.readline) == "slice\n"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    async with opened(url) as store:
        await check_version_2(store)


async def test_tables_that_were_made_in_part_are_completed(mysql_url: str) -> None:
    # A killed process leaves this if each table is committed on its own: the notes, and some of the tables.
    async with opened(mysql_url):
        pass
    last = list(tables())[-1].name
    await run(mysql_url, f"DROP TABLE {last}", "DELETE FROM persist_meta WHERE name = 'schema_version'")
    async with opened(mysql_url) as store:
        assert {row[0] for row in await store._driver.fetch(store.dialect.list_tables)} == {t.name for t in tables()}


# ------------------------------------------------------------------------------------------------ what somebody dropped


async def test_a_table_that_somebody_dropped_is_created_again(url: str, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(url) as store:
        await store.apply([known(kind, 9, origin()) for kind in ("messages", "members")])
        await store.apply([Put(message(1, 5, 7)), Put(member(9, 1))])
    await run(url, "DROP TABLE messages")
    (check,) = [check async for check in doctor.of_store(open_store(url)) if check.what == "schema"]
    assert (check.state, check.found) == ("wrong", f"version {VERSION}, but these tables are missing: messages")
    async with opened(url) as store:
        assert "somebody has dropped the table messages; it is created again, empty" in caplog.text
        assert [record.key for record in await found(store, COMPLETENESS)] == [(9, "members")]
        assert [record.key for record in await found(store, MEMBERS)] == [(9, 1)]
        await store.apply([Put(message(2, 5, 7))])
        assert [record.key for record in await found(store, MESSAGES)] == [(2,)]


async def test_a_dropped_table_costs_a_running_bot_nothing_once_it_is_back(url: str) -> None:
    async with Hearing(url) as heard:
        heard.accept(Put(message(1, 5, 7)))
        await heard.cache.flush()
        await run(url, "DROP TABLE messages")
        heard.accept(Put(message(2, 5, 7)))
        flush = asyncio.create_task(heard.cache.flush())
        while heard.cache.stats().retries == 0:  # noqa: ASYNC110 - a cache has no event for that
            await asyncio.sleep(0.01)
        assert "bring it back, or run `persist migrate`" in heard.cache.health().problems[0].message
        await open_store(url).migrate()
        await flush
        assert heard.cache.quarantine == ()
        assert await heard.cache.messages.find().ids() == [2]


# -------------------------------------------------------------------------------------------------------------- refusal


async def test_a_newer_database_is_refused_and_left_alone(url: str) -> None:
    async with opened(url):
        pass
    await run(url, "UPDATE persist_meta SET value = '99' WHERE name = 'schema_version'")
    with pytest.raises(
        SchemaError,
        match=f"has version 99 of the schema, but this version of persist only knows up to {VERSION}. Upgrade",
    ):
        await open_store(url).open()
    await run(url, f"UPDATE persist_meta SET value = '{VERSION}' WHERE name = 'schema_version'")
    async with opened(url):
        pass


async def test_a_database_of_another_application_is_refused_and_left_alone(url: str) -> None:
    await run(url, "CREATE TABLE persist_meta (name VARCHAR(20), value TEXT)")
    await run(url, "INSERT INTO persist_meta VALUES ('application', 'other')")
    with pytest.raises(SchemaError, match=r"belongs to 'other'|has tables that are not persist's"):
        await open_store(url).open()


async def test_tables_of_somebody_else_are_not_touched(url: str) -> None:
    await run(url, "CREATE TABLE users (id INTEGER)", "INSERT INTO users VALUES (1)")
    with pytest.raises(SchemaError, match=r"has tables that are not persist's: users\. Name another"):
        await open_store(url).open()
    await run(url, "INSERT INTO users VALUES (2)")


async def test_other_tables_on_a_server_are_no_hindrance(url: str) -> None:
    if yarl.URL(url).scheme == "sqlite":
        pytest.skip("An SQLite file is one application's.")
    await run(url, "CREATE TABLE of_another_bot (id INTEGER)")
    async with opened(url) as store:
        await store.apply([Put(message(1, 2))])


async def test_tables_are_described_in_the_database(url: str) -> None:
    asked = {
        "postgresql": "SELECT obj_description('messages'::regclass)",
        "mysql": "SELECT table_comment FROM information_schema.tables WHERE table_name = 'messages'",
    }
    if (engine := yarl.URL(url).scheme) not in asked:
        pytest.skip("SQLite has no comments.")
    async with opened(url) as store:
        assert (await store._driver.fetch(asked[engine]))[0][0] == MESSAGES.about
