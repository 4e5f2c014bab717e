"""What the cache answers after events about guilds and their roles, emojis and stickers."""

from __future__ import annotations

import typing
from collections.abc import AsyncIterator

import pytest
from fakecord import Payload, payloads
from hearing import ME, Hearing, proves

import persist

_OWN: typing.Final = payloads.own_user(id=ME)
_LISTS: typing.Final = ("channels", "roles", "emojis", "stickers", "threads", "voice_states", "presences")


def on_shard(number: int, shard: int, **fields: typing.Any) -> Payload:
    """Make a guild whose id belongs to one of two shards."""
    return payloads.guild(id=str((1000 + 2 * number + shard) << 22), own_user=_OWN, members=4, **fields)


def id_of(thing: Payload) -> int:
    return int(thing["id"])


def text_channel_of(guild: Payload) -> str:
    return next(str(channel["id"]) for channel in guild["channels"] if channel["type"] == 0)


async def say(heard: Hearing, channel_id: str, guild: Payload | None, shard: int = 0) -> int:
    """Send a message, and return its id."""
    guild_id = None if guild is None else guild["id"]
    message = payloads.message(channel_id, payloads.user(), guild_id=guild_id)
    await heard.hear("MESSAGE_CREATE", message, shard=shard)
    return id_of(message)


@pytest.fixture
async def two_shards(request: pytest.FixtureRequest, sqlite_url: str) -> AsyncIterator[Hearing]:
    async with Hearing(sqlite_url, shards=2, settled=getattr(request, "param", False)) as heard:
        yield heard


@proves("READY")
@pytest.mark.parametrize("two_shards", [False, True], indirect=True)
async def test_ready_forgets_the_lost_guilds_of_its_own_shard_and_nothing_else(two_shards: Hearing) -> None:
    heard = two_shards
    lost, kept, neighbour = on_shard(0, 0), on_shard(1, 0), on_shard(0, 1)
    await heard.ready(lost, kept)
    await heard.ready(neighbour, shard=1)
    written = {guild["id"]: await say(heard, text_channel_of(guild), guild) for guild in (lost, kept, neighbour)}
    in_thread = await say(heard, lost["threads"][0]["id"], lost)
    direct = await say(heard, "12345", None)
    before = await heard.stored(id_of(neighbour))
    await heard.hear("READY", {**_ready(kept), "session_id": "another"})
    async for cache in heard.answers():
        assert await cache.get_guild(id_of(lost)) is None
        assert await cache.get_message(in_thread) is None
        assert await cache.get_message(written[lost["id"]]) is None
        assert await cache.get_message(written[kept["id"]]) is not None
        assert await cache.get_message(written[neighbour["id"]]) is not None
        assert await cache.get_message(direct) is not None
        assert await cache.get_member(id_of(lost), int(ME)) is None
        assert await cache.get_member(id_of(kept), int(ME)) is not None
        assert await cache.get_unavailable_guild(id_of(kept)) is not None
        assert await cache.get_available_guild(id_of(neighbour)) is not None
        assert await cache.get_user(int(lost["owner_id"])) is not None
        assert await heard.stored(id_of(lost)) == {}
        assert await heard.stored(id_of(neighbour)) == before
        assert {channel.id for channel in await cache.channels.find(guild_id=id_of(kept))} <= {
            id_of(channel) for channel in kept["channels"]
        }


def _ready(*guilds: Payload) -> Payload:
    return {
        "v": 10,
        "user": _OWN,
        "session_id": "one",
        "resume_gateway_url": "wss://localhost",
        "guilds": [{"id": guild["id"], "unavailable": True} for guild in guilds],
    }


@proves("READY")
async def test_ready_without_guilds_forgets_all_of_the_shard(heard: Hearing, guild: Payload) -> None:
    await say(heard, text_channel_of(guild), guild)
    await heard.hear("READY", _ready())
    async for cache in heard.answers():
        assert await cache.get_guild(id_of(guild)) is None
        assert await heard.stored(id_of(guild)) == {}
        assert await cache.get_user(int(guild["owner_id"])) is not None


@proves("READY")
async def test_ready_ends_what_is_true_for_one_session_only(two_shards: Hearing) -> None:
    mine, neighbour = on_shard(0, 0), on_shard(0, 1)
    await two_shards.ready(mine)
    await two_shards.ready(neighbour, shard=1)
    await two_shards.hear("READY", _ready(mine))
    user, other = int(mine["owner_id"]), int(neighbour["owner_id"])
    async for cache in two_shards.answers():
        assert await cache.get_presence(id_of(mine), user) is None
        assert await cache.get_voice_state(id_of(mine), user) is None
        # A reopened cache has no session that they belong to.
        lives = bool(cache._running())
        assert (await cache.get_presence(id_of(neighbour), other) is not None) is lives
        assert (await cache.get_voice_state(id_of(neighbour), other) is not None) is lives
        assert await cache.get_member(id_of(mine), user) is not None


