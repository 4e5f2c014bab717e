"""Writing changes to the tables of an SQL database, in one transaction."""

from __future__ import annotations

import asyncio
import collections
import functools
import itertools
import operator
import typing
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence

from . import amending, joining, texts
from .changes import (
    ENTITY_OF,
    KEY_OF,
    Amend,
    Archive,
    Change,
    Drop,
    DropScope,
    KeyedChange,
    Patch,
    Put,
    archived,
    fold,
)
from .conditions import withins
from .dialect import Statement
from .loading import Loader, stored_keys
from .model import Entity, Key, Record
from .schema import Rows, columns_of, table_of
from .spi import Select, Transaction
from .sql_reading import SqlReader
from .stride import Stride

__all__ = ("SqlWriter", "are_decided")

AnyEntity = Entity[typing.Any]
T = typing.TypeVar("T")
_DECIDED: typing.Final[frozenset[type]] = frozenset((Patch, Amend))
_KEY: typing.Final = operator.attrgetter("key")
_KEYED: typing.Final[frozenset[type]] = frozenset((Put, Patch, Drop))
_SCOPES: typing.Final = 32
"""How many scopes one statement deletes."""

_HOLDING: typing.Final = 512
"""How many records one call can sort or list in a good part of a millisecond."""


class _Work(typing.NamedTuple):
    """What is needed to write a batch."""

    transaction: Transaction
    searched: Collection[AnyEntity]
    """The kinds whose text is indexed for search."""


Write = Callable[[_Work, AnyEntity, Sequence[typing.Any]], Awaitable[None]]
"""Makes some changes of one kind."""


