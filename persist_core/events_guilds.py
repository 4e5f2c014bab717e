"""What events change: sessions, guilds, and what each guild creates."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping

from . import plans
from .changes import Amend, Change, Drop, DropScope, Patch, Put, cascade, forgetting_guild
from .conditions import AnyOf, Condition, Not, Where
from .edits import Omit, Part, Without
from .entities import (
    CHANNELS,
    EMOJIS,
    ENTITIES,
    GUILDS,
    MEMBERS,
    OWN_USER,
    PRESENCES,
    ROLES,
    SCHEDULED_EVENTS,
    SOUNDBOARD_SOUNDS,
    STAGE_INSTANCES,
    STICKERS,
    USERS,
    VOICE_STATES,
)
from .events_threads import active_threads
from .model import Entity, Payload
from .plans import Context, Event, Plan

__all__ = ("ROWS",)

_ENDED: typing.Final = (3, 4)
_PLANNED: typing.Final = Not(Condition("status", "is_in", _ENDED))
_PARTS: typing.Final[Mapping[str, tuple[Entity[typing.Any], Where]]] = {
    "channels": (CHANNELS, ()),
    "roles": (ROLES, ()),
    "emojis": (EMOJIS, ()),
    "stickers": (STICKERS, ()),
    "voice_states": (VOICE_STATES, ()),
    "presences": (PRESENCES, ()),
    "stage_instances": (STAGE_INSTANCES, ()),
    "soundboard_sounds": (SOUNDBOARD_SOUNDS, ()),
    "guild_scheduled_events": (SCHEDULED_EVENTS, (_PLANNED,)),
}
"""The lists of a guild that are complete each time they are sent, and their kinds.

