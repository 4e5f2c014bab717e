"""The tables, derived from the kinds, and the rows in them."""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable, Sequence

import orjson

from .entities import ENTITIES
from .model import Entity, Kind, Payload, Record
from .spi import Row
from .stride import Stride

__all__ = (
    "META",
    "VERSION",
    "Columnar",
    "Field",
    "Rows",
    "Storage",
    "Table",
    "columns_of",
    "row_of",
    "table_of",
    "tables",
    "texts_of",
)

T = typing.TypeVar("T")

Columnar = Sequence[Sequence[typing.Any]]
"""Rows of a table, column by column."""

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
    """The column that shows whether a row to write equals the stored one, which then stays untouched."""

    @property
    def counts(self) -> bool:
        """Whether it counts how often a row was written."""
        return any(field.name == "revision" for field in self.fields)

    @property
    def beside(self) -> int:
        """How many of the last columns hold metadata: the source of each row, when it was written, and how often."""
        return len(_METADATA) if self.counts else 0

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
    """Return the table of a kind."""
    key = tuple(entity.key)
    beside = entity.in_guild and "guild_id" not in key
    guild = (Field("guild_id", "snowflake"),) if beside else ()
    indexes = [("guild_id", *key)] if beside else []
    indexes += [
        (name, *(part for part in key if part != name)) for name, column in entity.columns.items() if column.index
    ]
    # The search for users that nothing names anymore needs these indexes.
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
    """Return the table with the texts to search of a kind."""
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


def row_of(record: Record) -> Row:
    """Return the row of a record that is new in this database; if it already has a history, that is in the row.

    Its payload is JSON, without the parts that are stored under their own kinds and without secrets.
    """
    return tuple(column[0] for column in columns_of((record,)))


def columns_of(records: Sequence[Record]) -> Columnar:
    """Return the rows of records of one kind, as :func:`row_of` does, column by column."""
    return _columns(records[0].entity)(records)


class Rows(typing.Generic[T]):
    """Rows of one table that are made when they are needed, some at a time.

    The thread that uses them makes them: the one that writes, if the driver has one.

    Parameters
    ----------
    things
        The things to make rows of.
    make
        Makes the rows of some things, column by column.
    stride
        The factor by which a statement writes more rows than usual.
    """

    __slots__ = ("_make", "_things", "stride")

    def __init__(
        self, things: Sequence[T], make: Callable[[Sequence[T]], Columnar], stride: Stride | None = None
    ) -> None:
        self._things = things
        self._make = make
        self.stride: Stride = stride or Stride()

    def __len__(self) -> int:
        return len(self._things)

    def columns(self, start: int, count: int) -> Columnar:
        """Return up to ``count`` rows, column by column."""
        return self._make(self._things[start : start + count])


@functools.cache
def _columns(entity: Entity[typing.Any]) -> Callable[[Sequence[Record]], Columnar]:
    """Return a function that makes rows of a kind, with everything computed in advance that is the same for all."""
    columns = tuple(entity.columns.values())
    apart = (*entity.joins, *entity.secrets)
    beside = entity.in_guild and "guild_id" not in entity.key

    def own(payloads: Sequence[Payload]) -> Sequence[Payload]:
        left = [dict(payload) for payload in payloads]
        for name in apart:
            for payload in left:
                payload.pop(name, None)
        return left

    # Every step here costs time for each row that is written, so most of them are one call for all rows.
    def make(records: Sequence[Record]) -> Columnar:
        _, keys, guilds, payloads, origins, first_seen, revisions = zip(*records, strict=True)
        sources, shards, epochs, moments = zip(*origins, strict=True)
        documents = own(payloads) if apart else payloads
        return [
            *zip(*keys, strict=True),
            *([guilds] if beside else []),
            *(column.of(payloads) for column in columns),
            list(map(bytes.decode, map(orjson.dumps, documents))),
            sources,
            shards,
            epochs,
            moments,
            [first or at for first, at in zip(first_seen, moments, strict=True)] if any(first_seen) else moments,
            [revision or 1 for revision in revisions] if any(revisions) else [1] * len(revisions),
        ]

    return make
