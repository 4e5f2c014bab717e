"""Hikari objects that queries returned, for as long as the rows that they are made of stay the same.

A query for a set always goes to the database, so its results are up to date, whoever wrote them. But most of its time
is spent on making objects of rows, and most rows are the same as the last time. An object depends on nothing but its
row and those of its parts, so nothing ever has to be forgotten here for an answer to be right.
"""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable, Iterable, Iterator

from .copies import copied, learn
from .gauges import Gauges
from .model import Entity, Record
from .recent import EACH, PER_BYTE, Recent
from .spi import Row, Unmade, Unreadable

__all__ = ("Results",)

AnyEntity = Entity[typing.Any]
T = typing.TypeVar("T")

_SEEN: typing.Final = 4096
"""How many rows to remember by their hash. Only what is found again is kept, as that takes longer than making it."""


class _Result:
    """An object that is kept."""

    __slots__ = ("made", "size")

    def __init__(self, made: object, row: Row) -> None:
        self.made: object = copied(made)
        texts = [value for value in row if isinstance(value, str)]
        self.size: int = EACH + sum(sys.getsizeof(text) + (PER_BYTE - 1) * len(text) for text in texts)


class Results:
    """Keeps objects by the rows that they are made of.

    Parameters
    ----------
    recent
        Where they are kept, with other things that were used recently.
    gauges
        Counts what was and was not here.
    """

    def __init__(self, recent: Recent, gauges: Gauges) -> None:
        self._recent = recent
        self._gauges = gauges
        self._seen: dict[int, None] = {}

    def made(
        self,
        entity: Entity[T],
        unmade: Unmade,
        make: Callable[[Iterable[Record | Unreadable]], Iterator[T]],
    ) -> Iterator[T]:
        """Yield the objects of records, each from here or made with ``make``."""
        things = self._recent.things
        names = [(entity, tuple(row)) for row in unmade.rows]
        results: list[_Result | None] = [things.get(name) for name in names]
        misses = results.count(None)
        self._gauges.misses["results", entity.name] += misses
        self._gauges.hits["results", entity.name] += len(results) - misses
        for name, result in zip(names, results, strict=True):
            if result is not None:
                things.move_to_end(name)
        for name, result in zip(names, results, strict=True):
            if result is None:
                yield from self._newly_made(name, unmade, make)
            else:
                yield copied(result.made)

    def _newly_made(
        self,
        name: tuple[Entity[T], tuple[typing.Any, ...]],
        unmade: Unmade,
        make: Callable[[Iterable[Record | Unreadable]], Iterator[T]],
    ) -> Iterator[T]:
        records = list(unmade.make(name[1:]))
        for thing in make(records):
            if len(records) == 1:  # otherwise something of it is unreadable, which is reported each time
                self._keep(name, thing)
            yield thing

    def _keep(self, name: tuple[AnyEntity, tuple[typing.Any, ...]], made: object) -> None:
        """Keep an object just made of a row, if that was here before."""
        number = hash(name)
        if number not in self._seen:
            if len(self._seen) == _SEEN:
                del self._seen[next(iter(self._seen))]
            self._seen[number] = None
            return
        del self._seen[number]
        learn(made)
        self._recent.put(name, _Result(made, name[1]))
