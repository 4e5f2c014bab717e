"""Without its key, encrypted data cannot be read, found, moved or confused; with the key, it is unchanged."""

from __future__ import annotations

import contextlib
import pathlib
import secrets
import sqlite3
import subprocess
import sys
import typing
from collections.abc import AsyncIterator, Iterator, Sequence

import hearing
import hikari
import pytest
import servers
import yarl
from fakecord import payloads

import persist
from persist import Encryption, QueryError, SchemaError, filters, not_
from persist.changes import Amend, Patch, Put
from persist.conditions import AnyOf, Condition, Not
from persist.contract_samples import channel, guild, member, message, origin, user
from persist.edits import Part
from persist.entities import CHANNELS, ENTITIES, MEMBERS, MESSAGES, USERS
from persist.locations import sealed, store_of
from persist.model import Record
from persist.plugins import open_store
from persist.spi import Order, Select
from persist.sql import SqlStore

pytest.importorskip("cryptography", reason="cryptography is not installed.")

OLD, NEW = Encryption.new_key(), Encryption.new_key()
KEYS = Encryption({"2026": NEW})
"""A single key, with the default columns."""


@contextlib.asynccontextmanager
async def opened(url: str, encryption: Encryption | None = KEYS, *records: Record) -> AsyncIterator[SqlStore]:
    store = store_of(url, encryption)
    assert isinstance(store, SqlStore)
    await store.open()
    try:
        if records:
            await store.apply([Put(record) for record in records])
        yield store
    finally:
        await store.close()


async def keys(store: SqlStore, *where: typing.Any, entity: typing.Any = MESSAGES) -> list[typing.Any]:
    return [record.key for record in (await store.select(Select(entity, where=where, want="keys"))).records]


async def held(store: SqlStore, sql: str) -> typing.Any:
    ((value,),) = await store.query(sql)
    return value


