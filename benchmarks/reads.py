"""Reads one object by its key: from memory, from SQLite, from servers, one at a time and fifty at once."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import sqlite3
import time
import typing
from collections.abc import Awaitable, Callable, Sequence

import asyncpg
import engines
import heard
import hikari
import measure
import orjson
import places
import rivals
import store
import workload

import persist
from persist.changes import Put
from persist.entities import MEMBERS, USERS
from persist.plugins import open_store
from persist.spi import Select, Store

__all__ = ("at_once", "from_memory", "from_postgresql", "from_sqlite")

COUNT: typing.Final = 20_000
ASKED: typing.Final = 5_000
AT_ONCE: typing.Final = 50
_SQL: typing.Final = "SELECT payload FROM members WHERE guild_id = {} AND user_id = {}"

Ask = Callable[[tuple[int, int]], Awaitable[object]]


async def filled(url: str, count: int) -> None:
    """Store members and their users."""
    records = store.records(count)
    place = open_store(url)
    await place.open()
    users = [USERS.record(record.payload["user"], None, store.ORIGIN) for record in records]
    for some in (records, users):
        for start in range(0, count, store.BATCH):
            await place.apply([Put(record) for record in some[start : start + store.BATCH]])
    await place.close()


def keys(count: int) -> list[tuple[int, int]]:
    """Return keys of members, in random order."""
    found = [(int(record.key[0]), int(record.key[1])) for record in store.records(COUNT)]
    return [found[(number * 7919) % len(found)] for number in range(count)]


async def _each(ask: Ask, asked: Sequence[tuple[int, int]]) -> float:
    """Return the median time of a read in microseconds."""
    took: list[float] = []
    for key in asked:
        began = time.perf_counter()
        await ask(key)
        took.append(time.perf_counter() - began)
    return measure.percentile(took, 0.5) * 1e6


def from_memory(size: measure.Size) -> list[measure.Result]:
    """Return the time of get_member for a recently requested member, compared with hikari's own cache."""
    asked = keys(size.of(ASKED))[:500]

    def theirs() -> float:
        bot = workload.bot(hikari.api.CacheComponents.ALL)
        cache = typing.cast("hikari.impl.CacheImpl", bot.cache)
        for record in store.records(COUNT):
            cache.set_member(
                bot.entity_factory.deserialize_member(record.payload, guild_id=hikari.Snowflake(record.key[0]))
            )

        async def ask(key: tuple[int, int]) -> object:
            return cache.get_member(*key)

        return asyncio.run(_each(ask, asked * 10))

    async def run(url: str) -> float:
        bot = workload.bot()
        async with persist.Cache(bot, url) as cache:
            heard.consume(bot, [("READY", workload.ready(store.GUILD + number for number in range(3)))])
            for key in asked * 2:
                await cache.get_member(*key)
            return await _each(lambda key: cache.get_member(*key), asked * 10)

    with places.folder() as place:
        url = f"sqlite:///{place / 'cache.db'}"
        asyncio.run(filled(url, COUNT))
        ways = {"hikari's own cache": theirs, "persist": lambda: asyncio.run(run(url))}
        return measure.compare("get_member, in memory", "us", ways, size.rounds)


def from_sqlite(size: measure.Size) -> list[measure.Result]:
    """Return the time of get_member from an SQLite file, compared with the bare query and with hikari-persist."""
    asked = keys(size.of(ASKED))

    async def ours(url: str) -> float:
        async with persist.Cache(workload.bot(), url, memory=None) as cache:
            return await _each(lambda key: cache.get_member(*key), asked)

    async def bare(path: pathlib.Path) -> float:
        bot = workload.bot()
        make = bot.entity_factory.deserialize_member
        with contextlib.closing(sqlite3.connect(path)) as connection:

            async def ask(key: tuple[int, int]) -> object:
                member = orjson.loads(connection.execute(_SQL.format("?", "?"), key).fetchone()[0])
                user = connection.execute("SELECT payload FROM users WHERE id = ?", key[1:]).fetchone()[0]
                return make({**member, "user": orjson.loads(user)}, guild_id=hikari.Snowflake(key[0]))

            return await _each(ask, asked)

    with places.folder() as place:
        path = place / "cache.db"
        url = f"sqlite:///{path}"
        asyncio.run(filled(url, COUNT))
        ways = {
            "bare SELECT of member and user, and hikari's factory": lambda: asyncio.run(bare(path)),
            "persist": lambda: asyncio.run(ours(url)),
        }
        found = measure.compare("get_member, from SQLite", "us", ways, size.rounds)
        if (rival := rivals.hikari_persist("reads", size.of(2000))) is not None:
            ways = {"hikari-persist 0.3": rival, "persist": lambda: asyncio.run(ours(url))}
            found += measure.compare("point reads, SQLite, objects", "us", ways, min(3, size.rounds))
    return found


