"""One scene of a bot with another cache, in its own environment: ``SYSTEM SCENE PLACE`` prints the results as JSON.

Discord is the tests' simulator, in the same process. The place is an SQLite file or the URL of a Redis.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import pathlib
import re
import sqlite3
import sys
import typing
from collections.abc import AsyncIterator, Awaitable, Callable

sys.path.append(str(pathlib.Path(__file__).parent.parent / "tests"))

import claims_caches
import hikari
from claims_caches import Cached
from fakecord import FakeDiscord, payloads

_QUIET: typing.Final = 1.0
"""Seconds after which any cache has processed its events; none of them reports when it is done."""

Facts = dict[str, typing.Any]


class Scene(typing.NamedTuple):
    """The setting of a scene."""

    system: str
    place: str

    @contextlib.asynccontextmanager
    async def plays(
        self, sim: FakeDiscord, *, without: hikari.Intents = hikari.Intents.NONE, **start: typing.Any
    ) -> AsyncIterator[tuple[hikari.GatewayBot, Cached]]:
        """Run a bot with the cache, and without hikari's own unless that is the one being tested."""
        all_of_it, nothing = hikari.api.CacheComponents.ALL, hikari.api.CacheComponents.NONE
        components = all_of_it if self.system == "hikari" else nothing
        bot = hikari.GatewayBot(
            "OTAw.fake.token",
            rest_url=sim.rest_url,
            intents=hikari.Intents.ALL & ~without,
            auto_chunk_members=False,
            cache_settings=hikari.impl.CacheSettings(components=components),
            banner=None,
            logs=None,
            suppress_optimization_warning=True,
        )
        cached = await claims_caches.SYSTEMS[self.system](bot, self.place)
        await bot.start(check_for_updates=False, **start)
        await sim.wait_until(lambda: not any(session.arriving for session in sim.live_sessions()))
        await asyncio.sleep(_QUIET)
        try:
            yield bot, cached
        finally:
            await bot.close()
            await cached.close()


def _guild(sim: FakeDiscord, members: int) -> payloads.Payload:
    """Add a guild without the kinds of roles, channels and threads that make hikari-persist skip a whole guild."""
    guild = payloads.guild(own_user=sim.world.own_user, members=members)
    for role in guild["roles"]:
        role["unicode_emoji"] = None
    guild["channels"] = [channel for channel in guild["channels"] if channel["type"] in (0, 2, 4)]
    guild["threads"] = []
    return sim.add_guild(guild)


def _text_channel(guild: payloads.Payload) -> str:
    return next(str(channel["id"]) for channel in guild["channels"] if channel["type"] == 0)


# A restart is a scene that two processes play one after the other: the seed creates the same guilds both times.


async def members(scene: Scene) -> Facts:
    """Store the members of a large guild, and report how many there were at the start."""
    async with FakeDiscord(seed=1) as sim:
        guild = _guild(sim, 1001)
        async with scene.plays(sim, without=hikari.Intents.GUILD_PRESENCES) as (bot, cached):
            before = await cached.members(int(guild["id"]))
            await bot.request_guild_members(int(guild["id"]))
            await asyncio.sleep(4 * _QUIET)
            return {"at first": before, "after chunks": await cached.members(int(guild["id"]))}


async def both_guilds(scene: Scene) -> Facts:
    """Be in two guilds."""
    async with FakeDiscord(seed=1) as sim:
        wanted = {int(_guild(sim, 2)["id"]) for _ in range(2)}
        async with scene.plays(sim) as (_, cached):
            return {"all": await cached.guilds() == wanted}


async def one_guild(scene: Scene) -> Facts:
    """Start after the bot was kicked from one of them."""
    async with FakeDiscord(seed=1) as sim:
        _, gone = [int(_guild(sim, 2)["id"]) for _ in range(2)]
        sim.world.remove_guild(str(gone))
        async with scene.plays(sim) as (_, cached):
            return {"still there": gone in await cached.guilds()}


