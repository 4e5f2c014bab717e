"""The cache knows, and says, how complete each kind is in each guild."""

from __future__ import annotations

import asyncio
import datetime
import typing

import hikari
import pytest
from fakecord import Payload, payloads
from hearing import ME, Hearing, ready

import persist
from persist import completeness
from persist.entities import COMPLETENESS, ENTITIES, MEMBERS, ROLES
from persist.errors import QueryError
from persist.model import Origin
from persist.spi import Select

_OWN: typing.Final = payloads.own_user(id=ME)
_LISTED: typing.Final = (
    persist.CHANNELS,
    persist.ROLES,
    persist.EMOJIS,
    persist.STICKERS,
    persist.THREADS,
    persist.VOICE_STATES,
    persist.PRESENCES,
    persist.MEMBERS,
)


def large(guild: Payload, *members: Payload) -> Payload:
    """Return a guild that lists only some of its members."""
    return {**guild, "large": True, "members": list(members), "presences": [], "voice_states": []}


def chunk(guild: Payload, nonce: str | None, index: int, count: int, *members: Payload) -> Payload:
    told = {"guild_id": guild["id"], "members": list(members), "chunk_index": index, "chunk_count": count}
    return told if nonce is None else {**told, "nonce": nonce}


def ask(heard: Hearing, guild: Payload, nonce: str) -> None:
    """Pretend that all members of a guild have been requested."""
    assert heard.cache._engine is not None
    sessions = heard.cache._engine.feed.sessions
    sessions.of(heard.shards[0]).chunks.ask(int(guild["id"]), nonce)


async def state(cache: persist.Cache, guild: Payload, kind: str = persist.MEMBERS) -> tuple[str, str | None, bool]:
    found = await cache.completeness(int(guild["id"]), kind)
    assert found.is_complete == (found.state == "complete")
    return found.state, found.source, found.verified


async def known(cache: persist.Cache, guild: Payload) -> set[int]:
    return {int(member.id) for member in await cache.members.find(guild_id=int(guild["id"]))}


def ids(*members: Payload) -> set[int]:
    return {int(member["user"]["id"]) for member in members}


def test_every_kind_that_guilds_have_has_a_public_name() -> None:
    for entity in ENTITIES.values():
        if entity.in_guild and entity.name != "completeness":
            assert getattr(persist, entity.name.upper(), None) == entity.name, f"name {entity.name} in kind_names.py"


async def test_a_created_guild_says_what_it_lists_whole(heard: Hearing, guild: Payload) -> None:
    async for cache in heard.answers():
        verified = bool(cache._running())
        for kind in _LISTED:
            assert await state(cache, guild, kind) == ("complete", "gateway", verified)
        since = (await cache.completeness(int(guild["id"]), persist.ROLES)).at
        assert since is not None
        assert datetime.timedelta(0) <= datetime.datetime.now(datetime.UTC) - since < datetime.timedelta(minutes=5)
        for kind in (persist.MESSAGES, persist.INVITES):
            assert await state(cache, guild, kind) == ("unknown", None, False)
        assert await state(cache, {"id": "5"}) == ("unknown", None, False)


async def test_a_large_guild_lists_some_of_its_people_only(heard: Hearing, guild: Payload) -> None:
    other = large(payloads.guild(own_user=_OWN, members=4), guild["members"][0])
    await heard.hear("GUILD_CREATE", other)
    async for cache in heard.answers():
        assert (await state(cache, other))[::2] == ("partial", False)
        assert (await state(cache, other, persist.PRESENCES))[0] == "partial"
        assert (await state(cache, other, persist.ROLES))[0] == "complete"


async def test_what_was_complete_is_carried_over_by_a_list_of_some_members(heard: Hearing, guild: Payload) -> None:
    await heard.hear("GUILD_CREATE", large(guild, guild["members"][0]))
    async for cache in heard.answers():
        assert await state(cache, guild) == ("complete", "gateway", False)
        assert await known(cache, guild) == ids(*guild["members"])


