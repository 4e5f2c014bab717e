"""What it takes to keep things: memory of the process, and bytes on disk."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import typing
from collections.abc import Callable, Sequence

import measure
import orjson
import places
import store
import workload

from persist.changes import Put
from persist.entities import MEMBERS, MESSAGES
from persist.model import Record
from persist.plugins import open_store

__all__ = ("disk", "memory")

MEMBERS_STORED: typing.Final = 1_000_000
ON_DISK: typing.Final = 20_000


def _resident(*arguments: object) -> float:
    command = [sys.executable, str(places.HERE / "footprint_bot.py"), *map(str, arguments)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout)


def memory(size: measure.Size) -> list[measure.Result]:
    """Return how many MiB a process holds after it has stored 1,000,000 members, over a bot with an empty cache."""
    count = size.of(MEMBERS_STORED)
    hikaris = min(count, 100_000)
    empty = _resident("nothing", 0)

    def ours() -> float:
        with places.folder() as place:
            return _resident(f"sqlite:///{place / 'cache.db'}", count) - empty

    ways: dict[str, Callable[[], float]] = {
        "hikari's own cache, reckoned from a tenth": lambda: (_resident("hikari", hikaris) - empty) * count / hikaris,
        "persist over an empty bot": ours,
    }
    return measure.compare("memory for 1,000,000 members stored", "MiB", ways, 1)


def _bytes(records: Sequence[Record], options: str = "") -> float:
    """Return the bytes of the file per byte of payload."""

    async def fill(url: str) -> None:
        place = open_store(url)
        await place.open()
        for start in range(0, len(records), store.BATCH):
            await place.apply([Put(record) for record in records[start : start + store.BATCH]])
        await place.close()

    with places.folder() as place:
        path = place / "cache.db"
        asyncio.run(fill(f"sqlite:///{path}"))
        empty = path.stat().st_size
        path.unlink()
        asyncio.run(fill(f"sqlite:///{path}{options}"))
        del empty
        return places.size_of(path) / sum(len(orjson.dumps(dict(record.payload))) for record in records)


def disk(size: measure.Size) -> list[measure.Result]:
    """Return how many bytes of disk a byte of payload takes."""
    count = size.of(ON_DISK)
    guild = store.GUILD
    found: list[measure.Result] = []
    for words, records in (
        ("member", [MEMBERS.record(payload, guild, store.ORIGIN) for payload in workload.members(count)]),
        ("message", [MESSAGES.record(workload.message(n), guild, store.ORIGIN) for n in range(count)]),
    ):
        ways: dict[str, Callable[[], float]] = {
            "the payload's JSON": lambda: 1.0,
            "persist": lambda records=records: _bytes(records),
            "persist, compressed": lambda records=records: _bytes(records, "?compression=zstd"),
        }
        found += measure.compare(f"disk per {words}", "x", ways, 1)
    return found