async def lost_session(scene: Scene) -> Facts:
    """Lose the session, and be kicked from a guild before the next one."""
    async with FakeDiscord(seed=1) as sim:
        gone = int([_guild(sim, 2)["id"] for _ in range(2)][1])
        async with scene.plays(sim) as (_, cached):
            async with sim.silently():
                await sim.leave_guild(str(gone))
            identified = sim.identifies
            await sim.invalidate()
            await sim.wait_until(lambda: sim.identifies > identified, 30)
            await asyncio.sleep(2 * _QUIET)
            return {"still there": gone in await cached.guilds()}


async def shards(scene: Scene) -> Facts:
    """Run two shards one after the other, on the same database."""
    async with FakeDiscord(seed=1, shards=2) as sim:
        guilds = [int(_guild(sim, 2)["id"]) for _ in range(8)]
        for shard in (0, 1):
            bots = scene.plays(sim, shard_ids=[shard], shard_count=2)
            if scene.system == "hikari-persist":  # it allows only one cache per process
                claims_caches.forget_the_only_one()
            async with bots as (_, cached):
                found = await cached.guilds()
        return {"of the other": sum(guild >> 22 & 1 == 0 for guild in found), "all": found == set(guilds)}


async def own_event(scene: Scene) -> Facts:
    """Read, in a listener, what its event has changed."""
    heard: dict[str, list[object]] = {"listen": [], "confirm": [], "guilds": []}
    async with FakeDiscord(seed=1) as sim:
        guild = _guild(sim, 2)
        role = await _role(sim, guild)
        async with scene.plays(sim) as (bot, cached):

            @bot.listen()
            async def on_role(event: hikari.RoleUpdateEvent) -> None:
                heard["listen"].append(await cached.role(event.guild_id, event.role_id))

            if (listen := cached.listen) is not None:
                # By name, because it does not understand annotations that are not evaluated yet.
                @listen(hikari.RoleUpdateEvent, confirm=True)
                async def on_confirmed(event: hikari.RoleUpdateEvent) -> None:
                    heard["confirm"].append(await cached.role(event.guild_id, event.role_id))

                @listen(hikari.GuildAvailableEvent, confirm=True)
                async def on_guild(event: hikari.GuildAvailableEvent) -> None:
                    heard["guilds"].append(event.guild_id)

            for number in range(20):
                await sim.update_role(str(guild["id"]), role, name=f"name {number}")
                await asyncio.sleep(0.05)
            await sim.invalidate()  # all guilds become available again
            await asyncio.sleep(7 * _QUIET if cached.listen else _QUIET)
    wanted = [f"name {number}" for number in range(20)]
    return {name: found == wanted for name, found in heard.items()} | {"guilds heard": len(heard["guilds"])}


async def _role(sim: FakeDiscord, guild: payloads.Payload) -> str:
    return str((await sim.create_role(str(guild["id"]), name="before"))["id"])


async def old_values(scene: Scene) -> Facts:
    """Check the previous state in hikari's events."""
    heard: list[str | None] = []
    async with FakeDiscord(seed=1) as sim:
        guild = _guild(sim, 2)
        channel = _text_channel(guild)
        async with sim.silently():
            first = str((await sim.create_message(channel, "said before the start"))["id"])
        async with scene.plays(sim) as (bot, _):

            @bot.listen()
            async def on_edit(event: hikari.GuildMessageUpdateEvent) -> None:
                heard.append(event.old_message.content if event.old_message else None)

            second = str((await sim.create_message(channel, "said afterwards"))["id"])
            await sim.update_message(channel, second, content="edited")
            await sim.update_message(channel, first, content="edited")
            for _ in range(301):
                await sim.create_message(channel, "and more")
            await sim.update_message(channel, second, content="edited again")
            await asyncio.sleep(_QUIET)
    return dict(zip(("said while it runs", "said before", "301 messages ago"), heard, strict=True))


