"""What a question finds: an iterator that reads page by page, and can be narrowed, sorted, counted and forgotten."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence

import hikari

from . import filter_names, filters
from .columns import instant
from .conditions import Conditional, Not, matches
from .errors import QueryError
from .model import Entity, Payload, Record
from .reader import Reader
from .searching import Search
from .spi import Order, Page, Select

__all__ = ("Entry", "Found", "Made", "Running", "Source", "entry_of")

T = typing.TypeVar("T")
Source = Callable[[], typing.Awaitable[Reader]]
"""Returns what answers, once the cache is open."""

Running = Callable[[], frozenset[int]]
"""Returns the gateway sessions that are running."""

Made = Callable[[Reader, Iterable[Record], Conditional | None], Iterator[T]]
"""Makes of records what is given out, one after the other. Last comes when a record is verified."""

_PAGE: typing.Final = 200
_ALL: typing.Final = Search()
_WHENEVER: typing.Final = filters.Learned()


@dataclasses.dataclass(frozen=True, slots=True)
class Entry(typing.Generic[T]):
    """A thing, and what is known about knowing it.

    Attributes
    ----------
    value
        The hikari object; ``None`` if this hikari cannot make one.
    payload
        What Discord said, as it said it.
    first_seen, last_updated
        When it was first stored and last changed, in UTC. ``first_seen`` is ``None`` until it is stored.
    revision
        How many versions of it have been stored.
    source
        ``gateway``, ``chunk`` or ``rest``.
    shard
        The shard that told it last.
    verified
        Whether the gateway session that runs now has said it; otherwise it is carried over from an earlier one.
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
    """Return a whole record, which was read with its metadata, as an entry."""
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
    """The things that a question found, read page by page while you iterate.

    It is a `hikari.LazyIterator`: await it for a list, or use ``async for``. Each method returns a new one, and whoever
    begins anew, by another ``await`` or ``async for``, asks anew. What was seen before the first step is in the answer;
    what is written meanwhile neither repeats nor hides anything.

    Parameters
    ----------
    query
        What else they are found by.
    source, running
        As for a view.
    make
        Makes of records what is given out.
    learned
        How they were learned.
    search
        What they are searched for, where they are.
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

    @property
    def entity(self) -> Entity[typing.Any]:
        """The kind of thing that is asked for."""
        return self._query.entity

    def _asking(self, search: Search, **changes: typing.Any) -> Found[T]:
        query = self._query._replace(**changes)
        return Found(query, self._source, self._running, self._make, self._learned, search)

    def order_by(self, *columns: str) -> Found[T]:
        """Sort by columns, the first one first; ``-`` before a name sorts from the greatest down.

        What is unset comes first, and last when sorted down. Without this, things are sorted by their ids, and what was
        searched for by how well it fits.

        Raises
        ------
        persist.QueryError
            If a name is not a column.
        """
        for name in columns:
            if not isinstance(name, str):
                msg = f"things are sorted by names of columns, not by {name!r}"
                raise QueryError(msg)
        entity = self._query.entity
        order = tuple(
            Order(filter_names.column_named(entity, name.removeprefix("-"), to_be="sorted"), name.startswith("-"))
            for name in columns
        )
        return self._asking(self._search.unranked, order=order)

    def limit(self, limit: int) -> Found[T]:
        """Find no more than ``limit`` things.

        Raises
        ------
        persist.QueryError
            If it is not a whole number above nought.
        """
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            msg = f"a limit is a whole number above nought, not {limit!r}"
            raise QueryError(msg)
        limit = limit if self._query.limit is None else min(limit, self._query.limit)
        return self._asking(self._search, limit=limit)

    def entries(self) -> Found[Entry[T]]:
        """Find the same things with their payloads and what is known about knowing them.

        What hikari cannot make an object of is there too; its ``value`` is ``None``.
        """
        query = self._query._replace(metadata=True)
        return Found(query, self._source, self._running, _entries, self._learned, self._search)

    async def count(self) -> int:
        """Return how many there are, without reading them."""
        reader, query, _ = await self._begun()
        where = (*query.where, *self._search.where)
        query = query._replace(want="count", limit=None, order=(), where=where)
        count = (await reader.page(query)).count
        return count if self._query.limit is None else min(count, self._query.limit)

    async def exists(self) -> bool:
        """Return whether there is any."""
        first = self._asking(self._search.unranked, limit=1)
        return any([bool(some) async for some in first._keys()])  # noqa: SLF001 - one of this class

    async def ids(self) -> list[hikari.Snowflake]:
        """Return the ids of all of them: of users for members, presences and voice states.

        Raises
        ------
        persist.QueryError
            If what is found has no ids, as invites.
        """
        if list(self._query.entity.key.values())[-1] != "snowflake":
            msg = f"{self._query.entity.name} have no ids; iterate over them instead"
            raise QueryError(msg)
        return [hikari.Snowflake(typing.cast("int", one.key[-1])) async for some in self._keys() for one in some]

    async def delete(self) -> int:
        """Forget all of them, and what belongs to them: what is in a forgotten channel, say, or a user's memberships.

        Discord is not told, and may tell of them again. It is not known any more then whether that is all there is.

        Returns
        -------
        int
            How many were found. What belonged to them is not counted.

        Raises
        ------
        persist.QueryError
            If the cache only reads.
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
        """Return what answers, once it has all that was seen, the question with all its conditions, and what holds."""
        reader = await self._source()
        await reader.barrier()
        query, (verified, max_age) = self._query, self._learned
        also: list[Conditional] = []
        said: Conditional | None = None
        if verified is not None or query.metadata:
            said = await reader.said(query.entity, self._running())
            also += [] if verified is None else [said if verified else Not(said)]
        if max_age is not None:
            also.append(await reader.told_since(query.entity, reader.before_now(max_age)))
        return reader, query._replace(where=(*query.where, *also)), said

    def _ranked(self, query: Select) -> Sequence[Select]:
        """Return the questions that find what is searched for, those of a higher rank first."""
        ranks = self._search.ranks or (self._search.where,)
        return [query._replace(where=(*query.where, *rank)) for rank in ranks]

    async def _keys(self) -> AsyncIterator[Sequence[Record]]:
        """Yield records of which nothing is read but their keys and guilds, page by page."""
        reader, query, _ = await self._begun()
        left = self._ranked(query._replace(want="keys", metadata=False))
        while left:
            page, left = await _next(reader, left)
            yield page.records

    async def _first(self) -> _Place:
        _, query, said = await self._begun()
        return _Place(self._ranked(query._replace(whole=bool(query.entity.joins), lazily=True)), said)

    async def _page(self, place: _Place) -> tuple[Iterator[T], _Place]:
        reader = await self._source()
        page, left = await _next(reader, place.left)
        return self._make(reader, await reader.whole_page(page), place.said), place._replace(left=left)

    def __aiter__(self) -> hikari.LazyIterator[T]:
        return _Reading(self._first, self._page)

    async def __anext__(self) -> T:
        if self._reading is None:
            self._reading = _Reading(self._first, self._page)
        return await anext(self._reading)


