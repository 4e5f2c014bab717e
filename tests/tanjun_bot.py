"""A tanjun bot with a command for each place where something can be injected."""

from __future__ import annotations

import typing

import alluka
import hikari
import tanjun
from frameworks import Notes, Stage, told

import persist
from persist.view import View
from persist.views import VIEWS

__all__ = ("PATH", "Moment", "client_of", "load")

PATH: typing.Final = "persist.integrations.tanjun"
Moment = typing.Literal["before", "within", "after"]


component = tanjun.Component()


@component.with_command
@tanjun.as_slash_command("slash", "A command")
async def respond(
    context: tanjun.abc.Context, cache: alluka.Injected[persist.Cache], members: alluka.Injected[persist.Members]
) -> None:
    await context.respond(await told(cache, members, context.guild_id or 0, context.author.id))


@component.with_command
@tanjun.as_user_menu("user")
async def on_user(
    context: tanjun.abc.MenuContext,
    _: hikari.User,
    cache: alluka.Injected[persist.Cache],
    members: alluka.Injected[persist.Members],
) -> None:
    await respond(context, cache, members)


@component.with_command
@tanjun.as_message_menu("message")
async def on_message(
    context: tanjun.abc.MenuContext,
    _: hikari.Message,
    cache: alluka.Injected[persist.Cache],
    members: alluka.Injected[persist.Members],
) -> None:
    await respond(context, cache, members)


@component.with_command
@tanjun.as_message_command("written")
async def written(
    context: tanjun.abc.MessageContext,
    cache: alluka.Injected[persist.Cache],
    members: alluka.Injected[persist.Members],
    notes: alluka.Injected[Notes],
) -> None:
    notes.write(await told(cache, members, context.guild_id or 0, context.author.id))


group = component.with_slash_command(tanjun.slash_command_group("group", "A group"))


@group.as_sub_command("sub", "A command")
async def sub(
    context: tanjun.abc.SlashContext, cache: alluka.Injected[persist.Cache], members: alluka.Injected[persist.Members]
) -> None:
    await respond(context, cache, members)


async def guarded(
    context: tanjun.abc.Context, cache: alluka.Injected[persist.Cache], members: alluka.Injected[persist.Members]
) -> bool:
    await respond(context, cache, members)
    raise tanjun.HaltExecution


@component.with_command
@tanjun.with_check(guarded)
@tanjun.as_slash_command("checked", "A command")
async def checked(_: tanjun.abc.SlashContext) -> None:
    pass


hooks = tanjun.SlashHooks()


@hooks.with_pre_execution
async def before(
    context: tanjun.abc.Context, cache: alluka.Injected[persist.Cache], members: alluka.Injected[persist.Members]
) -> None:
    await respond(context, cache, members)


@component.with_command
@hooks.add_to_command
@tanjun.as_slash_command("hooked", "A command")
async def hooked(_: tanjun.abc.SlashContext) -> None:
    pass


handling = tanjun.SlashHooks()


@handling.with_on_error
async def on_error(
    context: tanjun.abc.Context,
    _: Exception,
    cache: alluka.Injected[persist.Cache],
    members: alluka.Injected[persist.Members],
) -> bool:
    await respond(context, cache, members)
    return True


@component.with_command
@handling.add_to_command
@tanjun.as_slash_command("failing", "A command")
async def failing(_: tanjun.abc.SlashContext) -> None:
    raise LookupError


async def suggest(
    context: tanjun.abc.AutocompleteContext,
    _: str,
    cache: alluka.Injected[persist.Cache],
    members: alluka.Injected[persist.Members],
) -> None:
    word = await told(cache, members, context.interaction.guild_id or 0, context.author.id)
    await context.set_choices({word: word})


@component.with_command
@tanjun.with_str_slash_option("word", "A word", autocomplete=suggest)
@tanjun.as_slash_command("completed", "A command")
async def completed(_: tanjun.abc.SlashContext, word: str) -> None:
    pass


@component.with_command
@tanjun.as_slash_command("optional", "A command")
async def optional(
    context: tanjun.abc.SlashContext,
    cache: alluka.Injected[persist.Cache | None],
    members: alluka.Injected[persist.Members | None],
) -> None:
    assert (cache is None) == (members is None)
    await context.respond("nothing" if cache is None else "a cache")


@component.with_command
@tanjun.as_slash_command("views", "A command")
async def views(
    context: tanjun.abc.SlashContext,
    cache: alluka.Injected[persist.Cache],
    channels: alluka.Injected[persist.Channels],
    emojis: alluka.Injected[persist.Emojis],
    guilds: alluka.Injected[persist.Guilds],
    invites: alluka.Injected[persist.Invites],
    members: alluka.Injected[persist.Members],
    messages: alluka.Injected[persist.Messages],
    presences: alluka.Injected[persist.Presences],
    roles: alluka.Injected[persist.Roles],
    stickers: alluka.Injected[persist.Stickers],
    threads: alluka.Injected[persist.Threads],
    users: alluka.Injected[persist.Users],
    voice_states: alluka.Injected[persist.VoiceStates],
    stage_instances: alluka.Injected[persist.StageInstances],
    dm_channels: alluka.Injected[persist.DMChannels],
    webhooks: alluka.Injected[persist.Webhooks],
    soundboard_sounds: alluka.Injected[persist.SoundboardSounds],
    integrations: alluka.Injected[persist.Integrations],
    scheduled_events: alluka.Injected[persist.ScheduledEvents],
    auto_mod_rules: alluka.Injected[persist.AutoModRules],
    auto_mod_executions: alluka.Injected[persist.AutoModExecutions],
    audit_log_entries: alluka.Injected[persist.AuditLogEntries],
    entitlements: alluka.Injected[persist.Entitlements],
    subscriptions: alluka.Injected[persist.Subscriptions],
    bans: alluka.Injected[persist.Bans],
    thread_members: alluka.Injected[persist.ThreadMembers],
    scheduled_event_users: alluka.Injected[persist.ScheduledEventUsers],
    command_permissions: alluka.Injected[persist.CommandPermissions],
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


def client_of(stage: Stage) -> tanjun.Client:
    client = tanjun.Client.from_gateway_bot(stage.bot).add_prefix("!")
    client.set_type_dependency(Notes, stage.notes).add_component(component.copy())
    return client


def load(stage: Stage, client: tanjun.Client, moment: Moment) -> None:
    """Load the module at a given moment."""

    async def on(_: hikari.Event) -> None:
        client.load_modules(PATH)

    match moment:
        case "before":
            client.load_modules(PATH)
        case "within":
            stage.bot.subscribe(hikari.StartingEvent, on)
        case "after":
            stage.bot.subscribe(hikari.StartedEvent, on)
