"""Rows that are not there yet, by the way that a database has for many new ones."""

from __future__ import annotations

import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

from .model import Record
from .questions import Questions
from .schema import Columnar, Rows, Table, table_of
from .spi import Select, Transaction
from .stride import Stride

__all__ = ("LEAST", "Load", "load_new")

LEAST: typing.Final = 1000
"""From how many records on it is asked which of them are there: with fewer the question costs more than it saves."""

Loaded = Callable[[Table, Rows[typing.Any]], Iterable[bytes]]
"""Turns new rows into what the way to load them takes."""

Load = Callable[[Table, AsyncIterator[bytes]], Awaitable[bool]]
"""Writes new rows, and returns whether it did: ``False``, and nothing is written, when somebody else has written one of
them meanwhile."""


async def load_new(
    transaction: Transaction,
    questions: Questions,
    loaded: Loaded | None,
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
    questions
        How the database is asked.
    loaded
        How the database spells new rows there, where it has such a way: see :class:`~persist.dialect.Dialect`.
    records
        Records of one kind, no two of the same key.
    make
        Makes their rows.
    stride
        How many are made at once.
    """
    load: Load | None = getattr(transaction, "load", None)
    if load is None or loaded is None or len(records) < LEAST:
        return records
    entity = records[0].entity
    asked = questions.spelled(Select(entity, keys=tuple(record.key for record in records), want="keys"))
    answer = questions.page(asked, await transaction.fetch(asked.sql, asked.params))
    stored = {record.key for record in answer.records}
    new = [record for record in records if record.key not in stored]
    if len(new) < LEAST:
        return records
    table = table_of(entity)

    async def parts() -> AsyncIterator[bytes]:
        for part in loaded(table, Rows(new, make, stride)):
            yield part
            await stride.turn()

    if not await load(table, parts()):
        return records
    return [record for record in records if record.key in stored]
