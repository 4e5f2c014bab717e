"""The search index matches the stored data, whatever changes it, whoever writes, and whenever it is enabled."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import typing
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import orjson
import pytest
from fakecord import Payload, payloads
from hearing import ME, Hearing

import persist
from persist import texts
from persist.backends.sqlite_dialect import DIALECT
from persist.backends.sqlite_driver import SqliteDriver
from persist.changes import Amend, Change, Drop, DropScope, Patch, Put, forgetting
from persist.conditions import Condition
from persist.contract_samples import member, message, origin, user
from persist.edits import Omit, Part
from persist.entities import MEMBERS, MESSAGES, ROLES, USERS
from persist.locations import store_of
from persist.model import Entity, Key
from persist.plugins import open_store
from persist.schema import texts_of
from persist.searching import kinds_named, searching
from persist.spi import Select
from persist.sql import SqlStore
from persist.words import terms_of, text_of

ALL: typing.Final = frozenset({"messages", "members"})


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def url(request: pytest.FixtureRequest) -> str:
    """Return the URL of an empty database that outlives its store, on every engine."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def heard(engine_url: str) -> AsyncIterator[Hearing]:
    async with Hearing(engine_url, search=ALL) as heard:
        yield heard


@asynccontextmanager
async def opened(url: str, *search: str, stay: bool = False) -> AsyncIterator[SqlStore]:
    """Yield an open store with some searchable kinds, or with those from before."""
    store = open_store(url)
    assert isinstance(store, SqlStore)
    if not stay:
        store.search(kinds_named(search))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def found_in(store: SqlStore, entity: Entity[typing.Any], question: str) -> set[int | str]:
    page = await store.select(Select(entity, where=searching(entity, question).where, want="keys"))
    return {record.key[-1] for record in page.records}


async def check_step(store: SqlStore) -> None:
    """Check that the texts and their index are the same as if they were made again from the stored data."""
    quote = store.dialect.quote
    search = store.dialect.search
    assert search is not None
    for entity in (MESSAGES, MEMBERS, USERS):
        assert entity.searched is not None
        expected: dict[Key, tuple[str, str]] = {}
        for record in (await store.select(Select(entity))).records:
            if text := text_of(map(record.column, entity.searched.columns)):
                terms = [search.prefix + term for term in terms_of(text, inside=entity.searched.inside)]
                expected[record.key] = (text, " ".join(terms))
        table = texts_of(entity)
        columns = ", ".join(map(quote, (*entity.key, "words", "terms")))
        rows = await store.query(f"SELECT {columns} FROM {quote(table.name)}")
        assert {tuple(row[:-2]): (row[-2], row[-1]) for row in rows} == expected
        if store.dialect is DIALECT:
            index = quote(f"{table.name}_index")
            await store.run(lambda _, i=index: (f"INSERT INTO {i} ({i}, rank) VALUES ('integrity-check', 1)",))  # type: ignore[misc]


# ----------------------------------------------------------------------------------------------------- what changes it


async def test_every_kind_of_change_keeps_the_texts_in_step(url: str) -> None:
    async with opened(url, *ALL) as store:
        batches: Sequence[Sequence[Change]] = [
            [Put(message(n, 5 + n % 2, 7, content=f"red panda {n}")) for n in range(1, 9)],
            [Put(message(9, 5, 7, content=None)), Put(message(1, 6, 7, content="bamboo"))],
            [Put(message(2, 5, 7, content="!?")), Put(message(9, 5, 7, content="late"))],
            [Patch(MESSAGES, (3,), 7, (Part({"content": "Edited"}),), origin(1))],
            [Patch(MESSAGES, (4,), 7, (Part({"pinned": True}),), origin(2))],
            [Patch(MESSAGES, (20,), 7, (Part({"channel_id": "5", "content": "new"}),), origin(3), create=True)],
            [Patch(MESSAGES, (3,), 7, (Omit(("content",)),), origin(4))],
            [Drop(MESSAGES, (4,), 7), Drop(MESSAGES, (99,), 7)],
            [Amend(MESSAGES, 7, (Condition("channel_id", "equals", 6),), (Part({"content": "all"}),), origin(5))],
            [Put(message(4, 5, 7, content="again")), Drop(MESSAGES, (5,)), Put(message(5, 5, 7, content="x"))],
            [Put(user(n, username=f"user{n}", global_name="Ali" if n % 2 else None)) for n in range(1, 6)],
            [Put(member(7, n, nick=f"Nick {n}" if n % 2 else None)) for n in range(1, 6)],
            [Put(member(8, n, nick=f"Nick {n}" if n % 2 else None)) for n in range(1, 6)],
            [Amend(MEMBERS, 7, (Condition("nickname", "is_null"),), (Part({"nick": "Given"}),), origin(6))],
            [Patch(USERS, (1,), None, (Part({"username": "Natalia"}),), origin(7))],
            list(forgetting(USERS, [(2,)])),
            [DropScope(MEMBERS, 8)],
            [DropScope(MESSAGES, 7, (Condition("channel_id", "equals", 5),))],
        ]
        for batch in batches:
            await store.apply(batch)
            await check_step(store)
        assert await found_in(store, MESSAGES, "all") == {3, 5, 7, 1} - {5}
        assert await found_in(store, MEMBERS, "ali") == {1, 3, 5}
        await store.apply([DropScope(MESSAGES, None), DropScope(MEMBERS, None), DropScope(USERS, None)])
        await check_step(store)
        assert await found_in(store, MESSAGES, "all") == set()


