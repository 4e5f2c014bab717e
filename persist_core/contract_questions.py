"""The part of the contract for queries: conditions, order, pages and counts mean what they mean in Python."""

from __future__ import annotations

import itertools
import typing
from collections.abc import Iterable, Mapping, Sequence

from .changes import Drop, Put
from .conditions import AllOf, AnyOf, Condition, Conditional, Not, Within, matches
from .contract_base import Contract, found, keys
from .contract_samples import ODDITIES, guild, invite, member, user, varied, voice_state, without_joins
from .entities import GUILDS, INVITES, MEMBERS, MESSAGES, USERS, VOICE_STATES
from .joining import whole
from .model import Entity, Key, Record
from .spi import Order, Select, Store

__all__ = ("Questions",)

_NAMES: typing.Final = ("username", "nickname", "joined_at", "flags", "is_bot", "user_id")

_CONDITIONS: typing.Final[Sequence[tuple[Entity[typing.Any], Conditional]]] = (
    *((USERS, Condition("username", "equals", text)) for text in ("a", "A", "a ", "ä", "\0", "'", "\\", "%", "", "b")),
    *((USERS, Condition("username", test, "a")) for test in ("less", "at_most", "greater", "at_least")),
    *((USERS, Condition("username", test, "a\0")) for test in ("less", "at_most", "greater", "at_least")),
    *(
        (USERS, Condition("username", "contains", text))
        for text in ("a", "A", "\0", "\1", "", "'", "%", "\u0308", "xyz")
    ),
    *((USERS, Condition("username", "startswith", text)) for text in ("a", "a\0", "", "\0", "\1", "%", "\U0010ffff")),
    (USERS, Condition("username", "is_in", ("a", "ä", "nobody", "\\", "a "))),
    (USERS, Condition("username", "is_in", ())),
    (USERS, Condition("username", "equals", None)),
    *((USERS, Condition(name, "is_null")) for name in ("username", "global_name", "flags", "is_bot", "id")),
    *((USERS, Condition("is_bot", "equals", truth)) for truth in (True, False)),
    *((USERS, Condition("flags", test, 2 << 60)) for test in ("equals", "less", "at_most", "greater", "at_least")),
    *((USERS, Condition("flags", "has_bits", bits)) for bits in (1 << 60, 3 << 60, 4 << 60, 1, 0, -1 << 63)),
    (USERS, Condition("id", "is_in", (1, 2, 3, 500, 24))),
    (USERS, Condition("id", "is_in", frozenset(range(3, 70_000)))),
    (MEMBERS, Not(Condition("user_id", "is_in", frozenset(range(3, 70_000))))),
    *((MEMBERS, Condition("role_ids", "has_id", snowflake)) for snowflake in (5, 55, 555, 7, 0)),
    *((MEMBERS, Condition("user_id", "on_shard", (shard, 4))) for shard in range(4)),
    (MEMBERS, Condition("guild_id", "equals", 101)),
    (MEMBERS, Condition("nickname", "startswith", "n1")),
    (MEMBERS, Condition("joined_at", "is_null")),
    *(
        (MEMBERS, Condition("joined_at", test, "2024-01-03 00:00:00.000000"))
        for test in ("equals", "less", "at_most", "greater", "at_least")
    ),
    (MEMBERS, Condition("joined_at", "is_in", ("2024-01-03 00:00:00.000000", "2024-01-04 00:00:00.100000"))),
    (MEMBERS, AnyOf((Condition("nickname", "equals", "n1"), Condition("joined_at", "is_null")))),
    (MEMBERS, AnyOf(())),
    (MEMBERS, AllOf((Condition("nickname", "equals", "n1"), Condition("role_ids", "has_id", 5)))),
    (MEMBERS, AllOf(())),
    (
        MEMBERS,
        AnyOf(
            (
                AllOf((Condition("guild_id", "equals", 100), Condition("nickname", "is_null"))),
                Condition("user_id", "less", 9),
            )
        ),
    ),
    (MEMBERS, AnyOf((Not(Condition("nickname", "is_null")), Not(AllOf((Condition("guild_id", "equals", 100),)))))),
)


