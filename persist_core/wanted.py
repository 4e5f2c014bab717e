"""The filters of each kind of object, for type checkers and editors: what ``find`` and ``count`` accept.

They mirror the table of entities. A test compares the two and prints what this file should contain.
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
"""A plain value, a condition, a collection of values, or ``None`` for fields that are not set."""

Id: typing.TypeAlias = Is[hikari.SnowflakeishOr[hikari.Unique]]
Number: typing.TypeAlias = Is[int]
Truth: typing.TypeAlias = Is[bool]
Text: typing.TypeAlias = Is[str]
Moment: typing.TypeAlias = Is[datetime.datetime]
Ids: typing.TypeAlias = Filter[hikari.SnowflakeishOr[hikari.Unique]] | None
"""To find a list that contains an ID, use ``persist.has(...)``."""


class Wanted(typing.TypedDict, total=False):
    """The filters that every kind has besides its columns."""

    updated: Moment
    first_seen: Moment
    source: Text
    verified: bool
    max_age: float | datetime.timedelta | None


class WantedOfUser(Wanted, total=False):
    """Filters by the user that an object belongs to."""

    username: Text
    global_name: Text
    discriminator: Text
    is_bot: Truth
    flags: Number


class WantedOfMember(WantedOfUser, total=False):
    """Filters by the member that an object belongs to."""

    nickname: Text
    joined_at: Moment
    premium_since: Moment
    is_pending: Truth
    communication_disabled_until: Moment
    guild_flags: Number
    role_ids: Ids


class WantedGuilds(Wanted, total=False):
    """The filters of guilds."""

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
    """The filters of channels."""

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
    """The filters of threads."""

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
    """The filters of roles."""

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
    """The filters of emojis."""

    id: Id
    guild_id: Id
    guild: Id
    name: Text
    is_animated: Truth
    is_available: Truth
    is_managed: Truth
    role_ids: Ids


class WantedStickers(Wanted, total=False):
    """The filters of stickers."""

    id: Id
    guild_id: Id
    guild: Id
    name: Text
    description: Text
    format_type: Number
    is_available: Truth


class WantedMessages(Wanted, total=False):
    """The filters of messages."""

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
    """The filters of users."""

    id: Id


class WantedMembers(WantedOfMember, total=False):
    """The filters of members."""

    guild_id: Id
    guild: Id
    user_id: Id
    user: Id


class WantedPresences(Wanted, total=False):
    """The filters of presences."""

    guild_id: Id
    guild: Id
    user_id: Id
    user: Id
    visible_status: Text


class WantedVoiceStates(WantedOfMember, total=False):
    """The filters of voice_states."""

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
    """The filters of invites."""

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
    """The filters of stage_instances."""

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
    """The filters of dm_channels."""

    id: Id
    type: Number
    recipient_id: Id
    recipient: Id
    last_message_id: Id
    last_message: Id


class WantedWebhooks(Wanted, total=False):
    """The filters of webhooks."""

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
    """The filters of soundboard_sounds."""

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
    """The filters of integrations."""

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
    """The filters of scheduled_events."""

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
    """The filters of auto_mod_rules."""

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
    """The filters of auto_mod_executions."""

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
    """The filters of audit_log_entries."""

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
    """The filters of entitlements."""

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
    """The filters of subscriptions."""

    id: Id
    user_id: Id
    user: Id
    status: Number
    sku_ids: Ids
    current_period_start: Moment
    current_period_end: Moment
    canceled_at: Moment


class WantedBans(WantedOfUser, total=False):
    """The filters of bans."""

    guild_id: Id
    guild: Id
    user_id: Id
    user: Id
    reason: Text


class WantedThreadMembers(Wanted, total=False):
    """The filters of thread_members."""

    thread_id: Id
    thread: Id
    user_id: Id
    user: Id
    guild_id: Id
    guild: Id
    joined_at: Moment
    flags: Number


class WantedScheduledEventUsers(WantedOfMember, total=False):
    """The filters of scheduled_event_users."""

    event_id: Id
    event: Id
    user_id: Id
    user: Id
    guild_id: Id
    guild: Id


class WantedCommandPermissions(Wanted, total=False):
    """The filters of command_permissions."""

    guild_id: Id
    guild: Id
    command_id: Id
    command: Id
    application_id: Id
    application: Id
