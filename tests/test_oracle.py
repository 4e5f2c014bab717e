"""Every filter on every type of column on every engine finds the same as plain Python, whatever waits to be stored."""

from __future__ import annotations

import dataclasses
import datetime
import typing
from collections.abc import AsyncIterator, Callable

import hikari
import pytest
from hearing import Hearing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import persist
from persist import found
from persist.changes import Drop, DropScope, Patch, Put
from persist.contract_samples import ODDITIES
from persist.edits import Part
from persist.entities import THREADS
from persist.model import Kind, Origin, Payload

# Late enough that no archived thread is swept during the test, however slow the machine is.
_ORIGIN: typing.Final = Origin("gateway", 0, 17, "2999-01-02 03:04:05.000006")
_EVERYWHERE: typing.Final = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
_INJECTIONS: typing.Final = (
    "'; DROP TABLE threads; --",
    '" OR ""="',
    "\\' OR 1=1 #",
    "%' ESCAPE '!",
    "?1 :name $1 %s %(x)s {0}",
    "0x27) UNION SELECT payload FROM users--",
)
_GREATEST: typing.Final = 2**63 - 1

# The values of columns, so few that some repeat.
_TEXTS = st.sampled_from((*ODDITIES, *_INJECTIONS)) | st.text(max_size=4)
_NUMBERS = st.sampled_from((0, 1, -1, 5, 1 << 40, 3 << 60, 1 << 62, _GREATEST, -_GREATEST - 1)) | st.integers(-3, 3)
_SNOWFLAKES = st.sampled_from((0, 1, 11, 111, 1 << 62, _GREATEST)) | st.integers(1, 6)
_MOMENTS = st.datetimes(
    datetime.datetime(2015, 1, 1),  # noqa: DTZ001 - the time zones are the next argument
    datetime.datetime(2015, 1, 2),  # noqa: DTZ001
    timezones=st.sampled_from([datetime.timezone(datetime.timedelta(hours=h)) for h in (-11, 0, 5)]),
) | st.just(datetime.datetime(2015, 1, 1, tzinfo=datetime.UTC))


class Sort(typing.NamedTuple):
    """One column, its possible values, and their form in a payload."""

    name: str
    kind: Kind
    values: st.SearchStrategy[typing.Any]
    said: Callable[[typing.Any], Payload]


_COLUMNS: typing.Final = (
    Sort("name", "text", _TEXTS, lambda value: {"name": value}),
    Sort("message_count", "integer", _NUMBERS, lambda value: {"message_count": value}),
    Sort("member_count", "integer", _NUMBERS, lambda value: {"member_count": value if value is None else str(value)}),
    Sort("owner_id", "snowflake", _SNOWFLAKES, lambda value: {"owner_id": value if value is None else str(value)}),
    Sort("is_archived", "boolean", st.booleans(), lambda value: {"thread_metadata": {"archived": value}}),
    Sort(
        "created_at",
        "time",
        _MOMENTS,
        lambda value: {"thread_metadata": {"create_timestamp": value and value.isoformat()}},
    ),
    Sort(
        "applied_tag_ids",
        "snowflakes",
        st.frozensets(_SNOWFLAKES, max_size=3),
        lambda value: {"applied_tags": None if value is None else [str(each) for each in sorted(value)]},
    ),
)
_SORTS: typing.Final = {sort.name: sort for sort in _COLUMNS}

Row = dict[str, typing.Any]


@dataclasses.dataclass(frozen=True)
class Asked:
    """A filter as users write it, and the same in plain Python."""

    wanted: typing.Any
    holds: Callable[[typing.Any], bool]

    def __repr__(self) -> str:
        return repr(self.wanted)


