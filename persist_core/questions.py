"""Queries for an SQL database: writes them in SQL, and turns the resulting rows into records."""

from __future__ import annotations

import functools
import typing
from collections.abc import Iterator, Mapping, Sequence

from . import paging
from .codec import Codec
from .dialect import Dialect, converted
from .errors import CorruptRecordError
from .model import Entity, Key, Record
from .rows import Part, Read, columns_of, kind_of, parts_of, payload_of, reader_of
from .schema import Storage
from .spelling import Speller
from .spi import Order, Page, Row, Select, Unmade, Unreadable

__all__ = ("Questions", "Spelled")

AnyEntity = Entity[typing.Any]
_new = tuple.__new__  # takes half as long as a named tuple's own


class _Beside(typing.NamedTuple):
    """Where a part is in a row, and how to make a record of it."""

    part: Part
    columns: slice
    document: int
    read: Read


class _Form(typing.NamedTuple):
    """What all queries for the same columns of a kind have in common."""

    columns: str
    table: str
    parts_joined: str
    alone: str
    """The complete SQL of a query for a single record, the same for every key. Most queries are of this type."""

    kinds: Sequence[Storage]
    read: Read
    parts: Sequence[_Beside]
    lazy: bool
    """Whether records can be made of rows later, one by one: nothing that this depends on can change meanwhile."""


class Spelled(typing.NamedTuple):
    """A query in SQL."""

    query: Select
    sql: str
    params: Row
    form: _Form
    order: Sequence[Order] = ()
    """The columns to sort by, which are at the end of each row."""


class Questions:
    """Writes queries in SQL, and reads their results.

    Parameters
    ----------
    dialect
        The SQL dialect.
    codec
        How payloads are stored, if not as JSON.
    """

    def __init__(self, dialect: Dialect, codec: Codec | None) -> None:
        self._dialect = dialect
        self._codec = codec
        self._forms: dict[tuple[AnyEntity, bool, bool, bool], _Form] = {}

    # -------------------------------------------------------------------------------------------------------- spelling

    def spelled(self, query: Select) -> Spelled:
        """Return a query in SQL."""
        form, keys = self._form(query), query.keys
        if keys is not None and len(keys) == 1 and _asks_for_keys_alone(query):
            return _new(Spelled, (query, form.alone, self._bound(query.entity, keys[0]), form, ()))
        entity, speller = query.entity, Speller(self._dialect, self._codec)
        where = [speller.keys(entity, query.keys)] if query.keys is not None else []
        where += speller.where(entity, query.guild_id, query.where)
        if query.want == "count":
            sql = f"SELECT COUNT(*) FROM {self._dialect.quote(entity.name)}{_clause(where)}"
            return Spelled(query, sql, speller.params, form)
        # Without a limit, results need an order only if the query asks for one.
        order = () if query.limit is None and not query.order else paging.total(query)
        if self._codec is not None:
            for name, _ in order:
                self._codec.check_order(entity, name)
        if query.after is not None:
            where.append(paging.after(speller, entity, paging.total(query), query.after))
        columns = ", ".join((form.columns, *(self._load(kind_of(entity, name), name) for name, _ in order)))
        by_key = self._dialect.by_key if query.keys is not None else ""
        sql = f"SELECT {columns} FROM {form.table}{by_key}{form.parts_joined}{_clause(where)}"
        if order:
            sql += f" ORDER BY {', '.join(self._sorted(entity, name, down=down) for name, down in order)}"
        if query.limit is not None:
            sql += f" LIMIT {int(query.limit)}"
        return Spelled(query, sql, speller.params, form, order)

    def _bound(self, entity: AnyEntity, key: Key) -> Row:
        bind = self._dialect.bind
        if not bind:
            return key
        return [bind[of](part) if of in bind else part for of, part in zip(entity.key.values(), key, strict=True)]

    def _form(self, query: Select) -> _Form:
        kind = (query.entity, query.want == "records", query.metadata, query.whole)
        if (form := self._forms.get(kind)) is None:
            form = self._forms[kind] = self._formed(*kind)
        return form

    def _formed(self, entity: AnyEntity, payload: bool, metadata: bool, whole: bool) -> _Form:  # noqa: FBT001 - a key
        names = columns_of(entity, payload=payload, metadata=metadata)
        columns = [self._load(kind_of(entity, name), name) for name in names]
        kinds: list[Storage] = []
        kinds.extend(kind_of(entity, name) for name in names)
        table, joined = self._dialect.quote(entity.name), ""
        parts: list[_Beside] = []
        for part in parts_of(entity) if whole and payload else ():
            theirs = columns_of(part.entity, payload=True, metadata=part.entity.ephemeral)
            start, end = len(columns), len(columns) + len(theirs)
            columns += [self._load(kind_of(part.entity, name), f"{part.name}_{name}") for name in theirs]
            kinds.extend(kind_of(part.entity, name) for name in theirs)
            joined += f" {self._table(entity, part, theirs)}"
            read = reader_of(part.entity, self._codec, payload=True, metadata=part.entity.ephemeral)
            parts.append(_Beside(part, slice(start, end), start + theirs.index("payload"), read))
        read = reader_of(entity, self._codec, payload=payload, metadata=metadata)
        listed = ", ".join(columns)
        where = self._dialect.keys(Speller(self._dialect), entity, (tuple(entity.key),))
        alone = f"SELECT {listed} FROM {table}{joined} WHERE {where}"
        # Whether parts are still current is decided for a whole page, not for one record.
        lazy = payload and self._codec is None and not any(_passes(beside.part.entity) for beside in parts)
        return _Form(listed, table, joined, alone, kinds, read, parts, lazy)

    def _table(self, entity: AnyEntity, part: Part, names: Sequence[str]) -> str:
        # Its columns get other names, as conditions and orders name the columns of the record.
        quote = self._dialect.quote
        inner = [on for other in parts_of(entity) if other.inside == part.name for on in other.on]
        given = ", ".join(
            f"{quote(name)} AS {quote(f'{part.name}_{name}')}" for name in dict.fromkeys((*names, *inner))
        )
        here = [quote(f"{part.inside}_{on}") if part.inside else f"{quote(entity.name)}.{quote(on)}" for on in part.on]
        same = (f"{quote(f'{part.name}_{name}')} = {on}" for name, on in zip(part.entity.key, here, strict=True))
        table = f"(SELECT {given} FROM {quote(part.entity.name)}) AS {quote(part.name)}"
        return f"LEFT JOIN {table} ON {' AND '.join(same)}"

    def _sorted(self, entity: AnyEntity, name: str, *, down: bool) -> str:
        # A key is never NULL, and an order that does not mention NULL can use the key's index.
        ends = ("", " DESC") if name in entity.key else (self._dialect.ascending, self._dialect.descending)
        column = self._dialect.quote(name)
        if self._dialect.then_by and name not in entity.key and kind_of(entity, name) == "text":
            return f"{column}{ends[down]}, {self._dialect.then_by.format(column)}{ends[down]}"
        return f"{column}{ends[down]}"

    def _load(self, kind: Storage, name: str) -> str:
        return self._dialect.load.get(kind, "{}").format(self._dialect.quote(name))

    # --------------------------------------------------------------------------------------------------------- reading

    def page(self, spelled: Spelled, rows: Sequence[Row], *, wholly: bool = False) -> Page:
        """Read the result of a query.

        Parameters
        ----------
        spelled
            The query.
        rows
            The rows that the database returned.
        wholly
            Whether to raise an error for a record that cannot be decrypted, rather than list it as corrupt.

        Raises
        ------
        persist.CorruptRecordError
            If a record cannot be decrypted, and ``wholly`` is set.
        """
        query, form, order = spelled.query, spelled.form, spelled.order
        if self._dialect.read:
            entity = query.entity
            rows = converted(self._dialect, [*form.kinds, *(kind_of(entity, name) for name, _ in order)], rows)
        more = query.limit is not None and len(rows) == query.limit and order
        after = tuple(rows[-1][-len(order) :]) if more and rows else None
        if query.lazily and form.lazy and _are_plain(rows, form):
            make = functools.partial(_wholes, query.entity, form)
            return Page((), after, len(rows), wholes=Unmade(rows, make))
        read = form.read
        records: list[Record] = []
        corrupt: list[tuple[Key, str]] = []
        for row in rows:
            try:
                records.append(read(row))
            except ValueError as error:
                if wholly and isinstance(error, CorruptRecordError):
                    raise
                corrupt.append((tuple(row[: len(query.entity.key)]), str(error)))
        return Page(records, after, len(rows), corrupt, _parts(form.parts, rows) if query.whole else None)