async def test_members_that_a_whole_list_lacks_are_gone(heard: Hearing, guild: Payload) -> None:
    *left, gone = guild["members"]
    user = int(gone["user"]["id"])
    await heard.hear("GUILD_CREATE", {**guild, "members": left, "member_count": len(left)})
    async for cache in heard.answers():
        assert await known(cache, guild) == ids(*left)
        assert await cache.get_member(int(guild["id"]), user) is None
        assert await cache.get_user(user) is not None


async def test_an_outage_ends_the_confidence_and_the_guild_brings_it_back(heard: Hearing, guild: Payload) -> None:
    await heard.hear("GUILD_DELETE", {"id": guild["id"], "unavailable": True})
    assert await state(heard.cache, guild, persist.ROLES) == ("complete", "gateway", False)
    await heard.hear("GUILD_CREATE", guild)
    assert await state(heard.cache, guild, persist.ROLES) == ("complete", "gateway", True)


async def test_chunks_tell_nothing_of_who_has_left_since(heard: Hearing, guild: Payload) -> None:
    *_, gone = guild["members"]
    user = int(gone["user"]["id"])
    ask(heard, guild, "ours")
    await heard.hear("GUILD_MEMBER_REMOVE", {"guild_id": guild["id"], "user": gone["user"]})
    told = chunk(guild, "ours", 0, 2, *guild["members"])  # the last chunk never comes
    await heard.hear("GUILD_MEMBERS_CHUNK", {**told, "presences": [payloads.presence(gone["user"]["id"])]})
    async for cache in heard.answers():
        assert await cache.get_member(int(guild["id"]), user) is None
        assert await cache.presences.get(int(guild["id"]), user) is None


async def test_what_rules_kept_out_is_missing_under_other_rules(engine_url: str) -> None:
    guild, other = (payloads.guild(own_user=_OWN, members=3) for _ in range(2))
    plans = {int(guild["id"]): persist.Rules(roles=False, users=persist.Keep(drop={"global_name"}))}
    rules = persist.Rules(emojis=False, per_guild=plans.get)
    async with Hearing(engine_url, rules=rules) as heard:
        await heard.ready(guild, other)
        cache = heard.cache
        await cache.apply_rules()  # nothing has changed
        assert await state(cache, guild) == ("complete", "gateway", True)
        assert (await state(cache, guild, persist.ROLES))[0] == "unmaintained"
        plans.clear()
        await cache.apply_rules()
        for kind in (persist.ROLES, persist.MEMBERS):
            assert await state(cache, guild, kind) == ("partial", "gateway", False)
            assert await state(cache, other, kind) == ("complete", "gateway", True)
        assert await state(cache, guild, persist.CHANNELS) == ("complete", "gateway", True)
        assert (await state(cache, other, persist.EMOJIS))[0] == "unmaintained"
        await cache.apply_rules(persist.Rules(), dry_run=True)
        assert (await state(cache, other, persist.EMOJIS))[0] == "unmaintained"
        await cache.apply_rules(persist.Rules())
        assert await state(cache, other, persist.EMOJIS) == ("partial", "gateway", False)
        await heard.hear("GUILD_CREATE", other)
        assert await state(cache, other, persist.EMOJIS) == ("complete", "gateway", True)


@pytest.mark.parametrize(
    ("event", "kind"), [("WEBHOOKS_UPDATE", "webhooks"), ("GUILD_INTEGRATIONS_UPDATE", "integrations")]
)
async def test_what_changed_somehow_is_unknown(heard: Hearing, guild: Payload, event: str, kind: str) -> None:
    await heard.hear(event, {"guild_id": guild["id"], "channel_id": "1"})
    if kind in ENTITIES:
        assert (await state(heard.cache, guild, kind))[0] == "unknown"


