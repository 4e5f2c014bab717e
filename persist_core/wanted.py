"""The filters of each kind of thing, for type checkers and editors: what ``find`` and ``count`` take.

They follow the table of entities: a test compares them, and says what should stand here.
"""

from __future__ import annotations

import datetime
import typing
from collections.abc import Collection

import hikari

from .filters import Filter

__all__ = (
    "Wanted",
    "WantedAuditLogEntries",
    "WantedAutoModExecutions",
    "WantedAutoModRules",
    "WantedBans",
    "WantedChannels",
    "WantedCommandPermissions",
    "WantedDMChannels",
    "WantedEmojis",
    "WantedEntitlements",
    "WantedGuilds",
    "WantedIntegrations",
    "WantedInvites",
    "WantedMembers",
    "WantedMessages",
    "WantedOfMember",
    "WantedOfUser",
    "WantedPresences",
    "WantedRoles",
    "WantedScheduledEventUsers",
    "WantedScheduledEvents",
    "WantedSoundboardSounds",
    "WantedStageInstances",
    "WantedStickers",
    "WantedSubscriptions",
    "WantedThreadMembers",
    "WantedThreads",
    "WantedUsers",
    "WantedVoiceStates",
    "WantedWebhooks",
)

T = typing.TypeVar("T")
Is: typing.TypeAlias = T | Filter[T] | Collection[T | None] | None
"""A plain value, a condition, a collection of values, or ``None`` for what is unset."""

Id: typing.TypeAlias = Is[hikari.SnowflakeishOr[hikari.Unique]]
Number: typing.TypeAlias = Is[int]
Truth: typing.TypeAlias = Is[bool]
Text: typing.TypeAlias = Is[str]
Moment: typing.TypeAlias = Is[datetime.datetime]
Ids: typing.TypeAlias = Filter[hikari.SnowflakeishOr[hikari.Unique]] | None
"""A list of ids is asked for one of them, with ``persist.has(...)``."""


class Wanted(typing.TypedDict, total=False):
    """What every kind can be found by besides its columns."""

    updated: Moment
    first_seen: Moment
    source: Text
    verified: bool
    max_age: float | datetime.timedelta | None


class WantedOfUser(Wanted, total=False):
    """How things can be found by the users whose they are."""

    username: Text
    global_name: Text
    discriminator: Text
    is_bot: Truth
    flags: Number


class WantedOfMember(WantedOfUser, total=False):
    """How things can be found by the members whose they are."""

    nickname: Text
    joined_at: Moment
    premium_since: Moment
    is_pending: Truth
    communication_disabled_until: Moment
    guild_flags: Number
    role_ids: Ids


class WantedGuilds(Wanted, total=False):
    """How guilds can be found."""

    id: Id
    name: Text
    owner_id: Id
    owner: Id
    member_count: Number
    is_large: Truth
    is_unavailable: Truth
    joined_at: Moment
    preferred_locale: Text
    premium_tier: Number
    vanity_url_code: Text


class WantedChannels(Wanted, total=False):
    """How channels can be found."""

    id: Id
    guild_id: Id
    guild: Id
    name: Text
    type: Number
    parent_id: Id
    parent: Id
    position: Number
    topic: Text
    is_nsfw: Truth
    last_message_id: Id
    last_message: Id
    status: Text
    voice_start_time: Number


class WantedThreads(Wanted, total=False):
    """How threads can be found."""

    id: Id
    guild_id: Id
    guild: Id
    name: Text
    type: Number
    parent_id: Id
    parent: Id
    owner_id: Id
    owner: Id
    is_archived: Truth
    is_locked: Truth
    created_at: Moment
    message_count: Number
    member_count: Number
    last_message_id: Id
    last_message: Id
    applied_tag_ids: Ids


class WantedRoles(Wanted, total=False):
    """How roles can be found."""

    id: Id
    guild_id: Id
    guild: Id
    name: Text
    color: Number
    position: Number
    permissions: Number
    is_hoisted: Truth
    is_managed: Truth
    is_mentionable: Truth


class WantedEmojis(Wanted, total=False):
    """How emojis can be found."""

    id: Id
    guild_id: Id
    guild: Id
    name: Text
    is_animated: Truth
    is_available: Truth
    is_managed: Truth
    role_ids: Ids


class WantedStickers(Wanted, total=False):
    """How stickers can be found."""

    id: Id
    guild_id: Id
    guild: Id
    name: Text
    description: Text
    format_type: Number
    is_available: Truth


class WantedMessages(Wanted, total=False):
    """How messages can be found."""

    id: Id
    guild_id: Id
    guild: Id
    channel_id: Id
    channel: Id
    author_id: Id
    author: Id
    content: Text
    type: Number
    flags: Number
    timestamp: Moment
    edited_timestamp: Moment
    is_pinned: Truth
    has_attachments: Truth
    webhook_id: Id
    webhook: Id
    referenced_message_id: Id
    referenced_message: Id


class WantedUsers(WantedOfUser, total=False):
    """How users can be found."""

    id: Id


class WantedMembers(WantedOfMember, total=False):
    """How members can be found."""

    guild_id: Id
    guild: Id
    user_id: Id
    user: Id


