"""``persist export``, ``import``, ``backup`` and ``restore``: everything stored, into a file and back."""

from __future__ import annotations

import collections
import contextlib
import gzip
import os
import pathlib
import shutil
import sys
import tempfile
import typing
import zlib
from collections.abc import AsyncGenerator, Generator, Iterable

import typer

from . import copying, json_lines
from .cli_app import MOVE, URL, Json, app
from .cli_output import ask, failed, left_out, looked_into, opened, progress, said
from .entities import ENTITIES
from .errors import PersistError
from .locations import SQLiteBackend
from .spi import Answers, Select, Store
from .sql import SqlStore

__all__ = ("backup", "export", "import_", "restore")

File = typing.Annotated[
    str, typer.Argument(metavar="FILE", help="A file; - for standard input or output; .gz to compress it.")
]
Guild = typing.Annotated[int | None, typer.Option(help="Only this guild, with the users of its members.")]
_SQLITE, _GZIP = b"SQLite format 3\0", b"\x1f\x8b"


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
    with progress("Exporting", await _totals(store, guild), as_json=as_json) as seen, _written(file) as out:
        async with _moment(store) as source:
            async for line in json_lines.exported(source, kinds, seen, guild, unreadable=unreadable):
                out.write(line)
                number += 1
    for name, many in unreadable.items():
        left_out(name, many, as_json=as_json)
    return number, not +unreadable


async def _totals(store: Store, guild: int | None) -> dict[str, int]:
    kinds = [kind for kind in await copying.kinds(store) if guild is None or kind.in_guild]
    return {kind.name: (await store.select(Select(kind, guild_id=guild, want="count"))).count for kind in kinds}


@contextlib.asynccontextmanager
async def _moment(store: Store) -> AsyncGenerator[Answers]:
    if isinstance(store, SqlStore):
        async with store.snapshot() as source:
            yield source
    else:
        yield store


@contextlib.contextmanager
def _written(file: str) -> Generator[typing.IO[bytes]]:
    """Yield a file that appears once it is completely written."""
    if file == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    make, path = gzip.open if file.endswith(".gz") else open, pathlib.Path(file)
    place = _beside(path) if path.is_file() or not path.exists() else contextlib.nullcontext(path)
    with place as part, make(part, "wb") as out:
        yield typing.cast("typing.IO[bytes]", out)


@contextlib.contextmanager
def _beside(file: pathlib.Path) -> Generator[pathlib.Path]:
    """Yield a path next to a file, which replaces the file on success and is removed on failure."""
    if not file.parent.is_dir():
        msg = f"there is no folder {str(file.parent)!r}; create it first"
        raise PersistError(msg)
    file = file.resolve()  # replace the target of a link, not the link
    part = file.with_name(f"{file.name}.part")
    try:
        part.unlink(missing_ok=True)
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


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
    ask(_import(file, url, merge=merge, as_json=as_json), as_json=as_json)


async def _import(file: str, url: str, *, merge: bool, as_json: bool) -> bool:
    _check(file)
    with _lines(file) as lines:
        async with opened(url, new=True) as store:
            with progress("Importing", {}, as_json=as_json) as seen:
                done = await json_lines.imported(store, lines, seen, merge=merge)
    said({"file": file, **done._asdict()} if done.left_out else {"file": file, "stored": done.stored}, as_json=as_json)
    return True


def _check(file: str) -> None:
    """Check a file that can be read twice, so that nothing is stored from a truncated one."""
    if file != "-" and pathlib.Path(file).is_file():
        with _lines(file) as lines:
            json_lines.check(lines)


@contextlib.contextmanager
def _lines(file: str) -> Generator[Iterable[bytes]]:
    if file == "-":
        yield sys.stdin.buffer
        return
    path = pathlib.Path(file)
    with gzip.open(path, "rb") if _start(file).startswith(_GZIP) else path.open("rb") as lines:
        try:
            yield typing.cast("typing.IO[bytes]", lines)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            msg = f"{file} is damaged or truncated ({error}); export again, or use an earlier export"
            raise PersistError(msg) from error


