"""What the cache answers after events about members, users, presences and voice."""

from __future__ import annotations

import typing

import pytest
from fakecord import Payload, payloads
from hearing import ME, Hearing, proves


def id_of(thing: Payload) -> int:
    return int(thing["id"])


def voice_channel_of(guild: Payload) -> str:
    return next(str(channel["id"]) for channel in guild["channels"] if channel["type"] == 2)


def someone_of(guild: Payload) -> Payload:
    """Return a member who is online and in a voice channel."""
    return typing.cast("Payload", guild["members"][0])


def told(guild: Payload, member: Payload, **fields: typing.Any) -> Payload:
    return {**member, "guild_id": guild["id"], **fields}


@proves("GUILD_MEMBER_ADD")
async def test_a_member_who_is_added_twice_is_one_member(heard: Hearing, guild: Payload) -> None:
    member = payloads.member(payloads.user(), [guild["roles"][1]["id"]])
    await heard.hear("GUILD_MEMBER_ADD", told(guild, member))
    await heard.hear("GUILD_MEMBER_ADD", told(guild, member, nick="again"))
    async for cache in heard.answers():
        found = await cache.get_member(id_of(guild), id_of(member["user"]))
        assert found is not None
        assert (found.nickname, found.username) == ("again", member["user"]["username"])
        assert await cache.get_user(id_of(member["user"])) is not None
        assert await cache.members.count(guild_id=id_of(guild)) == len(guild["members"]) + 1


@proves("GUILD_MEMBER_UPDATE")
async def test_an_updated_member_keeps_what_is_absent_and_loses_what_is_null(heard: Hearing, guild: Payload) -> None:
    member = payloads.member(payloads.user(), nick="before", premium_since=payloads.iso(), mute=True, deaf=True)
    await heard.hear("GUILD_MEMBER_ADD", told(guild, member))
    user = {**member["user"], "username": "renamed"}
    update = {"guild_id": guild["id"], "user": user, "roles": [], "joined_at": None, "nick": None, "flags": 2}
    await heard.hear("GUILD_MEMBER_UPDATE", update)
    async for cache in heard.answers():
        entry = await cache.members.entry(id_of(guild), id_of(user))
        assert entry is not None
        assert entry.payload == told(guild, member, user=user, nick=None, flags=2)
        found = await cache.get_user(id_of(user))
        assert found is not None
        assert found.username == "renamed"


@proves("GUILD_MEMBER_UPDATE")
async def test_a_user_who_is_renamed_is_renamed_in_every_guild(heard: Hearing, guild: Payload) -> None:
    other = payloads.guild(own_user=payloads.own_user(id=ME), members=2)
    await heard.hear("GUILD_CREATE", other)
    own = {**other["members"][1]["user"], "username": "renamed"}
    await heard.hear("GUILD_MEMBER_UPDATE", {"guild_id": guild["id"], "user": own, "roles": []})
    async for cache in heard.answers():
        for place in (guild, other):
            found = await cache.get_member(id_of(place), int(ME))
            assert found is not None
            assert found.username == "renamed"


@proves("GUILD_MEMBER_UPDATE")
@pytest.mark.parametrize("fields", [{}, {"joined_at": None}], ids=["a member", "a guest"])
async def test_an_update_of_an_unknown_member_makes_it_known(heard: Hearing, guild: Payload, fields: Payload) -> None:
    member = payloads.member(payloads.user())
    await heard.hear("GUILD_MEMBER_UPDATE", told(guild, member, **fields))
    async for cache in heard.answers():
        assert await cache.get_member(id_of(guild), id_of(member["user"])) is not None


@proves("GUILD_MEMBER_REMOVE", "PRESENCE_UPDATE")
async def test_a_removed_member_is_gone_and_a_late_presence_brings_nobody_back(heard: Hearing, guild: Payload) -> None:
    user = someone_of(guild)["user"]
    message = payloads.message(guild["channels"][1]["id"], user, guild_id=guild["id"])
    await heard.hear("MESSAGE_CREATE", message)
    await heard.hear("GUILD_MEMBER_REMOVE", {"guild_id": guild["id"], "user": user})
    async for cache in heard.answers():
        assert await cache.get_member(id_of(guild), id_of(user)) is None
        assert await cache.get_presence(id_of(guild), id_of(user)) is None
        assert await cache.get_voice_state(id_of(guild), id_of(user)) is None
        assert await cache.get_user(id_of(user)) is not None
        assert await cache.get_message(id_of(message)) is not None
    await heard.hear("PRESENCE_UPDATE", {**payloads.presence(user["id"]), "guild_id": guild["id"]})
    stranger = {**payloads.presence("77"), "guild_id": guild["id"], "user": {"id": "77", "username": "stranger"}}
    await heard.hear("PRESENCE_UPDATE", stranger)
    async for cache in heard.answers():
        assert await cache.get_member(id_of(guild), id_of(user)) is None
        assert await cache.get_member(id_of(guild), 77) is None
        assert await cache.get_user(77) is None


