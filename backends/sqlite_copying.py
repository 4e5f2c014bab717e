"""Copying a snapshot of an SQLite file."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import sqlite3
import threading
from collections.abc import Callable

from persist.errors import BackendError

__all__ = ("copied",)


async def copied(source: pathlib.Path, target: pathlib.Path, progress: Callable[[int, int], None]) -> None:
    """Copy a snapshot of a database, and check the copy. A canceled copy ends at once."""
    ended = threading.Event()

    def passed(_: int, remaining: int, total: int) -> None:
        if ended.is_set():
            raise _Ended
        progress(total - remaining, total)

    def copy() -> None:
        with contextlib.closing(sqlite3.connect(source, isolation_level=None)) as here:
            # A read transaction holds the snapshot; without it, each change by others would restart the copy.
            here.execute("BEGIN")
            here.execute("SELECT COUNT(*) FROM sqlite_schema").fetchall()
            with contextlib.closing(sqlite3.connect(target)) as there:
                here.backup(there, pages=256, progress=passed)
                there.execute("PRAGMA journal_mode = DELETE").fetchall()
                if (found := there.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
                    msg = f"the copy of {str(source)!r} is damaged ({found}); is the file itself damaged?"
                    raise BackendError(msg)

    work = asyncio.create_task(asyncio.to_thread(copy), name="persist backup")
    try:
        await asyncio.shield(work)
    finally:
        ended.set()
        with contextlib.suppress(_Ended, sqlite3.Error, BackendError):
            await work


class _Ended(Exception):  # noqa: N818 - not an error: the copy is no longer wanted
    """A copy was canceled."""
