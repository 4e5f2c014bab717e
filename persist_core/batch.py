"""Changes on their way to a store, in a normal form that is reached as they arrive.

A segment holds the changes of scopes, in order, and then at most one change per key. A later change of a key absorbs
the earlier one. A change of a scope is applied at once to the keyed changes that it covers, so that what is still there
is later than it. Where only a store could tell what it covers, a new segment begins.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import itertools
import operator
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from .changes import (
    ENTITY_OF,
    KEY_OF,
    Amend,
    Archive,
    Change,
    Drop,
    DropScope,
    KeyedChange,
    Patch,
    Put,
    ScopeChange,
    fold,
    needs_parts,
)
from .conditions import (
    AllOf,
    AnyOf,
    Condition,
    Conditional,
    Known,
    Not,
    Where,
    Within,
    Worded,
    known_in,
    matches,
    withins,
)
from .edits import REPEATABLE, Default, edited, joined
from .model import Entity, Key, Payload, Record
from .past import Recollection

__all__ = ("Batch", "Segment", "Step", "absorb", "completed")

AnyEntity = Entity[typing.Any]


def absorb(earlier: KeyedChange, later: KeyedChange) -> KeyedChange:
    """Return one change of a key that does what two do."""
    if type(later) is not Patch:
        return later
    if type(earlier) is Patch:
        entity, key, guild_id, edits, _, create, keeps = earlier
        keeps = later.keeps if keeps is None else _InTurn((*_in_turn(earlier), later))
        joint = joined(edits, later.edits)
        if keeps is None:
            if joint is later.edits and create <= later.create and guild_id == later.guild_id:
                return later  # it says all that the earlier one said
            return Patch.of(entity, key, guild_id, joint, later.origin, create=create or later.create)
        return Patch(entity, key, guild_id, joint, later.origin, create or later.create, keeps)
    made = fold(earlier if isinstance(earlier, Put) else None, later)
    return Drop(earlier.entity, earlier.key, earlier.guild_id) if made is None else Put(made)


def is_repeatable(change: KeyedChange) -> bool:
    """Tell whether a change that is made twice does what it does once."""
    return type(change) is not Patch or (change.keeps is None and REPEATABLE.issuperset(map(type, change.edits)))


class _InTurn:
    """Decides as patches of one key would that are made one by one: what one has forgotten, the next does not find."""

    __slots__ = ("patches",)

    def __init__(self, patches: tuple[Patch, ...]) -> None:
        self.patches = patches

    @property
    def whole(self) -> bool:
        return any(patch.keeps is not None and patch.keeps.whole for patch in self.patches)

    def __call__(self, known: Record | None, made: Record) -> Record | None:
        del made
        for patch in self.patches:
            known = fold(known, patch)
        return known


def _in_turn(patch: Patch) -> tuple[Patch, ...]:
    return patch.keeps.patches if isinstance(patch.keeps, _InTurn) else (patch,)


def completed(patch: Patch, parts: Payload) -> Patch:
    """Return a patch that finds parts of other kinds in what it changes."""
    edits = (Default(parts), *patch.edits)
    if isinstance(patch.keeps, _InTurn):
        return patch._replace(edits=edits, keeps=_InTurn(tuple(completed(one, parts) for one in patch.keeps.patches)))
    return patch._replace(edits=edits)


class Segment:
    """Changes in normal form, and what was asked about the time before they are stored."""

    __slots__ = ("_guilds", "_scopes_of", "asked", "keyed", "scopes")

    def __init__(self) -> None:
        self.asked: list[Recollection] = []
        self.scopes: list[ScopeChange] = []
        self._scopes_of: dict[AnyEntity, list[ScopeChange]] = {}
        self.keyed: dict[AnyEntity, dict[Key, KeyedChange]] = {}
        self._guilds: dict[AnyEntity, set[int | None]] = {}

    def take(self, changes: Iterable[Change], *, decided: bool = False) -> tuple[int, int]:
        """Take changes of keys, up to the first one that is of a scope or cannot be here.

        Parameters
        ----------
        changes
            The changes.
        decided
            Whether rules may decide about them now; else the first one that they decide about is not taken either.

        Returns
        -------
        tuple[int, int]
            How many of them were taken, and how many of these were not absorbed.
        """
        taken = more = 0
        for change in typing.cast("Iterable[KeyedChange]", changes):  # four of each message: every call counts
            if type(change) in _SCOPES or (type(change) is Patch and change.keeps is not None and not decided):
                break
            entity, key, guild_id = change.entity, change.key, change.guild_id
            keyed = self.keyed.get(entity)
            if keyed is None:
                keyed = self._begin(entity)
            earlier = keyed.get(key)
            if earlier is None:
                self._guilds[entity].add(guild_id)
                keyed[key] = change
                more += 1
            elif earlier is not change or not is_repeatable(change):
                if earlier.guild_id != guild_id:
                    self._guilds[entity].add(guild_id)
                if type(change) is Patch and change.create and self._is_undecided(earlier, change):
                    break
                keyed[key] = absorb(earlier, change) if type(change) is Patch else change
            taken += 1
        return taken, more

    @staticmethod
    def _is_undecided(earlier: KeyedChange, change: Patch) -> bool:
        if type(earlier) is Patch:
            return not earlier.create  # what it says is lost if nothing is stored, and only a store can tell
        return type(earlier) is Drop and needs_parts(change, None)

    def put_all(self, entity: AnyEntity, puts: Sequence[Put]) -> int:
        """Take puts of one kind, and return how many of them are one more, without a step of ours for each."""
        keyed = self.keyed.get(entity)
        if keyed is None:
            keyed = self._begin(entity)
        before = len(keyed)
        keyed.update(zip(map(KEY_OF, puts), puts, strict=True))
        self._guilds[entity].update(map(_GUILD, puts))
        return len(keyed) - before

    def _begin(self, entity: AnyEntity) -> dict[Key, KeyedChange]:
        self._guilds[entity] = set()
        keyed = self.keyed[entity] = {}
        return keyed

    def holds(self, entity: AnyEntity, guild_id: int | None) -> bool:
        """Tell whether keyed changes of a kind are here, in a guild or in any."""
        return bool(self.keyed.get(entity)) if guild_id is None else guild_id in self._guilds.get(entity, ())

    def informed(self, change: ScopeChange) -> ScopeChange:
        """Return a change of a scope that asks a store only for what the keyed changes here do not tell already."""
        if not any(True for _ in known_in(change.where)):
            return change
        return change._replace(where=tuple(map(self._told, change.where)))

    def _told(self, condition: Conditional) -> Conditional:
        if isinstance(condition, Not):
            return Not(self._told(condition.condition))
        if not isinstance(condition, Known):
            return condition
        match self.keyed.get(condition.entity, {}).get(condition.key):
            case Put() | Patch(create=True):
                return AllOf(())
            case Drop():
                return AnyOf(())
            case _:  # what is not named, or only changed, is there if it was
                return condition

    def reach(self, change: ScopeChange) -> list[KeyedChange] | None:
        """Return the keyed changes that a change of a scope covers; ``None`` when only a store can tell."""
        # What things of a guild belong to is in the same guild.
        if any(self.holds(entity, change.guild_id) for entity in _asked(change.where)):
            return None
        if isinstance(change, Archive):  # what is to be remembered has to be stored
            return None if self.holds(change.into, None) or self._may_reach(change) else []
        if not self.holds(change.entity, change.guild_id):
            return []
        found: list[KeyedChange] = []
        for keyed in self.keyed[change.entity].values():
            if isinstance(keyed, Drop) or (change.guild_id is not None and keyed.guild_id != change.guild_id):
                continue
            covered = _reaches(change, keyed)
            if covered is None:
                return None
            if covered:
                found.append(keyed)
        return found

    def _may_reach(self, change: Archive) -> bool:
        keyed = [each for each in self.keyed.get(change.entity, {}).values() if not isinstance(each, Drop)]
        return any(_reaches(change, each) is not False for each in keyed)

    def apply(self, change: ScopeChange, covered: list[KeyedChange]) -> None:
        """Take a change of a scope that covers some of the keyed changes here."""
        for keyed in covered:
            if not isinstance(change, Archive):
                self.keyed[change.entity][keyed.key] = absorb(keyed, _for_key(change, keyed))
        self.scopes.append(change)
        if not isinstance(change, Archive):  # which leaves things as they are
            self._scopes_of.setdefault(change.entity, []).append(change)

    def of_key(self, entity: AnyEntity, key: Key) -> Sequence[Change]:
        """Return the changes that may concern one key, in order."""
        scopes, keyed = self._scopes_of.get(entity), self.keyed.get(entity)
        change = None if keyed is None else keyed.get(key)
        if scopes is None:
            return () if change is None else (change,)
        return scopes if change is None else (*scopes, change)

    def ask(self, asked: Recollection) -> bool:
        """Take a question for what is here and stored now, if it can be answered before what is here is stored."""
        entity, key, guild_id = asked.entity, asked.key, asked.guild_id
        if key is None:
            if self._scopes_of.get(entity) or self.holds(entity, guild_id):
                return False
        else:
            changes = [change for change in self.of_key(entity, key) if change.guild_id in (None, guild_id)]
            if any(_asks_a_store(change) for change in changes):
                return False
            asked.changes = changes
        self.asked.append(asked)
        return True

    def changes(self) -> Iterator[Change]:
        """Yield all changes, in an order that a store may make them in."""
        yield from _abreast(self.scopes)
        for _, keyed in sorted(self.keyed.items(), key=lambda kind: _place(kind[0])):
            for sort in _SORTS:  # neighbours of one sort become one statement
                yield from (change for change in keyed.values() if type(change) is sort)


_SORTS: typing.Final = (Put, Patch, Drop)
_SCOPES: typing.Final[frozenset[type]] = frozenset((DropScope, Amend, Archive))
_MANY: typing.Final = 32
"""From more changes on it is worth while to see which of them are of one sort and one kind."""

_GUILD: typing.Final = operator.attrgetter("guild_id")

Deciding = Callable[[], contextlib.AbstractContextManager[object]]
"""Surrounds what rules decide about for good."""


def _abreast(scopes: Iterable[ScopeChange]) -> Iterator[ScopeChange]:
    """Yield changes of scopes so that what forgets one kind in many guilds stands together, and is one statement.

    A bot that starts hears of each guild what all of its lists are. What is forgotten in one guild does not depend on
    what is forgotten in another one; within a guild the order stays.
    """
    places: list[dict[AnyEntity, list[DropScope]]] = []
    counts = collections.Counter[int]()
    for change in scopes:
        if isinstance(change, DropScope) and change.guild_id is not None:
            place = counts[change.guild_id]
            counts[change.guild_id] += 1
            if place == len(places):
                places.append({})
            places[place].setdefault(change.entity, []).append(change)
        else:
            yield from _by_place(places)
            yield change
            places.clear()
            counts.clear()
    yield from _by_place(places)


def _by_place(places: Iterable[Mapping[AnyEntity, Sequence[DropScope]]]) -> Iterator[DropScope]:
    """Yield the first change of each guild, kind by kind, then the second one of each, and so on."""
    for kinds in places:
        for changes in kinds.values():
            yield from changes


@functools.cache
def _place(entity: AnyEntity) -> tuple[bool, int]:
    # They may be many transactions, and whoever decides about a thing by its parts finds them stored.
    return entity.vouches, _depth(entity)


def _depth(entity: AnyEntity) -> int:
    """Return how many kinds deep the parts of a thing are stored apart."""
    return max((1 + _depth(join.entity) for join in entity.joins.values()), default=0)


def _asks_a_store(change: Change) -> bool:
    reaches = isinstance(change, (DropScope, Amend)) and any(True for _ in withins(change.where))
    return reaches or needs_parts(change, None)


def _reaches(change: ScopeChange, keyed: Put | Patch) -> bool | None:
    if isinstance(keyed, Put):
        return matches(change.where, keyed.record.column)
    # The scope goes first to the store, where it meets what the patch will change: neither may depend on the other.
    if matches(change.where, _reader(keyed, {})) is False:
        return False
    if isinstance(change, DropScope) and matches(change.where, _reader(keyed, edited({}, keyed.edits))):
        return True
    return None


def _for_key(change: DropScope | Amend, keyed: KeyedChange) -> KeyedChange:
    match change:
        case DropScope(entity):
            return Drop(entity, keyed.key, keyed.guild_id)
        case Amend(entity, _, _, edits, origin, keeps):
            return Patch(entity, keyed.key, keyed.guild_id, edits, origin, keeps=keeps)


def _asked(where: Where) -> Iterator[AnyEntity]:
    """Yield the other kinds that conditions look at."""
    for condition in where:
        yield from _asked_by(condition)


def _asked_by(condition: Conditional) -> Iterator[AnyEntity]:
    match condition:
        case Within(_, entity, where):
            yield entity
            yield from _asked(where)
        case Not(inner):
            yield from _asked_by(inner)
        case AnyOf(parts) | AllOf(parts):
            yield from _asked(parts)
        case Condition() | Known() | Worded():
            pass


def _unknown(name: str) -> typing.NoReturn:
    raise LookupError(name)


def _reader(change: Patch, known: Payload) -> Callable[[str], typing.Any]:
    """Return a way to read columns of what a patch changes, of which only its key and some fields are known."""
    entity, key, guild_id = change.entity, change.key, change.guild_id

    def column(name: str) -> typing.Any:
        value = entity.column_of(name, key, guild_id, known)
        if name in entity.columns and value is None:
            raise LookupError(name)
        return value

    return column


class Step(typing.NamedTuple):
    """Changes that are stored at once, after what was asked about the time before them has been found."""

    asked: list[Recollection]
    changes: list[Change]


class Batch:
    """Segments, oldest first, and how many changes are in them.

    Parameters
    ----------
    at
        The moment that stands for the batch. A stored record that was last updated then contains it.
    deciding
        Surrounds the taking of changes that rules decide about.
    """

    __slots__ = ("_deciding", "at", "coalesced", "segments", "size")

    def __init__(self, at: str, deciding: Deciding = contextlib.nullcontext) -> None:
        self.at: str = at
        self.segments: list[Segment] = [Segment()]
        self.size: int = 0
        self.coalesced: int = 0
        self._deciding = deciding

    def take(self, changes: Sequence[Change]) -> None:
        """Take changes that are later than all others here, each later than those before it."""
        if len(changes) > _MANY:
            self._take_many(changes)
            return
        taken, more = self.segments[-1].take(changes)
        self.size += more
        self.coalesced += taken - more
        if taken < len(changes):
            for change in changes[taken:]:
                self.add(change)

    def _take_many(self, changes: Sequence[Change]) -> None:
        for sort, alike in itertools.groupby(changes, type):
            if sort is not Put:
                for change in alike:
                    self.add(change)
                continue
            for entity, of_kind in itertools.groupby(alike, ENTITY_OF):
                puts = typing.cast("list[Put]", list(of_kind))
                more = self.segments[-1].put_all(entity, puts)
                self.size += more
                self.coalesced += len(puts) - more

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
        change = self.segments[-1].informed(change)
        if matches(change.where, _unknown) is False:
            self.coalesced += 1
            return
        covered = self.segments[-1].reach(change)
        if covered is None:
            self.segments.append(Segment())
            covered = []
        self.segments[-1].apply(change, covered)
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

    def shed(self, entity: AnyEntity) -> int:
        """Give up all keyed changes of a kind, and return how many these were."""
        shed = sum(len(segment.keyed.pop(entity, ())) for segment in self.segments)
        self.size -= shed
        return shed

    def changes(self) -> Iterator[Change]:
        """Yield all changes, in an order that a store may make them in."""
        for segment in self.segments:
            yield from segment.changes()

    def steps(self, most: int) -> Iterator[Step]:
        """Yield all changes, in steps of so many, and in each what has to be found before them."""
        step = Step(self.segments[0].asked, [])
        for segment in self.segments:
            if segment.asked and segment.asked is not step.asked:
                yield step
                step = Step(segment.asked, [])
            for change in segment.changes():
                if len(step.changes) >= most:
                    yield step
                    step = Step([], [])
                step.changes.append(change)
        yield step
