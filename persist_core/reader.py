"""Answering queries with records and hikari objects, through the journal and the store."""

from __future__ import annotations

import asyncio
import datetime
import functools
import logging
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from . import joining
from .changes import Change, DropScope, forgetting, undecided
from .columns import SKEW, moment
from .completeness import confirms, partial, partial_wherever
from .conditions import AllOf, AnyOf, Condition, Conditional, Not, Where, matches
from .droppable import made_of
from .entities import COMPLETENESS, JOINED, THREADS
from .errors import CorruptRecordError, QueryError
from .gauges import Gauges, Tier
from .journal import Journal
from .memory import Kept, Memory
from .model import Decoder, Entity, Key, Origin, Payload, Record
from .notices import Notices
from .results import Results
from .retention import Clock, is_over, now
from .spi import Page, Select, Store, Unreadable

__all__ = ("MOST_KEYS", "Reader")

_LOG = logging.getLogger("persist.reader")
MOST_KEYS: typing.Final = 1000
"""How many keys one query to a store may name."""

_AT_ONCE: typing.Final = 200
"""How many hikari objects to make before the event loop may run."""

AnyEntity = Entity[typing.Any]
_LISTED: typing.Final[Mapping[AnyEntity, tuple[Conditional, ...]]] = {
    THREADS: (Not(Condition("is_archived", "equals", value=True)),)
}
"""Conditions on what a complete list of a kind contains, if that is not everything."""
T = typing.TypeVar("T")


class _Answer(typing.NamedTuple, typing.Generic[T]):
    """The answer for a key: a hikari object, or that there is none."""

    value: T | None


class _Parts(typing.NamedTuple):
    """The parts that a store returned along with the records they belong to."""

    stored: int
    """How many commits the journal had made by then; once there are more, this is outdated."""

    records: Mapping[AnyEntity, Mapping[Key, Record]]


class _UndecidedError(Exception):
    """Only the store can tell what changes that it does not have yet make of a part."""


class _Found(typing.NamedTuple):
    """The record of a key, and its parts if the store had them at hand."""

    record: Record | None
    parts: _Parts | None = None