Presences are not complete, but none of them outlives the list. Ended objects are no longer listed, and stay.
"""

_KEPT_APART: typing.Final = frozenset((*_PARTS, "threads", "members"))


def _ready(event: Payload, context: Context) -> Iterator[Change]:
    """Delete the guilds of this shard that are gone; keep the listed ones, as unavailable until they are created."""
    origin = context.origin
    yield Put.of(OWN_USER, event["user"], None, origin)
    yield Put.of(USERS, event["user"], None, origin)
    shard = (context.shard_id, context.shard_count)
    listed = tuple(int(guild["id"]) for guild in plans.listed(event["guilds"]))
    mine = Condition("id", "on_shard", shard)
    gone = (mine, Not(Condition("id", "is_in", listed))) if listed else (mine,)
    yield from cascade(GUILDS, None, gone)
    yield DropScope(GUILDS, None, gone)
    yield plans.amend(GUILDS, None, origin, Part({"unavailable": True}), mine)
    for entity in ENTITIES.values():
        if entity.ephemeral:
            yield DropScope(entity, None, (Condition("guild_id", "on_shard", shard),))
        if entity.passing:
            told = AnyOf(tuple(Not(Condition(name, "is_null")) for name in entity.passing))
            where = (Condition("guild_id", "on_shard", shard), told)
            yield Amend(entity, None, where, (Omit(entity.passing),), origin)


def _guild_create(event: Payload, context: Context) -> Iterator[Change]:
    guild_id, origin = int(event["id"]), context.origin
    if event.get("unavailable"):
        yield plans.patch(GUILDS, guild_id, guild_id, origin, Part({"unavailable": True}))
        return
    own = {name: value for name, value in event.items() if name not in _KEPT_APART}
    yield Put.of(GUILDS, {"unavailable": False, **own}, guild_id, origin)
    yield from _guild_parts(_without_offline(event), guild_id, context)
    if (threads := event.get("threads")) is not None:
        yield from active_threads(threads, guild_id, context)
    yield from plans.members(event.get("members") or (), guild_id, origin)


def _without_offline(event: Payload) -> Payload:
    """Return a created guild without the presences of members who are offline, which Discord may list, too."""
    if (presences := event.get("presences")) is None:
        return event
    return {**event, "presences": [one for one in plans.listed(presences) if not plans.is_offline(one)]}


def _guild_update(event: Payload, context: Context) -> Iterator[Change]:
    guild_id = int(event["id"])
    own = {name: value for name, value in event.items() if name not in _KEPT_APART}
    yield Patch(GUILDS, (guild_id,), guild_id, (Part(own),), context.origin, create=True)
    yield from _guild_parts(event, guild_id, context)


def _guild_parts(event: Payload, guild_id: int, context: Context) -> Iterator[Change]:
    for field, (entity, within) in _PARTS.items():
        if (payloads := event.get(field)) is not None:
            yield from plans.replace(entity, payloads, guild_id, context.origin, *within)


def _guild_delete(event: Payload, context: Context) -> Iterator[Change]:
    """Delete everything of a guild that the bot has left; an outage only makes it unavailable."""
    guild_id = int(event["id"])
    if event.get("unavailable"):
        yield plans.patch(GUILDS, guild_id, guild_id, context.origin, Part({"unavailable": True}))
        return
    yield from forgetting_guild(guild_id)


def _set(entity: Entity[typing.Any], field: str) -> Plan:
    """Replace all objects of a kind in the guild with those in ``field``."""
    return lambda event, context: plans.replace(entity, event[field], int(event["guild_id"]), context.origin)


def _each(entity: Entity[typing.Any], field: str) -> Plan:
    """Store the objects in ``field``, which are not all that the guild has."""

    def plan(event: Payload, context: Context) -> Iterator[Change]:
        for payload in plans.listed(event[field]):
            yield Put.of(entity, payload, int(event["guild_id"]), context.origin)

    return plan


def _role_delete(event: Payload, context: Context) -> Iterator[Change]:
    """Delete the role, and remove it from members, overwrites and emojis: Discord sends no updates for these."""
    guild_id, role, origin = int(event["guild_id"]), str(event["role_id"]), context.origin
    yield plans.amend(MEMBERS, guild_id, origin, Without("roles", role), Condition("role_ids", "has_id", int(role)))
    yield plans.amend(EMOJIS, guild_id, origin, Without("roles", role), Condition("role_ids", "has_id", int(role)))
    yield plans.amend(CHANNELS, guild_id, origin, Without("permission_overwrites", role))
    yield Drop(ROLES, (int(role),), guild_id)


ROWS: typing.Final[Mapping[str, Event]] = {
    "READY": Event(
        _ready, "Forgets this shard's guilds that are gone; the listed ones stay, unavailable until they arrive."
    ),
    "RESUMED": Event(plans.nothing, "Nothing: the missed events came before it, in order."),
    "GUILD_CREATE": Event(_guild_create, "Replaces the guild and its lists, even with empty ones; merges its members."),
    "GUILD_UPDATE": Event(_guild_update, "Merges the guild; replaces the lists in it."),
    "GUILD_DELETE": Event(
        _guild_delete, "Forgets a guild that the bot left, with everything in it; an outage only flags it."
    ),
    "GUILD_ROLE_CREATE": Event(plans.put(ROLES, "role"), "Remembers the role."),
    "GUILD_ROLE_UPDATE": Event(plans.put(ROLES, "role"), "Replaces the role."),
    "GUILD_ROLE_DELETE": Event(_role_delete, "Forgets the role, and removes it from members, overwrites and emojis."),
    "GUILD_EMOJIS_UPDATE": Event(_set(EMOJIS, "emojis"), "Replaces all emojis of the guild."),
    "GUILD_STICKERS_UPDATE": Event(_set(STICKERS, "stickers"), "Replaces all stickers of the guild."),
    "GUILD_SOUNDBOARD_SOUND_CREATE": Event(plans.put(SOUNDBOARD_SOUNDS), "Remembers the sound."),
    "GUILD_SOUNDBOARD_SOUND_UPDATE": Event(plans.put(SOUNDBOARD_SOUNDS), "Replaces the sound."),
    "GUILD_SOUNDBOARD_SOUND_DELETE": Event(plans.drop(SOUNDBOARD_SOUNDS, "sound_id"), "Forgets the sound."),
    "GUILD_SOUNDBOARD_SOUNDS_UPDATE": Event(
        _each(SOUNDBOARD_SOUNDS, "soundboard_sounds"), "Replaces the listed sounds; others stay."
    ),
    "SOUNDBOARD_SOUNDS": Event(
        _set(SOUNDBOARD_SOUNDS, "soundboard_sounds"), "Replaces all sounds of the guild, which the bot requested."
    ),
    "RATE_LIMITED": Event(plans.nothing, "Nothing: it says when to request again."),
}
