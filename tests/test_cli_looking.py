"""``stats``, ``show`` and ``find`` show what is stored, on every engine, and create and change nothing."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys

import bots
import pytest
from fakecord import FakeDiscord

from persist.contract_samples import family, guild, member, message, role, user

pytest.importorskip("typer", reason="typer is not installed.")

from command_line import answered, call, fill, said
from typer.testing import CliRunner

from persist import cli_filters, cli_output
from persist.cli import app
from persist.entities import ROLES
from persist.errors import QueryError

RECORDS = [
    *family(1000),
    member(1000, 8, nick="eight"),
    *(message(number, 50, 1000, at=number % 60, content=f"red panda {number}") for number in range(1, 31)),
    role(70, 1000, name="mods", permissions="12"),
    user(7, username="seven, or so"),
]


@pytest.fixture(params=["sqlite_url", "postgresql_url", "mysql_url"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def test_stats_tell_records_bytes_age_and_completeness(url: str) -> None:
    fill(url, RECORDS)
    messages = call("stats", url)["messages"]
    assert messages["records"] >= 30
    assert messages["size"] > 30 * len("red panda 1")
    assert messages["oldest"] <= messages["newest"]
    assert messages["oldest"].startswith("2024-05-06 07:")
    assert messages["guilds"] == {"unknown": 1}
    people = said("stats", url)
    assert "messages" in people
    assert "0 of 1 guilds" in people
    assert "█" in said("stats", url, "--plot")


def test_find_takes_the_filters_of_code(url: str) -> None:
    fill(url, RECORDS)

    def found(*words: str) -> list[int]:
        lines = said("find", "messages", *words, "--url", url, "--json", "--limit", "100").splitlines()
        return [json.loads(line)["id"] for line in lines]

    assert found("content~panda 3") == [3, 30]
    assert found("content=red panda 4") == [4]
    assert found("id=1,2,5") == [1, 2, 5]
    assert found("id>28", "channel=50") == [29, 30]
    assert found("id<=2") == [1, 2]
    assert found("content^=red panda 2", "id!=2", "--order-by", "-id")[:2] == [29, 28]
    assert set(found("id<31", "edited_timestamp=null")) == set(range(1, 31))
    assert found("updated>7d ago") == []
    assert call("find", "messages", "content~panda", "--count", "--url", url) == {"count": 30}
    assert call("find", "roles", "permissions&=4", "--count", "--url", url)["count"] >= 1
    assert call("find", "members", "username^=seven", "is_bot=false", "--count", "--url", url) == {"count": 1}
    assert call("find", "members", "username=eight", "--count", "--url", url) == {"count": 0}
    assert "there is no" not in said("find", "messages", "id=1", "--url", url)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nonsense"], "'nonsense' is not a filter; write NAME=VALUE"),
        (["nme=1"], "messages cannot be found by 'nme'; they can by: id"),
        (["id=x"], "id must be an id, not 'x'"),
        (["timestamp>yesterday"], "must be a time such as 2026-01-31"),
        (["is_pinned=maybe"], "true or false"),
        (["id=1", "id=2"], "has two filters"),
        (["verified=true"], "no gateway session runs here"),
        (["type~a"], "must be a whole number|does not apply to"),
    ],
)
def test_a_filter_that_cannot_be_is_refused(sqlite_url: str, words: list[str], says: str) -> None:
    fill(sqlite_url, RECORDS)
    assert re.search(says, said("find", "messages", *words, "--url", sqlite_url, code=1))


def test_filters_are_those_of_code() -> None:
    wanted = cli_filters.wanted(ROLES, ["position>=3", "name=null", "is_hoisted=yes", "guild=1,2"])
    assert wanted["guild"] == [1, 2]
    assert wanted["name"] is None
    assert wanted["is_hoisted"] is True
    assert wanted["position"].test == "at_least"
    with pytest.raises(QueryError, match="takes one value"):
        cli_filters.wanted(ROLES, ["position>=3,4"])


def test_one_thing_is_shown_to_people_with_its_history(sqlite_url: str) -> None:
    fill(sqlite_url, RECORDS)
    shown = said("show", "members", "1000", "8", "--url", sqlite_url)
    assert '"nick": "eight"' in shown
    assert "guild_id       1000" in " ".join(shown.split("\n"))


def test_looking_makes_no_database(tmp_path: pathlib.Path) -> None:
    url = f"sqlite:///{tmp_path / 'typo.db'}"
    for words in (("stats", url), ("show", "users", "1", "--url", url), ("find", "users", "--url", url)):
        assert "there is no file" in said(*words, code=1)
    assert list(tmp_path.iterdir()) == []


def test_the_environment_names_the_database(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(sqlite_url, [guild(1000, name="Reef")])
    monkeypatch.setenv("PERSIST_URL", sqlite_url)
    assert "Reef" in said("find", "guilds")
    assert call("stats")["guilds"]["records"] == 1


def test_the_environment_names_the_database_also_where_other_arguments_follow(
    sqlite_url: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(sqlite_url, [user(77, username="Ann")])
    monkeypatch.setenv("PERSIST_URL", sqlite_url)
    for words in (("export",), ("backup",), ("export-user", "77")):
        file = tmp_path / words[0]
        said(*words, str(file))
        assert file.is_file()
    assert call("erase", "user", "77")["erased"]["users"] == 1
    assert call("forgive", "user", "77") == {"forgiven": True}
    assert "not one of 'user', 'guild'" in said("erase", "usr", "77", code=2)
    assert "Missing argument 'FILE'" in said("backup", sqlite_url, code=2)


def test_the_command_line_says_which_persist_it_is() -> None:
    assert said("--version").strip() == f"persist {importlib.metadata.version('hikari-persist')}"


def test_a_pipe_gets_everything_and_may_end_early(sqlite_url: str) -> None:
    fill(sqlite_url, [user(number, username=f"user {number}" * 20) for number in range(1, 3000)])
    command = f"{sys.executable} -m persist find users --url {sqlite_url} --limit 3000 | head -n 3"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stderr
    assert len(done.stdout.splitlines()) == 3


def test_numbers_are_grouped_unless_they_are_names() -> None:
    assert [cli_output.shown(value, name) for name, value in (("records", 1234567), ("guild_id", 1234567))] == [
        "1,234,567",
        "1234567",
    ]


def test_a_database_that_lacks_a_kind_is_read_all_the_same(sqlite_url: str, tmp_path: pathlib.Path) -> None:
    fill(sqlite_url, RECORDS)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    other.execute("DROP TABLE subscriptions")
    other.close()
    assert call("stats", sqlite_url)["subscriptions"]["records"] == 0
    assert call("export", sqlite_url, str(tmp_path / "a.jsonl"))["records"] > 0
    assert answered("verify", sqlite_url, code=1)["records"] > 0  # hikari cannot make objects of these samples


async def test_every_command_that_looks_or_saves_works_beside_a_running_bot(tmp_path: pathlib.Path) -> None:
    url, file = f"sqlite:///{tmp_path / 'cache.db'}", str(tmp_path / "saved")
    async with FakeDiscord(seed=5) as sim:
        guild = sim.add_guild(members=20)
        channel = bots.text_channel(guild)
        async with bots.lone(sim, url, tmp_path) as bot:
            await bot.starts(sim)
            written = 0
            for words in (
                ("stats", url),
                ("find", "messages", f"channel={channel}", "--limit", "3", "--url", url),
                ("show", "guilds", str(guild["id"]), "--url", url),
                ("export", url, f"{file}.jsonl"),
                ("backup", url, f"{file}.db"),
                ("verify", url),
                ("doctor", url, "--intents", "ALL"),
                ("vacuum", url),
                ("migrate", url),
            ):
                saying = asyncio.create_task(_say(sim, channel, 30))
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "persist",
                    *words,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.STDOUT,
                )
                said, _ = await asyncio.wait_for(process.communicate(), 60)
                await saying
                written += 30
                # verify may find a message whose channel is not known yet, which is not an error.
                assert process.returncode == 0, (words, said.decode())
            assert await bot.ends(signal.SIGINT) is not None
        assert "lost" not in bot.log.read_text()
        assert bots.rows(tmp_path / "cache.db", "SELECT COUNT(*) FROM messages") == [written]
        assert bots.rows(tmp_path / "cache.db", "PRAGMA integrity_check") == ["ok"]


async def _say(sim: FakeDiscord, channel: str, count: int) -> None:
    for number in range(count):
        await sim.create_message(channel, f"red panda {number}")
        await asyncio.sleep(0.01)


def test_a_command_line_that_is_wrong_ends_with_2() -> None:
    for words in (["find"], ["stats", "sqlite:///a.db", "--nonsense"], ["nonsense"], ["verify", "x", "--sample", "0"]):
        assert CliRunner().invoke(app, words).exit_code == 2, words
