"""Everything that can happen to stored records: six types of change, as values.

Three name a key: :class:`Put`, :class:`Patch`, :class:`Drop`. Three name a scope, which is every record of one kind
that meets some conditions: :class:`DropScope`, :class:`Amend`, :class:`Archive`. A store applies them in order, all or
nothing.
"""

from __future__ import annotations

import contextvars
import operator
import typing
from collections.abc import Callable, Container, Iterable, Iterator, Sequence

from .conditions import AllOf, AnyOf, Condition, Where, Within, matches
from .edits import Edit, edited
from .entities import GUILDS, JOINED, OWNED
from .model import Entity, Key, Origin, Payload, Record

__all__ = (
    "ENTITY_OF",
    "KEY_OF",
    "REFUSED",
    "Amend",
    "Archive",
    "Change",
    "Drop",
    "DropScope",
    "Keeps",
    "KeyedChange",
    "Patch",
    "Put",
    "ScopeChange",
    "archived",
    "cascade",
    "fold",
    "forgetting",
    "forgetting_guild",
    "needs_parts",
    "undecided",
)


class Keeps(typing.Protocol):
    """Decides what to keep of the record that a change makes. This is how rules reach what only a store knows."""

    @property
    def whole(self) -> bool:
        """Whether it needs the record's parts that are stored under their own kinds."""
        ...

    def __call__(self, known: Record | None, made: Record) -> Record | None:
        """Return what to store instead of ``made``; ``None`` to forget the record."""
        ...


REFUSED: contextvars.ContextVar[set[tuple[Entity[typing.Any], Key]] | None] = contextvars.ContextVar(
    "persist refused", default=None
)
"""Collects what is rejected while changes are really made; unset while one only looks ahead."""


class Put(Record):
    """Store a record, replacing any with the same key. It is itself the record, as nearly every event makes one.

    Parameters
    ----------
    record
        The record to store.
    """

    __slots__ = ()

    def __new__(cls, record: Record) -> typing.Self:
        """Make the change from a record."""
        return tuple.__new__(cls, record)

    @classmethod
    def of(cls, entity: Entity[typing.Any], payload: Payload, guild_id: int | None, origin: Origin) -> typing.Self:
        """Make the change that stores a payload, as :meth:`Entity.record` makes the record."""
        if entity.secrets:
            payload = entity.kept(payload)
        return tuple.__new__(cls, (entity, entity.identify(payload, guild_id), guild_id, payload, origin, None, 0))

    @classmethod
    def all_of(
        cls, entity: Entity[typing.Any], payloads: Iterable[Payload], guild_id: int | None, origin: Origin
    ) -> list[typing.Self]:
        """Make the changes that store many payloads; members arrive by the thousand."""
        new, identify = tuple.__new__, entity.identify
        if entity.secrets:
            payloads = map(entity.kept, payloads)
        return [new(cls, (entity, identify(each, guild_id), guild_id, each, origin, None, 0)) for each in payloads]

    @property
    def record(self) -> Record:
        """The record to store."""
        return self


class Patch(typing.NamedTuple):
    """Change part of a record. If it does not exist, this is a no-op unless ``create`` is true."""

    entity: Entity[typing.Any]
    key: Key
    guild_id: int | None
    edits: tuple[Edit, ...]
    origin: Origin
    create: bool = False
    keeps: Keeps | None = None

    @classmethod
    def of(
        cls,
        entity: Entity[typing.Any],
        key: Key,
        guild_id: int | None,
        edits: tuple[Edit, ...],
        origin: Origin,
        *,
        create: bool = False,
    ) -> typing.Self:
        """Make a change without ``keeps``, in a third of the time: each message makes several."""
        return tuple.__new__(cls, (entity, key, guild_id, edits, origin, create, None))


class Drop(typing.NamedTuple):
    """Forget one record. If there is none, this is a no-op."""

    entity: Entity[typing.Any]
    key: Key
    guild_id: int | None = None


class DropScope(typing.NamedTuple):
    """Forget every record of a kind in a guild, or anywhere for ``None``, that meets ``where``."""

    entity: Entity[typing.Any]
    guild_id: int | None
    where: Where = ()


class Amend(typing.NamedTuple):
    """Change part of every record of a kind in a guild that meets ``where``."""

    entity: Entity[typing.Any]
    guild_id: int | None
    where: Where
    edits: tuple[Edit, ...]
    origin: Origin
    keeps: Keeps | None = None


class Archive(typing.NamedTuple):
    """Copy every record of a kind in a guild that meets ``where`` into another kind, as versions."""

    entity: Entity[typing.Any]
    guild_id: int | None
    where: Where
    into: Entity[typing.Any]
    """The kind of the versions; their keys come from the payloads."""

    at: str
    """When, in the format of a ``time`` column."""


KeyedChange = Put | Patch | Drop
ScopeChange = DropScope | Amend | Archive
Change = KeyedChange | ScopeChange


ENTITY_OF: typing.Final[Callable[[Change], Entity[typing.Any]]] = operator.attrgetter("entity")
KEY_OF: typing.Final[Callable[[Record | KeyedChange], Key]] = operator.attrgetter("key")
"""The kind and the key of a change, for loops over so many that a function of ours would cost too much."""


def covers(change: ScopeChange, record: Record) -> bool | None:
    """Return whether a change of a scope covers a record; ``None`` if only a store can tell."""
    if record.entity is not change.entity or (change.guild_id is not None and record.guild_id != change.guild_id):
        return False
    return matches(change.where, record.column)


