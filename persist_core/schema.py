"""Tables, derived from the kinds of things, and the rows that go into them."""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable, Iterator, Sequence

import orjson

from .entities import ENTITIES
from .model import Entity, Kind, Record
from .spi import Row

__all__ = ("META", "VERSION", "Field", "LazyRow", "Storage", "Table", "row_of", "table_of", "tables", "texts_of")

VERSION: typing.Final = 3
"""The version of the schema that this code reads and writes."""

Storage = Kind | typing.Literal["document", "name"]
"""What a column of a table holds: a ``document`` is JSON, a ``name`` a short text that is part of a key."""


class Field(typing.NamedTuple):
    """One column of a table."""

    name: str
    kind: Storage
    required: bool = False


class Table(typing.NamedTuple):
    """One table: its columns, the first of which are its key, and its indexes."""

    name: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...]
    about: str
    compared: str = "payload"
    """The column that tells whether a row that is written is the one that is stored, which then stays untouched."""

    @property
    def counts(self) -> bool:
        """Whether it is counted how often a row was written."""
        return any(field.name == "revision" for field in self.fields)

    @property
    def changing(self) -> tuple[str, ...]:
        """The columns that a newer version of a record overwrites."""
        fixed = {*self.key, "first_seen", "revision"}
        return tuple(field.name for field in self.fields if field.name not in fixed)


META: typing.Final = Table(
    "persist_meta",
    (Field("name", "name", required=True), Field("value", "text")),
    ("name",),
    (),
    "What this database is: persist's, of which version, of which application.",
)

_METADATA: typing.Final = (
    Field("source", "text"),
    Field("shard", "integer"),
    Field("epoch", "integer"),
    Field("last_updated", "time"),
    Field("first_seen", "time"),
    Field("revision", "integer"),
)


@functools.cache
def table_of(entity: Entity[typing.Any]) -> Table:
    """Return the table of a kind of thing."""
    key = tuple(entity.key)
    beside = entity.in_guild and "guild_id" not in key
    guild = (Field("guild_id", "snowflake"),) if beside else ()
    indexes = [("guild_id", *key)] if beside else []
    indexes += [
        (name, *(part for part in key if part != name)) for name, column in entity.columns.items() if column.index
    ]
    # Whom nothing names any more is looked for by them.
    led = {key[0], *(index[0] for index in indexes)}
    indexes += [(name, *(part for part in key if part != name)) for name in entity.users if name not in led]
    return Table(
        entity.name,
        (
            *(Field(name, "name" if kind == "text" else kind, required=True) for name, kind in entity.key.items()),
            *guild,
            *(Field(name, column.kind) for name, column in entity.columns.items()),
            Field("payload", "document", required=True),
            *_METADATA,
        ),
        key,
        tuple(indexes),
        entity.about,
    )


@functools.cache
def texts_of(entity: Entity[typing.Any]) -> Table:
    """Return the table beside that of a kind of thing that holds what it can be searched for."""
    key = tuple(field for field in table_of(entity).fields if field.name in entity.key)
    return Table(
        f"persist_search_{entity.name}",
        (*key, Field("words", "text", required=True), Field("terms", "text", required=True)),
        tuple(entity.key),
        (),
        f"What {entity.name} can be searched for: made by persist, which makes it anew when it is gone.",
        "words",
    )


def tables() -> Sequence[Table]:
    """Return every table of a database."""
    return (META, *map(table_of, ENTITIES.values()))


def row_of(record: Record) -> tuple[typing.Any, ...]:
    """Return the row of a record that is stored for the first time, here at least: what history it has comes with it.

    Its payload is JSON, without what is stored with its own kind and what is never stored.
    """
    return _rows(record.entity)(record)


class LazyRow(Sequence[typing.Any]):
    """The row of a record, made when it is first read: in the thread that writes it, where there is one.

    Parameters
    ----------
    record
        The record that is stored.
    make
        Makes its row.
    """

    __slots__ = ("_make", "_record", "_row")

    def __init__(self, record: Record, make: Callable[[Record], Row]) -> None:
        self._record = record
        self._make = make
        self._row: Row | None = None

    def _made(self) -> Row:
        if self._row is None:
            self._row = self._make(self._record)
        return self._row

    @typing.overload
    def __getitem__(self, index: int) -> typing.Any: ...
    @typing.overload
    def __getitem__(self, index: slice) -> Sequence[typing.Any]: ...
    def __getitem__(self, index: int | slice) -> typing.Any:
        return self._made()[index]

    def __iter__(self) -> Iterator[typing.Any]:
        return iter(self._made())

    def __len__(self) -> int:
        return len(self._made())


@functools.cache
def _rows(entity: Entity[typing.Any]) -> Callable[[Record], tuple[typing.Any, ...]]:
    """Return what makes rows of a kind, with all that can be known before the first one."""
    readers = tuple(column.read for column in entity.columns.values())
    apart = (*entity.joins, *entity.secrets)
    beside = entity.in_guild and "guild_id" not in entity.key

    def row(record: Record) -> tuple[typing.Any, ...]:
        _, key, guild_id, payload, (source, shard, epoch, at), first_seen, revision = record
        columns = [read(payload) for read in readers]
        if apart:
            own = dict(payload)
            for name in apart:
                own.pop(name, None)
            payload = own
        document = orjson.dumps(payload).decode()
        guild = (guild_id,) if beside else ()
        return (*key, *guild, *columns, document, source, shard, epoch, at, first_seen or at, revision or 1)

    return row
