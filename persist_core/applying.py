"""Applies rules to what is already stored: in small steps, each in its own transaction."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from .admission import Admission
from .changes import Change, Patch
from .completeness import partial
from .conditions import Condition
from .edits import Part
from .entities import COMPLETENESS, ENTITIES, SHARDS
from .errors import QueryError
from .model import Entity, Origin, Record
from .spi import Cursor, Page, Select, Store

__all__ = ("Applied", "Place", "applied", "doubted", "learned")

AnyEntity = Entity[typing.Any]
_PAGE: typing.Final = 250


@dataclasses.dataclass(frozen=True, slots=True)
class Applied:
    """What applying rules did to stored data, or in a dry run would do.

    Attributes
    ----------
    forgotten
        How many records of each kind were removed.
    trimmed
        How many records of each kind lost fields.
    seen
        How many records of each kind were checked. Kinds that are kept in full are not checked.
    is_dry_run
        Whether nothing has been changed.
    """

    forgotten: Mapping[str, int]
    trimmed: Mapping[str, int]
    seen: Mapping[str, int]
    is_dry_run: bool = False


class Place(typing.NamedTuple):
    """Where records are stored, and how to change them there."""

    read: Callable[[Select], Awaitable[Page]]
    whole: Callable[[Sequence[Record]], Awaitable[Sequence[Record]]]
    write: Callable[[Sequence[Change]], Awaitable[None]]
    at: Callable[[], str]
    """Returns the time of the changes."""


async def applied(place: Place, admission: Admission, *, dry_run: bool) -> Applied:
    """Check everything that is stored, and forget what the rules do not keep.

    Each decision is made again in the transaction that writes it, because a bot may write in the meantime.

    Parameters
    ----------
    place
        Where the records are stored.
    admission
        The rules. It has learned what it needs to know.
    dry_run
        Whether to only count.

    Raises
    ------
    persist.QueryError
        If a predicate raises; otherwise everything it raises for would be forgotten.
    """
    forgotten: collections.Counter[str] = collections.Counter()
    trimmed: collections.Counter[str] = collections.Counter()
    seen: collections.Counter[str] = collections.Counter()
    for name, entity in ENTITIES.items():
        if entity is SHARDS or not admission.concerns(entity):
            continue
        async for records in _pages(place, admission, entity):
            changes: list[Change] = []
            admission.failure = None
            for record in records:
                made = admission.kept(None, record)
                if made is None or made.payload is not record.payload:
                    (forgotten if made is None else trimmed)[name] += 1
                    changes.append(_looked_at_again(record, admission, place.at()))
            if admission.failure is not None:
                msg = f"{admission.failure}, so nothing more is forgotten; fix it, and apply the rules again"
                raise QueryError(msg)
            seen[name] += len(records)
            if changes and not dry_run:
                await place.write(changes)
            await asyncio.sleep(0)
    return Applied(dict(forgotten), dict(trimmed), dict(seen), dry_run)


async def learned(admission: Admission, store: Store) -> None:
    """Tell rules about the stored records by which they select others, as Discord does not send all of them again."""
    for entity in admission.learns:
        after: Cursor | None = None
        while True:
            page = await store.select(Select(entity, after=after, limit=_PAGE))
            for record in page.records:
                admission.recall(record)
            if (after := page.after) is None:
                break


async def doubted(place: Place, before: Admission, now: Admission) -> None:
    """Note where data may be incomplete although it was listed, because the previous rules did not keep all of it.

    Parameters
    ----------
    place
        Where to note it.
    before, now
        The previous and the current rules, each having learned what it needs to know.
    """
    complete = (Condition("state", "equals", "complete"),)
    after: Cursor | None = None
    while True:
        page = await place.read(Select(COMPLETENESS, where=complete, after=after, limit=_PAGE))
        origin = Origin("gateway", None, 0, place.at())
        listed = [(int(note.key[0]), str(note.key[1])) for note in page.records]
        if changes := [
            partial(kind, guild_id, origin)
            for guild_id, kind in listed
            if kind in ENTITIES and _keeps_otherwise(ENTITIES[kind], guild_id, before, now)
        ]:
            await place.write(changes)
        if (after := page.after) is None:
            return


def _keeps_otherwise(entity: AnyEntity, guild_id: int, before: Admission, now: Admission) -> bool:
    """Return whether a guild's rules for a kind have changed and the previous ones did not keep all of it complete."""
    if before.keeps_all(entity, guild_id) and before.keeps_intact(entity, guild_id):
        return False
    return before.ruling(guild_id).rules != now.ruling(guild_id).rules


async def _pages(place: Place, admission: Admission, entity: AnyEntity) -> AsyncIterator[Sequence[Record]]:
    after: Cursor | None = None
    while True:
        page = await place.read(Select(entity, after=after, limit=_PAGE, metadata=True))
        yield await place.whole(page.records) if entity.joins and admission.decodes(entity) else page.records
        if (after := page.after) is None:
            return


def _looked_at_again(record: Record, admission: Admission, at: str) -> Patch:
    origin = Origin(record.origin.source, record.origin.shard, record.origin.epoch, at)
    keeps = admission.looking_again(record.entity)
    return Patch(record.entity, record.key, record.guild_id, (Part({}),), origin, keeps=keeps)
