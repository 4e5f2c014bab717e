"""The tier in front of the store: recently requested objects, kept up to date by changes that are not stored yet.

It only sees what passes through this process's journal. So it only answers for data that no other process writes: the
objects of guilds whose shards run in this process and, if all shards do, everything else. Every entry is read from the
store again after a minute, in case somebody edits the database by hand.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import time
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence

import orjson

from .changes import Amend, Archive, Change, DropScope, ScopeChange, covers, fold, needs_parts
from .conditions import AllOf, AnyOf, Condition, Conditional, Known, Not
from .copies import copied, learn
from .gauges import Gauges
from .model import Entity, Key, Payload, Record
from .recent import EACH, PER_BYTE, Recent

__all__ = ("Kept", "Memory")

AnyEntity = Entity[typing.Any]
Name = tuple[AnyEntity, Key]

_MIB: typing.Final = 1 << 20
_BELIEVED_FOR: typing.Final = 60.0
"""Seconds after which an entry is read from the store again."""

_SCOPES_NOTED: typing.Final = 64
"""Scope changes to remember per kind. An entry that is further behind than that is read again."""

_MOST_VALUES: typing.Final = 1000
"""The most values that a remembered change may list. A change that lists all members of a large guild is too big."""


class Kept:
    """An object that is kept, or known to be missing.

    Attributes
    ----------
    record
        The record in its current state; ``None`` if there is none.
    payload
        The record's payload. It becomes another object if, and only if, it changes.
    made
        The hikari object, once the entry is requested again; ``None`` otherwise.
    parts
        The other objects that ``made`` contains, and their payloads.
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
    """The latest scope changes of one kind, and how many there have been."""

    __slots__ = ("count", "last")

    def __init__(self) -> None:
        self.count: int = 0
        self.last: collections.deque[ScopeChange] = collections.deque(maxlen=_SCOPES_NOTED)


class Memory:
    """Keeps recently requested objects, up to a size limit.

    Parameters
    ----------
    size
        The limit in MiB, as estimated: 600 bytes per object plus four for each byte of its JSON.
    is_ours
        Returns whether only this process writes data of a guild, or of no guild.
    gauges
        The counters for the size and for evicted entries.

    Attributes
    ----------
    recent
        What it holds, and how much.
    """

    def __init__(self, size: float, is_ours: Callable[[int | None], bool], gauges: Gauges) -> None:
        self._is_ours = is_ours
        self.recent: Recent = Recent(int(size * _MIB), gauges)
        self._kept = typing.cast("Mapping[Name, Kept]", self.recent.things)  # others have longer names
        self._scopes: dict[AnyEntity, _Scopes] = {}
        self.catch_up: Callable[[], None] = lambda: None
        """Makes all deferred changes arrive here."""

    # -------------------------------------------------------------------------------------------------------- asking

    def recall(self, entity: AnyEntity, key: Key) -> Kept | None:
        """Return the current entry of a key; ``None`` if only the store can answer."""
        self.catch_up()
        kept = self._recall((entity, key))
        return kept if kept is not None and kept.ours else None

    def _recall(self, name: Name) -> Kept | None:
        kept = self._kept.get(name)
        if kept is None:
            return None
        if kept.until < time.monotonic() or not self._catches_up(name, kept):
            self.recent.drop(name)
            return None
        self.recent.things.move_to_end(name)
        return kept

    def thing(self, kept: Kept) -> typing.Any:
        """Return a copy of the entry's hikari object; ``None`` if it must be made, or made again."""
        if kept.made is None:
            return None
        for name, payload in kept.parts:
            part = self._recall(name)
            if part is None or part.payload is not payload:
                kept.made = None
                return None
        return copied(kept.made)

    def whole(self, kept: Kept) -> tuple[Record, Sequence[tuple[Name, Payload | None]]] | None:
        """Return the entry's record with its parts, and the list of these; ``None`` if any part is missing here."""
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
            if part is None:
                return None
            parts.append((name, part.payload))
            if part.record is None:  # rules may keep it out although it came with the record
                payload = {name: value for name, value in payload.items() if name != field}
            else:
                inside = self._joined(part.record, parts)
                if inside is None:
                    return None
                payload = {**payload, field: inside}
        return payload

    # ------------------------------------------------------------------------------------------------------- keeping

    def keep(self, entity: AnyEntity, key: Key, record: Record | None) -> Kept:
        """Keep something that has just been read. There must be no ``await`` between reading it and this call."""
        guild_id = record.guild_id if record is not None else _guild_of(entity, key)
        scopes = self._scopes.get(entity)
        kept = Kept(record, scopes.count if scopes else 0, ours=self._is_ours(guild_id))
        self.recent.put((entity, key), kept)
        return kept

    def remake(self, kept: Kept, made: object, parts: Sequence[tuple[Name, Payload | None]]) -> None:
        """Keep the hikari object of an entry that was requested again, just made from its parts."""
        learn(made)
        kept.made = copied(made)
        kept.parts = parts

    def note(self, changes: Iterable[Change]) -> None:
        """Apply changes that the journal has just accepted."""
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
        with contextlib.suppress(Exception):  # the change is impossible; storing it will fail, too, and report why
            if self._catches_up(name, kept) and not needs_parts(change, kept.record):
                self._become(kept, fold(kept.record, change))
                return
        self.recent.drop(name)

    def forget(self, entity: AnyEntity, key: Key) -> None:
        """Forget the entry of a key."""
        self.recent.drop((entity, key))

    def clear(self) -> None:
        """Forget everything, because changes that the journal had accepted will never be stored."""
        self.recent.clear()

    # ------------------------------------------------------------------------------------------------------ inside

    def _catches_up(self, name: Name, kept: Kept) -> bool:
        """Apply the scope changes that the entry has missed; return whether that was possible without the store."""
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
        self.recent.resize(kept, _size(kept.payload))


def _size(payload: Payload | None) -> int:
    return EACH if payload is None else EACH + PER_BYTE * len(orjson.dumps(payload))


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
    """Return a change of the same scope whose effect only the store can determine."""
    return DropScope(change.entity, change.guild_id, (Known(change.entity, ()),))


def _guild_of(entity: AnyEntity, key: Key) -> int | None:
    guild_id = dict(zip(entity.key, key, strict=True)).get("guild_id")
    return guild_id if isinstance(guild_id, int) else None