async def locked(scene: Scene) -> Facts:
    """Let another process lock the database for some seconds."""
    async with FakeDiscord(seed=1) as sim:
        guild = _guild(sim, 2)
        async with scene.plays(sim) as (_, cached):
            with contextlib.closing(sqlite3.connect(scene.place, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                for _ in range(250):
                    await sim.add_member(str(guild["id"]))
                await asyncio.sleep(7)
                other.execute("ROLLBACK")
            await asyncio.sleep(8)
            return {"lost": 252 - await cached.members(int(guild["id"]))}


async def away(scene: Scene) -> Facts:
    """Send members while the database is away; the parent process takes it away when this scene says so."""
    async with FakeDiscord(seed=1) as sim:
        guild = _guild(sim, 2)
        async with scene.plays(sim) as (_, cached):
            await _asked_for("away")
            for _ in range(20):
                await sim.add_member(str(guild["id"]))
            await asyncio.sleep(_QUIET)
            await _asked_for("back")
            await asyncio.sleep(4 * _QUIET)
            return {"lost": 22 - await cached.members(int(guild["id"]))}


async def _asked_for(what: str) -> None:
    print(what, flush=True)
    await asyncio.to_thread(sys.stdin.readline)


async def moments(scene: Scene) -> Facts:
    """Observe the data from another process while guilds are sent again."""
    misses = polls = 0
    async with FakeDiscord(seed=1) as sim:
        guild = _guild(sim, 200)
        member = int(guild["members"][-1]["user"]["id"])
        async with scene.plays(sim) as (_, cached):
            done = asyncio.Event()

            async def poll() -> None:
                nonlocal misses, polls
                while not done.is_set():
                    polls += 1
                    misses += await cached.member(int(guild["id"]), member) is None
                    await asyncio.sleep(0)

            polling = asyncio.create_task(poll())
            for _ in range(20):
                await sim.emit("GUILD_CREATE", sim.guild_payload(str(guild["id"])), str(guild["id"]))
                await asyncio.sleep(0.05)
            done.set()
            await polling
    return {"polls": polls, "misses": misses}


async def shape(scene: Scene) -> Facts:
    """Describe the cache: its kinds, the objects it returns, and the queries it supports."""
    async with FakeDiscord(seed=1) as sim:
        guild = _guild(sim, 2)
        user = int(guild["members"][0]["user"]["id"])
        async with scene.plays(sim) as (_, cached):
            member = await cached.member(int(guild["id"]), user)
            return {
                "kinds": sorted(cached.kinds),
                "type": type(member).__module__.partition(".")[0],
                "id": type(member.id).__name__ if member else None,
                "copies": member is not await cached.member(int(guild["id"]), user),
                "asks": sorted(cached.asks),
            }


async def as_released(scene: Scene) -> Facts:
    """Read with the cache as released, without the missing name that the other scenes add."""
    async with FakeDiscord(seed=1) as sim:
        guild = _guild(sim, 2)
        async with scene.plays(sim) as (_, cached):
            persist, base = map(importlib.import_module, ("persist", "persist.backend.base"))
            del base.hikari
            try:
                await cached.member(int(guild["id"]), 1)
                raised = "nothing"
            except NameError as error:
                raised = type(error).__name__
    return {"get": raised, "backends": sorted(name for name in dir(persist) if re.fullmatch(".+Backend", name))}


async def reads(scene: Scene) -> Facts:
    """Read members one by one; return microseconds each."""
    async with FakeDiscord(seed=1) as sim:
        guild = _guild(sim, 2000)
        users = [int(member["user"]["id"]) for member in guild["members"]]
        async with scene.plays(sim) as (bot, cached):
            await bot.request_guild_members(int(guild["id"]))
            await asyncio.sleep(4 * _QUIET)
            loop = asyncio.get_running_loop()
            began = loop.time()
            for user in users:
                if cached.now is not None:
                    assert cached.now(int(guild["id"]), user) is not None
                else:
                    assert await cached.member(int(guild["id"]), user) is not None
            return {"microseconds": (loop.time() - began) / len(users) * 1e6, "awaits": cached.now is None}


_ALL: typing.Final = (
    *(members, both_guilds, one_guild, lost_session, shards, own_event),
    *(old_values, locked, away, moments, shape, as_released, reads),
)
SCENES: typing.Final[dict[str, Callable[[Scene], Awaitable[Facts]]]] = {scene.__name__: scene for scene in _ALL}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(SCENES[sys.argv[2]](Scene(sys.argv[1], sys.argv[3])))))
