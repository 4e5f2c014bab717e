"""The results of ``find``: an iterator that reads page by page, and that can sort, limit, count and delete."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import functools
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence

import hikari

from . import filter_names, filters
from .columns import instant
from .conditions import Conditional, Not, matches
from .errors import QueryError
from .model import Entity, Payload, Record
from .reader import Reader
from .searching import Search
from .spi import Order, Page, Select

__all__ = ("Entry", "Found", "Made", "Place", "Running", "Source", "entry_of")

T = typing.TypeVar("T")
Source = Callable[[], typing.Awaitable[Reader]]
"""Returns the reader that answers, once the cache is open."""

Running = Callable[[], frozenset[int]]
"""Returns the running gateway sessions."""

Made = Callable[[Reader, Page, "Place"], Awaitable[Iterator[T]]]
"""Turns a page into results, one by one."""

_PAGE: typing.Final = 200
_ALL: typing.Final = Search()
_WHENEVER: typing.Final = filters.Learned()


@dataclasses.dataclass(frozen=True, slots=True)
class Entry(typing.Generic[T]):
    """An object with its payload, and how and when the cache learned it.

    Attributes
    ----------
    value
        The hikari object; ``None`` if this version of hikari cannot make one.
    payload
        The payload as Discord sent it.
    first_seen, last_updated
        When it was first stored and last changed, in UTC. ``first_seen`` is ``None`` until it is stored.
    revision
        How many versions of it have been stored.
    source
        ``gateway``, ``chunk`` or ``rest``.
    shard
        The shard that sent it last.
    verified
        Whether a running gateway session has sent it changed or new, or in a complete list; otherwise it is carried
        over from an earlier session. What arrives unchanged outside such a list may stay unverified.
    """

    value: T | None
    payload: Payload
    first_seen: datetime.datetime | None
    last_updated: datetime.datetime
    revision: int
    source: str
    shard: int | None
    verified: bool


def entry_of(reader: Reader, record: Record, *, verified: bool) -> Entry[typing.Any]:
    """Return the entry of a complete record that was read with its metadata."""
    origin = record.origin
    return Entry(
        reader.decoded(record.entity, record),
        record.payload,
        None if record.first_seen is None else instant(record.first_seen),
        instant(origin.at),
        record.revision,
        origin.source,
        origin.shard,
        verified,
    )


class Found(hikari.LazyIterator[T]):
    """The results of a query, read page by page while you iterate.

    It is a `hikari.LazyIterator`: await it for a list, or use ``async for``. Each method returns a new one, and each
    ``await`` or ``async for`` runs the query again. Everything that the cache received before the first step is
    included; what is written during iteration makes no result appear twice or go missing, unless it changes a column
    that the results are sorted by, which moves them. Of tasks that share one iterator, as in ``anext(iterator)``, each
    result goes to one.

    Parameters
    ----------
    query
        The query.
    source, running
        As for a view.
    make
        Turns records into results.
    learned
        How the results must have been learned.
    search
        What to search for, if anything.
    """

    __slots__ = ("_learned", "_make", "_query", "_reading", "_running", "_search", "_source")

    def __init__(
        self,
        query: Select,
        source: Source,
        running: Running,
        make: Made[T],
        learned: filters.Learned = _WHENEVER,
        search: Search = _ALL,
    ) -> None:
        self._query = query
        self._source = source
        self._running = running
        self._make = make
        self._learned = learned
        self._search = search
        self._reading: _Reading[T] | None = None

    def __repr__(self) -> str:
        return f"<{self._query.entity.name} to be found: await it, or use async for>"

    def __bool__(self) -> bool:
        msg = "results that are not awaited are neither true nor false; write `if await found.exists()` or await them"
        raise QueryError(msg)

    @property
    def entity(self) -> Entity[typing.Any]:
        """The kind of the results."""
        return self._query.entity

    def _asking(self, search: Search, **changes: typing.Any) -> Found[T]:
        query = self._query._replace(**changes)
        return Found(query, self._source, self._running, self._make, self._learned, search)

    def order_by(self, *columns: str) -> Found[T]:
        """Sort by columns, the first one first; ``-`` before a name sorts in descending order.

        Unset values come first, or last in descending order. By default, results are sorted by id, and search results
        by how well they match.

        Raises
        ------
        persist.QueryError
            If a name is not a column.
        """
        for name in columns:
            if not isinstance(name, str):
                msg = f"order_by takes names of columns, not {name!r}"
                raise QueryError(msg)
        entity = self._query.entity
        order = tuple(
            Order(filter_names.column_named(entity, name.removeprefix("-"), to_be="sorted"), name.startswith("-"))
            for name in columns
        )
        return self._asking(self._search.unranked, order=order)

    def limit(self, limit: int) -> Found[T]:
        """Return at most ``limit`` results.

        Raises
        ------
        persist.QueryError
            If it is not a whole number above zero.
        """
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            msg = f"a limit must be a whole number above zero, not {limit!r}"
            raise QueryError(msg)
        limit = limit if self._query.limit is None else min(limit, self._query.limit)
        return self._asking(self._search, limit=limit)

    def entries(self) -> Found[Entry[T]]:
        """Return the same results as entries, with their payloads and metadata.

        This includes records that hikari cannot make an object of; their ``value`` is ``None``.
        """
        query = self._query._replace(metadata=True)
        return Found(query, self._source, self._running, _entries, self._learned, self._search)

    async def count(self) -> int:
        """Return how many results there are, without reading them."""
        reader, query, _ = await self._begun()
        where = (*query.where, *self._search.where)
        query = query._replace(want="count", limit=None, order=(), where=where)
        count = (await reader.page(query)).count
        return count if self._query.limit is None else min(count, self._query.limit)

    async def exists(self) -> bool:
        """Return whether there is any result."""
        first = self._asking(self._search.unranked, limit=1)
        return any([bool(some) async for some in first._keys()])  # noqa: SLF001 - of the same class

    async def ids(self) -> list[hikari.Snowflake]:
        """Return the ids of all results; for members, presences and voice states the ids of their users.

        Raises
        ------
        persist.QueryError
            If the kind has no ids, such as invites.
        """
        if list(self._query.entity.key.values())[-1] != "snowflake":
            msg = f"{self._query.entity.name} have no ids; iterate over them instead"
            raise QueryError(msg)
        return [hikari.Snowflake(typing.cast("int", one.key[-1])) async for some in self._keys() for one in some]

    async def delete(self) -> int:
        """Forget all results and what belongs to them, such as what is in a channel, or a user's memberships.

        Nothing is deleted on Discord, and Discord may send them again. Their kind no longer counts as complete in the
        guilds concerned.

        Returns
        -------
        int
            How many results there were. What belonged to them is not counted.

        Raises
        ------
        persist.QueryError
            If the cache is read-only.
        """
        reader = await self._source()
        reader.check_forgets()
        count = 0
        async for records in self._keys():
            guilds = {record.guild_id for record in records if record.guild_id is not None}
            reader.forget(self._query.entity, [record.key for record in records], guilds)
            count += len(records)
        return count

    async def _begun(self) -> tuple[Reader, Select, Conditional | None]:
        """Return the reader once it is up to date, the complete query, and the condition for being verified."""
        reader = await self._source()
        await reader.barrier()
        query, (verified, max_age) = self._query, self._learned
        also: list[Conditional] = []
        said: Conditional | None = None
        if verified is not None or query.metadata:
            said = await reader.said(query.entity, self._running())
            also += [] if verified is None else [said if verified else Not(said)]
        if max_age is not None:
            also.append(await reader.told_recently(query.entity, max_age))
        return reader, query._replace(where=(*query.where, *also)), said

    def _ranked(self, query: Select) -> Sequence[Select]:
        """Return the queries that find what is searched for, the best rank first."""
        ranks = self._search.ranks or (self._search.where,)
        return [query._replace(where=(*query.where, *rank)) for rank in ranks]

    async def _keys(self) -> AsyncIterator[Sequence[Record]]:
        """Yield records with nothing but their keys and guilds, page by page."""
        reader, query, _ = await self._begun()
        left = self._ranked(query._replace(want="keys", metadata=False))
        while left:
            page, left = await _next(reader, left)
            yield page.records

    async def _first(self) -> Place:
        _, query, said = await self._begun()
        few = query.limit is not None and query.limit <= _PAGE
        return Place(self._ranked(query._replace(whole=bool(query.entity.joins), lazily=True)), said, few)

    async def _page(self, place: Place) -> tuple[Iterator[T], Place]:
        reader = await self._source()
        page, left = await _next(reader, place.left)
        return await self._make(reader, page, place), place._replace(left=left)

    def __aiter__(self) -> hikari.LazyIterator[T]:
        return _Reading(self._first, self._page)

    def __await__(self) -> Generator[None, None, Sequence[T]]:
        return aiter(self).__await__()

    async def __anext__(self) -> T:
        if self._reading is None:
            self._reading = _Reading(self._first, self._page)
        return await anext(self._reading)


class Place(typing.NamedTuple):
    """How far an iteration has come."""

    left: Sequence[Select]
    """The queries for what follows."""

    said: Conditional | None
    """The condition for a record to be verified, if that is needed."""

    few: bool
    """Whether these are few results, as of a query that may be repeated."""


class _Reading(hikari.LazyIterator[T]):
    """One pass over the results; some of hikari's iterators ask once more after the end."""

    __slots__ = ("_buffer", "_first", "_page", "_place", "_turn")

    def __init__(
        self,
        first: Callable[[], Awaitable[Place]],
        page: Callable[[Place], Awaitable[tuple[Iterator[T], Place]]],
    ) -> None:
        self._first = first
        self._page = page
        self._place: Place | None = None
        self._buffer: Iterator[T] = iter(())
        self._turn = asyncio.Lock()

    async def __anext__(self) -> T:
        for item in self._buffer:
            return item
        async with self._turn:  # tasks may share one pass, and each page is read once
            while True:
                for item in self._buffer:
                    return item
                if self._place is None:
                    self._place = await self._first()
                elif not self._place.left:
                    raise StopAsyncIteration
                self._buffer, self._place = await self._page(self._place)

    def __await__(self) -> Generator[None, None, Sequence[T]]:
        return self._rest().__await__()

    async def _rest(self) -> Sequence[T]:
        """Return everything that is left. This takes page by page, where ``async for`` takes one by one."""
        async with self._turn:
            found = list(self._buffer)
            while self._place is None or self._place.left:
                self._buffer, self._place = await self._page(self._place or await self._first())
                found.extend(self._buffer)
        return found


