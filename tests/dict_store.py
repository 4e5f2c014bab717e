"""The simplest store: dictionaries of JSON. It implements the contract literally, and nothing else."""

from __future__ import annotations

import asyncio
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence

import orjson

from persist import joining
from persist.changes import Amend, Archive, Change, DropScope, archived, fold
from persist.conditions import AllOf, AnyOf, Conditional, Known, Not, Where, Within, matches
from persist.errors import BackendError
from persist.model import Entity, Key, Origin, Record
from persist.schema import row_of, table_of
from persist.spi import Order, Page, Select

__all__ = ("DictStore", "Place")

AnyEntity = Entity[typing.Any]
Place = dict[AnyEntity, dict[Key, Record]]
"""The data that all stores of one place share."""


class DictStore:
    """Keeps records in a `Place`."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._open = False

    async def open(self) -> None:
        self._open = True

    async def close(self) -> None:
        self._open = False

    async def apply(self, changes: Sequence[Change]) -> None:
        await self._turn()
        draft = {entity: dict(records) for entity, records in self._place.items()}
        for change in changes:
            if isinstance(change, Archive):
                for key in self._found(draft, draft.get(change.entity, {}), change.guild_id, change.where):
                    version = archived(draft[change.entity][key], change)
                    self._set(draft.setdefault(change.into, {}), version.key, version)
                continue
            if not isinstance(change, (DropScope, Amend)):
                (change,) = await joining.complete((change,), self._parts(draft))  # noqa: PLW2901
            records = draft.setdefault(change.entity, {})
            if isinstance(change, (DropScope, Amend)):
                for key in self._found(draft, records, change.guild_id, change.where):
                    (record,) = await joining.whole((records[key],), self._parts(draft))
                    self._set(records, key, fold(record, change._replace(where=())))
            else:
                self._set(records, change.key, fold(records.get(change.key), change))
        self._place |= draft

    def _parts(self, place: Place) -> joining.Parts:
        async def parts(entity: AnyEntity, keys: Iterable[Key]) -> Mapping[Key, Record]:
            records = place.get(entity, {})
            return {key: records[key] for key in keys if key in records}

        return parts

    def _set(self, records: dict[Key, Record], key: Key, new: Record | None) -> None:
        old = records.pop(key, None)
        if new is not None:
            row = dict(zip((field.name for field in table_of(new.entity).fields), row_of(new), strict=True))
            new = new._replace(
                payload=orjson.loads(row["payload"]), first_seen=row["first_seen"], revision=row["revision"]
            )
            if old is not None:
                new = new._replace(first_seen=old.first_seen, revision=old.revision + 1)
            records[key] = old if old is not None and old.payload == new.payload else new

    async def select(self, query: Select) -> Page:
        await self._turn()
        records = self._place.get(query.entity, {})
        if query.keys is not None:
            records = {key: records[key] for key in query.keys if key in records}
        found = [records[key] for key in self._found(self._place, records, query.guild_id, query.where)]
        if query.want == "count":
            return Page((), count=len(found))
        order = _total(query)
        for column, down in reversed(order):
            found.sort(key=lambda record: _rank(record.column(column)), reverse=down)
        found = [record for record in found if query.after is None or _is_after(order, record, query.after)]
        more = query.limit is not None and len(found) >= query.limit
        found = found[: query.limit]
        after = tuple(found[-1].column(name) for name, _ in order) if more else None
        return Page([_asked(query, record) for record in found], after, len(found))

    async def _turn(self) -> None:
        await asyncio.sleep(0)
        if not self._open:
            raise BackendError("the store is not open")

    def _found(self, place: Place, records: dict[Key, Record], guild_id: int | None, where: Where) -> list[Key]:
        scope = [record for record in records.values() if guild_id in (None, record.guild_id)]
        return [record.key for record in scope if self._holds(place, AllOf(where), record.column)]

    def _holds(self, place: Place, condition: Conditional, column: Callable[[str], typing.Any]) -> bool:
        match condition:
            case Within(columns, owner, where, theirs):
                others = place.get(owner, {})
                found = (others[key] for key in self._found(place, others, None, where))
                theirs = theirs or tuple(owner.key)
                return tuple(map(column, columns)) in {tuple(map(other.column, theirs)) for other in found}
            case Known(other, key):
                return key in place.get(other, {})
            case Not(inner):
                return not self._holds(place, inner, column)
            case AnyOf(options):
                return any(self._holds(place, option, column) for option in options)
            case AllOf(parts):
                return all(self._holds(place, part, column) for part in parts)
        return bool(matches((condition,), column))


def _asked(query: Select, record: Record) -> Record:
    if query.want == "keys":
        return record._replace(payload={})
    return record if query.metadata else record._replace(origin=Origin("stored", None, 0, record.origin.at))


def _total(query: Select) -> list[Order]:
    down = bool(query.order) and query.order[-1].descending
    return [*query.order, *(Order(name, down) for name in query.entity.key)]


def _rank(value: typing.Any) -> tuple[bool, typing.Any]:
    return (value is not None, 0 if value is None else value)


def _is_after(order: Sequence[Order], record: Record, after: Sequence[typing.Any]) -> bool:
    for (column, down), value in zip(order, after, strict=True):
        here, there = _rank(record.column(column)), _rank(value)
        if here != there:
            return (here < there) if down else (here > there)
    return False
