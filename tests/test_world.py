"""A random world, a real bot and a real database: after every turn the cache answers what the world is.

A plan is drawn whole before it is played, so that it shrinks, and what it says when it fails is what happened.
`PERSIST_WORLD=deep` plays more and longer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import tempfile
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

import bots
import hypothesis
import hypothesis.strategies as st
import pytest
import servers
from fakecord import FakeDiscord, Payload
from fakecord.world import Guild, is_archived
from hikari.impl import shard as shard_impl
from world_actions import ACTIONS, Stage

import persist
from persist.entities import ENTITIES
from persist.spi import Select

_DEEP: typing.Final = os.environ.get("PERSIST_WORLD") == "deep"
_PROFILE: typing.Final = hypothesis.settings(
    max_examples=200 if _DEEP else 12,
    deadline=None,
    derandomize=not _DEEP,
    suppress_health_check=list(hypothesis.HealthCheck),
)
_LISTS: typing.Final[Mapping[str, str]] = {
    "channels": "channels",
    "roles": "roles",
    "emojis": "emojis",
    "stickers": "stickers",
    "members": "members",
    "presences": "presences",
    "voice_states": "voice_states",
    "stage_instances": "stage_instances",
    "scheduled_events": "guild_scheduled_events",
    "soundboard_sounds": "soundboard_sounds",
}
"""Each kind that a guild has a list of, and what Discord calls the list."""

_LARGE: typing.Final = 50
"""How many members a guild has at most whose members are all listed."""

_BESIDE: typing.Final = frozenset(("guild_id", "newly_created"))
"""Fields that say where a thing is or how it was told, and not what it is."""

Choice = tuple[str, int, int]
"""What happens, in which guild, and to which of its things."""

Place = Callable[[], contextlib.AbstractAsyncContextManager[str]]
"""Gives the URL of a new database."""


class Game:
    """A world, and a bot in it whose cache is right or not."""

    def __init__(self, url: str, *, guilds: int, shards: int, large: bool) -> None:
        self.sim = FakeDiscord(seed=1, shards=shards)
        self.stage = Stage(self.sim)
        self._url = url
        for _ in range(guilds):
            self.sim.add_guild(members=4, threads=1, voice_states=1)
        if large:  # Discord lists some of its members only: the others have to be asked for
            self.sim.add_guild(members=60, threads=0, presences=3)

    async def start(self) -> None:
        """Let a bot start."""
        self.bot = bots.make(self.sim.rest_url)
        self.cache = persist.Cache(self.bot, self._url, members="always")
        self.cache._pace = self.cache._pace._replace(guild=0.0, shard=10_000, patience=0.3, tries=10)
        await self.bot.start(check_for_updates=False, large_threshold=_LARGE)
        await self.sim.wait_connected()
        await bots.settled(self.sim, self.cache)

    async def end(self) -> None:
        """Let it all end."""
        if self.bot.is_alive:
            await self.bot.close()
        await self.sim.stop()

    def guild(self, number: int) -> Guild | None:
        """Return one of the guilds, if there is any."""
        guilds = list(self.sim.world.guilds.values())
        return guilds[number % len(guilds)] if guilds else None

    async def play(self, choices: Sequence[Choice]) -> None:
        """Let things happen."""
        for name, number, which in choices:
            if (guild := self.guild(number)) is not None:
                await ACTIONS[name](self.stage, guild, which)

    async def unheard(self, choices: Sequence[Choice]) -> None:
        """Let things happen that the bot is not told of."""
        self.stage.silent = True
        async with self.sim.silently():
            await self.play(choices)
        self.stage.silent = False

    async def resumed(self, break_off: Callable[[], Awaitable[None]], choices: Sequence[Choice]) -> None:
        """Let things happen while the bot reconnects, to be told of them then."""
        target = self.sim.resumes_ok + self.sim.settings.shards
        await break_off()
        await self.play(choices)
        await self.sim.wait_until(lambda: self.sim.resumes_ok >= target, 30)

    # ------------------------------------------------------------------------------------------------------- the truth

    async def compare(self) -> None:
        """Fail if the cache answers anything that is not so."""
        await bots.settled(self.sim, self.cache)
        assert self.cache.quarantine == ()
        world = self.sim.world
        assert {str(guild) for guild in await self.cache.get_guilds_view()} == set(world.guilds)
        for guild in world.guilds.values():
            entry = await self.cache.guilds.entry(int(guild.id))
            assert entry is not None
            assert bool(entry.payload["unavailable"]) is not guild.available
            if guild.available:
                assert entry.payload["name"] == guild.fields["name"]
                await self._compare_guild(guild)

    async def _compare_guild(self, guild: Guild) -> None:
        async with asyncio.timeout(20):
            while not (members := await self.cache.completeness(int(guild.id), "members")).verified:  # noqa: ASYNC110
                await asyncio.sleep(0.01)  # some are being asked for
            assert members.state == "complete"
        for kind, field in _LISTS.items():
            known = await self._known(kind, guild)
            real = {int(key): plain(thing) for key, thing in guild.children[field].items()}
            assert known == real, kind
            found = await self.cache.completeness(int(guild.id), kind)
            # Of the presences in a large guild Discord lists some.
            some = kind == "presences" and guild.member_count > _LARGE
            assert (found.state, found.verified) == ("partial" if some else "complete", True), kind
        threads = await self._known("threads", guild)
        active = {int(thread["id"]): plain(thread) for thread in guild.active_threads()}
        assert {key: thread for key, thread in threads.items() if not is_archived(thread)} == active
        await self._compare_messages(guild)

    async def _compare_messages(self, guild: Guild) -> None:
        known, places = await self._known("messages", guild), {**guild.channels, **guild.threads}
        real = {
            int(message): plain(self.sim.messages[channel][message])
            for message, channel in self.stage.heard.items()
            if channel in places and message in self.sim.messages[channel]
        }
        assert {key: message for key, message in known.items() if message["channel_id"] in places} == real

    async def _known(self, kind: str, guild: Guild) -> dict[int, Payload]:
        reader = await self.cache._answering()
        await reader.barrier()
        page = await reader.page(Select(ENTITIES[kind], guild_id=int(guild.id)))
        return {int(record.key[-1]): plain(record.payload) for record in await reader.whole(page.records)}


def plain(payload: typing.Mapping[str, typing.Any]) -> Payload:
    """Return what a thing is, however it was told."""
    found = {name: value for name, value in payload.items() if name not in _BESIDE}
    if (user := found.get("user")) and user.get("bot"):  # of the bot itself READY tells more than its memberships do
        found["user"] = user["id"]
    if "session_id" in found:  # the member of a voice state has a place of its own
        found.pop("member", None)
    if "reactions" in found:
        found["reactions"] = [(tally["emoji"], tally["count"], tally["me"]) for tally in found["reactions"]]
        found = {name: value for name, value in found.items() if name != "reactions" or value}
    return found


# ----------------------------------------------------------------------------------------------------- the ways it goes


async def _told(game: Game, choices: Sequence[Choice]) -> None:
    await game.play(choices)


async def _while_the_connection_is_reset(game: Game, choices: Sequence[Choice]) -> None:
    await game.resumed(game.sim.drop_connections, choices)


async def _while_the_bot_is_asked_to_reconnect(game: Game, choices: Sequence[Choice]) -> None:
    await game.resumed(game.sim.request_reconnect, choices)


async def _before_the_session_is_invalid(game: Game, choices: Sequence[Choice]) -> None:
    target = game.sim.identifies + game.sim.settings.shards
    await game.unheard(choices)
    await game.sim.invalidate()
    await game.sim.wait_until(lambda: game.sim.identifies >= target, 30)
    await game.sim.wait_connected()


async def _while_the_bot_is_away(game: Game, choices: Sequence[Choice]) -> None:
    await game.bot.close()
    await game.unheard(choices)
    await game.start()


async def _while_the_bot_gets_other_shards(game: Game, choices: Sequence[Choice]) -> None:
    game.sim.settings.shards = 3 - game.sim.settings.shards
    await _while_the_bot_is_away(game, choices)


async def _while_the_bot_is_away_and_a_chunk_is_lost(game: Game, choices: Sequence[Choice]) -> None:
    game.sim.lose_chunks(1)
    await _while_the_bot_is_away(game, choices)


async def _while_a_guild_is_down(game: Game, choices: Sequence[Choice]) -> None:
    if (guild := game.guild(0)) is not None:
        await game.sim.guild_outage(guild.id)
        await game.compare()
        await game.play(choices)
        await game.sim.guild_recover(guild.id)


async def _after_joining(game: Game, choices: Sequence[Choice]) -> None:
    if len(game.sim.world.guilds) < 4:
        await game.sim.join_guild(members=3)
    await game.play(choices)


async def _after_a_kick(game: Game, choices: Sequence[Choice]) -> None:
    if len(game.sim.world.guilds) > 1 and (guild := game.guild(0)) is not None:
        await game.sim.leave_guild(guild.id)
    await game.play(choices)


async def _while_the_bot_is_away_and_kicked(game: Game, choices: Sequence[Choice]) -> None:
    await game.bot.close()
    async with game.sim.silently():
        await _after_a_kick(game, ())
    await game.unheard(choices)
    await game.start()


WAYS: typing.Final[Mapping[str, Callable[[Game, Sequence[Choice]], Awaitable[None]]]] = {
    way.__name__.removeprefix("_").replace("_", " "): way
    for way in (
        _told,
        _while_the_connection_is_reset,
        _while_the_bot_is_asked_to_reconnect,
        _before_the_session_is_invalid,
        _while_the_bot_is_away,
        _while_the_bot_gets_other_shards,
        _while_the_bot_is_away_and_a_chunk_is_lost,
        _while_a_guild_is_down,
        _after_joining,
        _after_a_kick,
        _while_the_bot_is_away_and_kicked,
    )
}
_CHOICES: typing.Final = st.lists(
    st.tuples(st.sampled_from(list(ACTIONS)), st.integers(0, 3), st.integers(0, 6)), max_size=8
)
_PLANS: typing.Final = st.lists(
    st.tuples(st.just("told") | st.sampled_from(list(WAYS)), _CHOICES), max_size=25 if _DEEP else 10
)


@contextlib.asynccontextmanager
async def _file() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{pathlib.Path(folder, 'cache.db')}"


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "sqlite":
        return _file
    pytest.importorskip({"postgresql": "asyncpg", "mysql": "aiomysql"}[request.param])
    server: servers.NamedServer = request.getfixturevalue(f"_any_{request.param}")
    return server.database


@pytest.mark.timeout(3600 if _DEEP else 300)
def test_the_cache_answers_what_the_world_is(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_impl, "_BACKOFF_WINDOW", 0.0)

    @_PROFILE
    @hypothesis.given(guilds=st.integers(1, 2), shards=st.integers(1, 2), large=st.booleans(), plan=_PLANS)
    def play(guilds: int, shards: int, large: bool, plan: Sequence[tuple[str, Sequence[Choice]]]) -> None:  # noqa: FBT001
        async def all_of_it() -> None:
            async with place() as url:
                game = Game(url, guilds=guilds, shards=shards, large=large)
                await game.sim.start()
                await game.start()
                try:
                    await game.compare()
                    for way, choices in plan:
                        await WAYS[way](game, choices)
                        await game.compare()
                finally:
                    await game.end()

        asyncio.run(all_of_it())

    play()
