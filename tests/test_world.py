"""A random world, a real bot and a real database: after every turn, the cache's answers match the world.

A complete plan is drawn before it is played, so that it can shrink and a failure shows what happened.
`PERSIST_WORLD=deep` plays more and longer games.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import tempfile
import typing
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import hypothesis
import hypothesis.strategies as st
import pytest
import servers
from fakecord import Payload
from fakecord.world import Guild, is_archived
from hikari.impl import shard as shard_impl
from world_actions import ACTIONS
from world_game import LARGE, WAYS, Choice, Game

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
"""The kinds that a guild lists, and Discord's names for the lists."""

_BESIDE: typing.Final = frozenset(("guild_id", "newly_created"))
"""Fields about where an object is or how it was sent, and not about the object itself."""


async def compare(game: Game) -> None:
    """Fail if the cache gives a wrong answer."""
    assert game.cache.quarantine == ()
    world = game.sim.world
    assert {str(guild) for guild in await game.cache.get_guilds_view()} == set(world.guilds)
    for guild in world.guilds.values():
        entry = await game.cache.guilds.entry(int(guild.id))
        assert entry is not None
        assert bool(entry.payload["unavailable"]) is not guild.available
        if guild.available:
            assert entry.payload["name"] == guild.fields["name"]
            await _compare_guild(game, guild)


async def _compare_guild(game: Game, guild: Guild) -> None:
    async with asyncio.timeout(20):
        while not (members := await game.cache.completeness(int(guild.id), "members")).verified:  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # members are being requested
        assert members.state == "complete"
    for kind, field in _LISTS.items():
        known = await _known(game, kind, guild)
        real = {int(key): plain(thing) for key, thing in guild.children[field].items()}
        assert known == real, kind
        found = await game.cache.completeness(int(guild.id), kind)
        # Discord lists only some presences of a large guild.
        some = kind == "presences" and guild.member_count > LARGE
        assert (found.state, found.verified) == ("partial" if some else "complete", True), kind
    threads = await _known(game, "threads", guild)
    active = {int(thread["id"]): plain(thread) for thread in guild.active_threads()}
    assert {key: thread for key, thread in threads.items() if not is_archived(thread)} == active
    await _compare_messages(game, guild)


async def _compare_messages(game: Game, guild: Guild) -> None:
    known, places = await _known(game, "messages", guild), {**guild.channels, **guild.threads}
    real = {
        int(message): plain(game.sim.messages[channel][message])
        for message, channel in game.stage.heard.items()
        if channel in places and message in game.sim.messages[channel]
    }
    assert {key: message for key, message in known.items() if message["channel_id"] in places} == real


async def _known(game: Game, kind: str, guild: Guild) -> dict[int, Payload]:
    reader = await game.cache._answering()
    await reader.barrier()
    page = await reader.page(Select(ENTITIES[kind], guild_id=int(guild.id)))
    return {int(record.key[-1]): plain(record.payload) for record in await reader.whole(page.records)}


def plain(payload: typing.Mapping[str, typing.Any]) -> Payload:
    """Return an object's own fields, however it was sent."""
    found = {name: value for name, value in payload.items() if name not in _BESIDE}
    if (user := found.get("user")) and user.get("bot"):  # READY has more fields of the bot than its memberships have
        found["user"] = user["id"]
    if "session_id" in found:  # the member of a voice state is stored separately
        found.pop("member", None)
    if "reactions" in found:
        found["reactions"] = [(tally["emoji"], tally["count"], tally["me"]) for tally in found["reactions"]]
        found = {name: value for name, value in found.items() if name != "reactions" or value}
    return found


_CHOICES: typing.Final = st.lists(
    st.tuples(st.sampled_from(list(ACTIONS)), st.integers(0, 3), st.integers(0, 6)), max_size=8
)
_PLANS: typing.Final = st.lists(
    st.tuples(st.just("told") | st.sampled_from(list(WAYS)), _CHOICES), max_size=25 if _DEEP else 10
)


Place = Callable[[], contextlib.AbstractAsyncContextManager[str]]
"""Yields the URL of a new database."""


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
                game = Game(url, compare, guilds=guilds, shards=shards, large=large)
                await game.sim.start()
                await game.start()
                try:
                    await game.check()
                    for way, choices in plan:
                        await WAYS[way](game, choices)
                        await game.check()
                finally:
                    await game.end()

        asyncio.run(all_of_it())

    play()
