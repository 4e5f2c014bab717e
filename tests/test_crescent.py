"""A crescent bot reaches the cache from everything that crescent calls, wherever and whenever it is loaded."""

from __future__ import annotations

import logging
import pathlib
import typing
from collections.abc import AsyncIterator

import frameworks
import hikari
import pytest
from frameworks import Stage, told

import persist

pytest.importorskip("crescent", reason="crescent is not installed.")

import crescent
from crescent.ext import tasks

from persist.integrations.crescent import get, install

PATH: typing.Final = "persist.integrations.crescent"
Moment = typing.Literal["before", "within", "after"]


@pytest.fixture
async def stage(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.chdir(tmp_path)
    async with frameworks.played() as stage:
        yield stage


@pytest.fixture
async def playing(stage: Stage) -> AsyncIterator[crescent.Client]:
    persist.Cache(stage.bot, "memory://")
    client = client_of(stage)
    client.plugins.load(PATH)
    async with stage.playing():
        yield client


async def said(context: crescent.Context | crescent.AutocompleteContext) -> str:
    cache = get(context)
    return await told(cache, cache.members, context.guild_id or 0, context.user.id)


async def guarded(context: crescent.Context) -> crescent.HookResult:
    await context.respond(await said(context))
    return crescent.HookResult(exit=True)


async def suggest(
    context: crescent.AutocompleteContext, _: hikari.AutocompleteInteractionOption
) -> list[tuple[str, str]]:
    word = await said(context)
    return [(word, word)]


def client_of(stage: Stage) -> crescent.Client:
    client = crescent.Client(stage.bot)
    group = crescent.Group("group")

    @client.include
    @crescent.command
    async def slash(context: crescent.Context) -> None:
        await context.respond(await said(context))

    @client.include
    @crescent.user_command
    async def user(context: crescent.Context, _: hikari.User) -> None:
        await context.respond(await said(context))

    @client.include
    @crescent.message_command
    async def message(context: crescent.Context, _: hikari.Message) -> None:
        await context.respond(await said(context))

    @client.include
    @group.child
    @crescent.command
    async def sub(context: crescent.Context) -> None:
        await context.respond(await said(context))

    @client.include
    @crescent.hook(guarded)
    @crescent.command
    async def hooked(_: crescent.Context) -> None:
        pass

    @client.include
    @crescent.command
    async def failing(_: crescent.Context) -> None:
        raise LookupError

    @client.include
    @crescent.catch_command(LookupError)
    async def on_error(_: Exception, context: crescent.Context) -> None:
        await context.respond(await said(context))

    @client.include
    @crescent.command(name="completed")
    class Completed:
        word = crescent.option(str, autocomplete=suggest)

        async def callback(self, _: crescent.Context) -> None:
            pass

    return client


def load(stage: Stage, client: crescent.Client, moment: Moment) -> None:
    """Load the plugin at some moment."""

    async def on(_: hikari.Event) -> None:
        client.plugins.load(PATH)

    match moment:
        case "before":
            client.plugins.load(PATH)
        case "within":
            stage.bot.subscribe(hikari.StartingEvent, on)
        case "after":
            stage.bot.subscribe(hikari.StartedEvent, on)


@pytest.mark.usefixtures("playing")
async def test_a_slash_command_reaches_the_cache(stage: Stage) -> None:
    assert (await stage.run("slash"))["content"] == stage.said
    assert stage.asked() == {}


@pytest.mark.usefixtures("playing")
@pytest.mark.parametrize("kind", [hikari.CommandType.USER, hikari.CommandType.MESSAGE])
async def test_a_command_on_a_user_or_message_reaches_the_cache(stage: Stage, kind: hikari.CommandType) -> None:
    assert (await stage.point(kind.name.lower(), kind))["content"] == stage.said


@pytest.mark.usefixtures("playing")
async def test_a_subcommand_reaches_the_cache(stage: Stage) -> None:
    assert (await stage.run("group", {"name": "sub", "type": 1, "options": []}))["content"] == stage.said


@pytest.mark.usefixtures("playing")
async def test_a_hook_reaches_the_cache(stage: Stage) -> None:
    assert (await stage.run("hooked"))["content"] == stage.said


@pytest.mark.usefixtures("playing")
async def test_an_error_handler_reaches_the_cache(stage: Stage) -> None:
    assert (await stage.run("failing"))["content"] == stage.said


@pytest.mark.usefixtures("playing")
async def test_autocomplete_reaches_the_cache(stage: Stage) -> None:
    assert await stage.type("completed", frameworks.option("word", "a", focused=True)) == [stage.said]


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


def test_the_cache_is_the_one_given_else_the_one_had_else_attached(stage: Stage) -> None:
    attached, given = persist.Cache(stage.bot, "memory://"), persist.Cache(stage.bot, "memory://")
    client, other = crescent.Client(stage.bot), crescent.Client(stage.bot)
    assert install(client) is attached
    assert install(client, given) is given
    assert install(client) is get(client) is given
    assert install(other) is get(other) is attached


@pytest.mark.parametrize("moment", ["before", "within", "after"])
async def test_a_database_that_cannot_be_opened_is_critical_and_the_bot_goes_on(
    stage: Stage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, moment: Moment
) -> None:
    monkeypatch.setenv("PERSIST_URL", "sqlite:///nowhere/cache.db")
    client = client_of(stage)

    @client.include
    @crescent.command
    async def there(context: crescent.Context) -> None:
        await context.respond("open" if get(context).is_open else "closed")

    load(stage, client, moment)
    async with stage.playing():
        assert (await stage.run("there"))["content"] == "closed"
    (record,) = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert record.name == "persist"
    assert "nowhere" in record.getMessage()


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


async def test_a_bot_that_starts_again_has_its_cache_again(stage: Stage) -> None:
    client_of(stage).plugins.load(PATH)
    for _ in range(2):
        async with stage.playing():
            assert (await stage.run("slash"))["content"] == stage.said
