"""A gateway that sends more than the database can take is read more slowly, without losing events or the connection."""

from __future__ import annotations

import asyncio
import logging
import pathlib
import types
import typing
from collections.abc import Callable, Coroutine

import bots
import hikari
import pytest
from fakecord import FakeDiscord

import persist
from persist import backpressure
from persist.backpressure import Backpressure
from persist.gauges import Gauges

_MEMBERS = 30_000


async def test_a_flood_waits_at_the_gateway_while_the_database_is_behind(
    engine_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with FakeDiscord(seed=1) as sim:
        guild = sim.add_guild(members=2)
        bot = bots.make(sim.rest_url)
        cache = persist.Cache(bot, engine_url, limit=2000)
        async with bots.started(sim, bot, cache):
            await sim.flood(bots.members(guild, _MEMBERS))
            await sim.wait_until(lambda: cache.gauges.received["GUILD_MEMBER_ADD"] == _MEMBERS, 60)
            await cache.flush()
            assert cache.stats().held_back > 0
            assert len(await cache.members.find().ids()) == _MEMBERS + 2
            # Later events are received as usual.
            message = await sim.create_message(bots.text_channel(guild), "hello")
            await bots.settled(sim, cache)
            assert await cache.messages.get(int(message["id"])) is not None
    assert cache.gauges.lost.total() == cache.gauges.shed.total() == 0
    assert any("the gateway is read more slowly" in record.getMessage() for record in caplog.records)


async def test_nothing_is_read_for_a_while_only_although_it_stays_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backpressure, "_MOST", 1.0)
    gauges = Gauges()
    async with FakeDiscord(seed=1) as sim:
        guild = sim.add_guild(members=2)
        bot = bots.make(sim.rest_url)
        async with bots.started(sim, bot):
            heard: list[str] = []
            bot.event_manager.subscribe(hikari.GuildMessageCreateEvent, _hearing(heard))
            pressing = Backpressure(bot, lambda: True, gauges)
            pressing.begin()
            pressing.begin()
            await sim.create_message(bots.text_channel(guild), "waits")
            await asyncio.sleep(0.1)
            assert heard == []
            await bots.until(lambda: heard == ["waits"])
            assert gauges.held_back >= 0.2
            held_back = gauges.held_back
            pressing.begin()  # it has been stopped for long enough
            await sim.create_message(bots.text_channel(guild), "comes")
            await bots.until(lambda: heard == ["waits", "comes"])
            pressing.end()
            assert gauges.held_back == held_back


async def test_a_cache_that_closes_lets_the_gateway_be_read(tmp_path: pathlib.Path) -> None:
    async with FakeDiscord(seed=1) as sim:
        guild = sim.add_guild(members=2)
        bot = bots.make(sim.rest_url)
        async with bots.started(sim, bot):
            cache = persist.Cache(bot, f"sqlite:///{tmp_path / 'cache.db'}", limit=1)
            await cache.open()
            with bots.locked(tmp_path / "cache.db"):
                await sim.flood(bots.members(guild, 3000))
                await bots.until(lambda: cache._engine._backpressure._timer is not None)
            await cache.close()
            heard: list[str] = []
            bot.event_manager.subscribe(hikari.GuildMessageCreateEvent, _hearing(heard))
            await sim.create_message(bots.text_channel(guild), "still there")
            await bots.until(lambda: heard == ["still there"])


def test_where_no_connection_is_found_everything_is_read_as_it_comes() -> None:
    gauges = Gauges()
    strange = types.SimpleNamespace(shards={0: object()})

    async def press() -> None:
        pressing = Backpressure(strange, lambda: True, gauges)  # type: ignore[arg-type]
        pressing.begin()
        pressing.end()

    asyncio.run(press())
    assert gauges.held_back == 0


def _hearing(heard: list[str]) -> Callable[[hikari.GuildMessageCreateEvent], Coroutine[typing.Any, typing.Any, None]]:
    async def hear(event: hikari.GuildMessageCreateEvent) -> None:
        heard.append(event.content or "")

    return hear
