"""Counters of everything that happens to received data."""

from __future__ import annotations

import collections
import dataclasses
import time
import typing

__all__ = ("Gauges", "Tier")

Tier = typing.Literal["memory", "journal", "database", "results"]
"""Where a lookup by key is answered, the nearest first: recent answers, waiting changes, stored data. ``results`` is
where objects that ``find`` returned are kept, for as long as what is stored of them stays the same."""


def _counter() -> collections.Counter[str]:
    return collections.Counter()


def _by_tier() -> collections.Counter[tuple[Tier, str]]:
    return collections.Counter()


@dataclasses.dataclass(slots=True)
class Gauges:
    """Counters since the cache was created. Nothing is dropped without being counted here."""

    received: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Gateway events received, by name."""

    unknown: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Gateway events that the cache does not handle, by name."""

    applied: int = 0
    """Changes stored."""

    coalesced: int = 0
    """Changes merged into another before they were stored."""

    skipped: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Changes that the rules rejected, by kind."""

    suppressed: int = 0
    """Changes rejected because they concern an erased user or guild."""

    swept: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Records removed because they were too old, too many, or over, by kind."""

    erased: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Records erased with a user or a guild, by kind."""

    shed: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Changes of ephemeral kinds dropped while the database was away, by kind."""

    lost: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Changes of other kinds dropped, by kind."""

    quarantined: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Events and changes that could not be used or stored, by event or kind."""

    undecodable: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Stored records that could not be turned into hikari objects when requested, by kind."""

    unanswered: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Objects not kept because a function in the rules raised for them, by kind."""

    unrecalled: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Objects whose state before an event could not be given to a listener, as the database was away, by kind."""

    memory_evicted: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Objects evicted from the memory tier, by kind."""

    memory_size: int = 0
    """Estimated size of the memory tier, in bytes."""

    held_back: float = 0.0
    """Seconds the gateway was not read, as more changes than the limit waited though the database was working."""

    retries: int = 0
    """Writes that failed and were tried again."""

    hits: collections.Counter[tuple[Tier, str]] = dataclasses.field(default_factory=_by_tier)
    """Lookups by key that a tier could answer, by tier and kind."""

    misses: collections.Counter[tuple[Tier, str]] = dataclasses.field(default_factory=_by_tier)
    """Lookups by key that a tier could not answer, by tier and kind. The database is the last tier."""

    pages: collections.Counter[str] = dataclasses.field(default_factory=_counter)
    """Pages, counts and lists of ids that the database returned for queries, by kind."""

    rest_calls: int = 0
    """Requests that ``fetch_...`` sent to Discord."""

    rest_calls_saved: int = 0
    """Requests that ``fetch_...`` did not send, as the answer was known or the same request was already under way."""

    member_requests: int = 0
    """Requests for all members of a guild that were sent."""

    member_requests_saved: int = 0
    """Requests not sent because all members were known from earlier, and their number has not changed."""

    flushes: int = 0
    """Batches stored."""

    flush_seconds: float = 0.0
    """Seconds that storing all batches took."""

    last_flush: float = 0.0
    """Seconds that storing the last batch took."""

    last_flush_changes: int = 0
    """Changes in the last batch."""

    last_flush_at: float = 0.0
    """When the last batch was stored, in seconds since 1970; 0 before the first."""

    def flushed(self, changes: int, seconds: float) -> None:
        """Count a batch of ``changes`` that has just been stored in ``seconds``."""
        self.flushes += 1
        self.flush_seconds += seconds
        self.last_flush = seconds
        self.last_flush_changes = changes
        self.last_flush_at = time.time()
