"""Upgrades a database to the schema of this code, or rejects one that isn't persist's."""

from __future__ import annotations

import logging
import typing
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

import orjson

from . import ddl, hooks, notes, texts
from .backfill import backfill
from .dialect import Dialect
from .entities import COMPLETENESS, ENTITIES, MESSAGES
from .errors import SchemaError
from .model import Entity, Key
from .schema import META, VERSION, Table, table_of, tables
from .sealing import PLAIN, Sealed, Sealing, Turn, is_note
from .spi import Driver, Transaction

__all__ = (
    "MIGRATIONS",
    "Migration",
    "Migrator",
    "Plan",
    "Progress",
    "inspect",
    "keep_dictionary",
    "plan",
    "prepare",
)

_LOG = logging.getLogger("persist.migrations")
_TABLES: typing.Final = "tables"
"""The name of the note that lists the existing tables and columns."""

Progress = Callable[["Migration", int, int], None]
"""Called while a migration runs, with the number of records processed so far and their total."""


class Migration(typing.NamedTuple):
    """One step from one schema version to the next."""

    version: int
    """The version after this step."""

    name: str
    """A description for people."""

    run: Callable[[Migrator], Awaitable[None]]
    """Runs the step. Running it again after an interruption continues, or does no harm."""


class Plan(typing.NamedTuple):
    """What preparing a database would do."""

    version: int | None
    """Its version; ``None`` if it has nothing of persist's yet and would be created as this code wants it."""

    steps: Sequence[Migration]
    """The migrations that would run."""

    notes: Mapping[str, str]
    """The notes stored in it."""

    lost: Sequence[Table] = ()
    """The tables that somebody has dropped, and that would be created again."""


async def plan(dialect: Dialect, driver: Driver, to: int | None = None) -> Plan:
    """Return what :func:`prepare` would do, without doing it.

    Raises
    ------
    persist.SchemaError
        If :func:`prepare` would reject the database.
    """
    async with driver.transaction() as transaction:
        return await Migrator(dialect, transaction, repr(driver), None).plan(to)


async def prepare(
    dialect: Dialect,
    driver: Driver,
    progress: Progress | None = None,
    to: int | None = None,
    sealing: Sealing = PLAIN,
    searched: Collection[Entity[typing.Any]] | None = None,
) -> Sealed:
    """Make a database ready to use, under a lock, and in one transaction if the database supports that.

    Parameters
    ----------
    dialect, driver
        The database.
    progress
        Called while migrations run; they are logged in any case.
    to
        The version to upgrade to; by default, the newest.
    sealing
        How payloads should be stored.
    searched
        The kinds to make searchable; ``None`` to keep what the database has.

    Returns
    -------
    persist.sealing.Sealed
        How payloads are stored.

    Raises
    ------
    persist.SchemaError
        If it is newer than this code, its tables belong to another program, or it needs other keys. It is left
        unchanged.
    """
    async with driver.transaction() as transaction, notes.locked(dialect, driver, transaction):
        return await Migrator(dialect, transaction, repr(driver), progress, sealing, searched).run(to)


async def inspect(dialect: Dialect, driver: Driver, sealing: Sealing = PLAIN) -> Sealed:
    """Check that a database can be read as it is, and return how its payloads are stored. Changes nothing.

    Raises
    ------
    persist.SchemaError
        If it is not persist's, has another version, has not been created yet, or needs other keys.
    """
    known = await notes.known(dialect, driver, repr(driver))
    version = known.get("schema_version")
    if version is None:
        msg = f"{driver!r} has no tables of persist's to read; run a bot with a persist.Cache on it first"
        raise SchemaError(msg)
    if int(version) < VERSION:
        msg = (
            f"{driver!r} has version {version} of the schema, but this version of persist reads {VERSION}. "
            "Upgrade the bot that writes it, or run `persist migrate`."
        )
        raise SchemaError(msg)
    sealed = sealing.decide(dialect, known, repr(driver))
    return sealed._replace(notes={name: value for name, value in known.items() if is_note(name)})


async def keep_dictionary(dialect: Dialect, driver: Driver, sealing: Sealing, kind: str, dictionary: bytes) -> None:
    """Store a compression dictionary for a kind, unless another process has made one in the meantime."""
    async with driver.transaction() as transaction, notes.locked(dialect, driver, transaction):
        migrator = Migrator(dialect, transaction, repr(driver), None)
        await migrator.plan()
        for name, value in sealing.dictionary(migrator.meta, kind, dictionary, repr(driver)).items():
            await migrator.note(name, value)


