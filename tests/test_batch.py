"""However changes are gathered and split, the result is the same as when they are made one by one."""

from __future__ import annotations

import asyncio
import typing
from collections.abc import Awaitable, Callable, Sequence

import hypothesis
import hypothesis.strategies as st
import pytest
from plain import PlainStore
from scenes import GUILD_IDS, KINDS, ORIGIN, AnyEntity, Scene, every_key, keyed, keys_of, scenes

from persist import events_members
from persist.batch import Batch
from persist.changes import Amend, Change, Drop, DropScope, Patch, Put, cascade
from persist.conditions import AllOf, Condition, Known, Not
from persist.edits import REPEATABLE, Add, Default, Edit, Newest, Part
from persist.entities import CHANNELS, COMPLETENESS, GUILDS, MEMBERS, MESSAGES, ROLES, THREADS
from persist.gauges import Gauges
from persist.journal import Journal, Limits
from persist.model import Key, Record
from persist.plans import count
from persist.plugins import open_store
from persist.quarantine import Quarantine
from persist.reader import Reader
from persist.spi import Select, Store

many = hypothesis.settings(
    max_examples=120, deadline=None, suppress_health_check=list(hypothesis.HealthCheck), database=None
)
some = hypothesis.settings(many, max_examples=30)


def gathered(changes: Sequence[Change]) -> list[Change]:
    batch = Batch("")
    for change in changes:
        batch.add(change)
    return list(batch.changes())


def taken(changes: Sequence[Change], most: int) -> Batch:
    """Take changes, at most this many at once."""
    batch = Batch("")
    for start in range(0, len(changes), most):
        batch.take(changes[start : start + most])
    return batch


def made(base: Sequence[Record], *batches: Sequence[Change]) -> PlainStore:
    store = PlainStore(base)
    for changes in batches:
        store.make(changes)
    return store


def payload(record: Record, **fields: typing.Any) -> Record:
    return record._replace(payload={**record.payload, **fields})


_OPEN, _CLOSED = {"archived": False}, {"archived": True}
_THREAD: typing.Final = Record(THREADS, (20,), 1, {"parent_id": "10", "thread_metadata": _OPEN, "name": "x"}, ORIGIN)
_POST: typing.Final = Record(MESSAGES, (30,), 1, {"channel_id": "20", "count": 1}, ORIGIN)
_CHANNEL: typing.Final = Record(CHANNELS, (10,), 1, {"type": 0}, ORIGIN)
_ACTIVE: typing.Final = Condition("is_archived", "equals", value=False)
_GONE: typing.Final[Sequence[Change]] = (
    *cascade(CHANNELS, 1, (Condition("id", "equals", 10),)),
    Drop(CHANNELS, (10,), 1),
)


def patch(record: Record, *edits: Edit, create: bool = False) -> Patch:
    return Patch(record.entity, record.key, record.guild_id, edits, ORIGIN, create)


def _in(channel: str) -> Condition:
    return Condition("parent_id", "equals", int(channel))


_TRAPS: typing.Final[dict[str, Scene]] = {
    "a stored thread is archived, and then the active ones go": Scene(
        [_THREAD], [[patch(_THREAD, Part({"thread_metadata": _CLOSED})), DropScope(THREADS, 1, (_ACTIVE,))]]
    ),
    "a stored thread is opened, and then the active ones go": Scene(
        [payload(_THREAD, thread_metadata=_CLOSED)],
        [[patch(_THREAD, Part({"thread_metadata": _OPEN})), DropScope(THREADS, 1, (_ACTIVE,))]],
    ),
    "a count rises, and then all counts do": Scene(
        [_POST], [[patch(_POST, Add("count", 1)), Amend(MESSAGES, 1, (), (Add("count", 1),), ORIGIN)]]
    ),
    "an unknown thing is changed, and then made": Scene(
        [], [[patch(_POST, Part({"content": "lost"})), patch(_POST, Part({"type": 0}), create=True)]]
    ),
    "a channel goes with what is stored of it": Scene([_CHANNEL, _THREAD, _POST], [[*_GONE]]),
    "a channel goes with what waits": Scene([], [[Put(_CHANNEL), Put(_THREAD), Put(_POST), *_GONE]]),
    "a message waits in a stored thread whose channel goes": Scene([_CHANNEL, _THREAD], [[Put(_POST), *_GONE]]),
    "a thread waits that has the messages of a stored one": Scene(
        [_CHANNEL, _POST], [[Put(_THREAD), *_GONE, Put(_CHANNEL)]]
    ),
    "a thread is filled in that is somewhere else, and what is there goes": Scene(
        [_THREAD], [[patch(_THREAD, Default({"parent_id": "12"})), DropScope(THREADS, 1, (_in("12"),))]]
    ),
    "a thread is moved to where only a newer one would go, and what is there goes": Scene(
        [_THREAD], [[patch(_THREAD, Newest("parent_id", "9")), DropScope(THREADS, 1, (_in("9"),))]]
    ),
    "a thread moves away before its channel goes": Scene(
        [_CHANNEL, _THREAD, _POST], [[patch(_THREAD, Part({"parent_id": "12"})), *_GONE]]
    ),
    "a message comes after its channel has gone": Scene([_CHANNEL, _THREAD], [[*_GONE, Put(_POST)]]),
    "what is of no kind that a column could hold": Scene(
        [_THREAD], [[Put(payload(_CHANNEL, parent_id={"a": "dict"})), Amend(CHANNELS, 1, (), (Part({}),), ORIGIN)]]
    ),
}


