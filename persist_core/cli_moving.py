"""``persist copy`` and ``persist migrate``: to another database, or to another version of the schema."""

from __future__ import annotations

import typing

import typer

from . import copying
from .cli_app import CARE, MOVE, URL, Json, app
from .cli_output import ask, console, failed, left_out, opened, progress, said, sql_store, store_of_url
from .entities import ENTITIES
from .errors import PersistError
from .migrations import Migration

__all__ = ("copy", "migrate")


@app.command(rich_help_panel=MOVE)
def copy(
    source: typing.Annotated[str, typer.Argument(metavar="FROM", help="The database to copy.")],
    target: typing.Annotated[str, typer.Argument(metavar="TO", help="An empty database, on any backend.")],
    *,
    resume: typing.Annotated[bool, typer.Option(help="Resume a copy that was interrupted.")] = False,
    as_json: Json = False,
) -> None:
    """Copy everything into another database, and compare the two. Stop the bot first."""
    work = _copy(source, target, resume=resume, as_json=as_json)
    ask(work, as_json=as_json, interrupted="the target holds a part; continue with persist copy --resume")


async def _copy(source: str, target: str, *, resume: bool, as_json: bool) -> bool:
    copying.refuse_same(store_of_url(source), store_of_url(target))
    rows: list[dict[str, object]] = []
    fine = is_whole = True
    async with opened(source) as here, opened(target, new=True) as there:
        totals = {name: await copying.count(here, name) for name in ENTITIES}
        if not any(totals.values()):
            msg = "FROM is empty; is it the right database?"
            raise PersistError(msg)
        if not resume:
            await copying.refuse_full(there, "resume an interrupted copy with --resume")
        with progress("Copying", totals, as_json=as_json) as seen:
            await copying.copied(here, there, seen, resume=resume)
        with progress("Comparing", {name: 2 * total for name, total in totals.items()}, as_json=as_json) as seen:
            for name in ENTITIES:
                ours, theirs = await copying.summary(here, name, seen), await copying.summary(there, name, seen)
                same = (ours.records, ours.checksum) == (theirs.records, theirs.checksum)
                rows.append({"kind": name, "records": ours.records, "arrived": theirs.records, "same": same})
                fine = fine and same
                is_whole = is_whole and not ours.unreadable
                left_out(name, ours.unreadable, as_json=as_json)
    said({"copied": rows, "same": fine}, rows, as_json=as_json)
    if not fine:
        failed("the copy differs from the original; did a bot write meanwhile?", as_json=as_json)
    return fine and is_whole


@app.command(rich_help_panel=CARE)
def migrate(
    url: URL,
    *,
    to: typing.Annotated[
        int | None, typer.Option(help="The schema version to migrate to; by default the newest.")
    ] = None,
    dry_run: typing.Annotated[bool, typer.Option("--dry-run", help="Only print what would be done.")] = False,
    as_json: Json = False,
) -> None:
    """Migrate a database to the schema of this version of persist, as a bot does when it starts."""
    ask(_migrate(url, to, dry_run=dry_run, as_json=as_json), as_json=as_json)


async def _migrate(url: str, to: int | None, *, dry_run: bool, as_json: bool) -> bool:
    store = sql_store(url, may_be_new=True)
    plan = await store.planned(to)
    steps = [{"version": plan.version, "what": f"Create the lost table {table.name} again."} for table in plan.lost]
    steps += [{"version": step.version, "what": step.name} for step in plan.steps]
    if not dry_run:
        with progress("Migrating", {}, as_json=as_json) as seen:

            def passed(migration: Migration, _: int, __: int) -> None:
                seen(migration.name, 0)

            await store.migrate(passed, to)
    found = {"version": plan.version or "none: it is empty", "done": not dry_run, "steps": steps}
    if steps or as_json:
        said(found, steps, as_json=as_json)
    elif plan.version:
        console().print(f"Nothing to do: the database has version {plan.version}.", highlight=False)
    else:
        console().print("It is empty." if dry_run else "It was empty, and now has its tables.", highlight=False)
    return True
