"""The state of a cache: a snapshot of its counters, and what is wrong with it."""

from __future__ import annotations

import collections
import dataclasses
import math
import types
import typing
from collections.abc import Iterable, Iterator, Mapping

from .engine import Engine
from .errors import PersistError
from .gauges import Gauges, Tier

__all__ = ("Health", "Problem", "ShardStats", "Stats", "health_of", "reading_health_of", "stats_of")

_STALE_AFTER: typing.Final = 10.0
"""Seconds that a change may wait, beyond the interval, before it is reported."""

_HALF: typing.Final = 0.5


@dataclasses.dataclass(frozen=True, slots=True)
class ShardStats:
    """The progress of one shard.

    Attributes
    ----------
    id, count
        The shard's id, and how many shards there are.
    is_connected
        Whether it is connected to Discord.
    sequence
        The sequence number of the last event received; ``None`` before the first.
    stored
        The sequence number up to which everything is in the database; ``None`` before the first batch.
    latency
        Seconds that Discord took to answer the last heartbeat; ``None`` before the first.
    """

    id: int
    count: int
    is_connected: bool
    sequence: int | None
    stored: int | None
    latency: float | None

    @property
    def lag(self) -> int:
        """How many received events are not in the database yet."""
        return max(0, (self.sequence or 0) - (self.stored or 0))


@dataclasses.dataclass(frozen=True, slots=True)
class Stats:
    """A snapshot of what a cache has done since it was created, and of its state. It does not change afterward.

    :class:`~persist.Gauges` explains each of the counts.

    Attributes
    ----------
    depth
        How many changes are not stored yet.
    limit
        How many changes may wait while the database is away.
    age
        How many seconds the oldest change has waited.
    shards
        The progress of each shard.
    """

    received: Mapping[str, int]
    unknown: Mapping[str, int]
    applied: int
    coalesced: int
    skipped: Mapping[str, int]
    suppressed: int
    swept: Mapping[str, int]
    erased: Mapping[str, int]
    shed: Mapping[str, int]
    lost: Mapping[str, int]
    quarantined: Mapping[str, int]
    undecodable: Mapping[str, int]
    unanswered: Mapping[str, int]
    unrecalled: Mapping[str, int]
    held_back: float
    retries: int
    hits: Mapping[tuple[Tier, str], int]
    misses: Mapping[tuple[Tier, str], int]
    memory_evicted: Mapping[str, int]
    memory_size: int
    pages: Mapping[str, int]
    rest_calls: int
    rest_calls_saved: int
    member_requests: int
    member_requests_saved: int
    flushes: int
    flush_seconds: float
    last_flush: float
    last_flush_changes: int
    last_flush_at: float
    depth: int = 0
    limit: int = 0
    age: float = 0.0
    shards: tuple[ShardStats, ...] = ()


class Problem(typing.NamedTuple):
    """Something that is wrong with a cache."""

    name: str
    """An identifier for programs, such as ``database_away``."""

    message: str
    """What is wrong and how to fix it, for people."""

    is_failing: bool
    """Whether the cache is not working at all, rather than not as well as it should."""


