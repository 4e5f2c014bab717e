"""Changes in a normal form that is maintained as they arrive: scope changes first, then at most one change per key.

A later change of a key absorbs the earlier one. A scope change is applied immediately to the keyed changes that it
covers, so the keyed changes that remain are later than it. If only a store can tell what it covers, a new segment is
needed.
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
    """Changes in normal form, and the requests for the state before they are stored."""

    __slots__ = ("_gone", "_guilds", "_scopes_of", "amended", "asked", "keyed", "scopes")

    def __init__(self) -> None:
        self.asked: list[Recollection] = []
        self.scopes: list[ScopeChange] = []
        self._scopes_of: dict[AnyEntity, list[ScopeChange]] = {}
        self.amended: set[AnyEntity] = set()
        """The kinds whose objects were updated by scope changes, not only deleted."""
        self.keyed: dict[AnyEntity, dict[Key, KeyedChange]] = {}
        self._guilds: dict[AnyEntity, set[int | None]] = {}
        self._gone: dict[tuple[AnyEntity, Key], bool] = {}
        """What a change of its key has removed, and whether a scope change here removes it, too."""

    def take(self, changes: Iterable[Change], *, decided: bool = False) -> tuple[int, int]:
        """Take keyed changes, up to the first one that is a scope change or doesn't fit here.

        Parameters
        ----------
        changes
            The changes.
        decided
            Whether rules may decide about them now; if not, the first one that they decide about isn't taken either.

        Returns
        -------
        tuple[int, int]
            How many were taken, and how many of these were not absorbed.
        """
        taken = more = 0
        for change in typing.cast("Iterable[KeyedChange]", changes):  # four per message: every call counts
            if type(change) in _RARE and not self._notes(change):
                break
            if type(change) is Patch and change.keeps is not None and not decided:
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
                made = keyed[key] = absorb(earlier, change) if type(change) is Patch else change
                if type(earlier) is Drop and type(made) is Put:
                    more += self._begin_anew(earlier)
            taken += 1
        return taken, more

    def _notes(self, change: Change) -> bool:
        """Return whether a change removes an object by its key, and note that."""
        if not isinstance(change, Drop):
            return False
        if not change.entity.ephemeral:  # what is ephemeral comes and goes, and its history says nothing
            self._gone.setdefault((change.entity, change.key), False)
        return True

    @staticmethod
    def _is_undecided(earlier: KeyedChange, change: Patch) -> bool:
        if type(earlier) is Patch:
            return not earlier.create  # if nothing is stored, its data is lost, and only a store can tell
        return type(earlier) is Drop and needs_parts(change, None)

    def put_all(self, entity: AnyEntity, puts: Sequence[Put]) -> int:
        """Take puts of one kind in bulk, and return how many of them are additional."""
        keyed = self.keyed.get(entity)
        if keyed is None:
            keyed = self._begin(entity)
        before = len(keyed) - (self._begin_all_anew(keyed, puts) if self._gone else 0)
        keyed.update(zip(map(KEY_OF, puts), puts, strict=True))
        self._guilds[entity].update(map(_GUILD, puts))
        return len(keyed) - before

    def _begin_all_anew(self, keyed: Mapping[Key, KeyedChange], puts: Iterable[Put]) -> int:
        earlier = (keyed.get(key) for key in dict.fromkeys(map(KEY_OF, puts)))
        return sum(self._begin_anew(change) for change in earlier if isinstance(change, Drop))

    def _begin_anew(self, drop: Drop) -> int:
        """Remove what is stored of an object that was removed and is back, and return how many changes that takes.

        Otherwise, it would have the history of the one before. What is removed by a scope change is removed already.
        """
        entity, key, guild_id = drop
        if self._gone.get((entity, key)) is not False:
            return 0
        self._gone[entity, key] = True
        where = tuple(Condition(name, "equals", part) for name, part in zip(entity.key, key, strict=True))
        self._scope(DropScope(entity, guild_id, where))
        return 1

    def _begin(self, entity: AnyEntity) -> dict[Key, KeyedChange]:
        self._guilds[entity] = set()
        keyed = self.keyed[entity] = {}
        return keyed

    def holds(self, entity: AnyEntity, guild_id: int | None) -> bool:
        """Return whether there are keyed changes of a kind here, in a guild or in any."""
        return bool(self.keyed.get(entity)) if guild_id is None else guild_id in self._guilds.get(entity, ())

    def informed(self, change: ScopeChange) -> ScopeChange | None:
        """Return a scope change that asks the store only for what the keyed changes here don't answer already.

        Return ``None`` if they show that it covers nothing.
        """
        where = settled(change.where, self._is_known)
        return None if where is None else change._replace(where=where)

    def _is_known(self, known: Known) -> bool | None:
        match self.keyed.get(known.entity, {}).get(known.key):
            case Put() | Patch(create=True):
                return True
            case Drop():
                return False
            case _:  # an object that is not mentioned, or only changed, exists if it existed before
                return None

    def reach(self, change: ScopeChange) -> list[KeyedChange] | None:
        """Return the keyed changes that a scope change covers; ``None`` if only a store can tell."""
        # An object and what it belongs to are in the same guild.
        if any(self.holds(entity, change.guild_id) for entity in _asked(change.where)):
            return None
        if isinstance(change, Archive):  # an object must be stored before it can be archived
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
        """Take a scope change that covers some of the keyed changes here."""
        for keyed in covered:
            if not isinstance(change, Archive):
                self.keyed[change.entity][keyed.key] = absorb(keyed, _for_key(change, keyed))
        self._scope(change)
        if isinstance(change, Amend):
            self.amended.add(change.entity)

    def _scope(self, change: ScopeChange) -> None:
        self.scopes.append(change)
        if not isinstance(change, Archive):  # which leaves the objects as they are
            self._scopes_of.setdefault(change.entity, []).append(change)

    def of_key(self, entity: AnyEntity, key: Key, *, scopes: bool = True) -> Sequence[Change]:
        """Return the changes that may concern one key, in order, with or without scope changes."""
        reaching = self._scopes_of.get(entity) if scopes else None
        keyed = self.keyed.get(entity)
        change = None if keyed is None else keyed.get(key)
        if reaching is None:
            return () if change is None else (change,)
        return reaching if change is None else (*reaching, change)

    def ask(self, asked: Recollection) -> bool:
        """Take a request for the current state if it can be answered before the changes here are stored."""
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
        """Yield all changes, in an order in which a store may apply them."""
        yield from self.scopes_abreast()
        yield from self.keyed_in_order()

    def scopes_abreast(self) -> Iterator[ScopeChange]:
        """Yield the scope changes, with those next to each other that can share a statement."""
        return _abreast(self.scopes)

    def keyed_in_order(self) -> Iterator[KeyedChange]:
        """Yield the keyed changes: at most one per key, and dependent ones after those that they depend on."""
        for _, keyed in sorted(self.keyed.items(), key=lambda kind: _place(kind[0])):
            for sort in _SORTS:  # neighbors of one sort share a statement
                yield from (change for change in keyed.values() if type(change) is sort)


_SORTS: typing.Final = (Put, Patch, Drop)
_RARE: typing.Final[frozenset[type]] = frozenset((Drop, DropScope, Amend, Archive))
_GUILD: typing.Final = operator.attrgetter("guild_id")


def _abreast(scopes: Iterable[ScopeChange]) -> Iterator[ScopeChange]:
    """Yield scope changes so that deletions of one kind in many guilds are adjacent and can share a statement.

    A starting bot receives all lists of every guild. Deletions in one guild don't depend on deletions in another;
    within a guild, the order is kept.
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
    # These may be many transactions; whatever decides about an object by its parts must find them stored.
    return entity.vouches, _depth(entity)


