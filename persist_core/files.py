"""Files that appear under their names once they are completely written, and that replace no database."""

from __future__ import annotations

import os
import pathlib
import secrets
import typing

from .errors import PersistError

__all__ = ("SQLITE", "completed", "is_sqlite", "part_of")

SQLITE: typing.Final = b"SQLite format 3\0"
"""The first bytes of an SQLite database."""


def is_sqlite(file: str | os.PathLike[str]) -> bool:
    """Return whether a file is an SQLite database."""
    path = pathlib.Path(file)
    if not path.is_file():  # what is read from a pipe is gone
        return False
    with path.open("rb") as opened:
        return opened.read(len(SQLITE)) == SQLITE


def part_of(file: pathlib.Path) -> pathlib.Path:
    """Return a path next to a file, to write first.

    Raises
    ------
    persist.PersistError
        If the file's folder does not exist, or the file is a folder or an SQLite database.
    """
    if file.is_dir():
        msg = f"{str(file)!r} is a folder; name a file in it"
        raise PersistError(msg)
    if not file.parent.is_dir():
        msg = f"there is no folder {str(file.parent)!r}; create it first"
        raise PersistError(msg)
    if is_sqlite(file):
        msg = f"the file {str(file)!r} is an SQLite database, which an export does not replace; name another file"
        raise PersistError(msg)
    file = file.resolve()  # replace the target of a link, not the link
    # Random, so that two processes that write the same file do not write the same part.
    return file.with_name(f"{file.name}.{secrets.token_hex(4)}.part")


def completed(part: pathlib.Path, file: pathlib.Path) -> None:
    """Give a part that is written the name of its file, which it replaces."""
    with part.open("rb") as done:
        os.fsync(done.fileno())
    part.replace(file.resolve())
