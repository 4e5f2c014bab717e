"""One process replaces another, and for a while both have the same shard and receive the same events."""

from __future__ import annotations

import asyncio

import bots
import pytest
from fakecord import Payload, payloads
from hearing import ME, Hearing

import persist
from persist import notes
from persist.changes import Drop
from persist.entities import MEMBERS, USERS
from persist.locations import store_of
from persist.sql import SqlStore


@pytest.fixture(params=["sqlite_url", "postgresql_url", "mysql_url"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def a_guild() -> Payload:
    return payloads.guild(own_user=payloads.own_user(id=ME), members=4, voice_states=1)


@pytest.mark.parametrize("first", ["the old one stores first", "the new one stores first"])
async def test_who_stays_knows_who_speaks_and_who_is_online(url: str, first: str) -> None:
    guild = a_guild()
    voice = next(channel for channel in guild["channels"] if channel["type"] == 2)
    users = [int(member["user"]["id"]) for member in guild["members"]]
    guild_id = int(guild["id"])
    async with Hearing(url) as new:
        async with Hearing(url) as old:
            await old.ready(guild)
            await old.cache.flush()
            await new.ready(guild)
            await new.cache.flush()
            order = (old, new) if first.startswith("the old") else (new, old)
            for user in users:
                state = {**payloads.voice_state(str(user), voice["id"]), "guild_id": guild["id"]}
                presence = {**payloads.presence(str(user), "dnd"), "guild_id": guild["id"]}
                for hearing in order:
                    await hearing.hear("VOICE_STATE_UPDATE", state)
                    await hearing.hear("PRESENCE_UPDATE", presence)
                    await hearing.cache.flush()
            for hearing in order:
                assert set(await hearing.cache.voice_states.find().ids()) >= set(users)
        for user in users:
            assert await new.cache.get_voice_state(guild_id, user) is not None
            found = await new.cache.get_presence(guild_id, user)
            assert found is not None
            assert found.visible_status == "dnd"
        assert await new.cache.presences.count(visible_status="dnd") == len(users)
        await new.reopen()  # this process has not received anything
        assert await new.cache.voice_states.find() == []


async def test_who_was_forgotten_by_another_process_is_no_damage(url: str) -> None:
    guild = a_guild()
    guild_id, user = int(guild["id"]), int(guild["members"][0]["user"]["id"])
    async with Hearing(url) as heard:
        await heard.ready(guild)
        await heard.cache.flush()
        assert await heard.cache.get_member(guild_id, user) is not None  # the member is in the memory tier from now on
        store = store_of(url)
        await store.open()
        await store.apply([Drop(MEMBERS, (guild_id, user), guild_id), Drop(USERS, (user,), None)])
        await store.close()
        assert heard.cache._engine is not None
        memory = heard.cache._engine.reader._memory
        assert memory is not None
        memory.forget(USERS, (user,))  # as if it were too old, or there were no room
        assert await heard.cache.get_member(guild_id, user) is None
        assert heard.cache.gauges.undecodable == {}


async def test_a_bot_that_waits_for_another_one_to_change_the_tables_says_so_and_can_be_stopped(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if url.startswith("sqlite"):
        pytest.skip("A file is locked by its transactions.")
    monkeypatch.setattr(notes, "_LONG", 0.05)
    other = store_of(url)
    assert isinstance(other, SqlStore)
    await other.open()
    cache = persist.Cache(bots.make(), url, stop_timeout=0.3)
    async with other._driver.transaction() as changing:
        await changing.fetch(other.dialect.lock)
        opening = asyncio.create_task(cache.open())
        async with asyncio.timeout(5):
            await bots.until(lambda: "another process that is changing the tables" in caplog.text)
            await cache.close()
        with pytest.raises((asyncio.CancelledError, persist.PersistError)):
            await opening
        if other.dialect.unlock:
            await changing.fetch(other.dialect.unlock)
    await other.close()
    async with cache:
        assert await cache.guilds.count() == 0
