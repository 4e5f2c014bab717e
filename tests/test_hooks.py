"""Plugins receive what is stored and add kinds of objects, and one that fails affects nothing else."""

from __future__ import annotations

import json
import logging
import pathlib
import subprocess
import sys
import time
import types
from collections.abc import Iterator, Sequence

import hearing
import pytest
from fakecord import payloads

import persist
from persist import entities, hooks, plugins
from persist.changes import Change, Put
from persist.entities import USERS
from persist.model import Entity, Origin

PLUGIN = pathlib.Path(__file__).with_name("ticket_plugin.py")


class Listening:
    """A plugin that receives what is stored."""

    def __init__(self) -> None:
        self.heard: list[Change] = []

    @persist.hookimpl
    def persist_committed(self, changes: Sequence[Change]) -> None:
        self.heard += changes


class Failing:
    @persist.hookimpl
    def persist_committed(self, changes: Sequence[Change]) -> None:
        raise ZeroDivisionError(len(changes))


class Slow:
    @persist.hookimpl
    def persist_committed(self) -> None:
        time.sleep(0.05)


@pytest.fixture
def registered() -> Iterator[types.SimpleNamespace]:
    listening, failing, slow = Listening(), Failing(), Slow()
    for name, plugin in (("listening", listening), ("failing", failing), ("slow", slow)):
        plugins.manager().register(plugin, name=name)
    hooks._told.clear()
    yield types.SimpleNamespace(listening=listening)
    for plugin in (listening, failing, slow):
        plugins.manager().unregister(plugin)


async def test_a_plugin_hears_of_what_is_stored_once_it_is_stored(
    registered: types.SimpleNamespace, sqlite_url: str
) -> None:
    async with hearing.Hearing(sqlite_url) as heard:
        for name in ("first", "second"):
            heard.accept(
                Put(
                    USERS.record(
                        payloads.user(id="1", username=name),
                        None,
                        Origin("gateway", 0, 1, "2024-05-06 07:08:09.000000"),
                    )
                )
            )
        assert registered.listening.heard == []
        await heard.cache.flush()
    users = [change for change in registered.listening.heard if isinstance(change, Put) and change.entity is USERS]
    assert [change.record.payload["username"] for change in users] == ["second"]


async def test_a_plugin_that_raises_or_is_slow_is_named_once_and_nothing_is_lost(
    registered: types.SimpleNamespace, sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with hearing.Hearing(sqlite_url, settled=True) as heard:
        for number in range(3):
            await heard.hear("USER_UPDATE", payloads.own_user(id=hearing.ME, username=f"name {number}"))
        await heard.cache.flush()
        assert heard.cache.quarantine == ()
        user = await heard.cache.get_user(int(hearing.ME))
    assert user is not None
    assert user.username == "name 2"
    assert registered.listening.heard
    said = [record for record in caplog.records if record.name == "persist.plugins"]
    assert sorted((record.levelno, record.args[0]) for record in said if isinstance(record.args, tuple)) == [
        (logging.WARNING, "slow"),
        (logging.ERROR, "failing"),
    ]


@pytest.mark.parametrize("engine", ["sqlite_url", "postgresql_url", "mysql_url"])
def test_a_plugin_adds_a_kind_of_thing_to_a_database_that_is_there(engine: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(engine)
    # In its own process, because all caches of a process have the same kinds.
    done = subprocess.run([sys.executable, PLUGIN, url], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "seen": "!tea",
        "found": ["!tea", "!"],
        "messages": 2,
        "committed": ["!", "!tea"],
        "left": 0,
        "quarantined": 0,
    }
    assert done.stderr.count("the plugin tickets does not work: MESSAGE_DELETE failed") == 1
    assert "there is already a kind named 'guilds'; choose another name" in done.stderr


@pytest.mark.parametrize(
    ("name", "columns", "says"),
    [
        ("users", {}, "already"),
        ("Tickets", {}, "lower-case letters"),
        ("persist_meta", {}, "lower-case letters"),
        ("tickets; --", {}, "lower-case letters"),
        ("tickets", {"payload": None}, "no column can be named payload"),
    ],
)
def test_a_kind_that_cannot_be_a_table_is_refused(name: str, columns: dict[str, None], says: str) -> None:
    entity = Entity(name, {"id": "snowflake"}, lambda *_: (1,), columns, lambda *_: None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=says):
        entities.add(entity)
    assert entities.ENTITIES.get(name) is not entity


async def test_a_kind_that_is_no_row_has_no_view(sqlite_url: str) -> None:
    strange = Entity("users", {"id": "snowflake"}, lambda *_: (1,), {}, lambda *_: None)
    async with hearing.Hearing(sqlite_url) as heard:
        with pytest.raises(persist.QueryError, match="a plugin adds one with the hook persist_entities"):
            heard.cache.view(strange)
        view = heard.cache.view(USERS)
        with pytest.raises(persist.QueryError, match="the key of users is id: 1 values, not 2"):
            await view.get(1, 2)


@pytest.mark.usefixtures("registered")
def test_a_plugin_that_is_no_backend_is_not_taken_for_a_broken_one() -> None:
    with pytest.raises(persist.UnknownBackendError, match="no backend is installed for oracle://"):
        plugins.open_store("oracle://host/name")
