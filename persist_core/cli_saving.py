"""``persist export``, ``import``, ``backup`` and ``restore``: everything stored, into a file and back."""

from __future__ import annotations

import collections
import contextlib
import pathlib
import shutil
import tempfile
import typing
from collections.abc import AsyncGenerator, Mapping

import typer

from . import copying, json_lines, verifying
from .cli_app import MOVE, URL, Json, app
from .cli_files import beside, lines_of, new, refuse_url, written
from .cli_output import ask, failed, left_out, looked_into, opened, progress, said, store_of_url
from .entities import ENTITIES
from .errors import PersistError
from .files import is_sqlite
from .locations import SQLiteBackend
from .spi import Answers, Store
from .sql import SqlStore

__all__ = ("backup", "export", "import_", "restore")

File = typing.Annotated[
    str, typer.Argument(metavar="FILE", help="A file; - for standard input or output; .gz to compress it.")
]
Guild = typing.Annotated[int | None, typer.Option(help="Only this guild, with the users of its members.")]
_PART: typing.Final = "the target holds a part; continue with persist {}"
_RESUME: typing.Final = "continue an interrupted restore with --resume"
Summaries = Mapping[str, copying.Summary]


@app.command(rich_help_panel=MOVE)
def export(url: URL, file: File, *, guild: Guild = None, as_json: Json = False) -> None:
    """Write everything, or all of a guild, as JSON Lines: a consistent snapshot, even while a bot writes."""
    ask(_export(url, file, guild, as_json=as_json), as_json=as_json)


async def _export(url: str, file: str, guild: int | None, *, as_json: bool) -> bool:
    async with looked_into(url) as store:
        number, is_whole = await _exported(store, file, guild, as_json=as_json)
    if file != "-":
        said({"file": file, "records": number}, as_json=as_json)
    return is_whole


async def _exported(store: Store, file: str, guild: int | None, *, as_json: bool) -> tuple[int, bool]:
    """Write an export, and return how many records it has, and whether these are all."""
    number = -2  # the first line and the last
    kinds, unreadable = await copying.kinds(store), collections.Counter[str]()
    with progress("Exporting", await _totals(store, guild), as_json=as_json) as seen, written(file) as out:
        async with _moment(store) as source:
            async for line in json_lines.exported(source, kinds, seen, guild, unreadable=unreadable):
                out.write(line)
                number += 1
    for name, many in unreadable.items():
        left_out(name, many, as_json=as_json)
    return number, not +unreadable


async def _totals(store: Store, guild: int | None) -> dict[str, int]:
    kinds = [kind.name for kind in await copying.kinds(store) if guild is None or not kind.is_shared]
    return {name: await copying.count(store, name, guild) for name in kinds}


@contextlib.asynccontextmanager
async def _moment(store: Store) -> AsyncGenerator[Answers]:
    if isinstance(store, SqlStore):
        async with store.snapshot() as source:
            yield source
    else:
        yield store


