"""Two processes write to one database at the same moment: nothing is lost, and neither waits."""

from __future__ import annotations

import asyncio
import contextlib
import typing
from collections.abc import AsyncGenerator, Sequence

import pytest
from fakecord import payloads
from hearing import Hearing
from samples import GUILD

from persist.changes import Change, DropScope, Patch, Put
from persist.conditions import Condition
from persist.edits import Part
from persist.entities import MEMBERS, USERS
from persist.errors import BackendError
from persist.model import Origin, Record
from persist.plugins import open_store
from persist.retention import unnamed
from persist.spi import Select
from persist.sql import SqlStore

ORIGIN: typing.Final = Origin("gateway", 0, 1, "2026-01-02 03:04:05.000006")


@contextlib.asynccontextmanager
async def two(url: str) -> AsyncGenerator[tuple[SqlStore, SqlStore]]:
    """Open a database twice, as two processes do."""
    stores = typing.cast("tuple[SqlStore, SqlStore]", (open_store(url), open_store(url)))
    for store in stores:
        await store.open()
    try:
        yield stores
    finally:
        for store in stores:
            await store.close()


def user(number: int, name: str) -> Record:
    return USERS.record(payloads.user(id=str(number), username=name), None, ORIGIN)


@pytest.fixture(params=["postgresql", "mysql"])
def server_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


@contextlib.asynccontextmanager
async def at_work(store: SqlStore, changes: Sequence[Change]) -> AsyncGenerator[None]:
    """Make changes in a transaction that is committed at the end of this context."""
    async with store._driver.transaction() as transaction:
        await store._writer.write(changes, transaction)
        yield


async def test_whom_another_process_is_just_naming_is_not_forgotten(server_url: str) -> None:
    ann = user(5, "ann")
    member = MEMBERS.record({**payloads.member(dict(ann.payload)), "guild_id": GUILD}, int(GUILD), ORIGIN)
    orphans = DropScope(USERS, None, (Condition("id", "is_in", (5, 6)), *unnamed()))
    async with two(server_url) as (sweeping, naming):
        await sweeping.apply([Put(ann), Put(user(6, "bob"))])
        async with at_work(naming, [Put(ann), Put(member)]):
            sweep = asyncio.create_task(sweeping.apply([orphans]))
            await asyncio.wait((sweep,), timeout=1)
        await sweep
        left = (await sweeping.select(Select(USERS, want="keys"))).records
        assert [record.key for record in left] == [(5,)]


async def test_a_deadlock_is_no_outage(server_url: str, caplog: pytest.LogCaptureFixture) -> None:
    others = [Put(user(number, "theirs")) for number in (2, *range(100, 400))]  # the database aborts the smaller one
    async with Hearing(server_url) as heard:
        heard.accept(*(Put(user(number, "before")) for number in (1, 2)))
        await heard.cache.flush()
        async with two(server_url) as (other, _), other._driver.transaction() as transaction:
            await other._writer.write(others, transaction)
            heard.accept(*(Put(user(number, "ours")) for number in (1, 2)))
            flushed = asyncio.create_task(heard.cache.flush())
            await asyncio.wait((flushed,), timeout=0.3)
            await other._writer.write([Put(user(1, "theirs"))], transaction)
        await flushed
        assert heard.cache.gauges.retries
        assert {user.username for user in await heard.cache.users.get_many([1, 2])} == {"ours"}
    assert not caplog.records


async def test_a_lock_of_somebody_else_is_told_and_waited_for(server_url: str) -> None:
    async with Hearing(f"{server_url}?timeout=1") as heard:
        heard.accept(Put(user(1, "before")))
        await heard.cache.flush()
        async with two(server_url) as (other, _), at_work(other, [Put(user(1, "theirs"))]):
            heard.accept(Put(user(1, "ours")))
            with pytest.raises(BackendError, match="has held a lock") as caught:
                await heard.cache.users.count()
            assert caught.value.temporary
            (problem,) = (each for each in heard.cache.health().problems if each.is_failing)
            assert "what else uses these tables?" in problem.message
        await heard.cache.flush()
        assert [found.username for found in await heard.cache.users.find()] == ["ours"]
        assert not any(each.is_failing for each in heard.cache.health().problems)


async def test_users_of_both_are_written_by_both(server_url: str) -> None:
    refused: list[str] = []

    async def writes(
        store: SqlStore, puts: Sequence[int], patches: Sequence[int], *, between: Sequence[Change] = ()
    ) -> None:
        for turn in range(40):
            changes: list[Change] = [Put(user(number, f"{id(store)} {turn}")) for number in puts]
            changes += between
            edits = (Part({"global_name": f"{id(store)} {turn}"}),)
            changes += [Patch(USERS, (number,), None, edits, ORIGIN) for number in patches]
            try:
                await store.apply(changes)
            except BackendError as error:
                refused.append(str(error))

    low, high = range(1, 300), range(300, 600)
    async with two(server_url) as (one, other):
        await one.apply([Put(user(number, "nobody")) for number in (*low, *high)])
        await asyncio.gather(writes(one, low, high), writes(other, high, low))
        await asyncio.gather(writes(one, (), [*high, *low]), writes(other, (), [*low, *high]))
        apart = [DropScope(MEMBERS, int(GUILD))]
        await asyncio.gather(writes(one, low, high, between=apart), writes(other, high, low, between=apart))
    assert refused == []
