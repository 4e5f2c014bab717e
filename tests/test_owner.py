"""A database belongs to one bot: another bot would delete all guilds that only the first one is in."""

from __future__ import annotations

import asyncio
import logging

import pytest
from fakecord import Payload, payloads
from hearing import ME, Hearing, ready

import persist

OTHER = "900000000000000002"


def a_guild() -> Payload:
    return payloads.guild(own_user=payloads.own_user(id=ME), members=3)


def of_the_other() -> Payload:
    return {**ready(), "user": payloads.own_user(id=OTHER)}


async def test_another_bot_is_told_so_and_changes_nothing(engine_url: str, caplog: pytest.LogCaptureFixture) -> None:
    if engine_url == "memory://":
        pytest.skip("What is in memory is seen by nobody else.")
    guild = a_guild()
    async with Hearing(engine_url) as heard:
        await heard.ready(guild)
        before = await heard.stored()
        await heard.reopen()
        with caplog.at_level(logging.CRITICAL, "persist"):
            await heard.hear("READY", of_the_other())
            await heard.hear("GUILD_CREATE", a_guild())
        with pytest.raises(
            persist.CacheClosedError, match=f"belongs to the bot {ME}, and this bot, {OTHER},"
        ) as caught:
            await heard.cache.get_guild(1)
        assert isinstance(caught.value.__cause__, persist.SchemaError)
        assert "Name another database" in caplog.text
        problem = heard.cache.health().problems[0]
        assert problem.is_failing
        assert OTHER in problem.message
        await heard.reopen()
        assert await heard.stored() == before


async def test_another_bot_that_is_ready_before_the_database_is_open_changes_nothing(sqlite_url: str) -> None:
    async with Hearing(sqlite_url) as heard:
        await heard.ready(a_guild())
        before = await heard.stored()
        await heard.cache.close()
        heard._make()
        opening = asyncio.create_task(heard.cache.open())
        for _ in range(3):  # it receives events, but has not queried the database yet
            await asyncio.sleep(0)
        heard.consume("READY", of_the_other())
        with pytest.raises(persist.SchemaError, match="Name another database"):
            await opening
        await heard.reopen()
        assert await heard.stored() == before


async def test_the_same_bot_comes_back(sqlite_url: str) -> None:
    guild = a_guild()
    async with Hearing(sqlite_url) as heard:
        await heard.ready(guild)
        await heard.reopen()
        await heard.ready(guild)
        assert await heard.cache.guilds.count() == 1