async def test_lost_changes_make_a_kind_stale_until_it_is_listed_again(heard: Hearing, guild: Payload) -> None:
    origin = Origin("gateway", 0, 0, "2026-01-02 03:04:05.000006")
    heard.accept(completeness.known(ROLES.name, int(guild["id"]), origin, "stale"))
    assert (await state(heard.cache, guild, persist.ROLES))[0] == "stale"
    assert (await state(heard.cache, guild, persist.CHANNELS))[0] == "complete"
    await heard.hear("GUILD_CREATE", guild)
    assert (await state(heard.cache, guild, persist.ROLES))[0] == "complete"


@pytest.mark.parametrize("kept", [True, False])
async def test_nothing_is_noted_about_a_guild_that_is_not_kept(sqlite_url: str, kept: bool) -> None:  # noqa: FBT001
    guild = payloads.guild(own_user=payloads.own_user(id=ME), members=3, threads=1)
    denied = payloads.overwrite(guild["id"], allow="0", deny=str(int(hikari.Permissions.VIEW_CHANNEL)))
    async with Hearing(sqlite_url) as heard:
        await heard.ready(guild)
        for channel in guild["channels"]:
            heard.tell("channels", {**channel, "permission_overwrites": [denied]}, int(guild["id"]))
        heard._rules = None if kept else persist.Rules(guilds=persist.Keep(guilds=persist.not_({int(guild["id"])})))
        await heard.reopen()
        await heard.hear("GUILD_ROLE_UPDATE", {"guild_id": guild["id"], "role": guild["roles"][0]})
        assert heard.cache._engine is not None
        query = Select(COMPLETENESS, keys=((int(guild["id"]), persist.THREADS),))
        for _ in range(100 if kept else 20):
            await heard.cache.flush()
            (note,) = (await heard.cache._engine.store.select(query)).records
            if note.payload["state"] == "stale":
                break
            await asyncio.sleep(0.01)
        assert note.payload["state"] == ("stale" if kept else "complete")


@pytest.mark.parametrize("hidden", [True, False])
async def test_threads_of_a_channel_that_is_hidden_grow_stale(heard: Hearing, guild: Payload, hidden: bool) -> None:  # noqa: FBT001
    channel, view = guild["channels"][1], str(int(hikari.Permissions.VIEW_CHANNEL))
    # An update for an impossible guild comes first, and must not end the checks.
    await heard.hear("CHANNEL_UPDATE", {**payloads.text_channel(guild["id"]), "guild_id": "9" * 40})
    await asyncio.sleep(0)
    denied = payloads.overwrite(guild["id"], allow="0", deny=view if hidden else "0")
    await heard.hear("CHANNEL_UPDATE", {**channel, "guild_id": guild["id"], "permission_overwrites": [denied]})
    await heard.cache.flush()
    for _ in range(100 if hidden else 20):
        if (await state(heard.cache, guild, persist.THREADS))[0] == "stale":
            break
        await asyncio.sleep(0.01)
    assert (await state(heard.cache, guild, persist.THREADS))[0] == ("stale" if hidden else "complete")


async def threads_are(heard: Hearing, guild: Payload, wanted: str) -> None:
    """Check that the state of threads becomes stale, or does not."""
    await heard.cache.flush()
    for _ in range(200 if wanted == "stale" else 20):
        if (found := (await state(heard.cache, guild, persist.THREADS))[0]) == "stale":
            break
        await asyncio.sleep(0.01)
    assert found == wanted


def shut(guild: Payload, role: str, *denied: hikari.Permissions) -> Payload:
    """Return a guild where @everyone has no permissions and the bot's role has all except the denied ones."""
    allowed = hikari.Permissions.VIEW_CHANNEL | hikari.Permissions.MANAGE_THREADS
    for permission in denied:
        allowed &= ~permission
    everyone, *others = guild["roles"]
    roles = [{**everyone, "permissions": "0"}, *others, payloads.role(id=role, permissions=str(int(allowed)))]
    members = [{**m, "roles": [role] if m["user"]["id"] == ME else []} for m in guild["members"]]
    channels = [{**channel, "permission_overwrites": []} for channel in guild["channels"]]
    return {**guild, "owner_id": "1", "roles": roles, "members": members, "channels": channels}


