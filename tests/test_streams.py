"""However many objects there are, they are read page by page, and many keys take few queries."""

from __future__ import annotations

import gc
import tracemalloc
import typing
from collections.abc import AsyncIterator

import pytest
from fakecord import payloads
from hearing import Hearing

from persist.changes import Put
from persist.entities import MEMBERS, MESSAGES, USERS
from persist.model import Origin
from persist.spi import Page, Select

_ORIGIN: typing.Final = Origin("gateway", 0, 17, "2026-01-02 03:04:05.000006")
_AUTHOR: typing.Final = payloads.user(id="9")


@pytest.fixture
async def asked(engine_url: str) -> AsyncIterator[Hearing]:
    async with Hearing(engine_url) as asked:
        yield asked


async def _say(asked: Hearing, first: int, last: int) -> None:
    for number in range(first, last):
        said = payloads.message("7", _AUTHOR, id=str(number), guild_id="1", content=f"{number} " * 10)
        asked.accept(Put(MESSAGES.record(said, 1, _ORIGIN)))
    await asked.cache.flush()


async def _peak(asked: Hearing, *order: str) -> tuple[int, int]:
    """Return how many messages an iteration finds, and its peak memory."""
    gc.collect()
    tracemalloc.start()
    count = 0
    try:
        async for message in asked.cache.messages.find(guild=1).order_by(*order):
            assert message.content
            count += 1
        return count, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def test_ten_times_as_many_take_no_more_memory(asked: Hearing) -> None:
    await _say(asked, 1, 1201)
    few, low = await _peak(asked, "-timestamp")
    await _say(asked, 1201, 12_001)
    for order in ((), ("-timestamp", "content")):
        many, high = await _peak(asked, *order)
        assert (few, many) == (1200, 12_000)
        assert high < low * 2  # there may be one page more or less in memory, out of dozens
    assert not any(entity is MESSAGES for entity, _ in _kept(asked))


def _kept(asked: Hearing) -> list[typing.Any]:
    assert asked.cache._engine is not None
    memory = asked.cache._engine.reader._memory
    assert memory is not None
    return list(memory._kept)


async def test_many_keys_take_one_question_per_thousand(asked: Hearing) -> None:
    people = {str(number): payloads.user(id=str(number)) for number in range(1, 2301)}
    for user in people.values():
        asked.remember(MEMBERS.record(payloads.member(user), 1, _ORIGIN))
    await asked.cache.flush()
    assert asked.cache._engine is not None
    store = asked.cache._engine.store
    asks: list[Select] = []
    select = store.select

    async def noted(query: Select) -> Page:
        asks.append(query)
        return await select(query)

    store.select = noted  # type: ignore[method-assign] - it counts the queries
    wanted = [*range(2500, 0, -1), 5, 5]
    users = await asked.cache.users.get_many(wanted)
    assert [user.id for user in users] == [*range(2300, 0, -1), 5, 5]
    assert users.missing == tuple(range(2500, 2300, -1))
    assert [len(query.keys or ()) for query in asks] == [1000, 1000, 500]
    asks.clear()
    members = await asked.cache.members.get_many(1, wanted)
    assert [member.id for member in members] == [*range(2300, 0, -1), 5, 5]
    assert [(query.entity, len(query.keys or ())) for query in asks] == [
        *((MEMBERS, count) for count in (1000, 1000, 500)),
        *((USERS, count) for count in (1000, 1000, 300)),
    ]