class WantedPresences(Wanted, total=False):
    """How presences can be found."""

    guild_id: Id
    guild: Id
    user_id: Id
    user: Id
    visible_status: Text


class WantedVoiceStates(WantedOfMember, total=False):
    """How voice_states can be found."""

    guild_id: Id
    guild: Id
    user_id: Id
    user: Id
    channel_id: Id
    channel: Id
    session_id: Text
    session: Text
    is_guild_deafened: Truth
    is_guild_muted: Truth
    is_self_deafened: Truth
    is_self_muted: Truth
    is_streaming: Truth
    is_video_enabled: Truth
    is_suppressed: Truth


class WantedInvites(Wanted, total=False):
    """How invites can be found."""

    code: Text
    guild_id: Id
    guild: Id
    channel_id: Id
    channel: Id
    inviter_id: Id
    inviter: Id
    uses: Number
    max_uses: Number
    is_temporary: Truth
    created_at: Moment
    expires_at: Moment


class WantedStageInstances(Wanted, total=False):
    """How stage_instances can be found."""

    id: Id
    guild_id: Id
    guild: Id
    channel_id: Id
    channel: Id
    topic: Text
    privacy_level: Number
    scheduled_event_id: Id
    scheduled_event: Id


class WantedDMChannels(Wanted, total=False):
    """How dm_channels can be found."""

    id: Id
    type: Number
    recipient_id: Id
    recipient: Id
    last_message_id: Id
    last_message: Id


class WantedWebhooks(Wanted, total=False):
    """How webhooks can be found."""

    id: Id
    guild_id: Id
    guild: Id
    channel_id: Id
    channel: Id
    name: Text
    type: Number
    author_id: Id
    author: Id
    application_id: Id
    application: Id


class WantedSoundboardSounds(Wanted, total=False):
    """How soundboard_sounds can be found."""

    id: Id
    guild_id: Id
    guild: Id
    name: Text
    emoji_id: Id
    emoji: Id
    emoji_name: Text
    is_available: Truth
    user_id: Id
    user: Id


class WantedIntegrations(Wanted, total=False):
    """How integrations can be found."""

    id: Id
    guild_id: Id
    guild: Id
    name: Text
    type: Text
    is_enabled: Truth
    role_id: Id
    role: Id
    application_id: Id
    application: Id
    user_id: Id
    user: Id


class WantedScheduledEvents(Wanted, total=False):
    """How scheduled_events can be found."""

    id: Id
    guild_id: Id
    guild: Id
    name: Text
    channel_id: Id
    channel: Id
    creator_id: Id
    creator: Id
    status: Number
    entity_type: Number
    start_time: Moment
    end_time: Moment
    user_count: Number


class WantedAutoModRules(Wanted, total=False):
    """How auto_mod_rules can be found."""

    id: Id
    guild_id: Id
    guild: Id
    name: Text
    creator_id: Id
    creator: Id
    event_type: Number
    trigger_type: Number
    is_enabled: Truth
    exempt_role_ids: Ids
    exempt_channel_ids: Ids


class WantedAutoModExecutions(Wanted, total=False):
    """How auto_mod_executions can be found."""

    id: Id
    guild_id: Id
    guild: Id
    created_at: Moment
    rule_id: Id
    rule: Id
    user_id: Id
    user: Id
    channel_id: Id
    channel: Id
    message_id: Id
    message: Id
    action_type: Number


class WantedAuditLogEntries(Wanted, total=False):
    """How audit_log_entries can be found."""

    id: Id
    guild_id: Id
    guild: Id
    created_at: Moment
    action_type: Number
    user_id: Id
    user: Id
    target_id: Id
    target: Id
    reason: Text


class WantedEntitlements(Wanted, total=False):
    """How entitlements can be found."""

    id: Id
    user_id: Id
    user: Id
    guild_id: Id
    guild: Id
    sku_id: Id
    sku: Id
    type: Number
    is_deleted: Truth
    is_consumed: Truth
    starts_at: Moment
    ends_at: Moment


class WantedSubscriptions(Wanted, total=False):
    """How subscriptions can be found."""

    id: Id
    user_id: Id
    user: Id
    status: Number
    sku_ids: Ids
    current_period_start: Moment
    current_period_end: Moment
    canceled_at: Moment


class WantedBans(WantedOfUser, total=False):
    """How bans can be found."""

    guild_id: Id
    guild: Id
    user_id: Id
    user: Id
    reason: Text


class WantedThreadMembers(Wanted, total=False):
    """How thread_members can be found."""

    thread_id: Id
    thread: Id
    user_id: Id
    user: Id
    guild_id: Id
    guild: Id
    joined_at: Moment
    flags: Number


class WantedScheduledEventUsers(WantedOfMember, total=False):
    """How scheduled_event_users can be found."""

    event_id: Id
    event: Id
    user_id: Id
    user: Id
    guild_id: Id
    guild: Id


class WantedCommandPermissions(Wanted, total=False):
    """How command_permissions can be found."""

    guild_id: Id
    guild: Id
    command_id: Id
    command: Id
    application_id: Id
    application: Id
