"""How much a store holds of each kind: records, bytes, age, and for how many guilds it is complete."""

from __future__ import annotations

import collections
import typing
from collections.abc import Callable, Mapping

import orjson

from . import copying
from .entities import COMPLETENESS, ENTITIES, GUILDS
from .model import Entity, Record
from .spi import Store
from .sql import SqlStore

__all__ = ("Held", "held")

AnyEntity = Entity[typing.Any]


class Held(typing.NamedTuple):
    """What a store holds of one kind."""

    kind: str
    records: int
    size: int
    """The size of the payloads in bytes; columns and indexes are not counted."""

    oldest: str | None
    """When the oldest record was first stored, in ISO 8601, in UTC."""

    newest: str | None
    """When a record was last changed."""

    guilds: Mapping[str, int]
    """How many guilds are in each state: ``complete``, ``partial``, ``stale``, ``unknown``."""


async def held(store: Store, seen: Callable[[str, int], None]) -> list[Held]:
    """Return what a store holds, kind by kind.

    Parameters
    ----------
    store
        The store. It is open.
    seen
        Called with each kind once it has been counted.
    """
    states: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    there = await copying.kinds(store)
    async for page in copying.pages(store, COMPLETENESS):
        for record in page.records:
            states[str(record.payload["kind"])][str(record.payload["state"])] += 1
    guilds = await copying.count(store, GUILDS.name)
    found = []
    for name, entity in ENTITIES.items():
        count = _asked if isinstance(store, SqlStore) else _read
        records, size, oldest, newest = await count(store, entity) if entity in there else (0, 0, None, None)
        known = states[name] if entity.in_guild and entity is not COMPLETENESS else collections.Counter[str]()
        if known or (entity.in_guild and records and entity is not COMPLETENESS):
            known["unknown"] += max(0, guilds - known.total())
        found.append(Held(name, records, size, oldest, newest, {state: n for state, n in known.items() if n}))
        seen(name, 1)
    return found


Counts = tuple[int, int, str | None, str | None]


async def _asked(store: typing.Any, entity: AnyEntity) -> Counts:
    """Let the database count."""
    dialect = store.dialect
    load = {kind: dialect.load.get(kind, "{}") for kind in ("document", "time")}
    size = dialect.octets.format(load["document"].format(dialect.quote("payload")))
    moments = (f"{end}({dialect.quote(column)})" for end, column in (("MIN", "first_seen"), ("MAX", "last_updated")))
    times = ", ".join(load["time"].format(moment) for moment in moments)
    sql = f"SELECT COUNT(*), COALESCE(SUM({size}), 0), {times} FROM {dialect.quote(entity.name)}"
    ((records, octets, oldest, newest),) = await store.query(sql)
    return int(records), int(octets), oldest and str(oldest), newest and str(newest)


async def _read(store: typing.Any, entity: AnyEntity) -> Counts:
    """Read everything, for stores that cannot count."""
    records = size = 0
    oldest: str | None = None
    newest: str | None = None
    async for page in copying.pages(store, entity):
        for record in page.records:
            records += 1
            size += len(orjson.dumps(record.payload))
            first, last = _moments(record)
            oldest, newest = min(oldest or first, first), max(newest or last, last)
    return records, size, oldest, newest


def _moments(record: Record) -> tuple[str, str]:
    return record.first_seen or record.origin.at, record.origin.at
