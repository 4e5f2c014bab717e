"""A database or a backend that cannot be used is rejected with its name and a way out, and left unchanged."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import typing
from collections.abc import Iterator

import bots
import pytest

import persist
from persist import schema


def _said(program: str) -> str:
    """Run a program, and return its output."""
    command = [sys.executable, "-c", textwrap.dedent(program)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


# ------------------------------------------------------------------------------------------------------------- plugins


def _plugin(place: pathlib.Path, scheme: str, code: str | None) -> None:
    """Install a distribution that offers a backend."""
    info = place / f"{scheme}_backend-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {scheme}-backend\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[persist.backends]\n{scheme} = {scheme}_backend\n")
    if code is not None:
        (place / f"{scheme}_backend.py").write_text(textwrap.dedent(code))


BROKEN: typing.Final = {
    "absent": (None, "ModuleNotFoundError"),
    "raising": ("raise RuntimeError('far away')", "RuntimeError('far away')"),
    "empty": ("", "its hook persist_backends must return"),
    "shouting": ("import persist\n@persist.hookimpl\ndef persist_backends(): raise OSError('loud')", "OSError('loud')"),
    "wrong": ("import persist\n@persist.hookimpl\ndef persist_backends(): return ['x']", "persist.Backend objects"),
    "other": (
        "import persist\n@persist.hookimpl\ndef persist_backends(): return [persist.Backend('another', print)]",
        "provides no backend for other://",
    ),
    "opening": (
        "import persist\n@persist.hookimpl\n"  # noqa: ISC004 - one program
        "def persist_backends(): return [persist.Backend('opening', lambda url: 1 / 0)]",
        "ZeroDivisionError",
    ),
}


@pytest.mark.parametrize("scheme", BROKEN)
def test_a_strangers_broken_plugin_is_named_and_harms_no_other(
    scheme: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, reason = BROKEN[scheme]
    _plugin(tmp_path / "site", scheme, code)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    for _ in range(2):
        with pytest.raises(persist.BrokenBackendError) as caught:
            persist.Cache(bots.make(), f"{scheme}://somewhere")
        assert f"{scheme}_backend" in str(caught.value)
        assert reason in str(caught.value)
    persist.Cache(bots.make(), "sqlite:///cache.db")
    with pytest.raises(persist.UnknownBackendError):
        persist.Cache(bots.make(), "oracle://x")


def test_a_missing_driver_names_the_extra_that_installs_it() -> None:
    program = """
        import sys
        sys.modules["asyncpg"] = sys.modules["aiomysql"] = None
        import persist.plugins
        for scheme in ("postgresql", "mysql", "mariadb"):
            try:
                persist.plugins.open_store(f"{scheme}://localhost/cache")
            except persist.MissingDriverError as error:
                print(error)
    """
    assert _said(program).splitlines() == [
        "asyncpg is not installed; install it with: pip install 'hikari-persist[postgresql]'",
        "aiomysql is not installed; install it with: pip install 'hikari-persist[mysql]'",
        "aiomysql is not installed; install it with: pip install 'hikari-persist[mysql]'",
    ]


# -------------------------------------------------------------------------------------------- databases that are no use


@contextlib.contextmanager
def _database(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yield the path of a file, and check afterward that it is the only file in its folder."""
    made = tmp_path / "made"
    made.mkdir()
    path = made / "cache.db"
    yield path
    assert [each.name for each in made.iterdir()] == ["cache.db"]


def _refused(path: pathlib.Path, error: type[Exception], *words: str) -> None:
    before = path.read_bytes()
    cache = persist.Cache(bots.make(), persist.SQLiteBackend(path))
    for _ in range(2):
        with pytest.raises(error) as caught:
            asyncio.run(cache.open())
        said = str(caught.value)
        assert "\n" not in said
        assert all(word in said for word in (str(path), *words)), said
    assert path.read_bytes() == before


async def _made(path: pathlib.Path) -> None:
    async with persist.Cache(bots.make(), persist.SQLiteBackend(path)):
        pass


def test_a_file_that_is_no_database_is_refused(tmp_path: pathlib.Path) -> None:
    with _database(tmp_path) as path:
        path.write_bytes(b"Dear diary, " * 1000)
        _refused(path, persist.SchemaError, "is not an SQLite database", "name another file")


