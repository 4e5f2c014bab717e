"""hikari's own cache has the stored data from the first event on, and keeps the members up to date."""

from __future__ import annotations

import asyncio
import logging
import pathlib
import typing
from collections.abc import AsyncIterator, Iterator

import bots
import hikari
import hikari.impl
import pytest
from fakecord import FakeDiscord, Payload, payloads
from hearing import Hearing, ready

import persist
from persist import warm as warm_rows

Components = hikari.api.CacheComponents
pytestmark = pytest.mark.filterwarnings("ignore::hikari.MissingIntentWarning")


@pytest.fixture
async def sim() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord(seed=1) as sim:
        yield sim


def make(
    sim: FakeDiscord,
    components: hikari.api.CacheComponents = Components.ALL,
    intents: hikari.Intents = hikari.Intents.ALL & ~hikari.Intents.GUILD_PRESENCES,
    **settings: typing.Any,
) -> hikari.GatewayBot:
    """Make a bot that only gets its own member and those in voice channels from Discord."""
    return hikari.GatewayBot(
        bots.TOKEN,
        rest_url=sim.rest_url,
        intents=intents,
        auto_chunk_members=False,
        banner=None,
        logs=None,
        suppress_optimization_warning=True,
        cache_settings=hikari.impl.CacheSettings(components=components, **settings),
    )


async def remembered(sim: FakeDiscord, url: str, guild: Payload) -> None:
    """Let a bot receive everything once, including all members, as it has the intent for presences."""
    bot = bots.make(sim.rest_url)
    cache = persist.Cache(bot, url, members="always")
    async with bots.started(sim, bot, cache):
        await sim.create_message(bots.text_channel(guild), "hello")
        await bots.settled(sim, cache)
        await cache.flush()
        assert await cache.members.count(guild=int(guild["id"])) == len(guild["members"])


class First:
    """What hikari's cache knew when the bot received its guild."""

    def __init__(self, bot: hikari.GatewayBot) -> None:
        self.members = 0
        self.roles = 0
        self.starting: hikari.Guild | None = None

        @bot.listen()
        async def on_ready(_: hikari.ShardReadyEvent) -> None:
            self.starting = next(iter(bot.cache.get_guilds_view().values()), None)

        @bot.listen()
        async def on_guild(event: hikari.GuildAvailableEvent) -> None:
            self.members = len(bot.cache.get_members_view_for_guild(event.guild_id))
            self.roles = sum(len(member.get_roles()) for member in event.guild.get_members().values())


async def test_the_first_event_finds_everybody(sim: FakeDiscord, engine_url: str) -> None:
    if engine_url == "memory://":
        pytest.skip("what is in memory only is not there after a restart.")
    guild = sim.add_guild(name="Aquarium", members=150, threads=2, voice_states=2)
    await remembered(sim, engine_url, guild)
    bot = make(sim)
    cache = persist.Cache(bot, engine_url, warm=True, members="never")
    first = First(bot)
    async with bots.started(sim, bot, cache):
        assert first.starting is not None
        assert first.starting.name == "Aquarium"
        assert (first.members, first.roles >= 150) == (150, True)
        assert len(bot.cache.get_members_view_for_guild(int(guild["id"]))) == 150
        assert [message.content for message in bot.cache.get_messages_view().values()] == ["hello"]
        assert len(bot.cache.get_threads_view_for_guild(int(guild["id"]))) == 2


async def test_fifty_thousand_members_come_back_in_slices(sqlite_url: str) -> None:
    async with Hearing(sqlite_url) as hearing:
        guild = payloads.guild(members=2)
        await hearing.ready(guild)
        for name, payload in bots.members(guild, 50_000):
            hearing.consume(name, payload)
        await hearing.cache.flush()
    hearing = Hearing(sqlite_url, hikari_caches=True, warm=True)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with hearing:
        other = asyncio.create_task(others())
        await hearing.cache._life._on_starting(hikari.StartingEvent(app=hearing.bot))
        guild_id = int(guild["id"])
        assert len(hearing.bot.cache.get_members_view_for_guild(guild_id)) == 50_002
        assert turns >= 250
        turns = 0
        hearing.consume("READY", ready(guild))
        hearing.consume("GUILD_CREATE", {**guild, "large": True, "member_count": 50_002})
        assert len(hearing.bot.cache.get_members_view_for_guild(guild_id)) == 2
        await bots.until(lambda: len(hearing.bot.cache.get_members_view_for_guild(guild_id)) == 50_002, 120)
        assert turns >= 200
        other.cancel()


