"""A tanjun bot gets the cache and its views injected, wherever and whenever it is loaded."""

from __future__ import annotations

import logging
import pathlib
import typing
from collections.abc import AsyncIterator

import frameworks
import hikari
import pytest
from frameworks import Notes, Stage, told

import persist
from persist.views import VIEWS

pytest.importorskip("tanjun", reason="tanjun is not installed.")

import alluka
import tanjun
from tanjun_bot import PATH, Moment, client_of, load

from persist.integrations.tanjun import install

# tanjun 2.17 uses what alluka 0.4 deprecates, in every context.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:alluka", "ignore::DeprecationWarning:tanjun")


@pytest.fixture
async def stage(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.chdir(tmp_path)
    async with frameworks.played() as stage:
        yield stage


@pytest.fixture
async def playing(stage: Stage) -> AsyncIterator[tanjun.Client]:
    persist.Cache(stage.bot, "memory://")
    client = client_of(stage)
    client.load_modules(PATH)
    async with stage.playing():
        yield client


@pytest.mark.usefixtures("playing")
async def test_a_slash_command_gets_the_cache(stage: Stage) -> None:
    assert (await stage.run("slash"))["content"] == stage.said
    assert stage.asked() == {}


@pytest.mark.usefixtures("playing")
@pytest.mark.parametrize("kind", [hikari.CommandType.USER, hikari.CommandType.MESSAGE])
async def test_a_command_on_a_user_or_message_gets_the_cache(stage: Stage, kind: hikari.CommandType) -> None:
    assert (await stage.point(kind.name.lower(), kind))["content"] == stage.said


@pytest.mark.usefixtures("playing")
async def test_a_written_command_gets_the_cache(stage: Stage) -> None:
    await stage.say("!written")
    assert await stage.notes.next() == stage.said


@pytest.mark.usefixtures("playing")
async def test_a_subcommand_gets_the_cache(stage: Stage) -> None:
    assert (await stage.run("group", {"name": "sub", "type": 1, "options": []}))["content"] == stage.said


@pytest.mark.usefixtures("playing")
async def test_a_check_gets_the_cache(stage: Stage) -> None:
    assert (await stage.run("checked"))["content"] == stage.said


@pytest.mark.usefixtures("playing")
async def test_a_hook_gets_the_cache(stage: Stage) -> None:
    assert (await stage.run("hooked"))["content"] == stage.said


@pytest.mark.usefixtures("playing")
async def test_an_error_handler_gets_the_cache(stage: Stage) -> None:
    assert (await stage.run("failing"))["content"] == stage.said


@pytest.mark.usefixtures("playing")
async def test_autocomplete_gets_the_cache(stage: Stage) -> None:
    answer = await stage.type("completed", frameworks.option("word", "a", focused=True))
    assert answer == [stage.said]


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
        messages: persist.Messages = alluka.inject(),  # noqa: B008 - this is how alluka is asked
    ) -> None:
        message = await messages.get(event.message_id)
        stage.notes.write(f"heard {message and message.content}")

    await stage.say("a word")
    assert await stage.notes.next() == "heard a word"


@pytest.mark.usefixtures("playing")
async def test_every_view_is_injected_by_its_class(stage: Stage) -> None:
    assert (await stage.run("views"))["content"] == f"{len(VIEWS)} of {len(VIEWS)}"


@pytest.mark.usefixtures("playing")
async def test_an_optional_cache_is_given_where_there_is_one(stage: Stage) -> None:
    assert (await stage.run("optional"))["content"] == "a cache"


async def test_what_a_component_opens_finds_the_cache_open(stage: Stage) -> None:
    client = client_of(stage)
    opening = tanjun.Component()

    @opening.with_on_open
    async def on_open(cache: alluka.Injected[persist.Cache], notes: alluka.Injected[Notes]) -> None:
        notes.write(f"{cache.is_open}, {await cache.guilds.count()} guilds")

    client.add_component(opening)
    # The client's listener comes first, as there is no cache before it.
    client.load_modules(PATH)
    async with stage.playing():
        assert await stage.notes.next() == "True, 0 guilds"


@pytest.mark.parametrize("moment", ["before", "within"])
async def test_a_cache_that_nobody_made_hears_everything(stage: Stage, moment: Moment) -> None:
    load(stage, client_of(stage), moment)
    async with stage.playing():
        assert (await stage.run("slash"))["content"] == stage.said
    assert frameworks.databases() == ["persist.db"]


async def test_a_cache_that_comes_when_the_bot_has_started_hears_from_then_on(stage: Stage) -> None:
    load(stage, client_of(stage), "after")
    async with stage.playing():
        await stage.sim.update_guild(stage.guild_id, name="Ocean")
        await stage.sim.update_member(stage.guild_id, stage.user_id, nick="Dory")
        await stage.settled()
        assert (await stage.run("slash"))["content"] == "Ocean knows Dory"


async def test_the_environment_names_the_database(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSIST_URL", "sqlite:///elsewhere.db")
    load(stage, client_of(stage), "before")
    async with stage.playing():
        assert (await stage.run("slash"))["content"] == stage.said
    assert frameworks.databases() == ["elsewhere.db"]


def test_the_cache_is_the_one_given_else_injected_else_attached(stage: Stage) -> None:
    attached, given = persist.Cache(stage.bot, "memory://"), persist.Cache(stage.bot, "memory://")
    client = client_of(stage)
    assert install(client) is attached
    assert install(client, given) is given
    assert install(client) is given
    assert client.get_type_dependency(persist.Members) is given.members


@pytest.mark.parametrize("moment", ["before", "within", "after"])
async def test_a_database_that_cannot_be_opened_is_critical_and_the_bot_goes_on(
    stage: Stage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, moment: Moment
) -> None:
    monkeypatch.setenv("PERSIST_URL", "sqlite:///nowhere/cache.db")
    load(stage, client_of(stage), moment)
    async with stage.playing():
        assert (await stage.run("optional"))["content"] == "a cache"
    (record,) = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert record.name == "persist"
    assert "nowhere" in record.getMessage()


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


async def test_a_bot_that_starts_again_has_its_cache_again(stage: Stage) -> None:
    client_of(stage).load_modules(PATH)
    for _ in range(2):
        async with stage.playing():
            assert (await stage.run("slash"))["content"] == stage.said


def test_a_client_that_does_not_know_its_bot_says_so(stage: Stage) -> None:
    with pytest.raises(LookupError, match="from_gateway_bot"):
        install(tanjun.Client(stage.bot.rest))
