"""The results of ``find`` are a lazy iterator like hikari's own, but can be iterated again, unlike those."""

from __future__ import annotations

import asyncio
import contextlib
import typing
from collections.abc import AsyncIterator, Awaitable, Callable

import hikari
import pytest
from fakecord import payloads
from hearing import ME, Hearing

import persist

Members = hikari.LazyIterator[hikari.Member]


@pytest.fixture
async def cache(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[persist.Cache]:
    monkeypatch.setattr("persist.found._PAGE", 4)
    async with Hearing("memory://") as heard:
        await heard.ready(payloads.guild(own_user=payloads.own_user(id=ME), members=10))
        yield heard.cache


async def itself(member: hikari.Member) -> hikari.Member:
    await asyncio.sleep(0)
    return member


async def gone_through(members: Members) -> list[hikari.Member]:
    return [member async for member in members]


async def counted_by_each(members: Members) -> list[hikari.Member]:
    seen: list[hikari.Member] = []
    await members.for_each(seen.append)
    return seen


WAYS: typing.Final[dict[str, Callable[[Members], Awaitable[object]]]] = {
    "await": lambda members: members,
    "async for": gone_through,
    "awaiting": lambda members: members.map(itself).awaiting(),
    "awaiting of few": lambda members: members.map(itself).awaiting(window_size=3),
    "chunk": lambda members: members.chunk(4),
    "chunk of a map": lambda members: members.map(lambda member: member.id).chunk(3),
    "collect": lambda members: members.collect(list),
    "count": lambda members: members.count(),
    "enumerate": lambda members: members.enumerate(start=1),
    "filter": lambda members: members.filter(lambda member: member.id % 2 == 0),
    "flat_map": lambda members: members.flat_map(lambda member: [member.id, member.guild_id]),
    "flatten": lambda members: members.map(lambda member: [member.id]).flatten(),
    "for_each": counted_by_each,
    "last": lambda members: members.last(),
    "limit": lambda members: members.limit(3),
    "map": lambda members: members.map("id"),
    "reversed": lambda members: members.reversed(),
    "skip": lambda members: members.skip(7),
    "skip_until": lambda members: members.skip_until(lambda member: member.id % 3 == 0),
    "skip_while": lambda members: members.skip_while(lambda member: member.id % 3 == 0),
    "sort": lambda members: members.sort(key=lambda member: -member.id),
    "take_until": lambda members: members.take_until(lambda member: member.id % 5 == 0),
    "take_while": lambda members: members.take_while(lambda member: member.id % 5 != 0),
}


@pytest.mark.parametrize("way", WAYS)
async def test_it_does_as_iterators_of_hikari_do_and_again(cache: persist.Cache, way: str) -> None:
    members = await cache.members.find()
    found = cache.members.find()
    async with asyncio.timeout(10):
        expected = await WAYS[way](hikari.iterators.FlatLazyIterator(members))
        for _ in range(2):
            assert await WAYS[way](found) == expected


def test_no_way_of_hikari_is_left_out() -> None:
    ways = {name for name in vars(hikari.LazyIterator) if not name.startswith("_")}
    assert ways - WAYS.keys() == {"next"}


async def test_next_goes_on_and_a_loop_that_was_left_does_not(cache: persist.Cache) -> None:
    members, found = await cache.members.find(), cache.members.find()
    assert [await found.next(), await found.next()] == members[:2]
    async for member in found:
        assert member == members[0]
        break
    assert [member async for member in found] == members
    assert await found.next() == members[2]


@pytest.mark.parametrize("way", ["found", "iterator", "map"])
async def test_of_tasks_that_share_an_iterator_each_result_goes_to_one(cache: persist.Cache, way: str) -> None:
    found = cache.members.find()
    shared = {"found": found, "iterator": aiter(found), "map": found.map(lambda member: member)}[way]
    await shared_out(shared, await cache.members.find())


async def test_of_tasks_that_share_the_members_fetched_each_goes_to_one(cache: persist.Cache) -> None:
    guild = (await cache.guilds.find())[0]
    await shared_out(cache.fetch_members(guild), await cache.members.find())


async def shared_out(shared: AsyncIterator[hikari.Member], everybody: list[hikari.Member]) -> None:
    got: list[hikari.Member] = []

    async def work() -> None:
        with contextlib.suppress(StopAsyncIteration):
            while True:  # unlike a loop, which would begin anew
                got.append(await anext(shared))
                await asyncio.sleep(0)

    await asyncio.gather(*(work() for _ in range(4)))
    assert sorted(got, key=lambda member: member.id) == everybody
