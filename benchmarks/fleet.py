"""Many guilds on several shards in two processes, on one PostgreSQL database: a first start and a restart."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import math
import subprocess
import sys
import typing
from collections.abc import Mapping, Sequence

import engines
import measure
import places
from fakecord.client import running

from persist.entities import MEMBERS
from persist.plugins import open_store
from persist.spi import Select

__all__ = ("fleet",)

GUILDS: typing.Final = 2000
MEMBERS_EACH: typing.Final = 500
SHARDS: typing.Final = 8
PROCESSES: typing.Final = 2
STARTS: typing.Final = ("first start", "another start")
_ASKED_A_MINUTE: typing.Final = 60
"""The member requests that a shard sends per minute."""

Told = Mapping[str, float]


def _bot(rest_url: str, url: str, first: int, guilds: int) -> Told:
    arguments = (rest_url, url, first, SHARDS // PROCESSES, SHARDS, guilds)
    command = [sys.executable, str(places.HERE / "fleet_bot.py"), *map(str, arguments)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=1800)
    return typing.cast("Told", json.loads(said.stdout))


def _start(rest_url: str, url: str, shards: Sequence[int]) -> list[Told]:
    """Run all processes until they have everything, and return each one's report."""
    each = SHARDS // PROCESSES
    with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
        bots = [
            pool.submit(_bot, rest_url, url, first, sum(first <= shard < first + each for shard in shards))
            for first in range(0, SHARDS, each)
        ]
        return [bot.result() for bot in bots]


async def _stored(url: str) -> int:
    store = open_store(url)
    await store.open()
    try:
        return (await store.select(Select(MEMBERS, want="count"))).count
    finally:
        await store.close()


def fleet(size: measure.Size) -> list[measure.Result]:
    """Return what two processes need to learn 2,000 guilds of 500 members, at first and after a restart."""
    guilds = max(SHARDS, size.of(GUILDS))
    told = ("--guilds", guilds, "--members", MEMBERS_EACH, "--channels", 2, "--shards", SHARDS)
    with engines.database("postgresql") as url:
        if url is None:
            return []
        with running(*map(str, told)) as simulator:
            shards = [(int(guild) >> 22) % SHARDS for guild in simulator.call("guild_ids")]
            starts = {way: _start(simulator.rest_url, url, shards) for way in STARTS}
            bare = _start(simulator.rest_url, "nothing", shards)
        if (stored := asyncio.run(_stored(url))) != guilds * MEMBERS_EACH:
            raise RuntimeError(f"{stored} members are stored of {guilds * MEMBERS_EACH}")
    most = max(shards.count(shard) for shard in range(SHARDS))
    limits = 60.0 * (math.ceil(most / _ASKED_A_MINUTE) - 1)
    name = f"{guilds:,} guilds of {MEMBERS_EACH} members, {SHARDS} shards, {PROCESSES} processes"
    found = measure.summed_up(
        f"{name}: until all are stored",
        "s",
        {
            "Discord's limits": [limits],
            **{f"persist, {way}": [max(bot["seconds"] for bot in bots)] for way, bots in starts.items()},
        },
    )
    for what, unit, figure in (
        ("processor time of a process", "s", "processor"),
        ("lag of the loop, p99", "ms", "lag"),
        ("memory of a process", "MiB", "resident"),
        ("requests for members of a process", "requests", "requests"),
        ("the first answer after", "ms", "answered"),
    ):
        ways = {"no cache": [bot[figure] for bot in bare]} if figure in bare[0] else {}
        ways |= {f"persist, {way}": [bot[figure] for bot in bots] for way, bots in starts.items()}
        found += measure.summed_up(f"{name}: {what}", unit, ways)
    return found