@proves("READY")
async def test_ready_tells_who_the_bot_is(heard: Hearing) -> None:
    await heard.hear("READY", _ready())
    async for cache in heard.answers():
        me = await cache.get_me()
        assert me is not None
        assert (me.id, me.username) == (int(ME), _OWN["username"])


@proves("RESUMED")
async def test_a_resumed_session_changes_nothing(heard: Hearing, guild: Payload) -> None:
    before = await heard.stored()
    await heard.hear("RESUMED", {"_trace": []})
    assert await heard.stored() == before
    assert len(before) > len(guild["members"])


@proves("GUILD_CREATE")
async def test_a_created_guild_is_known_with_all_that_it_has(heard: Hearing, guild: Payload) -> None:
    async for cache in heard.answers():
        assert (await cache.guilds.entry(id_of(guild))) is not None
        for kind in ("channels", "threads", "roles", "emojis", "stickers"):
            view: persist.View[typing.Any] = getattr(cache, kind)
            for thing in guild[kind]:
                entry = await view._entry((id_of(thing),))
                assert entry is not None
                assert entry.payload == thing
        for member in guild["members"]:
            found = await cache.get_member(id_of(guild), id_of(member["user"]))
            assert found is not None
            assert found.user.global_name == member["user"]["global_name"]
        for state in guild["voice_states"]:
            found = await cache.get_voice_state(id_of(guild), int(state["user_id"]))
            assert (found is not None) is bool(cache._running())
        for presence in guild["presences"]:
            assert (await cache.get_presence(id_of(guild), id_of(presence["user"])) is not None) is bool(
                cache._running()
            )


@proves("GUILD_CREATE")
async def test_empty_lists_of_a_created_guild_clear_but_members_are_merged(heard: Hearing, guild: Payload) -> None:
    channel = text_channel_of(guild)
    message, in_thread = await say(heard, channel, guild), await say(heard, guild["threads"][0]["id"], guild)
    await heard.hear("INVITE_CREATE", payloads.invite(guild["id"], channel, payloads.user(), code="gone"))
    await heard.hear("GUILD_CREATE", {**guild, **{name: [] for name in _LISTS}, "members": guild["members"][1:2]})
    async for cache in heard.answers():
        assert await cache.get_message(message) is None
        assert await cache.get_message(in_thread) is None
        assert await cache.get_invite("gone") is None
        for name in _LISTS:
            assert await getattr(cache, name).count(guild_id=id_of(guild)) == 0
        assert await cache.members.count(guild_id=id_of(guild)) == len(guild["members"])


@proves("GUILD_CREATE")
async def test_absent_lists_of_a_created_guild_keep_what_is_known(heard: Hearing, guild: Payload) -> None:
    before = await heard.stored(id_of(guild))
    await heard.hear("GUILD_CREATE", {name: value for name, value in guild.items() if name not in (*_LISTS, "members")})
    async for _ in heard.answers():
        assert await heard.stored(id_of(guild)) == before


@proves("GUILD_CREATE")
async def test_what_is_not_listed_any_more_is_gone_with_all_that_was_in_it(heard: Hearing, guild: Payload) -> None:
    gone, *left = guild["channels"][1:]
    message = await say(heard, gone["id"], guild)
    thread = payloads.thread(guild["id"], gone["id"], guild["owner_id"], id="77")
    await heard.hear("THREAD_CREATE", thread)
    in_thread = await say(heard, "77", guild)
    await heard.hear("GUILD_CREATE", {**guild, "channels": left, "roles": guild["roles"][:1], "threads": []})
    async for cache in heard.answers():
        assert await cache.channels.entry(id_of(gone)) is None
        assert await cache.get_message(message) is None
        assert await cache.get_message(in_thread) is None
        assert await cache.get_thread(77) is None
        for channel in left:
            assert await cache.channels.entry(id_of(channel)) is not None
        assert await cache.roles.count(guild_id=id_of(guild)) == 1


