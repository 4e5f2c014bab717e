"""Everything that may happen in a random world, as a table: each row does one thing in one guild, or nothing."""

from __future__ import annotations

import typing
from collections.abc import Awaitable, Callable, Iterable

from fakecord import FakeDiscord, Payload, payloads
from fakecord.world import Guild, is_archived

__all__ = ("ACTIONS", "Stage")

Action = Callable[["Stage", Guild, int], Awaitable[object]]


class Stage:
    """The world, and the messages that the bot has received."""

    def __init__(self, sim: FakeDiscord) -> None:
        self.sim = sim
        self.heard: dict[str, str] = {}
        self.silent = False

    async def say(self, channel_id: str, guild: Guild) -> None:
        if self.silent or not guild.available:  # the cache cannot know a message that was not sent to the bot
            return
        message = await self.sim.create_message(channel_id, "hello")
        self.heard[message["id"]] = channel_id

    def message(self, guild: Guild, number: int) -> tuple[str, str] | None:
        """Return a message that was received and still exists, with its channel."""
        places = {**guild.channels, **guild.threads}
        there = [
            (channel, message)
            for message, channel in self.heard.items()
            if channel in places and message in self.sim.messages[channel]
        ]
        return None if self.silent or not guild.available or not there else there[number % len(there)]


def of(things: Iterable[Payload], number: int) -> Payload | None:
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
        # The first one is the owner or the role of everyone.
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


async def _plan(stage: Stage, guild: Guild, number: int) -> None:
    channel = voice_channel(guild) if number % 2 else None
    await stage.sim.create("scheduled_event", payloads.scheduled_event(guild.id, channel))


async def _open_stage(stage: Stage, guild: Guild, _: int) -> None:
    channel = next((str(each["id"]) for each in guild.channels.values() if each["type"] == 13), None)
    if channel is not None and not guild.stage_instances:
        await stage.sim.create("stage_instance", payloads.stage_instance(guild.id, channel))


async def _follow(sim: FakeDiscord, guild: Guild, thread: Payload) -> None:
    if not is_archived(thread):
        await sim.update_thread_members(guild.id, thread["id"], added=[guild.first_member["user"]["id"]])


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
    "plan an event": _plan,
    "rename an event": on(
        "guild_scheduled_events", lambda sim, g, it: sim.update("scheduled_event", it["id"], g.id, name="renamed")
    ),
    "call an event off": on("guild_scheduled_events", lambda sim, g, it: sim.delete("scheduled_event", it["id"], g.id)),
    "open a stage": _open_stage,
    "close a stage": on("stage_instances", lambda sim, g, it: sim.delete("stage_instance", it["id"], g.id)),
    "make a sound": lambda s, g, _: s.sim.create("soundboard_sound", payloads.soundboard_sound(g.id)),
    "rename a sound": on(
        "soundboard_sounds", lambda sim, g, it: sim.update("soundboard_sound", it["sound_id"], g.id, name="renamed")
    ),
    "drop a sound": on("soundboard_sounds", lambda sim, g, it: sim.delete("soundboard_sound", it["sound_id"], g.id)),
    "follow a thread": on("threads", _follow),
    "have no stickers": lambda s, g, _: s.sim.set_stickers(g.id, []),
    "sync threads": lambda s, g, _: s.sim.sync_threads(g.id),
    "rename the guild": lambda s, g, _: s.sim.update_guild(g.id, name="renamed"),
}
