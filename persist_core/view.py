"""Reading one kind."""

from __future__ import annotations

import datetime
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence

import hikari

from . import filters
from .completeness import confirms
from .conditions import Conditional
from .errors import QueryError
from .found import Entry, Found, Place, Running, Source, entry_of
from .given_ids import other_kind
from .model import Entity, Key, Record
from .reader import Reader
from .searching import searching
from .spi import Page, Select

__all__ = ("Entry", "Found", "Many", "Source", "View", "code_part", "each", "key_part")

T = typing.TypeVar("T")


class Many(list[T]):
    """A list of objects in the order in which they were requested.

    Attributes
    ----------
    missing
        The requested ids that the cache does not know.
    """

    missing: tuple[int | str, ...]

    def __init__(self, items: Iterable[T], missing: tuple[int | str, ...]) -> None:
        super().__init__(items)
        self.missing = missing


class View(typing.Generic[T]):
    """Everything of one kind that a cache remembers.

    Each view has ``find(**filters)`` and ``count(**filters)``. A filter is the name of a column with a value, a
    collection of values, ``None`` for unset, or a condition such as ``persist.contains("x")``. All filters must match;
    without any, everything does. A column that holds an id can be named without ``_id``, and takes any object with an
    id. Members and bans can also be found by the columns of their users, and voice states by those of their members.

    Every kind also has the filters ``updated`` and ``first_seen`` (when it was last changed, and first stored),
    ``source`` (``"gateway"``, ``"chunk"`` or ``"rest"``), ``verified`` (whether a running gateway session has confirmed
    it) and ``max_age`` (seconds or a `datetime.timedelta`: only what was changed or listed since then).

    A call with an unknown column or a value of the wrong type raises :class:`~persist.QueryError` at once.

    Parameters
    ----------
    source
        Returns the reader that answers, once the cache is open.
    running
        Returns the running gateway sessions.
    """

    entity: Entity[T]

    def __init__(self, source: Source, running: Running) -> None:
        self._source = source
        self._running = running

    def __repr__(self) -> str:
        return f"<the {self.entity.name} of a cache>"

    async def _get(self, key: Key, max_age: float | datetime.timedelta | None = None) -> T | None:
        reader = await self._source()
        if max_age is not None and not await self._is_young(reader, key, filters.seconds_of(max_age)):
            return None
        return await reader.get(self.entity, key)

    async def _is_young(self, reader: Reader, key: Key, seconds: float) -> bool:
        record = await reader.record(self.entity, key, metadata=True, as_stored=True)
        return record is not None and reader.is_recent(await reader.told(record), seconds)

    async def _entry(self, key: Key) -> Entry[T] | None:
        reader = await self._source()
        record = await reader.record(self.entity, key, metadata=True, as_stored=True)
        if record is None:
            return None
        (record,) = await reader.whole((record,))
        return entry_of(reader, record, verified=await self._is_verified(reader, record))

    async def _is_verified(self, reader: Reader, record: Record) -> bool:
        running = self._running()
        if record.origin.epoch in running:
            return True
        if record.guild_id is None or not running:
            return False
        # Objects that a session lists unchanged are not written again.
        note = await reader.note(self.entity, record.guild_id)
        return note is not None and confirms(note, record, running)

    async def _many(self, keys: Sequence[Key]) -> Many[T]:
        reader = await self._source()
        made = await reader.get_many(self.entity, dict.fromkeys(keys))
        items = [made[key] for key in keys if key in made]
        return Many(items, tuple(key[-1] for key in keys if key not in made))

    def _find(self, wanted: Mapping[str, typing.Any], *also: Conditional) -> Found[T]:
        where, learned = filters.where(self.entity, wanted, of_parts=True)
        query = Select(self.entity, where=(*where, *also))
        return Found(query, self._source, self._running, self._made, learned)

    def _search(self, question: str, limit: int | None, wanted: Mapping[str, typing.Any]) -> Found[T]:
        search = searching(self.entity, question)
        where, learned = filters.where(self.entity, wanted, of_parts=True)
        query = Select(self.entity, where=where, order=search.order)
        found = Found(query, self._source, self._running, self._made, learned, search)
        return found if limit is None else found.limit(limit)

    async def _made(self, reader: Reader, page: Page, place: Place) -> Iterator[T]:
        return await reader.things(self.entity, page, again=place.few)


_IDS: typing.Final = (int, hikari.Unique)


def key_part(value: object, what: str) -> int:
    """Return the id in an argument.

    Raises
    ------
    persist.QueryError
        If it has none.
    """
    if isinstance(value, _IDS) and not isinstance(value, bool):
        if not isinstance(value, int) and (other := other_kind(type(value), what)) is not None:
            msg = f"{what} must be an id or an object that has one, but a {type(value).__name__} is {other}"
            raise QueryError(msg)
        snowflake = int(value)
        if 0 <= snowflake < filters.TOO_GREAT:
            return snowflake
    way_out = f"; write hikari.Snowflake({value!r})" if isinstance(value, str) and value.isdecimal() else ""
    msg = f"{what} must be an id or an object that has one, not {value!r}{way_out}"
    raise QueryError(msg)


def code_part(invite: object) -> str:
    """Return the code in an argument.

    Raises
    ------
    persist.QueryError
        If it has none.
    """
    code = invite if isinstance(invite, str) else getattr(invite, "code", None)
    if isinstance(code, str) and filters.is_unicode(code):
        return code
    msg = f"an invite must be a code or an object that has one, not {invite!r}"
    raise QueryError(msg)


def each(values: Iterable[T]) -> Iterable[T]:
    """Return the items of an argument.

    Raises
    ------
    persist.QueryError
        If it is not a collection.
    """
    if isinstance(values, Iterable) and not isinstance(values, str | bytes):
        return values
    msg = f"get_many takes a list or another collection, not {values!r}"
    raise QueryError(msg)
