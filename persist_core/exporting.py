"""Everything that is remembered of a person, for whoever asks for it: as JSON Lines, and in words."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import os
import pathlib
import typing
from collections.abc import Mapping, Sequence

import orjson

from .entities import ENTITIES
from .erasing import pages
from .errors import PersistError
from .model import Record
from .scrubbing import DELETED_USER, scrubbed
from .spi import Store
from .suppression import is_own

__all__ = ("Export", "exported")


@dataclasses.dataclass(frozen=True, slots=True)
class Export:
    """What was written for a person.

    Attributes
    ----------
    path
        The JSON Lines: one object per thing that is the person's own, with all that Discord said of it, and one per
        thing of others that names the person, without what others said.
    summary
        The same in words, in a file beside it that ends in ``.txt``.
    own, named
        How many things were the person's own, and how many of others name the person, by kind.
    """

    path: pathlib.Path
    summary: pathlib.Path
    own: Mapping[str, int]
    named: Mapping[str, int]


async def exported(store: Store, user: int, path: str | os.PathLike[str]) -> Export:
    """Write all that a store keeps of a user.

    Parameters
    ----------
    store
        It is open, and has everything that is to be in the export.
    user
        The user.
    path
        The file to write. It is replaced if it is there.

    Raises
    ------
    persist.PersistError
        If it cannot be written.
    """
    target = pathlib.Path(path)
    summary = target.with_name(f"{target.name}.txt")
    counts = {"own": collections.Counter[str](), "named": collections.Counter[str]()}
    try:
        file = await asyncio.to_thread(target.open, "wb")
        try:
            for entity in ENTITIES.values():
                async for page in pages(store, entity, metadata=True):
                    lines = [line for record in page.records if (line := _line(record, user, counts)) is not None]
                    await asyncio.to_thread(file.write, b"".join(lines))
        finally:
            await asyncio.to_thread(file.close)
        export = Export(target, summary, +counts["own"], +counts["named"])
        await asyncio.to_thread(summary.write_text, "\n".join(_words(user, export)) + "\n", encoding="utf-8")
    except OSError as error:
        msg = f"the export cannot be written: {error}; name a file in a folder that is there, and may be written in"
        raise PersistError(msg) from error
    return export


def _line(record: Record, user: int, counts: Mapping[str, collections.Counter[str]]) -> bytes | None:
    said: dict[str, typing.Any] = {"kind": record.entity.name, "key": record.key, "guild_id": record.guild_id}
    if is_own(record.entity, record.key, record.guild_id, record.payload, lambda *asked: asked == ("user", user)):
        counts["own"][record.entity.name] += 1
        said |= {"relation": "own", "payload": record.payload, "source": record.origin.source}
    elif scrubbed(record.payload, {str(user): DELETED_USER}.get) is not record.payload:
        # What others said is theirs, and not for this person to be given.
        counts["named"][record.entity.name] += 1
        said |= {"relation": "named"}
    else:
        return None
    said |= {"first_seen": record.first_seen, "last_updated": record.origin.at}
    return orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE)


def _words(user: int, export: Export) -> Sequence[str]:
    lines = [f"What is remembered of the Discord user {user}", ""]
    for title, counts in (("Your own", export.own), ("Of others, naming you", export.named)):
        lines.append(f"{title}: {sum(counts.values()):,}")
        lines += [f"  {counts[name]:,} {name}: {ENTITIES[name].about}" for name in counts]
        lines.append("")
    lines.append(f"Every one of them is a line of {export.path.name}; times are UTC.")
    return lines
