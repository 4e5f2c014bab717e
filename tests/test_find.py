"""What can be queried besides columns: metadata, joins, forgetting, permissions; on every engine."""

from __future__ import annotations

import asyncio
import datetime
import typing
from collections.abc import AsyncIterator

import hikari
import pytest
from fakecord import Payload, payloads
from hearing import ME, Hearing

import persist
from persist.sql import SqlStore

_OWN: typing.Final = payloads.own_user(id=ME)


@pytest.fixture
async def asked(engine_url: str) -> AsyncIterator[Hearing]:
    async with Hearing(engine_url) as asked:
        yield asked


def a_guild(members: int = 5, **fields: typing.Any) -> Payload:
    return payloads.guild(own_user=_OWN, members=members, threads=1, voice_states=1, **fields)


def ids(things: typing.Iterable[Payload]) -> set[int]:
    return {int(thing["id"]) for thing in things}


def text_channel(guild: Payload) -> Payload:
    return next(channel for channel in guild["channels"] if channel["type"] == 0)


async def say(heard: Hearing, guild: Payload, channel: str, **fields: typing.Any) -> int:
    message = payloads.message(channel, payloads.user(), guild_id=guild["id"], **fields)
    await heard.hear("MESSAGE_CREATE", message)
    return int(message["id"])


# --------------------------------------------------------------------------------------------------------- metadata


async def test_things_are_found_by_where_and_when_they_were_learned(asked: Hearing) -> None:
    began = datetime.datetime.now(datetime.UTC)
    guild, late = a_guild(), a_guild()
    await asked.ready(guild)
    await asked.cache.flush()
    between = datetime.datetime.now(datetime.UTC)
    chunk = {"guild_id": guild["id"], "members": [payloads.member(payloads.user())], "chunk_index": 0, "chunk_count": 1}
    await asked.hear("GUILD_MEMBERS_CHUNK", chunk)
    await asked.hear("GUILD_CREATE", late)
    chunked = {int(chunk["members"][0]["user"]["id"])}
    cache = asked.cache
    assert {each.id for each in await cache.members.find(source="chunk")} == chunked
    assert await cache.members.count(source=["chunk", "gateway"]) == await cache.members.count() == 11
    assert await cache.members.count(source=persist.not_("gateway")) == 1
    assert set(await cache.guilds.find(first_seen=persist.after(between)).ids()) == ids([late])
    assert set(await cache.guilds.find(updated=persist.before(between)).ids()) == ids([guild])
    assert set(await cache.guilds.find(updated=persist.after(began)).ids()) == ids([guild, late])
    async for entry in cache.guilds.find().entries():
        assert entry.first_seen is not None
        assert entry.first_seen <= entry.last_updated
        assert (entry.last_updated > between) is (entry.payload["id"] == late["id"])
        assert await cache.guilds.count(updated=persist.between(entry.last_updated, entry.last_updated)) == 1
    assert [each.id for each in await cache.guilds.find().order_by("-first_seen")] == [
        int(late["id"]),
        int(guild["id"]),
    ]


async def test_only_what_a_running_session_has_said_is_verified(asked: Hearing) -> None:
    old, new = a_guild(), a_guild()
    await asked.ready(old)
    assert await asked.cache.roles.count(verified=True) == len(old["roles"])
    assert await asked.cache.roles.count(verified=False) == 0
    if asked.url == "memory://":
        return
    await asked.reopen()
    assert await asked.cache.roles.count(verified=True) == 0
    await asked.ready(new, old)
    await asked.cache.flush()
    await asked.cache.flush()
    # Unchanged objects are not written again, but still confirmed.
    assert set(await asked.cache.roles.find(verified=True).ids()) == ids([*new["roles"], *old["roles"]])
    assert await asked.cache.roles.find(verified=False) == []
    for entry in await asked.cache.roles.find(verified=True).entries():
        assert entry.value is not None
        assert entry.verified
        assert entry == await asked.cache.roles.entry(entry.value)


