"""Many objects: all members as hikari objects, and the newest messages of a channel in small and large databases."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import pathlib
import sqlite3
import subprocess
import sys
import time
import typing
from collections.abc import Callable, Iterator

import hikari
import measure
import orjson
import places
import reads
import rivals
import store
import workload

import persist
from persist.changes import Put
from persist.entities import MESSAGES
from persist.plugins import open_store

__all__ = ("growth", "iterate")

MEMBERS: typing.Final = 100_000
SIZES: typing.Final = (1_000, 10_000, 100_000, 1_000_000)
CHANNEL: typing.Final = 500_000_000_000_000_003
"""One of the eight channels that contain the messages."""


def iterate(size: measure.Size) -> list[measure.Result]:
    """Return how many members per second become hikari objects, compared with bare SQLite plus hikari's factory."""
    count = size.of(MEMBERS)

    def bare(path: pathlib.Path) -> float:
        make = workload.bot().entity_factory.deserialize_member
        sql = "SELECT m.guild_id, m.payload, u.payload FROM members m JOIN users u ON u.id = m.user_id"
        with contextlib.closing(sqlite3.connect(path)) as connection:
            began = time.perf_counter()
            for guild, member, user in connection.execute(sql):
                make({**orjson.loads(member), "user": orjson.loads(user)}, guild_id=hikari.Snowflake(guild))
            return count / (time.perf_counter() - began)

    async def ours(url: str) -> float:
        async with persist.Cache(workload.bot(), url) as cache:
            began = time.perf_counter()
            found = 0
            async for _ in cache.members.find():
                found += 1
            return found / (time.perf_counter() - began)

    with places.folder() as place:
        path = place / "cache.db"
        asyncio.run(reads.filled(f"sqlite:///{path}", count))
        mine = functools.partial(lambda: asyncio.run(ours(f"sqlite:///{path}")))
        ways = {"bare SELECT, orjson, hikari's factory": lambda: bare(path), "persist": mine}
        found = measure.compare("iterate members as hikari objects", "members/s", ways, size.rounds)
        if (rival := rivals.hikari_persist("iterate", size.of(20_000))) is not None:
            ways = {"hikari-persist 0.3": rival, "persist": mine}
            found += measure.compare("iterate members, against hikari-persist", "members/s", ways, min(3, size.rounds))
    return found


async def _fill(path: pathlib.Path, count: int) -> None:
    place = open_store(f"sqlite:///{path}")
    await place.open()
    guild = int(workload.message(1)["guild_id"])
    for start in range(0, count, store.BATCH):
        numbers = range(start, min(start + store.BATCH, count))
        await place.apply([Put(MESSAGES.record(workload.message(n), guild, store.ORIGIN)) for n in numbers])
    await place.close()


def _bare(path: pathlib.Path, use: Callable[[typing.Any], object] = lambda payload: payload) -> float:
    """Return how many microseconds SQLite alone takes for the newest fifty, decoded and optionally used."""
    sql = "SELECT payload FROM messages WHERE channel_id = ? ORDER BY id DESC LIMIT 50"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        took = []
        for _ in range(200):
            began = time.perf_counter()
            for (payload,) in connection.execute(sql, (CHANNEL,)):
                use(orjson.loads(payload))
            took.append(time.perf_counter() - began)
    return measure.percentile(took, 0.5) * 1e6


async def _ours(path: pathlib.Path, memory: float | None) -> float:
    """Return how many microseconds persist takes for them, as hikari objects, with a memory tier of this size or none.

    They are requested again and again. With a memory tier, they are made only at first.
    """
    async with persist.Cache(workload.bot(), f"sqlite:///{path}", memory=memory) as cache:
        took = []
        for _ in range(200):
            began = time.perf_counter()
            assert len(await cache.messages.find(channel=CHANNEL).order_by("-id").limit(50))
            took.append(time.perf_counter() - began)
    return measure.percentile(took, 0.5) * 1e6


def _start(path: pathlib.Path) -> float:
    """Return how many milliseconds a new process takes, after its imports, until the cache has answered."""
    command = [sys.executable, str(places.HERE / "restart.py"), str(path)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)


def growth(size: measure.Size) -> list[measure.Result]:
    """Return the time of the newest fifty messages, and of the first answer after a start, as a database grows."""
    found: list[measure.Result] = []
    with places.folder() as place:
        files = dict(_files(place, size))
        newest = {
            f"persist, {count:,}": functools.partial(lambda p: asyncio.run(_ours(p, None)), p)
            for count, p in files.items()
        }
        least, most = list(newest)[1], list(newest)[-1]
        bare = functools.partial(_bare, files[SIZES[-1]])
        again = functools.partial(lambda: asyncio.run(_ours(files[SIZES[-1]], 16)))
        found += measure.compare(
            "newest 50 of 1,000,000 messages",
            "us",
            {"bare SELECT and decode": bare, "persist": again, "persist, without memory": newest[most]},
            size.rounds,
        )
        factory = functools.partial(_bare, files[SIZES[-1]], workload.bot().entity_factory.deserialize_message)
        found += measure.compare(
            "newest 50 of 1,000,000 messages, as objects",
            "us",
            {"bare SELECT, decode, hikari's factory": factory, "persist, without memory": newest[most]},
            size.rounds,
        )
        flat = {least: newest.pop(least), **newest}
        found += measure.compare("newest 50 of 1,000,000 messages, against 10,000", "us", flat, size.rounds)
        starts = {f"persist, {count:,}": functools.partial(_start, path) for count, path in files.items()}
        found += measure.compare("start to first answer, as a database grows", "ms", starts, size.rounds)
        found += measure.compare(
            "start to first answer, 1,000,000 stored", "ms", {"persist": starts[most]}, size.rounds
        )
    return found


def _files(place: pathlib.Path, size: measure.Size) -> Iterator[tuple[int, pathlib.Path]]:
    for count in SIZES:
        path = place / f"{count}.db"
        asyncio.run(_fill(path, size.of(count)))
        yield count, path
