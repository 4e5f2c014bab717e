"""A bot with hikari-sake, in its own environment: ``URL REDIS COUNT``. It prints when it is ready, and when done."""

from __future__ import annotations

import asyncio
import sys

import hikari
import redis.asyncio
import sake

_MEMBERS = 4
"""The Redis database in which it stores members, one hash per guild."""


async def _count(client: redis.asyncio.Redis) -> int:
    count = 0
    async for key in client.scan_iter():
        count += await client.hlen(key)
    return count


async def main(rest_url: str, address: str, count: int) -> None:
    """Run the bot until its cache has this many more members."""
    bot = hikari.GatewayBot(
        "OTAw.fake.token",
        rest_url=rest_url,
        intents=hikari.Intents.ALL,
        auto_chunk_members=False,
        cache_settings=hikari.impl.CacheSettings(components=hikari.api.CacheComponents.NONE),
        banner=None,
        logs=None,
        suppress_optimization_warning=True,
    )
    cache = sake.redis.MemberCache(address, bot, bot.event_manager)
    await cache.open()
    await bot.start(check_for_updates=False)
    await asyncio.sleep(1)
    async with redis.asyncio.from_url(f"{address}/{_MEMBERS}") as client:
        before = await _count(client)
        print("ready", flush=True)
        while await _count(client) < before + count:  # noqa: ASYNC110 - sake offers nothing to wait for
            await asyncio.sleep(0.02)
    print("done", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
