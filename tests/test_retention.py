"""Objects are kept for as long as the rules say, and no longer; and as many as they say, and no more."""

from __future__ import annotations

import asyncio
import datetime
import math
import typing
from collections.abc import Iterator

import bots
import pytest
from fakecord import FakeDiscord, Payload, payloads
from hearing import ME, Hearing
from raw import store_in

import persist
from persist import sweeping
from persist.changes import Put
from persist.columns import moment
from persist.conditions import Condition
from persist.entities import ENTITIES, MESSAGES
from persist.model import Origin
from persist.spi import Select
from persist.steady import Steady

Whole = persist.Keep[typing.Any] | bool
START: typing.Final = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)
GUILD, CHANNEL, OTHER_CHANNEL = "100000000000000001", "200000000000000001", "200000000000000002"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime.datetime:
        return self.now

    def forward(self, **time: float) -> None:
        self.now += datetime.timedelta(**time)


def snowflake(at: datetime.datetime, number: int = 0) -> str:
    """Make an id with a given creation time."""
    return str(((round(at.timestamp() * 1000) - 1_420_070_400_000) << 22) + number)


def message(at: datetime.datetime, number: int = 0, channel: str = CHANNEL, **fields: typing.Any) -> Payload:
    author = payloads.user(id="300000000000000001")
    return payloads.message(channel, author, id=snowflake(at, number), **{"guild_id": GUILD} | fields)


async def said(heard: Hearing, *messages: Payload) -> None:
    for payload in messages:
        await heard.hear("MESSAGE_CREATE", payload)


async def count(heard: Hearing, kind: str, *where: Condition) -> int:
    await heard.cache.flush()
    return (await store_in(heard).select(Select(ENTITIES[kind], where=where, want="count"))).count


async def test_what_is_too_old_goes_and_not_a_moment_earlier(engine_url: str) -> None:
    clock, rules = Clock(), persist.Rules(messages=persist.Keep(max_age=datetime.timedelta(days=30)))
    async with Hearing(engine_url, rules=rules, clock=clock) as heard:
        old, young = message(START, 1), message(START + datetime.timedelta(milliseconds=1), 2)
        await said(heard, old, young)
        clock.forward(days=30)
        assert await heard.cache.sweep() == {}
        clock.forward(milliseconds=1)
        assert await heard.cache.sweep() == {"messages": 1}
        assert await heard.cache.get_message(int(old["id"])) is None
        assert await heard.cache.get_message(int(young["id"])) is not None
        assert heard.cache.gauges.swept == {"messages": 1}


async def test_things_that_stay_are_as_old_as_what_was_last_told_of_them(engine_url: str) -> None:
    clock, rules = Clock(), persist.Rules(roles=persist.Keep(max_age=3600))
    clock.now = datetime.datetime.now(datetime.UTC)
    async with Hearing(engine_url, rules=rules, clock=clock) as heard:
        await heard.hear("GUILD_ROLE_CREATE", {"guild_id": GUILD, "role": payloads.role(id="400000000000000001")})
        await heard.cache.flush()
        clock.forward(minutes=59)
        assert await heard.cache.sweep() == {}
        clock.forward(minutes=2)
        assert await heard.cache.sweep() == {"roles": 1}


async def test_each_channel_keeps_its_newest(engine_url: str) -> None:
    keep: persist.Keep[typing.Any] = persist.Keep(max_per_channel=3, keep_if={"is_pinned": True})
    async with Hearing(engine_url, rules=persist.Rules(messages=keep)) as heard:
        pinned = message(START, 0, pinned=True)
        await said(heard, pinned, *(message(START, number) for number in range(1, 6)))
        await said(heard, *(message(START, number, OTHER_CHANNEL) for number in range(10, 13)))
        assert await heard.cache.sweep() == {"messages": 2}
        left = await heard.cache.messages.find(channel=int(CHANNEL)).ids()
        assert left == [int(snowflake(START, number)) for number in (0, 3, 4, 5)]
        # From now on it only checks where the number of objects grows.
        await said(heard, message(START, 20, OTHER_CHANNEL))
        assert await heard.cache.sweep() == {"messages": 1}
        assert await heard.cache.sweep() == {}
        assert await count(heard, "messages", Condition("channel_id", "equals", int(OTHER_CHANNEL))) == 3


