"""A cache starts and stops with its bot, however that stops, and loses nothing."""

from __future__ import annotations

import asyncio
import logging
import pathlib
import signal
import subprocess
import sys
import typing
from collections.abc import AsyncIterator

import bots
import hikari
import pytest
from fakecord import FakeDiscord

import persist


@pytest.fixture
async def sim() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord(seed=1) as sim:
        yield sim


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "cache.db"


async def test_a_bot_that_is_closed_under_load_has_lost_nothing(sim: FakeDiscord, file: pathlib.Path) -> None:
    guild = sim.add_guild(members=2)
    bot = bots.make(sim.rest_url)
    cache = persist.Cache(bot, f"sqlite:///{file}")
    async with bots.started(sim, bot, cache):
        await cache.flush()
        with bots.locked(file):
            await sim.flood(bots.members(guild, 20_000))
            await sim.wait_until(lambda: cache.gauges.received["GUILD_MEMBER_ADD"] == 20_000, 30)
            assert bots.rows(file, "SELECT COUNT(*) FROM members") == [2]
            closing = asyncio.create_task(bot.close())
            await asyncio.sleep(0)
        await closing
    assert bots.rows(file, "SELECT COUNT(*) FROM members") == [20_002]
    assert cache.gauges.lost.total() == cache.gauges.shed.total() == 0


@pytest.mark.parametrize("way", ["SIGINT", "SIGTERM", "close"])
async def test_a_bot_that_runs_and_is_stopped_under_load_has_lost_nothing(
    sim: FakeDiscord, file: pathlib.Path, tmp_path: pathlib.Path, way: str
) -> None:
    guild = sim.add_guild(members=2)
    async with bots.lone(sim, f"sqlite:///{file}", tmp_path, close_on="!close") as bot:
        await bot.starts(sim)
        await sim.flood(bots.members(guild, 20_000))
        await sim.create_message(bots.text_channel(guild), f"!{way}")
        await bot.says("heard")
        await bot.ends(None if way == "close" else signal.Signals[way])
    assert bots.rows(file, "SELECT COUNT(*) FROM members") == [20_002]
    assert bots.rows(file, "SELECT COUNT(*) FROM messages") == [1]
    assert "lost" not in bot.log.read_text()


async def test_a_second_start_keeps_every_member_of_a_large_guild(sim: FakeDiscord, file: pathlib.Path) -> None:
    guild = sim.add_guild(members=1001)
    bot = bots.make(sim.rest_url)
    cache = persist.Cache(bot, f"sqlite:///{file}", members="never")
    async with bots.started(sim, bot, cache):
        await bot.request_guild_members(int(guild["id"]))
        await sim.wait_until(lambda: cache.gauges.received["GUILD_MEMBERS_CHUNK"] == 2)
        assert await cache.members.count(guild=int(guild["id"])) == 1001
    # Without presences, GUILD_CREATE lists only the bot and those in voice channels.
    again = bots.make(sim.rest_url, hikari.Intents.ALL & ~hikari.Intents.GUILD_PRESENCES)
    rules = persist.Rules(off=frozenset({persist.PRESENCES}))
    cache = persist.Cache(again, f"sqlite:///{file}", rules=rules, members="never")
    async with bots.started(sim, again, cache):
        assert len(again.cache.get_members_view_for_guild(int(guild["id"]))) < 10
        found = await cache.get_members_view_for_guild(int(guild["id"]))
        assert {str(user) for user in found} == {member["user"]["id"] for member in guild["members"]}
    assert sim.opcodes.count((8, next(data for opcode, data in sim.opcodes if opcode == 8))) == 1


