"""Compressed data is smaller and unchanged: also next to uncompressed data, encrypted, or once compression is off."""

from __future__ import annotations

import asyncio
import base64
import secrets
import subprocess
import sys
import typing
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import pytest
import stores
from fakecord import payloads
from test_encryption import needle
from test_rekeying import content, rekey

from persist import Encryption, SchemaError, URLError
from persist.anonymity import anonymous
from persist.changes import Amend, Put
from persist.conditions import Condition
from persist.contract_samples import origin, user
from persist.edits import Part
from persist.entities import MESSAGES, USERS
from persist.erasing import alone
from persist.locations import store_of
from persist.model import Record
from persist.spi import Select
from persist.sql import SqlStore

pytest.importorskip("zstandard", reason="zstandard is not installed.")
pytest.importorskip("cryptography", reason="cryptography is not installed.")

secret = secrets.token_hex(12)
KEYS = Encryption({"2026": Encryption.new_key()})


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def url(request: pytest.FixtureRequest) -> str:
    """Return the URL of a new, empty database of every engine."""
    return str(request.getfixturevalue(f"{request.param}_url"))


def people(number: int, start: int = 1, at: int = 0, **fields: typing.Any) -> list[Record]:
    flat = {"avatar": None, "avatar_decoration_data": None, "banner": None, "public_flags": 0, "clan": None}
    return [user(each, at, username=f"somebody {each}", **flat, **fields) for each in range(start, start + number)]


def opened(
    url: str, encryption: Encryption | None = None, *, compress: bool = True
) -> AbstractAsyncContextManager[SqlStore]:
    return stores.opened(f"{url}?compression=zstd" if compress else url, encryption)


async def put(store: SqlStore, records: Sequence[Record]) -> None:
    for start in range(0, len(records), 500):
        await store.apply([Put(record) for record in records[start : start + 500]])


async def trained(store: SqlStore, kind: str = "users") -> None:
    async with asyncio.timeout(60):
        while kind not in store._compressed():  # noqa: ASYNC110 - it happens in the background
            await asyncio.sleep(0.01)


async def size(store: SqlStore, where: str = "TRUE", kind: str = "users") -> int:
    return int((await store.query(f"SELECT SUM(LENGTH(payload)) FROM {kind} WHERE {where}"))[0][0])


@pytest.mark.parametrize("encryption", [None, KEYS], ids=["in clear", "encrypted"])
async def test_what_is_written_becomes_small_when_there_is_a_dictionary(
    url: str, encryption: Encryption | None
) -> None:
    async with opened(url, encryption) as store:
        await put(store, people(1200))
        before = await size(store)
        await trained(store)
        await put(store, people(1200, at=1, global_name="x"))
        assert await size(store) < before * 0.75
        page = await store.select(Select(USERS, keys=((7,), (1200,)), metadata=True))
        assert {record.payload["username"] for record in page.records} == {"somebody 7", "somebody 1200"}
        assert {record.revision for record in page.records} == {2}
        await put(store, people(1200, at=2, global_name="x"))  # sent again, unchanged
        page = await store.select(Select(USERS, keys=((7,), (1200,)), metadata=True))
        assert {record.revision for record in page.records} == {2}
        await store.apply([Amend(USERS, None, (Condition("id", "less", 10),), (Part({"bot": True}),), origin(3))])
        whole = await content(store)
    async with opened(url, encryption, compress=False) as store:
        assert await content(store) == whole
        await put(store, people(3))  # unchanged
        assert await size(store, "id <= 3") > await size(store, "id BETWEEN 11 AND 13")
    async with opened(url, encryption) as store:
        assert "users" in store._compressed()  # nothing has to be trained again
        await put(store, people(3, at=4, global_name="y"))
        assert len(await content(store)) == len(whole)


