"""The command line protects careless users: nothing is left out, brought back or overwritten by accident."""

from __future__ import annotations

import asyncio
import gzip
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import threading

import pytest

from persist.contract_samples import guild, message, origin, user
from persist.entities import OWN_USER
from persist.model import Record

pytest.importorskip("typer", reason="typer is not installed.")

from command_line import call, fill, said, stored
from hearing import Hearing

PERSON = "7"
RECORDS = [user(7), *(message(number, 50, 1, author={"id": PERSON}) for number in range(1001, 1300))]


@pytest.fixture
def filled_url(sqlite_url: str) -> str:
    fill(sqlite_url, RECORDS)
    return sqlite_url


@pytest.fixture
def file(filled_url: str) -> pathlib.Path:
    return pathlib.Path(filled_url.removeprefix("sqlite:///"))


@pytest.fixture
def other(tmp_path: pathlib.Path) -> str:
    return f"sqlite:///{tmp_path / 'other.db'}"


def own_user(number: int) -> Record:
    return OWN_USER.record({"id": str(number), "username": "bot"}, None, origin())


def spoilt(file: pathlib.Path) -> None:
    with sqlite3.connect(file) as database:
        database.execute("UPDATE messages SET payload = '{' WHERE id = 1007")
    database.close()


def test_what_stands_beside_a_copied_file_is_restored(file: pathlib.Path, other: str, tmp_path: pathlib.Path) -> None:
    copy = tmp_path / "copy.db"
    writer = sqlite3.connect(file)
    try:
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.execute("DELETE FROM messages WHERE id > 1100")
        writer.commit()
        for end in ("", "-wal"):
            shutil.copyfile(f"{file}{end}", f"{copy}{end}")
    finally:
        writer.close()
    assert call("restore", str(copy), other)["same"] is True
    assert len(stored(other)["messages"]) == 100


def test_what_cannot_be_read_is_said_to_be_left_out(
    file: pathlib.Path, filled_url: str, other: str, tmp_path: pathlib.Path
) -> None:
    spoilt(file)
    backup = str(tmp_path / "b.db")
    call("backup", filled_url, backup)
    for words in (("export", filled_url, str(tmp_path / "a.jsonl")), ("restore", backup, other)):
        told = said(*words, code=1)
        assert "1 records of messages cannot be read and are left out; persist verify lists them" in told
        assert "did a bot write" not in told
    assert len(stored(other)["messages"]) == 298
    told = said("copy", filled_url, f"sqlite:///{tmp_path / 'c.db'}", code=1)
    assert "1 records of messages cannot be read" in told
    assert "did a bot write" not in told


def test_who_was_erased_is_not_merged_in_again(filled_url: str, tmp_path: pathlib.Path) -> None:
    export = str(tmp_path / "a.jsonl")
    call("export", filled_url, export)
    call("erase", filled_url, "user", PERSON, "--yes")
    left = {name: len(records) for name, records in stored(filled_url).items()}
    found = call("import", export, filled_url, "--merge")
    assert found["left_out"] > 0
    assert {name: len(records) for name, records in stored(filled_url).items()} == left


def test_what_is_no_file_is_written_and_not_replaced(filled_url: str, tmp_path: pathlib.Path) -> None:
    fifo, target, link = tmp_path / "fifo", tmp_path / "target.jsonl", tmp_path / "link.jsonl"
    os.mkfifo(fifo)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(fifo.read_bytes()))
    reader.start()
    call("export", filled_url, str(fifo))
    reader.join()
    assert fifo.is_fifo()
    target.write_text("old")
    link.symlink_to(target)
    call("export", filled_url, str(link))
    assert link.is_symlink()
    assert read[0].splitlines()[1:] == target.read_bytes().splitlines()[1:]
    assert "a backup has to be a file, not -" in call("backup", filled_url, "-", code=1)


@pytest.mark.parametrize("command", [["export"], ["export-user", PERSON]])
def test_a_database_is_not_replaced_by_an_export(
    filled_url: str, file: pathlib.Path, other: str, tmp_path: pathlib.Path, command: list[str]
) -> None:
    fill(other, [user(8)])
    before = stored(filled_url)
    link = tmp_path / "link.db"
    link.symlink_to(file)
    for url, target in ((filled_url, file), (other, file), (other, link)):
        told = call(command[0], url, *command[1:], str(target), code=1)
        assert "is an SQLite database, which an export does not replace" in told
    assert stored(filled_url) == before


