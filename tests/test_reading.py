"""A cache without a gateway reads what a bot has stored, and changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pathlib
import sqlite3
import typing

import bots
import hearing
import hikari
import pytest
from fakecord import Payload, payloads

import persist


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


def rest_bot() -> hikari.RESTBot:
    return hikari.RESTBot(
        bots.TOKEN, "Bot", public_key=b"k" * 32, banner=None, logs=None, suppress_optimization_warning=True
    )


def guild_of() -> Payload:
    return payloads.guild(own_user=payloads.own_user(id=hearing.ME), members=6, threads=2, voice_states=2)


def files(folder: pathlib.Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def filled(url: str) -> Payload:
    guild = guild_of()
    async with hearing.Hearing(url) as heard:
        await heard.ready(guild)
    return guild


async def test_a_reader_finds_what_a_bot_has_stored(url: str) -> None:
    guild = await filled(url)
    guild_id, user = int(guild["id"]), guild["members"][0]["user"]
    app = rest_bot()
    async with persist.connect(url, app) as cache:
        found = await cache.get_member(guild_id, int(user["id"]))
        assert found is not None
        assert found.username == user["username"]
        assert found.app is app
        assert len(await cache.get_members_view_for_guild(guild_id)) == await cache.members.count(guild=guild_id)
        assert len(await cache.get_voice_states_view_for_guild(guild_id)) == 2
        me = await cache.get_me()
        assert me is not None
        assert me.id == int(hearing.ME)
        entry = await cache.guilds.entry(guild_id)
        assert entry is not None
        assert not entry.verified
        assert await cache.view(persist.entities.ROLES).get(guild_id) is not None
    with pytest.raises(persist.CacheClosedError, match="is not open; write"):
        await cache.get_guild(guild_id)


async def test_a_reader_tells_what_members_may_do_and_how_much_is_known(url: str, tmp_path: pathlib.Path) -> None:
    guild = guild_of()
    guild_id, users = int(guild["id"]), [int(member["user"]["id"]) for member in guild["members"]]
    async with hearing.Hearing(url) as heard:
        await heard.ready(guild)
        # A role that was deleted while the bot was offline; all existing roles have been listed since.
        named = {**payloads.member(payloads.user(id="501"), ["77"]), "guild_id": guild["id"]}
        await heard.hear("GUILD_MEMBER_ADD", named)
        told = {user: await heard.cache.permissions(guild_id, user) for user in (*users, 501)}
        channel = int(guild["channels"][0]["id"])
        there = await heard.cache.permissions(guild_id, users[0], channel)
    async with persist.connect(url, rest_bot()) as cache:
        assert {user: await cache.permissions(guild_id, user) for user in told} == told
        assert await cache.permissions(guild_id, users[0], channel) == there
        assert await cache.permissions(guild_id, 1) is None
        known = await cache.completeness(guild_id, persist.ROLES)
        assert (known.state, known.source, known.verified) == ("complete", "gateway", False)
        assert (await cache.completeness(1, persist.ROLES)).state == "unknown"
        with pytest.raises(persist.QueryError, match="completeness takes a kind"):
            await cache.completeness(guild_id, "users")
        made = await cache.export_user(users[0], tmp_path / "user.jsonl")
        assert made.own["members"] == 1
    with pytest.raises(persist.CacheClosedError):
        await cache.permissions(guild_id, users[0])
    with pytest.raises(persist.CacheClosedError):
        await cache.export_user(users[0], tmp_path / "again.jsonl")


async def test_a_reader_sees_what_a_bot_stores_meanwhile(url: str) -> None:
    async with hearing.Hearing(url) as heard, persist.connect(url, rest_bot()) as cache:
        assert await cache.get_me() is None
        guild = guild_of()
        await heard.ready(guild)
        assert await cache.get_guild(int(guild["id"])) is None
        await heard.cache.flush()
        assert await cache.get_guild(int(guild["id"])) is not None
        assert await cache.get_me() is not None


async def test_a_rest_client_makes_the_objects_too(sqlite_url: str) -> None:
    guild = await filled(sqlite_url)
    app = hikari.RESTApp()
    await app.start()
    try:
        async with app.acquire(bots.TOKEN, "Bot") as rest, persist.connect(sqlite_url, rest) as cache:
            assert await cache.get_guild(int(guild["id"])) is not None
    finally:
        await app.close()


async def test_a_reader_makes_no_database(url: str, tmp_path: pathlib.Path) -> None:
    with pytest.raises(persist.PersistError, match=r"a bot with a persist\.Cache"):
        await persist.connect(url, rest_bot()).open()
    assert files(tmp_path) == []
    # No tables are left behind: otherwise a bot could not use the database, or would find too few tables.
    await filled(url)


async def test_a_reader_leaves_every_byte_as_it_is(sqlite_url: str, tmp_path: pathlib.Path) -> None:
    guild = await filled(sqlite_url)
    before = (tmp_path / "cache.db").read_bytes()
    async with persist.connect(sqlite_url, rest_bot()) as cache:
        assert await cache.members.count(guild=int(guild["id"]))
    assert (tmp_path / "cache.db").read_bytes() == before


async def test_a_reader_refuses_a_schema_that_it_does_not_know(sqlite_url: str, tmp_path: pathlib.Path) -> None:
    await filled(sqlite_url)
    for version, words in (("1", "Upgrade the bot that writes it"), ("999", "Upgrade hikari-persist")):
        alter(tmp_path / "cache.db", version)
        with pytest.raises(persist.SchemaError, match=words):
            await persist.connect(sqlite_url, rest_bot()).open()


def alter(path: pathlib.Path, version: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE persist_meta SET value = ? WHERE name = 'schema_version'", (version,))


@pytest.mark.parametrize("wrong", [None, 1, "bot", hikari.RESTBot, hikari.RESTApp()])
def test_what_makes_no_objects_is_refused(wrong: typing.Any, sqlite_url: str) -> None:
    with pytest.raises(persist.QueryError, match="app must be a bot"):
        persist.connect(sqlite_url, wrong)


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be read as one" * 20])
async def test_what_is_no_database_is_refused(content: bytes, sqlite_url: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "cache.db").write_bytes(content)
    with pytest.raises(persist.SchemaError, match="is not an SQLite database"):
        await persist.connect(sqlite_url, rest_bot()).open()
    with pytest.raises(persist.BackendError, match="only the cache that uses memory://"):
        await persist.connect("memory://", rest_bot()).open()


# ------------------------------------------------------------------------------------------------------- with a RESTBot


async def served(bot: hikari.RESTBot) -> None:
    await bot.start(host="127.0.0.1", port=0, check_for_updates=False)


async def test_a_rest_bot_opens_and_closes_its_cache_as_often_as_it_runs(sqlite_url: str) -> None:
    guild = await filled(sqlite_url)
    bot = rest_bot()
    cache = persist.connect(sqlite_url, bot)
    asked: list[object] = []

    async def ask(_: object) -> None:
        asked.append(await cache.get_guild(int(guild["id"])))

    bot.add_shutdown_callback(ask)
    for _ in range(2):
        await served(bot)
        assert cache.is_open
        await bot.close()
        assert not cache.is_open
    assert len(asked) == 2
    assert None not in asked


async def test_who_starts_earlier_and_asks_is_answered(sqlite_url: str) -> None:
    guild = await filled(sqlite_url)
    bot = rest_bot()
    asked: list[object] = []

    async def ask(_: object) -> None:
        asked.append(await cache.get_guild(int(guild["id"])))

    bot.add_startup_callback(ask)
    cache = persist.connect(sqlite_url, bot)
    await served(bot)
    await bot.close()
    assert asked != [None]


async def test_a_callback_that_fails_leaves_no_cache_open(sqlite_url: str) -> None:
    await filled(sqlite_url)
    bot = rest_bot()
    cache = persist.connect(sqlite_url, bot)

    async def fail(_: object) -> None:
        raise LookupError

    bot.add_shutdown_callback(fail)
    await served(bot)
    with pytest.raises(LookupError):
        await bot.close()
    await bots.closed(cache)


async def test_a_rest_bot_runs_without_its_database_and_finds_it_later(
    sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    bot = rest_bot()
    cache = persist.connect(sqlite_url, bot)
    await served(bot)
    assert [record.levelno for record in caplog.records if record.name == "persist"] == [logging.CRITICAL]
    with pytest.raises(persist.CacheClosedError, match="could not be opened: there is no file"):
        await cache.get_guild(1)
    guild = await filled(sqlite_url)
    async with asyncio.timeout(10):
        assert await cache.get_guild(int(guild["id"])) is not None
    await bot.close()


async def test_what_only_reads_forgets_nothing_and_says_so(url: str) -> None:
    guild = await filled(url)
    async with persist.connect(url, rest_bot()) as cache:
        with pytest.raises(persist.QueryError, match="is read-only"):
            await cache.members.find().delete()
        assert await cache.members.count(guild=int(guild["id"])) == 6
