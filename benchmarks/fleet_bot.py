"""Some shards of a bot, alone: ``REST DATABASE FIRST COUNT OF GUILDS``. It says how it went, as JSON, and waits.

``GUILDS`` is how many guilds the shards from ``FIRST`` on are told of. Their members are asked for as far as the
database does not have them, within Discord's limits.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import footprint_bot
import measure
import workload

import persist


async def _late(found: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.01)
        found.append((time.perf_counter() - began - 0.01) * 1000)


async def _first_answer(cache: persist.Cache) -> float:
    """Return how many milliseconds it takes until something is known, before the gateway has said anything."""
    began = time.perf_counter()
    await cache.guilds.find().limit(1)
    return (time.perf_counter() - began) * 1000


def _is_through(stats: persist.Stats, guilds: int) -> bool:
    asked, chunks = stats.member_requests, stats.received.get("GUILD_MEMBERS_CHUNK", 0)
    return asked + stats.member_requests_saved >= guilds and chunks >= asked


async def main(rest_url: str, url: str, first: int, count: int, of: int, guilds: int) -> None:
    """Run the shards."""
    bot = workload.bot(rest_url=rest_url)
    began, late = time.perf_counter(), list[float]()
    async with persist.Cache(bot, url, members="stale") as cache:
        answered = await _first_answer(cache)
        lagging = asyncio.create_task(_late(late))
        await bot.start(shard_ids=range(first, first + count), shard_count=of, check_for_updates=False)
        while not _is_through(stats := cache.stats(), guilds):  # noqa: ASYNC110 - a bot has no event for that
            await asyncio.sleep(0.05)
        await cache.flush()
        found = {
            "seconds": time.perf_counter() - began,
            "processor": time.process_time(),
            "answered": answered,
            "lag": measure.percentile(late, 0.99),
            "resident": footprint_bot.resident(),
            "requests": stats.member_requests,
            "events": sum(stats.received.values()),
        }
        lagging.cancel()
        print(json.dumps(found), flush=True)
        await bot.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:7])))
