"""Stored data is rewritten with another key, encrypted for the first time, or decrypted, despite interruptions."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pathlib
import signal
import sqlite3
import subprocess
import sys
import typing

import pytest
from test_encryption import at_rest, keys, needle, opened, seen
from typer.testing import CliRunner

from persist import Encryption, SchemaError
from persist.changes import Put
from persist.cli import app
from persist.conditions import Condition
from persist.contract_samples import member, message, user
from persist.entities import ENTITIES, MEMBERS, MESSAGES, USERS
from persist.errors import BackendError
from persist.locations import store_of
from persist.model import Record
from persist.sealing import note_of
from persist.spi import Select
from persist.sql import SqlStore

pytest.importorskip("cryptography", reason="cryptography is not installed.")

OLD, NEW = Encryption.new_key(), Encryption.new_key()
BEFORE, AFTER = Encryption({"2025": OLD}), Encryption({"2026": NEW})
BOTH = Encryption({"2026": NEW, "2025": OLD}, current="2026")


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def url(request: pytest.FixtureRequest) -> str:
    """Return the URL of a new, empty database of every engine."""
    return str(request.getfixturevalue(f"{request.param}_url"))


def records(number: int = 600) -> list[Record]:
    return [
        *(user(each, each, username=f"name {each % 7}", global_name="ä\0'\\") for each in range(1, number)),
        *(member(10, each, each, nick=f"nick {each}") for each in range(1, 40)),
        message(30, 20, 10, content="hello"),
        message(31, 20, 10),
    ]


async def content(store: SqlStore) -> list[tuple[typing.Any, ...]]:
    found: list[tuple[typing.Any, ...]] = []
    for entity in ENTITIES.values():
        page = await store.select(Select(entity, metadata=True))
        assert not page.corrupt
        found += sorted(
            (entity.name, record.key, record.payload, record.origin, record.revision) for record in page.records
        )
    return found


async def rekey(url: str, encryption: Encryption | None, *, decrypt: bool = False) -> typing.Any:
    store = store_of(url, encryption)
    assert isinstance(store, SqlStore)
    heard: list[tuple[int, int]] = []
    done = await store.rekey(lambda _, more, total: heard.append((more, total)), decrypt=decrypt)
    assert sum(more for more, _ in heard) >= heard[-1][1]  # more, if something writes meanwhile
    return done


async def test_a_key_is_changed(url: str) -> None:
    async with opened(url, BEFORE, *records()) as store:
        before = await content(store)
    done = await rekey(url, BOTH)
    assert (done.rewritten, done.unreadable) == (len(records()), 0)
    async with opened(url, AFTER) as store:
        assert await content(store) == before
        assert await keys(store, Condition("username", "equals", "name 3"), entity=USERS)
    assert (await rekey(url, AFTER)).rewritten == 0
    with pytest.raises(SchemaError, match="is encrypted with the key '2026', which is missing"):
        await store_of(url, BEFORE).open()


async def test_what_is_in_clear_is_encrypted(url: str, request: pytest.FixtureRequest) -> None:
    text = needle()
    async with opened(url, None, *records(), user(1, username=text)) as store:
        before = await content(store)
    await rekey(url, AFTER)
    async with opened(url, AFTER) as store:
        assert await content(store) == before
        assert await keys(store, Condition("username", "equals", text), entity=USERS) == [(1,)]
        page = await store.select(Select(USERS, keys=((1,),)))
        assert page.records[0].payload["username"] == text
    if url.startswith("sqlite"):  # servers keep earlier versions of rows in their logs for a while
        with at_rest(url, request) as folder:
            assert seen(folder, [text]) == set()


async def test_texts_that_were_searched_are_not_left_behind(url: str) -> None:
    store = store_of(url)
    assert isinstance(store, SqlStore)
    store.search([MESSAGES, USERS])
    await store.open()
    await store.apply([Put(record) for record in records(10)])
    await store.close()
    clear = Encryption({"2026": NEW}, columns={"users": ()})
    await rekey(url, clear)
    async with opened(url, clear) as store:
        assert await store.query("SELECT 1 FROM persist_search_users")
        with pytest.raises(BackendError):
            await store.query("SELECT 1 FROM persist_search_messages")


async def test_what_is_encrypted_is_stored_in_clear_again(url: str) -> None:
    async with opened(url, AFTER, *records()) as store:
        before = await content(store)
    await rekey(url, AFTER, decrypt=True)
    async with opened(url, None) as store:
        assert await content(store) == before
        assert await keys(store, Condition("username", "startswith", "name 3"), entity=USERS)
        assert (await store.query("SELECT username FROM users WHERE id = 3"))[0][0] == "name 3"


async def test_other_columns_are_encrypted(url: str) -> None:
    clear = Encryption({"2026": NEW}, columns={"users": {"global_name"}})
    hidden = Encryption({"2026": NEW}, columns={"users": {"username"}})
    async with opened(url, clear, *records()) as store:
        before = await content(store)
    await rekey(url, hidden)
    async with opened(url, hidden) as store:
        assert await content(store) == before
        assert await keys(store, Condition("username", "equals", "name 3"), entity=USERS)
        assert await keys(store, Condition("global_name", "startswith", "ä\0"), entity=USERS)
        assert not await store.query("SELECT 1 FROM users WHERE username = 'name 3'")


async def interrupted(url: str, encryption: Encryption) -> None:
    """Start to rekey, and stop in the middle."""

    class Enough(Exception):  # noqa: N818 - it is not an error
        pass

    def stop(name: str, more: int, _: int) -> None:
        if name == "users" and more:
            raise Enough

    store = store_of(url, encryption)
    assert isinstance(store, SqlStore)
    with pytest.raises(Enough):
        await store.rekey(stop)


@pytest.mark.parametrize("before", [BEFORE, None], ids=["encrypted", "in clear"])
async def test_a_bot_works_on_what_is_half_rewritten(url: str, before: Encryption | None) -> None:
    async with opened(url, before, *records()) as store:
        whole = await content(store)
    await interrupted(url, BOTH)
    async with opened(url, BOTH) as store:
        assert await content(store) == whole
        named = await keys(store, Condition("username", "equals", "name 3"), entity=USERS)
        assert len(named) == len([record for record in records() if record.payload.get("username") == "name 3"])
        assert await keys(store, Condition("nickname", "is_in", ("nick 7", "nick 9")), entity=MEMBERS)
        await store.apply([Put(message(4000, 20, 10, content="new"))])
    if before is not None:
        with pytest.raises(SchemaError, match="which is missing"):
            await store_of(url, AFTER).open()  # the rest still needs the old key
    await rekey(url, BOTH)
    async with opened(url, AFTER) as store:
        assert [row for row in await content(store) if row[1] != (4000,)] == whole
        note = note_of(
            {"encryption": (await store.query("SELECT value FROM persist_meta WHERE name = 'encryption'"))[0][0]}
        )
        assert note is not None
        assert (note.whole, list(note.keys), note.before) == (True, ["2026"], {})


async def test_a_bot_goes_on_meanwhile(url: str) -> None:
    async with opened(url, BEFORE, *records()):
        pass
    async with opened(url, BOTH) as store:
        work = asyncio.create_task(rekey(url, BOTH))
        number = 1000
        while not work.done():
            await store.apply([Put(user(number, username=f"user {number}")), Put(user(number % 600, username="new"))])
            assert (await store.select(Select(USERS, keys=((number,),)))).records
            number += 1
            await asyncio.sleep(0.01)
        await work
        after = await content(store)
    async with opened(url, AFTER) as store:
        assert await content(store) == after


async def test_what_cannot_be_read_is_counted_and_left(url: str) -> None:
    async with opened(url, BEFORE, *records(10)) as store:
        await store.run(
            lambda _: ["UPDATE users SET payload = (SELECT payload FROM messages WHERE id = 30) WHERE id = 3"]
        )
    assert (await rekey(url, BOTH)).unreadable == 1
    async with opened(url, AFTER) as store:
        assert (await store.select(Select(USERS, keys=((3,),)))).corrupt


async def test_what_a_missing_plugin_keeps_is_not_left_behind(sqlite_url: str) -> None:
    async with opened(sqlite_url, BEFORE, *records(10)) as store:
        await store.run(lambda _: ["UPDATE persist_meta SET value = '{\"tickets\":[]}' WHERE name = 'tables'"])
    with pytest.raises(
        SchemaError, match="has tickets, which no plugin here adds; run this where the plugins are installed"
    ):
        await rekey(sqlite_url, BOTH)


async def test_it_takes_keys_and_a_database(url: str) -> None:
    store = store_of(url, AFTER)
    assert isinstance(store, SqlStore)
    with pytest.raises(SchemaError, match="has no tables of persist's: run a bot or `persist migrate` on it"):
        await store.rekey(lambda *_: None)
    async with opened(url, None):
        pass
    with pytest.raises(SchemaError, match=r"there are no keys to encrypt .* with; set PERSIST_KEYS"):
        await rekey(url, None)
    async with opened(url, None):
        pass


# ------------------------------------------------------------------------------------------------- by the command line


def call(*arguments: str, code: int = 0) -> typing.Any:
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == code, done.stderr
    return json.loads(done.stdout) if code == 0 else done.stderr


def test_commands_find_the_keys(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, last = f"sqlite:///{tmp_path / 'first.db'}", f"sqlite:///{tmp_path / 'last.db'}"

    async def fill() -> None:
        async with opened(first, None, *records(20)):
            pass

    asyncio.run(fill())
    assert "there are no keys to encrypt" in call("rekey", first, code=1)
    monkeypatch.setenv("PERSIST_KEYS", f"2025:{OLD}")
    assert call("copy", first, last)["same"] is True  # from plain to encrypted
    assert call("show", "messages", "30", "--url", last)["payload"]["content"] == "hello"
    assert call("show", "messages", "30", "--url", first)["payload"]["content"] == "hello"
    saved = str(tmp_path / "saved.jsonl")
    call("export", last, saved)
    assert "is not encrypted, but keys are set" in call("import", saved, first, "--merge", code=1)
    assert call("rekey", first) == {"rewritten": len(records(20)), "unreadable": 0, "key": "2025"}
    monkeypatch.setenv("PERSIST_KEYS", f"2026:{NEW},2025:{OLD}")
    assert call("rekey", last)["key"] == "2026"
    monkeypatch.setenv("PERSIST_KEYS", f"2026:{NEW}")
    assert "is encrypted with the key '2025', which is missing" in call("stats", first, code=1)
    assert "is encrypted with the key '2025', which is missing" in call("migrate", first, code=1)
    assert call("show", "messages", "30", "--url", last)["payload"]["content"] == "hello"
    assert call("rekey", last, "--decrypt")["key"] is None
    monkeypatch.delenv("PERSIST_KEYS")
    assert call("stats", last)
    assert "is encrypted with the key '2025'; pass it with" in call("show", "messages", "30", "--url", first, code=1)
    key = CliRunner().invoke(app, ["new-key"]).stdout.strip()
    assert Encryption({"a": key}).key("a")


def test_one_that_is_killed_is_gone_on_with(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'cache.db'}"

    async def fill() -> list[typing.Any]:
        async with opened(url, BEFORE, *records(12_000)) as store:
            return await content(store)

    whole = asyncio.run(fill())
    monkeypatch.setenv("PERSIST_KEYS", f"2026:{NEW},2025:{OLD}")
    process = subprocess.Popen([sys.executable, "-m", "persist", "rekey", url], cwd=tmp_path)

    with contextlib.closing(sqlite3.connect(tmp_path / "cache.db", isolation_level=None)) as database:
        written = "SELECT COUNT(*) FROM users WHERE CAST(substr(payload, 3, 4) AS TEXT) = '2026'"
        while not database.execute(written).fetchone()[0]:
            assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 0 < call("rekey", url)["rewritten"] < len(whole)
    monkeypatch.delenv("PERSIST_KEYS")

    async def after() -> list[typing.Any]:
        async with opened(url, AFTER) as store:
            return await content(store)

    assert asyncio.run(after()) == whole
