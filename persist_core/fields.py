"""The payload fields that rules may drop, and where objects are nested in others: Discord's names, kind by kind."""

from __future__ import annotations

import typing
from collections.abc import Mapping

__all__ = ("BLANK", "FIELDS", "NESTED")

_NESTED: typing.Final[Mapping[str, Mapping[str, str]]] = {
    "messages": {
        "author": "users",
        "member": "members",
        "mentions": "users",
        "referenced_message": "messages",
        "message_snapshots.message": "messages",
        "interaction.user": "users",
        "interaction.member": "members",
        "interaction_metadata.user": "users",
        "interaction_metadata.target_user": "users",
        "thread": "threads",
    },
    "users": {"member": "members"},
    "members": {"user": "users"},
    "presences": {"user": "users"},
    "voice_states": {"member": "members"},
    "thread_members": {"member": "members", "presence": "presences"},
    "threads": {"member": "thread_members", "message": "messages"},
    "bans": {"user": "users"},
    "invites": {"inviter": "users", "target_user": "users"},
    "webhooks": {"user": "users"},
    "dm_channels": {"recipients": "users"},
    "emojis": {"user": "users"},
    "stickers": {"user": "users"},
    "soundboard_sounds": {"user": "users"},
    "integrations": {"user": "users"},
    "scheduled_events": {"creator": "users"},
    "scheduled_event_users": {"user": "users", "member": "members"},
}

NESTED: typing.Final[Mapping[str, Mapping[str, str]]] = {**_NESTED, "message_versions": _NESTED["messages"]}
"""Where objects of one kind are nested in objects of another: dotted paths of objects, or of lists of them."""


_FREE: typing.Final[Mapping[str, str]] = {
    "users": "global_name avatar_decoration_data collectibles primary_guild public_flags banner accent_color"
    " premium_type",
    "own_user": "global_name email verified locale public_flags banner accent_color premium_type primary_guild",
    "guilds": "home_header discovery_splash region widget_enabled widget_channel_id max_presences max_members"
    " max_stage_video_channel_users max_video_channel_users premium_subscription_count safety_alerts_channel_id"
    " hub_type nsfw premium_progress_bar_enabled incidents_data latest_onboarding_question_id inventory_settings"
    " application_command_counts embedded_activities activity_instances guild_hashes version joined_at lazy",
    "channels": "last_message_id last_pin_timestamp rate_limit_per_user default_auto_archive_duration version"
    " icon_emoji default_thread_rate_limit_per_user theme_color video_quality_mode status voice_start_time"
    " default_sort_order default_forum_layout default_reaction_emoji available_tags",
    "threads": "last_message_id last_pin_timestamp rate_limit_per_user total_message_sent applied_tags message",
    "roles": "colors icon unicode_emoji description",
    "emojis": "user",
    "stickers": "asset user",
    "members": "nick avatar banner premium_since deaf mute communication_disabled_until avatar_decoration_data"
    " collectibles",
    "messages": "mention_everyone mentions mention_roles mention_channels components nonce member reactions stickers"
    " sticker_items position referenced_message poll message_snapshots interaction interaction_metadata activity"
    " application call resolved role_subscription_data thread",
    "voice_states": "self_stream request_to_speak_timestamp",
    "presences": "processed_at_timestamp",
    "invites": "inviter expires_at flags target_type target_user target_application guild_scheduled_event",
    "thread_members": "muted mute_config member presence",
    "stage_instances": "invite_code",
    "webhooks": "user source_guild source_channel",
    "dm_channels": "last_message_id name",
    "bans": "reason",
    "soundboard_sounds": "emoji_id emoji_name user",
    "integrations": "syncing role_id enable_emoticons expire_behavior expire_grace_period synced_at subscriber_count"
    " revoked user application scopes",
    "scheduled_events": "creator_id creator description entity_id user_count image recurrence_rule sku_ids auto_start"
    " guild_scheduled_event_exceptions",
    "auto_mod_executions": "content matched_keyword matched_content",
    "audit_log_entries": "changes reason options",
    "entitlements": "consumed starts_at ends_at",
    "subscriptions": "renewal_sku_ids canceled_at country",
}
"""Fields that hikari can do without."""

_BLANK: typing.Final[Mapping[str, Mapping[str, typing.Any]]] = {
    "users": {"username": "", "discriminator": "0", "avatar": None},
    "own_user": {"avatar": None},
    "guilds": {
        "icon": None,
        "description": None,
        "splash": None,
        "banner": None,
        "features": [],
        "vanity_url_code": None,
    },
    "channels": {"topic": None, "rtc_region": None},
    "stickers": {"description": "", "tags": ""},
    "members": {"joined_at": None},
    "messages": {
        "content": "",
        "embeds": [],
        "attachments": [],
        "edited_timestamp": None,
        "tts": False,
        "pinned": False,
    },
    "voice_states": {"session_id": ""},
    "presences": {"activities": [], "client_status": {}},
    "stage_instances": {"topic": ""},
    "webhooks": {"name": None, "avatar": None},
    "dm_channels": {"icon": None},
    "auto_mod_rules": {"name": ""},
    "audit_log_entries": {"user_id": None, "target_id": None},
}

BLANK: typing.Final[Mapping[str, Mapping[str, typing.Any]]] = {**_BLANK, "message_versions": _BLANK["messages"]}
"""Fields that hikari needs, and the values to give it if they were dropped."""

FIELDS: typing.Final[Mapping[str, frozenset[str]]] = {
    kind: frozenset((*_FREE.get(kind, "").split(), *_BLANK.get(kind, ()))) for kind in {**_FREE, **_BLANK}
}
"""The fields of each kind that rules may drop; for kinds from plugins, every field."""
