"""What the cache answers after events about messages and reactions."""

from __future__ import annotations

import typing
from collections.abc import AsyncIterator

import hikari
import pytest
from alike import assert_alike
from fakecord import Payload, payloads
from hearing import ME, Hearing, proves

import persist

_FIRE: typing.Final = {"id": None, "name": "🔥"}
_BLOB: typing.Final = {"id": "44", "name": "blob", "animated": False}


def id_of(thing: Payload) -> int:
    return int(thing["id"])


def channel_of(guild: Payload, kind: int = 0) -> Payload:
    return next(channel for channel in guild["channels"] if channel["type"] == kind)


async def say(heard: Hearing, guild: Payload, place: Payload | None = None, **fields: typing.Any) -> Payload:
    """Send a message."""
    member = payloads.member(payloads.user())
    place = place or channel_of(guild)
    fields = {"guild_id": guild["id"], "member": member, "channel_type": place["type"], **fields}
    message = payloads.message(place["id"], member["user"], **fields)
    await heard.hear("MESSAGE_CREATE", message)
    return message


async def payload_of(cache: persist.Cache, message: Payload) -> Payload:
    entry = await cache.messages.entry(id_of(message))
    assert entry is not None
    return dict(entry.payload)


@proves("MESSAGE_CREATE")
async def test_a_message_is_known_with_its_author_and_as_its_channels_last(heard: Hearing, guild: Payload) -> None:
    message = await say(heard, guild, rich=True)
    (mentioned,) = message["mentions"]
    async for cache in heard.answers():
        assert_alike(await cache.get_message(id_of(message)), heard.bot.entity_factory.deserialize_message(message))
        assert await payload_of(cache, message) == message
        author = await cache.get_member(id_of(guild), id_of(message["author"]))
        assert author is not None
        assert author.username == message["author"]["username"]
        assert await cache.get_member(id_of(guild), id_of(mentioned)) is not None
        assert await cache.get_user(id_of(mentioned)) is not None
        channel = await cache.channels.entry(int(message["channel_id"]))
        assert channel is not None
        assert channel.payload["last_message_id"] == message["id"]


@proves("MESSAGE_CREATE")
async def test_what_an_author_became_in_between_is_what_the_next_message_says(heard: Hearing, guild: Payload) -> None:
    member = payloads.member(payloads.user())
    channel, guild_id, user_id = channel_of(guild), int(guild["id"]), int(member["user"]["id"])

    async def write(told: Payload) -> None:
        fields = {"guild_id": guild["id"], "member": told, "channel_type": channel["type"]}
        await heard.hear("MESSAGE_CREATE", payloads.message(channel["id"], told["user"], **fields))

    async def nickname() -> object:
        known = await heard.cache.get_member(guild_id, user_id)
        return None if known is None else known.nickname

    await write({**member, "nick": "old"})
    await write({**member, "nick": "old"})
    assert await nickname() == "old"
    await heard.hear("GUILD_MEMBER_UPDATE", {**member, "nick": "new", "guild_id": guild["id"]})
    assert await nickname() == "new"
    await write({**member, "nick": "old"})
    assert await nickname() == "old"
    await heard.hear("GUILD_MEMBER_REMOVE", {"guild_id": guild["id"], "user": member["user"]})
    assert await nickname() is None
    await write({**member, "nick": "old"})  # it may just have been on its way
    assert await nickname() is None
    await heard.hear("GUILD_MEMBER_ADD", {**member, "guild_id": guild["id"]})
    await write({**member, "nick": "old"})
    assert await nickname() == "old"
    await heard.hear("GUILD_ROLE_DELETE", {"guild_id": guild["id"], "role_id": guild["roles"][0]["id"]})
    await write({**member, "nick": "old", "roles": [guild["roles"][0]["id"]]})
    known = await heard.cache.get_member(guild_id, user_id)
    assert known is not None
    assert int(guild["roles"][0]["id"]) in known.role_ids


async def test_a_webhook_is_no_user(heard: Hearing, guild: Payload) -> None:
    message = payloads.webhook_message(channel_of(guild)["id"], guild_id=guild["id"])
    await heard.hear("MESSAGE_CREATE", message)
    async for cache in heard.answers():
        assert await cache.get_message(id_of(message)) is not None
        assert await cache.get_user(id_of(message["author"])) is None
        assert await cache.get_member(id_of(guild), id_of(message["author"])) is None


