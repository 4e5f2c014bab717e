"""Kinds of objects: channels, threads, and the ways into them."""

from __future__ import annotations

import hikari

from .columns import boolean, first, integer, snowflake, snowflakes, text, time
from .kinds import ID, Intents, guild, own_id
from .kinds_guilds import IN_GUILD
from .model import Decoder, Entity, Record

__all__ = (
    "CHANNELS",
    "INVITES",
    "THREADS",
)


def _decode_channel(make: Decoder, record: Record) -> hikari.PermissibleGuildChannel:
    channel = make.factory.deserialize_channel(record.payload, guild_id=guild(record))
    if isinstance(channel, hikari.PermissibleGuildChannel):
        return channel
    msg = f"a channel of type {channel.type} is not a guild channel"
    raise hikari.UnrecognisedEntityError(msg)


def _decode_thread(make: Decoder, record: Record) -> hikari.GuildThreadChannel:
    payload = record.payload
    if member := payload.get("member"):
        # In GUILD_CREATE, the bot's own membership names neither the thread nor the user.
        payload = {**payload, "member": {"id": payload["id"], "user_id": make.me, **member}}
    return make.factory.deserialize_guild_thread(payload, guild_id=guild(record))


def _decode_dm_channel(make: Decoder, record: Record) -> hikari.PrivateChannel:
    channel = make.factory.deserialize_channel(record.payload)
    if isinstance(channel, hikari.PrivateChannel):
        return channel
    msg = f"a channel of type {channel.type} is no direct conversation"
    raise hikari.UnrecognisedEntityError(msg)


CHANNELS = Entity(
    "channels",
    ID,
    own_id,
    {
        "name": text("name"),
        "type": integer("type"),
        "parent_id": snowflake("parent_id", index=True),
        "position": integer("position"),
        "topic": text("topic"),
        "is_nsfw": boolean("nsfw", absent=False),
        "last_message_id": snowflake("last_message_id"),
        "status": text("status"),
        "voice_start_time": integer("voice_start_time"),
    },
    _decode_channel,
    owners=(IN_GUILD,),
    intents=Intents.GUILDS,
    passing=("status", "voice_start_time"),
    about="Guild channels of every type, and categories; not threads.",
)

THREADS = Entity(
    "threads",
    ID,
    own_id,
    {
        "name": text("name"),
        "type": integer("type"),
        "parent_id": snowflake("parent_id", index=True),
        "owner_id": snowflake("owner_id"),
        "is_archived": boolean("thread_metadata.archived"),
        "is_locked": boolean("thread_metadata.locked"),
        "created_at": time("thread_metadata.create_timestamp"),
        "message_count": integer("message_count"),
        "member_count": integer("member_count"),
        "last_message_id": snowflake("last_message_id"),
        "applied_tag_ids": snowflakes("applied_tags"),
    },
    _decode_thread,
    owners=(IN_GUILD, (CHANNELS, ("parent_id",))),
    intents=Intents.GUILDS,
    names=("owner_id",),
    about="Threads and forum posts, active and archived.",
)

INVITES = Entity(
    "invites",
    {"code": "text"},
    lambda payload, _: (str(payload["code"]),),
    {
        "channel_id": snowflake("channel_id", index=True),
        "inviter_id": snowflake("inviter.id"),
        "uses": integer("uses"),
        "max_uses": integer("max_uses", unset=0),
        "is_temporary": boolean("temporary"),
        "created_at": time("created_at"),
        "expires_at": time("expires_at", index=True),
    },
    lambda make, record: make.factory.deserialize_invite_with_metadata(record.payload),
    owners=(IN_GUILD, (CHANNELS, ("channel_id",))),
    intents=Intents.GUILD_INVITES,
    ends="expires_at",
    names=("inviter_id",),
    about="Invites that were created while the bot was connected and may manage the channel, or that REST has listed.",
)

DM_CHANNELS = Entity(
    "dm_channels",
    ID,
    own_id,
    {
        "type": integer("type"),
        "recipient_id": first("recipients", "id", index=True),
        "last_message_id": snowflake("last_message_id"),
    },
    _decode_dm_channel,
    intents=Intents.DM_MESSAGES,
    subjects=("recipient_id",),
    about="Direct messages with one user, and with groups.",
)

STAGE_INSTANCES = Entity(
    "stage_instances",
    ID,
    own_id,
    {
        "channel_id": snowflake("channel_id", index=True),
        "topic": text("topic"),
        "privacy_level": integer("privacy_level"),
        "scheduled_event_id": snowflake("guild_scheduled_event_id"),
    },
    lambda make, record: make.factory.deserialize_stage_instance(
        {"guild_id": guild(record), "guild_scheduled_event_id": None, **record.payload}
    ),
    owners=(IN_GUILD, (CHANNELS, ("channel_id",))),
    intents=Intents.GUILDS,
    ephemeral=True,
    about="Live stages.",
)

WEBHOOKS = Entity(
    "webhooks",
    ID,
    own_id,
    {
        "channel_id": snowflake("channel_id", index=True),
        "name": text("name"),
        "type": integer("type"),
        "author_id": snowflake("user.id"),
        "application_id": snowflake("application_id"),
    },
    lambda make, record: make.factory.deserialize_webhook({"guild_id": record.guild_id, **record.payload}),
    owners=(IN_GUILD, (CHANNELS, ("channel_id",))),
    # The URL ends with the token.
    secrets=frozenset(("token", "url")),
    names=("author_id",),
    about="Webhooks fetched from REST, without their tokens.",
)
