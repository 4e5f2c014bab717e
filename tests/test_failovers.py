"""After a failover a server may lack the last moments of the one before it: what a bot knows of its database is old."""

from __future__ import annotations

import asyncio

import pytest
import servers
from stores import opened
from test_compression import people, trained

from persist.changes import Put
from persist.contract_base import keys
from persist.contract_samples import user
from persist.entities import USERS
from persist.errors import BackendError
from persist.spi import Select
from persist.sql import SqlStore


async def fails_over(place: servers.Place, store: SqlStore, *lost: str) -> None:
    """Let a server lose something, and its clients their connections."""
    await store.run(lambda _: lost)
    await asyncio.to_thread(place.server.stop)
    await asyncio.to_thread(place.server.start)


async def test_a_dictionary_that_was_lost_compresses_nothing_that_could_not_be_read(place: servers.Place) -> None:
    async with opened(f"{place.url}?compression=zstd") as store:
        await store.apply([Put(record) for record in people(1500)])
        await trained(store)
        await fails_over(place, store, "DELETE FROM users", "DELETE FROM persist_meta WHERE name LIKE '%dictionary%'")
        await store.apply([Put(record) for record in people(20)])
    async with opened(place.url) as store:
        page = await store.select(Select(USERS))
        assert (len(page.records), len(page.corrupt)) == (20, 0)


async def test_changes_wait_for_a_database_that_is_not_what_it_was(place: servers.Place) -> None:
    async with opened(place.url) as store:
        await store.apply([Put(user(1))])
        await fails_over(place, store, "ALTER TABLE persist_meta RENAME TO was_here")
        for _ in range(2):
            with pytest.raises(BackendError, match=r"has tables that are not persist's") as caught:
                await store.apply([Put(user(2))])
            assert caught.value.temporary
        await place.server.program.run(place.url, "ALTER TABLE was_here RENAME TO persist_meta")
        await store.apply([Put(user(2))])
        assert await keys(store, USERS) == [(1,), (2,)]


async def test_changes_wait_for_a_database_that_has_an_earlier_schema_again(place: servers.Place) -> None:
    version = "UPDATE persist_meta SET value = '1' WHERE name = 'schema_version'"
    async with opened(place.url) as store:
        await fails_over(place, store, version)
        with pytest.raises(BackendError, match="has version 1 of the schema now; bring it back as it was") as caught:
            await store.apply([Put(user(2))])
        assert caught.value.temporary
        with pytest.raises(BackendError, match="has version 1"):
            await store.select(Select(USERS))
