"""Rows that are not there yet, by the way that a database has for many new ones."""

from __future__ import annotations

import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from .codec import Codec
from .dialect import Dialect, Speller
from .model import Entity, Key, Record
from .schema import Columnar, Rows, Table, table_of
from .spi import Transaction
from .stride import Stride

__all__ = ("LEAST", "Load", "load_new")

LEAST: typing.Final = 1000
"""From how many records on it is asked which of them are there: with fewer the question costs more than it saves."""

Load = Callable[[Table, AsyncIterator[bytes]], Awaitable[bool]]
"""Writes new rows, and returns whether it did: ``False``, and nothing is written, when somebody else has written one of
them meanwhile."""


async def load_new(
    transaction: Transaction,
    dialect: Dialect,
    codec: Codec | None,
    records: Sequence[Record],
    make: Callable[[Sequence[Record]], Columnar],
    stride: Stride,
) -> Sequence[Record]:
    """Write those of many records that are not stored yet, where there is a quick way, and return all others.

    A bot that joins a large guild, or starts for the first time, has tens of thousands of them.

    Parameters
    ----------
    transaction
        In which they are written. It has a ``load``, a :data:`Load`, where the database has a quick way.
    dialect, codec
        How the database spells, and how payloads are stored.
    records
        Records of one kind, no two of the same key.
    make
        Makes their rows.
    stride
        How many are made at once.
    """
    load: Load | None = getattr(transaction, "load", None)
    if load is None or dialect.loaded is None or len(records) < LEAST:
        return records
    entity = records[0].entity
    stored = await _stored(transaction, dialect, codec, entity, [record.key for record in records])
    new = [record for record in records if record.key not in stored]
    if len(new) < LEAST:
        return records
    table, loaded = table_of(entity), dialect.loaded

    async def parts() -> AsyncIterator[bytes]:
        for part in loaded(table, Rows(new, make, stride)):
            yield part
            await stride.turn()

    if not await load(table, parts()):
        return records
    return [record for record in records if record.key in stored]


async def _stored(
    transaction: Transaction, dialect: Dialect, codec: Codec | None, entity: Entity[typing.Any], keys: Sequence[Key]
) -> set[Key]:
    speller = Speller(dialect, codec)
    names = ", ".join(map(dialect.quote, entity.key))
    where = speller.keys(entity, keys)
    sql = f"SELECT {names} FROM {dialect.quote(entity.name)} WHERE {where}"
    reads = [dialect.read.get(kind) for kind in entity.key.values()]
    return {
        tuple(part if read is None else read(part) for read, part in zip(reads, row, strict=True))
        for row in await transaction.fetch(sql, speller.params)
    }