def _plain(sort: Sort) -> st.SearchStrategy[Asked]:
    value = sort.values
    if sort.kind == "snowflakes":
        return _SNOWFLAKES.map(lambda v: Asked(persist.has(v), lambda c: c is not None and v in c))
    several = st.lists(value | st.none(), max_size=4)
    options = [
        value.map(lambda v: Asked(v, lambda c: c == v)),
        several.map(lambda vs: Asked(vs, lambda c: c in vs)),
    ]
    if sort.kind != "boolean":
        options += [
            value.map(lambda v: Asked(persist.at_least(v), lambda c: c is not None and c >= v)),
            value.map(lambda v: Asked(persist.at_most(v), lambda c: c is not None and c <= v)),
            st.tuples(value, value).map(
                lambda ends: Asked(persist.between(*ends), lambda c: c is not None and ends[0] <= c <= ends[1])
            ),
        ]
    if sort.kind == "text":
        options += [
            value.map(lambda v: Asked(persist.contains(v), lambda c: c is not None and v in c)),
            value.map(lambda v: Asked(persist.startswith(v), lambda c: c is not None and c.startswith(v))),
        ]
    if sort.kind == "integer":
        options.append(value.map(lambda v: Asked(persist.has(v), lambda c: c is not None and c & v == v)))
    if sort.kind == "time":
        options += [
            value.map(lambda v: Asked(persist.after(v), lambda c: c is not None and c > v)),
            value.map(lambda v: Asked(persist.before(v), lambda c: c is not None and c < v)),
        ]
    return st.one_of(options)


def _asked(sort: Sort) -> st.SearchStrategy[Asked]:
    simple = st.just(Asked(None, lambda c: c is None)) | _plain(sort)
    return st.recursive(
        simple,
        lambda inner: (
            inner.map(lambda one: Asked(persist.not_(one.wanted), lambda c: not one.holds(c)))
            | st.lists(inner, max_size=3).map(
                lambda some: Asked(
                    persist.any_of(*(one.wanted for one in some)), lambda c: any(one.holds(c) for one in some)
                )
            )
        ),
        max_leaves=3,
    ).filter(_is_one_question)


def _is_one_question(asked: Asked) -> bool:
    """Exclude lists of ids compared with a list, which is an error."""
    return not (isinstance(asked.wanted, list) and any(isinstance(each, frozenset) for each in asked.wanted))


_ROWS = st.lists(
    st.fixed_dictionaries({sort.name: st.none() | sort.values for sort in _COLUMNS}), min_size=1, max_size=12
)
_FILTERS = st.lists(st.sampled_from(_COLUMNS), max_size=2, unique=True).flatmap(
    lambda sorts: st.fixed_dictionaries({sort.name: _asked(sort) for sort in sorts})
)
_ORDERS = st.lists(
    st.tuples(st.sampled_from([sort.name for sort in _COLUMNS if sort.kind != "snowflakes"]), st.booleans()), max_size=2
)
_QUESTIONS = st.lists(st.tuples(_FILTERS, _ORDERS, st.none() | st.integers(1, 8)), min_size=1, max_size=4)


def payload_of(number: int, row: Row) -> dict[str, typing.Any]:
    payload: dict[str, typing.Any] = {"id": str(number), "thread_metadata": {}}
    for name, value in row.items():
        for field, said in _SORTS[name].said(value).items():
            payload[field] = {**payload[field], **said} if isinstance(said, dict) else said
    return payload


def remember(asked: Hearing, number: int, row: Row) -> None:
    asked.accept(Put(THREADS.record(payload_of(number, row), 1, _ORIGIN)))


def in_order(rows: dict[int, Row], order: list[tuple[str, bool]]) -> list[int]:
    """Sort as `order_by` does: unset values first, and equal ones by id."""
    numbers = sorted(rows, reverse=bool(order) and order[-1][1])
    for name, down in reversed(order):
        numbers.sort(
            key=lambda n: (rows[n][name] is not None, rows[n][name] or _LEAST[_SORTS[name].kind]), reverse=down
        )
    return numbers


_LEAST: typing.Final[dict[Kind, typing.Any]] = {
    "text": "",
    "integer": 0,
    "snowflake": 0,
    "boolean": False,
    "time": datetime.datetime.min.replace(tzinfo=datetime.UTC),
}


@pytest.fixture
async def asked(engine_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hearing]:
    monkeypatch.setattr(found, "_PAGE", 3)
    async with Hearing(engine_url) as asked:
        yield asked


