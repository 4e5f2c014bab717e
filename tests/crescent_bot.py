"""A crescent bot with a command for each place from which the cache can be reached."""

from __future__ import annotations

import typing

import crescent
import hikari
from frameworks import Stage, told

from persist.integrations.crescent import get

__all__ = ("PATH", "Moment", "client_of", "load")

PATH: typing.Final = "persist.integrations.crescent"
Moment = typing.Literal["before", "within", "after"]


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
    _include_commands(client)
    _include_what_commands_call(client)
    return client


def _include_commands(client: crescent.Client) -> None:
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
    @crescent.command
    async def optional(context: crescent.Context) -> None:
        try:
            get(context)
        except LookupError:
            await context.respond("nothing")
        else:
            await context.respond("a cache")


def _include_what_commands_call(client: crescent.Client) -> None:
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


def load(stage: Stage, client: crescent.Client, moment: Moment) -> None:
    """Load the plugin at a given moment."""

    async def on(_: hikari.Event) -> None:
        client.plugins.load(PATH)

    match moment:
        case "before":
            client.plugins.load(PATH)
        case "within":
            stage.bot.subscribe(hikari.StartingEvent, on)
        case "after":
            stage.bot.subscribe(hikari.StartedEvent, on)
