"""What compression and encryption cost and save, on SQLite.

Each way stores the same payloads in its own database, whose dictionaries exist already, and reads some of them back. A
member takes two rows, one of them for its user; a message takes one, plus one for its author if that is not known yet.
Their size is compared with the payload as Discord sends it. The words of the messages are made up, from a vocabulary of
four thousand in which a few are frequent, as in a real language.
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
from persist.batch import Batch
from persist.changes import Change, DropScope
from persist.entities import MEMBERS, MESSAGES, USERS
from persist.events import EVENTS
from persist.locations import store_of
from persist.model import Entity, Key, Origin, Payload
from persist.plans import Context, members
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


class Kind(typing.NamedTuple):
    """Objects of one kind, from the gateway."""

    entity: Entity[typing.Any]
    payloads: Sequence[Payload]
    changes: Sequence[Sequence[Change]]
    """The changes of each payload."""

    trained: Sequence[Entity[typing.Any]]
    """The kinds with enough data for a dictionary."""

    @property
    def keys(self) -> Sequence[Key]:
        """The keys of some of them, to be read one by one."""
        return [self.entity.identify(payload, GUILD) for payload in self.payloads[:: ROWS // READ]]

    @property
    def size(self) -> float:
        """The bytes of JSON for each of them, as Discord sends it."""
        return sum(len(orjson.dumps(payload)) for payload in self.payloads) / ROWS


@functools.cache
def _members() -> Kind:
    payloads = list(workload.members(ROWS))
    changes = [members([payload], GUILD, ORIGIN) for payload in payloads]
    return Kind(MEMBERS, payloads, changes, (MEMBERS, USERS))


@functools.cache
def _messages() -> Kind:
    chance, words = random.Random(11), _words(4000)
    weights = [1 / (rank + 3) for rank in range(len(words))]
    payloads = [
        {**workload.message(number), "content": " ".join(chance.choices(words, weights, k=chance.randint(2, 40)))}
        for number in range(ROWS)
    ]
    context = Context(0, 1, None, ORIGIN, reads_content=True, authors={})
    plan = EVENTS["MESSAGE_CREATE"].plan
    return Kind(MESSAGES, payloads, [list(plan(payload, context)) for payload in payloads], (MESSAGES,))


KINDS: typing.Final[Sequence[Callable[[], Kind]]] = (_members, _messages)


@dataclasses.dataclass(slots=True)
class Run:
    """The results of one run of one way."""

    each_second: float
    microseconds: float
    octets: float


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


async def _store(store: SqlStore, changes: Sequence[Sequence[Change]]) -> None:
    """Store the changes of some payloads, in one batch like the journal's."""
    batch = Batch(ORIGIN.at)
    for some in changes:
        batch.take(some)
    await store.apply(list(batch.changes()))


async def _train(store: SqlStore, kind: Kind) -> None:
    """Let the dictionaries be made, from data that is then deleted."""
    await _store(store, kind.changes[::10])
    for entity in kind.trained:
        made = f"SELECT 1 FROM persist_meta WHERE name = 'anonymous dictionary of {entity.name}'"
        while not await store.query(made):  # noqa: ASYNC110 - it is made by itself
            await asyncio.sleep(0.05)
    told = {change.entity for changes in kind.changes for change in changes}
    await store.apply([DropScope(entity, None) for entity in told])


async def _size(store: SqlStore) -> int:
    await store.purge()
    return int((await store.query("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"))[0][0])


async def _run(kind: Kind, way: str, path: pathlib.Path) -> Run:
    if WAYS[way][0]:
        async with _opened(path, way) as store:
            await _train(store, kind)
    async with _opened(path, way) as store:
        empty = await _size(store)  # a hundred tables and indexes, even without rows
        began = time.perf_counter()
        for start in range(0, ROWS, BATCH):
            await _store(store, kind.changes[start : start + BATCH])
        wrote = time.perf_counter() - began
        began = time.perf_counter()
        for key in kind.keys:
            await store.select(Select(kind.entity, keys=(key,)))
        read = time.perf_counter() - began
        grown = await _size(store) - empty
    return Run(ROWS / wrote, read / READ * 1e6, grown / ROWS)


def _once(kind: Kind, way: str) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(kind, way, pathlib.Path(folder, "cache.db")))


def payloads(rounds: int) -> list[measure.Result]:
    """Return how fast objects are written and read, and how large they are, in each way."""
    found: list[measure.Result] = []
    for kind in (make() for make in KINDS):
        name = kind.entity.name
        runs: dict[str, list[Run]] = {way: [] for way in WAYS}

        def written(way: str, kind: Kind = kind, runs: dict[str, list[Run]] = runs) -> float:
            runs[way].append(_once(kind, way))
            return runs[way][-1].each_second

        ways: dict[str, Callable[[], float]] = {way: functools.partial(written, way) for way in WAYS}
        found += measure.compare(f"store {ROWS:,} {name}", f"{name}/s", ways, rounds)
        counted = {way: some[-rounds:] for way, some in runs.items()}  # the first round is a warm-up
        reading = {way: [run.microseconds for run in some] for way, some in counted.items()}
        found += measure.summed_up(f"read one of the {name}", "us", reading)
        sizes = {way: [run.octets for run in some] for way, some in counted.items()}
        found += measure.summed_up(f"size of {name}", "bytes", {"payload, as Discord sends it": [kind.size], **sizes})
    return found