@proves("MESSAGE_CREATE")
async def test_a_direct_message_is_of_no_guild(heard: Hearing) -> None:
    message = payloads.message("5", payloads.user())
    await heard.hear("MESSAGE_CREATE", message)
    async for cache in heard.answers():
        assert await cache.get_message(id_of(message), 5) is not None
        assert await cache.get_message(id_of(message), 6) is None
        assert await cache.get_user(id_of(message["author"])) is not None
        assert await cache.messages.count(guild_id=None) == 1
        assert await cache.channels.count() == 0


@proves("MESSAGE_CREATE", "MESSAGE_DELETE", "MESSAGE_DELETE_BULK")
@pytest.mark.parametrize("told", [True, False], ids=["with channel types", "without"])
async def test_threads_count_their_messages(heard: Hearing, guild: Payload, *, told: bool) -> None:
    thread = guild["threads"][1]
    fields = {} if told else {"channel_type": None}
    messages = [await say(heard, guild, thread, **fields) for _ in range(4)]
    gone = {"guild_id": guild["id"], "channel_id": thread["id"]}
    await heard.hear("MESSAGE_DELETE", {**gone, "id": messages[0]["id"]})
    await heard.hear("MESSAGE_DELETE_BULK", {**gone, "ids": [messages[1]["id"], messages[2]["id"]]})
    async for cache in heard.answers():
        entry = await cache.threads.entry(id_of(thread))
        assert entry is not None
        counted = {"message_count": 1, "total_message_sent": 4, "last_message_id": messages[3]["id"]}
        assert entry.payload == {**thread, **counted}


@proves("MESSAGE_UPDATE")
async def test_a_partial_update_changes_what_it_says_and_keeps_the_rest(heard: Hearing, guild: Payload) -> None:
    message = await say(heard, guild, rich=True)
    part = {"id": message["id"], "channel_id": message["channel_id"], "guild_id": guild["id"], "content": "edited"}
    edited_at = payloads.iso()
    await heard.hear("MESSAGE_UPDATE", {**part, "edited_timestamp": edited_at, "embeds": []})
    async for cache in heard.answers():
        expected = {**message, "content": "edited", "edited_timestamp": edited_at, "embeds": []}
        assert await payload_of(cache, message) == expected
        found = await cache.get_message(id_of(message))
        assert found is not None
        assert (found.content, len(found.attachments), found.embeds) == ("edited", 1, [])


@proves("MESSAGE_UPDATE")
async def test_a_whole_update_keeps_the_reactions_that_it_lacks(heard: Hearing, guild: Payload) -> None:
    message = await say(heard, guild, reactions=[payloads.reaction(_FIRE, count=2)])
    update = {name: value for name, value in message.items() if name != "reactions"}
    await heard.hear("MESSAGE_UPDATE", {**update, "content": "", "pinned": True})
    async for cache in heard.answers():
        assert await payload_of(cache, message) == {**message, "content": "", "pinned": True}


@proves("MESSAGE_UPDATE", "MESSAGE_REACTION_ADD", "MESSAGE_DELETE")
async def test_what_happens_to_an_unknown_message_makes_no_ghost(heard: Hearing, guild: Payload) -> None:
    where = {"channel_id": channel_of(guild)["id"], "guild_id": guild["id"]}
    await heard.hear("MESSAGE_UPDATE", {**payloads.message("5", payloads.user(), id="77"), **where})
    await heard.hear("MESSAGE_REACTION_ADD", {**where, "message_id": "77", "user_id": "5", "emoji": _FIRE})
    await heard.hear("MESSAGE_REACTION_REMOVE_ALL", {**where, "message_id": "77"})
    await heard.hear("MESSAGE_DELETE", {**where, "id": "78"})
    await heard.hear("MESSAGE_DELETE_BULK", {**where, "ids": ["79", "80"]})
    async for cache in heard.answers():
        assert await cache.get_message(77) is None
        assert await cache.messages.count() == 0


