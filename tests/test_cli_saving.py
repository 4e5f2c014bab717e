"""An export or backup while a bot writes is a consistent snapshot and can be restored completely, on every engine."""

from __future__ import annotations

import asyncio
import gzip
import json
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from persist import plugins
from persist.changes import Put
from persist.contract_samples import family, guild, member, message, origin, user
from persist.entities import ENTITLEMENTS
from persist.model import Record

pytest.importorskip("typer", reason="typer is not installed.")

from command_line import call, fill, said, stored

RECORDS = [
    *family(1000),
    *family(2000),
    member(1000, 8, nick="a\0'"),
    user(8, username="eight")._replace(first_seen="2023-01-02 03:04:05.000006", revision=4),
    *(user(number, username=f"user {number}") for number in range(100, 1600)),
]


@pytest.fixture(params=["sqlite_url", "postgresql_url", "mysql_url"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def other(tmp_path: pathlib.Path) -> str:
    return f"sqlite:///{tmp_path / 'other.db'}"


@pytest.mark.parametrize("name", ["all.jsonl", "all.jsonl.gz"])
def test_what_is_exported_is_imported_with_its_history(url: str, other: str, tmp_path: pathlib.Path, name: str) -> None:
    fill(url, RECORDS)
    file = tmp_path / name
    said_records = call("export", url, str(file))["records"]
    assert said_records == sum(len(records) for records in stored(url).values())
    assert call("import", str(file), other)["stored"] == said_records
    assert stored(url) == stored(other)
    assert not list(tmp_path.glob("*.part"))


def _entitlement(number: int, guild_id: str | None) -> Record:
    payload = {"id": str(number), "sku_id": "5", "user_id": "7", "guild_id": guild_id, "type": 8}
    return ENTITLEMENTS.record(payload, None, origin())


def test_a_guild_is_exported_with_its_members_users_and_nothing_else(
    url: str, other: str, tmp_path: pathlib.Path
) -> None:
    bought = [_entitlement(number, guild_id) for number, guild_id in ((1, "1000"), (2, "2000"), (3, None))]
    fill(url, [*RECORDS, *bought])
    file = tmp_path / "one.jsonl"
    call("export", url, str(file), "--guild", "1000")
    call("import", str(file), other)
    there = stored(other)
    assert {record.guild_id for name, records in there.items() for record in records} <= {1000, None}
    assert [record.key for record in there["guilds"]] == [(1000,)]
    assert (8,) in [record.key for record in there["users"]]
    assert (150,) not in [record.key for record in there["users"]]
    assert [record.key for record in there["entitlements"]] == [(1,)]
    assert there["members"] == [record for record in stored(url)["members"] if record.guild_id == 1000]
    assert "there is no guild 77" in call("export", url, str(tmp_path / "b"), "--guild", "77", code=1)
    assert not (tmp_path / "b").exists()


def test_merging_keeps_what_is_newer(sqlite_url: str, other: str, tmp_path: pathlib.Path) -> None:
    fill(sqlite_url, [user(1, 10, username="later"), user(2, 10, username="only here"), user(3, 10, username="x")])
    fill(other, [user(1, 5, username="earlier"), user(3, 20, username="newest"), user(4, 1, username="stays")])
    file = str(tmp_path / "a.jsonl")
    call("export", sqlite_url, file)
    assert "let newer records win with --merge" in call("import", file, other, code=1)
    assert call("import", file, other, "--merge")["stored"] == 2
    names = {record.key[0]: record.payload["username"] for record in stored(other)["users"]}
    assert names == {1: "later", 2: "only here", 3: "newest", 4: "stays"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda lines: lines[:-1], "it is truncated"),
        (lambda lines: [*lines[:2], *lines[3:]], "records were read, but the last line says"),
        (lambda lines: lines[1:], "the first line does not name hikari-persist"),
        (lambda lines: [lines[0].replace(b'"format":1', b'"format":9'), *lines[1:]], "upgrade hikari-persist"),
        (lambda lines: [*lines[:2], b"rubbish\n"], "line 3 is not JSON"),
        (lambda lines: [*lines[:2], b'{"kind":"cats"}\n'], "line 3 has the kind 'cats'"),
        (lambda lines: [*lines[:2], b'{"kind":"users"}\n'], "line 3 is not a complete record"),
        (lambda _: [], "it is truncated"),
    ],
)
def test_a_file_that_is_no_export_is_refused(
    sqlite_url: str, other: str, tmp_path: pathlib.Path, change: object, says: str
) -> None:
    fill(sqlite_url, [user(1), user(2), user(3)])
    file = tmp_path / "a.jsonl"
    call("export", sqlite_url, str(file))
    assert callable(change)
    file.write_bytes(b"".join(change(file.read_bytes().splitlines(keepends=True))))
    assert says in call("import", str(file), other, code=1)


