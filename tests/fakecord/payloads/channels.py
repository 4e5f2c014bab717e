"""Payloads of every type of channel and thread, and of one unknown type."""

from __future__ import annotations

import typing

from .source import Payload, iso, snowflake

UNKNOWN_CHANNEL_TYPE: typing.Final = 99
THREAD_TYPES: typing.Final = frozenset({10, 11, 12})


def overwrite(target_id: str, kind: int = 0, allow: str = "0", deny: str = "1024") -> Payload:
    """Make a permission overwrite of a role (`kind=0`) or of a member (`kind=1`)."""
    return {"id": target_id, "type": kind, "allow": allow, "deny": deny}


def _channel(guild_id: str, kind: int, name: str, fields: Payload) -> Payload:
    return {
        "id": fields.get("id") or snowflake(),
        "type": kind,
        "guild_id": guild_id,
        "name": name,
        "position": 0,
        "permission_overwrites": [],
        "parent_id": None,
        "flags": 0,
        "nsfw": False,
    }


def text_channel(guild_id: str, **fields: typing.Any) -> Payload:
    """Make a text channel, with an overwrite for @everyone and one for an unknown member."""
    return {
        **_channel(guild_id, 0, "general", fields),
        "permission_overwrites": [overwrite(guild_id), overwrite(snowflake(), 1, "3072", "0")],
        "topic": "All about fish",
        "last_message_id": None,
        "last_pin_timestamp": None,
        "rate_limit_per_user": 0,
        "default_auto_archive_duration": 1440,
        "default_thread_rate_limit_per_user": 0,
        "version": 1_700_000_000_000,
        "icon_emoji": {"id": None, "name": "👋"},
        "theme_color": None,
        **fields,
    }


def news_channel(guild_id: str, **fields: typing.Any) -> Payload:
    """Make an announcement channel."""
    return text_channel(guild_id, **{"type": 5, "name": "news", **fields})


def category(guild_id: str, **fields: typing.Any) -> Payload:
    """Make a category."""
    return {**_channel(guild_id, 4, "Category", fields), **fields}


def voice_channel(guild_id: str, **fields: typing.Any) -> Payload:
    """Make a voice channel with a status."""
    return {
        **_channel(guild_id, 2, "Voice", fields),
        "bitrate": 64000,
        "user_limit": 0,
        "rtc_region": None,
        "video_quality_mode": 1,
        "last_message_id": None,
        "rate_limit_per_user": 0,
        "status": "vibing",
        "voice_start_time": 1_700_000_000,
        **fields,
    }


def stage_channel(guild_id: str, **fields: typing.Any) -> Payload:
    """Make a stage channel."""
    return voice_channel(guild_id, **{"type": 13, "name": "Stage", "topic": None, "status": None, **fields})


def forum_tag(name: str = "bug", **fields: typing.Any) -> Payload:
    """Make a forum tag with a unicode emoji; give `emoji_id` and `emoji_name=None` for a custom one."""
    return {
        "id": snowflake(),
        "name": name,
        "moderated": False,
        "emoji_id": None,
        "emoji_name": "🐛",
        **fields,
    }


def forum_channel(guild_id: str, **fields: typing.Any) -> Payload:
    """Make a forum with three tags: a unicode emoji, a custom emoji, and none."""
    return {
        **_channel(guild_id, 15, "forum", fields),
        "topic": "rules",
        "last_message_id": None,
        "rate_limit_per_user": 0,
        "default_auto_archive_duration": 1440,
        "default_thread_rate_limit_per_user": 0,
        "default_sort_order": None,
        "default_forum_layout": 0,
        "default_reaction_emoji": {"emoji_id": None, "emoji_name": "👍"},
        "available_tags": [
            forum_tag("bug"),
            forum_tag("idea", emoji_id=snowflake(), emoji_name=None),
            forum_tag("plain", emoji_name=None, moderated=True),
        ],
        **fields,
    }


def media_channel(guild_id: str, **fields: typing.Any) -> Payload:
    """Make a media channel."""
    return forum_channel(guild_id, **{"type": 16, "name": "media", "flags": 1 << 15, **fields})


def unknown_channel(guild_id: str, **fields: typing.Any) -> Payload:
    """Make a channel of an unknown type."""
    return {**_channel(guild_id, UNKNOWN_CHANNEL_TYPE, "from the future", fields), "novelty": {"level": 9}, **fields}


def dm_channel(recipient: Payload, **fields: typing.Any) -> Payload:
    """Make a direct message channel with one person."""
    return {
        "id": snowflake(),
        "type": 1,
        "last_message_id": None,
        "flags": 0,
        "recipients": [recipient],
        **fields,
    }


def thread(guild_id: str, parent_id: str, owner_id: str, **fields: typing.Any) -> Payload:
    """Make a public thread (type 11)."""
    return {
        "id": fields.get("id") or snowflake(),
        "type": 11,
        "guild_id": guild_id,
        "parent_id": parent_id,
        "owner_id": owner_id,
        "name": "thread",
        "last_message_id": None,
        "last_pin_timestamp": None,
        "rate_limit_per_user": 0,
        "message_count": 0,
        "member_count": 1,
        "total_message_sent": 0,
        "flags": 0,
        "applied_tags": [],
        "thread_metadata": thread_metadata(),
        **fields,
    }


def private_thread(guild_id: str, parent_id: str, owner_id: str, **fields: typing.Any) -> Payload:
    """Make a private thread (type 12)."""
    metadata = thread_metadata(invitable=True)
    return thread(guild_id, parent_id, owner_id, **{"type": 12, "thread_metadata": metadata, **fields})


def news_thread(guild_id: str, parent_id: str, owner_id: str, **fields: typing.Any) -> Payload:
    """Make a thread of an announcement channel (type 10)."""
    return thread(guild_id, parent_id, owner_id, **{"type": 10, **fields})


def thread_metadata(**fields: typing.Any) -> Payload:
    """Make the part of a thread that says whether it is archived or locked."""
    return {
        "archived": False,
        "auto_archive_duration": 1440,
        "archive_timestamp": iso(),
        "locked": False,
        "create_timestamp": iso(),
        **fields,
    }


FACTORY_OF_CHANNEL_TYPE: typing.Final[dict[int, typing.Callable[..., Payload]]] = {
    0: text_channel,
    2: voice_channel,
    4: category,
    5: news_channel,
    13: stage_channel,
    15: forum_channel,
    16: media_channel,
}
