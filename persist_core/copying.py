"""Copies everything in one store to another, and verifies the result."""

from __future__ import annotations

import asyncio
import hashlib
import typing
from collections.abc import AsyncIterator, Callable, Collection, Sequence

import orjson

from .changes import Change, Put
from .conditions import Condition
from .entities import ENTITIES, OWN_USER
from .errors import BackendError, PersistError
from .model import Entity, Record
from .spi import Answers, Cursor, Order, Page, Select, Store
from .sql import SqlStore

__all__ = (
    "Seen",
    "Summary",
    "Tally",
    "bots",
    "copied",
    "count",
    "kinds",
    "pages",
    "persistently",
    "refuse_full",
    "refuse_others",
    "refuse_same",
    "summary",
)

_PAGE: typing.Final = 1000
_ATTEMPTS: typing.Final = 8

AnyEntity = Entity[typing.Any]
Seen = Callable[[str, int], None]
"""Called with a kind, and the number of its records that have just been processed."""


class Summary(typing.NamedTuple):
    """The content of a store for one kind."""

    records: int
    checksum: str
    """The same for the same records with the same history, in any order."""

    unreadable: int


class Tally:
    """Adds up the records of one kind.

    Attributes
    ----------
    unreadable
        How many more there are that cannot be read.
    """

    def __init__(self) -> None:
        self._records = self._total = 0
        self.unreadable: int = 0

    def add(self, record: Record) -> None:
        """Add a record, with its history."""
        self._records += 1
        self._total += int.from_bytes(_digest(record))

    def summary(self) -> Summary:
        """Return the summary of what was added."""
        return Summary(self._records, f"{self._total % 2**128:032x}", self.unreadable)


async def copied(source: Store, target: Store, seen: Seen, *, resume: bool = False) -> None:
    """Copy everything, page by page in key order.

    Parameters
    ----------
    source, target
        The source and the target. Both are open.
    seen
        Receives the progress.
    resume
        Whether to continue after the last record that an interrupted copy has written; the target is empty if not.

    Raises
    ------
    persist.PersistError
        If one of the databases fails, or the target belongs to another bot.
    """
    await refuse_others(target, await bots(source))
    for name, entity in ENTITIES.items():
        after = await _last(target, entity) if resume else None
        if after is not None:
            seen(name, await count(target, name))
        async for page in pages(source, entity, after):
            await persistently(target, [Put(record) for record in page.records])
            seen(name, len(page.records))


async def kinds(store: Store) -> list[AnyEntity]:
    """Return the kinds that an open store has; a read-only store may be older than the kinds known now."""
    if not isinstance(store, SqlStore):
        return list(ENTITIES.values())
    there = {row[0] for row in await store.query(store.dialect.list_tables)}
    return [entity for name, entity in ENTITIES.items() if name in there]


async def refuse_full(target: Store, otherwise: str) -> None:
    """Raise an error if a database that is to be filled is not empty.

    Parameters
    ----------
    target
        The database. It is open.
    otherwise
        The alternative to suggest in the message.

    Raises
    ------
    persist.PersistError
        If the database is not empty.
    """
    if there := {name: number for name in ENTITIES if (number := await count(target, name))}:
        held = ", ".join(f"{number:,} {name}" for name, number in there.items())
        msg = f"the target already holds {held}; name an empty database, or {otherwise}"
        raise PersistError(msg)


async def bots(store: Answers) -> set[int]:
    """Return the bots whose data a store has; none if it has never had a bot."""
    return {int(record.key[0]) for record in (await store.select(Select(OWN_USER, want="keys"))).records}


async def refuse_others(target: Store, theirs: Collection[int]) -> None:
    """Raise an error if what is to be added to a database is another bot's: each would remove the other's guilds.

    Parameters
    ----------
    target
        The database. It is open.
    theirs
        The bots whose data is to be added.

    Raises
    ------
    persist.PersistError
        If the database belongs to another bot.
    """
    ours = await bots(target)
    if ours and theirs and ours.isdisjoint(theirs):
        owner, other = (", ".join(map(str, sorted(some))) for some in (ours, theirs))
        msg = f"the target belongs to the bot {owner}, and this data to the bot {other}; name another database"
        raise PersistError(msg)


def refuse_same(source: Store, target: Store) -> None:
    """Raise an error if two stores are the same database, whatever it was called."""
    place = getattr(source, "place", None)
    if place is not None and place == getattr(target, "place", None):
        msg = "the source and the target are the same database; name another one to write to"
        raise PersistError(msg)


async def summary(store: Answers, name: str, seen: Seen) -> Summary:
    """Read all records of one kind, and return a summary to compare with another store's."""
    tally = Tally()
    async for page in pages(store, ENTITIES[name]):
        for record in page.records:
            tally.add(record)
        tally.unreadable += len(page.corrupt)
        seen(name, len(page.records))
    return tally.summary()


async def count(store: Answers, name: str, guild_id: int | None = None) -> int:
    """Return how many records of a kind there are, or belong to a guild."""
    return (await store.select(_scope(ENTITIES[name], guild_id)._replace(want="count"))).count


def _scope(entity: AnyEntity, guild_id: int | None) -> Select:
    """Return the question for all records of a kind, or for those that belong to a guild."""
    if guild_id is None or entity.in_guild:
        return Select(entity, guild_id=guild_id)
    return Select(entity, where=(Condition("guild_id", "equals", guild_id),))


async def _last(store: Store, entity: AnyEntity) -> tuple[typing.Any, ...] | None:
    order = tuple(Order(name, descending=True) for name in entity.key)
    page = await store.select(Select(entity, order=order, limit=1, want="keys"))
    return page.records[0].key if page.records else None


async def pages(
    store: Answers, entity: AnyEntity, after: Cursor | None = None, guild_id: int | None = None
) -> AsyncIterator[Page]:
    """Yield all records of a kind, with their history, in key order: after a key, or of one guild."""
    while True:
        query = _scope(entity, guild_id)
        page = await store.select(query._replace(after=after, limit=_PAGE, metadata=True))
        yield page
        after = page.after
        if after is None:
            return


async def persistently(store: Store, changes: Sequence[Change]) -> None:
    """Apply changes, and retry while the database reports temporary errors."""
    for attempt in range(_ATTEMPTS):
        try:
            await store.apply(changes)
        except BackendError as error:
            if not error.temporary or attempt == _ATTEMPTS - 1:
                raise
            await asyncio.sleep(0.1 * 2**attempt)
        else:
            return


def _digest(record: Record) -> bytes:
    parts = [
        record.entity.name,
        record.key,
        record.guild_id,
        record.payload,
        tuple(record.origin),
        record.first_seen,
        record.revision,
    ]
    return hashlib.blake2b(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
