"""A bot may start before its database: what it hears waits until the database can be used, or turns out not to be."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest
import servers
import yarl
from fakecord import payloads
from hearing import ME, Hearing, ready
from stores import opened

import persist

OTHER = "900000000000000002"


@contextlib.asynccontextmanager
async def started_without(place: servers.Place, url: str) -> AsyncIterator[Hearing]:
    """Start a bot while its server is away; yield it once the server is there."""
    heard = Hearing(url)
    await asyncio.to_thread(place.server.stop)
    await heard.cache.start()
    try:
        yield heard
    finally:
        await heard.cache.close()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110 - what is waited for wakes nobody
            await asyncio.sleep(0.02)


async def test_what_is_heard_waits_for_a_database_that_is_made_after_the_server_is_back(
    place: servers.Place, caplog: pytest.LogCaptureFixture
) -> None:
    url = str(yarl.URL(place.url).with_path("/made_later"))
    async with started_without(place, url) as heard:
        await heard.ready(payloads.guild(id="77"))
        stored = asyncio.create_task(heard.cache.flush())
        await until(lambda: "is the server running there" in caplog.text)
        await asyncio.to_thread(place.server.start)
        await until(lambda: "with CREATE DATABASE" in caplog.text)
        assert "with CREATE DATABASE" in heard.cache.health().problems[0].message
        await place.run("CREATE DATABASE made_later")
        try:
            await stored
            assert await heard.cache.get_guild(77) is not None
            assert await heard.cache.guilds.count() == 1
            assert heard.cache.quarantine == ()
            await heard.cache.close()
        finally:
            await place.run("DROP DATABASE made_later")


async def test_another_bots_database_is_left_as_it_is(place: servers.Place, caplog: pytest.LogCaptureFixture) -> None:
    async with Hearing(place.url) as owner:
        await owner.ready(payloads.guild(id="77"))
        before = await owner.stored()
    async with started_without(place, place.url) as heard:
        heard.consume("READY", {**ready(), "user": payloads.own_user(id=OTHER)})
        heard.consume("GUILD_CREATE", payloads.guild(id="88"))
        await asyncio.to_thread(place.server.start)
        with pytest.raises(persist.BackendError, match=f"belongs to the bot {ME}, and this bot, {OTHER},"):
            await heard.cache.flush()
        with pytest.raises(persist.CacheClosedError, match=f"belongs to the bot {ME}, and this bot, {OTHER},"):
            await heard.cache.get_guild(88)
        assert "nothing is stored" in caplog.text
        assert heard.cache.quarantine == ()
        assert heard.cache.gauges.lost["guilds"] > 0
    async with Hearing(place.url) as owner:
        assert await owner.stored() == before


async def test_history_from_before_goes_with_its_message_all_the_same(place: servers.Place) -> None:
    message = payloads.message("2", payloads.user(), guild_id="77", content="first")
    named = {name: message[name] for name in ("id", "channel_id", "guild_id")}
    keeping = persist.Rules(messages=persist.Keep(history=True))
    async with Hearing(place.url, rules=keeping, settled=True) as heard:
        await heard.hear("MESSAGE_CREATE", message)
        await heard.hear("MESSAGE_UPDATE", {**named, "content": "second", "edited_timestamp": "2026-06-01T12:00:00Z"})
        assert len(await heard.cache.messages.history(int(message["id"]))) == 1
    async with started_without(place, place.url) as heard:
        await heard.hear("GUILD_CREATE", payloads.guild(id="77"))
        await asyncio.to_thread(place.server.start)
        await heard.cache.flush()
        await heard.hear("MESSAGE_DELETE", named)
        assert await heard.cache.messages.history(int(message["id"])) == []


async def test_a_database_that_is_newer_when_it_is_back_is_left_as_it_is(place: servers.Place) -> None:
    async with opened(place.url) as store:
        await store.run(lambda _: ["UPDATE persist_meta SET value = '99' WHERE name = 'schema_version'"])
    async with started_without(place, place.url) as heard:
        await heard.ready(payloads.guild(id="77"))
        await asyncio.to_thread(place.server.start)
        with pytest.raises(persist.BackendError, match="Upgrade hikari-persist"):
            await heard.cache.flush()
        assert not heard.cache.is_open
        assert heard.cache.quarantine == ()
