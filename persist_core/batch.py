"""Changes on their way to a store: segments, each later than the one before it, and how they become transactions."""

from __future__ import annotations

import contextlib
import datetime
import itertools
import sys
import typing
from collections.abc import Callable, Iterator, Sequence

from .changes import ENTITY_OF, Amend, Archive, Change, Drop, DropScope, Patch, Put, ScopeChange
from .columns import instant
from .model import Entity, Key
from .past import Recollection
from .segment import Segment

__all__ = ("Batch", "Step")

AnyEntity = Entity[typing.Any]
Deciding = Callable[[], contextlib.AbstractContextManager[object]]
"""Surrounds what rules decide about for good."""

_MANY: typing.Final = 32
"""From more changes on it is worth while to see which of them are of one sort and one kind."""


_ALIKE: typing.Final = 8
"""From as many of one sort and one kind on they are taken at once."""


class Step(typing.NamedTuple):
    """Changes that are stored at once, after what was asked about the time before them has been found."""

    asked: list[Recollection]
    changes: list[Change]


class Batch:
    """Segments, oldest first, and how many changes are in them.

    Parameters
    ----------
    at
        The moment that stands for the batch. A stored record that was last updated then contains changes of it.
    deciding
        Surrounds the taking of changes that rules decide about.
    """

    __slots__ = ("_begun", "_deciding", "_stored", "_through", "at", "coalesced", "segments", "size")

    def __init__(self, at: str, deciding: Deciding = contextlib.nullcontext) -> None:
        self.at: str = at
        self.segments: list[Segment] = [Segment()]
        self.size: int = 0
        self.coalesced: int = 0
        self._deciding = deciding
        # Each segment is two parts, its scopes and its keys: so many are stored, and in the transaction under way.
        self._stored = 0
        self._begun = sys.maxsize
        # What is stored of the keys under way, where the scopes before them have updated things, too.
        self._through = set[tuple[AnyEntity, Key]]()

    @property
    def age(self) -> float:
        """How many seconds it has waited; 0 if nothing is in it."""
        if not self.size:
            return 0.0
        began = instant(self.at)
        return max(0.0, (datetime.datetime.now(datetime.UTC) - began).total_seconds())

    def take(self, changes: Sequence[Change]) -> None:
        """Take changes that are later than all others here, each later than those before it."""
        if len(changes) > _MANY:
            self._take_many(changes)
        else:
            self._take_in_turn(changes)

    def _take_in_turn(self, changes: Sequence[Change]) -> None:
        taken, more = self.segments[-1].take(changes)
        self.size += more
        self.coalesced += taken - more
        if taken < len(changes):
            for change in changes[taken:]:
                self.add(change)

    def _take_many(self, changes: Sequence[Change]) -> None:
        rest: list[Change] = []
        for sort, alike in itertools.groupby(changes, type):
            if sort is not Put:
                rest += alike
                continue
            for entity, of_kind in itertools.groupby(alike, ENTITY_OF):
                puts = typing.cast("list[Put]", list(of_kind))
                if len(puts) < _ALIKE:
                    rest += puts
                    continue
                self._take_in_turn(rest)
                rest = []
                more = self.segments[-1].put_all(entity, puts)
                self.size += more
                self.coalesced += len(puts) - more
        self._take_in_turn(rest)

    def add(self, change: Change) -> None:
        """Take a change that is later than all others here."""
        if isinstance(change, (Patch, Amend)) and change.keeps is not None:
            with self._deciding():  # what it changes may wait here
                self._add(change)
        else:
            self._add(change)

    def _add(self, change: Change) -> None:
        if isinstance(change, (DropScope, Amend, Archive)):
            self._add_scope(change)
            return
        taken, more = self.segments[-1].take((change,), decided=True)
        if not taken:
            self.segments.append(Segment())
            taken, more = self.segments[-1].take((change,), decided=True)
        self.size += more
        self.coalesced += taken - more

    def _add_scope(self, change: ScopeChange) -> None:
        informed = self.segments[-1].informed(change)
        if informed is None:
            self.coalesced += 1
            return
        covered = self.segments[-1].reach(informed)
        if covered is None:
            self.segments.append(Segment())
            covered = []
        self.segments[-1].apply(informed, covered)
        self.size += 1

    def ask(self, asked: Recollection) -> bool:
        """Take a question for what is here and stored now. Return whether something here has to be stored before."""
        if not self.segments[-1].ask(asked):
            self.segments.append(Segment())
            self.segments[-1].ask(asked)
        return len(self.segments) > 1

    def holds(self, entity: AnyEntity, key: Key) -> bool:
        """Tell whether a change names a key."""
        return any(key in segment.keyed.get(entity, ()) for segment in self.segments)

    def shed(self, entity: AnyEntity) -> Sequence[Change]:
        """Give up all keyed changes of a kind, and return them."""
        shed = [change for segment in self.segments for change in segment.keyed.pop(entity, {}).values()]
        self.size -= len(shed)
        return shed

    def changes(self) -> Iterator[Change]:
        """Yield all changes, in an order that a store may make them in."""
        for segment in self.segments:
            yield from segment.changes()

    def lacking(self, entity: AnyEntity, key: Key, at: str | None) -> Sequence[Change]:
        """Return the changes that may concern a key and are not in what is stored of it, in order.

        Parameters
        ----------
        entity, key
            The key.
        at
            When what is stored was last updated; ``None`` where nothing is stored. The transaction under way may have
            been committed without anybody here having heard of it yet.
        """
        begin = self._after(entity, key) if at == self.at else self._stored
        if not begin and len(self.segments) == 1:
            return self.segments[0].of_key(entity, key)
        found: list[Change] = []
        for place, segment in enumerate(self.segments):
            if begin <= 2 * place + 1:
                found += segment.of_key(entity, key, scopes=begin <= 2 * place)
        return found

    def _after(self, entity: AnyEntity, key: Key) -> int:
        """Return how many parts a stored record contains that was last updated by this batch."""
        whole, scopes = divmod(self._stored, 2)
        by_earlier = any(segment.of_key(entity, key) for segment in self.segments[:whole])
        by_scopes = scopes and entity in self.segments[whole].amended and (entity, key) not in self._through
        if by_earlier or by_scopes:
            return self._stored  # what is under way may be in it or not: most changes may be made once more
        return self._begun

    def steps(self, most: int) -> Iterator[Step]:
        """Yield all changes, in steps of so many, and in each what has to be found before them.

        The next one is asked for when a step has been stored. A step is whole parts of segments, or a piece of the keys
        of one segment, so that what is stored tells which changes it contains: see :meth:`lacking`.
        """
        step, first = Step(self.segments[0].asked, []), 0
        for place, (segment, size, changes) in enumerate(self._parts()):
            asks = bool(segment.asked) and segment.asked is not step.asked
            if asks or (step.changes and len(step.changes) + size > most):
                self._stored, self._begun = first, place
                yield step
                step, first = Step(segment.asked if asks else [], []), place
            if place % 2 and size > most:
                self._stored, self._begun = place, place + 1
                while piece := list(itertools.islice(changes, most)):
                    yield Step(step.asked, piece)
                    step = Step([], [])
                    self._note_stored(segment, piece)
                self._through.clear()
                first = place + 1
            else:
                step.changes.extend(changes)
        self._stored, self._begun = first, 2 * len(self.segments)
        yield step

    def _note_stored(self, segment: Segment, piece: Sequence[Change]) -> None:
        if not segment.amended:  # as in most floods, whose pieces are long
            return
        for change in piece:
            if isinstance(change, (Put, Patch, Drop)) and change.entity in segment.amended:
                self._through.add((change.entity, change.key))

    def _parts(self) -> Iterator[tuple[Segment, int, Iterator[Change]]]:
        for segment in self.segments:
            yield segment, len(segment.scopes), segment.scopes_abreast()
            yield segment, sum(map(len, segment.keyed.values())), segment.keyed_in_order()
