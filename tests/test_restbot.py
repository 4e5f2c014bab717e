"""The cache of a REST bot opens and closes with it, answers, requests what it lacks from Discord, and stores that."""

from __future__ import annotations

import contextlib
import datetime
import logging
import pathlib
import typing
from collections.abc import AsyncIterator

import bots
import frameworks
import hikari
import orjson
import pytest
from fakecord import FakeDiscord, Payload
from frameworks import Stage, told
from nacl.signing import SigningKey

import persist

KEY: typing.Final = SigningKey.generate()


def rest_bot(sim: FakeDiscord) -> hikari.RESTBot:
    return hikari.RESTBot(
        bots.TOKEN,
        "Bot",
        public_key=bytes(KEY.verify_key),
        rest_url=sim.rest_url,
        banner=None,
        logs=None,
        suppress_optimization_warning=True,
    )


@contextlib.asynccontextmanager
async def serving(bot: hikari.RESTBot) -> AsyncIterator[None]:
    await bot.start(host="127.0.0.1", port=0, check_for_updates=False)
    try:
        yield
    finally:
        if bot.is_alive:
            await bot.close()


async def run(stage: Stage, bot: hikari.RESTBot, name: str, **wishes: typing.Any) -> str:
    """Run a command of a REST bot, and return its reply, whether immediate or deferred."""
    body = orjson.dumps(stage.sim.interaction(stage.guild_id, stage.channel_id, name, **wishes))
    moment = b"1700000000"
    response = await bot.on_interaction(body, KEY.sign(moment + body).signature, moment)
    answer: Payload = orjson.loads(bytes(response.payload)) if response.payload else {}
    if (said := answer.get("data") or {}).get("content") is not None:
        return str(said["content"])
    return str((await stage.answer())["content"])


async def test_what_discord_is_asked_for_is_remembered(stage: Stage) -> None:
    guild_id, user_id = int(stage.guild_id), int(stage.user_id)
    for requests in (1, 0):
        bot = rest_bot(stage.sim)
        cache = persist.Cache(bot, "sqlite:///cache.db")
        stage.sim.rest_log.clear()
        async with serving(bot):
            assert await cache.get_member(guild_id, user_id) is None or requests == 0
            member = await cache.fetch_member(guild_id, user_id)
            assert member.nickname == "Nemo"
            assert (await cache.fetch_member(guild_id, user_id)).app is bot
            me = await cache.fetch_my_user()
            assert await cache.fetch_my_user() == await cache.get_me() == me
            assert sum(stage.sim.rest_log.values()) == 2 * requests
            assert (await cache.members.find(guild=guild_id))[0].nickname == "Nemo"
            await cache.fetch_member(guild_id, user_id, max_age=datetime.timedelta())
            assert len(await cache.fetch_roles(guild_id)) == len(stage.guild["roles"])
            assert sum(stage.sim.rest_log.values()) == 2 * requests + 2  # they may have changed
        assert not cache.is_open
        assert cache.quarantine == ()


async def test_a_rest_bot_answers_from_what_a_gateway_bot_keeps_up_to_date(stage: Stage) -> None:
    url, guild_id = "sqlite:///cache.db", int(stage.guild_id)
    keeper = persist.Cache(stage.bot, url)
    bot = rest_bot(stage.sim)
    cache = persist.Cache(bot, url)
    async with stage.playing(), serving(bot):
        await keeper.flush()
        stage.sim.rest_log.clear()
        assert await told(cache, cache.members, guild_id, int(stage.user_id)) == stage.said
        assert len(await cache.get_voice_states_view_for_guild(guild_id)) == 1
        assert (await cache.fetch_role(guild_id, guild_id)).name == "@everyone"
        assert (await cache.completeness(guild_id, persist.ROLES)).is_complete
        assert not stage.sim.rest_log
        await stage.sim.update_member(stage.guild_id, stage.user_id, nick="Dory")
        await stage.settled()
        await keeper.flush()
        assert await told(cache, cache.members, guild_id, int(stage.user_id)) == "Aquarium knows Dory"
    assert await frameworks_survive(url, guild_id)