def _beginning(method: Callable[..., typing.Any]) -> Callable[..., typing.Any]:
    """Return a method of lazy iterators that starts a new pass each time."""

    @functools.wraps(method)
    def begins(self: Found[typing.Any], *args: typing.Any, **kwargs: typing.Any) -> typing.Any:
        return method(aiter(self), *args, **kwargs)

    return begins


for _name, _method in vars(hikari.LazyIterator).items():
    if not _name.startswith("_") and _name not in (*vars(Found), "next"):  # that goes on where the last one was
        setattr(Found, _name, _beginning(_method))


async def _entries(reader: Reader, page: Page, place: Place) -> Iterator[Entry[typing.Any]]:
    records, said = await reader.whole_page(page), place.said
    return (
        entry_of(reader, record, verified=said is not None and bool(matches((said,), record.column)))
        for record in records
    )


async def _next(reader: Reader, left: Sequence[Select]) -> tuple[Page, Sequence[Select]]:
    """Return one page of the first of some queries, and the queries for what follows it."""
    query, *others = left
    size = _PAGE if query.limit is None else min(_PAGE, query.limit)
    page = await reader.page(query._replace(limit=size))
    if page.after is not None:
        others.insert(0, query._replace(after=page.after))
    if query.limit is None:
        return page, others
    passed = len(page.records) + len(page.corrupt) if page.wholes is None else page.count
    limit = query.limit - passed
    return page, [other._replace(limit=limit) for other in others] if limit > 0 else ()
