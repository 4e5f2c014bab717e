"""Sits between the feed and the journal: decides which changes to accept, and which parts of them."""

from __future__ import annotations

import logging
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence

from .changes import (
    ENTITY_OF,
    REFUSED,
    Amend,
    Archive,
    Change,
    Drop,
    DropScope,
    Keeps,
    Patch,
    Put,
    fold,
    forgetting_guild,
)
from .conditions import Condition, knowns_in
from .droppable import without, without_edits
from .edits import Part
from .entities import CHANNELS, ENTITIES, GUILDS, MESSAGE_VERSIONS, MESSAGES, THREADS, USERS
from .errors import QueryError
from .fields import NESTED
from .gauges import Gauges
from .history import history_of
from .judge import Judge
from .keep import Keep
from .model import Decoder, Entity, Key, Origin, Payload, Record
from .rules import KINDS, OWN, Rules
from .scrubbing import Erased, scrubbed

__all__ = ("Admission", "Ruling")

AnyEntity = Entity[typing.Any]
_REMOVABLE: typing.Final = frozenset(("messages",))
"""Kinds that can be removed where they are nested in other objects."""

_LOG = logging.getLogger("persist.rules")
_ALL: typing.Final[Keep[typing.Any]] = Keep()
_NOWHERE: typing.Final = Origin("gateway", None, 0, "")


def _no_rules() -> Rules:
    """Return rules that keep nothing."""
    others = {name: False for name in ENTITIES if name not in (*KINDS, *OWN)}
    kinds: dict[str, typing.Any] = dict.fromkeys(KINDS, False)
    return Rules(**kinds, others=others)


class Ruling:
    """Rules, prepared for use.

    Parameters
    ----------
    rules
        The rules.
    admission
        The admission that uses them.
    """

    def __init__(self, rules: Rules, admission: Admission) -> None:
        self.rules = rules
        kept = {entity: rules.of(name) for name, entity in ENTITIES.items()}
        self.off: frozenset[AnyEntity] = frozenset(entity for entity, what in kept.items() if what is False)
        chosen = {
            entity: Judge(entity, what, admission)
            for entity, what in kept.items()
            if isinstance(what, Keep) and what.chooses
        }
        self._bounded = frozenset(entity for entity, what in kept.items() if isinstance(what, Keep) and what.has_bounds)
        self._drops = {entity.name: judge.drops for entity, judge in chosen.items() if judge.drops}
        guilds = chosen.get(GUILDS)
        self.guilds: Judge | None = None if guilds is None or guilds.selects_any else guilds
        self._admission = admission
        self._cut = _holding(frozenset(self._drops) | {e.name for e in chosen if e.name in _REMOVABLE})
        # hikari never reads a message out of another object, so those are complete without a kind that is off.
        removed = self.guilds is not None or any(entity.name in _REMOVABLE for entity in self.off)
        stripped = self._cut | _holding(_REMOVABLE) if removed else self._cut
        self.judges: dict[AnyEntity, Judge] = {
            entity: chosen.get(entity) or Judge(entity, _ALL, admission)
            for entity in ENTITIES.values()
            if entity not in self.off and (entity in chosen or entity.name in stripped)
        }
        self._nested = {
            name: {path: kind for path, kind in NESTED.get(name, {}).items() if kind in stripped}
            for name in (*stripped, *self._drops)
        }

    def keeps_all(self, entity: AnyEntity) -> bool:
        """Return whether everything of a kind is kept, at least in part."""
        judge = self.judges.get(entity)
        some = entity in self.off or entity in self._bounded
        return not some and (judge is None or judge.selects_any)

    def keeps_intact(self, entity: AnyEntity) -> bool:
        """Return whether objects of a kind are kept complete, if at all."""
        return entity not in self.off and entity.name not in self._cut

    def stripped(self, judge: Judge, record: Record) -> Record:
        """Return the parts of a selected record that are kept."""
        payload = self._without(judge.entity.name, record.payload, judge.dropped(record), record)
        return record if payload is record.payload else record._replace(payload=payload)

    def part(self, judge: Judge, part: Payload, outer: Record) -> Payload:
        """Return what may be kept of a part of a record."""
        return self._without(judge.entity.name, part, judge.always_drops, outer)

    def _without(self, kind: str, payload: Payload, fields: frozenset[str], outer: Record) -> Payload:
        nested = self._nested.get(kind, {})
        if not fields and not nested:
            return payload
        return without(payload, fields, nested, lambda inside, thing: self._inside(inside, thing, outer))

    def _inside(self, kind: str, thing: Payload, outer: Record) -> Payload | None:
        """Return what is kept of an object that is nested in another."""
        entity = ENTITIES[kind]
        if kind in _REMOVABLE and entity in self.off:
            return None
        judge = self.judges.get(entity)
        if judge is not None and kind in _REMOVABLE and "id" in thing:
            guild_id = int(thing["guild_id"]) if thing.get("guild_id") else outer.guild_id
            if guild_id is not None and not self._admission.keeps_guild(guild_id):
                return None
            record = entity.record(thing, guild_id, outer.origin)
            return self.stripped(judge, record).payload if judge.selects(record) else None
        return self._without(kind, thing, self._drops.get(kind, frozenset()), outer)


