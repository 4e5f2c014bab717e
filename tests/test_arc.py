"""An arc bot gets the cache and its views injected, wherever and whenever it is loaded."""

# ruff: noqa: B008 - arc.inject() as a default is how arc is asked

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import hikari
import pytest
from frameworks import Notes, Stage, told

import persist

pytest.importorskip("arc", reason="arc is not installed.")

import arc
from arc_bot import PATH, client_of

from persist.integrations.arc import install


@pytest.fixture
async def playing(stage: Stage) -> AsyncIterator[arc.GatewayClient]:
    persist.Cache(stage.bot, "memory://")
    client = client_of(stage)
    client.load_extension(PATH)
    async with running(stage, client):
        yield client


@contextlib.asynccontextmanager
async def running(stage: Stage, client: arc.GatewayClient) -> AsyncIterator[None]:
    """Run the bot until arc has started, which is later than the bot; before that, arc does not respond."""
    async with stage.playing():
        await stage.sim.wait_until(lambda: client.is_started)
        yield


async def test_a_loop_gets_the_cache(stage: Stage, playing: arc.GatewayClient) -> None:
    @arc.utils.interval_loop(hours=1)
    @playing.inject_dependencies
    async def often(cache: persist.Cache = arc.inject(), members: persist.Members = arc.inject()) -> None:
        stage.notes.write(await told(cache, members, int(stage.guild_id), int(stage.user_id)))

    often.start()
    try:
        assert await stage.notes.next() == stage.said
    finally:
        often.cancel()


async def test_a_plugins_listener_gets_the_cache_that_has_its_event(stage: Stage, playing: arc.GatewayClient) -> None:
    plugin = arc.GatewayPlugin("plugin")

    @plugin.listen()
    @plugin.inject_dependencies
    async def on_message(
        event: hikari.GuildMessageCreateEvent, messages: persist.Messages = arc.inject(), notes: Notes = arc.inject()
    ) -> None:
        message = await messages.get(event.message_id)
        notes.write(f"heard {message and message.content}")

    playing.add_plugin(plugin)
    await stage.say("a word")
    assert await stage.notes.next() == "heard a word"


@pytest.mark.parametrize("listen", ["client", "bot"])
async def test_a_listener_gets_the_cache_that_has_its_event(
    stage: Stage, playing: arc.GatewayClient, listen: str
) -> None:
    @(playing.listen() if listen == "client" else stage.bot.listen())
    @playing.inject_dependencies
    async def on_message(event: hikari.GuildMessageCreateEvent, messages: persist.Messages = arc.inject()) -> None:
        message = await messages.get(event.message_id)
        stage.notes.write(f"heard {message and message.content}")

    await stage.say("a word")
    assert await stage.notes.next() == "heard a word"


async def test_loading_again_changes_nothing(stage: Stage, playing: arc.GatewayClient) -> None:
    cache = persist.Cache.of(stage.bot)
    listeners = len(stage.bot.get_listeners(hikari.StartingEvent))
    playing.load_extension(PATH)
    install(playing)
    assert persist.Cache.of(stage.bot) is cache
    assert len(stage.bot.get_listeners(hikari.StartingEvent)) == listeners
    assert (await stage.run("slash"))["content"] == stage.said


async def test_unloading_takes_back_what_is_injected_and_loading_gives_it_again(
    stage: Stage, playing: arc.GatewayClient
) -> None:
    playing.load_extension(PATH)
    for _ in range(2):
        playing.unload_extension(PATH)
        assert (await stage.run("optional"))["content"] == "nothing"
    assert playing.get_type_dependency(persist.Members, default=None) is None
    playing.load_extension(PATH)
    assert (await stage.run("slash"))["content"] == stage.said


async def test_a_cache_that_was_given_stays_when_it_is_loaded_again(stage: Stage, playing: arc.GatewayClient) -> None:
    given = persist.Cache(stage.bot, "memory://")
    install(playing, given)
    playing.unload_extension(PATH)
    playing.load_extension(PATH)
    assert playing.get_type_dependency(persist.Members) is given.members


async def test_two_clients_of_one_bot_share_its_cache(stage: Stage, playing: arc.GatewayClient) -> None:
    other = arc.GatewayClient(stage.bot, autosync=False)
    assert install(other) is persist.Cache.of(stage.bot)
    assert other.get_type_dependency(persist.Members) is playing.get_type_dependency(persist.Members)
