"""What monitoring may ask of a cache: one row per metric, whichever system asks.

Names and units are those of Prometheus: counters end in ``_total``, times are seconds. An exporter is one loop over
this table, and the documentation, the dashboard and the alert rules are tested against it.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator, Mapping

from .stats import Health, Stats

__all__ = ("METRICS", "Metric", "Monitored", "Reading", "Sample", "reading_of")

Sample = tuple[tuple[str, ...], float]
"""The values of a metric's labels, and the value that belongs to them."""


class Monitored(typing.Protocol):
    """A cache of either sort."""

    def stats(self) -> Stats:
        """Return its counts and its state."""
        ...

    def health(self) -> Health:
        """Return what is wrong with it."""
        ...


class Reading(typing.NamedTuple):
    """What a cache says of itself at one moment."""

    stats: Stats
    health: Health


def reading_of(cache: Monitored) -> Reading:
    """Return what a cache says of itself."""
    return Reading(cache.stats(), cache.health())


class Metric(typing.NamedTuple):
    """Something about a cache that is a number, or a number for each of some labels."""

    name: str
    kind: typing.Literal["counter", "gauge"]
    about: str
    read: Callable[[Reading], Iterator[Sample]]
    labels: tuple[str, ...] = ()
    unit: typing.Literal["", "seconds", "bytes"] = ""


Read = Callable[[Reading], Iterator[Sample]]


def _one(field: str) -> Read:
    def read(reading: Reading) -> Iterator[Sample]:
        yield (), getattr(reading.stats, field)

    return read


def _each(field: str) -> Read:
    def read(reading: Reading) -> Iterator[Sample]:
        counts: Mapping[str | tuple[str, ...], int] = getattr(reading.stats, field)
        for key, value in counts.items():
            yield (key,) if isinstance(key, str) else key, value

    return read


def _shards(field: str) -> Read:
    def read(reading: Reading) -> Iterator[Sample]:
        for shard in reading.stats.shards:
            if (value := getattr(shard, field)) is not None:
                yield (str(shard.id),), value

    return read


def _healthy(reading: Reading) -> Iterator[Sample]:
    yield (), reading.health.is_healthy


def _problems(reading: Reading) -> Iterator[Sample]:
    for problem in reading.health.problems:
        yield (problem.name, str(problem.is_failing).lower()), 1


_ROWS: typing.Final = (
    Metric("healthy", "gauge", "Whether nothing is wrong: 1 or 0.", _healthy),
    Metric("problem", "gauge", "1 for each thing that is wrong.", _problems, ("problem", "failing")),
    Metric("events_received_total", "counter", "Gateway events that were heard.", _each("received"), ("event",)),
    Metric("events_unknown_total", "counter", "Gateway events that change nothing.", _each("unknown"), ("event",)),
    Metric("changes_stored_total", "counter", "Changes that were stored.", _one("applied")),
    Metric("changes_coalesced_total", "counter", "Changes that became part of another.", _one("coalesced")),
    Metric("changes_skipped_total", "counter", "Changes that the rules kept out.", _each("skipped"), ("kind",)),
    Metric("changes_suppressed_total", "counter", "Changes that tell of who was erased.", _one("suppressed")),
    Metric("swept_total", "counter", "Things that were too old, too many or over.", _each("swept"), ("kind",)),
    Metric("erased_total", "counter", "Things that were erased on demand.", _each("erased"), ("kind",)),
    Metric("changes_shed_total", "counter", "Changes of ephemeral kinds that were given up.", _each("shed"), ("kind",)),
    Metric("changes_lost_total", "counter", "Changes of other kinds that were given up.", _each("lost"), ("kind",)),
    Metric("quarantined_total", "counter", "Events and changes that were unusable.", _each("quarantined"), ("what",)),
    Metric("undecodable_total", "counter", "Stored records that were unreadable.", _each("undecodable"), ("kind",)),
    Metric(
        "unanswered_total",
        "counter",
        "Things that a function of the rules raised for.",
        _each("unanswered"),
        ("kind",),
    ),
    Metric("unrecalled_total", "counter", "Old things that listeners were not told.", _each("unrecalled"), ("kind",)),
    Metric("held_back_seconds_total", "counter", "Time that nothing was read.", _one("held_back"), unit="seconds"),
    Metric("write_retries_total", "counter", "Attempts to write that were made again.", _one("retries")),
    Metric("flushes_total", "counter", "Batches that were stored.", _one("flushes")),
    Metric("flush_seconds_total", "counter", "Time that batches took.", _one("flush_seconds"), unit="seconds"),
    Metric("last_flush_seconds", "gauge", "Time that the last batch took.", _one("last_flush"), unit="seconds"),
    Metric("last_flush_changes", "gauge", "Changes that the last batch had.", _one("last_flush_changes")),
    Metric("last_flush_timestamp_seconds", "gauge", "When it was stored.", _one("last_flush_at"), unit="seconds"),
    Metric("journal_changes", "gauge", "Changes that are not stored yet.", _one("depth")),
    Metric("journal_limit_changes", "gauge", "Changes that may wait while the database is away.", _one("limit")),
    Metric("journal_age_seconds", "gauge", "How long the oldest of them has waited.", _one("age"), unit="seconds"),
    Metric("read_hits_total", "counter", "Things asked for that were known.", _each("hits"), ("tier", "kind")),
    Metric("read_misses_total", "counter", "Things asked for that were not known.", _each("misses"), ("tier", "kind")),
    Metric("memory_evicted_total", "counter", "Things that memory gave up.", _each("memory_evicted"), ("kind",)),
    Metric(
        "memory_size_bytes", "gauge", "What the tier in memory takes, as estimated.", _one("memory_size"), unit="bytes"
    ),
    Metric("read_pages_total", "counter", "Pages that the database answered with.", _each("pages"), ("kind",)),
    Metric("rest_calls_total", "counter", "Requests of fetch_... that were sent.", _one("rest_calls")),
    Metric("rest_calls_saved_total", "counter", "Requests of fetch_... that were not.", _one("rest_calls_saved")),
    Metric("member_requests_total", "counter", "Requests for all members of a guild.", _one("member_requests")),
    Metric("member_requests_saved_total", "counter", "Those that were not sent.", _one("member_requests_saved")),
    Metric("shard_connected", "gauge", "Whether a shard is connected: 1 or 0.", _shards("is_connected"), ("shard",)),
    Metric("shard_sequence", "gauge", "The number of the last event heard.", _shards("sequence"), ("shard",)),
    Metric("shard_stored_sequence", "gauge", "The number up to which all is stored.", _shards("stored"), ("shard",)),
    Metric("shard_lag_events", "gauge", "Events heard that are not stored yet.", _shards("lag"), ("shard",)),
    Metric("shard_latency_seconds", "gauge", "Time of a heartbeat.", _shards("latency"), ("shard",), unit="seconds"),
)

METRICS: typing.Final[Mapping[str, Metric]] = {f"persist_{row.name}": row for row in _ROWS}
"""Every metric by its name in full."""
