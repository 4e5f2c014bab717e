"""The store alone, on SQLite, compared with the baseline of the machine: a bare ``executemany`` of finished rows."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import sqlite3
import statistics
import time
import typing
from collections.abc import Callable, Iterator

import measure
import orjson
import places
import workload

from persist.changes import Put
from persist.entities import MEMBERS
from persist.gauges import Gauges
from persist.journal import Journal, Limits
from persist.model import Origin, Record
from persist.plugins import open_store
from persist.quarantine import Quarantine
from persist.schema import row_of, table_of

__all__ = ("ORIGIN", "database", "lag", "records", "unchanged", "writes")

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


def records(count: int = ROWS) -> list[Record]:
    """Return members of three guilds."""
    return [MEMBERS.record(member, GUILD + number % 3, ORIGIN) for number, member in enumerate(workload.members(count))]


@contextlib.contextmanager
def database() -> Iterator[pathlib.Path]:
    """Yield an SQLite file with persist's tables."""
    with places.folder() as folder:
        path = folder / "cache.db"

        async def make() -> None:
            store = open_store(f"sqlite:///{path}")
            await store.open()
            await store.close()

        asyncio.run(make())
        yield path


def _floor(count: int) -> float:
    rows = sorted(map(row_of, records(count)), key=lambda row: row[:2])
    table = table_of(MEMBERS)
    sql = f"INSERT INTO members VALUES ({', '.join('?' * len(table.fields))})"
    with database() as path, contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        began = time.perf_counter()
        for start in range(0, count, BATCH):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(sql, rows[start : start + BATCH])
            connection.execute("COMMIT")
        return count / (time.perf_counter() - began)


async def _busy(share: float) -> None:
    """Keep the event loop busy for a share of each millisecond."""
    frame = orjson.dumps(workload.message(1))
    while True:
        end = time.perf_counter() + share / 1000
        while time.perf_counter() < end:
            orjson.loads(frame)
        await asyncio.sleep((1 - share) / 1000 if share < 1 else 0)


async def _late(found: list[float]) -> None:
    """Record how late a one-millisecond timer is, again and again."""
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
    while not late:  # noqa: ASYNC110 - a short work may be over before the first timer has come to its turn
        await asyncio.sleep(0)
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    return took


def _ours(count: int, share: float, late: list[float] | None = None) -> float:
    async def run(path: pathlib.Path) -> float:
        store = open_store(f"sqlite:///{path}")
        await store.open()
        changes = [Put(record) for record in records(count)]

        async def work() -> None:
            for start in range(0, count, BATCH):
                await store.apply(changes[start : start + BATCH])

        took = await _beside(work, share, [] if late is None else late)
        await store.close()
        return count / took

    with database() as path:
        return asyncio.run(run(path))


def writes(size: measure.Size) -> list[measure.Result]:
    """Return how fast 40,000 members are written from payloads, next to an idle and a busy event loop."""
    count = size.of(ROWS)

    def busy() -> float:
        with database() as path:
            return asyncio.run(_flooded(path, count))

    ways = {
        "bare executemany of finished rows": lambda: _floor(count),
        "persist, idle loop": lambda: _ours(count, 0),
        "persist, loop half busy": lambda: _ours(count, 0.5),
        "persist, loop always busy": busy,
    }
    return measure.compare("write 40,000 members (SQLite)", "rows/s", ways, size.rounds)


async def _flooded(path: pathlib.Path, count: int) -> float:
    """Return how many rows per second the journal writes next to a loop that is never idle, to which it yields."""
    place = open_store(f"sqlite:///{path}")
    await place.open()
    gauges = Gauges()
    journal = Journal(place, Limits(), gauges, Quarantine(gauges), tuple)
    beside = [asyncio.create_task(journal.run()), asyncio.create_task(_busy(1))]
    changes = [Put(record) for record in records(count)]
    began = time.perf_counter()
    for start in range(0, count, 100):
        journal.accept(changes[start : start + 100])
        await asyncio.sleep(0)
    await journal.flush()
    took = time.perf_counter() - began
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    await place.close()
    return count / took


def lag(size: measure.Size) -> list[measure.Result]:
    """Return how much later than an idle event loop one that writes members runs: 99th percentile and maximum."""
    count = size.of(ROWS)
    found: dict[str, list[list[float]]] = {"an idle loop": [], "persist writes": []}
    for _ in range(size.rounds):
        for way, lates in found.items():
            late: list[float] = []
            if way == "an idle loop":
                asyncio.run(_beside(lambda: asyncio.sleep(0.5), 0, late))
            else:
                _ours(count, 0, late)
            lates.append(late)
    results: list[measure.Result] = []
    for words, share in (("p99", 0.99), ("greatest", 1.0)):
        idle = statistics.median(measure.percentile(late, share) for late in found["an idle loop"])
        more = {way: [measure.percentile(late, share) - idle for late in lates] for way, lates in found.items()}
        results += measure.summed_up(f"lag of the loop over an idle one, {words}", "ms", more)
    return results


def unchanged(size: measure.Size) -> list[measure.Result]:
    """Return how fast the same members are written again, compared with a plain rewrite, and how the file grows."""
    count = size.of(ROWS)
    grown: list[float] = []

    async def again(path: pathlib.Path, *, changed: bool) -> float:
        place = open_store(f"sqlite:///{path}")
        await place.open()
        first = [Put(record) for record in records(count)]
        second = [Put(record._replace(payload={**record.payload, "flags": 1})) for record in records(count)]
        for start in range(0, count, BATCH):
            await place.apply(first[start : start + BATCH])
        before = places.size_of(path)
        began = time.perf_counter()
        for start in range(0, count, BATCH):
            await place.apply((second if changed else first)[start : start + BATCH])
        took = time.perf_counter() - began
        await place.close()
        if not changed:
            grown.append(places.size_of(path) / before)
        return count / took

    def run(*, changed: bool) -> float:
        with database() as path:
            return asyncio.run(again(path, changed=changed))

    ways = {"all of them changed": lambda: run(changed=True), "persist, unchanged": lambda: run(changed=False)}
    return [
        *measure.compare("synchronise unchanged members again", "rows/s", ways, size.rounds),
        *measure.summed_up("growth of the file by that", "x", {"none": [1.0], "persist, unchanged": grown}),
    ]
