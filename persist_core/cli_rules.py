"""``persist apply-rules`` and ``persist policy``: rules from a file, applied to a database or put into words."""

from __future__ import annotations

import contextlib
import datetime
import pathlib
import typing
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence

import hikari
import typer

from . import copying
from .admission import Admission
from .applying import Place, applied, learned
from .changes import Change
from .cli_app import URL, Json, app
from .cli_output import ask, opened, progress, said
from .columns import moment
from .copying import Seen
from .entities import OWN_USER
from .gauges import Gauges
from .joining import whole
from .model import Decoder, Entity, Key, Record
from .policy import policy_of
from .reading import decoder_of
from .rules import Rules
from .spi import Page, Select, Store

__all__ = ("apply_rules", "policy")

File = typing.Annotated[pathlib.Path, typer.Option("--rules", metavar="FILE", help="A file such as persist.toml.")]
_MOST_KEYS: typing.Final = 1000


@app.command("apply-rules")
def apply_rules(
    url: URL,
    *,
    rules: File = pathlib.Path("persist.toml"),
    dry_run: typing.Annotated[bool, typer.Option("--dry-run", help="Only count what would be removed.")] = False,
    as_json: Json = False,
) -> None:
    """Remove what the rules do not keep. A bot with the same rules can keep running meanwhile."""
    ask(_apply_rules(url, rules, dry_run=dry_run, as_json=as_json), as_json=as_json)


async def _apply_rules(url: str, file: pathlib.Path, *, dry_run: bool, as_json: bool) -> bool:
    rules = Rules.load(file)
    async with opened(url) as store, _place(store) as (place, decoder):
        admission = Admission(rules, Gauges(), lambda: decoder)
        await learned(admission, store)
        looked_at = [entity.name for entity in await copying.kinds(store) if admission.concerns(entity)]
        totals = {name: await copying.count(store, name) for name in looked_at}
        with progress("Looking at", totals, as_json=as_json) as seen:
            found = await applied(_watched(place, seen), admission, dry_run=dry_run)
    rows = [
        {"kind": kind, "seen": seen, "forgotten": found.forgotten.get(kind, 0), "trimmed": found.trimmed.get(kind, 0)}
        for kind, seen in found.seen.items()
        if seen
    ]
    said({"applied": rows, "done": not dry_run}, rows, as_json=as_json)
    return True


def _watched(place: Place, seen: Seen) -> Place:
    """Return a place that reports how many records have been read from it."""

    async def read(query: Select) -> Page:
        page = await place.read(query)
        seen(query.entity.name, len(page.records))
        return page

    return place._replace(read=read)


@app.command()
def policy(*, rules: File = pathlib.Path("persist.toml"), as_json: Json = False) -> None:
    """Explain what the rules keep and for how long, as Discord asks when it reviews privileged intents."""
    ask(_policy(rules, as_json=as_json), as_json=as_json)


async def _policy(file: pathlib.Path, *, as_json: bool) -> bool:
    found = policy_of(Rules.load(file), is_encrypted=None)
    said(found.as_dict() if as_json else {"What is kept": f"\n\n{found}"}, as_json=as_json)
    return True


@contextlib.asynccontextmanager
async def _place(store: Store) -> AsyncGenerator[tuple[Place, Decoder]]:
    known = (await store.select(Select(OWN_USER, limit=1, want="keys"))).records
    me = int(known[0].key[0]) if known else 0

    async def parts(entity: Entity[typing.Any], keys: Iterable[Key]) -> Mapping[Key, Record]:
        asked, found = tuple(keys), dict[Key, Record]()
        for start in range(0, len(asked), _MOST_KEYS):
            page = await store.select(Select(entity, keys=asked[start : start + _MOST_KEYS]))
            found |= {record.key: record for record in page.records}
        return found

    async def completed(records: Sequence[Record]) -> Sequence[Record]:
        return await whole(records, parts)

    async def write(changes: Sequence[Change]) -> None:
        await store.apply(changes)

    rest = hikari.RESTApp()
    await rest.start()
    try:
        async with rest.acquire() as client:
            decoder = decoder_of(client, me)
            yield Place(store.select, completed, write, lambda: moment(datetime.datetime.now(datetime.UTC))), decoder
    finally:
        await rest.close()
