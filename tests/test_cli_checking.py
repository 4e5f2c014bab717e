"""``verify``, ``vacuum`` and ``doctor`` find problems and name the way out, and find none where there are none."""

from __future__ import annotations

import asyncio
import importlib
import pathlib
import re
import sqlite3
import threading
import typing

import bots
import hikari
import pytest
from fakecord import FakeDiscord

import persist
from persist import doctor, plugins
from persist.contract_samples import message
from persist.sql import SqlStore

pytest.importorskip("typer", reason="typer is not installed.")

from command_line import answered, call, fill, said


@pytest.fixture
def learned(tmp_path: pathlib.Path) -> typing.Iterator[tuple[str, FakeDiscord]]:
    """Yield a database that a real bot has filled, and the fake Discord it was filled from, which keeps running."""
    url = f"sqlite:///{tmp_path / 'cache.db'}"
    loop = asyncio.new_event_loop()
    sim = FakeDiscord(seed=3)

    async def learn() -> None:
        await sim.__aenter__()
        sim.add_guild(members=12)
        bot = bots.make(sim.rest_url)
        cache = persist.Cache(bot, url)
        async with bots.started(sim, bot, cache):
            await cache.flush()

    loop.run_until_complete(learn())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield url, sim
    asyncio.run_coroutine_threadsafe(sim.__aexit__(None, None, None), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def found(said: dict[str, typing.Any]) -> dict[tuple[str, str], int]:
    return {(each["kind"], each["what"]): each["number"] for each in said["findings"]}


def change(url: str, sql: str) -> None:
    other = sqlite3.connect(url.removeprefix("sqlite:///"))
    with other:
        other.execute(sql)
    other.close()


def test_nothing_is_wrong_with_what_a_bot_has_learned(
    learned: tuple[str, FakeDiscord], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, sim = learned
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    clean = call("verify", url)
    assert not [each for each in found(clean) if each[1] != "unknown to hikari"]
    assert clean["drift"] is None
    assert "They were not compared with Discord" in said("verify", url)
    monkeypatch.setenv("DISCORD_TOKEN", bots.TOKEN)
    monkeypatch.setenv("DISCORD_API", sim.rest_url)
    assert call("verify", url)["drift"] == []


def test_what_discord_says_otherwise_is_told(learned: tuple[str, FakeDiscord], monkeypatch: pytest.MonkeyPatch) -> None:
    url, sim = learned
    monkeypatch.setenv("DISCORD_TOKEN", bots.TOKEN)
    monkeypatch.setenv("DISCORD_API", sim.rest_url)
    change(url, "UPDATE roles SET payload = json_set(payload, '$.name', 'forged') WHERE id != guild_id")
    change(url, "DELETE FROM channels WHERE rowid = (SELECT MIN(rowid) FROM channels)")
    drift = answered("verify", url, code=1)["drift"]
    assert {each["column"] for each in drift if each["kind"] == "roles"} == {"name"}
    assert [each["stored"] for each in drift if each["column"] == "itself"] == ["missing"]


def test_what_is_wrong_is_found_and_counted(learned: tuple[str, FakeDiscord], monkeypatch: pytest.MonkeyPatch) -> None:
    url, _ = learned
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    fill(url, [message(1, 50, 9999), message(2, 50, 9999), message(3, 50, None)])
    change(url, "UPDATE members SET payload = 'rubbish' WHERE rowid IN (SELECT rowid FROM members LIMIT 2)")
    change(url, "UPDATE roles SET payload = '{}' WHERE id != guild_id")
    people = said("verify", url, code=1)
    for words in ("unreadable", "undecodable", "without guild", "without owner", "delete the row"):
        assert words in people
    numbers = found(answered("verify", url, code=1))
    assert numbers["members", "unreadable"] == 2
    assert numbers["messages", "without guild"] == 2
    assert numbers["messages", "without owner"] == 3


def test_a_damaged_file_is_found(sqlite_url: str) -> None:
    fill(sqlite_url, [message(number, 50, 9999, content="x" * 500) for number in range(1, 2000)])
    file = pathlib.Path(sqlite_url.removeprefix("sqlite:///"))
    with file.open("r+b") as raw:
        raw.seek(16384 * 20)
        raw.write(b"\xff" * 16384)
    assert "damaged" in said("verify", sqlite_url, code=1) or "malformed" in said("verify", sqlite_url, code=1)


@pytest.mark.parametrize("engine", ["sqlite_url", "postgresql_url", "mysql_url"])
def test_room_is_given_back(engine: str, request: pytest.FixtureRequest) -> None:
    url = str(request.getfixturevalue(engine))
    fill(url, [message(number, 50, 1, content="x" * 500) for number in range(1, 5000)])
    if engine == "sqlite_url":
        change(url, "DELETE FROM messages")
    sizes = call("vacuum", url)
    assert sizes["bytes_before"] > 0
    if engine == "sqlite_url":
        assert sizes["bytes_after"] < sizes["bytes_before"] / 2


@pytest.mark.parametrize("engine", ["sqlite_url", "postgresql_url", "mysql_url"])
def test_the_doctor_finds_nothing_wrong_with_a_database_of_ours(
    engine: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    url = str(request.getfixturevalue(engine))
    fill(url, [message(1, 50, 1)])
    said = call("doctor", url, "--intents", "ALL")
    states = {check["what"]: check["state"] for check in said["checks"]}
    assert said["fine"] is True
    assert {"Python", "hikari", "driver", "schema", "database", "server", "size", "intents"} <= set(states)
    assert {states[each] for each in ("Python", "hikari", "driver", "schema", "server", "intents")} == {"fine"}
    if engine != "sqlite_url":
        assert states["right to write"] == "fine"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite:///{}/no/such/cache.db", ["there is no folder", "create it first: mkdir -p"]),
        ("sqlite:///{}", ["is a folder", "name a file in it: '.*cache.db'"]),
        ("sqlite:///{}/foreign.db/folder/cache.db", ["foreign.db' is a file, not a folder", "name another place"]),
        ("sqlite:///{}/not-yet.db", ["does not exist yet"]),
        ("sqlite:///{}/foreign.db", ["is not persist's|tables that are not persist's"]),
        ("nonsense://x", ["no backend is installed for nonsense://"]),
        ("postgresql://u:s3cret@127.0.0.1:1/x", ["is the server running there"]),
    ],
)
def test_the_doctor_says_the_way_out(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, url: str, says: list[str]
) -> None:
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    foreign = sqlite3.connect(tmp_path / "foreign.db")
    foreign.execute("CREATE TABLE a (b)")
    foreign.close()
    before = sorted(tmp_path.iterdir())
    text = said("doctor", url.format(tmp_path), code=0 if "not-yet" in url else 1)
    for words in says:
        assert re.search(words, text), text
    assert "s3cret" not in text
    assert sorted(tmp_path.iterdir()) == before


def test_the_doctor_compares_intents_with_rules() -> None:
    checks = {check.found for check in doctor.of_intents(hikari.Intents.ALL_UNPRIVILEGED, frozenset())}
    assert any("without GUILD_MEMBERS: members" in found for found in checks)
    assert any("without MESSAGE_CONTENT" in found for found in checks)
    off = frozenset(("members", "thread_members", "presences", "messages"))
    (check,) = doctor.of_intents(hikari.Intents.ALL_UNPRIVILEGED, off)
    assert check.state == "fine"
    given = doctor.of_application(hikari.ApplicationFlags.MESSAGE_CONTENT_INTENT_LIMITED)
    assert given == hikari.Intents.MESSAGE_CONTENT


def checked(*words: str, code: int = 0) -> dict[str, dict[str, str]]:
    answer = answered("doctor", *words, code=code)
    return {check["what"]: check for check in answer["checks"]}


@pytest.mark.parametrize("engine", ["sqlite_url", "postgresql_url", "mysql_url"])
def test_the_doctor_looks_at_the_keys(
    engine: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("cryptography")
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    url = str(request.getfixturevalue(engine))
    right, other = persist.Encryption.new_key(), persist.Encryption.new_key()

    def keys(said: str, state: str) -> str:
        monkeypatch.setenv("PERSIST_KEYS", said)
        check = checked(url, code=int(state == "wrong"))["encryption"]
        assert check["state"] == state, check
        assert check["way_out"] or state == "fine"
        assert right not in str(check)
        assert other not in str(check)
        return check["found"]

    monkeypatch.setenv("PERSIST_KEYS", f"mine:{right}")
    call("migrate", url)
    assert "the keys are the right ones" in keys(f"mine:{right}", "fine")
    assert "encrypted with the key 'mine', and no key is set" in keys("", "wrong")
    assert "is not the one that" in keys(f"mine:{other}", "wrong")
    assert "which is missing" in keys(f"its:{other}", "wrong")
    assert "has no name" in keys(right, "wrong")
    assert "not one of 44 characters" in keys(f"{right}:mine", "wrong")
    assert "is neither 32 bytes" in keys("mine:short", "wrong")


def test_the_doctor_says_that_keys_are_given_for_what_is_in_clear(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("cryptography")
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    fill(sqlite_url, [message(1, 50, 1)])
    assert checked(sqlite_url)["encryption"]["found"].startswith("nothing is encrypted")
    monkeypatch.setenv("PERSIST_KEYS", f"mine:{persist.Encryption.new_key()}")
    assert "persist rekey" in checked(sqlite_url, code=1)["encryption"]["found"]


def test_the_doctor_reads_the_rules(sqlite_url: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    fill(sqlite_url, [message(1, 50, 1)])
    file = tmp_path / "persist.toml"
    file.write_text("[keep]\nmembers = false\nthread_members = false\npresences = false\nmessages = false\n")
    words = (sqlite_url, "--rules", str(file))
    assert checked(*words, "--intents", "ALL_UNPRIVILEGED")["intents"]["state"] == "fine"
    assert "members, messages" in checked(*words)["rules"]["found"]
    file.write_text("[keep]\nusers = false\n")
    assert "hikari cannot make members without them" in said("doctor", *words)
    assert "hikari cannot make members without them" in said("doctor", *words, "--intents", "ALL")
    file.write_text("[keep]\nunicorns = false\n")
    check = checked(*words, code=1)["rules"]
    assert "unicorns" in check["found"]
    assert "fix the file" in check["way_out"]
    assert "there is no kind 'unicorns'; there are: " in said("doctor", sqlite_url, "--off", "unicorns", code=1)


def test_the_doctor_tells_of_a_server_that_is_too_old() -> None:
    assert doctor.of_server("PostgreSQL 15.18 on x86_64", (15,)).state == "fine"
    assert doctor.of_server("10.11.6-MariaDB", (10, 11)).state == "fine"
    old = doctor.of_server("PostgreSQL 12.3", (15,))
    assert (old.state, old.way_out) == ("look", "versions before 15 are not tested; upgrade the server")


async def _run(url: str, *statements: str) -> None:
    store = plugins.open_store(url)
    assert isinstance(store, SqlStore)
    await store.open()
    try:
        await store.run(lambda _: statements)
    finally:
        await store.close()


def test_postgresql_is_asked_whether_it_is_whole(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    fill(postgresql_url, [message(number, 50, 1) for number in range(1, 50)])
    assert ("", "unchecked") in found(answered("verify", postgresql_url, code=1))
    assert "CREATE EXTENSION amcheck" in said("verify", postgresql_url, code=1)
    asyncio.run(_run(postgresql_url, "CREATE EXTENSION amcheck"))
    whole = found(answered("verify", postgresql_url, code=1))
    assert not whole.keys() & {("", "unchecked"), ("", "damaged")}
    # An index that does not match its table, as after a crash of a disk that did not really write.
    key = "(SELECT indexrelid FROM pg_index WHERE indrelid = 'messages'::regclass AND indisprimary)"
    asyncio.run(
        _run(
            postgresql_url,
            "CREATE FUNCTION backwards(bigint, bigint) RETURNS integer IMMUTABLE LANGUAGE sql "
            "AS 'SELECT -btint8cmp($1, $2)'",
            "CREATE OPERATOR CLASS backwards FOR TYPE bigint USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, "
            "OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 backwards(bigint, bigint)",
            "UPDATE pg_index SET indclass = (SELECT oid::text FROM pg_opclass WHERE opcname = 'backwards')::oidvector "
            f"WHERE indexrelid = {key}",
        )
    )
    damaged = answered("verify", postgresql_url, code=1)
    assert found(damaged)["", "damaged"] >= 1
    assert 'index "messages_pkey"' in damaged["findings"][0]["examples"][0]


def test_mariadb_is_asked_whether_it_is_whole(mysql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    fill(mysql_url, [message(1, 50, 1)])
    assert not [what for kind, what in found(answered("verify", mysql_url, code=1)) if not kind]
    checked = importlib.import_module("persist.backends.mysql_dialect").MARIADB.integrity.problem
    assert checked(("a.messages", "check", "status", "OK")) is None
    assert checked(("a.messages", "check", "error", "Corrupt")) == "messages: Corrupt"
    assert checked(("a.messages", "check", "status", "Operation failed")) == "messages: Operation failed"


def test_the_doctor_asks_discord_what_the_portal_gives(
    learned: tuple[str, FakeDiscord], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, sim = learned
    monkeypatch.setenv("DISCORD_API", sim.rest_url)
    monkeypatch.setenv("DISCORD_TOKEN", bots.TOKEN)
    checks = {check["what"]: check for check in call("doctor", url)["checks"]}
    assert checks["token"]["state"] == "fine"
    monkeypatch.setenv("DISCORD_API", "http://127.0.0.1:1")
    assert {check["what"]: check for check in call("doctor", url)["checks"]}["token"]["state"] == "look"
    assert "there is no intent 'NONSENSE'" in said("doctor", url, "--intents", "nonsense", code=1)