@proves("GUILD_CREATE")
async def test_archived_threads_survive_a_created_guild(heard: Hearing, guild: Payload) -> None:
    first, second = guild["threads"]
    archived = {name: value for name, value in first.items() if name != "member"}
    archived["thread_metadata"] = payloads.thread_metadata(archived=True)
    await heard.hear("THREAD_UPDATE", archived)
    message = await say(heard, second["id"], guild)
    await heard.hear("GUILD_CREATE", {**guild, "threads": []})
    async for cache in heard.answers():
        kept = await cache.get_thread(id_of(first))
        assert kept is not None
        assert kept.is_archived
        assert kept.member is not None
        assert await cache.get_thread(id_of(second)) is None
        assert await cache.get_message(message) is not None


@proves("GUILD_CREATE", "GUILD_DELETE")
@pytest.mark.parametrize("event", ["GUILD_CREATE", "GUILD_DELETE"])
async def test_an_outage_keeps_everything(heard: Hearing, guild: Payload, event: str) -> None:
    before = await heard.stored(id_of(guild))
    await heard.hear(event, {"id": guild["id"], "unavailable": True})
    async for cache in heard.answers():
        assert await cache.get_available_guild(id_of(guild)) is None
        assert await cache.get_unavailable_guild(id_of(guild)) is not None
        assert await cache.get_member(id_of(guild), int(guild["owner_id"])) is not None
        assert await heard.stored(id_of(guild)) == before
    await heard.hear("GUILD_CREATE", guild)
    assert await heard.cache.get_available_guild(id_of(guild)) is not None


@proves("GUILD_CREATE", "GUILD_DELETE")
async def test_an_outage_of_a_guild_that_nobody_knows_makes_no_ghost(heard: Hearing, guild: Payload) -> None:
    before = await heard.stored()
    for event in ("GUILD_CREATE", "GUILD_DELETE"):
        await heard.hear(event, {"id": "5", "unavailable": True})
    assert await heard.stored() == before
    assert await heard.cache.guilds.count() == 1
    assert id_of(guild) != 5


@proves("GUILD_CREATE", "GUILD_MEMBERS_CHUNK")
async def test_a_second_start_keeps_1001_of_1001_members_of_a_large_guild(heard: Hearing) -> None:
    guild = payloads.guild(own_user=_OWN, members=3, large=True, member_count=1001)
    people = [*guild["members"], *(payloads.member(payloads.user()) for _ in range(998))]
    await heard.ready(guild)
    for index, start in enumerate((0, 1000)):
        chunk = {"guild_id": guild["id"], "members": people[start : start + 1000], "chunk_index": index}
        await heard.hear("GUILD_MEMBERS_CHUNK", {**chunk, "chunk_count": 2, "not_found": []})
    await heard.reopen()
    await heard.ready({**guild, "members": guild["members"][1:2], "presences": []})
    async for cache in heard.answers():
        assert await cache.members.count(guild_id=id_of(guild)) == 1001
        found = await cache.members.get_many(id_of(guild), [id_of(member["user"]) for member in people])
        assert (len(found), found.missing) == (1001, ())


@proves("GUILD_UPDATE")
async def test_an_updated_guild_keeps_what_only_its_creation_says(heard: Hearing, guild: Payload) -> None:
    creation = ("joined_at", "large", "member_count", "unavailable", *_LISTS, "members")
    update = {name: value for name, value in guild.items() if name not in creation}
    await heard.hear("GUILD_UPDATE", {**update, "name": "Renamed", "description": None, "roles": guild["roles"][:2]})
    async for cache in heard.answers():
        found = await cache.get_guild(id_of(guild))
        assert found is not None
        assert (found.name, found.member_count, found.description) == ("Renamed", guild["member_count"], None)
        assert found.joined_at is not None
        assert await cache.get_available_guild(id_of(guild)) is not None
        assert await cache.get_role(id_of(guild["roles"][2])) is None
        assert await cache.roles.count(guild_id=id_of(guild)) == 2
        assert await cache.emojis.count(guild_id=id_of(guild)) == len(guild["emojis"])
        assert await cache.members.count(guild_id=id_of(guild)) == len(guild["members"])


@proves("GUILD_UPDATE")
async def test_empty_lists_of_an_updated_guild_clear(heard: Hearing, guild: Payload) -> None:
    await heard.hear("GUILD_UPDATE", {"id": guild["id"], "roles": [], "emojis": [], "stickers": []})
    async for cache in heard.answers():
        for kind in ("roles", "emojis", "stickers"):
            assert await getattr(cache, kind)._get((id_of(guild[kind][0]),)) is None
            assert await getattr(cache, kind).count(guild_id=id_of(guild)) == 0


