"""A random world, a real bot and a real database: after every step the cache answers what the world is.

`PERSIST_WORLD=1` plays, `PERSIST_WORLD=deep` plays longer.
"""

from __future__ import annotations

import asyncio
import os
import pathlib
import tempfile
import typing
from collections.abc import Awaitable, Callable

import bots
import hypothesis
import hypothesis.strategies as st
import pytest
from fakecord import FakeDiscord, Payload, payloads
from fakecord.world import Guild, is_archived
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import persist
from persist.entities import ENTITIES
from persist.spi import Select

_DEEP: typing.Final = os.environ.get("PERSIST_WORLD") == "deep"
_PROFILE: typing.Final = hypothesis.settings(
    max_examples=150 if _DEEP else 5,
    stateful_step_count=60 if _DEEP else 20,
    deadline=None,
    derandomize=not _DEEP,
    suppress_health_check=list(hypothesis.HealthCheck),
)
_LISTS: typing.Final = ("channels", "roles", "emojis", "stickers", "members", "presences", "voice_states")
_BESIDE: typing.Final = frozenset(("guild_id", "newly_created"))
"""Fields that say where a thing is or how it was told, and not what it is."""

Action = Callable[["Stage", Guild, int], Awaitable[object]]


class Stage:
    """The world, and the messages that the bot has heard of."""

    def __init__(self, sim: FakeDiscord) -> None:
        self.sim = sim
        self.heard: dict[str, str] = {}
        self.silent = False

    async def say(self, channel_id: str, guild: Guild) -> None:
        if self.silent or not guild.available:  # what nobody heard cannot be remembered
            return
        message = await self.sim.create_message(channel_id, "hello")
        self.heard[message["id"]] = channel_id

    def message(self, guild: Guild, number: int) -> tuple[str, str] | None:
        """Return a message that was heard and still exists, with its channel."""
        places = {**guild.channels, **guild.threads}
        there = [
            (channel, message)
            for message, channel in self.heard.items()
            if channel in places and message in self.sim.messages[channel]
        ]
        return None if self.silent or not guild.available or not there else there[number % len(there)]


def of(things: typing.Iterable[Payload], number: int) -> Payload | None:
    found = list(things)
    return found[number % len(found)] if found else None


async def nothing() -> None:
    pass


def on_message(act: Callable[[FakeDiscord, str, str], Awaitable[object]]) -> Action:
    def play(stage: Stage, guild: Guild, number: int) -> Awaitable[object]:
        found = stage.message(guild, number)
        return nothing() if found is None else act(stage.sim, *found)

    return play


def on(kind: str, act: Callable[[FakeDiscord, Guild, Payload], Awaitable[object]]) -> Action:
    def play(stage: Stage, guild: Guild, number: int) -> Awaitable[object]:
        # What is first is the bot, the owner or the role of everyone.
        found = of(list(guild.children[kind].values())[kind in ("roles", "members") :], number)
        if found is not None and kind == "members" and found["user"]["id"] == stage.sim.world.bot_id:
            return nothing()
        return nothing() if found is None else act(stage.sim, guild, found)

    return play


def voice_channel(guild: Guild) -> str | None:
    return next((str(channel["id"]) for channel in guild.channels.values() if channel["type"] == 2), None)


def text_channel(guild: Guild, number: int) -> str | None:
    found = of((channel for channel in guild.channels.values() if channel["type"] == 0), number)
    return None if found is None else str(found["id"])


async def _say(stage: Stage, guild: Guild, number: int) -> None:
    if (channel := text_channel(guild, number)) is not None:
        await stage.say(channel, guild)


async def _say_in_thread(stage: Stage, guild: Guild, number: int) -> None:
    if (thread := of(guild.active_threads(), number)) is not None:
        await stage.say(thread["id"], guild)


async def _thread(stage: Stage, guild: Guild, number: int) -> None:
    if (channel := text_channel(guild, number)) is not None:
        await stage.sim.create_thread(guild.id, channel)


async def _talk(sim: FakeDiscord, guild: Guild, member: Payload) -> None:
    if (channel := voice_channel(guild)) is not None:
        await sim.set_voice_state(guild.id, payloads.voice_state(member["user"]["id"], channel))


async def _hang_up(sim: FakeDiscord, guild: Guild, state: Payload) -> None:
    await sim.set_voice_state(guild.id, payloads.voice_state(state["user_id"], None))


async def _presence(sim: FakeDiscord, guild: Guild, member: Payload, status: str) -> None:
    await sim.set_presence(guild.id, payloads.presence(member["user"]["id"], status))


