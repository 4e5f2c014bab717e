"""Everything, or all of a guild, as lines of JSON; and back.

The first line says what it is, each other line is a record with its history, and the last line counts them: a file
that was cut off is not taken for a whole one.
"""

from __future__ import annotations

import collections
import datetime
import importlib.metadata
import typing
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence

import orjson

from . import copying
from .changes import Put
from .columns import moment
from .entities import GUILDS
from .errors import PersistError
from .gauges import Gauges
from .merging import Merge
from .model import Entity, Key, Record
from .record_lines import record_of, spelled
from .spi import Answers, Page, Select, Store
from .suppression import Suppressions

__all__ = ("Imported", "check", "exported", "imported")

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
        What is asked: a store, or a store as it was at one moment.
    kinds
        The kinds that it has.
    seen
        Hears how it goes on.
    guild_id
        The guild of which everything is wanted, with its members' users; all guilds if this is left out.
    unreadable
        Where is counted what cannot be read, and is left out.

    Raises
    ------
    persist.PersistError
        If nothing is known of the guild.
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
    """What became of the lines of a file."""

    stored: int
    left_out: int
    """How many records were not stored because they are of who was erased, where the target may hold something."""


def check(lines: Iterable[bytes]) -> None:
    """See to it that lines are what :func:`exported` makes, and all of it.

    Raises
    ------
    persist.PersistError
        If they are not.
    """
    for _ in _records(lines):
        pass


async def imported(
    target: Store,
    lines: Iterable[bytes],
    seen: Seen,
    *,
    merge: bool = False,
    read: Callable[[Record], object] = bool,
) -> Imported:
    """Store what the lines say, but for what the target knows to have been erased.

    Parameters
    ----------
    target
        Where it goes. It is open.
    lines
        What :func:`exported` has made.
    seen
        Hears how it goes on.
    merge
        Whether the target may hold something. What it knows of later than the lines do stays as it is; what it claimed
        to know completely, of which it now has records of both, is marked as stale.
    read
        Hears of each record that the lines have.

    Raises
    ------
    persist.PersistError
        If these are not such lines, or not all of them. What was before the bad one is stored.
    """
    suppressions = Suppressions(Gauges())
    merging = Merge(target) if merge else None
    if merge:
        await suppressions.load(target.select)
    stored = left_out = 0
    for records in _pages(lines):
        for record in records:
            read(record)
        wanted = [Put(record) for record in (records if merging is None else await merging.newer(records))]
        admitted = suppressions.admitted(wanted)
        if admitted:
            await copying.persistently(target, admitted)
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
