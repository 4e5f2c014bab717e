"""What is saved and damaged, interrupted or of no use is refused, and never taken for a whole or for something else."""

from __future__ import annotations

import contextlib
import gzip
import json
import pathlib
import signal
import sqlite3
import subprocess
import sys
import time
import typing

import pytest

from persist.contract_samples import guild, invite, member, message, user

pytest.importorskip("typer", reason="typer is not installed.")

from command_line import answered, call, fill, said, stored

from persist import cli_files

RECORDS = [
    user(1, username="red panda"),
    member(1000, 1, nick="panda", joined_at="2024-01-01T23:30:00+00:00"),
    message(7, 8, 1000, content="hello"),
    invite("abc", 1000, 8),
    *(user(number, username=f"user {number}") for number in range(100, 2500)),
]
RUN = [sys.executable, "-m", "persist"]


@pytest.fixture(params=["sqlite_url", "postgresql_url", "mysql_url"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def source(tmp_path: pathlib.Path) -> str:
    url = f"sqlite:///{tmp_path / 'source.db'}"
    fill(url, RECORDS)
    return url


def _exported(source: str, file: pathlib.Path) -> pathlib.Path:
    call("export", source, str(file))
    return file


# ----------------------------------------------------------------------------------------------------- compressed files


def _flipped(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def _altered(data: bytes) -> bytes:
    """Return other content under the checksum of what was there."""
    other = gzip.compress(gzip.decompress(data).replace(b"red panda", b"bad panda"), mtime=0)
    return other[:-8] + data[-8:]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: data[: len(data) // 2], "is damaged or truncated"),
        (lambda data: data[:-8], "is damaged or truncated"),
        (lambda data: _flipped(data, -8), "CRC check failed"),
        (lambda data: _flipped(data, -1), "Incorrect length"),
        (_altered, "CRC check failed"),
        (lambda data: data + b"rubbish", "Not a gzipped file"),
        (lambda data: data + data, "follows the last line of an export"),
    ],
)
@pytest.mark.parametrize("command", ["import", "restore"])
def test_a_compressed_file_that_is_damaged_is_refused(
    source: str, tmp_path: pathlib.Path, command: str, change: typing.Callable[[bytes], bytes], says: str
) -> None:
    file = _exported(source, tmp_path / "a.jsonl.gz")
    file.write_bytes(change(file.read_bytes()))
    target = tmp_path / "target.db"
    assert says in call(command, str(file), f"sqlite:///{target}", code=1)
    assert not target.exists()


def test_several_exports_in_one_file_are_refused(source: str, sqlite_url: str, tmp_path: pathlib.Path) -> None:
    file = _exported(source, tmp_path / "a.jsonl")
    lines = file.read_bytes()
    file.write_bytes(lines + lines)
    assert "are these several files in one?" in call("import", str(file), sqlite_url, code=1)
    file.write_bytes(lines + b"\n\n")
    assert call("import", str(file), sqlite_url)["stored"] == len(RECORDS)


# ---------------------------------------------------------------------------------------------------- what is no record


def _with(line: dict[str, typing.Any], name: str, value: object) -> dict[str, typing.Any]:
    if "." not in name:
        return {**line, name: value}
    return {**line, "payload": {**line["payload"], name.removeprefix("payload."): value}}


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("users", "key", ["x"]),
        ("users", "key", [[1]]),
        ("users", "key", [1 << 63]),
        ("users", "key", [None]),
        ("invites", "key", [5]),
        ("users", "payload", "x"),
        ("messages", "guild_id", "x"),
        ("messages", "payload.content", 5),
        ("messages", "payload.author", "x"),
        ("messages", "payload.type", (1 << 64) - 1),
        ("members", "payload.roles", [[]]),
        ("members", "payload.joined_at", "yesterday"),
        ("users", "source", 5),
        ("users", "shard", "x"),
        ("users", "epoch", None),
        ("users", "last_updated", None),
        ("users", "last_updated", "2024-01-01"),
        ("users", "last_updated", "2024-13-01 00:00:00.000000"),
        ("users", "first_seen", [1]),
        ("users", "revision", "x"),
    ],
)
def test_a_line_that_no_database_takes_is_named(
    source: str, sqlite_url: str, tmp_path: pathlib.Path, kind: str, name: str, value: object
) -> None:
    file = _exported(source, tmp_path / "a.jsonl")
    lines = [json.loads(line) for line in file.read_bytes().splitlines()]
    number = next(number for number, line in enumerate(lines) if line.get("kind") == kind)
    lines[number] = _with(lines[number], name, value)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for options in ([], ["--merge"]):
        assert f"line {number + 1} is not a complete record (" in call(
            "import", str(file), sqlite_url, *options, code=1
        )