def _depth(entity: AnyEntity) -> int:
    """Return how many levels of separately stored parts an object has."""
    return max((1 + _depth(join.entity) for join in entity.joins.values()), default=0)


def _asks_a_store(change: Change) -> bool:
    reaches = isinstance(change, (DropScope, Amend)) and any(True for _ in withins(change.where))
    return reaches or needs_parts(change, None)


def _reaches(change: ScopeChange, keyed: Put | Patch) -> bool | None:
    if isinstance(keyed, Put):
        return matches(change.where, keyed.record.column)
    # The scope change is stored first and meets the data that the patch will change: neither may depend on the other.
    if matches(change.where, _reader(keyed, {})) is False:
        return False
    if isinstance(change, DropScope) and matches(change.where, _reader(keyed, _told(keyed.edits))):
        return True
    return None


def _told(edits: Iterable[Edit]) -> Payload:
    """Return the fields that exist after the edits, whatever existed before."""
    # The value of a field that is only filled in, or only replaced if newer, depends on the previous value.
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
    """Return a function that reads columns of a patched object, of which only the key and some fields are known."""
    entity, key, guild_id = change.entity, change.key, change.guild_id

    def column(name: str) -> typing.Any:
        value = entity.column_of(name, key, guild_id, known)
        if name in entity.columns and value is None:
            raise LookupError(name)
        return value

    return column