@proves("MESSAGE_CREATE", "MESSAGE_DELETE")
async def test_the_message_that_a_post_begins_with_is_not_counted(heard: Hearing, guild: Payload) -> None:
    place = channel_of(guild)
    post = payloads.thread(guild["id"], place["id"], ME, message_count=0, total_message_sent=0)
    await heard.hear("THREAD_CREATE", {**post, "newly_created": True})
    first = await say(heard, guild, post, id=post["id"])
    await say(heard, guild, post)
    await heard.hear("MESSAGE_DELETE", {name: first[name] for name in ("id", "channel_id", "guild_id")})
    async for cache in heard.answers():
        entry = await cache.threads.entry(id_of(post))
        assert entry is not None
        assert (entry.payload["message_count"], entry.payload["total_message_sent"]) == (1, 1)
        assert await cache.get_message(id_of(first)) is None


_WITHOUT_CONTENT: typing.Final = pytest.mark.filterwarnings("ignore:without the intent MESSAGE_CONTENT")


@pytest.fixture(params=["all at once", "one by one"])
async def unprivileged(request: pytest.FixtureRequest, sqlite_url: str) -> AsyncIterator[Hearing]:
    intents = hikari.Intents.ALL & ~hikari.Intents.MESSAGE_CONTENT
    async with Hearing(sqlite_url, settled=request.param == "one by one", intents=intents) as heard:
        yield heard


@_WITHOUT_CONTENT
@proves("MESSAGE_UPDATE")
async def test_what_a_bot_may_not_read_erases_nothing(unprivileged: Hearing) -> None:
    guild = payloads.guild(own_user=payloads.own_user(id=ME), members=2)
    await unprivileged.ready(guild)
    message = await say(unprivileged, guild, rich=True)
    nothing: Payload = {"content": "", "embeds": [], "attachments": [], "components": []}
    await unprivileged.hear("MESSAGE_UPDATE", {**message, **nothing, "pinned": True, "mentions": []})
    async for cache in unprivileged.answers():
        assert await payload_of(cache, message) == {**message, "pinned": True, "mentions": []}


@_WITHOUT_CONTENT
@proves("MESSAGE_UPDATE")
@pytest.mark.parametrize("whose", ["own", "to the bot", "direct"])
async def test_what_a_bot_may_read_without_the_intent_is_taken_as_it_is(unprivileged: Hearing, whose: str) -> None:
    guild = payloads.guild(own_user=payloads.own_user(id=ME), members=2)
    await unprivileged.ready(guild)
    me = payloads.own_user(id=ME)
    fields: Payload = {"own": {}, "to the bot": {"mentions": [me]}, "direct": {"guild_id": None}}[whose]
    message = await say(unprivileged, guild, rich=True, **fields)
    if whose == "own":
        message = {**message, "author": me, "mentions": []}
        await unprivileged.hear("MESSAGE_CREATE", message)
    emptied: Payload = {**message, "content": "done", "embeds": [], "components": []}
    await unprivileged.hear("MESSAGE_UPDATE", emptied)
    async for cache in unprivileged.answers():
        assert await payload_of(cache, message) == emptied


@proves("MESSAGE_CREATE")
async def test_a_message_that_one_user_sees_is_not_remembered(heard: Hearing, guild: Payload) -> None:
    message = payloads.message(channel_of(guild)["id"], payloads.user(), flags=1 << 6)
    await heard.hear("MESSAGE_CREATE", message)
    async for cache in heard.answers():
        assert await cache.get_message(id_of(message)) is None
        assert await cache.dm_channels.count() == 0


@proves("MESSAGE_DELETE", "MESSAGE_DELETE_BULK")
async def test_deleted_messages_are_gone(heard: Hearing, guild: Payload) -> None:
    messages = [await say(heard, guild) for _ in range(4)]
    direct = await say(heard, guild, guild_id=None)
    where = {"channel_id": messages[0]["channel_id"], "guild_id": guild["id"]}
    await heard.hear("MESSAGE_DELETE", {**where, "id": messages[0]["id"]})
    await heard.hear("MESSAGE_DELETE", {"channel_id": direct["channel_id"], "id": direct["id"]})
    await heard.hear("MESSAGE_DELETE_BULK", {**where, "ids": [messages[1]["id"], "5", messages[2]["id"]]})
    async for cache in heard.answers():
        assert [await cache.get_message(id_of(message)) for message in (*messages[:3], direct)] == [None] * 4
        assert [message.id async for message in cache.messages.find()] == [id_of(messages[3])]