# ----------------------------------------------------------------------------------------------------- pipes and others


def _run(words: str, **options: typing.Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", words], capture_output=True, text=True, check=False, timeout=120, **options)


@pytest.mark.parametrize("command", ["import", "restore"])
@pytest.mark.parametrize("way", ["{run} - {url} < {file}", "{run} <(cat {file}) {url}"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_lines_come_through_a_pipe_compressed_or_not(
    source: str, sqlite_url: str, tmp_path: pathlib.Path, command: str, way: str, name: str
) -> None:
    file = _exported(source, tmp_path / name)
    done = _run(way.format(run=f"{sys.executable} -m persist {command}", url=sqlite_url, file=file))
    assert done.returncode == 0, done.stderr
    assert stored(sqlite_url) == stored(source)


def test_an_sqlite_file_is_no_export(source: str, sqlite_url: str, tmp_path: pathlib.Path) -> None:
    call("backup", source, str(tmp_path / "backup.db"))
    assert "persist restore takes it" in call("import", str(tmp_path / "backup.db"), sqlite_url, code=1)


@pytest.mark.skipif(not pathlib.Path("/dev/full").exists(), reason="this system has no /dev/full.")
def test_a_full_disk_is_not_blamed_on_the_database(url: str) -> None:
    fill(url, RECORDS)
    assert call("export", url, "/dev/full", code=1) == (
        '{"error": "/dev/full: No space left on device; free some space there, or name another place"}\n'
    )


def test_a_reader_that_has_enough_is_not_blamed_on_the_database(url: str) -> None:
    fill(url, RECORDS)
    done = _run(f"{sys.executable} -m persist export {url} - | head -1")
    assert done.stderr == ""
    assert json.loads(done.stdout)["format"] == 1


def test_two_that_write_the_same_file_do_not_disturb_each_other(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "a.jsonl"
    with cli_files.written(str(file)) as first:
        first.write(b"all of it")
        with cli_files.written(str(file)) as second:
            second.write(b"a part of")
            first.flush()
            second.flush()
        assert file.read_bytes() == b"a part of"
        first.write(b"!")
    assert file.read_bytes() == b"all of it!"
    assert list(tmp_path.iterdir()) == [file]


# -------------------------------------------------------------------------------------------------------------- restore


def test_a_restored_export_is_compared_with_the_file(source: str, url: str, tmp_path: pathlib.Path) -> None:
    file = _exported(source, tmp_path / "a.jsonl.gz")
    done = call("restore", str(file), url)
    assert done["same"] is True
    assert {row["kind"]: row["arrived"] for row in done["restored"] if row["saved"]} == {
        "users": 2401,
        "members": 1,
        "messages": 1,
        "invites": 1,
    }


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.db"])
def test_an_interrupted_restore_is_resumed_and_then_compared(
    source: str, url: str, tmp_path: pathlib.Path, name: str
) -> None:
    file = tmp_path / name
    call("backup" if name.endswith(".db") else "export", source, str(file))
    fill(url, [record for record in stored(source)["users"] if record.key[0] < 1200])  # as far as it came
    assert "continue an interrupted restore with --resume" in call("restore", str(file), url, code=1)
    assert call("restore", str(file), url, "--resume")["same"] is True
    assert stored(url) == stored(source)


def test_a_restore_into_other_data_is_told_apart(source: str, sqlite_url: str, tmp_path: pathlib.Path) -> None:
    file = _exported(source, tmp_path / "a.jsonl.gz")
    fill(sqlite_url, [guild(5, name="of another")])
    said_of_it = said("restore", str(file), sqlite_url, "--resume", code=1)
    assert "the restored data differs from the backup" in said_of_it


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.db"])
def test_a_backup_of_nothing_restores_to_nothing(sqlite_url: str, tmp_path: pathlib.Path, name: str) -> None:
    source = f"sqlite:///{tmp_path / 'source.db'}"
    fill(source, [])
    call("backup" if name.endswith(".db") else "export", source, str(tmp_path / name))
    assert said("restore", str(tmp_path / name), sqlite_url) == "restored: nothing\nsame: True\n"
    assert call("restore", str(tmp_path / name), sqlite_url)["same"] is True


def test_whoever_interrupts_a_restore_is_told_how_to_continue(sqlite_url: str, tmp_path: pathlib.Path) -> None:
    source = f"sqlite:///{tmp_path / 'source.db'}"
    fill(source, [user(number, username=f"user {number}") for number in range(60_000)])
    file, target = _exported(source, tmp_path / "a.jsonl"), pathlib.Path(sqlite_url.removeprefix("sqlite:///"))
    process = subprocess.Popen([*RUN, "restore", str(file), sqlite_url], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not target.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "continue with persist restore --resume" in errors
    assert call("restore", str(file), sqlite_url, "--resume")["same"] is True
    assert stored(sqlite_url) == stored(source)


def _emptied(file: pathlib.Path) -> None:
    """Take all rows out of one leaf of the largest table: none of them is missed by whoever only reads."""
    data, size, leaf = bytearray(file.read_bytes()), 16384, 13
    pages = [at for at in range(0, len(data), size) if data[at] == leaf and b"user 1500" in data[at : at + size]]
    data[pages[0] + 3 : pages[0] + 5] = b"\0\0"
    file.write_bytes(data)


def test_a_damaged_sqlite_file_is_refused(source: str, sqlite_url: str, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "a.db"
    call("backup", source, str(file))
    _emptied(file)
    refused = call("restore", str(file), sqlite_url, code=1)
    assert f"{file} is damaged (" in refused
    assert "restore an earlier backup" in refused
    assert not pathlib.Path(sqlite_url.removeprefix("sqlite:///")).exists()


def test_a_text_that_is_none_any_more_costs_its_record_and_no_other(
    source: str, sqlite_url: str, tmp_path: pathlib.Path
) -> None:
    with contextlib.closing(sqlite3.connect(source.removeprefix("sqlite:///"))) as connection:
        connection.execute("UPDATE users SET payload = CAST(x'7B22FF227D' AS TEXT) WHERE id = 200")
        connection.execute("UPDATE users SET first_seen = CAST(x'32FF' AS TEXT) WHERE id = 300")
        connection.commit()
    assert "2 records of users cannot be read and are left out" in said(
        "export", source, str(tmp_path / "a.jsonl"), code=1
    )
    found = answered("verify", source, code=1)["findings"]
    assert [(finding["kind"], finding["number"]) for finding in found if finding["what"] == "unreadable"] == [
        ("users", 2)
    ]
    assert call("find", "users", "id=100,200,300,400", "--url", source, "--count")["count"] == 4
    assert "cannot be read" in call("show", "users", "200", "--url", source, code=1)
    assert answered("copy", source, sqlite_url, code=1)["same"] is True
    assert call("show", "users", "400", "--url", sqlite_url)["payload"]["username"] == "user 400"
