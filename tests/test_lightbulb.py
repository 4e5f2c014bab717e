"""A lightbulb bot gets the cache and its views injected, wherever and whenever it is loaded."""

from __future__ import annotations

from collections.abc import AsyncIterator

import hikari
import pytest
from frameworks import Notes, Stage, told

import persist

pytest.importorskip("lightbulb", reason="lightbulb is not installed.")

import lightbulb
from lightbulb_bot import PATH, client_of, load

from persist.integrations.lightbulb import injected, install


@pytest.fixture
async def playing(stage: Stage) -> AsyncIterator[lightbulb.GatewayEnabledClient]:
    persist.Cache(stage.bot, "memory://")
    client = client_of(stage)
    load(stage, client, "within")
    async with stage.playing():
        yield client


async def test_a_loaders_task_gets_the_cache(stage: Stage, playing: lightbulb.GatewayEnabledClient) -> None:
    loader = lightbulb.Loader()

    @loader.task(lightbulb.uniformtrigger(hours=1, wait_first=False), max_invocations=1)
    async def once(members: persist.Members, cache: persist.Cache | None, notes: Notes) -> None:
        assert cache is not None
        notes.write(await told(cache, members, int(stage.guild_id), int(stage.user_id)))

    await loader.add_to_client(playing)
    assert await stage.notes.next() == stage.said


async def test_a_task_gets_the_cache(stage: Stage, playing: lightbulb.GatewayEnabledClient) -> None:
    @playing.task(lightbulb.uniformtrigger(hours=1, wait_first=False), max_invocations=1)
    async def once(cache: persist.Cache, members: persist.Members, notes: Notes) -> None:
        notes.write(await told(cache, members, int(stage.guild_id), int(stage.user_id)))

    assert await stage.notes.next() == stage.said


async def test_a_loaders_listener_gets_the_cache_that_has_its_event(
    stage: Stage, playing: lightbulb.GatewayEnabledClient
) -> None:
    loader = lightbulb.Loader()

    @loader.listener(hikari.GuildMessageCreateEvent)
    async def on_message(event: hikari.GuildMessageCreateEvent, messages: persist.Messages, notes: Notes) -> None:
        message = await messages.get(event.message_id)
        notes.write(f"heard {message and message.content}")

    await loader.add_to_client(playing)
    await stage.say("a word")
    assert await stage.notes.next() == "heard a word"


async def test_a_listener_of_hikari_gets_the_cache(stage: Stage, playing: lightbulb.GatewayEnabledClient) -> None:
    @stage.bot.listen()
    @injected(playing)
    async def by_annotation(event: hikari.GuildMessageCreateEvent, messages: persist.Messages) -> None:
        message = await messages.get(event.message_id)
        stage.notes.write(f"heard {message and message.content}")

    @stage.bot.listen(hikari.GuildMessageCreateEvent)
    @injected(playing)
    async def by_argument(event: hikari.GuildMessageCreateEvent, cache: persist.Cache, notes: Notes) -> None:
        message = await cache.get_message(event.message_id)
        notes.write(f"heard {message and message.content}")

    await stage.say("a word")
    assert await stage.notes.next() == "heard a word"
    assert await stage.notes.next() == "heard a word"


async def test_an_optional_cache_is_none_where_there_is_none(stage: Stage) -> None:
    client = client_of(stage)
    stage.bot.subscribe(hikari.StartedEvent, client.start)
    async with stage.playing():
        assert (await stage.run("optional"))["content"] == "nothing"


async def test_a_client_that_has_injected_already_takes_the_cache(stage: Stage) -> None:
    persist.Cache(stage.bot, "memory://")
    client = client_of(stage)
    stage.bot.subscribe(hikari.StartedEvent, client.start)
    async with stage.playing():
        assert (await stage.run("optional"))["content"] == "nothing"
        await client.load_extensions(PATH)
        assert (await stage.run("optional"))["content"] == "a cache"
        await client.stop()
        assert (await stage.run("slash"))["content"] == stage.said