ACTIONS: typing.Final[dict[str, Action]] = {
    "create a role": lambda s, g, _: s.sim.create_role(g.id),
    "rename a role": on("roles", lambda sim, g, role: sim.update_role(g.id, role["id"], name="renamed")),
    "delete a role": on("roles", lambda sim, g, role: sim.delete_role(g.id, role["id"])),
    "create a channel": lambda s, g, _: s.sim.create_channel(g.id),
    "rename a channel": on("channels", lambda sim, g, it: sim.update_channel(g.id, it["id"], name="renamed")),
    "delete a channel": on("channels", lambda sim, g, it: sim.delete_channel(g.id, it["id"])),
    "create a thread": _thread,
    "archive a thread": on("threads", lambda sim, g, it: sim.archive_thread(g.id, it["id"])),
    "unarchive a thread": on("threads", lambda sim, g, it: sim.archive_thread(g.id, it["id"], archived=False)),
    "delete a thread": on("threads", lambda sim, g, it: sim.delete_thread(g.id, it["id"])),
    "join": lambda s, g, _: s.sim.add_member(g.id),
    "rename a member": on("members", lambda sim, g, it: sim.update_member(g.id, it["user"]["id"], nick="renamed")),
    "leave": on("members", lambda sim, g, it: sim.remove_member(g.id, it["user"]["id"])),
    "ban": on("members", lambda sim, g, it: sim.ban(g.id, it["user"]["id"])),
    "come online": on("members", lambda sim, g, it: _presence(sim, g, it, "online")),
    "go offline": on("members", lambda sim, g, it: _presence(sim, g, it, "offline")),
    "talk": on("members", _talk),
    "hang up": on("voice_states", _hang_up),
    "say": _say,
    "say in a thread": _say_in_thread,
    "edit": on_message(lambda sim, channel, message: sim.update_message(channel, message, content="edited")),
    "delete a message": on_message(lambda sim, channel, message: sim.delete_message(channel, message)),
    "pin": on_message(lambda sim, channel, message: sim.pin_message(channel, message)),
    "react": on_message(lambda sim, channel, message: sim.add_reaction(channel, message, sim.world.bot_id, "x")),
    "unreact": on_message(lambda sim, channel, message: sim.remove_all_reactions(channel, message)),
    "have no emojis": lambda s, g, _: s.sim.set_emojis(g.id, []),
    "have an emoji": lambda s, g, _: s.sim.set_emojis(g.id, [payloads.emoji()]),
    "have no stickers": lambda s, g, _: s.sim.set_stickers(g.id, []),
    "sync threads": lambda s, g, _: s.sim.sync_threads(g.id),
    "rename the guild": lambda s, g, _: s.sim.update_guild(g.id, name="renamed"),
}
CHOICE: typing.Final = st.tuples(
    st.sampled_from(sorted(ACTIONS)), st.integers(min_value=0, max_value=2), st.integers(min_value=0, max_value=6)
)


def plain(payload: typing.Mapping[str, typing.Any]) -> Payload:
    """Return what a thing is, however it was told."""
    found = {name: value for name, value in payload.items() if name not in _BESIDE}
    if "session_id" in found:  # the member of a voice state has a place of its own
        found.pop("member", None)
    if "reactions" in found:
        found["reactions"] = [(tally["emoji"], tally["count"], tally["me"]) for tally in found["reactions"]]
        found = {name: value for name, value in found.items() if name != "reactions" or value}
    return found