async def test_a_bot_can_run_again_in_a_new_event_loop(
    sim: FakeDiscord, file: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    guild = sim.add_guild(members=5)
    async with bots.lone(sim, f"sqlite:///{file}", tmp_path, times=2) as bot:
        for _ in range(2):
            await bot.starts(sim)
            await sim.create_message(bots.text_channel(guild), "!hello")
            await bot.says("heard")
            bot.process.send_signal(signal.SIGINT)
            await bot.says("ended")
        assert await bot.ends() == 0
    assert bots.rows(file, "SELECT COUNT(*) FROM messages") == [2]
    assert bot.log.read_text() == ""


async def test_a_bot_that_starts_again_in_the_same_loop_goes_on(sim: FakeDiscord, file: pathlib.Path) -> None:
    guild = sim.add_guild(members=5)
    bot = bots.make(sim.rest_url)
    cache = persist.Cache(bot, f"sqlite:///{file}")
    for expected in (1, 2):
        async with bots.started(sim, bot, cache):
            await sim.create_message(bots.text_channel(guild), "hello")
            await bots.settled(sim, cache)
            assert await cache.messages.count() == expected
        assert not cache.is_open


async def test_who_hears_before_the_cache_that_the_bot_starts_is_answered(sim: FakeDiscord, file: pathlib.Path) -> None:
    bot = bots.make(sim.rest_url)
    found: list[int] = []

    async def ask(_: hikari.StartingEvent) -> None:
        found.append(await cache.guilds.count())

    async def ask_late(_: hikari.StoppedEvent) -> None:
        with pytest.raises(persist.CacheClosedError):
            await cache.guilds.count()
        found.append(-1)

    bot.subscribe(hikari.StartingEvent, ask)
    cache = persist.Cache(bot, f"sqlite:///{file}")
    bot.subscribe(hikari.StoppedEvent, ask_late)
    for _ in range(2):
        async with bots.started(sim, bot, cache):
            pass
        assert not cache.is_open
        with pytest.raises(persist.CacheClosedError):
            await cache.guilds.count()
    assert found == [0, -1] * 2


async def test_a_cache_can_be_opened_and_closed_without_its_bot_running(file: pathlib.Path) -> None:
    cache = persist.Cache(bots.make(), f"sqlite:///{file}")
    for _ in range(2):
        async with cache as same:
            assert same is cache
            assert cache.is_open
            assert await cache.messages.count() == 0
        assert not cache.is_open
    await cache.close()


async def test_a_cache_that_is_open_when_its_bot_starts_stays_open(sim: FakeDiscord, file: pathlib.Path) -> None:
    guild = sim.add_guild(members=5)
    bot = bots.make(sim.rest_url)
    async with persist.Cache(bot, f"sqlite:///{file}") as cache, bots.started(sim, bot, cache):
        assert await cache.members.count() == 5
    assert bots.rows(file, "SELECT COUNT(*) FROM members WHERE guild_id = ?", int(guild["id"])) == [5]


async def test_one_process_may_have_many_caches(sim: FakeDiscord, tmp_path: pathlib.Path) -> None:
    guild = sim.add_guild(members=5)
    first, second = bots.make(sim.rest_url), bots.make(sim.rest_url)
    caches = [
        persist.Cache(first, f"sqlite:///{tmp_path / 'one.db'}"),
        persist.Cache(first, "memory://", rules=persist.Rules(off=frozenset({"messages"}))),
        persist.Cache(second, f"sqlite:///{tmp_path / 'two.db'}"),
    ]
    assert persist.Cache.of(first) is caches[0]
    assert persist.Cache.of(second) is caches[2]
    async with bots.started(sim, first, caches[0]), bots.started(sim, second, caches[2]):
        await sim.create_message(bots.text_channel(guild), "hello")
        for cache in caches:
            await bots.settled(sim, cache)
        assert [await cache.messages.count() for cache in caches] == [1, 0, 1]
        assert [await cache.members.count() for cache in caches] == [5, 5, 5]


async def test_a_stop_takes_no_longer_than_was_asked_for(
    sim: FakeDiscord, file: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    guild = sim.add_guild(members=2)
    bot = bots.make(sim.rest_url)
    cache = persist.Cache(bot, f"sqlite:///{file}?timeout=0.05", stop_timeout=2)
    async with bots.started(sim, bot, cache):
        await cache.flush()
        with bots.locked(file):
            await sim.create_message(bots.text_channel(guild), "hello")
            await bots.settled(sim, cache)
            async with asyncio.timeout(3.5):
                await bot.close()
    assert cache.gauges.lost["messages"] == 1
    (critical,) = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert "could not be stored and are lost: storing took more than 2 s" in critical.getMessage()
    assert bots.rows(file, "SELECT COUNT(*) FROM messages") == [0]


# --------------------------------------------------------------------------------------------------- when opening fails


async def test_a_failure_to_open_is_raised_where_it_was_asked_for(tmp_path: pathlib.Path) -> None:
    cache = persist.Cache(bots.make(), f"sqlite:///{tmp_path / 'none' / 'cache.db'}")
    with pytest.raises(persist.BackendError, match=r"there is no folder '.*none'; create it first"):
        await cache.open()
    with pytest.raises(persist.BackendError, match="there is no folder"):
        async with cache:
            raise AssertionError
    (tmp_path / "none").mkdir()
    async with cache:
        assert await cache.guilds.count() == 0


async def test_a_bot_whose_cache_cannot_be_opened_runs_without_it_and_says_so(
    sim: FakeDiscord, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    sim.add_guild(members=5)
    bot = bots.make(sim.rest_url)
    cache = persist.Cache(bot, f"sqlite:///{tmp_path / 'none' / 'cache.db'}")
    async with bots.started(sim, bot):
        await sim.wait_until(lambda: len(bot.cache.get_guilds_view()) == 1)
        with pytest.raises(persist.CacheClosedError, match=r"could not be opened: .*create it first") as caught:
            await cache.get_member(1, 2)
        assert isinstance(caught.value.__cause__, persist.BackendError)
    (critical,) = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert "the cache cannot be opened, so nothing is stored" in critical.getMessage()
    assert "create it first" in critical.getMessage()


async def test_a_strict_cache_that_cannot_be_opened_ends_its_bot(sim: FakeDiscord, tmp_path: pathlib.Path) -> None:
    async with bots.lone(sim, f"sqlite:///{tmp_path / 'none' / 'cache.db'}", tmp_path, cache={"strict": True}) as bot:
        assert await bot.ends() != 0
    assert sim.identifies == 0
    log = bot.log.read_text()
    assert "CRITICAL:persist:the cache cannot be opened" in log
    assert "create it first" in log
    # hikari's own traceback comes last in the log.
    assert log.index("the bot is closed, as its cache is strict") < log.index("ComponentStateConflictError")


async def test_two_caches_of_a_bot_do_not_share_a_database(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bot = bots.make()
    one, other = persist.Cache(bot, "sqlite:///cache.db"), persist.Cache(bot, f"sqlite:///{tmp_path}/./cache.db")
    opened = await asyncio.gather(one.open(), other.open(), return_exceptions=True)
    assert (one.is_open, other.is_open, opened[0]) == (True, False, None)
    assert isinstance(opened[1], persist.SchemaError)
    with pytest.raises(persist.CacheClosedError, match="is already open in another cache of this bot"):
        await other.get_me()
    async with (
        persist.Cache(bot, "sqlite:///another.db"),
        persist.Cache(bot, "memory://"),
        persist.Cache(bot, "memory://"),
        persist.connect("sqlite:///cache.db", bot),
        persist.Cache(bots.make(), "sqlite:///cache.db"),
    ):
        await one.close()
    await other.open()
    with pytest.raises(persist.SchemaError, match="would be counted twice"):
        await one.open()
    await other.close()


# -------------------------------------------------------------------------------------------------- reads never hang

READS: typing.Final = {
    "get": lambda cache: cache.get_message(1),
    "get_many": lambda cache: cache.messages.get_many([1, 2]),
    "entry": lambda cache: cache.messages.entry(1),
    "find": lambda cache: cache.messages.find().limit(1),
    "count": lambda cache: cache.messages.count(),
    "get_me": lambda cache: cache.get_me(),
    "flush": lambda cache: cache.flush(),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
async def test_a_read_of_a_closed_cache_says_so_at_once(read: typing.Any, tmp_path: pathlib.Path) -> None:
    cache = persist.Cache(bots.make(), f"sqlite:///{tmp_path / 'none' / 'cache.db'}")
    with pytest.raises(persist.CacheClosedError, match="is not open; it opens when the bot starts"):
        await asyncio.wait_for(read(cache), 1)
    with pytest.raises(persist.BackendError):
        await cache.open()
    with pytest.raises(persist.CacheClosedError, match="could not be opened"):
        await asyncio.wait_for(read(cache), 1)
    (tmp_path / "none").mkdir()
    await cache.open()
    await cache.close()
    with pytest.raises(persist.CacheClosedError, match="is not open"):
        await asyncio.wait_for(read(cache), 1)


async def test_a_read_waits_for_an_opening_that_is_under_way(file: pathlib.Path) -> None:
    cache = persist.Cache(bots.make(), f"sqlite:///{file}")
    opening = asyncio.create_task(cache.open())
    await asyncio.sleep(0)
    assert not cache.is_open
    assert await cache.messages.count() == 0
    await opening
    await cache.close()


async def test_a_read_of_a_locked_database_is_answered_or_refused_in_time(sim: FakeDiscord, file: pathlib.Path) -> None:
    guild = sim.add_guild(members=2)
    bot = bots.make(sim.rest_url)
    cache = persist.Cache(bot, f"sqlite:///{file}?timeout=0.1")
    async with bots.started(sim, bot, cache):
        await cache.flush()
        with bots.locked(file):
            message = await sim.create_message(bots.text_channel(guild), "hello")
            await bots.settled(sim, cache)
            async with asyncio.timeout(3):
                found = await cache.get_message(int(message["id"]))
                assert found is not None
                assert found.content == "hello"
                assert await cache.get_guild(int(guild["id"])) is not None
                with pytest.raises(persist.BackendError, match="another process has been writing") as caught:
                    await cache.messages.count()
                assert caught.value.temporary
        await cache.flush()
        assert await cache.messages.count() == 1


_IN_TWO_LOOPS: typing.Final = """
import asyncio, sys
import hikari
import persist

bot = hikari.GatewayBot("OTAw.fake.token", banner=None, logs=None, intents=hikari.Intents.ALL)
cache = persist.Cache(bot, sys.argv[1])

async def ask():
    try:
        await asyncio.wait_for(cache.guilds.count(), 5)
    except persist.CacheClosedError as error:
        print(error)
    await asyncio.wait_for(cache.close(), 5)

asyncio.run(cache.open())
print(cache.is_open, cache.health().state)
asyncio.run(ask())
asyncio.run(cache.open())
asyncio.run(cache.close())
print("closed")
"""


def test_a_cache_whose_event_loop_has_ended_says_so(file: pathlib.Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", _IN_TWO_LOOPS, f"sqlite:///{file}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "the event loop in which it was opened has ended" in done.stderr
    state, answer, closed = done.stdout.splitlines()
    assert state == "False closed"
    assert answer.startswith("the cache is closed because the event loop in which it was opened has ended")
    assert closed == "closed"
