"""Rows, cut into what one statement writes."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Sequence

from .schema import Columnar, Rows, Table

__all__ = ("is_one", "shared", "slices")


def is_one(values: Sequence[typing.Any]) -> bool:
    """Return whether a column has the same value in all rows, so that it is written once; most metadata has."""
    return values.count(values[0]) == len(values)


def shared(table: Table, columns: Columnar) -> int:
    """Return how many columns, the last ones, have one value each all the way down, so that it can be bound once.

    It is all that stands beside the payloads, or none, so that there are few different statements to keep prepared.
    """
    beside = table.beside
    return beside if beside and len(columns[0]) > 1 and all(map(is_one, columns[-beside:])) else 0


def slices(table: Table, rows: Rows[typing.Any], most: int, size: int = 4_000_000) -> Iterator[Columnar]:
    """Cut rows into slices that are not too long, and whose documents are not too long together.

    Parameters
    ----------
    table
        Where the rows go.
    rows
        The rows. No more are made than what has been yielded needs.
    most
        How many rows a slice has at most, as long as the stride of the rows is 1.
    size
        How many characters of what is compared, as documents, a slice has at most, unless one row alone has more.
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
