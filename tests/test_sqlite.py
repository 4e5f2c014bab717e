"""What is special about SQLite, which has no server to coordinate its users."""

from __future__ import annotations

import asyncio
import pathlib
import shutil
import threading
import typing
from collections.abc import Callable, Sequence

import bots
import hearing
import pytest
from fakecord import payloads
from test_migrations import opened

import persist
from persist import plans
from persist.backends import sqlite_dialect, sqlite_driver
from persist.backends.sqlite_driver import SqliteDriver
from persist.changes import Amend, Change, Drop, DropScope, Patch, Put
from persist.conditions import Known, Not
from persist.edits import Part
from persist.entities import BANS, GUILDS, MEMBERS, USERS
from persist.events import EVENTS
from persist.model import Origin
from persist.spi import Select, Transaction

ORIGIN: typing.Final = Origin("gateway", 0, 1, "2026-01-01 00:00:00.000001")
GUILD: typing.Final = 10


def _user(number: int, **fields: typing.Any) -> Put:
    return Put(USERS.record({"id": str(number), "username": "ann", "discriminator": "0", **fields}, None, ORIGIN))


def _member(number: int, **fields: typing.Any) -> Put:
    return Put(MEMBERS.record({"user": {"id": str(number)}, "roles": [], **fields}, GUILD, ORIGIN))


async def test_many_may_make_one_file_at_once(tmp_path: pathlib.Path) -> None:
    # Each switches the new file to WAL; if two do so at once, SQLite fails one immediately with "database is locked".
    for number in range(60):
        drivers = [SqliteDriver(tmp_path / f"{number}.db") for _ in range(12)]
        await asyncio.gather(*(driver.open() for driver in drivers))
        for driver in drivers:
            await driver.close()


async def test_what_is_bound_in_another_form_is_stored_as_what_it_is(sqlite_url: str) -> None:
    async with opened(sqlite_url) as store:
        await store.apply(
            [
                *(_user(1, bot=True), _user(2, bot=False), _user(3)),
                *(_member(1, nick="Ann", pending=True), _member(2, nick=None, pending=False), _member(3)),
            ]
        )
        bots = await store.query("SELECT id, is_bot, typeof(is_bot), typeof(global_name) FROM users ORDER BY id")
        assert [tuple(row) for row in bots] == [
            (1, 1, "integer", "null"),
            (2, 0, "integer", "null"),
            (3, None, "null", "null"),
        ]
        members = await store.query("SELECT nickname, typeof(nickname), is_pending FROM members ORDER BY user_id")
        assert [tuple(row) for row in members] == [("Ann", "text", 1), (None, "null", 0), (None, "null", None)]


