"""What the command line says: for people, or as JSON for programs; and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import typing
from collections.abc import AsyncGenerator, Coroutine, Generator, Mapping, Sequence

import rich.console
import rich.progress
import rich.table
import typer

from . import hooks
from .copying import Seen
from .errors import PersistError
from .locations import sealed
from .plugins import open_store
from .rekeying import Seen as Growing
from .spi import Store
from .sql import SqlStore

__all__ = ("ask", "failed", "growing", "opened", "progress", "said", "sql_store")

FAILED: typing.Final = 1
INTERRUPTED: typing.Final = 130
_ERRORS: typing.Final = rich.console.Console(stderr=True)


def ask(work: Coroutine[typing.Any, typing.Any, bool], *, as_json: bool) -> None:
    """Do the work of a command, and end with 0 if it says that all is well, else with 1, or 130 if interrupted."""
    try:
        fine = asyncio.run(work)
    except PersistError as error:
        failed(str(error), as_json=as_json)
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        failed("interrupted; what was done is whole", as_json=as_json)
        raise typer.Exit(INTERRUPTED) from None
    if not fine:
        raise typer.Exit(FAILED)


def failed(message: str, *, as_json: bool) -> None:
    """Say what is wrong, where errors are said."""
    if as_json:
        sys.stderr.write(json.dumps({"error": message}) + "\n")
    else:
        _ERRORS.print(message, style="red", markup=False, highlight=False, soft_wrap=True)


def said(found: Mapping[str, object], rows: Sequence[Mapping[str, object]] = (), *, as_json: bool) -> None:
    """Say what was found: one JSON object, or lines and a table."""
    console = rich.console.Console()
    if as_json:
        sys.stdout.write(json.dumps(found, default=str) + "\n")
    elif rows:
        table = rich.table.Table(*rows[0])
        for row in rows:
            table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in row.values()))
        console.print(table)
    else:
        for name, value in found.items():
            console.print(f"{name}: {value}", markup=False, highlight=False, soft_wrap=True)


def _store(url: str, *, insist: bool = False) -> Store:
    hooks.add()
    return sealed(open_store(url), insist=insist)


def sql_store(url: str) -> SqlStore:
    """Return the store of a URL, which has to be one of an SQL database."""
    store = _store(url)
    if not isinstance(store, SqlStore):
        msg = f"{url.partition('://')[0]}:// is not an SQL database, and has neither views nor migrations"
        raise PersistError(msg)
    return store


@contextlib.asynccontextmanager
async def opened(url: str, *, insist: bool = False) -> AsyncGenerator[Store]:
    """Lend the store of a URL, which has to be encrypted, if one insists and there are keys."""
    store = _store(url, insist=insist)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@contextlib.contextmanager
def progress(what: str, totals: Mapping[str, int], *, as_json: bool) -> Generator[Seen]:
    """Show how far work has come, unless nobody looks."""
    total = sum(totals.values())
    with growing(what, as_json=as_json) as seen:
        yield lambda name, more: seen(name, more, total)


@contextlib.contextmanager
def growing(what: str, *, as_json: bool) -> Generator[Growing]:
    """Show how far work has come that may become more, unless nobody looks."""
    console = rich.console.Console(stderr=True)
    columns = (*rich.progress.Progress.get_default_columns(), rich.progress.MofNCompleteColumn())
    with rich.progress.Progress(*columns, console=console, disable=as_json or not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)

        def seen(name: str, more: int, total: int) -> None:
            bar.update(task, advance=more, total=total, description=f"{what} {name}")

        yield seen