class Questions(Contract):
    """Conditions, order, pages, counts."""

    async def test_conditions_find_what_they_mean(self) -> None:
        async with self.opened(*varied()) as store:
            for entity, condition in _CONDITIONS:
                records = [record for record in varied() if record.entity is entity]
                for asked in (condition, Not(condition), Not(Not(condition))):
                    expected = {record.key for record in records if matches((asked,), record.column)}
                    assert set(await keys(store, entity, where=(asked,))) == expected, asked
                    count = await store.select(Select(entity, where=(asked,), want="count"))
                    assert count.count == len(expected)

    async def test_others_are_asked_for_what_they_say_of_it(self) -> None:
        async with self.opened(guild(1), guild(2, name="a"), guild(3), member(1, 7, nick="a"), member(2, 7)) as store:
            for where, expected in (
                ((), [(1,), (2,)]),
                ((Condition("nickname", "is_null"),), [(2,)]),
                ((Condition("user_id", "equals", 8),), []),
            ):
                within = Within(("id",), MEMBERS, where, ("guild_id",))
                assert sorted(await keys(store, GUILDS, where=(within,))) == expected
                rest = {(1,), (2,), (3,)} - set(expected)
                assert set(await keys(store, GUILDS, where=(Not(within),))) == rest
            named = (Condition("name", "equals", "a"), Within(("id",), MEMBERS, (), ("guild_id",)))
            assert (await store.select(Select(GUILDS, where=named, want="count"))).count == 1

    async def test_conditions_hold_together(self) -> None:
        async with self.opened(*varied()) as store:
            where = (Condition("nickname", "equals", "n1"), Not(Condition("role_ids", "has_id", 5)))
            expected = {
                r.key for r in varied() if r.entity is MEMBERS and r.guild_id == 101 and matches(where, r.column)
            }
            assert expected
            assert set(await keys(store, MEMBERS, guild_id=101, where=where)) == expected

    async def test_each_text_is_found_by_itself_alone(self) -> None:
        async with self.opened(*(user(n, username=text) for n, text in enumerate(ODDITIES))) as store:
            for number, text in enumerate(ODDITIES):
                assert await keys(store, USERS, where=(Condition("username", "equals", text),)) == [(number,)], ascii(
                    text
                )
            for test, holds in (("contains", lambda t, p: p in t), ("startswith", lambda t, p: t.startswith(p))):
                for part in ODDITIES:
                    expected = {(n,) for n, text in enumerate(ODDITIES) if holds(text, part)}
                    asked = set(await keys(store, USERS, where=(Condition("username", test, part),)))
                    assert asked == expected, (test, ascii(part))

    async def test_records_are_found_by_their_keys(self) -> None:
        records = [member(guild_id, number) for guild_id in (1, 2) for number in range(600)]
        async with self.opened(*records, invite("a", 1, 2), invite("b", 1, 2)) as store:
            asked = tuple((guild_id, number) for guild_id in (1, 2, 3) for number in range(300, 630))
            assert set(await keys(store, MEMBERS, keys=asked)) == {(g, n) for g in (1, 2) for n in range(300, 600)}
            assert sorted(await keys(store, INVITES, keys=(("a",), ("A",), ("b",)))) == [("a",), ("b",)]
            assert await keys(store, MEMBERS, keys=((9, 9),)) == []
            where = (Condition("user_id", "less", 302),)
            assert sorted(await keys(store, MEMBERS, keys=asked, where=where, guild_id=2)) == [(2, 300), (2, 301)]

    async def test_keys_come_without_payloads_and_counts_without_records(self) -> None:
        async with self.opened(user(1, username="a"), user(2)) as store:
            page = await store.select(Select(USERS, want="keys"))
            assert sorted((record.key, dict(record.payload)) for record in page.records) == [((1,), {}), ((2,), {})]
            page = await store.select(Select(USERS, want="count"))
            assert (list(page.records), page.count) == ([], 2)

    async def test_one_key_can_be_asked_for_alone(self) -> None:
        async with self.opened(user(1, username="a")) as store:
            (record,) = await found(store, USERS, keys=((1,),), want="keys")
            assert (record.key, record.payload) == ((1,), {})
            assert (await store.select(Select(USERS, keys=((1,),), want="count"))).count == 1

    # ---------------------------------------------------------------------------------------------- order and pages

    async def test_pages_in_any_order_make_the_whole(self) -> None:
        orders = [(), *((name,) for name in _NAMES), ("nickname", "joined_at"), ("is_bot", "username")]
        async with self.opened(*varied()) as store:
            for entity, names, down in itertools.product((USERS, MEMBERS), orders, (False, True)):
                if all(name in entity.columns or name in entity.key for name in names):
                    order = tuple(Order(name, down) for name in names)
                    records = [record for record in varied() if record.entity is entity]
                    expected = [record.key for record in _sorted(records, order)]
                    for limit in (1, 7, 24, 1000):
                        assert await _paged(store, Select(entity, order=order, limit=limit)) == expected, (order, limit)

    async def test_columns_may_go_in_different_directions(self) -> None:
        async with self.opened(*varied()) as store:
            records = [record for record in varied() if record.entity is MEMBERS]
            order = (Order("nickname", descending=True), Order("joined_at"))
            expected = [record.key for record in _sorted(records, order)]
            assert await _paged(store, Select(MEMBERS, order=order, limit=5)) == expected
            whole = [record.key for record in await found(store, MEMBERS, order=order)]
            assert whole == expected

    async def test_texts_are_in_the_order_of_their_characters(self) -> None:
        async with self.opened(*(user(n, username=text) for n, text in enumerate(ODDITIES))) as store:
            order = (Order("username"),)
            records = await found(store, USERS, order=order)
            assert [record.payload["username"] for record in records] == sorted(ODDITIES)
            assert len(await _paged(store, Select(USERS, order=order, limit=3))) == len(ODDITIES)

    async def test_texts_that_differ_in_their_last_characters_stay_in_order_whatever_follows(self) -> None:
        texts = (*[None] * 6, "", "\0", "a", "a\0", "a\0\0")
        order = (Order("username"), Order("flags", descending=True))
        async with self.opened(*(user(n, username=text) for n, text in enumerate(texts))) as store:
            for turned in (order, tuple(Order(name, not down) for name, down in order)):
                expected = [r.key for r in _sorted([user(n, username=t) for n, t in enumerate(texts)], turned)]
                for limit in (2, 3, 100):
                    assert await _paged(store, Select(USERS, order=turned, limit=limit)) == expected

    async def test_texts_as_long_as_discord_has_are_sorted_by_their_last_character(self) -> None:
        texts = ["\U0001f600" * 3999 + end for end in "dacb"]
        async with self.opened(*(user(n, username=text) for n, text in enumerate(texts))) as store:
            for down in (False, True):
                expected = sorted(range(4), key=texts.__getitem__, reverse=down)
                order = (Order("username", down),)
                for limit in (2, 100):
                    found_keys = await _paged(store, Select(USERS, order=order, limit=limit))
                    assert found_keys == [(number,) for number in expected]

    async def test_pages_of_a_guild(self) -> None:
        async with self.opened(*varied()) as store:
            expected = sorted(record.key for record in varied() if record.guild_id == 100)
            assert await _paged(store, Select(MEMBERS, guild_id=100, limit=5)) == expected
            where = (Condition("nickname", "is_null"),)
            down = (Order("joined_at", descending=True),)
            found_down = await _paged(store, Select(MEMBERS, guild_id=100, limit=2, where=where, order=down))
            assert sorted(found_down) == sorted(await keys(store, MEMBERS, guild_id=100, where=where))
            here = (Condition("guild_id", "equals", 100),)
            assert await _paged(store, Select(MEMBERS, where=here, limit=5)) == expected
            for order in (down, (Order("user_id", descending=True),)):
                found_here = await _paged(store, Select(MEMBERS, where=here, limit=5, order=order))
                assert found_here == [record.key for record in await found(store, MEMBERS, guild_id=100, order=order)]

    async def test_the_last_page_says_so(self) -> None:
        async with self.opened(*(user(number) for number in range(5))) as store:
            assert (await store.select(Select(USERS))).after is None
            assert (await store.select(Select(USERS, limit=6))).after is None
            page = await store.select(Select(USERS, limit=3))
            assert page.after is not None
            assert (await store.select(Select(USERS, limit=3, after=page.after))).after is None
            assert (await store.select(Select(MESSAGES, limit=1))).after is None

    async def test_pages_neither_repeat_nor_miss_while_records_come_and_go(self) -> None:
        async with self.opened(*(user(n, username=f"{n:03d}", global_name="x") for n in range(0, 100, 2))) as store:
            order = (Order("global_name"), Order("username"))
            seen: list[Key] = []
            query = Select(USERS, order=order, limit=7)
            for step in range(100):
                page = await store.select(query)
                seen += [record.key for record in page.records]
                if page.after is None:
                    break
                last = typing.cast("int", page.records[-1].key[0])
                await store.apply(
                    [
                        Drop(USERS, (last,)),
                        Drop(USERS, (last - 2,)),
                        Drop(USERS, (last - 4,)),
                        Put(user(200 + step, username=f"{last - 1:03d}", global_name="x")),
                        Put(user(300 + step, username=f"{last + 1:03d}", global_name="x")),
                    ]
                )
                query = Select(USERS, order=order, limit=7, after=page.after)
            assert len(seen) == len(set(seen))
            assert [key for key in seen if key < (200,)] == [(n,) for n in range(0, 100, 2)]

    async def test_an_answer_is_whole_payloads_in_the_order_asked_for(self) -> None:
        records = [user(n, username=f"{n % 5}", unknown=[n]) for n in range(30)]
        async with self.opened(*records) as store:
            order = (Order("username", descending=True),)
            got = await found(store, USERS, order=order, limit=30, metadata=True)
            assert [record.payload for record in got] == [without_joins(record) for record in _sorted(records, order)]

    async def test_parts_that_come_along_are_those_that_are_stored(self) -> None:
        async with self.opened(*_PEOPLE) as store:
            for query in _WITH_PARTS:
                page = await store.select(query._replace(whole=True))
                assert list(page.records) == list((await store.select(query)).records)
                if page.parts is not None:  # a store need not have them at hand
                    for entity, theirs in _parts_named(page.records).items():
                        stored = {record.key: record for record in await found(store, entity, keys=tuple(theirs))}
                        assert {key: page.parts[entity].get(key) for key in theirs} == dict.fromkeys(theirs) | stored

    async def test_what_is_made_lazily_is_whole(self) -> None:
        async with self.opened(*_PEOPLE) as store:

            async def parts_of(entity: Entity[typing.Any], keys: Iterable[Key]) -> Mapping[Key, Record]:
                return {record.key: record for record in await found(store, entity, keys=tuple(keys))}

            for query in _WITH_PARTS:
                page = await store.select(query._replace(whole=True, lazily=True))
                if page.wholes is not None:  # a store need not do that
                    bare = await store.select(query)
                    assert list(page.wholes) == list(await whole(bare.records, parts_of))
                    assert (page.after, page.count) == (bare.after, len(bare.records))


