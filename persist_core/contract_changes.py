"""The part of the contract for writing by key: what was put is stored exactly, in order, all or nothing."""

from __future__ import annotations

import asyncio
import random
import typing

import pytest

from .changes import Change, Drop, Patch, Put, fold
from .contract_base import Contract, found, keys, one, there
from .contract_samples import ODDITIES, invite, member, message, moment, origin, user, without_joins
from .edits import Add, Part, Without
from .entities import INVITES, MEMBERS, MESSAGES, USERS
from .model import Key, Record

__all__ = ("KeyedChanges",)

_BIG: typing.Final = 2**63 - 1


class KeyedChanges(Contract):
    """Puts, patches and drops."""

    async def test_what_was_put_is_there_exactly(self) -> None:
        record = message(1, 2, 3, content="hi", unknown={"deep": [1, 2.5, None, {"": True}]}, edited_timestamp=None)
        async with self.opened(record) as store:
            stored = await there(store, record)
        assert stored.payload == record.payload
        assert list(stored.payload["unknown"]) == ["deep"]
        assert (stored.entity, stored.key, stored.guild_id) == (MESSAGES, (1,), 3)
        assert stored.origin == record.origin

    async def test_a_thing_outside_of_any_guild_is_there_too(self) -> None:
        record = message(1, 2, None)
        async with self.opened(record) as store:
            assert (await there(store, record)).guild_id is None

    async def test_putting_again_overwrites(self) -> None:
        async with self.opened(user(1, username="old", flags=1)) as store:
            await store.apply([Put(user(1, username="new"))])
            assert (await there(store, user(1))).payload == {"id": "1", "username": "new"}

    async def test_the_later_of_two_puts_in_one_batch_wins(self) -> None:
        async with self.opened() as store:
            await store.apply([Put(user(1, username="a")), Put(user(1, username="b")), Put(user(1, username="c"))])
            assert (await there(store, user(1))).payload["username"] == "c"

    async def test_changes_of_a_batch_are_made_in_order(self) -> None:
        async with self.opened(user(3)) as store:
            changes: list[Change] = [
                Put(user(1)),
                Drop(USERS, (1,)),
                Put(user(2)),
                Drop(USERS, (2,)),
                Put(user(2, bot=True)),
            ]
            await store.apply([*changes, Drop(USERS, (3,)), _patch(3, {"bot": True}), Put(message(1, 9)), Put(user(4))])
            assert sorted(await keys(store, USERS)) == [(2,), (4,)]
            assert (await there(store, user(2))).payload["bot"] is True

    async def test_a_batch_that_fails_in_the_middle_leaves_no_trace(self) -> None:
        before = [user(number, username="before") for number in range(20)]
        strange = user(1000, unknown={"no": "JSON"}.keys())
        changes: list[Change] = [Put(user(number, username="after")) for number in range(10, 700)]
        changes += [Drop(USERS, (1,)), Put(message(1, 2)), Put(strange), Put(user(2000))]
        async with self.opened(*before) as store:
            with pytest.raises(TypeError):
                await store.apply(changes)
            assert sorted(await keys(store, USERS)) == [record.key for record in before]
            assert (await there(store, user(15))).payload["username"] == "before"
            assert await keys(store, MESSAGES) == []
            await store.apply([Put(user(3000))])
            assert await one(store, user(3000)) is not None

    async def test_a_batch_that_is_cancelled_is_made_whole_or_not_at_all(self) -> None:
        async with self.opened() as store:
            for steps in (0, 1, 2, 3, 5, 8, 13, 21, 34):
                first = steps * 1000
                task = asyncio.create_task(store.apply([Put(user(first + number)) for number in range(600)]))
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
                made = sum(first <= typing.cast("int", key[0]) < first + 600 for key in await keys(store, USERS))
                assert made in (0, 600), f"{made} of 600 after {steps} steps"
            await store.apply([Put(user(_BIG))])
            assert await one(store, user(_BIG)) is not None

    async def test_an_empty_batch_is_fine(self) -> None:
        async with self.opened() as store:
            await store.apply([])

    async def test_keys_and_numbers_may_have_63_bits(self) -> None:
        records = [
            user(_BIG, public_flags=_BIG),
            member(_BIG, _BIG - 1),
            member(_BIG - 1, _BIG),
            user(0, public_flags=0),
        ]
        async with self.opened(*records) as store:
            for record in records:
                stored = await there(store, record)
                assert (stored.key, stored.payload) == (record.key, without_joins(record))
            await store.apply([Drop(MEMBERS, (_BIG, _BIG - 1), _BIG)])
            assert await keys(store, MEMBERS) == [(_BIG - 1, _BIG)]

    async def test_a_text_is_what_it_was(self) -> None:
        records = [
            user(number, username=text, global_name=text * 30, unknown={f"unknown {text}": [text]})
            for number, text in enumerate(ODDITIES)
        ]
        async with self.opened(*records) as store:
            for record in records:
                assert (await there(store, record)).payload == record.payload

    async def test_keys_that_look_alike_are_different(self) -> None:
        # What databases take for part of a longer text, for another case, or for nothing at the end.
        codes = [text for text in ODDITIES if text]
        async with self.opened(*(invite(code, 1, 2, number) for number, code in enumerate(codes))) as store:
            assert len(await keys(store, INVITES)) == len(codes)
            for code in codes:
                assert (await there(store, invite(code, 1, 2))).payload["code"] == code
            await store.apply([Drop(INVITES, ("a",))])
            assert set(await keys(store, INVITES)) == {(code,) for code in codes} - {("a",)}

    async def test_half_a_character_is_kept_or_refused_and_spoils_nothing(self) -> None:
        record = user(2, username="\ud83d")
        async with self.opened() as store:
            try:
                await store.apply([Put(user(1)), Put(record)])
            except Exception:  # noqa: BLE001 - the journal leaves out the record on any exception
                assert await keys(store, USERS) == []
            else:
                assert (await there(store, record)).payload == record.payload
            await store.apply([Put(user(3))])
            assert await one(store, user(3)) is not None

    async def test_a_payload_may_be_long(self) -> None:
        record = message(1, 2, content="ä'\\" * 100_000, unknown=["\U0001f600" * 200_000, '"' * 300_000])
        async with self.opened(record, message(2, 2)) as store:
            assert (await there(store, record)).payload == record.payload

    # ------------------------------------------------------------------------------------------------------- patches

    async def test_a_patch_tells_absent_null_and_empty_apart(self) -> None:
        record = user(1, username="a", global_name="b", avatar="c", banner="d")
        async with self.opened(record) as store:
            await store.apply([_patch(1, {"global_name": None, "avatar": "", "new": []})])
            expected: dict[str, object] = {
                "id": "1",
                "username": "a",
                "global_name": None,
                "avatar": "",
                "banner": "d",
                "new": [],
            }
            assert (await there(store, record)).payload == expected

    async def test_a_patch_of_what_is_not_there_is_a_no_op(self) -> None:
        async with self.opened() as store:
            await store.apply([_patch(1, {"username": "a"})])
            assert await keys(store, USERS) == []

    async def test_a_patch_may_make_what_is_not_there(self) -> None:
        async with self.opened() as store:
            made = Patch(MESSAGES, (1,), 5, (Part({"id": "1", "channel_id": "2"}),), origin(9), create=True)
            await store.apply([made])
            stored = await there(store, message(1, 2))
            assert (stored.payload, stored.guild_id) == ({"id": "1", "channel_id": "2"}, 5)
            assert (stored.origin, stored.first_seen, stored.revision) == (origin(9), moment(9), 1)

    async def test_patches_of_one_key_add_up(self) -> None:
        async with self.opened(user(1, username="a", count=1)) as store:
            edits = (Add("count", 5), Part({"username": "b"}))
            await store.apply(
                [_patch(1, {"bot": True}), Patch(USERS, (1,), None, edits, origin()), _patch(1, {"x": 1})]
            )
            expected = {"id": "1", "username": "b", "count": 6, "bot": True, "x": 1}
            assert (await there(store, user(1))).payload == expected

    async def test_many_patches_each_find_their_own(self) -> None:
        async with self.opened(*(member(number % 2, number, nick=f"n{number}") for number in range(2500))) as store:
            edits = (Part({"flags": 1}),)
            await store.apply([Patch(MEMBERS, (n % 2, n), n % 2, edits, origin(1)) for n in range(0, 5000, 2)])
            stored = {record.key: record.payload for record in await found(store, MEMBERS)}
            assert len(stored) == 2500
            assert all(stored[n % 2, n]["nick"] == f"n{n}" for n in range(2500))
            assert {n for n in range(2500) if "flags" in stored[n % 2, n]} == set(range(0, 2500, 2))

    async def test_random_batches_end_as_their_meaning_says(self) -> None:
        for seed in range(6):
            chance = random.Random(seed)
            expected: dict[Key, Record] = {}
            store = self.make_store()
            await store.open()
            try:
                await store.apply([Drop(MEMBERS, (guild, number)) for guild in range(3) for number in range(12)])
                for second in range(8):
                    batch = [_random(chance, second) for _ in range(chance.randrange(1, 40))]
                    await store.apply(batch)
                    for change in batch:
                        _fold_into(expected, change)
                stored = {record.key: record.payload for record in await found(store, MEMBERS)}
                assert stored == {key: without_joins(record) for key, record in expected.items()}, f"seed {seed}"
            finally:
                await store.close()

    # --------------------------------------------------------------------------------------------------------- drops

    async def test_dropping_forgets_that_key_and_no_other(self) -> None:
        async with self.opened(member(1, 1), member(1, 2), member(2, 1), user(1)) as store:
            await store.apply([Drop(MEMBERS, (1, 1), 1), Drop(MEMBERS, (9, 9), 9)])
            assert sorted(await keys(store, MEMBERS)) == [(1, 2), (2, 1)]
            assert await keys(store, USERS) == [(1,)]

    async def test_many_can_be_dropped_at_once(self) -> None:
        async with self.opened(*(user(number) for number in range(3000))) as store:
            await store.apply([Drop(USERS, (number,)) for number in range(1, 5000)])
            assert await keys(store, USERS) == [(0,)]

    # ------------------------------------------------------------------------------------------------------ metadata

    async def test_a_new_version_keeps_when_it_was_first_seen(self) -> None:
        async with self.opened(user(1, 10, username="a")) as store:
            assert _history(await there(store, user(1))) == (moment(10), moment(10), 1)
            await store.apply([Put(user(1, 20, username="b"))])
            assert _history(await there(store, user(1))) == (moment(10), moment(20), 2)
            await store.apply([Patch(USERS, (1,), None, (Part({"bot": True}),), origin(30, "rest"))])
            stored = await there(store, user(1))
            assert _history(stored) == (moment(10), moment(30), 3)
            assert stored.origin == origin(30, "rest")

    async def test_the_same_payload_again_leaves_everything_as_it_was(self) -> None:
        record = member(1, 2, 10, nick="a", roles=["3"])
        async with self.opened(record) as store:
            again = record._replace(origin=origin(20, "chunk"))
            await store.apply([Put(again), Put(member(1, 3, 20))])
            await store.apply([Patch(MEMBERS, (1, 2), 1, (Part({"nick": "a"}), Without("roles", "4")), origin(30))])
            stored = await there(store, record)
            assert _history(stored) == (moment(10), moment(10), 1)
            assert stored.origin == record.origin

    async def test_a_record_that_comes_from_another_store_keeps_its_history(self) -> None:
        moved = user(1, 20, username="a")._replace(first_seen=moment(5), revision=7)
        async with self.opened(moved) as store:
            assert _history(await there(store, moved)) == (moment(5), moment(20), 7)
            await store.apply([Put(user(1, 30, username="b"))])
            assert _history(await there(store, moved)) == (moment(5), moment(30), 8)

    async def test_what_was_dropped_begins_anew(self) -> None:
        async with self.opened(user(1, 10, username="a")) as store:
            await store.apply([Drop(USERS, (1,)), Put(user(1, 20, username="a"))])
            assert _history(await there(store, user(1))) == (moment(20), moment(20), 1)


def _history(record: Record) -> tuple[str | None, str, int]:
    return record.first_seen, record.origin.at, record.revision


def _patch(snowflake: int, fields: dict[str, typing.Any]) -> Patch:
    return Patch(USERS, (snowflake,), None, (Part(fields),), origin(1))


def _random(chance: random.Random, second: int) -> Put | Patch | Drop:
    guild_id, number = chance.randrange(3), chance.randrange(12)
    fields = {"nick": chance.choice(("a", "b", None))} if chance.random() < 0.7 else {"flags": chance.randrange(3)}
    match chance.randrange(4):
        case 0:
            return Drop(MEMBERS, (guild_id, number), guild_id)
        case 1:
            create = chance.random() < 0.5
            return Patch(MEMBERS, (guild_id, number), guild_id, (Part(fields),), origin(second), create=create)
        case _:
            return Put(member(guild_id, number, second, **fields))


def _fold_into(records: dict[Key, Record], change: Put | Patch | Drop) -> None:
    record = fold(records.pop(change.key, None), change)
    if record is not None:
        records[change.key] = record
