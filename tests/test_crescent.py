"""A crescent bot can get the cache in everything that crescent calls, wherever and whenever the plugin is loaded."""

from __future__ import annotations

from collections.abc import AsyncIterator

import hikari
import pytest
from frameworks import Stage, told

import persist

pytest.importorskip("crescent", reason="crescent is not installed.")

import crescent
from crescent.ext import tasks
from crescent_bot import PATH, client_of

from persist.integrations.crescent import get, install


@pytest.fixture
async def playing(stage: Stage) -> AsyncIterator[crescent.Client]:
    persist.Cache(stage.bot, "memory://")
    client = client_of(stage)
    client.plugins.load(PATH)
    async with stage.playing():
        yield client


async def test_listeners_reach_the_cache_that_has_their_event(stage: Stage, playing: crescent.Client) -> None:
    async def on_message(event: hikari.GuildMessageCreateEvent) -> None:
        message = await get(event).get_message(event.message_id)
        stage.notes.write(f"heard {message and message.content}")

    playing.include(crescent.event(on_message))
    stage.bot.listen(hikari.GuildMessageCreateEvent)(on_message)
    await stage.say("a word")
    assert [await stage.notes.next(), await stage.notes.next()] == ["heard a word"] * 2


async def test_a_plugin_and_the_client_reach_the_cache(stage: Stage, playing: crescent.Client) -> None:
    from persist.integrations.crescent import plugin  # noqa: PLC0415 - the one that is loaded now

    assert get(plugin) is get(playing) is persist.Cache.of(stage.bot)


def test_without_the_plugin_and_a_cache_the_way_out_is_told(stage: Stage) -> None:
    with pytest.raises(LookupError, match=r"plugins\.load"):
        get(crescent.Client(stage.bot))


async def test_loading_and_unloading_again_changes_nothing(stage: Stage, playing: crescent.Client) -> None:
    cache = persist.Cache.of(stage.bot)
    listeners = len(stage.bot.get_listeners(hikari.StartingEvent))
    with pytest.raises(crescent.PluginAlreadyLoadedError):
        playing.plugins.load(PATH)
    playing.plugins.load(PATH, refresh=True)
    install(playing)
    playing.plugins.unload(PATH)
    playing.plugins.load(PATH)
    assert persist.Cache.of(stage.bot) is cache
    assert len(stage.bot.get_listeners(hikari.StartingEvent)) == listeners
    assert (await stage.run("slash"))["content"] == stage.said


async def test_a_cache_that_was_given_stays_when_it_is_loaded_again(stage: Stage, playing: crescent.Client) -> None:
    given = persist.Cache(stage.bot, "memory://")
    install(playing, given)
    playing.plugins.load(PATH, refresh=True)
    assert get(playing) is given
    playing.plugins.unload(PATH)
    playing.plugins.load(PATH)
    assert get(playing) is given


async def test_a_loop_reaches_the_cache(stage: Stage, playing: crescent.Client) -> None:
    @playing.include
    @tasks.loop(hours=1)
    async def often() -> None:
        cache = get(playing)
        stage.notes.write(await told(cache, cache.members, int(stage.guild_id), int(stage.user_id)))

    assert await stage.notes.next() == stage.said
    often.metadata.stop()


async def test_two_clients_of_one_bot_share_its_cache(stage: Stage, playing: crescent.Client) -> None:
    other = crescent.Client(stage.bot, update_commands=False, allow_unknown_interactions=True)
    other.plugins.load(PATH)
    assert get(other) is get(playing)
    playing.plugins.unload(PATH)
    other.plugins.unload(PATH)
    assert (await stage.run("slash"))["content"] == stage.said
