"""The part of the contract for changing many records by what they have in common."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping

from .changes import Amend, Archive, Change, Drop, DropScope, Patch, Put, cascade
from .conditions import AnyOf, Condition, Known, Not, Where, Within
from .contract_base import Contract, keys, there
from .contract_samples import family, guild, member, message, moment, origin, role, user
from .edits import Add, Part, Without
from .entities import (
    CHANNELS,
    ENTITIES,
    GUILDS,
    INVITES,
    MEMBERS,
    MESSAGE_VERSIONS,
    MESSAGES,
    ROLES,
    THREADS,
    USERS,
    VOICE_STATES,
)
from .model import Entity, Key, Record
from .spi import Order, Select, Store

__all__ = ("ScopeChanges",)


class ScopeChanges(Contract):
    """Deletions and edits of scopes."""

    async def test_dropping_a_guild_leaves_the_others(self) -> None:
        async with self.opened(member(1, 1), member(1, 2), member(2, 1), role(3, 1), message(4, 5, None)) as store:
            await store.apply([DropScope(MEMBERS, 1), DropScope(MESSAGES, 1)])
            assert await keys(store, MEMBERS) == [(2, 1)]
            assert await keys(store, ROLES) == [(3,)]
            assert await keys(store, MESSAGES) == [(4,)]

    async def test_dropping_a_kind_everywhere_leaves_the_other_kinds(self) -> None:
        async with self.opened(message(1, 2, 3), message(2, 2, None), member(3, 1)) as store:
            await store.apply([DropScope(MESSAGES, None)])
            assert await keys(store, MESSAGES) == []
            assert await keys(store, MEMBERS) == [(3, 1)]

    async def test_dropping_reaches_only_what_the_conditions_say(self) -> None:
        records = [member(1, 1, nick="a"), member(1, 2, nick="b"), member(1, 3), member(2, 1, nick="a")]
        async with self.opened(*records) as store:
            await store.apply([DropScope(MEMBERS, 1, (Condition("nickname", "equals", "a"),))])
            assert sorted(await keys(store, MEMBERS)) == [(1, 2), (1, 3), (2, 1)]
            await store.apply([DropScope(MEMBERS, None, (Not(Condition("nickname", "is_in", ("a", "c"))),))])
            assert await keys(store, MEMBERS) == [(2, 1)]

    async def test_an_archive_remembers_what_things_are_at_its_turn(self) -> None:
        first: dict[str, typing.Any] = {"timestamp": "2026-01-02T03:04:05+00:00", "content": "first"}
        records = [message(1, 2, 3, **first), message(2, 2, 3, **first), message(3, 2, None, **first)]
        async with self.opened(*records) as store:
            archive = Archive(MESSAGES, 3, (Condition("id", "is_in", (1, 3)),), MESSAGE_VERSIONS, moment(9))
            edit = Part({"content": "second", "edited_timestamp": "2026-01-02T04:00:00+00:00"})
            await store.apply([archive, Patch(MESSAGES, (1,), 3, (edit,), origin(9))])
            await store.apply([archive, archive, Drop(MESSAGES, (1,))])
            versions = (await store.select(Select(MESSAGE_VERSIONS, order=(Order("version"),), metadata=True))).records
            assert [version.payload["content"] for version in versions] == ["first", "second"]
            assert {version.key[0] for version in versions} == {1}
            assert [version.origin.at for version in versions] == [moment(9), moment(9)]
            assert versions[0].first_seen == records[0].origin.at

    async def test_a_scope_is_as_it_is_at_its_turn(self) -> None:
        async with self.opened(member(1, 1), member(1, 2)) as store:
            await store.apply(
                [
                    Put(member(1, 3)),
                    DropScope(MEMBERS, 1),
                    Put(member(1, 2, nick="a")),
                    Amend(MEMBERS, 1, (), (Part({"flags": 1}),), origin(1)),
                    Put(member(1, 4)),
                ]
            )
            assert sorted(await keys(store, MEMBERS)) == [(1, 2), (1, 4)]
            assert (await there(store, member(1, 2))).payload == {"nick": "a", "flags": 1}
            assert (await there(store, member(1, 4))).payload == {}

    async def test_what_belongs_to_a_guild_goes_with_it(self) -> None:
        async with self.opened(*family(1000), *family(2000), user(7)) as store:
            await store.apply(_end(GUILDS, None, (Condition("id", "equals", 1000),)))
            assert await _everything(store) == _keys_of([*family(2000), user(7)])

    async def test_what_belongs_to_a_channel_goes_with_it_through_its_threads(self) -> None:
        async with self.opened(*family(1000), *family(2000)) as store:
            await store.apply(_end(CHANNELS, 1000, (Condition("id", "equals", 1001),)))
            left = await _everything(store)
            assert left[CHANNELS.name] == {(1002,), (2001,), (2002,)}
            assert left[THREADS.name] == {(1004,), (2003,), (2004,)}
            assert left[MESSAGES.name] == {(1007,), (1009,), (2006,), (2007,), (2008,), (2009,)}
            assert left[VOICE_STATES.name] == {(2000, 7)}
            assert left[INVITES.name] == {("invite 2000",)}
            assert left[MEMBERS.name] == {(1000, 7), (2000, 7)}

    async def test_what_belongs_to_many_at_once_goes_with_them(self) -> None:
        async with self.opened(*family(1000), *family(2000), *family(3000)) as store:
            where = (Condition("name", "is_in", ("guild 1000", "guild 3000")),)
            await store.apply(_end(GUILDS, None, where))
            assert await _everything(store) == _keys_of(family(2000))

    async def test_belonging_can_be_asked_in_every_place(self) -> None:
        records = [guild(1, name="a"), guild(2, name="b"), member(1, 5), member(2, 5), member(3, 5)]
        async with self.opened(*records) as store:
            inside = Within(("guild_id",), GUILDS, (Condition("name", "equals", "a"),))
            assert await keys(store, MEMBERS, where=(inside,)) == [(1, 5)]
            assert sorted(await keys(store, MEMBERS, where=(Not(inside),))) == [(2, 5), (3, 5)]
            either = AnyOf((inside, Condition("guild_id", "equals", 3)))
            assert sorted(await keys(store, MEMBERS, where=(either,))) == [(1, 5), (3, 5)]
            await store.apply([DropScope(MEMBERS, None, (Not(Within(("guild_id",), GUILDS, ())),))])
            assert sorted(await keys(store, MEMBERS)) == [(1, 5), (2, 5)]

    async def test_what_nothing_names_can_be_forgotten(self) -> None:
        records = [user(1), user(2), user(3), member(1, 2), message(9, 20, author={"id": "3"})]
        async with self.opened(*records) as store:
            named = Within(("id",), MEMBERS, (), ("user_id",)), Within(("id",), MESSAGES, (), ("author_id",))
            await store.apply([DropScope(USERS, None, (Condition("id", "less", 4), *map(Not, named)))])
            assert sorted(await keys(store, USERS)) == [(2,), (3,)]

    async def test_belonging_by_two_columns(self) -> None:
        records = [member(1, 5, nick="a"), member(1, 6), member(2, 5), *family(1000)]
        async with self.opened(*records) as store:
            await store.apply([DropScope(VOICE_STATES, None, (Within(("guild_id", "user_id"), MEMBERS, ()),))])
            assert await keys(store, VOICE_STATES) == []

    async def test_an_edit_of_a_scope_reaches_all_of_it_and_nothing_else(self) -> None:
        records = [member(1, number, 10, roles=["5", "6"] if number % 2 else ["55"]) for number in range(700)]
        async with self.opened(*records, member(2, 1, 10, roles=["5"])) as store:
            where = (Condition("role_ids", "has_id", 5),)
            await store.apply([Amend(MEMBERS, 1, where, (Without("roles", "5"), Part({"flags": 1})), origin(20))])
            assert sorted(await keys(store, MEMBERS, where=where)) == [(2, 1)]
            changed, untouched = await there(store, member(1, 1)), await there(store, member(1, 2))
            assert (changed.payload, changed.revision, changed.origin.at) == (
                {"roles": ["6"], "flags": 1},
                2,
                moment(20),
            )
            assert (untouched.payload, untouched.revision, untouched.origin.at) == ({"roles": ["55"]}, 1, moment(10))

    async def test_an_edit_that_changes_nothing_is_none(self) -> None:
        async with self.opened(member(1, 1, 10, roles=["5"])) as store:
            await store.apply([Amend(MEMBERS, 1, (), (Without("roles", "6"),), origin(20))])
            assert (await there(store, member(1, 1))).revision == 1

    async def test_many_edits_that_count_do_what_they_would_one_by_one(self) -> None:
        known = [member(guild_id, number) for guild_id in (1, 2) for number in range(0, 1500, 2)]
        async with self.opened(guild(1, member_count=5), guild(2, member_count=5), *known) as store:
            one, two = (Condition("id", "equals", guild_id) for guild_id in (1, 2))
            up, down = (Add("member_count", 1),), (Add("member_count", -1),)
            news = [Not(Known(MEMBERS, (1, number))) for number in range(1500)]
            old = [Known(MEMBERS, (2, number)) for number in range(1500)]
            named = Amend(GUILDS, None, (one, Condition("name", "is_null")), (Part({"name": "x"}),), origin(20))
            await store.apply(
                [
                    *(Amend(GUILDS, None, (one, new), up, origin(20)) for new in news),
                    *(Amend(GUILDS, None, (two, there), down, origin(20)) for there in old[:8]),
                    *(named, named._replace(edits=up), named._replace(where=(one,), edits=(*up, *up))),
                ]
            )
            counts = [(await there(store, guild(number))).payload for number in (1, 2)]
            assert [payload["member_count"] for payload in counts] == [5 + 750 + 2, 1]
            assert (counts[0]["name"], counts[1].get("name")) == ("x", None)

    async def test_an_edit_of_a_scope_may_depend_on_what_else_is_remembered(self) -> None:
        async with self.opened(guild(1, member_count=5), guild(2, member_count=5), member(1, 8)) as store:
            there_already, new = Known(MEMBERS, (1, 8)), Known(MEMBERS, (1, 9))
            here, up = Condition("id", "equals", 1), (Add("member_count", 1),)
            await store.apply(
                [
                    Amend(GUILDS, None, (here, Not(there_already)), up, origin(1)),
                    Amend(GUILDS, None, (here, Not(new)), up, origin(1)),
                    Put(member(1, 9, 1)),
                    Amend(GUILDS, None, (here, Not(new)), up, origin(1)),
                    Amend(GUILDS, None, (here, new), (Part({"name": "known"}),), origin(1)),
                ]
            )
            payload = (await there(store, guild(1))).payload
            assert (payload["member_count"], payload["name"]) == (6, "known")
            assert (await there(store, guild(2))).payload["member_count"] == 5

    async def test_an_edit_of_a_scope_and_a_patch_follow_each_other(self) -> None:
        async with self.opened(member(1, 1, roles=["5"])) as store:
            patch = Patch(MEMBERS, (1, 1), 1, (Part({"roles": ["5", "6"]}),), origin(1))
            where = (Condition("role_ids", "has_id", 6),)
            await store.apply([patch, Amend(MEMBERS, 1, where, (Without("roles", "5"),), origin(2))])
            assert (await there(store, member(1, 1))).payload == {"roles": ["6"]}


def _end(entity: Entity[typing.Any], guild_id: int | None, where: Where) -> list[Change]:
    return [*cascade(entity, guild_id, where), DropScope(entity, guild_id, where)]


def _keys_of(records: Iterable[Record]) -> Mapping[str, set[Key]]:
    kept: dict[str, set[Key]] = {name: set() for name in ENTITIES}
    for record in records:
        kept[record.entity.name].add(record.key)
    return kept


async def _everything(store: Store) -> Mapping[str, set[Key]]:
    return {name: set(await keys(store, entity)) for name, entity in ENTITIES.items()}
