"""The texts to search, in a table next to that of their kind: kept up to date, and created when search is turned on.

Which kinds have such a table is decided per database, not per process. It is noted in the database, and every writer
reads that note first, in the same transaction. So even a process that turned nothing on, or started earlier, maintains
them.
"""

from __future__ import annotations

import itertools
import logging
import typing
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import orjson

from . import paging
from .codec import Codec
from .dialect import Dialect, Statement, converted
from .entities import ENTITIES
from .errors import SchemaError
from .model import Entity, Key, Record
from .schema import META, Columnar, Rows, table_of, texts_of
from .spelling import Speller
from .spi import Order, Row, Transaction
from .words import FORM, terms_of, text_of

__all__ = ("NOTE", "Notes", "are_ready", "arrange", "asked", "check", "kept", "written")

_LOG = logging.getLogger("persist.search")
NOTE: typing.Final = "search"
"""The name of the note that lists the kinds with texts, each with the version of their form; 0 during creation."""

_LOST: typing.Final = -1
_SLICE: typing.Final = 250
_AT_ONCE: typing.Final = 128
"""How many texts to split into terms before the event loop runs again."""

AnyEntity = Entity[typing.Any]


class Notes(typing.Protocol):
    """A database whose tables are being prepared, and its notes."""

    dialect: Dialect
    transaction: Transaction
    where: str

    def noted(self, name: str) -> str | None:
        """Return a note."""
        ...

    async def note(self, name: str, value: str) -> None:
        """Set a note."""

    async def forget(self, name: str) -> None:
        """Remove a note, if it exists."""

    async def store(self) -> None:
        """Commit what has been done so far, on databases that cannot do everything in one transaction."""


# ------------------------------------------------------------------------------------------------------------- the note


def asked(dialect: Dialect) -> str:
    """Return the query for the note."""
    quote = dialect.quote
    return f"SELECT {quote('value')} FROM {quote(META.name)} WHERE {quote('name')} = '{NOTE}'"


def kept(rows: Sequence[Row], codec: Codec | None) -> frozenset[AnyEntity]:
    """Return the kinds whose texts must be maintained, given the rows of the note; none with encrypted columns."""
    kinds = [ENTITIES[name] for name in _note_in(rows) if name in ENTITIES]
    return frozenset(kind for kind in kinds if not _concealed(kind, codec))


def _note_in(rows: Sequence[Row]) -> Mapping[str, int]:
    return orjson.loads(rows[0][0]) if rows else {}


def _concealed(entity: AnyEntity, codec: Codec | None) -> list[str]:
    """Return the searched columns that are encrypted and that an index would reveal."""
    if codec is None or entity.searched is None:
        return []
    concealed = codec.concealed(entity)
    return [name for name in entity.searched.columns if concealed[name] is not None]


def are_ready(rows: Sequence[Row], kinds: Iterable[AnyEntity]) -> bool:
    """Return whether the texts of some kinds are complete, given the rows of the note."""
    note = _note_in(rows)
    return all(note.get(kind.name) == FORM for kind in kinds)


# -------------------------------------------------------------------------------------------------------------- keeping


def written(dialect: Dialect, entity: AnyEntity, records: Iterable[Record]) -> Iterator[Statement]:
    """Yield the statements that update the texts of records that have just been written."""
    if entity.searched is None:
        return
    reads = [entity.columns[name].read for name in entity.searched.columns]
    texts = ((record.key, [read(record.payload) for read in reads]) for record in records)
    yield from _statements(dialect, entity, texts)


def _statements(
    dialect: Dialect, entity: AnyEntity, texts: Iterable[tuple[Key, Iterable[str | None]]]
) -> Iterator[Statement]:
    search, searched = dialect.search, entity.searched
    if search is None or searched is None:
        return
    table, texts = texts_of(entity), iter(texts)
    while some := list(itertools.islice(texts, _AT_ONCE)):
        rows: list[Row] = []
        gone: list[Key] = []
        for key, values in some:
            if text := text_of(values):
                terms = " ".join([search.prefix + term for term in terms_of(text, inside=searched.inside)])
                rows.append((*key, text, terms))
            if not text or not search.replaces:
                gone.append(key)
        yield from _deletions(dialect, entity, gone)
        yield from dialect.upsert(table, Rows(rows, _columnar))


def _deletions(dialect: Dialect, entity: AnyEntity, keys: Sequence[Key]) -> Iterator[Statement]:
    for start in range(0, len(keys), dialect.many):
        speller = Speller(dialect)
        where = speller.keys(entity, keys[start : start + dialect.many])
        yield f"DELETE FROM {dialect.quote(texts_of(entity).name)} WHERE {where}", speller.params


def _columnar(rows: Sequence[Row]) -> Columnar:
    return list(zip(*rows, strict=True))


# ------------------------------------------------------------------------------------------------ turning it on and off


