"""What the cache answers after events about channels, threads and invites."""

from __future__ import annotations

import typing

import hikari
import pytest
from fakecord import Payload, payloads
from hearing import ME, Hearing, proves


def id_of(thing: Payload) -> int:
    return int(thing["id"])


def channel_of(guild: Payload, kind: int = 0) -> Payload:
    return next(channel for channel in guild["channels"] if channel["type"] == kind)


async def say(heard: Hearing, channel_id: str, guild: Payload, **fields: typing.Any) -> int:
    """Send a message, and return its id."""
    message = payloads.message(channel_id, payloads.user(), guild_id=guild["id"], **fields)
    await heard.hear("MESSAGE_CREATE", message)
    return id_of(message)


async def open_thread(heard: Hearing, guild: Payload, parent: Payload, **fields: typing.Any) -> Payload:
    thread = payloads.thread(guild["id"], parent["id"], guild["owner_id"], **fields)
    await heard.hear("THREAD_CREATE", thread)
    return thread


def archived(thread: Payload) -> Payload:
    return {**thread, "thread_metadata": payloads.thread_metadata(archived=True)}


@proves("CHANNEL_CREATE")
@pytest.mark.parametrize("make", [*payloads.FACTORY_OF_CHANNEL_TYPE.values()], ids=lambda make: make.__name__)
async def test_channels_of_every_type_are_made(
    heard: Hearing, guild: Payload, make: typing.Callable[..., Payload]
) -> None:
    channel = make(guild["id"], name="new")
    await heard.hear("CHANNEL_CREATE", channel)
    async for cache in heard.answers():
        entry = await cache.channels.entry(id_of(channel))
        assert entry is not None
        assert entry.payload == channel
        assert entry.value is not None
        assert (entry.value.name, entry.value.guild_id) == ("new", id_of(guild))


@proves("CHANNEL_CREATE")
async def test_a_channel_of_a_type_that_nobody_knows_is_kept_as_it_was_said(heard: Hearing, guild: Payload) -> None:
    channel = payloads.unknown_channel(guild["id"])
    await heard.hear("CHANNEL_CREATE", channel)
    async for cache in heard.answers():
        entry = await cache.channels.entry(id_of(channel))
        assert entry is not None
        assert (entry.value, entry.payload) == (None, channel)
        assert await cache.get_guild_channel(id_of(channel_of(guild))) is not None


@proves("CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE", "CHANNEL_PINS_UPDATE")
async def test_direct_conversations_are_not_guild_channels(heard: Hearing, guild: Payload) -> None:
    before = await heard.stored()
    direct = payloads.dm_channel(payloads.user())
    for event in ("CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE"):
        await heard.hear(event, direct)
    await heard.hear("CHANNEL_PINS_UPDATE", {"channel_id": direct["id"], "last_pin_timestamp": payloads.iso()})
    assert await heard.stored() == before
    assert len(before) > len(guild["channels"])
    assert heard.cache.quarantine == ()


@proves("CHANNEL_UPDATE")
async def test_an_updated_channel_is_merged(heard: Hearing, guild: Payload) -> None:
    channel = channel_of(guild)
    last = await say(heard, channel["id"], guild)
    update = {name: value for name, value in channel.items() if name not in ("last_message_id", "rate_limit_per_user")}
    await heard.hear("CHANNEL_UPDATE", {**update, "type": 5, "topic": None, "name": "renamed"})
    async for cache in heard.answers():
        entry = await cache.channels.entry(id_of(channel))
        assert entry is not None
        changed = {"type": 5, "topic": None, "name": "renamed", "last_message_id": str(last)}
        assert entry.payload == {**channel, **changed}


@proves("CHANNEL_UPDATE", "THREAD_CREATE", "THREAD_UPDATE")
async def test_a_place_without_a_last_message_is_known_to_have_none(heard: Hearing, guild: Payload) -> None:
    thread = await open_thread(heard, guild, channel_of(guild), last_message_id=None)
    channel = payloads.text_channel(guild["id"], last_message_id=None)
    await heard.hear("CHANNEL_UPDATE", channel)
    async for cache in heard.answers():
        for view, place in ((cache.threads, thread), (cache.channels, channel)):
            entry = await view.entry(id_of(place))
            assert entry is not None
            assert entry.payload == place


@proves("CHANNEL_UPDATE")
async def test_an_update_of_an_unknown_channel_makes_it_known(heard: Hearing, guild: Payload) -> None:
    await heard.hear("CHANNEL_UPDATE", payloads.text_channel(guild["id"], id="77"))
    async for cache in heard.answers():
        assert await cache.get_guild_channel(77) is not None


