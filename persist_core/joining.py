"""Putting together what is stored apart: a record with the parts that are kept with their own kind."""

from __future__ import annotations

import typing
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from .batch import completed
from .changes import KeyedChange, Patch
from .model import Entity, Key, Record

__all__ = ("Parts", "complete", "whole")

AnyEntity = Entity[typing.Any]
Parts = Callable[[AnyEntity, Iterable[Key]], Awaitable[Mapping[Key, Record]]]
"""Returns the records of some keys of a kind; missing ones are absent."""


async def whole(records: Sequence[Record], parts_of: Parts) -> Sequence[Record]:
    """Return records of one kind with the parts that are stored with their own kind."""
    if not records:
        return records
    for field, join in records[0].entity.joins.items():
        keys = [tuple(record.column(name) for name in join.on) for record in records]
        parts = await parts_of(join.entity, dict.fromkeys(keys))
        made = {part.key: part for part in await whole(tuple(parts.values()), parts_of)}
        records = [
            record._replace(payload={**record.payload, field: made[key].payload}) if key in made else record
            for record, key in zip(records, keys, strict=True)
        ]
    return records


async def complete(changes: Sequence[KeyedChange], parts_of: Parts) -> Sequence[KeyedChange]:
    """Return changes of one kind that can be made without knowing parts of other kinds.

    Rules may ask a patch what hikari makes of the record. A store that makes changes calls this in its transaction,
    unless no patch ``keeps`` what is ``whole``.

    Parameters
    ----------
    changes
        What is going to be made.
    parts_of
        Reads what is stored, within the same transaction.
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