@pytest.mark.parametrize("scene", _TRAPS.values(), ids=_TRAPS.keys())
def test_traps(scene: Scene) -> None:
    assert made(scene.base, gathered(scene.changes)).payloads == made(scene.base, scene.changes).payloads
    asyncio.run(answered_as_stored(scene))


@many
@hypothesis.given(scenes())
def test_a_batch_does_what_its_changes_do(scene: Scene) -> None:
    assert made(scene.base, gathered(scene.changes)).payloads == made(scene.base, scene.changes).payloads


@some
@hypothesis.given(scenes())
def test_it_does_not_matter_where_a_batch_ends(scene: Scene) -> None:
    assert made(scene.base, *map(gathered, scene.acts)).payloads == made(scene.base, scene.changes).payloads


@some
@hypothesis.given(scenes(), st.sampled_from((1, 3, 1000)), st.sampled_from((0, 32)))
def test_changes_are_taken_together_as_one_by_one(scene: Scene, most: int, many_are: int) -> None:
    one_by_one = Batch("")
    for change in scene.changes:
        one_by_one.add(change)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("persist.batch._MANY", many_are)
        together = taken(scene.changes, most)
    assert sorted(map(repr, together.changes())) == sorted(map(repr, one_by_one.changes()))
    assert (together.size, together.coalesced) == (one_by_one.size, one_by_one.coalesced)
    for entity in KINDS:
        for guild_id in (None, 1, 2):
            held = [[segment.holds(entity, guild_id) for segment in batch.segments] for batch in (together, one_by_one)]
            assert held[0] == held[1]


def test_a_change_that_counts_counts_as_often_as_it_is_made() -> None:
    whole = Patch.of(CHANNELS, (10,), 1, (Part({"count": 1}),), ORIGIN, create=True)
    again = Patch.of(CHANNELS, (10,), 1, (Add("count", 1),), ORIGIN)
    batch = taken([whole, whole, again, again], 4)
    assert made([], list(batch.changes())).payloads == made([], [whole, again, again]).payloads
    assert (batch.size, batch.coalesced) == (1, 3)


def test_what_is_forgotten_in_many_guilds_stands_together_by_kind_and_in_the_order_of_each_guild() -> None:
    batch, kinds = Batch(""), (MEMBERS, ROLES, MEMBERS)
    everywhere = DropScope(ROLES, None, (Condition("id", "equals", 1),))
    for guild_id in (1, 2, 3):
        for kind in kinds:
            batch.add(DropScope(kind, guild_id))
    batch.add(everywhere)
    batch.add(DropScope(ROLES, 1))
    told = [(change.entity, change.guild_id) for change in batch.changes() if isinstance(change, DropScope)]
    before = [(kind, guild_id) for kind in kinds for guild_id in (1, 2, 3)]
    assert told == [*before, (ROLES, None), (ROLES, 1)]


@some
@hypothesis.given(st.lists(keyed((MESSAGES,)), max_size=12))
def test_changes_of_keys_become_one_per_key(changes: list[Change]) -> None:
    batch = Batch("")
    for change in changes:
        batch.add(change)
    assert made([], list(batch.changes())).payloads == made([], changes).payloads
    kept = list(batch.changes())
    assert len(kept) == batch.size == len(changes) - batch.coalesced


