"""A cache's counters alone show what happens to a bot, and every monitoring system sees the same."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import pathlib
import sqlite3
import typing

import hearing
import pytest
from fakecord import payloads
from hearing import Hearing

import persist
from persist.changes import Put
from persist.entities import MESSAGES
from persist.errors import BackendError
from persist.gauges import Gauges, Tier
from persist.journal import Limits
from persist.metrics import METRICS, Reading
from persist.model import Origin
from persist.notices import Notices

GUILD: typing.Final = 5000


def told(health: persist.Health) -> list[str]:
    return [problem.name for problem in health.problems]


class Flooded(Hearing):
    """A bot that may hold only a few changes while its database is away, and does not defer any."""

    LIMIT = 200

    def _make(self) -> None:
        super()._make()
        self.cache._limits = Limits(interval=0.01, most=self.LIMIT)


def message(number: int) -> dict[str, typing.Any]:
    made = payloads.message(id=str(number), channel_id="50", author=payloads.user(id="7"), content=f"message {number}")
    return {**made, "guild_id": str(GUILD)}


async def until(test: typing.Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not test():  # noqa: ASYNC110 - a failed write causes no event
            await asyncio.sleep(0.01)


class Place(typing.NamedTuple):
    """A database, and functions that make it unavailable and available again."""

    url: str
    cut: typing.Callable[[], object]
    mend: typing.Callable[[], object]


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def place(request: pytest.FixtureRequest, sqlite_url: str) -> typing.Iterator[Place]:
    if request.param != "sqlite":
        server = request.getfixturevalue(f"{request.param}_server")
        yield Place(request.getfixturevalue(f"{request.param}_url"), server.stop, server.start)
        return
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
    yield Place(
        f"{sqlite_url}?timeout=0.01", lambda: other.execute("BEGIN IMMEDIATE"), lambda: other.execute("ROLLBACK")
    )
    other.close()


async def test_the_gauges_alone_tell_of_a_flood_and_a_database_that_goes_away(place: Place) -> None:
    async with Flooded(place.url) as heard:
        cache = heard.cache
        guild = payloads.guild(id=str(GUILD), own_user=payloads.own_user(id=hearing.ME), members=3)
        await heard.ready(guild)
        await cache.flush()
        calm = cache.stats()
        # The shard is indeed not connected.
        assert told(cache.health()) == ["shard_disconnected"]
        assert (calm.depth, calm.age, calm.retries, calm.lost, calm.shards[0].lag) == (0, 0.0, 0, {}, 0)
        assert calm.applied > 0
        assert calm.last_flush_changes > 0
        assert calm.flush_seconds >= calm.last_flush > 0

        await asyncio.to_thread(place.cut)
        await heard.hear("MESSAGE_CREATE", message(1))
        await until(lambda: cache.stats().retries > 0)
        assert cache.health().state == "failing"
        assert told(cache.health())[0] == "database_away"
        assert "they are waiting and will be retried" in cache.health().problems[0].message
        for number in range(2, Flooded.LIMIT // 2 + 30):
            await heard.hear("MESSAGE_CREATE", message(number))
        assert "journal_filling" in told(cache.health())
        for number in range(1000, 1000 + Flooded.LIMIT):
            await heard.hear("MESSAGE_CREATE", message(number))
        flood = cache.stats()
        assert flood.depth >= flood.limit == Flooded.LIMIT
        assert flood.age > 0
        assert flood.applied == calm.applied
        assert flood.shards[0].lag >= Flooded.LIMIT
        assert flood.lost["messages"] > 0
        assert set(told(cache.health())) >= {"database_away", "journal_filling", "changes_lost"}

        await asyncio.to_thread(place.mend)
        await cache.flush()
        after = cache.stats()
        assert (after.depth, after.age, after.shards[0].lag) == (0, 0.0, 0)
        assert after.flushes > calm.flushes
        assert after.retries >= flood.retries
        assert after.lost == flood.lost
        assert told(cache.health()) == ["shard_disconnected", "changes_lost"]
        heard_of = sum(after.received[name] for name in ("MESSAGE_CREATE",))
        # Nothing is lost silently: every message is stored or counted as lost.
        assert await cache.messages.count() == heard_of - after.lost["messages"]
        assert calm.retries == 0  # a snapshot does not change afterward


async def test_reads_are_counted_by_who_knew(sqlite_url: str) -> None:
    async with Hearing(sqlite_url) as heard:
        guild = payloads.guild(id=str(GUILD), own_user=payloads.own_user(id=hearing.ME), members=3)
        await heard.ready(guild)
        role = int(guild["roles"][0]["id"])
        await heard.cache.roles.get(role)
        await heard.cache.flush()
        await heard.cache.roles.get_many([role, int(guild["roles"][1]["id"]), 1, 2])
        await heard.cache.roles.count()
        stats = heard.cache.stats()
    tiers: tuple[Tier, ...] = ("memory", "journal", "database")
    assert [stats.hits.get((tier, "roles"), 0) for tier in tiers] == [1, 1, 1]
    assert [stats.misses.get((tier, "roles"), 0) for tier in tiers] == [4, 3, 2]
    assert stats.pages["roles"] == 1


async def test_a_closed_cache_says_so_and_why(sqlite_url: str, tmp_path: pathlib.Path) -> None:
    heard = Hearing(sqlite_url)
    assert heard.cache.health().state == "closed"
    assert heard.cache.stats().depth == 0
    broken = Hearing(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")
    with pytest.raises(BackendError):
        await broken.cache.open()
    (problem,) = broken.cache.health().problems
    assert problem.is_failing
    assert "could not be opened" in problem.message
    reader = persist.connect(sqlite_url, heard.bot)
    assert reader.health().state == "closed"
    async with heard, persist.connect(sqlite_url, heard.bot) as reader:
        assert reader.health() == persist.Health("healthy")
        assert reader.stats().received == {}


def test_every_count_is_in_the_stats_and_every_stat_is_a_metric() -> None:
    asked: set[str] = set()

    class Watched:
        def __init__(self, values: dict[str, typing.Any]) -> None:
            self._values = values

        def __getattr__(self, name: str) -> typing.Any:
            asked.add(name)
            return self._values[name]

    counts = {field.name: {"roles": 1} if _is_counter(field) else 1 for field in dataclasses.fields(Gauges)}
    counts |= {name: {("memory", "roles"): 1} for name in ("hits", "misses")}
    shard = persist.ShardStats(0, 1, is_connected=True, sequence=2, stored=1, latency=0.1)
    stats = Watched({**counts, "depth": 1, "limit": 2, "age": 0.1, "shards": (shard,)})
    health = persist.Health("failing", (persist.Problem("database_away", "it is away", is_failing=True),))
    for metric in METRICS.values():
        samples = list(metric.read(Reading(typing.cast("persist.Stats", stats), health)))
        assert [len(labels) for labels, _ in samples] == [len(metric.labels)]
        assert [float(value) for _, value in samples]
    assert asked == {field.name for field in dataclasses.fields(persist.Stats)}
    assert {field.name for field in dataclasses.fields(Gauges)} <= asked


def _is_counter(field: dataclasses.Field[typing.Any]) -> bool:
    return field.default is dataclasses.MISSING


def test_what_is_like_another_is_said_once_a_minute_with_how_often_it_was(caplog: pytest.LogCaptureFixture) -> None:
    notices = Notices(logging.getLogger("persist.test"), every=3600)
    for number in range(5):
        notices.say(logging.WARNING, "a", "%(number)d is too many; take fewer", number=number)
    notices.say(logging.WARNING, "b", "%(number)d is too few; take more", number=7)
    assert [record.getMessage() for record in caplog.records] == [
        "0 is too many; take fewer",
        "7 is too few; take more",
    ]
    assert [getattr(record, "persist", None) for record in caplog.records] == [{"number": 0}, {"number": 7}]
    notices._every = 0.0
    notices.say(logging.WARNING, "a", "%(number)d is too many; take fewer", number=9)
    assert caplog.records[-1].getMessage() == ("9 is too many; take fewer (4 more like it since this was last logged)")


async def test_a_thousand_unreadable_records_are_one_line_in_the_log(
    sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with Hearing(sqlite_url) as heard:
        for number in range(1, 1001):
            origin = Origin("gateway", 0, 1, "2024-05-06 07:08:09.000000")
            heard.accept(Put(MESSAGES.record(message(number), GUILD, origin)))
        await heard.cache.flush()
        with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as other:
            other.execute("UPDATE messages SET payload = 'rubbish'")
        other.close()
        assert [each async for each in heard.cache.messages.find()] == []
        assert heard.cache.stats().undecodable == {"messages": 1000}
        assert told(heard.cache.health())[-1] == "undecodable"
    said = [record for record in caplog.records if record.name == "persist.reader"]
    assert len(said) == 1
    assert "`persist verify`" in said[0].getMessage()
