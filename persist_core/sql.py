"""The store for all SQL databases, given the dialect of one of them and a driver to run statements."""

from __future__ import annotations

import contextlib
import functools
import logging
import pathlib
import typing
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence

from . import migrations, notes, rekeying
from .changes import Change
from .coalesce import Lookups
from .conditions import worded_in
from .dialect import Dialect, Question
from .driver_errors import translated
from .entities import ENTITIES
from .errors import BackendError, QueryError, SchemaError
from .model import Entity
from .schema import tables, texts_of
from .sealing import PLAIN, Sealed, Sealing, is_note
from .spi import Answers, Driver, Page, Row, Select, Transaction, Work
from .sql_reading import Moment, SqlReader
from .sql_writing import SqlWriter, are_decided
from .training import Trainer

__all__ = ("SqlStore",)

_LOG = logging.getLogger("persist.sql")
AnyEntity = Entity[typing.Any]


class SqlStore:
    """Stores records in the tables of any database that has a dialect and a driver.

    Parameters
    ----------
    dialect
        The SQL dialect of the database, or a query that determines it.
    driver
        Runs statements on the database.
    sealing
        How payloads are stored; by default as JSON. It is set before the store is opened.
    """

    def __init__(self, dialect: Dialect | Question, driver: Driver, sealing: Sealing = PLAIN) -> None:
        self.sealing = sealing
        self._trainer: Trainer | None = None
        self._given = dialect
        self._driver = driver
        spelling = dialect if isinstance(dialect, Dialect) else dialect.dialect(())
        self._reader = SqlReader(driver, spelling, self._followed)
        self._writer = SqlWriter(self._reader)
        self._lookups: Lookups | None = None
        self._searched: Collection[AnyEntity] | None = None

    def __repr__(self) -> str:
        return f"<SqlStore on {self.where}>"

    @property
    def where(self) -> str:
        """The name of the database in messages."""
        return repr(self._driver)

    @property
    def place(self) -> str | None:
        """An identifier of the database, however it was named; ``None`` if nothing else can open it."""
        place: str | None = getattr(self._driver, "place", repr(self._driver))
        return place

    async def open(self) -> None:
        await self._open(self._connect, self._prepared)
        self._watch(self._recognised)
        self._gather()
        if self.sealing.compression:
            self._trainer = Trainer(self.select, self._keep_dictionary, self._compressed)

    def search(self, kinds: Collection[AnyEntity]) -> None:
        """Make some kinds searchable, and no others, the next time the store is opened.

        Without this, what was searchable before stays so, whoever turned that on.

        Raises
        ------
        persist.QueryError
            If this backend does not support search.
        """
        if kinds and self.dialect.search is None:
            msg = f"{self._driver!r} cannot be searched; leave out search={{...}}, or name another database"
            raise QueryError(msg)
        self._searched = kinds

    async def open_to_read(self) -> None:
        """Connect to a database that another process writes, without changing anything in it.

        Raises
        ------
        persist.BackendError
            If it does not exist, or cannot be reached.
        persist.SchemaError
            If this version cannot read it as it is.
        """
        begin = getattr(self._driver, "open_to_read", self._driver.open)
        await self._open(lambda: self._connect(begin), self._inspected)
        self._watch(self._recognised)
        self._gather()

    def _watch(self, recognise: Callable[[Transaction], Awaitable[None]] | None) -> None:
        """Check each connection that the driver makes from now on, if it makes new ones."""
        driver: typing.Any = self._driver
        if hasattr(driver, "recognise"):
            driver.recognise = recognise

    async def _recognised(self, connection: Transaction) -> None:
        """Follow the database's notes about its payloads: a dictionary that a failover lost must not be used."""
        try:
            known = await notes.still_known(self.dialect, connection, self.where)
            self._reader.follow({name: value for name, value in known.items() if is_note(name)})
        except SchemaError as error:  # it was right when it was opened, and may be so again
            raise BackendError(str(error), temporary=True) from error

    def _followed(self, notes: Mapping[str, str]) -> Sealed:
        return self.sealing.follow(self.dialect, notes, self.where)

    async def _prepared(self, progress: migrations.Progress | None = None, to: int | None = None) -> None:
        sealed = await migrations.prepare(self.dialect, self._driver, progress, to, self.sealing, self._searched)
        self._reader.read_by(sealed)

    async def _inspected(self) -> None:
        sealed = await migrations.inspect(self.dialect, self._driver, self.sealing)
        self._reader.read_by(sealed)

    def _gather(self) -> None:
        if self.dialect.lookups:
            self._lookups = Lookups(
                functools.partial(self._reader.answer_by, self._driver.lookup), self.dialect.lookups, self.dialect.many
            )

    async def migrate(self, progress: migrations.Progress | None = None, to: int | None = None) -> None:
        """Set up or migrate the database, as opening it would, and report progress.

        Parameters
        ----------
        progress
            Called repeatedly with the running migration, how many records it has seen and how many there are.
        to
            The schema version to migrate to; by default the newest.
        """
        await self._open(self._connect, lambda: self._prepared(progress, to))
        await self.close()

    async def rekey(self, seen: rekeying.Seen, *, decrypt: bool = False) -> rekeying.Rekeyed:
        """Rewrite all stored data with the current settings: with other keys, or encrypted for the first time.

        Other processes can keep reading and writing meanwhile. If it is interrupted, call it again to continue.

        Parameters
        ----------
        seen
            Called with a kind, how many more of its records have been processed, and how many there are.
        decrypt
            Whether to decrypt everything instead.

        Raises
        ------
        persist.SchemaError
            If there are no keys, or not those that the data is encrypted with.
        """
        try:
            with translated(self._driver):
                await self._connect()
                done = await rekeying.rekey(self.dialect, self._driver, self.sealing, seen, decrypt=decrypt)
            if done.hides:
                await self.purge()
            return done
        finally:
            await self.close()

    async def planned(self, to: int | None = None) -> migrations.Plan:
        """Return what :meth:`migrate` would do, without doing it."""
        try:
            with translated(self._driver):
                await self._connect()
                return await migrations.plan(self.dialect, self._driver, to)
        finally:
            await self.close()

    async def run(self, spell: Callable[[Dialect], Iterable[str]]) -> None:
        """Run statements in one transaction, in the dialect of the database. The store is open.

        Parameters
        ----------
        spell
            Makes the statements for a dialect.
        """
        with translated(self._driver):
            async with self._driver.transaction() as transaction:
                for sql in spell(self.dialect):
                    await transaction.execute(sql)

    async def query(self, sql: str) -> Sequence[Row]:
        """Return the rows of a query of your own. The store is open."""
        with translated(self._driver):
            return await self._driver.fetch(sql)

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Answers]:
        """Yield a snapshot to query, unaffected by what is written meanwhile. The store is open.

        With a driver that has no ``snapshot``, each query sees the database as it is at that moment.
        """
        lend = getattr(self._driver, "snapshot", None)
        if lend is None:
            yield self
            return
        async with contextlib.AsyncExitStack() as stack:
            with translated(self._driver):
                transaction = await stack.enter_async_context(lend())
            # What fails while the snapshot is lent need not be the database: it may be the file that is written.
            yield Moment(functools.partial(self._reader.answer_by, transaction.fetch))

    @property
    def writes_in_thread(self) -> bool:
        """Whether a thread of this process writes, which the event loop has to give way to."""
        return bool(getattr(self._driver, "writes_in_thread", False))

    def look_for(self) -> None:
        """Check that there is a database to open, as far as possible without connecting.

        Raises
        ------
        persist.BackendError
            If it is a file that does not exist.
        """
        if not getattr(self._driver, "is_there", True):
            msg = (
                f"{self._driver!r} does not exist; is the path right? "
                "A bot creates it, or persist import, copy or restore"
            )
            raise BackendError(msg)

    @property
    def is_a_file(self) -> bool:
        """Whether the database is a file, which :meth:`backup` copies to another."""
        return hasattr(self._driver, "backup")

    async def backup(self, target: pathlib.Path, progress: Callable[[int, int], None]) -> None:
        """Copy the database as it is now to a new file. The store is open, and the database is a file.

        Parameters
        ----------
        target
            The new file.
        progress
            Called with how much has been copied and the total, in another thread.
        """
        copy: Callable[[pathlib.Path, Callable[[int, int], None]], Awaitable[None]] = getattr(self._driver, "backup")  # noqa: B009 - not all have it
        with translated(self._driver):
            await copy(target, progress)

    @property
    def dialect(self) -> Dialect:
        """The dialect of the database, as far as it is known; completely once the store is open."""
        return self._reader.dialect

    async def vacuum(self, *, full: bool = False) -> None:
        """Free unused space. The store is open.

        Parameters
        ----------
        full
            Whether to rewrite all tables, so that no deleted data is left in their files. On a server, each table is
            locked meanwhile.
        """
        with translated(self._driver):
            there = {str(row[0]) for row in await self._driver.fetch(self.dialect.list_tables)}
            ours = {table.name for table in tables()} | {texts_of(entity).name for entity in ENTITIES.values()}
            for sql in self.dialect.rewrite if full else self.dialect.vacuum:
                for name in map(self.dialect.quote, sorted(there & ours)) if "{" in sql else [""]:
                    await self._driver.fetch(sql.format(name))

    async def _open(self, connect: Callable[[], Awaitable[None]], check: Callable[[], Awaitable[None]]) -> None:
        try:
            with translated(self._driver):
                await connect()
                await check()
        except BaseException:
            with contextlib.suppress(*self._driver.errors):
                await self._driver.close()
            raise

    async def _connect(self, begin: Callable[[], Awaitable[None]] | None = None) -> None:
        self._watch(None)
        await (begin or self._driver.open)()
        if isinstance(self._given, Question):
            self._reader.spell(self._given.dialect(await self._driver.fetch(self._given.sql)))

    async def purge(self) -> bool:
        """Remove all traces of deleted data from the files of the database. The store is open.

        Returns
        -------
        bool
            Whether that was done; ``False`` if only the database itself can do that.
        """
        purge: Callable[[], Awaitable[bool]] | None = getattr(self._driver, "purge", None)
        with translated(self._driver):
            done = purge is not None and await purge()
        await self._reader.renew(self._driver.fetch)  # another process may have removed them
        if self.sealing.remembers(self._reader.notes):
            _LOG.warning(
                "%r has dictionaries of an earlier version, which may contain fragments of deleted data: "
                "`persist rekey` with its URL replaces and removes them",
                self._driver,
            )
            return False
        return done

    def _compressed(self) -> Collection[str]:
        return self.sealing.compressed(self._reader.notes)

    async def _keep_dictionary(self, kind: str, dictionary: bytes) -> None:
        with translated(self._driver):
            await migrations.keep_dictionary(self.dialect, self._driver, self.sealing, kind, dictionary)
        await self._reader.renew(self._driver.fetch)

    async def close(self) -> None:
        if self._trainer is not None:
            await self._trainer.close()
            self._trainer = None
        if self._lookups is not None:
            await self._lookups.close()
            self._lookups = None
        with translated(self._driver):
            await self._driver.close()

    async def apply(self, changes: Sequence[Change]) -> None:
        transact: Callable[[Work], Awaitable[None]] | None = getattr(self._driver, "transact", None)
        with translated(self._driver):
            if transact is not None and not are_decided(changes):
                await transact(functools.partial(self._writer.write, changes))
            else:  # rules decide in the event loop, where they learn of what is new
                async with self._driver.transaction() as transaction:
                    await self._writer.write(changes, transaction)
        if self._trainer is not None:
            self._trainer.note(changes)

    async def select(self, query: Select) -> Page:
        if query.where and (kinds := list(worded_in(query.where))):
            await self._reader.check_search(query.entity, kinds)
        if self._lookups is not None and self._lookups.takes(query):
            return await self._lookups.ask(query)
        few = query.keys is not None and len(query.keys) == 1
        return await self._reader.answer_by(self._driver.lookup if few else self._driver.fetch, query)