def _passes(entity: AnyEntity) -> bool:
    return entity.ephemeral or bool(entity.ends)


def _are_plain(rows: Sequence[Row], form: _Form) -> bool:
    """Return whether all documents look like JSON. Others need a codec, which another process may have changed."""
    places = [form.kinds.index("document"), *(beside.document for beside in form.parts)]
    return all(row[place] is None or row[place][:1] == "{" for place in places for row in rows)


def _wholes(entity: AnyEntity, form: _Form, rows: Sequence[Row]) -> Iterator[Record | Unreadable]:
    """Yield the records of rows with their parts, each made during iteration."""
    width = len(entity.key)
    for row in rows:
        try:
            record = form.read(row)
        except ValueError as error:
            yield Unreadable(entity, tuple(row[:width]), str(error))
            continue
        # These payloads have just been parsed, and nothing else refers to them yet.
        into = {"": typing.cast("dict[str, typing.Any]", record.payload)}
        for part, columns, document, _ in form.parts:
            if (stored := row[document]) is None or part.inside not in into:
                continue
            try:
                into[part.name] = into[part.inside][part.field] = payload_of(stored)
            except ValueError as error:
                yield Unreadable(part.entity, tuple(row[columns][: len(part.entity.key)]), str(error))
        yield record


def _parts(parts: Sequence[_Beside], rows: Sequence[Row]) -> Mapping[AnyEntity, Mapping[Key, Record]] | None:
    found: dict[AnyEntity, dict[Key, Record]] = {}
    try:
        for part, columns, document, read in parts:
            made = found.setdefault(part.entity, {})
            for row in rows:
                if row[document] is not None:
                    record = read(row[columns])
                    made[record.key] = record
    except ValueError:  # reading it by its key reports which one
        return None
    return found


def _asks_for_keys_alone(query: Select) -> bool:
    beside = query.where or query.order or query.after
    return not beside and query.guild_id is None and query.limit is None and query.want != "count"


def _clause(parts: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(parts)}" if parts else ""