class World(RuleBasedStateMachine):
    """Plays with a world, with the connection and with the bot."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.file = pathlib.Path(self.folder.name, "cache.db")
        self.run = self.runner.run
        self.resets = 0

    @initialize(guilds=st.integers(min_value=1, max_value=2))
    def begin(self, guilds: int) -> None:
        self.sim = FakeDiscord(seed=1)
        self.stage = Stage(self.sim)
        self.run(self._begin(guilds))

    async def _begin(self, guilds: int) -> None:
        await self.sim.start()
        for _ in range(guilds):
            self.sim.add_guild(members=4, threads=1, voice_states=1)
        await self._start()

    async def _start(self) -> None:
        self.bot = bots.make(self.sim.rest_url)
        self.cache = persist.Cache(self.bot, f"sqlite:///{self.file}")
        await self.bot.start(check_for_updates=False)
        await bots.settled(self.sim, self.cache)

    def guild(self, number: int) -> Guild | None:
        guilds = list(self.sim.world.guilds.values())
        return guilds[number % len(guilds)] if guilds else None

    async def _play(self, *choices: tuple[str, int, int]) -> None:
        for name, number, which in choices:
            if (guild := self.guild(number)) is not None:
                await ACTIONS[name](self.stage, guild, which)

    # ---------------------------------------------------------------------------------------------------------- rules

    @rule(choice=CHOICE)
    def something_happens(self, choice: tuple[str, int, int]) -> None:
        self.run(self._play(choice))

    @rule(choices=st.lists(CHOICE, min_size=1, max_size=6))
    def much_happens_at_once(self, choices: list[tuple[str, int, int]]) -> None:
        self.run(self._play(*choices))

    @rule(number=st.integers(min_value=0, max_value=2))
    def a_guild_goes_down_or_comes_back(self, number: int) -> None:
        if (guild := self.guild(number)) is not None:
            self.run(self.sim.guild_outage(guild.id) if guild.available else self.sim.guild_recover(guild.id))

    @precondition(lambda self: len(self.sim.world.guilds) < 3)
    @rule()
    def the_bot_joins_a_guild(self) -> None:
        self.run(self.sim.join_guild(members=3))

    @precondition(lambda self: len(self.sim.world.guilds) > 1)
    @rule(number=st.integers(min_value=0, max_value=2))
    def the_bot_is_kicked(self, number: int) -> None:
        if (guild := self.guild(number)) is not None:
            self.run(self.sim.leave_guild(guild.id))

    # hikari waits twice as long after each reset.
    @precondition(lambda self: self.resets < 1)
    @rule(choices=st.lists(CHOICE, max_size=4))
    def the_connection_is_reset_and_resumed(self, choices: list[tuple[str, int, int]]) -> None:
        self.run(self._reset(choices))

    async def _reset(self, choices: list[tuple[str, int, int]]) -> None:
        self.resets += 1
        resumed = self.sim.resumes_ok
        await self.sim.wait_connected()
        await self.sim.drop_connections()
        await self._play(*choices)
        await self.sim.wait_until(lambda: self.sim.resumes_ok > resumed, 30)

    @rule(choices=st.lists(CHOICE, max_size=4), kicked=st.booleans())
    def the_bot_starts_again(self, choices: list[tuple[str, int, int]], kicked: bool) -> None:  # noqa: FBT001
        self.run(self._restart(choices, kicked=kicked))

    async def _restart(self, choices: list[tuple[str, int, int]], *, kicked: bool) -> None:
        await self.bot.close()
        self.stage.silent = True
        async with self.sim.silently():
            await self._play(*choices)
            if kicked and len(self.sim.world.guilds) > 1 and (guild := self.guild(0)) is not None:
                await self.sim.leave_guild(guild.id)
        self.stage.silent = False
        await self._start()

    # ------------------------------------------------------------------------------------------------------- the truth

    @invariant()
    def the_cache_answers_what_the_world_is(self) -> None:
        if hasattr(self, "cache"):
            self.run(self._compare())

    async def _compare(self) -> None:
        await bots.settled(self.sim, self.cache)
        world = self.sim.world
        assert self.cache.quarantine == ()
        assert {str(guild) for guild in await self.cache.get_guilds_view()} == set(world.guilds)
        for guild in world.guilds.values():
            entry = await self.cache.guilds.entry(int(guild.id))
            assert entry is not None
            assert bool(entry.payload["unavailable"]) is not guild.available
            if guild.available:
                assert entry.payload["name"] == guild.fields["name"]
                await self._compare_guild(guild)

    async def _compare_guild(self, guild: Guild) -> None:
        for kind in _LISTS:
            known = await self._known(kind, guild)
            real = {int(key): plain(thing) for key, thing in guild.children[kind].items()}
            assert known == real, kind
            found = await self.cache.completeness(int(guild.id), kind)
            assert (found.state, found.verified) == ("complete", True), kind
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

    def teardown(self) -> None:
        if hasattr(self, "bot"):
            self.run(self._end())
        self.runner.close()
        self.folder.cleanup()

    async def _end(self) -> None:
        if self.bot.is_alive:
            await self.bot.close()
        await self.sim.stop()


World.TestCase.settings = _PROFILE
# The world goes on while hypothesis draws, so that now and then it draws differently the second time, and says so.
TestWorld = pytest.mark.skipif("PERSIST_WORLD" not in os.environ, reason="plays at random: PERSIST_WORLD=1")(
    World.TestCase
)
