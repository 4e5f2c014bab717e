"""Users that nothing names anymore are deleted after a while, and users that are named anywhere stay."""

from __future__ import annotations

import datetime
import math
import typing

import pytest
from fakecord import Payload, payloads
from hearing import ME, Hearing
from raw import store_in
from samples import GUILD, SAMPLES
from test_retention import Clock

import persist
from persist.changes import Drop, DropScope
from persist.conditions import Condition
from persist.entities import ENTITIES, USERS
from persist.model import Record
from persist.policy import policy_of
from persist.retention import unnamed
from persist.spi import Select

TOLD: typing.Final = datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=datetime.UTC)
"""The time at which REST seems to send the tests' objects."""

CHANNEL: typing.Final = "200000000000000001"
ANN: typing.Final = payloads.user(id="300000000000000001")
NAMING: typing.Final = [(entity.name, column) for entity in ENTITIES.values() for column in entity.users]


def naming(kind: str, column: str) -> tuple[Record, int]:
    """Return a record that names a user in a column and that nothing deletes by itself, and the user."""
    entity = ENTITIES[kind]
    for sample in SAMPLES:
        if sample.kind == kind:
            payload = {**sample.payload, **{name: None for name in ("expires_at", "ends_at") if name in sample.payload}}
            record = entity.record(payload, sample.guild_id, typing.cast("typing.Any", None))
            if (user := record.column(column)) is not None:
                return record, user
    msg = f"no sample of {kind} has a {column}"
    raise AssertionError(msg)


async def users(heard: Hearing) -> list[int]:
    await heard.cache.flush()
    found = (await store_in(heard).select(Select(USERS, want="keys"))).records
    return sorted(int(record.key[0]) for record in found)


def test_all_kinds_say_whom_they_name() -> None:
    assert {("messages", "author_id"), ("members", "user_id"), ("bans", "user_id"), ("own_user", "id")} <= {*NAMING}
    assert not USERS.users
    # If another kind has a column of the same name as one that holds a user, that column holds one, too.
    called = {column for _, column in NAMING if column not in ("id", "target_id", "bot_id")}
    also = {(name, column) for name, entity in ENTITIES.items() for column in entity.columns if column in called}
    assert also <= {*NAMING}


async def stays_until_unnamed(url: str, *named: tuple[Record, int]) -> None:
    """Store objects and the users that they name, and check that the users go after the objects, and not before."""
    clock = Clock()
    clock.now = TOLD + datetime.timedelta(days=30, microseconds=1)
    endless: persist.Keep[typing.Any] = persist.Keep(max_age=math.inf)
    rules = persist.Rules(audit_log_entries=endless, auto_mod_executions=endless)
    people = {user for _, user in named}
    async with Hearing(url, rules=rules, clock=clock) as heard:
        for user in (*people, 5):
            heard.tell("users", payloads.user(id=str(user)), None)
        for thing, _ in named:
            heard.tell(thing.entity.name, thing.payload, thing.guild_id)
        assert await heard.cache.sweep() == {"users": 1}
        assert await users(heard) == sorted(people)
        heard.accept(*(Drop(thing.entity, thing.key, thing.guild_id) for thing, _ in named))
        assert await heard.cache.sweep() == {"users": len(people)}
        assert await users(heard) == []


@pytest.mark.parametrize(("kind", "column"), NAMING)
async def test_who_is_named_stays_until_nothing_names_them(kind: str, column: str) -> None:
    await stays_until_unnamed("memory://", naming(kind, column))


async def test_who_is_named_stays_on_every_engine(engine_url: str) -> None:
    await stays_until_unnamed(engine_url, *(naming(kind, column) for kind, column in NAMING))


async def test_nobody_goes_a_moment_too_early(engine_url: str) -> None:
    clock = Clock()
    clock.now = TOLD + datetime.timedelta(days=30)
    async with Hearing(engine_url, clock=clock) as heard:
        heard.tell("users", ANN, None)
        assert await heard.cache.sweep() == {}
        clock.forward(microseconds=1)
        assert await heard.cache.sweep() == {"users": 1}
        assert heard.cache.gauges.swept == {"users": 1}
        assert await heard.cache.users.get(int(ANN["id"])) is None