@proves("GUILD_MEMBER_REMOVE", "VOICE_STATE_UPDATE")
async def test_leaving_voice_after_leaving_the_guild_brings_nobody_back(heard: Hearing, guild: Payload) -> None:
    member = someone_of(guild)
    await heard.hear("GUILD_MEMBER_REMOVE", {"guild_id": guild["id"], "user": member["user"]})
    left = payloads.voice_state(member["user"]["id"], None, guild_id=guild["id"], member=member)
    await heard.hear("VOICE_STATE_UPDATE", left)
    async for cache in heard.answers():
        assert await cache.get_member(id_of(guild), id_of(member["user"])) is None
        assert await cache.get_voice_state(id_of(guild), id_of(member["user"])) is None


@proves("GUILD_MEMBER_REMOVE", "MESSAGE_CREATE", "TYPING_START")
@pytest.mark.parametrize("late", ["alone", "in a burst"])
async def test_what_somebody_did_before_leaving_brings_nobody_back(
    monkeypatch: pytest.MonkeyPatch, heard: Hearing, guild: Payload, late: str
) -> None:
    monkeypatch.setattr("persist.bursts._CLOSE", float("inf" if late == "in a burst" else 0))
    member, text = someone_of(guild), guild["channels"][0]["id"]
    where, part = {"guild_id": guild["id"], "channel_id": text}, payloads.partial_member(member)
    said = [payloads.message(text, member["user"], guild_id=guild["id"], member=part) for _ in range(3)]
    typing_start = {**where, "user_id": member["user"]["id"], "timestamp": 1, "member": member}
    await heard.hear("GUILD_MEMBER_REMOVE", {"guild_id": guild["id"], "user": member["user"]})
    for message in said:
        heard.consume("MESSAGE_CREATE", {**message, "channel_type": 0})
    await heard.hear("TYPING_START", typing_start)
    async for cache in heard.answers():
        assert await cache.get_member(id_of(guild), id_of(member["user"])) is None
        assert await cache.get_user(id_of(member["user"])) is not None
        assert await cache.get_message(id_of(said[0])) is not None
    await heard.hear("GUILD_MEMBER_ADD", {**member, "guild_id": guild["id"]})
    assert await heard.cache.get_member(id_of(guild), id_of(member["user"])) is not None


@proves("GUILD_MEMBERS_CHUNK")
async def test_a_chunk_adds_and_forgets_nobody(heard: Hearing, guild: Payload) -> None:
    members = [payloads.member(payloads.user()) for _ in range(3)]
    online = members[0]["user"]["id"]
    chunk = {"guild_id": guild["id"], "members": members, "chunk_index": 0, "chunk_count": 1, "nonce": "n"}
    await heard.hear(
        "GUILD_MEMBERS_CHUNK",
        {**chunk, "presences": [payloads.presence(online)], "not_found": [guild["members"][2]["user"]["id"]]},
    )
    async for cache in heard.answers():
        for member in members:
            entry = await cache.members.entry(id_of(guild), id_of(member["user"]))
            assert entry is not None
            assert (entry.payload, entry.source) == (member, "chunk")
        assert (await cache.get_presence(id_of(guild), int(online)) is not None) is bool(cache._running())
        assert await cache.members.count(guild_id=id_of(guild)) == len(guild["members"]) + 3


@proves("PRESENCE_UPDATE")
async def test_a_presence_is_replaced_and_forgotten_when_offline(heard: Hearing, guild: Payload) -> None:
    first, second = (member["user"]["id"] for member in guild["members"][:2])
    idle = {**payloads.presence(first, "idle", activities=[]), "guild_id": guild["id"]}
    await heard.hear("PRESENCE_UPDATE", idle)
    await heard.hear("PRESENCE_UPDATE", {**payloads.presence(second, "offline"), "guild_id": guild["id"]})
    async for cache in heard.answers():
        entry = await cache.presences.entry(id_of(guild), int(first))
        assert (entry.payload if entry else None) == (idle if cache._running() else None)
        assert await cache.get_presence(id_of(guild), int(second)) is None
        assert await cache.get_member(id_of(guild), int(second)) is not None