async def test_entries_say_what_is_known_about_knowing_things(asked: Hearing) -> None:
    guild = a_guild()
    await asked.ready(guild)
    found = asked.cache.roles.find(guild=int(guild["id"])).order_by("-position", "name").limit(2)
    entries = await found.entries()
    assert [entry.value and entry.value.id for entry in entries] == [role.id for role in await found]
    for entry in entries:
        assert entry.value is not None
        assert entry == await asked.cache.roles.entry(entry.value)
        assert dict(entry.payload) in guild["roles"]
    members = await asked.cache.members.find().entries()
    assert all(entry.payload["user"]["username"] for entry in members)


# ------------------------------------------------------------------------------------------- what is stored apart


async def test_members_bans_and_voice_states_are_found_by_whose_they_are(asked: Hearing) -> None:
    robot, ann, bob = payloads.user(bot=True), payloads.user(username="ann"), payloads.user(username="bob")
    roles = [payloads.role()]
    guild = {**a_guild(), "roles": roles, "voice_states": []}
    voice = next(channel for channel in guild["channels"] if channel["type"] == 2)
    people = [payloads.member(robot), payloads.member(ann, [roles[0]["id"]], nick="A"), payloads.member(bob)]
    await asked.ready({**guild, "members": people}, {**a_guild(), "members": [payloads.member(ann)]})
    for person in (ann, bob):
        state = payloads.voice_state(person["id"], voice["id"])
        await asked.hear("VOICE_STATE_UPDATE", {**state, "guild_id": guild["id"]})
    await asked.hear("GUILD_BAN_ADD", {"guild_id": guild["id"], "user": payloads.user(username="carl", bot=False)})
    cache, at = asked.cache, int(guild["id"])
    members, bans, voices = cache.members, cache.bans, cache.voice_states

    assert {member.username for member in await members.find(guild=at, is_bot=False)} == {"ann", "bob"}
    assert await members.find(guild=at, is_bot=True).ids() == [int(robot["id"])]
    assert await members.count(is_bot=persist.not_(True)) == await members.count(is_bot=False) == 3
    assert await members.count(is_bot=persist.not_(False)) == await members.count(is_bot=True) == 1
    assert await members.count(username="ann") == 2
    assert await members.count(guild=at, username=["ann", "bob", "x"]) == 2
    assert await members.count(username=persist.startswith("an"), nickname=None) == 1
    assert await members.count(guild=at, username=persist.any_of("bob", persist.contains("nn"))) == 2
    assert await bans.count(username="carl", is_bot=False) == 1
    assert await bans.count(username=persist.not_("carl")) == 0
    assert await voices.find(role_ids=persist.has(int(roles[0]["id"]))).ids() == [int(ann["id"])]
    assert await voices.find(channel=int(voice["id"]), username="bob").ids() == [int(bob["id"])]
    assert await voices.count(nickname=None, is_bot=False) == 1
    assert await members.find(username="ann", guild=at).delete() == 1
    assert await members.count(username="ann") == 1


async def test_what_discord_leaves_out_is_what_it_means(asked: Hearing) -> None:
    told, silent = payloads.user(bot=False), {name: value for name, value in payloads.user().items() if name != "bot"}
    await asked.ready({**a_guild(), "members": [payloads.member(told), payloads.member(silent)]})
    users = asked.cache.users
    assert set(await users.find(is_bot=False).ids()) == ids([told, silent])
    assert set(await users.find(is_bot=[False]).ids()) == ids([told, silent])
    assert set(await users.find(is_bot=persist.any_of(False)).ids()) == ids([told, silent])
    assert await users.find(is_bot=None).ids() == [int(silent["id"])]
    assert await asked.cache.guilds.count(is_unavailable=False) == 1
    assert await asked.cache.channels.count(is_nsfw=False) == await asked.cache.channels.count()


