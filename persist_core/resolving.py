"""Applying changes and answering queries in Python, for stores whose databases can do neither.

Such a store only reads records by key or by guild, and writes complete records. What changes mean, which records meet
conditions, and how pages continue is implemented here. SQL stores need none of this.
"""

from __future__ import annotations

import asyncio
import typing
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

import orjson

from . import joining
from .changes import Amend, Archive, Change, Drop, DropScope, KeyedChange, Patch, Put, ScopeChange, archived, fold
from .conditions import Condition, Where, Within, matches, withins
from .model import Entity, Key, Origin, Record
from .schema import row_of, table_of
from .spi import Order, Page, Select

__all__ = ("Outcome", "Read", "answered", "resolved")

AnyEntity = Entity[typing.Any]
_SLICE: typing.Final = 250
_MOST_KEYS: typing.Final = 1000

Read = Callable[[Select], Awaitable[Page]]
"""Reads complete records with their metadata: those with at most 1,000 ``keys``, those of one ``guild_id``, or all of a
kind. Nothing else in the query is set, and the order does not matter."""


class Outcome(typing.NamedTuple):
    """What changes make of one record."""

    entity: AnyEntity
    key: Key
    before: Record | None
    """The stored record; ``None`` if there is none."""

    after: Record | None
    """The record to store; ``None`` to delete it."""


async def resolved(changes: Sequence[Change], read: Read) -> Sequence[Outcome]:
    """Return what changes make of each record that they affect, leaving out records that stay the same.

    Parameters
    ----------
    changes
        The argument of :meth:`persist.Store.apply`.
    read
        Reads stored records. Everything that it returns must be from one moment, and hold until the outcome is written.

    Raises
    ------
    TypeError, ValueError
        If a record cannot be stored, because it is not JSON or a column cannot be read. Nothing must be written then.
    """
    draft = _Draft(read)
    await draft.fetch(change for change in changes if isinstance(change, (Put, Patch, Drop)))
    for number, change in enumerate(changes):
        if isinstance(change, Archive):
            await draft.archive(change)
        elif isinstance(change, (DropScope, Amend)):
            await draft.scope(change)
        else:
            await draft.keyed(change)
        if number % _SLICE == _SLICE - 1:
            await asyncio.sleep(0)
    return draft.outcomes()


async def answered(query: Select, read: Read) -> Page:
    """Answer a query by reading everything that may match it.

    Parameters
    ----------
    query
        The argument of :meth:`persist.Store.select`.
    read
        Reads stored records. If it is called more than once, everything that it returns must be from one moment.
    """
    guild_id = _guild_of(query.guild_id, query.where)
    page = await read(Select(query.entity, keys=query.keys, guild_id=guild_id if query.keys is None else None))
    owners = await _owners(query.where, read)
    where = query.where if query.guild_id is None else (Condition("guild_id", "equals", query.guild_id), *query.where)
    found = [record for record in page.records if matches(where, record.column, owners)]
    if query.want == "count":
        return Page((), count=len(found))
    down = bool(query.order) and query.order[-1].descending
    order = [*query.order, *(Order(name, down) for name in query.entity.key)]
    for column, descending in reversed(order):
        found.sort(key=lambda record: _rank(record.column(column)), reverse=descending)
    if query.after is not None:
        found = [record for record in found if _is_after(order, record, query.after)]
    more = query.limit is not None and len(found) >= query.limit
    found = found[: query.limit]
    after = tuple(found[-1].column(name) for name, _ in order) if more and found else None
    return Page([_asked(query, record) for record in found], after, len(found), page.corrupt)


