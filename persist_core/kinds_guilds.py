"""Kinds of objects: guilds, and what each of them creates for itself."""

from __future__ import annotations

import typing

from .columns import boolean, integer, snowflake, snowflakes, text, time
from .kinds import ID, Intents, guild, own_id
from .model import Entity
from .objects import soundboard_sound

__all__ = (
    "EMOJIS",
    "GUILDS",
    "IN_GUILD",
    "ROLES",
    "STICKERS",
)

GUILDS = Entity(
    "guilds",
    ID,
    own_id,
    {
        "name": text("name"),
        "owner_id": snowflake("owner_id"),
        "member_count": integer("member_count"),
        "is_large": boolean("large"),
        "is_unavailable": boolean("unavailable", absent=False),
        "joined_at": time("joined_at"),
        "preferred_locale": text("preferred_locale"),
        "premium_tier": integer("premium_tier"),
        "vanity_url_code": text("vanity_url_code"),
    },
    lambda make, record: make.factory.deserialize_gateway_guild(record.payload, user_id=make.me).guild(),
    intents=Intents.GUILDS,
    names=("owner_id",),
    about="The guilds that the bot is in.",
)

IN_GUILD: typing.Final = (GUILDS, ("guild_id",))
"""The owner of kinds that are deleted along with their guild."""

ROLES = Entity(
    "roles",
    ID,
    own_id,
    {
        "name": text("name"),
        "color": integer("color"),
        "position": integer("position"),
        "permissions": integer("permissions"),
        "is_hoisted": boolean("hoist"),
        "is_managed": boolean("managed"),
        "is_mentionable": boolean("mentionable"),
    },
    lambda make, record: make.factory.deserialize_role(record.payload, guild_id=guild(record)),
    owners=(IN_GUILD,),
    intents=Intents.GUILDS,
    about="The roles of guilds.",
)

EMOJIS = Entity(
    "emojis",
    ID,
    own_id,
    {
        "name": text("name"),
        "is_animated": boolean("animated", absent=False),
        "is_available": boolean("available"),
        "is_managed": boolean("managed"),
        "role_ids": snowflakes("roles"),
    },
    lambda make, record: make.factory.deserialize_known_custom_emoji(record.payload, guild_id=guild(record)),
    owners=(IN_GUILD,),
    intents=Intents.GUILDS | Intents.GUILD_EMOJIS,
    about="The custom emojis of guilds.",
)

STICKERS = Entity(
    "stickers",
    ID,
    own_id,
    {
        "name": text("name"),
        "description": text("description"),
        "format_type": integer("format_type"),
        "is_available": boolean("available"),
    },
    lambda make, record: make.factory.deserialize_guild_sticker({"guild_id": record.guild_id, **record.payload}),
    owners=(IN_GUILD,),
    intents=Intents.GUILDS | Intents.GUILD_EMOJIS,
    about="The stickers of guilds.",
)

SOUNDBOARD_SOUNDS = Entity(
    "soundboard_sounds",
    ID,
    lambda payload, _: (int(payload["sound_id"]),),
    {
        "name": text("name"),
        "emoji_id": snowflake("emoji_id"),
        "emoji_name": text("emoji_name"),
        "is_available": boolean("available"),
        "user_id": snowflake("user.id"),
    },
    lambda make, record: soundboard_sound(make, record.payload, guild(record)),
    owners=(IN_GUILD,),
    intents=Intents.GUILDS | Intents.GUILD_EMOJIS,
    about="The soundboard sounds of guilds.",
)

INTEGRATIONS = Entity(
    "integrations",
    ID,
    own_id,
    {
        "name": text("name"),
        "type": text("type"),
        "is_enabled": boolean("enabled"),
        "role_id": snowflake("role_id"),
        "application_id": snowflake("application.id"),
        "user_id": snowflake("user.id"),
    },
    lambda make, record: make.factory.deserialize_integration(record.payload, guild_id=guild(record)),
    owners=(IN_GUILD,),
    intents=Intents.GUILD_INTEGRATIONS,
    subjects=("user_id",),
    about="Integrations of guilds: bots, and accounts of other services.",
)