def from_postgresql(size: measure.Size) -> list[measure.Result]:
    """Return the time of get_member from PostgreSQL, compared with an open connection that reads only the member."""
    asked = keys(size.of(ASKED) // 2 or 1)

    async def bare(url: str) -> float:
        connection = await asyncpg.connect(url)
        make = workload.bot().entity_factory.deserialize_member
        users = "SELECT payload FROM users WHERE id = $1"

        async def ask(key: tuple[int, int]) -> object:
            member, user = (
                await connection.fetchrow(_SQL.format("$1", "$2"), *key),
                await connection.fetchrow(users, key[1]),
            )
            return make({**orjson.loads(member[0]), "user": orjson.loads(user[0])}, guild_id=hikari.Snowflake(key[0]))

        try:
            return await _each(ask, asked)
        finally:
            await connection.close()

    async def ours(url: str) -> float:
        async with persist.Cache(workload.bot(), url, memory=None) as cache:
            return await _each(lambda key: cache.get_member(*key), asked)

    with engines.database("postgresql") as url:
        if url is None:
            return []
        asyncio.run(filled(url, COUNT))
        ways = {
            "bare fetchrow of member and user, and hikari's factory": lambda: asyncio.run(bare(url)),
            "persist": lambda: asyncio.run(ours(url)),
        }
        return measure.compare("get_member, from PostgreSQL", "us", ways, size.rounds)


# ------------------------------------------------------------------------------------------------------------ at once


async def _together(ask: Ask, asked: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """Return the reads per second when fifty run at once, and their 99th percentile in ms."""
    took: list[float] = []
    queue = iter(asked)

    async def asker() -> None:
        for key in queue:
            began = time.perf_counter()
            await ask(key)
            took.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(asker() for _ in range(AT_ONCE)))
    return len(asked) / (time.perf_counter() - began), measure.percentile(took, 0.99) * 1000


async def _by_store(url: str, asked: Sequence[tuple[int, int]]) -> tuple[float, float]:
    place: Store = open_store(url)
    await place.open()
    try:
        return await _together(lambda key: place.select(Select(MEMBERS, keys=(key,))), asked)
    finally:
        await place.close()


async def _on_a_pool(url: str, asked: Sequence[tuple[int, int]], pool: engines.Pool) -> tuple[float, float]:
    async with pool(url, _SQL) as ask:
        return await _together(ask, asked)


def at_once(size: measure.Size) -> list[measure.Result]:
    """Return how fast fifty reads at once are answered, compared with one query each on a pool of ten connections."""
    asked = keys(size.of(ASKED) * 2)
    found: list[measure.Result] = []
    for name, words, pool in (
        ("postgresql", "PostgreSQL", engines.asyncpg_pool),
        ("mysql", "MariaDB", engines.aiomysql_pool),
    ):
        with engines.database(name) as url:
            if url is None:
                continue
            asyncio.run(filled(url, COUNT))
            figures: dict[str, list[tuple[float, float]]] = {"a query each": [], "persist": []}
            for _ in range(size.rounds):
                figures["a query each"].append(asyncio.run(_on_a_pool(url, asked, pool)))
                figures["persist"].append(asyncio.run(_by_store(url, asked)))
        rates = {way: [rate for rate, _ in taken] for way, taken in figures.items()}
        slowest = {way: [late for _, late in taken] for way, taken in figures.items()}
        found += measure.summed_up(f"50 point reads at once, {words}", "answers/s", rates)
        found += measure.summed_up(f"50 point reads at once, {words}, p99", "ms", slowest)
    return found