class _Desk:
    """A journal and a reader on a store, as in a cache."""

    def __init__(self, store: Store, limits: Limits | None = None) -> None:
        gauges = Gauges()
        self.store = store
        self.quarantine = Quarantine(gauges)
        self.journal = Journal(store, limits or Limits(), gauges, self.quarantine, positions=lambda: ())
        self.reader = Reader(store, self.journal, gauges, decoder=_nobody, current=lambda: AllOf(()))

    async def known(self) -> dict[tuple[AnyEntity, Key], tuple[int | None, typing.Any]]:
        """Read every possible key, one by one and many at once, which must give the same."""
        found = {}
        for entity in KINDS:
            keys = every_key(entity)
            at_once = await self.reader.records(entity, keys)
            for key in keys:
                record = await self.reader.record(entity, key)
                other = at_once.get(key)
                assert (record and record.payload) == (other and other.payload)
                if record is not None:
                    found[entity, key] = (record.guild_id, dict(record.payload))
        return found


def _nobody() -> typing.NoReturn:
    raise NotImplementedError


async def answered_as_stored(scene: Scene) -> None:
    desk = _Desk(PlainStore(scene.base))
    expected = PlainStore(scene.base)
    writer = asyncio.create_task(desk.journal.run())
    try:
        for act in scene.acts:
            expected.make(act)
            desk.journal.accept(act)
            assert await desk.known() == expected.payloads
        await desk.journal.flush()
        assert typing.cast("PlainStore", desk.store).payloads == expected.payloads == await desk.known()
        assert desk.quarantine.kept == ()
    finally:
        writer.cancel()


@many
@hypothesis.given(scenes())
def test_what_waits_is_answered_for_as_it_will_be_stored(scene: Scene) -> None:
    asyncio.run(answered_as_stored(scene))


class _Watched(PlainStore):
    """A store that calls a function before each transaction, and after it, before the writer knows that it is over."""

    def __init__(self, base: Sequence[Record]) -> None:
        super().__init__(base)
        self.look: Callable[[], Awaitable[None]] | None = None
        self.transactions = 0

    async def apply(self, changes: Sequence[Change]) -> None:
        if self.look is not None:
            await self.look()
        await super().apply(changes)
        self.transactions += 1
        if self.look is not None and not any(map(_counts, changes)):
            await self.look()


def _counts(change: Change) -> bool:
    return isinstance(change, (Patch, Amend)) and not REPEATABLE.issuperset(map(type, change.edits))


def told_at(moment: str, change: Change) -> Change:
    """Return a change with another time."""
    if isinstance(change, Put):
        return Put(change._replace(origin=change.origin._replace(at=moment)))
    if isinstance(change, (Patch, Amend)):
        return change._replace(origin=change.origin._replace(at=moment))
    return change


async def answered_as_it_is_being_stored(scene: Scene, most: int) -> int:
    """Check the answers around each transaction, and return how many transactions there were."""
    store = _Watched(scene.base)
    desk = _Desk(store, Limits(batch=most, busy=most))
    expected = made(scene.base, scene.changes).payloads
    wrong: list[object] = []

    async def look() -> None:
        for entity in KINDS:
            for key in every_key(entity):
                asked = asyncio.create_task(desk.reader.record(entity, key))
                await asyncio.wait((asked,), timeout=0)
                if not asked.done():  # only the store knows, and this waits for it
                    asked.cancel()
                elif ((record := asked.result()) and (record.guild_id, record.payload)) != expected.get((entity, key)):
                    wrong.append((key, record, expected.get((entity, key))))

    moment = desk.journal.at
    desk.journal.accept([told_at(moment, change) for change in scene.changes])
    store.look = look
    await desk.journal.write()
    assert not wrong
    assert store.payloads == expected
    return store.transactions


_OPENS: typing.Final = (patch(_THREAD, Part({"name": "y"})), patch(_THREAD, Part({"name": "z"}), create=True))
"""Only a store can tell whether the first one changes anything, so a new segment begins."""

_POSTS: typing.Final = [_POST, *(_POST._replace(key=(number,)) for number in (31, 32))]

