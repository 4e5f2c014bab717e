"""How a cache fares: its counts and its state at one moment, and what of it is wrong."""

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
"""Seconds that a change may wait, beyond those that it is to wait, before that is told."""

_HALF: typing.Final = 0.5


@dataclasses.dataclass(frozen=True, slots=True)
class ShardStats:
    """How far one shard has come.

    Attributes
    ----------
    id, count
        Which shard, of how many.
    is_connected
        Whether it is connected to Discord.
    sequence
        The number of the last event that it heard; ``None`` before the first.
    stored
        The number of the event up to which everything is in the database; ``None`` before the first batch.
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
        """How many events were heard that are not in the database yet."""
        return max(0, (self.sequence or 0) - (self.stored or 0))


@dataclasses.dataclass(frozen=True, slots=True)
class Stats:
    """What a cache did since it was made, and where it stood at one moment. Nothing in it changes afterwards.

    The counts are those of :class:`~persist.Gauges`, where each is explained.

    Attributes
    ----------
    depth
        How many changes are not stored yet.
    limit
        How many may wait while the database is away.
    age
        How many seconds the oldest of them has waited.
    shards
        How far each shard has come.
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
    """A word for programs, such as ``database_away``."""

    message: str
    """What is wrong and the way out, for people."""

    is_failing: bool
    """Whether it does not do its work, and not only less well than it should."""


@dataclasses.dataclass(frozen=True, slots=True)
class Health:
    """Whether a cache does its work.

    Attributes
    ----------
    state
        ``healthy``; ``degraded``: it works, and something was given up or may soon be; ``failing``: it cannot store or
        cannot hear; ``closed``: it is not open, or could not be opened.
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
    """Return the counts and the state of a cache, which may be closed."""
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
    """Return what is wrong with a cache, which may be closed, or may never have opened."""
    if engine is None:
        message = (
            "the cache is not open; it opens when the bot starts, or with `await cache.open()`"
            if failure is None
            else f"the cache could not be opened, and nothing is remembered: {failure}"
        )
        return Health("closed", (Problem("closed", message, is_failing=True),))
    return _judged((*_troubles(engine), *_damages(gauges)))


def reading_health_of(gauges: Gauges, *, is_open: bool) -> Health:
    """Return what is wrong with a cache that only reads."""
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
    """Yield what is wrong now, and is not when it ends."""
    journal = engine.journal
    if journal.trouble is not None:
        message = f"the database does not take changes; they wait, and are tried again: {journal.trouble}"
        yield Problem("database_away", message, is_failing=True)
    if not engine.is_running:
        message = "nothing is heard or written any more, which is an error in persist; restart the bot and report it"
        yield Problem("stopped", message, is_failing=True)
    if journal.depth > journal.limit * _HALF:
        message = (
            f"{journal.depth:,} of {journal.limit:,} changes wait to be stored; past that, some are given up: "
            "mend the database, or give the cache a higher limit"
        )
        yield Problem("journal_filling", message, is_failing=False)
    elif journal.age > journal.interval + _STALE_AFTER:
        message = f"the oldest change has waited for {journal.age:.0f} s; is the database slow, or locked by another?"
        yield Problem("journal_old", message, is_failing=False)
    if away := [str(shard.id) for shard in _shards(engine) if not shard.is_connected]:
        message = f"shards that are not connected to Discord: {', '.join(away)}; what they would say is missed"
        yield Problem("shard_disconnected", message, is_failing=False)


def _damages(gauges: Gauges) -> Iterator[Problem]:
    """Yield what has happened since the cache was made, and stays true."""
    if gauges.lost:
        message = (
            f"{gauges.lost.total():,} changes were given up ({_listed(gauges.lost)}); what they were about is stale "
            "until Discord says it again"
        )
        yield Problem("changes_lost", message, is_failing=False)
    if gauges.quarantined:
        message = (
            f"{gauges.quarantined.total():,} events or changes could not be used ({_listed(gauges.quarantined)}); "
            "cache.quarantine tells why"
        )
        yield Problem("quarantined", message, is_failing=False)
    if gauges.unanswered:
        message = (
            f"a function of the rules raised for {gauges.unanswered.total():,} things "
            f"({_listed(gauges.unanswered)}), which are not remembered for that; the log has the first: mend it"
        )
        yield Problem("predicate_failed", message, is_failing=False)
    if gauges.undecodable:
        message = (
            f"{gauges.undecodable.total():,} stored records could not be read ({_listed(gauges.undecodable)}); "
            "`persist verify` names them"
        )
        yield Problem("undecodable", message, is_failing=False)


def _listed(counts: collections.Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.most_common(3))
