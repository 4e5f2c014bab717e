"""Tanjun's converters, checks, limiters and prefixes ask the cache first, and Discord if it has no answer."""

from __future__ import annotations

import typing
from collections.abc import Callable

import frameworks
import hikari
import pytest
from fakecord import payloads
from frameworks import Notes, Stage

import persist

pytest.importorskip("tanjun", reason="tanjun is not installed.")

import alluka
import tanjun
from tanjun import permissions
from tanjun.dependencies import async_cache

from persist import completeness, model
from persist.integrations.tanjun import install
from persist.views import VIEWS

# tanjun 2.17 uses what alluka 0.4 deprecates, in every context.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:alluka", "ignore::DeprecationWarning:tanjun")

CONVERTERS: typing.Final[dict[str, typing.Any]] = {
    "guild": tanjun.to_guild,
    "role": tanjun.to_role,
    "channel": tanjun.to_channel,
    "thread": tanjun.to_channel,
    "dm": tanjun.to_channel,
    "member": tanjun.to_member,
    "user": tanjun.to_user,
    "emoji": tanjun.to_emoji,
    "invite": tanjun.to_invite,
    "full-invite": tanjun.to_invite_with_metadata,
    "text": tanjun.to_message,
    "presence": tanjun.to_presence,
    "voice": tanjun.to_voice_state,
}
CHECKS: typing.Final[dict[str, Callable[[typing.Any], typing.Any]]] = {
    "author": tanjun.with_author_permission_check(hikari.Permissions.VIEW_CHANNEL),
    "own": tanjun.with_own_permission_check(hikari.Permissions.VIEW_CHANNEL),
    "nsfw": tanjun.with_nsfw_check(),
    "sfw": tanjun.with_sfw_check(),
    "parent": tanjun.with_cooldown("parent"),
    "top": tanjun.with_cooldown("top"),
}
ONLY_CACHED: typing.Final = ("full-invite", "presence", "voice")


def client_of(stage: Stage, **options: typing.Any) -> tanjun.Client:
    """Make a client with a command for each converter that notes what it gets."""
    client = tanjun.Client.from_gateway_bot(stage.bot, **options).add_prefix("!")
    client.set_type_dependency(Notes, stage.notes)
    hooks = tanjun.MessageHooks()

    @hooks.with_on_parser_error
    async def on_parser_error(_: tanjun.abc.Context, error: tanjun.ParserError, notes: alluka.Injected[Notes]) -> None:
        notes.write(f"no: {error}")

    @hooks.with_on_error
    async def on_error(_: tanjun.abc.Context, error: Exception, notes: alluka.Injected[Notes]) -> bool:
        notes.write(f"error: {error!r}")
        return True

    client.set_message_hooks(hooks)
    component = tanjun.Component()
    for name, converter in CONVERTERS.items():

        async def given(_: tanjun.abc.MessageContext, it: object, notes: alluka.Injected[Notes]) -> None:
            notes.write(described(it))

        command = tanjun.as_message_command(name)(given)
        component.add_message_command(tanjun.with_argument("it", converters=converter)(tanjun.with_parser(command)))
    return client.add_component(component)


def with_command(client: tanjun.Client, name: str, *decorators: Callable[[typing.Any], typing.Any]) -> None:
    """Add a command that notes that it ran."""

    async def ran(_: tanjun.abc.MessageContext, notes: alluka.Injected[Notes]) -> None:
        notes.write("ran")

    command: typing.Any = tanjun.as_message_command(name)(ran)
    for decorator in decorators:
        command = decorator(command)
    client.add_component(tanjun.Component().add_message_command(command))


def described(thing: typing.Any) -> str:
    return str(getattr(thing, "code", None) or getattr(thing, "user_id", None) or thing.id)


async def things(stage: Stage) -> dict[str, str]:
    """Return the ids of one object of each kind, and create those that the guild lacks."""
    guild, sim = stage.guild, stage.sim
    message = await stage.say("a word")
    channel = sim.open_direct_channel(stage.user_id)
    await sim.emit("CHANNEL_CREATE", channel)
    invite = await sim.create_invite(stage.guild_id, stage.channel_id)
    await sim.set_presence(stage.guild_id, payloads.presence(stage.user_id))
    await sim.set_voice_state(
        stage.guild_id, payloads.voice_state(stage.user_id, next(c["id"] for c in guild["channels"] if c["type"] == 2))
    )
    return {
        "guild": stage.guild_id,
        "role": guild["roles"][-1]["id"],
        "channel": stage.channel_id,
        "thread": guild["threads"][0]["id"],
        "dm": channel["id"],
        "member": stage.user_id,
        "user": stage.user_id,
        "emoji": guild["emojis"][0]["id"],
        "invite": invite["code"],
        "full-invite": invite["code"],
        "text": message["id"],
        "presence": stage.user_id,
        "voice": stage.user_id,
    }


