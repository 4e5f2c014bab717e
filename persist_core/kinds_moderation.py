"""Kinds of objects: auto-moderation and the audit log."""

from __future__ import annotations

from .columns import boolean, born, integer, snowflake, snowflakes, text
from .kinds import ID, Intents, guild, own_id
from .kinds_guilds import IN_GUILD
from .model import Entity
from .objects import auto_mod_execution

__all__ = ("AUDIT_LOG_ENTRIES", "AUTO_MOD_EXECUTIONS", "AUTO_MOD_RULES")

AUTO_MOD_RULES = Entity(
    "auto_mod_rules",
    ID,
    own_id,
    {
        "name": text("name"),
        "creator_id": snowflake("creator_id"),
        "event_type": integer("event_type"),
        "trigger_type": integer("trigger_type"),
        "is_enabled": boolean("enabled"),
        "exempt_role_ids": snowflakes("exempt_roles"),
        "exempt_channel_ids": snowflakes("exempt_channels"),
    },
    lambda make, record: make.factory.deserialize_auto_mod_rule({"guild_id": guild(record), **record.payload}),
    owners=(IN_GUILD,),
    intents=Intents.AUTO_MODERATION_CONFIGURATION,
    names=("creator_id",),
    about="Auto-moderation rules. Discord sends them if the bot has the permission to manage the guild.",
)

AUTO_MOD_EXECUTIONS = Entity(
    "auto_mod_executions",
    ID,
    own_id,
    {
        "created_at": born("id", index=True),
        "rule_id": snowflake("rule_id"),
        "user_id": snowflake("user_id", index=True),
        "channel_id": snowflake("channel_id"),
        "message_id": snowflake("message_id"),
        "action_type": integer("action.type"),
    },
    lambda make, record: auto_mod_execution(make, record.payload, guild(record)),
    owners=(IN_GUILD,),
    intents=Intents.AUTO_MODERATION_EXECUTION,
    opt_in=True,
    subjects=("user_id",),
    about="What auto-moderation did, for 45 days unless rules say otherwise.",
)

AUDIT_LOG_ENTRIES = Entity(
    "audit_log_entries",
    ID,
    own_id,
    {
        "created_at": born("id", index=True),
        "action_type": integer("action_type"),
        "user_id": snowflake("user_id", index=True),
        "target_id": snowflake("target_id"),
        "reason": text("reason"),
    },
    lambda make, record: make.factory.deserialize_audit_log_entry(record.payload, guild_id=guild(record)),
    owners=(IN_GUILD,),
    intents=Intents.GUILD_MODERATION,
    opt_in=True,
    # The reason and the changes also reveal something about the target.
    subjects=("user_id", "target_id"),
    about="What moderators did, for 45 days unless rules say otherwise, if the bot may view the audit log.",
)
