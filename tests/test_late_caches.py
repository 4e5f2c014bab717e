"""A cache that is attached while its bot starts, or when it is running, opens itself and receives what follows."""

from __future__ import annotations

import asyncio
import logging
import pathlib

import bots
import hikari
import pytest
from frameworks import Stage

import persist


def attached_while_starting(stage: Stage, url: str, *, strict: bool = False) -> list[persist.Cache]:
    caches: list[persist.Cache] = []

    async def on_starting(_: hikari.StartingEvent) -> None:
        caches.append(persist.Cache(stage.bot, url, strict=strict))

    stage.bot.subscribe(hikari.StartingEvent, on_starting)
    return caches


async def test_a_cache_that_is_attached_while_the_bot_starts_knows_every_guild(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caches = attached_while_starting(stage, "memory://")

    @stage.bot.listen()
    async def on_guild(event: hikari.GuildAvailableEvent) -> None:
        guild = await caches[0].get_guild(event.guild_id)
        stage.notes.write(str(guild))

    async with stage.playing():
        assert await stage.notes.next() == "Aquarium"
    assert "created while the bot was connected" not in caplog.text


async def test_what_is_told_while_the_database_opens_is_remembered(stage: Stage) -> None:
    path = pathlib.Path("cache.db")
    caches = attached_while_starting(stage, f"sqlite:///{path}")
    with bots.locked(path):
        playing = stage.playing()
        await playing.__aenter__()
        await stage.sim.wait_until(lambda: caches[0].gauges.received["GUILD_CREATE"] == 1)
        assert not caches[0].is_open
    try:
        guild = await caches[0].get_guild(int(stage.guild_id))
        assert str(guild) == "Aquarium"
    finally:
        await playing.__aexit__(None, None, None)


async def test_a_cache_that_is_attached_to_a_running_bot_opens_itself_and_says_what_it_has_missed(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage.playing():
        cache = persist.Cache(stage.bot, "memory://")
        assert [record.getMessage() for record in caplog.records if "created while the bot was connected" in record.msg]
        assert await cache.guilds.count() == 0
        message = await stage.say("a word")
        await bots.settled(stage.sim, cache)
        assert await cache.get_message(int(message["id"])) is not None
    assert not cache.is_open


async def test_a_late_cache_that_cannot_be_opened_says_so_each_time_until_it_can(
    stage: Stage, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    caches = attached_while_starting(stage, "sqlite:///nowhere/cache.db")
    async with stage.playing():
        (cache,) = caches
        with pytest.raises(persist.CacheClosedError, match="nowhere"):
            await cache.guilds.count()
        assert criticals(caplog) == ["persist"]
        await asyncio.gather(cache.start(), cache.start())
        assert criticals(caplog) == ["persist", "persist"]
        (tmp_path / "nowhere").mkdir()
        await cache.start()
        assert await cache.guilds.count() == 0
        assert criticals(caplog) == ["persist", "persist"]


def criticals(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.name for record in caplog.records if record.levelno == logging.CRITICAL]


async def test_a_late_cache_that_is_strict_closes_the_bot(stage: Stage) -> None:
    async with stage.playing():
        closed = asyncio.Event()

        async def on_stopped(_: hikari.StoppedEvent) -> None:
            closed.set()

        stage.bot.subscribe(hikari.StoppedEvent, on_stopped)
        persist.Cache(stage.bot, "sqlite:///nowhere/cache.db", strict=True)
        await asyncio.wait_for(closed.wait(), 10)
        await stage.sim.wait_until(lambda: not stage.bot.is_alive)


async def test_a_cache_that_is_closed_while_it_opens_is_closed(stage: Stage) -> None:
    async with stage.playing():
        cache = persist.Cache(stage.bot, "memory://")
        await cache.close()
        assert not cache.is_open
        with pytest.raises(persist.CacheClosedError):
            await cache.guilds.count()


async def test_a_cache_that_is_opened_again_says_what_it_has_missed(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    cache = persist.Cache(stage.bot, "sqlite:///cache.db")
    async with stage.playing():
        assert "opened again while" not in caplog.text
        await cache.close()
        await cache.open()
        assert "opened again while the bot was connected" in caplog.text
