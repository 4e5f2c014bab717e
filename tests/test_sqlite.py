"""What is peculiar to SQLite, which has no server that would put its users in a row."""

from __future__ import annotations

import asyncio
import pathlib

from persist.backends.sqlite import SqliteDriver


async def test_many_may_make_one_file_at_once(tmp_path: pathlib.Path) -> None:
    # Each turns the new file to WAL; SQLite tells one of two that meet there "database is locked" without waiting.
    for number in range(60):
        drivers = [SqliteDriver(tmp_path / f"{number}.db") for _ in range(12)]
        await asyncio.gather(*(driver.open() for driver in drivers))
        for driver in drivers:
            await driver.close()