def archived(record: Record, change: Archive) -> Record:
    """Return the version that preserves a record: first seen when that was sent, and updated when it was replaced."""
    version = change.into.record(record.payload, record.guild_id, record.origin._replace(at=change.at))
    return version._replace(first_seen=record.origin.at)


def fold(record: Record | None, change: Change) -> Record | None:
    """Return what a change makes of the record of one key, which it names or may cover.

    This defines the meaning of all changes; the journal and stores only differ in how many records they process at
    once.
    """
    match change:
        case Put():
            return change
        case Drop():
            return None
        case Patch(entity, key, guild_id, edits, origin, create, keeps):
            if record is not None:
                return _kept(keeps, record, record._replace(payload=edited(record.payload, edits), origin=origin))
            return _kept(keeps, None, Record(entity, key, guild_id, edited({}, edits), origin)) if create else None
        case Archive():
            return record
        case DropScope():
            return None if record is not None and covers(change, record) else record
        case Amend(_, _, _, edits, origin, keeps):
            if record is None or not covers(change, record):
                return record
            payload = edited(record.payload, edits)
            if payload is record.payload:
                return record
            return _kept(keeps, record, record._replace(payload=payload, origin=origin))


def _kept(keeps: Keeps | None, known: Record | None, made: Record) -> Record | None:
    return made if keeps is None else keeps(known, made)


def needs_parts(change: Change, known: Record | None) -> bool:
    """Return whether a change cannot be made from what is known, as parts stored under their own kinds are missing."""
    if not isinstance(change, (Patch, Amend)) or change.keeps is None or not change.keeps.whole:
        return False
    return known is None or not change.entity.joins.keys() <= known.payload.keys()


def undecided(record: Record | None, changes: Iterable[Change]) -> bool:
    """Return whether only a store can tell what changes that it does not have yet make of a stored record."""
    for change in changes:
        if isinstance(change, (DropScope, Amend)) and record is not None and covers(change, record) is None:
            return True
        if needs_parts(change, record):
            return True
        record = fold(record, change)
    return False


def cascade(entity: Entity[typing.Any], guild_id: int | None, where: Where) -> Iterator[DropScope | Drop]:
    """Yield the deletions of everything that belongs to some records, deepest first, to apply before they are dropped.

    Parameters
    ----------
    entity, guild_id, where
        The scope of the owners that are about to be dropped.
    """
    for child, on in OWNED[entity]:
        scope = _belonging(on, entity, guild_id, where)
        if on != ("guild_id",):  # what belongs to things of a guild belongs to the guild itself too
            yield from cascade(child, guild_id, scope)
        if (key := _exact(child, guild_id, scope)) is not None:
            yield Drop(child, key, guild_id)
        else:
            yield DropScope(child, guild_id, scope)


def _belonging(on: tuple[str, ...], owner: Entity[typing.Any], guild_id: int | None, where: Where) -> Where:
    """Return the conditions for records whose columns ``on`` are the key of an owner that meets ``where``."""
    here = dict(zip(owner.key, on, strict=True))
    if where and all(_names(condition, here) for condition in where):
        # Conditions on the keys of owners apply to the columns of what belongs to them.
        renamed = (c._replace(column=here[c.column]) for c in where if isinstance(c, Condition))
        return tuple(c for c in renamed if guild_id is None or c.column != "guild_id")
    return (Within(on, owner, where if guild_id is None else (Condition("guild_id", "equals", guild_id), *where)),)


def _names(condition: object, columns: Container[str]) -> bool:
    return isinstance(condition, Condition) and condition.test in ("equals", "is_in") and condition.column in columns


def _exact(entity: Entity[typing.Any], guild_id: int | None, where: Where) -> Key | None:
    """Return the key that ``where`` allows, if it is exactly one."""
    parts: dict[str, typing.Any] = {} if guild_id is None else {"guild_id": guild_id}
    for condition in where:
        if not (isinstance(condition, Condition) and condition.test == "equals"):
            return None
        parts[condition.column] = condition.value
    if parts.keys() - {"guild_id"} != set(entity.key) - {"guild_id"} or not parts.keys() >= set(entity.key):
        return None
    return tuple(parts[name] for name in entity.key)


def forgetting_guild(guild_id: int) -> Iterator[DropScope | Drop]:
    """Yield the changes that forget a guild with everything in it."""
    for entity, _ in OWNED[GUILDS]:
        yield DropScope(entity, guild_id)
    yield Drop(GUILDS, (guild_id,), guild_id)


def forgetting(entity: Entity[typing.Any], keys: Sequence[Key]) -> Iterator[Change]:
    """Yield the changes that forget some records, what belongs to them, and what cannot be decoded without them."""
    if not keys:
        return
    where = (_one_of(entity, keys),)
    yield from cascade(entity, None, where)
    for child, on in JOINED[entity]:
        if (child, on) not in OWNED[entity]:
            scope = _belonging(on, entity, None, where)
            yield from cascade(child, None, scope)
            yield DropScope(child, None, scope)
    for key in keys:
        yield Drop(entity, key)


def _one_of(entity: Entity[typing.Any], keys: Sequence[Key]) -> Condition | AnyOf:
    *firsts, last = entity.key
    groups: dict[Key, list[int | str]] = {}
    for key in keys:
        groups.setdefault(key[:-1], []).append(key[-1])
    if not firsts:
        return Condition(last, "is_in", tuple(groups[()]))
    return AnyOf(
        tuple(
            AllOf((*map(_equal, firsts, start), Condition(last, "is_in", tuple(ends))))
            for start, ends in groups.items()
        )
    )


def _equal(name: str, value: int | str) -> Condition:
    return Condition(name, "equals", value)