class Migrator:
    """Changes the tables of one database, and tracks its progress.

    Parameters
    ----------
    dialect, transaction
        The database.
    where
        The name of the database in messages.
    progress
        Called while migrations run.
    sealing
        How payloads should be stored.
    searched
        The kinds to make searchable; ``None`` to keep what the database has.
    """

    def __init__(
        self,
        dialect: Dialect,
        transaction: Transaction,
        where: str,
        progress: Progress | None,
        sealing: Sealing = PLAIN,
        searched: Collection[Entity[typing.Any]] | None = None,
    ) -> None:
        self.dialect: Dialect = dialect
        self.transaction: Transaction = transaction
        self.where: str = where
        self._progress = progress
        self._sealing = sealing
        self._searched = searched
        self._sealed = Sealed(None, {})
        self._meta: dict[str, str] = {}
        self._migration: Migration | None = None

    async def plan(self, to: int | None = None) -> Plan:
        """Return what is missing."""
        self._meta = dict(await notes.known(self.dialect, self.transaction, self.where))
        target = VERSION if to is None else to
        version = int(self._meta["schema_version"]) if "schema_version" in self._meta else None
        if not (VERSION if version is None else version) <= target <= VERSION:
            has = f"has version {version}" if version is not None else "is empty"
            msg = f"{self.where} {has} and cannot be migrated to {target}: this version of persist uses {VERSION}"
            raise SchemaError(msg)
        steps = [step for step in MIGRATIONS if version is not None and version < step.version <= target]
        return Plan(version, steps, self._meta, await self._lost())

    async def _lost(self) -> Sequence[Table]:
        noted = orjson.loads(self._meta.get(_TABLES, "{}"))
        existing = {row[0] for row in await self.transaction.fetch(self.dialect.list_tables)} if noted else ()
        return [table for table in tables() if table.name in noted and table.name not in existing]

    async def run(self, to: int | None = None) -> Sealed:
        """Create what is missing, and return how payloads are stored."""
        plan = await self.plan(to)
        self._sealed = self._sealing.decide(self.dialect, self._meta, self.where)
        await texts.check(self, self._searched or (), self._sealed.codec)
        if plan.version is None:
            await self._create()
        else:
            await self._replace(plan.lost)
            await self._note_sealing()
            for migration in plan.steps:
                await self._migrate(migration)
        if to in (None, VERSION):
            await self._complete()
            lost = {table.name for table in plan.lost}
            await texts.arrange(self, self._searched, self._sealed.codec, lost)
        return self._sealed._replace(notes={name: value for name, value in self._meta.items() if is_note(name)})

    async def _note_sealing(self) -> None:
        for name, value in self._sealed.notes.items():
            if self._meta.get(name) != value:
                await self.note(name, value)

    async def turn(self, way: Callable[[Mapping[str, str]], tuple[Turn, Mapping[str, str]]]) -> Turn:
        """Change how payloads are stored from now on.

        Parameters
        ----------
        way
            Called with all notes of the database; returns the change, and the notes to store for it now.

        Raises
        ------
        persist.SchemaError
            If it has another version.
        """
        plan = await self.plan()
        if plan.version != VERSION:
            here = "has no tables of persist's" if plan.version is None else f"has version {plan.version} of the schema"
            msg = f"{self.where} {here}: run a bot or `persist migrate` on it first"
            raise SchemaError(msg)
        turn, wanted = way(self._meta)
        for name in [name for name in self._meta if is_note(name) and name not in wanted]:
            await self.forget(name)
        for name, value in wanted.items():
            await self.note(name, value)
        self._sealed = Sealed(turn.codec, wanted)
        await self._complete()
        return turn

    async def _replace(self, lost: Sequence[Table]) -> None:
        """Create tables that somebody has dropped."""
        for table in lost:
            _LOG.warning("%s: somebody has dropped the table %s; it is created again, empty", self.where, table.name)
            await self._make(table)
        for table in lost:
            # Otherwise its kind would count as complete in some guilds.
            quote, mark = self.dialect.quote, self.dialect.placeholder
            sql = f"DELETE FROM {quote(COMPLETENESS.name)} WHERE {quote('kind')} = {mark(1)}"
            await self.transaction.execute(sql, (table.name,))

    async def _complete(self) -> None:
        """Create the tables and columns that this code knows and the database lacks."""
        here = {table.name: [field.name for field in table.fields] for table in tables()}
        noted: dict[str, list[str]] = orjson.loads(self._meta.get(_TABLES, "{}"))
        if all(set(fields) <= set(noted.get(name, ())) for name, fields in here.items()):
            return
        existing = {row[0] for row in await self.transaction.fetch(self.dialect.list_tables)}
        for table in tables():
            if table.name not in existing:
                _LOG.info("%s: %s are stored from now on", self.where, table.name)
                await self._make(table)
        for entity in ENTITIES.values():
            if entity.name in existing:
                await self._add_missing(entity)
        await self._note_tables(noted)

    async def _add_missing(self, entity: Entity[typing.Any]) -> None:
        there = {row[0] for row in await self.transaction.fetch(self.dialect.list_columns, (entity.name,))}
        if lacking := sorted({*entity.key, "payload", "revision"} - there):
            msg = (
                f"the table {entity.name} of {self.where} is not persist's: it has no column {', '.join(lacking)}. "
                "Name another database."
            )
            raise SchemaError(msg)
        for name in entity.columns:
            if name not in there:
                _LOG.info("%s: %s can be found by %s from now on", self.where, entity.name, name)
                await self.add_column(entity, name)

    async def _note_tables(self, noted: Mapping[str, Sequence[str]]) -> None:
        """Note which tables and columns are persist's. Whatever a later revision has noted stays."""
        ours = {table.name: [field.name for field in table.fields] for table in tables()}
        for name, fields in noted.items():
            ours[name] = sorted({*fields, *ours.get(name, ())})
        await self.note(_TABLES, orjson.dumps(ours).decode())

    async def add_column(self, entity: Entity[typing.Any], name: str) -> None:
        """Add a column to a kind's table, and fill it from the payloads."""
        table = table_of(entity)
        (field,) = (field for field in table.fields if field.name == name)
        there = await self.transaction.fetch(self.dialect.list_columns, (table.name,))
        if name not in {row[0] for row in there}:
            await self.transaction.execute(ddl.add_column(self.dialect, table, field))
        place = f"{table.name}.{name} is filled up to"
        after = tuple(orjson.loads(self._meta[place])) if place in self._meta else None

        async def passed(key: Key, seen: int, total: int) -> None:
            self._heard(seen, total)
            if self.dialect.checkpoint:
                await self.note(place, orjson.dumps(key).decode())
                await self.store()

        await backfill(self.dialect, self.transaction, entity, name, after, passed, self._sealed.codec)
        await self.forget(place)

    async def index(self, table: Table) -> None:
        """Create the indexes that a table lacks, and rebuild those that are larger than necessary."""
        there = {row[0] for row in await self.transaction.fetch(self.dialect.list_indexes)}
        for name, sql in ddl.indexes(self.dialect, table).items():
            if name in there and self.dialect.keys_in_indexes:
                await self.transaction.execute(f"DROP INDEX {self.dialect.quote(name)}")
                there.remove(name)
            if name not in there:
                await self.transaction.execute(sql)

    async def index_all(self) -> None:
        """Create the missing indexes of existing tables."""
        existing = {row[0] for row in await self.transaction.fetch(self.dialect.list_tables)}
        old = [table for table in tables() if table.name in existing]
        for number, table in enumerate(old, 1):
            columns = {row[0] for row in await self.transaction.fetch(self.dialect.list_columns, (table.name,))}
            # A table that lacks a column belongs to a plugin and gets the column later.
            if columns >= {name for index in table.indexes for name in index}:
                await self.index(table)
            self._heard(number, len(old))

    async def _create(self) -> None:
        # First what marks the tables as persist's, last the version: an interrupted run can continue.
        await self._make(META)
        await self.note("application", notes.APPLICATION)
        await self._note_sealing()
        for table in tables():
            if table is not META:
                await self._make(table)
        await self._note_tables({})
        await self.note("schema_version", str(VERSION))

    async def _make(self, table: Table) -> None:
        for sql in ddl.create(self.dialect, table):
            await self.transaction.execute(sql)

    async def _migrate(self, migration: Migration) -> None:
        _LOG.info("%s: migration %d begins: %s", self.where, migration.version, migration.name)
        self._migration = migration
        with hooks.timed("migrate", version=migration.version):
            await migration.run(self)
            await self.note("schema_version", str(migration.version))
            await self.store()
        _LOG.info("%s: migration %d is done", self.where, migration.version)

    def _heard(self, seen: int, total: int) -> None:
        _LOG.debug("%s: %d of %d records", self.where, seen, total)
        if self._progress is not None and self._migration is not None:
            self._progress(self._migration, seen, total)

    @property
    def meta(self) -> Mapping[str, str]:
        """All notes."""
        return self._meta

    def noted(self, name: str) -> str | None:
        """Return a note of the database in its state since :meth:`plan`."""
        return self._meta.get(name)

    async def note(self, name: str, value: str) -> None:
        """Set a note."""
        quote, mark = self.dialect.quote, self.dialect.placeholder
        if name in self._meta:
            sql = f"UPDATE {quote(META.name)} SET {quote('value')} = {mark(1)} WHERE {quote('name')} = {mark(2)}"
            await self.transaction.execute(sql, (value, name))
        else:
            columns = f"{quote('value')}, {quote('name')}"
            sql = f"INSERT INTO {quote(META.name)} ({columns}) VALUES ({mark(1)}, {mark(2)})"
            await self.transaction.execute(sql, (value, name))
        self._meta[name] = value

    async def forget(self, name: str) -> None:
        """Remove a note, if it exists."""
        if self._meta.pop(name, None) is not None:
            quote = self.dialect.quote
            sql = f"DELETE FROM {quote(META.name)} WHERE {quote('name')} = {self.dialect.placeholder(1)}"
            await self.transaction.execute(sql, (name,))

    async def store(self) -> None:
        """Commit what has been done so far, on databases that cannot do everything in one transaction."""
        for sql in self.dialect.checkpoint:
            await self.transaction.execute(sql)


async def _note_attachments(migrator: Migrator) -> None:
    await migrator.add_column(MESSAGES, "has_attachments")


MIGRATIONS: typing.Final[Sequence[Migration]] = (
    Migration(2, "Note which messages have attachments, so that they can be found.", _note_attachments),
    Migration(3, "Index who is named where, so that users whom nothing names are found.", Migrator.index_all),
)
"""Every step that has ever existed, oldest first."""
