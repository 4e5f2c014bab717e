"""Kinds of things: messages."""

from __future__ import annotations

from .columns import boolean, filled, integer, snowflake, text, time
from .kinds import ID, Intents, own_id
from .kinds_channels import CHANNELS, THREADS
from .kinds_guilds import IN_GUILD
from .model import Entity, Searched

__all__ = ("MESSAGES",)

MESSAGES = Entity(
    "messages",
    ID,
    own_id,
    {
        "channel_id": snowflake("channel_id", index=True),
        "author_id": snowflake("author.id"),
        "content": text("content"),
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
    owners=(IN_GUILD, (CHANNELS, ("channel_id",)), (THREADS, ("channel_id",))),
    intents=Intents.ALL_MESSAGES,
    subjects=("author_id",),
    searched=Searched(("content",)),
    about="Messages of guilds and of direct conversations.",
)
