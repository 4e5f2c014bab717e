"""The state before an event: one row per gateway event that changes or removes stored objects."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping, Sequence

import hikari
from hikari.events import poll_events

from .entities import (
    AUTO_MOD_RULES,
    BANS,
    CHANNELS,
    COMMAND_PERMISSIONS,
    DM_CHANNELS,
    EMOJIS,
    ENTITLEMENTS,
    GUILDS,
    INTEGRATIONS,
    INVITES,
    MEMBERS,
    MESSAGES,
    OWN_USER,
    PRESENCES,
    ROLES,
    SCHEDULED_EVENTS,
    STAGE_INSTANCES,
    STICKERS,
    THREADS,
    VOICE_STATES,
)
from .model import Entity, Key, Payload
from .plans import guild_of

__all__ = ("BEFORES", "Before", "Shape", "Thing")

AnyEntity = Entity[typing.Any]
Shape = typing.Literal["one", "by_id", "all"]


class Thing(typing.NamedTuple):
    """An object that an event is about; without a key, all objects of a kind in a guild."""

    entity: AnyEntity
    key: Key | None
    guild_id: int | None


Find = Callable[[Payload], Sequence[Thing]]


class Before(typing.NamedTuple):
    """How to find the state before an event.

    Parameters
    ----------
    heard
        hikari's class of the event.
    things
        Finds the objects in the payload.
    field
        The attribute of hikari's event for the previous state; empty if it has none.
    shape
        Whether it is one object, the first that is known; several by their IDs; or all of a kind.
    """

    heard: tuple[type[hikari.Event], ...]
    things: Find
    field: str = ""
    shape: Shape = "one"


def _by_id(*entities: AnyEntity, at: str = "id", guild: str = "guild_id") -> Find:
    def find(event: Payload) -> Sequence[Thing]:
        guild_id = None if event.get(guild) is None else int(event[guild])
        return [Thing(entity, (int(event[at]),), guild_id) for entity in entities]

    return find


def _of_user(entity: AnyEntity) -> Find:
    def find(event: Payload) -> Sequence[Thing]:
        guild_id = guild_of(event)
        if guild_id is None:
            return ()
        user_id = int(event["user_id"] if "user_id" in event else event["user"]["id"])
        return (Thing(entity, (guild_id, user_id), guild_id),)

    return find


def _all(entity: AnyEntity) -> Find:
    return lambda event: (Thing(entity, None, guild_of(event)),)


def _role(event: Payload) -> Sequence[Thing]:
    snowflake = event["role_id"] if "role_id" in event else event["role"]["id"]
    return (Thing(ROLES, (int(snowflake),), guild_of(event)),)


def _invite(event: Payload) -> Sequence[Thing]:
    return (Thing(INVITES, (str(event["code"]),), guild_of(event)),)


def _command(event: Payload) -> Sequence[Thing]:
    return (Thing(COMMAND_PERMISSIONS, (int(event["guild_id"]), int(event["id"])), guild_of(event)),)


def _bulk(event: Payload) -> Sequence[Thing]:
    return [Thing(MESSAGES, (int(snowflake),), guild_of(event)) for snowflake in event["ids"]]


_MESSAGE: typing.Final = _by_id(MESSAGES, at="message_id")
_rows: dict[str, Before] = {
    "MESSAGE_UPDATE": Before((hikari.MessageUpdateEvent,), _by_id(MESSAGES), "old_message"),
    "MESSAGE_DELETE": Before((hikari.MessageDeleteEvent,), _by_id(MESSAGES), "old_message"),
    "MESSAGE_DELETE_BULK": Before((hikari.GuildBulkMessageDeleteEvent,), _bulk, "old_messages", "by_id"),
    "MESSAGE_REACTION_ADD": Before((hikari.ReactionAddEvent,), _MESSAGE),
    "MESSAGE_REACTION_REMOVE": Before((hikari.ReactionDeleteEvent,), _MESSAGE),
    "MESSAGE_REACTION_REMOVE_ALL": Before((hikari.ReactionDeleteAllEvent,), _MESSAGE),
    "MESSAGE_REACTION_REMOVE_EMOJI": Before((hikari.ReactionDeleteEmojiEvent,), _MESSAGE),
    "MESSAGE_POLL_VOTE_ADD": Before((poll_events.PollVoteCreateEvent,), _MESSAGE),
    "MESSAGE_POLL_VOTE_REMOVE": Before((poll_events.PollVoteDeleteEvent,), _MESSAGE),
    "GUILD_MEMBER_UPDATE": Before((hikari.MemberUpdateEvent,), _of_user(MEMBERS), "old_member"),
    "GUILD_MEMBER_REMOVE": Before((hikari.MemberDeleteEvent,), _of_user(MEMBERS), "old_member"),
    "GUILD_BAN_REMOVE": Before((hikari.BanDeleteEvent,), _of_user(BANS)),
    "PRESENCE_UPDATE": Before((hikari.PresenceUpdateEvent,), _of_user(PRESENCES), "old_presence"),
    "VOICE_STATE_UPDATE": Before((hikari.VoiceStateUpdateEvent,), _of_user(VOICE_STATES), "old_state"),
    "USER_UPDATE": Before((hikari.OwnUserUpdateEvent,), _by_id(OWN_USER), "old_user"),
    "GUILD_ROLE_UPDATE": Before((hikari.RoleUpdateEvent,), _role, "old_role"),
    "GUILD_ROLE_DELETE": Before((hikari.RoleDeleteEvent,), _role, "old_role"),
    "CHANNEL_UPDATE": Before((hikari.GuildChannelUpdateEvent,), _by_id(CHANNELS), "old_channel"),
    "CHANNEL_DELETE": Before((hikari.GuildChannelDeleteEvent,), _by_id(CHANNELS)),
    "CHANNEL_PINS_UPDATE": Before((hikari.PinsUpdateEvent,), _by_id(CHANNELS, THREADS, DM_CHANNELS, at="channel_id")),
    "THREAD_UPDATE": Before((hikari.GuildThreadUpdateEvent,), _by_id(THREADS), "old_thread"),
    "THREAD_DELETE": Before((hikari.GuildThreadDeleteEvent,), _by_id(THREADS)),
    "THREAD_MEMBERS_UPDATE": Before((hikari.ThreadMembersUpdateEvent,), _by_id(THREADS)),
    "GUILD_UPDATE": Before((hikari.GuildUpdateEvent,), _by_id(GUILDS, guild="id"), "old_guild"),
    "GUILD_DELETE": Before(
        (hikari.GuildLeaveEvent, hikari.GuildUnavailableEvent), _by_id(GUILDS, guild="id"), "old_guild"
    ),
    "GUILD_EMOJIS_UPDATE": Before((hikari.EmojisUpdateEvent,), _all(EMOJIS), "old_emojis", "all"),
    "GUILD_STICKERS_UPDATE": Before((hikari.StickersUpdateEvent,), _all(STICKERS), "old_stickers", "all"),
    "INVITE_DELETE": Before((hikari.InviteDeleteEvent,), _invite, "old_invite"),
    "INTEGRATION_UPDATE": Before((hikari.IntegrationUpdateEvent,), _by_id(INTEGRATIONS)),
    "INTEGRATION_DELETE": Before((hikari.IntegrationDeleteEvent,), _by_id(INTEGRATIONS)),
    "STAGE_INSTANCE_UPDATE": Before((hikari.events.StageInstanceUpdateEvent,), _by_id(STAGE_INSTANCES)),
    "STAGE_INSTANCE_DELETE": Before((hikari.events.StageInstanceDeleteEvent,), _by_id(STAGE_INSTANCES)),
    "GUILD_SCHEDULED_EVENT_UPDATE": Before((hikari.ScheduledEventUpdateEvent,), _by_id(SCHEDULED_EVENTS)),
    "GUILD_SCHEDULED_EVENT_DELETE": Before((hikari.ScheduledEventDeleteEvent,), _by_id(SCHEDULED_EVENTS)),
    "AUTO_MODERATION_RULE_UPDATE": Before((hikari.events.AutoModRuleUpdateEvent,), _by_id(AUTO_MOD_RULES)),
    "AUTO_MODERATION_RULE_DELETE": Before((hikari.events.AutoModRuleDeleteEvent,), _by_id(AUTO_MOD_RULES)),
    "ENTITLEMENT_UPDATE": Before((hikari.EntitlementUpdateEvent,), _by_id(ENTITLEMENTS)),
    "ENTITLEMENT_DELETE": Before((hikari.EntitlementDeleteEvent,), _by_id(ENTITLEMENTS)),
    "APPLICATION_COMMAND_PERMISSIONS_UPDATE": Before(
        (hikari.events.ApplicationCommandPermissionsUpdateEvent,), _command
    ),
}

BEFORES: typing.Final[Mapping[str, Before]] = types.MappingProxyType(_rows)
"""Every row by the name of its gateway event."""
