"""After `persist vacuum --full`, the files of a server's tables contain no erased data."""

from __future__ import annotations

import asyncio
import secrets
import typing

import servers
from fakecord import payloads
from hearing import ME, Hearing

from persist.locations import store_of
from persist.sql import SqlStore

_LOGS: typing.Final = ("pg_wal/", "ib_logfile", "#innodb_redo/", "ibdata", "undo", "aria_log")
"""The files with a server's logs, which it overwrites in its own time."""


def _lying(server: servers.Server, needle: str) -> list[str]:
    files = [file for file in server.site.data.rglob("*") if file.is_file()]
    found = sorted(str(file.relative_to(server.site.data)) for file in files if needle.encode() in file.read_bytes())
    return [name for name in found if not name.startswith(_LOGS)]


async def _settle(server: servers.Server) -> None:
    """Make a server write its memory to its files, as it does from time to time."""
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)


async def test_nothing_of_what_is_erased_is_left_in_the_files_of_tables(place: servers.Place) -> None:
    server, url = place
    needle = f"n{secrets.token_hex(10)}"
    person = payloads.user(username=needle)
    guild = payloads.guild(own_user=payloads.own_user(id=ME), members=3)
    channel = guild["channels"][1]["id"]
    async with Hearing(url, search={"messages", "users"}) as heard:
        await heard.ready(guild)
        for number in range(20):
            said = payloads.message(channel, person, guild_id=guild["id"], content=f"{needle} {number}")
            await heard.hear("MESSAGE_CREATE", said)
        await heard.cache.flush()
    await _settle(server)
    assert _lying(server, needle) != []
    async with Hearing(url) as heard:
        receipt = await heard.cache.erase_user(int(person["id"]))
        assert not receipt.purged
    store = store_of(url)
    assert isinstance(store, SqlStore)
    await store.open_to_read()
    await store.vacuum(full=True)
    await store.close()
    await _settle(server)
    assert _lying(server, needle) == []