@app.command("import", rich_help_panel=MOVE)
def import_(
    file: File,
    url: URL,
    *,
    merge: typing.Annotated[
        bool, typer.Option("--merge", help="Import into a database that is not empty; newer records win.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Import the file of an export."""
    ask(_import(file, url, merge=merge, as_json=as_json), as_json=as_json, interrupted=_PART.format("import --merge"))


async def _import(file: str, url: str, *, merge: bool, as_json: bool) -> bool:
    bots = _check(file)
    with lines_of(file) as lines:
        async with opened(url, new=True) as store:
            await copying.refuse_others(store, bots)
            if not merge:
                await copying.refuse_full(store, "let newer records win with --merge")
            with progress("Importing", {}, as_json=as_json) as seen:
                way = json_lines.Way.MERGE if merge else json_lines.Way.FILL
                done = await json_lines.imported(store, lines, seen, way)
    said({"file": file, **done._asdict()} if done.left_out else {"file": file, "stored": done.stored}, as_json=as_json)
    return True


def _check(file: str) -> set[int]:
    """Check a file that can be read twice, so that nothing is stored from a truncated one, and return its bots."""
    refuse_url(file)
    if file == "-" or not pathlib.Path(file).is_file():
        return set()
    with lines_of(file) as lines:
        return json_lines.check(lines)


@app.command(rich_help_panel=MOVE)
def backup(url: URL, file: File, *, as_json: Json = False) -> None:
    """Back up everything as a consistent snapshot, even while a bot writes.

    The backup of an SQLite file is another SQLite file; that of a database on a server is a compressed export. persist
    restore takes both.
    """
    ask(_backup(url, file, as_json=as_json), as_json=as_json)


async def _backup(url: str, file: str, *, as_json: bool) -> bool:
    is_whole = True
    async with looked_into(url) as store:
        if isinstance(store, SqlStore) and store.is_a_file:
            await _copied(store, new(file), as_json=as_json)
        elif file.endswith(".gz"):
            _, is_whole = await _exported(store, str(new(file)), None, as_json=as_json)
        else:
            msg = f"the backup of a database on a server is a compressed export; name it {file}.jsonl.gz, for example"
            raise PersistError(msg)
    said({"file": file}, as_json=as_json)
    return is_whole


async def _copied(store: SqlStore, target: pathlib.Path, *, as_json: bool) -> None:
    with beside(target) as part, progress("Copying", {"pages": 100}, as_json=as_json) as seen:
        reached = 0

        def passed(done: int, total: int) -> None:
            nonlocal reached
            percent = 100 * done // max(total, 1)
            seen("pages", percent - reached)
            reached = percent

        try:
            await store.backup(part, passed)
        except PersistError as error:
            msg = f"the backup {str(target)!r} could not be made: {error}"
            raise PersistError(msg) from error


@app.command(rich_help_panel=MOVE)
def restore(
    file: File,
    url: URL,
    *,
    resume: typing.Annotated[bool, typer.Option("--resume", help="Resume a restore that was interrupted.")] = False,
    as_json: Json = False,
) -> None:
    """Restore a backup into an empty database on any backend, and compare the two."""
    work = _restore(file, url, resume=resume, as_json=as_json)
    ask(work, as_json=as_json, interrupted=_PART.format("restore --resume"))


Restored = tuple[Summaries, Summaries]
"""What a backup has, and what the database has now, by kind."""


async def _restore(file: str, url: str, *, resume: bool, as_json: bool) -> bool:
    work = _restored_file if is_sqlite(file) else _restored_lines
    saved, arrived = await work(file, url, resume=resume, as_json=as_json)
    rows = [
        {
            "kind": name,
            "saved": saved[name].records,
            "arrived": arrived[name].records,
            "same": _same(saved, arrived, name),
        }
        for name in ENTITIES
    ]
    same = all(row["same"] for row in rows)
    there = [row for row in rows if row["saved"]]
    said({"restored": rows if as_json or there else {}, "same": same}, there, as_json=as_json)
    if not same:
        failed("the restored data differs from the backup; did a bot write meanwhile?", as_json=as_json)
    return same and not any(summary.unreadable for summary in saved.values())


def _same(saved: Summaries, arrived: Summaries, name: str) -> bool:
    ours, theirs = saved[name], arrived[name]
    return (ours.records, ours.checksum) == (theirs.records, theirs.checksum)


async def _restored_lines(file: str, url: str, *, resume: bool, as_json: bool) -> Restored:
    bots = _check(file)
    tallies = {name: copying.Tally() for name in ENTITIES}
    with lines_of(file) as lines:
        async with opened(url, new=True) as target:
            await copying.refuse_others(target, bots)
            if not resume:
                await copying.refuse_full(target, _RESUME)
            with progress("Restoring", {}, as_json=as_json) as seen:
                way = json_lines.Way.RESUME if resume else json_lines.Way.FILL
                await json_lines.imported(target, lines, seen, way, read=lambda r: tallies[r.entity.name].add(r))
            saved = {name: tally.summary() for name, tally in tallies.items()}
            totals = {name: summary.records for name, summary in saved.items()}
            with progress("Comparing", totals, as_json=as_json) as seen:
                return saved, {name: await copying.summary(target, name, seen) for name in ENTITIES}


async def _restored_file(file: str, url: str, *, resume: bool, as_json: bool) -> Restored:
    copying.refuse_same(store_of_url(SQLiteBackend(file).url), store_of_url(url))
    with tempfile.TemporaryDirectory() as folder:
        # A backup of an older version is migrated as a copy, so the backup itself stays unchanged.
        copy = pathlib.Path(folder, "backup.db")
        for end in ("", "-wal"):  # the copy of a database in use may have its last changes in a second file
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{file}{end}", f"{copy}{end}")
        try:
            async with opened(SQLiteBackend(copy).url) as source:
                await _refuse_damaged(source, file)
                async with opened(url, new=True) as target:
                    return await _moved(source, target, resume=resume, as_json=as_json)
        except PersistError as error:
            raise PersistError(str(error).replace(str(copy), file)) from error


async def _refuse_damaged(source: Store, file: str) -> None:
    """Raise an error if a backup is damaged: what is lost in it does not show in what can be read."""
    if not isinstance(source, SqlStore):
        return
    async for finding in verifying.damage(source):
        if finding.is_error:
            told = " ".join(finding.examples[0].split())
            msg = (
                f"{file} is damaged ({told}); restore an earlier backup, or save what can be read "
                f"with persist copy sqlite:///{file} URL"
            )
            raise PersistError(msg)


async def _moved(source: Store, target: Store, *, resume: bool, as_json: bool) -> Restored:
    totals = {name: await copying.count(source, name) for name in ENTITIES}
    if not resume:
        await copying.refuse_full(target, _RESUME)
    with progress("Restoring", totals, as_json=as_json) as seen:
        await copying.copied(source, target, seen, resume=resume)
    saved: dict[str, copying.Summary] = {}
    arrived: dict[str, copying.Summary] = {}
    with progress("Comparing", {name: 2 * total for name, total in totals.items()}, as_json=as_json) as seen:
        for name in ENTITIES:
            saved[name] = await copying.summary(source, name, seen)
            arrived[name] = await copying.summary(target, name, seen)
            left_out(name, saved[name].unreadable, as_json=as_json)
    return saved, arrived
