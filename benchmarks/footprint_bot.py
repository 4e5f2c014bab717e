"""Receive this many members, in its own process: ``WHERE COUNT``. It prints the MiB that the process then uses.

``WHERE`` is the URL of a database, ``hikari`` for hikari's own cache, or ``nothing``.
"""

from __future__ import annotations

import asyncio
import gc
import os
import pathlib
import sys
import unittest.mock
from collections.abc import Iterator

import hikari
import workload

import persist

SIZE = 1000


def resident() -> float:
    """Return the MiB of memory that this process uses."""
    gc.collect()
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def chunks(count: int) -> Iterator[dict[str, object]]:
    """Yield chunks of members."""
    members = workload.members(count)
    while some := [member for _, member in zip(range(SIZE), members, strict=False)]:
        yield {"guild_id": "400000000000000000", "members": some, "chunk_index": 0, "chunk_count": 1, "not_found": []}


async def main(where: str, count: int) -> float:
    """Receive all of them."""
    kept = hikari.api.CacheComponents.ALL if where == "hikari" else hikari.api.CacheComponents.NONE
    bot = workload.bot(kept)
    shard = unittest.mock.Mock(spec=hikari.api.GatewayShard, id=0, shard_count=1, _seq=1, _session_id="x")
    cache = persist.Cache(bot, where) if "://" in where else None
    if cache is not None:
        await cache.open()
    for chunk in chunks(count):
        bot.event_manager.consume_raw_event("GUILD_MEMBERS_CHUNK", shard, chunk)
        await asyncio.sleep(0)
        if cache is not None:
            await cache.flush()
        shard.reset_mock()
    found = resident()
    if cache is not None:
        await cache.close()
    return found


if __name__ == "__main__":
    print(asyncio.run(main(sys.argv[1], int(sys.argv[2]))))
