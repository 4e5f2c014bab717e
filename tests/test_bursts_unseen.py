"""Nothing can observe that events are gathered: not statistics, rules, another thread, or hikari's own cache."""

from __future__ import annotations

import asyncio
import threading
import typing

import pytest
from fakecord import Payload, payloads
from hearing import ME, Hearing

import persist
from persist.entities import MEMBERS, MESSAGES
from persist.spi import Page, Select

GUILD: typing.Final = {**payloads.guild(own_user=payloads.own_user(id=ME), members=5, presences=0), "voice_states": []}
GUILD_ID: typing.Final = int(GUILD["id"])
CHANNEL: typing.Final = next(channel["id"] for channel in GUILD["channels"] if channel["type"] == 0)
AUTHOR: typing.Final = payloads.user(id="11")
WHERE: typing.Final = {"channel_id": CHANNEL, "guild_id": GUILD["id"]}
OTHERS: typing.Final = [member for member in GUILD["members"] if member["user"]["id"] != ME]
HISTORY: typing.Final = persist.Rules(messages=persist.Keep(history=True))


@pytest.fixture(params=[0.0, float("inf")], ids=["one by one", "gathered"], autouse=True)
def close(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("persist.bursts._CLOSE", request.param)


def said(number: int, **fields: typing.Any) -> Payload:
    return payloads.message(CHANNEL, AUTHOR, guild_id=GUILD["id"], id=str(10**17 + number), **fields)


def edited(number: int, at: str) -> Payload:
    return {**WHERE, "id": str(10**17 + number), "content": "edited", "edited_timestamp": at}


async def in_a_thread(heard: Hearing) -> None:
    """Read the statistics as a collector of metrics does."""
    thread = threading.Thread(target=lambda: (heard.cache.stats(), heard.cache.health(), heard.cache.quarantine))
    thread.start()
    thread.join()


async def test_what_is_heard_while_a_thread_counts_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Hearing("memory://") as heard:
        await heard.ready(GUILD)
        await heard.cache.flush()
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        call_soon = loop.call_soon

        def switched(*args: typing.Any, **options: typing.Any) -> asyncio.Handle:
            """Let Python switch to another thread while an event is being taken."""
            thread = threading.Thread(target=heard.cache.stats)
            thread.start()
            thread.join()
            return call_soon(*args, **options)

        with monkeypatch.context() as patch:
            patch.setattr(loop, "call_soon", switched)
            heard.consume("MESSAGE_CREATE", said(1))
        await asyncio.sleep(0.01)
        assert await heard.cache.get_message(10**17 + 1) is not None
        await heard.cache.flush()
        assert await heard.cache.messages.count() == 1


async def test_who_counts_in_a_thread_does_not_do_the_work_of_the_loop() -> None:
    asyncio.get_running_loop().set_debug(True)  # it rejects calls from other threads
    async with Hearing("memory://") as heard:
        await heard.ready(GUILD)
        await heard.cache.flush()
        await asyncio.sleep(0.01)
        for number in range(3):
            heard.consume("MESSAGE_CREATE", said(number))
        await in_a_thread(heard)
        assert heard.cache.quarantine == ()
        await asyncio.wait_for(heard.cache.flush(), 5)
        assert await heard.cache.messages.count() == 3


async def test_who_leaves_right_after_its_guild_was_told_does_not_come_back_into_hikaris_cache() -> None:
    async with Hearing("memory://", hikari_caches=True, warm=True) as heard:
        await heard.ready(GUILD)
        await asyncio.sleep(0.01)
        heard.consume("GUILD_CREATE", {**GUILD, "large": False, "member_count": len(GUILD["members"])})
        for member in OTHERS[:2]:
            heard.consume("GUILD_MEMBER_REMOVE", {"guild_id": GUILD["id"], "user": member["user"]})
        await asyncio.sleep(0.01)
        there = [heard.bot.cache.get_member(GUILD_ID, int(member["user"]["id"])) for member in OTHERS[:2]]
        assert there == [None, None]


async def test_who_joins_while_it_is_looked_for_who_left_stays_in_hikaris_cache() -> None:
    mine = [member for member in GUILD["members"] if member["user"]["id"] == ME]
    back, other = OTHERS[:2]
    joined = int(back["user"]["id"])
    async with Hearing("memory://", hikari_caches=True, warm=True) as heard:
        await heard.ready(GUILD)
        heard.consume("GUILD_CREATE", {**GUILD, "large": True, "members": mine, "member_count": 5})
        await asyncio.sleep(0.01)
        engine = heard.cache._engine
        assert engine is not None
        engine.feed.sessions.of(heard.shards[0]).chunks.ask(GUILD_ID, "p0.1")
        select, asked, answer = engine.store.select, asyncio.Event(), asyncio.Event()

        async def slowly(query: Select) -> Page:
            page = await select(query)
            if query.entity is MEMBERS and query.want == "keys":
                asked.set()
                await answer.wait()
            return page

        engine.store.select = slowly  # type: ignore[method-assign]
        told = [member for member in GUILD["members"] if member is not back]
        chunk = {"guild_id": GUILD["id"], "members": told, "chunk_index": 0, "chunk_count": 1, "nonce": "p0.1"}
        heard.consume("GUILD_MEMBERS_CHUNK", chunk)
        await asked.wait()
        answer.set()  # the database has answered, and the socket has these events ready
        heard.consume("GUILD_MEMBER_UPDATE", {**other, "guild_id": GUILD["id"]})
        heard.consume("GUILD_MEMBER_ADD", {**back, "guild_id": GUILD["id"]})
        await asyncio.sleep(0.05)
        assert await heard.cache.get_member(GUILD_ID, joined) is not None
        assert heard.bot.cache.get_member(GUILD_ID, joined) is not None


async def test_a_reaction_counts_once_while_it_is_stored_with_an_edit() -> None:
    async with Hearing("memory://", rules=HISTORY) as heard:
        await heard.ready(GUILD)
        heard.consume("MESSAGE_CREATE", said(1))
        await heard.cache.flush()
        engine = heard.cache._engine
        assert engine is not None
        apply, committed, go_on = engine.store.apply, asyncio.Event(), asyncio.Event()

        async def slowly(changes: typing.Any) -> None:
            await apply(changes)
            committed.set()
            await go_on.wait()  # it is committed, and nobody knows that yet

        engine.store.apply = slowly  # type: ignore[method-assign]
        heard.consume("MESSAGE_UPDATE", edited(1, "2026-06-01T12:00:00+00:00"))
        reaction = {"message_id": str(10**17 + 1), "user_id": "11", "emoji": {"id": None, "name": "x"}, "type": 0}
        heard.consume("MESSAGE_REACTION_ADD", {**WHERE, **reaction})
        flushing = asyncio.create_task(heard.cache.flush())
        await committed.wait()
        record = await engine.reader.record(MESSAGES, (10**17 + 1,), metadata=True)
        go_on.set()
        await flushing
        assert record is not None
        assert [reaction["count"] for reaction in record.payload["reactions"]] == [1]


async def test_a_moment_that_no_calendar_has_costs_no_other_event() -> None:
    async with Hearing("memory://", rules=HISTORY) as heard:
        await heard.ready(GUILD)
        await heard.cache.flush()
        heard.consume("MESSAGE_CREATE", said(1, edited_timestamp="0001-01-01T00:00:00+14:00"))
        heard.consume("MESSAGE_UPDATE", edited(1, "2026-06-01T12:00:00+00:00"))
        heard.consume("MESSAGE_CREATE", said(2))
        assert await heard.cache.get_message(10**17 + 2) is not None
        assert heard.cache.gauges.quarantined["MESSAGE_CREATE"] == 0
        await asyncio.wait_for(heard.cache.flush(), 5)
        assert await heard.cache.get_message(10**17 + 2) is not None


async def test_what_rules_keep_out_counts_once_though_another_event_cannot_be_taken() -> None:
    async with Hearing("memory://", rules=HISTORY & persist.Rules(presences=False)) as heard:
        await heard.ready(GUILD)
        await heard.cache.flush()
        user = {"id": OTHERS[0]["user"]["id"]}
        presence = {"guild_id": GUILD["id"], "user": user, "status": "online", "activities": [], "client_status": {}}
        before = heard.cache.stats().skipped.get("presences", 0)
        heard.consume("PRESENCE_UPDATE", presence)
        heard.consume("MESSAGE_UPDATE", edited(1, "never"))
        assert heard.cache.gauges.quarantined["MESSAGE_UPDATE"] == 1
        assert heard.cache.stats().skipped["presences"] - before == 1


async def test_what_is_suppressed_counts_once_though_another_event_cannot_be_taken() -> None:
    async with Hearing("memory://", rules=HISTORY) as heard:
        await heard.ready(GUILD)
        await heard.cache.erase_user(11)
        await heard.cache.flush()
        before = heard.cache.stats().suppressed
        heard.consume("MESSAGE_CREATE", said(1))
        heard.consume("MESSAGE_UPDATE", edited(5, "never"))
        once = heard.cache.stats().suppressed - before
        heard.consume("MESSAGE_CREATE", said(2))
        heard.consume("MESSAGE_CREATE", said(3))
        assert heard.cache.stats().suppressed - before - once == 2 * once


async def test_what_was_heard_before_rules_changed_is_judged_by_the_rules_of_then() -> None:
    async with Hearing("memory://", rules=persist.Rules(messages=False)) as heard:
        await heard.ready(GUILD)
        heard.consume("MESSAGE_CREATE", said(1))
        await heard.cache.apply_rules(persist.Rules())
        assert heard.cache.gauges.skipped["messages"] == 1
        assert await heard.cache.get_message(10**17 + 1) is None


async def test_what_was_heard_of_a_person_before_they_are_forgiven_is_not_remembered() -> None:
    async with Hearing("memory://") as heard:
        await heard.ready(GUILD)
        await heard.cache.erase_user(11)
        select = heard.cache._engine.store.select  # type: ignore[union-attr]

        async def hearing(query: Select) -> Page:
            page = await select(query)
            if query.entity.name == "suppressions":
                heard.consume("MESSAGE_CREATE", said(1))
            return page

        heard.cache._engine.store.select = hearing  # type: ignore[union-attr,method-assign]
        await heard.cache.forgive_user(11)
        assert await heard.cache.get_message(10**17 + 1) is None


@pytest.mark.parametrize("name", ["RESUMED", "SOMETHING_NEW", "MESSAGE_CREATE"])
async def test_what_is_no_object_does_not_end_the_hearing(name: str) -> None:
    async with Hearing("memory://") as heard:
        await heard.ready(GUILD)
        heard.consume("MESSAGE_CREATE", said(1))
        heard.consume(name, typing.cast("Payload", "x"))
        await asyncio.sleep(0)
        heard.consume("MESSAGE_CREATE", said(2))
        await asyncio.sleep(0)
        assert await heard.cache.get_message(10**17 + 2) is not None
