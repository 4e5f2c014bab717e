"""Kinds of things: what the cache knows of its own knowing."""

from __future__ import annotations

import typing

from .columns import integer, text
from .kinds_guilds import IN_GUILD
from .model import Entity, Payload

__all__ = (
    "COMPLETENESS",
    "SHARDS",
)

SHARDS: Entity[Payload] = Entity(
    "shards",
    {"shard_id": "integer", "shard_count": "integer"},
    lambda payload, _: (int(payload["shard_id"]), int(payload["shard_count"])),
    {"session_id": text("session_id"), "sequence": integer("sequence")},
    lambda _, record: record.payload,
    about="How far each shard had come when the data beside it was written.",
)

COMPLETENESS: Entity[Payload] = Entity(
    "completeness",
    {"guild_id": "snowflake", "kind": "text"},
    lambda payload, guild_id: (typing.cast("int", guild_id), str(payload["kind"])),
    {"state": text("state")},
    lambda _, record: record.payload,
    owners=(IN_GUILD,),
    about="How much of each kind is known of each guild.",
)
