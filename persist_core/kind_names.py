"""The names of the kinds that guilds have, for ``completeness`` and for rules."""

from __future__ import annotations

import typing

__all__ = (
    "AUDIT_LOG_ENTRIES",
    "AUTO_MOD_EXECUTIONS",
    "AUTO_MOD_RULES",
    "BANS",
    "CHANNELS",
    "COMMAND_PERMISSIONS",
    "EMOJIS",
    "INTEGRATIONS",
    "INVITES",
    "MEMBERS",
    "MESSAGES",
    "MESSAGE_VERSIONS",
    "PRESENCES",
    "ROLES",
    "SCHEDULED_EVENTS",
    "SCHEDULED_EVENT_USERS",
    "SOUNDBOARD_SOUNDS",
    "STAGE_INSTANCES",
    "STICKERS",
    "THREADS",
    "THREAD_MEMBERS",
    "VOICE_STATES",
    "WEBHOOKS",
)

AUDIT_LOG_ENTRIES: typing.Final = "audit_log_entries"
AUTO_MOD_EXECUTIONS: typing.Final = "auto_mod_executions"
AUTO_MOD_RULES: typing.Final = "auto_mod_rules"
BANS: typing.Final = "bans"
CHANNELS: typing.Final = "channels"
COMMAND_PERMISSIONS: typing.Final = "command_permissions"
EMOJIS: typing.Final = "emojis"
INTEGRATIONS: typing.Final = "integrations"
INVITES: typing.Final = "invites"
MEMBERS: typing.Final = "members"
MESSAGES: typing.Final = "messages"
MESSAGE_VERSIONS: typing.Final = "message_versions"
PRESENCES: typing.Final = "presences"
ROLES: typing.Final = "roles"
SCHEDULED_EVENT_USERS: typing.Final = "scheduled_event_users"
SCHEDULED_EVENTS: typing.Final = "scheduled_events"
SOUNDBOARD_SOUNDS: typing.Final = "soundboard_sounds"
STAGE_INSTANCES: typing.Final = "stage_instances"
STICKERS: typing.Final = "stickers"
THREAD_MEMBERS: typing.Final = "thread_members"
THREADS: typing.Final = "threads"
VOICE_STATES: typing.Final = "voice_states"
WEBHOOKS: typing.Final = "webhooks"
