"""Payloads of guilds and of their roles, emojis, stickers and sounds."""

from __future__ import annotations

import typing

from . import channels, happenings, people
from .source import SOURCE, Payload, snowflake

_PRIVATE_THREAD: typing.Final = 12
_PROFILE: typing.Final[Payload] = {
    "icon": "a" * 32,
    "description": None,
    "home_header": None,
    "splash": None,
    "discovery_splash": None,
    "features": ["COMMUNITY", "NEWS"],
    "banner": None,
    "application_id": None,
    "region": "deprecated",
    "afk_channel_id": None,
    "afk_timeout": 300,
    "system_channel_flags": 0,
    "widget_enabled": False,
    "widget_channel_id": None,
    "verification_level": 1,
    "default_message_notifications": 1,
    "mfa_level": 0,
    "explicit_content_filter": 2,
    "max_presences": None,
    "max_members": 500000,
    "max_stage_video_channel_users": 50,
    "max_video_channel_users": 25,
    "vanity_url_code": None,
    "premium_tier": 0,
    "premium_subscription_count": 0,
    "preferred_locale": "en-US",
    "safety_alerts_channel_id": None,
    "hub_type": None,
    "nsfw": False,
    "nsfw_level": 0,
    "premium_progress_bar_enabled": False,
    "incidents_data": None,
    "latest_onboarding_question_id": None,
    "inventory_settings": None,
    "application_command_counts": {},
    "embedded_activities": [],
    "activity_instances": [],
    "guild_hashes": {},
    "version": 1,
    "joined_at": "2022-04-15T05:20:00.000000+00:00",
    "unavailable": False,
    "lazy": True,
}


def role(**fields: typing.Any) -> Payload:
    """Make a role; give `unicode_emoji="🐙"` for one with an emoji as icon."""
    return {
        "id": fields.get("id") or snowflake(),
        "name": "role",
        "color": 3447003,
        "colors": {"primary_color": 3447003, "secondary_color": None, "tertiary_color": None},
        "hoist": True,
        "icon": None,
        "unicode_emoji": None,
        "position": 1,
        "permissions": "1071698660929",
        "managed": False,
        "mentionable": False,
        "flags": 0,
        "description": None,
        **fields,
    }


def emoji(**fields: typing.Any) -> Payload:
    """Make a custom emoji; `user` is absent unless given."""
    return {
        "id": snowflake(),
        "name": "blob",
        "roles": [],
        "require_colons": True,
        "managed": False,
        "animated": False,
        "available": True,
        **fields,
    }


def sticker(guild_id: str, **fields: typing.Any) -> Payload:
    """Make a guild's sticker; `user` is absent unless given."""
    return {
        "id": snowflake(),
        "guild_id": guild_id,
        "name": "wave",
        "description": "Hello!",
        "tags": "wave",
        "type": 2,
        "format_type": 1,
        "available": True,
        "asset": "",
        **fields,
    }


def soundboard_sound(guild_id: str, **fields: typing.Any) -> Payload:
    """Make a guild's soundboard sound; `user` is absent unless given."""
    return {
        "sound_id": snowflake(),
        "guild_id": guild_id,
        "name": "quack",
        "volume": 1.0,
        "emoji_id": None,
        "emoji_name": "🦆",
        "available": True,
        **fields,
    }


