"""``verify``, ``vacuum`` and ``doctor`` find what is wrong, say the way out, and find nothing where nothing is."""

from __future__ import annotations

import asyncio
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
from persist import doctor
from persist.contract_samples import message

pytest.importorskip("typer", reason="typer is not installed.")

from command_line import answered, call, fill, said


@pytest.fixture
def learned(tmp_path: pathlib.Path) -> typing.Iterator[tuple[str, FakeDiscord]]:
    """Give a database that a real bot has filled, and the Discord that it was filled from, which goes on running."""
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
    assert "Discord was not asked" in said("verify", url)
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
        ("sqlite:///{}/no/such/cache.db", ["mkdir -p", "is not there"]),
        ("sqlite:///{}/not-yet.db", ["is not there yet"]),
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
