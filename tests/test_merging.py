"""Merging an export never leaves a claim to know all of something that is not true, on any engine."""

from __future__ import annotations

import pathlib

import pytest

from persist.completeness import known
from persist.contract_samples import member, origin
from persist.model import Record

pytest.importorskip("typer", reason="typer is not installed.")

from command_line import call, fill, stored


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