@pytest.mark.parametrize("hidden", [True, False])
@pytest.mark.parametrize("how", ["the role changes", "the role goes", "the bot loses the role"])
async def test_threads_that_the_bot_may_no_longer_see_grow_stale(
    heard: Hearing, guild: Payload, how: str, *, hidden: bool
) -> None:
    where, role, other = {"guild_id": guild["id"]}, "77", payloads.role(id="78", permissions="0")
    whole = shut(guild, role)
    await heard.hear("GUILD_CREATE", {**whole, "roles": [*whole["roles"], other]})
    changed = whole["roles"][-1] if hidden else other
    me = next(member for member in whole["members"] if member["user"]["id"] == ME)
    if how == "the role changes":
        await heard.hear("GUILD_ROLE_UPDATE", {**where, "role": {**changed, "permissions": "0"}})
    elif how == "the role goes":
        await heard.hear("GUILD_ROLE_DELETE", {**where, "role_id": changed["id"]})
    else:
        await heard.hear("GUILD_MEMBER_UPDATE", {**where, **me, "roles": [] if hidden else [role, "78"]})
    await threads_are(heard, guild, "stale" if hidden else "complete")


@pytest.mark.parametrize(
    ("kind", "denied", "wanted"), [(12, True, "stale"), (12, False, "complete"), (11, True, "complete")]
)
async def test_a_private_thread_that_the_bot_leaves_is_seen_by_who_manages_threads(
    heard: Hearing,
    guild: Payload,
    kind: int,
    denied: bool,  # noqa: FBT001
    wanted: str,
) -> None:
    text = next(channel for channel in guild["channels"] if channel["type"] == 0)
    own = payloads.thread_member("79", ME)
    thread = payloads.thread(guild["id"], text["id"], "1", id="79", type=kind, member=own)
    whole = shut(guild, "77", *((hikari.Permissions.MANAGE_THREADS,) if denied else ()))
    await heard.hear("GUILD_CREATE", {**whole, "threads": [thread]})
    gone = {"id": "79", "guild_id": guild["id"], "member_count": 1}
    await heard.hear("THREAD_MEMBERS_UPDATE", {**gone, "removed_member_ids": ["5"]})
    await threads_are(heard, guild, "complete")
    await heard.hear("THREAD_MEMBERS_UPDATE", {**gone, "removed_member_ids": [ME]})
    await threads_are(heard, guild, wanted)


async def test_a_channel_that_was_hidden_before_makes_nothing_stale(heard: Hearing, guild: Payload) -> None:
    hidden = payloads.overwrite(guild["id"], deny=str(int(hikari.Permissions.VIEW_CHANNEL)))
    secret = payloads.text_channel(guild["id"], permission_overwrites=[hidden])
    whole = shut(guild, "77")
    await heard.hear("GUILD_CREATE", {**whole, "channels": [*whole["channels"], secret]})
    await heard.hear("CHANNEL_UPDATE", {**secret, "name": "renamed"})
    await threads_are(heard, guild, "complete")


async def test_without_the_intent_nothing_is_complete(sqlite_url: str) -> None:
    intents = hikari.Intents.ALL & ~hikari.Intents.GUILD_MEMBERS
    with pytest.warns(hikari.MissingIntentWarning) as told:
        heard = Hearing(sqlite_url, intents=intents)
    assert any("GUILD_MEMBERS, members" in str(warning.message) for warning in told)
    async with heard:
        guild = payloads.guild(own_user=_OWN, members=2)
        await heard.ready(guild)
        assert (await state(heard.cache, guild))[0] == "unmaintained"
        assert (await state(heard.cache, guild, persist.ROLES))[0] == "complete"