class _Draft:
    """The state of records while the changes of a batch are made one after the other."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._before: dict[AnyEntity, dict[Key, Record]] = {}
        self._now: dict[AnyEntity, dict[Key, Record | None]] = {}

    async def fetch(self, changes: typing.Iterable[KeyedChange]) -> None:
        """Read all records that changes name, before the first change."""
        named: dict[AnyEntity, dict[Key, None]] = {}
        for change in changes:
            named.setdefault(change.entity, {})[change.key] = None
        for entity, keys in named.items():
            asked = tuple(keys)
            for start in range(0, len(asked), _MOST_KEYS):
                page = await self._read(Select(entity, keys=asked[start : start + _MOST_KEYS], metadata=True))
                self._before.setdefault(entity, {}).update((record.key, record) for record in page.records)

    async def keyed(self, change: KeyedChange) -> None:
        """Make a change of one key."""
        if isinstance(change, Patch) and change.keeps is not None:
            (change,) = await joining.complete((change,), self._parts)
        now = self._now.setdefault(change.entity, {})
        before = self._before.get(change.entity, {}).get(change.key)
        now[change.key] = _stored(now.get(change.key, before), change)

    async def archive(self, change: Archive) -> None:
        """Make versions of many records as they are now."""
        for record in await self._reached(change, await self._all(change)):
            await self.put(archived(record, change))

    async def put(self, record: Record) -> None:
        """Store a record, which may exist already."""
        await self.fetch((Put(record),))
        await self.keyed(Put(record))

    async def _all(self, change: ScopeChange) -> Sequence[Record]:
        """Return the records that may be in a scope, both stored ones and those that this batch has made."""
        return (await self._current(Select(change.entity, guild_id=_guild_of(change.guild_id, change.where)))).records

    async def _reached(self, change: ScopeChange, records: Sequence[Record]) -> Sequence[Record]:
        owners = await _owners(change.where, self._current)
        inside = (record for record in records if change.guild_id in (None, record.guild_id))
        return [record for record in inside if matches(change.where, record.column, owners)]

    async def scope(self, change: DropScope | Amend) -> None:
        """Make a change of a scope, to both stored records and those that this batch has made."""
        records = await self._all(change)
        now = self._now.setdefault(change.entity, {})
        if isinstance(change, Amend) and change.keeps is not None and change.keeps.whole:
            records = await joining.whole(records, self._parts)
        for record in await self._reached(change, records):
            became = _stored(record, change._replace(guild_id=None, where=()))
            if became is not record:
                now[record.key] = became

    async def _current(self, query: Select) -> Page:
        page = await self._read(query)
        entity = query.entity
        self._before.setdefault(entity, {}).update((record.key, record) for record in page.records)
        now = self._now.get(entity, {})
        stored = [record for record in page.records if record.key not in now]
        made = [record for record in now.values() if record and query.guild_id in (None, record.guild_id)]
        return Page([*stored, *made])

    async def _parts(self, entity: AnyEntity, keys: typing.Iterable[Key]) -> Mapping[Key, Record]:
        asked = tuple(keys)
        found: dict[Key, Record] = {}
        for start in range(0, len(asked), _MOST_KEYS):
            page = await self._read(Select(entity, keys=asked[start : start + _MOST_KEYS], metadata=True))
            found |= {record.key: record for record in page.records}
        now = self._now.get(entity, {})
        found |= {key: record for key in asked if (record := now.get(key)) is not None}
        return {key: record for key, record in found.items() if now.get(key, record) is not None}

    def outcomes(self) -> Sequence[Outcome]:
        """Return everything that has changed."""
        found: list[Outcome] = []
        for entity, records in self._now.items():
            before = self._before.get(entity, {})
            changed = (key for key, record in records.items() if record is not before.get(key))
            found += [Outcome(entity, key, before.get(key), records[key]) for key in changed]
        return found


def _stored(old: Record | None, change: Change) -> Record | None:
    """Return what is stored after a change: the old record itself if its payload stays the same."""
    new = fold(old, change)
    if new is None or new is old:
        return new
    names = [field.name for field in table_of(new.entity).fields]
    # This checks and encodes the row, so that later changes to the object do not affect what is stored.
    payload = orjson.loads(row_of(new)[names.index("payload")])
    if old is None:
        return new._replace(payload=payload, first_seen=new.first_seen or new.origin.at, revision=new.revision or 1)
    if old.payload == payload:
        return old
    return new._replace(payload=payload, first_seen=old.first_seen, revision=old.revision + 1)


async def _owners(where: Where, read: Read) -> Callable[[Within], Collection[Key]]:
    """Read what conditions need to know about other kinds."""
    found: list[tuple[Within, set[Key]]] = []
    for within in withins(where):
        inner = await _owners(within.where, read)
        page = await read(Select(within.entity, guild_id=_guild_of(None, within.where)))
        theirs = within.theirs or tuple(within.entity.key)
        records = (record for record in page.records if matches(within.where, record.column, inner))
        keys = {tuple(map(record.column, theirs)) for record in records}
        found.append((within, keys))
    return lambda asked: next(keys for within, keys in found if within == asked)


def _guild_of(guild_id: int | None, where: Where) -> int | None:
    """Return the one guild that conditions allow, if they say so at the top level."""
    for condition in where:
        match condition:
            case Condition("guild_id", "equals", value) if guild_id is None:
                return typing.cast("int", value)
            case _:
                pass
    return guild_id


def _asked(query: Select, record: Record) -> Record:
    if query.want == "keys":
        return record._replace(payload={})
    return record if query.metadata else record._replace(origin=Origin("stored", None, 0, record.origin.at))


def _rank(value: typing.Any) -> tuple[bool, typing.Any]:
    # NULL sorts before everything else.
    return (value is not None, 0 if value is None else value)


def _is_after(order: Sequence[Order], record: Record, after: Sequence[typing.Any]) -> bool:
    for (column, descending), value in zip(order, after, strict=True):
        here, there = _rank(record.column(column)), _rank(value)
        if here != there:
            return here < there if descending else here > there
    return False