async def test_each_channel_keeps_its_newest_whatever_else_looks_at_channels(engine_url: str) -> None:
    few, many = (persist.Rules(messages=persist.Keep(max_per_channel=most)) for most in (3, 100))
    guilds = [payloads.guild(own_user=payloads.own_user(id=ME)) for _ in range(2)]
    plans = persist.Rules(messages=persist.Keep(max_per_channel=100), per_guild=lambda _: few)
    for rules in (many & few, plans):
        async with Hearing(engine_url, rules=rules) as heard:
            await heard.ready(*guilds)
            assert heard.cache._engine is not None
            sweeper = heard.cache._engine.sweeper
            await sweeper.sweep_lazily()  # from now on it only checks where the number of objects grows
            for number, guild in enumerate(guilds):
                channel = guild["channels"][1]["id"]
                ids = range(100 * number, 100 * number + 5)
                await said(heard, *(message(START, each, channel) | {"guild_id": guild["id"]} for each in ids))
            assert await sweeper.sweep_lazily() == {"messages": 4}
            assert await sweeper.sweep_lazily() == {}
            await heard.cache.apply_rules(persist.Rules(messages=False))


async def test_where_there_is_more_is_looked_at_again_after_an_outage(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Hearing(sqlite_url, rules=persist.Rules(messages=persist.Keep(max_per_channel=3))) as heard:
        assert heard.cache._engine is not None
        sweeper = heard.cache._engine.sweeper
        await heard.cache.sweep()
        await said(heard, *(message(START, number) for number in range(5)))

        async def away(*_: object) -> typing.NoReturn:
            msg = "it is away"
            raise persist.BackendError(msg)

        with monkeypatch.context() as patched:
            patched.setattr(sweeper, "_cut", away)
            with pytest.raises(persist.BackendError):
                await heard.cache.sweep()
        assert await heard.cache.sweep() == {"messages": 2}


async def test_each_guild_and_all_together_keep_so_many(engine_url: str) -> None:
    rules = persist.Rules(
        members=persist.Keep(max_per_guild=2), roles=persist.Keep(max_rows=4), messages=persist.Keep(max_rows=0)
    )
    async with Hearing(engine_url, rules=rules) as heard:
        guilds = [payloads.guild(own_user=payloads.own_user(id=ME), members=5) for _ in range(2)]
        await heard.ready(*guilds)
        await said(heard, message(START))
        swept = await heard.cache.sweep()
        assert (await count(heard, "members"), await count(heard, "roles"), await count(heard, "messages")) == (4, 4, 0)
        assert swept["messages"] == 1
        # The list no longer counts as complete.
        known = await heard.cache.completeness(int(guilds[0]["id"]), persist.ROLES)
        assert not known.is_complete


async def test_bounds_are_kept_while_a_flood_goes_on(engine_url: str) -> None:
    await flooded(engine_url, 6_000, most=100, channels=4)


@pytest.mark.once
@pytest.mark.timeout(3600)
async def test_bounds_are_kept_over_a_million_messages(sqlite_url: str) -> None:
    await flooded(sqlite_url, 1_000_000, most=1000, channels=50)


async def flooded(url: str, total: int, *, most: int, channels: int) -> None:
    """Send a bot many messages while the cache sweeps, and check the limits at every step."""
    lot = 500
    people = {"users", "members", "bans", "scheduled_event_users"}
    rules = persist.Rules(messages=persist.Keep(max_per_channel=most), off=people)
    async with Hearing(url, rules=rules) as heard:
        places = [str(int(CHANNEL) + number) for number in range(channels)]
        for start in range(0, total, lot):
            for number in range(start, start + lot):
                heard.consume("MESSAGE_CREATE", message(START, number, places[number % channels]))
            await asyncio.gather(heard.cache.flush(), heard.cache.sweep())
            assert await count(heard, "messages") <= most * channels + lot
        await heard.cache.sweep()
        for place in places:
            assert await count(heard, "messages", Condition("channel_id", "equals", int(place))) == most
        newest = [int(snowflake(START, number)) for number in range(total - most * channels, total)]
        assert await heard.cache.messages.find().ids() == newest
        assert heard.cache.gauges.swept == {"messages": total - most * channels}
        assert not heard.cache.gauges.lost


async def test_what_is_over_goes_by_itself(engine_url: str) -> None:
    clock = Clock()
    clock.now = datetime.datetime.now(datetime.UTC)
    soon = (clock.now + datetime.timedelta(hours=1)).isoformat()
    async with Hearing(engine_url, clock=clock) as heard:
        for code, expires in (("soon", soon), ("never", None)):
            invite = payloads.invite(GUILD, CHANNEL, payloads.user(), code=code, expires_at=expires, max_age=0)
            await heard.hear("INVITE_CREATE", invite)
            await heard.hear("ENTITLEMENT_CREATE", payloads.entitlement(ME, payloads.snowflake(), ends_at=expires))
        empty, full, active = (payloads.thread(GUILD, CHANNEL, ME) for _ in range(3))
        for thread in (empty, full, active):
            await heard.hear("THREAD_CREATE", thread)
        for thread in (empty, full):
            archived = payloads.thread_metadata(archived=True)
            await heard.hear("THREAD_UPDATE", {**thread, "thread_metadata": archived})
        await said(heard, message(START, 1, full["id"], channel_type=11))
        assert await heard.cache.sweep() == {}
        clock.forward(hours=2)
        assert await heard.cache.sweep() == {"invites": 1, "entitlements": 1}
        assert await heard.cache.get_invite("never") is not None
        clock.forward(days=7)
        assert await heard.cache.sweep() == {"threads": 1}
        assert await heard.cache.get_thread(int(empty["id"])) is None
        assert await heard.cache.get_thread(int(full["id"])) is not None
        await heard.hear("MESSAGE_DELETE", {"id": snowflake(START, 1), "channel_id": full["id"], "guild_id": GUILD})
        assert await heard.cache.sweep() == {"threads": 1}
        assert await heard.cache.get_thread(int(active["id"])) is not None


async def test_what_is_over_is_not_there_any_more_before_it_is_swept(engine_url: str) -> None:
    clock = Clock()
    clock.now = datetime.datetime.now(datetime.UTC)
    soon = (clock.now + datetime.timedelta(hours=1)).isoformat()
    async with Hearing(engine_url, clock=clock) as heard:
        await heard.hear(
            "INVITE_CREATE", payloads.invite(GUILD, CHANNEL, payloads.user(), code="soon", expires_at=soon)
        )
        for number, ends in ((1, soon), (2, None)):
            await heard.hear("ENTITLEMENT_CREATE", payloads.entitlement(ME, ME, id=str(number), ends_at=ends))
        for is_over in (False, True):
            for _ in range(2):
                assert (await heard.cache.get_invite("soon") is None) is is_over
                assert (await heard.cache.entitlements.get(1) is None) is is_over
                assert (await heard.cache.entitlements.entry(1) is None) is is_over
                assert await heard.cache.entitlements.find().ids() == ([2] if is_over else [1, 2])
                assert await heard.cache.entitlements.count(user=int(ME)) == 2 - is_over
                assert len(await heard.cache.entitlements.get_many([1, 2])) == 2 - is_over
                await heard.cache.flush()
            clock.forward(hours=1)
        assert await heard.cache.sweep() == {"invites": 1, "entitlements": 1}


@pytest.mark.parametrize(("keep", "swept"), [(True, {"audit_log_entries": 1}), (persist.Keep(max_age=math.inf), {})])
async def test_what_only_grows_is_kept_as_long_as_discord_keeps_it(engine_url: str, keep: Whole, swept: object) -> None:
    clock = Clock()
    async with Hearing(engine_url, rules=persist.Rules(audit_log_entries=keep), clock=clock) as heard:
        entry = payloads.audit_log_entry(GUILD, ME, ME, id=snowflake(START))
        await heard.hear("GUILD_AUDIT_LOG_ENTRY_CREATE", entry)
        clock.forward(days=45)
        assert await heard.cache.sweep() == {}
        clock.forward(seconds=1)
        assert await heard.cache.sweep() == swept


async def test_guilds_with_plans_keep_as_long_as_theirs_says(sqlite_url: str) -> None:
    guilds = [payloads.guild(own_user=payloads.own_user(id=ME)) for _ in range(2)]
    long: persist.Rules = persist.Rules(messages=persist.Keep(max_age=math.inf))
    rules = persist.Rules(
        messages=persist.Keep(max_age=60),
        per_guild=lambda guild: long if int(guild) == int(guilds[0]["id"]) else None,
    )
    async with Hearing(sqlite_url, rules=rules, clock=Clock()) as heard:
        await heard.ready(*guilds)
        old = START - datetime.timedelta(days=1)
        for number, guild in enumerate(guilds):
            await said(heard, message(old, number) | {"guild_id": guild["id"]})
        assert await heard.cache.sweep() == {"messages": 1}
        assert [m.guild_id for m in await heard.cache.messages.find()] == [int(guilds[0]["id"])]


async def test_what_is_in_no_guild_is_kept_as_the_rules_for_no_guild_in_particular_say(engine_url: str) -> None:
    guild = payloads.guild(own_user=payloads.own_user(id=ME))
    forever: persist.Keep[typing.Any] = persist.Keep(max_age=math.inf)
    rules = persist.Rules(
        messages=persist.Keep(max_age=60),
        entitlements=persist.Keep(max_age=60),
        users=persist.Keep(max_age=60, keep_if={"id": int(ME)}),
        per_guild=lambda _: persist.Rules(messages=forever, users=forever, entitlements=forever),
    )
    clock = Clock()
    clock.now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    async with Hearing(engine_url, rules=rules, clock=clock) as heard:
        await heard.ready(guild)
        here, direct = message(START, 1) | {"guild_id": guild["id"]}, message(START, 2)
        del direct["guild_id"]
        await said(heard, here, direct)
        for number, where in enumerate((guild["id"], None)):
            sold = payloads.entitlement(ME, ME, id=str(number + 1), guild_id=where, ends_at=None)
            await heard.hear("ENTITLEMENT_CREATE", sold)
        others = {member["user"]["id"] for member in guild["members"]} - {ME}
        swept = await heard.cache.sweep()
        assert swept == {"messages": 1, "entitlements": 1, "users": len({*others, direct["author"]["id"]})}
        assert await heard.cache.messages.find().ids() == [int(here["id"])]
        assert await heard.cache.sweep() == {}


async def test_processes_sweep_what_is_of_their_own_shards(sqlite_url: str) -> None:
    rules = persist.Rules(messages=persist.Keep(max_age=60))
    async with Hearing(sqlite_url, rules=rules, clock=Clock(), shards=2) as heard:
        old = START - datetime.timedelta(days=1)
        places: Iterator[tuple[int, str | None]] = iter([(1, str(0 << 22)), (2, str(1 << 22)), (3, None)])
        for number, guild in places:
            payload = message(old, number) | ({"guild_id": guild} if guild else {})
            if guild is None:
                del payload["guild_id"]
            await said(heard, payload)
        shards: dict[int, object] = typing.cast("typing.Any", heard.bot)._shards
        shards[1] = heard.shards[1]
        assert await heard.cache.sweep() == {"messages": 1}
        assert await heard.cache.messages.find().ids() == [int(snowflake(old, 1)), int(snowflake(old, 3))]
        del shards[1]
        shards[0] = heard.shards[0]
        assert await heard.cache.sweep() == {"messages": 2}
        shards.clear()


def test_bounds_that_cannot_be_are_refused() -> None:
    for wrong in (-1, "x", True, math.nan):
        with pytest.raises(persist.QueryError, match="max_age must be a number of seconds"):
            persist.Keep(max_age=typing.cast("typing.Any", wrong))
    for wrong in (-1, 1.5, True, "x"):
        with pytest.raises(persist.QueryError, match="max_rows must be a whole number"):
            persist.Keep(max_rows=typing.cast("typing.Any", wrong))
    with pytest.raises(persist.QueryError, match="keep_if exempts from limits"):
        persist.Keep(keep_if={"is_pinned": True})
    with pytest.raises(persist.QueryError, match="roles do not belong to a channel"):
        persist.Rules(roles=persist.Keep(max_per_channel=3))
    with pytest.raises(persist.QueryError, match="users do not belong to a guild"):
        persist.Rules(users=persist.Keep(max_per_guild=3))
    with pytest.raises(persist.QueryError, match="messages cannot be found by 'colour'"):
        persist.Rules(messages=persist.Keep(max_rows=3, keep_if={"colour": 3}))
    with pytest.raises(persist.QueryError, match=r"cannot be combined with \| or ~"):
        persist.Rules(messages=~persist.Keep(max_rows=3))


def test_bounds_combine_and_leave_the_feed_alone() -> None:
    both = persist.Keep(max_rows=3) & persist.Keep(max_age=60, channels={5})
    assert both.has_bounds
    assert both.chooses
    assert not persist.Keep(max_rows=3).chooses
    assert repr(persist.Keep(max_rows=3, max_age=60)) == "Keep(max_age=60.0, max_rows=3)"
    assert persist.Rules(messages=both).of("messages") == both


async def test_nobody_looks_where_nothing_can_be_too_old_yet(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, rules = Clock(), persist.Rules(roles=persist.Keep(max_age=datetime.timedelta(hours=1)))
    async with Hearing(sqlite_url, rules=rules, clock=clock) as heard:
        guild = payloads.guild(own_user=payloads.own_user(id=ME), members=1)
        await heard.ready(guild)
        await heard.cache.flush()
        clock.now = datetime.datetime.now(datetime.UTC)
        assert heard.cache._engine is not None
        sweeper, asked = heard.cache._engine.sweeper, []
        select = sweeper._store.select

        async def noted(query: Select) -> typing.Any:
            asked.append(query.entity.name)
            return await select(query)

        monkeypatch.setattr(sweeper._store, "select", noted)
        assert await sweeper.sweep_lazily() == {}
        assert "roles" in asked
        asked.clear()
        assert await sweeper.sweep_lazily() == {}
        assert "roles" not in asked
        clock.forward(hours=2)
        assert await sweeper.sweep_lazily() == {}  # the real time has not passed
        assert await sweeper.sweep() == {"roles": len(guild["roles"])}  # an explicit sweep checks everything
        await heard.hear("GUILD_CREATE", guild)
        clock.forward(hours=-2)
        await heard.cache.apply_rules(persist.Rules(roles=persist.Keep(max_age=1e9)))
        asked.clear()
        await sweeper.sweep_lazily()
        assert "roles" in asked  # other rules need another check


async def test_rules_know_no_more_of_what_is_gone(sqlite_url: str) -> None:
    own_user, clock = payloads.own_user(id=ME), Clock()
    clock.now = datetime.datetime.now(datetime.UTC)
    guild, left = payloads.guild(own_user=own_user, threads=0), payloads.guild(own_user=own_user, threads=2)
    text, other = [channel["id"] for channel in guild["channels"] if channel["type"] == 0][:2]
    async with Hearing(sqlite_url, rules=persist.Rules(per_guild=lambda _: None), clock=clock) as heard:
        await heard.ready(guild)
        assert heard.cache._engine is not None
        admission = heard.cache._engine.admission
        before = [dict(known) for known in (admission._parents, admission._guilds, admission._own)]
        deleted, within, archived = (payloads.thread(guild["id"], channel, ME) for channel in (text, other, text))
        for thread in (deleted, within, archived):
            await heard.hear("THREAD_CREATE", thread)
        await heard.hear("GUILD_CREATE", left)
        assert len(admission._parents) > len(before[0]) + 3
        await heard.hear("THREAD_DELETE", deleted)
        await heard.hear("CHANNEL_DELETE", next(each for each in guild["channels"] if each["id"] == other))
        metadata = {**archived["thread_metadata"], "archived": True}
        await heard.hear("THREAD_UPDATE", {**archived, "thread_metadata": metadata})
        await heard.hear("GUILD_DELETE", {"id": left["id"]})
        clock.forward(days=8)
        assert (await heard.cache.sweep())["threads"] == 1
        before[0].pop(int(other), None)
        assert [admission._parents, admission._guilds, admission._own] == before


async def test_what_took_long_to_count_is_not_counted_again_at_once(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Hearing(sqlite_url, rules=persist.Rules(messages=persist.Keep(max_rows=2))) as heard:
        assert heard.cache._engine is not None
        sweeper, counted = heard.cache._engine.sweeper, []
        select = sweeper._store.select

        async def slow(query: Select) -> typing.Any:
            if query.want == "count":
                counted.append(query.entity.name)
                await asyncio.sleep(0.5)  # it then pauses for 25 seconds
            return await select(query)

        await said(heard, *(message(START, number) for number in range(5)))
        monkeypatch.setattr(sweeper._store, "select", slow)
        assert await sweeper.sweep_lazily() == {"messages": 3}
        await said(heard, message(START, 5))
        assert await sweeper.sweep_lazily() == {}
        assert counted == ["messages"]
        assert await sweeper.sweep() == {"messages": 1}  # an explicit sweep checks everything


def test_a_jump_of_the_clock_is_believed_after_an_hour() -> None:
    clock, passed, day = Clock(), 0.0, datetime.timedelta(days=1)
    steady = Steady(clock, lambda: passed)

    def wait(**time: float) -> datetime.datetime:
        nonlocal passed
        passed += datetime.timedelta(**time).total_seconds()
        clock.forward(**time)
        return steady()

    assert wait(hours=2) == START + datetime.timedelta(hours=2) == clock.now
    clock.forward(days=1)
    assert steady() == wait(minutes=0) == clock.now - day
    assert wait(minutes=59) == clock.now - day
    clock.forward(days=-1)  # it is set right
    assert wait(minutes=59) == clock.now
    clock.forward(days=1)  # and is wrong again
    assert wait(minutes=59) == clock.now - day  # first noticed now
    assert wait(minutes=59) == clock.now - day
    assert wait(minutes=1) == clock.now
    clock.forward(days=-1)
    assert steady() == clock.now  # nothing is deleted too early by a clock that is set back
    clock.forward(seconds=59)
    assert steady() == clock.now  # corrections are no jumps


async def test_a_jump_of_the_clock_deletes_nothing_by_itself(sqlite_url: str) -> None:
    clock, rules = Clock(), persist.Rules(messages=persist.Keep(max_age=datetime.timedelta(days=30)))
    async with Hearing(sqlite_url, rules=rules, clock=clock) as heard:
        assert heard.cache._engine is not None
        await said(heard, message(clock.now))
        clock.forward(days=3650)
        assert await heard.cache._engine.sweeper.sweep_lazily() == {}
        assert await heard.cache.sweep() == {"messages": 1}  # somebody says so


async def test_nothing_is_deleted_before_the_bot_is_connected(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "_EVERY", 0.01)
    rules = persist.Rules(messages=persist.Keep(max_age=3600))
    async with FakeDiscord() as sim, Hearing(sqlite_url, rules=rules) as heard:
        guild = sim.add_guild()
        written = message(START, guild_id=guild["id"], channel=bots.text_channel(guild))
        heard.accept(Put(MESSAGES.record(written, int(guild["id"]), Origin("gateway", 0, 0, moment(START)))))
        await asyncio.sleep(0.2)
        assert await count(heard, "messages") == 1
        await heard.cache.close()
        bot = bots.make(sim.rest_url)
        cache = persist.Cache(bot, sqlite_url, rules=rules)
        async with bots.started(sim, bot, cache):
            await bots.until(lambda: cache.gauges.swept["messages"] == 1)
