"""The command line copies, migrates, counts and shows, for people and for programs, on every engine."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import types
import typing

import pytest

import persist
from persist import hooks, plugins
from persist.contract_samples import family, member, message, user
from persist.entities import USERS

pytest.importorskip("typer", reason="typer is not installed.")

import ticket_plugin
from command_line import call, fill, said, stored
from typer.testing import CliRunner

from persist.cli import app

RECORDS = [
    *family(1000),
    member(1000, 8, nick="a\0'"),
    user(7, 10, username="old", unknown=[1.5])._replace(first_seen="2023-01-02 03:04:05.000006", revision=4),
    *(user(number, username=f"user {number}") for number in range(100, 2600)),
]


TERMINAL: typing.Final = """
import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn([sys.executable, "-m", "persist", *sys.argv[1:]])))
"""


def at_a_terminal(*words: str, types: bytes = b"", code: int = 0) -> str:
    """Run a command in a terminal, type something, and return the screen output."""
    done = subprocess.run(
        [sys.executable, "-c", TERMINAL, *words],
        input=types,
        capture_output=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        check=False,
        timeout=60,
    )
    assert done.returncode == code, done.stdout
    return done.stdout.decode()


@pytest.fixture(params=["sqlite_url", "postgresql_url", "mysql_url"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def test_everything_is_copied_with_its_history(url: str, tmp_path: pathlib.Path) -> None:
    first, last = f"sqlite:///{tmp_path / 'first.db'}", f"sqlite:///{tmp_path / 'last.db'}"
    fill(first, RECORDS)
    said = call("copy", first, url)
    assert said["same"] is True
    assert {row["kind"]: row["arrived"] for row in said["copied"]}["users"] == 2501
    call("copy", url, last)
    assert stored(first) == stored(last)


def test_an_interrupted_copy_is_gone_on_with(tmp_path: pathlib.Path) -> None:
    first, last = f"sqlite:///{tmp_path / 'first.db'}", f"sqlite:///{tmp_path / 'last.db'}"
    fill(first, RECORDS)
    fill(last, [record for record in RECORDS if record.entity is USERS][:1200])
    assert "name an empty database, or resume" in call("copy", first, last, code=1)
    assert call("copy", first, last, "--resume")["same"] is True


def test_a_copy_that_differs_is_called_one(tmp_path: pathlib.Path) -> None:
    first, last = f"sqlite:///{tmp_path / 'first.db'}", f"sqlite:///{tmp_path / 'last.db'}"
    fill(first, [user(1, username="a"), user(2)])
    fill(last, [user(1, username="b")])
    assert "the copy differs from the original" in call("copy", first, last, "--resume", code=1)


def test_what_is_interrupted_is_whole(tmp_path: pathlib.Path) -> None:
    first, last = f"sqlite:///{tmp_path / 'first.db'}", f"sqlite:///{tmp_path / 'last.db'}"
    fill(first, [user(number, username=f"user {number}") for number in range(40_000)])
    command = [sys.executable, "-m", "persist", "copy", first, last]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    deadline = time.monotonic() + 60
    while not (tmp_path / "last.db-wal").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors.strip() == "interrupted; the target holds a part; continue with persist copy --resume"
    assert call("copy", first, last, "--resume")["same"] is True


def test_the_views_are_made_and_counts_are_said(url: str) -> None:
    fill(url, RECORDS[:20])
    assert "v_role_sizes" in call("analytics", "install", url)["views"]
    assert call("stats", url)["members"]["records"] == 2


def test_a_database_is_migrated_to_a_version_it_can_have(url: str) -> None:
    assert call("migrate", url, "--dry-run")["version"] == "none: it is empty"
    assert "is empty and cannot be migrated to 1" in call("migrate", url, "--to", "1", code=1)
    assert call("migrate", url)["done"] is True
    again = call("migrate", url)
    assert isinstance(again["version"], int)
    assert again["steps"] == []
    assert said("migrate", url) == f"Nothing to do: the database has version {again['version']}.\n"
    assert "cannot be migrated to 99" in call("migrate", url, "--to", "99", code=1)


def test_one_thing_is_shown(tmp_path: pathlib.Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    fill(url, RECORDS)
    said = call("show", "members", "1000", "8", "--url", url)
    assert (said["payload"]["nick"], said["revision"]) == ("a\0'", 1)
    assert "there is no record users 5" in call("show", "users", "5", "--url", url, code=1)
    assert "the key of members is guild_id, user_id" in call("show", "members", "5", "--url", url, code=1)
    assert "there is no kind cats" in call("show", "cats", "5", "--url", url, code=1)


def test_a_pipe_gets_no_colours_and_an_error_no_password(tmp_path: pathlib.Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    fill(url, RECORDS[:20])
    command = [sys.executable, "-m", "persist"]
    done = subprocess.run([*command, "stats", url], capture_output=True, text=True, check=True)
    assert "members" in done.stdout
    assert "\x1b" not in done.stdout
    pytest.importorskip("asyncpg")
    bad = "postgresql://bot:hunter2@127.0.0.1:1/db"
    done = subprocess.run([*command, "copy", bad, url], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


def test_a_plugin_adds_a_command() -> None:
    plugin = types.SimpleNamespace(persist_commands=ticket_plugin.persist_commands)
    plugins.manager().register(plugin, name="wishes")
    before = list(app.registered_commands)
    try:
        hooks.results("persist_commands", app=app)
        assert CliRunner().invoke(app, ["wishes"]).stdout == "many\n"
    finally:
        plugins.manager().unregister(plugin)
        app.registered_commands[:] = before


def test_who_lacks_typer_is_told_what_to_install(tmp_path: pathlib.Path) -> None:
    program = "import sys; sys.modules['typer'] = None; import persist.__main__ as m; m.main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip() == ("The command line needs typer; install it with: pip install 'hikari-persist[cli]'")


def test_a_person_is_given_everything_erased_and_forgiven(url: str, tmp_path: pathlib.Path) -> None:
    fill(url, RECORDS)
    said = call("export-user", url, "8", str(tmp_path / "8.jsonl"))
    assert said["own"]["members"] == 1
    assert (tmp_path / "8.jsonl").read_text().count('"relation":"own"') == sum(said["own"].values())
    receipt = call("erase", url, "user", "8")
    assert receipt["erased"] == said["own"]
    kept = tmp_path / "receipt.json"
    kept.write_text(json.dumps(receipt))
    assert call("receipt", url, str(kept)) == {"genuine": True}
    kept.write_text(json.dumps({**receipt, "erased": {}}))
    assert "was changed" in call("receipt", url, str(kept), code=1)
    kept.write_text("{}")
    assert "a receipt has anonymised" in call("receipt", url, str(kept), code=1)
    assert "cannot be read as a receipt" in call("receipt", url, str(tmp_path / "no.json"), code=1)
    assert "there is no record users 8" in call("show", "users", "8", "--url", url, code=1)
    assert call("forgive", url, "user", "8") == {"forgiven": True}
    assert call("forgive", url, "user", "8") == {"forgiven": False}


def test_who_is_not_known_is_kept_out_all_the_same_and_that_is_said(url: str) -> None:
    fill(url, RECORDS)
    told = said("erase", url, "user", "123456")
    assert "erased: nothing" in told
    assert "Nothing about the user 123456 was stored." in told
    told = said("erase", url, "user", "8")
    assert "1 members" in told
    assert "was stored" not in told


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_a_person_at_a_terminal_is_asked_before_anything_is_erased(sqlite_url: str) -> None:
    fill(sqlite_url, RECORDS[:20])
    words = ("erase", sqlite_url, "user", "8")
    members = call("stats", sqlite_url)["members"]["records"]
    assert "for good?" in at_a_terminal(*words, types=b"n\n", code=1)
    assert call("stats", sqlite_url)["members"]["records"] == members
    assert "1 members" in at_a_terminal(*words, types=b"y\n")
    assert call("stats", sqlite_url)["members"]["records"] == members - 1
    assert "for good?" not in at_a_terminal(*words, "--yes")


@pytest.mark.parametrize(
    "words",
    [
        ("erase", "URL", "user", "8"),
        ("forgive", "URL", "user", "8"),
        ("export-user", "URL", "8", "FILE"),
        ("analytics", "install", "URL"),
        ("apply-rules", "URL", "--rules", "RULES"),
        ("rekey", "URL"),
        ("copy", "URL", "memory://"),
    ],
    ids=" ".join,
)
def test_a_typing_error_makes_no_database(words: tuple[str, ...], tmp_path: pathlib.Path) -> None:
    rules = tmp_path / "persist.toml"
    rules.write_text("[keep]\npresences = false\n")
    named = {"URL": f"sqlite:///{tmp_path / 'typo.db'}", "FILE": str(tmp_path / "8.jsonl"), "RULES": str(rules)}
    assert "typo.db' does not exist" in call(*(named.get(word, word) for word in words), code=1)
    assert list(tmp_path.iterdir()) == [rules]


def test_a_guild_is_erased(url: str) -> None:
    fill(url, RECORDS[:20])
    members = call("stats", url)["members"]["records"]
    assert call("erase", url, "guild", "1000")["erased"]["members"] == members
    assert call("stats", url)["members"]["records"] == 0


def test_every_command_can_answer_in_json_and_says_what_it_is_for() -> None:
    main = pytest.importorskip("typer.main")

    def each(command: typing.Any, name: str) -> typing.Iterator[tuple[str, typing.Any]]:
        if (inner := getattr(command, "commands", None)) is None:
            yield name, command
            return
        for word, one in inner.items():
            yield from each(one, f"{name} {word}")

    found = dict(each(main.get_command(app), "persist"))
    assert len(found) > 20
    for name, command in found.items():
        assert "--json" in {option for parameter in command.params for option in parameter.opts}, name
        assert command.help, name
        assert [parameter.name for parameter in command.params if not parameter.help] == [], name


def test_a_new_key_is_one_also_in_json() -> None:
    pytest.importorskip("cryptography")
    for key in (said("new-key").strip(), call("new-key")["key"]):
        assert persist.Encryption({"mine": key}).current == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_what_takes_long_shows_how_far_it_is_and_leaves_nothing_of_that_behind(
    sqlite_url: str, tmp_path: pathlib.Path
) -> None:
    fill(sqlite_url, [message(number, 50, 1) for number in range(1, 300)])
    (tmp_path / "persist.toml").write_text("[keep.messages]\nmax_age = 86400\n")
    rules = str(tmp_path / "persist.toml")
    for words in (
        ("apply-rules", sqlite_url, "--rules", rules, "--dry-run"),
        ("export-user", sqlite_url, "1", str(tmp_path / "user.jsonl")),
        ("export", sqlite_url, str(tmp_path / "all.jsonl")),
        ("backup", sqlite_url, str(tmp_path / "backup.db")),
        ("vacuum", sqlite_url),
        ("erase", sqlite_url, "user", "999", "--yes"),
    ):
        assert "━" in at_a_terminal(*words)
        piped = subprocess.run([sys.executable, "-m", "persist", *words], capture_output=True, check=False, timeout=60)
        assert "━".encode() not in piped.stdout + piped.stderr
        assert b"\x1b" not in piped.stdout + piped.stderr