def tallies(payload: Payload) -> list[tuple[object, ...]]:
    """Return each emoji, its normal and burst counts, and whether the bot is among them."""
    sorts = ("normal", "burst")
    return [
        (each["emoji"]["name"], *(each["count_details"][sort] for sort in sorts), each["me"], each["me_burst"])
        for each in payload["reactions"]
    ]


def reacted(message: Payload, emoji: Payload, user_id: str = "5", **fields: typing.Any) -> Payload:
    where = {"channel_id": message["channel_id"], "guild_id": message["guild_id"], "message_id": message["id"]}
    return {**where, "user_id": user_id, "emoji": emoji, "burst": False, "type": 0, **fields}


@proves("MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE")
async def test_reactions_are_counted_by_emoji_burst_and_me(heard: Hearing, guild: Payload) -> None:
    message = await say(heard, guild)
    reacting = payloads.member(payloads.user())
    renamed = {**_BLOB, "name": "renamed"}
    for fields in (
        {"emoji": _FIRE, "user_id": reacting["user"]["id"], "member": reacting},
        {"emoji": _FIRE, "user_id": ME},
        {"emoji": _FIRE, "user_id": "6", "burst": True, "burst_colors": ["#ffffff"], "type": 1},
        {"emoji": _BLOB, "user_id": ME, "burst": True, "type": 1},
        {"emoji": renamed, "user_id": "6"},
        {"emoji": {"id": None, "name": "👀"}},
    ):
        await heard.hear("MESSAGE_REACTION_ADD", reacted(message, **fields))
    for fields in ({"emoji": _FIRE, "user_id": ME}, {"emoji": {"id": None, "name": "👀"}}, {"emoji": {"id": "9"}}):
        await heard.hear("MESSAGE_REACTION_REMOVE", reacted(message, **fields))
    async for cache in heard.answers():
        payload = await payload_of(cache, message)
        assert tallies(payload) == [("🔥", 1, 1, False, False), ("blob", 1, 1, False, True)]
        assert await cache.get_member(id_of(guild), id_of(reacting["user"])) is not None
        found = await cache.get_message(id_of(message))
        assert found is not None
        assert [(str(each.emoji), each.count, each.is_me) for each in found.reactions] == [
            ("🔥", 2, False),
            ("<:blob:44>", 2, False),
        ]


@proves("MESSAGE_REACTION_REMOVE")
async def test_a_count_never_falls_below_nought(heard: Hearing, guild: Payload) -> None:
    message = await say(heard, guild, reactions=[payloads.reaction(_FIRE, count=1, me=True)])
    for _ in range(2):
        await heard.hear("MESSAGE_REACTION_REMOVE", reacted(message, _FIRE, ME))
    await heard.hear("MESSAGE_REACTION_ADD", reacted(message, _FIRE))
    async for cache in heard.answers():
        assert tallies(await payload_of(cache, message)) == [("🔥", 1, 0, False, False)]


@proves("MESSAGE_REACTION_REMOVE_ALL", "MESSAGE_REACTION_REMOVE_EMOJI")
@pytest.mark.parametrize(
    ("event", "left"), [("MESSAGE_REACTION_REMOVE_ALL", []), ("MESSAGE_REACTION_REMOVE_EMOJI", ["blob"])]
)
async def test_reactions_are_cleared(heard: Hearing, guild: Payload, event: str, left: list[str]) -> None:
    message = await say(heard, guild, reactions=[payloads.reaction(each, count=3) for each in (_FIRE, _BLOB)])
    where = {"channel_id": message["channel_id"], "guild_id": guild["id"], "message_id": message["id"]}
    await heard.hear(event, where if event.endswith("ALL") else {**where, "emoji": _FIRE})
    async for cache in heard.answers():
        assert [each[0] for each in tallies(await payload_of(cache, message))] == left
