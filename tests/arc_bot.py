"""An arc bot with a command for each place where something can be injected."""

# ruff: noqa: B008 - arc.inject() as a default is how arc is asked

from __future__ import annotations

import typing

import alluka
import arc
import hikari
from frameworks import Notes, Stage, told

import persist
from persist.view import View
from persist.views import VIEWS

__all__ = ("PATH", "Moment", "client_of", "load")

PATH: typing.Final = "persist.integrations.arc"
Moment = typing.Literal["before", "within", "after"]


async def respond(
    context: arc.GatewayContext, cache: persist.Cache = arc.inject(), members: persist.Members = arc.inject()
) -> None:
    await context.respond(await told(cache, members, context.guild_id or 0, context.user.id))


async def guarded(
    context: arc.GatewayContext, cache: persist.Cache = arc.inject(), members: persist.Members = arc.inject()
) -> arc.HookResult:
    await respond(context, cache, members)
    return arc.HookResult(abort=True)


async def suggest(
    data: arc.AutocompleteData[arc.GatewayClient, str],
    cache: persist.Cache = arc.inject(),
    members: persist.Members = arc.inject(),
) -> list[str]:
    return [await told(cache, members, data.guild_id or 0, data.user.id)]


def client_of(stage: Stage) -> arc.GatewayClient:
    # On a slow machine, it would defer by itself before the command responds.
    client = arc.GatewayClient(stage.bot, autodefer=False)
    client.set_type_dependency(Notes, stage.notes)
    client.include(arc.slash_command("slash", "A command")(respond))
    client.include(arc.user_command("user")(on_user))
    client.include(arc.message_command("message")(on_message))
    client.include(arc.with_hook(guarded)(arc.slash_command("hooked", "A command")(nothing)))
    client.include(arc.slash_command("completed", "A command")(completed))
    client.include(arc.slash_command("optional", "A command")(optional))
    client.include(arc.slash_command("annotated", "A command")(annotated))
    client.include(arc.slash_command("views", "A command")(views))
    client.include_slash_group("group", "A group").include(arc.slash_subcommand("sub", "A command")(respond))
    failing = client.include(arc.slash_command("failing", "A command")(fail))
    failing.set_error_handler(on_error)
    return client


async def on_user(
    context: arc.GatewayContext,
    _: hikari.User,
    cache: persist.Cache = arc.inject(),
    members: persist.Members = arc.inject(),
) -> None:
    await respond(context, cache, members)


async def on_message(
    context: arc.GatewayContext,
    _: hikari.Message,
    cache: persist.Cache = arc.inject(),
    members: persist.Members = arc.inject(),
) -> None:
    await respond(context, cache, members)


async def nothing(_: arc.GatewayContext) -> None:
    pass


async def fail(_: arc.GatewayContext) -> None:
    raise LookupError


async def on_error(
    context: arc.GatewayContext,
    _: Exception,
    cache: persist.Cache = arc.inject(),
    members: persist.Members = arc.inject(),
) -> None:
    await respond(context, cache, members)


async def completed(
    _: arc.GatewayContext,
    word: arc.Option[str, arc.StrParams("A word", autocomplete_with=suggest)],  # type: ignore[valid-type]  # its own example
) -> None:
    pass


async def optional(
    context: arc.GatewayContext,
    cache: persist.Cache | None = arc.inject(),
    members: persist.Members | None = arc.inject(),
) -> None:
    assert (cache is None) == (members is None)
    await context.respond("nothing" if cache is None else "a cache")


async def annotated(context: arc.GatewayContext, cache: alluka.Injected[persist.Cache]) -> None:
    guild = await cache.get_guild(context.guild_id or 0)
    await context.respond(str(guild))


async def views(
    context: arc.GatewayContext,
    cache: persist.Cache = arc.inject(),
    channels: persist.Channels = arc.inject(),
    emojis: persist.Emojis = arc.inject(),
    guilds: persist.Guilds = arc.inject(),
    invites: persist.Invites = arc.inject(),
    members: persist.Members = arc.inject(),
    messages: persist.Messages = arc.inject(),
    presences: persist.Presences = arc.inject(),
    roles: persist.Roles = arc.inject(),
    stickers: persist.Stickers = arc.inject(),
    threads: persist.Threads = arc.inject(),
    users: persist.Users = arc.inject(),
    voice_states: persist.VoiceStates = arc.inject(),
    stage_instances: persist.StageInstances = arc.inject(),
    dm_channels: persist.DMChannels = arc.inject(),
    webhooks: persist.Webhooks = arc.inject(),
    soundboard_sounds: persist.SoundboardSounds = arc.inject(),
    integrations: persist.Integrations = arc.inject(),
    scheduled_events: persist.ScheduledEvents = arc.inject(),
    auto_mod_rules: persist.AutoModRules = arc.inject(),
    auto_mod_executions: persist.AutoModExecutions = arc.inject(),
    audit_log_entries: persist.AuditLogEntries = arc.inject(),
    entitlements: persist.Entitlements = arc.inject(),
    subscriptions: persist.Subscriptions = arc.inject(),
    bans: persist.Bans = arc.inject(),
    thread_members: persist.ThreadMembers = arc.inject(),
    scheduled_event_users: persist.ScheduledEventUsers = arc.inject(),
    command_permissions: persist.CommandPermissions = arc.inject(),
) -> None:
    first: tuple[View[typing.Any], ...] = (channels, emojis, guilds, invites, members, messages)
    second: tuple[View[typing.Any], ...] = (
        stage_instances,
        dm_channels,
        webhooks,
        soundboard_sounds,
        integrations,
        scheduled_events,
        auto_mod_rules,
        auto_mod_executions,
        audit_log_entries,
        entitlements,
        subscriptions,
        bans,
        thread_members,
        scheduled_event_users,
        command_permissions,
    )
    given = (*first, presences, roles, stickers, threads, users, voice_states, *second)
    right = [getattr(cache, view.entity.name) is view for view in given]
    await context.respond(f"{sum(right)} of {len(VIEWS)}")


def load(stage: Stage, client: arc.GatewayClient, moment: Moment) -> None:
    """Load the extension at a given moment."""

    async def on(_: hikari.Event) -> None:
        client.load_extension(PATH)

    match moment:
        case "before":
            client.load_extension(PATH)
        case "within":
            stage.bot.subscribe(hikari.StartingEvent, on)
        case "after":
            stage.bot.subscribe(hikari.StartedEvent, on)
