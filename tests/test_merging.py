"""Merging an export never leaves a claim to know all of something that is not true, on any engine."""

from __future__ import annotations

import collections
import pathlib
from collections.abc import Sequence

import pytest

from persist import json_lines
from persist.changes import Change, Put
from persist.completeness import known
from persist.contract_samples import member, origin, user
from persist.entities import USERS
from persist.model import Record
from persist.spi import Page, Select, Store

pytest.importorskip("typer", reason="typer is not installed.")

from command_line import call, fill, stored
from stores import opened


@pytest.fixture(params=["sqlite_url", "postgresql_url", "mysql_url"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def _members(at: int, *users: int, guild: int = 1000, state: str | None = "complete") -> list[Record]:
    """Return members, and the note of that moment about them."""
    note = [known("members", guild, origin(at), state).record] if state else []  # type: ignore[arg-type]
    return [*(member(guild, user, at) for user in users), *note]


def _merged(url: str, there: list[Record], other: list[Record], folder: pathlib.Path) -> dict[int, str]:
    """Return the states of what is known of the members of each guild once another store's export is merged."""
    source, file = f"sqlite:///{folder / 'source.db'}", str(folder / "a.jsonl")
    fill(source, other)
    fill(url, there)
    call("export", source, file)
    call("import", file, url, "--merge")
    return {int(record.key[0]): record.payload["state"] for record in stored(url)["completeness"]}


@pytest.mark.parametrize(
    ("there", "other", "state"),
    [
        (_members(5, 1), _members(3, 1, 2), "stale"),  # 2 may have left since
        (_members(5, 1), _members(3, 1, 2, state=None), "stale"),
        (_members(3, 1, 2), _members(5, 1), "stale"),  # 2 was not listed any more
        (_members(3, 1), _members(5, 1, 2), "complete"),
        (_members(5, 1, 2), _members(3, 1, 2), "complete"),
        (_members(3, 1, state=None), _members(3, 1, 2), "complete"),  # an interrupted import goes on
        (_members(3, 1), _members(3, 1, 2), "stale"),  # 2 left, which the note of that time outlives
        (_members(5, 1, state="partial"), _members(3, 1, 2), "partial"),
        ([], _members(3, 1, 2), "complete"),
    ],
)
def test_what_is_of_two_stores_is_not_complete(
    url: str, tmp_path: pathlib.Path, there: list[Record], other: list[Record], state: str
) -> None:
    untouched = _members(1, 7, guild=5)
    assert _merged(url, [*there, *untouched], other, tmp_path) == {1000: state, 5: "complete"}


class _Meanwhile:
    """A store in which a bot stores users as soon as somebody has read some."""

    def __init__(self, store: Store, news: Sequence[Record]) -> None:
        self._store = store
        self._news = [Put(record) for record in news]

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def apply(self, changes: Sequence[Change]) -> None:
        await self._store.apply(changes)

    async def select(self, query: Select) -> Page:
        page = await self._store.select(query)
        if query.entity is USERS:
            await self._store.apply(self._news)
        return page


async def test_what_a_bot_stores_meanwhile_is_newer(url: str, tmp_path: pathlib.Path) -> None:
    new = user(3, 5)._replace(first_seen="2023-01-02 03:04:05.000006", revision=4)
    merged = [user(1, 5, username="merged"), user(2, 9, username="merged"), new]
    async with opened(f"sqlite:///{tmp_path / 'source.db'}") as source:
        await source.apply([Put(record) for record in merged])
        unreadable = collections.Counter[str]()
        lines = [line async for line in json_lines.exported(source, [USERS], lambda _, __: None, unreadable=unreadable)]
    async with opened(url) as store:
        await store.apply([Put(user(1, 3, username="earlier"))])
        bot = _Meanwhile(store, [user(1, 7, username="newest"), user(2, 7, username="older")])
        await json_lines.imported(bot, lines, lambda _, __: None, json_lines.Way.MERGE)
        page = await store.select(Select(USERS, metadata=True))
    found = {record.key[0]: record for record in page.records}
    assert {number: record.payload.get("username") for number, record in found.items()} == {
        1: "newest",
        2: "merged",
        3: None,
    }
    assert found[3] == new
