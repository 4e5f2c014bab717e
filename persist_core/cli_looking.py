"""``persist stats`` and ``persist show``: what is remembered."""

from __future__ import annotations

import typing

import typer

from . import copying
from .cli_app import URL, Json, app
from .cli_output import ask, failed, opened, said
from .entities import ENTITIES
from .errors import PersistError
from .model import Key
from .spi import Select

__all__ = ("show", "stats")


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
