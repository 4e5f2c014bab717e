"""Processes with different rules on one database: each applies its own rules to the data of its shards."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import math
import typing
from collections.abc import AsyncIterator, Collection, Iterator, Sequence

import pytest
from fakecord import Payload, payloads
from hearing import Hearing

import persist

Keep: typing.TypeAlias = persist.Keep[typing.Any]
OLD: typing.Final = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
LATER: typing.Final = OLD + datetime.timedelta(days=3)
GUILDS: typing.Final = (str(10 << 22), str(11 << 22))
"""One guild for each of two shards."""

CHANNEL, ANN = "200000000000000001", "300000000000000001"
FIRST: typing.Final = (round(OLD.timestamp() * 1000) - 1_420_070_400_000) << 22
STRICT: typing.Final = persist.Rules(messages=Keep(max_age=60))
LAX: typing.Final = persist.Rules(messages=Keep(max_age=math.inf))


@pytest.fixture(params=["sqlite_url", "postgresql_url", "mysql_url"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@contextlib.asynccontextmanager
async def two(url: str, one: persist.Rules, other: persist.Rules) -> AsyncIterator[tuple[Hearing, Hearing]]:
    def clock() -> datetime.datetime:
        return LATER

    async with (
        Hearing(url, rules=one, clock=clock, shards=2) as first,
        Hearing(url, rules=other, clock=clock, shards=2) as second,
    ):
        yield first, second
        for heard in (first, second):
            assert heard.cache.quarantine == ()
            assert heard.cache.gauges.lost.total() == 0


@contextlib.contextmanager
def runs(heard: Hearing, *shards: int) -> Iterator[None]:
    """Let the bot of a process run some of the shards."""
    running: dict[int, object] = typing.cast("typing.Any", heard.bot)._shards
    running.update((shard, heard.shards[shard]) for shard in shards)
    yield
    running.clear()


def said(numbers: Collection[int], guild: str | None = GUILDS[0]) -> Sequence[Payload]:
    user = payloads.user(id=ANN)
    return [payloads.message(CHANNEL, user, id=str(FIRST + number), guild_id=guild) for number in numbers]


async def hear(heard: Hearing, messages: Sequence[Payload]) -> None:
    for message in messages:
        await heard.hear("MESSAGE_CREATE", message)
    await heard.cache.flush()


async def numbers(heard: Hearing) -> set[int]:
    return {message.id - FIRST for message in await heard.cache.messages.find()}


async def test_what_either_of_two_with_the_same_shards_forbids_goes_at_its_sweep(url: str) -> None:
    others = persist.Rules(messages=Keep(max_age=math.inf), users=Keep(max_age=60))
    async with two(url, STRICT, others) as (strict, lax):
        await hear(strict, said([1]))
        await hear(lax, said([2]))
        strict.tell("users", payloads.user(id="5"), None)
        await strict.cache.flush()
        assert await lax.cache.sweep() == {"users": 1}
        assert await strict.cache.users.count() == 1
        assert await numbers(strict) == {1, 2}
        assert await strict.cache.sweep() == {"messages": 2}
        assert await numbers(lax) == set()
        await hear(lax, said([3]))  # what one allows may come back, until the other sweeps again
        assert await numbers(strict) == {3}
        assert await strict.cache.sweep() == {"messages": 1}


async def test_two_that_sweep_the_same_at_once_are_not_in_each_others_way(url: str) -> None:
    fewer = persist.Rules(messages=Keep(max_per_channel=10))
    async with two(url, STRICT, fewer) as (strict, few):
        await hear(strict, said(range(1200)))
        async with asyncio.timeout(60):
            await asyncio.gather(strict.cache.sweep(), few.cache.sweep(), hear(few, said(range(1200, 1300))))
        await strict.cache.sweep()
        assert await numbers(few) == set()


async def test_what_is_of_a_guild_is_kept_as_the_process_with_its_shard_says(url: str) -> None:
    async with two(url, STRICT, LAX) as (strict, lax):
        for guild, number in zip((*GUILDS, None), range(3), strict=True):
            await hear(lax, said([number], guild))
        with runs(strict, 1), runs(lax, 0):
            assert await lax.cache.sweep() == {}
            assert await strict.cache.sweep() == {"messages": 1}
            assert await numbers(lax) == {0, 2}
        with runs(strict, 0), runs(lax, 1):  # outside guilds, the process with the first shard decides
            assert await lax.cache.sweep() == {}
            assert await strict.cache.sweep() == {"messages": 2}
            assert await numbers(lax) == set()


async def test_each_writes_what_its_rules_keep_and_applies_them_to_everything(url: str) -> None:
    async with two(url, persist.Rules(messages=False), persist.Rules()) as (none, all_of_it):
        await hear(none, said([1]))
        await hear(all_of_it, said([2]))
        await none.cache.sweep()
        assert await numbers(all_of_it) == {2}
        with runs(none, 0), runs(all_of_it, 1):
            assert (await none.cache.apply_rules()).forgotten == {"messages": 1}
        assert await numbers(all_of_it) == set()
        await hear(all_of_it, said([3]))
        assert await numbers(all_of_it) == {3}