class Reader:
    """Answers queries about records.

    Parameters
    ----------
    store
        The store.
    journal
        The changes that are not stored yet.
    gauges
        Counts lookups, and records that can no longer be read.
    decoder
        Returns the decoder that makes hikari objects.
    current
        Returns the condition for ephemeral records to be current.
    memory
        The memory tier, if there is one.
    clock
        Returns the time that decides what is over.
    only_reads
        Whether this is for a read-only cache, which cannot forget anything.
    """

    def __init__(
        self,
        store: Store,
        journal: Journal,
        gauges: Gauges,
        decoder: Callable[[], Decoder],
        current: Callable[[], Conditional],
        memory: Memory | None = None,
        clock: Clock = now,
        *,
        only_reads: bool = False,
    ) -> None:
        self._only_reads = only_reads
        self._store = store
        self._journal = journal
        self._gauges = gauges
        self._decoder = decoder
        self._current = current
        self._notices = Notices(_LOG)
        self._memory = memory
        self._results = None if memory is None else Results(memory.recent, gauges)
        self._clock = clock

    async def record(
        self, entity: AnyEntity, key: Key, *, metadata: bool = False, as_stored: bool = False
    ) -> Record | None:
        """Return the record of a key as it is now, or ``None``. It does not include parts under other kinds.

        Parameters
        ----------
        entity, key
            Which record.
        metadata
            Whether it is read with its history.
        as_stored
            Whether to return it as a store will have it, which ignores an object that is sent again unchanged.

        Raises
        ------
        persist.CorruptRecordError
            If the stored record can no longer be read.
        """
        return (await self._currently(entity, key, metadata=metadata, as_stored=as_stored)).record

    async def _currently(
        self, entity: AnyEntity, key: Key, *, metadata: bool = False, whole: bool = False, as_stored: bool = False
    ) -> _Found:
        memory = None if metadata else self._memory
        kept = None if memory is None else memory.recall(entity, key)
        if kept is None:
            found = await self._record(entity, key, metadata=metadata, whole=whole, as_stored=as_stored)
        else:
            found = _Found(kept.record)
        if memory is not None and kept is None:
            memory.keep(entity, key, found.record)
        return found if found.record is not None and self.is_current(found.record) else _Found(None)

    def is_current(self, record: Record) -> bool:
        """Return whether a record is current: not over, and if it is ephemeral, from a running session."""
        entity = record.entity
        if not (entity.ephemeral or entity.ends):
            return True
        return bool(matches(self._true(entity), record.column))

    def _true(self, entity: AnyEntity) -> Where:
        """Return the conditions for records of a kind to be current, if any."""
        current = (self._current(),) if entity.ephemeral else ()
        return (*current, Not(is_over(entity, self._clock()))) if entity.ends else current

    async def _record(
        self, entity: AnyEntity, key: Key, *, metadata: bool, whole: bool, as_stored: bool = False
    ) -> _Found:
        journal, gauges = self._journal, self._gauges
        changes = journal.pending(entity, key)
        if changes and not metadata and journal.settled(changes):
            gauges.hits["journal", entity.name] += 1
            return _Found(journal.folded(None, changes))
        gauges.misses["journal", entity.name] += 1
        page = await self._unmoved(Select(entity, keys=(key,), metadata=metadata or entity.ephemeral, whole=whole))
        stored = page.records[0] if page.records else None
        (gauges.misses if stored is None else gauges.hits)["database", entity.name] += 1
        changes = journal.pending(entity, key, stored)
        if page.corrupt and not (changes and journal.settles(changes[0])):
            msg = f"the stored record {key} of {entity.name} cannot be read: {page.corrupt[0][1]}"
            raise CorruptRecordError(msg)
        if not changes:
            return _Found(stored, self._parts_of(page))
        if undecided(stored, changes):
            await journal.barrier()
            return await self._record(entity, key, metadata=metadata, whole=whole, as_stored=as_stored)
        now = journal.folded(stored, changes)
        if metadata and stored is not None and journal.removes(stored):
            return _Found(now, self._parts_of(page))  # whatever is there now has a history of its own
        if as_stored and now is not None and stored is not None and now.payload == stored.payload:
            now = now if entity.ephemeral else stored  # these begin again with each session
        elif metadata and stored is not None:
            now = now and now._replace(first_seen=stored.first_seen, revision=stored.revision + 1)
        return _Found(now, self._parts_of(page))

    def _parts_of(self, page: Page) -> _Parts | None:
        return None if page.parts is None else _Parts(self._journal.stored, page.parts)

    async def records(self, entity: AnyEntity, keys: Iterable[Key], *, keep: bool = False) -> Mapping[Key, Record]:
        """Return the records of some keys as they are now; missing and unreadable ones are absent.

        Parameters
        ----------
        entity, keys
            The kind and the keys.
        keep
            Whether to add them to the memory tier, rather than only look there.
        """
        found, left = self._recalled(entity, keys)
        found |= (await self._records(entity, left, keep=keep))[0]
        return self._current_of(entity, found)

    def _recalled(self, entity: AnyEntity, keys: Iterable[Key]) -> tuple[dict[Key, Record], list[Key]]:
        """Return the records in memory, and the keys that only the store can answer."""
        found: dict[Key, Record] = {}
        left: list[Key] = []
        for key in keys:
            kept = None if self._memory is None else self._memory.recall(entity, key)
            if kept is None:
                left.append(key)
            elif kept.record is not None:
                found[key] = kept.record
        return found, left

    def _current_of(self, entity: AnyEntity, found: Mapping[Key, Record]) -> Mapping[Key, Record]:
        if not self._true(entity):
            return found
        return {key: record for key, record in found.items() if self.is_current(record)}

    async def _records(
        self, entity: AnyEntity, keys: Iterable[Key], *, keep: bool, whole: bool = False
    ) -> tuple[dict[Key, Record], _Parts | None]:
        journal = self._journal
        found: dict[Key, Record] = {}
        asked: list[Key] = []
        unsure: list[Key] = []
        keys = tuple(keys)
        for key in keys:
            changes = journal.pending(entity, key)
            if not (changes and journal.settled(changes)):
                asked.append(key)
            else:
                self._take(found, entity, key, journal.folded(None, changes), keep=keep)
        self._count("journal", entity, len(keys) - len(asked), len(asked))
        parts: _Parts | None = None
        for start in range(0, len(asked), MOST_KEYS):
            some = tuple(asked[start : start + MOST_KEYS])
            page = await self._unmoved(Select(entity, keys=some, metadata=entity.ephemeral, whole=whole))
            parts = self._parts_of(page) if len(asked) <= MOST_KEYS else None
            self.note_corrupt(entity, page)
            self._count("database", entity, len(page.records), len(some) - len(page.records))
            stored = {record.key: record for record in page.records}
            corrupt = {key for key, _ in page.corrupt}
            for key in some:
                base = stored.get(key)
                changes = journal.pending(entity, key, base)
                if undecided(base, changes):
                    unsure.append(key)
                else:
                    record = journal.folded(base, changes)
                    self._take(found, entity, key, record, keep=keep and key not in corrupt)
        if unsure:
            await journal.barrier()
            found |= (await self._records(entity, unsure, keep=keep))[0]
        return found, parts

    def _count(self, tier: Tier, entity: AnyEntity, hits: int, misses: int) -> None:
        if hits:
            self._gauges.hits[tier, entity.name] += hits
        if misses:
            self._gauges.misses[tier, entity.name] += misses

    def _take(
        self, found: dict[Key, Record], entity: AnyEntity, key: Key, record: Record | None, *, keep: bool
    ) -> None:
        if record is not None:
            found[key] = record
        if keep and self._memory is not None:
            self._memory.keep(entity, key, record)

    async def _unmoved(self, query: Select) -> Page:
        """Query the store, again if a batch was stored meanwhile: the answer may be from before or after it."""
        while True:
            before = self._journal.stored
            page = await self._store.select(query)
            if before == self._journal.stored:
                return page

    async def page(self, query: Select) -> Page:
        """Query the store. The answer includes everything received so far if the caller has flushed the journal."""
        if true := self._true(query.entity):
            query = query._replace(where=(*query.where, *true))
        page = await self._store.select(query)
        self._gauges.pages[query.entity.name] += 1
        self.note_corrupt(query.entity, page)
        return page

    async def barrier(self) -> None:
        """Wait until the store has everything received so far."""
        await self._journal.barrier()

    async def said(self, entity: AnyEntity, running: Collection[int]) -> Conditional:
        """Return the condition that a running session has sent a record of a kind, by itself or in a complete list."""
        itself = Condition("epoch", "is_in", tuple(running))
        if not running:
            return itself
        return await self._or_listed(itself, entity, lambda note: note.get("epoch") in running)

    async def told_recently(self, entity: AnyEntity, seconds: float) -> Conditional:
        """Return the condition that a record of a kind was sent recently, by itself or in a complete list."""
        since, until = self._recent(seconds)
        itself = AllOf((Condition("last_updated", "at_least", since), Condition("last_updated", "at_most", until)))
        return await self._or_listed(itself, entity, lambda note: since <= note["at"] <= until)

    def is_recent(self, times: Iterable[str], seconds: float) -> bool:
        """Return whether one of some times is at most some seconds ago."""
        since, until = self._recent(seconds)
        return any(since <= at <= until for at in times)

    async def _or_listed(self, itself: Conditional, entity: AnyEntity, does: Callable[[Payload], bool]) -> Conditional:
        """Return the condition ``itself``, or membership in the list of a guild whose note meets ``does``."""
        if not entity.in_guild:
            return itself
        of_it = (Condition("kind", "equals", entity.name), Condition("state", "equals", "complete"))
        notes = (await self.page(Select(COMPLETENESS, where=of_it))).records
        guilds = tuple(note.guild_id for note in notes if does(note.payload))
        return AnyOf((itself, AllOf((Condition("guild_id", "is_in", guilds), *_LISTED.get(entity, ())))))

    def _recent(self, seconds: float) -> tuple[str, str]:
        """Return the first and the last time that count as at most some seconds ago.

        A time that is still to come is of a clock that was wrong, by at least as much as it is ahead.
        """
        now, age = self._clock(), datetime.timedelta(seconds=seconds)
        return moment(now - age), moment(now + max(age, SKEW))

    def check_forgets(self) -> None:
        """Check that this reader can forget records.

        Raises
        ------
        persist.QueryError
            If it is read-only.
        """
        if self._only_reads:
            msg = "a cache from persist.connect is read-only; delete with the persist.Cache of the bot that writes"
            raise QueryError(msg)

    def forget(self, entity: AnyEntity, keys: Sequence[Key], guilds: Iterable[int] | None = None) -> None:
        """Forget records and what belongs to them, or cannot be decoded without them.

        Parameters
        ----------
        entity, keys
            The kind and the keys.
        guilds
            The guilds where they still exist on Discord: their kinds no longer count as complete there. Records outside
            guilds, such as users, may be part of records in any guild. ``None`` if Discord has said that they are gone.

        Raises
        ------
        persist.QueryError
            As :meth:`check_forgets` does.
        """
        self.check_forgets()
        gone = [*forgetting(entity, keys)]
        changes: list[Change] = [*gone]
        if guilds is not None:
            kinds = {change.entity.name for change in gone}
            origin = Origin("cache", None, 0, self._journal.at)
            changes += [partial(kind, guild_id, origin) for guild_id in guilds for kind in sorted(kinds)]
            if JOINED[entity] and not entity.in_guild:
                scopes = [change for change in gone if isinstance(change, DropScope) and change.entity.in_guild]
                # These come first, while the stored records still show their guilds.
                changes[:0] = [partial_wherever(scope.entity, scope.where, origin) for scope in scopes]
        self._journal.accept(changes)

    def note_corrupt(self, entity: AnyEntity, page: Page) -> None:
        """Count and log stored records that can no longer be read."""
        for key, reason in page.corrupt:
            self._gauges.undecodable[entity.name] += 1
            self._notices.say(
                logging.ERROR,
                entity.name,
                "the stored record %(key)s of %(kind)s cannot be read: %(reason)s; `persist verify` lists all of them",
                key=key,
                kind=entity.name,
                reason=reason,
            )

    async def note(self, entity: AnyEntity, guild_id: int) -> Record | None:
        """Return the note about how much of a kind is known of a guild."""
        return await self.record(COMPLETENESS, (guild_id, entity.name))

    async def told(self, record: Record) -> Sequence[str]:
        """Return when a record was new or changed last, and when it was listed last."""
        if record.guild_id is None or (note := await self.note(record.entity, record.guild_id)) is None:
            return (record.origin.at,)
        # What is listed unchanged is not written again.
        listed = confirms(note, record, {note.payload["epoch"]})
        return (record.origin.at, note.payload["at"]) if listed else (record.origin.at,)

    async def whole(self, records: Sequence[Record], *, keep: bool = False) -> Sequence[Record]:
        """Return records of one kind with their parts from other kinds, and add those to memory if ``keep``."""
        return await joining.whole(records, functools.partial(self.records, keep=keep))

    async def _whole(self, records: Sequence[Record], parts: _Parts | None) -> Sequence[Record]:
        """Return records with their current parts, from ``parts`` if that is up to date, and add those to memory."""
        if parts is not None and parts.stored == self._journal.stored:
            at_hand = functools.partial(self._part, parts.records)
            try:
                return [joining.joined(record, at_hand) for record in records]
            except _UndecidedError:
                pass  # only the store can tell
        return await self.whole(records, keep=True)

    def _part(self, stored: Mapping[AnyEntity, Mapping[Key, Record]], entity: AnyEntity, key: Key) -> Record | None:
        kept = None if self._memory is None else self._memory.recall(entity, key)
        if kept is not None:
            record = kept.record
        else:
            record = stored[entity].get(key)
            self._count("database", entity, record is not None, record is None)
            if changes := self._journal.pending(entity, key, record):
                if undecided(record, changes):
                    raise _UndecidedError
                record = self._journal.folded(record, changes)
            if self._memory is not None:
                self._memory.keep(entity, key, record)
        return record if record is not None and self.is_current(record) else None

    async def whole_page(self, page: Page) -> Iterable[Record]:
        """Return the records of a page with their parts, from the moment of the page if the store supports that."""
        if page.wholes is not None:
            return self._readable(page.wholes)
        parts = page.parts
        if parts is None:
            return await self.whole(page.records)

        async def at_hand(entity: AnyEntity, _: Iterable[Key]) -> Mapping[Key, Record]:
            return self._current_of(entity, parts[entity])

        return await joining.whole(page.records, at_hand)

    async def things(self, entity: Entity[T], page: Page, *, again: bool) -> Iterator[T]:
        """Return the hikari objects of a page, each made during iteration.

        Parameters
        ----------
        entity, page
            The kind, and the page.
        again
            Whether the same results may soon be requested again.
        """
        if page.wholes is None or self._results is None or not again:
            return self.all_decoded(entity, await self.whole_page(page))
        return self._results.made(entity, page.wholes, lambda wholes: self.all_decoded(entity, self._readable(wholes)))

    def _readable(self, wholes: Iterable[Record | Unreadable]) -> Iterator[Record]:
        for one in wholes:
            if isinstance(one, Unreadable):
                self.note_corrupt(one.entity, Page((), corrupt=((one.key, one.reason),)))
            else:
                yield one

    def decoded(self, entity: Entity[T], record: Record) -> T | None:
        """Return a hikari object, or ``None`` if hikari cannot make one; its payload is still available."""
        try:
            made: T = made_of(self._decoder(), record)
        except Exception as error:  # noqa: BLE001 - one payload that hikari cannot read must not affect others
            self._gauges.undecodable[entity.name] += 1
            _LOG.debug("hikari cannot make an object of the stored %s %s: %r", entity.name, record.key, error)
            return None
        return made

    def all_decoded(self, entity: Entity[T], records: Iterable[Record]) -> Iterator[T]:
        """Yield the hikari objects of records of one kind, without those that hikari cannot make."""
        decoder, decode = self._decoder(), entity.decode
        for record in records:
            try:
                made: T | None = decode(decoder, record)
            except Exception:  # noqa: BLE001 - decoded() handles and counts these
                made = self.decoded(entity, record)
            if made is not None:
                yield made

    async def get(self, entity: Entity[T], key: Key) -> T | None:
        """Return the hikari object of a key as it is now, or ``None``."""
        if self._memory is not None and (answer := self._remembered(self._memory, entity, key)) is not None:
            return answer.value
        record, parts = await self._currently(entity, key, whole=bool(entity.joins))
        if record is None:
            return None
        if entity.joins:
            (record,) = await self._whole((record,), parts)
            if self._memory is not None and not entity.joins.keys() <= record.payload.keys():
                # Another process may have forgotten both, and memory held only one of them.
                self._memory.forget(entity, key)
                record, parts = await self._currently(entity, key, whole=True)
                if record is None:
                    return None
                (record,) = await self._whole((record,), parts)
        return self.decoded(entity, record)

    async def get_many(self, entity: Entity[T], keys: Iterable[Key]) -> Mapping[Key, T]:
        """Return the hikari objects of some keys as they are now; what is missing or unreadable is absent."""
        made: dict[Key, T | None] = {}
        left: list[Key] = []
        for number, key in enumerate(keys, 1):
            answer = None if self._memory is None else self._remembered(self._memory, entity, key)
            if answer is None:
                left.append(key)
            else:
                made[key] = answer.value
            if number % _AT_ONCE == 0:  # let the event loop run before the next ones
                await asyncio.sleep(0)
        found, left = self._recalled(entity, left)
        asked, parts = await self._records(entity, left, keep=True, whole=bool(entity.joins))
        records = self._current_of(entity, found | asked)
        for number, record in enumerate(await self._whole(tuple(records.values()), parts), 1):
            made[record.key] = self.decoded(entity, record)
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return {key: thing for key, thing in made.items() if thing is not None}

    def _remembered(self, memory: Memory, entity: Entity[T], key: Key) -> _Answer[T] | None:
        """Return the answer from memory; ``None`` if it is not there, or not all of it."""
        kept = memory.recall(entity, key)
        answer = None if kept is None else self._answer(memory, entity, kept)
        (self._gauges.misses if answer is None else self._gauges.hits)["memory", entity.name] += 1
        return answer

    def _answer(self, memory: Memory, entity: Entity[T], kept: Kept) -> _Answer[T] | None:
        if kept.record is None or not self.is_current(kept.record):
            return _Answer(None)
        if (made := memory.thing(kept)) is None:
            if (whole := memory.whole(kept)) is None:
                return None
            record, parts = whole
            if (made := self.decoded(entity, record)) is not None:
                memory.remake(kept, made, parts)
        return _Answer(made)
