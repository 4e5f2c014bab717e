"""Many new records at once on PostgreSQL: with COPY, despite existing records and what others write meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import typing
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest
from test_migrations import opened

from persist import loading
from persist.changes import Put
from persist.entities import USERS
from persist.model import Origin
from persist.spi import Row, Select, Transaction
from persist.sql import SqlStore

_MANY: typing.Final = 2 * loading.LEAST


def _user(number: int, name: str = "a", at: int = 1) -> Put:
    payload = {"id": str(number), "username": name, "discriminator": "0"}
    return Put(USERS.record(payload, None, Origin("gateway", 0, 1, f"2026-01-01 00:00:00.{at:06d}")))


async def _names(store: SqlStore) -> dict[int, tuple[str, int]]:
    page = await store.select(Select(USERS, metadata=True))
    return {int(record.key[0]): (record.payload["username"], record.revision) for record in page.records}


async def test_what_is_there_is_changed_and_what_is_new_is_loaded(postgresql_url: str) -> None:
    async with opened(postgresql_url) as store:
        await store.apply([_user(number) for number in range(0, _MANY, 3)])
        await store.apply([_user(number, "a" if number % 2 else "b", 2) for number in range(_MANY)])
        assert await _names(store) == {
            number: ("a" if number % 2 else "b", 1 if number % 3 or number % 2 else 2) for number in range(_MANY)
        }


def _new(place: int) -> range:
    return range(place * _MANY, (place + 1) * _MANY)


class _Asked:
    """Stores users, and counts the queries for which of them exist."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._sql: list[str] = []
        self._transaction = store._driver.transaction
        store._driver.transaction = self._watched  # type: ignore[method-assign]

    @contextlib.asynccontextmanager
    async def _watched(self) -> AsyncIterator[Transaction]:
        async with self._transaction() as given:
            fetch = given.fetch

            async def noted(sql: str, params: Row = ()) -> Sequence[Row]:
                self._sql.append(sql)
                return await fetch(sql, params)

            given.fetch = noted  # type: ignore[method-assign]
            yield given

    async def storing(self, *numbers: int) -> int:
        self._sql.clear()
        await self._store.apply([_user(number, at=2) for number in numbers])
        return sum("FROM" in sql and "users" in sql for sql in self._sql)


async def test_it_is_asked_what_is_there_only_where_something_was(postgresql_url: str) -> None:
    async with opened(postgresql_url) as store:
        await store.apply([_user(number) for number in _new(0)])
        asked = _Asked(store)
        assert await asked.storing(*_new(1)) == 0
        assert await asked.storing(0, *_new(2)) == 1  # one of them exists
        assert await asked.storing(*_new(3)) == 1
        assert await asked.storing(*_new(4)) == 0
        assert len(await _names(store)) == 5 * _MANY


async def test_it_is_asked_more_seldom_the_more_often_all_were_there(postgresql_url: str) -> None:
    async with opened(postgresql_url) as store:
        await store.apply([_user(number) for number in _new(0)])
        asked = _Asked(store)
        times = [await asked.storing(*_new(0)) for _ in range(24)]
        assert [place for place, asks in enumerate(times) if asks] == [0, 2, 6, 14, 22]
        # New records are stored in any case, and loaded in bulk again after the next query.
        assert [await asked.storing(*_new(place)) for place in range(1, 10)] == [0] * 6 + [1, 0, 0]
        assert len(await _names(store)) == 10 * _MANY


async def test_what_is_as_it_was_is_not_even_locked(postgresql_url: str) -> None:
    async with opened(postgresql_url) as store:
        for _ in range(2):
            await store.apply([_user(number) for number in range(100)])
        assert await store.query("SELECT COUNT(*) FROM users WHERE xmax::text <> '0'") == [(0,)]
        await store.apply([_user(number, "b" if number == 7 else "a", 2) for number in range(100)])
        assert [number for number, told in (await _names(store)).items() if told != ("a", 1)] == [7]


async def test_what_somebody_else_writes_meanwhile_is_not_in_the_way(postgresql_url: str) -> None:
    async with opened(postgresql_url) as store:
        other = await asyncpg.connect(postgresql_url)
        try:
            transaction = other.transaction()
            await transaction.start()
            document = '{"id":"77","username":"theirs","discriminator":"0"}'
            await other.execute("INSERT INTO users (id, payload, revision) VALUES (77, $1, 1)", document)
            applied = asyncio.create_task(store.apply([_user(number, "ours", 2) for number in range(_MANY)]))
            while not await other.fetchval("SELECT COUNT(*) FROM pg_locks WHERE NOT granted"):
                assert not applied.done()
                await asyncio.sleep(0.01)
            await transaction.commit()
            await applied
        finally:
            await other.close()
        names_now = await _names(store)
        assert names_now.pop(77) == ("ours", 2)
        assert names_now == {number: ("ours", 1) for number in range(_MANY) if number != 77}


async def test_one_that_cannot_be_stored_leaves_nothing_half_written_and_the_connection_whole(
    postgresql_url: str,
) -> None:
    async with opened(postgresql_url) as store:
        for poison in ("\ud800", 1 << 70):
            changes = [_user(number) for number in range(_MANY)]
            changes[-1] = Put(changes[-1]._replace(payload={**changes[-1].payload, "username": poison}))
            with pytest.raises(Exception):  # noqa: B017, PT011 - the codec or the driver chooses the exception
                await store.apply(changes)
            assert await _names(store) == {}
        await store.apply([_user(number) for number in range(_MANY)])
        assert len(await _names(store)) == _MANY
