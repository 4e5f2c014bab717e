"""A bot in its own process: ``URL FILE WAY [COUNT]``. Prints when it is ready, and the seconds for COUNT messages."""

from __future__ import annotations

import asyncio
import sys
import time

import hikari
import workload

import persist


class Clock:
    """Measures when the last of a number of messages is received."""

    def __init__(self, count: int) -> None:
        self._count = self._left = count
        self._began = 0.0
        self.done = asyncio.Event()

    def hear(self, event: hikari.ShardPayloadEvent) -> bool:
        """Count a message."""
        if event.name == "MESSAGE_CREATE":
            if self._left == self._count:
                self._began = time.perf_counter()
            self._left -= 1
            if not self._left:
                self.done.set()
        return False

    @property
    def seconds(self) -> float:
        """The seconds since the first one."""
        return time.perf_counter() - self._began


async def main(rest_url: str, file: str, way: str, count: int) -> None:
    """Run the bot."""
    components = hikari.api.CacheComponents.ALL if way == "hikari" else hikari.api.CacheComponents.NONE
    bot = workload.bot(components, rest_url)
    cache = persist.Cache(bot, f"sqlite:///{file}", members="always") if way == "persist" else None
    clock = Clock(count)
    hearing = asyncio.create_task(
        bot.event_manager.wait_for(hikari.ShardPayloadEvent, timeout=None, predicate=clock.hear)
    )
    await bot.start(check_for_updates=False)
    print("ready", flush=True)
    if count:
        await clock.done.wait()
        if cache is not None:
            await cache.flush()
        print(clock.seconds, flush=True)
    await asyncio.Event().wait()
    del hearing


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 0))
