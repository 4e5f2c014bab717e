"""Events that a bot receives without a connection, and how fast the database has all of them."""

from __future__ import annotations

import asyncio
import time
import typing
import unittest.mock
from collections.abc import Callable, Mapping, Sequence

import hikari
import measure
import orjson
import places
import rivals
import workload

import persist

__all__ = ("Event", "committed", "consume", "hook", "presences", "shard")

Event = tuple[str, Mapping[str, typing.Any]]
GUILD: typing.Final = "400000000000000000"
MESSAGES: typing.Final = 5_000
CHUNKS: typing.Final = 20
LIVE: typing.Final = 5_000


def shard() -> hikari.api.GatewayShard:
    """Return a substitute for a connected shard."""
    return unittest.mock.Mock(spec=hikari.api.GatewayShard, id=0, shard_count=1, _seq=1, _session_id="x")


def consume(bot: hikari.GatewayBot, events: Sequence[Event]) -> float:
    """Feed events to a bot, and return how many microseconds each one took."""
    told, take = shard(), bot.event_manager.consume_raw_event
    began = time.perf_counter()
    for name, payload in events:
        take(name, told, payload)
    return (time.perf_counter() - began) / len(events) * 1e6


async def committed(url: str, events: Sequence[Event], *, before: Sequence[Event] = ()) -> float:
    """Return how many seconds it takes until a cache has received events and its database has them."""
    bot = workload.bot()
    async with persist.Cache(bot, url) as cache:
        consume(bot, before or [("RESUMED", {})])
        await cache.flush()
        told, take = shard(), bot.event_manager.consume_raw_event
        began = time.perf_counter()
        for number, (name, payload) in enumerate(events):
            take(name, told, payload)
            if number % 10 == 0:
                await asyncio.sleep(0)
        await cache.flush()
        return time.perf_counter() - began


def _rate(count: int, events: Sequence[Event], before: Sequence[Event] = ()) -> Callable[[], float]:
    def run() -> float:
        with places.folder() as place:
            return count / asyncio.run(committed(f"sqlite:///{place / 'cache.db'}", events, before=before))

    return run


def chunks(count: int, size: int = 1000) -> list[Event]:
    """Return chunks of members, all different."""
    members = list(workload.members(count * size))
    return [
        (
            "GUILD_MEMBERS_CHUNK",
            {
                "guild_id": GUILD,
                "members": members[number * size : (number + 1) * size],
                "chunk_index": number,
                "chunk_count": count,
                "not_found": [],
            },
        )
        for number in range(count)
    ]


def live(size: measure.Size) -> list[measure.Result]:
    """Return how fast members are stored after they are received, compared with hikari-persist's own calls."""
    count = size.of(CHUNKS)
    found: list[measure.Result] = []
    told = chunks(count)
    everybody = [member for _, payload in told for member in payload["members"]]
    updates: list[Event] = [
        ("GUILD_MEMBER_UPDATE", {**member, "guild_id": GUILD, "nick": "new"}) for member in everybody[: size.of(LIVE)]
    ]
    rounds = min(3, size.rounds)
    for what, way, ours in (
        ("heard to committed, chunks", "chunks", _rate(count * 1000, told)),
        ("heard to committed, live updates", "live", _rate(len(updates), updates, told[:5])),
        ("heard to committed, against its bulk call", "bulk", _rate(count * 1000, told)),
    ):
        rival = rivals.hikari_persist(way, min(3000, size.of(3000)))
        if rival is None:
            continue
        found += measure.compare(what, "members/s", {"hikari-persist 0.3": rival, "persist": ours}, rounds)
    return found


# ---------------------------------------------------------------------------------------------------------------- hook


async def _no_op(events: Sequence[Event]) -> float:
    bot = workload.bot()
    waiting = bot.event_manager.wait_for(hikari.ShardPayloadEvent, timeout=None, predicate=lambda _: False)
    task = asyncio.create_task(waiting)
    await asyncio.sleep(0)
    try:
        return consume(bot, events)
    finally:
        task.cancel()


async def _ours(events: Sequence[Event]) -> float:
    bot = workload.bot()
    async with persist.Cache(bot, "memory://"):
        return consume(bot, events)


def hook(size: measure.Size) -> list[measure.Result]:
    """Return the cost of a MESSAGE_CREATE: with a hook that does nothing, with persist's, and in hikari's own cache."""
    # As from the gateway: messages share no objects, which would make it trivial to see that they are equal.
    told = (orjson.loads(orjson.dumps(workload.message(number))) for number in range(size.of(MESSAGES)))
    events: list[Event] = [("MESSAGE_CREATE", payload) for payload in told]
    nothing = measure.compare("-", "us", {"-": lambda: asyncio.run(_no_op(events))}, size.rounds)[0].median
    ways = {
        "a hook that does nothing": lambda: asyncio.run(_no_op(events)),
        "persist's feed": lambda: asyncio.run(_ours(events)),
        "hikari's own cache": lambda: consume(workload.bot(hikari.api.CacheComponents.ALL), events),
    }
    more = {
        "hikari's own cache": lambda: consume(workload.bot(hikari.api.CacheComponents.ALL), events) - nothing,
        "persist's feed": lambda: asyncio.run(_ours(events)) - nothing,
    }
    return [
        *measure.compare("take one MESSAGE_CREATE", "us", ways, size.rounds),
        *measure.compare("take one MESSAGE_CREATE, more than a hook that does nothing", "us", more, size.rounds),
    ]


# ------------------------------------------------------------------------------------------------------- presence flood


def presences(size: measure.Size) -> list[measure.Result]:
    """Return how many rows per event a flood of presences writes, when few people cause most of it."""
    events: list[Event] = [("PRESENCE_UPDATE", payload) for payload in workload.presences(size.of(100_000), 10_000)]

    async def run(url: str) -> float:
        bot = workload.bot()
        async with persist.Cache(bot, url) as cache:
            told, take = shard(), bot.event_manager.consume_raw_event
            for number, (name, payload) in enumerate(events):
                take(name, told, payload)
                if number % 10 == 0:
                    await asyncio.sleep(0)
            await cache.flush()
            return cache.gauges.applied / len(events)

    def ours() -> float:
        with places.folder() as place:
            return asyncio.run(run(f"sqlite:///{place / 'cache.db'}"))

    return measure.compare(
        "presence flood, rows written per event",
        "rows",
        {"one row each": lambda: 1.0, "persist": ours},
        min(3, size.rounds),
    )