class _Place(typing.NamedTuple):
    """How far somebody has read."""

    left: Sequence[Select]
    """The questions for what follows."""

    said: Conditional | None
    """When a record is verified, where that is asked."""


class _Reading(hikari.LazyIterator[T]):
    """What was found, given out once: some of hikari's iterators ask once more, to see that nothing is left."""

    __slots__ = ("_buffer", "_first", "_page", "_place")

    def __init__(
        self,
        first: Callable[[], Awaitable[_Place]],
        page: Callable[[_Place], Awaitable[tuple[Iterator[T], _Place]]],
    ) -> None:
        self._first = first
        self._page = page
        self._place: _Place | None = None
        self._buffer: Iterator[T] = iter(())

    async def __anext__(self) -> T:
        while True:
            for item in self._buffer:
                return item
            if self._place is None:
                self._place = await self._first()
            elif not self._place.left:
                raise StopAsyncIteration
            self._buffer, self._place = await self._page(self._place)


def _beginning(method: Callable[..., typing.Any]) -> Callable[..., typing.Any]:
    """Return a method of all lazy iterators that begins anew each time."""

    @functools.wraps(method)
    def begins(self: Found[typing.Any], *args: typing.Any, **kwargs: typing.Any) -> typing.Any:
        return method(aiter(self), *args, **kwargs)

    return begins


for _name, _method in vars(hikari.LazyIterator).items():
    if not _name.startswith("_") and _name not in (*vars(Found), "next"):  # that goes on where the last one was
        setattr(Found, _name, _beginning(_method))


def _entries(reader: Reader, records: Iterable[Record], said: Conditional | None) -> Iterator[Entry[typing.Any]]:
    for record in records:
        yield entry_of(reader, record, verified=said is not None and bool(matches((said,), record.column)))


async def _next(reader: Reader, left: Sequence[Select]) -> tuple[Page, Sequence[Select]]:
    """Return one page of the answer to the first of some questions, and the questions for what follows it."""
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
