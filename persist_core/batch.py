"""Changes on their way to a store: segments in order, and how they become transactions."""

from __future__ import annotations

import contextlib
import datetime
import itertools
import sys
import typing
from collections.abc import Callable, Iterator, Sequence

from .changes import ENTITY_OF, Amend, Archive, Change, Drop, DropScope, Patch, Put, ScopeChange
from .columns import instant, later
from .model import Entity, Key
from .past import Recollection
from .segment import Segment

__all__ = ("Batch", "Step")

AnyEntity = Entity[typing.Any]
Deciding = Callable[[], contextlib.AbstractContextManager[object]]
"""A context for final decisions of rules."""

_MANY: typing.Final = 32
"""Above this many changes it pays to group them by type and kind."""


_ALIKE: typing.Final = 8
"""From this many of one type and kind, they are taken together."""


class Step(typing.NamedTuple):
    """Changes to store in one transaction, and what to read before that."""

    asked: list[Recollection]
    changes: list[Change]


class Batch:
    """Segments, oldest first, and how many changes are in them.

    Parameters
    ----------
    at
        The time of the changes being taken. A stored record whose ``last_updated`` is a time of this batch contains
        changes of it.
    deciding
        A context around taking changes that rules decide about.
    """

    __slots__ = (
        "_began",
        "_begun",
        "_deciding",
        "_stored",
        "_through",
        "_times",
        "at",
        "coalesced",
        "segments",
        "size",
    )

    def __init__(self, at: str, deciding: Deciding = contextlib.nullcontext) -> None:
        self.begin(at)
        self.segments: list[Segment] = [Segment()]
        self.size: int = 0
        self.coalesced: int = 0
        self._deciding = deciding
        # Each segment has two parts, its scopes and its keys. These count the parts that are stored, and those that are
        # stored once the transaction under way commits.
        self._stored = 0
        self._begun = sys.maxsize
        # The keys of the part under way that are stored, if scopes before them updated records too.
        self._through = set[tuple[AnyEntity, Key]]()

    def begin(self, at: str) -> None:
        """Set the time of an empty batch."""
        self.at: str = at
        self._began = at
        self._times = {at}

    def go_on(self) -> None:
        """Give later changes a later time; while the database is away, a batch keeps taking changes."""
        self.at = later(self.at)
        self._times.add(self.at)

    @property
    def age(self) -> float:
        """How many seconds it has waited; 0 if it is empty."""
        if not self.size:
            return 0.0
        return max(0.0, (datetime.datetime.now(datetime.UTC) - instant(self._began)).total_seconds())

    def take(self, changes: Sequence[Change]) -> None:
        """Take changes, in order; all are later than any here."""
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
        """Take a change that is later than any here."""
        if isinstance(change, (Patch, Amend)) and change.keeps is not None:
            with self._deciding():  # what it changes may be waiting here
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
        """Take a request for the current state. Return whether something here has to be stored first."""
        if not self.segments[-1].ask(asked):
            self.segments.append(Segment())
            self.segments[-1].ask(asked)
        return len(self.segments) > 1

    def holds(self, entity: AnyEntity, key: Key) -> bool:
        """Return whether a change names a key."""
        return any(key in segment.keyed.get(entity, ()) for segment in self.segments)

    def shed(self, entity: AnyEntity) -> Sequence[Change]:
        """Drop all keyed changes of a kind, and return them."""
        shed = [change for segment in self.segments for change in segment.keyed.pop(entity, {}).values()]
        self.size -= len(shed)
        return shed

    def changes(self) -> Iterator[Change]:
        """Yield all changes, in an order in which a store can apply them."""
        for segment in self.segments:
            yield from segment.changes()

    def lacking(self, entity: AnyEntity, key: Key, at: str | None) -> Sequence[Change]:
        """Return the changes that may concern a key and that the stored record does not contain, in order.

        Parameters
        ----------
        entity, key
            The kind and the key.
        at
            When the stored record was last updated; ``None`` if there is none. The transaction under way may have been
            committed although this process does not know it yet.
        """
        begin = self._after(entity, key) if at in self._times else self._stored
        if not begin and len(self.segments) == 1:
            return self.segments[0].of_key(entity, key)
        found: list[Change] = []
        for place, segment in enumerate(self.segments):
            if begin <= 2 * place + 1:
                found += segment.of_key(entity, key, scopes=begin <= 2 * place)
        return found

    def _after(self, entity: AnyEntity, key: Key) -> int:
        """Return how many parts are contained in a stored record that this batch updated last."""
        whole, scopes = divmod(self._stored, 2)
        by_earlier = any(segment.of_key(entity, key) for segment in self.segments[:whole])
        by_scopes = scopes and entity in self.segments[whole].amended and (entity, key) not in self._through
        if by_earlier or by_scopes:
            return self._stored  # it may contain what is under way or not; most changes can be repeated safely
        return self._begun

    def steps(self, most: int) -> Iterator[Step]:
        """Yield all changes in steps of at most ``most``, each with what has to be read before it.

        Request the next step once one has been stored. A step is complete parts of segments, or a piece of the keys of
        one segment, so that a stored record shows which changes it contains: see :meth:`lacking`.
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