async def test_a_batch_that_fails_leaves_no_text(url: str) -> None:
    async with opened(url, *ALL) as store:
        await store.apply([Put(message(1, 5, 7, content="red"))])
        with pytest.raises(Exception, match=r"."):
            await store.apply([Put(message(1, 5, 7, content="blue")), Put(message(2, 5, 7, content=5))])
        await check_step(store)
        assert await found_in(store, MESSAGES, "red") == {1}


def a_guild() -> Payload:
    return payloads.guild(own_user=payloads.own_user(id=ME), members=3)


async def test_what_events_say_is_found_at_once_and_what_they_delete_is_not(heard: Hearing) -> None:
    guild = a_guild()
    await heard.ready(guild)
    channel = next(str(each["id"]) for each in guild["channels"] if each["type"] == 0)
    search = heard.cache.messages.search

    async def say(text: str) -> Payload:
        said = payloads.message(channel, payloads.user(), guild_id=guild["id"], content=text)
        await heard.hear("MESSAGE_CREATE", said)
        return typing.cast("Payload", said)

    first, second, third = [await say(f"A Red Panda, {n}") for n in ("one", "two", "three")]
    assert [each.id for each in await search("red panda")] == [int(m["id"]) for m in (third, second, first)]
    await heard.hear("MESSAGE_UPDATE", {**second, "content": "A firefox"})
    assert await search("fire").ids() == [int(second["id"])]
    assert await search("red panda two").count() == 0
    reaction = {
        "user_id": "5",
        "emoji": {"id": None, "name": "🐼"},
        "message_id": first["id"],
        "type": 0,
        "burst": False,
    }
    await heard.hear("MESSAGE_REACTION_ADD", {**reaction, "channel_id": channel, "guild_id": guild["id"]})
    assert await search("red panda", channel=int(channel), limit=1).ids() == [int(third["id"])]
    await heard.hear("MESSAGE_DELETE", {"id": first["id"], "channel_id": channel, "guild_id": guild["id"]})
    assert await search("red panda").ids() == [int(third["id"])]
    await heard.hear("CHANNEL_DELETE", next(each for each in guild["channels"] if each["id"] == channel))
    assert await search("a").ids() == []


async def test_members_are_found_by_the_name_that_they_have_now(heard: Hearing) -> None:
    guild, other = a_guild(), a_guild()
    await heard.ready(guild, other)
    ali = payloads.user(username="ali_baba", global_name="Ali Baba")
    for each in (guild, other):
        await heard.hear("GUILD_MEMBER_ADD", {**payloads.member(ali), "nick": None, "guild_id": each["id"]})
    search = heard.cache.members.search
    here = int(guild["id"])
    assert {member.guild_id for member in await search("ALI")} == {here, int(other["id"])}
    entry = (await search("bab", guild=here).entries())[0]
    assert entry.value is not None
    assert entry.value.user.global_name == "Ali Baba"
    renamed = {"guild_id": guild["id"], "user": {**ali, "global_name": "Zoë"}, "nick": "Nástja", "roles": []}
    await heard.hear("GUILD_MEMBER_UPDATE", {**payloads.member(ali), **renamed})
    assert await search("zoe").ids() == [int(ali["id"])] * 2
    assert await search("nastja").ids() == [int(ali["id"])]
    assert await search("baba").count() == 2  # by username
    assert await search('"ali baba"', guild=here).ids() == [int(ali["id"])]
    await heard.hear("GUILD_MEMBER_REMOVE", {"guild_id": guild["id"], "user": ali})
    assert {member.guild_id for member in await search("zoe")} == {int(other["id"])}
    await heard.hear("GUILD_DELETE", {"id": other["id"]})
    assert await search("zoe").ids() == []


