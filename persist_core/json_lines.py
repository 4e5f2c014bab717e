"""Exports everything, or all of a guild, as lines of JSON, and imports them again.

The first line names the format, each other line is a record with its history, and the last line counts them, so that a
truncated file is recognized.
"""

from __future__ import annotations

import collections
import datetime
import enum
import importlib.metadata
import typing
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence

import orjson

from . import copying
from .changes import Put
from .columns import moment
from .entities import GUILDS, OWN_USER
from .errors import PersistError
from .gauges import Gauges
from .merging import Merge
from .model import Entity, Key, Record
from .record_lines import record_of, spelled
from .spi import Answers, Page, Select, Store
from .suppression import Suppressions

__all__ = ("Imported", "Way", "check", "exported", "imported")

_FORMAT: typing.Final = 1
_PAGE: typing.Final = 1000
AnyEntity = Entity[typing.Any]
Seen = Callable[[str, int], None]


async def exported(
    source: Answers,
    kinds: Sequence[AnyEntity],
    seen: Seen,
    guild_id: int | None = None,
    *,
    unreadable: collections.Counter[str],
) -> AsyncIterator[bytes]:
    """Yield the lines.

    Parameters
    ----------
    source
        A store, or a snapshot of one.
    kinds
        The kinds that it has.
    seen
        Called with the progress.
    guild_id
        The guild to export, with its members' users; by default everything.
    unreadable
        Counts the records that cannot be read and are left out.

    Raises
    ------
    persist.PersistError
        If the guild is not stored.
    """
    version = importlib.metadata.version("hikari-persist")
    at = moment(datetime.datetime.now(datetime.UTC))
    yield _line({"hikari-persist": version, "format": _FORMAT, "at": at, "guild_id": guild_id})
    count = 0
    pages = _all(source, kinds) if guild_id is None else _of_guild(source, kinds, guild_id)
    async for record in _readable(pages, unreadable):
        yield _line(spelled(record))
        seen(record.entity.name, 1)
        count += 1
    yield _line({"records": count})


_Page = tuple[AnyEntity, Page]


async def _readable(pages: AsyncIterator[_Page], unreadable: collections.Counter[str]) -> AsyncIterator[Record]:
    async for entity, page in pages:
        unreadable[entity.name] += len(page.corrupt)
        for record in page.records:
            yield record


async def _all(source: Answers, kinds: Sequence[AnyEntity]) -> AsyncIterator[_Page]:
    for entity in kinds:
        async for page in copying.pages(source, entity):
            yield entity, page


async def _of_guild(source: Answers, kinds: Sequence[AnyEntity], guild_id: int) -> AsyncIterator[_Page]:
    found = await source.select(Select(GUILDS, keys=((guild_id,),), metadata=True))
    if not (found.records or found.corrupt):
        msg = f"there is no guild {guild_id}; `persist find guilds` lists those that are stored"
        raise PersistError(msg)
    yield GUILDS, found
    parts: dict[AnyEntity, set[Key]] = {}
    for entity in (each for each in kinds if not each.is_shared):
        async for page in copying.pages(source, entity, guild_id=guild_id):
            yield entity, page
            for join in (join for join in entity.joins.values() if not join.entity.in_guild):
                keys = {tuple(record.column(name) for name in join.on) for record in page.records}
                keys -= parts.setdefault(join.entity, set())
                parts[join.entity] |= keys
                asked = tuple(keys)
                for start in range(0, len(asked), _PAGE):
                    query = Select(join.entity, keys=asked[start : start + _PAGE], metadata=True)
                    yield join.entity, await source.select(query)


class Imported(typing.NamedTuple):
    """The result of an import."""

    stored: int
    left_out: int
    """How many records were not stored because they are about erased users or guilds; zero if the target was empty."""


class Way(enum.Enum):
    """What the target of an import may hold."""

    FILL = enum.auto()
    """Nothing."""

    RESUME = enum.auto()
    """Part of the same lines."""

    MERGE = enum.auto()
    """Other data."""