async def test_another_process_reads_what_is_compressed_after_it_was_opened(url: str) -> None:
    async with opened(url, compress=False) as other, opened(url) as store:
        await put(store, people(1200))
        whole = await content(other)
        await trained(store)
        await put(store, people(1200, at=1))
        await put(store, people(10, start=2000))
        assert len(await content(other)) == len(whole) + 10
        await other.apply([Amend(USERS, None, (Condition("id", "equals", 2003),), (Part({"bot": True}),), origin(5))])
        (record,) = (await store.select(Select(USERS, keys=((2003,),)))).records
        assert record.payload["bot"] is True
        assert record.payload["username"] == "somebody 2003"


def told(number: int, start: int = 1) -> list[Record]:
    """Return messages by forty people, one of whom has a name and content that nobody else has."""
    found: list[Record] = []
    for each in range(start, start + number):
        person = each % 40
        name = secret if person == 7 else f"somebody {person}"
        author = payloads.user(
            id=str(1_000_000_000_000_000_000 + person), username=name, global_name=f"is {name}", avatar=f"a_{name:0>32}"
        )
        embed = {"type": "rich", "title": f"{name} has won", "url": f"https://{name}.example/"}
        said = payloads.message("5", author, id=str(each), guild_id="10", content=f"I am {name}, said {name}")
        found.append(MESSAGES.record({**said, "embeds": [embed]}, 10, origin()))
    return found


async def dictionaries(store: SqlStore, name: str = "%dictionary of %") -> list[bytes]:
    rows = await store.query(f"SELECT value FROM persist_meta WHERE name LIKE '{name}'")
    return [base64.b64decode(value) for (value,) in rows]


def fragments(text: str, length: int = 8) -> set[bytes]:
    return {text[at : at + length].encode() for at in range(len(text) - length + 1)}


async def test_nothing_that_anybody_said_or_is_comes_into_a_dictionary(url: str) -> None:
    async with opened(url) as store:
        await put(store, told(1200))
        await trained(store, "messages")
        (dictionary,) = await dictionaries(store)
        assert b"mention_everyone" in dictionary  # it is about messages
        personal = (
            fragments(secret) | fragments("1000000000000000007", 19) | {b"has won", b"somebody", b"I am somebody"}
        )
        assert not [fragment for fragment in personal if fragment in dictionary]
        await put(store, told(1200, start=2000))
        assert await size(store, "id >= 2000", "messages") < 0.6 * await size(store, "id < 2000", "messages")


def test_no_id_is_made_up_that_is_somebodys_where_ids_are_neighbours() -> None:
    records = told(1200)
    ids = {record.payload["author"]["id"] for record in records}
    made_up = {payload["author"]["id"] for payload in anonymous(records)}
    assert len(made_up) > 1000
    assert not made_up & ids


async def test_who_is_erased_is_not_in_a_dictionary_either(url: str) -> None:
    async with opened(url) as store:
        await put(store, told(1200))
        await trained(store, "messages")
        await put(store, told(1200, start=2000))
        async with alone(store) as eraser:
            receipt = await eraser.erase("user", 1_000_000_000_000_000_007)
        assert receipt.erased["messages"] == 60
        assert receipt.purged is url.startswith("sqlite")
        assert not [fragment for fragment in fragments(secret) if fragment in b"".join(await dictionaries(store))]
        assert len(await content(store)) == 2400 - 60 + 2  # plus the erasure's own key and suppression