def guild(
    *,
    owner: Payload | None = None,
    own_user: Payload | None = None,
    members: int = 10,
    text_channels: int = 5,
    roles: int = 4,
    emojis: int = 2,
    stickers: int = 1,
    sounds: int = 1,
    threads: int = 1,
    voice_states: int = 1,
    presences: int | None = None,
    empty: bool = False,
    **fields: typing.Any,
) -> Payload:
    """Make a complete guild, as in GUILD_CREATE for a bot with every intent.

    Its channels are a category, the text channels, and one each of news, voice, stage, forum, media and an unknown
    type. Member 0 is the owner, and member 1 is the bot if it is given.

    Parameters
    ----------
    owner
        The user who owns the guild.
    own_user
        The bot's own user, to make it a member.
    members, text_channels, roles, emojis, stickers, sounds, threads, voice_states, presences
        How many there are. Roles do not count @everyone; presences default to half of the members.
    empty
        Whether every list but roles (@everyone) and members (owner and bot) is empty.
    **fields
        Fields to set or replace. `member_count` above the number of members makes the payload an incomplete one.
    """
    ident = fields.get("id") or SOURCE.guild_snowflake()
    owner = owner or people.user()
    if empty:
        members = text_channels = roles = emojis = stickers = sounds = threads = voice_states = presences = 0
    guild_roles = [role(id=ident, name="@everyone", position=0, hoist=False)]
    guild_roles += [role(name=f"role-{n}", position=n, unicode_emoji="🐙" if n == 1 else None) for n in _upto(roles)]
    guild_members = _members(members, owner, own_user, [each["id"] for each in guild_roles[1:]])
    guild_channels = [] if empty else _channels(ident, text_channels)
    of_type = {channel["type"]: channel for channel in reversed(guild_channels)}
    text_id = of_type[0]["id"] if 0 in of_type else None
    online = len(guild_members) // 2 if presences is None else presences
    return {
        **_PROFILE,
        "id": ident,
        "name": "Test Guild",
        "owner_id": owner["id"],
        "system_channel_id": text_id,
        "rules_channel_id": text_id,
        "public_updates_channel_id": text_id,
        "large": len(guild_members) > 250,
        "member_count": len(guild_members),
        "roles": guild_roles,
        "emojis": [emoji(name=f"emoji{n}", user=owner) for n in _upto(emojis)],
        "stickers": [sticker(ident, name=f"sticker{n}", user=owner) for n in _upto(stickers)],
        "soundboard_sounds": [soundboard_sound(ident, name=f"sound{n}", user=owner) for n in _upto(sounds)],
        "channels": guild_channels,
        "threads": _threads(ident, text_id, owner["id"], threads, own_user) if text_id else [],
        "members": guild_members,
        "voice_states": [
            people.voice_state(each["user"]["id"], of_type[2]["id"]) for each in guild_members[:voice_states]
        ],
        "presences": [people.presence(each["user"]["id"]) for each in guild_members[:online]],
        "stage_instances": [happenings.stage_instance(ident, of_type[13]["id"])] if 13 in of_type else [],
        "guild_scheduled_events": (
            [happenings.scheduled_event(ident, of_type[2]["id"], owner)] if 2 in of_type else []
        ),
        **fields,
    }


def _upto(count: int) -> range:
    return range(1, count + 1)


def _members(count: int, owner: Payload, own_user: Payload | None, role_ids: list[str]) -> list[Payload]:
    made = [people.member(owner, role_ids[-1:])]
    if own_user is not None:
        made.append(people.member(people.public_user(own_user), role_ids[-1:]))
    while len(made) < count:
        roles = [SOURCE.random.choice(role_ids)] if role_ids and len(made) % 2 else []
        made.append(people.member(people.user(), roles))
    return made


def _channels(guild_id: str, text_channels: int) -> list[Payload]:
    category = channels.category(guild_id)
    texts = [
        channels.text_channel(guild_id, name=f"text-{n}", position=n, parent_id=category["id"])
        for n in range(text_channels)
    ]
    others = (
        channels.news_channel,
        channels.voice_channel,
        channels.stage_channel,
        channels.forum_channel,
        channels.media_channel,
        channels.unknown_channel,
    )
    return [category, *texts, *(make(guild_id) for make in others)]


def _threads(guild_id: str, parent_id: str, owner_id: str, count: int, own_user: Payload | None) -> list[Payload]:
    makers = (channels.thread, channels.private_thread)
    made = [makers[n % 2](guild_id, parent_id, owner_id, name=f"thread-{n}") for n in range(count)]
    for thread in made:
        # Only members receive a private thread.
        if own_user is not None and (thread is made[0] or thread["type"] == _PRIVATE_THREAD):
            thread["member"] = people.thread_member(thread["id"], own_user["id"])
    return made
