"""The store that is written once for all SQL databases, given how one of them spells and a way to run statements."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import logging
import pathlib
import typing
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)

from . import amending, joining, migrations, rekeying, texts
from .changes import ENTITY_OF, KEY_OF, Amend, Archive, Change, Drop, DropScope, Patch, Put, archived, fold
from .coalesce import Lookups
from .codec import Codec
from .conditions import worded_in
from .dialect import Dialect, Question, Speller, Statement
from .entities import ENTITIES
from .errors import BackendError, CorruptRecordError, QueryError
from .loading import Loader, stored_keys
from .model import Entity, Key, Record
from .questions import Questions
from .schema import Rows, columns_of, table_of, tables, texts_of
from .sealing import PLAIN, Sealed, Sealing
from .spi import Answers, Driver, Page, Row, Select, Transaction, Work
from .stride import Stride
from .training import Trainer

__all__ = ("SqlStore",)

_LOG = logging.getLogger("persist.sql")
AnyEntity = Entity[typing.Any]
_DECIDED: typing.Final[frozenset[type]] = frozenset((Patch, Amend))
_SCOPES: typing.Final = 32
"""How many scopes one statement forgets."""

_HOLDING: typing.Final = 512
"""How many records one call sorts or names in a good part of a millisecond."""


class _Work(typing.NamedTuple):
    """What a batch is written with."""

    transaction: Transaction
    searched: Collection[AnyEntity]
    """The kinds whose texts are kept for search."""


class SqlStore:
    """Keeps records in the tables of any database that has a dialect and a driver.

    Parameters
    ----------
    dialect
        How the database spells, or what to ask it to know that.
    driver
        What runs statements on it.
    sealing
        How payloads are stored; as JSON if this is left out. It is decided before the store is opened.
    """

    def __init__(self, dialect: Dialect | Question, driver: Driver, sealing: Sealing = PLAIN) -> None:
        self.sealing = sealing
        self._codec: Codec | None = None
        self._notes: Mapping[str, str] = {}
        self._trainer: Trainer | None = None
        self._given = dialect
        self._dialect = dialect if isinstance(dialect, Dialect) else dialect.dialect(())
        self._driver = driver
        self._lookups: Lookups | None = None
        self._questions = Questions(self._dialect, None)
        self._searched: Collection[AnyEntity] | None = None
        self._stride = Stride()
        self._loader = Loader()
        self._apply: Mapping[type, Callable[[_Work, AnyEntity, Sequence[typing.Any]], Awaitable[None]]] = {
            Put: self._put,
            Patch: self._patch,
            Drop: self._drop,
            DropScope: self._drop_scope,
            Amend: self._amend,
            Archive: self._archive,
        }

    def __repr__(self) -> str:
        return f"<SqlStore on {self.where}>"

    @property
    def where(self) -> str:
        """What the database is called in messages."""
        return repr(self._driver)

    # ---------------------------------------------------------------------------------------------------- the 4 verbs

    async def open(self) -> None:
        await self._open(self._connect, self._prepared)
        self._gather()
        if self.sealing.compression:
            self._trainer = Trainer(self.select, self._keep_dictionary, self._compressed)

    def search(self, kinds: Collection[AnyEntity]) -> None:
        """Let some kinds be searched, and no others, from the next time on that the store is opened.

        Without this it stays with those that could be searched before, whoever has turned that on.

        Raises
        ------
        persist.QueryError
            If this kind of database cannot be searched.
        """
        if kinds and self._dialect.search is None:
            msg = f"{self._driver!r} cannot be searched; leave out search={{...}}, or name another database"
            raise QueryError(msg)
        self._searched = kinds

    async def open_to_read(self) -> None:
        """Connect to a database that some other process keeps, without changing anything in it.

        Raises
        ------
        persist.BackendError
            If it is not there, or cannot be reached.
        persist.SchemaError
            If it cannot be read as it is.
        """
        begin = getattr(self._driver, "open_to_read", self._driver.open)
        await self._open(lambda: self._connect(begin), self._inspected)
        self._gather()

    def _read_by(self, sealed: Sealed) -> None:
        self._codec, self._notes = sealed.codec, sealed.notes
        self._questions = Questions(self._dialect, sealed.codec)

    async def _prepared(self, progress: migrations.Progress | None = None, to: int | None = None) -> None:
        sealed = await migrations.prepare(self._dialect, self._driver, progress, to, self.sealing, self._searched)
        self._read_by(sealed)

    async def _inspected(self) -> None:
        sealed = await migrations.inspect(self._dialect, self._driver, self.sealing)
        self._read_by(sealed)

    def _gather(self) -> None:
        if self._dialect.lookups:
            self._lookups = Lookups(
                functools.partial(self._answer_by, self._driver.lookup), self._dialect.lookups, self._dialect.many
            )

    async def migrate(self, progress: migrations.Progress | None = None, to: int | None = None) -> None:
        """Make the database ready to be used, as opening it would, and tell how that goes.

        Parameters
        ----------
        progress
            Called again and again with the migration that runs, how many records it has seen and how many there are.
        to
            The version of the schema to bring it to; the newest if this is left out.
        """
        await self._open(self._connect, lambda: self._prepared(progress, to))
        await self.close()

    async def rekey(self, seen: rekeying.Seen, *, decrypt: bool = False) -> rekeying.Rekeyed:
        """Rewrite all that is stored as it is wanted to be stored: with other keys, or encrypted for the first time.

        Others may go on reading and writing meanwhile. What was interrupted is gone on with by doing it again.

        Parameters
        ----------
        seen
            Hears of a kind, how many more of its records have been looked at, and how many there are.
        decrypt
            Whether it is not to be encrypted any more.

        Raises
        ------
        persist.SchemaError
            If there are no keys to do it with, or others than those that it is encrypted with.
        """
        try:
            with self._translated():
                await self._connect()
                done = await rekeying.rekey(self._dialect, self._driver, self.sealing, seen, decrypt=decrypt)
            if done.hides:
                await self.purge()
            return done
        finally:
            await self.close()

    async def planned(self, to: int | None = None) -> migrations.Plan:
        """Return what :meth:`migrate` would do, and do nothing."""
        try:
            with self._translated():
                await self._connect()
                return await migrations.plan(self._dialect, self._driver, to)
        finally:
            await self.close()

    async def run(self, spell: Callable[[Dialect], Iterable[str]]) -> None:
        """Run statements in one transaction, in the spelling of the database. The store is open.

        Parameters
        ----------
        spell
            Makes the statements.
        """
        with self._translated():
            async with self._driver.transaction() as transaction:
                for sql in spell(self._dialect):
                    await transaction.execute(sql)

    async def query(self, sql: str) -> Sequence[Row]:
        """Return the rows of a query of your own. The store is open."""
        with self._translated():
            return await self._driver.fetch(sql)

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Answers]:
        """Lend what answers questions about one moment, whatever is written meanwhile. The store is open.

        A driver that has no ``snapshot`` answers about the moment of each question.
        """
        lend = getattr(self._driver, "snapshot", None)
        if lend is None:
            yield self
            return
        with self._translated():
            async with lend() as transaction:
                yield _Moment(functools.partial(self._answer_by, transaction.fetch))

    @property
    def writes_in_thread(self) -> bool:
        """Whether a thread of this process writes, to which the event loop has to give way."""
        return bool(getattr(self._driver, "writes_in_thread", False))

    @property
    def is_a_file(self) -> bool:
        """Whether the database is a file, of which :meth:`backup` makes another one."""
        return hasattr(self._driver, "backup")

    async def backup(self, target: pathlib.Path, progress: Callable[[int, int], None]) -> None:
        """Copy the database into a new file as it is now. The store is open, and the database is a file.

        Parameters
        ----------
        target
            The file.
        progress
            Hears how much of how much has been copied, in another thread.
        """
        copy: Callable[[pathlib.Path, Callable[[int, int], None]], Awaitable[None]] = getattr(self._driver, "backup")  # noqa: B009 - not all have it
        with self._translated():
            await copy(target, progress)

    @property
    def dialect(self) -> Dialect:
        """How the database spells, as far as that is known: all of it once the store is open."""
        return self._dialect

    async def vacuum(self, *, full: bool = False) -> None:
        """Give room back that is not used any more. The store is open.

        Parameters
        ----------
        full
            Whether to write all tables anew, so that nothing of what was deleted is left in their files. On a server,
            nobody can use a table meanwhile.
        """
        with self._translated():
            there = {str(row[0]) for row in await self._driver.fetch(self._dialect.list_tables)}
            ours = {table.name for table in tables()} | {texts_of(entity).name for entity in ENTITIES.values()}
            for sql in self._dialect.rewrite if full else self._dialect.vacuum:
                for name in map(self._dialect.quote, sorted(there & ours)) if "{" in sql else [""]:
                    await self._driver.fetch(sql.format(name))

    async def _open(self, connect: Callable[[], Awaitable[None]], check: Callable[[], Awaitable[None]]) -> None:
        try:
            with self._translated():
                await connect()
                await check()
        except BaseException:
            with contextlib.suppress(*self._driver.errors):
                await self._driver.close()
            raise

    async def _connect(self, begin: Callable[[], Awaitable[None]] | None = None) -> None:
        await (begin or self._driver.open)()
        if isinstance(self._given, Question):
            self._dialect = self._given.dialect(await self._driver.fetch(self._given.sql))
            self._questions = Questions(self._dialect, self._codec)

    async def purge(self) -> bool:
        """Leave nothing of what was deleted in the files of the database. The store is open.

        Returns
        -------
        bool
            Whether that was done; ``False`` where it is the database's own business.
        """
        purge: Callable[[], Awaitable[bool]] | None = getattr(self._driver, "purge", None)
        with self._translated():
            done = purge is not None and await purge()
        await self._renewed(self._driver.fetch)  # another process may have removed them
        if self.sealing.remembers(self._notes):
            _LOG.warning(
                "%r has dictionaries of an earlier version, which may keep fragments of what was deleted: "
                "`persist rekey` with its URL makes them needless and removes them",
                self._driver,
            )
            return False
        return done

    def _compressed(self) -> Collection[str]:
        return self.sealing.compressed(self._notes)

    async def _keep_dictionary(self, kind: str, dictionary: bytes) -> None:
        with self._translated():
            await migrations.keep_dictionary(self._dialect, self._driver, self.sealing, kind, dictionary)
        await self._renewed(self._driver.fetch)

    async def close(self) -> None:
        if self._trainer is not None:
            await self._trainer.close()
            self._trainer = None
        if self._lookups is not None:
            await self._lookups.close()
            self._lookups = None
        with self._translated():
            await self._driver.close()

    async def apply(self, changes: Sequence[Change]) -> None:
        transact: Callable[[Work], Awaitable[None]] | None = getattr(self._driver, "transact", None)
        with self._translated():
            if transact is not None and not _are_decided(changes):
                await transact(functools.partial(self._write, changes))
            else:  # what rules decide about, they decide in the event loop, where they are told of what is new
                async with self._driver.transaction() as transaction:
                    await self._write(changes, transaction)
        if self._trainer is not None:
            self._trainer.note(changes)

    async def _write(self, changes: Sequence[Change], transaction: Transaction) -> None:
        note = await transaction.fetch(texts.asked(self._dialect) + self._dialect.lock_note)
        work = _Work(transaction, texts.kept(note, self._codec))
        for run in _runs(changes, self._dialect.many):
            await self._apply[type(run[0])](work, run[0].entity, run)

    async def select(self, query: Select) -> Page:
        if query.where and (kinds := list(worded_in(query.where))):
            await self._check_search(query.entity, kinds)
        if self._lookups is not None and self._lookups.takes(query):
            return await self._lookups.ask(query)
        few = query.keys is not None and len(query.keys) == 1
        return await self._answer_by(self._driver.lookup if few else self._driver.fetch, query)

    async def _check_search(self, entity: AnyEntity, kinds: Collection[AnyEntity]) -> None:
        with self._translated():
            note = await self._driver.lookup(texts.asked(self._dialect))
        kept = texts.kept(note, self._codec)
        if kept >= set(kinds) and texts.are_ready(note, kinds):
            return
        what = "are still being made searchable" if kept >= set(kinds) else "cannot be searched"
        way = f"the bot that writes there turns it on with persist.Cache(..., search={{{entity.name!r}}})"
        msg = f"{entity.name} {what} in {self._driver!r}; {way}"
        raise QueryError(msg)

    async def _answer_by(self, fetch: Callable[[str, Row], Awaitable[Sequence[Row]]], query: Select) -> Page:
        spelled = self._questions.spelled(query)
        try:  # as below, where a context would take longer than the rest of this
            rows = await fetch(spelled.sql, spelled.params)
        except self._driver.errors as error:
            raise self._translation(error) from error
        if query.want == "count":
            return Page((), count=int(rows[0][0]))
        page = self._questions.page(spelled, rows)
        if page.corrupt and await self._renewed(self._driver.fetch):
            page = self._questions.page(self._questions.spelled(query), rows)
        return page

    async def _renewed(self, fetch: Callable[[str], Awaitable[Sequence[Row]]]) -> bool:
        """See whether another process has changed how payloads are stored, and follow it. Return whether it has."""
        with self._translated():
            notes = await migrations.notes(self._dialect, fetch)
        if notes == self._notes:
            return False
        self._read_by(self.sealing.follow(self._dialect, notes, repr(self._driver)))
        return True

    # -------------------------------------------------------------------------------------------------------- writing

    async def _put(self, work: _Work, entity: AnyEntity, changes: Sequence[Put]) -> None:
        await self._upsert(work, entity, dict(zip(map(KEY_OF, changes), changes, strict=True)).values())

    async def _upsert(self, work: _Work, entity: AnyEntity, records: Collection[Record]) -> None:
        await self._turn(work.transaction, len(records))
        # In the order of their keys: the database finds neighbours together, and processes do not block each other.
        records = sorted(records, key=KEY_OF)
        await self._turn(work.transaction, len(records))
        make = columns_of if self._codec is None else self._codec.columns_of
        loaded = self._dialect.loaded
        left = await self._loader.load_new(work.transaction, self._questions, loaded, records, make, self._stride)
        rows = Rows(left, make, self._stride)
        await self._execute(work.transaction, self._dialect.upsert(table_of(entity), rows))
        if entity in work.searched:
            await self._execute(work.transaction, texts.written(self._dialect, entity, records))

    async def _turn(self, transaction: Transaction, count: int) -> None:
        """Let the event loop come round where one call for so many records has just kept it from that."""
        if count >= _HOLDING:
            give_way: Callable[[], Awaitable[None]] = getattr(transaction, "give_way", self._stride.turn)
            await give_way()

    async def _execute(self, transaction: Transaction, statements: Iterable[Statement]) -> None:
        execute_all: Callable[[Iterable[Statement]], Awaitable[None]] | None = getattr(transaction, "execute_all", None)
        if execute_all is not None:  # whoever has a thread of its own makes them there
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
            # One that is refused ends the transaction, which it has to leave before that.
            if under_way is not None:
                await asyncio.gather(under_way, return_exceptions=True)

    async def _patch(self, work: _Work, entity: AnyEntity, changes: Sequence[Patch]) -> None:
        query = Select(entity, keys=tuple({change.key for change in changes}))
        base = {record.key: record for record in await self._stored(work.transaction, query)}
        made: dict[Key, Record | None] = {}
        for change in await joining.complete(changes, self._parts(work.transaction)):
            made[change.key] = fold(made.get(change.key, base.get(change.key)), change)
        gone = [Drop(entity, key) for key, record in made.items() if record is None and key in base]
        if gone:
            await self._drop(work, entity, gone)
        await self._upsert(work, entity, [record for record in made.values() if record is not None])

    def _parts(self, transaction: Transaction) -> joining.Parts:
        async def parts(entity: AnyEntity, keys: Iterable[Key]) -> Mapping[Key, Record]:
            return {record.key: record for record in await self._stored(transaction, Select(entity, keys=tuple(keys)))}

        return parts

    async def _drop(self, work: _Work, entity: AnyEntity, changes: Sequence[Drop]) -> None:
        speller = Speller(self._dialect, self._codec)
        where = speller.keys(entity, tuple({change.key for change in changes}))
        await work.transaction.execute(f"DELETE FROM {self._dialect.quote(entity.name)} WHERE {where}", speller.params)

    async def _drop_scope(self, work: _Work, entity: AnyEntity, changes: Sequence[DropScope]) -> None:
        for start in range(0, len(changes), _SCOPES):
            speller = Speller(self._dialect, self._codec)
            wheres = [speller.where(entity, c.guild_id, c.where) for c in changes[start : start + _SCOPES]]
            where = " OR ".join(f"({' AND '.join(parts)})" for parts in wheres)
            sql = f"DELETE FROM {self._dialect.quote(entity.name)}{f' WHERE {where}' if all(wheres) else ''}"
            await work.transaction.execute(sql, speller.params if all(wheres) else ())

    async def _amend(self, work: _Work, entity: AnyEntity, changes: Sequence[Amend]) -> None:
        known_keys = functools.partial(stored_keys, work.transaction, self._questions)
        for change in await amending.combined(changes, known_keys):
            query = Select(entity, guild_id=change.guild_id, where=change.where)
            every = change._replace(where=())  # what it reaches is asked of the database, which alone can tell
            stored = await self._stored(work.transaction, query)
            if change.keeps is not None and change.keeps.whole:
                stored = await joining.whole(stored, self._parts(work.transaction))
            found = [(record, fold(record, every)) for record in stored]
            if gone := [Drop(entity, old.key) for old, new in found if new is None]:
                await self._drop(work, entity, gone)
            await self._upsert(work, entity, [new for old, new in found if new is not None and new is not old])

    async def _archive(self, work: _Work, entity: AnyEntity, changes: Sequence[Archive]) -> None:
        for change in changes:
            query = Select(entity, guild_id=change.guild_id, where=change.where, metadata=True)
            versions = {
                (made := archived(record, change)).key: made for record in await self._stored(work.transaction, query)
            }
            await self._upsert(work, change.into, versions.values())

    async def _stored(self, transaction: Transaction, query: Select) -> Sequence[Record]:
        # Wholly: what is encrypted and cannot be read is not to be taken for nothing, and written over.
        spelled = self._questions.spelled(query)
        rows = await transaction.fetch(spelled.sql + self._dialect.lock_rows, spelled.params)
        try:
            return self._questions.page(spelled, rows, wholly=True).records
        except CorruptRecordError:
            if not await self._renewed(transaction.fetch):
                raise
            return self._questions.page(self._questions.spelled(query), rows, wholly=True).records

    @contextlib.contextmanager
    def _translated(self) -> Generator[None]:
        """Turn what the driver raises into what persist raises, in this one place."""
        try:
            yield
        except self._driver.errors as error:
            raise self._translation(error) from error

    def _translation(self, error: Exception) -> BackendError:
        return BackendError(self._driver.explain(error), temporary=self._driver.temporary(error))


class _Moment:
    """A database as it is at one moment."""

    def __init__(self, answer: Callable[[Select], Awaitable[Page]]) -> None:
        self._answer = answer

    async def select(self, query: Select) -> Page:
        return await self._answer(query)


def _are_decided(changes: Sequence[Change]) -> bool:
    """Tell whether rules decide about any of them."""
    if _DECIDED.isdisjoint(map(type, changes)):
        return False
    return any(isinstance(change, (Patch, Amend)) and change.keeps is not None for change in changes)


def _runs(changes: Sequence[Change], most: int) -> Iterator[Sequence[Change]]:
    """Cut changes into neighbours of one sort and one kind of thing, no more than a statement may name."""
    for sort, alike in itertools.groupby(changes, type):
        for _, of_kind in itertools.groupby(alike, ENTITY_OF):
            run = list(of_kind)
            length = len(run) if sort is Put else most
            yield from (run[start : start + length] for start in range(0, len(run), length))
