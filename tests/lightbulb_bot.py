"""A lightbulb bot with a command for each place where something can be injected."""

from __future__ import annotations

import typing

import hikari
import lightbulb
from frameworks import Notes, Stage, told

import persist
from persist.integrations.lightbulb import install
from persist.view import View
from persist.views import VIEWS

__all__ = ("PATH", "Moment", "client_of", "load")

PATH: typing.Final = "persist.integrations.lightbulb"
Moment = typing.Literal["before", "within", "after"]


@lightbulb.hook(lightbulb.ExecutionSteps.CHECKS)
async def guarded(
    _: lightbulb.ExecutionPipeline, context: lightbulb.Context, cache: persist.Cache, members: persist.Members
) -> None:
    await context.respond(await told(cache, members, context.guild_id or 0, context.user.id))


async def suggest(context: lightbulb.AutocompleteContext[str], cache: persist.Cache, members: persist.Members) -> None:
    interaction = context.interaction
    await context.respond([await told(cache, members, interaction.guild_id or 0, interaction.user.id)])


async def respond(context: lightbulb.Context, cache: persist.Cache, members: persist.Members) -> None:
    await context.respond(await told(cache, members, context.guild_id or 0, context.user.id))


async def on_error(
    error: lightbulb.exceptions.ExecutionPipelineFailedException, cache: persist.Cache, members: persist.Members
) -> bool:
    await respond(error.context, cache, members)
    return True


class Slash(lightbulb.SlashCommand, name="slash", description="A command"):
    @lightbulb.invoke
    async def invoke(self, context: lightbulb.Context, cache: persist.Cache, members: persist.Members) -> None:
        await respond(context, cache, members)


class OnUser(lightbulb.UserCommand, name="user"):
    @lightbulb.invoke
    async def invoke(self, context: lightbulb.Context, cache: persist.Cache, members: persist.Members) -> None:
        await respond(context, cache, members)


class OnMessage(lightbulb.MessageCommand, name="message"):
    @lightbulb.invoke
    async def invoke(self, context: lightbulb.Context, cache: persist.Cache, members: persist.Members) -> None:
        await respond(context, cache, members)


class Hooked(lightbulb.SlashCommand, name="hooked", description="A command", hooks=[guarded]):
    @lightbulb.invoke
    async def invoke(self, _: lightbulb.Context) -> None:
        pass


class Failing(lightbulb.SlashCommand, name="failing", description="A command"):
    @lightbulb.invoke
    async def invoke(self, _: lightbulb.Context) -> None:
        raise LookupError


class Completed(lightbulb.SlashCommand, name="completed", description="A command"):
    word = lightbulb.string("word", "A word", autocomplete=suggest)  # type: ignore[arg-type]  # lightbulb injects the rest

    @lightbulb.invoke
    async def invoke(self, _: lightbulb.Context) -> None:
        pass


class Optional(lightbulb.SlashCommand, name="optional", description="A command"):
    @lightbulb.invoke
    async def invoke(
        self, context: lightbulb.Context, cache: persist.Cache | None, members: persist.Members | None
    ) -> None:
        assert (cache is None) == (members is None)
        await context.respond("nothing" if cache is None else "a cache")


group = lightbulb.Group("group", "A group")


@group.register
class Sub(lightbulb.SlashCommand, name="sub", description="A command"):
    @lightbulb.invoke
    async def invoke(self, context: lightbulb.Context, cache: persist.Cache, members: persist.Members) -> None:
        await respond(context, cache, members)


class Views(lightbulb.SlashCommand, name="views", description="A command"):
    @lightbulb.invoke
    async def invoke(
        self,
        context: lightbulb.Context,
        cache: persist.Cache,
        channels: persist.Channels,
        emojis: persist.Emojis,
        guilds: persist.Guilds,
        invites: persist.Invites,
        members: persist.Members,
        messages: persist.Messages,
        presences: persist.Presences,
        roles: persist.Roles,
        stickers: persist.Stickers,
        threads: persist.Threads,
        users: persist.Users,
        voice_states: persist.VoiceStates,
        stage_instances: persist.StageInstances,
        dm_channels: persist.DMChannels,
        webhooks: persist.Webhooks,
        soundboard_sounds: persist.SoundboardSounds,
        integrations: persist.Integrations,
        scheduled_events: persist.ScheduledEvents,
        auto_mod_rules: persist.AutoModRules,
        auto_mod_executions: persist.AutoModExecutions,
        audit_log_entries: persist.AuditLogEntries,
        entitlements: persist.Entitlements,
        subscriptions: persist.Subscriptions,
        bans: persist.Bans,
        thread_members: persist.ThreadMembers,
        scheduled_event_users: persist.ScheduledEventUsers,
        command_permissions: persist.CommandPermissions,
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


def client_of(stage: Stage) -> lightbulb.GatewayEnabledClient:
    client = lightbulb.client_from_app(stage.bot)
    for command in (Slash, OnUser, OnMessage, Hooked, Failing, Completed, Optional, Views, group):
        client.register(command)
    client.di.registry_for(lightbulb.di.Contexts.DEFAULT).register_value(Notes, stage.notes)
    client.error_handler(on_error)
    return client


def load(stage: Stage, client: lightbulb.GatewayEnabledClient, moment: Moment) -> None:
    """Load the extension at a given moment, and start the client."""

    async def on(_: hikari.Event) -> None:
        await client.load_extensions(PATH)
        await client.start()

    match moment:
        case "before":
            install(client)
            stage.bot.subscribe(hikari.StartedEvent, client.start)
        case "within":
            stage.bot.subscribe(hikari.StartingEvent, on)
        case "after":
            stage.bot.subscribe(hikari.StartedEvent, on)