async def test_flags_that_discord_leaves_out_are_none(asked: Hearing) -> None:
    staff = payloads.user(public_flags=1)
    silent = {name: value for name, value in payloads.user().items() if name != "public_flags"}
    members = [payloads.member(each) for each in (_OWN, staff, silent)]
    del members[2]["flags"]
    await asked.ready({**a_guild(), "members": members})
    cache, none, some = asked.cache, ids([_OWN, silent]), ids([_OWN, staff, silent])
    assert {user.id for user in await cache.users.find() if user.flags == hikari.UserFlag.NONE} == none
    matches: dict[typing.Any, set[int]] = {0: none, hikari.UserFlag.NONE: none, persist.at_most(0): none}
    matches |= {persist.between(-1, 0): none, persist.between(1, 2): ids([staff]), persist.at_least(0): some}
    matches |= {persist.has(hikari.UserFlag.NONE): some, persist.has(1): ids([staff]), persist.not_(0): ids([staff])}
    matches |= {persist.any_of(0, 1): some, (0, 1): some, (1,): ids([staff]), None: ids([silent])}
    for wanted, expected in matches.items():
        assert set(await cache.users.find(flags=wanted).ids()) == expected, wanted
        assert set(await cache.members.find(flags=wanted).ids()) == expected, wanted
    assert await cache.members.count(guild_flags=0) == 3


async def test_what_hikari_says_none_of_is_unset(asked: Hearing) -> None:
    guild = a_guild()
    await asked.ready(guild)
    channel = text_channel(guild)["id"]
    said, silent = [await say(asked, guild, channel, content=content) for content in ("a", "")]
    messages = asked.cache.messages
    assert {each.id for each in await messages.find() if each.content is None} == {silent}
    assert await messages.find(content=None).ids() == await messages.find(content="").ids() == [silent]
    assert await messages.find(content=persist.not_(None)).ids() == [said]
    assert await messages.find(content=["a", None]).ids() == [said, silent]
    for most in (0, 5):
        invite = payloads.invite(guild["id"], channel, payloads.user(), max_uses=most)
        await asked.hear("INVITE_CREATE", invite)
    for wanted in (None, 5):
        assert [each.max_uses for each in await asked.cache.invites.find(max_uses=wanted)] == [wanted]


async def test_invites_are_there_or_not_although_they_have_no_ids(asked: Hearing) -> None:
    guild = a_guild()
    await asked.ready(guild)
    invite = payloads.invite(guild["id"], text_channel(guild)["id"], payloads.user())
    assert not await asked.cache.invites.find().exists()
    await asked.hear("INVITE_CREATE", invite)
    assert await asked.cache.invites.find(guild=int(guild["id"])).exists()
    assert not await asked.cache.invites.find(code="another").exists()


async def test_what_is_deleted_here_is_not_all_there_is_any_more(asked: Hearing) -> None:
    guild, other = a_guild(), a_guild()
    await asked.ready(guild, other)
    cache, at = asked.cache, int(guild["id"])
    assert await cache.roles.find(guild=at, name=guild["roles"][-1]["name"]).delete() >= 1
    assert (await cache.completeness(at, persist.ROLES)).state == "partial"
    assert (await cache.completeness(int(other["id"]), persist.ROLES)).state == "complete"
    assert (await cache.completeness(at, persist.CHANNELS)).state == "complete"
    await asked.hear("GUILD_CREATE", guild)
    assert (await cache.completeness(at, persist.ROLES)).is_complete


async def test_who_asks_again_is_answered_again(asked: Hearing) -> None:
    guild = a_guild()
    await asked.ready(guild)
    found = asked.cache.roles.find(guild=int(guild["id"]))
    assert len(await found) == len(guild["roles"])
    await asked.hear("GUILD_ROLE_CREATE", {"guild_id": guild["id"], "role": payloads.role()})
    assert len(await found) == len(guild["roles"]) + 1
    assert len([role async for role in found]) == await found.count() == len(guild["roles"]) + 1


async def test_what_is_found_neither_here_nor_apart_is_refused(asked: Hearing) -> None:
    find: typing.Any = asked.cache.members.find
    with pytest.raises(persist.QueryError, match=r"cannot be found by 'colour'.*stored separately: username, "):
        find(colour=1)
    with pytest.raises(persist.QueryError, match="is_bot is compared with True or False, not with 1"):
        find(is_bot=1)


async def test_what_cannot_be_asked_is_refused_at_once(asked: Hearing) -> None:
    find: typing.Any = asked.cache.messages.find
    for wanted in (
        {"verified": "yes"},
        {"verified": None},
        {"source": 5},
        {"updated": "yesterday"},
        {"first_seen": persist.contains("a")},
        {"epoch": 5},
    ):
        with pytest.raises(persist.QueryError):
            find(**wanted)
    with pytest.raises(persist.QueryError, match="updated"):
        find(whatever=1)
    with pytest.raises(persist.QueryError, match="no ids"):
        await asked.cache.invites.find().ids()