def _holding(kinds: frozenset[str]) -> frozenset[str]:
    """Return some kinds, and those whose objects contain them."""
    while more := {name for name, nested in NESTED.items() if name not in kinds and kinds & {*nested.values()}}:
        kinds |= more
    return kinds


class _Keeping:
    """Decides about one kind, inside a store."""

    __slots__ = ("_admission", "_again", "_entity")

    def __init__(self, admission: Admission, entity: AnyEntity, *, again: bool = False) -> None:
        self._admission = admission
        self._entity = entity
        self._again = again

    @property
    def whole(self) -> bool:
        return bool(self._entity.joins) and self._admission.decodes(self._entity)

    def __call__(self, known: Record | None, made: Record) -> Record | None:
        if self._again:
            return self._admission.kept(None, made, untold=made)
        kept = self._admission.kept(known, made, untold=known)
        if (kept is None or kept is known) and (refused := REFUSED.get()) is not None:
            refused.add((made.entity, made.key))
        return kept


class Admission:
    """Applies rules to changes, for one open cache.

    Parameters
    ----------
    rules
        The rules.
    gauges
        The counters for what the rules exclude.
    decoder
        Returns the decoder that makes hikari objects.
    """

    def __init__(self, rules: Rules, gauges: Gauges, decoder: Callable[[], Decoder]) -> None:
        self._gauges = gauges
        self.decoder = decoder
        self._keeping = {entity: _Keeping(self, entity) for entity in ENTITIES.values()}
        self._parents: dict[int, tuple[int, int | None]] = {}
        """The parent of each channel and thread, and its guild."""

        self._guilds: dict[int, Record] = {}
        self._met: set[Rules] = set()
        self.meets: Callable[[Rules], object] = lambda _rules: None
        """Called with the rules of guilds, each time some of them are used for the first time."""

        self.failure: str | None = None
        """The last error that a function of the rules raised, and for what."""

        self._untold: dict[int, str] = {}
        """The guilds whose rules cannot be determined, and why, until the next changes arrive."""

        self._nothing = Ruling(_no_rules(), self)
        self.use(rules)

    def use(self, rules: Rules) -> None:
        """Switch to other rules."""
        self.rules = rules
        self._base = Ruling(rules, self)
        self._own: dict[int, Ruling] = {}
        self._untold.clear()
        self._warned = False
        self.is_plain: bool = not self._base.judges and rules.per_guild is None
        """Whether the kind alone decides if a change is excluded, whatever it contains and whatever comes with it."""

        self._learned = frozenset(self.learns)

    def failed(self, record: Record, error: Exception) -> None:
        """Note that a predicate raised an error for a record, which is therefore not kept."""
        self._gauges.unanswered[record.entity.name] += 1
        self.failure = f"the predicate of {record.entity.name} raises {error!r} for {record.key}"

    def above(self, channel_id: int) -> Iterator[int]:
        """Yield a channel, the channel that it is a thread of, and that channel's category."""
        for _ in range(3):
            yield channel_id
            if (place := self._parents.get(channel_id)) is None:
                return
            channel_id, _ = place

    def ruling(self, guild_id: int | None) -> Ruling:
        """Return the rules for a guild, or for what belongs to none."""
        if guild_id is None or self.rules.per_guild is None:
            return self._base
        if (own := self._own.get(guild_id)) is None:
            if guild_id in self._untold:
                self.failure = self._untold[guild_id]
                return self._nothing
            try:
                rules = self.rules.for_guild(guild_id)
            except QueryError as error:
                self._failed_for(guild_id, str(error))
                return self._nothing
            if rules is not self.rules and rules not in self._met:
                self._met.add(rules)
                self.meets(rules)
            own = self._own[guild_id] = self._base if rules is self.rules else Ruling(rules, self)
        return own

    def _failed_for(self, guild_id: int, why: str) -> None:
        """Note that the rules of a guild cannot be determined: nothing is kept until they are requested again."""
        self._gauges.unanswered[GUILDS.name] += 1
        self.failure = self._untold[guild_id] = why
        if not self._warned:
            self._warned = True
            _LOG.warning(
                "%s; events of this guild are not kept until per_guild, which is called again for each, succeeds; "
                "further errors are not logged",
                why,
            )

    def keeps_guild(self, guild_id: int) -> bool:
        """Return whether anything of a guild is kept."""
        judge = self.ruling(guild_id).guilds
        if judge is None:
            return True
        record = self._guilds.get(guild_id)
        if record is None:
            if not judge.looks_only_at_ids:
                return False
            record = Record(GUILDS, (guild_id,), guild_id, {}, _NOWHERE)
        return judge.selects(record) or judge.selects_from_elsewhere(record)

    def keeps_all(self, entity: AnyEntity, guild_id: int) -> bool:
        """Return whether all objects of a kind in a guild are kept, at least in part."""
        return self.ruling(guild_id).keeps_all(entity) and self.keeps_guild(guild_id)

    def keeps_any(self, entity: AnyEntity, guild_id: int) -> bool:
        """Return whether any object of a kind in a guild may be kept."""
        return entity not in self.ruling(guild_id).off and self.keeps_guild(guild_id)

    def keeps_intact(self, entity: AnyEntity, guild_id: int | None) -> bool:
        """Return whether objects of a kind are kept complete, if at all."""
        return self.ruling(guild_id).keeps_intact(entity)

    def decodes(self, entity: AnyEntity) -> bool:
        """Return whether the rules look at hikari objects of a kind."""
        rulings = (self._base, *self._own.values())
        return any((judge := ruling.judges.get(entity)) is not None and judge.decodes for ruling in rulings)

    def kept(self, known: Record | None, made: Record, *, untold: Record | None = None) -> Record | None:
        """Return what to store of a record that is about to replace a known one; ``None`` for nothing.

        If that cannot be determined, because a function of the rules raises an error, return ``untold``.
        """
        entity, guild_id = made.entity, _guild_of(made)
        ruling = self.ruling(guild_id)
        if ruling is self._nothing:
            return untold
        if entity is MESSAGE_VERSIONS:  # old versions are kept like the message itself
            if not history_of(ruling.rules):
                return None
            message = Record(MESSAGES, made.key[:1], guild_id, made.payload, made.origin)
            said = self.kept(None, message)
            if said is None:
                return None
            made = made if said.payload is made.payload else made._replace(payload=said.payload)
        if entity in ruling.off or (guild_id is not None and not self.keeps_guild(guild_id)):
            return None
        if (judge := ruling.judges.get(entity)) is None:
            return made
        if entity is not GUILDS and not judge.selects(made):  # guilds were checked already
            return known if judge.selects_from_elsewhere(made) else None
        return ruling.stripped(judge, made)

    def concerns(self, entity: AnyEntity) -> bool:
        """Return whether anything of a kind may be excluded or reduced."""
        base = self._base
        return (
            self.rules.per_guild is not None
            or entity in base.off
            or entity in base.judges
            or (entity is MESSAGE_VERSIONS and (self.concerns(MESSAGES) or not history_of(self.rules)))
            or (base.guilds is not None and entity.in_guild)
        )

    def looking_again(self, entity: AnyEntity) -> Keeps:
        """Return a function that decides about stored objects of a kind as if they had just arrived."""
        return _Keeping(self, entity, again=True)

    # ------------------------------------------------------------------------------------------------------- changes

    def takes_all(self, entities: Iterable[AnyEntity]) -> bool:
        """Return whether no change of some kinds is excluded, whatever other changes come with it."""
        return self.is_plain and self._base.off.isdisjoint(entities)

    def admitted(self, changes: Sequence[Change]) -> Sequence[Change]:
        """Return the changes to accept. Deletions are always accepted.

        Parameters
        ----------
        changes
            All changes of one event, or of one object from REST.
        """
        if self.is_plain:
            if self._base.off.isdisjoint(map(ENTITY_OF, changes)) and Amend not in map(type, changes):
                return changes
            return [change for change in changes if self._is_plainly_admitted(change)]
        self._untold.clear()
        self._learn(changes)
        about = next((guild_id for change in changes if (guild_id := _guild_of(change)) is not None), None)
        found = [kept for change in changes for kept in self._admitted(change, about)]
        if about is not None and (about in self._untold or not self.keeps_guild(about)):
            # A user who only appears in a guild that is not kept is not kept either.
            found = [change for change in found if change.entity is not USERS or self._refused(change)]
        return found

    def _is_plainly_admitted(self, change: Change) -> bool:
        forgotten = self._base.off
        if isinstance(change, (Put, Patch)):
            return change.entity not in forgotten or self._refused(change)
        if isinstance(change, Amend) and any(known.entity in forgotten for known in knowns_in(change.where)):
            # It counts objects that are not stored: the last number from Discord is more accurate.
            return self._refused(change)
        return True

    def _refused(self, change: Change) -> bool:
        self._gauges.skipped[change.entity.name] += 1
        return False

    def _admitted(self, change: Change, about: int | None) -> Iterator[Change]:
        """Yield what to accept of a change."""
        guild_id = _guild_of(change)
        ruling = self.ruling(about if guild_id is None and isinstance(change, Amend) else guild_id)
        if isinstance(change, (Drop, DropScope, Archive)):
            yield change
        elif guild_id is not None and not self.keeps_guild(guild_id):
            self._refused(change)
            if change.entity is GUILDS and ruling.guilds is not None and not ruling.guilds.looks_only_at_ids:
                yield from forgetting_guild(guild_id)
        elif change.entity in ruling.off and not isinstance(change, Amend):
            self._refused(change)
        else:
            made = self._made(change, ruling, about)
            if made is None or isinstance(made, Drop):
                self._refused(change)
            if made is not None:
                yield made

    def _made(self, change: Put | Patch | Amend, ruling: Ruling, about: int | None) -> Change | None:
        judge = ruling.judges.get(change.entity)
        if isinstance(change, Put):
            return change if judge is None else self._put(change.record, ruling, judge)
        if isinstance(change, Amend) and not all(
            self._counts(known.entity, ruling, about) for known in knowns_in(change.where)
        ):
            return None
        if judge is None:
            return change if self.rules.per_guild is None else change._replace(keeps=self._keeping[change.entity])
        return self._edited(change, ruling, judge)

    def _counts(self, kind: AnyEntity, ruling: Ruling, about: int | None) -> bool:
        """Return whether all objects of a kind are stored, so that new ones can be recognized."""
        return ruling.keeps_all(kind) and (about is None or self.keeps_guild(about))

    def _put(self, record: Record, ruling: Ruling, judge: Judge) -> Change | None:
        if record.entity is GUILDS or judge.selects(record):
            return Put(ruling.stripped(judge, record))
        if judge.looks_only_at_ids or judge.selects_from_elsewhere(record):
            return None
        return Drop(record.entity, record.key, record.guild_id)  # it may have been kept in an earlier state

    def _edited(self, change: Patch | Amend, ruling: Ruling, judge: Judge) -> Change | None:
        key = change.key if isinstance(change, Patch) else ()
        outer = Record(change.entity, key, change.guild_id, {}, change.origin)
        edits = without_edits(change.edits, lambda part: ruling.part(judge, part, outer), judge.always_drops)
        if not edits:
            if not (isinstance(change, Patch) and change.create):
                return None
            edits = (Part({}),)
        # Guilds are checked when Discord describes them, not for each member that arrives.
        keeps = None if change.entity is GUILDS and isinstance(change, Amend) else self._keeping[change.entity]
        return change._replace(edits=tuple(edits), keeps=keeps)

    # ------------------------------------------------------------------------------------------------------ learning

    @property
    def learns(self) -> tuple[AnyEntity, ...]:
        """The kinds that must be known here, because others are selected by them."""
        if self.rules.per_guild is not None:
            return (GUILDS, CHANNELS, THREADS)
        guilds, judges = self._base.guilds, self._base.judges.values()
        found = () if guilds is None or guilds.looks_only_at_ids else (GUILDS,)
        return (*found, *((CHANNELS, THREADS) if any(judge.names_channels for judge in judges) else ()))

    def learn(self, record: Record) -> None:
        """Note a record of one of these kinds."""
        if record.entity is GUILDS:
            self._guilds[int(record.key[0])] = record
        else:
            self._learn_parent(record.key, record.column("parent_id"), record.guild_id)

    def tidy(self) -> None:
        """Discard the rules of guilds that are not known anymore."""
        self._own = {guild_id: ruling for guild_id, ruling in self._own.items() if guild_id in self._guilds}

    def leave(self, entity: AnyEntity, keys: Iterable[Key]) -> None:
        """Forget channels and threads that are no longer stored."""
        if entity in (CHANNELS, THREADS):
            for key in keys:
                self._parents.pop(int(key[0]), None)

    def forget(self, is_meant: Callable[[str, int], bool], erased: Erased) -> None:
        """Forget erased guilds, and erased users in other guilds."""
        for guild_id in [guild_id for guild_id in {*self._guilds, *self._own} if is_meant("guild", guild_id)]:
            self._leave_guild(guild_id)
        self._guilds = {
            guild_id: record._replace(payload=scrubbed(record.payload, erased))
            for guild_id, record in self._guilds.items()
        }

    def recall(self, record: Record) -> None:
        """Note a stored record of one of these kinds, unless the gateway has sent a newer one."""
        if int(record.key[0]) not in (self._guilds if record.entity is GUILDS else self._parents):
            self.learn(record)

    def _learn(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.entity not in self._learned:
                continue
            if change.entity is GUILDS:
                self._learn_of_guild(change)
            else:
                self._learn_of_channel(change)

    def _learn_of_channel(self, change: Change) -> None:
        match change:
            case Put() as record:
                self.learn(record)
            case Patch(_, key, guild_id, edits):
                for edit in edits:
                    if isinstance(edit, Part) and "parent_id" in edit.fields:
                        self._learn_parent(key, edit.fields["parent_id"], guild_id)
            case Drop(entity, key):
                self.leave(entity, [key])
            case DropScope(entity, guild_id, ()) if guild_id is not None:
                self.leave(entity, [(channel,) for channel, (_, guild) in self._parents.items() if guild == guild_id])
            case DropScope(entity, _, (Condition("parent_id", "equals", parent),)):
                self.leave(entity, [(channel,) for channel, (above, _) in self._parents.items() if above == parent])
            case _:  # a list says what exists; what doesn't exist can't be derived from what is known here
                pass

    def _learn_parent(self, key: Key, parent: int | str | None, guild_id: int | None) -> None:
        if parent is None:
            self._parents.pop(int(key[0]), None)
        else:
            self._parents[int(key[0])] = int(parent), guild_id

    def _learn_of_guild(self, change: Change) -> None:
        if isinstance(change, (Put, Patch)):
            if (record := fold(self._guilds.get(int(change.key[0])), change)) is not None:
                self.learn(record)
        elif isinstance(change, Drop):
            self._leave_guild(int(change.key[0]))
        elif isinstance(change, DropScope):
            for guild_id in [guild_id for guild_id, record in self._guilds.items() if fold(record, change) is None]:
                self._leave_guild(guild_id)

    def _leave_guild(self, guild_id: int) -> None:
        self._guilds.pop(guild_id, None)
        self._own.pop(guild_id, None)


def _guild_of(thing: Change | Record) -> int | None:
    """Return the guild that a change or a record is about; a guild is about itself."""
    if thing.entity is GUILDS and not isinstance(thing, (DropScope, Amend, Archive)):
        return int(thing.key[0])
    return thing.guild_id