_PEOPLE: typing.Final = (
    user(1, username="a\0"),
    user(2),
    *(member(9, number, nick=f"{number}") for number in range(1, 4)),
    *(voice_state(9, number, 5) for number in (2, 3, 4)),
)
_WITH_PARTS: typing.Final = (
    Select(MEMBERS, keys=((9, 1),)),
    Select(MEMBERS, keys=((9, 1), (9, 3), (9, 7)), metadata=True),
    Select(MEMBERS, where=(Condition("user_id", "at_most", 2),), order=(Order("nickname"),), limit=7),
    Select(VOICE_STATES, keys=((9, 2),)),
    Select(VOICE_STATES, guild_id=9, limit=2, order=(Order("channel_id", descending=True),)),
    Select(USERS, keys=((1,),)),
)


def _parts_named(records: Sequence[Record]) -> Mapping[Entity[typing.Any], Sequence[Key]]:
    """Return the keys of the parts of records, and of the parts of those."""
    named: dict[Entity[typing.Any], list[Key]] = {}
    for record in records:
        for join in record.entity.joins.values():
            named.setdefault(join.entity, []).append(tuple(record.column(name) for name in join.on))
    return named


def _sorted(records: Sequence[Record], order: Sequence[Order]) -> list[Record]:
    """Sort as a store has to: NULL before everything else, and ties by key."""
    down = bool(order) and order[-1].descending
    result = sorted(records, key=lambda record: record.key, reverse=down)
    for column, descending in reversed(order):
        result.sort(key=lambda record: _place(record, column), reverse=descending)
    return result


def _place(record: Record, column: str) -> tuple[bool, typing.Any]:
    value = record.column(column)
    return (value is not None, 0 if value is None else value)


async def _paged(store: Store, query: Select) -> list[Key]:
    """Return the keys on all pages, which have to be the same for records and for keys only."""
    alike: list[list[Key]] = []
    for want in ("records", "keys"):
        seen: list[Key] = []
        after = None
        for _ in range(200):
            page = await store.select(
                Select(query.entity, None, query.guild_id, query.where, query.order, after, query.limit, want)
            )
            seen += [record.key for record in page.records]
            after = page.after
            if after is None:
                break
        alike.append(seen)
    assert alike[0] == alike[1]
    return alike[0]
