"""What an event costs in the feed, inside hikari's event manager."""

from __future__ import annotations

import asyncio
import time
import typing
import unittest.mock

import hikari
import measure
import workload

import persist

__all__ = ("hook",)

EVENTS: typing.Final = 5_000


def _consume(bot: hikari.GatewayBot) -> float:
    shard = unittest.mock.Mock(spec=hikari.api.GatewayShard, id=0, shard_count=1, _seq=1, _session_id="x")
    payloads = [workload.message(number) for number in range(EVENTS)]
    consume = bot.event_manager.consume_raw_event
    began = time.perf_counter()
    for payload in payloads:
        consume("MESSAGE_CREATE", shard, payload)
    return (time.perf_counter() - began) / EVENTS * 1e6


async def _no_op() -> float:
    bot = workload.bot()
    waiting = bot.event_manager.wait_for(hikari.ShardPayloadEvent, timeout=None, predicate=lambda _: False)
    task = asyncio.create_task(waiting)
    await asyncio.sleep(0)
    try:
        return _consume(bot)
    finally:
        task.cancel()


async def _ours() -> float:
    bot = workload.bot()
    async with persist.Cache(bot, "memory://"):
        return _consume(bot)


async def _hikari() -> float:
    return _consume(workload.bot(hikari.api.CacheComponents.ALL))


def hook(rounds: int) -> list[measure.Result]:
    """Return what a MESSAGE_CREATE costs: with a hook that does nothing, with persist's, and in hikari's own cache."""
    ways = {
        "a hook that does nothing": lambda: asyncio.run(_no_op()),
        "persist's feed": lambda: asyncio.run(_ours()),
        "hikari's own cache": lambda: asyncio.run(_hikari()),
    }
    return measure.compare("take one MESSAGE_CREATE", "us", ways, rounds)
