"""Pages that are made of the two tables when the documentation is built, so that they cannot go out of date."""

from __future__ import annotations

import hikari
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from persist.entities import ENTITIES
from persist.events import EVENTS
from persist.metrics import METRICS
from persist.views import VIEWS

__all__ = ("on_files",)

KINDS = """# Kinds of things

One row each: what persist can remember, the key that tells one from the other, the columns by which
[`find`](views.md) finds it, and the gateway intents that keep it up to date. Each row is a table of the database under
the same name. A column that holds an id may be named without `_id`.

*Ephemeral* things are true only for the gateway session that told them, and are forgotten when a new one begins.

"""

EVENT_PAGE = """# Gateway events

One row each: what an event of
[Discord's gateway](https://docs.discord.com/developers/events/gateway-events) changes. An event that is not here is
counted in `cache.gauges.unknown` and passed.

| Event | What it does |
|---|---|
"""


def _intents(intents: hikari.Intents) -> str:
    return ", ".join(f"`{intent.name}`" for intent in intents.split()) or "none"


def kinds() -> str:
    """Return the page of the table of entities."""
    parts = [KINDS]
    for entity in ENTITIES.values():
        view = VIEWS.get(entity.name)
        asked = f"`cache.{entity.name}` ({view.__name__})" if view else "not asked for by itself"
        parts.append(f"## {entity.name}\n\n{entity.about}{' Ephemeral.' if entity.ephemeral else ''}\n\n")
        parts.append(f"Ask: {asked}. Intents: {_intents(entity.intents)}.\n\n| Column | Holds | Key |\n|---|---|---|\n")
        guild = {"guild_id": "snowflake"} if entity.in_guild and "guild_id" not in entity.key else {}
        keys = {**dict.fromkeys(entity.key, "yes")}
        columns = {**entity.key, **guild, **{name: column.kind for name, column in entity.columns.items()}}
        parts.extend(f"| `{name}` | {kind} | {keys.get(name, '')} |\n" for name, kind in columns.items())
        parts.append("\n")
    return "".join(parts)


def events() -> str:
    """Return the page of the table of events."""
    return EVENT_PAGE + "".join(f"| `{name}` | {event.about} |\n" for name, event in EVENTS.items())


METRICS_PAGE = """# Metrics

What [Prometheus and OpenTelemetry](../how-to/monitor.md) see. Each has the label `cache` as well, which tells the
caches of a process apart. OpenTelemetry spells `persist_events_received_total` as `persist.events_received`.

| Metric | Kind | Labels | What it is |
|---|---|---|---|
"""


def metrics() -> str:
    """Return the page of the table of metrics."""
    rows = (
        f"| `{name}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels)} | {metric.about} |\n"
        for name, metric in METRICS.items()
    )
    also = "Changes that were stored, by kind and sort of change, of all caches of the process; without `cache`."
    return f"{METRICS_PAGE}{''.join(rows)}| `persist_committed_changes_total` | counter | `kind`, `change` | {also} |\n"


PAGES = {"reference/kinds.md": kinds, "reference/events.md": events, "reference/metrics.md": metrics}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to those that are written by hand."""
    for path, make in PAGES.items():
        files.append(File.generated(config, path, content=make()))
    return files