async def test_a_search_can_be_sorted_filtered_forgotten_and_verified_like_any_question(heard: Hearing) -> None:
    guild = a_guild()
    await heard.ready(guild)
    for number, text in enumerate(("pandas", "a panda", "panda, panda!", "bear"), 1):
        said = payloads.message("5", payloads.user(), guild_id=guild["id"], content=text, id=str(number))
        await heard.hear("MESSAGE_CREATE", said)
    search = heard.cache.messages.search
    assert await search("panda").ids() == [3, 2, 1]
    assert await search("panda").order_by("id").ids() == [1, 2, 3]
    assert await search("panda", verified=True, content=persist.contains(",")).ids() == [3]
    assert [m.id async for m in search("panda", limit=2).limit(9)] == [3, 2]
    assert await search("panda").limit(2).delete() == 2
    assert await search("panda").ids() == [1]


# ------------------------------------------------------------------------------------------------------- on and off


async def test_what_is_stored_already_can_be_searched_once_it_is_turned_on(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(texts, "_SLICE", 3)
    async with opened(url) as store:
        await store.apply([Put(message(n, 5, 7, content=f"panda {n}" if n % 3 else None)) for n in range(1, 20)])
        await store.apply([Put(user(1, username="natalia")), Put(member(7, 1))])
        with pytest.raises(persist.QueryError, match=r"messages cannot be searched in .*; the bot that writes to it"):
            await found_in(store, MESSAGES, "panda")
    with caplog.at_level(logging.INFO, "persist.search"):
        async with opened(url, "messages", "members") as store:
            assert await found_in(store, MESSAGES, "panda") == {n for n in range(1, 20) if n % 3}
            assert await found_in(store, MEMBERS, "ali") == {1}
            await check_step(store)
    assert "messages can be searched; 13 of them had text" in caplog.text


_DROPPING: typing.Final[Mapping[str, Sequence[str]]] = {
    "sqlite": ("DROP TABLE {}",),
    "postgresql": ("DROP TABLE {} CASCADE",),
    "mysql": ("SET foreign_key_checks = 0", "DROP TABLE {}"),
}


@pytest.mark.parametrize("table", ["messages", "persist_search_messages"])
async def test_texts_are_made_again_if_somebody_has_dropped_a_table(url: str, table: str) -> None:
    async with opened(url, *ALL) as store:
        await store.apply([Put(message(n, 5, 7, content=f"first {n}")) for n in (1, 2)])
        await store.run(lambda _: [sql.format(table) for sql in _DROPPING[url.partition(":")[0]]])
    async with opened(url, stay=True) as store:
        assert await found_in(store, MESSAGES, "first") == (set() if table == "messages" else {1, 2})
        await store.apply([Put(message(3, 5, 7, content="third first"))])
        assert 3 in await found_in(store, MESSAGES, "first")
        await check_step(store)


async def test_search_stays_on_until_it_is_turned_off_and_leaves_nothing_then(url: str) -> None:
    async with opened(url, *ALL) as store:
        before = {row[0] for row in await store.query(store.dialect.list_tables)}
        await store.apply([Put(message(1, 5, 7, content="first"))])
    async with opened(url, stay=True) as store:
        await store.apply([Put(message(2, 5, 7, content="second first"))])
        assert await found_in(store, MESSAGES, "first") == {1, 2}
    async with opened(url, "members") as store:
        await store.apply([Put(message(3, 5, 7, content="third first")), Drop(MESSAGES, (1,))])
        with pytest.raises(persist.QueryError, match="cannot be searched"):
            await found_in(store, MESSAGES, "first")
        after = {row[0] for row in await store.query(store.dialect.list_tables)}
        assert not any("search_messages" in name for name in after)
        assert any("search_members" in name for name in after)
        assert after < before
    async with opened(url, *ALL) as store:
        assert await found_in(store, MESSAGES, "first") == {2, 3}
        await check_step(store)
    async with opened(url) as store:
        after = {row[0] for row in await store.query(store.dialect.list_tables)}
        assert not any("search" in name for name in after)
        await store.apply([DropScope(MESSAGES, None)])


async def test_whoever_writes_keeps_the_texts_although_somebody_else_has_turned_search_on(url: str) -> None:
    async with opened(url) as before, opened(url, *ALL) as store:
        await before.apply([Put(message(1, 5, 7, content="red panda"))])
        assert await found_in(store, MESSAGES, "panda") == {1} == await found_in(before, MESSAGES, "panda")
        async with opened(url, "members"):
            await before.apply([Put(message(2, 5, 7, content="red panda"))])
            await store.apply([Put(message(3, 5, 7, content="red panda"))])
            with pytest.raises(persist.QueryError, match="cannot be searched"):
                await found_in(store, MESSAGES, "panda")


async def test_nothing_that_is_written_meanwhile_is_missed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "_SLICE", 7)
    async with opened(url) as before:
        await before.apply([Put(message(n, 5, 7, content="red panda")) for n in range(1000, 1200)])
        done = asyncio.Event()

        async def write() -> int:
            number = 0
            while not done.is_set():
                number += 1
                both = [Put(message(number, 5, 7, content="panda")), Put(message(1000 + number, 5, 7, content="blue"))]
                await before.apply(both)
            return number

        writer = asyncio.create_task(write(), name="a bot that began earlier")
        async with opened(url, *ALL) as store:
            done.set()
            count = await writer
            await check_step(store)
            assert await found_in(store, MESSAGES, "blue") == set(range(1001, 1001 + count))


