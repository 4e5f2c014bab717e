"""However a server is configured, persist stores the same data and gives the same answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

import pytest
import servers
import yarl
from stores import opened

from persist.changes import DropScope, Patch, Put
from persist.contract_base import keys
from persist.contract_samples import member, message, origin, user
from persist.edits import Part
from persist.entities import MEMBERS, MESSAGES, USERS
from persist.errors import SchemaError
from persist.plugins import open_store
from persist.spi import Order, Select
from persist.sql import SqlStore

# ---------------------------------------------------------------------------------------------------------- PostgreSQL


async def configured(url: str, **settings: str) -> None:
    """Change the settings of one PostgreSQL database."""
    for name, value in settings.items():
        await servers.POSTGRESQL.run(url, f"ALTER DATABASE {yarl.URL(url).name} SET {name} = '{value}'")


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
async def test_processes_begin_at_once_whatever_transactions_see_by_default(
    postgresql_url: str, isolation: str
) -> None:
    await configured(postgresql_url, default_transaction_isolation=isolation)
    stores = [open_store(postgresql_url) for _ in range(4)]
    try:
        await asyncio.gather(*(store.open() for store in stores))
        await stores[0].apply([Put(user(1))])
        assert await keys(stores[1], USERS) == [(1,)]
    finally:
        for store in stores:
            await store.close()


async def test_payloads_that_are_jsonb_are_known_however_names_are_quoted(postgresql_url: str) -> None:
    await configured(postgresql_url, quote_all_identifiers="on")
    for number in (1, 2):
        async with opened(f"{postgresql_url}?payload=jsonb") as store:
            await store.apply([Put(user(number, username="\0"))])
            (record,) = (await store.select(Select(USERS, keys=((number,),)))).records
            assert record.payload["username"] == "\0"


@contextlib.asynccontextmanager
async def encoded(url: str, encoding: str) -> AsyncIterator[str]:
    """Yield the URL of a PostgreSQL database with a given encoding."""
    name = f"{yarl.URL(url).name}_{encoding.lower()}"
    made = f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"
    await servers.POSTGRESQL.run(url, made)
    try:
        yield str(yarl.URL(url).with_path(f"/{name}"))
    finally:
        await servers.POSTGRESQL.run(url, f"DROP DATABASE {name} WITH (FORCE)")


async def test_a_database_that_cannot_hold_what_people_write_is_refused(postgresql_url: str) -> None:
    async with encoded(postgresql_url, "LATIN1") as url:
        with pytest.raises(SchemaError, match=r"texts in this database are LATIN1, .* ENCODING 'UTF8'"):
            await open_store(url).open()


async def test_a_database_that_does_not_care_what_bytes_mean_keeps_texts_as_they_are(postgresql_url: str) -> None:
    names = ["\U0001f600", "a\u0308", "\ue000", "\0", "z"]
    async with encoded(postgresql_url, "SQL_ASCII") as url, opened(url) as store:
        await store.apply([Put(user(number, username=name)) for number, name in enumerate(names)])
        page = await store.select(Select(USERS, order=(Order("username"),), limit=len(names)))
        assert [record.payload["username"] for record in page.records] == sorted(names)


# ------------------------------------------------------------------------------------------------------------- MariaDB


@contextlib.asynccontextmanager
async def with_globals(server: servers.Server, **settings: int) -> AsyncIterator[None]:
    """Change some settings of MariaDB until the block ends."""
    try:
        for name, value in settings.items():
            await servers.MYSQL.run(server.url(), f"SET GLOBAL {name} = {value}")
        yield
    finally:
        for name in settings:
            await servers.MYSQL.run(server.url(), f"SET GLOBAL {name} = DEFAULT")


PROTECTING: Mapping[str, int] = {"max_join_size": 10, "sql_safe_updates": 1, "sql_select_limit": 3}


async def test_what_protects_people_from_slips_leaves_answers_and_deletions_whole(
    mysql_server: servers.Server, mysql_url: str
) -> None:
    async with with_globals(mysql_server, **PROTECTING), opened(mysql_url) as store:
        await store.apply([Put(member(number % 2, number)) for number in range(50)])
        edits = (Part({"flags": 1}),)
        await store.apply([Patch(MEMBERS, (n % 2, n), n % 2, edits, origin(1)) for n in range(60)])
        assert len(await keys(store, MEMBERS)) == 50
        await store.apply([DropScope(MEMBERS, None, ())])
        assert await keys(store, MEMBERS) == []


async def test_a_server_that_takes_short_packets_only_keeps_many_long_messages(
    mysql_server: servers.Server, mysql_url: str
) -> None:
    count, content = 300, "\U0001f600" * 2000
    async with with_globals(mysql_server, max_allowed_packet=1_048_576):
        async with opened(mysql_url) as store:
            await store.apply([Put(message(number, 1, 1, content=content)) for number in range(count)])
            assert len(await keys(store, MESSAGES)) == count
        searched = open_store(mysql_url)
        assert isinstance(searched, SqlStore)
        searched.search([MESSAGES])  # opening it indexes the existing texts
        await searched.open()
        await searched.close()
