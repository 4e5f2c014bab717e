"""Prometheus and OpenTelemetry get every metric, and the dashboard and alerts name only metrics that exist."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import pathlib
import re
import sqlite3
import typing
from collections.abc import Iterator

import bots
import hearing
import hikari
import pytest
from fakecord import FakeDiscord, payloads
from hearing import Hearing

import persist
from persist import plugins
from persist.changes import Drop
from persist.entities import MEMBERS, ROLES
from persist.metrics import METRICS

FOLDER: typing.Final = pathlib.Path(__file__).parents[1] / "examples" / "monitoring"
COMMITTED: typing.Final = "persist_committed_changes_total"
LABELS: typing.Final = {
    **{name: {"cache", *metric.labels} for name, metric in METRICS.items()},
    COMMITTED: {"kind", "change"},
}


async def learns(heard: Hearing) -> None:
    await heard.ready(payloads.guild(id="5000", own_user=payloads.own_user(id=hearing.ME), members=3))
    await heard.cache.get_role(1)
    await heard.cache.flush()


@pytest.fixture
def _no_plugins() -> Iterator[None]:
    before = plugins.manager().get_plugins()
    yield
    for plugin in plugins.manager().get_plugins() - before:
        plugins.manager().unregister(plugin)


@pytest.mark.usefixtures("_no_plugins")
async def test_prometheus_scrapes_every_metric_of_every_cache(sqlite_url: str) -> None:
    prometheus_client = pytest.importorskip("prometheus_client")
    prometheus = importlib.import_module("persist.integrations.prometheus")
    registry = prometheus_client.CollectorRegistry()
    async with Hearing(sqlite_url) as heard, Hearing("memory://") as other:
        prometheus.install(heard.cache, registry=registry)
        prometheus.install(heard.cache, registry=registry)  # the second time is a no-op
        prometheus.install(other.cache, name="other", registry=registry)
        with pytest.raises(persist.QueryError, match=r"a cache named 'cache' is already monitored; .*name='second'"):
            prometheus.install(other.cache, registry=registry)
        with pytest.raises(persist.QueryError, match=r"name must be a string, .* not 5"):
            prometheus.install(other.cache, name=5, registry=registry)
        await learns(heard)
        families = {family.name: family for family in registry.collect()}
        text = prometheus_client.generate_latest(registry).decode()
    documented = {name.removesuffix("_total") for name in (*METRICS, COMMITTED)}
    assert set(families) == documented
    assert 'persist_events_received_total{cache="cache",event="GUILD_CREATE"} 1.0' in text
    assert 'persist_healthy{cache="other"} 1.0' in text
    assert re.search(r'persist_committed_changes_total\{change="put",kind="roles"\} [1-9]', text)
    for name, family in families.items():
        labels = LABELS.get(name) or LABELS[f"{name}_total"]
        assert all(set(sample.labels) == labels for sample in family.samples), name


def test_a_scrape_goes_on_while_the_bot_stores_a_kind_that_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    prometheus_client = pytest.importorskip("prometheus_client")
    prometheus = importlib.import_module("persist.integrations.prometheus")
    collector = prometheus._CacheCollector()
    collector.persist_committed([Drop(ROLES, (1,))])
    plain = prometheus_client.core.CounterMetricFamily
    add_metric = plain.add_metric

    def meanwhile(*args: typing.Any) -> None:  # a scrape runs in a thread of its own
        collector.persist_committed([Drop(MEMBERS, (1, 2))])
        add_metric(*args)

    monkeypatch.setattr(plain, "add_metric", meanwhile)
    *_, stored = collector.collect()
    assert [sample.labels for sample in stored.samples] == [{"kind": "roles", "change": "drop"}]


@pytest.mark.usefixtures("_no_plugins")
async def test_a_registry_with_metrics_of_the_same_names_is_refused_and_left_alone() -> None:
    prometheus_client = pytest.importorskip("prometheus_client")
    prometheus = importlib.import_module("persist.integrations.prometheus")
    registry = prometheus_client.CollectorRegistry()
    prometheus_client.Gauge("persist_healthy", "Somebody else's.", registry=registry)
    async with Hearing("memory://") as heard:
        before = plugins.manager().get_plugins()
        for _ in range(2):
            with pytest.raises(
                persist.QueryError, match=r"with these names \(.*persist_healthy.*pass another one with"
            ):
                prometheus.install(heard.cache, registry=registry)
        assert plugins.manager().get_plugins() == before


@pytest.mark.usefixtures("_no_plugins")
async def test_opentelemetry_collects_the_same(sqlite_url: str) -> None:
    sdk = pytest.importorskip("opentelemetry.sdk.metrics")
    export = pytest.importorskip("opentelemetry.sdk.metrics.export")
    opentelemetry = importlib.import_module("persist.integrations.opentelemetry")
    reader = export.InMemoryMetricReader()
    provider = sdk.MeterProvider(metric_readers=[reader])
    async with Hearing(sqlite_url) as heard:
        with pytest.warns(
            persist.ExperimentalWarning, match=r"opentelemetry\.install has been experimental since 1\.0"
        ):
            opentelemetry.install(heard.cache, meter_provider=provider)
        await learns(heard)
        (resource,) = reader.get_metrics_data().resource_metrics
    (scope,) = resource.scope_metrics
    said = {metric.name: metric for metric in scope.metrics}
    names = {opentelemetry.name_of(metric): metric for metric in METRICS.values()}
    assert len(names) == len(METRICS)
    assert set(said) <= {*names, "persist.committed_changes"}
    points = said["persist.events_received"].data.data_points
    assert {(point.attributes["event"], point.attributes["cache"]) for point in points} == {
        ("READY", "cache"),
        ("GUILD_CREATE", "cache"),
    }
    assert said["persist.journal_age"].unit == "s"
    assert said["persist.committed_changes"].data.data_points
    provider.shutdown()


@pytest.mark.usefixtures("_no_plugins")
async def test_opentelemetry_has_a_span_for_what_takes_time(tmp_path: pathlib.Path) -> None:
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    export = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    processors = pytest.importorskip("opentelemetry.sdk.trace.export")
    opentelemetry = importlib.import_module("persist.integrations.opentelemetry")
    exporter, provider = export.InMemorySpanExporter(), sdk.TracerProvider()
    provider.add_span_processor(processors.SimpleSpanProcessor(exporter))
    async with FakeDiscord(seed=1) as sim:
        guild = sim.add_guild(members=3)
        bot = bots.make(sim.rest_url)
        cache = persist.Cache(bot, f"sqlite:///{tmp_path / 'cache.db'}")
        with pytest.warns(persist.ExperimentalWarning):
            opentelemetry.install(cache, tracer_provider=provider)
        async with bots.started(sim, bot, cache):
            await cache.flush()
            with provider.get_tracer("mine").start_as_current_span("command"):
                await cache.fetch_role(int(guild["id"]), int(guild["roles"][0]["id"]), prefer="rest")
                with pytest.raises(hikari.NotFoundError):
                    await cache.fetch_user(7)
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert {"persist.open", "persist.flush", "persist.fetch"} <= set(spans)
    flushes = [span for span in exporter.get_finished_spans() if span.name == "persist.flush"]
    assert sum(span.attributes["persist.changes"] for span in flushes) > 5
    fetches = [span for span in exporter.get_finished_spans() if span.name == "persist.fetch"]
    assert [span.attributes["persist.kind"] for span in fetches] == ["roles", "users"]
    assert [span.status.is_ok for span in fetches] == [True, False]
    assert fetches[1].attributes["error.type"] == "NotFoundError"
    assert {span.parent.span_id for span in fetches} == {spans["command"].context.span_id}
    assert all(0 <= span.end_time - span.start_time < 60e9 for span in spans.values())


def test_a_migration_is_timed(tmp_path: pathlib.Path) -> None:
    heard: list[tuple[str, object]] = []

    class Listening:
        @persist.hookimpl
        def persist_timed(self, what: str, facts: typing.Mapping[str, object]) -> None:
            heard.append((what, facts.get("version")))

    plugin = Listening()
    plugins.manager().register(plugin)
    try:
        asyncio.run(_migrated(tmp_path / "cache.db"))
    finally:
        plugins.manager().unregister(plugin)
    assert ("migrate", 2) in heard


async def _migrated(file: pathlib.Path) -> None:
    dump = (FOLDER.parents[1] / "tests" / "dumps" / "version_1.sqlite.sql").read_text()
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.executescript(dump)
    store = plugins.open_store(f"sqlite:///{file}")
    await store.open()
    await store.close()


def expressions() -> Iterator[tuple[str, str]]:
    for panel in json.loads((FOLDER / "grafana.json").read_text())["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    yield from re.findall(r"alert: (\w+)\n +expr: (.+)", (FOLDER / "alerts.yml").read_text())


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_dashboard_and_alerts_ask_for_metrics_and_labels_that_there_are(where: str, expression: str) -> None:
    asked = re.findall(r"(persist_\w+)(?:\{([^}]*)\})?", expression)
    assert asked, where
    for name, selector in asked:
        assert name in LABELS, where
        assert set(re.findall(r"(\w+)=", selector)) <= LABELS[name], where
        by = {label for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(", ")}
        assert by <= LABELS[name] | {"instance"}, where


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_dashboard_and_alerts_are_written_in_promql(where: str, expression: str) -> None:
    promql_parser = pytest.importorskip("promql_parser")
    asked = re.sub(r"\$__\w+", "5m", expression)  # as Grafana replaces it
    assert "$" not in asked.replace("$cache", ""), where
    promql_parser.parse(asked)


def test_promql_that_is_wrong_is_noticed() -> None:
    promql_parser = pytest.importorskip("promql_parser")
    for wrong in ("sum by (kind) (rate(persist_swept_total[5m])", "rate(persist_swept_total)", "sum(a) by by (b)"):
        with pytest.raises(ValueError, match=r"."):
            promql_parser.parse(wrong)


def test_the_dashboard_is_what_grafana_reads() -> None:
    models = pytest.importorskip("grafana_foundation_sdk.models.dashboard")
    encoder = importlib.import_module("grafana_foundation_sdk.cog.encoder").JSONEncoder()
    dashboard = json.loads((FOLDER / "grafana.json").read_text())
    read = json.loads(encoder.encode(models.Dashboard.from_json(dashboard)))
    assert list(lost(dashboard, read)) == []
    unknown = {**dashboard, "panels": [{**dashboard["panels"][0], "grid": {}}], "nonesuch": 1}
    read = json.loads(encoder.encode(models.Dashboard.from_json(unknown)))
    assert list(lost(unknown, read)) == ["/panels/0/grid", "/nonesuch"]


def lost(said: typing.Any, read: typing.Any, where: str = "") -> Iterator[str]:
    """Yield the fields that Grafana's own types do not have."""
    if isinstance(said, dict):
        for name, value in said.items():
            yield from lost(value, read[name], f"{where}/{name}") if name in read else (f"{where}/{name}",)
    elif isinstance(said, list):
        for number, (one, other) in enumerate(zip(said, read, strict=True)):
            yield from lost(one, other, f"{where}/{number}")
    elif said != read:
        yield where


def test_panels_do_not_lie_on_each_other() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in json.loads((FOLDER / "grafana.json").read_text())["panels"]:
        at = panel["gridPos"]
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]
                assert x < 24


def test_every_metric_is_on_the_dashboard_or_is_said_to_be_elsewhere() -> None:
    text = " ".join(expression for _, expression in expressions())
    # The dashboard shows the lag of shards instead of their sequence numbers, and has no use for the other two.
    elsewhere = {
        "persist_events_unknown_total",
        "persist_last_flush_timestamp_seconds",
        "persist_shard_sequence",
        "persist_shard_stored_sequence",
    }
    assert set(LABELS) - set(re.findall(r"persist_\w+", text)) == elsewhere


def test_alerts_say_what_to_do() -> None:
    yaml = pytest.importorskip("yaml")
    (group,) = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    dashboard = json.loads((FOLDER / "grafana.json").read_text())
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    for rule in group["rules"]:
        assert {"summary", "action"} == set(rule["annotations"])
        labels = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        (name,) = set(re.findall(r"persist_\w+", rule["expr"].split("/")[0]))
        assert labels <= LABELS[name], rule["alert"]