# -------------------------------------------------------------------------------------------------------- what is said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (({},), "keys must be a mapping"),
        (("2026:abc",), "keys must be a mapping"),
        (({"a b": NEW},), "the name of a key"),
        (({"": NEW},), "the name of a key"),
        (({"2026": "short"},), "is neither 32 bytes"),
        (({"2026": NEW[:-2]},), "is neither 32 bytes"),
        (({"2026": b"x" * 31},), "is neither 32 bytes"),
        (({"2026": 7},), "is neither 32 bytes"),
        (({"2026": NEW, "2025": OLD},), "one of 2026, 2025"),
        (({"2026": NEW}, "2025"), "one of 2026, not '2025'"),
    ],
)
def test_what_is_no_key_is_refused(arguments: tuple[typing.Any, ...], said: str) -> None:
    with pytest.raises(QueryError, match=said):
        Encryption(*arguments)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"mesages": ["content"]}, "there is no kind 'mesages' to encrypt"),
        ({"messages": ["contents"]}, "of messages, content can be encrypted, but not 'contents'"),
        ({"messages": "content"}, "columns of messages must be a collection of names"),
        ({"messages": None}, "columns of messages must be a collection of names"),
        ({"members": ["joined_at"]}, "ids, numbers, flags and times stay in plain text"),
        ({"invites": ["code"]}, "no column can be encrypted"),
    ],
)
def test_what_is_no_text_is_refused(columns: typing.Any, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        store_of("memory://", Encryption({"2026": NEW}, columns=columns))


def test_a_key_is_never_shown() -> None:
    encryption = Encryption({"2026": NEW, "raw": b"k" * 32}, current="2026", columns={"messages": {"content"}})
    assert repr(encryption) == "Encryption(keys={'2026', 'raw'}, current='2026', columns={'messages': {'content'}})"
    with pytest.raises(QueryError) as caught:
        Encryption({"2026": NEW + "x"})
    assert NEW not in str(caught.value)


def test_keys_come_from_a_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(f'current = "2026"\n[keys]\n2026 = "{NEW}"\n2025 = "{OLD}"\n[columns]\nroles = []\n')
    assert Encryption.load(path) == Encryption({"2026": NEW, "2025": OLD}, "2026", {"roles": []})
    path.write_text(f'keys = "{NEW}')
    with pytest.raises(QueryError, match="it is not TOML") as caught:
        Encryption.load(path)
    assert NEW not in str(caught.value)
    path.write_text('key = "a"')
    with pytest.raises(QueryError, match="may have keys, current and columns, but not key"):
        Encryption.load(path)
    with pytest.raises(QueryError, match="No such file"):
        Encryption.load(tmp_path / "other.toml")


def test_keys_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    assert Encryption.from_environment() is None
    monkeypatch.setenv("PERSIST_KEYS", f"2026:{NEW}, 2025:{OLD}")
    assert Encryption.from_environment() == Encryption({"2026": NEW, "2025": OLD}, "2026")
    monkeypatch.setenv("PERSIST_KEYS", f"2026:{NEW},2026:{OLD}")
    with pytest.raises(QueryError, match="has the same name twice"):
        Encryption.from_environment()
    (tmp_path / "keys.toml").write_text(f'[keys]\n2026 = "{NEW}"\n')
    monkeypatch.setenv("PERSIST_KEYS_FILE", str(tmp_path / "keys.toml"))
    with pytest.raises(QueryError, match="are both set"):
        Encryption.from_environment()
    monkeypatch.delenv("PERSIST_KEYS")
    assert Encryption.from_environment() == KEYS


def test_who_lacks_cryptography_is_told_what_to_install(tmp_path: pathlib.Path) -> None:
    program = "import sys; sys.modules['cryptography'] = None; import persist; persist.Encryption({'a': b'k' * 32})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stderr.strip().endswith("install it with: pip install 'hikari-persist[encryption]'")


# ------------------------------------------------------------------------------------------------- what cannot be seen


@contextlib.contextmanager
def at_rest(url: str, request: pytest.FixtureRequest) -> Iterator[pathlib.Path]:
    """Yield the folder with the files of a database while nothing writes to them."""
    where = yarl.URL(url)
    if where.scheme == "sqlite":
        yield pathlib.Path(where.path[1:]).parent
        return
    server = request.getfixturevalue(f"{where.scheme}_server")
    assert isinstance(server, servers.Server)
    server.stop()
    yield server.site.data
    server.start()


def seen(folder: pathlib.Path, needles: Sequence[str]) -> set[str]:
    """Return the needles that the files in a folder contain."""
    found: set[str] = set()
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            found |= {needle for needle in needles if needle.encode() in content}
    return found


def needle() -> str:
    return f"needle{secrets.token_hex(8)}"


def secret_records() -> tuple[list[Record], list[str]]:
    """Return records with a different text in every place, and those texts."""
    texts = [needle() for _ in range(9)]
    records = [
        user(1, username=texts[0], global_name=texts[1], avatar=texts[2]),
        guild(10, name=texts[3]),
        channel(20, 10, topic=texts[4], name=texts[5]),
        member(10, 1, nick=texts[6]),
        message(30, 20, 10, content=texts[7], embeds=[{"title": texts[8]}]),
    ]
    return records, texts


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def url(request: pytest.FixtureRequest) -> str:
    """Return the URL of a new, empty database of every engine."""
    return str(request.getfixturevalue(f"{request.param}_url"))


async def test_nothing_of_it_is_in_the_files(url: str, request: pytest.FixtureRequest) -> None:
    records, texts = secret_records()
    proof = needle()
    async with opened(url, KEYS, *records) as store:
        # Records that are rewritten, changed, found and patched leave no trace either.
        edits = (Part({"nick": texts[5], "banner": texts[3]}),)
        await store.apply([Patch(MEMBERS, (10, 1), 10, edits, origin(1)), Put(message(30, 20, 10, content=texts[0]))])
        await store.apply([Amend(CHANNELS, 10, (Condition("name", "equals", texts[5]),), edits, origin(2))])
        assert await keys(store, Condition("content", "equals", texts[0])) == [(30,)]
        await store.apply([Put(message(31, 20, 10, type=5))])
        await store.run(lambda dialect: [f"UPDATE {dialect.quote('messages')} SET source = '{proof}' WHERE id = 31"])
    with at_rest(url, request) as folder:
        assert seen(folder, [*texts, proof]) == {proof}


async def test_nothing_of_it_is_in_memory_databases_that_are_dumped(tmp_path: pathlib.Path) -> None:
    records, texts = secret_records()
    async with opened("memory://", KEYS, *records) as store:
        await store.query(f"VACUUM INTO '{tmp_path / 'dump.db'}'")
    with contextlib.closing(sqlite3.connect(tmp_path / "dump.db")) as dump:
        (tmp_path / "dump.sql").write_text("\n".join(dump.iterdump()))
        assert dump.execute("SELECT COUNT(*) FROM messages").fetchone() == (1,)
    assert seen(tmp_path, texts) == set()


async def test_equal_texts_show_only_within_one_column(engine_url: str) -> None:
    async with opened(engine_url, KEYS, user(1, username="a", global_name="a"), user(2, username="a")) as store:
        assert await held(store, "SELECT COUNT(DISTINCT username) FROM users") == 1
        assert await held(store, "SELECT COUNT(*) FROM users WHERE username = global_name") == 0
        assert await held(store, "SELECT COUNT(DISTINCT payload) FROM users") == 2


# ------------------------------------------------------------------------------------------------------- what is found


async def test_equal_texts_are_found(engine_url: str) -> None:
    records = [message(1, 5, content="a"), message(2, 5, content="b"), message(3, 5), message(4, 5, content="A")]
    async with opened(engine_url, KEYS, *records) as store:
        for where, expected in (
            (Condition("content", "equals", "a"), [(1,)]),
            (Condition("content", "equals", "x"), []),
            (Condition("content", "is_in", ("a", "b", "x")), [(1,), (2,)]),
            (Condition("content", "is_null"), [(3,)]),
            (Not(Condition("content", "equals", "a")), [(2,), (3,), (4,)]),
            (AnyOf((Condition("content", "equals", "b"), Condition("content", "is_null"))), [(2,), (3,)]),
            (Condition("id", "greater", 2), [(3,), (4,)]),
        ):
            assert sorted(await keys(store, where)) == expected
        (record,) = (await store.select(Select(MESSAGES, keys=((1,),)))).records
        assert record.payload["content"] == "a"


async def test_processes_that_know_both_keys_read_each_other_whichever_they_write_with(engine_url: str) -> None:
    if engine_url == "memory://":
        pytest.skip("What is in memory has one process.")
    both = {"2025": OLD, "2026": NEW}
    old, new = Encryption(both, current="2025"), Encryption(both, current="2026")
    async with opened(engine_url, old, user(1, username="a")) as one, opened(engine_url, new) as other:
        await other.apply([Put(user(2, username="b")), Put(user(1, username="c"))])
        await one.apply([Put(user(3, username="d")), Put(user(2, username="e"))])
        for store in (one, other):
            records = (await store.select(Select(USERS))).records
            assert {record.key[0]: record.payload["username"] for record in records} == {1: "c", 2: "e", 3: "d"}


async def test_members_are_found_by_equal_texts_of_their_users(engine_url: str) -> None:
    records = [user(7, username="ann"), user(8, username="bob"), member(10, 7), member(10, 8)]
    async with opened(engine_url, KEYS, *records) as store:
        for asked, expected in (("ann", [(10, 7)]), (["ann", "bob"], [(10, 7), (10, 8)]), (not_("ann"), [(10, 8)])):
            where, _ = filters.where(MEMBERS, {"username": asked}, of_parts=True)
            assert sorted(await keys(store, *where, entity=MEMBERS)) == expected


@pytest.mark.parametrize("test", ["less", "at_most", "greater", "at_least", "contains", "startswith"])
async def test_other_conditions_on_what_is_encrypted_are_refused(test: str) -> None:
    async with opened("memory://", KEYS, message(1, 5, content="a")) as store:
        with pytest.raises(
            QueryError, match=r"messages\.content is encrypted and cannot be compared by .* do it in Py"
        ):
            await keys(store, AnyOf((Not(Condition("content", test, "a")),)))
        with pytest.raises(
            QueryError, match=r"messages\.content is encrypted and cannot be sorted by: the database can"
        ):
            await store.select(Select(MESSAGES, order=(Order("content"),)))


async def test_what_is_left_in_clear_can_be_asked_for_and_seen(engine_url: str) -> None:
    columns = Encryption({"2026": NEW}, columns={"users": {"global_name"}})
    records = [user(1, username="clear", global_name="hidden"), message(1, 5, content="hidden")]
    async with opened(engine_url, columns, *records) as store:
        assert await keys(store, Condition("username", "contains", "lea"), entity=USERS) == [(1,)]
        assert await held(store, "SELECT username FROM users") == "clear"
        assert await held(store, "SELECT global_name FROM users") != "hidden"
        assert await held(store, "SELECT content FROM messages") != "hidden"


async def test_a_record_that_is_told_again_unchanged_is_not_written(engine_url: str) -> None:
    records = [user(number, username=f"user {number}", flags=number) for number in range(300)]
    async with opened(engine_url, KEYS, *records) as store:
        before = await store.query("SELECT id, payload, username FROM users ORDER BY id")
        await store.apply([Put(record) for record in records])
        assert await store.query("SELECT id, payload, username FROM users ORDER BY id") == before
        await store.apply([Put(user(7, username="other"))])
        page = await store.select(Select(USERS, keys=((7,), (8,)), metadata=True))
        assert {record.key[0]: record.revision for record in page.records} == {7: 2, 8: 1}


# ------------------------------------------------------------------------------------------------ what does not fit


async def refused(url: str, encryption: Encryption | None) -> str:
    reader = store_of(url, encryption)
    assert isinstance(reader, SqlStore)
    with pytest.raises(SchemaError) as reading:
        await reader.open_to_read()
    with pytest.raises(SchemaError) as caught:
        await store_of(url, encryption).open()
    assert str(reading.value) == str(caught.value)
    return str(caught.value)


async def test_a_database_is_opened_with_its_keys_or_not_at_all(url: str) -> None:
    async with opened(url, Encryption({"2025": OLD}), message(1, 5, content="a")):
        pass
    assert "is encrypted with the key '2025'; pass it with encryption=persist.Encryption(...)" in await refused(
        url, None
    )
    assert "is encrypted with the key '2025', which is missing; add it too" in await refused(url, KEYS)
    wrong = await refused(url, Encryption({"2025": NEW}))
    assert wrong.startswith("the key '2025' is not the one that ")
    clear = Encryption({"2025": OLD}, columns={"messages": ()})
    assert "messages.content is encrypted in " in await refused(url, clear)
    async with opened(url, Encryption({"2026": NEW, "2025": OLD}, "2026")) as store:
        await store.apply([Put(message(2, 5, content="a"))])
        assert sorted(await keys(store, Condition("content", "equals", "a"))) == [(1,), (2,)]
    assert "is encrypted with the key '2026', which is missing" in await refused(url, Encryption({"2025": OLD}))


async def test_a_database_in_clear_is_not_opened_with_keys(url: str) -> None:
    async with opened(url, None, message(1, 5, content="a")):
        pass
    assert "is not encrypted, but keys are set; stop the bot and encrypt" in await refused(url, KEYS)
    async with opened(url, None) as store:
        assert await keys(store) == [(1,)]


async def test_columns_that_a_later_version_adds_are_no_reason_to_refuse(sqlite_url: str) -> None:
    async with opened(sqlite_url, KEYS, message(1, 5, content="a")):
        pass
    with contextlib.closing(sqlite3.connect(yarl.URL(sqlite_url).path[1:], isolation_level=None)) as database:
        # As if `content` were a new column: neither the table nor the notes have it.
        database.execute("ALTER TABLE messages DROP COLUMN content")
        database.execute("""UPDATE persist_meta SET value = replace(value, '"content",', '') WHERE name = 'tables'""")
        database.execute(
            """UPDATE persist_meta SET value = replace(value, '"content"', '') WHERE name = 'encryption'"""
        )
    async with opened(sqlite_url) as store:
        assert await keys(store, Condition("content", "equals", "a")) == [(1,)]  # filled from the encrypted payload
        assert await held(store, "SELECT content FROM messages") != "a"


async def corrupted(store: SqlStore) -> str:
    page = await store.select(Select(USERS, keys=((2,),)))
    assert not page.records
    return page.corrupt[0][1]


async def test_what_was_moved_changed_or_put_there_is_not_believed(engine_url: str) -> None:
    async with opened(engine_url, KEYS, user(1, username="admin"), user(2, username="guest"), user(3)) as store:
        payload = await held(store, "SELECT payload FROM users WHERE id = 1")

        def spell(value: str) -> typing.Any:
            return lambda _: [f"UPDATE users SET payload = {value} WHERE id = 2"]

        copied = "(SELECT payload FROM (SELECT payload FROM users WHERE id = 1) other)"
        await store.run(spell(copied))
        assert "moved from another record" in await corrupted(store)
        changed = "x'020432303236'" if isinstance(payload, bytes) else """'"AgQyMDI2"'"""
        await store.run(spell("""'{"id": "2", "username": "admin"}'"""))
        assert "it is not encrypted, although everything else in this database is" in await corrupted(store)
        await store.run(spell(changed))
        assert "it was encrypted with a key other than this '2026', or altered" in await corrupted(store)
        with pytest.raises(persist.CorruptRecordError):
            await store.apply([Patch(USERS, (2,), None, (Part({"avatar": "x"}),), origin(1), create=True)])
        await store.apply([Put(user(2, username="guest"))])  # Discord sends it again, which repairs it
        assert (await store.select(Select(USERS, keys=((2,),)))).records


# ---------------------------------------------------------------------------------------------------- who works with it


async def test_a_bot_and_a_reader_share_an_encrypted_database(
    url: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Each finds the keys in its environment."""
    guild = payloads.guild(own_user=payloads.own_user(id=hearing.ME), members=6, threads=2, voice_states=2)
    texts = [needle() for _ in range(3)]
    guild["name"], guild["channels"][0]["name"], guild["members"][0]["user"]["username"] = texts
    monkeypatch.setenv("PERSIST_KEYS", f"2026:{NEW}")
    async with hearing.Hearing(url) as heard:
        await heard.ready(guild)
        async for cache in heard.answers():
            (found,) = await cache.channels.find(name=texts[1])
            assert found.id == int(guild["channels"][0]["id"])
            with pytest.raises(QueryError, match=r"channels\.name is encrypted and cannot be compared"):
                await cache.channels.find(name=persist.startswith("a"))
    app = hikari.RESTBot("a.b.c", "Bot", public_key=b"k" * 32, banner=None, suppress_optimization_warning=True)
    async with persist.connect(url, app) as cache:
        assert await cache.members.count() == len(guild["members"])
        member = await cache.get_member(int(guild["id"]), int(guild["members"][0]["user"]["id"]))
        assert member is not None
        assert member.username == texts[2]
    monkeypatch.delenv("PERSIST_KEYS")
    with pytest.raises(SchemaError, match="is encrypted with the key '2026'"):
        await persist.connect(url, app).open()
    with at_rest(url, request) as folder:
        assert seen(folder, texts) == set()


def test_every_kind_is_encrypted_by_default() -> None:
    concealed = KEYS.concealed()
    assert concealed.keys() == ENTITIES.keys()
    assert concealed["messages"] == ["content"]
    assert concealed["users"] == ["discriminator", "global_name", "username"]
    assert concealed["roles"] == ["name"]


def test_a_store_that_is_not_sql_says_that_it_cannot_encrypt() -> None:
    import dict_store  # noqa: PLC0415

    with pytest.raises(QueryError, match="so persist cannot encrypt it"):
        sealed(dict_store.DictStore({}), KEYS)
    with pytest.raises(QueryError, match=r"encryption must be a persist\.Encryption, not str"):
        sealed(open_store("memory://"), typing.cast("typing.Any", "2026"))
