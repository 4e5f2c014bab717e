"""Metrics and spans for OpenTelemetry: call ``install(cache)``, and export as usual."""

from __future__ import annotations

import collections
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence

from persist import hookimpl
from persist.changes import Change
from persist.errors import MissingDriverError
from persist.lifecycle import experimental
from persist.metrics import METRICS, Metric, Monitored, reading_of
from persist.plugins import manager

try:
    from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation, get_meter
    from opentelemetry.trace import StatusCode, Tracer, TracerProvider, get_tracer
except ModuleNotFoundError as _error:
    raise MissingDriverError("opentelemetry-api", "opentelemetry") from _error

__all__ = ("Instrumentation", "install", "name_of")

_SCOPE: typing.Final = "persist"
_NANO: typing.Final = 1_000_000_000


_UNITS: typing.Final = {"": "1", "seconds": "s", "bytes": "By"}


class Instrumentation:
    """The instruments of one cache. They are only read when a reader collects, and cost nothing in between."""

    def __init__(self, cache: Monitored, name: str, meter: Meter) -> None:
        self._cache = cache
        self._name = name
        make = {"counter": meter.create_observable_counter, "gauge": meter.create_observable_gauge}
        for metric in METRICS.values():
            unit = _UNITS[metric.unit]
            make[metric.kind](name_of(metric), [self._reader(metric)], unit=unit, description=metric.about)

    def _reader(self, metric: Metric) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def read(_: CallbackOptions) -> Iterable[Observation]:
            for labels, value in metric.read(reading_of(self._cache)):
                attributes = {"cache": self._name, **dict(zip(metric.labels, labels, strict=True))}
                yield Observation(value, attributes)

        return read


class _Committed:
    """Counts stored changes, for all caches of the process."""

    def __init__(self, meter: Meter) -> None:
        about = "Changes stored by all caches of this process."
        self._counter = meter.create_counter("persist.committed_changes", unit="1", description=about)

    @hookimpl
    def persist_committed(self, changes: Sequence[Change]) -> None:
        """Count stored changes, by kind and by type of change."""
        counts = collections.Counter((change.entity.name, type(change).__name__.lower()) for change in changes)
        for (kind, change), number in counts.items():
            self._counter.add(number, {"kind": kind, "change": change})


class _Timed:
    """Makes a span of each timed operation, for all caches of the process."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @hookimpl
    def persist_timed(self, what: str, began: float, seconds: float, facts: Mapping[str, str | int]) -> None:
        """Make a span of an operation that has ended; what was waiting for it is its parent."""
        attributes = {f"persist.{name}": value for name, value in facts.items() if name != "error"}
        start = round(began * _NANO)
        span = self._tracer.start_span(f"persist.{what}", start_time=start, attributes=attributes)
        if (error := facts.get("error")) is not None:
            span.set_attribute("error.type", error)
            span.set_status(StatusCode.ERROR)
        span.end(start + round(seconds * _NANO))


def name_of(metric: Metric) -> str:
    """Return the name of a metric for OpenTelemetry; exporters to Prometheus turn it into the metric's own name."""
    return f"{_SCOPE}.{metric.name.removesuffix('_total').removesuffix(f'_{metric.unit}')}"


_committed: dict[Meter, _Committed] = {}
_timed: dict[Tracer, _Timed] = {}


@experimental(
    since="1.0", note="the names of instruments and spans may follow OpenTelemetry's conventions, once it has some."
)
def install(
    cache: Monitored,
    *,
    name: str = "cache",
    meter_provider: MeterProvider | None = None,
    tracer_provider: TracerProvider | None = None,
) -> Instrumentation:
    """Export the metrics and spans of a cache to OpenTelemetry.

    Parameters
    ----------
    cache
        The cache, open or not.
    name
        The value of the attribute ``cache``, to tell several caches of a process apart.
    meter_provider
        The provider for the metrics; by default the global one.
    tracer_provider
        The provider for spans: one for each opening, migration, flush and request to Discord, of all caches of the
        process. By default the global one.
    """
    meter = get_meter(_SCOPE, meter_provider=meter_provider)
    if meter not in _committed:
        _committed[meter] = _Committed(meter)
        manager().register(_committed[meter])
    tracer = get_tracer(_SCOPE, tracer_provider=tracer_provider)
    if tracer not in _timed:
        _timed[tracer] = _Timed(tracer)
        manager().register(_timed[tracer])
    return Instrumentation(cache, name, meter)