# ------------------------------------------------------------------------------------------------------------- joins


async def test_members_are_found_by_their_roles_and_everybody_has_the_guilds_own(asked: Hearing) -> None:
    guild, other = a_guild(), a_guild()
    await asked.ready(guild, other)
    role = int(guild["roles"][-1]["id"])
    lucky = {**payloads.member(payloads.user(), [str(role)]), "guild_id": guild["id"]}
    await asked.hear("GUILD_MEMBER_ADD", lucky)
    expected = {int(each["user"]["id"]) for each in (*guild["members"], lucky) if str(role) in each["roles"]}
    assert int(lucky["user"]["id"]) in expected
    assert set(await asked.cache.members.with_role(role).ids()) == expected
    everybody = {int(each["user"]["id"]) for each in (*guild["members"], lucky)}
    assert set(await asked.cache.members.with_role(int(guild["id"])).ids()) == everybody
    for has in (role, int(guild["id"])):  # as for hikari's members, who all have the role whose id is the guild's
        those = {(each.guild_id, each.id) for each in await asked.cache.members.find() if has in each.role_ids}
        found = await asked.cache.members.find(role_ids=persist.has(has))
        assert {(each.guild_id, each.id) for each in found} == those
        others = await asked.cache.members.find(role_ids=persist.not_(persist.has(has)))
        assert len(others) == await asked.cache.members.count() - len(those)
        voices = {each.user_id for each in await asked.cache.voice_states.find() if has in each.member.role_ids}
        assert set(await asked.cache.voice_states.find(role_ids=persist.has(has)).ids()) == voices


async def test_mutual_guilds_are_those_that_a_user_is_a_member_of(asked: Hearing) -> None:
    guilds = [a_guild() for _ in range(3)]
    await asked.ready(*guilds)
    user = payloads.user()
    for guild in guilds[:2]:
        await asked.hear("GUILD_MEMBER_ADD", {**payloads.member(user), "guild_id": guild["id"]})
    found = asked.cache.guilds.mutual(int(user["id"]))
    assert set(await found.ids()) == ids(guilds[:2])
    assert {guild.id for guild in await found.order_by("-name")} == ids(guilds[:2])
    assert await found.count() == 2
    assert not await asked.cache.guilds.mutual(1).exists()
    await asked.hear("GUILD_MEMBER_REMOVE", {"user": user, "guild_id": guilds[0]["id"]})
    assert set(await asked.cache.guilds.mutual(int(user["id"])).ids()) == ids(guilds[1:2])


async def test_members_come_with_their_users_as_these_are_now(asked: Hearing) -> None:
    guild, other = a_guild(), a_guild()
    await asked.ready(guild, other)
    await asked.cache.flush()
    user = {**guild["members"][0]["user"], "username": "renamed"}
    at, who = int(guild["id"]), int(user["id"])
    found = {member.id: member.username for member in await asked.cache.members.find(guild=at)}
    assert found == {int(each["user"]["id"]): each["user"]["username"] for each in guild["members"]}
    await asked.hear("GUILD_MEMBER_ADD", {**payloads.member(user), "guild_id": other["id"]})  # waits to be stored
    for _ in range(3):  # from the database, and from memory
        one = await asked.cache.get_member(at, who)
        (many,) = await asked.cache.members.get_many(at, [who])
        assert one is not None
        assert (one.username, many.username) == ("renamed", "renamed")
    assert [each.username for each in await asked.cache.members.find(user=who)] == ["renamed", "renamed"]


