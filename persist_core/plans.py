"""The building blocks of the event table: each makes changes from one part of a payload."""

from __future__ import annotations

import typing
from collections.abc import Callable, Container, Iterable, Iterator, Sequence

import hikari

from .changes import Amend, Change, Drop, DropScope, Patch, Put, cascade
from .columns import unexpected
from .conditions import Condition, Conditional, Not, Where
from .edits import Add, Default, Edit, Part
from .entities import MEMBERS, USERS
from .model import Entity, Key, Origin, Payload

__all__ = (
    "ACTIVE",
    "THREAD_TYPES",
    "Context",
    "Event",
    "Plan",
    "Said",
    "Together",
    "amend",
    "both",
    "count",
    "drop",
    "end",
    "ended",
    "guild_of",
    "in_guild",
    "is_ephemeral",
    "is_offline",
    "listed",
    "member",
    "members",
    "merge",
    "nothing",
    "patch",
    "put",
    "replace",
)

AnyEntity = Entity[typing.Any]
ACTIVE: typing.Final = Condition("is_archived", "equals", value=False)
"""Holds for threads that are not archived."""

THREAD_TYPES: typing.Final = frozenset((10, 11, 12))
"""The types of channels that are threads."""

_EPHEMERAL: typing.Final = 1 << 6


class Said(typing.NamedTuple):
    """A user that an event mentions in passing, and the changes made from it."""

    what: tuple[int | None, Payload, Payload | None]
    """The guild, the user, and the part of the member, if any."""

    changes: Sequence[Change]


class Context(typing.NamedTuple):
    """What a row may use besides the payload."""

    shard_id: int
    shard_count: int
    me: int | None
    """The bot's own user, ``None`` before the first READY."""

    origin: Origin
    reads_content: bool
    """Whether the bot has the MESSAGE_CONTENT intent."""

    authors: dict[str, Said]
    """The latest authors of messages, by their ids, for as long as ``origin`` is the same."""

    intents: hikari.Intents = hikari.Intents.ALL
    """The bot's intents."""

    guilds: Container[int] | None = None
    """The guilds of this shard that the bot is in, if that is known."""

    def is_in(self, guild_id: int | None) -> bool:
        """Return whether the bot may be in a guild; always true for ``None``, which is a DM."""
        return guild_id is None or self.guilds is None or guild_id in self.guilds


Plan = Callable[[Payload, Context], Iterable[Change]]
"""Makes the changes of one event. It never modifies the payload, and keeps no state except ``Context.authors``."""


class Together(typing.NamedTuple):
    """How to combine the changes of many events of one type that arrive directly after one another."""

    plan: Callable[[Sequence[Payload], Context], tuple[Sequence[Change], int]]
    """Makes changes with the same effect as all of theirs, and returns how many fewer these are."""

    merges: frozenset[AnyEntity]
    """The kinds whose changes it combines."""


class Event(typing.NamedTuple):
    """One row of the table of events: what an event changes, as code and in words."""

    plan: Plan
    about: str
    together: Together | None = None
    """How to combine the changes of many of them, if that makes fewer."""


def guild_of(event: Payload) -> int | None:
    """Return the guild that an event or an object names."""
    guild_id = event.get("guild_id")
    return None if guild_id is None else int(guild_id)


def is_ephemeral(message: Payload) -> bool:
    """Return whether only one user sees a message. These are not stored, as no event says when they go."""
    return bool(message.get("flags", 0) & _EPHEMERAL)


def is_offline(presence: Payload) -> bool:
    """Return whether a presence only says that its user is offline. These are not stored."""
    return presence.get("status") == "offline"


def nothing(event: Payload, context: Context) -> Iterable[Change]:
    """Change nothing."""
    del event, context
    return ()


def both(*plans: Plan) -> Plan:
    """Do what several plans do."""
    return lambda event, context: [change for plan in plans for change in plan(event, context)]


def in_guild(plan: Plan) -> Plan:
    """Do nothing for DMs."""
    return lambda event, context: plan(event, context) if event.get("guild_id") is not None else ()


def put(entity: AnyEntity, at: str | None = None) -> Plan:
    """Store the object that the event is, or that is in one of its fields."""

    def plan(event: Payload, context: Context) -> Iterable[Change]:
        return (Put.of(entity, event[at] if at else event, guild_of(event), context.origin),)

    return plan