@proves("GUILD_CREATE")
async def test_who_is_listed_as_offline_has_no_presence(heard: Hearing, guild: Payload) -> None:
    online, offline = (member["user"]["id"] for member in guild["members"][:2])
    listed = [payloads.presence(online), payloads.presence(offline, "offline", activities=[], client_status={})]
    await heard.hear("GUILD_CREATE", {**guild, "presences": listed})
    async for cache in heard.answers():
        present = {int(online)} if cache._running() else set()
        assert {presence.user_id async for presence in cache.presences.find()} == present
        assert await cache.get_presence(id_of(guild), int(offline)) is None


@proves("PRESENCE_UPDATE")
async def test_a_presence_tells_only_what_it_knows_of_its_user(heard: Hearing, guild: Payload) -> None:
    user = someone_of(guild)["user"]
    part = {"id": user["id"], "username": "renamed", "global_name": None}
    await heard.hear("PRESENCE_UPDATE", {**payloads.presence(user["id"]), "guild_id": guild["id"], "user": part})
    async for cache in heard.answers():
        entry = await cache.users.entry(id_of(user))
        assert entry is not None
        assert entry.payload == {**user, "username": "renamed"}


@proves("VOICE_STATE_UPDATE")
async def test_voice_states_come_change_and_go(heard: Hearing, guild: Payload) -> None:
    channel = voice_channel_of(guild)
    gone, changed, new = guild["members"][0], guild["members"][1], payloads.member(payloads.user())
    for member, place in ((gone, None), (changed, channel), (new, channel)):
        state = payloads.voice_state(member["user"]["id"], place, self_mute=True, member=member, guild_id=guild["id"])
        await heard.hear("VOICE_STATE_UPDATE", state)
    async for cache in heard.answers():
        assert await cache.get_voice_state(id_of(guild), id_of(gone["user"])) is None
        assert await cache.get_member(id_of(guild), id_of(gone["user"])) is not None
        assert await cache.get_member(id_of(guild), id_of(new["user"])) is not None
        if not cache._running():  # reopened, it has no session yet
            continue
        for member in (changed, new):
            found = await cache.get_voice_state(id_of(guild), id_of(member["user"]))
            assert found is not None
            assert (found.channel_id, found.is_self_muted) == (int(channel), True)
            assert found.member is not None
            assert found.member.username == member["user"]["username"]
        assert len(await cache.get_voice_states_view_for_channel(id_of(guild), int(channel))) == 2


@proves("VOICE_STATE_UPDATE")
async def test_a_voice_state_of_a_private_call_is_none_of_a_guilds(heard: Hearing, guild: Payload) -> None:
    before = await heard.stored()
    await heard.hear("VOICE_STATE_UPDATE", {**payloads.voice_state("5", "6"), "guild_id": None})
    await heard.hear("VOICE_STATE_UPDATE", payloads.voice_state("5", "6"))
    assert await heard.stored() == before
    assert await heard.cache.voice_states.count() == len(guild["voice_states"])


@proves("USER_UPDATE")
async def test_the_own_user_is_merged(heard: Hearing, guild: Payload) -> None:
    await heard.hear("USER_UPDATE", {"id": ME, "username": "renamed", "discriminator": "0", "avatar": None})
    async for cache in heard.answers():
        me, member = await cache.get_me(), await cache.get_member(id_of(guild), int(ME))
        assert me is not None
        assert member is not None
        assert (me.username, me.is_mfa_enabled, member.username) == ("renamed", True, "renamed")


@proves("TYPING_START")
async def test_who_types_is_learned_of(heard: Hearing, guild: Payload) -> None:
    member = payloads.member(payloads.user())
    typing_ = {"channel_id": "1", "user_id": member["user"]["id"], "timestamp": 1_700_000_000}
    await heard.hear("TYPING_START", {**typing_, "guild_id": guild["id"], "member": member})
    await heard.hear("TYPING_START", {**typing_, "user_id": "77"})
    async for cache in heard.answers():
        assert await cache.get_member(id_of(guild), id_of(member["user"])) is not None
        assert await cache.get_user(77) is None


def interaction(**fields: typing.Any) -> Payload:
    secret = "a token that must not be kept"
    return {"id": "1", "application_id": ME, "type": 2, "token": secret, "version": 1, "channel_id": "3", **fields}


