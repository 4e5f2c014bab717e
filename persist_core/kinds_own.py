"""Kinds of objects: the cache's own notes."""

from __future__ import annotations

import typing

from .columns import integer, text, time
from .kinds_guilds import IN_GUILD
from .model import Entity, Payload

__all__ = (
    "COMPLETENESS",
    "ERASURE_KEYS",
    "SHARDS",
    "SUPPRESSIONS",
)

SHARDS: Entity[Payload] = Entity(
    "shards",
    {"shard_id": "integer", "shard_count": "integer"},
    lambda payload, _: (int(payload["shard_id"]), int(payload["shard_count"])),
    {"session_id": text("session_id"), "sequence": integer("sequence")},
    lambda _, record: record.payload,
    vouches=True,
    about="The position of each shard in its session, written together with the data up to it.",
)

COMPLETENESS: Entity[Payload] = Entity(
    "completeness",
    {"guild_id": "snowflake", "kind": "text"},
    lambda payload, guild_id: (typing.cast("int", guild_id), str(payload["kind"])),
    {"state": text("state")},
    lambda _, record: record.payload,
    owners=(IN_GUILD,),
    vouches=True,
    about="How completely each kind is known in each guild.",
)

ERASURE_KEYS: Entity[Payload] = Entity(
    "erasure_keys",
    {"id": "text"},
    lambda payload, _: (str(payload["id"]),),
    {"created_at": time("created_at")},
    lambda _, record: record.payload,
    about="Random keys of this database, without which the list of erased ids cannot be read.",
)

SUPPRESSIONS: Entity[Payload] = Entity(
    "suppressions",
    {"hash": "text"},
    lambda payload, _: (str(payload["hash"]),),
    {"key_id": text("key_id"), "kind": text("kind"), "with_hash": text("with_hash"), "created_at": time("created_at")},
    lambda _, record: record.payload,
    about="Keyed hashes of the ids that were erased and must not come back.",
)
