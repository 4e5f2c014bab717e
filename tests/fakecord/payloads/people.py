"""Payloads about people: users, members, presences, voice states, bans."""

from __future__ import annotations

import datetime
import hashlib
import typing

from .source import Payload, iso, snowflake

_ONLY_OWN_USER: typing.Final = frozenset({"mfa_enabled", "verified", "email", "flags", "locale", "premium_type"})
_LONG_AGO: typing.Final = datetime.datetime(2019, 4, 15, tzinfo=datetime.UTC)
_SINCE: typing.Final = 6 * 365 * 86_400 * 1_000_000
"""Microseconds since then within which members have joined."""


def _hash(ident: str) -> str:
    return hashlib.blake2b(ident.encode(), digest_size=16).hexdigest()


def _joined(ident: str) -> str:
    """Return a different moment for each user, because equal values would compress away."""
    later = datetime.timedelta(microseconds=int(_hash(ident), 16) % _SINCE)
    return (_LONG_AGO + later).isoformat(timespec="microseconds")


def user(**fields: typing.Any) -> Payload:
    """Make a user; `bot` is absent for humans, as on Discord."""
    ident = fields.get("id") or snowflake()
    return {
        "id": ident,
        "username": f"user{ident[-6:]}",
        "discriminator": "0",
        "global_name": f"User {ident[-4:]}",
        "avatar": f"a_{_hash(ident)}",
        "avatar_decoration_data": {
            "asset": "a_fed43ab12698df65902ba06727e20c0e",
            "sku_id": "1144058844004233369",
            "expires_at": None,
        },
        "collectibles": {
            "nameplate": {
                "sku_id": "1349849614353829990",
                "asset": "nameplates/twilight/",
                "label": "",
                "palette": "cobalt",
            }
        },
        "primary_guild": {
            "identity_guild_id": "1234647491267808778",
            "identity_enabled": True,
            "tag": "DISC",
            "badge": "7d1734ae5a615e82bc7a4033b98fade8",
        },
        "public_flags": 64,
        "banner": None,
        "accent_color": None,
        **fields,
    }


def own_user(**fields: typing.Any) -> Payload:
    """Make the bot's own user, with the fields that only the bot itself sees."""
    return {
        "id": fields.get("id") or snowflake(),
        "username": "fakebot",
        "discriminator": "0",
        "global_name": None,
        "avatar": None,
        "bot": True,
        "mfa_enabled": True,
        "verified": True,
        "email": None,
        "flags": 0,
        "public_flags": 0,
        "locale": "en-US",
        "premium_type": 0,
        "banner": None,
        "accent_color": None,
        "primary_guild": None,
        **fields,
    }


def public_user(own: Payload) -> Payload:
    """Return the bot's own user as others see it."""
    return {name: value for name, value in own.items() if name not in _ONLY_OWN_USER}


def member(user: Payload, roles: typing.Sequence[str] = (), **fields: typing.Any) -> Payload:
    """Make a member of a guild; `roles` are role ids."""
    return {
        "user": user,
        "nick": None,
        "avatar": None,
        "banner": None,
        "roles": list(roles),
        "joined_at": _joined(user["id"]),
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "flags": 0,
        "pending": False,
        "communication_disabled_until": None,
        "avatar_decoration_data": None,
        "collectibles": None,
        **fields,
    }


def partial_member(member: Payload) -> Payload:
    """Return a member as in a message: without its user."""
    return {name: value for name, value in member.items() if name != "user"}


def activity(**fields: typing.Any) -> Payload:
    """Make a rich activity for a presence."""
    return {
        "name": "Rocket League",
        "type": 0,
        "id": "ec0b28a579ecb4bd",
        "application_id": "379286085710381999",
        "state": "In a Match",
        "details": "Ranked Duos: 2-1",
        "created_at": 1_700_000_000_000,
        "timestamps": {"start": 1_700_000_000_000},
        "party": {"id": "9dd6594e", "size": [2, 2]},
        "session_id": "abc",
        "flags": 0,
        "assets": {
            "large_image": "351371005538729000",
            "large_text": "DFH Stadium",
            "small_image": "351371005538729111",
            "small_text": "Silver III",
        },
        **fields,
    }


def presence(user_id: str, status: str = "online", **fields: typing.Any) -> Payload:
    """Make a presence; it only has the id of its user, as on Discord."""
    return {
        "user": {"id": user_id},
        "status": status,
        "client_status": {} if status == "offline" else {"desktop": status},
        "processed_at_timestamp": 1_700_000_000_000,
        "activities": [] if status == "offline" else [activity()],
        **fields,
    }


def voice_state(user_id: str, channel_id: str | None, **fields: typing.Any) -> Payload:
    """Make a voice state; `channel_id=None` means that the user left voice."""
    return {
        "user_id": user_id,
        "channel_id": channel_id,
        "session_id": f"{int(user_id):032x}",
        "deaf": False,
        "mute": False,
        "self_deaf": False,
        "self_mute": False,
        "self_video": False,
        "self_stream": False,
        "suppress": False,
        "request_to_speak_timestamp": None,
        **fields,
    }


def ban(user: Payload, reason: str | None = None) -> Payload:
    """Make a ban as the REST API lists it."""
    return {"reason": reason, "user": user}


def thread_member(thread_id: str, user_id: str, **fields: typing.Any) -> Payload:
    """Make a membership in a thread."""
    return {
        "id": thread_id,
        "user_id": user_id,
        "join_timestamp": iso(),
        "flags": 1,
        "muted": False,
        "mute_config": None,
        **fields,
    }
