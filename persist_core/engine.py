"""What runs while a cache is open: store, journal, writer, feed and reader, started and stopped together."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import typing
from collections.abc import Awaitable, Iterator, Sequence

import hikari

from .admission import Admission
from .applying import Applied, Place, applied, doubted, learned
from .backpressure import Backpressure
from .changes import Change
from .chunking import Chunker, Pace, Policy
from .contradictions import contradictions
from .entities import SHARDS
from .erasing import Eraser
from .errors import BackendError, PersistError
from .feed import Feed
from .gauges import Gauges
from .history import Historian
from .hosts import Host, identity_of, intents_of
from .journal import Journal, Limits
from .memory import Memory
from .model import Decoder
from .owner import Owner
from .patience import Patient
from .quarantine import Quarantine
from .reach import Reach
from .reader import Reader
from .retention import Clock
from .rules import Rules
from .spi import Select, Store
from .suppression import Suppressions
from .sweeping import Sweeper

__all__ = ("Engine",)

_LOG = logging.getLogger("persist")
_LOOK_EVERY: typing.Final = 2.0
_FOLLOW_EVERY: typing.Final = 30.0


class Engine:
    """An open cache. It belongs to one event loop; each opening creates a new one.

    Parameters
    ----------
    bot
        The bot whose gateway events to receive, if it has a gateway, and whose entity factory makes hikari objects.
    store
        The store. It is not open yet.
    rules, limits, gauges, quarantine, members, pace, memory
        As for the cache.
    clock
        Returns the time that decides whether records are too old.
    """

    def __init__(
        self,
        bot: Host,
        store: Store,
        rules: Rules,
        limits: Limits,
        gauges: Gauges,
        quarantine: Quarantine,
        members: Policy,
        pace: Pace,
        clock: Clock,
        memory: float = 0,
    ) -> None:
        self._bot = bot
        self._decodes: Decoder | None = None
        self.gauges: Gauges = gauges
        self.owner: Owner = Owner()
        self.store: Patient = Patient(store, self._check_owner)
        self.store.refused, self.store.late = self._refuse, self._learn
        kept = Memory(memory, self._owns, gauges) if memory else None
        self.journal: Journal = Journal(self.store, limits, gauges, quarantine, self._positions, kept)
        self.admission: Admission = Admission(rules, gauges, self._decoder)
        self.admission.meets = self._check_rules
        self._suppressions = Suppressions(gauges)
        quarantine.erased = self._suppressions.erased
        self.feed: Feed = Feed(bot, self.journal, self.admission, gauges, quarantine, self._suppressions)
        self.feed.refusal = self.owner.refusal
        current = self.feed.sessions.current
        self.reader: Reader = Reader(self.store, self.journal, gauges, self._decoder, current, kept, clock)
        self.eraser: Eraser = Eraser(self.store, self.journal, self._suppressions, quarantine, gauges)
        self.eraser.forgotten = self.admission.forget
        self.sweeper: Sweeper = Sweeper(
            bot, self.store, self.journal, self.admission, gauges, clock, self.feed.sessions
        )
        self._historian = Historian(self.admission, lambda: self.journal.at)
        self.feed.noticed = lambda changes: self.sweeper.noticed(self._historian.told(changes))
        self._chunker: Chunker | None = None
        self._backpressure: Backpressure | None = None
        if isinstance(bot, hikari.GatewayBotAware):
            self._chunker = Chunker(bot, self.feed, self.admission, self.reader, self.journal, gauges, members, pace)
            self._reach = Reach(self.feed, self.reader, self.journal)
            self._backpressure = Backpressure(bot, lambda: self.journal.is_too_much(0.5), gauges)
            self.journal.overfull = self._backpressure.begin
            self.feed.observe(self._chunker.observe, self._chunker.heard)
            self.feed.observe(self._reach.observe, self._reach.heard)
        self._writer: asyncio.Task[None] | None = None
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self._helpers: list[asyncio.Task[None]] = []

    @property
    def is_running(self) -> bool:
        """Whether gateway events, if there is a gateway, are received, and changes are written."""
        return (self._chunker is None or self.feed.is_hearing) and self._writer is not None and not self._writer.done()

    def _positions(self) -> Iterator[Change]:
        return self.feed.positions()

    def _owns(self, guild_id: int | None) -> bool:
        return self.feed.sessions.owns(guild_id)

    def _decoder(self) -> Decoder:
        me = self.feed.me or 0
        if self._decodes is None or self._decodes.me != me:
            self._decodes = Decoder(self._bot.entity_factory, hikari.Snowflake(me), self._bot)
        return self._decodes

    async def start(self, *, patient: bool) -> BackendError | None:
        """Start receiving events and writing their changes.

        Parameters
        ----------
        patient
            Whether to start although the database is temporarily away; changes then wait for it.

        Returns
        -------
        persist.BackendError | None
            Why it is away, if it is.
        """
        # The gateway does not wait while the database connects, so its events wait in the journal.
        await self.feed.start()
        away: BackendError | None = None
        try:
            await self.store.open()
            await self._learn()
            await self.eraser.begin()
        except BackendError as error:
            if not (patient and error.temporary):
                await self.feed.stop()
                raise
            away, self.store.is_late = error, True
        except BaseException:
            await self.feed.stop()
            raise
        self._writer = asyncio.create_task(self.journal.run(), name="persist writer")
        self._helpers = [
            asyncio.create_task(self._follow_erasures(), name="persist erasures"),
            asyncio.create_task(self.sweeper.run(), name="persist retention"),
            asyncio.create_task(self.journal.recollect(), name="persist past"),
        ]
        if self._chunker is not None:
            self._helpers += [
                asyncio.create_task(self._chunker.run(), name="persist members"),
                asyncio.create_task(self._reach.run(), name="persist reach"),
                asyncio.create_task(self._settle(), name="persist shards"),
            ]
        return away

    async def _check_owner(self, store: Store) -> None:
        await self.owner.learn(store, self.feed.me or identity_of(self._bot))

    def _refuse(self, error: PersistError) -> None:
        """Take no more events: the database that they waited for is back, and cannot be used."""
        self.feed.refused = error
        self.feed.disowned(error)

    def _check_rules(self, rules: Rules) -> None:
        """Log what has no effect in the rules of a guild; no caller is there to be warned."""
        for told in contradictions(rules, intents_of(self._bot)):
            _LOG.warning("per_guild returned rules with a part that has no effect: %s", told)

    async def _learn(self) -> None:
        """Read what decides about the events to come."""
        self.feed.me = self.feed.me or next(iter(self.owner.known), None)
        await self.learn_places()
        await learned(self.admission, self.store)
        await self._historian.learn(self.store.select)

    async def learn_places(self) -> None:
        """Read which shards have written to the database, out of how many."""
        page = await self.store.select(Select(SHARDS, want="keys"))
        self.feed.sessions.learn([record.key for record in page.records])

    async def apply_rules(self, rules: Rules, *, dry_run: bool) -> Applied:
        """Use these rules from now on, unless it is a dry run, and apply them to stored data."""
        admission = Admission(rules, Gauges(), self._decoder) if dry_run else self.admission
        before = copy.copy(self.admission)
        if not dry_run:
            self.journal.catch_up()  # the old rules still apply to what was received before
            admission.use(rules)
        await self.reader.barrier()
        await learned(admission, self.store)
        place = Place(self.store.select, self.reader.whole, self._write, lambda: self.journal.at)
        if not dry_run:
            await doubted(place, before, admission)
        return await applied(place, admission, dry_run=dry_run)

    async def _write(self, changes: Sequence[Change]) -> None:
        self.journal.accept(changes)
        await self.journal.barrier()

    async def _settle(self) -> None:
        """Look for the shards of other processes while any of ours wait for them."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            if any(self.feed.sessions.waiting()):
                with contextlib.suppress(BackendError):
                    await self.learn_places()
                    self.feed.settle()

    async def _follow_erasures(self) -> None:
        """Learn from time to time what other processes have erased."""
        while True:
            try:
                await self.eraser.catch_up()
            except PersistError as error:
                _LOG.debug("looking for erasures by other processes again soon: %s", error)
            await asyncio.sleep(_FOLLOW_EVERY)

    async def stop(self, seconds: float, began: float | None = None) -> None:
        """Stop receiving events, store what was received, and disconnect.

        This finishes even if it is canceled, because hikari cancels running tasks when a bot closes itself.

        Parameters
        ----------
        seconds
            How long storing may take. What is not stored by then is counted as lost and logged.
        began
            When the bot began to stop, by the clock of the event loop; by default now.
        """
        refusal = self.store.refusal
        deadline = (asyncio.get_running_loop().time() if began is None else began) + (0 if refusal else seconds)
        if self._backpressure is not None:
            self._backpressure.end()
        cancelled = await _finished(self.feed.stop)
        for helper in self._helpers:
            helper.cancel()
        cancelled |= await _finished(self._end_helpers)
        cancelled |= await _finished(lambda: self._drain(deadline - asyncio.get_running_loop().time()))
        cancelled |= await _finished(self._end_writer)
        while self.journal.depth and (left := deadline - asyncio.get_running_loop().time()) > 0:
            cancelled |= await _finished(lambda left=left: self._write_rest(left))  # type: ignore[misc]
        self.journal.give_up(str(refusal) if refusal else f"storing took more than {seconds:g} s")
        cancelled |= await _finished(self.store.close)
        if cancelled:
            raise asyncio.CancelledError

    async def _drain(self, seconds: float) -> None:
        if self._writer is None or self._writer.done():
            return
        flush = asyncio.create_task(self.journal.flush(), name="persist drain")
        try:
            await asyncio.wait({flush, self._writer}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            flush.cancel()

    async def _end_helpers(self) -> None:
        if self._helpers:
            await asyncio.wait(self._helpers)

    async def _end_writer(self) -> None:
        if self._writer is not None:
            self._writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._writer

    async def _write_rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.journal.write()


async def _finished(step: typing.Callable[[], Awaitable[None]]) -> bool:
    """Run a step, again if it is canceled. Return whether it was."""
    cancelled = False
    while True:
        try:
            await step()
        except asyncio.CancelledError:
            cancelled = True
        else:
            return cancelled
