"""The SQL views show what is stored, and each query of the guide runs on each engine."""

from __future__ import annotations

import datetime
import pathlib
import re
from collections.abc import AsyncIterator

import pytest

from persist import analytics
from persist.changes import Put
from persist.contract_samples import channel, guild, member, message, role, thread, user
from persist.plugins import open_store
from persist.sql import SqlStore

GUIDE = pathlib.Path(__file__).parents[1] / "docs" / "how-to" / "ask-in-sql.md"
QUERIES = re.findall(r"^```sql\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(params=["sqlite_url", "postgresql_url", "mysql_url"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    """Yield a store with one guild and the views."""
    store = open_store(url)
    assert isinstance(store, SqlStore)
    await store.open()
    records = [
        guild(1, name="guild"),
        channel(11, 1, name="general", type=0),
        channel(12, 1, name="quiet", type=0),
        role(1, 1, name="@everyone"),
        role(21, 1, name="mods"),
        role(2, 1, name="nobody"),
        *(user(number, username=f"user {number}", bot=number == 3) for number in (1, 2, 3)),
        member(1, 1, joined_at="2024-01-01T23:30:00+00:00", roles=["21"]),
        member(1, 2, joined_at="2024-01-02T00:30:00+00:00", roles=["21", "211"]),
        member(1, 3, joined_at="2024-01-02T01:30:00+00:00", roles=[]),
        member(9, 1, joined_at="2024-01-02T01:30:00+00:00", roles=[]),
        *(
            message(
                number,
                11,
                1,
                author={"id": str(number % 2 + 1)},
                timestamp=f"2024-02-0{day}T12:00:00+00:00",
                edited_timestamp=f"2024-02-0{day}T13:00:00+00:00" if number == 1 else None,
            )
            for number, day in ((1, 1), (2, 1), (3, 1), (4, 2))
        ),
    ]
    await store.apply([Put(record) for record in records])
    for _ in range(2):  # the second time is a no-op
        await store.run(analytics.statements)
    yield store
    await store.close()


async def _rows(store: SqlStore, sql: str) -> list[list[object]]:
    return [
        [str(value) if isinstance(value, datetime.date) else value for value in row] for row in await store.query(sql)
    ]


async def test_the_views_count_what_is_there(store: SqlStore) -> None:
    assert await _rows(store, "SELECT * FROM v_messages_per_day ORDER BY day") == [
        [1, 11, "2024-02-01", 3, 2],
        [1, 11, "2024-02-02", 1, 1],
    ]
    assert await _rows(store, "SELECT * FROM v_member_growth WHERE guild_id = 1 ORDER BY day") == [
        [1, "2024-01-01", 1, 1],
        [1, "2024-01-02", 2, 3],
    ]
    assert await _rows(store, "SELECT name, members FROM v_role_sizes ORDER BY name") == [
        ["@everyone", 3],
        ["mods", 2],
        ["nobody", 0],
    ]
    assert await _rows(store, "SELECT name, messages, authors FROM v_channel_activity ORDER BY name") == [
        ["general", 4, 2],
        ["quiet", 0, 0],
    ]


async def test_messages_in_threads_count_as_those_of_the_thread(store: SqlStore) -> None:
    said = message(5, 13, 1, author={"id": "3"}, timestamp="2024-02-03T12:00:00+00:00")
    await store.apply([Put(thread(13, 1, 11, name="thread")), Put(said)])
    assert await _rows(store, "SELECT name, messages, authors FROM v_channel_activity ORDER BY name") == [
        ["general", 4, 2],
        ["quiet", 0, 0],
        ["thread", 1, 1],
    ]
    assert await _rows(store, "SELECT * FROM v_messages_per_day WHERE channel_id = 13") == [[1, 13, "2024-02-03", 1, 1]]


async def test_a_database_with_views_is_opened_again(store: SqlStore) -> None:
    await store.close()
    await store.open()
    assert len(await store.query("SELECT * FROM v_role_sizes")) == 3


ANSWERS: list[list[list[object]]] = [
    [["2024-02-02", 1], ["2024-02-01", 3]],
    [["general", 4, 2, "2024-02-02 12:00:00"], ["quiet", 0, 0, None]],
    [[12, "quiet"]],
    [["user 1", 2], ["user 2", 2]],
    [["guild", "2024-01-01", 1, 1], ["guild", "2024-01-02", 2, 3]],
    [["@everyone", 3], ["mods", 2], ["nobody", 0]],
    [["user 1"], ["user 3"]],
    [["user 1", 2]],
    [["general", 1, 4]],
    [["gateway", 4, "2024-05-06 07:00:00", "2024-05-06 07:00:00"]],
]
"""What each query of the guide finds, in its order."""


@pytest.mark.parametrize(("query", "answer"), list(zip(QUERIES, ANSWERS, strict=True)))
async def test_each_query_of_the_guide_counts_what_is_there(
    store: SqlStore, query: str, answer: list[list[object]]
) -> None:
    found = await _rows(store, query)
    if "ORDER BY messages DESC LIMIT" in query:  # both wrote as many
        found.sort(key=str)
    assert [[_whole_seconds(value) for value in row] for row in found] == answer


def _whole_seconds(value: object) -> object:
    return value[:19] if isinstance(value, str) and "-" in value else value