async def test_one_that_was_interrupted_goes_on_where_it_was(mysql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A killed process leaves this if each slice is committed on its own.
    monkeypatch.setattr(texts, "_SLICE", 3)
    async with opened(mysql_url) as store:
        await store.apply([Put(message(n, 5, 7, content=f"panda {n}")) for n in range(1, 12)])
    monkeypatch.setattr(texts, "_place", lambda entity: f"search of {entity.name} is made up to")
    calls = 0
    upsert = texts._statements

    def failing(*args: typing.Any) -> typing.Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise RuntimeError("killed")
        return upsert(*args)

    monkeypatch.setattr(texts, "_statements", failing)
    with pytest.raises(RuntimeError):
        async with opened(mysql_url, "messages"):
            pass
    monkeypatch.setattr(texts, "_statements", upsert)
    async with opened(mysql_url, stay=True) as store:
        assert await found_in(store, MESSAGES, "panda") == set(range(1, 12))
        await check_step_of_messages(store)


async def check_step_of_messages(store: SqlStore) -> None:
    rows = await store.query(f"SELECT COUNT(*) FROM {store.dialect.quote(texts_of(MESSAGES).name)}")
    assert rows[0][0] == 11
    notes = await store.query(f"SELECT name, value FROM {store.dialect.quote('persist_meta')}")
    assert orjson.loads(dict(notes)[texts.NOTE]) == {"messages": texts.FORM}
    assert not [name for name, _ in notes if name.startswith("search of")]


async def test_texts_of_another_form_are_made_anew(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(url, "messages") as store:
        await store.apply([Put(message(1, 5, 7, content="red panda"))])
        await store.run(lambda d: (f"UPDATE {d.quote(texts_of(MESSAGES).name)} SET {d.quote('words')} = 'old'",))
    monkeypatch.setattr(texts, "FORM", texts.FORM + 1)
    async with opened(url, stay=True) as store:
        assert await found_in(store, MESSAGES, "panda") == {1}


async def test_vacuum_leaves_the_index_right(sqlite_url: str) -> None:
    async with opened(sqlite_url, *ALL) as store:
        await store.apply([Put(member(7, n, nick=f"Nick {n}")) for n in range(1, 50)])
        await store.apply([Drop(MEMBERS, (7, n)) for n in range(1, 40)])
        assert await store.purge()
        await check_step(store)
        assert await found_in(store, MEMBERS, "nick 4") == set(range(40, 50))


async def test_a_word_that_was_erased_is_in_no_file(sqlite_url: str, tmp_path: typing.Any) -> None:
    async with opened(sqlite_url, *ALL) as store:
        await store.apply([Put(message(n, 5, 7, content=f"qzanzibarium{n} panda")) for n in range(1, 300)])
        await store.apply([DropScope(MESSAGES, 7, (Condition("id", "greater", 1),)), Drop(MESSAGES, (1,))])
        assert await store.purge()
    assert [path.name for path in tmp_path.glob("cache.db*") if b"zanzibarium" in path.read_bytes()] == []


# -------------------------------------------------------------------------------------------------- what is encrypted


async def test_what_is_encrypted_is_not_searched_and_what_is_in_clear_is(url: str) -> None:
    pytest.importorskip("cryptography", reason="cryptography is not installed.")
    keys = {"2026": persist.Encryption.new_key()}
    in_clear = persist.Encryption(keys, columns={"messages": set()})
    for encryption, kinds in ((persist.Encryption(keys), ("messages",)), (in_clear, ("messages", "members"))):
        store = store_of(url, encryption)
        assert isinstance(store, SqlStore)
        store.search(kinds_named(kinds))
        with pytest.raises(persist.SchemaError, match=r"cannot be searched in .*: the index would hold"):
            await store.open()
    store = store_of(url, in_clear)
    assert isinstance(store, SqlStore)
    store.search([MESSAGES])
    await store.open()
    await store.apply([Put(message(1, 5, 7, content="red panda"))])
    assert await found_in(store, MESSAGES, "panda") == {1}
    await store.close()


# ---------------------------------------------------------------------------------------------------- who may search


async def test_a_reader_searches_what_the_bot_has_turned_on(url: str) -> None:
    async with Hearing(url, search=ALL) as heard:
        await heard.ready(a_guild())
        said = payloads.message("5", payloads.user(), content="A red panda")
        await heard.hear("MESSAGE_CREATE", said)
        await heard.cache.flush()
        async with persist.connect(url, heard.bot) as reader:
            assert [found.content for found in await reader.messages.search("PANDA")] == ["A red panda"]
            async with opened(url):
                with pytest.raises(persist.QueryError, match=r"search=\{'messages'\}"):
                    await reader.messages.search("panda").count()


async def test_a_database_that_lacks_what_it_takes_says_so() -> None:
    search = DIALECT.search
    assert search is not None
    without = dataclasses.replace(DIALECT, search=dataclasses.replace(search, offered="SELECT 0"))
    store = SqlStore(without, SqliteDriver(None))
    store.search(kinds_named({"messages"}))
    with pytest.raises(
        persist.SchemaError, match="SQLite in memory cannot be searched: this Python's SQLite has no FTS5"
    ):
        await store.open()


async def test_a_database_that_offers_no_search_says_so_at_once() -> None:
    store = SqlStore(dataclasses.replace(DIALECT, search=None), SqliteDriver(None))
    with pytest.raises(persist.QueryError, match=r"cannot be searched; leave out search="):
        store.search(kinds_named({"messages"}))
    await store.open()
    with pytest.raises(persist.QueryError, match="messages cannot be searched"):
        await found_in(store, MESSAGES, "panda")
    await store.close()


def test_what_cannot_be_searched_is_refused_at_once(sqlite_url: str) -> None:
    heard = Hearing(sqlite_url)
    for wrong in ("messages", {"roles"}, 5, {"messages", 5}, {"messages": 1, "x": 2}):
        with pytest.raises(persist.QueryError, match="they are: users, members, messages"):
            Hearing(sqlite_url, search=typing.cast("typing.Any", wrong))
    ask: typing.Any = heard.cache.messages.search
    for question in (None, 5, b"panda", ["panda"], "x" * 501):
        with pytest.raises(persist.QueryError, match="a string of at most 500 characters, not"):
            ask(question)
    for wrong_filter in ({"limit": 0}, {"contents": "x"}, {"verified": 1}):
        with pytest.raises(persist.QueryError):
            ask("panda", **wrong_filter)
    with pytest.raises(persist.QueryError, match="roles cannot be searched; these can: users, members, messages"):
        heard.cache.view(ROLES).search("x")
