"""Kinds of objects: the bot's application, what it has sold, and who may use its commands."""

from __future__ import annotations

import typing

from .columns import boolean, integer, snowflake, snowflakes, text, time
from .kinds import ID, own_id
from .kinds_guilds import IN_GUILD
from .model import Entity
from .objects import subscription

__all__ = ("COMMAND_PERMISSIONS", "ENTITLEMENTS", "OWN_APPLICATION", "SUBSCRIPTIONS")

# The key is the bot's id, which is what callers know; the application's id may differ if both are old.
OWN_APPLICATION = Entity(
    "own_application",
    {"bot_id": "snowflake"},
    lambda payload, _: (int((payload.get("bot") or payload)["id"]),),
    {"name": text("name")},
    lambda make, record: make.factory.deserialize_application(record.payload),
    names=("bot_id",),
    about="The bot's application and its owner, as fetched from REST; no event reports it.",
)

# Purchases outlive the bot's stay in a guild, so the guild is a column and not an owner.
ENTITLEMENTS = Entity(
    "entitlements",
    ID,
    own_id,
    {
        "user_id": snowflake("user_id", index=True),
        "guild_id": snowflake("guild_id", index=True),
        "sku_id": snowflake("sku_id"),
        "type": integer("type"),
        "is_deleted": boolean("deleted"),
        "is_consumed": boolean("consumed", absent=False),
        "starts_at": time("starts_at"),
        "ends_at": time("ends_at"),
    },
    lambda make, record: make.factory.deserialize_entitlement(record.payload),
    ends="ends_at",
    subjects=("user_id",),
    about="What users and guilds have access to. Expired entitlements are removed.",
)

SUBSCRIPTIONS = Entity(
    "subscriptions",
    ID,
    own_id,
    {
        "user_id": snowflake("user_id", index=True),
        "status": integer("status"),
        "sku_ids": snowflakes("sku_ids"),
        "current_period_start": time("current_period_start"),
        "current_period_end": time("current_period_end"),
        "canceled_at": time("canceled_at"),
    },
    lambda make, record: subscription(make, record.payload),
    subjects=("user_id",),
    about="Users with a recurring subscription to the application. Entitlements say what it gives them.",
)

COMMAND_PERMISSIONS = Entity(
    "command_permissions",
    {"guild_id": "snowflake", "command_id": "snowflake"},
    lambda payload, guild_id: (typing.cast("int", guild_id), int(payload["id"])),
    {"application_id": snowflake("application_id")},
    lambda make, record: make.factory.deserialize_guild_command_permissions(
        {"guild_id": record.guild_id, **record.payload}
    ),
    owners=(IN_GUILD,),
    about="Who may use which command in which guild, if that differs from the default.",
)