async def test_one_question_to_the_database_is_for_a_member_and_its_user(asked: Hearing) -> None:
    guild = a_guild()
    await asked.ready(guild)
    await asked.cache.flush()
    assert asked.cache._engine is not None
    store = asked.cache._engine.store
    select, heard = store.select, list[persist.Select]()
    store.select = lambda query: (heard.append(query), select(query))[1]  # type: ignore[method-assign]
    who = [int(each["user"]["id"]) for each in guild["members"]]
    assert await asked.cache.get_member(int(guild["id"]), who[0])
    assert len(heard) == 1
    assert len(await asked.cache.members.get_many(int(guild["id"]), who)) == len(who)
    assert len(heard) == 2
    assert len(await asked.cache.members.find(guild=int(guild["id"]))) == len(who)
    assert len(heard) == 3
    (state,) = guild["voice_states"]
    assert await asked.cache.get_voice_state(int(guild["id"]), int(state["user_id"]))
    assert len(heard) <= 5  # it belongs to a running session, and its member may be in memory


async def test_a_member_whose_user_cannot_be_read_is_found_by_what_can(asked: Hearing) -> None:
    guild = a_guild()
    await asked.ready(guild)
    await asked.cache.flush()
    assert asked.cache._engine is not None
    broken, whole = (int(each["user"]["id"]) for each in guild["members"][:2])
    store = typing.cast("SqlStore", asked.cache._engine.store._store)
    quote = store.dialect.quote
    sql = f"UPDATE {quote('users')} SET {quote('payload')} = '[]' WHERE {quote('id')} = {broken}"
    await store.run(lambda _: [sql])
    assert await asked.cache.members.get(int(guild["id"]), whole)
    found = await asked.cache.members.find(guild=int(guild["id"])).entries()
    assert {entry.payload["user"]["id"] for entry in found if "user" in entry.payload} >= {str(whole)}
    assert [entry.value for entry in found if "user" not in entry.payload] == [None]
    assert asked.cache.gauges.undecodable["users"] >= 1


async def test_what_cannot_be_read_of_a_page_is_counted_and_the_rest_is_found(sqlite_url: str) -> None:
    async with Hearing(sqlite_url) as heard:
        guild = a_guild()
        await heard.ready(guild)
        await heard.cache.flush()
        assert heard.cache._engine is not None
        store = typing.cast("SqlStore", heard.cache._engine.store._store)
        first, second, *_ = (int(each["user"]["id"]) for each in guild["members"])
        await store.run(
            lambda _: [
                f"UPDATE members SET payload = '{{' WHERE user_id = {first}",
                f"UPDATE users SET payload = '{{' WHERE id = {second}",
            ]
        )
        found = await heard.cache.members.find().entries()
        assert len(found) == len(guild["members"]) - 1
        assert [entry.value for entry in found if "user" not in entry.payload] == [None]
        undecodable = heard.cache.gauges.undecodable
        assert (undecodable["users"], undecodable["members"]) == (1, 2)  # one of them lacks its user
        assert len(await heard.cache.members.find().limit(3)) == 1


async def test_replies_and_children_are_found(asked: Hearing) -> None:
    guild = a_guild()
    await asked.ready(guild)
    channel = str(text_channel(guild)["id"])
    first = await say(asked, guild, channel)
    reference = {"message_id": str(first), "channel_id": channel, "guild_id": guild["id"]}
    replies = {await say(asked, guild, channel, type=19, message_reference=reference) for _ in range(2)}
    await say(asked, guild, channel, type=0, message_reference={**reference, "type": 1})
    assert set(await asked.cache.messages.replies_to(first).ids()) == replies
    category = payloads.category(guild["id"])
    await asked.hear("CHANNEL_CREATE", category)
    children = [payloads.text_channel(guild["id"], parent_id=category["id"], position=n) for n in (2, 0, 1)]
    for child in children:
        await asked.hear("CHANNEL_CREATE", child)
    in_order = [int(child["id"]) for child in sorted(children, key=lambda child: child["position"])]
    assert [each.id for each in await asked.cache.channels.children(int(category["id"]))] == in_order


# -------------------------------------------------------------------------------------------------------- forgetting