@proves("CHANNEL_DELETE")
async def test_a_deleted_channel_takes_all_that_was_in_it(heard: Hearing, guild: Payload) -> None:
    channel, voice, other = channel_of(guild), channel_of(guild, 2), channel_of(guild, 5)
    thread = await open_thread(heard, guild, channel)
    old = await open_thread(heard, guild, channel, thread_metadata=payloads.thread_metadata(archived=True))
    beside = await open_thread(heard, guild, other)
    gone = [await say(heard, place["id"], guild) for place in (channel, thread, old)]
    left = [await say(heard, place["id"], guild) for place in (other, beside, voice)]
    for code, place in (("gone", channel), ("left", other)):
        await heard.hear("INVITE_CREATE", payloads.invite(guild["id"], place["id"], payloads.user(), code=code))
    await heard.hear("CHANNEL_DELETE", channel)
    async for cache in heard.answers():
        assert await cache.get_guild_channel(id_of(channel)) is None
        assert [await cache.get_thread(id_of(each)) for each in (thread, old)] == [None, None]
        assert [await cache.get_message(message) for message in gone] == [None, None, None]
        assert (await cache.messages.get_many([*gone, *left])).missing == tuple(gone)
        assert await cache.get_thread(id_of(beside)) is not None
        assert await cache.get_invite("gone") is None
        assert await cache.get_invite("left") is not None
        assert (await cache.get_voice_state(id_of(guild), int(guild["owner_id"])) is not None) is bool(cache._running())
        assert {message.id async for message in cache.messages.find()} == set(left)


@proves("CHANNEL_DELETE")
async def test_a_deleted_voice_channel_takes_its_voice_states_and_no_member(heard: Hearing, guild: Payload) -> None:
    await heard.hear("CHANNEL_DELETE", channel_of(guild, 2))
    async for cache in heard.answers():
        assert await cache.get_voice_state(id_of(guild), int(guild["owner_id"])) is None
        assert await cache.get_member(id_of(guild), int(guild["owner_id"])) is not None
        assert await cache.voice_states.count() == 0


@proves("CHANNEL_DELETE")
async def test_a_deleted_category_frees_its_children(heard: Hearing, guild: Payload) -> None:
    category, child = channel_of(guild, 4), channel_of(guild)
    message = await say(heard, child["id"], guild)
    await heard.hear("CHANNEL_DELETE", category)
    async for cache in heard.answers():
        assert await cache.get_guild_channel(id_of(category)) is None
        freed = await cache.get_guild_channel(id_of(child))
        assert freed is not None
        assert freed.parent_id is None
        assert await cache.get_message(message) is not None
        assert await cache.channels.count(parent_id=id_of(category)) == 0


@proves("CHANNEL_PINS_UPDATE")
@pytest.mark.parametrize("moment", ["2026-01-02T03:04:05.000000+00:00", None])
async def test_pins_are_noted_for_channels_and_threads(heard: Hearing, guild: Payload, moment: str | None) -> None:
    channel, thread = channel_of(guild), guild["threads"][0]
    for place in (channel, thread):
        pins = {"guild_id": guild["id"], "channel_id": place["id"]}
        await heard.hear("CHANNEL_PINS_UPDATE", {**pins, "last_pin_timestamp": "2025-01-01T00:00:00.000000+00:00"})
        await heard.hear("CHANNEL_PINS_UPDATE", {**pins, "last_pin_timestamp": moment})
    async for cache in heard.answers():
        for entry in (await cache.channels.entry(id_of(channel)), await cache.threads.entry(id_of(thread))):
            assert entry is not None
            assert entry.payload["last_pin_timestamp"] == moment
        assert await cache.threads.entry(id_of(channel)) is None
        assert await cache.channels.entry(id_of(thread)) is None


@proves("CHANNEL_PINS_UPDATE")
@pytest.mark.filterwarnings("ignore::hikari.MissingIntentWarning")
@pytest.mark.parametrize("hears", [True, False])
async def test_which_messages_are_pinned_is_unknown_where_nobody_tells(engine_url: str, *, hears: bool) -> None:
    messages = hikari.Intents.GUILD_MESSAGES | hikari.Intents.DM_MESSAGES
    intents = hikari.Intents.ALL if hears else hikari.Intents.ALL & ~messages
    async with Hearing(engine_url, intents=intents) as heard:
        for number, place in ((1, "20"), (2, "20"), (3, "21")):
            told = payloads.message(place, payloads.user(), guild_id="10", id=str(number), pinned=number != 2)
            heard.tell("messages", told, 10)
        heard.tell("messages", payloads.message("22", payloads.user(), id="4", pinned=True), None)
        await heard.hear("CHANNEL_PINS_UPDATE", {"guild_id": "10", "channel_id": "20", "last_pin_timestamp": None})
        await heard.hear("CHANNEL_PINS_UPDATE", {"channel_id": "22", "last_pin_timestamp": None})
        async for cache in heard.answers():
            pinned = await cache.messages.find(is_pinned=True).ids()
            assert sorted(pinned) == ([1, 3, 4] if hears else [3])
            assert await cache.messages.find(is_pinned=None).count() == (0 if hears else 3)
            found = await cache.get_message(1)
            assert found is not None  # hikari needs a value even if it is not known
            assert found.is_pinned is hears


