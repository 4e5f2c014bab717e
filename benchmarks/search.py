"""What search costs writers, and how long searches take.

Runs on SQLite, and on the empty databases in ``PERSIST_BENCH``: URLs, separated by spaces.
"""

from __future__ import annotations

import asyncio
import os
import pathlib
import random
import tempfile
import time
import typing
from collections.abc import Sequence

import measure
import workload
import yarl

from persist.changes import Change, DropScope, Put
from persist.conditions import Condition
from persist.entities import MEMBERS, MESSAGES, USERS
from persist.model import Entity, Origin
from persist.plugins import open_store
from persist.searching import searching
from persist.spi import Select
from persist.sql import SqlStore

__all__ = ("search",)

ROWS: typing.Final = 20_000
BATCH: typing.Final = 4096
GUILD: typing.Final = 400_000_000_000_000_000
ORIGIN: typing.Final = Origin("gateway", 0, 1, workload.ORIGIN_AT)
KINDS: typing.Final[Sequence[Entity[typing.Any]]] = (MESSAGES, MEMBERS, USERS)


def _text(chance: random.Random) -> str:
    """Return a message of one to thirty words, few of which are frequent."""
    words = (min(int(chance.expovariate(1 / 400)), 4999) for _ in range(chance.randint(1, 30)))
    return " ".join(f"{word * 7919 % 99991:x}" for word in words)


def _messages(**fields: typing.Any) -> list[Change]:
    chance = random.Random(3)
    payloads = ({**workload.message(number), "content": _text(chance), **fields} for number in range(ROWS))
    return [Put(MESSAGES.record(payload, GUILD, ORIGIN)) for payload in payloads]


def _members() -> list[Change]:
    members = list(workload.members(ROWS))
    changes: list[Change] = [Put(USERS.record(member["user"], None, ORIGIN)) for member in members]
    return changes + [Put(MEMBERS.record(member, GUILD, ORIGIN)) for member in members]


async def _opened(url: str, *, searched: bool) -> SqlStore:
    store = open_store(url)
    assert isinstance(store, SqlStore)
    store.search(KINDS if searched else ())
    await store.open()
    await store.apply([DropScope(kind, None) for kind in KINDS])
    return store


async def _write(store: SqlStore, changes: Sequence[Change]) -> float:
    began = time.perf_counter()
    for start in range(0, len(changes), BATCH):
        await store.apply(changes[start : start + BATCH])
    return ROWS / (time.perf_counter() - began)


def _writes(url: str, name: str, rounds: int) -> list[measure.Result]:
    async def run(first: Sequence[Change], then: Sequence[Change], *, searched: bool) -> float:
        store = await _opened(url, searched=searched)
        rate = await _write(store, first)
        rate = await _write(store, then) if then else rate
        await store.close()
        return rate

    said, pinned, joined = _messages(), _messages(pinned=True), _members()
    found: list[measure.Result] = []
    for what, first, then in (
        ("write 20,000 messages", said, ()),
        ("change 20,000 messages, not what they say", said, pinned),
        ("write 20,000 members and their users", joined, ()),
    ):
        ways = {
            "without search": lambda f=first, t=then: asyncio.run(run(f, t, searched=False)),
            "searched": lambda f=first, t=then: asyncio.run(run(f, t, searched=True)),
        }
        found += measure.compare(f"{what} ({name})", "rows/s", ways, rounds)
    return found


def _asks(url: str, name: str, rounds: int) -> list[measure.Result]:
    async def fill() -> None:
        store = await _opened(url, searched=True)
        await _write(store, _messages())
        await _write(store, _members())
        await store.close()

    async def ask(entity: Entity[typing.Any], question: str) -> float:
        store = open_store(url)
        await store.open()
        asked = searching(entity, question)
        here = Condition("guild_id", "equals", GUILD)
        began = time.perf_counter()
        for rank in asked.ranks:
            await store.select(Select(entity, where=(here, *rank), order=asked.order, limit=25))
        took = (time.perf_counter() - began) * 1000
        await store.close()
        return took

    asyncio.run(fill())
    ways = {
        "messages, two words": lambda: asyncio.run(ask(MESSAGES, f"{40 * 7919 % 99991:x} {7 * 7919 % 99991:x}")),
        "messages, one frequent word": lambda: asyncio.run(ask(MESSAGES, f"{7919:x}")),
        "members, part of a name": lambda: asyncio.run(ask(MEMBERS, "ver123")),
        "members, part of everybody's name": lambda: asyncio.run(ask(MEMBERS, "ive")),
    }
    return measure.compare(f"first page of each rank ({name})", "ms", ways, rounds)


def search(rounds: int) -> list[measure.Result]:
    """Return how fast writing is without and with search, and how long searches take."""
    results: list[measure.Result] = []
    with tempfile.TemporaryDirectory() as folder:
        for url in (f"sqlite:///{pathlib.Path(folder, 'cache.db')}", *os.environ.get("PERSIST_BENCH", "").split()):
            name = yarl.URL(url).scheme
            results += [*_writes(url, name, rounds), *_asks(url, name, rounds)]
    return results
