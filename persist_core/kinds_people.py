"""Kinds of objects: users, members, and what they are doing."""

from __future__ import annotations

import typing

import hikari

from .columns import boolean, integer, snowflake, snowflakes, text, time
from .kinds import ID, MEMBER, Intents, guild, own_id, user_in
from .kinds_channels import CHANNELS, THREADS
from .kinds_guilds import IN_GUILD
from .model import Decoder, Entity, Join, Record, Searched

__all__ = (
    "BANS",
    "MEMBERS",
    "OWN_USER",
    "PRESENCES",
    "USERS",
    "VOICE_STATES",
)


def _decode_voice_state(make: Decoder, record: Record) -> hikari.VoiceState:
    member = record.payload.get("member")
    return make.factory.deserialize_voice_state(
        record.payload,
        guild_id=guild(record),
        member=make.factory.deserialize_member(member, guild_id=guild(record)) if member else hikari.UNDEFINED,
    )


USERS = Entity(
    "users",
    ID,
    own_id,
    {
        "username": text("username", index=True),
        "global_name": text("global_name"),
        "discriminator": text("discriminator"),
        "is_bot": boolean("bot", absent=False),
        "flags": integer("public_flags", absent=0),
    },
    lambda make, record: make.factory.deserialize_user(record.payload),
    subjects=("id",),
    searched=Searched(("username", "global_name"), inside=True),
    about="Users and bots that were seen anywhere.",
)

OWN_USER = Entity(
    "own_user",
    ID,
    own_id,
    {"username": text("username")},
    lambda make, record: make.factory.deserialize_my_user(record.payload),
    names=("id",),
    about="The bot itself, as READY describes it.",
)

MEMBERS = Entity(
    "members",
    MEMBER,
    user_in,
    {
        "nickname": text("nick"),
        "joined_at": time("joined_at"),
        "premium_since": time("premium_since"),
        "is_pending": boolean("pending"),
        "communication_disabled_until": time("communication_disabled_until"),
        "guild_flags": integer("flags", absent=0),
        "role_ids": snowflakes("roles", also="guild_id"),
    },
    lambda make, record: make.factory.deserialize_member(record.payload, guild_id=guild(record)),
    owners=(IN_GUILD,),
    joins={"user": Join(USERS, ("user_id",))},
    intents=Intents.GUILD_MEMBERS,
    searched=Searched(("nickname",), inside=True),
    about="The members of guilds.",
)

VOICE_STATES = Entity(
    "voice_states",
    MEMBER,
    lambda payload, guild_id: (typing.cast("int", guild_id), int(payload["user_id"])),
    {
        "channel_id": snowflake("channel_id", index=True),
        "session_id": text("session_id"),
        "is_guild_deafened": boolean("deaf"),
        "is_guild_muted": boolean("mute"),
        "is_self_deafened": boolean("self_deaf"),
        "is_self_muted": boolean("self_mute"),
        "is_streaming": boolean("self_stream", absent=False),
        "is_video_enabled": boolean("self_video"),
        "is_suppressed": boolean("suppress"),
    },
    _decode_voice_state,
    owners=(IN_GUILD, (CHANNELS, ("channel_id",)), (MEMBERS, ("guild_id", "user_id"))),
    joins={"member": Join(MEMBERS, ("guild_id", "user_id"))},
    intents=Intents.GUILDS | Intents.GUILD_VOICE_STATES,
    ephemeral=True,
    about="Who is in which voice channel.",
)

PRESENCES = Entity(
    "presences",
    MEMBER,
    user_in,
    {"visible_status": text("status")},
    lambda make, record: make.factory.deserialize_member_presence(record.payload, guild_id=guild(record)),
    owners=(IN_GUILD, (MEMBERS, ("guild_id", "user_id"))),
    intents=Intents.GUILD_PRESENCES,
    ephemeral=True,
    about="Who is online, and what they are doing.",
)

THREAD_MEMBERS = Entity(
    "thread_members",
    {"thread_id": "snowflake", "user_id": "snowflake"},
    lambda payload, _: (int(payload["id"]), int(payload["user_id"])),
    {"joined_at": time("join_timestamp"), "flags": integer("flags")},
    lambda make, record: make.factory.deserialize_thread_member(record.payload),
    owners=(IN_GUILD, (THREADS, ("thread_id",)), (MEMBERS, ("guild_id", "user_id"))),
    intents=Intents.GUILDS | Intents.GUILD_MEMBERS,
    about="Who is in which thread. Without the GUILD_MEMBERS intent, only the bot itself.",
)

BANS = Entity(
    "bans",
    MEMBER,
    user_in,
    {"reason": text("reason")},
    lambda make, record: make.factory.deserialize_guild_member_ban({"reason": None, **record.payload}),
    owners=(IN_GUILD,),
    joins={"user": Join(USERS, ("user_id",))},
    intents=Intents.GUILD_MODERATION,
    about="Who is banned from which guild. Discord sends it if the bot may ban members or view the audit log.",
)