async def test_what_is_deleted_is_forgotten_with_all_that_belongs_to_it(asked: Hearing) -> None:
    guild, other = a_guild(), a_guild()
    await asked.ready(guild, other)
    channel, thread = str(text_channel(guild)["id"]), str(guild["threads"][0]["id"])
    said = [await say(asked, guild, channel) for _ in range(3)]
    await say(asked, guild, str(text_channel(other)["id"]))
    assert await asked.cache.messages.find(id=said[:2]).delete() == 2
    assert await asked.cache.get_message(said[0]) is None
    assert set(await asked.cache.messages.find(channel=int(channel)).ids()) == {said[2]}
    assert await asked.cache.messages.find(id=said[0]).delete() == 0
    assert await asked.cache.channels.find(guild=int(guild["id"])).delete() == len(guild["channels"])
    assert await asked.cache.get_message(said[2]) is None
    assert await asked.cache.get_thread(int(thread)) is None
    assert await asked.cache.get_role(int(guild["id"])) is not None
    assert await asked.cache.messages.count() == 1
    before = await asked.stored(int(other["id"])) if asked.url != "memory://" else None
    assert await asked.cache.guilds.find(id=int(guild["id"])).delete() == 1
    for view in (asked.cache.roles, asked.cache.members, asked.cache.voice_states):
        assert await view.count(guild=int(guild["id"])) == 0
        assert await view.count(guild=int(other["id"])) > 0
    if before is not None:
        assert await asked.stored(int(guild["id"])) == {}
        assert await asked.stored(int(other["id"])) == before


async def how_much(asked: Hearing, guild: Payload) -> str:
    """Return how completely the members of a guild are known."""
    return (await asked.cache.completeness(int(guild["id"]), persist.MEMBERS)).state


async def test_a_forgotten_user_leaves_no_trace(asked: Hearing) -> None:
    guilds = [a_guild(), a_guild()]
    await asked.ready(*guilds)
    user = payloads.user()
    for guild in guilds:
        await asked.hear("GUILD_MEMBER_ADD", {**payloads.member(user), "guild_id": guild["id"]})
    await asked.hear("VOICE_STATE_UPDATE", payloads.voice_state(user["id"], "5", guild_id=guilds[0]["id"]))
    members = await asked.cache.members.count()
    other = a_guild()
    await asked.hear("GUILD_CREATE", other)
    assert [await how_much(asked, guild) for guild in (*guilds, other)] == ["complete"] * 3
    assert await asked.cache.users.find(id=int(user["id"])).delete() == 1
    assert [await how_much(asked, guild) for guild in (*guilds, other)] == ["partial", "partial", "complete"]
    for guild in guilds:
        assert await asked.cache.get_member(int(guild["id"]), int(user["id"])) is None
        assert await asked.cache.get_voice_state(int(guild["id"]), int(user["id"])) is None
    assert await asked.cache.members.count() == members - 2 + len(other["members"])
    assert await asked.cache.guilds.mutual(int(user["id"])).count() == 0


async def test_more_than_a_page_is_deleted_and_the_limit_holds(asked: Hearing) -> None:
    guild = a_guild()
    await asked.ready(guild)
    channel = str(text_channel(guild)["id"])
    for _ in range(1203):
        await say(asked, guild, channel)
    oldest = (await asked.cache.messages.find().limit(2).ids())[1]
    assert await asked.cache.messages.find().order_by("id").limit(1).delete() == 1
    assert (await asked.cache.messages.find().limit(1).ids()) == [oldest]
    assert await asked.cache.messages.find(guild=int(guild["id"])).delete() == 1202
    assert await asked.cache.messages.count() == 0


async def test_flags_are_found_by_all_their_bits(asked: Hearing) -> None:
    guild = a_guild()
    await asked.ready(guild)
    channel = text_channel(guild)["id"]
    said = [await say(asked, guild, channel, flags=flags) for flags in (0, 4, 6)]
    flags = hikari.MessageFlag.SUPPRESS_EMBEDS
    assert set(await asked.cache.messages.find(flags=flags).ids()) == {said[1]}
    assert set(await asked.cache.messages.find(flags=persist.has(flags)).ids()) == {*said[1:]}


async def test_many_that_are_asked_for_by_their_ids_leave_the_loop_its_turns() -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    guild = a_guild(members=900)
    async with Hearing("memory://") as heard:
        await heard.ready(guild)
        people = [int(member["user"]["id"]) for member in guild["members"]]
        await heard.cache.flush()
        counting = asyncio.create_task(turn())
        found = await heard.cache.members.get_many(int(guild["id"]), people)
        counting.cancel()
        assert [member.id for member in found] == people
        assert turns >= 4
