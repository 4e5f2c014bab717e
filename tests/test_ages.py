"""How old an answer may be: objects that were sent or listed longer ago are left out, on every engine."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import pathlib
import typing

import bots
import pytest
from fakecord import Payload, payloads
from hearing import ME, Hearing

import persist
from persist import journal
from persist.changes import Put
from persist.columns import later, moment
from persist.completeness import State, known
from persist.entities import ENTITIES
from persist.model import Origin

NOW: typing.Final = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)
GUILD, OTHER_GUILD = 100000000000000001, 100000000000000002
CHANNEL, ANN = "200000000000000001", "300000000000000001"
HOUR: typing.Final = datetime.timedelta(hours=1)
INSTANT: typing.Final = datetime.timedelta(microseconds=1)


def hearing(url: str) -> Hearing:
    return Hearing(url, clock=lambda: NOW)


def origin(ago: datetime.timedelta) -> Origin:
    return Origin("gateway", 0, 0, moment(NOW - ago))


def tell(heard: Hearing, kind: str, payload: Payload, ago: datetime.timedelta, guild_id: int = GUILD) -> None:
    heard.accept(Put(ENTITIES[kind].record(payload, guild_id, origin(ago))))


def note(heard: Hearing, kind: str, ago: datetime.timedelta, guild_id: int = GUILD, state: State = "complete") -> None:
    heard.accept(known(kind, guild_id, origin(ago), state))


async def test_what_was_told_longer_ago_is_not_found(engine_url: str) -> None:
    roles = [payloads.role(position=number) for number in range(4)]
    ages = (datetime.timedelta(0), HOUR, HOUR + INSTANT, 24 * HOUR)
    async with hearing(engine_url) as heard:
        for role, ago in zip(roles, ages, strict=True):
            tell(heard, "roles", role, ago)
        young = [int(role["id"]) for role in roles[:2]]
        async for cache in heard.answers():  # also while everything waits to be stored
            found = cache.roles.find(max_age=HOUR).order_by("position")
            assert [role.id async for role in found] == young
            assert [entry.value and entry.value.id for entry in await found.entries()] == young
            assert await found.ids() == young
            assert await cache.roles.find(max_age=HOUR, position=[1, 2]).ids() == young[1:]
            assert await cache.roles.count(max_age=3600) == await found.count() == 2
            assert await cache.roles.count(max_age=3599.999999) == await cache.roles.count(max_age=0) == 1
            assert await cache.roles.count(max_age=None) == 4
            assert [await cache.roles.get(int(role["id"]), max_age=HOUR) is not None for role in roles] == [
                *(True, True),
                *(False, False),
            ]


async def test_what_was_told_anew_is_young_again(engine_url: str) -> None:
    role = payloads.role(name="old")
    async with hearing(engine_url) as heard:
        tell(heard, "roles", role, 24 * HOUR)
        await heard.cache.flush()
        assert await heard.cache.roles.count(max_age=HOUR) == 0
        tell(heard, "roles", {**role, "name": "new"}, HOUR)
        async for cache in heard.answers():
            assert [each.name async for each in cache.roles.find(max_age=HOUR)] == ["new"]


async def test_what_is_told_again_unchanged_is_as_it_was_whether_or_not_that_is_stored_yet(engine_url: str) -> None:
    role = payloads.role()
    async with hearing(engine_url) as heard:
        tell(heard, "roles", role, 24 * HOUR)
        await heard.cache.flush()
        entry = await heard.cache.roles.entry(int(role["id"]))
        assert entry is not None
        assert (entry.revision, entry.last_updated) == (1, NOW - 24 * HOUR)
        tell(heard, "roles", role, datetime.timedelta(0))
        async for cache in heard.answers():
            again = await cache.roles.entry(int(role["id"]))
            assert again is not None
            assert dataclasses.replace(again, value=None) == dataclasses.replace(entry, value=None)
            assert await cache.roles.get(int(role["id"]), max_age=HOUR) is None
            assert await cache.roles.count(max_age=HOUR) == 0


@pytest.mark.parametrize(
    ("state", "ago", "listed"),
    [("complete", HOUR, 1), ("complete", HOUR + INSTANT, 0), ("partial", HOUR, 0), ("stale", HOUR, 0)],
)
async def test_what_a_list_had_again_is_as_young_as_the_list(
    engine_url: str, state: State, ago: datetime.timedelta, listed: int
) -> None:
    here, there = payloads.role(), payloads.role()
    thread = payloads.thread(str(GUILD), CHANNEL, ANN)
    archived = payloads.thread(str(GUILD), CHANNEL, ANN, thread_metadata=payloads.thread_metadata(archived=True))
    async with hearing(engine_url) as heard:
        for kind, payload, guild_id in (
            ("roles", here, GUILD),
            ("roles", there, OTHER_GUILD),
            ("threads", thread, GUILD),
            ("threads", archived, GUILD),
        ):
            tell(heard, kind, payload, 24 * HOUR, guild_id)
        note(heard, "roles", ago, state=state)
        note(heard, "threads", ago, state=state)
        note(heard, "emojis", datetime.timedelta(0), OTHER_GUILD)
        async for cache in heard.answers():
            assert await cache.roles.find(max_age=HOUR).ids() == [int(here["id"])] * listed
            assert await cache.threads.find(max_age=HOUR).ids() == [int(thread["id"])] * listed
            for view, payload in ((cache.roles, here), (cache.roles, there), (cache.threads, archived)):
                is_young = await view.get(int(payload["id"]), max_age=HOUR) is not None
                assert is_young == bool(await view.count(id=int(payload["id"]), max_age=HOUR))


async def test_many_pages_have_only_what_is_young(engine_url: str) -> None:
    users = [payloads.user() for _ in range(450)]
    async with hearing(engine_url) as heard:
        for number, user in enumerate(users):
            tell(heard, "users", user, HOUR if number % 2 else 2 * HOUR)
        young = sorted(int(user["id"]) for user in users[1::2])
        found = heard.cache.users.find(max_age=HOUR)
        assert [user.id async for user in found] == young
        assert [user.id async for user in found.limit(210)] == young[:210]
        assert await found.count() == len(young) == 225


async def test_what_is_searched_for_may_be_too_old() -> None:
    async with Hearing("memory://", clock=lambda: NOW, search={"messages"}) as heard:
        said = [payloads.message(CHANNEL, payloads.user(), content="a red panda") for _ in range(2)]
        for message, ago in zip(said, (HOUR, 2 * HOUR), strict=True):
            tell(heard, "messages", message, ago)
        assert await heard.cache.messages.search("red panda", max_age=HOUR).ids() == [int(said[0]["id"])]


async def test_what_is_no_age_is_refused_at_once() -> None:
    async with hearing("memory://") as heard:
        for wrong in (-1, True, "1", float("nan"), float("inf"), datetime.timedelta(seconds=-1), persist.not_(5)):
            asked: typing.Any = {"max_age": wrong}
            with pytest.raises(persist.QueryError, match="max_age must be a number of seconds or a timedelta"):
                heard.cache.roles.find(**asked)
            with pytest.raises(persist.QueryError, match="max_age must be a number of seconds or a timedelta"):
                await heard.cache.roles.get(1, **asked)
        with pytest.raises(persist.QueryError, match=r"they can by: .*, verified, max_age$"):
            heard.cache.roles.find(**typing.cast("typing.Any", {"age": 5}))
    keep: persist.Keep[typing.Any] = persist.Keep(max_age=5, keep_if={"max_age": 5})
    with pytest.raises(persist.QueryError, match="keep_if takes columns, and max_age is not one of them"):
        persist.Rules(roles=keep)


async def test_what_waits_for_long_has_the_time_when_it_was_heard(
    sqlite_url: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_TICK", 0.1)
    async with Hearing(sqlite_url) as heard:
        guild = payloads.guild(own_user=payloads.own_user(id=ME), members=2)
        await heard.ready(guild)
        await heard.cache.flush()
        roles, times = [payloads.role() for _ in range(3)], list[datetime.datetime]()
        with bots.locked(tmp_path / "cache.db"):
            for number, role in enumerate(roles):
                times.append(datetime.datetime.now(datetime.UTC))
                await heard.hear("GUILD_ROLE_CREATE", {"guild_id": guild["id"], "role": role})
                if number == 0:
                    storing = asyncio.create_task(heard.cache.flush())
                await asyncio.sleep(0.5)
            renamed = {**roles[1], "name": "renamed"}
            await heard.hear("GUILD_ROLE_UPDATE", {"guild_id": guild["id"], "role": renamed})
            known = await heard.cache.get_role(int(roles[1]["id"]))
            assert known is not None
            assert known.name == "renamed"
        await storing
        await heard.cache.flush()
        entries = [await heard.cache.roles.entry(int(role["id"])) for role in roles]
        told = [entry.last_updated for entry in entries if entry is not None]
        waits = [abs((one - other).total_seconds()) for one, other in zip(told, times, strict=True)]
        assert waits[0] < 0.4
        assert waits[1] > 0.7  # it was renamed later
        assert waits[2] < 0.6
        assert (heard.cache.gauges.lost.total(), heard.cache.quarantine) == (0, ())


def test_the_time_of_changes_follows_a_clock_that_was_ahead_and_is_set_right() -> None:
    now = datetime.datetime.now(datetime.UTC)
    assert later(moment(now + 10 * 365 * 24 * HOUR)) < moment(now + HOUR)
    soon = now + datetime.timedelta(seconds=50)  # small corrections leave changes in order
    assert later(moment(soon)) == moment(soon + INSTANT)
