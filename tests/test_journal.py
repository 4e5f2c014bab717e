"""The journal: one change per key, bad records left out one by one, and a limit beyond which every loss is counted."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import pathlib
import time
import typing
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

import bots
import pytest
from fakecord import FakeDiscord, Payload, payloads
from hearing import Hearing

import persist
from persist import giving_way, progress, unwalked
from persist.changes import Change, Patch, Put
from persist.edits import Part
from persist.entities import COMPLETENESS, MEMBERS, MESSAGES, SHARDS
from persist.errors import BackendError
from persist.gauges import Gauges
from persist.journal import Journal, Limits
from persist.model import Origin
from persist.quarantine import Quarantine
from persist.spi import Page, Select

GUILD: typing.Final = payloads.guild(members=3)
CHANNEL: typing.Final = next(channel["id"] for channel in GUILD["channels"] if channel["type"] == 0)


def message(**fields: typing.Any) -> Payload:
    return payloads.message(CHANNEL, GUILD["members"][0]["user"], guild_id=GUILD["id"], **fields)


class Shelf:
    """A store that keeps the changes it gets, rejects poisoned ones, and fails as often as the test says."""

    def __init__(self) -> None:
        self.batches: list[Sequence[Change]] = []
        self.poison: set[int | str] = set()
        self.failures: list[Exception] = []
        self.attempts = 0
        self.stuck_after: int | None = None
        self.may_store = asyncio.Event()
        self.may_store.set()
        self.writes_in_thread = False

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def apply(self, changes: Sequence[Change]) -> None:
        self.attempts += 1
        await self.may_store.wait()
        if len(self.batches) == self.stuck_after:
            await asyncio.Event().wait()
        if self.failures:
            raise self.failures.pop(0)
        if any(isinstance(change, Put) and change.key[0] in self.poison for change in changes):
            raise BackendError("this is poison")
        self.batches.append(changes)

    async def select(self, query: Select) -> Page:
        raise AssertionError(query)

    def known(self) -> list[int | str]:
        return [change.key[0] for batch in self.batches for change in batch if isinstance(change, Put)]


class Kit:
    """A journal over a shelf."""

    def __init__(self, **limits: typing.Any) -> None:
        self.shelf = Shelf()
        self.gauges = Gauges()
        self.quarantine = Quarantine(self.gauges)
        limits = {"interval": 0.001, **limits}
        self.journal = Journal(self.shelf, Limits(**limits), self.gauges, self.quarantine, self.positions)

    def positions(self) -> Iterable[Change]:
        payload = {"shard_id": 0, "shard_count": 1, "session_id": "x", "sequence": 7, "epoch": 1}
        yield Put(SHARDS.record(payload, None, self.origin))

    @property
    def origin(self) -> Origin:
        return Origin("gateway", 0, 1, self.journal.at)

    def put(self, **fields: typing.Any) -> Put:
        return Put(MESSAGES.record(message(**fields), int(GUILD["id"]), self.origin))

    def patch(self, key: int, **fields: typing.Any) -> Patch:
        return Patch(MESSAGES, (key,), int(GUILD["id"]), (Part(fields),), self.origin)

    def content(self, key: int) -> str | None:
        record = self.journal.folded(None, self.journal.pending(MESSAGES, (key,)))
        return None if record is None else record.payload["content"]


@contextlib.asynccontextmanager
async def writing(**limits: typing.Any) -> AsyncIterator[Kit]:
    kit = Kit(**limits)
    writer = asyncio.create_task(kit.journal.run())
    yield kit
    writer.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await writer


# --------------------------------------------------------------------------------------------------- taking and storing


async def test_a_thousand_edits_of_a_message_are_stored_as_one_change(tmp_path: pathlib.Path) -> None:
    async with Hearing(f"sqlite:///{tmp_path / 'cache.db'}") as hearing:
        said = message(content="0")
        hearing.consume("MESSAGE_CREATE", said)
        for version in range(1, 1000):
            hearing.consume("MESSAGE_UPDATE", {**said, "content": str(version)})
        await hearing.cache.flush()
        assert hearing.cache.gauges.coalesced >= 999
        entry = await hearing.cache.messages.entry(int(said["id"]))
        assert entry is not None
        assert (entry.payload["content"], entry.revision) == ("999", 1)


async def test_what_changes_while_it_is_written_is_answered_for_and_written_next() -> None:
    async with writing() as kit:
        kit.shelf.may_store.clear()
        first = kit.put(content="one")
        key = typing.cast("int", first.key[0])
        kit.journal.accept([first])
        await bots.until(lambda: kit.shelf.attempts > 0)
        assert kit.content(key) == "one"
        kit.journal.accept([kit.patch(key, content="two")])
        assert kit.content(key) == "two"
        assert kit.shelf.batches == []
        kit.shelf.may_store.set()
        await kit.journal.flush()
        assert kit.content(key) is None
    stored = [change for batch in kit.shelf.batches for change in batch if change.entity is MESSAGES]
    assert [type(change) for change in stored] == [Put, Patch]


async def test_a_flush_waits_for_what_was_seen_and_not_for_what_comes_later() -> None:
    async with writing() as kit:
        await kit.journal.flush()
        kit.journal.accept([kit.put()])
        flush = asyncio.create_task(kit.journal.flush())
        await asyncio.sleep(0)
        kit.shelf.may_store.clear()
        kit.journal.accept([kit.put()])
        await bots.until(lambda: kit.shelf.attempts > 0)
        assert not flush.done()
        kit.shelf.may_store.set()
        await asyncio.wait_for(flush, 1)


async def test_a_flush_that_is_cancelled_harms_nobody() -> None:
    async with writing() as kit:
        kit.shelf.may_store.clear()
        kit.journal.accept([kit.put()])
        flush = asyncio.create_task(kit.journal.flush())
        await asyncio.sleep(0.01)
        flush.cancel()
        kit.shelf.may_store.set()
        await asyncio.wait_for(kit.journal.flush(), 1)
        assert len(kit.shelf.known()) == 2


async def test_a_temporary_failure_is_tried_again_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async with writing() as kit:
        kit.shelf.failures = [BackendError("it sleeps", temporary=True) for _ in range(3)]
        kit.journal.accept([kit.put()])
        with pytest.raises(BackendError, match="it sleeps"):
            await kit.journal.barrier()
        await asyncio.wait_for(kit.journal.flush(), 5)
        assert kit.gauges.retries == 3
        assert kit.journal.trouble is None
        await kit.journal.barrier()
    told = [(record.levelno, record.getMessage()) for record in caplog.records]
    assert [level for level, _ in told] == [logging.ERROR, logging.WARNING]
    assert "the database does not accept changes (it sleeps)" in told[0][1]
    assert "the database is back" in told[1][1]


async def test_while_the_database_is_away_a_read_of_many_is_refused_at_once() -> None:
    async with writing() as kit:
        kit.shelf.failures = [BackendError("it sleeps", temporary=True) for _ in range(50)]
        kit.journal.accept([kit.put()])
        for _ in range(3):
            with pytest.raises(BackendError, match="it sleeps"):
                await asyncio.wait_for(kit.journal.barrier(), 1)


async def test_a_flood_is_stored_in_few_transactions() -> None:
    async with writing(batch=100, busy=250) as kit:
        kit.journal.accept([kit.put() for _ in range(300)])
        await asyncio.wait_for(kit.journal.flush(), 5)
    assert [len(batch) for batch in kit.shelf.batches] == [250, 51]


async def test_a_writer_that_is_cancelled_makes_no_transaction_twice() -> None:
    async with writing(batch=100, busy=100) as kit:
        kit.shelf.stuck_after = 1
        kit.journal.accept(changes := [kit.put() for _ in range(250)])
        await bots.until(lambda: kit.shelf.attempts == 2)
    assert len(kit.shelf.batches) == 1
    kit.shelf.stuck_after = None
    await kit.journal.write()
    assert kit.shelf.known() == [*(change.key[0] for change in changes), 0]
    assert kit.journal.depth == 0


async def test_what_says_how_much_is_stored_is_stored_after_that() -> None:
    guild_id = int(GUILD["id"])
    async with writing(batch=10, busy=10) as kit:
        note = {"kind": "members", "state": "complete", "epoch": 1, "at": kit.journal.at, "source": "chunk"}
        members = [Put.of(MEMBERS, payloads.member(payloads.user()), guild_id, kit.origin) for _ in range(25)]
        kit.journal.accept([*members, Put.of(COMPLETENESS, note, guild_id, kit.origin)])
        await asyncio.wait_for(kit.journal.flush(), 5)
    kinds = [change.entity for batch in kit.shelf.batches for change in batch]
    assert len(kit.shelf.batches) > 1
    assert kinds == [MEMBERS] * len(members) + [COMPLETENESS, SHARDS]


# ------------------------------------------------------------------------------------------------------- one bad record


async def test_a_record_that_is_refused_for_good_is_found_by_halving() -> None:
    async with writing() as kit:
        changes = [kit.put() for _ in range(1000)]
        bad = changes[321].key[0]
        kit.shelf.poison = {bad}
        kit.journal.accept(changes)
        await asyncio.wait_for(kit.journal.flush(), 5)
    assert set(kit.shelf.known()) == {change.key[0] for change in changes} - {bad} | {0}
    assert kit.shelf.attempts < 25
    (quarantined,) = kit.quarantine.kept
    assert (quarantined.what, quarantined.key) == ("messages", (bad,))
    assert quarantined.payload == changes[321].record.payload
    assert str(quarantined.error) == "this is poison"
    # How far the shard has come is stored with the last of them, never before.
    assert kit.shelf.batches[-1][-1].entity is SHARDS


async def test_a_failure_of_our_own_costs_what_it_must_and_the_writer_goes_on() -> None:
    async with writing() as kit:
        kit.shelf.failures = [RuntimeError("a bug"), RuntimeError("a bug")]
        changes = [kit.put() for _ in range(8)]
        kit.journal.accept(changes)
        await asyncio.wait_for(kit.journal.flush(), 5)
        kit.journal.accept([last := kit.put()])
        await asyncio.wait_for(kit.journal.flush(), 5)
    assert last.key[0] in kit.shelf.known()
    assert set(kit.shelf.known()) == {change.key[0] for change in (*changes, last)} | {0}


POISON: typing.Final = {
    "no id": {"id": None},
    "an id that is none": {"id": "poison"},
    "an id too great for any database": {"id": str(1 << 70)},
    "a lone surrogate": {"content": "\ud800"},
    "a content that is none": {"content": {"not": "text"}},
    "an author that is none": {"author": []},
    "a number beyond 64 bits": {"flags": 1 << 70},
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON.keys())
async def test_one_poisoned_payload_in_a_thousand_costs_only_itself(
    poison: Payload, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "cache.db"
    async with Hearing(f"sqlite:///{file}") as hearing:
        await hearing.ready(GUILD)
        said = [message() for _ in range(1000)]
        said[500] = {**said[500], **poison}
        for each in said:
            hearing.consume("MESSAGE_CREATE", each)
        await asyncio.wait_for(hearing.cache.flush(), 10)
        (quarantined,) = hearing.cache.quarantine
        assert quarantined.payload == said[500]
        assert hearing.cache.gauges.quarantined.total() == 1
    stored = set(bots.rows(file, "SELECT id FROM messages"))
    assert stored == {int(each["id"]) for each in said[:500] + said[501:]}
    assert bots.rows(file, "SELECT COUNT(*) FROM members") == [3]
    assert [record.name for record in caplog.records].count("persist.quarantine") == 1


async def test_many_poisoned_payloads_are_all_counted_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async with Hearing("memory://") as hearing:
        for _ in range(250):
            hearing.consume("MESSAGE_DELETE", {"id": "poison"})
        assert hearing.cache.gauges.quarantined == {"MESSAGE_DELETE": 250}
        assert len(hearing.cache.quarantine) == 100
    assert [record.name for record in caplog.records].count("persist.quarantine") == 1


# ------------------------------------------------------------------------------------------------------------ the limit


async def test_past_its_limit_the_journal_sheds_what_is_fleeting_and_counts_what_is_lost(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "cache.db"
    hearing = Hearing("memory://")
    cache = persist.Cache(hearing.bot, f"sqlite:///{file}?timeout=0.02", interval=0.001, limit=100)
    guild_id, people = int(GUILD["id"]), [payloads.member(payloads.user()) for _ in range(300)]
    async with cache:
        await hearing.ready(GUILD)
        await cache.flush()
        with bots.locked(file):
            hearing.consume("TYPING_START", {"channel_id": CHANNEL, "user_id": "1", "guild_id": GUILD["id"]})
            hearing.consume("MESSAGE_CREATE", message())
            await bots.until(lambda: cache.gauges.retries > 0)
            for member in people[:100]:
                presence = payloads.presence(member["user"]["id"])
                hearing.consume("PRESENCE_UPDATE", {**presence, "guild_id": GUILD["id"]})
            for member in people:
                hearing.consume("GUILD_MEMBER_ADD", {**member, "guild_id": GUILD["id"]})
            hearing.consume("GUILD_ROLE_DELETE", {"guild_id": GUILD["id"], "role_id": GUILD["roles"][-1]["id"]})
            shed, lost = cache.gauges.shed.copy(), cache.gauges.lost.copy()
        await asyncio.wait_for(cache.flush(), 10)
        assert shed["presences"] >= 90
        assert set(shed) == {"presences"}
        assert lost["members"] > 100
        assert lost["roles"] == 1
        assert set(lost) == {"members", "users", "roles"}
        assert await cache.members.count(guild=guild_id) == 303 - lost["members"]
        assert await cache.messages.count() == 1
    stale = bots.rows(file, "SELECT kind FROM completeness WHERE state = 'stale' AND guild_id = ?", guild_id)
    assert set(stale) == {"members", "presences", "roles"}
    told = [record for record in caplog.records if "some are dropped from now on" in record.getMessage()]
    assert [record.levelno for record in told] == [logging.ERROR]


async def test_a_small_limit_loses_nothing_while_the_database_keeps_up(tmp_path: pathlib.Path) -> None:
    hearing = Hearing("memory://")
    cache = persist.Cache(hearing.bot, f"sqlite:///{tmp_path / 'cache.db'}", interval=3600, limit=500)
    async with cache:
        for number in range(1, 11):
            for _ in range(400):
                hearing.consume("MESSAGE_CREATE", message())
            # Nothing flushes, and the interval is an hour: a journal that is nearly full does not wait.
            await bots.until(lambda number=number: cache.gauges.applied >= 400 * number)
        await cache.flush()
        assert cache.gauges.lost.total() == 0
        assert await cache.messages.count() == 4000


async def test_a_flood_beyond_the_limit_loses_nothing_while_the_database_is_at_work(tmp_path: pathlib.Path) -> None:
    hearing = Hearing("memory://")
    cache = persist.Cache(hearing.bot, f"sqlite:///{tmp_path / 'cache.db'}", limit=100)
    async with cache:
        await cache.flush()
        for _ in range(3000):
            hearing.consume("MESSAGE_CREATE", message())
        await cache.flush()
        assert cache.gauges.lost.total() == cache.gauges.shed.total() == 0
        assert await cache.messages.count() == 3000


async def test_a_database_that_does_not_answer_counts_as_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_STALLS_AFTER", 0.05)
    async with writing(most=10) as kit:
        kit.shelf.may_store.clear()
        kit.journal.accept([kit.put()])
        await bots.until(lambda: kit.shelf.attempts > 0)
        kit.journal.accept([kit.put() for _ in range(50)])
        assert kit.gauges.lost.total() == 0
        await bots.until(lambda: not kit.journal._is_served())
        kit.journal.accept([kit.put() for _ in range(5)])
        assert kit.gauges.lost == {"messages": 5}
        kit.shelf.may_store.set()
        await kit.journal.flush()


async def test_an_answer_that_the_event_loop_has_not_come_to_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_STALLS_AFTER", 0.05)
    async with writing(most=10) as kit:
        kit.shelf.may_store.clear()
        kit.journal.accept([kit.put()])
        await bots.until(lambda: kit.shelf.attempts > 0)
        kit.shelf.may_store.set()
        time.sleep(0.1)  # a flood, between two turns of the loop  # noqa: ASYNC251
        kit.journal.accept([kit.put() for _ in range(50)])
        await kit.journal.flush()
        assert kit.gauges.lost.total() == kit.gauges.shed.total() == 0


async def test_what_has_piled_up_is_few_transactions() -> None:
    async with writing(batch=10) as kit:
        kit.shelf.may_store.clear()
        kit.journal.accept([kit.put()])
        await bots.until(lambda: kit.shelf.attempts > 0)
        kit.journal.accept([kit.put() for _ in range(1000)])
        kit.shelf.may_store.set()
        await kit.journal.flush()
        assert len(kit.shelf.batches) <= 1 + 9


async def test_the_loop_gives_way_to_a_writer_that_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    gave: list[float] = []
    monkeypatch.setattr(giving_way, "_BEHIND", 0.01)
    monkeypatch.setattr(giving_way.time, "sleep", gave.append)
    async with writing(batch=10, busy=20) as kit:
        kit.shelf.writes_in_thread = True
        kit.shelf.may_store.clear()
        kit.journal.accept([kit.put()])
        await bots.until(lambda: len(gave) > 3)  # although hardly anything waits
        kit.shelf.may_store.set()
        await kit.journal.flush()
        assert set(gave) == {giving_way._FOR}
        gave.clear()
        kit.shelf.writes_in_thread = False  # as with a server, which the event loop itself waits for
        kit.shelf.may_store.clear()
        kit.journal.accept([kit.put() for _ in range(50)])
        await asyncio.sleep(0.1)
        kit.shelf.may_store.set()
        await kit.journal.flush()
        assert gave == []


# ---------------------------------------------------------------------------------------------- the garbage collector


async def test_what_waits_in_a_flood_is_hidden_from_the_garbage_collector_until_it_is_written() -> None:
    async with writing() as kit:
        kit.shelf.may_store.clear()
        kit.journal.accept([kit.put() for _ in range(500)])
        assert gc.get_freeze_count() <= unwalked._ITS_OWN
        kit.journal.accept([kit.put() for _ in range(1000)])
        kit.journal.accept([kit.put()])
        frozen = gc.get_freeze_count()
        assert frozen > unwalked._ITS_OWN
        kit.journal.accept([kit.put() for _ in range(2000)])
        assert gc.get_freeze_count() > frozen
        kit.shelf.may_store.set()
        await kit.journal.flush()
        assert gc.get_freeze_count() <= unwalked._ITS_OWN


async def test_what_a_cache_gives_up_is_shown_to_the_garbage_collector() -> None:
    kit = Kit()
    kit.journal.accept([kit.put() for _ in range(2000)])
    assert gc.get_freeze_count() > unwalked._ITS_OWN
    kit.journal.give_up("this is a test")
    assert gc.get_freeze_count() <= unwalked._ITS_OWN


async def test_what_a_program_has_frozen_itself_stays_so() -> None:
    kit = Kit()
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        for _ in range(3):
            kit.journal.accept([kit.put() for _ in range(1500)])
        await kit.journal.write()
        assert abs(gc.get_freeze_count() - frozen) < 1000  # freed objects are no longer frozen
    finally:
        gc.unfreeze()


@pytest.fixture
def thresholds() -> Iterator[tuple[int, int, int]]:
    """Yield the thresholds of the garbage collector, and restore them afterward."""
    usual = gc.get_threshold()
    yield usual
    gc.set_threshold(*usual)


async def test_the_garbage_collector_begins_later_in_a_flood_and_as_usual_after_it(
    thresholds: tuple[int, int, int],
) -> None:
    async with writing() as kit:
        for _ in range(2):
            kit.shelf.may_store.clear()
            for _ in range(2):
                kit.journal.accept([kit.put() for _ in range(1500)])
            assert gc.get_threshold() == (unwalked._YOUNG, *thresholds[1:])
            kit.shelf.may_store.set()
            await kit.journal.flush()
            assert gc.get_threshold() == thresholds


@pytest.mark.parametrize("chosen", [(0, 5, 5), (200_000, 5, 5)])
async def test_a_program_that_has_the_collector_begin_later_or_never_is_left_alone(
    thresholds: tuple[int, int, int], chosen: tuple[int, int, int]
) -> None:
    del thresholds
    gc.set_threshold(*chosen)
    kit = Kit()
    kit.journal.accept([kit.put() for _ in range(1500)])
    assert gc.get_threshold() == chosen
    await kit.journal.write()
    assert gc.get_threshold() == chosen


async def test_what_a_program_chooses_in_a_flood_stays_so(thresholds: tuple[int, int, int]) -> None:
    del thresholds
    kit = Kit()
    kit.journal.accept([kit.put() for _ in range(1500)])
    gc.set_threshold(900, 8, 8)
    await kit.journal.write()
    assert gc.get_threshold() == (900, 8, 8)


def test_a_flood_that_does_not_end_is_not_hidden_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unwalked, "_LONGEST", -1.0)
    hiding = unwalked.Unwalked()
    hiding.hide(5000)
    assert gc.get_freeze_count() <= unwalked._ITS_OWN
    hiding.show(0)


# ------------------------------------------------------------------------------------------------------------- the end


async def test_whoever_waits_for_a_flush_when_the_cache_gives_up_is_told(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "cache.db"
    hearing = Hearing("memory://")
    cache = persist.Cache(hearing.bot, f"sqlite:///{file}?timeout=0.02", stop_timeout=0.2)
    async with cache:
        await cache.flush()
        with bots.locked(file):
            hearing.consume("MESSAGE_CREATE", message())
            flush = asyncio.create_task(cache.flush())
            await asyncio.sleep(0)
            await asyncio.wait_for(cache.close(), 5)
            with pytest.raises(BackendError, match=r"the cache was closed: storing took more than 0\.2 s"):
                await flush
    assert cache.gauges.lost["messages"] == 1


async def test_a_close_that_is_cancelled_stores_everything_all_the_same(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "cache.db"
    hearing = Hearing(f"sqlite:///{file}")
    await hearing.cache.open()
    for _ in range(5000):
        hearing.consume("MESSAGE_CREATE", message())
    closing = asyncio.create_task(hearing.cache.close())
    for _ in range(3):
        await asyncio.sleep(0.001)
        closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert bots.rows(file, "SELECT COUNT(*) FROM messages") == [5000]


async def test_a_bot_begins_although_its_database_is_locked_and_nothing_is_lost(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "cache.db"
    async with FakeDiscord(seed=1) as sim:
        guild = sim.add_guild(members=20)
        bot = bots.make(sim.rest_url)
        cache = persist.Cache(bot, f"sqlite:///{file}?timeout=0.05")
        with bots.locked(file):
            await bot.start(check_for_updates=False)
            await sim.create_message(bots.text_channel(guild), "hello")
            await bots.settled(sim, cache)
        await asyncio.wait_for(cache.flush(), 20)
        assert await cache.members.count() == 20
        assert await cache.messages.count() == 1
        await bot.close()
    assert cache.gauges.lost.total() == 0
