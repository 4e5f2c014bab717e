"""A tanjun bot gets the cache and its views injected, wherever and whenever it is loaded."""

from __future__ import annotations

import typing
from collections.abc import AsyncIterator

import hikari
import pytest
from frameworks import Notes, Stage, told

import persist

pytest.importorskip("tanjun", reason="tanjun is not installed.")

import alluka
import tanjun
from tanjun_bot import PATH, client_of

from persist.integrations.tanjun import install

# tanjun 2.17 uses what alluka 0.4 deprecates, in every context.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:alluka", "ignore::DeprecationWarning:tanjun")


@pytest.fixture
async def playing(stage: Stage) -> AsyncIterator[tanjun.Client]:
    persist.Cache(stage.bot, "memory://")
    client = client_of(stage)
    client.load_modules(PATH)
    async with stage.playing():
        yield client


@pytest.mark.usefixtures("playing")
async def test_a_written_command_gets_the_cache(stage: Stage) -> None:
    await stage.say("!written")
    assert await stage.notes.next() == stage.said


@pytest.mark.usefixtures("playing")
async def test_a_check_gets_the_cache(stage: Stage) -> None:
    assert (await stage.run("checked"))["content"] == stage.said


async def test_a_schedule_gets_the_cache(stage: Stage, playing: tanjun.Client) -> None:
    @tanjun.as_interval(0.01, max_runs=1)
    async def often(cache: alluka.Injected[persist.Cache], members: alluka.Injected[persist.Members]) -> None:
        stage.notes.write(await told(cache, members, int(stage.guild_id), int(stage.user_id)))

    playing.add_component(tanjun.Component().add_schedule(often))
    assert await stage.notes.next() == stage.said


async def test_a_components_listener_gets_the_cache_that_has_its_event(stage: Stage, playing: tanjun.Client) -> None:
    listening = tanjun.Component()

    @listening.with_listener()
    async def on_message(
        event: hikari.GuildMessageCreateEvent,
        messages: alluka.Injected[persist.Messages],
        notes: alluka.Injected[Notes],
    ) -> None:
        message = await messages.get(event.message_id)
        notes.write(f"heard {message and message.content}")

    playing.add_component(listening)
    await stage.say("a word")
    assert await stage.notes.next() == "heard a word"


async def test_a_listener_of_hikari_gets_the_cache(stage: Stage, playing: tanjun.Client) -> None:
    @stage.bot.listen()
    @playing.injector.auto_inject_async
    async def on_message(
        event: hikari.GuildMessageCreateEvent,
        messages: persist.Messages = alluka.inject(),  # noqa: B008 - this is how alluka injects
    ) -> None:
        message = await messages.get(event.message_id)
        stage.notes.write(f"heard {message and message.content}")

    await stage.say("a word")
    assert await stage.notes.next() == "heard a word"


async def test_what_a_component_opens_finds_the_cache_open(stage: Stage) -> None:
    client = client_of(stage)
    opening = tanjun.Component()

    @opening.with_on_open
    async def on_open(cache: alluka.Injected[persist.Cache], notes: alluka.Injected[Notes]) -> None:
        notes.write(f"{cache.is_open}, {await cache.guilds.count()} guilds")

    client.add_component(opening)
    # The client's listener runs first, because there is no cache before it.
    client.load_modules(PATH)
    async with stage.playing():
        assert await stage.notes.next() == "True, 0 guilds"


async def test_loading_again_changes_nothing(stage: Stage, playing: tanjun.Client) -> None:
    cache = persist.Cache.of(stage.bot)
    listeners = len(stage.bot.get_listeners(hikari.StartingEvent))
    with pytest.raises(tanjun.ModuleStateConflict):
        playing.load_modules(PATH)
    install(playing)
    playing.reload_modules(PATH)
    assert persist.Cache.of(stage.bot) is cache
    assert len(stage.bot.get_listeners(hikari.StartingEvent)) == listeners
    assert (await stage.run("slash"))["content"] == stage.said


async def test_what_was_chosen_stays_when_it_is_loaded_again(stage: Stage, playing: tanjun.Client) -> None:
    given = persist.Cache(stage.bot, "memory://")
    install(playing, given, authoritative={"roles"})
    playing.reload_modules(PATH)
    lookup: typing.Any = tanjun.dependencies.SfCache[hikari.Role]
    for _ in range(2):
        assert playing.get_type_dependency(persist.Members) is given.members
        with pytest.raises(tanjun.dependencies.EntryNotFound):
            await playing.get_type_dependency(lookup).get(1)
        playing.unload_modules(PATH)
        assert install(playing) is given
        playing.load_modules(PATH)
    install(playing, authoritative=())
    with pytest.raises(tanjun.dependencies.CacheMissError) as error:
        await playing.get_type_dependency(lookup).get(1)
    assert not isinstance(error.value, tanjun.dependencies.EntryNotFound)


async def test_unloading_takes_back_what_is_injected_and_loading_gives_it_again(
    stage: Stage, playing: tanjun.Client
) -> None:
    before = len(playing.get_client_callbacks(tanjun.ClientCallbackNames.STARTING))
    playing.unload_modules(PATH)
    assert (await stage.run("optional"))["content"] == "nothing"
    assert playing.get_type_dependency(persist.Members, default=None) is None
    lookup: typing.Any = tanjun.dependencies.SfCache[hikari.Guild]
    assert playing.get_type_dependency(lookup, default=None) is None
    assert len(playing.get_client_callbacks(tanjun.ClientCallbackNames.STARTING)) == before - 1
    playing.load_modules(PATH)
    assert (await stage.run("slash"))["content"] == stage.said


async def test_two_clients_of_one_bot_share_its_cache(stage: Stage, playing: tanjun.Client) -> None:
    other = tanjun.Client.from_gateway_bot(stage.bot)
    assert install(other) is persist.Cache.of(stage.bot)
    assert other.get_type_dependency(persist.Members) is playing.get_type_dependency(persist.Members)


async def test_a_client_that_closes_and_opens_has_its_cache(stage: Stage, playing: tanjun.Client) -> None:
    await playing.close()
    await playing.open()
    assert (await stage.run("slash"))["content"] == stage.said


def test_a_client_that_does_not_know_its_bot_says_so(stage: Stage) -> None:
    with pytest.raises(LookupError, match="from_gateway_bot"):
        install(tanjun.Client(stage.bot.rest))
