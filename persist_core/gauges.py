"""Counts of everything that happens to what is seen."""

from __future__ import annotations

import collections
import dataclasses
import time
import typing

__all__ = ("Gauges", "Tier")

Tier = typing.Literal["memory", "journal", "database"]
"""Who answers a question about one thing, the nearest first: what was asked before, what waits, what is stored."""


def _counter() -> collections.Counter[str]:
    return collections.Counter()


def _by_tier() -> collections.Counter[tuple[Tier, str]]:
    return collections.Counter()


@dataclasses.dataclass(slots=True)
class Gauges:
    """Counts since the cache was made. Nothing is dropped without being counted here."""

    received: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Gateway events that were heard, by name."""

    unknown: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Gateway events without a row in the event table, by name."""

    applied: int = 0
    """Changes that were stored."""

    coalesced: int = 0
    """Changes that became part of another before they were stored."""

    skipped: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Changes that the rules kept out, by kind."""

    suppressed: int = 0
    """Changes that were kept out because they tell of who was erased."""

    swept: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Things that were forgotten because they were too old, too many, or over, by kind."""

    erased: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Things that were erased with a person or a guild, by kind."""

    shed: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Changes of ephemeral kinds that were given up while the database was away, by kind."""

    lost: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Changes of other kinds that were given up, by kind."""

    quarantined: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Events and changes that could not be used or stored, by event or kind."""

    undecodable: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Stored records that could not be made hikari objects when they were asked for, by kind."""

    unanswered: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Things of each kind that are not kept because a function of the rules raised when it was asked about them."""

    unrecalled: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Things of which a listener was not told what they were before its event, as the database was away, by kind."""

    memory_evicted: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Things that the tier in memory has given up for others, by kind."""

    memory_size: int = 0
    """How many bytes the tier in memory takes, as estimated."""

    held_back: float = 0.0
    """How many seconds the gateway was not read, because more waited than the limit though the database was at work."""

    retries: int = 0
    """Attempts to write that failed and were tried again."""

    hits: collections.Counter[tuple[Tier, str]] = dataclasses.field(default_factory=_by_tier)
    """Things that were asked for by their keys, by who knew what is true of them and by kind."""

    misses: collections.Counter[tuple[Tier, str]] = dataclasses.field(default_factory=_by_tier)
    """Things that were asked for by their keys, by who did not know them and by kind. The database is asked last."""

    pages: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Pages, counts and lists of ids that the database answered questions about many things with, by kind."""

    rest_calls: int = 0
    """Requests that ``fetch_...`` sent to Discord."""

    rest_calls_saved: int = 0
    """Requests that ``fetch_...`` did not send, because the answer was known, or somebody was asking for it already."""

    member_requests: int = 0
    """Requests for all members of a guild that were sent."""

    member_requests_saved: int = 0
    """Requests that were not sent because all members were known from earlier, and still as many."""

    flushes: int = 0
    """Batches that were stored."""

    flush_seconds: float = 0.0
    """How many seconds all batches took to be stored."""

    last_flush: float = 0.0
    """How many seconds the last batch took to be stored."""

    last_flush_changes: int = 0
    """How many changes the last batch had."""

    last_flush_at: float = 0.0
    """When the last batch had been stored, in seconds since 1970; 0 before the first."""

    def flushed(self, changes: int, seconds: float) -> None:
        """Count a batch that has just been stored: so many changes, which took so long."""
        self.flushes += 1
        self.flush_seconds += seconds
        self.last_flush = seconds
        self.last_flush_changes = changes
        self.last_flush_at = time.time()
