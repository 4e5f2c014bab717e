"""The tier in front of the store: what was asked for lately, kept as it is now by the changes that are on their way.

It only knows what the journal has seen. So it answers for what no other process writes: the things of guilds whose
shards this process runs and, where it runs all of them, everything else. And whatever it knows, it asks the store again
after a minute, for whoever changes a database by hand.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import time
import typing
from collections.abc import Callable, Iterable, Sequence

import orjson

from .changes import Amend, Archive, Change, DropScope, ScopeChange, covers, fold, needs_parts
from .conditions import AllOf, AnyOf, Condition, Conditional, Known, Not
from .copies import copied, learn
from .gauges import Gauges
from .model import Entity, Key, Payload, Record

__all__ = ("Kept", "Memory")

AnyEntity = Entity[typing.Any]
Name = tuple[AnyEntity, Key]

_MIB: typing.Final = 1 << 20
_BELIEVED_FOR: typing.Final = 60.0
"""Seconds after which the store is asked again."""

_SCOPES_NOTED: typing.Final = 64
"""Changes of scopes that are noted of a kind. What was kept before more of them is read anew."""

_MOST_VALUES: typing.Final = 1000
"""Values that a noted change may name. One that names all members of a large guild is too much to hold on to."""

_EACH: typing.Final = 600
_PER_BYTE: typing.Final = 4
"""What a kept thing takes besides, and for each byte of its JSON: as objects in memory, of ours and of hikari's."""


class Kept:
    """One thing that is kept, or that is known not to be there.

    Attributes
    ----------
    record
        The record as it is now; ``None`` if there is none.
    payload
        That of the record. It is another object if, and only if, it has changed.
    made
        The hikari object, once it has been asked for again; ``None`` otherwise.
    parts
        What else that was made of, and the payloads of these.
    """

    __slots__ = ("made", "ours", "parts", "payload", "record", "seen", "size", "until")

    def __init__(self, record: Record | None, seen: int, *, ours: bool) -> None:
        self.record: Record | None = record
        self.payload: Payload | None = None if record is None else record.payload
        self.made: object = None
        self.parts: Sequence[tuple[Name, Payload | None]] = ()
        self.ours: bool = ours
        self.seen: int = seen
        self.size: int = _size(self.payload)
        self.until: float = time.monotonic() + _BELIEVED_FOR


class _Scopes:
    """The last changes of scopes of one kind, and how many there have been."""

    __slots__ = ("count", "last")

    def __init__(self) -> None:
        self.count: int = 0
        self.last: collections.deque[ScopeChange] = collections.deque(maxlen=_SCOPES_NOTED)