@pytest.mark.parametrize("encryption", [None, KEYS], ids=["in clear", "encrypted"])
async def test_dictionaries_of_what_people_said_are_told_of_and_removed(
    url: str, encryption: Encryption | None, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(url, encryption) as store:
        await put(store, people(1200))
        await trained(store)
        await put(store, people(1200, at=1))
        whole = await content(store)
    async with opened(url, encryption, compress=False) as store:
        await _make_earlier(store, encryption)
    async with opened(url, encryption) as store:
        assert await content(store) == whole  # it is still readable
        assert await store.purge() is False
        assert "`persist rekey` with its URL replaces and removes them" in caplog.text
        await trained(store)
        assert len(await dictionaries(store)) == 2
        assert (await rekey(f"{url}?compression=zstd", encryption)).rewritten == 1200
        assert len(await dictionaries(store)) == 1
        assert await content(store) == whole  # including the earlier records
        assert await store.purge() is url.startswith("sqlite")


async def _make_earlier(store: SqlStore, encryption: Encryption | None) -> None:
    """Rename a dictionary as if it had been trained on user content, as in earlier versions."""
    before, after = "anonymous dictionary of users", "dictionary of users"
    (value,) = await dictionaries(store)
    if encryption is not None:
        from persist.ciphers import Ring  # noqa: PLC0415 - an extra

        ring = Ring(encryption)
        value = ring.seal("persist_meta", (after,), ring.unseal("persist_meta", (before,), value))
    noted = base64.b64encode(value).decode()
    await store.run(lambda _: [f"UPDATE persist_meta SET name = '{after}', value = '{noted}' WHERE name = '{before}'"])


async def test_a_dictionary_is_as_secret_as_what_it_was_made_of(url: str) -> None:
    text = needle()
    async with opened(url, KEYS) as store:
        await put(store, people(1200, banner_text=text))
        await trained(store)
        noted = await store.query("SELECT value FROM persist_meta")
        assert all(text not in str(value) for (value,) in noted)
    other = Encryption({"2027": Encryption.new_key(), **KEYS.keys}, current="2027")
    async with opened(url, KEYS) as store:
        whole = await content(store)
    assert (await rekey(f"{url}?compression=zstd", other)).rewritten == 1200
    last = Encryption({"2027": other.keys["2027"]})
    async with opened(url, last) as store:
        assert await content(store) == whole
        await trained(store)
    await rekey(url, last, decrypt=True)
    async with opened(url) as store:
        assert await content(store) == whole


async def test_all_that_is_there_is_compressed_on_request_and_expanded_again(url: str) -> None:
    async with opened(url) as store:
        await put(store, people(1200))
        await trained(store)
        before, whole = await size(store), await content(store)
    assert (await rekey(f"{url}?compression=zstd", None)).rewritten == 1200
    async with opened(url) as store:
        assert await size(store) < before * 0.75
        assert await content(store) == whole
    assert (await rekey(url, None)).rewritten == 1200
    async with opened(url) as store:
        assert await size(store) == before


async def test_without_a_dictionary_nothing_can_be_compressed_on_request(sqlite_url: str) -> None:
    async with opened(sqlite_url):
        pass
    with pytest.raises(SchemaError, match="has no dictionary to compress with yet; a bot with this URL creates it"):
        await rekey(f"{sqlite_url}?compression=zstd", None)


async def test_two_that_train_at_once_make_one_dictionary(sqlite_url: str) -> None:
    async with opened(sqlite_url, compress=False) as store:
        await put(store, people(1500))
    async with opened(sqlite_url) as one, opened(sqlite_url) as other:
        await asyncio.gather(trained(one), trained(other))
        rows = await one.query("SELECT name FROM persist_meta WHERE name LIKE '%dictionary%'")
        assert [name for (name,) in rows] == ["anonymous dictionary of users"]
        await asyncio.gather(put(one, people(700, at=1)), put(other, people(700, start=700, at=2)))
        assert len(await content(one)) == 1500


async def test_what_is_damaged_is_said_to_be(sqlite_url: str) -> None:
    async with opened(sqlite_url) as store:
        await put(store, people(1200))
        await trained(store)
        await put(store, people(3, at=1, global_name="x"))
        await store.run(lambda _: ["UPDATE users SET payload = substr(payload, 1, 20) WHERE id = 1"])
        page = await store.select(Select(USERS, keys=((1,),)))
        assert "it is compressed and damaged" in page.corrupt[0][1]


def test_what_is_no_compression_is_refused() -> None:
    with pytest.raises(URLError, match="it must be one of none, zstd"):
        store_of("memory://?compression=gzip")


def test_who_lacks_zstandard_is_told_what_to_install() -> None:
    program = (
        "import sys; sys.modules['zstandard'] = None; "
        "import persist.plugins as p; p.open_store('memory://?compression=zstd')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr.strip().endswith("install it with: pip install 'hikari-persist[compression]'")