def test_a_backup_comes_back_whole_into_any_engine(
    url: str, sqlite_url: str, other: str, tmp_path: pathlib.Path
) -> None:
    fill(sqlite_url, RECORDS)
    file = tmp_path / "backup.db"
    call("backup", sqlite_url, str(file))
    assert "already exists" in call("backup", sqlite_url, str(file), code=1)
    assert not pathlib.Path(f"{file}-wal").exists()
    target = other if url == sqlite_url else url
    assert call("restore", str(file), target)["same"] is True
    assert stored(target) == stored(sqlite_url)
    assert "name an empty database" in call("restore", str(file), target, code=1)


def test_a_backup_of_a_server_is_an_export_that_comes_back(url: str, other: str, tmp_path: pathlib.Path) -> None:
    if url.startswith("sqlite"):
        pytest.skip("that is a file")
    fill(url, RECORDS)
    assert "is a compressed export; name it" in call("backup", url, str(tmp_path / "a.db"), code=1)
    file = str(tmp_path / "a.jsonl.gz")
    call("backup", url, file)
    call("restore", file, other)
    assert stored(other) == stored(url)


@pytest.mark.parametrize("command", ["export", "backup"])
def test_what_is_saved_while_a_bot_writes_is_of_one_moment(url: str, tmp_path: pathlib.Path, command: str) -> None:
    # Each batch writes a guild and many messages: a snapshot has all of them or none.
    fill(url, [guild(1, name="0"), *(message(number, 50, 1, content="0") for number in range(1, 3000))])
    file = tmp_path / ("a.db" if command == "backup" and url.startswith("sqlite") else "a.jsonl.gz")

    async def work() -> tuple[int, int]:
        store = plugins.open_store(url)
        await store.open()
        arguments = [sys.executable, "-m", "persist", command, url, str(file)]
        process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.DEVNULL)
        ended = asyncio.create_task(process.wait())
        version = 0
        while not ended.done():
            version += 1
            fresh = [message(number, 50, 1, content=str(version)) for number in range(1, 3000)]
            await store.apply([Put(guild(1, name=str(version))), *map(Put, fresh)])
            await asyncio.sleep(0.005)
        await store.close()
        return await ended, version

    code, version = asyncio.run(work())
    assert code == 0
    assert version > 0
    if file.suffix == ".db":
        found = stored(f"sqlite:///{file}")
        contents = {record.payload["content"] for record in found["messages"]}
        (name,) = {record.payload["name"] for record in found["guilds"]}
    else:
        lines = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
        contents = {line["payload"]["content"] for line in lines if line.get("kind") == "messages"}
        (name,) = {line["payload"]["name"] for line in lines if line.get("kind") == "guilds"}
    assert contents == {name}


@pytest.mark.parametrize(
    ("command", "stop"),
    [(["export"], signal.SIGINT), (["export-user", "7"], signal.SIGTERM), (["backup"], signal.SIGHUP)],
)
def test_an_interrupted_export_leaves_what_was_there(
    sqlite_url: str, tmp_path: pathlib.Path, command: list[str], stop: signal.Signals
) -> None:
    fill(sqlite_url, [user(number, username=f"user {number}" * 20) for number in range(20_000)])
    folder = tmp_path / "folder"
    folder.mkdir()
    file = folder / "a.jsonl"
    earlier = command != ["backup"]
    words = [command[0], sqlite_url, *command[1:], str(file)]
    for _ in range(10):
        file.unlink(missing_ok=True)
        if earlier:
            file.write_text("earlier")
        process = subprocess.Popen([sys.executable, "-m", "persist", *words], stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while not list(folder.glob("*.part")) and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(stop)
        _, errors = process.communicate(timeout=60)
        if process.returncode != 0:  # it was not faster
            break
    assert process.returncode == 130, errors
    assert {path.name: path.read_text() for path in folder.iterdir()} == ({"a.jsonl": "earlier"} if earlier else {})


def test_an_export_to_a_pipe_is_nothing_but_its_lines(sqlite_url: str, other: str) -> None:
    fill(sqlite_url, RECORDS)
    run = f"{sys.executable} -m persist"
    command = f"{run} export {sqlite_url} - | {run} import - {other}"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert stored(sqlite_url) == stored(other)


def test_a_folder_that_is_not_there_and_a_file_that_is_not_are_said(sqlite_url: str, tmp_path: pathlib.Path) -> None:
    fill(sqlite_url, [user(1)])
    assert "there is no folder" in said("export", sqlite_url, str(tmp_path / "no" / "a.jsonl"), code=1)
    missing = said("import", str(tmp_path / "no.jsonl"), sqlite_url, code=1)
    assert "No such file" in missing
    assert "is the path right" in missing
