"""Exporting everything stored about a user, as JSON Lines and in words."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import os
import pathlib
import typing
from collections.abc import AsyncIterator, Mapping

import orjson

from .entities import ENTITIES
from .erasing import pages
from .errors import PersistError
from .files import completed, part_of
from .model import Record
from .scrubbing import DELETED_USER, scrubbed
from .spi import Store
from .suppression import is_own

__all__ = ("Export", "exported")


@dataclasses.dataclass(frozen=True, slots=True)
class Export:
    """The files written for a user, and what is in them.

    Attributes
    ----------
    path
        The JSON Lines file: one object per record of the user's own, with its payload, and one per record of others
        that names the user, without its payload.
    summary
        The summary in words, in a file next to it that ends in ``.txt``.
    own, named
        How many records are the user's own, and how many of others name the user, by kind.
    """

    path: pathlib.Path
    summary: pathlib.Path
    own: Mapping[str, int]
    named: Mapping[str, int]


async def exported(store: Store, user: int, path: str | os.PathLike[str]) -> Export:
    """Write everything that a store has about a user.

    Parameters
    ----------
    store
        The store. It is open and up to date.
    user
        The id of the user.
    path
        The file to write. An existing file is replaced once everything is written, unless it is an SQLite database.

    Raises
    ------
    persist.PersistError
        If it cannot be written.
    """
    target = pathlib.Path(path)
    summary = target.parent / f"{target.name}.txt"
    counts = {"own": collections.Counter[str](), "named": collections.Counter[str]()}
    try:
        await _written(target, _lines(store, user, counts))
        export = Export(target, summary, +counts["own"], +counts["named"])
        await _written(summary, _words(user, export))
    except OSError as error:
        msg = f"the export cannot be written: {error}; name a file in an existing folder that you can write to"
        raise PersistError(msg) from error
    return export


async def _written(file: pathlib.Path, pieces: AsyncIterator[bytes]) -> None:
    """Write a file, which appears, or replaces an earlier one, once it is complete."""
    part = await asyncio.to_thread(part_of, file)
    try:
        with await asyncio.to_thread(part.open, "wb") as out:
            async for piece in pieces:
                await asyncio.to_thread(out.write, piece)
        await asyncio.to_thread(completed, part, file)
    finally:
        await asyncio.to_thread(part.unlink, missing_ok=True)


async def _lines(store: Store, user: int, counts: Mapping[str, collections.Counter[str]]) -> AsyncIterator[bytes]:
    for entity in ENTITIES.values():
        async for page in pages(store, entity, metadata=True):
            yield b"".join(line for record in page.records if (line := _line(record, user, counts)) is not None)


def _line(record: Record, user: int, counts: Mapping[str, collections.Counter[str]]) -> bytes | None:
    said: dict[str, typing.Any] = {"kind": record.entity.name, "key": record.key, "guild_id": record.guild_id}
    if is_own(record.entity, record.key, record.guild_id, record.payload, lambda *asked: asked == ("user", user)):
        counts["own"][record.entity.name] += 1
        said |= {"relation": "own", "payload": record.payload, "source": record.origin.source}
    elif scrubbed(record.payload, {str(user): DELETED_USER}.get) is not record.payload:
        # What others wrote is theirs, and is not given to this user.
        counts["named"][record.entity.name] += 1
        said |= {"relation": "named"}
    else:
        return None
    said |= {"first_seen": record.first_seen, "last_updated": record.origin.at}
    return orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE)


async def _words(user: int, export: Export) -> AsyncIterator[bytes]:
    lines = [f"What is stored about the Discord user {user}", ""]
    for title, counts in (("Your own", export.own), ("By others, naming you", export.named)):
        lines.append(f"{title}: {sum(counts.values()):,}")
        lines += [f"  {counts[name]:,} {name}: {ENTITIES[name].about}" for name in counts]
        lines.append("")
    lines.append(f"Each of them is a line of {export.path.name}; times are in UTC.")
    yield "".join(f"{line}\n" for line in lines).encode()
