"""Kinds of objects: messages."""

from __future__ import annotations

import datetime
import typing
from collections.abc import Mapping

from .columns import boolean, filled, integer, snowflake, text, time
from .kinds import ID, Intents, own_id
from .kinds_channels import CHANNELS, DM_CHANNELS, THREADS
from .kinds_guilds import IN_GUILD
from .model import Entity, Key, Kind, Payload, Searched

__all__ = ("MESSAGES", "MESSAGE_VERSIONS")

MESSAGES = Entity(
    "messages",
    ID,
    own_id,
    {
        "channel_id": snowflake("channel_id", index=True),
        "author_id": snowflake("author.id"),
        "content": text("content", unset=""),
        "type": integer("type"),
        "flags": integer("flags"),
        "timestamp": time("timestamp"),
        "edited_timestamp": time("edited_timestamp"),
        "is_pinned": boolean("pinned"),
        "has_attachments": filled("attachments"),
        "webhook_id": snowflake("webhook_id"),
        "referenced_message_id": snowflake("message_reference.message_id"),
    },
    lambda make, record: make.factory.deserialize_message(record.payload),
    owners=(IN_GUILD, *((place, ("channel_id",)) for place in (CHANNELS, THREADS, DM_CHANNELS))),
    intents=Intents.ALL_MESSAGES,
    subjects=("author_id",),
    searched=Searched(("content",)),
    about="Messages in guilds and direct messages.",
)


def _version(payload: Payload, _: int | None) -> Key:
    """Identify a version of a message by when it was written, to the microsecond."""
    written = datetime.datetime.fromisoformat(payload.get("edited_timestamp") or payload["timestamp"])
    since = written - datetime.datetime.fromtimestamp(0, datetime.UTC)
    return (int(payload["id"]), since // datetime.timedelta(microseconds=1))


_VERSION_KEY: typing.Final[Mapping[str, Kind]] = {"message_id": "snowflake", "version": "integer"}

MESSAGE_VERSIONS = Entity(
    "message_versions",
    _VERSION_KEY,
    _version,
    {
        "channel_id": snowflake("channel_id"),
        "author_id": snowflake("author.id"),
        "content": text("content", unset=""),
        "edited_timestamp": time("edited_timestamp"),
    },
    lambda make, record: make.factory.deserialize_message(record.payload),
    owners=(IN_GUILD, (MESSAGES, ("message_id",))),
    subjects=("author_id",),
    about="Earlier versions of edited messages, if rules keep them; last_updated is when the version was replaced.",
)