@proves("GUILD_DELETE")
async def test_a_guild_that_was_left_is_gone_with_everything(heard: Hearing, guild: Payload) -> None:
    other = payloads.guild(own_user=_OWN, members=3)
    await heard.hear("GUILD_CREATE", other)
    channel = text_channel_of(guild)
    message, in_thread = await say(heard, channel, guild), await say(heard, guild["threads"][0]["id"], guild)
    await heard.hear("INVITE_CREATE", payloads.invite(guild["id"], channel, payloads.user(), code="gone"))
    await heard.hear("GUILD_DELETE", {"id": guild["id"]})
    async for cache in heard.answers():
        assert await cache.get_guild(id_of(guild)) is None
        assert await cache.get_message(message) is None
        assert await cache.get_message(in_thread) is None
        assert await cache.get_invite("gone") is None
        assert await cache.get_member(id_of(guild), int(ME)) is None
        assert await cache.get_member(id_of(other), int(ME)) is not None
        assert await cache.get_user(int(guild["owner_id"])) is not None
        assert await heard.stored(id_of(guild)) == {}
        assert len(await heard.stored(id_of(other))) > 20


@proves("GUILD_ROLE_CREATE", "GUILD_ROLE_UPDATE")
async def test_roles_are_made_and_changed(heard: Hearing, guild: Payload) -> None:
    role = payloads.role(name="new", unicode_emoji="🐙")
    await heard.hear("GUILD_ROLE_CREATE", {"guild_id": guild["id"], "role": role})
    await heard.hear("GUILD_ROLE_UPDATE", {"guild_id": guild["id"], "role": {**guild["roles"][1], "name": "changed"}})
    async for cache in heard.answers():
        made, changed = await cache.get_role(id_of(role)), await cache.get_role(id_of(guild["roles"][1]))
        assert made is not None
        assert changed is not None
        assert (made.name, made.unicode_emoji, made.guild_id) == ("new", "🐙", id_of(guild))
        assert changed.name == "changed"


@proves("GUILD_ROLE_DELETE")
async def test_a_deleted_role_leaves_members_overwrites_and_emojis(heard: Hearing, guild: Payload) -> None:
    role, other = guild["roles"][1]["id"], guild["roles"][2]["id"]
    member = payloads.member(payloads.user(), [role, other])
    emoji = payloads.emoji(roles=[role, other])
    channel = payloads.text_channel(guild["id"], permission_overwrites=[payloads.overwrite(role)])
    await heard.hear("GUILD_MEMBER_ADD", {**member, "guild_id": guild["id"]})
    await heard.hear("GUILD_EMOJIS_UPDATE", {"guild_id": guild["id"], "emojis": [emoji]})
    await heard.hear("CHANNEL_CREATE", channel)
    await heard.hear("GUILD_MEMBER_UPDATE", {"guild_id": guild["id"], "user": member["user"], "nick": "pending"})
    await heard.hear("GUILD_ROLE_DELETE", {"guild_id": guild["id"], "role_id": role})
    async for cache in heard.answers():
        assert await cache.get_role(int(role)) is None
        stripped = await cache.get_member(id_of(guild), id_of(member["user"]))
        assert stripped is not None
        assert int(role) not in stripped.role_ids
        assert int(other) in stripped.role_ids
        assert stripped.nickname == "pending"
        found = await cache.get_emoji(id_of(emoji))
        assert found is not None
        assert found.role_ids == [int(other)]
        there = await cache.get_guild_channel(id_of(channel))
        assert there is not None
        assert there.permission_overwrites == {}
        assert await cache.members.count(role_ids=persist.has(int(role))) == 0


@proves("GUILD_EMOJIS_UPDATE", "GUILD_STICKERS_UPDATE")
@pytest.mark.parametrize("size", [0, 1, 3])
@pytest.mark.parametrize("kind", ["emojis", "stickers"])
async def test_emojis_and_stickers_are_replaced_as_a_set(heard: Hearing, guild: Payload, kind: str, size: int) -> None:
    make = payloads.emoji if kind == "emojis" else lambda **fields: payloads.sticker(guild["id"], **fields)
    kept = {**guild[kind][0], "name": "renamed"}
    new = [kept, *(make() for _ in range(2))][:size]
    await heard.hear(f"GUILD_{kind.upper()}_UPDATE", {"guild_id": guild["id"], kind: new})
    async for cache in heard.answers():
        view = getattr(cache, kind)
        for thing in guild[kind][1:]:
            assert await view.get(id_of(thing)) is None
        found = {each.id: each.name async for each in view.find(guild_id=id_of(guild))}
        assert found == {id_of(thing): thing["name"] for thing in new}
