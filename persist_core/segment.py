"""Changes in a normal form that is reached as they arrive: those of scopes, and then at most one for each key.

A later change of a key absorbs the earlier one. A change of a scope is applied at once to the keyed changes that it
covers, so that what is still there is later than it. Where only a store could tell what it covers, there has to be
another segment.
"""

from __future__ import annotations

import collections
import functools
import operator
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from .absorbing import absorb, is_repeatable
from .changes import (
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
    matches,
    settled,
    withins,
)
from .edits import Default, Edit, Newest, Omit, edited
from .model import Entity, Key, Payload
from .past import Recollection

__all__ = ("Segment",)

AnyEntity = Entity[typing.Any]


class Segment:
    """Changes in normal form, and what was asked about the time before they are stored."""

    __slots__ = ("_guilds", "_scopes_of", "amended", "asked", "keyed", "scopes")

    def __init__(self) -> None:
        self.asked: list[Recollection] = []
        self.scopes: list[ScopeChange] = []
        self._scopes_of: dict[AnyEntity, list[ScopeChange]] = {}
        self.amended: set[AnyEntity] = set()
        """The kinds of which things have been updated by changes of scopes, and not only forgotten."""
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
        """Return whether keyed changes of a kind are here, in a guild or in any."""
        return bool(self.keyed.get(entity)) if guild_id is None else guild_id in self._guilds.get(entity, ())

    def informed(self, change: ScopeChange) -> ScopeChange | None:
        """Return a change of a scope that asks a store only for what the keyed changes here do not tell already.

        It is ``None`` if they tell that it reaches nothing.
        """
        where = settled(change.where, self._is_known)
        return None if where is None else change._replace(where=where)

    def _is_known(self, known: Known) -> bool | None:
        match self.keyed.get(known.entity, {}).get(known.key):
            case Put() | Patch(create=True):
                return True
            case Drop():
                return False
            case _:  # what is not named, or only changed, is there if it was
                return None

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
        if isinstance(change, Amend):
            self.amended.add(change.entity)

    def of_key(self, entity: AnyEntity, key: Key, *, scopes: bool = True) -> Sequence[Change]:
        """Return the changes that may concern one key, in order, those of scopes among them or not."""
        reaching = self._scopes_of.get(entity) if scopes else None
        keyed = self.keyed.get(entity)
        change = None if keyed is None else keyed.get(key)
        if reaching is None:
            return () if change is None else (change,)
        return reaching if change is None else (*reaching, change)

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
        yield from self.scopes_abreast()
        yield from self.keyed_in_order()

    def scopes_abreast(self) -> Iterator[ScopeChange]:
        """Yield the changes of scopes, so that those stand together that may be one statement."""
        return _abreast(self.scopes)

    def keyed_in_order(self) -> Iterator[KeyedChange]:
        """Yield the changes of keys: no two are of one, and what depends on others comes after them."""
        for _, keyed in sorted(self.keyed.items(), key=lambda kind: _place(kind[0])):
            for sort in _SORTS:  # neighbours of one sort become one statement
                yield from (change for change in keyed.values() if type(change) is sort)


_SORTS: typing.Final = (Put, Patch, Drop)
_SCOPES: typing.Final[frozenset[type]] = frozenset((DropScope, Amend, Archive))
_GUILD: typing.Final = operator.attrgetter("guild_id")


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
    if isinstance(change, DropScope) and matches(change.where, _reader(keyed, _told(keyed.edits))):
        return True
    return None


def _told(edits: Iterable[Edit]) -> Payload:
    """Return the fields that are there after edits, whatever there was before them."""
    # What a field becomes that is filled in, or only replaced by a newer one, depends on that.
    sure = (edit for edit in edits if not isinstance(edit, Default))
    return edited({}, [Omit((edit.field,)) if isinstance(edit, Newest) else edit for edit in sure])


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


def _reader(change: Patch, known: Payload) -> Callable[[str], typing.Any]:
    """Return a way to read columns of what a patch changes, of which only its key and some fields are known."""
    entity, key, guild_id = change.entity, change.key, change.guild_id

    def column(name: str) -> typing.Any:
        value = entity.column_of(name, key, guild_id, known)
        if name in entity.columns and value is None:
            raise LookupError(name)
        return value

    return column