def merge(entity: AnyEntity) -> Plan:
    """Merge the event into what is known; fields that it lacks stay."""

    def plan(event: Payload, context: Context) -> Iterable[Change]:
        guild_id = guild_of(event)
        key = entity.identify(event, guild_id)
        return (Patch(entity, key, guild_id, (Part(event),), context.origin, create=True),)

    return plan


def drop(entity: AnyEntity, field: str) -> Plan:
    """Forget the object that a field names."""
    return lambda event, _: (Drop(entity, (int(event[field]),), guild_of(event)),)


def end(entity: AnyEntity, key: Key, guild_id: int | None) -> Iterator[Change]:
    """Yield the changes that forget a record and everything that belongs to it."""
    where = tuple(Condition(name, "equals", part) for name, part in zip(entity.key, key, strict=True))
    yield from cascade(entity, guild_id, where)
    yield Drop(entity, key, guild_id)


def ended(entity: AnyEntity, field: str = "id") -> Plan:
    """Forget the object that a field names, and everything that belongs to it."""
    return lambda event, _: end(entity, (int(event[field]),), guild_of(event))


def patch(entity: AnyEntity, snowflake: str | int, guild_id: int | None, origin: Origin, *edits: Edit) -> Patch:
    """Change part of a known record."""
    return Patch.of(entity, (int(snowflake),), guild_id, edits, origin)


def amend(entity: AnyEntity, guild_id: int | None, origin: Origin, edit: Edit, *where: Condition) -> Amend:
    """Change part of every known record in a scope."""
    return Amend(entity, guild_id, where, (edit,), origin)


def listed(value: object) -> Sequence[Payload]:
    """Return a list of payloads.

    Raises
    ------
    TypeError
        If it is not a list; treating it as an empty one would clear everything of the kind.
    """
    if isinstance(value, list):
        return typing.cast("list[Payload]", value)
    raise unexpected("a list", value)


def count(
    owner: AnyEntity, key: Key, field: str, amount: int, origin: Origin, counts: Conditional, *also: Conditional
) -> Amend:
    """Count a record before it is added or removed.

    Parameters
    ----------
    owner, key, field
        Where the count is.
    amount
        How much it changes the count.
    origin
        The source.
    counts, also
        Whether it counts, such as that the record is ``Known``, or is not; and conditions on what has the count.
    """
    where = tuple(Condition(name, "equals", part) for name, part in zip(owner.key, key, strict=True))
    return Amend(owner, None, (*where, counts, *also), (Add(field, amount),), origin)


def replace(
    entity: AnyEntity,
    payloads: Sequence[Payload],
    guild_id: int,
    origin: Origin,
    *within: Conditional,
    sparing: Container[AnyEntity] = (),
) -> Iterator[Change]:
    """Yield the changes that make ``payloads`` everything that is known of a kind in a guild, even if it is empty.

    Parameters
    ----------
    entity, payloads, guild_id, origin
        The kind, all there is of it, the guild, and the source.
    within
        Conditions on what may be forgotten.
    sparing
        Kinds that stay although they belong to what is forgotten.
    """
    puts = Put.all_of(entity, listed(payloads), guild_id, origin)
    where: Where = within
    if puts:
        last = tuple(entity.key)[-1]
        where = (*within, Not(Condition(last, "is_in", tuple(put.key[-1] for put in puts))))
    yield from (change for change in cascade(entity, guild_id, where) if change.entity not in sparing)
    yield DropScope(entity, guild_id, where)
    yield from puts


def members(payloads: Sequence[Payload], guild_id: int, origin: Origin) -> Sequence[Change]:
    """Return the changes that store complete members and their users."""
    users = [payload["user"] for payload in payloads]
    return (*Put.all_of(MEMBERS, payloads, guild_id, origin), *Put.all_of(USERS, users, None, origin))


def member(
    part: Payload | None, user: Payload, guild_id: int | None, origin: Origin, *, create: bool = True
) -> Sequence[Change]:
    """Return the changes for a user, and for a member if there is a ``part`` of one, mentioned in passing."""
    known = Put.of(USERS, user, None, origin)
    if not part or guild_id is None:
        return (known,)
    edits: tuple[Edit, ...] = (Part(part),)
    if part.get("joined_at") is None:  # null for guests, which does not say when a member joined
        edits = (
            Default({"joined_at": None}),
            Part({name: value for name, value in part.items() if name != "joined_at"}),
        )
    # The user is stored under its own kind.
    return (known, Patch.of(MEMBERS, (guild_id, *known.key), guild_id, edits, origin, create=create))
