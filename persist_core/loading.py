"""Rows that are not there yet, by the way that a database has for many new ones."""

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
"""From how many records on they are loaded: with fewer it costs more than it saves to ask which of them are there."""

_MOST_VAIN: typing.Final = 3
"""So many answers in vain at most are counted: then seven of eight questions are spared."""

Loaded = Callable[[Table, Rows[typing.Any]], Iterable[bytes]]
"""Turns new rows into what the way to load them takes."""

Load = Callable[[Table, AsyncIterator[bytes]], Awaitable[bool]]
"""Writes new rows, and returns whether it did: ``False``, and nothing is written, when one of them is there already, or
somebody else writes it meanwhile."""


@dataclasses.dataclass(slots=True)
class _Known:
    """What was learned of how many records of a kind are there already."""

    is_asked: bool = False
    """Whether it is asked which of them are: some were."""

    _vain: int = 0
    _spared: int = 0

    def spares_asking(self) -> bool:
        """Return whether it is not asked this time, as it was in vain before: nearly all of them were there."""
        if not self._spared:
            return False
        self._spared -= 1
        return True

    def answered(self, *, is_none: bool, in_vain: bool) -> None:
        """Note an answer: whether none of them was there, and whether too few were new to be loaded."""
        self.is_asked = not is_none
        self._vain = min(self._vain + 1, _MOST_VAIN) if in_vain else 0
        self._spared = (1 << self._vain) - 1


class Loader:
    """Writes many new records the quick way, where a database has one.

    A bot that joins a large guild, or starts for the first time, has tens of thousands of them, and all are new: they
    are loaded without a question. Where one of them was there, it is asked which, until all are new again. One that
    starts again has tens of thousands that are there: the more often nearly all of them were, the more seldom it asks.
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
        """Write those of many records that are not stored yet, where there is a quick way, and return all others.

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
    """Return those of some keys of a kind of which a record is stored."""
    asked = questions.spelled(Select(entity, keys=tuple(keys), want="keys"))
    answer = questions.page(asked, await transaction.fetch(asked.sql, asked.params))
    return {record.key for record in answer.records}