@_EVERYWHERE
@given(stored=_ROWS, pending=_ROWS, gone=st.integers(0, 5), questions=_QUESTIONS)
async def test_what_is_found_is_what_python_finds(
    asked: Hearing,
    stored: list[Row],
    pending: list[Row],
    gone: int,
    questions: list[tuple[dict[str, Asked], list[tuple[str, bool]], int | None]],
) -> None:
    asked.accept(DropScope(THREADS, None))
    rows: dict[int, Row] = {}
    for number, row in enumerate(stored, 1):
        remember(asked, number, row)
        rows[number] = row
    await asked.cache.flush()
    # The waiting changes alter some stored objects, drop one, and add more.
    for number, row in enumerate(pending, len(stored)):
        remember(asked, number, row)
        rows[number] = row
    asked.accept(Drop(THREADS, (gone,)), Patch(THREADS, (2,), 1, (Part({"name": "patched"}),), _ORIGIN))
    rows.pop(gone, None)
    if 2 in rows:
        rows[2] = {**rows[2], "name": "patched"}
    for filters, order, limit in questions:
        matching = {n: row for n, row in rows.items() if all(f.holds(row[c]) for c, f in filters.items())}
        expected = in_order(matching, order)[:limit]
        wanted: dict[str, typing.Any] = {name: each.wanted for name, each in filters.items()}
        question = asked.cache.threads.find(**wanted)
        question = question.order_by(*(f"-{name}" if down else name for name, down in order))
        question = question if limit is None else question.limit(limit)
        assert await question.ids() == expected, (wanted, order)
        assert await question.count() == len(expected)
        assert await question.exists() is bool(expected)
        assert [int(entry.payload["id"]) for entry in await question.entries()] == expected


async def test_rows_that_change_while_they_are_read_neither_repeat_nor_vanish(asked: Hearing) -> None:
    for number in range(10, 60, 2):
        remember(asked, number, {"name": f"{number:03d}", "message_count": 1})
    seen: list[int] = []
    async for entry in asked.cache.threads.find(message_count=1).order_by("-name").entries():
        number = int(entry.payload["id"])
        seen.append(number)
        asked.accept(Drop(THREADS, (number,)))
        remember(asked, number * 100, {"name": f"{number + 1:03d}", "message_count": 1})
        await asked.cache.flush()
    assert seen == sorted(range(10, 60, 2), reverse=True)


async def test_many_values_and_many_conditions_are_asked_for_at_once(asked: Hearing) -> None:
    for number in range(1, 6):
        remember(asked, number, {"name": None if number == 1 else f"name {number}", "message_count": number})
    names = [f"name {number}" for number in range(3, 40_000)]
    find = asked.cache.threads.find
    assert await find(name=names).ids() == [3, 4, 5]
    assert await find(name=[None, *names]).ids() == [1, 3, 4, 5]
    assert await find(name=persist.not_(names)).ids() == [1, 2]
    assert await find(message_count=range(3, 70_000)).ids() == [3, 4, 5]
    assert await find(id=range(3, 70_000)).ids() == [3, 4, 5]
    options = [persist.startswith(f"other {number}") for number in range(3000)]
    assert await find(name=persist.any_of(*options, "name 3")).ids() == [3]
    deep: typing.Any = "name 3"
    for _ in range(8):
        deep = persist.any_of(persist.not_(deep), "name 4")
    assert await find(name=deep).ids() == [3, 4]
    for _ in range(3):
        deep = persist.not_(deep)
    with pytest.raises(persist.QueryError, match="more than 16 deep"):
        find(name=deep)


async def test_what_no_database_could_be_asked_for_is_refused_at_the_call(asked: Hearing) -> None:
    first = datetime.datetime(1, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=5)))
    with pytest.raises(persist.QueryError, match="compared with a datetime"):
        asked.cache.threads.find(created_at=persist.after(first))
    with pytest.raises(persist.QueryError, match="must be a code"):
        await asked.cache.get_invite("\ud800")
    with pytest.raises(persist.QueryError, match="must be a code"):
        await asked.cache.fetch_invite("\ud800")


async def test_no_text_is_taken_for_sql(asked: Hearing) -> None:
    for number, text in enumerate(_INJECTIONS, 1):
        remember(asked, number, {"name": text})
    for number, text in enumerate(_INJECTIONS, 1):
        assert await asked.cache.threads.find(name=text).ids() == [number]
        assert await asked.cache.threads.find(name=persist.contains(text)).ids() == [number]
        assert await asked.cache.threads.find(source=text).ids() == []
        assert await asked.cache.invites.get(text) is None
        assert await asked.cache.invites.get_many([text]) == []
        with pytest.raises(persist.QueryError):
            asked.cache.threads.find(**{text: 1})
        with pytest.raises(persist.QueryError):
            asked.cache.threads.find().order_by(text)
        with pytest.raises(persist.QueryError):
            asked.cache.threads.find(owner_id=typing.cast("hikari.Snowflake", text))
    assert await asked.cache.threads.count() == len(_INJECTIONS)
