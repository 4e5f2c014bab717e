"""The output of the command line, for people or as JSON for programs, and its exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import signal
import sys
import threading
import typing
from collections.abc import AsyncGenerator, Coroutine, Generator, Mapping, Sequence

import rich.box
import rich.console
import rich.progress
import rich.table
import rich.text
import typer

from . import hooks
from .copying import Seen
from .entities import ENTITIES
from .errors import PersistError
from .locations import sealed
from .model import Entity
from .plugins import open_store
from .rekeying import Seen as Growing
from .spi import Store
from .sql import SqlStore

__all__ = (
    "ask",
    "console",
    "entity_named",
    "failed",
    "growing",
    "left_out",
    "looked_into",
    "opened",
    "progress",
    "said",
    "shown",
    "sql_store",
    "store_of_url",
    "table",
)

FAILED: typing.Final = 1
INTERRUPTED: typing.Final = 130
_WHOLE: typing.Final = 20
"""Columns of an id or a time, which are not folded."""

_PIPED: typing.Final = 240
"""Columns if the output is not a terminal: nothing is cut off for other programs."""


def ask(
    work: Coroutine[typing.Any, typing.Any, bool],
    *,
    as_json: bool,
    interrupted: str = "what was done so far is complete",
) -> None:
    """Run the work of a command, and exit with 0 if it returns that all is well, else with 1, or 130 if interrupted.

    Parameters
    ----------
    work
        The work.
    as_json
        Whether to print errors as JSON.
    interrupted
        What to say of the work if it is interrupted.
    """
    try:
        with _stopped_alike():
            fine = asyncio.run(work)
    except (PersistError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        failed(_sentence(error), as_json=as_json)
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        failed(f"interrupted; {interrupted}", as_json=as_json)
        raise typer.Exit(INTERRUPTED) from None
    if not fine:
        raise typer.Exit(FAILED)


@contextlib.contextmanager
def _stopped_alike() -> Generator[None]:
    """Let whoever stops this process by SIGTERM, or closes its terminal, interrupt it like Ctrl-C: it cleans up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    stopping = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]  # nohup ignores one
    for number in stopping:
        signal.signal(number, lambda _, __: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        for number in stopping:
            signal.signal(number, signal.SIG_DFL)


def _sentence(error: PersistError | OSError) -> str:
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    where = error.filename2 or error.filename  # the second one is what was to be written
    way_out = _WAYS_OUT.get(error.errno or 0, _ACCESS if where else "")
    return f"{f'{where}: ' if where else ''}{error.strerror}{way_out}"


_ACCESS: typing.Final = "; is the path right, and does this user have access to it?"
_WAYS_OUT: typing.Final = dict.fromkeys(
    (errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "; free some space there, or name another place"
)


def console(*, stderr: bool = False) -> rich.console.Console:
    """Return the console for people. Output to a pipe or a file has no colors and is not folded."""
    made = rich.console.Console(stderr=stderr)
    if not made.is_terminal:
        made.width = _PIPED
    return made


def failed(message: str, *, as_json: bool) -> None:
    """Print an error on standard error."""
    if as_json:
        sys.stderr.write(json.dumps({"error": message}) + "\n")
    else:
        console(stderr=True).print(message, style="red", markup=False, highlight=False, soft_wrap=True)


def left_out(kind: str, many: int, *, as_json: bool) -> None:
    """Print how many unreadable records of a kind are left out, if any are."""
    if many:
        told = f"{many:,} records of {kind} cannot be read and are left out; persist verify lists them"
        failed(told, as_json=as_json)


def table(rows: Sequence[Mapping[str, object]]) -> rich.table.Table:
    """Return rows as a table, with numbers aligned to the right."""
    made = rich.table.Table(box=rich.box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in rows[0]:
        numbers = all(isinstance(row[name], int | None) and not isinstance(row[name], bool) for row in rows)
        whole = all(len(str(row[name])) <= _WHOLE for row in rows)
        made.add_column(name.replace("_", " "), justify="right" if numbers else "left", no_wrap=whole, overflow="fold")
    for row in rows:
        made.add_row(*(rich.text.Text(shown(value, name)) for name, value in row.items()))
    return made


def shown(value: object, name: str = "") -> str:
    """Format a value for people: numbers in groups of three, except ids."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and not (name == "id" or name.endswith("_id")):
        return f"{value:,}"
    if isinstance(value, Mapping):
        counts = typing.cast("Mapping[str, object]", value)
        return ", ".join(f"{shown(count)} {what}" for what, count in counts.items()) or "nothing"
    return str(value)


def said(found: Mapping[str, object], rows: Sequence[Mapping[str, object]] = (), *, as_json: bool) -> None:
    """Print a result: one JSON object, or lines and a table."""
    if as_json:
        sys.stdout.write(json.dumps(found, default=str) + "\n")
    elif rows:
        console().print(table(rows))
    else:
        for name, value in found.items():
            told = shown(value) if isinstance(value, Mapping) else value
            console().print(f"{name}: {told}", markup=False, highlight=False, soft_wrap=True)


def entity_named(kind: str) -> Entity[typing.Any]:
    """Return the kind with a name.

    Raises
    ------
    persist.PersistError
        If there is no such kind.
    """
    if (entity := ENTITIES.get(kind)) is None:
        msg = f"there is no kind {kind}; there are: {', '.join(sorted(ENTITIES))}"
        raise PersistError(msg)
    return entity


def store_of_url(url: str, *, insist: bool = False) -> Store:
    """Return the store of a URL, not opened. With ``insist`` and keys, it has to be encrypted."""
    hooks.add()
    return sealed(open_store(url), insist=insist)


def sql_store(url: str, *, may_be_new: bool = False) -> SqlStore:
    """Return the store of a URL, not opened. It has to be an existing SQL database."""
    store = store_of_url(url) if may_be_new else _there(store_of_url(url))
    if not isinstance(store, SqlStore):
        msg = f"{url.partition('://')[0]}:// is not an SQL database, so it has no views, migrations or vacuum"
        raise PersistError(msg)
    return store


def _there(store: Store) -> Store:
    if isinstance(store, SqlStore):
        store.look_for()
    return store


@contextlib.asynccontextmanager
async def opened(url: str, *, new: bool = False) -> AsyncGenerator[Store]:
    """Open the store of a URL for writing. Its database has to exist, so that a typo does not create one.

    Parameters
    ----------
    url
        The URL.
    new
        Whether to fill it: then it need not exist, and has to be encrypted if there are keys.
    """
    store = store_of_url(url, insist=True) if new else _there(store_of_url(url))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def looked_into(url: str) -> AsyncGenerator[Store]:
    """Open the store of a URL for reading: this neither creates nor migrates a database."""
    store = store_of_url(url)
    await getattr(store, "open_to_read", store.open)()
    try:
        yield store
    finally:
        await store.close()


@contextlib.contextmanager
def progress(what: str, totals: Mapping[str, int], *, as_json: bool) -> Generator[Seen]:
    """Show progress in a terminal. Nothing of it remains at the end."""
    total = sum(totals.values())
    with growing(what, as_json=as_json) as seen:
        yield lambda name, more: seen(name, more, total)


@contextlib.contextmanager
def growing(what: str, *, as_json: bool) -> Generator[Growing]:
    """Show the progress of work whose total may grow, in a terminal."""
    where = rich.console.Console(stderr=True)
    columns = (*rich.progress.Progress.get_default_columns(), rich.progress.MofNCompleteColumn())
    hidden = as_json or not where.is_terminal
    with rich.progress.Progress(*columns, console=where, disable=hidden, transient=True) as bar:
        task = bar.add_task(what, total=None)

        def seen(name: str, more: int, total: int) -> None:
            bar.update(task, advance=more, total=total or None, description=f"{what} {name}")

        yield seen
