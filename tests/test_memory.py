"""The memory tier: its answers are the same as the database's, it shares nothing, and it has a size."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import sqlite3
import tracemalloc
import typing
from collections.abc import AsyncIterator, Mapping

import attrs
import hikari
import hypothesis
import hypothesis.strategies as st
import pytest
from alike import assert_alike
from catalogue import catalogue
from fakecord import Payload, payloads
from hearing import ME, Hearing
from plain import PlainStore
from samples import SAMPLES, Sample
from scenes import KINDS, Scene, every_key, scenes

import persist
from persist import copies, memory
from persist.changes import DropScope, Patch, Put
from persist.conditions import AllOf, Condition, Not, Within
from persist.edits import Part
from persist.entities import CHANNELS, COMPLETENESS, ENTITIES, MEMBERS, MESSAGES, OWN_USER, ROLES, SHARDS, USERS
from persist.gauges import Gauges
from persist.journal import Journal, Limits
from persist.memory import Memory
from persist.model import Decoder, Entity, Key, Origin, Record
from persist.quarantine import Quarantine
from persist.reader import Reader
from persist.spi import Select

_ORIGIN: typing.Final = Origin("gateway", 0, 1, "2026-01-02 03:04:05.000006")
_MANY: typing.Final = hypothesis.settings(
    max_examples=60, deadline=None, suppress_health_check=list(hypothesis.HealthCheck), database=None
)
_SIZES: typing.Final = st.sampled_from((0.002, 16.0))
"""One size that cannot hold even a whole scene, and one that can hold everything."""


# ------------------------------------------------------------------------------------------- as without, whatever comes


class _Desk:
    """A journal, a reader and a memory tier on a store, as in a cache."""

    def __init__(self, scene: Scene, size: float) -> None:
        self.gauges = Gauges()
        self.store = PlainStore(scene.base)
        self.memory = Memory(size, lambda _: True, self.gauges)
        quarantine = Quarantine(self.gauges)
        self.journal = Journal(self.store, Limits(), self.gauges, quarantine, tuple, self.memory)
        self.reader = Reader(self.store, self.journal, self.gauges, self._nobody, lambda: AllOf(()), self.memory)

    @staticmethod
    def _nobody() -> typing.NoReturn:
        raise NotImplementedError

    async def known(self) -> dict[tuple[Entity[typing.Any], Key], typing.Any]:
        found = {}
        for entity in KINDS:
            at_once = await self.reader.records(entity, every_key(entity), keep=True)
            for key in every_key(entity):
                record = await self.reader.record(entity, key)
                other = at_once.get(key)
                assert (record and record.payload) == (other and other.payload)
                if record is not None:
                    found[entity, key] = (record.guild_id, dict(record.payload))
        return found


@_MANY
@hypothesis.given(scenes(), _SIZES, st.data())
def test_records_are_as_they_will_be_stored_whenever_they_are_asked_for(
    scene: Scene, size: float, data: st.DataObject
) -> None:
    asyncio.run(_asked_in_between(scene, size, data))


async def _asked_in_between(scene: Scene, size: float, data: st.DataObject) -> None:
    desk, expected = _Desk(scene, size), PlainStore(scene.base)
    writer = asyncio.create_task(desk.journal.run())
    try:
        for change in scene.changes:
            desk.journal.accept([change])
            expected.make([change])
            step = data.draw(st.sampled_from(("ask", "ask", "flush", "go on")))
            if step == "ask":
                assert await desk.known() == expected.payloads
            elif step == "flush":
                await desk.journal.flush()
        assert await desk.known() == expected.payloads
    finally:
        writer.cancel()


@contextlib.asynccontextmanager
async def _side_by_side(guild: Payload) -> AsyncIterator[tuple[Hearing, persist.Cache, persist.Cache]]:
    """Run two caches that receive the same events, with and without a memory tier."""
    heard = Hearing("memory://")
    without = persist.Cache(heard.bot, "memory://", interval=3600, members="never", memory=None)
    async with heard, without:
        await heard.ready(guild)
        yield heard, heard.cache, without


async def _keys(cache: persist.Cache) -> set[tuple[Entity[typing.Any], Key]]:
    assert cache._engine is not None
    return {
        (entity, record.key)
        for entity in ENTITIES.values()
        for record in (await cache._engine.store.select(Select(entity, want="keys"))).records
    }


async def _made(cache: persist.Cache, entity: Entity[typing.Any], key: Key) -> object:
    assert cache._engine is not None
    one = await cache._engine.reader.get(entity, key)
    assert_alike((await cache._engine.reader.get_many(entity, [key])).get(key), one)
    return one


@hypothesis.settings(_MANY, max_examples=12)
@hypothesis.given(st.data())
def test_objects_are_as_without_a_memory_whatever_is_heard(data: st.DataObject) -> None:
    asyncio.run(_hear_and_compare(data))


async def _hear_and_compare(data: st.DataObject) -> None:
    guild = payloads.guild(own_user=payloads.own_user(id=ME), members=4, threads=2, voice_states=2)
    events = catalogue(guild)
    names: set[tuple[Entity[typing.Any], Key]] = set()
    async with _side_by_side(guild) as (heard, cache, without):
        for name in data.draw(st.lists(st.sampled_from(sorted(events)), min_size=2, max_size=6)):
            heard.consume(name, events[name])
            if data.draw(st.booleans()):
                await cache.flush()
                await without.flush()
                names |= await _keys(without) | await _keys(cache)
            for entity, key in sorted(names, key=lambda each: (each[0].name, each[1])):
                if entity not in (SHARDS, COMPLETENESS):  # these contain times
                    assert_alike(await _made(cache, entity, key), await _made(without, entity, key))


# --------------------------------------------------------------------------------------------------- nothing is shared


_CONSTANT: typing.Final = (
    *(int, str, float, bytes, type(None), datetime.datetime, datetime.timedelta),
    *(hikari.UndefinedType, hikari.RESTAware),
)


def _shared(one: object, other: object, path: str) -> typing.Iterator[str]:
    """Yield the paths of mutable values that two objects share."""
    if isinstance(one, _CONSTANT):
        return
    if one is other and one != ():
        yield f"{path}: {one!r}"
    if isinstance(one, Mapping):
        for key, value in typing.cast("Mapping[object, object]", one).items():
            yield from _shared(value, typing.cast("typing.Any", other)[key], f"{path}[{key!r}]")
    elif isinstance(one, list | tuple):
        for place, (left, right) in enumerate(zip(one, typing.cast("list[object]", other), strict=True)):
            yield from _shared(left, right, f"{path}[{place}]")
    elif not isinstance(one, set | frozenset):
        names = [field.name for field in attrs.fields(type(one))] if attrs.has(type(one)) else type(one).__slots__
        for name in names:
            yield from _shared(getattr(one, name), getattr(other, name), f"{path}.{name}")


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_copy_is_alike_and_shares_nothing_that_can_be_changed(sample: Sample) -> None:
    entity = ENTITIES[sample.kind]
    bot = hikari.GatewayBot("OTAw.fake.token", banner=None, logs=None, suppress_optimization_warning=True)
    record = entity.record(sample.payload, sample.guild_id, _ORIGIN)
    made = entity.decode(Decoder(bot.entity_factory, hikari.Snowflake(ME), bot), record)
    copies.learn(made)
    copy = copies.copied(made)
    assert_alike(copy, made)
    assert repr(copy) == repr(made)
    assert list(_shared(made, copy, "it")) == []


@pytest.fixture
async def warm(sqlite_url: str) -> AsyncIterator[tuple[Hearing, Payload]]:
    """Yield a bot that has received and stored a guild."""
    guild = payloads.guild(own_user=payloads.own_user(id=ME), members=6, voice_states=2)
    async with Hearing(sqlite_url) as heard:
        await heard.ready(guild)
        await heard.cache.flush()
        yield heard, guild


async def test_whoever_changes_an_answer_changes_nobody_elses(warm: tuple[Hearing, Payload]) -> None:
    heard, guild = warm
    guild_id, user_id = int(guild["id"]), int(guild["members"][2]["user"]["id"])
    for _ in range(4):
        member = await heard.cache.get_member(guild_id, user_id)
        (other,) = await heard.cache.members.get_many(guild_id, [user_id])
        assert member is not None
        for each in (member, other):
            assert each.nickname == guild["members"][2]["nick"]
            assert [int(role) for role in each.role_ids] == [guild_id, *map(int, guild["members"][2]["roles"])]
            assert each.username == guild["members"][2]["user"]["username"]
            each.nickname = "poison"
            typing.cast("list[int]", each.role_ids).append(1)
            typing.cast("typing.Any", each.user).username = "poison"


# -------------------------------------------------------------------------------------------------------- what it saves


def _altered_by_hand(url: str, sql: str, *params: object) -> None:
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        assert connection.execute(sql, params).rowcount > 0


def _read(cache: persist.Cache) -> int:
    """Return how many records were read from the database by key."""
    counts = (cache.gauges.hits, cache.gauges.misses)
    return sum(count for each in counts for (tier, _), count in each.items() if tier == "database")


async def test_what_was_asked_for_is_not_read_again(warm: tuple[Hearing, Payload]) -> None:
    heard, guild = warm
    cache, guild_id = heard.cache, int(guild["id"])
    users = [int(member["user"]["id"]) for member in guild["members"]]
    assert await cache.get_member(guild_id, users[0]) is not None
    assert await cache.get_role(1) is None
    before = _read(cache)
    for _ in range(3):
        assert await cache.get_member(guild_id, users[0]) is not None
        assert await cache.get_role(1) is None
        assert await cache.fetch_member(guild_id, users[0]) is not None
    assert _read(cache) == before
    assert cache.gauges.misses["memory", "members"] == 1
    assert cache.gauges.hits["memory", "members"] >= 6
    assert cache.gauges.hits["memory", "roles"] == 3
    assert len(await cache.members.get_many(guild_id, users)) == len(users)
    assert cache.gauges.misses["memory", "members"] == len(users)
    assert cache.gauges.memory_size > 0


async def test_an_author_who_goes_on_talking_is_not_read_again(warm: tuple[Hearing, Payload]) -> None:
    heard, guild = warm
    author = guild["members"][3]
    key = int(guild["id"]), int(author["user"]["id"])
    channel = next(channel["id"] for channel in guild["channels"] if channel["type"] == 0)
    part = {name: value for name, value in author.items() if name != "user"}
    assert await heard.cache.get_member(*key) is not None
    before = _read(heard.cache)
    for said in ("a", "b", "c"):
        message = payloads.message(channel, author["user"], content=said, guild_id=guild["id"], member=part)
        await heard.hear("MESSAGE_CREATE", message)
        assert (await heard.cache.get_member(*key)) is not None
        found = await heard.cache.get_message(int(message["id"]))
        assert found is not None
        assert found.content == said
    renamed = {**author["user"], "username": "renamed"}
    await heard.hear("MESSAGE_CREATE", payloads.message(channel, renamed, guild_id=guild["id"], member=part))
    member = await heard.cache.get_member(*key)
    assert member is not None
    assert member.username == "renamed"
    assert _read(heard.cache) == before


async def test_a_thing_is_only_believed_for_a_while(
    warm: tuple[Hearing, Payload], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard, guild = warm
    sql = "UPDATE roles SET payload = json_set(payload, '$.name', 'by hand') WHERE id = ?"
    for seconds, role in zip((memory._BELIEVED_FOR, -1.0), guild["roles"], strict=False):
        monkeypatch.setattr(memory, "_BELIEVED_FOR", seconds)
        assert await heard.cache.get_role(int(role["id"])) is not None
        _altered_by_hand(heard.url, sql, int(role["id"]))
        found = await heard.cache.get_role(int(role["id"]))
        assert found is not None
        assert found.name == (role["name"] if seconds > 0 else "by hand")


@pytest.mark.parametrize("off", [None, 0])
async def test_it_can_be_turned_off(sqlite_url: str, off: int | None) -> None:
    guild = payloads.guild(own_user=payloads.own_user(id=ME))
    async with Hearing(sqlite_url) as heard:
        await heard.cache.close()
        async with persist.Cache(heard.bot, sqlite_url, members="never", memory=off) as cache:
            await heard.ready(guild)
            await cache.flush()
            for count in (1, 2):
                assert await cache.get_role(int(guild["id"])) is not None
                assert cache.gauges.hits["database", "roles"] == count
            assert "memory" not in {tier for tier, _ in (*cache.gauges.hits, *cache.gauges.misses)}


@pytest.mark.parametrize("wrong", [-1, True, "16", float("nan"), float("inf"), [16]])
def test_what_is_no_size_is_refused(sqlite_url: str, wrong: typing.Any) -> None:
    bot = hikari.GatewayBot("OTAw.fake.token", banner=None, logs=None, suppress_optimization_warning=True)
    with pytest.raises(persist.QueryError, match="memory must be a number of MiB"):
        persist.Cache(bot, sqlite_url, memory=wrong)


# ---------------------------------------------------------------------------------------------------- other processes


async def test_what_another_process_writes_is_asked_of_the_database(sqlite_url: str) -> None:
    mine, theirs = (payloads.guild(id=str(number << 22), own_user=payloads.own_user(id=ME)) for number in (2, 3))
    async with Hearing(sqlite_url, shards=2) as one, Hearing(sqlite_url, shards=2) as other:
        await one.ready(mine, shard=0)
        await other.ready(theirs, shard=1)
        for _ in range(2):
            for heard in (one, other):
                await heard.cache.flush()
            role = await one.cache.get_role(int(theirs["id"]))
            assert role is not None
            assert await one.cache.get_role(int(mine["id"])) is not None
        renamed = {**theirs["roles"][0], "name": "renamed"}
        await other.hear("GUILD_ROLE_UPDATE", {"guild_id": theirs["id"], "role": renamed}, shard=1)
        await other.cache.flush()
        role = await one.cache.get_role(int(theirs["id"]))
        assert role is not None
        assert role.name == "renamed"
        user = theirs["members"][0]["user"]
        for name in ("a", "b"):
            member = {**theirs["members"][0], "user": {**user, "username": name}, "guild_id": theirs["id"]}
            await other.hear("GUILD_MEMBER_UPDATE", member, shard=1)
            await other.cache.flush()
            found = await one.cache.get_user(int(user["id"]))
            assert found is not None
            assert found.username == name
        assert {name: count for name, count in one.cache.gauges.hits.items() if name[0] == "memory"} == {
            ("memory", "roles"): 1
        }


async def test_before_a_session_runs_the_database_is_asked(sqlite_url: str) -> None:
    guild = payloads.guild(own_user=payloads.own_user(id=ME))
    async with Hearing(sqlite_url) as heard:
        await heard.ready(guild)
        await heard.reopen()
        for count in (1, 2):
            assert await heard.cache.get_role(int(guild["id"])) is not None
            assert heard.cache.gauges.hits["database", "roles"] == count
        await heard.ready(guild)
        await heard.cache.flush()
        for _ in range(2):
            assert await heard.cache.get_role(int(guild["id"])) is not None
        assert heard.cache.gauges.hits["memory", "roles"] == 1


# ------------------------------------------------------------------------------------------- what does not come to be


async def test_what_a_database_refuses_is_forgotten(warm: tuple[Hearing, Payload]) -> None:
    heard, guild = warm
    key = (int(guild["id"]),)
    assert await heard.cache.get_role(*key) is not None
    # Too large for a column.
    wrong: Payload = {"position": 1 << 70, "name": "refused"}
    heard.accept(Patch(ROLES, key, int(guild["id"]), (Part(wrong),), _ORIGIN))
    await heard.cache.flush()
    assert heard.cache.gauges.quarantined["roles"] == 1
    role = await heard.cache.get_role(*key)
    assert role is not None
    assert role.name == guild["roles"][0]["name"]


# ---------------------------------------------------------------------------------------------------------- its size


def _member(number: int) -> Payload:
    return payloads.member(payloads.user(id=str(number)), [str(role) for role in range(3)])


async def test_a_million_things_asked_for_take_no_more_than_was_said(warm: tuple[Hearing, Payload]) -> None:
    heard, guild = warm
    cache, guild_id = heard.cache, int(guild["id"])
    assert cache._engine is not None
    tier = cache._engine.reader._memory
    assert tier is not None
    tier.recent._most = 1 << 20
    most = 0
    for start in range(1, 100_000, 1000):
        found = await cache.members.get_many(guild_id, range(start, start + 1000))
        assert len(found.missing) == 1000
        most = max(most, cache.gauges.memory_size, sum(kept.size for kept in tier._kept.values()))
    assert most <= 1 << 20
    assert cache.gauges.memory_evicted["members"] > 90_000
    assert cache.gauges.memory_size == sum(kept.size for kept in tier._kept.values())


_LARGE: typing.Final[dict[str, typing.Callable[[int], Payload]]] = {
    "members": _member,
    "messages": lambda n: payloads.message("7", payloads.user(), id=str(n), guild_id="1", content="words " * 20),
    "roles": lambda n: payloads.role(id=str(n)),
}


@pytest.mark.parametrize("kind", _LARGE)
async def test_things_take_no_more_memory_than_is_estimated(kind: str) -> None:
    """The estimate covers objects, payloads and indexes, as Python measures them."""
    gauges = Gauges()
    tier = Memory(1000, lambda _: True, gauges)
    entity: Entity[typing.Any] = ENTITIES[kind]
    bot = hikari.GatewayBot("OTAw.fake.token", banner=None, logs=None, suppress_optimization_warning=True)
    make = Decoder(bot.entity_factory, hikari.Snowflake(ME), bot)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(1000):
            record = entity.record(_LARGE[kind](number), 1, _ORIGIN)
            kept = tier.keep(entity, record.key, record)
            tier.remake(kept, entity.decode(make, record), ())
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before <= gauges.memory_size
    assert gauges.memory_size <= 3 * (after - before)


def test_no_change_that_names_a_great_many_is_held_on_to() -> None:
    gauges = Gauges()
    tier = Memory(16, lambda _: True, gauges)
    record = Record(MEMBERS, (1, 2), 1, {"nick": "a"}, _ORIGIN)
    for number in (3, 5000):
        tier.keep(MEMBERS, (1, 2), record)
        tier.keep(MEMBERS, (9, 2), record._replace(key=(9, 2), guild_id=9))
        listed = frozenset(range(number))
        tier.note([DropScope(MEMBERS, 1, (Not(Condition("user_id", "is_in", listed)),))])
        assert (tier.recall(MEMBERS, (1, 2)) is not None) == (number == 3)
        assert tier.recall(MEMBERS, (9, 2)) is not None
    held = [change for scopes in tier._scopes.values() for change in scopes.last]
    assert not any("4999" in repr(change) for change in held)


def test_what_has_missed_too_many_changes_is_read_again() -> None:
    tier = Memory(16, lambda _: True, Gauges())
    for count in (64, 65):
        tier.keep(MESSAGES, (5,), Record(MESSAGES, (5,), 1, {"channel_id": "7"}, _ORIGIN))
        for _ in range(count):
            tier.note([DropScope(MESSAGES, 2)])
        assert (tier.recall(MESSAGES, (5,)) is not None) == (count == 64)


def test_what_only_a_store_can_tell_is_asked_of_it() -> None:
    tier = Memory(16, lambda _: True, Gauges())
    for guild_id, found in ((1, False), (2, True)):
        tier.keep(MESSAGES, (5,), Record(MESSAGES, (5,), 1, {"channel_id": "7"}, _ORIGIN))
        within = Within(("channel_id",), CHANNELS, (Condition("type", "equals", 15),))
        tier.note([DropScope(MESSAGES, guild_id, (within,))])
        assert (tier.recall(MESSAGES, (5,)) is not None) is found


def test_what_is_no_json_is_not_kept() -> None:
    tier = Memory(16, lambda _: True, Gauges())
    for wrong in (1 << 70, "\ud800", {1, 2}):
        tier.keep(USERS, (5,), Record(USERS, (5,), None, {"id": "5"}, _ORIGIN))
        tier.note([Put(Record(USERS, (5,), None, {"id": "5", "wrong": wrong}, _ORIGIN))])
        assert tier.recall(USERS, (5,)) is None


def test_the_own_user_is_a_kind_like_all_others() -> None:
    tier = Memory(16, lambda _: False, Gauges())
    tier.keep(OWN_USER, (5,), None)
    assert tier.recall(OWN_USER, (5,)) is None
