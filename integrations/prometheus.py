"""Prometheus reads what a cache says of itself: ``install(cache)``, and serve the registry as you do anyway."""

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
    """Collects the metrics of caches when Prometheus asks for them.

    Between two scrapes it costs nothing but a count for each batch, of what was stored.
    """

    def __init__(self) -> None:
        self._caches: dict[str, Monitored] = {}
        self._committed: collections.Counter[tuple[str, str]] = collections.Counter()

    def add(self, cache: Monitored, name: str) -> None:
        """Collect from one more cache.

        Raises
        ------
        persist.QueryError
            If another cache has that name, or it is no name.
        """
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            msg = f"name is a text, the value of the label cache, not {name!r}"
            raise QueryError(msg)
        if self._caches.setdefault(name, cache) is not cache:
            msg = f"a cache called {name!r} is monitored already; give this one another name, as in name='second'"
            raise QueryError(msg)

    @hookimpl
    def persist_committed(self, changes: Sequence[Change]) -> None:
        """Count what has been stored, by kind and sort of change."""
        self._committed.update((change.entity.name, type(change).__name__.lower()) for change in changes)

    def describe(self) -> Iterable[Metric]:
        """Name the metrics without asking a cache."""
        yield from (_FAMILIES[metric.kind](name, metric.about) for name, metric in METRICS.items())
        yield self._stored()

    def collect(self) -> Iterator[Metric]:
        """Ask each cache."""
        readings = [(name, reading_of(cache)) for name, cache in self._caches.items()]
        for full_name, metric in METRICS.items():
            family = _FAMILIES[metric.kind](full_name, metric.about, labels=("cache", *metric.labels))
            for name, reading in readings:
                for labels, value in metric.read(reading):
                    family.add_metric((name, *labels), value)
            yield family
        yield self._stored()

    def _stored(self) -> CounterMetricFamily:
        about = "Changes that were stored, of all caches of this process."
        family = CounterMetricFamily("persist_committed_changes_total", about, labels=("kind", "change"))
        for labels, value in self._committed.items():
            family.add_metric(labels, value)
        return family


def install(cache: Monitored, *, name: str = "cache", registry: CollectorRegistry = REGISTRY) -> None:
    """Let Prometheus read what a cache says of itself.

    Parameters
    ----------
    cache
        The cache, open or not.
    name
        The value of the label ``cache``, where a process has several.
    registry
        Where the metrics are added; the one that ``prometheus_client.start_http_server`` serves if it is left out.

    Raises
    ------
    persist.QueryError
        If another cache has that name there, or something else in the registry has metrics of the same names.
    """
    collector = _installed.get(registry)
    if collector is None:
        collector = _CacheCollector()
        try:
            registry.register(collector)
        except ValueError as error:
            msg = f"the registry has metrics of these names from elsewhere ({error}); name another one with registry="
            raise QueryError(msg) from error
        _installed[registry] = collector
        manager().register(collector)
    collector.add(cache, name)