@dataclasses.dataclass(frozen=True, slots=True)
class Health:
    """Whether a cache is working.

    Attributes
    ----------
    state
        ``healthy``; ``degraded``: it works, but something was lost or may soon be; ``failing``: it cannot store changes
        or receive events; ``closed``: it is not open, or could not be opened.
    problems
        What is wrong, the worst first.
    """

    state: typing.Literal["healthy", "degraded", "failing", "closed"]
    problems: tuple[Problem, ...] = ()

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is wrong."""
        return self.state == "healthy"


def stats_of(gauges: Gauges, engine: Engine | None) -> Stats:
    """Return the counters and the state of a cache, open or closed."""
    counts: dict[str, typing.Any] = {}
    for field in dataclasses.fields(gauges):
        value = getattr(gauges, field.name)
        counts[field.name] = types.MappingProxyType(dict(value)) if isinstance(value, collections.Counter) else value
    if engine is None:
        return Stats(**counts)
    journal = engine.journal
    return Stats(**counts, depth=journal.depth, limit=journal.limit, age=journal.age, shards=tuple(_shards(engine)))


def _shards(engine: Engine) -> Iterator[ShardStats]:
    for place in engine.feed.sessions.places(is_writing=engine.journal.is_writing):
        latency = place.shard.heartbeat_latency
        yield ShardStats(
            place.shard.id,
            place.shard.shard_count,
            place.shard.is_connected,
            place.sequence,
            place.stored,
            None if math.isnan(latency) else latency,
        )


def health_of(gauges: Gauges, engine: Engine | None, failure: PersistError | None) -> Health:
    """Return what is wrong with a cache, which may be closed or have failed to open."""
    if engine is None:
        message = (
            "the cache is not open; it opens when the bot starts, or with `await cache.open()`"
            if failure is None
            else f"the cache could not be opened, and nothing is remembered: {failure}"
        )
        return Health("closed", (Problem("closed", message, is_failing=True),))
    return _judged((*_troubles(engine), *_damages(gauges)))


def reading_health_of(gauges: Gauges, *, is_open: bool) -> Health:
    """Return what is wrong with a read-only cache."""
    if is_open:
        return _judged(_damages(gauges))
    message = "the cache is not open; write `await cache.open()` or `async with cache`"
    return Health("closed", (Problem("closed", message, is_failing=True),))


def _judged(problems: Iterable[Problem]) -> Health:
    worst_first = tuple(sorted(problems, key=lambda problem: not problem.is_failing))
    if not worst_first:
        return Health("healthy")
    return Health("failing" if worst_first[0].is_failing else "degraded", worst_first)


def _troubles(engine: Engine) -> Iterator[Problem]:
    """Yield what is wrong right now."""
    journal = engine.journal
    if journal.trouble is not None:
        message = f"the database does not accept changes; they are waiting and will be retried: {journal.trouble}"
        yield Problem("database_away", message, is_failing=True)
    if not engine.is_running:
        message = "the cache has stopped working because of a bug in persist; restart the bot and report it"
        yield Problem("stopped", message, is_failing=True)
    if journal.depth > journal.limit * _HALF:
        message = (
            f"{journal.depth:,} of at most {journal.limit:,} changes are waiting to be stored; past that, some are "
            "dropped: fix the database, or give the cache a higher limit"
        )
        yield Problem("journal_filling", message, is_failing=False)
    elif journal.age > journal.interval + _STALE_AFTER:
        message = (
            f"the oldest change has waited for {journal.age:.0f} s; is the database slow, or locked by another process?"
        )
        yield Problem("journal_old", message, is_failing=False)
    if away := [str(shard.id) for shard in _shards(engine) if not shard.is_connected]:
        message = f"shards not connected to Discord: {', '.join(away)}; the cache is missing their events"
        yield Problem("shard_disconnected", message, is_failing=False)


def _damages(gauges: Gauges) -> Iterator[Problem]:
    """Yield what has gone wrong since the cache was created, and cannot be undone."""
    if gauges.lost:
        message = (
            f"{gauges.lost.total():,} changes were lost ({_listed(gauges.lost)}); what they would have changed is "
            "stale until Discord sends it again"
        )
        yield Problem("changes_lost", message, is_failing=False)
    if gauges.quarantined:
        message = (
            f"{gauges.quarantined.total():,} events or changes could not be used ({_listed(gauges.quarantined)}); "
            "cache.quarantine says why"
        )
        yield Problem("quarantined", message, is_failing=False)
    if gauges.unanswered:
        message = (
            f"a function in the rules raised for {gauges.unanswered.total():,} objects "
            f"({_listed(gauges.unanswered)}), which are not kept because of that; the log has the first error: fix it"
        )
        yield Problem("predicate_failed", message, is_failing=False)
    if gauges.undecodable:
        message = (
            f"{gauges.undecodable.total():,} stored records could not be read ({_listed(gauges.undecodable)}); "
            "`persist verify` lists them"
        )
        yield Problem("undecodable", message, is_failing=False)


def _listed(counts: collections.Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.most_common(3))
