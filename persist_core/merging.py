"""Merging records into a store that has some: the later one wins, and notes of completeness are reviewed."""

from __future__ import annotations

import collections
import datetime
import typing
from collections.abc import Collection, Sequence

from . import copying
from .changes import Change, Patch, Put
from .columns import moment
from .completeness import known
from .edits import Part
from .entities import COMPLETENESS, ENTITIES, OWN_USER, SUPPRESSIONS
from .model import Key, Record
from .spi import Select, Store

__all__ = ("Merge",)

_PAGE: typing.Final = 1000


class _Later:
    """Keeps a record, or a newer one that a store has by then."""

    def __init__(self, record: Record) -> None:
        self._record = record

    @property
    def whole(self) -> bool:
        return False

    def __call__(self, known: Record | None, made: Record) -> Record:
        del made  # it is only the occasion
        return self._record if known is None or known.origin.at < self._record.origin.at else known


def _if_later(record: Record) -> Patch:
    return Patch(
        record.entity, record.key, record.guild_id, (Part({}),), record.origin, create=True, keeps=_Later(record)
    )


class Merge:
    """Decides which records of an export from another store to keep.

    A note that all objects of a kind in a guild are known holds for the records of one store. It no longer does once
    records of another are added, because Discord may have deleted some of those objects since.

    Parameters
    ----------
    target
        The store to write to. It is open.
    resumes
        Whether what the store has is part of the same export.
    """

    def __init__(self, target: Store, *, resumes: bool = False) -> None:
        self._target = target
        self._resumes = resumes
        self._told: collections.Counter[Key] = collections.Counter()
        """How many records of each guild and kind there are to merge."""
        self._added: set[Key] = set()
        """The guilds and kinds with records that the store did not have."""
        self._noted: set[Key] = set()
        """The guilds and kinds whose note came from the export."""

    async def newer(self, records: Sequence[Record]) -> list[Record]:
        """Return the records, all of one kind, that the store lacks or has an older version of.

        Raises
        ------
        persist.PersistError
            If they belong to another bot.
        """
        entity = records[0].entity
        if entity is OWN_USER:
            await copying.refuse_others(self._target, {int(record.key[0]) for record in records})
        page = await self._target.select(Select(entity, keys=tuple(record.key for record in records)))
        there = {record.key: record.origin.at for record in page.records}
        wanted = [record for record in records if record.origin.at > there.get(record.key, "")]
        if entity is COMPLETENESS:
            self._noted.update(record.key for record in wanted)
        elif entity.in_guild:
            self._told.update((record.guild_id or 0, entity.name) for record in records)
            self._added.update((record.guild_id or 0, entity.name) for record in wanted if record.key not in there)
        if entity is SUPPRESSIONS and not self._resumes:
            # Those erased there may be stored here: until a bot has erased them here, too, it is not done.
            wanted = [record._replace(payload={**record.payload, "done": False}) for record in wanted]
        return wanted

    def changes(self, wanted: Sequence[Change]) -> list[Change]:
        """Return the changes that store records, unless a bot has stored a newer version in the meantime."""
        return [_if_later(change) if isinstance(change, Put) else change for change in wanted]

    async def review(self) -> None:
        """Mark as stale what the store notes as complete, if its records now come from two stores."""
        if self._resumes:
            return
        keys = sorted(self._added | self._noted)
        for start in range(0, len(keys), _PAGE):
            page = await self._target.select(Select(COMPLETENESS, keys=tuple(keys[start : start + _PAGE])))
            claims = [record.key for record in page.records if record.payload.get("state") == "complete"]
            await self._mark([key for key in claims if await self._is_mixed(key)], page.records)

    async def _is_mixed(self, key: Key) -> bool:
        """Return whether a note, from either store, does not cover all records that are there now."""
        if key not in self._noted:
            return key in self._added
        guild_id, kind = key
        if (entity := ENTITIES.get(str(kind))) is None:
            return False
        found = await self._target.select(Select(entity, guild_id=int(guild_id), want="count"))
        return found.count != self._told[key]

    async def _mark(self, keys: Collection[Key], notes: Sequence[Record]) -> None:
        at = moment(datetime.datetime.now(datetime.UTC))
        stale = [
            known(str(note.key[1]), int(note.key[0]), note.origin._replace(at=at), "stale")
            for note in notes
            if note.key in keys
        ]
        if stale:
            await copying.persistently(self._target, stale)
