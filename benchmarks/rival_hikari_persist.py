"""Measures hikari-persist 0.3, in its own environment: ``WAY FILE COUNT`` prints a figure as JSON.

In the release, every read on SQLite raises ``NameError: name 'hikari' is not defined``. This program adds the missing
name; nothing else is changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable

import hikari
import workload

import persist
import persist.backend.base

persist.backend.base.hikari = hikari  # type: ignore[attr-defined]
GUILD = hikari.Snowflake(400_000_000_000_000_000)


def made(bot: hikari.GatewayBot, count: int) -> list[hikari.Member]:
    """Return members made by hikari."""
    make = bot.entity_factory.deserialize_member
    return [make(payload, guild_id=GUILD) for payload in workload.members(count)]


async def stored(path: str, count: int, sql: str = "SELECT COUNT(*) FROM members") -> None:
    """Wait until this many rows are stored; it has no way to report that."""
    while True:
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as connection:
            if connection.execute(sql).fetchone()[0] >= count:
                return
        await asyncio.sleep(0.005)


async def chunks(cache: persist.Cache, members: list[hikari.Member], path: str) -> float:
    """Store members as its handler of MEMBER_CHUNK does."""
    began = time.perf_counter()
    for member in members:
        await cache._backend.member_create(member, confirm=False)
    await stored(path, len(members))
    return len(members) / (time.perf_counter() - began)


async def bulk(cache: persist.Cache, members: list[hikari.Member], path: str) -> float:
    """Store members with its bulk call."""
    began = time.perf_counter()
    for start in range(0, len(members), 1000):
        await cache._backend.bulk_members(members[start : start + 1000], confirm=False)
    await stored(path, len(members))
    return len(members) / (time.perf_counter() - began)


async def live(cache: persist.Cache, members: list[hikari.Member], path: str) -> float:
    """Store updates of members one by one."""
    await bulk(cache, members, path)
    for member in members:
        member.nickname = "new"
    began = time.perf_counter()
    for member in members:
        await cache._backend.member_update(member, confirm=False)
    await stored(path, len(members), "SELECT COUNT(*) FROM members WHERE nickname = 'new'")
    return len(members) / (time.perf_counter() - began)


async def reads(cache: persist.Cache, members: list[hikari.Member], path: str) -> float:
    """Read members one by one; return microseconds each."""
    await bulk(cache, members, path)
    began = time.perf_counter()
    for member in members:
        await cache.members.get(guild_id=GUILD, member_id=member.id)
    return (time.perf_counter() - began) / len(members) * 1e6


async def iterate(cache: persist.Cache, members: list[hikari.Member], path: str) -> float:
    """Read all members; return members per second."""
    await bulk(cache, members, path)
    began = time.perf_counter()
    count = 0
    async for _ in cache.members.all():
        count += 1
    return count / (time.perf_counter() - began)


WAYS: dict[str, Callable[[persist.Cache, list[hikari.Member], str], Awaitable[float]]] = {
    way.__name__: way for way in (chunks, bulk, live, reads, iterate)
}


async def main(way: str, path: str, count: int) -> float:
    """Run the requested measurement."""
    backend, bot = persist.SQLiteBackend(path), workload.bot()
    cache = persist.Cache(bot, backend)
    await backend.connect()
    try:
        return await WAYS[way](cache, made(bot, count), path)
    finally:
        await backend.disconnect()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
