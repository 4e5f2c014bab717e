"""``cache.fetch_*``: answered from the cache if possible, otherwise by REST, and then stored."""

from __future__ import annotations

import asyncio
import datetime
import inspect
import typing
from collections.abc import AsyncIterator

import bots
import hikari
import pytest
import signatures
from alike import assert_alike
from fakecord import FakeDiscord, Payload, payloads

import persist
from persist.changes import Drop, Put
from persist.entities import ROLES, USERS
from persist.fetching import Asked, Wish
from persist.model import Entity, Origin
from persist.saying import All, Saying

_ALWAYS_REST: typing.Final = frozenset(
    """
    fetch_auto_mod_rules fetch_bans fetch_channel_invites fetch_channel_webhooks fetch_entitlements fetch_guild
    fetch_guild_invites fetch_guild_webhooks fetch_joined_private_archived_threads fetch_messages fetch_my_guilds
    fetch_pins fetch_private_archived_threads fetch_public_archived_threads fetch_scheduled_event_users
    fetch_thread_members fetch_webhook
    """.split()  # noqa: SIM905 - names read like words
)
_SERVED: typing.Final = frozenset(name for name, _ in signatures.named(persist.Cache, "fetch_"))
_REST_ONLY: typing.Final = frozenset(
    """
    fetch_activity_instance fetch_application_command fetch_application_command_permissions
    fetch_application_commands fetch_application_emoji fetch_application_emojis
    fetch_application_guild_commands_permissions fetch_application_role_connection_metadata_records fetch_audit_log
    fetch_authorization fetch_available_sticker_packs fetch_gateway_bot_info fetch_gateway_url fetch_guild_onboarding
    fetch_guild_preview fetch_guild_templates fetch_guild_voice_regions fetch_interaction_response fetch_my_connections
    fetch_my_user_application_role_connection fetch_poll_voters fetch_reactions_for_emoji
    fetch_role_member_counts fetch_skus fetch_sticker_pack fetch_template fetch_vanity_url
    fetch_voice_regions fetch_webhook_message fetch_welcome_screen fetch_widget
    """.split()  # noqa: SIM905 - names read like words
)
"""What no cache can answer, because the gateway sends too little of it, or nothing."""
_OURS: typing.Final = frozenset({"prefer", "max_age"})


@pytest.mark.parametrize("name", sorted(_SERVED))
def test_each_is_asked_as_hikaris_rest_client_is(name: str) -> None:
    ours, theirs = getattr(persist.Cache, name), getattr(hikari.api.RESTClient, name)
    assert list(signatures.differences(ours, theirs)) == []
    assert inspect.iscoroutinefunction(ours) == inspect.iscoroutinefunction(theirs)
    more = inspect.signature(ours).parameters.keys() - inspect.signature(theirs).parameters.keys()
    assert more <= _OURS
    assert (not more) == (name in _ALWAYS_REST)


def test_each_question_of_hikaris_rest_client_is_served_or_known_not_to_be() -> None:
    theirs = {name for name, _ in signatures.named(hikari.api.RESTClient, "fetch_")}
    assert theirs - _SERVED - _REST_ONLY == set()
    assert not _SERVED & _REST_ONLY
    assert theirs >= _SERVED


class Stage(typing.NamedTuple):
    """A fake Discord, a bot with a cache, and a guild that both know."""

    sim: FakeDiscord
    bot: hikari.GatewayBot
    cache: persist.Cache
    guild: Payload

    @property
    def guild_id(self) -> int:
        return int(self.guild["id"])

    def first(self, kind: str) -> int:
        return int(self.guild[kind][0]["id"])

    @property
    def requests(self) -> int:
        return sum(self.sim.rest_log.values())


@pytest.fixture
async def stage(sqlite_url: str) -> AsyncIterator[Stage]:
    async with FakeDiscord() as sim:
        guild = sim.add_guild(members=5)
        bot = bots.make(sim.rest_url)
        cache = persist.Cache(bot, sqlite_url)
        async with bots.started(sim, bot, cache):
            yield Stage(sim, bot, cache, sim.guild_payload(guild["id"]))


Fetch = typing.Callable[[typing.Any, Stage], typing.Any]