class SqlWriter:
    """Makes changes in a database.

    Parameters
    ----------
    reader
        Knows the dialect and how payloads are currently stored, and reads stored records.
    """

    def __init__(self, reader: SqlReader) -> None:
        self._reader = reader
        self._stride = Stride()
        self._loader = Loader()
        self._scopes: Mapping[type, Write] = {
            DropScope: self._drop_scope,
            Amend: self._amend,
            Archive: self._archive,
        }

    async def write(self, changes: Sequence[Change], transaction: Transaction) -> None:
        """Make changes in a transaction, one after the other."""
        dialect = self._reader.dialect
        note = await transaction.fetch(texts.asked(dialect) + dialect.lock_note)
        work = _Work(transaction, texts.kept(note, self._reader.codec))
        if dialect.lock_rows:
            await self._lock(transaction, _runs(changes, dialect.many))
        for run in _runs(changes, dialect.many):
            write: Write = self._scopes.get(type(run[0]), self._keyed)
            await write(work, run[0].entity, run)

    async def _keyed(self, work: _Work, entity: AnyEntity, changes: Sequence[KeyedChange]) -> None:
        """Make changes of keys. If they are of more than one type, each has a different key."""
        of_sort = collections.defaultdict[type, list[typing.Any]](list)
        for sort, alike in itertools.groupby(changes, type):
            of_sort[sort] += alike
        puts: dict[Key, Record] = dict(zip(map(KEY_OF, of_sort[Put]), of_sort[Put], strict=True))
        records, gone = await self._patched(work, entity, of_sort[Patch])
        await self._drop(work, entity, (*map(KEY_OF, of_sort[Drop]), *gone))
        if puts or records:
            await self._upsert(work, entity, [*puts.values(), *records])

    async def _lock(self, transaction: Transaction, runs: Iterable[Sequence[Change]]) -> None:
        """Lock, in key order, shared records that this batch writes with more than one statement."""
        shared: dict[AnyEntity, list[Sequence[Change]]] = {}
        for run in runs:
            if run[0].entity.is_shared and type(run[0]) in _KEYED:
                shared.setdefault(run[0].entity, []).append(run)
        for entity, goes in shared.items():
            if len(goes) > 1 or len(set(map(type, goes[0]))) > 1:
                keys = sorted({_KEY(change) for run in goes for change in run})
                for some in _some(keys, self._reader.dialect.many):
                    await self._reader.stored(transaction, Select(entity, keys=tuple(some), want="keys"))

    async def _upsert(self, work: _Work, entity: AnyEntity, records: Collection[Record]) -> None:
        await self._turn(work.transaction, len(records))
        # In key order, so that the database finds neighbors together, and processes do not deadlock.
        records = sorted(records, key=KEY_OF)
        await self._turn(work.transaction, len(records))
        dialect, codec, questions = self._reader.dialect, self._reader.codec, self._reader.questions
        make = columns_of if codec is None else codec.columns_of
        left = await self._loader.load_new(work.transaction, questions, dialect.loaded, records, make, self._stride)
        rows = Rows(left, make, self._stride)
        await self._execute(work.transaction, dialect.upsert(table_of(entity), rows))
        if entity in work.searched:
            await self._execute(work.transaction, texts.written(dialect, entity, records))

    async def _turn(self, transaction: Transaction, count: int) -> None:
        """Let the event loop turn if one call for this many records has just blocked it."""
        if count >= _HOLDING:
            give_way: Callable[[], Awaitable[None]] = getattr(transaction, "give_way", self._stride.turn)
            await give_way()

    async def _execute(self, transaction: Transaction, statements: Iterable[Statement]) -> None:
        execute_all: Callable[[Iterable[Statement]], Awaitable[None]] | None = getattr(transaction, "execute_all", None)
        if execute_all is not None:  # its thread also makes the rows
            await execute_all(statements)
            return
        under_way: asyncio.Task[None] | None = None
        try:
            for sql, params in statements:  # the database takes some rows while the next ones are made
                if under_way is not None:
                    await under_way
                under_way = asyncio.create_task(transaction.execute(sql, params))
                await self._stride.turn()
            if under_way is not None:
                await under_way
        finally:
            # A failure ends the transaction, so the statement under way must be over by then.
            if under_way is not None:
                await asyncio.gather(under_way, return_exceptions=True)

    async def _patched(
        self, work: _Work, entity: AnyEntity, changes: Iterable[Patch]
    ) -> tuple[Sequence[Record], Sequence[Key]]:
        """Return the patched records, and the keys of those to delete."""
        of_key: dict[Key, list[Patch]] = {}
        for change in changes:
            of_key.setdefault(change.key, []).append(change)
        records: list[Record] = []
        gone: list[Key] = []
        for keys in _some(sorted(of_key), self._reader.dialect.many):
            stored = await self._reader.stored(work.transaction, Select(entity, keys=tuple(keys)))
            made: dict[Key, Record | None] = {record.key: record for record in stored}
            some = [change for key in keys for change in of_key[key]]
            for each in await joining.complete(some, self._parts(work.transaction)):
                made[each.key] = fold(made.get(each.key), each)
            gone += [record.key for record in stored if made[record.key] is None]
            records += filter(None, made.values())
            await self._turn(work.transaction, len(keys))
        return records, gone

    def _parts(self, transaction: Transaction) -> joining.Parts:
        async def parts(entity: AnyEntity, keys: Iterable[Key]) -> Mapping[Key, Record]:
            stored = await self._reader.stored(transaction, Select(entity, keys=tuple(keys)))
            return {record.key: record for record in stored}

        return parts

    async def _drop(self, work: _Work, entity: AnyEntity, keys: Iterable[Key]) -> None:
        dialect = self._reader.dialect
        for some in _some(sorted(set(keys)), dialect.many):
            speller = self._reader.speller()
            where = speller.keys(entity, some)
            await work.transaction.execute(f"DELETE FROM {dialect.quote(entity.name)} WHERE {where}", speller.params)

    async def _drop_scope(self, work: _Work, entity: AnyEntity, changes: Sequence[DropScope]) -> None:
        for start in range(0, len(changes), _SCOPES):
            dialect, speller = self._reader.dialect, self._reader.speller()
            wheres = [speller.where(entity, c.guild_id, c.where) for c in changes[start : start + _SCOPES]]
            where = " OR ".join(f"({' AND '.join(parts)})" for parts in wheres)
            table = dialect.quote(entity.name)
            if not all(wheres):
                await work.transaction.execute(f"DELETE FROM {table}")
                continue
            if dialect.keep_out is not None and entity.is_shared and any(any(withins(c.where)) for c in changes):
                await work.transaction.fetch(*dialect.keep_out(table, where, speller.params))
            await work.transaction.execute(f"DELETE FROM {table} WHERE {where}", speller.params)

    async def _amend(self, work: _Work, entity: AnyEntity, changes: Sequence[Amend]) -> None:
        known_keys = functools.partial(stored_keys, work.transaction, self._reader.questions)
        for change in await amending.combined(changes, known_keys):
            query = Select(entity, guild_id=change.guild_id, where=change.where)
            every = change._replace(where=())  # the query finds what it covers
            stored = await self._reader.stored(work.transaction, query)
            if change.keeps is not None and change.keeps.whole:
                stored = await joining.whole(stored, self._parts(work.transaction))
            found = [(record, fold(record, every)) for record in stored]
            if gone := [old.key for old, new in found if new is None]:
                await self._drop(work, entity, gone)
            await self._upsert(work, entity, [new for old, new in found if new is not None and new is not old])

    async def _archive(self, work: _Work, entity: AnyEntity, changes: Sequence[Archive]) -> None:
        for change in changes:
            query = Select(entity, guild_id=change.guild_id, where=change.where, metadata=True)
            stored = await self._reader.stored(work.transaction, query)
            versions = {(made := archived(record, change)).key: made for record in stored}
            await self._upsert(work, change.into, versions.values())


def are_decided(changes: Sequence[Change]) -> bool:
    """Return whether rules decide about any of the changes."""
    if _DECIDED.isdisjoint(map(type, changes)):
        return False
    return any(isinstance(change, (Patch, Amend)) and change.keeps is not None for change in changes)


def _runs(changes: Sequence[Change], most: int) -> Iterator[Sequence[Change]]:
    """Cut changes into runs of one kind; a run has one type, unless all of its keys are different."""
    for _, of_kind in itertools.groupby(changes, ENTITY_OF):
        run = list(of_kind)
        if len(set(map(type, run))) == 1:
            yield from _some(run, len(run) if type(run[0]) in _KEYED else most)
        elif _KEYED.issuperset(map(type, run)) and len(set(map(_KEY, run))) == len(run):
            yield run
        else:
            for _, alike in itertools.groupby(run, type):
                yield from _runs(list(alike), most)


def _some(all_of_them: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    return (all_of_them[start : start + most] for start in range(0, len(all_of_them), most))
