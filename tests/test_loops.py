"""An open cache belongs to one event loop, and is refused in any other one, at once and with the way out."""

from __future__ import annotations

import asyncio
import typing
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from fakecord import payloads
from hearing import Hearing

import persist

Use = Callable[[typing.Any], Awaitable[object]]

USES: typing.Final[dict[str, Use]] = {
    "get": lambda cache: cache.get_guild(1),
    "await": lambda cache: _awaited(cache.guilds.find()),
    "completeness": lambda cache: cache.completeness(1, persist.ROLES),
    "open": lambda cache: cache.open(),
    "close": lambda cache: cache.close(),
}
WRITES: typing.Final[dict[str, Use]] = {
    "flush": lambda cache: cache.flush(),
    "fetch": lambda cache: cache.fetch_member(1, 2),
    "apply": lambda cache: cache.apply_rules(),
    "erase": lambda cache: cache.erase_user(1),
    "sweep": lambda cache: cache.sweep(),
    "start": lambda cache: cache.start(),
}


async def _awaited(found: Awaitable[object]) -> object:
    return await found


@pytest.fixture
async def cache(engine_url: str) -> AsyncIterator[persist.Cache]:
    async with Hearing(engine_url) as heard:
        await heard.ready(payloads.guild())
        yield heard.cache


async def is_refused(use: Use, cache: persist.Cache | persist.ReadOnlyCache) -> None:
    async def elsewhere() -> None:
        async with asyncio.timeout(5):
            await use(cache)

    with pytest.raises(
        persist.CacheClosedError, match=r"open in another event loop .* use asyncio\.run_coroutine_threadsafe"
    ):
        await asyncio.to_thread(asyncio.run, elsewhere())


async def test_another_event_loop_is_refused_and_the_cache_goes_on(cache: persist.Cache) -> None:
    for use in (USES | WRITES).values():
        await is_refused(use, cache)
    assert cache.is_open
    assert await cache.guilds.count() == 1
    loop = asyncio.get_running_loop()
    counting = lambda: asyncio.run_coroutine_threadsafe(cache.guilds.count(), loop).result(5)  # noqa: E731
    assert await asyncio.to_thread(counting) == 1


async def test_a_reader_refuses_another_event_loop_and_goes_on(sqlite_url: str) -> None:
    async with Hearing(sqlite_url) as heard:
        await heard.ready(payloads.guild())
        await heard.cache.flush()
        async with persist.connect(sqlite_url, heard.bot) as reader:
            for use in USES.values():
                await is_refused(use, reader)
            assert await reader.guilds.count() == 1


async def test_a_reader_whose_event_loop_has_ended_says_so_and_can_be_opened_again(sqlite_url: str) -> None:
    async with Hearing(sqlite_url) as heard:
        await heard.ready(payloads.guild())
        await heard.cache.flush()
        reader = persist.connect(sqlite_url, heard.bot)
        await asyncio.to_thread(asyncio.run, reader.open())
        assert not reader.is_open
        with pytest.raises(persist.CacheClosedError, match="the event loop in which it was opened has ended"):
            await reader.guilds.count()
        async with reader:
            assert await reader.guilds.count() == 1