async def test_the_writer_gives_way_between_calls_that_sort_and_name_very_many(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gave: list[float] = []
    async with opened(sqlite_url) as store:
        monkeypatch.setattr(sqlite_driver.time, "sleep", gave.append)
        await store.apply([_user(number) for number in range(100)])
        assert gave == []
        await store.apply([_user(number) for number in range(2000)])
        assert gave == [sqlite_driver._GIVE_WAY] * 2


@pytest.mark.parametrize("once", [True, False])
async def test_what_rows_share_is_stored_with_each_of_them(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, *, once: bool
) -> None:
    monkeypatch.setattr(sqlite_dialect, "BINDS_ONCE", once and sqlite_dialect.BINDS_ONCE)
    nowhere = Origin("rest", None, 0, "2026-01-01 00:00:00.000002")
    async with opened(sqlite_url) as store:
        await store.apply([_user(number) for number in range(200)])
        await store.apply([Put(_user(number, bot=True)._replace(origin=nowhere)) for number in range(150, 350)])
        one_of_another = Put(_user(400)._replace(origin=nowhere))
        await store.apply([*(_user(number) for number in range(401, 500)), one_of_another])
        told = await store.query(
            "SELECT source, shard, epoch, last_updated, first_seen, revision, COUNT(*), MIN(id) FROM users "
            "GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY MIN(id)"
        )
    first, later = ORIGIN.at, nowhere.at
    assert [tuple(row) for row in told] == [
        ("gateway", 0, 1, first, first, 1, 150 + 99, 0),
        ("rest", None, 0, later, first, 2, 50, 150),
        ("rest", None, 0, later, later, 1, 150 + 1, 200),
    ]


def _coming(number: int) -> Sequence[Change]:
    return [plans.count(GUILDS, (GUILD,), "member_count", 1, ORIGIN, Not(Known(MEMBERS, (GUILD, number))))]


def _going(number: int) -> Sequence[Change]:
    user = {"guild_id": str(GUILD), "user": {"id": str(number)}}
    context = plans.Context(0, 1, None, ORIGIN, reads_content=True, authors={})
    return [change for change in EVENTS["GUILD_MEMBER_REMOVE"].plan(user, context) if isinstance(change, Amend)]


@pytest.mark.parametrize(("counted", "amount"), [(_coming, 999), (_going, -1000)])
async def test_a_thousand_who_join_or_leave_are_counted_in_a_few_statements(
    sqlite_url: str, counted: Callable[[int], Sequence[Change]], amount: int
) -> None:
    asked: list[str] = []
    async with opened(sqlite_url) as store:
        await store.apply([Put(GUILDS.record({"id": str(GUILD), "member_count": 2000}, None, ORIGIN)), _member(3)])
        driver = store._driver
        assert isinstance(driver, SqliteDriver)
        assert driver._writer is not None
        await driver._writer.set_trace_callback(asked.append)
        await store.apply([change for number in range(1000) for change in counted(number)])
        await driver._writer.set_trace_callback(None)
        (guild,) = (await store.select(Select(GUILDS))).records
    assert guild.payload["member_count"] == 2000 + amount
    assert len(asked) < 20


# ----------------------------------------------------------------------------------------------- in the writer's thread


def _of_every_sort() -> list[Change]:
    return [
        DropScope(BANS, GUILD),
        *(_user(number) for number in range(100)),
        *(_member(number) for number in range(100)),
        Patch(USERS, (7,), None, (Part({"username": "bob"}),), ORIGIN),
        Drop(MEMBERS, (GUILD, 8), GUILD),
    ]


async def test_a_transaction_takes_few_turns_of_a_loop_that_is_busy(sqlite_url: str) -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            arrived.wait(0.2)  # as long as a burst from the gateway, while the writer's thread goes on
            await asyncio.sleep(0)

    arrived = threading.Event()
    async with opened(sqlite_url) as store:
        beside = asyncio.create_task(turn())
        await asyncio.sleep(0)
        turns = 0
        await store.apply(_of_every_sort())
        beside.cancel()
        assert turns <= 4
        assert len((await store.select(Select(MEMBERS))).records) == 99
        (bob,) = (await store.select(Select(USERS, keys=((7,),)))).records
        assert bob.payload["username"] == "bob"


async def test_what_is_cancelled_in_the_writers_thread_is_not_stored(tmp_path: pathlib.Path) -> None:
    driver, may_go_on, is_there = SqliteDriver(tmp_path / "cache.db"), threading.Event(), threading.Event()
    await driver.open()

    async def work(transaction: Transaction) -> None:
        await transaction.execute("CREATE TABLE half (id INTEGER)")
        is_there.set()
        may_go_on.wait()

    doing = asyncio.create_task(driver.transact(work))
    await asyncio.to_thread(is_there.wait)
    doing.cancel()
    await asyncio.sleep(0)
    may_go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await doing
    assert await driver.fetch("SELECT name FROM sqlite_schema") == []
    await driver.transact(lambda transaction: transaction.execute("CREATE TABLE whole (id INTEGER)"))
    assert await driver.fetch("SELECT name FROM sqlite_schema") == [("whole",)]
    await driver.close()


async def test_what_fails_in_the_writers_thread_is_not_stored(tmp_path: pathlib.Path) -> None:
    driver = SqliteDriver(tmp_path / "cache.db")
    await driver.open()

    async def fails(transaction: Transaction) -> None:
        await transaction.execute("CREATE TABLE half (id INTEGER)")
        raise LookupError("halfway")

    async def waits(transaction: Transaction) -> None:
        await transaction.execute("CREATE TABLE half (id INTEGER)")
        await asyncio.sleep(0)

    with pytest.raises(LookupError, match="halfway"):
        await driver.transact(fails)
    with pytest.raises(RuntimeError, match="cannot wait for the event loop"):
        await driver.transact(waits)
    assert await driver.fetch("SELECT name FROM sqlite_schema") == []
    await driver.close()


@pytest.mark.parametrize(
    ("instead", "said"),
    [
        (None, "was deleted or moved; move it back, or restart the bot"),
        ("copy.db", "was replaced by another; put it back, or restart the bot"),
    ],
)
async def test_a_file_that_is_moved_away_is_missed_and_nothing_is_lost_when_it_is_back(
    instead: str | None, said: str, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, away = tmp_path / "cache.db", tmp_path / "away.db"
    async with hearing.Hearing(f"sqlite:///{file}") as heard:
        await heard.ready()
        await heard.cache.flush()
        shutil.copy(file, tmp_path / "copy.db")
        file.rename(away)
        if instead is not None:
            (tmp_path / instead).rename(file)
        await heard.hear("GUILD_CREATE", payloads.guild(id="77"))
        stored = asyncio.create_task(heard.cache.flush())
        async with asyncio.timeout(5):
            while said not in caplog.text:  # noqa: ASYNC110 - a log entry sets no event
                await asyncio.sleep(0.01)
        assert heard.cache.health().state == "failing"
        with pytest.raises(persist.BackendError, match=said):  # as where rules decide what is stored
            async with typing.cast("typing.Any", heard.cache._store)._driver.transaction():
                pass
        assert await heard.cache.get_guild(77) is not None
        away.rename(file)
        await stored
        assert heard.cache.health().state != "failing"
    async with opened(f"sqlite:///{file}") as store:
        assert (await store.select(Select(GUILDS, keys=((77,),)))).records


async def test_a_reader_hears_that_its_file_was_replaced(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "cache.db"
    for name in ("old.db", "cache.db"):
        async with opened(f"sqlite:///{tmp_path / name}") as store:
            await store.apply([_user(1)] if name == "cache.db" else [])
    reader = persist.connect(f"sqlite:///{file}", bots.make())
    async with reader:
        assert await reader.users.count() == 1
        (tmp_path / "old.db").rename(file)
        for question in (reader.users.count(), reader.get_user(1)):
            with pytest.raises(persist.BackendError, match="was deleted, moved or replaced; close this reader"):
                await question
    async with reader:
        assert await reader.users.count() == 0


async def test_a_log_that_a_reader_made_long_becomes_short_again(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smaller = {"= 4000": "= 4", "= 100000000": "= 200000"}
    pragmas = [next((p.replace(*i) for i in smaller.items() if p.endswith(i[0])), p) for p in sqlite_driver._PRAGMAS]
    monkeypatch.setattr(sqlite_driver, "_PRAGMAS", pragmas)
    log = tmp_path / "cache.db-wal"
    async with opened(f"sqlite:///{tmp_path / 'cache.db'}") as store:
        async with store.snapshot():
            for number in range(50):
                await store.apply([_user(number, username="x" * 20_000)])
        assert log.stat().st_size > 1_000_000
        for number in range(3):
            await store.apply([_user(number)])
        assert log.stat().st_size <= 200_000


async def test_a_log_that_cannot_be_written_back_does_not_keep_a_bot_from_closing(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "cache.db"
    async with opened(f"sqlite:///{file}") as store:
        await store.apply([_user(number, username="x" * 1000) for number in range(100)])
    async with opened(f"sqlite:///{file}") as store:
        await store.apply([_user(1)])
        file.write_bytes(b"")
    assert "the write-ahead log could not be written back" in caplog.text
    assert str(file) in caplog.text


async def test_a_relative_path_stays_where_it_is_when_the_working_directory_changes(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    monkeypatch.chdir(here)
    async with hearing.Hearing("sqlite:///cache.db") as heard:
        monkeypatch.chdir(there)
        for name in ("one", "two"):
            await heard.hear("GUILD_ROLE_CREATE", {"guild_id": "1", "role": payloads.role(name=name)})
            await heard.cache.flush()
            await heard.cache.close()  # it is opened again in the same process
            await heard.cache.open()
        assert await heard.cache.roles.count() == 2
    assert bots.rows(here / "cache.db", "SELECT name FROM roles ORDER BY name") == ["one", "two"]
    assert list(there.iterdir()) == []
