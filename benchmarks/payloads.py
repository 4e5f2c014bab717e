"""What compression and encryption cost, and save, on SQLite.

Each way writes the same messages into a database of its own, which has its dictionary already, and reads some back. The
words of the messages are made up, from a vocabulary of four thousand in which a few are frequent, as in a language.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import pathlib
import random
import tempfile
import time
import typing
from collections.abc import AsyncIterator, Callable, Sequence

import measure
import orjson
import workload

from persist import Encryption
from persist.changes import Put
from persist.entities import MEMBERS, MESSAGES
from persist.locations import store_of
from persist.model import Origin, Record
from persist.spi import Select
from persist.sql import SqlStore

ROWS: typing.Final = 20_000
BATCH: typing.Final = 2_000
READ: typing.Final = 2_000
GUILD: typing.Final = 400_000_000_000_000_000
ORIGIN: typing.Final = Origin("gateway", 0, 1, workload.ORIGIN_AT)
KEYS: typing.Final = Encryption({"2026": Encryption.new_key()})
WAYS: typing.Final = {
    "plain": ("", None),
    "compressed": ("?compression=zstd", None),
    "encrypted": ("", KEYS),
    "compressed and encrypted": ("?compression=zstd", KEYS),
}


def _words(count: int) -> list[str]:
    chance = random.Random(7)
    return ["".join(chance.choices("etaoinshrdlucmfwypvbgkqjxz", k=chance.randint(2, 9))) for _ in range(count)]


@functools.cache
def _records(kind: str) -> Sequence[Record]:
    chance, words = random.Random(11), _words(4000)
    weights = [1 / (rank + 3) for rank in range(len(words))]
    if kind == "members":
        return [MEMBERS.record(payload, GUILD, ORIGIN) for payload in workload.members(ROWS)]
    return [
        MESSAGES.record(
            {**workload.message(number), "content": " ".join(chance.choices(words, weights, k=chance.randint(2, 40)))},
            GUILD,
            ORIGIN,
        )
        for number in range(ROWS)
    ]


@dataclasses.dataclass(slots=True)
class Run:
    """What one way did once."""

    rows_per_second: float
    microseconds: float
    bytes_per_row: float


@contextlib.asynccontextmanager
async def _opened(path: pathlib.Path, way: str) -> AsyncIterator[SqlStore]:
    options, keys = WAYS[way]
    store = store_of(f"sqlite:///{path}{options}", keys)
    assert isinstance(store, SqlStore)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def _dictionary(store: SqlStore, kind: str, records: Sequence[Record]) -> None:
    """Let the dictionary be made, of what is deleted again."""
    await store.apply([Put(record) for record in records])
    made = f"SELECT 1 FROM persist_meta WHERE name = 'anonymous dictionary of {kind}'"
    while not await store.query(made):  # noqa: ASYNC110 - it is made by itself
        await asyncio.sleep(0.05)
    await store.run(lambda dialect: [f"DELETE FROM {dialect.quote(kind)}"])


async def _size(store: SqlStore) -> int:
    await store.purge()
    return int((await store.query("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"))[0][0])


async def _run(kind: str, way: str, path: pathlib.Path) -> Run:
    records = _records(kind)
    if WAYS[way][0]:
        async with _opened(path, way) as store:
            await _dictionary(store, kind, records[::10])
    async with _opened(path, way) as store:
        empty = await _size(store)  # a hundred tables and indexes, however few rows there are
        began = time.perf_counter()
        for start in range(0, ROWS, BATCH):
            await store.apply([Put(record) for record in records[start : start + BATCH]])
        wrote = time.perf_counter() - began
        began = time.perf_counter()
        for record in records[:: ROWS // READ]:
            await store.select(Select(record.entity, keys=(record.key,)))
        read = time.perf_counter() - began
        grown = await _size(store) - empty
    return Run(ROWS / wrote, read / READ * 1e6, grown / ROWS)


def _once(kind: str, way: str) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(kind, way, pathlib.Path(folder, "cache.db")))


def payloads(rounds: int) -> list[measure.Result]:
    """Return how fast things are written and read, and how large they are, in each way."""
    found: list[measure.Result] = []
    for kind in ("members", "messages"):
        runs: dict[str, list[Run]] = {way: [] for way in WAYS}

        def written(way: str, kind: str = kind, runs: dict[str, list[Run]] = runs) -> float:
            runs[way].append(_once(kind, way))
            return runs[way][-1].rows_per_second

        ways: dict[str, Callable[[], float]] = {way: functools.partial(written, way) for way in WAYS}
        found += measure.compare(f"write {ROWS:,} {kind}", "rows/s", ways, rounds)
        counted = {way: some[-rounds:] for way, some in runs.items()}  # the first round does not
        reading = {way: [run.microseconds for run in some] for way, some in counted.items()}
        found += measure.summed_up(f"read one of the {kind}", "us", reading)
        size = sum(len(orjson.dumps(_stored(record))) for record in _records(kind)) / ROWS
        sizes = {way: [run.bytes_per_row for run in some] for way, some in counted.items()}
        found += measure.summed_up(f"size of {kind}", "bytes/row", {"payload alone, as JSON": [size], **sizes})
    return found


def _stored(record: Record) -> dict[str, typing.Any]:
    return {name: value for name, value in record.payload.items() if name not in record.entity.joins}