def test_a_database_is_not_copied_to_itself(file: pathlib.Path, filled_url: str, tmp_path: pathlib.Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(file)
    (tmp_path / "folder").mkdir()
    for name in (file, link, tmp_path / "folder" / ".." / file.name):
        for words in (("copy", filled_url), ("restore", str(file))):
            told = call(*words, f"sqlite:///{name}", "--resume", code=1)
            assert "are the same database" in told


@pytest.mark.parametrize("how", ["merge", "copy", "restore.db", "restore.jsonl", "pipe"])
def test_what_is_another_bots_is_not_mixed_in(sqlite_url: str, other: str, tmp_path: pathlib.Path, how: str) -> None:
    fill(sqlite_url, [own_user(1), guild(1000)])
    fill(other, [own_user(2), guild(2000)])
    before = stored(other)
    export, backup = tmp_path / "a.jsonl", tmp_path / "a.db"
    call("export", sqlite_url, str(export))
    call("backup", sqlite_url, str(backup))
    words = {
        "merge": ("import", str(export), other, "--merge"),
        "copy": ("copy", sqlite_url, other, "--resume"),
        "restore.db": ("restore", str(backup), other, "--resume"),
        "restore.jsonl": ("restore", str(export), other, "--resume"),
        "pipe": ("import", "-", other, "--merge"),
    }[how]
    with export.open("rb") as lines:
        command = [sys.executable, "-m", "persist", *words]
        done = subprocess.run(command, stdin=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the target belongs to the bot 2, and this data to the bot 1; name another database" in done.stderr
    assert stored(other) == before


def test_data_is_merged_into_what_belongs_to_both_bots(sqlite_url: str, other: str, tmp_path: pathlib.Path) -> None:
    fill(sqlite_url, [own_user(1), guild(1000)])
    fill(other, [own_user(1), own_user(2)])
    call("export", sqlite_url, str(tmp_path / "a.jsonl"))
    assert call("import", str(tmp_path / "a.jsonl"), other, "--merge")["stored"] == 1


async def test_who_was_erased_there_is_erased_here_after_merging(sqlite_url: str, tmp_path: pathlib.Path) -> None:
    other = f"sqlite:///{tmp_path / 'other.db'}"
    export = str(tmp_path / "a.jsonl")

    def prepare() -> None:
        for url in (sqlite_url, other):
            fill(url, [user(7), message(1001, 50, 1, author={"id": PERSON})])
        call("erase", other, "user", PERSON, "--yes")
        call("export", other, export)
        call("import", export, sqlite_url, "--merge")

    await asyncio.to_thread(prepare)
    async with Hearing(sqlite_url) as heard:
        for _ in range(500):
            if await heard.cache.get_user(7) is None:
                break
            await asyncio.sleep(0.01)
        assert await heard.cache.get_user(7) is None
    left = await asyncio.to_thread(stored, sqlite_url)
    assert not left["users"]
    assert not left["messages"]
    assert [record.payload["done"] for record in left["suppressions"]] == [True]


@pytest.mark.parametrize("damage", ["cut", "spoilt"])
def test_of_a_damaged_file_nothing_is_stored(filled_url: str, other: str, tmp_path: pathlib.Path, damage: str) -> None:
    export = tmp_path / "a.jsonl.gz"
    call("export", filled_url, str(export))
    whole = export.read_bytes()
    half = len(whole) // 2
    export.write_bytes(whole[:half] if damage == "cut" else whole[:half] + bytes(40) + whole[half + 40 :])
    told = call("import", str(export), other, code=1)
    assert "is damaged or truncated" in told or "is not JSON" in told
    export.write_bytes(gzip.compress(b"".join(gzip.decompress(whole).splitlines(keepends=True)[:-1])))
    assert "it is truncated" in call("import", str(export), other, code=1)
    export.write_bytes(whole)
    assert call("import", str(export), other)["stored"] == len(RECORDS)


def test_numbers_that_are_too_great_are_told_in_words(filled_url: str) -> None:
    assert "not 99999999999999999999999" in call(
        "show", "users", "99999999999999999999999", "--url", filled_url, code=1
    )
    told = call("find", "messages", "timestamp>99999999999d ago", "--url", filled_url, code=1)
    assert "must be a time such as" in told


def test_the_url_may_come_first_everywhere(filled_url: str) -> None:
    assert call("find", filled_url, "messages", "--count") == call("find", "messages", "--count", "--url", filled_url)
    assert call("show", filled_url, "users", PERSON)["id"] == int(PERSON)


def test_no_password_is_told_of_a_url_without_its_colon() -> None:
    told = call("stats", "postgresql//bot:S3CRET@127.0.0.1/postgres", code=1)
    assert "S3CRET" not in told
    assert "postgresql//bot:***@127.0.0.1/postgres" in told


def test_what_is_in_clear_is_not_decrypted(filled_url: str) -> None:
    assert "is not encrypted: there is nothing to decrypt" in call("rekey", filled_url, "--decrypt", code=1)


def test_what_cannot_be_restored_is_called_by_its_own_name(tmp_path: pathlib.Path, other: str) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"SQLite format 3\0" + bytes(500))
    told = call("restore", str(broken), other, code=1)
    assert str(broken) in told
    assert "backup.db" not in told