@proves("THREAD_CREATE")
async def test_a_new_post_is_its_forums_last_message(heard: Hearing, guild: Payload) -> None:
    forum, text = channel_of(guild, 15), channel_of(guild)
    own = payloads.thread_member("76", ME)
    post = await open_thread(heard, guild, forum, id="76", newly_created=True, member=own)
    await open_thread(heard, guild, text, id="78", newly_created=True)
    async for cache in heard.answers():
        found = await cache.get_thread(id_of(post))
        assert found is not None
        assert found.member is not None
        assert (found.member.user_id, found.member.thread_id) == (int(ME), 76)
        entry = await cache.channels.entry(id_of(forum))
        assert entry is not None
        assert entry.payload == {**forum, "last_message_id": "76"}
        unchanged = await cache.channels.entry(id_of(text))
        assert unchanged is not None
        assert unchanged.payload == text


@proves("THREAD_CREATE")
async def test_a_known_thread_that_is_told_again_is_merged(heard: Hearing, guild: Payload) -> None:
    thread = guild["threads"][0]
    await heard.hear("THREAD_CREATE", {name: value for name, value in thread.items() if name != "member"})
    async for cache in heard.answers():
        found = await cache.get_thread(id_of(thread))
        assert found is not None
        assert found.member is not None


@proves("THREAD_UPDATE")
async def test_an_updated_thread_is_merged_and_stays_when_archived(heard: Hearing, guild: Payload) -> None:
    thread = guild["threads"][0]
    update = {name: value for name, value in archived(thread).items() if name not in ("member", "message_count")}
    await heard.hear("THREAD_UPDATE", {**update, "name": "renamed"})
    async for cache in heard.answers():
        found = await cache.get_thread(id_of(thread))
        assert found is not None
        assert (found.name, found.is_archived) == ("renamed", True)
        assert found.member is not None
        assert await cache.threads.count(is_archived=True) == 1


@proves("THREAD_DELETE")
async def test_a_deleted_thread_takes_its_messages(heard: Hearing, guild: Payload) -> None:
    thread, other = guild["threads"]
    gone, left = await say(heard, thread["id"], guild), await say(heard, other["id"], guild)
    await heard.hear("THREAD_DELETE", {name: thread[name] for name in ("id", "guild_id", "parent_id", "type")})
    async for cache in heard.answers():
        assert await cache.get_thread(id_of(thread)) is None
        assert await cache.get_message(gone) is None
        assert await cache.get_thread(id_of(other)) is not None
        assert await cache.get_message(left) is not None


@proves("THREAD_LIST_SYNC")
@pytest.mark.parametrize("named", [True, False], ids=["of some channels", "of the guild"])
async def test_a_thread_list_replaces_active_threads(heard: Hearing, guild: Payload, named: bool) -> None:  # noqa: FBT001
    first, second = channel_of(guild), channel_of(guild, 5)
    gone, old = await open_thread(heard, guild, first), await open_thread(heard, guild, first)
    elsewhere = await open_thread(heard, guild, second)
    await heard.hear("THREAD_UPDATE", archived(old))
    message = await say(heard, gone["id"], guild)
    new = payloads.thread(guild["id"], first["id"], guild["owner_id"])
    told = {"guild_id": guild["id"], "threads": [new], "members": [payloads.thread_member(new["id"], ME)]}
    await heard.hear("THREAD_LIST_SYNC", {**told, "channel_ids": [first["id"]]} if named else told)
    async for cache in heard.answers():
        assert await cache.get_thread(id_of(gone)) is None
        kept, found = await cache.get_thread(id_of(old)), await cache.get_thread(id_of(new))
        assert kept is not None
        assert kept.is_archived
        assert found is not None
        assert found.member is not None
        assert found.member.user_id == int(ME)
        assert (await cache.get_thread(id_of(elsewhere)) is not None) is named
        assert await cache.get_message(message) is not None


@proves("THREAD_LIST_SYNC")
async def test_a_named_channel_without_threads_has_none(heard: Hearing, guild: Payload) -> None:
    channel, other = channel_of(guild), channel_of(guild, 5)
    elsewhere = await open_thread(heard, guild, other)
    told = {"guild_id": guild["id"], "channel_ids": [channel["id"]], "threads": [], "members": []}
    await heard.hear("THREAD_LIST_SYNC", told)
    async for cache in heard.answers():
        for thread in guild["threads"]:
            assert await cache.get_thread(id_of(thread)) is None
        assert await cache.get_thread(id_of(elsewhere)) is not None


