"""The simplest implementation of changes: a store that is a dict, and makes one change after the other."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping, Sequence

from persist.changes import Amend, Archive, Change, DropScope, archived, fold
from persist.conditions import AllOf, AnyOf, Condition, Conditional, Known, Not, Where, Within, matches
from persist.model import Entity, Key, Record
from persist.spi import Page, Select

__all__ = ("PlainStore",)

Place = tuple[Entity[typing.Any], Key]


class PlainStore:
    """Keeps records in a dict. It supports neither order nor pages, only queries by key and for entire kinds."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.records: dict[Place, Record] = {(record.entity, record.key): record for record in records}

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def apply(self, changes: Sequence[Change]) -> None:
        self.make(changes)

    async def select(self, query: Select) -> Page:
        found = [
            record
            for (entity, key), record in self.records.items()
            if entity is query.entity
            and (query.keys is None or key in query.keys)
            and self._in(query.guild_id, record)
            and self._all(query.where, record)
        ]
        return Page(found, count=len(found))

    def make(self, changes: Iterable[Change]) -> None:
        """Make changes in their order."""
        for change in changes:
            if isinstance(change, Archive):
                self._archive(change)
            elif isinstance(change, DropScope | Amend):
                self._make_in_scope(change)
            else:
                place = (change.entity, change.key)
                self._set(place, fold(self.records.get(place), change))

    def _archive(self, change: Archive) -> None:
        for (entity, _), record in list(self.records.items()):
            inside = entity is change.entity and self._in(change.guild_id, record)
            if inside and self._all(change.where, record):
                version = archived(record, change)
                self._set((version.entity, version.key), version)

    def _make_in_scope(self, change: DropScope | Amend) -> None:
        covered = [
            (place, record)
            for place, record in self.records.items()
            if place[0] is change.entity and self._in(change.guild_id, record) and self._all(change.where, record)
        ]
        for place, record in covered:
            # Which records are in the scope is already decided; only the effect on each is left.
            self._set(place, fold(record, change._replace(guild_id=None, where=())))

    def _set(self, place: Place, record: Record | None) -> None:
        if record is None:
            self.records.pop(place, None)
        else:
            self.records[place] = record

    @staticmethod
    def _in(guild_id: int | None, record: Record) -> bool:
        return guild_id is None or record.guild_id == guild_id

    def _all(self, where: Where, record: Record) -> bool:
        return all(self._holds(condition, record) for condition in where)

    def _holds(self, condition: Conditional, record: Record) -> bool:
        match condition:
            case Condition():
                return matches((condition,), record.column) is True
            case Not(inner):
                return not self._holds(inner, record)
            case AnyOf(options):
                return any(self._holds(option, record) for option in options)
            case AllOf(parts):
                return self._all(parts, record)
            case Within(columns, owner, where, ()):
                found = self.records.get((owner, tuple(record.column(name) for name in columns)))
                return found is not None and self._all(where, found)
            case Within((column,), owner, where, (name,)):
                value = record.column(column)
                some = (other for (kind, _), other in self.records.items() if kind is owner)
                return any(other.column(name) == value and self._all(where, other) for other in some)
            case Known(entity, key):
                return (entity, key) in self.records
            case _:
                raise NotImplementedError(condition)

    @property
    def payloads(self) -> Mapping[Place, tuple[int | None, typing.Any]]:
        """The payloads and guilds of all records, without their origins."""
        return {place: (record.guild_id, dict(record.payload)) for place, record in self.records.items()}
