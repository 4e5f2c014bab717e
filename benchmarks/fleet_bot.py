"""Some shards of a bot, in their own process: ``REST DATABASE FIRST COUNT OF GUILDS``. It prints its results as JSON.

``GUILDS`` is the number of guilds that the shards from ``FIRST`` on receive. The bot requests their members as far as
the database lacks them, within Discord's limits. If the database is ``nothing``, the bot has no cache, and finishes
once it has received all guilds.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time

import footprint_bot
import hikari
import measure
import workload

import persist


async def _late(found: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.01)
        found.append((time.perf_counter() - began - 0.01) * 1000)


async def _first_answer(cache: persist.Cache) -> float:
    """Return how many milliseconds it takes until the cache has an answer, before the gateway has sent anything."""
    began = time.perf_counter()
    await cache.guilds.find().limit(1)
    return (time.perf_counter() - began) * 1000


def _is_through(stats: persist.Stats, guilds: int) -> bool:
    asked, chunks = stats.member_requests, stats.received.get("GUILD_MEMBERS_CHUNK", 0)
    return asked + stats.member_requests_saved >= guilds and chunks >= asked


async def _heard(bot: hikari.GatewayBot, guilds: int) -> None:
    """Wait until this many guilds have been received."""
    numbers = itertools.count(1)

    def is_last(event: hikari.ShardPayloadEvent) -> bool:
        return event.name == "GUILD_CREATE" and next(numbers) == guilds

    await bot.event_manager.wait_for(hikari.ShardPayloadEvent, timeout=None, predicate=is_last)


async def _stored(cache: persist.Cache, guilds: int) -> None:
    """Wait until everything is stored."""
    while not _is_through(cache.stats(), guilds):  # noqa: ASYNC110 - a bot has no event for that
        await asyncio.sleep(0.05)
    await cache.flush()


async def main(rest_url: str, url: str, first: int, count: int, of: int, guilds: int) -> None:
    """Run the shards."""
    bot = workload.bot(rest_url=rest_url)
    began, late, found = time.perf_counter(), list[float](), dict[str, float]()
    cache = None if url == "nothing" else persist.Cache(bot, url, members="stale")
    if cache is not None:
        await cache.open()
        found["answered"] = await _first_answer(cache)
    waiting = asyncio.create_task(_heard(bot, guilds) if cache is None else _stored(cache, guilds))
    lagging = asyncio.create_task(_late(late))
    await bot.start(shard_ids=range(first, first + count), shard_count=of, check_for_updates=False)
    await waiting
    found |= {
        "seconds": time.perf_counter() - began,
        "processor": time.process_time(),
        "lag": measure.percentile(late, 0.99),
        "resident": footprint_bot.resident(),
    }
    if cache is not None:
        found["requests"] = cache.stats().member_requests
    lagging.cancel()
    print(json.dumps(found), flush=True)
    await bot.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:7])))
