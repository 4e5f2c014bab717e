"""Pages of the reference that are made of what the code says: ``make pages`` writes them, and a test compares them."""

from __future__ import annotations

import importlib
import importlib.metadata
import pathlib
import pkgutil
import re
import sys
import typing
from collections.abc import Iterator

import hikari
import typer.main

import persist
import persist.integrations
from persist.cli import app
from persist.entities import ENTITIES
from persist.events import EVENTS
from persist.fields import FIELDS
from persist.filter_names import parts_of
from persist.judge import columns_of
from persist.keep import LISTS
from persist.lifecycle import MARKED
from persist.metrics import METRICS
from persist.rules import KINDS as KINDS_WITH_RULES
from persist.views import VIEWS

__all__ = ("on_page_content", "write")

KINDS = """# Kinds of objects

Everything that persist can store. For each kind: its key, the columns that you can filter by with
[`find`](views.md), and the gateway intents that keep it up to date. Each kind is a table of the same name in the
database. Filters on an id column may leave out `_id`.

*Ephemeral* objects hold only for the gateway session that reported them, and are removed when a new one begins.

"""

EVENT_PAGE = """# Gateway events

What each event of [Discord's gateway](https://docs.discord.com/developers/events/gateway-events) changes in the cache.
An event that is not listed is counted in `cache.gauges.unknown` and ignored.

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
        asked = f"`cache.{entity.name}` ({view.__name__})" if view else "no view of its own"
        parts.append(f"## {entity.name}\n\n{entity.about}{' Ephemeral.' if entity.ephemeral else ''}\n\n")
        parts.append(f"View: {asked}. Intents: {_intents(entity.intents)}.\n\n")
        parts.append("| Column | Holds | Key |\n|---|---|---|\n")
        guild = {"guild_id": "snowflake"} if entity.in_guild and "guild_id" not in entity.key else {}
        keys = {**dict.fromkeys(entity.key, "yes")}
        columns = {**entity.key, **guild, **{name: column.kind for name, column in entity.columns.items()}}
        parts.extend(f"| `{name}` | {kind} | {keys.get(name, '')} |\n" for name, kind in columns.items())
        apart = dict.fromkeys(f"`{part.column}` of {part.entity.name}" for part in parts_of(entity))
        parts.append(f"\nYou can also filter by {', '.join(apart)}.\n\n" if apart else "\n")
    return "".join(parts)


def events() -> str:
    """Return the page of the table of events."""
    return EVENT_PAGE + "".join(f"| `{name}` | {event.about} |\n" for name, event in EVENTS.items())


INTENTS_PAGE = """# Intents

What each gateway intent keeps up to date. Without an intent, the kinds next to it stay empty or go out of date, and
`persist.Cache` warns about each one that its rules do not turn off; `persist doctor` compares both. Intents marked
*privileged* must also be enabled in the developer portal.

| Intent | Keeps up to date |
|---|---|
"""


_PARTS = {
    hikari.Intents.MESSAGE_CONTENT: "the contents of `messages`, which are empty without it",
    hikari.Intents.GUILD_MESSAGE_REACTIONS: "the reactions to `messages` in guilds",
    hikari.Intents.DM_MESSAGE_REACTIONS: "the reactions to `messages` outside guilds",
    hikari.Intents.GUILD_MESSAGE_POLLS: "the votes on polls in guilds",
    hikari.Intents.DIRECT_MESSAGE_POLLS: "the votes on polls outside guilds",
}
"""What some intents keep up to date in the objects of a kind."""


def intents() -> str:
    """Return the page of the table of entities, from the side of intents."""
    kept = {intent: [f"`{e.name}`" for e in ENTITIES.values() if intent in e.intents] for intent in hikari.Intents}
    kept |= {intent: [what] for intent, what in _PARTS.items()}
    rows = (
        f"| `{intent.name}`{' *privileged*' if intent & hikari.Intents.ALL_PRIVILEGED else ''} | {', '.join(kinds)} |\n"
        for intent, kinds in kept.items()
        if kinds and len(intent.split()) == 1
    )
    always = ", ".join(f"`{entity.name}`" for entity in ENTITIES.values() if not entity.intents)
    return f"{INTENTS_PAGE}{''.join(rows)}| none is needed | {always} |\n"


RULES_PAGE = """# Rules by kind