async def test_a_member_who_left_everywhere_goes_and_the_bot_never(engine_url: str) -> None:
    clock = Clock()
    clock.now = datetime.datetime.now(datetime.UTC)
    guilds = [payloads.guild(own_user=payloads.own_user(id=ME)) for _ in range(2)]
    async with Hearing(engine_url, clock=clock) as heard:
        await heard.ready(*guilds)
        for guild in guilds:
            await heard.hear("GUILD_MEMBER_ADD", {**payloads.member(ANN), "guild_id": guild["id"]})
        clock.forward(days=31)
        assert await heard.cache.sweep() == {}
        await heard.hear("GUILD_MEMBER_REMOVE", {"guild_id": guilds[0]["id"], "user": ANN})
        assert await heard.cache.sweep() == {}
        await heard.hear("GUILD_DELETE", {"id": guilds[1]["id"]})
        assert await heard.cache.sweep() == {"users": 1 + _others(guilds[1])}
        await heard.hear("GUILD_DELETE", {"id": guilds[0]["id"]})
        await heard.cache.sweep()
        assert await users(heard) == [int(ME)]


def _others(guild: Payload) -> int:
    return len({member["user"]["id"] for member in guild["members"]} - {ME})


async def test_rules_say_for_how_long(engine_url: str) -> None:
    clock = Clock()
    clock.now = TOLD + datetime.timedelta(days=400)
    forever = persist.Rules(users=persist.Keep(max_orphan_age=math.inf))
    async with Hearing(engine_url, rules=forever, clock=clock) as heard:
        heard.tell("users", ANN, None)
        heard.tell("users", payloads.user(id="5", bot=True), None)
        assert await heard.cache.sweep() == {}
        keep: persist.Keep[typing.Any] = persist.Keep(max_orphan_age=60, keep_if={"is_bot": True})
        await heard.cache.apply_rules(persist.Rules(users=keep))
        assert await heard.cache.sweep() == {"users": 1}
        assert await users(heard) == [5]


async def test_who_is_heard_of_meanwhile_stays(engine_url: str) -> None:
    orphans = DropScope(USERS, None, (Condition("id", "is_in", (int(ANN["id"]), 5)), *unnamed()))
    member = {**payloads.member(ANN), "guild_id": GUILD}
    for heard_first in (True, False):
        async with Hearing(engine_url) as heard:
            heard.tell("users", ANN, None)
            heard.tell("users", payloads.user(id="5"), None)
            await heard.cache.flush()
            if heard_first:
                heard.consume("GUILD_MEMBER_ADD", member)
            heard.accept(orphans)
            if not heard_first:
                heard.consume("GUILD_MEMBER_ADD", member)
            assert await heard.cache.users.get(5) is None
            for _ in range(2):
                found = await heard.cache.members.get(int(GUILD), int(ANN["id"]))
                assert found is not None
                assert found.username == ANN["username"]
                await heard.cache.flush()
            heard.accept(DropScope(ENTITIES["members"], None), DropScope(USERS, None))


async def test_it_goes_on_a_little_at_a_time(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("persist.sweeping._STEP", 10)
    clock = Clock()
    clock.now = TOLD + datetime.timedelta(days=31)
    async with Hearing(sqlite_url, clock=clock) as heard:
        for number in range(1, 36):
            heard.tell("users", payloads.user(id=str(number)), None)
        engine = heard.cache._engine
        assert engine is not None
        swept = [(await engine.sweeper._sweep(1, clock.now)).get("users", 0) for _ in range(5)]
        assert (sum(swept), max(swept)) == (35, 10)
        # The search starts again from the beginning.
        heard.tell("users", ANN, None)
        assert sum([(await engine.sweeper._sweep(1, clock.now)).get("users", 0) for _ in range(2)]) == 1


async def test_only_the_process_of_the_first_shard_looks(sqlite_url: str) -> None:
    clock = Clock()
    clock.now = TOLD + datetime.timedelta(days=31)
    async with Hearing(sqlite_url, clock=clock, shards=2) as heard:
        heard.tell("users", ANN, None)
        shards: dict[int, object] = typing.cast("typing.Any", heard.bot)._shards
        shards[1] = heard.shards[1]
        assert await heard.cache.sweep() == {}
        del shards[1]
        shards[0] = heard.shards[0]
        assert await heard.cache.sweep() == {"users": 1}
        shards.clear()


def test_only_users_can_be_orphans() -> None:
    with pytest.raises(persist.QueryError, match="roles go with what they belong to, and never become orphans"):
        persist.Rules(roles=persist.Keep(max_orphan_age=3))
    with pytest.raises(persist.QueryError, match="max_orphan_age must be a number of seconds"):
        persist.Keep(max_orphan_age=-1)


def test_the_policy_says_it() -> None:
    usual = str(policy_of(persist.Rules(), is_encrypted=None))
    assert "users: kept as long as Discord has them; for at most 30 days once nothing that is kept names them." in usual
    forever = persist.Rules(users=persist.Keep(max_orphan_age=math.inf))
    assert "once nothing" not in str(policy_of(forever, is_encrypted=None))
