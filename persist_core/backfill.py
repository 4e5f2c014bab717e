"""Fills a new column from existing payloads, slice by slice."""

from __future__ import annotations

import typing
from collections.abc import Awaitable, Callable

import orjson

from . import paging
from .codec import Codec
from .dialect import Dialect, converted
from .model import Entity, Key
from .schema import Storage
from .spelling import Speller
from .spi import Order, Row, Transaction

__all__ = ("backfill",)

_SLICE: typing.Final = 500


async def backfill(
    dialect: Dialect,
    transaction: Transaction,
    entity: Entity[typing.Any],
    column: str,
    after: Key | None,
    passed: Callable[[Key, int, int], Awaitable[None]],
    codec: Codec | None = None,
) -> None:
    """Fill a column of every record of a kind.

    Parameters
    ----------
    dialect, transaction
        The database.
    entity, column
        The column to fill. It stays NULL where it cannot be read from the payload.
    after
        The key of the last record before an interruption.
    passed
        Called after each slice with its last key, the number of records processed so far, and their total.
    codec
        The codec between records and rows.
    """
    read = _reader(entity, column, codec)
    table = dialect.quote(entity.name)
    rows = await transaction.fetch(f"SELECT COUNT(*) FROM {table}")
    total, seen = int(rows[0][0]), 0
    while True:
        some = await _next(dialect, transaction, entity, after)
        if not some:
            return
        width = len(entity.key)
        keys_of: dict[typing.Any, list[Key]] = {}
        for row in some:
            key = tuple(row[:width])
            keys_of.setdefault(read(key, row[width]), []).append(key)
        for value, keys in keys_of.items():
            if value is not None:
                speller = Speller(dialect)
                new = f"{dialect.quote(column)} = {speller.value(entity.kind_of(column), value)}"
                await transaction.execute(
                    f"UPDATE {table} SET {new} WHERE {speller.keys(entity, keys)}", speller.params
                )
        after, seen = tuple(some[-1][:width]), seen + len(some)
        await passed(after, seen, total)


async def _next(
    dialect: Dialect, transaction: Transaction, entity: Entity[typing.Any], after: Key | None
) -> typing.Sequence[Row]:
    """Return keys and payloads of the next records."""
    speller = Speller(dialect)
    order = [Order(name) for name in entity.key]
    where = f" WHERE {paging.after(speller, entity, order, after)}" if after is not None else ""
    kinds: dict[str, Storage] = {**entity.key, "payload": "document"}
    columns = ", ".join(dialect.load.get(kind, "{}").format(dialect.quote(name)) for name, kind in kinds.items())
    by = ", ".join(dialect.quote(name) for name in entity.key)
    sql = f"SELECT {columns} FROM {dialect.quote(entity.name)}{where} ORDER BY {by} LIMIT {_SLICE}"
    return converted(dialect, tuple(kinds.values()), await transaction.fetch(sql, speller.params))


def _reader(entity: Entity[typing.Any], column: str, codec: Codec | None) -> Callable[[Key, bytes | str], typing.Any]:
    """Return a function that computes the column's value from a key and its stored document."""
    conceal = codec.concealed(entity).get(column) if codec is not None else None

    def read(key: Key, stored: bytes | str) -> typing.Any:
        try:
            document = stored if codec is None else codec.opened(entity.name, key, stored)
            value = entity.columns[column].read(orjson.loads(document))
        except (AttributeError, LookupError, TypeError, ValueError):
            return None
        return value if value is None or conceal is None else conceal(value)

    return read
