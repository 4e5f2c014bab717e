"""Point reads that arrive together share a query, and each gets only its own record."""

from __future__ import annotations

import asyncio
import typing

import pytest

from persist.coalesce import Lookups
from persist.conditions import Condition
from persist.contract_samples import user
from persist.entities import GUILDS, USERS
from persist.errors import BackendError
from persist.spi import Page, Select


class Database:
    """Answers when the test lets it, and records the queries."""

    def __init__(self) -> None:
        self.asked: list[Select] = []
        self.may_answer = asyncio.Event()
        self.error: Exception | None = None

    async def answer(self, query: Select) -> Page:
        self.asked.append(query)
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        keys = typing.cast("tuple[tuple[int], ...]", query.keys)
        records = [user(*key) for key in keys if key[0] % 2]
        return Page(records, corrupt=[(key, "broken") for key in keys if key[0] == 100])


def of(number: int) -> Select:
    return Select(USERS, keys=((number,),))


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_questions_of_one_moment_are_one_query() -> None:
    database = Database()
    lookups = Lookups(database.answer, 2, 1000)
    database.may_answer.set()
    pages = await asyncio.gather(*(lookups.ask(of(number)) for number in range(50)))
    assert [len(query.keys or ()) for query in database.asked] == [50]
    assert [[record.key for record in page.records] for page in pages] == [[(n,)] if n % 2 else [] for n in range(50)]


async def test_what_arrives_while_two_are_on_their_way_waits_and_shares_the_third() -> None:
    database = Database()
    lookups = Lookups(database.answer, 2, 1000)
    tasks = []
    for number in range(10):
        tasks.append(asyncio.create_task(lookups.ask(of(number))))
        await turn()
    assert [query.keys for query in database.asked] == [((0,),), ((1,),)]
    database.may_answer.set()
    await asyncio.gather(*tasks)
    assert [len(query.keys or ()) for query in database.asked] == [1, 1, 8]


async def test_a_query_asks_for_no_more_than_a_statement_takes() -> None:
    database = Database()
    lookups = Lookups(database.answer, 2, 20)
    database.may_answer.set()
    pages = await asyncio.gather(*(lookups.ask(of(number)) for number in range(50)))
    assert sorted(len(query.keys or ()) for query in database.asked) == [10, 20, 20]
    assert sum(len(page.records) for page in pages) == 25


async def test_kinds_and_wishes_do_not_mix() -> None:
    database = Database()
    lookups = Lookups(database.answer, 2, 1000)
    database.may_answer.set()
    queries = [of(1), Select(GUILDS, keys=((1,),)), Select(USERS, keys=((1,),), metadata=True)]
    queries.append(Select(USERS, keys=((1,),), want="keys"))
    await asyncio.gather(*(lookups.ask(query) for query in queries))
    assert sorted(map(repr, database.asked)) == sorted(map(repr, queries))


async def test_the_same_question_twice_is_asked_once() -> None:
    database = Database()
    lookups = Lookups(database.answer, 2, 1000)
    database.may_answer.set()
    one, other = await asyncio.gather(lookups.ask(of(1)), lookups.ask(of(1)))
    assert one.records == other.records
    assert [query.keys for query in database.asked] == [((1,),)]


async def test_an_error_reaches_everybody_who_asked_and_nobody_else() -> None:
    database = Database()
    lookups = Lookups(database.answer, 1, 1000)
    database.may_answer.set()
    database.error = BackendError("away", temporary=True)
    outcomes = await asyncio.gather(*(lookups.ask(of(number)) for number in range(5)), return_exceptions=True)
    assert outcomes == [database.error] * 5
    database.error = None
    assert len((await lookups.ask(of(1))).records) == 1


async def test_a_record_that_cannot_be_read_is_told_to_whom_it_concerns() -> None:
    database = Database()
    lookups = Lookups(database.answer, 1, 1000)
    database.may_answer.set()
    broken, other = await asyncio.gather(lookups.ask(of(100)), lookups.ask(of(101)))
    assert list(broken.corrupt) == [((100,), "broken")]
    assert list(other.corrupt) == []


async def test_giving_up_leaves_the_others_waiting() -> None:
    database = Database()
    lookups = Lookups(database.answer, 1, 1000)
    tasks = [asyncio.create_task(lookups.ask(of(1))) for _ in range(3)]
    await turn()
    tasks[1].cancel()
    await turn()
    database.may_answer.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Page, asyncio.CancelledError, Page]


async def test_closing_tells_whoever_waits() -> None:
    database = Database()
    lookups = Lookups(database.answer, 1, 1000)
    tasks = [asyncio.create_task(lookups.ask(of(number))) for number in range(3)]
    await turn()
    tasks.append(asyncio.create_task(lookups.ask(of(7))))
    await turn()
    await lookups.close()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(outcome, BackendError)
        assert "closed" in str(outcome)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_no_question_is_left_behind_by_a_worker_that_ends() -> None:
    database = Database()
    lookups = Lookups(database.answer, 1, 1000)
    database.may_answer.set()

    async def ask_again_and_again(number: int) -> None:
        for _ in range(200):
            assert len((await lookups.ask(of(number * 2 + 1))).records) == 1
            for _ in range(number % 3):
                await asyncio.sleep(0)

    async with asyncio.timeout(20):
        await asyncio.gather(*(ask_again_and_again(number) for number in range(7)))


@pytest.mark.parametrize(
    "query",
    [
        Select(USERS),
        Select(USERS, keys=((1,), (2,))),
        Select(USERS, keys=((1,),), want="count"),
        Select(USERS, keys=((1,),), where=(Condition("flags", "equals", 1),)),
        Select(USERS, keys=((1,),), guild_id=1),
        Select(USERS, keys=((1,),), limit=1),
    ],
)
def test_other_questions_go_their_own_way(query: Select) -> None:
    assert not Lookups.takes(query)