_THINGS: typing.Final[dict[str, Fetch]] = {
    "fetch_channel": lambda client, stage: client.fetch_channel(int(bots.text_channel(stage.guild))),
    "fetch_member": lambda client, stage: client.fetch_member(
        stage.guild_id, int(stage.guild["members"][0]["user"]["id"])
    ),
    "fetch_user": lambda client, stage: client.fetch_user(int(stage.guild["members"][0]["user"]["id"])),
    "fetch_my_user": lambda client, _: client.fetch_my_user(),
    "fetch_role": lambda client, stage: client.fetch_role(stage.guild_id, stage.first("roles")),
    "fetch_emoji": lambda client, stage: client.fetch_emoji(stage.guild_id, stage.first("emojis")),
    "fetch_guild_sticker": lambda client, stage: client.fetch_guild_sticker(stage.guild_id, stage.first("stickers")),
}
_SETS: typing.Final[dict[str, Fetch]] = {
    name: lambda client, stage, name=name: getattr(client, name)(stage.guild_id)  # type: ignore[misc]
    for name in ("fetch_roles", "fetch_guild_channels", "fetch_guild_emojis", "fetch_guild_stickers")
}


@pytest.mark.parametrize("name", _THINGS)
async def test_what_is_known_is_not_asked_for_and_is_what_rest_says(stage: Stage, name: str) -> None:
    fetch = _THINGS[name]
    before = stage.requests
    known = await fetch(stage.cache, stage)
    assert stage.requests == before
    told = await fetch(stage.bot.rest, stage)
    assert (type(known), known) == (type(told), told)
    again = await fetch(_Preferring(stage.cache), stage)
    assert stage.requests == before + 2
    assert_alike(again, told)


class _Preferring:
    """A cache that always gets ``prefer="rest"``."""

    def __init__(self, cache: persist.Cache) -> None:
        self._cache = cache

    def __getattr__(self, name: str) -> typing.Any:
        return lambda *args: getattr(self._cache, name)(*args, prefer="rest")


@pytest.mark.parametrize("name", _SETS)
async def test_a_set_is_not_asked_for_where_all_of_it_is_known(stage: Stage, name: str) -> None:
    before = stage.requests
    known = await _SETS[name](stage.cache, stage)
    assert stage.requests == before
    told = await _SETS[name](stage.bot.rest, stage)
    assert {each.id for each in known} == {each.id for each in told} != set()
    assert {each.id for each in await _SETS[name](_Preferring(stage.cache), stage)} == {each.id for each in told}
    assert stage.requests == before + 2


async def test_all_members_are_asked_for_until_all_are_known(stage: Stage) -> None:
    members = {int(member["user"]["id"]) for member in stage.guild["members"]}
    before = stage.requests
    assert {member.id async for member in stage.cache.fetch_members(stage.guild_id)} == members
    assert stage.requests == before
    assert {m.id async for m in stage.cache.fetch_members(stage.guild_id, prefer="rest")} == members
    assert stage.requests > before
    later = sorted(members)[2:]
    assert [m.id async for m in stage.cache.fetch_members(stage.guild_id, start_at=sorted(members)[1])] == later


async def test_what_rest_says_on_a_miss_is_remembered_whole(stage: Stage) -> None:
    channel = int(bots.text_channel(stage.guild))
    author = stage.guild["members"][0]["user"]
    async with stage.sim.silently():
        message = await stage.sim.create_message(str(channel), "unheard", author["id"])
        late = await stage.sim.create_role(str(stage.guild_id), name="late")
    assert await stage.cache.get_message(int(message["id"])) is None
    before = stage.requests
    first = await stage.cache.fetch_message(channel, int(message["id"]))
    assert first.content == "unheard"
    assert stage.requests == before + 1
    assert await stage.cache.fetch_message(channel, int(message["id"])) == first
    assert stage.requests == before + 1
    entry = await stage.cache.messages.entry(int(message["id"]))
    assert entry is not None
    assert entry.source == "rest"
    assert entry.payload.items() >= {n: v for n, v in message.items() if n not in ("guild_id", "member")}.items()
    kept = await stage.cache.get_message(int(message["id"]))
    assert kept is not None
    assert kept.guild_id == stage.guild_id
    role = await stage.cache.fetch_role(stage.guild_id, int(late["id"]))
    assert_alike(await stage.cache.get_role(role), role)


