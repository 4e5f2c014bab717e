"""A persistent cache for Discord bots written with hikari."""

from __future__ import annotations

from typing import TypeAlias

import hikari

from .applying import Applied
from .cache import Cache
from .completeness import Completeness
from .contradictions import RulesWarning
from .encryption import Encryption
from .errors import (
    BackendError,
    BrokenBackendError,
    CacheClosedError,
    CorruptRecordError,
    MissingDriverError,
    PersistError,
    QueryError,
    SchemaError,
    UnknownBackendError,
    URLError,
)
from .exporting import Export
from .filters import after, any_of, at_least, at_most, before, between, contains, has, not_, startswith
from .first_rules import ChannelRule, GuildRule, MemberRule, MessageRule, RoleRule, Rule
from .found import Entry, Found
from .gauges import Gauges
from .keep import Keep
from .kind_names import (
    AUDIT_LOG_ENTRIES,
    AUTO_MOD_EXECUTIONS,
    AUTO_MOD_RULES,
    BANS,
    CHANNELS,
    COMMAND_PERMISSIONS,
    EMOJIS,
    INTEGRATIONS,
    INVITES,
    MEMBERS,
    MESSAGE_VERSIONS,
    MESSAGES,
    PRESENCES,
    ROLES,
    SCHEDULED_EVENT_USERS,
    SCHEDULED_EVENTS,
    SOUNDBOARD_SOUNDS,
    STAGE_INSTANCES,
    STICKERS,
    THREAD_MEMBERS,
    THREADS,
    VOICE_STATES,
    WEBHOOKS,
)
from .lifecycle import ExperimentalWarning
from .locations import MySQLBackend, PostgreSQLBackend, SQLiteBackend
from .objects import AutoModExecution, SoundboardSound, Subscription, SubscriptionStatus
from .policy import KindPolicy, Policy
from .quarantine import Quarantined
from .reading import ReadOnlyCache, connect
from .receipts import Receipt
from .rules import Rules
from .spi import Addition, Backend, Driver, Select, Store, hookimpl
from .stats import Health, Problem, ShardStats, Stats
from .view import Many, View
from .views import (
    AuditLogEntries,
    AutoModExecutions,
    AutoModRules,
    Bans,
    Channels,
    CommandPermissions,
    DMChannels,
    Emojis,
    Entitlements,
    Guilds,
    Integrations,
    Invites,
    Members,
    Messages,
    Presences,
    Roles,
    ScheduledEvents,
    ScheduledEventUsers,
    SoundboardSounds,
    StageInstances,
    Stickers,
    Subscriptions,
    Things,
    ThreadMembers,
    Threads,
    Users,
    VoiceStates,
    Webhooks,
)
from .warm import Warm

CachedChannel: TypeAlias = hikari.PermissibleGuildChannel
CachedGuild: TypeAlias = hikari.GatewayGuild
CachedMember: TypeAlias = hikari.Member
CachedMessage: TypeAlias = hikari.Message
CachedRole: TypeAlias = hikari.Role
CachedThread: TypeAlias = hikari.GuildThreadChannel
CachedUser: TypeAlias = hikari.User

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
    "Addition",
    "Applied",
    "AuditLogEntries",
    "AutoModExecution",
    "AutoModExecutions",
    "AutoModRules",
    "Backend",
    "BackendError",
    "Bans",
    "BrokenBackendError",
    "Cache",
    "CacheClosedError",
    "CachedChannel",
    "CachedGuild",
    "CachedMember",
    "CachedMessage",
    "CachedRole",
    "CachedThread",
    "CachedUser",
    "ChannelRule",
    "Channels",
    "CommandPermissions",
    "Completeness",
    "CorruptRecordError",
    "DMChannels",
    "Driver",
    "Emojis",
    "Encryption",
    "Entitlements",
    "Entry",
    "ExperimentalWarning",
    "Export",
    "Found",
    "Gauges",
    "GuildRule",
    "Guilds",
    "Health",
    "Integrations",
    "Invites",
    "Keep",
    "KindPolicy",
    "Many",
    "MemberRule",
    "Members",
    "MessageRule",
    "Messages",
    "MissingDriverError",
    "MySQLBackend",
    "PersistError",
    "Policy",
    "PostgreSQLBackend",
    "Presences",
    "Problem",
    "Quarantined",
    "QueryError",
    "ReadOnlyCache",
    "Receipt",
    "RoleRule",
    "Roles",
    "Rule",
    "Rules",
    "RulesWarning",
    "SQLiteBackend",
    "ScheduledEventUsers",
    "ScheduledEvents",
    "SchemaError",
    "Select",
    "ShardStats",
    "SoundboardSound",
    "SoundboardSounds",
    "StageInstances",
    "Stats",
    "Stickers",
    "Store",
    "Subscription",
    "SubscriptionStatus",
    "Subscriptions",
    "Things",
    "ThreadMembers",
    "Threads",
    "URLError",
    "UnknownBackendError",
    "Users",
    "View",
    "VoiceStates",
    "Warm",
    "Webhooks",
    "after",
    "any_of",
    "at_least",
    "at_most",
    "before",
    "between",
    "connect",
    "contains",
    "has",
    "hookimpl",
    "not_",
    "startswith",
)
