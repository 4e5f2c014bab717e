"""Changes that may not be stored yet: accepted without blocking, visible to readers, and written in batches.

``waiting`` takes changes while ``writing`` is on its way to the store. Until a change is stored, readers find it here.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import threading
import time
import typing
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

from . import hooks
from .attempts import Attempts, counting_refused
from .barriers import Barriers
from .batch import Batch, Step
from .changes import Change, Drop, DropScope, Put, covers, fold, undecided
from .columns import later
from .departures import Departures
from .errors import BackendError
from .gauges import Gauges
from .giving_way import GivingWay
from .limits import Limits
from .memory import Memory
from .model import Entity, Key, Record
from .notices import Notices
from .past import Past, Recollection
from .progress import WriteProgress
from .quarantine import Quarantine
from .shedding import Shedding
from .spi import Store
from .unwalked import Unwalked

__all__ = ("Journal", "Limits")

_LOG = logging.getLogger("persist.journal")
_TICK: typing.Final = 1.0
"""Seconds that changes of one batch may have one time."""


class Journal:
    """Holds changes from the moment they are received until the store has them.

    Parameters
    ----------
    store
        Where they go. It is open while :meth:`run` runs.
    limits
        How much to hold, and for how long.
    gauges, quarantine
        The counters, and where changes go that cannot be stored.
    positions
        Returns the changes that say how far each shard has come; they are stored with all changes up to there.
    memory
        The memory tier to keep up to date, if there is one.
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
        self._notices = Notices(_LOG)
        self._memory = memory
        self.departures: Departures = Departures()
        self._limits = limits
        self._enough = limits.enough
        self._gauges = gauges
        self._quarantine = quarantine
        self._positions = positions
        self._deciding = functools.partial(counting_refused, gauges)
        self._batch = self._empty("")
        self._thread = threading.get_ident()
        self._is_spelled = False
        self._put_off: Callable[[], None] | None = None
        if memory is not None:
            memory.catch_up = self.catch_up
        self._writing: Batch | None = None
        self._unwritten: Iterator[Step] = iter(())
        self._step: Step | None = None
        self._past = Past(store, gauges, limits.asked)
        self._asked = asyncio.Event()
        self._turn = asyncio.Lock()
        self._arrived = asyncio.Event()
        self._hurry = asyncio.Event()
        self._runs = False
        self._timer: asyncio.TimerHandle | None = None
        self._commits = 0
        self._attempts = Attempts(store, gauges, self._notices, lambda: self.depth, self._heard, self._refused)
        self._barriers = Barriers()
        self._progress = WriteProgress()
        self._giving_way = GivingWay(store, self._progress, lambda: self.depth, limits.busy)
        self._shedding = Shedding(self._notices, gauges, self.forget_memory)
        self._unwalked = Unwalked()
        self.overfull: Callable[[], None] = lambda: None
        """Called if more changes than the limit are waiting, although the database is working."""

    # -------------------------------------------------------------------------------------------------------- taking

    @property
    def _waiting(self) -> Batch:
        """The waiting changes, including those of every event received so far."""
        if self._put_off is not None:
            self.catch_up()
        return self._batch

    def put_off(self, make: Callable[[], None]) -> None:
        """Defer making and accepting changes until the waiting changes are needed.

        Parameters
        ----------
        make
            Makes and accepts them. It raises nothing.
        """
        self.catch_up()
        self._put_off = make

    def catch_up(self) -> None:
        """Make deferred changes, if there are any.

        In another thread, such as one that collects metrics, this does nothing, as the event loop may be making them.
        """
        make = self._put_off
        if make is not None and threading.get_ident() == self._thread:
            self._put_off = None
            make()

    @property
    def depth(self) -> int:
        """How many changes are not stored yet."""
        return self._waiting.size + (self._writing.size if self._writing else 0)

    @property
    def at(self) -> str:
        """The time of the changes being taken now, which is unique to this batch.

        It stays the same until the event loop runs again, and then for up to a second.
        """
        waiting = self._waiting
        if not (waiting.size or self._is_spelled):  # the empty batch may be an hour old
            waiting.begin(later(waiting.at))
            with contextlib.suppress(RuntimeError):  # without an event loop, each access has a different time
                asyncio.get_running_loop().call_soon(self._spell_anew)
                self._is_spelled = True
        return waiting.at

    def _spell_anew(self) -> None:
        self._is_spelled = False

    @property
    def limit(self) -> int:
        """How many changes may wait while the database is away."""
        return self._limits.most

    @property
    def interval(self) -> float:
        """The most seconds that a change waits for others to be stored with it."""
        return self._limits.interval

    @property
    def age(self) -> float:
        """How many seconds the oldest unstored change has waited."""
        return (self._writing or self._waiting).age

    @property
    def is_writing(self) -> bool:
        """Whether a batch is on its way to the store."""
        return self._writing is not None

    @property
    def stored(self) -> int:
        """How many commits there have been; a result that was read while this changed may be neither old nor new."""
        return self._commits

    @property
    def trouble(self) -> BackendError | None:
        """Why the last attempt to write failed; ``None`` if it did not."""
        return self._attempts.trouble

    def accept(self, changes: Sequence[Change], absorbed: int = 0) -> None:
        """Take changes; readers see them from now on.

        Parameters
        ----------
        changes
            The changes, in order.
        absorbed
            How many more there were before changes of one key were merged.
        """
        waiting, most = self._waiting, self._limits.most
        waiting.coalesced += absorbed
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
                if self._giving_way.is_behind():
                    self._giving_way.give_way()
                if self.is_too_much():
                    self.overfull()

    def _take(self, changes: Sequence[Change]) -> None:
        self._batch.take(changes)
        if self._memory is not None:
            self._memory.note(changes)
        if self.departures.are_watched:
            self.departures.note(changes)

    def _empty(self, than: str) -> Batch:
        return Batch(later(than), self._deciding)

    def _is_served(self) -> bool:
        """Return whether the database is working. If it is merely behind in a flood, nothing must be dropped."""
        return self._runs and self._attempts.trouble is None and not self._progress.is_stalled()

    def _room_for(self, change: Change) -> bool:
        """Make room for a change in a full journal, or count the change as lost."""
        if not self._shedding.is_under_way:
            self._shedding.begin(self.depth, self._attempts.trouble or "the database does not answer")
        return self._shedding.room_for(change, self._waiting)

    def is_too_much(self, share: float = 1.0) -> bool:
        """Return whether more than the limit, or a share of it, is waiting although the database is working."""
        return self.depth > self._limits.most * share and self._is_served()

    def forget_memory(self) -> None:
        """Clear the memory tier, as it has changes that will never be stored."""
        if self._memory is not None:
            self._memory.clear()

    # -------------------------------------------------------------------------------------------------------- asking

    def pending(self, entity: Entity[typing.Any], key: Key, stored: Record | None = None) -> Sequence[Change]:
        """Return the changes that may concern a key and that ``stored`` does not contain yet, in order.

        They begin with the last one that does not depend on stored data, if there is one: see :meth:`settles`.
        """
        found = self._lacking(entity, key, stored)
        if len(found) > 1:
            for index in range(len(found) - 1, 0, -1):
                if self.settles(found[index]):
                    return found[index:]
        return found

    def _lacking(self, entity: Entity[typing.Any], key: Key, stored: Record | None) -> Sequence[Change]:
        waiting, writing = self._waiting, self._writing
        if writing is None and not waiting.size:
            return ()
        at = None if stored is None else stored.origin.at
        found = waiting.lacking(entity, key, at)
        return found if writing is None else (*writing.lacking(entity, key, at), *found)

    def removes(self, stored: Record) -> bool:
        """Return whether changes that are not stored yet remove a stored record, even if they make another one then."""
        lacking = self._lacking(stored.entity, stored.key, stored)
        return any(
            isinstance(change, Drop) or (isinstance(change, DropScope) and covers(change, stored)) for change in lacking
        )

    @staticmethod
    def settles(change: Change) -> bool:
        """Return whether a change makes everything before it irrelevant."""
        return isinstance(change, (Put, Drop))

    def settled(self, changes: Sequence[Change]) -> bool:
        """Return whether changes determine the record of a key without any stored data."""
        return self.settles(changes[0]) and not undecided(None, changes)

    @staticmethod
    def folded(record: Record | None, changes: Iterable[Change]) -> Record | None:
        """Return what changes that are not stored yet make of a stored record."""
        for change in changes:
            record = fold(record, change)
        return record

    # --------------------------------------------------------------------------------------------------- remembering

    def recall(self, entity: Entity[typing.Any], key: Key | None, guild_id: int | None) -> Recollection:
        """Request a record as it is now, or all of a kind in a guild, without blocking.

        It is read before changes that arrive from now on are stored. While the database is away, it is not found.
        """
        asked = Recollection(entity, key, guild_id)
        changes = () if key is None else self.pending(entity, key)
        if changes and self.settled(changes):
            record = self.folded(None, changes)
            asked.tell(() if record is None else (record,))
        elif self._attempts.trouble is not None or self._past.is_full:
            self._past.give_up((asked,))
        else:
            self._past.take()
            if self._waiting.ask(asked):
                self._hurry.set()
            self._asked.set()
        return asked

    def is_moving(self, seconds: float) -> bool:
        """Return whether anything was stored or found within the last seconds, so that the backlog is shrinking."""
        return time.monotonic() - max(self._progress.moved, self._past.moved) < seconds

    def give_up_on(self, asked: Recollection) -> None:
        """Stop waiting for an answer."""
        self._past.give_up((asked,))

    async def recollect(self) -> None:
        """Answer requests for the past while nothing is being written, for as long as the cache is open."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            async with self._turn:
                if self._writing is None:
                    await self._past.find(self._waiting.segments[0].asked)

    # ------------------------------------------------------------------------------------------------------- writing

    async def flush(self) -> None:
        """Wait until everything received so far is in the database, however long it is away."""
        await self._barrier(patient=True)

    async def barrier(self) -> None:
        """Wait until everything received so far is in the database.

        Raises
        ------
        persist.BackendError
            As soon as an attempt to write it fails.
        """
        if self.depth and self._attempts.trouble is not None:
            raise self._attempts.trouble
        await self._barrier(patient=False)

    async def _barrier(self, *, patient: bool) -> None:
        stored = self._barriers.add(waits=bool(self._waiting.size), patient=patient)
        if stored is not None:
            self._hurry.set()
            await stored

    async def run(self) -> None:
        """Move changes into the store, for as long as the cache is open."""
        self._runs = True
        while True:
            await self._arrived.wait()
            with self._keeping_time():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._limits.interval):
                        await self._hurry.wait()
                await self.write()

    @contextlib.contextmanager
    def _keeping_time(self) -> Generator[None]:
        """Give the changes that arrive in each further second a time of their own, for as long as they have to wait."""
        self._timer = asyncio.get_running_loop().call_later(_TICK, self._go_on)
        try:
            yield
        finally:
            self._timer.cancel()

    def _go_on(self) -> None:
        if self._batch.size:
            self._batch.go_on()
        self._timer = asyncio.get_running_loop().call_later(_TICK, self._go_on)

    async def write(self) -> None:
        """Store one batch: the one whose writing was canceled, if any, else the waiting one."""
        async with self._turn:
            await self._write()

    async def _write(self) -> None:
        if self._writing is None:
            for change in self._positions():
                self._waiting.add(change)
            self._writing, self._batch = self._waiting, self._empty(self._waiting.at)
            self._arrived.clear()
            self._hurry.clear()
            self._barriers.seal()
            self._unwritten = self._writing.steps(self._limits.at_once(self._writing.size))
        self._progress.begin()
        self._giving_way.begin()
        began, size = time.perf_counter(), self._writing.size
        # A backlog is split into many transactions, because preparing a single one would block the loop. Committed ones
        # are not repeated if this is canceled: a reaction would count twice.
        while step := self._step or next(self._unwritten, None):
            self._step = step
            await self._past.find(step.asked)
            if step.changes:
                await self._attempts.store_all(step.changes)
            self._step = None
        self._gauges.coalesced += self._writing.coalesced
        seconds = time.perf_counter() - began
        self._gauges.flushed(size, seconds)
        hooks.took("flush", self._gauges.last_flush_at - seconds, seconds, {"changes": size})
        self._writing = None
        self._commits += 1
        self._progress.end()
        self._giving_way.end()
        self._unwalked.show(self._waiting.size)
        self._shedding.end()
        self._barriers.stored()

    def _heard(self, error: BackendError | None) -> None:
        """Note that something was stored, or why the attempt failed."""
        if error is None:
            self._commits += 1
            self._progress.step()
        else:
            self._forget_asked()
            self._barriers.failed(error)

    def _refused(self, change: Change, error: Exception) -> None:
        self._quarantine.change(change, error)
        self.forget_memory()

    def _forget_asked(self) -> None:
        for batch in (self._writing, self._waiting):
            for segment in batch.segments if batch else ():
                self._past.forget(segment.asked)

    def give_up(self, reason: str) -> int:
        """Count everything not stored as lost, wake everyone who waits for it, and return how many changes it was."""
        lost = self.depth
        if lost:
            _LOG.critical("%d changes could not be stored and are lost: %s", lost, reason)
            for batch in (self._writing, self._waiting):
                for change in batch.changes() if batch else ():
                    self._gauges.lost[change.entity.name] += 1
        self._forget_asked()
        self._batch, self._writing, self._step = self._empty(self._waiting.at), None, None
        self._barriers.give_up(BackendError(f"the cache was closed: {reason}"))
        self._progress.end()
        self._giving_way.end()
        self._unwalked.show(0)
        return lost
