"""``persist stats``, ``show`` and ``find``: what is stored, with or without a running bot."""

from __future__ import annotations

import json
import sys
import typing

import rich.bar
import rich.filesize
import rich.json
import rich.table
import typer

from . import cli_filters, filter_names, filters, inventory
from .cli_app import LOOK, URL, Json, app
from .cli_output import ask, console, entity_named, failed, looked_into, progress, said, shown, table
from .entities import ENTITIES
from .errors import PersistError
from .inventory import Held
from .model import Entity, Key, Record
from .spi import Answers, Order, Select
from .view import key_part

__all__ = ("find", "show", "stats")

AnyEntity = Entity[typing.Any]
Kind = typing.Annotated[str, typer.Argument(help="A kind, such as messages.")]
Place = typing.Annotated[str, typer.Option("--url", envvar="PERSIST_URL", help="A database.")]
_PAGE: typing.Final = 500
_WIDE, _CHART, _ROOMY = 60, 100, 120


@app.command(rich_help_panel=LOOK)
def stats(
    url: URL,
    *,
    plot: typing.Annotated[bool, typer.Option("--plot", help="Draw a chart of the size of each kind.")] = False,
    as_json: Json = False,
) -> None:
    """Show how much of each kind is stored, how old it is, and for how many guilds it is complete."""
    ask(_stats(url, plot=plot, as_json=as_json), as_json=as_json)


async def _stats(url: str, *, plot: bool, as_json: bool) -> bool:
    async with looked_into(url) as store:
        with progress("Counting", dict.fromkeys(ENTITIES, 1), as_json=as_json) as seen:
            found = await inventory.held(store, seen)
    if as_json:
        said({held.kind: {**held._asdict(), "guilds": dict(held.guilds)} for held in found}, as_json=True)
        return True
    there = [held for held in found if held.records]
    if not there:
        console().print("Nothing is stored yet.")
    elif plot:
        console().print(_plot(there))
    else:
        console().print(table([_row(held) for held in there]))
        total = rich.filesize.decimal(sum(held.size for held in there))
        number = sum(held.records for held in there)
        console().print(f"{number:,} records, {total} of payloads; {len(found) - len(there)} other kinds are empty.")
    return True


def _row(held: Held) -> dict[str, object]:
    whole, total = held.guilds.get("complete", 0), sum(held.guilds.values())
    return {
        "kind": held.kind,
        "records": held.records,
        "size": rich.filesize.decimal(held.size),
        "first_seen": (held.oldest or "")[:16],
        "last_updated": (held.newest or "")[:16],
        "complete_in": f"{whole:,} of {total:,} guilds" if total else "",
    }


def _plot(found: list[Held]) -> rich.table.Table:
    drawn = rich.table.Table.grid("", "", "", "", padding=(0, 1))
    drawn.width = min(console().width, _CHART)
    drawn.columns[1].justify = drawn.columns[3].justify = "right"
    drawn.columns[2].ratio = 1
    most = max(held.size for held in found)
    for held in sorted(found, key=lambda held: -held.size):
        bar = rich.bar.Bar(size=max(most, 1), begin=0, end=held.size, color="magenta")
        drawn.add_row(held.kind, f"{held.records:,}", bar, rich.filesize.decimal(held.size))
    return drawn


@app.command(rich_help_panel=LOOK)
def show(
    kind: Kind,
    key: typing.Annotated[
        list[str], typer.Argument(metavar="ID...", help="Its id; for a member, the guild and the user.")
    ],
    *,
    url: Place,
    as_json: Json = False,
) -> None:
    """Show one record as Discord sent it, and when."""
    ask(_show(kind, key, url, as_json=as_json), as_json=as_json)


async def _show(kind: str, parts: list[str], url: str, *, as_json: bool) -> bool:
    entity = entity_named(kind)
    key = _key(entity, parts)
    async with looked_into(url) as store:
        page = await store.select(Select(entity, keys=(key,), metadata=True))
    if page.corrupt:
        failed(f"the record {kind} {' '.join(parts)} cannot be read: {page.corrupt[0][1]}", as_json=as_json)
        return False
    if not page.records:
        failed(f"there is no record {kind} {' '.join(parts)}", as_json=as_json)
        return False
    found = _spelled(page.records[0])
    if as_json:
        said(found, as_json=True)
        return True
    payload = found.pop("payload")
    beside = {name: str(value) for name, value in found.items() if value is not None}
    console().print(table([{kind: name, "": value} for name, value in beside.items()]))
    console().print(rich.json.JSON(json.dumps(payload)))
    return True


