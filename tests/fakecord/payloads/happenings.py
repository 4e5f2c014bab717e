"""Payloads of what a guild plans, allows, logs and sells."""

from __future__ import annotations

import typing

from .source import SOURCE, Payload, iso, snowflake


def scheduled_event(
    guild_id: str, channel_id: str | None, creator: Payload | None = None, **fields: typing.Any
) -> Payload:
    """Make a planned event in a voice channel, or an external one when `channel_id` is None."""
    external = channel_id is None
    payload: Payload = {
        "id": snowflake(),
        "guild_id": guild_id,
        "channel_id": channel_id,
        "creator_id": creator["id"] if creator else None,
        "name": "Movie night",
        "description": "Bring your own popcorn",
        "scheduled_start_time": iso(seconds_later=3600),
        "scheduled_end_time": iso(seconds_later=7200) if external else None,
        "privacy_level": 2,
        "status": 1,
        "entity_type": 3 if external else 2,
        "entity_id": None,
        "entity_metadata": {"location": "The park"} if external else None,
        "user_count": 3,
        "image": None,
        "recurrence_rule": None,
        "sku_ids": [],
        "auto_start": False,
        "guild_scheduled_event_exceptions": [],
    }
    if creator is not None:
        payload["creator"] = creator
    return payload | fields


def stage_instance(guild_id: str, channel_id: str, **fields: typing.Any) -> Payload:
    """Make a live stage."""
    return {
        "id": snowflake(),
        "guild_id": guild_id,
        "channel_id": channel_id,
        "topic": "Testing",
        "privacy_level": 2,
        "discoverable_disabled": False,
        "guild_scheduled_event_id": None,
        "invite_code": None,
        **fields,
    }


def auto_mod_rule(guild_id: str, creator_id: str, **fields: typing.Any) -> Payload:
    """Make a keyword filter with three actions."""
    return {
        "id": snowflake(),
        "guild_id": guild_id,
        "name": "Keyword Filter 1",
        "creator_id": creator_id,
        "event_type": 1,
        "trigger_type": 1,
        "trigger_metadata": {"keyword_filter": ["cat*", "*dog"], "regex_patterns": ["(b|c)at"], "allow_list": []},
        "actions": [
            {"type": 1, "metadata": {"custom_message": "no"}},
            {"type": 2, "metadata": {"channel_id": snowflake()}},
            {"type": 3, "metadata": {"duration_seconds": 60}},
        ],
        "enabled": True,
        "exempt_roles": [],
        "exempt_channels": [],
        **fields,
    }


def invite(guild_id: str, channel_id: str, inviter: Payload, **fields: typing.Any) -> Payload:
    """Make an invite as in INVITE_CREATE."""
    return {
        "channel_id": channel_id,
        "code": f"{SOURCE.random.getrandbits(40):010x}",
        "created_at": iso(),
        "guild_id": guild_id,
        "inviter": inviter,
        "max_age": 86400,
        "max_uses": 0,
        "temporary": False,
        "uses": 0,
        "type": 0,
        # A long time, because readers use the real clock, not the one of this world.
        "expires_at": iso(seconds_later=50 * 365 * 86400),
        "flags": 0,
        **fields,
    }


def integration(guild_id: str, **fields: typing.Any) -> Payload:
    """Make an integration as in INTEGRATION_CREATE: without a user."""
    return {
        "id": snowflake(),
        "guild_id": guild_id,
        "name": "Twitch channel",
        "type": "twitch",
        "enabled": True,
        "syncing": False,
        "role_id": None,
        "enable_emoticons": True,
        "expire_behavior": 0,
        "expire_grace_period": 7,
        "synced_at": iso(),
        "subscriber_count": 4,
        "revoked": False,
        "account": {"id": "1234", "name": "someone"},
        **fields,
    }


def webhook(guild_id: str, channel_id: str, creator: Payload, **fields: typing.Any) -> Payload:
    """Make an incoming webhook."""
    return {
        "id": snowflake(),
        "type": 1,
        "guild_id": guild_id,
        "channel_id": channel_id,
        "user": creator,
        "name": "Captain Hook",
        "avatar": None,
        "token": "webhook-token",
        "application_id": None,
        **fields,
    }


def entitlement(application_id: str, user_id: str, **fields: typing.Any) -> Payload:
    """Make an entitlement that does not end."""
    return {
        "id": snowflake(),
        "sku_id": snowflake(),
        "application_id": application_id,
        "user_id": user_id,
        "type": 8,
        "deleted": False,
        "consumed": False,
        "starts_at": iso(),
        "ends_at": None,
        **fields,
    }


def subscription(user_id: str, **fields: typing.Any) -> Payload:
    """Make an active subscription."""
    return {
        "id": snowflake(),
        "user_id": user_id,
        "sku_ids": [snowflake()],
        "entitlement_ids": [snowflake()],
        "renewal_sku_ids": None,
        "current_period_start": iso(),
        "current_period_end": iso(seconds_later=2_592_000),
        "status": 0,
        "canceled_at": None,
        **fields,
    }


def audit_log_entry(guild_id: str, user_id: str, target_id: str, **fields: typing.Any) -> Payload:
    """Make an audit log entry for a member's new nickname."""
    return {
        "id": snowflake(),
        "guild_id": guild_id,
        "user_id": user_id,
        "target_id": target_id,
        "action_type": 24,
        "changes": [{"key": "nick", "new_value": "Nemo"}],
        "reason": "a good reason",
        **fields,
    }


def application(owner: Payload, **fields: typing.Any) -> Payload:
    """Make a bot's application, as its own bot sees it."""
    return {
        "id": fields.get("id") or snowflake(),
        "name": "fake",
        "icon": None,
        "description": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "00" * 32,
        "flags": 0,
        "owner": owner,
        "team": None,
        "summary": "",
        "hook": True,
        "type": None,
        "redirect_uris": [],
        "tags": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "approximate_guild_count": 1,
        "approximate_user_install_count": 0,
        "integration_types_config": {"0": {}},
        **fields,
    }


def team(owner: Payload, *others: Payload) -> Payload:
    """Make the team that owns an application."""
    ident = snowflake()
    members = [
        {"membership_state": 2, "permissions": ["*"], "role": "admin", "team_id": ident, "user": each}
        for each in (owner, *others)
    ]
    return {"id": ident, "name": "team", "icon": None, "owner_user_id": owner["id"], "members": members}
