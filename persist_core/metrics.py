"""The metrics of a cache: one row each, for every monitoring system.

Names and units follow Prometheus: counters end in ``_total``, times are in seconds. An exporter is one loop over this
table, and tests compare the documentation, the dashboard and the alert rules with it.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator, Mapping

from .stats import Health, Stats

__all__ = ("METRICS", "Metric", "Monitored", "Reading", "Sample", "reading_of")

Sample = tuple[tuple[str, ...], float]
"""The values of a metric's labels, and the metric's value for them."""


class Monitored(typing.Protocol):
    """A cache that can be monitored: :class:`persist.Cache` or :class:`persist.ReadOnlyCache`."""

    def stats(self) -> Stats:
        """Return a snapshot of its counters and its state."""
        ...

    def health(self) -> Health:
        """Return what is wrong with it."""
        ...


class Reading(typing.NamedTuple):
    """The state of a cache at one moment."""

    stats: Stats
    health: Health


def reading_of(cache: Monitored) -> Reading:
    """Return the state of a cache."""
    return Reading(cache.stats(), cache.health())


class Metric(typing.NamedTuple):
    """A number that describes a cache, or one number per combination of labels."""

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
    Metric("problem", "gauge", "1 for each current problem.", _problems, ("problem", "failing")),
    Metric("events_received_total", "counter", "Gateway events received.", _each("received"), ("event",)),
    Metric("events_unknown_total", "counter", "Gateway events that change nothing.", _each("unknown"), ("event",)),
    Metric("changes_stored_total", "counter", "Changes stored.", _one("applied")),
    Metric("changes_coalesced_total", "counter", "Changes merged into another one.", _one("coalesced")),
    Metric("changes_skipped_total", "counter", "Changes that the rules rejected.", _each("skipped"), ("kind",)),
    Metric("changes_suppressed_total", "counter", "Changes about erased users or guilds.", _one("suppressed")),
    Metric("swept_total", "counter", "Records removed as too old, too many or over.", _each("swept"), ("kind",)),
    Metric("erased_total", "counter", "Records erased on request.", _each("erased"), ("kind",)),
    Metric("changes_shed_total", "counter", "Changes of ephemeral kinds dropped.", _each("shed"), ("kind",)),
    Metric("changes_lost_total", "counter", "Changes of other kinds dropped.", _each("lost"), ("kind",)),
    Metric("quarantined_total", "counter", "Unusable events and changes.", _each("quarantined"), ("what",)),
    Metric("undecodable_total", "counter", "Unreadable stored records.", _each("undecodable"), ("kind",)),
    Metric(
        "unanswered_total",
        "counter",
        "Objects for which a function in the rules raised.",
        _each("unanswered"),
        ("kind",),
    ),
    Metric(
        "unrecalled_total",
        "counter",
        "Previous states that listeners did not get.",
        _each("unrecalled"),
        ("kind",),
    ),
    Metric("held_back_seconds_total", "counter", "Time the gateway was not read.", _one("held_back"), unit="seconds"),
    Metric("write_retries_total", "counter", "Writes tried again.", _one("retries")),
    Metric("flushes_total", "counter", "Batches stored.", _one("flushes")),
    Metric("flush_seconds_total", "counter", "Time spent storing batches.", _one("flush_seconds"), unit="seconds"),
    Metric("last_flush_seconds", "gauge", "Time the last batch took.", _one("last_flush"), unit="seconds"),
    Metric("last_flush_changes", "gauge", "Changes in the last batch.", _one("last_flush_changes")),
    Metric(
        "last_flush_timestamp_seconds",
        "gauge",
        "When the last batch was stored.",
        _one("last_flush_at"),
        unit="seconds",
    ),
    Metric("journal_changes", "gauge", "Changes not stored yet.", _one("depth")),
    Metric("journal_limit_changes", "gauge", "Changes that may wait while the database is away.", _one("limit")),
    Metric("journal_age_seconds", "gauge", "How long the oldest change has waited.", _one("age"), unit="seconds"),
    Metric("read_hits_total", "counter", "Lookups that a tier could answer.", _each("hits"), ("tier", "kind")),
    Metric("read_misses_total", "counter", "Lookups that a tier could not answer.", _each("misses"), ("tier", "kind")),
    Metric("memory_evicted_total", "counter", "Objects evicted from memory.", _each("memory_evicted"), ("kind",)),
    Metric("memory_size_bytes", "gauge", "Estimated size of the memory tier.", _one("memory_size"), unit="bytes"),
    Metric("read_pages_total", "counter", "Pages that the database returned.", _each("pages"), ("kind",)),
    Metric("rest_calls_total", "counter", "Requests that fetch_... sent.", _one("rest_calls")),
    Metric("rest_calls_saved_total", "counter", "Requests that fetch_... saved.", _one("rest_calls_saved")),
    Metric("member_requests_total", "counter", "Requests for all members of a guild.", _one("member_requests")),
    Metric(
        "member_requests_saved_total",
        "counter",
        "Requests for all members that were saved.",
        _one("member_requests_saved"),
    ),
    Metric("shard_connected", "gauge", "Whether a shard is connected: 1 or 0.", _shards("is_connected"), ("shard",)),
    Metric("shard_sequence", "gauge", "Sequence number of the last event.", _shards("sequence"), ("shard",)),
    Metric(
        "shard_stored_sequence",
        "gauge",
        "Sequence number up to which everything is stored.",
        _shards("stored"),
        ("shard",),
    ),
    Metric("shard_lag_events", "gauge", "Received events not stored yet.", _shards("lag"), ("shard",)),
    Metric("shard_latency_seconds", "gauge", "Heartbeat latency.", _shards("latency"), ("shard",), unit="seconds"),
)

METRICS: typing.Final[Mapping[str, Metric]] = {f"persist_{row.name}": row for row in _ROWS}
"""Every metric by its full name."""