async def test_the_application_is_asked_for_once_and_known_after_a_restart(stage: Stage) -> None:
    told = await stage.bot.rest.fetch_application()
    before = stage.requests
    assert (await stage.cache.fetch_application()).owner == told.owner
    assert stage.requests == before + 1
    await stage.cache.close()
    await stage.cache.open()
    known = await stage.cache.fetch_application(max_age=60)
    assert_alike(known, told)
    assert known.app is stage.bot
    assert stage.requests == before + 1
    await stage.cache.fetch_application(max_age=0)
    await stage.cache.fetch_application(prefer="rest")
    assert stage.requests == before + 3


async def test_those_who_miss_the_same_thing_at_once_share_a_request(stage: Stage) -> None:
    async with stage.sim.silently():
        late = await stage.sim.create_role(str(stage.guild_id), name="late")
    before = stage.requests
    tasks = [asyncio.create_task(stage.cache.fetch_role(stage.guild_id, int(late["id"]))) for _ in range(20)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert {getattr(answer, "name", None) for answer in answers[1:]} == {"late"}
    assert stage.requests == before + 1


async def test_what_is_not_there_is_not_asked_for_again_at_once(stage: Stage) -> None:
    before = stage.requests
    for _ in range(3):
        with pytest.raises(hikari.NotFoundError):
            await stage.cache.fetch_role(stage.guild_id, 12345678901234567)
    assert stage.requests == before + 1
    with pytest.raises(hikari.NotFoundError):
        await stage.cache.fetch_role(stage.guild_id, 12345678901234567, prefer="rest")
    assert stage.requests == before + 2
    for max_age, more in ((0, 1), (datetime.timedelta(hours=1), 0)):
        before = stage.requests
        with pytest.raises(hikari.NotFoundError):
            await stage.cache.fetch_role(stage.guild_id, 12345678901234567, max_age=max_age)
        assert stage.requests == before + more


async def test_what_was_not_there_and_came_is_asked_for(stage: Stage) -> None:
    user_id = int(stage.guild["members"][0]["user"]["id"])
    with pytest.raises(hikari.NotFoundError):
        await stage.cache.fetch_ban(stage.guild_id, user_id)
    await stage.sim.ban(str(stage.guild_id), str(user_id), "spam")
    await bots.settled(stage.sim, stage.cache)
    assert (await stage.cache.fetch_ban(stage.guild_id, user_id)).reason == "spam"


async def test_what_rest_says_is_gone_is_forgotten(stage: Stage) -> None:
    role = await stage.sim.create_role(str(stage.guild_id), name="brief")
    await bots.settled(stage.sim, stage.cache)
    async with stage.sim.silently():
        await stage.sim.delete_role(str(stage.guild_id), role["id"])
    assert (await stage.cache.fetch_role(stage.guild_id, int(role["id"]))).name == "brief"
    with pytest.raises(hikari.NotFoundError):
        await stage.cache.fetch_role(stage.guild_id, int(role["id"]), prefer="rest")
    assert await stage.cache.get_role(int(role["id"])) is None


async def test_what_is_too_old_is_asked_for(stage: Stage) -> None:
    before = stage.requests
    role = stage.first("roles")
    await stage.cache.fetch_role(stage.guild_id, role, max_age=datetime.timedelta(hours=1))
    assert stage.requests == before
    await stage.cache.fetch_role(stage.guild_id, role, max_age=datetime.timedelta(0))
    assert stage.requests == before + 1


class Later(datetime.datetime):
    """A clock that is two hours fast."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> typing.Self:
        return super().now(tz) + datetime.timedelta(hours=2)


async def test_what_rest_has_said_again_unchanged_is_not_old(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    user, hour = int(stage.guild["members"][0]["user"]["id"]), datetime.timedelta(hours=1)
    fetches: typing.Final = (
        lambda: stage.cache.fetch_user(user, max_age=hour),
        lambda: stage.cache.fetch_member(stage.guild_id, user, max_age=hour),
        lambda: stage.cache.fetch_my_user(max_age=hour),
    )
    for fetch in fetches:
        await fetch()
    await stage.cache.flush()

    monkeypatch.setattr(datetime, "datetime", Later)
    for fetch in fetches:
        before = stage.requests
        await fetch()
        await stage.cache.flush()
        assert stage.requests == before + 1
        for _ in range(3):
            await fetch()
        assert stage.requests == before + 1


async def test_what_a_list_had_again_is_not_asked_for_alone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    role, hour = stage.first("roles"), datetime.timedelta(hours=1)
    await stage.cache.fetch_roles(stage.guild_id, prefer="rest")
    await stage.cache.flush()
    monkeypatch.setattr(datetime, "datetime", Later)
    await stage.cache.fetch_roles(stage.guild_id, prefer="rest")
    await stage.cache.flush()
    before = stage.requests
    await stage.cache.fetch_role(stage.guild_id, role, max_age=hour)
    assert stage.requests == before


async def test_a_thing_of_another_place_is_not_the_one_asked_for(stage: Stage) -> None:
    other = await stage.sim.join_guild()
    await bots.settled(stage.sim, stage.cache)
    with pytest.raises(hikari.NotFoundError):
        await stage.cache.fetch_role(int(other["id"]), stage.first("roles"))
    assert await stage.cache.get_role(stage.first("roles")) is not None


async def test_a_message_is_not_forgotten_because_it_is_in_no_other_channel(stage: Stage) -> None:
    here, there = [int(channel["id"]) for channel in stage.guild["channels"] if channel["type"] == 0][:2]
    message = await stage.sim.create_message(str(here), "hello")
    await bots.settled(stage.sim, stage.cache)
    with pytest.raises(hikari.NotFoundError):
        await stage.cache.fetch_message(there, int(message["id"]))
    assert await stage.cache.get_message(int(message["id"])) is not None


async def test_what_nobody_keeps_up_to_date_is_asked_for(sqlite_url: str) -> None:
    intents = hikari.Intents.ALL & ~hikari.Intents.GUILD_MEMBERS
    async with FakeDiscord() as sim:
        guild = sim.add_guild(members=3)
        bot = bots.make(sim.rest_url, intents)
        with pytest.warns(hikari.MissingIntentWarning):
            cache = persist.Cache(bot, sqlite_url)
        async with bots.started(sim, bot, cache):
            me = await cache.fetch_my_member(int(guild["id"]))
            assert me.id == bot.get_me().id  # type: ignore[union-attr]
            assert sum(count for path, count in sim.rest_log.items() if "members" in path) == 1


@pytest.mark.parametrize("wish", [{"prefer": "me"}, {"max_age": "5"}, {"max_age": -1}, {"prefer": None}])
async def test_a_wish_that_cannot_be_granted_is_refused(stage: Stage, wish: dict[str, typing.Any]) -> None:
    with pytest.raises(persist.QueryError):
        await stage.cache.fetch_user(1, **wish)
    with pytest.raises(persist.QueryError):
        await stage.cache.fetch_user(typing.cast("int", "1"))


async def test_what_the_gateway_tells_meanwhile_is_not_overwritten(stage: Stage) -> None:
    role, gone = [await stage.sim.create_role(str(stage.guild_id), name="old") for _ in range(2)]
    await bots.settled(stage.sim, stage.cache)
    await stage.cache.flush()
    fetched = []

    async def answer(rest: hikari.api.RESTClient) -> hikari.Role:
        roles = await rest.fetch_roles(stage.guild_id)
        fetched.extend(roles)
        await stage.sim.update_role(str(stage.guild_id), role["id"], name="new")
        await stage.sim.delete_role(str(stage.guild_id), gone["id"])
        await bots.settled(stage.sim, stage.cache)
        return next(each for each in roles if each.id == int(gone["id"]))

    asked = Asked((ROLES,), (int(gone["id"]),))
    await stage.cache._fetcher.one(asked, answer, Wish("rest"))
    assert {"old"} <= {each.name for each in fetched}
    known = await stage.cache.get_role(int(role["id"]))
    assert known is not None
    assert known.name == "new"
    assert await stage.cache.get_role(int(gone["id"])) is None


async def test_what_was_fetched_is_there_after_a_restart(stage: Stage) -> None:
    async with stage.sim.silently():
        late = await stage.sim.create_role(str(stage.guild_id), name="late")
    role = await stage.cache.fetch_role(stage.guild_id, int(late["id"]))
    await stage.cache.close()
    async with stage.cache:
        assert_alike(await stage.cache.get_role(int(late["id"])), role)


async def test_nothing_is_remembered_of_kinds_that_are_off(sqlite_url: str) -> None:
    async with FakeDiscord() as sim:
        guild = sim.add_guild(members=3)
        bot = bots.make(sim.rest_url)
        cache = persist.Cache(bot, sqlite_url, rules=persist.Rules(off=frozenset({"roles"})))
        async with bots.started(sim, bot, cache):
            for _ in range(2):
                await cache.fetch_role(int(guild["id"]), int(guild["roles"][0]["id"]))
            assert sum(count for path, count in sim.rest_log.items() if "roles" in path) == 2
            assert await cache.roles.count() == 0


async def test_what_the_gateway_tells_in_part_is_asked_for(stage: Stage) -> None:
    guild = str(stage.guild_id)
    user = (await stage.sim.add_member(guild))["user"]
    await stage.sim.ban(guild, user["id"], "rude")
    await bots.settled(stage.sim, stage.cache)
    await stage.cache.flush()
    assert (await stage.cache.fetch_ban(stage.guild_id, int(user["id"]))).reason == "rude"
    calls = stage.cache.stats().rest_calls
    assert (await stage.cache.fetch_ban(stage.guild_id, int(user["id"]))).reason == "rude"
    assert stage.cache.stats().rest_calls == calls


async def test_an_invite_that_the_gateway_told_is_asked_for_once(stage: Stage) -> None:
    code = (await stage.sim.create_invite(str(stage.guild_id), bots.text_channel(stage.guild)))["code"]
    await bots.settled(stage.sim, stage.cache)
    await stage.cache.flush()
    told = await stage.bot.rest.fetch_invite(code, with_counts=False)
    before = stage.requests
    for _ in range(2):
        found = await stage.cache.fetch_invite(code, with_counts=False)
        assert (found.guild, found.channel) == (told.guild, told.channel)
        assert None not in (found.guild, found.channel)
    assert stage.requests == before + 1


async def test_scheduled_events_that_nobody_has_counted_are_asked_for_once(stage: Stage) -> None:
    planned = payloads.scheduled_event(str(stage.guild_id), None, user_count=5)
    async with stage.sim.silently():
        await stage.sim.create("scheduled_event", planned)
    await stage.sim.emit("GUILD_SCHEDULED_EVENT_CREATE", _without(planned, "user_count"))
    await bots.settled(stage.sim, stage.cache)
    await stage.cache.flush()
    before = stage.requests
    for _ in range(2):
        found = await stage.cache.fetch_scheduled_events(stage.guild_id)
        assert {event.user_count for event in found if event.id == int(planned["id"])} == {5}
        await stage.cache.flush()
    assert stage.requests == before + 1


def _without(payload: Payload, name: str) -> Payload:
    return {field: value for field, value in payload.items() if field != name}


@pytest.mark.parametrize("lacking", ["GUILD_MESSAGE_REACTIONS", "GUILD_MESSAGE_POLLS", "DM_MESSAGE_REACTIONS"])
@pytest.mark.parametrize("has_poll", [True, False])
async def test_a_message_is_asked_for_if_the_bot_does_not_hear_all_of_it(
    sqlite_url: str, lacking: str, *, has_poll: bool
) -> None:
    async with FakeDiscord() as sim:
        guild = sim.add_guild(members=3)
        bot = bots.make(sim.rest_url, hikari.Intents.ALL & ~hikari.Intents[lacking])
        cache = persist.Cache(bot, sqlite_url)
        async with bots.started(sim, bot, cache):
            channel, author = bots.text_channel(guild), guild["members"][0]["user"]["id"]
            message = await sim.create_message(
                channel, "cats?", author, **({"poll": payloads.poll("yes", "no")} if has_poll else {})
            )
            await sim.add_reaction(channel, message["id"], author, "\N{FISH}")
            if has_poll:
                await sim.add_vote(channel, message["id"], author, 1)
            await bots.settled(sim, cache)
            before = sum(sim.rest_log.values())
            found = await cache.fetch_message(int(channel), int(message["id"]))
            told = await bot.rest.fetch_message(int(channel), int(message["id"]))
            assert [reaction.count for reaction in found.reactions] == [1]
            assert_alike((found.reactions, found.poll), (told.reactions, told.poll))
            is_heard = lacking == "DM_MESSAGE_REACTIONS" or (lacking == "GUILD_MESSAGE_POLLS" and not has_poll)
            assert sum(sim.rest_log.values()) - before == (1 if is_heard else 2)


async def _store_in_the_future(stage: Stage, kind: Entity[typing.Any], payload: Payload, guild_id: int | None) -> None:
    """Store an object as if the clock were decades ahead."""
    record = kind.record(payload, guild_id, Origin("gateway", 0, 0, "2099-01-01 00:00:00.000000"))
    assert stage.cache._engine is not None
    for change in (Drop(kind, record.key, guild_id), Put(record)):
        stage.cache._engine.journal.accept([change])
        await stage.cache.flush()


async def test_an_answer_replaces_what_was_stored_while_the_clock_was_ahead(stage: Stage) -> None:
    role = {**stage.guild["roles"][0], "name": "old"}
    await _store_in_the_future(stage, ROLES, role, stage.guild_id)
    await stage.cache.fetch_role(stage.guild_id, int(role["id"]), prefer="rest")
    stored = await stage.cache.get_role(int(role["id"]))
    assert stored is not None
    assert stored.name == stage.guild["roles"][0]["name"]


async def test_a_list_removes_what_was_stored_while_the_clock_was_ahead(stage: Stage) -> None:
    await _store_in_the_future(stage, ROLES, {**stage.guild["roles"][0], "id": "12345678901234567"}, stage.guild_id)
    assert await stage.cache.get_role(12345678901234567) is not None
    await stage.cache.fetch_roles(stage.guild_id, prefer="rest")
    assert await stage.cache.get_role(12345678901234567) is None


async def test_what_was_stored_while_the_clock_was_ahead_is_not_young(stage: Stage) -> None:
    user = {**stage.guild["members"][0]["user"], "global_name": "old"}
    await _store_in_the_future(stage, USERS, user, None)
    users, user_id = stage.cache.users, int(user["id"])
    assert await users.get(user_id) is not None
    assert await users.get(user_id, max_age=3600) is None
    assert await users.count(id=user_id, max_age=3600) == 0
    assert (await stage.cache.fetch_user(user_id, max_age=3600)).global_name != "old"
    assert await users.count(id=user_id, max_age=3600) == 1


async def test_what_rest_returned_unchanged_is_young_even_if_it_was_stored_while_the_clock_was_ahead(
    stage: Stage,
) -> None:
    user = stage.guild["members"][0]["user"]
    await _store_in_the_future(stage, USERS, user, None)
    before = stage.requests
    for _ in range(2):
        assert (await stage.cache.fetch_user(int(user["id"]), max_age=3600)).username == user["username"]
    assert stage.requests == before + 1
    entry = await stage.cache.users.entry(int(user["id"]))
    assert entry is not None
    assert entry.last_updated.year == 2099


async def test_an_answer_is_ignored_if_the_clock_was_set_back_since_the_request(stage: Stage) -> None:
    role = {**stage.guild["roles"][0], "name": "new"}
    engine = stage.cache._engine
    assert engine is not None
    saying = Saying(engine, stage.guild_id, All(ROLES, stage.guild_id))
    saying.began = "2099-01-01 00:00:00.000000"
    engine.journal.accept([Put.of(ROLES, role, stage.guild_id, Origin("gateway", 0, 0, engine.journal.at))])
    await saying.client(stage.bot.rest).fetch_roles(stage.guild_id)
    await saying.remember()
    stored = await stage.cache.get_role(int(role["id"]))
    assert stored is not None
    assert stored.name == "new"
    unlisted = {**role, "id": "12345678901234567"}
    engine.journal.accept([Put.of(ROLES, unlisted, stage.guild_id, Origin("gateway", 0, 0, engine.journal.at))])
    saying.end()
    assert await stage.cache.get_role(12345678901234567) is not None
