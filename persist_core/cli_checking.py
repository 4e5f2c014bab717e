"""``persist verify``, ``vacuum`` and ``doctor``: what is wrong, and what to do about it."""

from __future__ import annotations

import contextlib
import logging
import os
import pathlib
import typing
from collections.abc import AsyncGenerator, AsyncIterator

import hikari
import rich.filesize
import rich.table
import rich.text
import typer

from . import copying, doctor, verifying
from .cli_app import CARE, URL, Json, app
from .cli_output import ask, console, looked_into, progress, said, sql_store, store_of_url, table
from .doctor import Check
from .entities import ENTITIES
from .errors import PersistError
from .rules import Rules
from .verifying import Difference, Finding

__all__ = ("examine", "vacuum", "verify")

_TOKEN, _API = "DISCORD_TOKEN", "DISCORD_API"


@contextlib.asynccontextmanager
async def _rest(token: str | None) -> AsyncGenerator[hikari.api.RESTClient]:
    """Yield a REST client; without a token it can only make objects."""
    logging.getLogger("hikari").addHandler(logging.NullHandler())  # we report its errors ourselves
    rest_app = hikari.RESTApp(url=os.environ.get(_API), max_retries=1)
    await rest_app.start()
    try:
        async with rest_app.acquire(token, "Bot") if token else rest_app.acquire() as client:
            yield client
    finally:
        await rest_app.close()


@app.command(rich_help_panel=CARE)
def verify(
    url: URL,
    *,
    sample: typing.Annotated[
        int, typer.Option(min=1, help="How many members to compare with Discord, if DISCORD_TOKEN is set.")
    ] = 30,
    as_json: Json = False,
) -> None:
    """Look for damage, unreadable records, orphans, and differences from Discord.

    The comparison with Discord needs a bot's token in DISCORD_TOKEN. It requests the roles, the channels and some
    members of up to three guilds.
    """
    ask(_verify(url, sample, as_json=as_json), as_json=as_json)


async def _verify(url: str, sample: int, *, as_json: bool) -> bool:
    token = os.environ.get(_TOKEN)
    drift: list[Difference] | None = None
    async with looked_into(url) as store, _rest(token) as rest:
        totals = {kind.name: await copying.count(store, kind.name) for kind in await copying.kinds(store)}
        with progress("Reading", totals, as_json=as_json) as seen:
            found = [finding async for finding in verifying.findings(store, rest, seen)]
        if token:
            with progress("Asking Discord", {}, as_json=as_json):
                drift = await _drift(verifying.differences(store, rest, sample))
    _say_verified(sum(totals.values()), found, drift, as_json=as_json)
    return not drift and not any(finding.is_error for finding in found)


async def _drift(differences: AsyncIterator[Difference]) -> list[Difference]:
    try:
        return [difference async for difference in differences]
    except hikari.UnauthorizedError:
        msg = f"Discord rejects this token; copy it from the developer portal into {_TOKEN} again"
        raise PersistError(msg) from None
    except hikari.HikariError as error:
        msg = f"the request to Discord failed: {error}"
        raise PersistError(msg) from error


def _say_verified(number: int, found: list[Finding], drift: list[Difference] | None, *, as_json: bool) -> None:
    rows: list[dict[str, object]] = [
        {
            "": "✗" if finding.is_error else "·",
            "kind": finding.kind or "(database)",
            "what": finding.what,
            "number": finding.number or None,
            "for_example": ", ".join(finding.examples),
        }
        for finding in found
    ]
    if as_json:
        compared = None if drift is None else [difference._asdict() for difference in drift]
        said({"records": number, "findings": [finding._asdict() for finding in found], "drift": compared}, as_json=True)
        return
    for each in (rows, [difference._asdict() for difference in drift or ()]):
        if each:
            console().print(table(each))
    for what, way_out in {finding.what: finding.way_out for finding in found}.items():
        console().print(f"{what}: {way_out}", markup=False, highlight=False)
    console().print(f"{number:,} records were read. {'' if rows else 'Nothing is wrong with them. '}", end="")
    if drift is None:
        console().print(f"They were not compared with Discord: set {_TOKEN} for that.")
    else:
        console().print(f"{len(drift) or 'No'} difference{'s' * (len(drift) != 1)} from Discord found.")