def _key(entity: AnyEntity, parts: list[str]) -> Key:
    numbers = [name for name, kind_of in entity.key.items() if kind_of != "text"]
    if len(parts) != len(entity.key) or not all(
        part.isdecimal() for name, part in zip(entity.key, parts, strict=True) if name in numbers
    ):
        msg = f"the key of {entity.name} is {', '.join(entity.key)}, not {' '.join(parts)!r}"
        raise PersistError(msg)
    key = zip(entity.key, parts, strict=True)
    return tuple(key_part(int(part), f"the {name}") if name in numbers else part for name, part in key)


def _spelled(record: Record) -> dict[str, typing.Any]:
    return {
        **dict(zip(record.entity.key, record.key, strict=True)),
        "guild_id": record.guild_id,
        "first_seen": record.first_seen,
        "last_updated": record.origin.at,
        "revision": record.revision,
        "source": record.origin.source,
        "shard": record.origin.shard,
        "payload": dict(record.payload),
    }


@app.command(rich_help_panel=LOOK)
def find(
    kind: Kind,
    filters_: typing.Annotated[list[str] | None, typer.Argument(metavar="[FILTER]...", help=cli_filters.HELP)] = None,
    *,
    url: Place,
    order_by: typing.Annotated[str | None, typer.Option(help="A column; -column for descending order.")] = None,
    limit: typing.Annotated[int, typer.Option(min=1, help="The maximum number of results.")] = 20,
    columns: typing.Annotated[str | None, typer.Option(help="The columns to show, separated by commas.")] = None,
    count: typing.Annotated[bool, typer.Option("--count", help="Only print how many there are.")] = False,
    as_json: typing.Annotated[bool, typer.Option("--json", help="Print one line of JSON each, for programs.")] = False,
) -> None:
    """Find records with the same filters as in code: persist find messages channel=123 'content~red panda'."""
    query = (filters_ or [], order_by, limit, columns)
    ask(_find(kind, query, url, count=count, as_json=as_json), as_json=as_json)


Query = tuple[list[str], str | None, int, str | None]


async def _find(kind: str, query: Query, url: str, *, count: bool, as_json: bool) -> bool:
    entity = entity_named(kind)
    words, order_by, limit, columns = query
    where, learned = filters.where(entity, cli_filters.wanted(entity, words), of_parts=True)
    if learned.verified:
        msg = "no gateway session runs here, so nothing is verified; use this filter in the code of the running bot"
        raise PersistError(msg)
    order = () if order_by is None else (_order(entity, order_by),)
    asked = Select(entity, where=where, order=order, metadata=True)
    shown_columns = _columns(entity, columns)
    async with looked_into(url) as store:
        if count:
            page = await store.select(Select(entity, where=where, want="count"))
            said({"count": page.count}, as_json=as_json)
            return True
        records = await _found(store, asked, limit)
    if as_json:
        sys.stdout.writelines(json.dumps(_spelled(record)) + "\n" for record in records)
    elif not records:
        console().print(f"No {kind} match.")
    else:
        console().print(table([{name: _cell(record, name) for name in shown_columns} for record in records]))
    return True


def _order(entity: AnyEntity, name: str) -> Order:
    return Order(filter_names.column_named(entity, name.removeprefix("-"), to_be="sorted"), name.startswith("-"))


async def _found(store: Answers, query: Select, limit: int) -> list[Record]:
    records: list[Record] = []
    after = None
    while len(records) < limit:
        size = min(_PAGE, limit - len(records))
        page = await store.select(
            Select(query.entity, where=query.where, order=query.order, after=after, limit=size, metadata=True)
        )
        records += page.records
        after = page.after
        if after is None:
            break
    return records


def _columns(entity: AnyEntity, asked: str | None) -> list[str]:
    if asked is not None:
        return [filter_names.column_named(entity, name.strip()) for name in asked.split(",")]
    beside = ["guild_id"] if entity.in_guild and "guild_id" not in entity.key else []
    some = [*beside, *list(entity.columns)[:5]]
    if console().width < _ROOMY:
        some = [name for name in some if entity.kind_of(name) == "text"] or some[:2]
    return [*entity.key, *some, "last_updated"]


def _cell(record: Record, name: str) -> object:
    value = record.column(name)
    if record.entity.kind_of(name) == "time":
        return str(value or "")[:16]
    text = shown(value, name if record.entity.kind_of(name) != "snowflake" else "id")
    return text if len(text) <= _WIDE else f"{text[: _WIDE - 1]}…"