For each kind: which of the lists `guilds`, `channels`, `users` and `roles` of a [`persist.Keep`](rules.md) can select
its objects, and which of Discord's fields `drop` can name. `where`, `keep_if`, `max_age` and `sources` work for every
kind.

| Kind | Lists | Fields that can be dropped |
|---|---|---|
"""


def rules() -> str:
    """Return the page of what rules may say of each kind."""
    parts = [RULES_PAGE]
    for name in KINDS_WITH_RULES:
        entity = ENTITIES[name]
        lists = ", ".join(f"`{each}`" for each in LISTS if columns_of(entity, each) is not None)
        fields = ", ".join(f"`{field}`" for field in sorted(FIELDS.get(name, ()))) or "all but its key and its owner"
        parts.append(f"| `{name}`{', only if mentioned' if entity.opt_in else ''} | {lists} | {fields} |\n")
    return "".join(parts)


METRICS_PAGE = """# Metrics

What [Prometheus and OpenTelemetry](../how-to/monitor.md) export. Each metric also has the label `cache`, which tells
the caches of a process apart. In OpenTelemetry, `persist_events_received_total` is `persist.events_received`.

| Metric | Kind | Labels | What it is |
|---|---|---|---|
"""


def metrics() -> str:
    """Return the page of the table of metrics."""
    rows = (
        f"| `{name}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels)} | {metric.about} |\n"
        for name, metric in METRICS.items()
    )
    also = "Stored changes of all caches of the process, by kind and type of change; without the label `cache`."
    return f"{METRICS_PAGE}{''.join(rows)}| `persist_committed_changes_total` | counter | `kind`, `change` | {also} |\n"


COMMANDS_PAGE = """# Command line

`persist`, or `python -m persist`, comes with the extra `cli`. [Back up, restore, export](../how-to/back-up.md) explains
what it is for, its exit codes and how to use it in scripts.

"""


def commands() -> str:
    """Return the page of the command line."""
    parts = [COMMANDS_PAGE]
    for name, command in _commands(typer.main.get_command(app), "persist"):
        words = [_called(parameter) for parameter in command.params if parameter.param_type_name == "argument"]
        parts.append(f"## {name.removeprefix('persist ')}\n\n```text\n{' '.join((name, '[OPTIONS]', *words))}\n```\n\n")
        parts.append(f"{(command.help or '').strip()}\n\n| Argument or option | What it is |\n|---|---|\n")
        parts.extend(map(_parameter, command.params))
        parts.append("\n")
    return "".join(parts)


def _commands(command: typing.Any, name: str) -> Iterator[tuple[str, typing.Any]]:
    if (inner := getattr(command, "commands", None)) is None:
        yield name, command
        return
    for word, each in inner.items():
        yield from _commands(each, f"{name} {word}")


def _called(argument: typing.Any) -> str:
    return argument.metavar or str(argument.name).rstrip("_").upper()


def _parameter(parameter: typing.Any) -> str:
    is_option = parameter.param_type_name == "option"
    name = ", ".join(parameter.opts) if is_option else _called(parameter)
    about = (parameter.help or "").replace("|", "\\|")
    also = [f"or `{parameter.envvar}`"] if parameter.envvar else []
    if is_option and not parameter.is_flag and parameter.default not in (None, ""):
        also.append(f"`{parameter.default}` if it is left out")
    return f"| `{name}` | {about}{' (' + '; '.join(also) + ')' if also else ''} |\n"


URLS_PAGE = """# URLs and their options