async def check(notes: Notes, wanted: Collection[AnyEntity], codec: Codec | None) -> None:
    """Check that some kinds can be searched, before anything is created.

    Raises
    ------
    persist.SchemaError
        If the searched columns are encrypted, or the database lacks a required feature.
    """
    for entity in wanted:
        if columns := _concealed(entity, codec):
            what = " and ".join(columns)
            msg = (
                f"{entity.name} cannot be searched in {notes.where}: the index would hold {what}, which is encrypted, "
                "in plain text. Leave it out of the columns of persist.Encryption(...), or turn search off."
            )
            raise SchemaError(msg)
    search = notes.dialect.search
    if wanted and search and search.offered and not (await notes.transaction.fetch(search.offered))[0][0]:
        msg = f"{notes.where} cannot be searched: {search.lacking}"
        raise SchemaError(msg)


async def arrange(
    notes: Notes, wanted: Collection[AnyEntity] | None, codec: Codec | None, lost: Collection[str] = ()
) -> None:
    """Create missing texts that are wanted, and delete those that are not.

    Parameters
    ----------
    notes
        The database; no other process creates tables in it meanwhile.
    wanted
        The kinds to make searchable; ``None`` to keep what the database has.
    codec
        Says which columns are encrypted. Their texts are deleted.
    lost
        The kinds whose tables were dropped and are empty again.
    """
    note: dict[str, int] = orjson.loads(notes.noted(NOTE) or "{}")
    if note:
        there = {row[0] for row in await notes.transaction.fetch(notes.dialect.list_tables)}
        dropped = {entity.name for entity in ENTITIES.values() if texts_of(entity).name not in there}
        note |= dict.fromkeys(note.keys() & {*dropped, *lost}, _LOST)
    closed = {name for name in note if name in ENTITIES and _concealed(ENTITIES[name], codec)}
    names = [name for name in note if name not in closed] if wanted is None else [kind.name for kind in wanted]
    for name in set(note) - set(names):
        del note[name]
        await _note(notes, note)
        if (entity := ENTITIES.get(name)) is not None:
            _LOG.info("%s: %s can no longer be searched", notes.where, name)
            await _drop(notes, entity)
    for name in names:
        if name in ENTITIES and note.get(name) != FORM:
            await _make(notes, ENTITIES[name], note)
    if notes.noted(NOTE) is None:  # writers lock the note, so it must exist
        await _note(notes, note)


async def _note(notes: Notes, note: Mapping[str, int]) -> None:
    await notes.note(NOTE, orjson.dumps(note).decode())
    await notes.store()


async def _drop(notes: Notes, entity: AnyEntity) -> None:
    await notes.forget(_place(entity))
    if (search := notes.dialect.search) is not None:
        for sql in search.drop(texts_of(entity), table_of(entity)):
            await notes.transaction.execute(sql)


async def _make(notes: Notes, entity: AnyEntity, note: dict[str, int]) -> None:
    """Create the texts of a kind, or continue an interrupted run."""
    search = notes.dialect.search
    if search is None:
        return
    if note.get(entity.name) != 0:
        # Writers lock the note before the tables; this must too, or each would wait for the other. And from here on,
        # nobody writes into what is about to be deleted.
        note.pop(entity.name, None)
        await _note(notes, note)
        await _drop(notes, entity)
        for sql in search.create(notes.dialect, texts_of(entity), table_of(entity)):
            await notes.transaction.execute(sql)
        note[entity.name] = 0
        # From here on, all processes index what they write; what was written before is read below.
        await _note(notes, note)
    _LOG.info("%s: %s are being made searchable", notes.where, entity.name)
    count = await _fill(notes, entity)
    note[entity.name] = FORM
    await _note(notes, note)
    _LOG.info("%s: %s can be searched; %d of them had text", notes.where, entity.name, count)


def _place(entity: AnyEntity) -> str:
    return f"search of {entity.name} is made up to"


async def _fill(notes: Notes, entity: AnyEntity) -> int:
    noted = notes.noted(_place(entity))
    after: Key | None = tuple(orjson.loads(noted)) if noted else None
    count, width = 0, len(entity.key)
    while some := await _next(notes, entity, after):
        texts = ((tuple(row[:width]), row[width:]) for row in some)
        for sql, params in _statements(notes.dialect, entity, texts):
            await notes.transaction.execute(sql, params)
        after, count = tuple(some[-1][:width]), count + len(some)
        _LOG.debug("%s: %d %s are searchable", notes.where, count, entity.name)
        if notes.dialect.checkpoint:
            await notes.note(_place(entity), orjson.dumps(after).decode())
            await notes.store()
    await notes.forget(_place(entity))
    return count


async def _next(notes: Notes, entity: AnyEntity, after: Key | None) -> Sequence[Row]:
    """Return keys and texts of the next records that have any."""
    dialect, speller = notes.dialect, Speller(notes.dialect)
    columns = entity.searched.columns if entity.searched else ()
    where = [f"({' OR '.join(f'{dialect.quote(name)} IS NOT NULL' for name in columns)})"]
    if after is not None:
        where.append(paging.after(speller, entity, [Order(name) for name in entity.key], after))
    names = (*entity.key, *columns)
    sql = (
        f"SELECT {', '.join(map(dialect.quote, names))} FROM {dialect.quote(entity.name)} "
        f"WHERE {' AND '.join(where)} ORDER BY {', '.join(map(dialect.quote, entity.key))} LIMIT {_SLICE}"
    )
    rows = await notes.transaction.fetch(sql + dialect.lock_rows, speller.params)
    return converted(dialect, [entity.kind_of(name) for name in names], rows)