async def frameworks_survive(url: str, guild_id: int) -> bool:
    async with persist.connect(url, bots.make()) as reader:
        return await reader.get_guild(guild_id) is not None


async def test_it_opens_and_closes_as_often_as_its_bot_runs_and_closes_last(stage: Stage) -> None:
    bot = rest_bot(stage.sim)
    cache = persist.Cache(bot, "memory://")
    found: list[bool] = []

    async def look(_: hikari.RESTBotAware) -> None:
        found.append(cache.is_open)

    bot.add_startup_callback(look)
    bot.add_shutdown_callback(look)
    for _ in range(2):
        async with serving(bot):
            assert cache.is_open
        assert not cache.is_open
        with pytest.raises(persist.CacheClosedError):
            await cache.get_guild(1)
    assert found == [True] * 4


async def test_who_starts_earlier_and_asks_is_answered(stage: Stage) -> None:
    bot = rest_bot(stage.sim)
    names: list[str] = []

    async def ask(_: hikari.RESTBotAware) -> None:
        names.append((await cache.fetch_role(int(stage.guild_id), int(stage.guild_id))).name)

    bot.add_startup_callback(ask)
    cache = persist.Cache(bot, "memory://")
    async with serving(bot):
        assert names == ["@everyone"]


async def test_a_callback_that_fails_leaves_nothing_unstored(stage: Stage) -> None:
    bot = rest_bot(stage.sim)
    cache = persist.Cache(bot, "sqlite:///cache.db", interval=3600)

    async def fail(_: hikari.RESTBotAware) -> None:
        raise LookupError

    bot.add_shutdown_callback(fail)
    with pytest.raises(LookupError):
        async with serving(bot):
            await cache.fetch_member(int(stage.guild_id), int(stage.user_id))
    await bots.closed(cache)
    assert bots.rows(pathlib.Path("cache.db"), "SELECT nickname FROM members") == ["Nemo"]


@pytest.mark.parametrize("moment", ["while it starts", "while it runs"])
async def test_a_cache_that_comes_late_opens_itself(stage: Stage, moment: str) -> None:
    bot = rest_bot(stage.sim)
    caches: list[persist.Cache] = []

    async def attach(_: hikari.RESTBotAware) -> None:
        caches.append(persist.Cache(bot, "memory://"))

    if moment == "while it starts":
        bot.add_startup_callback(attach)
    async with serving(bot):
        if moment == "while it runs":
            await attach(bot)
        (cache,) = caches
        assert await cache.guilds.count() == 0
        await bots.until(lambda: cache.is_open and len(bot.on_shutdown) == 1)
        assert persist.Cache.of(bot) is cache
    assert not cache.is_open