A URL names a database. Its scheme selects the backend; options follow the `?`, separated by `&`. Unknown options and
invalid values are refused with a list of the valid ones. [Keep things in another database](../how-to/databases.md)
helps you choose.

Percent-encode special characters in user names and passwords: `p@ss` becomes `p%40ss`. Without a URL, the integrations
and the command line use the environment variable `PERSIST_URL`.

"""

SCHEMES: typing.Final = {
    "sqlite": "`sqlite:///cache.db` is relative to the working directory, `sqlite:////var/lib/bot/cache.db` absolute. "
    "In a path, `#` is `%23` and `?` is `%3F`.",
    "memory": "`memory://` is a database in memory that lasts as long as the cache is open.",
    "postgresql": "`postgresql://user:password@host:5432/database`; `postgres://` is the same. "
    "Separate several servers of one cluster with commas: `postgresql://user@one,two:5433/database`.",
    "mysql": "`mysql://user:password@host:3306/database`, for MySQL and MariaDB; `mariadb://` is the same. "
    "Separate several servers with commas.",
}


def url_options() -> str:
    """Return the page of what the backends that are shipped read from their URLs."""
    known = {point.name: point for point in importlib.metadata.entry_points(group="persist.backends")}
    parts = [URLS_PAGE]
    for scheme, about in SCHEMES.items():
        (backend,) = (each for each in known[scheme].load().persist_backends() if each.scheme == scheme)
        parts.append(f"## {scheme}\n\n{about}\n\n| Option | What it does |\n|---|---|\n")
        parts.extend(f"| `{name}` | {option.about} |\n" for name, option in sorted(backend.options.items()))
        parts.append("\n")
    return "".join(parts)


LIFECYCLE_PAGE = """# Lifecycle

Public names that are not as stable as [the rest](versioning.md). Using one warns: experimental names raise
`persist.ExperimentalWarning`, deprecated names `DeprecationWarning`.

| Name | State | What to know |
|---|---|---|
"""


def lifecycle() -> str:
    """Return the page of what is marked."""
    for module in pkgutil.iter_modules(persist.integrations.__path__, "persist.integrations."):
        importlib.import_module(module.name)
    rows = (
        f"| `{_public(name)}` | {mark.state} since {mark.since}{f', gone in {mark.until}' if mark.until else ''} "
        f"| {mark.note} |\n"
        for name, mark in sorted(MARKED.items())
        if name.startswith("persist.")
    )
    return LIFECYCLE_PAGE + "".join(rows)


def _public(name: str) -> str:
    """Spell a name as people write it, who do not know in which file it is."""
    found = re.fullmatch(r"persist\.\w+\.((\w+).*)", name)
    return f"persist.{found[1]}" if found and found[2] in persist.__all__ else name


PAGES = {
    "reference/kinds.md": kinds,
    "reference/events.md": events,
    "reference/intents.md": intents,
    "reference/metrics.md": metrics,
    "reference/rules-by-kind.md": rules,
    "reference/command-line.md": commands,
    "reference/lifecycle.md": lifecycle,
    "reference/urls.md": url_options,
}

MADE = "<!-- Made by docs/tables.py: do not edit it, but what it is made of, and run `make pages`. -->\n\n"


def write(folder: pathlib.Path) -> None:
    """Write the pages below the folder of the documentation."""
    for path, make in PAGES.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(f"{MADE}{make().rstrip()}\n", encoding="utf-8")


_ROLE = re.compile(r":(?:attr|class|exc|func|meth|mod):<code>(?:~[\w.]*\.)?([\w.]+)</code>")


def on_page_content(html: str, **_: object) -> str:
    """Show names in docstrings as the names that they are, and code in them without what announces it."""
    return _ROLE.sub(r"<code>\1</code>", html).replace("<p>::</p>", "")


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]) if sys.argv[1:] else pathlib.Path(__file__).parent)