@pytest.mark.parametrize("kind", ["users", "completeness", "member", 5, None, MEMBERS])
async def test_only_what_guilds_have_is_asked_for(heard: Hearing, kind: typing.Any) -> None:
    with pytest.raises(QueryError, match=r"a kind that guilds have, such as persist\.MEMBERS.*channels, "):
        await heard.cache.completeness(1, kind)
    with pytest.raises(QueryError, match="the guild must be an id"):
        await heard.cache.completeness(typing.cast("int", "guild"), persist.MEMBERS)


# ------------------------------------------------------------------------------------------------------------- chunks


async def test_a_whole_set_of_chunks_is_all_members(heard: Hearing, guild: Payload) -> None:
    one, two, gone, *_ = guild["members"]
    user = int(gone["user"]["id"])
    await heard.hear("PRESENCE_UPDATE", {**payloads.presence(str(user)), "guild_id": guild["id"]})
    await heard.hear("GUILD_CREATE", large(guild))
    ask(heard, guild, "ours")
    await heard.hear("PRESENCE_UPDATE", {**payloads.presence(str(user)), "guild_id": guild["id"]})
    await heard.hear("GUILD_MEMBERS_CHUNK", chunk(guild, "ours", 1, 2, two))
    assert user in await known(heard.cache, guild)
    await heard.hear("GUILD_MEMBERS_CHUNK", chunk(guild, "ours", 0, 2, one))
    async for cache in heard.answers():
        assert await cache.get_member(int(guild["id"]), user) is None
        assert await cache.get_presence(int(guild["id"]), user) is None
        assert await known(cache, guild) == ids(one, two)
        assert await state(cache, guild) == ("complete", "chunk", bool(cache._running()))


async def test_members_that_move_while_chunks_arrive_are_not_mistaken(heard: Hearing, guild: Payload) -> None:
    one, two, updated, leaving, *_ = guild["members"]
    joined = payloads.member(payloads.user())
    await heard.hear("GUILD_CREATE", large(guild))
    ask(heard, guild, "ours")
    await heard.hear("GUILD_MEMBER_ADD", {**joined, "guild_id": guild["id"]})
    await heard.hear("GUILD_MEMBER_UPDATE", {**updated, "guild_id": guild["id"]})
    await heard.hear("GUILD_MEMBERS_CHUNK", chunk(guild, "ours", 0, 2, one))
    await heard.hear("GUILD_MEMBER_REMOVE", {"user": leaving["user"], "guild_id": guild["id"]})
    # This chunk is older than the member's departure.
    await heard.hear("GUILD_MEMBERS_CHUNK", chunk(guild, "ours", 1, 2, two, leaving))
    async for cache in heard.answers():
        assert await known(cache, guild) == ids(one, two, updated, joined)


async def _of_another(heard: Hearing, guild: Payload, members: list[Payload]) -> None:
    ask(heard, guild, "ours")
    await heard.hear("GUILD_MEMBERS_CHUNK", chunk(guild, "another", 0, 1, *members))
    await heard.hear("GUILD_MEMBERS_CHUNK", chunk(guild, None, 0, 1, *members))


async def _with_one_lost(heard: Hearing, guild: Payload, members: list[Payload]) -> None:
    ask(heard, guild, "ours")
    await heard.hear("GUILD_MEMBERS_CHUNK", chunk(guild, "ours", 0, 3, *members))
    await heard.hear("GUILD_MEMBERS_CHUNK", chunk(guild, "ours", 2, 3))
    await heard.hear("GUILD_MEMBERS_CHUNK", chunk(guild, "ours", 2, 3))


async def _over_two_sessions(heard: Hearing, guild: Payload, members: list[Payload]) -> None:
    ask(heard, guild, "ours")
    await heard.hear("GUILD_MEMBERS_CHUNK", chunk(guild, "ours", 0, 2, *members))
    await heard.ready(large(guild))
    await heard.hear("GUILD_MEMBERS_CHUNK", chunk(guild, "ours", 1, 2))


