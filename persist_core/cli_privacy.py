"""``persist erase``, ``forgive``, ``export-user`` and ``receipt``: the requests that users may make."""

from __future__ import annotations

import asyncio
import enum
import pathlib
import sys
import typing

import orjson
import typer

from .cli_app import URL, Json, app
from .cli_output import ask, console, failed, opened, progress, said
from .erasing import alone
from .errors import PersistError
from .exporting import exported
from .receipts import Receipt
from .view import key_part

__all__ = ("erase", "export_user", "forgive", "receipt")


class _What(enum.StrEnum):
    user = "user"
    guild = "guild"


What = typing.Annotated[_What, typer.Argument(help="Whose id it is.")]
Id = typing.Annotated[int, typer.Argument(metavar="ID", help="The id of the user or the guild.")]


@app.command()
def erase(
    url: URL,
    what: What,
    snowflake: Id,
    *,
    yes: typing.Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    as_json: Json = False,
) -> None:
    """Erase everything about a user or a guild for good, and print a receipt. A bot can keep running meanwhile."""
    if sys.stdin.isatty() and not (yes or as_json):
        typer.confirm(f"Erase everything about the {what} {snowflake} for good?", abort=True)
    ask(_erase(url, what, snowflake, as_json=as_json), as_json=as_json)


async def _erase(url: str, what: _What, snowflake: int, *, as_json: bool) -> bool:
    key_part(snowflake, f"the {what}")
    async with opened(url) as store, alone(store) as eraser:
        with progress("Erasing", {}, as_json=as_json):
            made = await eraser.erase(what.value, snowflake)
    said(made.as_dict(), as_json=as_json)
    if not (made.erased or made.anonymised or as_json):
        told = f"Nothing about the {what} {snowflake} was stored. Nothing will be; persist forgive undoes that."
        console().print(told, highlight=False, soft_wrap=True)
    return True


@app.command()
def forgive(url: URL, what: What, snowflake: Id, *, as_json: Json = False) -> None:
    """Allow an erased user or guild to be stored again, from what Discord sends from now on."""
    ask(_forgive(url, what, snowflake, as_json=as_json), as_json=as_json)


async def _forgive(url: str, what: _What, snowflake: int, *, as_json: bool) -> bool:
    key_part(snowflake, f"the {what}")
    async with opened(url) as store, alone(store) as eraser:
        forgiven = await eraser.forgive(what.value, snowflake)
    said({"forgiven": forgiven}, as_json=as_json)
    return True


@app.command()
def export_user(
    url: URL,
    user: typing.Annotated[int, typer.Argument(metavar="ID", help="The id of the user.")],
    path: typing.Annotated[pathlib.Path, typer.Argument(metavar="FILE", help="The file to write, such as 1234.jsonl.")],
    *,
    as_json: Json = False,
) -> None:
    """Export everything stored about a user as JSON Lines, with a summary in words in a second file."""
    ask(_export(url, user, path, as_json=as_json), as_json=as_json)


async def _export(url: str, user: int, path: pathlib.Path, *, as_json: bool) -> bool:
    key_part(user, "the user")
    async with opened(url) as store:
        with progress("Looking for the user", {}, as_json=as_json):
            made = await exported(store, user, path)
    found = {"path": str(made.path), "summary": str(made.summary), "own": dict(made.own), "named": dict(made.named)}
    said(found, as_json=as_json)
    return True


@app.command()
def receipt(
    url: URL,
    path: typing.Annotated[pathlib.Path, typer.Argument(metavar="FILE", help="The output of `persist erase --json`.")],
    *,
    as_json: Json = False,
) -> None:
    """Check that a receipt was made on this database and is unaltered."""
    ask(_receipt(url, path, as_json=as_json), as_json=as_json)


async def _receipt(url: str, path: pathlib.Path, *, as_json: bool) -> bool:
    try:
        shown = Receipt.from_dict(orjson.loads(await asyncio.to_thread(path.read_bytes)))
    except (OSError, orjson.JSONDecodeError) as error:
        msg = f"{str(path)!r} cannot be read as a receipt: {error}"
        raise PersistError(msg) from error
    async with opened(url) as store, alone(store) as eraser:
        genuine = await eraser.verify(shown)
    if not genuine:
        failed("this receipt was not made on this database, or was changed", as_json=as_json)
        return False
    said({"genuine": True}, as_json=as_json)
    return True
