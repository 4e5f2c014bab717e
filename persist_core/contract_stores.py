"""The part of the contract for stores as a whole: opening, closing, sharing a place, and cancellation."""

from __future__ import annotations

import asyncio
import typing

import pytest

from .changes import Patch, Put
from .contract_base import Contract, found, keys, one, persistently, there
from .contract_samples import member, origin, user
from .edits import Add
from .entities import MEMBERS, USERS
from .errors import BackendError
from .spi import Select, Store

__all__ = ("Stores",)


class Stores(Contract):
    """Lifetime and concurrency."""

    async def test_what_was_stored_is_there_after_a_restart(self) -> None:
        if not self.lasting:
            pytest.skip("this store forgets when it is closed, and says so")
        async with self.opened(user(1, 10, username="a\0")) as store:
            before = await there(store, user(1))
        async with self.opened() as store:
            assert await there(store, user(1)) == before

    async def test_a_store_can_be_opened_again(self) -> None:
        store = self.make_store()
        for number in range(3):
            await store.open()
            await store.apply([Put(user(number))])
            assert await one(store, user(number)) is not None
            await store.close()

    async def test_closing_is_a_no_op_when_it_is_not_open(self) -> None:
        store = self.make_store()
        await store.close()
        await store.open()
        await store.close()
        await store.close()

    async def test_a_store_that_is_not_open_says_so(self) -> None:
        store = self.make_store()
        for question in (Select(USERS), Select(USERS, keys=((1,),))):
            with pytest.raises(BackendError, match="not open"):
                await store.select(question)
        with pytest.raises(BackendError, match="not open"):
            await store.apply([Put(user(1))])
        await store.open()
        await store.close()
        with pytest.raises(BackendError, match="not open"):
            await store.select(Select(USERS, keys=((1,),)))

    async def test_readers_see_whole_batches_while_they_are_written(self) -> None:
        async with self.opened(*(member(1, number, flags=0) for number in range(300))) as store:
            writing = asyncio.create_task(_write(store))
            seen: set[int] = set()
            while not writing.done():
                await asyncio.sleep(0)  # a store may answer without ever waiting for anything
                records = await found(store, MEMBERS, guild_id=1)
                versions = {record.payload["flags"] for record in records}
                assert len(records) == 300
                assert len(versions) == 1, "a reader saw half of a batch"
                seen |= versions
            await writing
            assert {record.payload["flags"] for record in await found(store, MEMBERS)} == {15}

    async def test_many_questions_at_once_each_get_their_own_answer(self) -> None:
        async with self.opened(*(member(number % 3, number, nick=f"{number}") for number in range(900))) as store:
            asked = [(number % 3, number) for number in range(1200)] * 2
            pages = await asyncio.gather(*(store.select(Select(MEMBERS, keys=(key,))) for key in asked))
            for (_, number), page in zip(asked, pages, strict=True):
                expected = [f"{number}"] if number < 900 else []
                assert [record.payload["nick"] for record in page.records] == expected

    async def test_giving_up_on_a_question_leaves_the_others_alone(self) -> None:
        async with self.opened(*(user(number) for number in range(200))) as store:
            for _ in range(5):
                questions = [Select(USERS, keys=((number,),)) if number % 4 else Select(USERS) for number in range(100)]
                tasks = [asyncio.create_task(store.select(question)) for question in questions]
                for number, task in enumerate(tasks):
                    if number % 10 == 0:
                        await asyncio.sleep(0)
                    if number % 2:
                        task.cancel()
                await asyncio.wait(tasks)
                for number, task in enumerate(tasks):
                    if not number % 2:
                        assert len(task.result().records) == (1 if number % 4 else 200)
            await store.apply([Put(user(1, username="still works"))])
            assert (await there(store, user(1))).payload["username"] == "still works"

    async def test_two_stores_see_what_the_other_one_wrote(self) -> None:
        async with self._two() as (one_store, other):
            await one_store.apply([Put(user(1, username="a"))])
            assert (await there(other, user(1))).payload["username"] == "a"
            await other.apply([Put(user(1, username="b"))])
            assert (await there(one_store, user(1))).payload["username"] == "b"

    async def test_two_stores_lose_none_of_their_changes(self) -> None:
        async with self._two() as (one_store, other):
            await one_store.apply([Put(user(number, count=0)) for number in range(5)])
            await asyncio.gather(_count(one_store, "forwards"), _count(other, "backwards"))
            counts = [record.payload["count"] for record in await found(one_store, USERS)]
            assert counts == [40] * 5
            assert len(await keys(other, MEMBERS)) == 400

    def _two(self) -> _Two:
        if not self.shared:
            pytest.skip("this store shares its place with nobody, and says so")
        return _Two(self.make_store(), self.make_store())


class _Two:
    """Two open stores on one place."""

    def __init__(self, one_store: Store, other: Store) -> None:
        self._stores = (one_store, other)

    async def __aenter__(self) -> tuple[Store, Store]:
        await asyncio.gather(*(store.open() for store in self._stores))
        return self._stores

    async def __aexit__(self, *_: object) -> None:
        for store in self._stores:
            await store.close()


async def _write(store: Store) -> None:
    for version in range(1, 16):
        await store.apply([Put(member(1, number, flags=version)) for number in range(300)])


async def _count(store: Store, direction: typing.Literal["forwards", "backwards"]) -> None:
    numbers = range(5) if direction == "forwards" else range(4, -1, -1)
    guild_id = 1 if direction == "forwards" else 2
    for step in range(20):
        counted = [Patch(USERS, (number,), None, (Add("count", 1),), origin()) for number in numbers]
        joined = [Put(member(guild_id, step * 10 + number)) for number in range(10)]
        await persistently(store, [*counted, *joined])