@app.command(rich_help_panel=CARE)
def vacuum(
    url: URL,
    *,
    full: typing.Annotated[
        bool,
        typer.Option("--full", help="Rewrite all tables, so that nothing erased is left in their files."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Free the space of deleted records. Bots can keep running; their writes wait meanwhile."""
    ask(_vacuum(url, full=full, as_json=as_json), as_json=as_json)


async def _vacuum(url: str, *, full: bool, as_json: bool) -> bool:
    store = sql_store(url)
    await store.open_to_read()
    try:
        before = int((await store.query(store.dialect.size))[0][0] or 0) if store.dialect.size else 0
        with progress("Vacuuming", {}, as_json=as_json):
            await store.vacuum(full=full)
        after = int((await store.query(store.dialect.size))[0][0] or 0) if store.dialect.size else 0
    finally:
        await store.close()
    if as_json:
        said({"bytes_before": before, "bytes_after": after}, as_json=True)
    else:
        sizes = f"{rich.filesize.decimal(before)} before, {rich.filesize.decimal(after)} after"
        console().print(sizes if before else "Done.", highlight=False)
    return True


@app.command("doctor", rich_help_panel=CARE)
def examine(
    url: URL,
    *,
    intents: typing.Annotated[
        str | None, typer.Option(help="The bot's, as in ALL_UNPRIVILEGED,GUILD_MEMBERS; default: those in the portal.")
    ] = None,
    rules: typing.Annotated[
        pathlib.Path | None, typer.Option(metavar="FILE", help="The bot's rules, a file such as persist.toml.")
    ] = None,
    off: typing.Annotated[str, typer.Option(help="The kinds that rules in code turn off, separated by commas.")] = "",
    as_json: Json = False,
) -> None:
    """Check Python, hikari, the driver, the database, its rights and keys, the disk, and intents against rules.

    With DISCORD_TOKEN set, it asks Discord which intents the developer portal allows the bot.
    """
    ask(_doctor(url, intents, rules, frozenset(filter(None, off.split(","))), as_json=as_json), as_json=as_json)


async def _doctor(
    url: str, intents: str | None, file: pathlib.Path | None, off: frozenset[str], *, as_json: bool
) -> bool:
    if unknown := off - ENTITIES.keys():
        msg = f"there is no kind {', '.join(map(repr, sorted(unknown)))}; there are: {', '.join(ENTITIES)}"
        raise PersistError(msg)
    checks = [*doctor.around(url), *doctor.of_file(url), *doctor.of_environment()]
    rules = None
    if file is not None:
        rules, of_rules = doctor.of_rules(file)
        checks.append(of_rules)
    if not any(check.what in ("folder", "file", "encryption") for check in checks):  # asking would make a file
        try:
            checks += [check async for check in doctor.of_store(store_of_url(url, insist=True))]
        except PersistError as error:
            checks.append(Check("database", "wrong", str(error)))
    checks += [check async for check in _of_bot(intents, off, rules)]
    fine = all(check.state != "wrong" for check in checks)
    if as_json:
        said({"fine": fine, "checks": [check._asdict() for check in checks]}, as_json=True)
        return fine
    console().print(_findings(checks))
    wrong = sum(check.state == "wrong" for check in checks)
    look = sum(check.state == "look" for check in checks)
    console().print(f"{wrong} wrong, {look} to look at, {len(checks) - wrong - look} fine.")
    return fine


async def _of_bot(intents: str | None, off: frozenset[str], rules: Rules | None) -> AsyncIterator[Check]:
    if intents is not None:
        for check in doctor.of_intents(_intents(intents), off, rules):
            yield check
    elif (token := os.environ.get(_TOKEN)) is not None:
        try:
            async with _rest(token) as rest:
                application = await rest.fetch_application()
        except hikari.UnauthorizedError:
            yield Check("token", "wrong", "Discord rejects it", f"copy it from the portal into {_TOKEN} again")
        except hikari.HikariError as error:
            yield Check("token", "look", f"the request to Discord failed: {error}")
        else:
            yield Check("token", "fine", f"of {application.name}")
            given = hikari.Intents.ALL_UNPRIVILEGED | doctor.of_application(application.flags)
            for check in doctor.of_intents(given, off, rules):
                yield check
    else:
        for check in doctor.of_contradictions(rules) if rules is not None else ():
            yield check
        yield Check("intents", "fine", f"not checked: name them with --intents, or set {_TOKEN}")


def _intents(names: str) -> hikari.Intents:
    found = hikari.Intents.NONE
    for name in names.upper().split(","):
        if name.strip() not in hikari.Intents.__members__:
            msg = f"there is no intent {name!r}; there are: {', '.join(hikari.Intents.__members__)}"
            raise PersistError(msg)
        found |= hikari.Intents[name.strip()]
    return found


_MARKS: typing.Final = {"fine": "[green]✓[/]", "look": "[yellow]![/]", "wrong": "[red]✗[/]"}


def _findings(checks: list[Check]) -> rich.table.Table:
    drawn = rich.table.Table.grid("", "", "", padding=(0, 2, 0, 0))
    for check in checks:
        text = rich.text.Text(check.found)
        if check.way_out:
            text.append(f"\n→ {check.way_out}", style="bold")
        drawn.add_row(_MARKS[check.state], check.what, text)
    return drawn
