"""Assembles a record from the parts that are stored with their own kind."""

from __future__ import annotations

import functools
import typing
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from .absorbing import completed
from .changes import KeyedChange, Patch
from .model import Entity, Key, Payload, Record

__all__ = ("Parts", "complete", "joined", "whole")

AnyEntity = Entity[typing.Any]
Parts = Callable[[AnyEntity, Iterable[Key]], Awaitable[Mapping[Key, Record]]]
"""Returns the records of some keys of a kind; missing ones are absent."""


async def whole(records: Sequence[Record], parts_of: Parts) -> Sequence[Record]:
    """Return records of one kind with the parts that are stored with their own kind."""
    if not records:
        return records
    entity = records[0].entity
    for field, join in entity.joins.items():
        keys = list(map(_key_of(entity, join.on), records))
        parts = await parts_of(join.entity, dict.fromkeys(keys))
        if join.entity.joins:
            parts = {part.key: part for part in await whole(tuple(parts.values()), parts_of)}
        records = [
            _with(record, field, part.payload) if (part := parts.get(key)) is not None else _lacking(record, field)
            for record, key in zip(records, keys, strict=True)
        ]
    return records


def joined(record: Record, part_of: Callable[[AnyEntity, Key], Record | None]) -> Record:
    """Return one record with its parts, if these are available."""
    for field, join in record.entity.joins.items():
        if (part := part_of(join.entity, _key_of(record.entity, join.on)(record))) is not None:
            record = _with(record, field, joined(part, part_of).payload)
        else:
            record = _lacking(record, field)
    return record


def _with(record: Record, field: str, part: Payload) -> Record:
    entity, key, guild_id, payload, origin, first_seen, revision = record
    payload = {**payload, field: part}
    return tuple.__new__(Record, (entity, key, guild_id, payload, origin, first_seen, revision))


def _lacking(record: Record, field: str) -> Record:
    """Return a record without a part that is not stored: rules may keep it out although it came with the record."""
    if field not in record.payload:
        return record
    return record._replace(payload={name: value for name, value in record.payload.items() if name != field})


@functools.cache
def _key_of(entity: AnyEntity, on: tuple[str, ...]) -> Callable[[Record], Key]:
    """Return a function that reads the key of a part; usually, that is the record's own key or a piece of it."""
    names = list(entity.key)
    if on == tuple(names):
        return lambda record: record.key
    if len(on) == 1 and on[0] in names:
        place = names.index(on[0])
        return lambda record: (record.key[place],)
    return lambda record: tuple(record.column(name) for name in on)


async def complete(changes: Sequence[KeyedChange], parts_of: Parts) -> Sequence[KeyedChange]:
    """Return changes of one kind that can be applied without knowing parts of other kinds.

    Rules may need the hikari object that a patch results in. A store that applies changes calls this in its
    transaction, unless no patch has a ``keeps`` that is ``whole``.

    Parameters
    ----------
    changes
        The changes to be applied.
    parts_of
        Reads what is stored, in the same transaction.
    """
    asking = {change.key: change for change in changes if isinstance(change, Patch) and change.keeps is not None}
    asking = {key: change for key, change in asking.items() if change.keeps is not None and change.keeps.whole}
    if not asking:
        return changes
    bare = [Record(change.entity, key, change.guild_id, {}, change.origin) for key, change in asking.items()]
    parts = {record.key: record.payload for record in await whole(bare, parts_of)}
    return [
        completed(change, parts[change.key]) if isinstance(change, Patch) and change.key in parts else change
        for change in changes
    ]