def test_a_database_of_another_application_is_refused(tmp_path: pathlib.Path) -> None:
    with _database(tmp_path) as path:
        with contextlib.closing(sqlite3.connect(path)) as other:
            other.executescript("PRAGMA application_id = 252006673; CREATE TABLE members (id)")
        _refused(path, persist.SchemaError, "belongs to another application", "name another file")


def test_a_database_with_other_tables_is_refused(tmp_path: pathlib.Path) -> None:
    with _database(tmp_path) as path:
        with contextlib.closing(sqlite3.connect(path)) as other:
            other.executescript("CREATE TABLE diary (day); INSERT INTO diary VALUES (1)")
        _refused(path, persist.SchemaError, "diary", "Name another file")


def test_a_database_that_is_newer_is_refused(tmp_path: pathlib.Path) -> None:
    with _database(tmp_path) as path:
        asyncio.run(_made(path))
        with contextlib.closing(sqlite3.connect(path)) as newer:
            newer.execute("UPDATE persist_meta SET value = '999' WHERE name = 'schema_version'")
            newer.commit()
        _refused(path, persist.SchemaError, "version 999", str(schema.VERSION), "Upgrade hikari-persist")


def test_a_database_that_is_damaged_is_refused(tmp_path: pathlib.Path) -> None:
    with _database(tmp_path) as path:
        asyncio.run(_made(path))
        damaged = bytearray(path.read_bytes())
        damaged[100:16384] = b"\xff" * (16384 - 100)
        path.write_bytes(damaged)
        _refused(path, persist.PersistError, "damaged", "restore a backup")


@pytest.mark.parametrize("value", ["'{\"users\":[}'", "'7'", "CAST(x'7bff7d' AS TEXT)"])
def test_a_database_with_a_damaged_note_is_refused(tmp_path: pathlib.Path, value: str) -> None:
    with _database(tmp_path) as path:
        asyncio.run(_made(path))
        for name in ("tables", "search"):
            with contextlib.closing(sqlite3.connect(path)) as damaged:
                damaged.execute(f"UPDATE persist_meta SET value = {value} WHERE name = '{name}'")
                damaged.commit()
            _refused(path, persist.SchemaError, name, "restore a backup")


async def test_a_folder_that_is_not_there_is_named(tmp_path: pathlib.Path) -> None:
    cache = persist.Cache(bots.make(), f"sqlite:///{tmp_path / 'none' / 'cache.db'}")
    with pytest.raises(persist.BackendError, match=r"there is no folder '.*none'; create it first"):
        await cache.open()
    assert not (tmp_path / "none").exists()


async def test_a_folder_is_no_database(tmp_path: pathlib.Path) -> None:
    cache = persist.Cache(bots.make(), f"sqlite:///{tmp_path}")
    with pytest.raises(persist.BackendError, match="is a folder; name a file in it"):
        await cache.open()


def test_a_folder_that_may_not_be_written_is_said_to_be_one() -> None:
    # Only this user can enter pytest's own folders.
    with tempfile.TemporaryDirectory() as closed:
        pathlib.Path(closed).chmod(0o555)
        program = f"""
            import asyncio, concurrent.futures.thread, sys
            sys.path[:0] = {[os.fspath(pathlib.Path(__file__).parent)]!r}
            import bots, os, persist
            cache = persist.Cache(bots.make(), "sqlite:///{closed}/cache.db")
            if os.geteuid() == 0:
                os.setuid(65534)  # this user may not be able to read root's packages
            try:
                asyncio.run(cache.open())
            except persist.BackendError as error:
                print(error)
        """
        said = _said(program)
        assert f"{closed}/cache.db" in said
        assert "can this user write to it?" in said
        assert list(pathlib.Path(closed).iterdir()) == []


def test_a_reader_in_a_folder_that_may_not_be_written_is_told_what_it_needs() -> None:
    with tempfile.TemporaryDirectory() as closed:
        file = pathlib.Path(closed) / "cache.db"
        asyncio.run(_made(file))
        pathlib.Path(closed).chmod(0o555)
        program = f"""
            import asyncio, concurrent.futures.thread, sys
            sys.path[:0] = {[os.fspath(pathlib.Path(__file__).parent)]!r}
            import bots, os, persist
            reader = persist.connect("sqlite:///{file}", bots.make())
            if os.geteuid() == 0:
                os.setuid(65534)
            try:
                asyncio.run(reader.open())
            except persist.BackendError as error:
                print(error)
        """
        assert "start the bot first, or give this user write access to the folder" in _said(program)