async def test_a_database_that_cannot_be_opened_is_critical_and_found_later(
    stage: Stage, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    bot = rest_bot(stage.sim)
    cache = persist.Cache(bot, "sqlite:///nowhere/cache.db")
    async with serving(bot):
        assert [record.levelno for record in caplog.records if record.name == "persist"] == [logging.CRITICAL]
        with pytest.raises(persist.CacheClosedError, match="nowhere"):
            await cache.get_guild(1)
        (tmp_path / "nowhere").mkdir()
        assert await cache.get_guild(1) is None


async def test_a_strict_cache_ends_a_bot_that_starts(stage: Stage) -> None:
    bot = rest_bot(stage.sim)
    persist.Cache(bot, "sqlite:///nowhere/cache.db", strict=True)
    with pytest.raises(persist.PersistError, match="nowhere"):
        async with serving(bot):
            pass


async def test_there_are_no_events_to_listen_to(stage: Stage) -> None:
    cache = persist.Cache(rest_bot(stage.sim), "memory://")
    with pytest.raises(persist.QueryError, match="has no gateway"):
        cache.listen(hikari.GuildAvailableEvent)
    with pytest.raises(persist.QueryError, match="has no gateway"):
        cache.watch(hikari.MemberDeleteEvent)


async def test_its_health_is_good_without_a_gateway(stage: Stage) -> None:
    bot = rest_bot(stage.sim)
    cache = persist.Cache(bot, "memory://")
    async with serving(bot):
        assert cache.health().is_healthy


# ------------------------------------------------------------------------------------------------------ with frameworks


async def _lightbulb(stage: Stage, bot: hikari.RESTBot) -> None:
    import lightbulb  # noqa: PLC0415 - it may not be installed

    from persist.integrations.lightbulb import hooks  # noqa: PLC0415

    client = lightbulb.client_from_app(bot)

    @client.register
    class Slash(
        lightbulb.SlashCommand,
        name="slash",
        description="A command",
        hooks=[hooks.has_permissions(hikari.Permissions.BAN_MEMBERS)],
    ):
        @lightbulb.invoke
        async def invoke(self, context: lightbulb.Context, cache: persist.Cache, members: persist.Members) -> None:
            await context.respond(await fetched(cache, members, stage))

    async def start(_: hikari.RESTBotAware) -> None:
        await client.load_extensions("persist.integrations.lightbulb")
        await client.start()

    bot.add_startup_callback(start)


async def _arc(stage: Stage, bot: hikari.RESTBot) -> None:
    import arc  # noqa: PLC0415 - it may not be installed

    from persist.integrations.arc import hooks  # noqa: PLC0415

    client = arc.RESTClient(bot)
    client.load_extension("persist.integrations.arc")

    async def slash(context: typing.Any) -> None:
        cache = client.get_type_dependency(persist.Cache)
        await context.respond(await fetched(cache, client.get_type_dependency(persist.Members), stage))

    slash.__annotations__["context"] = arc.RESTContext
    guard = arc.with_hook(hooks.has_permissions(hikari.Permissions.BAN_MEMBERS))
    client.include(guard(arc.slash_command("slash", "A command")(slash)))


async def _tanjun(stage: Stage, bot: hikari.RESTBot) -> None:
    import tanjun  # noqa: PLC0415 - it may not be installed

    client = tanjun.Client.from_rest_bot(bot, bot_managed=True)
    client.load_modules("persist.integrations.tanjun")

    async def slash(context: typing.Any) -> None:
        cache = client.get_type_dependency(persist.Cache)
        await context.respond(await fetched(cache, client.get_type_dependency(persist.Members), stage))

    client.add_component(tanjun.Component().add_slash_command(tanjun.as_slash_command("slash", "A command")(slash)))


async def _crescent(stage: Stage, bot: hikari.RESTBot) -> None:
    import crescent  # noqa: PLC0415 - it may not be installed

    from persist.integrations.crescent import get, hooks  # noqa: PLC0415

    client = crescent.Client(bot)
    client.plugins.load("persist.integrations.crescent")

    @client.include
    @crescent.hook(hooks.has_permissions(hikari.Permissions.BAN_MEMBERS))
    @crescent.command
    async def slash(context: crescent.Context) -> None:
        cache = get(context)
        await context.respond(await fetched(cache, cache.members, stage))


async def fetched(cache: persist.Cache, members: persist.Members, stage: Stage) -> str:
    """Return what was requested from Discord and is now in the cache."""
    await cache.fetch_member(int(stage.guild_id), int(stage.user_id))
    member = await members.get(int(stage.guild_id), int(stage.user_id))
    return f"It knows {member and member.nickname}"


FRAMEWORKS: typing.Final = {"lightbulb": _lightbulb, "arc": _arc, "tanjun": _tanjun, "crescent": _crescent}


@pytest.mark.filterwarnings("ignore::DeprecationWarning:alluka", "ignore::DeprecationWarning:tanjun")
@pytest.mark.parametrize("name", FRAMEWORKS)
async def test_a_rest_client_of_a_framework_gets_the_cache(stage: Stage, name: str) -> None:
    pytest.importorskip(name, reason=f"{name} is not installed.")
    bot = rest_bot(stage.sim)
    await FRAMEWORKS[name](stage, bot)
    async with serving(bot):
        assert await run(stage, bot, "slash") == "It knows Nemo"
    assert frameworks.databases() == ["persist.db"]
