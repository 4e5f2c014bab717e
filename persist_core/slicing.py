"""Cuts rows into slices, one per statement."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Sequence

from .schema import Columnar, Rows, Table

__all__ = ("is_one", "shared", "slices")


def is_one(values: Sequence[typing.Any]) -> bool:
    """Return whether a column has the same value in all rows, so that it can be sent once; most metadata columns do."""
    return values.count(values[0]) == len(values)


def shared(table: Table, columns: Columnar) -> int:
    """Return how many of the last columns have a single value in all rows, so that each can be bound once.

    It is either every column next to the payloads or none, to keep the number of different prepared statements small.
    """
    beside = table.beside
    return beside if beside and len(columns[0]) > 1 and all(map(is_one, columns[-beside:])) else 0


def slices(table: Table, rows: Rows[typing.Any], most: int, size: int = 4_000_000) -> Iterator[Columnar]:
    """Cut rows into slices that are limited in rows, and in the total length of their documents.

    Parameters
    ----------
    table
        The table of the rows.
    rows
        The rows. They are made lazily, only as slices need them.
    most
        The most rows per slice, as long as the stride of the rows is 1.
    size
        The most characters of compared columns, as documents, per slice, unless a single row has more.
    """
    document = next((index for index, field in enumerate(table.fields) if field.name == table.compared), 0)
    start = 0
    while start < len(rows):
        count = most * rows.stride.times
        columns = rows.columns(start, count)
        start += count
        begin = weight = 0
        for end, length in enumerate(map(len, columns[document])):
            if end > begin and weight + length > size:
                yield [column[begin:end] for column in columns]
                begin, weight = end, 0
            weight += length
        yield [column[begin:] for column in columns] if begin else columns