async def test_who_leaves_meanwhile_does_not_come_back(sqlite_url: str) -> None:
    guild, guild_id = payloads.guild(members=5), 0
    guild_id = int(guild["id"])
    async with Hearing(sqlite_url) as hearing:
        await hearing.ready(guild)
    hearing = Hearing(sqlite_url, hikari_caches=True, warm=True)
    async with hearing:
        await hearing.cache._life._on_starting(hikari.StartingEvent(app=hearing.bot))
        gone, changed = guild["members"][2], guild["members"][3]
        where = {"guild_id": guild["id"]}
        hearing.consume("READY", ready(guild))
        hearing.consume("GUILD_CREATE", {**guild, "members": guild["members"][:1]})
        hearing.consume("GUILD_MEMBER_REMOVE", {**where, "user": gone["user"]})
        hearing.consume("GUILD_MEMBER_UPDATE", {**where, **changed, "nick": "new"})
        await asyncio.sleep(0)
        found = hearing.bot.cache.get_members_view_for_guild(guild_id)
        assert {str(user_id) for user_id in found} == {member["user"]["id"] for member in guild["members"]} - {
            gone["user"]["id"]
        }
        assert found[hikari.Snowflake(changed["user"]["id"])].nickname == "new"


async def test_who_left_unheard_goes_when_all_members_have_been_told(sim: FakeDiscord, sqlite_url: str) -> None:
    guild = sim.add_guild(members=30)
    guild_id = int(guild["id"])
    await remembered(sim, sqlite_url, guild)
    async with sim.silently():
        await sim.remove_member(guild["id"], guild["members"][7]["user"]["id"])
    bot = make(sim)
    cache = persist.Cache(bot, sqlite_url, warm=True, members="always")
    first = First(bot)
    async with bots.started(sim, bot, cache):
        assert first.members == 30
        await bots.until(lambda: len(bot.cache.get_members_view_for_guild(guild_id)) == 29)


async def test_who_is_missing_where_a_guild_lists_all_members_does_not_come_back(sqlite_url: str) -> None:
    guild = payloads.guild(members=5)
    async with Hearing(sqlite_url) as hearing:
        await hearing.ready(guild)
    async with Hearing(sqlite_url, hikari_caches=True, warm=True) as hearing:
        await hearing.cache._life._on_starting(hikari.StartingEvent(app=hearing.bot))
        view = hearing.bot.cache.get_members_view_for_guild
        assert len(view(int(guild["id"]))) == 5
        left = {**guild, "members": guild["members"][:-1], "member_count": 4, "voice_states": []}
        hearing.consume("READY", ready(guild))
        hearing.consume("GUILD_CREATE", {**guild, "members": guild["members"][:1]})  # most are put back later
        hearing.consume("GUILD_CREATE", left)
        await asyncio.sleep(0.01)
        assert {str(user_id) for user_id in view(int(guild["id"]))} == {each["user"]["id"] for each in left["members"]}
        assert await hearing.cache.members.count() == 4


@pytest.mark.parametrize("listed", ["threads", "emojis"])
async def test_what_went_unheard_is_not_left_behind(sqlite_url: str, listed: str) -> None:
    guild = payloads.guild(members=5, threads=2)
    async with Hearing(sqlite_url) as hearing:
        await hearing.ready(guild)
    async with Hearing(sqlite_url, hikari_caches=True, warm=True) as hearing:
        await hearing.cache._life._on_starting(hikari.StartingEvent(app=hearing.bot))
        view = getattr(hearing.bot.cache, f"get_{listed}_view_for_guild")
        assert len(view(int(guild["id"]))) > 0
        hearing.consume("READY", ready(guild))
        hearing.consume("GUILD_CREATE", {**guild, listed: []})
        assert len(view(int(guild["id"]))) == 0


async def test_guilds_that_were_left_or_are_others_are_not_there(sqlite_url: str) -> None:
    here, left = payloads.guild(members=2), payloads.guild(members=2)
    async with Hearing(sqlite_url) as hearing:
        await hearing.ready(here, left)
    async with Hearing(sqlite_url, hikari_caches=True, warm=True) as hearing:
        await hearing.cache._life._on_starting(hikari.StartingEvent(app=hearing.bot))
        assert {int(here["id"]), int(left["id"])} == set(hearing.bot.cache.get_guilds_view())
        hearing.consume("READY", ready(here))
        assert {int(here["id"])} == set(hearing.bot.cache.get_guilds_view())
        assert len(hearing.bot.cache.get_roles_view_for_guild(int(left["id"]))) == 0
        assert len(hearing.bot.cache.get_members_view_for_guild(int(left["id"]))) == 0