class Memory:
    """Keeps what was asked for lately, up to a size.

    Parameters
    ----------
    size
        How many MiB it may take, as estimated: 600 bytes for each thing and four for each byte of its JSON.
    is_ours
        Tells whether all that is written of a guild, or of no guild, is written by this process.
    gauges
        Where its size, and what it gives up, is counted.
    """

    def __init__(self, size: float, is_ours: Callable[[int | None], bool], gauges: Gauges) -> None:
        self._most = int(size * _MIB)
        self._is_ours = is_ours
        self._gauges = gauges
        self._kept: collections.OrderedDict[Name, Kept] = collections.OrderedDict()
        self._scopes: dict[AnyEntity, _Scopes] = {}
        self._size = 0
        self.catch_up: Callable[[], None] = lambda: None
        """Has everything noted that has been heard."""

    # -------------------------------------------------------------------------------------------------------- asking

    def recall(self, entity: AnyEntity, key: Key) -> Kept | None:
        """Return what is kept of a key, as it is now; ``None`` if only the store can tell."""
        self.catch_up()
        kept = self._recall((entity, key))
        return kept if kept is not None and kept.ours else None

    def _recall(self, name: Name) -> Kept | None:
        kept = self._kept.get(name)
        if kept is None:
            return None
        if kept.until < time.monotonic() or not self._catches_up(name, kept):
            self._drop(name)
            return None
        self._kept.move_to_end(name)
        return kept

    def thing(self, kept: Kept) -> typing.Any:
        """Return a copy of the hikari object of something kept; ``None`` if it has to be made, or made anew."""
        if kept.made is None:
            return None
        for name, payload in kept.parts:
            part = self._recall(name)
            if part is None or part.payload is not payload:
                kept.made = None
                return None
        return copied(kept.made)

    def whole(self, kept: Kept) -> tuple[Record, Sequence[tuple[Name, Payload | None]]] | None:
        """Return a kept record with its parts, and which these are; ``None`` if not all of them are kept."""
        if kept.record is None:
            return None
        parts: list[tuple[Name, Payload | None]] = []
        payload = self._joined(kept.record, parts)
        return None if payload is None else (kept.record._replace(payload=payload), parts)

    def _joined(self, record: Record, parts: list[tuple[Name, Payload | None]]) -> Payload | None:
        payload = record.payload
        for field, join in record.entity.joins.items():
            name = (join.entity, tuple(record.column(column) for column in join.on))
            part = self._recall(name)
            if part is None or (part.record is None and field in payload):
                return None
            parts.append((name, part.payload))
            if part.record is not None:
                inside = self._joined(part.record, parts)
                if inside is None:
                    return None
                payload = {**payload, field: inside}
        return payload

    # ------------------------------------------------------------------------------------------------------- keeping

    def keep(self, entity: AnyEntity, key: Key, record: Record | None) -> Kept:
        """Keep what has just been read: there must be no ``await`` between its reading and this."""
        name = (entity, key)
        self._drop(name)
        guild_id = record.guild_id if record is not None else _guild_of(entity, key)
        scopes = self._scopes.get(entity)
        kept = Kept(record, scopes.count if scopes else 0, ours=self._is_ours(guild_id))
        self._kept[name] = kept
        self._grow(kept.size)
        return kept

    def remake(self, kept: Kept, made: object, parts: Sequence[tuple[Name, Payload | None]]) -> None:
        """Keep the hikari object of something that is asked for again, as it was just made of its parts."""
        learn(made)
        kept.made = copied(made)
        kept.parts = parts

    def note(self, changes: Iterable[Change]) -> None:
        """Make changes of what is kept: those that the journal has just taken."""
        if self._kept:
            for change in changes:
                self._note(change)

    def _note(self, change: Change) -> None:
        if isinstance(change, (DropScope, Amend, Archive)):
            scopes = self._scopes.setdefault(change.into if isinstance(change, Archive) else change.entity, _Scopes())
            scopes.count += 1
            plain = isinstance(change, Archive) or _weight(change.where) <= _MOST_VALUES
            scopes.last.append(change if plain else _unclear(change))
            return
        name = (change.entity, change.key)
        kept = self._kept.get(name)
        if kept is None:
            return
        with contextlib.suppress(Exception):  # it cannot be changed, and whoever stores it refuses it and says why
            if self._catches_up(name, kept) and not needs_parts(change, kept.record):
                self._become(kept, fold(kept.record, change))
                return
        self._drop(name)

    def forget(self, entity: AnyEntity, key: Key) -> None:
        """Forget what is kept of a key."""
        self._drop((entity, key))

    def clear(self) -> None:
        """Forget everything: what the journal had taken did not come to be."""
        self._kept.clear()
        self._size = 0
        self._gauges.memory_size = 0

    # ------------------------------------------------------------------------------------------------------ inside

    def _catches_up(self, name: Name, kept: Kept) -> bool:
        """Make the changes of scopes that have come since; tell whether that could be done without the store."""
        scopes = self._scopes.get(name[0])
        if scopes is None or kept.seen == scopes.count:
            return True
        behind = scopes.count - kept.seen
        if behind > len(scopes.last):
            return False
        kept.seen = scopes.count
        for change in itertools.islice(scopes.last, len(scopes.last) - behind, None):
            if isinstance(change, Archive):
                return False
            if kept.record is None:
                break
            covered = covers(change, kept.record)
            if covered is None or (covered and needs_parts(change, kept.record)):
                return False
            if covered:
                self._become(kept, fold(kept.record, change))
        return True

    def _become(self, kept: Kept, record: Record | None) -> None:
        if record is not None and record.payload == kept.payload:
            kept.record = record._replace(payload=kept.payload)
            return
        kept.record = record
        kept.payload = None if record is None else record.payload
        kept.made = None
        size = _size(kept.payload)
        grown, kept.size = size - kept.size, size
        self._grow(grown)

    def _drop(self, name: Name) -> None:
        kept = self._kept.pop(name, None)
        if kept is not None:
            self._size -= kept.size

    def _grow(self, size: int) -> None:
        self._size += size
        while self._size > self._most:
            (entity, _), kept = self._kept.popitem(last=False)
            self._size -= kept.size
            self._gauges.memory_evicted[entity.name] += 1
        self._gauges.memory_size = self._size


def _size(payload: Payload | None) -> int:
    return _EACH if payload is None else _EACH + _PER_BYTE * len(orjson.dumps(payload))


def _weight(where: Iterable[Conditional]) -> int:
    weight = 0
    for condition in where:
        match condition:
            case Not(inner):
                weight += _weight((inner,))
            case AnyOf(parts) | AllOf(parts):
                weight += _weight(parts)
            case Condition(_, "is_in", values):
                weight += len(values)
            case _:
                weight += 1
    return weight


def _unclear(change: ScopeChange) -> DropScope:
    """Return a change of the same scope of which only the store can tell what it reaches."""
    return DropScope(change.entity, change.guild_id, (Known(change.entity, ()),))


def _guild_of(entity: AnyEntity, key: Key) -> int | None:
    guild_id = dict(zip(entity.key, key, strict=True)).get("guild_id")
    return guild_id if isinstance(guild_id, int) else None
