"""The files that the command line reads and writes: exports, compressed or not, and backups."""

from __future__ import annotations

import contextlib
import gzip
import pathlib
import sys
import typing
import zlib
from collections.abc import Generator, Iterable

from .errors import PersistError
from .files import SQLITE, completed, part_of

__all__ = ("beside", "lines_of", "new", "refuse_url", "written")

_GZIP: typing.Final = b"\x1f\x8b"


@contextlib.contextmanager
def written(file: str) -> Generator[typing.IO[bytes]]:
    """Yield a file that appears once it is completely written; - is standard output."""
    if file == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    make, path = gzip.open if file.endswith(".gz") else open, pathlib.Path(file)
    place = beside(path) if path.is_file() or not path.exists() else contextlib.nullcontext(path)
    with _named(file), place as part, make(part, "wb") as out:
        yield typing.cast("typing.IO[bytes]", out)


@contextlib.contextmanager
def _named(file: str) -> Generator[None]:
    """Name the file in errors that do not, such as that of a full disk."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or file
        raise


@contextlib.contextmanager
def beside(file: pathlib.Path) -> Generator[pathlib.Path]:
    """Yield a path next to a file, which replaces the file on success and is removed on failure."""
    part = part_of(file)
    try:
        yield part
        completed(part, file)
    finally:
        part.unlink(missing_ok=True)


def new(file: str) -> pathlib.Path:
    """Return the path of a backup.

    Raises
    ------
    persist.PersistError
        If it is not a new file.
    """
    if file == "-":
        msg = "a backup has to be a file, not -; name one, or use persist export URL - for standard output"
        raise PersistError(msg)
    path = pathlib.Path(file)
    if path.exists():
        msg = f"the file {file!r} already exists, and a backup replaces none; use another name, as with $(date +%F)"
        raise PersistError(msg)
    return path


def refuse_url(file: str) -> None:
    """Raise an error if a URL has been given where a file is expected."""
    if "://" in file and not pathlib.Path(file).exists():
        msg = f"{file!r} is a URL where a file is expected; write the file first, then the database"
        raise PersistError(msg)


@contextlib.contextmanager
def lines_of(file: str) -> Generator[Iterable[bytes]]:
    """Yield the lines of a file, compressed or not; - is standard input.

    Raises
    ------
    persist.PersistError
        If it is an SQLite database; or, while its lines are read, if it is damaged or truncated.
    """
    with contextlib.ExitStack() as stack:
        raw = sys.stdin.buffer if file == "-" else stack.enter_context(pathlib.Path(file).open("rb"))
        start = typing.cast("typing.Any", raw).peek(len(SQLITE))
        if start.startswith(SQLITE):
            msg = f"{file} is an SQLite database and no export; persist restore takes it, if it is a file"
            raise PersistError(msg)
        lines = stack.enter_context(gzip.open(raw)) if start.startswith(_GZIP) else raw
        try:
            yield typing.cast("Iterable[bytes]", lines)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            msg = f"{file} is damaged or truncated ({error}); export again, or use an earlier export"
            raise PersistError(msg) from error