def _start(file: str) -> bytes:
    path = pathlib.Path(file)
    if "://" in file and not path.exists():
        msg = f"{file!r} is a URL where a file is expected; write the file first, then the database"
        raise PersistError(msg)
    with path.open("rb") as opened_file:
        return opened_file.read(len(_SQLITE))


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
            await _copied(store, _new(file), as_json=as_json)
        elif file.endswith(".gz"):
            _, is_whole = await _exported(store, str(_new(file)), None, as_json=as_json)
        else:
            msg = f"the backup of a database on a server is a compressed export; name it {file}.jsonl.gz, for example"
            raise PersistError(msg)
    said({"file": file}, as_json=as_json)
    return is_whole


def _new(file: str) -> pathlib.Path:
    if file == "-":
        msg = "a backup has to be a file, not -; name one, or use persist export URL - for standard output"
        raise PersistError(msg)
    path = pathlib.Path(file)
    if path.exists():
        msg = f"the file {file!r} already exists, and a backup replaces none; use another name, as with $(date +%F)"
        raise PersistError(msg)
    return path


async def _copied(store: SqlStore, target: pathlib.Path, *, as_json: bool) -> None:
    with _beside(target) as part, progress("Copying", {"pages": 100}, as_json=as_json) as seen:
        reached = 0

        def passed(done: int, total: int) -> None:
            nonlocal reached
            percent = 100 * done // max(total, 1)
            seen("pages", percent - reached)
            reached = percent

        try:
            await store.backup(part, passed)
        except PersistError as error:
            msg = f"the backup {str(target)!r} could not be made; is there enough disk space? ({error})"
            raise PersistError(msg) from error


@app.command(rich_help_panel=MOVE)
def restore(file: File, url: URL, *, as_json: Json = False) -> None:
    """Restore a backup into an empty database on any backend, and compare the two."""
    ask(_restore(file, url, as_json=as_json), as_json=as_json)


async def _restore(file: str, url: str, *, as_json: bool) -> bool:
    if not _start(file).startswith(_SQLITE):
        return await _import(file, url, merge=False, as_json=as_json)
    with tempfile.TemporaryDirectory() as folder:
        # A backup of an older version is migrated as a copy, so the backup itself stays unchanged.
        copy = pathlib.Path(folder, "backup.db")
        for end in ("", "-wal"):  # the copy of a database in use may have its last changes in a second file
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{file}{end}", f"{copy}{end}")
        try:
            async with opened(SQLiteBackend(copy).url) as source, opened(url, new=True) as target:
                rows = await _moved(source, target, as_json=as_json)
        except PersistError as error:
            raise PersistError(str(error).replace(str(copy), file)) from error
    same = all(row["saved"] == row["arrived"] and row["same"] for row in rows)
    is_whole = not any(row.pop("unreadable") for row in rows)
    there = [row for row in rows if row["saved"]]
    said({"restored": rows, "same": same}, there, as_json=as_json)
    if not same:
        failed("the restored data differs from the backup; did a bot write meanwhile?", as_json=as_json)
    return same and is_whole


async def _moved(source: Store, target: Store, *, as_json: bool) -> list[dict[str, object]]:
    totals = {name: await copying.count(source, name) for name in ENTITIES}
    with progress("Restoring", totals, as_json=as_json) as seen:
        await copying.copied(source, target, seen)
    rows: list[dict[str, object]] = []
    with progress("Comparing", {name: 2 * total for name, total in totals.items()}, as_json=as_json) as seen:
        for name in ENTITIES:
            ours, theirs = await copying.summary(source, name, seen), await copying.summary(target, name, seen)
            same = ours.checksum == theirs.checksum
            row = {"kind": name, "saved": ours.records, "arrived": theirs.records, "same": same}
            rows.append({**row, "unreadable": ours.unreadable})
            left_out(name, ours.unreadable, as_json=as_json)
    return rows
