"""Changes that were seen and may not be stored yet: taken without waiting, answered for, and written in batches.

``waiting`` takes changes while ``writing`` is on its way to the store. Until a change is stored, readers find it here.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
import time
import typing
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

import tenacity

from . import hooks
from .batch import Batch, Step
from .changes import REFUSED, Change, Drop, Patch, Put, fold, undecided
from .columns import moment
from .entities import COMPLETENESS
from .errors import BackendError
from .gauges import Gauges
from .memory import Memory
from .model import Entity, Key, Origin, Record
from .notices import Notices
from .past import Past, Recollection
from .quarantine import Quarantine
from .spi import Store
from .unwalked import Unwalked

__all__ = ("Journal", "Limits")

_LOG = logging.getLogger("persist.journal")
_YIELD_EVERY, _YIELD_FOR = 0.005, 0.0002
_BEHIND: typing.Final = 0.05
"""Seconds after which a writer that has not got through one step is taken to wait for the event loop."""

_STALLS_AFTER: typing.Final = 60.0
"""Seconds after which a database that has not answered counts as away."""

_TURNS: typing.Final = 500
"""Turns of the event loop that are waited for its answer then: the loop may not have come to it."""

_STEPS: typing.Final = 8
"""How many transactions a large batch is: each takes its turns of the event loop, which is busy where much piles up."""


class Limits(typing.NamedTuple):
    """How much the journal holds, and for how long."""

    interval: float = 0.05
    """Seconds that changes may wait for company; what a killed process loses at most."""

    batch: int = 4096
    """Changes that are written without waiting any longer."""

    busy: int = 20_000
    """Changes from which on a busy event loop gives way to the writer, and that are stored in one transaction."""

    most: int = 200_000
    """Changes that are held while the database is away or does not answer. What comes then is shed, ephemeral kinds
    first. A database that is at work is given what there is, and the gateway is read more slowly meanwhile."""

    asked: int = 50_000
    """Questions for what was known before an event that may wait. What is asked then is not told, and counted."""


class Journal:
    """Answers for changes from the moment they are seen until the store has them.

    Parameters
    ----------
    store
        Where they go. It is open while :meth:`run` runs.
    limits
        How much is held, and for how long.
    gauges, quarantine
        Where counts and what could not be stored are kept.
    positions
        Returns the changes that say how far each shard has come; they are stored with all changes up to there.
    memory
        What is kept right by the changes, where there is one.
    """

    def __init__(
        self,
        store: Store,
        limits: Limits,
        gauges: Gauges,
        quarantine: Quarantine,
        positions: Callable[[], Iterable[Change]],
        memory: Memory | None = None,
    ) -> None:
        self._store = store
        self._notices = Notices(_LOG)
        self._memory = memory
        self._limits = limits
        # A journal that is half full does not wait for company either.
        self._enough = min(limits.batch, limits.most // 2 + 1)
        self._gauges = gauges
        self._quarantine = quarantine
        self._positions = positions
        self._waiting = self._empty("")
        self._writing: Batch | None = None
        self._unwritten: Iterator[Step] = iter(())
        self._step: Step | None = None
        self._past = Past(store, gauges, limits.asked)
        self._asked = asyncio.Event()
        self._turn = asyncio.Lock()
        self._arrived = asyncio.Event()
        self._hurry = asyncio.Event()
        self._sealed = self._stored = self._commits = 0
        self._barriers: list[tuple[int, bool, asyncio.Future[None]]] = []
        self._trouble: BackendError | None = None
        self._shedding = False
        self._runs = False
        self._moved = 0.0
        self._turns = 0
        self._yielding: asyncio.TimerHandle | None = None
        self._gave_way = 0.0
        self._unwalked = Unwalked()
        self.overfull: Callable[[], None] = lambda: None
        """Hears that more waits than the limit, though the database is at work."""

    # -------------------------------------------------------------------------------------------------------- taking

    @property
    def depth(self) -> int:
        """How many changes are not stored yet."""
        return self._waiting.size + (self._writing.size if self._writing else 0)

    @property
    def at(self) -> str:
        """The moment that stands for the changes being taken now: no other batch has the same."""
        waiting = self._waiting
        if not waiting.size:  # it may have waited for an hour
            waiting.at = _later(waiting.at)
        return waiting.at

    @property
    def limit(self) -> int:
        """How many changes may wait while the database is away."""
        return self._limits.most

    @property
    def age(self) -> float:
        """How many seconds the oldest change that is not stored has waited."""
        oldest = self._writing or self._waiting
        if not oldest.size:
            return 0.0
        began = datetime.datetime.fromisoformat(oldest.at).replace(tzinfo=datetime.UTC)
        return max(0.0, (datetime.datetime.now(datetime.UTC) - began).total_seconds())

    @property
    def is_writing(self) -> bool:
        """Whether a batch is on its way to the store."""
        return self._writing is not None

    @property
    def stored(self) -> int:
        """How often something was stored; what was read while it changed may be neither old nor new."""
        return self._commits

    @property
    def trouble(self) -> BackendError | None:
        """Why the last attempt to write failed; ``None`` when it did not."""
        return self._trouble

    def accept(self, changes: Sequence[Change]) -> None:
        """Take changes; from now on readers see them."""
        waiting, most = self._waiting, self._limits.most
        if waiting.size + len(changes) <= most or self._is_served():
            self._take(changes)
        else:
            for change in changes:
                if waiting.size < most or self._room_for(change):
                    self._take((change,))
        if size := waiting.size:
            self._arrived.set()
            if size >= self._unwalked.mark:
                self._unwalked.hide(size)
            if size >= self._enough:
                self._hurry.set()
                if self._is_behind():
                    self._give_way()
                if self.is_too_much():
                    self.overfull()

    def _take(self, changes: Sequence[Change]) -> None:
        self._waiting.take(changes)
        if self._memory is not None:
            self._memory.note(changes)

    def _empty(self, than: str) -> Batch:
        return Batch(_later(than), self._counting_refused)

    def _is_served(self) -> bool:
        """Tell whether the database is at work. A flood that it has not caught up with yet is no reason to forget."""
        return self._runs and self._trouble is None and not self._is_stalled()

    def _is_stalled(self) -> bool:
        if self._is_answered():
            self._turns = 0
        elif not self._turns:
            self._count_turn()
        return self._turns >= _TURNS

    def _is_answered(self) -> bool:
        return self._writing is None or time.monotonic() - self._moved <= _STALLS_AFTER

    def _count_turn(self) -> None:
        if self._is_answered():
            self._turns = 0
        elif self._turns < _TURNS:
            self._turns += 1
            asyncio.get_running_loop().call_soon(self._count_turn)

    def _room_for(self, change: Change) -> bool:
        """Make room for a change in a full journal, or count it as lost."""
        if not self._shedding:
            self._shedding = True
            why = self._trouble or "the database does not answer"
            self._notices.say(
                logging.ERROR,
                "shedding",
                "%(depth)d changes wait to be stored, which is the limit (%(why)s): shedding begins; "
                "mend the database, or give the cache a higher limit",
                depth=self.depth,
                why=why,
            )
        waiting = self._waiting
        if not isinstance(change, (Put, Patch, Drop)) or waiting.holds(change.entity, change.key):
            return True
        if change.entity.ephemeral:
            self._gauges.shed[change.entity.name] += 1
            return False
        for entity in list(waiting.segments[-1].keyed):
            if entity.ephemeral and (shed := waiting.shed(entity)):
                self._gauges.shed[entity.name] += shed
                self.forget_memory()
                return True
        self._gauges.lost[change.entity.name] += 1
        if change.guild_id is not None:
            waiting.add(stale(change.entity, change.guild_id, Origin("gateway", None, 0, waiting.at)))
        return False

    def is_too_much(self, share: float = 1.0) -> bool:
        """Tell whether more than the limit waits, or a share of it, although the database is at work."""
        return self.depth > self._limits.most * share and self._is_served()

    def forget_memory(self) -> None:
        """Forget what is kept: it has changes that will not come to be."""
        if self._memory is not None:
            self._memory.clear()

    def _is_behind(self) -> bool:
        return self._is_late() or self.depth > self._limits.busy

    @property
    def _is_threaded(self) -> bool:
        return bool(getattr(self._store, "writes_in_thread", False))

    def _is_late(self) -> bool:
        # A server has its own reasons to take long.
        return self._is_threaded and self._writing is not None and time.monotonic() - self._moved > _BEHIND

    def _give_way(self) -> None:
        # A loop that never idles starves every other thread, the writer's too: it loses each race for the GIL. A burst
        # from the gateway does not even let the loop's own timers run, so this is called from within it.
        behind = self._is_behind()
        if behind and time.monotonic() - self._gave_way >= _YIELD_EVERY:
            time.sleep(_YIELD_FOR)
            self._gave_way = time.monotonic()
        if behind or self._writing is not None:
            self._look_again(_YIELD_EVERY if behind else _BEHIND)

    def _look_again(self, seconds: float) -> None:
        if self._yielding is not None:
            self._yielding.cancel()
        self._yielding = asyncio.get_running_loop().call_later(seconds, self._give_way)

    def _look_no_more(self) -> None:
        if self._yielding is not None:
            self._yielding.cancel()
            self._yielding = None

    # -------------------------------------------------------------------------------------------------------- asking

    def pending(self, entity: Entity[typing.Any], key: Key, stored: Record | None = None) -> Sequence[Change]:
        """Return the changes that may concern a key and that ``stored`` does not contain yet, in order.

        They begin with the last one that does not depend on what is stored, where there is one: see :meth:`settles`.
        """
        waiting, writing = self._waiting, self._writing
        if writing is None and not waiting.size:
            return ()
        at = None if stored is None else stored.origin.at
        found = waiting.lacking(entity, key, at)
        if writing is not None:
            found = (*writing.lacking(entity, key, at), *found)
        if len(found) > 1:
            for index in range(len(found) - 1, 0, -1):
                if self.settles(found[index]):
                    return found[index:]
        return found

    @staticmethod
    def settles(change: Change) -> bool:
        """Tell whether a change makes what was before it irrelevant."""
        return isinstance(change, (Put, Drop))

    def settled(self, changes: Sequence[Change]) -> bool:
        """Tell whether changes say all about a key, without anything that is stored."""
        return self.settles(changes[0]) and not undecided(None, changes)

    @staticmethod
    def folded(record: Record | None, changes: Iterable[Change]) -> Record | None:
        """Return what becomes of a stored record under changes that are not stored yet."""
        for change in changes:
            record = fold(record, change)
        return record

    # --------------------------------------------------------------------------------------------------- remembering

    def recall(self, entity: Entity[typing.Any], key: Key | None, guild_id: int | None) -> Recollection:
        """Ask for a record as it is at this moment, or for all of a kind in a guild, without waiting.

        It is found before the changes that are seen from now on are stored. While the database is away, it is not.
        """
        asked = Recollection(entity, key, guild_id)
        changes = () if key is None else self.pending(entity, key)
        if changes and self.settled(changes):
            record = self.folded(None, changes)
            asked.tell(() if record is None else (record,))
        elif self._trouble is not None or self._past.is_full:
            self._past.give_up((asked,))
        else:
            self._past.take()
            if self._waiting.ask(asked):
                self._hurry.set()
            self._asked.set()
        return asked

    def is_moving(self, seconds: float) -> bool:
        """Tell whether something was stored or found within the last seconds: what waits is getting less."""
        return time.monotonic() - max(self._moved, self._past.moved) < seconds

    def give_up_on(self, asked: Recollection) -> None:
        """Wait for an answer no longer."""
        self._past.give_up((asked,))

    async def recollect(self) -> None:
        """Find what is asked while nothing is being written, for as long as the cache is open."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            async with self._turn:
                if self._writing is None:
                    await self._past.find(self._waiting.segments[0].asked)

    # ------------------------------------------------------------------------------------------------------- writing

    async def flush(self) -> None:
        """Wait until everything seen so far is in the database, however long it is away."""
        await self._barrier(patient=True)

    async def barrier(self) -> None:
        """Wait until everything seen so far is in the database.

        Raises
        ------
        persist.BackendError
            As soon as an attempt to write it fails.
        """
        if self.depth and self._trouble is not None:
            raise self._trouble
        await self._barrier(patient=False)

    async def _barrier(self, *, patient: bool) -> None:
        target = self._sealed + bool(self._waiting.size)
        if target <= self._stored:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._barriers.append((target, patient, future))
        self._hurry.set()
        await future

    async def run(self) -> None:
        """Move changes into the store, for as long as the cache is open."""
        self._runs = True
        while True:
            await self._arrived.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.interval):
                    await self._hurry.wait()
            await self.write()

    async def write(self) -> None:
        """Store one batch: the one whose writing was cancelled, where there is one, else what waits."""
        async with self._turn:
            await self._write()

    async def _write(self) -> None:
        if self._writing is None:
            for change in self._positions():
                self._waiting.add(change)
            self._writing, self._waiting = self._waiting, self._empty(self._waiting.at)
            self._arrived.clear()
            self._hurry.clear()
            self._sealed += 1
            self._unwritten = self._writing.steps(
                max(self._limits.batch, self._limits.busy, self._writing.size // _STEPS)
            )
        self._moved = time.monotonic()
        self._look_again(_BEHIND)
        began, size = time.perf_counter(), self._writing.size
        # What has piled up while the database was away is many transactions: one would hold the loop to prepare. Those
        # that are through are not made again, should this be cancelled: a reaction would count twice.
        while step := self._step or next(self._unwritten, None):
            self._step = step
            await self._past.find(step.asked)
            if step.changes:
                await self._store_all(step.changes)
            self._step = None
        self._gauges.coalesced += self._writing.coalesced
        self._note_flush(size, time.perf_counter() - began)
        self._writing = None
        self._commits += 1
        self._look_no_more()
        self._unwalked.show(self._waiting.size)
        self._stored = self._sealed
        self._shedding = False
        self._release(lambda target, _: target <= self._stored, None)

    def _note_flush(self, size: int, seconds: float) -> None:
        gauges = self._gauges
        gauges.flushes += 1
        gauges.flush_seconds += seconds
        gauges.last_flush = seconds
        gauges.last_flush_changes = size
        gauges.last_flush_at = time.time()
        hooks.took("flush", gauges.last_flush_at - seconds, seconds, {"changes": size})

    async def _store_all(self, changes: Sequence[Change]) -> None:
        """Store changes; where one is refused for good, halve them until only the refused one is left out."""
        try:
            await self._attempt(changes)
        except Exception as error:  # noqa: BLE001 - whatever one change does, all others are stored
            if len(changes) == 1:
                self._quarantine.change(changes[0], error)
                self.forget_memory()
                return
            middle = len(changes) // 2
            for half in (changes[:middle], changes[middle:]):
                await self._store_all(half)
        else:
            self._gauges.applied += len(changes)
            hooks.committed(changes)

    async def _attempt(self, changes: Sequence[Change]) -> None:
        wait = tenacity.wait_random_exponential(multiplier=0.05, max=5)
        retrying = tenacity.AsyncRetrying(retry=tenacity.retry_if_exception(_temporary), wait=wait, after=self._failed)
        async for attempt in retrying:
            with attempt, self._counting_refused():
                await self._store.apply(changes)
        self._commits += 1
        self._moved = time.monotonic()
        if self._trouble is not None:
            self._notices.say(logging.WARNING, "back", "the database is back; %(depth)d changes wait", depth=self.depth)
            self._trouble = None

    @contextlib.contextmanager
    def _counting_refused(self) -> Generator[None]:
        """Count what rules refuse when changes meet what is there: only whoever makes them knows that."""
        refused = set[tuple[Entity[typing.Any], Key]]()
        token = REFUSED.set(refused)
        try:
            yield
        finally:
            REFUSED.reset(token)
        for entity, _ in refused:
            self._gauges.skipped[entity.name] += 1

    def _failed(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if not isinstance(error, BackendError) or not error.temporary:
            return
        self._gauges.retries += 1
        if self._trouble is None:
            self._notices.say(
                logging.ERROR,
                "away",
                "the database does not take changes (%(error)s); they wait, and are tried again",
                error=error,
            )
        self._trouble = error
        self._forget_asked()
        self._release(lambda _, patient: not patient, error)

    def _forget_asked(self) -> None:
        for batch in (self._writing, self._waiting):
            for segment in batch.segments if batch else ():
                self._past.forget(segment.asked)

    def _release(self, which: Callable[[int, bool], bool], error: Exception | None) -> None:
        kept: list[tuple[int, bool, asyncio.Future[None]]] = []
        for target, patient, future in self._barriers:
            if not which(target, patient):
                kept.append((target, patient, future))
            elif not future.done():
                future.set_result(None) if error is None else future.set_exception(error)
        self._barriers = kept

    def give_up(self, reason: str) -> int:
        """Count everything that is not stored as lost, wake who waits for it, and return how many changes it was."""
        lost = self.depth
        if lost:
            _LOG.critical("%d changes could not be stored and are lost: %s", lost, reason)
            for batch in (self._writing, self._waiting):
                for change in batch.changes() if batch else ():
                    self._gauges.lost[change.entity.name] += 1
        self._forget_asked()
        self._waiting, self._writing, self._step = self._empty(self._waiting.at), None, None
        self._release(lambda _target, _patient: True, BackendError(f"the cache was closed: {reason}"))
        self._look_no_more()
        self._unwalked.show(0)
        return lost


def _later(than: str) -> str:
    """Return the present moment as a ``time`` column spells it, and later than another in any case."""
    now = moment(datetime.datetime.now(datetime.UTC))
    if now > than:
        return now
    return moment(datetime.datetime.fromisoformat(than) + datetime.timedelta(microseconds=1))


def _temporary(error: BaseException) -> bool:
    return isinstance(error, BackendError) and error.temporary


def stale(entity: Entity[typing.Any], guild_id: int, origin: Origin) -> Put:
    """Return the change that notes that what is known of a kind in a guild is not up to date."""
    payload = {"kind": entity.name, "state": "stale", "epoch": origin.epoch, "at": origin.at, "source": origin.source}
    return Put.of(COMPLETENESS, payload, guild_id, origin)
