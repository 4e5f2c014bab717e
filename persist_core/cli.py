"""The command line: ``persist copy``, ``migrate``, ``analytics install``, ``stats``, ``show``; and what plugins add."""

from __future__ import annotations

import typing

import typer

from . import analytics, copying, hooks
from .cli_output import ask, failed, opened, progress, said, sql_store
from .entities import ENTITIES
from .errors import PersistError
from .migrations import Migration
from .model import Key
from .spi import Select

__all__ = ("app", "run")

app: typer.Typer = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Look after a persistent cache."
)
_views = typer.Typer(no_args_is_help=True, help="Views for people who ask in SQL.")
app.add_typer(_views, name="analytics")

URL = typing.Annotated[str, typer.Argument(metavar="URL", help="A database, such as sqlite:///cache.db")]
Json = typing.Annotated[bool, typer.Option("--json", help="Say it as JSON, for programs.")]


@app.command()
def copy(
    source: typing.Annotated[str, typer.Argument(metavar="FROM", help="The database to copy.")],
    target: typing.Annotated[str, typer.Argument(metavar="TO", help="An empty database, of any kind.")],
    *,
    resume: typing.Annotated[bool, typer.Option(help="Go on with a copy that was interrupted.")] = False,
    as_json: Json = False,
) -> None:
    """Copy everything into another database, and prove that it has arrived. Stop the bot first."""
    ask(_copy(source, target, resume=resume, as_json=as_json), as_json=as_json)


async def _copy(source: str, target: str, *, resume: bool, as_json: bool) -> bool:
    if source == target:
        msg = "FROM and TO are the same database"
        raise PersistError(msg)
    rows: list[dict[str, object]] = []
    fine = True
    async with opened(source) as here, opened(target) as there:
        totals = {name: await copying.count(here, name) for name in ENTITIES}
        if not any(totals.values()):
            msg = "FROM holds nothing that could be copied; is it the right database?"
            raise PersistError(msg)
        with progress("Copying", totals, as_json=as_json) as seen:
            await copying.copied(here, there, seen, resume=resume)
        with progress("Comparing", {name: 2 * total for name, total in totals.items()}, as_json=as_json) as seen:
            for name in ENTITIES:
                ours, theirs = await copying.summary(here, name, seen), await copying.summary(there, name, seen)
                same = (ours.records, ours.checksum) == (theirs.records, theirs.checksum)
                rows.append({"kind": name, "records": ours.records, "arrived": theirs.records, "same": same})
                fine = fine and same and not ours.unreadable
                if ours.unreadable:
                    failed(f"{ours.unreadable} records of {name} cannot be read and are left out", as_json=as_json)
    said({"copied": rows, "same": fine}, rows, as_json=as_json)
    if not fine:
        failed("the copy is not the same as what was copied; did a bot write meanwhile?", as_json=as_json)
    return fine


@app.command()
def migrate(
    url: URL,
    *,
    to: typing.Annotated[int | None, typer.Option(help="The version to bring it to; the newest if left out.")] = None,
    dry_run: typing.Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: Json = False,
) -> None:
    """Bring a database to the version of this persist, as a bot does when it starts."""
    ask(_migrate(url, to, dry_run=dry_run, as_json=as_json), as_json=as_json)


async def _migrate(url: str, to: int | None, *, dry_run: bool, as_json: bool) -> bool:
    store = sql_store(url)
    plan = await store.planned(to)
    steps = [{"version": step.version, "what": step.name} for step in plan.steps]
    if not dry_run:
        with progress("Migrating", {}, as_json=as_json) as seen:

            def passed(migration: Migration, _: int, __: int) -> None:
                seen(migration.name, 0)

            await store.migrate(passed, to)
    found = {"version": plan.version or "none: it is empty", "done": not dry_run, "steps": steps}
    said(found, steps, as_json=as_json)
    return True


@_views.command()
def install(url: URL, *, as_json: Json = False) -> None:
    """Make the views, anew if they are there."""
    ask(_install(url, as_json=as_json), as_json=as_json)


async def _install(url: str, *, as_json: bool) -> bool:
    store = sql_store(url)
    await store.open()
    try:
        await store.run(analytics.statements)
    finally:
        await store.close()
    said({"views": list(analytics.VIEWS)}, [{"view": name} for name in analytics.VIEWS], as_json=as_json)
    return True


@app.command()
def stats(url: URL, *, as_json: Json = False) -> None:
    """Say how much of each kind is remembered."""
    ask(_stats(url, as_json=as_json), as_json=as_json)


async def _stats(url: str, *, as_json: bool) -> bool:
    async with opened(url) as store:
        rows = [{"kind": name, "records": await copying.count(store, name)} for name in ENTITIES]
    said({str(row["kind"]): row["records"] for row in rows}, rows, as_json=as_json)
    return True


@app.command()
def show(
    kind: typing.Annotated[str, typer.Argument(help="A kind of thing, such as messages.")],
    key: typing.Annotated[list[str], typer.Argument(metavar="ID...", help="Its id; guild and user of a member.")],
    *,
    url: typing.Annotated[str, typer.Option(envvar="PERSIST_URL", help="A database.")],
    as_json: Json = False,
) -> None:
    """Show what Discord said of one thing, and when."""
    ask(_show(kind, key, url, as_json=as_json), as_json=as_json)


async def _show(kind: str, parts: list[str], url: str, *, as_json: bool) -> bool:
    entity = ENTITIES.get(kind)
    if entity is None:
        msg = f"there is nothing called {kind}; there is: {', '.join(sorted(ENTITIES))}"
        raise PersistError(msg)
    numbers = [name for name, kind_of in entity.key.items() if kind_of != "text"]
    if len(parts) != len(entity.key) or not all(
        part.isdecimal() for name, part in zip(entity.key, parts, strict=True) if name in numbers
    ):
        msg = f"{kind} are told apart by {', '.join(entity.key)}, not by {' '.join(parts)!r}"
        raise PersistError(msg)
    asked: Key = tuple(int(part) if name in numbers else part for name, part in zip(entity.key, parts, strict=True))
    async with opened(url) as store:
        page = await store.select(Select(entity, keys=(asked,), metadata=True))
    if not page.records:
        failed(f"nothing is known of {kind} {' '.join(parts)}", as_json=as_json)
        return False
    record = page.records[0]
    found = {
        "payload": dict(record.payload),
        "guild_id": record.guild_id,
        "first_seen": record.first_seen,
        "last_updated": record.origin.at,
        "revision": record.revision,
        "source": record.origin.source,
        "shard": record.origin.shard,
    }
    said(found, as_json=as_json)
    return True


def run() -> None:
    """Run a command, one of ours or of a plugin."""
    hooks.add()
    hooks.results("persist_commands", app=app)
    app(prog_name="persist")
