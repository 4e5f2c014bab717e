"""What events change: members, users, presences and voice states."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator, Mapping

from . import plans
from .changes import Change, Drop, Put
from .conditions import Condition, Known, Not, Within
from .edits import Part
from .entities import COMPLETENESS, GUILDS, MEMBERS, OWN_USER, PRESENCES, USERS, VOICE_STATES
from .model import Payload
from .plans import Context, Event, guild_of, in_guild

__all__ = ("ARE_NOT_ALL_KNOWN", "ROWS")

ARE_NOT_ALL_KNOWN: typing.Final = Not(
    Within(
        ("id",),
        COMPLETENESS,
        (Condition("kind", "equals", MEMBERS.name), Condition("state", "equals", "complete")),
        ("guild_id",),
    )
)
"""For guilds, that they may have members who are not stored."""


def _member_add(event: Payload, context: Context) -> Iterator[Change]:
    """Store a member, and count it if it is new: Discord may send the same one again."""
    guild_id = int(event["guild_id"])
    key = (guild_id, int(event["user"]["id"]))
    yield plans.count(GUILDS, (guild_id,), "member_count", 1, context.origin, Not(Known(MEMBERS, key)))
    yield from plans.members((event,), guild_id, context.origin)


def _member_update(event: Payload, context: Context) -> Iterable[Change]:
    return plans.member(event, event["user"], int(event["guild_id"]), context.origin)


def _member_remove(event: Payload, context: Context) -> Iterator[Change]:
    """Delete the member and what it took part in. The user may be a member elsewhere, and stays.

    While not all members are known, an unknown one counts, too: it joined before the cache knew it.
    """
    guild_id = int(event["guild_id"])
    key = (guild_id, int(event["user"]["id"]))
    for known in ((Known(MEMBERS, key),), (Not(Known(MEMBERS, key)), ARE_NOT_ALL_KNOWN)):
        yield plans.count(GUILDS, (guild_id,), "member_count", -1, context.origin, *known)
    yield from plans.end(MEMBERS, key, guild_id)


def _members_chunk(event: Payload, context: Context) -> Iterator[Change]:
    guild_id, origin = int(event["guild_id"]), context.origin._replace(source="chunk")
    yield from plans.members(event["members"], guild_id, origin)
    for presence in event.get("presences") or ():
        yield from _presence(presence, guild_id, context)


def _presence(presence: Payload, guild_id: int, context: Context) -> Iterator[Change]:
    """Replace a presence. It may arrive after its member has left, so it does not create anybody."""
    record = PRESENCES.record(presence, guild_id, context.origin)
    yield Drop(PRESENCES, record.key, guild_id) if plans.is_offline(presence) else Put(record)
    known = {name: value for name, value in presence["user"].items() if value is not None}
    if len(known) > 1:
        yield plans.patch(USERS, known["id"], None, context.origin, Part(known))


def _presence_update(event: Payload, context: Context) -> Iterator[Change]:
    return _presence(event, int(event["guild_id"]), context)


def _voice_state_update(event: Payload, context: Context) -> Iterator[Change]:
    """Replace a voice state. When a member leaves the guild, this arrives last and must not recreate the member."""
    guild_id, stays = int(event["guild_id"]), event.get("channel_id") is not None
    record = VOICE_STATES.record(event, guild_id, context.origin)
    yield Put(record) if stays else Drop(VOICE_STATES, record.key, guild_id)
    if (found := event.get("member")) and "user" in found:
        yield from plans.member(found, found["user"], guild_id, context.origin, create=stays)


def _typing_start(event: Payload, context: Context) -> Iterator[Change]:
    if (found := event.get("member")) and "user" in found:
        yield from plans.member(found, found["user"], guild_of(event), context.origin)


def _user_update(event: Payload, context: Context) -> Iterator[Change]:
    yield from plans.merge(OWN_USER)(event, context)
    yield from plans.merge(USERS)(event, context)


ROWS: typing.Final[Mapping[str, Event]] = {
    "GUILD_MEMBER_ADD": Event(_member_add, "Remembers the member and the user, and counts the member if it is new."),
    "GUILD_MEMBER_UPDATE": Event(_member_update, "Merges the member; replaces the user."),
    "GUILD_MEMBER_REMOVE": Event(
        _member_remove, "Forgets the member with everything that belongs to it, and counts it down."
    ),
    "GUILD_MEMBERS_CHUNK": Event(_members_chunk, "Remembers members, users and presences; forgets nobody."),
    "PRESENCE_UPDATE": Event(_presence_update, "Replaces the presence, or forgets it if offline; creates no member."),
    "VOICE_STATE_UPDATE": Event(in_guild(_voice_state_update), "Replaces the voice state, or forgets it on leaving."),
    "USER_UPDATE": Event(_user_update, "Merges the bot's own user."),
    "TYPING_START": Event(_typing_start, "Stores the member in it."),
    "VOICE_SERVER_UPDATE": Event(plans.nothing, "Nothing: it is a secret."),
}
