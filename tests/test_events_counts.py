"""What the cache counts, each once: members who join and leave, users interested in an event, and votes."""

from __future__ import annotations

import pytest
from fakecord import Payload, payloads
from hearing import ME, Hearing, proves

import persist


def id_of(thing: Payload) -> int:
    return int(thing["id"])


async def member_count(cache: persist.Cache, guild: Payload) -> int | None:
    found = await cache.get_guild(id_of(guild))
    assert found is not None
    return found.member_count


def coming(guild: Payload, user: Payload) -> Payload:
    return {**payloads.member(user), "guild_id": guild["id"]}


@proves("GUILD_MEMBER_ADD")
@pytest.mark.parametrize("times", [1, 3])
async def test_a_member_who_is_told_again_is_counted_once(heard: Hearing, guild: Payload, times: int) -> None:
    user = payloads.user()
    for _ in range(times):
        await heard.hear("GUILD_MEMBER_ADD", coming(guild, user))
    async for cache in heard.answers():
        assert await member_count(cache, guild) == guild["member_count"] + 1


@proves("GUILD_MEMBER_ADD")
async def test_a_member_who_is_there_already_is_not_counted(heard: Hearing, guild: Payload) -> None:
    await heard.hear("GUILD_MEMBER_ADD", {**guild["members"][3], "guild_id": guild["id"]})
    async for cache in heard.answers():
        assert await member_count(cache, guild) == guild["member_count"]


@proves("GUILD_MEMBER_REMOVE")
async def test_only_a_known_member_is_counted_out(heard: Hearing, guild: Payload) -> None:
    known, unknown = guild["members"][3]["user"], payloads.user()
    for user in (known, known, unknown):
        await heard.hear("GUILD_MEMBER_REMOVE", {"guild_id": guild["id"], "user": user})
    async for cache in heard.answers():
        assert await member_count(cache, guild) == guild["member_count"] - 1


@proves("GUILD_MEMBER_ADD", "GUILD_MEMBER_REMOVE")
async def test_whoever_leaves_is_counted_out_while_not_all_members_are_known(engine_url: str) -> None:
    large = payloads.guild(own_user=payloads.own_user(id=ME), members=4, large=True, member_count=1000)
    async with Hearing(engine_url) as heard:
        await heard.ready(large)
        here, new = large["members"][3]["user"], payloads.user()
        for user in (here, payloads.user(), payloads.user()):
            await heard.hear("GUILD_MEMBER_REMOVE", {"guild_id": large["id"], "user": user})
        for name in ("GUILD_MEMBER_ADD", "GUILD_MEMBER_REMOVE", "GUILD_MEMBER_ADD", "GUILD_MEMBER_ADD"):
            await heard.hear(name, coming(large, new))
        async for cache in heard.answers():
            assert await member_count(cache, large) == 1000 - 3 + 1


@proves("GUILD_MEMBER_ADD", "GUILD_MEMBER_REMOVE")
@pytest.mark.parametrize("flushed", range(4))
async def test_coming_and_going_is_counted_wherever_it_is_stored(heard: Hearing, guild: Payload, flushed: int) -> None:
    user, other = payloads.user(), payloads.user()
    gone = {"guild_id": guild["id"], "user": user}
    events = (
        ("GUILD_MEMBER_ADD", coming(guild, user)),
        ("GUILD_MEMBER_REMOVE", gone),
        ("GUILD_MEMBER_ADD", coming(guild, other)),
        ("GUILD_MEMBER_ADD", coming(guild, user)),
        ("GUILD_MEMBER_REMOVE", {"guild_id": guild["id"], "user": guild["members"][3]["user"]}),
    )
    for place, (name, payload) in enumerate(events):
        if place == flushed:
            await heard.cache.flush()
        await heard.hear(name, payload)
    async for cache in heard.answers():
        assert await member_count(cache, guild) == guild["member_count"] + 1


@proves("GUILD_MEMBER_ADD", "GUILD_UPDATE")
async def test_a_count_and_a_changed_name_follow_each_other(heard: Hearing, guild: Payload) -> None:
    await heard.hear("GUILD_UPDATE", {"id": guild["id"], "name": "before"})
    await heard.hear("GUILD_MEMBER_ADD", coming(guild, payloads.user()))
    await heard.hear("GUILD_UPDATE", {"id": guild["id"], "name": "after"})
    async for cache in heard.answers():
        found = await cache.get_guild(id_of(guild))
        assert found is not None
        assert (found.name, found.member_count) == ("after", guild["member_count"] + 1)


async def test_a_count_of_what_is_not_remembered_stays_as_discord_said(sqlite_url: str) -> None:
    rules = persist.Rules(off=frozenset({"members"}))
    guild = payloads.guild(own_user=payloads.own_user(id=ME), members=4)
    async with Hearing(sqlite_url, rules=rules) as heard:
        await heard.ready(guild)
        await heard.hear("GUILD_MEMBER_ADD", coming(guild, payloads.user()))
        async for cache in heard.answers():
            assert await member_count(cache, guild) == guild["member_count"]