async def test_converters_ask_the_cache_and_not_discord(stage: Stage) -> None:
    persist.Cache(stage.bot, "memory://")
    install(client_of(stage))
    async with stage.playing():
        wanted = await things(stage)
        assert {name: await convert(stage, name, wanted[name]) for name in CONVERTERS} == wanted
        assert stage.asked() == {}


async def convert(stage: Stage, name: str, value: str) -> str:
    await stage.say(f"!{name} {value}")
    return await stage.notes.next()


@pytest.fixture(params=["it forgets", "it is closed"])
def ignorant(stage: Stage, request: pytest.FixtureRequest) -> persist.Cache:
    """Attach a cache that knows nothing: because of its rules, or because it could not be opened."""
    if request.param == "it is closed":
        return persist.Cache(stage.bot, "sqlite:///nowhere/cache.db")
    return persist.Cache(stage.bot, "memory://", rules=persist.Rules(off=frozenset(VIEWS) | {"own_user"}))


@pytest.mark.usefixtures("ignorant")
async def test_converters_ask_discord_where_the_cache_does_not_know(stage: Stage) -> None:
    install(client_of(stage))
    async with stage.playing():
        for name, wanted in (await things(stage)).items():
            stage.sim.rest_log.clear()
            answer = await convert(stage, name, wanted)
            if name in ONLY_CACHED:
                assert answer.startswith("no: ")
            else:
                assert (answer, sum(stage.asked().values())) == (wanted, 1), name


def checking(stage: Stage) -> tanjun.Client:
    client = client_of(stage)
    cooldowns = tanjun.InMemoryCooldownManager()
    cooldowns.set_bucket("parent", tanjun.BucketResource.PARENT_CHANNEL, 9, 60)
    cooldowns.set_bucket("top", tanjun.BucketResource.TOP_ROLE, 9, 60)
    cooldowns.add_to_client(client)
    for name, check in CHECKS.items():
        with_command(client, name, check)
    return client


def somebody(stage: Stage) -> str:
    """Return the id of a member whose permissions come from roles, not from owning the guild."""
    people = (member for member in stage.guild["members"] if member["roles"] and not member["user"].get("bot"))
    return next(str(each["user"]["id"]) for each in people if each["user"]["id"] != stage.guild["owner_id"])


async def ask(stage: Stage, name: str) -> str:
    """Send a command in a new channel, and return its outcome."""
    category = next(channel["id"] for channel in stage.guild["channels"] if channel["type"] == 4)
    channel = await stage.sim.create_channel(
        stage.guild_id, nsfw=name == "nsfw", parent_id=category, permission_overwrites=[]
    )
    await stage.say(f"!{name}", somebody(stage), channel["id"])
    return await stage.notes.next()


async def test_checks_and_limiters_ask_the_cache_and_not_discord(stage: Stage) -> None:
    persist.Cache(stage.bot, "memory://")
    install(checking(stage))
    async with stage.playing():
        assert {name: await ask(stage, name) for name in CHECKS} == dict.fromkeys(CHECKS, "ran")
        assert stage.asked() == {}


@pytest.mark.usefixtures("ignorant")
async def test_checks_and_limiters_ask_discord_where_the_cache_does_not_know(stage: Stage) -> None:
    install(checking(stage))
    async with stage.playing():
        for name in CHECKS:
            stage.sim.rest_log.clear()
            assert await ask(stage, name) == "ran"
            assert stage.asked() != {}, name


async def test_permissions_are_the_same_from_the_cache_and_from_discord(stage: Stage) -> None:
    cache = persist.Cache(stage.bot, "memory://")
    ignorant, knowing = tanjun.Client.from_gateway_bot(stage.bot), tanjun.Client.from_gateway_bot(stage.bot)
    install(knowing)
    async with stage.playing():
        member = await cache.get_member(int(stage.guild_id), int(somebody(stage)))
        assert member is not None
        everyone = hikari.Snowflake(stage.guild_id)
        channel = hikari.Snowflake(stage.channel_id)
        found = [
            await permissions.fetch_permissions(knowing, member),
            await permissions.fetch_permissions(knowing, member, channel=channel),
            await permissions.fetch_everyone_permissions(knowing, everyone, channel=channel),
        ]
        assert stage.asked() == {}
        assert found == [
            await permissions.fetch_permissions(ignorant, member),
            await permissions.fetch_permissions(ignorant, member, channel=channel),
            await permissions.fetch_everyone_permissions(ignorant, everyone, channel=channel),
        ]
        assert stage.asked() != {}