@pytest.mark.parametrize("broken", [_of_another, _with_one_lost, _over_two_sessions])
async def test_a_broken_set_of_chunks_takes_nobody_away(
    heard: Hearing, guild: Payload, broken: typing.Callable[..., typing.Awaitable[None]]
) -> None:
    await heard.hear("GUILD_CREATE", large(guild))
    await broken(heard, guild, guild["members"][:1])
    async for cache in heard.answers():
        assert await known(cache, guild) == ids(*guild["members"])
        assert (await state(cache, guild))[1:] == ("gateway", False)


async def test_a_set_of_a_hundred_thousand_is_exact_and_cheap(heard: Hearing) -> None:
    users = [payloads.member(payloads.user(id=str(1000 + number))) for number in range(40_000)]
    guild = large(payloads.guild(own_user=_OWN, members=3))
    await heard.ready(guild)
    ghost = payloads.member(payloads.user())
    await heard.hear("GUILD_MEMBERS_CHUNK", chunk(guild, None, 0, 1, ghost))
    ask(heard, guild, "ours")
    for index in range(40):
        part = users[index * 1000 : index * 1000 + 1000]
        await heard.hear("GUILD_MEMBERS_CHUNK", chunk(guild, "ours", index, 40, *part), settle=False)
    assert await heard.cache.get_member(int(guild["id"]), int(ghost["user"]["id"])) is None
    assert await heard.cache.get_member(int(guild["id"]), 1000) is not None
    assert await heard.cache.members.count(guild_id=int(guild["id"])) == len(users)
    assert heard.cache.quarantine == ()


# ----------------------------------------------------------------------------------------------------------- verified


async def test_what_a_session_lists_unchanged_is_verified_by_it(heard: Hearing, guild: Payload) -> None:
    await heard.reopen()
    role, user = int(guild["roles"][0]["id"]), int(guild["members"][1]["user"]["id"])

    async def verified() -> tuple[bool, bool]:
        entry, member = await heard.cache.roles.entry(role), await heard.cache.members.entry(int(guild["id"]), user)
        assert entry is not None
        assert member is not None
        return entry.verified, member.verified

    assert await verified() == (False, False)
    await heard.hear("READY", ready(guild))
    assert await verified() == (False, False)
    await heard.hear("GUILD_CREATE", large(guild))
    await heard.cache.flush()
    assert await verified() == (True, False)
    await heard.hear("GUILD_CREATE", guild)
    await heard.cache.flush()
    assert await verified() == (True, True)


async def test_what_is_too_old_is_not_answered(heard: Hearing, guild: Payload) -> None:
    guild_id, role, user = int(guild["id"]), int(guild["roles"][0]["id"]), int(guild["owner_id"])
    async for cache in heard.answers():
        assert await cache.roles.get(role, max_age=3600) is not None
        assert await cache.members.get(guild_id, user, max_age=datetime.timedelta(hours=1)) is not None
        assert await cache.roles.get(role, max_age=0) is None
        assert await cache.members.get(guild_id, user, max_age=0) is None
    for wrong in (-1, True, "1", float("nan"), float("inf")):
        with pytest.raises(QueryError, match="max_age must be a number of seconds or a timedelta"):
            await heard.cache.roles.get(role, max_age=typing.cast("float", wrong))


async def test_chunks_that_come_before_it_was_looked_who_is_there_stay_complete(sqlite_url: str) -> None:
    guild = payloads.guild(own_user=_OWN, members=4)
    async with Hearing(sqlite_url) as heard:
        await heard.ready(guild)
        await heard.cache.flush()
        await heard.hear("GUILD_CREATE", large(guild))
        ask(heard, guild, "ours")
        await heard.hear("GUILD_MEMBERS_CHUNK", chunk(guild, "ours", 0, 1, *guild["members"][:2]))  # in the same turn
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert await state(heard.cache, guild) == ("complete", "chunk", True)
