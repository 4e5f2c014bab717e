"""The store alone, on SQLite: against the floor of the same machine, which is bare ``executemany`` of finished rows."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import sqlite3
import tempfile
import time
import typing
from collections.abc import Callable, Iterator

import measure
import orjson
import workload

from persist.changes import Put
from persist.entities import MEMBERS
from persist.model import Origin, Record
from persist.plugins import open_store
from persist.schema import row_of, table_of
from persist.spi import Select, Store

__all__ = ("lag", "reads", "writes")

ROWS: typing.Final = 40_000
BATCH: typing.Final = 4096
ORIGIN: typing.Final = Origin("chunk", 0, 1, workload.ORIGIN_AT)
GUILD: typing.Final = 400_000_000_000_000_000
PRAGMAS: typing.Final = (
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "wal_autocheckpoint = 4000",
    "temp_store = MEMORY",
)


def _records() -> list[Record]:
    return [MEMBERS.record(member, GUILD + number % 3, ORIGIN) for number, member in enumerate(workload.members(ROWS))]


@contextlib.contextmanager
def _database() -> Iterator[pathlib.Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "cache.db")

        async def make() -> None:
            store = open_store(f"sqlite:///{path}")
            await store.open()
            await store.close()

        asyncio.run(make())
        yield path


def _floor() -> float:
    rows = sorted(map(row_of, _records()), key=lambda row: row[:2])
    table = table_of(MEMBERS)
    sql = f"INSERT INTO members VALUES ({', '.join('?' * len(table.fields))})"
    with _database() as path, contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        began = time.perf_counter()
        for start in range(0, ROWS, BATCH):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(sql, rows[start : start + BATCH])
            connection.execute("COMMIT")
        return ROWS / (time.perf_counter() - began)


async def _busy(share: float) -> None:
    """Keep the loop at work for a share of each millisecond."""
    frame = orjson.dumps(workload.message(1))
    while True:
        end = time.perf_counter() + share / 1000
        while time.perf_counter() < end:
            orjson.loads(frame)
        await asyncio.sleep((1 - share) / 1000 if share < 1 else 0)


async def _late(found: list[float]) -> None:
    """Note by how much a timer of one millisecond is late, again and again."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        found.append((time.perf_counter() - began - 0.001) * 1000)


async def _beside(work: Callable[[], typing.Awaitable[None]], share: float, late: list[float]) -> float:
    beside = [asyncio.create_task(_late(late))]
    if share:
        beside.append(asyncio.create_task(_busy(share)))
    began = time.perf_counter()
    await work()
    took = time.perf_counter() - began
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    return took


def _ours(share: float, late: list[float] | None = None) -> float:
    async def run(path: pathlib.Path) -> float:
        store = open_store(f"sqlite:///{path}")
        await store.open()
        changes = [Put(record) for record in _records()]

        async def work() -> None:
            for start in range(0, ROWS, BATCH):
                await store.apply(changes[start : start + BATCH])

        took = await _beside(work, share, [] if late is None else late)
        await store.close()
        return ROWS / took

    with _database() as path:
        return asyncio.run(run(path))


def writes(rounds: int) -> list[measure.Result]:
    """Return how fast 40,000 members are written, from payloads, beside an idle and a busy event loop."""
    ways = {
        "bare executemany of finished rows": _floor,
        "persist, idle loop": lambda: _ours(0),
        "persist, loop half busy": lambda: _ours(0.5),
    }
    return measure.compare("write 40,000 members (SQLite)", "rows/s", ways, rounds)


def lag(rounds: int) -> list[measure.Result]:
    """Return how late the event loop is, at the 99th percentile, while nothing and while members are written."""

    def idle() -> float:
        late: list[float] = []
        asyncio.run(_beside(lambda: asyncio.sleep(0.5), 0, late))
        return sorted(late)[int(len(late) * 0.99)]

    def writing() -> float:
        late: list[float] = []
        _ours(0, late)
        return sorted(late)[int(len(late) * 0.99)]

    ways = {"nothing to do": idle, "persist writes": writing}
    return measure.compare("lag of the event loop, p99", "ms", ways, rounds)


def reads(rounds: int) -> list[measure.Result]:
    """Return how long one member takes to be read by its key, as a payload."""
    with _database() as path:
        keys = [(record.key[0], record.key[1]) for record in _records()]

        async def fill() -> None:
            store = open_store(f"sqlite:///{path}")
            await store.open()
            await store.apply([Put(record) for record in _records()])
            await store.close()

        asyncio.run(fill())

        def bare() -> float:
            sql = "SELECT payload FROM members WHERE guild_id = ? AND user_id = ?"
            with contextlib.closing(sqlite3.connect(path)) as connection:
                began = time.perf_counter()
                for key in keys[:5000]:
                    orjson.loads(connection.execute(sql, key).fetchone()[0])
                return (time.perf_counter() - began) / 5000 * 1e6

        async def ask(store: Store) -> float:
            await store.open()
            began = time.perf_counter()
            for key in keys[:5000]:
                await store.select(Select(MEMBERS, keys=(key,)))
            took = (time.perf_counter() - began) / 5000 * 1e6
            await store.close()
            return took

        ways = {"bare SELECT and decode": bare, "persist": lambda: asyncio.run(ask(open_store(f"sqlite:///{path}")))}
        return measure.compare("read one member (SQLite)", "us", ways, rounds)