async def test_a_cache_that_is_attached_or_given_is_the_one(stage: Stage) -> None:
    attached = persist.Cache(stage.bot, "memory://")
    assert install(client_of(stage)) is attached
    given = persist.Cache(stage.bot, "memory://")
    client = client_of(stage)
    assert install(client, given) is given
    stage.bot.subscribe(hikari.StartedEvent, client.start)

    @stage.bot.listen(hikari.StartedEvent)
    @injected(client)
    async def on_started(_: hikari.StartedEvent, cache: persist.Cache) -> None:
        stage.notes.write(str(cache is given))

    async with stage.playing():
        assert await stage.notes.next() == "True"


async def test_loading_twice_and_again_changes_nothing(stage: Stage, playing: lightbulb.GatewayEnabledClient) -> None:
    cache = persist.Cache.of(stage.bot)
    listeners = len(stage.bot.get_listeners(hikari.StartingEvent))
    await playing.load_extensions(PATH)
    install(playing)
    await playing.reload_extensions(PATH)
    await playing.unload_extensions(PATH)
    await playing.load_extensions(PATH)
    assert persist.Cache.of(stage.bot) is cache
    assert len(stage.bot.get_listeners(hikari.StartingEvent)) == listeners
    assert (await stage.run("slash"))["content"] == stage.said


async def test_a_cache_that_was_given_stays_when_it_is_loaded_by_its_path(stage: Stage) -> None:
    persist.Cache(stage.bot, "memory://")
    given = persist.Cache(stage.bot, "memory://")
    client = client_of(stage)
    install(client, given)

    @stage.bot.listen()
    @injected(client)
    async def on_started(_: hikari.StartedEvent, cache: persist.Cache, members: persist.Members) -> None:
        stage.notes.write(str((cache is given, members is given.members, cache.is_open)))

    load(stage, client, "within")
    async with stage.playing():
        assert await stage.notes.next() == "(True, True, True)"
        await client.reload_extensions(PATH)
        assert (await stage.run("slash"))["content"] == stage.said


async def test_a_client_that_is_stopped_goes_on_when_its_bot_starts_again(stage: Stage) -> None:
    persist.Cache(stage.bot, "memory://")
    client = client_of(stage)
    stage.bot.subscribe(hikari.StoppingEvent, client.stop)
    for begin in (client.start, None):
        await client.load_extensions(PATH)
        async with stage.playing():
            if begin is not None:  # lightbulb starts a client once
                await begin()
            assert (await stage.run("slash"))["content"] == stage.said
            await client.stop()
            assert (await stage.run("slash"))["content"] == stage.said


async def test_two_clients_of_one_bot_share_its_cache(stage: Stage, playing: lightbulb.GatewayEnabledClient) -> None:
    other = lightbulb.client_from_app(stage.bot, sync_commands=False)
    assert install(other) is persist.Cache.of(stage.bot)

    @stage.bot.listen()
    @injected(other)
    async def on_message(_: hikari.GuildMessageCreateEvent, members: persist.Members) -> None:
        stage.notes.write(str(members is install(playing).members))

    await stage.say("a word")
    assert await stage.notes.next() == "True"


async def test_what_is_injected_outlives_the_client(stage: Stage, playing: lightbulb.GatewayEnabledClient) -> None:
    await playing.stop()
    assert (await stage.run("slash"))["content"] == stage.said


async def test_a_bot_that_starts_again_has_its_cache_again(stage: Stage) -> None:
    client = client_of(stage)
    install(client)

    @stage.bot.listen()
    @injected(client)
    async def on_guild(
        event: hikari.GuildAvailableEvent, cache: persist.Cache, members: persist.Members, notes: Notes
    ) -> None:
        notes.write(await told(cache, members, event.guild_id, int(stage.user_id)))

    for _ in range(2):
        async with stage.playing():
            assert await stage.notes.next() == stage.said


async def test_a_client_that_is_called_bot_is_loaded_as_written(stage: Stage) -> None:
    bot = client_of(stage)

    async def on_starting(_: hikari.StartingEvent) -> None:
        await bot.load_extensions("persist.integrations.lightbulb")
        await bot.start()

    stage.bot.subscribe(hikari.StartingEvent, on_starting)
    async with stage.playing():
        assert (await stage.run("slash"))["content"] == stage.said
