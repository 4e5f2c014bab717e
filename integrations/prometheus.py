"""Metrics for Prometheus: call ``install(cache)``, and serve the registry as usual."""

from __future__ import annotations

import collections
import typing
import weakref
from collections.abc import Iterable, Iterator, Sequence

from persist import hookimpl
from persist.changes import Change
from persist.errors import MissingDriverError, QueryError
from persist.metrics import METRICS, Monitored, reading_of
from persist.plugins import manager

try:
    from prometheus_client import REGISTRY, CollectorRegistry
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
    from prometheus_client.registry import Collector
except ModuleNotFoundError as _error:
    raise MissingDriverError("prometheus-client", "prometheus") from _error

__all__ = ("install",)

_FAMILIES: typing.Final = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}
_installed: weakref.WeakKeyDictionary[CollectorRegistry, _CacheCollector] = weakref.WeakKeyDictionary()


class _CacheCollector(Collector):
    """Collects the metrics of caches when Prometheus scrapes them.

    Between two scrapes it only counts the changes of each stored batch.
    """

    def __init__(self) -> None:
        self._caches: dict[str, Monitored] = {}
        self._committed: collections.Counter[tuple[str, str]] = collections.Counter()

    def add(self, cache: Monitored, name: str) -> None:
        """Add a cache to collect from.

        Raises
        ------
        persist.QueryError
            If another cache has that name, or the name is not a string.
        """
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            msg = f"name must be a string, the value of the label cache, not {name!r}"
            raise QueryError(msg)
        if self._caches.setdefault(name, cache) is not cache:
            msg = f"a cache named {name!r} is already monitored; give this one another name, such as name='second'"
            raise QueryError(msg)

    @hookimpl
    def persist_committed(self, changes: Sequence[Change]) -> None:
        """Count stored changes, by kind and by type of change."""
        self._committed.update((change.entity.name, type(change).__name__.lower()) for change in changes)

    def describe(self) -> Iterable[Metric]:
        """Name the metrics without reading a cache."""
        yield from (_FAMILIES[metric.kind](name, metric.about) for name, metric in METRICS.items())
        yield self._stored()

    def collect(self) -> Iterator[Metric]:
        """Read the metrics of each cache."""
        readings = [(name, reading_of(cache)) for name, cache in self._caches.items()]
        for full_name, metric in METRICS.items():
            family = _FAMILIES[metric.kind](full_name, metric.about, labels=("cache", *metric.labels))
            for name, reading in readings:
                for labels, value in metric.read(reading):
                    family.add_metric((name, *labels), value)
            yield family
        yield self._stored()

    def _stored(self) -> CounterMetricFamily:
        about = "Changes stored by all caches of this process."
        family = CounterMetricFamily("persist_committed_changes_total", about, labels=("kind", "change"))
        for labels, value in dict(self._committed).items():  # a scrape runs in a thread, and the bot counts meanwhile
            family.add_metric(labels, value)
        return family


def install(cache: Monitored, *, name: str = "cache", registry: CollectorRegistry = REGISTRY) -> None:
    """Export the metrics of a cache to Prometheus.

    Parameters
    ----------
    cache
        The cache, open or not.
    name
        The value of the label ``cache``, to tell several caches of a process apart.
    registry
        The registry to add the metrics to; by default the one that ``prometheus_client.start_http_server`` serves.

    Raises
    ------
    persist.QueryError
        If another cache there has that name, or the registry already has other metrics with these names.
    """
    collector = _installed.get(registry)
    if collector is None:
        collector = _CacheCollector()
        try:
            registry.register(collector)
        except ValueError as error:
            msg = f"the registry already has other metrics with these names ({error}); pass another one with registry="
            raise QueryError(msg) from error
        _installed[registry] = collector
        manager().register(collector)
    collector.add(cache, name)