_HALVES: typing.Final[dict[str, Scene]] = {
    "a thing is changed again that has been changed in a transaction before": Scene(
        [_POST], [[patch(_POST, Part({"content": "x"})), *_OPENS, patch(_POST, Part({"content": "y"}))]]
    ),
    "a thing is counted that has been changed in a transaction before": Scene(
        [_POST], [[patch(_POST, Part({"content": "x"})), *_OPENS, patch(_POST, Add("count", 1))]]
    ),
    "a thing goes that has been changed in a transaction before": Scene(
        [_POST], [[patch(_POST, Part({"content": "x"})), *_OPENS, Drop(MESSAGES, (30,), 1)]]
    ),
    "things are counted after all of their kind have gone": Scene(
        [_POST],
        [
            [
                DropScope(MESSAGES, 1),
                *(patch(each, Default({"count": 0}), Add("count", 1), create=True) for each in _POSTS),
            ]
        ],
    ),
    "things are counted after all of their kind have been changed": Scene(
        _POSTS,
        [[Amend(MESSAGES, 1, (), (Part({"type": 1}),), ORIGIN), *(patch(each, Add("count", 1)) for each in _POSTS)]],
    ),
}


@pytest.mark.parametrize("scene", (_TRAPS | _HALVES).values(), ids=(_TRAPS | _HALVES).keys())
def test_traps_as_they_are_being_stored(scene: Scene) -> None:
    asyncio.run(answered_as_it_is_being_stored(scene, 1))


def test_what_is_stored_in_many_transactions_is_answered_for_as_a_whole() -> None:
    transactions: list[int] = []

    @many
    @hypothesis.given(scenes(), st.sampled_from((1, 2, 5)))
    def check(scene: Scene, most: int) -> None:
        transactions.append(asyncio.run(answered_as_it_is_being_stored(scene, most)))

    check()
    assert max(transactions) > 2


@st.composite
def counting(draw: st.DrawFn) -> Scene:
    """Make a scene in which members join and leave guilds, each counted if that is news, among other changes."""
    guilds = [(GUILDS, guild_id) for guild_id in GUILD_IDS]
    base = [Record(entity, (guild_id,), None, {"member_count": 2, "name": "a"}, ORIGIN) for entity, guild_id in guilds]
    places = [(guild_id, key) for guild_id in GUILD_IDS for key in keys_of(MEMBERS, guild_id)]
    there = draw(st.lists(st.sampled_from(places), unique=True))
    base += [Record(MEMBERS, key, guild_id, {"nick": "n"}, ORIGIN) for guild_id, key in there]
    all_known = draw(st.lists(st.sampled_from(GUILD_IDS), unique=True))
    note = {"kind": "members", "state": "complete"}
    base += [Record(COMPLETENESS, (guild_id, "members"), guild_id, note, ORIGIN) for guild_id in all_known]
    counts = st.builds(
        lambda place, news: count(GUILDS, place[:1], "member_count", *news(Known(MEMBERS, place[1]))),
        st.sampled_from(places),
        st.sampled_from(
            [
                lambda known: (1, ORIGIN, Not(known)),
                lambda known: (-1, ORIGIN, known),
                lambda known: (-1, ORIGIN, Not(known), events_members.ARE_NOT_ALL_KNOWN),
            ]
        ),
    )
    named = Condition("name", "startswith", "a")
    others = st.sampled_from(
        [
            Amend(GUILDS, None, (named,), (Part({"name": "b"}),), ORIGIN),
            Amend(GUILDS, None, (named,), (Add("member_count", 1),), ORIGIN),
            Amend(GUILDS, None, (), (Part({"name": "ab"}),), ORIGIN),
        ]
    )
    return Scene(base, [draw(st.lists(st.one_of(counts, counts, counts, others), min_size=2, max_size=12))])


@some
@hypothesis.given(counting())
def test_what_counts_is_made_together_as_one_by_one(scene: Scene) -> None:
    expected = made(scene.base, scene.changes).payloads
    assert asyncio.run(in_a_database(scene)) == {place: it for place, it in expected.items() if place[0] in KINDS}


async def in_a_database(scene: Scene) -> dict[tuple[AnyEntity, Key], tuple[int | None, typing.Any]]:
    store = open_store("memory://")
    await store.open()
    try:
        await store.apply([Put(record) for record in scene.base])
        await store.apply(gathered(scene.changes))
        return {
            (entity, record.key): (record.guild_id, dict(record.payload))
            for entity in KINDS
            for record in (await store.select(Select(entity))).records
        }
    finally:
        await store.close()


@some
@hypothesis.given(scenes())
def test_a_database_makes_of_a_batch_what_a_dict_makes_of_its_changes(scene: Scene) -> None:
    assert asyncio.run(in_a_database(scene)) == made(scene.base, scene.changes).payloads
