"""The store's own interface, below the feed: members and their users, compared with hikari-persist's own calls."""

from __future__ import annotations

import asyncio
import time
import typing
from collections.abc import Awaitable, Callable, Mapping

import heard
import measure
import places
import reads
import rivals
import store
import workload

from persist.changes import Change, Put
from persist.entities import MEMBERS, USERS
from persist.plugins import open_store
from persist.spi import Select, Store

__all__ = ("own_api",)

CHUNKS: typing.Final = 20_000
LIVE: typing.Final = 5_000
_GUILD: typing.Final = int(heard.GUILD)

Payloads = list[Mapping[str, typing.Any]]
Use = Callable[[Store, Payloads], Awaitable[None]]


def _told(members: Payloads) -> list[Change]:
    """Return the changes from payloads of members, in journal order: those of the users, then those of the members."""
    return [
        *(Put(USERS.record(member["user"], None, store.ORIGIN)) for member in members),
        *(Put(MEMBERS.record(member, _GUILD, store.ORIGIN)) for member in members),
    ]


async def _written(place: Store, members: Payloads) -> None:
    for start in range(0, len(members), store.BATCH // 2):
        await place.apply(_told(members[start : start + store.BATCH // 2]))


async def _read(place: Store, members: Payloads) -> None:
    for member in members:
        await place.select(Select(MEMBERS, keys=((_GUILD, int(member["user"]["id"])),), whole=True))


def _seconds(count: int, use: Use, *, before: bool = False, **changed: object) -> float:
    """Return how long an operation on this many members takes; they may already be stored, with other values."""
    members: Payloads = list(workload.members(count))

    async def run(url: str) -> float:
        place = open_store(url)
        await place.open()
        try:
            if before:
                await _written(place, members)
            given = [{**member, **changed} for member in members]
            began = time.perf_counter()
            await use(place, given)
            return time.perf_counter() - began
        finally:
            await place.close()

    with places.folder() as folder:
        return asyncio.run(run(f"sqlite:///{folder / 'cache.db'}"))


def own_api(size: measure.Size) -> list[measure.Result]:
    """Return how fast members and their users are written and read there."""
    count, few, asked = size.of(CHUNKS), size.of(LIVE), size.of(reads.ASKED)
    found: list[measure.Result] = []
    for what, unit, way, ours in (
        ("chunks", "members/s", "chunks", lambda: count / _seconds(count, _written)),
        ("live updates", "members/s", "live", lambda: few / _seconds(few, _written, before=True, nick="new")),
        ("against its bulk call", "members/s", "bulk", lambda: count / _seconds(count, _written)),
        ("point reads", "us", "reads", lambda: _seconds(asked, _read, before=True) / asked * 1e6),
    ):
        if (rival := rivals.hikari_persist(way, min(3000, size.of(3000)))) is not None:
            ways = {"hikari-persist 0.3": rival, "persist": ours}
            found += measure.compare(f"at the store's own interface, {what}", unit, ways, min(3, size.rounds))
    return found