@proves("THREAD_LIST_SYNC")
async def test_an_empty_list_of_channels_names_none(heard: Hearing, guild: Payload) -> None:
    before = await heard.stored(id_of(guild))
    told = {"guild_id": guild["id"], "channel_ids": [], "threads": [], "members": []}
    await heard.hear("THREAD_LIST_SYNC", told)
    assert await heard.stored(id_of(guild)) == before


@proves("THREAD_MEMBER_UPDATE")
async def test_the_own_membership_of_a_thread_is_noted(heard: Hearing, guild: Payload) -> None:
    thread = guild["threads"][1]
    own = payloads.thread_member(thread["id"], ME, flags=3, guild_id=guild["id"])
    await heard.hear("THREAD_MEMBER_UPDATE", own)
    await heard.hear("THREAD_MEMBER_UPDATE", {**own, "id": "99"})
    async for cache in heard.answers():
        found = await cache.get_thread(id_of(thread))
        assert found is not None
        assert found.member is not None
        assert (found.member.user_id, found.member.flags) == (int(ME), 3)
        assert await cache.get_thread(99) is None


@proves("THREAD_MEMBERS_UPDATE")
async def test_who_joins_and_leaves_a_thread_is_noted(heard: Hearing, guild: Payload) -> None:
    thread, other = guild["threads"]
    joined = payloads.member(payloads.user())
    user_id, own = joined["user"]["id"], payloads.thread_member(other["id"], ME)
    added = {**payloads.thread_member(other["id"], user_id), "member": joined, "presence": payloads.presence(user_id)}
    told = {"guild_id": guild["id"], "member_count": 7}
    await heard.hear("THREAD_MEMBERS_UPDATE", {**told, "id": other["id"], "added_members": [added, own]})
    await heard.hear("THREAD_MEMBERS_UPDATE", {**told, "id": thread["id"], "removed_member_ids": ["5", ME]})
    async for cache in heard.answers():
        left, entered = await cache.get_thread(id_of(thread)), await cache.get_thread(id_of(other))
        assert left is not None
        assert entered is not None
        assert (left.member, left.approximate_member_count, entered.approximate_member_count) == (None, 7, 7)
        assert entered.member is not None
        assert entered.member.user_id == int(ME)
        assert await cache.get_member(id_of(guild), int(user_id)) is not None


@proves("INVITE_CREATE", "INVITE_DELETE")
async def test_invites_come_and_go(heard: Hearing, guild: Payload) -> None:
    invites = [payloads.invite(guild["id"], channel_of(guild)["id"], payloads.user(), code=code) for code in "ab"]
    for invite in invites:
        await heard.hear("INVITE_CREATE", invite)
    await heard.hear("INVITE_DELETE", {name: invites[0][name] for name in ("channel_id", "guild_id", "code")})
    await heard.hear("INVITE_DELETE", {"channel_id": "1", "guild_id": guild["id"], "code": "never heard of"})
    async for cache in heard.answers():
        assert await cache.get_invite("a") is None
        entry = await cache.invites.entry("b")
        assert entry is not None
        assert entry.payload == invites[1]
        assert list(await cache.get_invites_view_for_guild(id_of(guild))) == ["b"]


@proves("INVITE_CREATE")
async def test_an_invite_ends_when_its_time_is_over_although_nobody_says_when(heard: Hearing, guild: Payload) -> None:
    invite = payloads.invite(guild["id"], channel_of(guild)["id"], payloads.user(), code="old")
    invite = {**invite, "created_at": "2020-01-01T00:00:00+00:00", "max_age": 60}
    invite.pop("expires_at", None)
    await heard.hear("INVITE_CREATE", invite)
    await heard.hear("INVITE_CREATE", {**invite, "code": "endless", "max_age": 0})
    async for cache in heard.answers():
        assert await cache.get_invite("old") is None
        assert await cache.get_invite("endless") is not None


@proves("INTERACTION_CREATE")
async def test_an_interaction_names_an_older_last_message_than_the_one_that_was_heard(
    heard: Hearing, guild: Payload
) -> None:
    place = channel_of(guild)
    message = payloads.message(
        place["id"], payloads.user(), guild_id=guild["id"], member=payloads.member(payloads.user())
    )
    await heard.hear("MESSAGE_CREATE", message)
    told = {
        "id": "5",
        "guild_id": guild["id"],
        "token": "t",
        "channel": {**place, "last_message_id": "5", "topic": "new"},
    }
    await heard.hear("INTERACTION_CREATE", told)
    async for cache in heard.answers():
        entry = await cache.channels.entry(id_of(place))
        assert entry is not None
        assert (entry.payload["last_message_id"], entry.payload["topic"]) == (message["id"], "new")