async def test_shards_of_other_processes_leave_nothing(sim: FakeDiscord, sqlite_url: str) -> None:
    guilds = [sim.add_guild(members=2) for _ in range(6)]
    async with Hearing(sqlite_url) as hearing:
        await hearing.ready(*guilds)
    bot = make(sim)
    cache = persist.Cache(bot, sqlite_url, warm=True)
    await bot.start(shard_ids=[0], shard_count=2, check_for_updates=False)
    await bots.settled(sim, cache)
    mine = {int(guild["id"]) for guild in guilds if (int(guild["id"]) >> 22) % 2 == 0}
    assert set(bot.cache.get_guilds_view()) == mine
    await bot.close()


async def test_only_what_is_wished_for_is_filled(sqlite_url: str) -> None:
    one, other = payloads.guild(members=2), payloads.guild(members=2)
    async with Hearing(sqlite_url) as hearing:
        await hearing.ready(one, other)
    wish = persist.Warm(kinds={"guilds", "roles"}, guilds=[int(one["id"])])
    async with Hearing(sqlite_url, hikari_caches=True, warm=wish) as hearing:
        await hearing.cache._life._on_starting(hikari.StartingEvent(app=hearing.bot))
        cache = hearing.bot.cache
        assert set(cache.get_guilds_view()) == {int(one["id"])}
        assert {role.guild_id for role in cache.get_roles_view().values()} == {int(one["id"])}
        assert dict(cache.get_members_view()) == {}
        assert dict(cache.get_guild_channels_view()) == {}


@pytest.mark.parametrize("row", warm_rows.ROWS, ids=lambda row: row.entity.name)
def test_what_it_calls_is_public(row: warm_rows.Row) -> None:
    methods = [row.put, *([row.clear] if row.clear else [])]
    assert all(hasattr(hikari.api.MutableCache, method) for method in methods)


async def test_a_database_that_is_away_leaves_it_cold(
    sim: FakeDiscord, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    guild = sim.add_guild(members=2)
    path = tmp_path / "cache.db"
    await remembered(sim, f"sqlite:///{path}", guild)
    bot = make(sim)
    cache = persist.Cache(bot, f"sqlite:///{path}", warm=persist.Warm(seconds=0.000001))
    with caplog.at_level(logging.WARNING, "persist.warming"):
        async with bots.started(sim, bot, cache):
            assert set(bot.cache.get_guilds_view()) == {int(guild["id"])}
    assert "hikari's cache is not filled after 1e-06 s" in caplog.text


def refusals() -> Iterator[typing.Any]:
    none, all_but = Components.NONE, Components.ALL & ~Components.MEMBERS
    few = hikari.Intents.ALL & ~hikari.Intents.GUILD_MEMBERS
    yield pytest.param(
        Components.ALL, hikari.Intents.ALL, lambda: 1, "warm must be True, False or persist.Warm", id="1"
    )
    yield pytest.param(none, hikari.Intents.ALL, lambda: True, "do not keep own_user", id="no cache")
    for name, components, intents, complaint in (
        ("off", all_but, hikari.Intents.ALL, "do not keep members"),
        ("unheard", Components.ALL, few, "without the intent GUILD_MEMBERS no event would remove members"),
    ):
        yield pytest.param(components, intents, lambda: persist.Warm(kinds={"members"}), complaint, id=name)
    for name, make_it, complaint in (
        ("kinds", lambda: persist.Warm(kinds="members"), "kinds must be a collection of names"),
        ("none", lambda: persist.Warm(kinds=()), "kinds is empty"),
        ("unknown", lambda: persist.Warm(kinds={"presences"}), "hikari's cache does not hold 'presences'; it holds"),
        ("guilds", lambda: persist.Warm(guilds="1"), "guilds must be a collection of guilds or their ids, not '1'"),
        ("a guild", lambda: persist.Warm(guilds=["x"]), "a guild to warm must be an id"),  # type: ignore[list-item]
        ("seconds", lambda: persist.Warm(seconds=0), "seconds must be a number above zero, not 0"),
    ):
        yield pytest.param(Components.ALL, hikari.Intents.ALL, make_it, complaint, id=name)


@pytest.mark.parametrize(("components", "intents", "warm", "complaint"), list(refusals()))
async def test_what_cannot_be_filled_is_refused_at_once(
    sim: FakeDiscord,
    components: hikari.api.CacheComponents,
    intents: hikari.Intents,
    warm: typing.Callable[[], typing.Any],
    complaint: str,
) -> None:
    bot = make(sim, components, intents)
    with pytest.raises(persist.QueryError) as caught:
        persist.Cache(bot, "memory://", warm=warm())
    assert complaint in str(caught.value)


def test_a_bot_without_a_gateway_has_nothing_to_fill() -> None:
    bot = hikari.RESTBot(bots.TOKEN, "Bot", banner=None, logs=None, suppress_optimization_warning=True)
    with pytest.raises(persist.QueryError, match=r"RESTBot object .* does not have; leave warm out"):
        persist.Cache(bot, "memory://", warm=True)