def check(lines: Iterable[bytes]) -> set[int]:
    """Check that lines are a complete export by :func:`exported`, and return the bots whose data it is.

    Raises
    ------
    persist.PersistError
        If they are not.
    """
    return {int(record.key[0]) for record in _records(lines) if record.entity is OWN_USER}


async def imported(
    target: Store,
    lines: Iterable[bytes],
    seen: Seen,
    way: Way = Way.FILL,
    *,
    read: Callable[[Record], object] = bool,
) -> Imported:
    """Store the records in the lines, without those about erased users and guilds if the target has any.

    Parameters
    ----------
    target
        The store to write to. It is open.
    lines
        The lines, as :func:`exported` makes them.
    seen
        Called with the progress.
    way
        What the target may hold. Records that are newer in the target stay as they are. When merging, what the target
        claims to know completely, and of which it then has records from both, is marked as stale; and whoever was
        erased where the lines come from is erased in the target when a bot next uses it.
    read
        Called with each record in the lines.

    Raises
    ------
    persist.PersistError
        If the lines are invalid or incomplete, or of another bot than the target. Everything before the invalid line
        is stored.
    """
    suppressions = Suppressions(Gauges())
    merging = None if way is Way.FILL else Merge(target, resumes=way is Way.RESUME)
    if merging is not None:
        await suppressions.load(target.select)
    stored = left_out = 0
    for records in _pages(lines):
        for record in records:
            read(record)
        wanted = [Put(record) for record in (records if merging is None else await merging.newer(records))]
        admitted = suppressions.admitted(wanted)
        if admitted:
            await copying.persistently(target, admitted if merging is None else merging.changes(admitted))
        stored += len(admitted)
        left_out += len(wanted) - len(admitted)
        seen(records[0].entity.name, len(records))
    if merging is not None:
        await merging.review()
    return Imported(stored, left_out)


def _pages(lines: Iterable[bytes]) -> Iterator[list[Record]]:
    page: list[Record] = []
    for record in _records(lines):
        if page and (len(page) == _PAGE or page[0].entity is not record.entity):
            yield page
            page = []
        page.append(record)
    if page:
        yield page


def _records(lines: Iterable[bytes]) -> Iterator[Record]:
    head, count, numbered = False, 0, enumerate(lines, 1)
    for number, line in numbered:
        said = _read(line, number)
        if not head:
            _check_head(said)
            head = True
        elif "kind" in said:
            count += 1
            yield record_of(said, number)
        elif said.get("records") == count:
            _read_to_the_end(numbered)
            return
        else:
            msg = f"{count:,} records were read, but the last line says {said.get('records')!r}; export again"
            raise PersistError(msg)
    msg = f"the file ends after {count:,} records without a last line: it is truncated; export again"
    raise PersistError(msg)


def _read_to_the_end(numbered: Iterable[tuple[int, bytes]]) -> None:
    """See to it that nothing follows the last line; a compressed file verifies its checksum at its end, too."""
    for number, line in numbered:
        if line.strip():
            msg = f"line {number} follows the last line of an export; are these several files in one? Import each alone"
            raise PersistError(msg)


def _read(line: bytes, number: int) -> Mapping[str, typing.Any]:
    try:
        said = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        msg = f"line {number} is not JSON ({error}); is the file from `persist export`?"
        raise PersistError(msg) from error
    if not isinstance(said, dict):
        msg = f"line {number} is not a JSON object; is the file from `persist export`?"
        raise PersistError(msg)
    return typing.cast("Mapping[str, typing.Any]", said)


def _check_head(said: Mapping[str, typing.Any]) -> None:
    if "hikari-persist" not in said:
        msg = "the first line does not name hikari-persist; is the file from `persist export`?"
        raise PersistError(msg)
    if said.get("format") != _FORMAT:
        msg = (
            f"the file has the format {said.get('format')!r}, from hikari-persist {said['hikari-persist']}, but this "
            f"version reads {_FORMAT}; upgrade hikari-persist"
        )
        raise PersistError(msg)


def _line(said: Mapping[str, typing.Any]) -> bytes:
    return orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE)
