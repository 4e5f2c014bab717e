"""Enforces retention: checks from time to time, and deletes a little at a time, with ordinary changes."""

from __future__ import annotations

import asyncio
import collections
import datetime
import logging
import math
import time
import typing
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence

import hikari

from .admission import Admission
from .changes import Change, DropScope, Patch, Put, forgetting, forgetting_guild
from .columns import instant
from .conditions import AllOf, AnyOf, Condition, Not, Where, Within
from .edits import edited
from .entities import ENTITIES, GUILDS, MESSAGE_VERSIONS, MESSAGES, OWNED
from .errors import PersistError
from .gauges import Gauges
from .history import history_of
from .hosts import Host
from .journal import Journal
from .model import Entity
from .retention import ENDED, ORPHANS, Bounds, Clock, age, bounds_of, is_over, oldest_first, unnamed
from .rules import Rules
from .sessions import Session, Sessions
from .spi import Cursor, Order, Page, Select, Store
from .steady import Steady

__all__ = ("Sweeper",)

_LOG = logging.getLogger("persist.retention")
_EVERY: typing.Final = 10.0
_STEP: typing.Final = 500
_RESTS: typing.Final = 50
"""How long to pause after a check, as a multiple of its duration: without an index, it reads everything."""

_LONGEST: typing.Final = 3600.0
"""Seconds after which to check in any case: somebody may have made objects older by hand."""

_PAGES: typing.Final = 1
"""Pages to check for orphans each time: that finds any orphan within hours, however many other objects there are."""

_LONE: typing.Final = (Not(Within(("message_id",), MESSAGES, ())),)
"""Selects versions of messages that are no longer stored."""

AnyEntity = Entity[typing.Any]
_Column = tuple[AnyEntity, str]
_Grown = Mapping[_Column, Collection[int]]
"""The column values that have more objects than before."""


