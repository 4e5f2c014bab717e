"""Kinds of objects: scheduled events, and who is interested in them."""

from __future__ import annotations

import typing
from collections.abc import Mapping

from .columns import integer, snowflake, text, time
from .kinds import ID, Intents, guild, own_id
from .kinds_channels import CHANNELS
from .kinds_guilds import IN_GUILD
from .kinds_people import MEMBERS, USERS
from .model import Entity, Join, Key, Payload

__all__ = ("SCHEDULED_EVENTS", "SCHEDULED_EVENT_USERS", "is_of_occurrence")


def is_of_occurrence(payload: Payload) -> bool:
    """Return whether somebody is, or is not, interested in one occurrence of a recurring event, not in all of it.

    Discord sends these like any other, but does not document them. They are not stored.
    """
    return payload.get("guild_scheduled_event_exception_id") is not None


def _event_and_user(payload: Payload, _: int | None) -> Key:
    user: Mapping[str, typing.Any] = payload.get("user") or {}
    return (int(payload["guild_scheduled_event_id"]), int(payload["user_id"] if "user_id" in payload else user["id"]))


SCHEDULED_EVENTS = Entity(
    "scheduled_events",
    ID,
    own_id,
    {
        "name": text("name"),
        "channel_id": snowflake("channel_id", index=True),
        "creator_id": snowflake("creator_id"),
        "status": integer("status"),
        "entity_type": integer("entity_type"),
        "start_time": time("scheduled_start_time", index=True),
        "end_time": time("scheduled_end_time"),
        "user_count": integer("user_count"),
    },
    lambda make, record: make.factory.deserialize_scheduled_event({"guild_id": guild(record), **record.payload}),
    owners=(IN_GUILD, (CHANNELS, ("channel_id",))),
    intents=Intents.GUILD_SCHEDULED_EVENTS,
    names=("creator_id",),
    about="Scheduled events of guilds. Events that have ended or were canceled stay, with that status.",
)

SCHEDULED_EVENT_USERS = Entity(
    "scheduled_event_users",
    {"event_id": "snowflake", "user_id": "snowflake"},
    _event_and_user,
    {},
    lambda make, record: make.factory.deserialize_scheduled_event_user(record.payload, guild_id=guild(record)),
    owners=(IN_GUILD, (SCHEDULED_EVENTS, ("event_id",)), (MEMBERS, ("guild_id", "user_id"))),
    joins={"user": Join(USERS, ("user_id",)), "member": Join(MEMBERS, ("guild_id", "user_id"))},
    intents=Intents.GUILD_SCHEDULED_EVENTS,
    about="Who is interested in which scheduled event.",
)