async def test_roles_of_a_guild_that_is_known_in_part_are_not_given(stage: Stage) -> None:
    client = client_of(stage)
    async with stage.playing():
        cache = persist.Cache(stage.bot, "memory://")
        install(client, cache)
        await cache.open()
        role = await stage.sim.create_role(stage.guild_id)
        await stage.settled()
        assert await cache.roles.count() == 1
        view = looked_up(client, async_cache.SfGuildBound[hikari.Role])
        assert await view.iter_for_guild(int(stage.guild_id)) == []
        assert await view.iter_all().len() == 0
        await stage.say(f"!role {role['id']}")
        assert await stage.notes.next() == role["id"]
        assert stage.asked() == {"GET /guilds/{id}/roles": 1}


async def test_roles_of_which_some_are_kept_are_not_given(stage: Stage) -> None:
    some = persist.Keep[hikari.Role](where={"name": persist.any_of("@everyone", "role-1")})
    cache = persist.Cache(stage.bot, "memory://", rules=persist.Rules(roles=some))
    client = client_of(stage)
    install(client)
    async with stage.playing():
        assert await cache.roles.count() == 2
        view = looked_up(client, async_cache.SfGuildBound[hikari.Role])
        assert await view.iter_for_guild(int(stage.guild_id)) == []
        await stage.say(f"!role {stage.guild_id}")
        assert await stage.notes.next() == stage.guild_id
        assert stage.asked() == {"GET /guilds/{id}/roles": 1}


async def test_roles_of_which_changes_were_lost_are_not_given(stage: Stage) -> None:
    cache = persist.Cache(stage.bot, "memory://")
    client = client_of(stage)
    install(client)
    async with stage.playing():
        view = looked_up(client, async_cache.SfGuildBound[hikari.Role])
        assert await view.iter_for_guild(int(stage.guild_id)).len() == len(stage.guild["roles"])
        assert cache._engine is not None
        origin = model.Origin("gateway", 0, 0, "2026-01-02 03:04:05.000006")
        cache._engine.feed.accept([completeness.known("roles", int(stage.guild_id), origin, "stale")])
        assert await view.iter_for_guild(int(stage.guild_id)) == []
        assert await view.get_from_guild(int(stage.guild_id), int(stage.guild_id), default=None) is None


async def test_owners_are_known_from_the_second_start_on(stage: Stage) -> None:
    owner, other = stage.user_id, somebody(stage)
    stage.sim.configure(owner_id=owner)
    for requests in (1, 0):
        bot = frameworks.bot_of(stage.sim)
        persist.Cache(bot, "sqlite:///cache.db")
        client = client_of(again := Stage(stage.sim, bot, stage.guild))
        with_command(client, "mine", tanjun.with_owner_check())
        install(client)
        async with again.playing():
            stage.sim.rest_log.clear()
            await again.say("!mine", owner)
            assert await again.notes.next() == "ran"
            await again.say("!mine", other)
            assert await client.fetch_rest_application_id() == int(stage.sim.settings.application_id)
            asked = [request for request in stage.sim.rest_log.elements() if "applications/@me" in request]
            assert len(asked) == requests
            known = await looked_up(client, async_cache.SingleStoreCache[hikari.AuthorizationApplication]).get()
            assert (known.id, known.name) == (int(stage.sim.settings.application_id), "fake")


@pytest.mark.usefixtures("ignorant")
async def test_owners_are_asked_for_where_the_cache_does_not_know(stage: Stage) -> None:
    stage.sim.configure(owner_id=stage.user_id)
    client = client_of(stage)
    with_command(client, "mine", tanjun.with_owner_check())
    install(client)
    async with stage.playing():
        await stage.say("!mine")
        assert await stage.notes.next() == "ran"


async def test_what_is_not_there_is_asked_for_unless_the_cache_is_authoritative(stage: Stage) -> None:
    persist.Cache(stage.bot, "memory://")
    client = client_of(stage)
    install(client, authoritative={"roles", "members"})
    async with stage.playing():
        for name, requests in (("role", 0), ("member", 0), ("user", 1)):
            stage.sim.rest_log.clear()
            await stage.say(f"!{name} 123456789012345678")
            assert (await stage.notes.next()).startswith("no: ")
            assert sum(stage.asked().values()) == requests
        with pytest.raises(async_cache.EntryNotFound):
            await looked_up(client, async_cache.SfCache[hikari.Role]).get(1)
        with pytest.raises(async_cache.CacheMissError) as error:
            await looked_up(client, async_cache.SfCache[hikari.User]).get(1)
        assert not isinstance(error.value, async_cache.EntryNotFound)