class Sweeper:
    """Deletes what is too old, too numerous or over, in one open database.

    Processes on one database don't overlap: each sweeps the data of its own shards, and the process with the first
    shard sweeps what belongs to no guild.

    Parameters
    ----------
    bot
        The bot, whose shards determine what to sweep here.
    store, journal
        Where to look, and where changes go.
    admission
        The rules to enforce.
    gauges
        The counters.
    clock
        Returns the current time.
    sessions
        The guilds that the bot is in.
    """

    def __init__(
        self,
        bot: Host,
        store: Store,
        journal: Journal,
        admission: Admission,
        gauges: Gauges,
        clock: Clock,
        sessions: Sessions,
    ) -> None:
        self._bot = bot if isinstance(bot, hikari.GatewayBotAware) else None
        self._store = store
        self._journal = journal
        self._admission = admission
        self._gauges = gauges
        self._clock = clock
        self._steady = Steady(clock)
        self._sessions = sessions
        self._at_work = asyncio.Lock()
        self._grown: dict[_Column, dict[int | None, set[int]]] = {}
        """The column values, by guild, that have more objects than when they were last checked."""

        self._seen: Rules | None = None
        self._rests: dict[Hashable, float] = {}
        """When to check again for something that was not found."""

        self._took = 0.0
        """How long the current check has taken so far."""

        self._passed: dict[AnyEntity, Cursor | None] = {}
        """How far the search for orphans has come."""

    async def run(self) -> None:
        """Sweep from time to time, for as long as the cache is open, once the bot is connected."""
        while not self._has_met_discord():  # noqa: ASYNC110 - it cannot be awaited
            await asyncio.sleep(_EVERY)
        while True:
            await asyncio.sleep(_EVERY)
            try:
                await self.sweep_lazily()
            except PersistError as error:
                _LOG.debug("looking for records that are too old again soon: %s", error)

    def _has_met_discord(self) -> bool:
        """Return whether a shard is connected: with a clock that is years off, Discord's certificate is not valid."""
        return self._bot is None or any(shard.is_connected for shard in self._bot.shards.values())

    def noticed(self, changes: Iterable[Change]) -> Iterable[Change]:
        """Return the changes, and note where the number of objects grows."""
        return self._noticed(changes) if self._grown else changes

    def _noticed(self, changes: Iterable[Change]) -> Iterator[Change]:
        for change in changes:
            if isinstance(change, Put) or (isinstance(change, Patch) and change.create):
                for (entity, column), values in self._grown.items():
                    if entity is change.entity and (value := _told(change, column)) is not None:
                        values.setdefault(change.guild_id, set()).add(value)
            yield change

    async def sweep(self) -> Mapping[str, int]:
        """Delete everything that is due now, and return how many objects that was, by kind.

        Raises
        ------
        persist.BackendError
            If the database cannot be read or does not accept changes.
        """
        return await self._sweep(math.inf, self._clock())

    async def sweep_lazily(self) -> Mapping[str, int]:
        """Sweep, but skip what cannot be due yet, and slow checks that ran recently, and doubt jumps of the clock.

        Raises
        ------
        persist.BackendError
            As for :meth:`sweep`.
        """
        return await self._sweep(_PAGES, self._steady(), lazily=True)

    async def _sweep(self, pages: float, moment: datetime.datetime, *, lazily: bool = False) -> Mapping[str, int]:
        async with self._at_work:
            await self._journal.barrier()
            swept = collections.Counter[str]()
            rules = self._admission.rules
            if not lazily or self._seen is not rules:
                self._rests.clear()
            began = time.monotonic()  # pauses that are over can go, and some of their checks are never needed again
            self._rests = {what: until for what, until in self._rests.items() if until > began}
            over = {entity: (is_over(entity, moment),) for entity in ENTITIES.values() if entity.ends}
            for entity, where in (*over.items(), *((kind, ended(moment)) for kind, ended in ENDED.items())):
                if self._is_awake(entity):
                    swept[entity.name] += await self._forget(entity, None, (*where, *self._ours(entity)))
                    self._rest(entity)
            for session in [session for session in self._sessions.ready() if not session.waits]:
                swept += await self._leave(session)
            for entity in ORPHANS:
                swept[entity.name] += await self._bury(entity, bounds_of(entity, rules.of(entity.name)), moment, pages)
            swept += await self._enforce_all(rules, moment)
            self._seen = rules
            self._gauges.swept += swept
            return +swept

    async def _guilds(self, rules: Rules) -> list[tuple[int | None, Rules]]:
        """Return the rules to enforce and the guild of each; those without a guild come first."""
        if rules.per_guild is None:
            return [(None, rules)]
        self._admission.tidy()
        page = await self._store.select(Select(GUILDS, want="keys"))
        own = [(int(record.key[0]), self._admission.ruling(int(record.key[0])).rules) for record in page.records]
        return [(None, rules), *((guild_id, found) for guild_id, found in own if self._is_ours(guild_id))]

    # ------------------------------------------------------------------------------------------------------ whose it is

    def _shards(self) -> tuple[int, Iterable[int]] | None:
        """Return the number of shards and which ones run here; ``None`` if all of them do."""
        if self._bot is None:
            return None
        count = self._bot.shard_count
        return None if len(self._bot.shards) in (0, count) else (count, tuple(self._bot.shards))

    def _is_ours(self, guild_id: int) -> bool:
        shards = self._shards()
        return shards is None or (guild_id >> 22) % shards[0] in shards[1]

    def _ours(self, entity: AnyEntity) -> Where:
        """Return the condition for objects of a kind to be swept here."""
        if (shards := self._shards()) is None:
            return ()
        count, here = shards
        unbound = (Condition("guild_id", "is_null"),) if 0 in here else ()
        if entity.is_shared:
            return () if unbound else (AnyOf(()),)
        return (AnyOf((*(Condition("guild_id", "on_shard", (shard, count)) for shard in here), *unbound)),)

    # -------------------------------------------------------------------------------------------------------- the steps

    async def _enforce_all(self, rules: Rules, moment: datetime.datetime) -> collections.Counter[str]:
        swept, varies = collections.Counter[str](), rules.per_guild is not None
        # Several bounds may check the same column: growth counts for each of them.
        grown, self._grown = self._grown, {column: {} for column in self._grown}
        try:
            for guild_id, own in await self._guilds(rules):
                here = {
                    column: values.get(guild_id, ()) if varies else set[int]().union(*values.values())
                    for column, values in grown.items()
                }
                swept[MESSAGE_VERSIONS.name] += await self._forget_lone_versions(own, guild_id, varies=varies)
                for bounds in _all_bounds(own):
                    if (within := _within(bounds.entity, guild_id, varies=varies)) is not None:
                        swept[bounds.entity.name] += await self._enforce(bounds, moment, within, here)
        except PersistError:  # it will be checked again
            for column, values in grown.items():
                for guild, more in values.items():
                    self._grown[column].setdefault(guild, set()).update(more)
            raise
        return swept

    async def _enforce(
        self, bounds: Bounds, moment: datetime.datetime, within: tuple[Condition, ...], grown: _Grown
    ) -> int:
        entity, ours = bounds.entity, (*within, *bounds.spared, *self._ours(bounds.entity))
        swept = 0
        what = (entity, bounds.max_age, str((within, bounds.spared)))
        if bounds.max_age is not None and self._is_awake(what):
            left = await self._left(entity, bounds.max_age, moment, ours)
            if left <= 0:
                swept += await self._forget(entity, None, (*age(entity, moment, bounds.max_age), *ours))
            self._rest(what, min(left, bounds.max_age / 10))
        for column, most in bounds.per.items():
            for value in await self._groups(entity, column, (*within, *self._ours(entity)), grown):
                swept += await self._cut(entity, most, (Condition(column, "equals", value), *ours))
        is_of_a_guild = any(condition.test == "equals" for condition in within)
        all_of_it = (entity, "rows", str((within, bounds.spared)))
        if bounds.max_rows is None or not (is_of_a_guild or (shards := self._shards()) is None or 0 in shards[1]):
            return swept
        if self._is_awake(all_of_it):
            swept += await self._cut(entity, bounds.max_rows, (*within, *bounds.spared))
            self._rest(all_of_it)
        return swept

    async def _forget_lone_versions(self, rules: Rules, guild_id: int | None, *, varies: bool) -> int:
        """Delete versions of messages that the rules have deleted since; no event does that."""
        within, what = _within(MESSAGE_VERSIONS, guild_id, varies=varies), ("lone versions", guild_id)
        if within is None or history_of(rules) is not True or not self._is_awake(what):
            return 0
        swept = await self._forget(MESSAGE_VERSIONS, None, (*within, *_LONE, *self._ours(MESSAGE_VERSIONS)))
        self._rest(what)
        return swept

    async def _leave(self, session: Session) -> collections.Counter[str]:
        """Delete the data of guilds that a shard does not receive; READY compares only stored guilds.

        A guild may not be stored because of the rules, or because it could not be read. And data that REST or a late
        chunk brings about a guild may arrive at any time.
        """
        swept = collections.Counter[str]()
        for entity, _ in OWNED[GUILDS]:
            what = ("left", session.shard.id, session.epoch, entity)
            while self._is_awake(what):
                guild_id = await self._one_left(session, entity)
                if guild_id is None:
                    self._rest(what, _LONGEST)
                else:
                    swept += await self._forget_guild(session, guild_id)
        return swept

    async def _one_left(self, session: Session, entity: AnyEntity) -> int | None:
        """Return a guild that a shard does not receive, but that has objects of a kind."""
        known = tuple(session.guilds or ())
        shard = Condition("guild_id", "on_shard", (session.shard.id, session.shard.shard_count))
        elsewhere = (Not(Condition("guild_id", "is_in", known)),) if known else ()
        query = Select(entity, where=(shard, *elsewhere), limit=1, want="keys")
        return next((record.guild_id for record in (await self._looked(query)).records), None)

    async def _forget_guild(self, session: Session, guild_id: int) -> collections.Counter[str]:
        counted = collections.Counter[str]()
        for kind, _ in OWNED[GUILDS]:
            counted[kind.name] = (await self._looked(Select(kind, guild_id=guild_id, want="count"))).count
        if session.guilds is None or guild_id in session.guilds:  # joined in the meantime
            return collections.Counter()
        self._journal.accept([*forgetting_guild(guild_id)])
        await self._journal.barrier()
        return counted

    async def _bury(self, entity: AnyEntity, bounds: Iterable[Bounds], moment: datetime.datetime, pages: float) -> int:
        """Delete objects that nothing names anymore, checking this many pages from where the last check ended."""
        old = [
            AllOf((*age(entity, moment, bound.max_orphan_age), *bound.spared))
            for bound in bounds
            if bound.max_orphan_age is not None and bound.max_orphan_age != math.inf
        ]
        swept, after = 0, None if pages == math.inf else self._passed.get(entity)
        while old and pages > 0:
            page = await self._store.select(Select(entity, after=after, limit=_STEP, want="keys"))
            orphans = (AnyOf(tuple(old)), *unnamed(), *self._ours(entity))
            swept += await self._forget_orphans(entity, [record.key[0] for record in page.records], orphans)
            pages, after = pages - 1, page.after
            if after is None:
                break
        self._passed[entity] = after
        return swept

    async def _forget_orphans(self, entity: AnyEntity, ids: Sequence[int | str], orphans: Where) -> int:
        if not ids:
            return 0
        query = Select(entity, where=(Condition("id", "is_in", tuple(ids)), *orphans), want="keys")
        found = tuple(record.key[0] for record in (await self._store.select(query)).records)
        if found:
            # Users named by data received since then, and stored before this, are kept.
            self._journal.accept([DropScope(entity, None, (Condition("id", "is_in", found), *orphans))])
            await self._journal.barrier()
        return len(found)

    async def _left(self, entity: AnyEntity, most: float, moment: datetime.datetime, where: Where) -> float:
        """Return in how many seconds the oldest object of a kind expires; zero where an index answers instantly."""
        if not (order := oldest_first(entity)):
            return 0
        oldest = (await self._looked(Select(entity, where=where, order=order, limit=1))).records
        if not oldest:
            return _LONGEST
        heard = instant(oldest[0].origin.at)
        return most - (moment - heard).total_seconds()

    async def _looked(self, query: Select) -> Page:
        began = time.monotonic()
        page = await self._store.select(query)
        self._took += time.monotonic() - began
        return page

    def _is_awake(self, what: Hashable) -> bool:
        """Return whether to check for something again. The duration of the check is measured from here to its pause."""
        self._took = 0.0
        return time.monotonic() >= self._rests.get(what, 0)

    def _rest(self, what: Hashable, seconds: float = 0) -> None:
        self._rests[what] = time.monotonic() + min(_LONGEST, max(seconds, _RESTS * self._took))

    async def _groups(self, entity: AnyEntity, column: str, ours: Where, grown: _Grown) -> Collection[int]:
        """Return the column values that may have too many objects: at first all, later those that have grown."""
        self._grown.setdefault((entity, column), {})  # noted from now on
        if self._seen is self._admission.rules and (known := grown.get((entity, column))) is not None:
            return known
        values = [-1]
        while True:
            # Step from one value to the next with the index: one query per value, however many objects there are.
            where = (Condition(column, "greater", values[-1]), *ours)
            page = await self._store.select(Select(entity, where=where, order=(Order(column),), limit=1))
            if not page.records:
                return values[1:]
            values.append(page.records[0].column(column))

    async def _cut(self, entity: AnyEntity, most: int, where: Where) -> int:
        """Delete the oldest matching objects until no more than ``most`` are left."""
        count = (await self._looked(Select(entity, where=where, want="count"))).count
        return await self._forget(entity, count - most, where) if count > most else 0

    async def _forget(self, entity: AnyEntity, most: int | None, where: Where) -> int:
        """Delete matching objects, oldest first, a few at a time: other waiting changes are stored in between."""
        swept = 0
        while most is None or swept < most:
            step = _STEP if most is None else min(_STEP, most - swept)
            query = Select(entity, where=where, order=oldest_first(entity), limit=step, want="keys")
            keys = [record.key for record in (await self._looked(query)).records]
            if keys:
                self._journal.accept([*forgetting(entity, keys)])
                self._admission.leave(entity, keys)
                await self._journal.barrier()
            swept += len(keys)
            if len(keys) < step:
                break
        return swept


def _within(entity: AnyEntity, guild_id: int | None, *, varies: bool) -> tuple[Condition, ...] | None:
    """Return where the rules of a guild, or those without a guild, apply; ``None`` if that is nowhere."""
    if not varies:
        return ()
    if entity.is_shared:
        return () if guild_id is None else None
    return (Condition("guild_id", "is_null" if guild_id is None else "equals", guild_id),)


def _told(change: Put | Patch, column: str) -> int | None:
    """Return the value that a change gives to a column, if it does."""
    payload = change.record.payload if isinstance(change, Put) else edited({}, change.edits)
    try:
        return typing.cast("int | None", change.entity.column_of(column, change.key, change.guild_id, payload))
    except (LookupError, TypeError, ValueError, AttributeError):  # the store will reject it
        return None


def _all_bounds(rules: Rules) -> Iterator[Bounds]:
    for name, entity in ENTITIES.items():
        yield from bounds_of(entity, rules.of(name))
