"""An arc bot gets the cache and its views injected, wherever and whenever it is loaded."""

# ruff: noqa: B008 - arc.inject() as a default is how arc is asked

from __future__ import annotations

import contextlib
import logging
import pathlib
from collections.abc import AsyncIterator

import frameworks
import hikari
import pytest
from frameworks import Notes, Stage, told

import persist
from persist.views import VIEWS

pytest.importorskip("arc", reason="arc is not installed.")

import arc
from arc_bot import PATH, Moment, client_of, load

from persist.integrations.arc import install


@pytest.fixture
async def stage(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.chdir(tmp_path)
    async with frameworks.played() as stage:
        yield stage


@pytest.fixture
async def playing(stage: Stage) -> AsyncIterator[arc.GatewayClient]:
    persist.Cache(stage.bot, "memory://")
    client = client_of(stage)
    client.load_extension(PATH)
    async with running(stage, client):
        yield client


@contextlib.asynccontextmanager
async def running(stage: Stage, client: arc.GatewayClient) -> AsyncIterator[None]:
    """Run the bot; arc answers nothing before it has started, which is later than the bot has."""
    async with stage.playing():
        await stage.sim.wait_until(lambda: client.is_started)
        yield


@pytest.mark.usefixtures("playing")
async def test_a_slash_command_gets_the_cache(stage: Stage) -> None:
    assert (await stage.run("slash"))["content"] == stage.said
    assert (await stage.run("annotated"))["content"] == "Aquarium"
    assert stage.asked() == {}


@pytest.mark.usefixtures("playing")
@pytest.mark.parametrize("kind", [hikari.CommandType.USER, hikari.CommandType.MESSAGE])
async def test_a_command_on_a_user_or_message_gets_the_cache(stage: Stage, kind: hikari.CommandType) -> None:
    assert (await stage.point(kind.name.lower(), kind))["content"] == stage.said


@pytest.mark.usefixtures("playing")
async def test_a_subcommand_gets_the_cache(stage: Stage) -> None:
    assert (await stage.run("group", {"name": "sub", "type": 1, "options": []}))["content"] == stage.said


@pytest.mark.usefixtures("playing")
async def test_a_hook_gets_the_cache(stage: Stage) -> None:
    assert (await stage.run("hooked"))["content"] == stage.said


@pytest.mark.usefixtures("playing")
async def test_an_error_handler_gets_the_cache(stage: Stage) -> None:
    assert (await stage.run("failing"))["content"] == stage.said


@pytest.mark.usefixtures("playing")
async def test_autocomplete_gets_the_cache(stage: Stage) -> None:
    assert await stage.type("completed", frameworks.option("word", "a", focused=True)) == [stage.said]


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


@pytest.mark.usefixtures("playing")
async def test_every_view_is_injected_by_its_class(stage: Stage) -> None:
    assert (await stage.run("views"))["content"] == f"{len(VIEWS)} of {len(VIEWS)}"


@pytest.mark.usefixtures("playing")
async def test_an_optional_cache_is_given_where_there_is_one(stage: Stage) -> None:
    assert (await stage.run("optional"))["content"] == "a cache"


@pytest.mark.parametrize("moment", ["before", "within"])
async def test_a_cache_that_nobody_made_hears_everything(stage: Stage, moment: Moment) -> None:
    client = client_of(stage)
    load(stage, client, moment)
    async with running(stage, client):
        assert (await stage.run("slash"))["content"] == stage.said
    assert frameworks.databases() == ["persist.db"]


async def test_a_cache_that_comes_when_the_bot_has_started_hears_from_then_on(stage: Stage) -> None:
    client = client_of(stage)
    load(stage, client, "after")
    async with running(stage, client):
        await stage.sim.update_guild(stage.guild_id, name="Ocean")
        await stage.sim.update_member(stage.guild_id, stage.user_id, nick="Dory")
        await stage.settled()
        assert (await stage.run("slash"))["content"] == "Ocean knows Dory"


async def test_the_environment_names_the_database(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSIST_URL", "sqlite:///elsewhere.db")
    client = client_of(stage)
    load(stage, client, "before")
    async with running(stage, client):
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
    client = client_of(stage)
    load(stage, client, moment)
    async with running(stage, client):
        assert (await stage.run("optional"))["content"] == "a cache"
    (record,) = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert record.name == "persist"
    assert "nowhere" in record.getMessage()


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


async def test_a_bot_that_starts_again_has_its_cache_again(stage: Stage) -> None:
    client = client_of(stage)
    client.load_extension(PATH)
    for _ in range(2):
        async with running(stage, client):
            assert (await stage.run("slash"))["content"] == stage.said