async def test_a_cache_that_is_closed_is_never_authoritative(stage: Stage) -> None:
    persist.Cache(stage.bot, "sqlite:///nowhere/cache.db")
    install(client_of(stage), authoritative={"roles"})
    async with stage.playing():
        role = stage.guild["roles"][-1]["id"]
        await stage.say(f"!role {role}")
        assert await stage.notes.next() == role


@pytest.mark.parametrize("authoritative", ["roles", {"rolls"}, {"stickers"}])
def test_authoritative_is_a_collection_of_names_of_kinds(stage: Stage, authoritative: typing.Any) -> None:
    with pytest.raises(persist.QueryError, match="authoritative"):
        install(tanjun.Client.from_gateway_bot(stage.bot), authoritative=authoritative)


def looked_up(client: tanjun.Client, key: typing.Any) -> typing.Any:
    return client.get_type_dependency(key)


async def test_views_list_and_find_what_is_in_a_guild_or_anywhere(stage: Stage) -> None:
    persist.Cache(stage.bot, "memory://")
    client = tanjun.Client.from_gateway_bot(stage.bot)
    install(client)
    other = stage.sim.add_guild(members=3)
    here, there = int(stage.guild_id), int(other["id"])
    in_guild, anywhere = async_cache.SfGuildBound, async_cache.SfCache
    async with stage.playing():
        for kind, name in (
            (hikari.Role, "roles"),
            (hikari.Member, "members"),
            (hikari.MemberPresence, "presences"),
            (hikari.VoiceState, "voice_states"),
            (hikari.KnownCustomEmoji, "emojis"),
        ):
            view = looked_up(client, in_guild[kind])
            known = len(stage.guild[name])
            assert len(await view.iter_for_guild(here)) == await view.iter_for_guild(here).len() == known
            assert len(await view.iter_all()) == await view.iter_all().len() == known + len(other[name])
        roles = looked_up(client, in_guild[hikari.Role])
        assert (await roles.get_from_guild(here, here)).name == "@everyone"
        assert await roles.get_from_guild(there, here, default=None) is None
        members = looked_up(client, in_guild[hikari.Member])
        assert await members.get_from_guild(there, int(stage.user_id), default="none") == "none"
        channels = looked_up(client, in_guild[hikari.PermissibleGuildChannel])
        assert (await channels.get_from_guild(here, int(stage.channel_id))).id == int(stage.channel_id)
        guilds = await looked_up(client, anywhere[hikari.GatewayGuild]).iter_all()
        assert {guild.id for guild in guilds} == {here, there}
        assert (await looked_up(client, async_cache.SingleStoreCache[hikari.OwnUser]).get()).is_bot
        assert stage.asked() == {}


async def test_the_mention_prefix_is_known_from_the_second_start_on(stage: Stage) -> None:
    for requests in (1, 0):
        bot = frameworks.bot_of(stage.sim)
        persist.Cache(bot, "sqlite:///cache.db")
        client = client_of(again := Stage(stage.sim, bot, stage.guild), mention_prefix=True)
        install(client)
        stage.sim.rest_log.clear()
        async with again.playing():
            assert stage.sim.rest_log["GET /users/@me"] == requests
            await again.say(f"<@{stage.sim.settings.bot_id}> guild {stage.guild_id}")
            assert await again.notes.next() == stage.guild_id


def test_every_lookup_of_tanjun_is_served(stage: Stage) -> None:
    persist.Cache(stage.bot, "memory://")
    client = tanjun.Client.from_gateway_bot(stage.bot)
    install(client)
    in_guild, anywhere, one = async_cache.SfGuildBound, async_cache.SfCache, async_cache.SingleStoreCache
    served: list[typing.Any] = [
        *(anywhere[hikari.Guild], anywhere[hikari.GatewayGuild], anywhere[hikari.Role], in_guild[hikari.Role]),
        *(anywhere[hikari.PermissibleGuildChannel], in_guild[hikari.PermissibleGuildChannel]),
        *(anywhere[hikari.GuildThreadChannel], in_guild[hikari.Member], anywhere[hikari.User]),
        *(anywhere[hikari.KnownCustomEmoji], in_guild[hikari.KnownCustomEmoji], anywhere[hikari.Message]),
        *(async_cache.AsyncCache[str, hikari.InviteWithMetadata], one[hikari.OwnUser]),
        *(in_guild[hikari.MemberPresence], in_guild[hikari.VoiceState], anywhere[hikari.DMChannel]),
        *(one[hikari.Application], one[hikari.AuthorizationApplication]),
    ]
    assert len(served) == 16 + 3
    for key in served:
        assert bool(looked_up(client, key)), key