@proves("GUILD_SCHEDULED_EVENT_USER_ADD", "GUILD_SCHEDULED_EVENT_USER_REMOVE")
async def test_who_wants_to_come_is_known_and_counted_once(heard: Hearing, guild: Payload) -> None:
    planned = payloads.scheduled_event(guild["id"], None, user_count=3)
    await heard.hear("GUILD_SCHEDULED_EVENT_CREATE", planned)
    users = [int(member["user"]["id"]) for member in guild["members"]]
    who = [{"guild_id": guild["id"], "guild_scheduled_event_id": planned["id"], "user_id": str(user)} for user in users]
    for told in (who[0], who[0], who[1], who[2]):
        await heard.hear("GUILD_SCHEDULED_EVENT_USER_ADD", told)
    for told in (who[1], who[1], who[3]):
        await heard.hear("GUILD_SCHEDULED_EVENT_USER_REMOVE", told)
    async for cache in heard.answers():
        found = await cache.scheduled_events.get(id_of(planned))
        assert found is not None
        assert found.user_count == 3 + 3 - 1
        interested = await cache.scheduled_event_users.find(event_id=id_of(planned))
        assert {one.user.id for one in interested} == {users[0], users[2]}
        assert all(one.member is not None for one in interested)
        assert await cache.scheduled_event_users.get(id_of(planned), users[1]) is None


@proves("GUILD_SCHEDULED_EVENT_USER_ADD", "GUILD_SCHEDULED_EVENT_USER_REMOVE")
async def test_who_comes_once_or_not_is_no_news_about_the_whole_event(heard: Hearing, guild: Payload) -> None:
    planned = payloads.scheduled_event(guild["id"], None, user_count=3)
    await heard.hear("GUILD_SCHEDULED_EVENT_CREATE", planned)
    coming, passing = ({"guild_scheduled_event_id": planned["id"], "user_id": str(user)} for user in (7, 8))
    about = {"guild_id": guild["id"], "guild_scheduled_event_exception_id": None, "response": 1}
    once = {**about, "guild_scheduled_event_exception_id": "2117779587072000000", "response": 0}
    await heard.hear("GUILD_SCHEDULED_EVENT_USER_ADD", {**coming, **about})
    await heard.hear("GUILD_SCHEDULED_EVENT_USER_ADD", {**coming, **once})
    await heard.hear("GUILD_SCHEDULED_EVENT_USER_ADD", {**passing, **once, "response": 1})
    await heard.hear("GUILD_SCHEDULED_EVENT_USER_REMOVE", {**coming, **once})
    async for cache in heard.answers():
        found = await cache.scheduled_events.get(id_of(planned))
        assert found is not None
        assert found.user_count == 3 + 1
        assert await cache.scheduled_event_users.find(event_id=id_of(planned)).ids() == [7]


async def poll_of(cache: persist.Cache, message: Payload) -> dict[int, tuple[int, bool]]:
    entry = await cache.messages.entry(id_of(message))
    assert entry is not None
    assert entry.value is not None
    results = entry.payload["poll"]["results"]
    return {count["id"]: (count["count"], count["me_voted"]) for count in results["answer_counts"]}


def ballot(message: Payload, user: str, answer: int) -> Payload:
    place = {"guild_id": message["guild_id"], "channel_id": message["channel_id"], "message_id": message["id"]}
    return {**place, "user_id": user, "answer_id": answer}


@proves("MESSAGE_POLL_VOTE_ADD", "MESSAGE_POLL_VOTE_REMOVE", "MESSAGE_UPDATE")
async def test_votes_are_counted_until_results_are_final(heard: Hearing, guild: Payload) -> None:
    channel = next(channel["id"] for channel in guild["channels"] if channel["type"] == 0)
    message = payloads.message(channel, payloads.user(), guild_id=guild["id"], poll=payloads.poll())
    await heard.hear("MESSAGE_CREATE", message)
    for user, answer in ((ME, 1), ("5", 1), ("6", 2)):
        await heard.hear("MESSAGE_POLL_VOTE_ADD", ballot(message, user, answer))
    await heard.hear("MESSAGE_POLL_VOTE_REMOVE", ballot(message, "5", 1))
    await heard.hear("MESSAGE_POLL_VOTE_REMOVE", ballot(message, "7", 3))
    running = {name: value for name, value in message["poll"].items() if name != "results"}
    await heard.hear("MESSAGE_UPDATE", {**message, "content": "edited", "poll": running})
    async for cache in heard.answers():
        assert await poll_of(cache, message) == {1: (1, True), 2: (1, False), 3: (0, False)}
    await heard.hear("MESSAGE_POLL_VOTE_REMOVE", ballot(message, ME, 1))
    async for cache in heard.answers():
        assert (await poll_of(cache, message))[1] == (0, False)
    final = {"is_finalized": True, "answer_counts": [{"id": 2, "count": 9, "me_voted": False}]}
    await heard.hear("MESSAGE_UPDATE", {**message, "poll": {**running, "results": final}})
    await heard.hear("MESSAGE_POLL_VOTE_ADD", ballot(message, "8", 2))
    async for cache in heard.answers():
        assert await poll_of(cache, message) == {2: (9, False)}


@proves("MESSAGE_POLL_VOTE_ADD")
async def test_votes_on_what_is_no_poll_or_not_known_change_nothing(heard: Hearing, guild: Payload) -> None:
    message = payloads.message(guild["channels"][1]["id"], payloads.user(), guild_id=guild["id"])
    await heard.hear("MESSAGE_CREATE", message)
    before = await heard.stored()
    await heard.hear("MESSAGE_POLL_VOTE_ADD", ballot(message, "5", 1))
    await heard.hear("MESSAGE_POLL_VOTE_ADD", ballot({**message, "id": "77"}, "5", 1))
    assert await heard.stored() == before
