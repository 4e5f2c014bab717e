"""Inserts many new rows the way that the database offers for bulk loading."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence

from .model import Entity, Key, Record
from .questions import Questions
from .schema import Columnar, Rows, Table, table_of
from .spi import Select, Transaction
from .stride import Stride

__all__ = ("LEAST", "Load", "Loader", "stored_keys")

LEAST: typing.Final = 1000
"""The fewest records worth loading in bulk: below that, asking which ones exist costs more than it saves."""

_MOST_VAIN: typing.Final = 3
"""The most wasted queries to count: at that point, seven out of eight queries are skipped."""

Loaded = Callable[[Table, Rows[typing.Any]], Iterable[bytes]]
"""Encodes new rows for bulk loading."""

Load = Callable[[Table, AsyncIterator[bytes]], Awaitable[bool]]
"""Inserts new rows, and returns whether it did. It returns ``False``, having written nothing, if one of them already
exists or another process inserts it at the same time."""


@dataclasses.dataclass(slots=True)
class _Known:
    """What earlier batches have shown about how many records of a kind already exist."""

    is_asked: bool = False
    """Whether to query which records exist, because some did."""

    _vain: int = 0
    _spared: int = 0

    def spares_asking(self) -> bool:
        """Return whether to skip the query this time, because earlier ones were wasted: nearly all records existed."""
        if not self._spared:
            return False
        self._spared -= 1
        return True

    def answered(self, *, is_none: bool, in_vain: bool) -> None:
        """Note an answer: whether no record existed, and whether too few were new to be loaded in bulk."""
        self.is_asked = not is_none
        self._vain = min(self._vain + 1, _MOST_VAIN) if in_vain else 0
        self._spared = (1 << self._vain) - 1


class Loader:
    """Inserts many new records the quick way, on databases that have one.

    A bot that joins a large guild, or starts for the first time, has tens of thousands of records that are all new:
    they are loaded without a query. Once one of them existed, a query finds out which ones exist, until all are new
    again. A bot that restarts has tens of thousands that exist: the more often nearly all of them did, the more rarely
    it queries.
    """

    def __init__(self) -> None:
        self._known: dict[Entity[typing.Any], _Known] = {}

    async def load_new(
        self,
        transaction: Transaction,
        questions: Questions,
        loaded: Loaded | None,
        records: Sequence[Record],
        make: Callable[[Sequence[Record]], Columnar],
        stride: Stride,
    ) -> Sequence[Record]:
        """Insert the new ones among many records, if there is a quick way, and return all others.

        Parameters
        ----------
        transaction
            The transaction to write in. It has a ``load``, a :data:`Load`, if the database has a quick way.
        questions
            The queries of this database.
        loaded
            How to encode new rows for this database, if it has a quick way: see :class:`~persist.dialect.Dialect`.
        records
            Records of one kind, each with a different key.
        make
            Makes their rows.
        stride
            How many rows to make at once.
        """
        load: Load | None = getattr(transaction, "load", None)
        if load is None or loaded is None or len(records) < LEAST:
            return records
        entity = records[0].entity
        table, known = table_of(entity), self._known.setdefault(entity, _Known())

        async def parts(new: Sequence[Record]) -> AsyncIterator[bytes]:
            for part in loaded(table, Rows(new, make, stride)):
                yield part
                await stride.turn()

        if not known.is_asked:
            if await load(table, parts(records)):
                return ()
            known.is_asked = True
        if known.spares_asking():
            return records
        stored = await stored_keys(transaction, questions, entity, [record.key for record in records])
        new = [record for record in records if record.key not in stored]
        known.answered(is_none=not stored, in_vain=len(new) < LEAST)
        if len(new) < LEAST or not await load(table, parts(new)):
            return records
        return [record for record in records if record.key in stored]


async def stored_keys(
    transaction: Transaction, questions: Questions, entity: Entity[typing.Any], keys: Sequence[Key]
) -> Collection[Key]:
    """Return those of some keys of a kind that have a stored record."""
    asked = questions.spelled(Select(entity, keys=tuple(keys), want="keys"))
    answer = questions.page(asked, await transaction.fetch(asked.sql, asked.params))
    return {record.key for record in answer.records}