@proves("INTERACTION_CREATE")
@pytest.mark.parametrize(("owners", "ours"), [(None, True), ({"0": "8"}, True), ({"1": "9"}, False)])
async def test_who_interacts_is_learned_of_and_the_token_is_not(
    heard: Hearing, guild: Payload, owners: Payload | None, *, ours: bool
) -> None:
    member = payloads.member(payloads.user(), permissions="8")
    fields: Payload = {"guild_id": guild["id"] if ours else "4444", "member": member}
    if owners is not None:
        fields["authorizing_integration_owners"] = owners
    await heard.hear("INTERACTION_CREATE", interaction(**fields))
    await heard.hear("INTERACTION_CREATE", interaction(user=payloads.user(id="77")))
    async for cache in heard.answers():
        assert (await cache.get_member(id_of(guild), id_of(member["user"])) is not None) is ours
        assert await cache.get_user(id_of(member["user"])) is not None
        assert await cache.get_user(77) is not None
        assert await cache.get_guild(4444) is None
        stored = await heard.stored()
        assert not any(guild_id == 4444 for _, (guild_id, *_) in stored)
        assert "a token that must not be kept" not in str(stored)
        assert "permissions" not in stored.get(("members", (id_of(guild), id_of(member["user"]))), {})


@proves("GUILD_MEMBER_REMOVE", "PRESENCE_UPDATE", "GUILD_MEMBER_UPDATE", "GUILD_MEMBER_ADD")
async def test_what_comes_after_a_member_has_left_brings_nobody_back(heard: Hearing, guild: Payload) -> None:
    member = guild["members"][1]
    user, where = member["user"], {"guild_id": guild["id"]}
    key = (int(guild["id"]), int(user["id"]))
    presence = {**payloads.presence(user["id"]), **where}
    await heard.hear("GUILD_MEMBER_REMOVE", {**where, "user": user})
    await heard.hear("PRESENCE_UPDATE", presence)
    await heard.hear("GUILD_MEMBER_UPDATE", {**member, **where, "nick": "late"})
    assert heard.cache.stats().skipped == {"presences": 1, "members": 1}
    async for cache in heard.answers():
        assert await cache.get_presence(*key) is None
        assert await cache.get_member(*key) is None


@proves("GUILD_MEMBER_ADD", "GUILD_CREATE", "GUILD_MEMBERS_CHUNK")
@pytest.mark.parametrize("back", ["GUILD_MEMBER_ADD", "GUILD_CREATE", "GUILD_MEMBERS_CHUNK"])
async def test_who_comes_back_has_a_presence_again(heard: Hearing, guild: Payload, back: str) -> None:
    member = guild["members"][1]
    user, where = member["user"], {"guild_id": guild["id"]}
    told = {
        "GUILD_MEMBER_ADD": {**member, **where},
        "GUILD_CREATE": guild,
        "GUILD_MEMBERS_CHUNK": {**where, "members": [member], "chunk_index": 0, "chunk_count": 1},
    }
    await heard.hear("GUILD_MEMBER_REMOVE", {**where, "user": user})
    await heard.hear(back, told[back])
    await heard.hear("PRESENCE_UPDATE", {**payloads.presence(user["id"]), **where})
    async for cache in heard.answers():
        assert await cache.get_member(int(guild["id"]), int(user["id"])) is not None
        if cache._running():
            assert await cache.get_presence(int(guild["id"]), int(user["id"])) is not None


def back(guild: Payload, people: list[Payload], how: str) -> typing.Iterator[tuple[str, Payload]]:
    """Yield the events by which people come back."""
    if how == "listed":
        yield "GUILD_MEMBERS_CHUNK", {"guild_id": guild["id"], "members": people, "chunk_index": 0, "chunk_count": 1}
        return
    for person in people:
        yield "GUILD_MEMBER_ADD", told(guild, person)


@pytest.mark.parametrize("how", ["added", "listed"])
async def test_who_leaves_and_is_back_before_it_is_stored_has_a_new_history(engine_url: str, how: str) -> None:
    async with Hearing(engine_url) as heard:
        guild = payloads.guild(own_user=payloads.own_user(id=ME), members=12)
        await heard.ready(guild)
        await heard.cache.flush()
        members, at, people = heard.cache.members, id_of(guild), guild["members"][1:]
        newest = max(entry.last_updated for entry in await members.find(guild=at).entries())
        for person in people:
            await heard.hear("GUILD_MEMBER_REMOVE", told(guild, {"user": person["user"]}))
        for name, payload in back(guild, people, how):
            await heard.hear(name, payload)
        for person in people:
            entry = await members.entry(at, id_of(person["user"]))
            assert entry is not None
            assert (entry.first_seen, entry.revision) == (None, 0)
        found = await members.find(guild=at, user=[id_of(person["user"]) for person in people]).entries()
        assert len(found) == len(people)
        assert all(entry.revision == 1 and entry.first_seen and entry.first_seen > newest for entry in found)
