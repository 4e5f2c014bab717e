"""A bot of any command framework, and users of it: their commands reach it from the fake Discord over the gateway."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import pathlib
import typing
from collections.abc import AsyncIterator

import bots
import hikari
import hikari.impl
from fakecord import FakeDiscord, Payload, payloads

import persist

__all__ = ("AUTOCOMPLETE", "Notes", "Stage", "bot_of", "databases", "option", "played", "told")

AUTOCOMPLETE: typing.Final = 4
_SECONDS: typing.Final = 10
_ABOUT_ITSELF: typing.Final = ("GET /gateway", "GET /oauth2", "GET /applications", "GET /webhooks")


class Notes:
    """Collects notes from code that cannot respond to a user, such as a listener."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[str] = asyncio.Queue()

    def write(self, note: str) -> None:
        """Write a note."""
        self.queue.put_nowait(note)

    async def next(self) -> str:
        """Wait for the next note."""
        async with asyncio.timeout(_SECONDS):
            return await self.queue.get()


def bot_of(sim: FakeDiscord, **options: typing.Any) -> hikari.GatewayBot:
    """Make a bot whose own cache is off."""
    return hikari.GatewayBot(
        bots.TOKEN,
        rest_url=sim.rest_url,
        auto_chunk_members=False,
        banner=None,
        logs=None,
        suppress_optimization_warning=True,
        cache_settings=hikari.impl.CacheSettings(components=hikari.api.CacheComponents.NONE),
        **{"intents": hikari.Intents.ALL, **options},
    )


def databases() -> list[str]:
    """Return the names of the databases in the working directory."""
    return [path.name for path in pathlib.Path().glob("*.db")]


async def told(
    cache: persist.Cache, members: persist.Members, guild_id: hikari.Snowflakeish, user_id: hikari.Snowflakeish
) -> str:
    """Return what only a cache knows: the name of a guild, and the nickname of a member."""
    guild = await cache.get_guild(guild_id)
    member = await members.get(guild_id, user_id)
    return f"{guild and guild.name} knows {member and member.nickname}"


def option(name: str, value: object, kind: hikari.OptionType = hikari.OptionType.STRING, **fields: object) -> Payload:
    """Make an option that a user passes to a command."""
    return {"name": name, "type": int(kind), "value": value, **fields}


@dataclasses.dataclass(slots=True)
class Stage:
    """A guild with members, and a bot.

    Attributes
    ----------
    said
        The reply of a bot whose cache knows the guild and the member.
    """

    sim: FakeDiscord
    bot: hikari.GatewayBot
    guild: Payload
    notes: Notes = dataclasses.field(default_factory=Notes)

    @property
    def guild_id(self) -> str:
        """The guild's id."""
        return str(self.guild["id"])

    @property
    def channel_id(self) -> str:
        """The id of a text channel in it."""
        return bots.text_channel(self.guild)

    @property
    def user_id(self) -> str:
        """The id of the user who runs commands."""
        return str(self.guild["members"][0]["user"]["id"])

    @property
    def said(self) -> str:
        """See above."""
        return "Aquarium knows Nemo"

    async def run(self, name: str, *options: Payload, **wishes: typing.Any) -> Payload:
        """Run a command as a user, and return the bot's first answer."""
        await self.sim.slash(self.guild_id, self.channel_id, name, options, **wishes)
        return await self.answer()

    async def run_privately(self, name: str, *options: Payload, **wishes: typing.Any) -> Payload:
        """Run a command in a direct message, and return the bot's first answer."""
        await self.sim.slash(None, payloads.snowflake(), name, options, **{"user_id": self.user_id, **wishes})
        return await self.answer()

    async def answer(self) -> Payload:
        """Return the bot's next answer to an interaction."""
        async with asyncio.timeout(_SECONDS):
            return await self.sim.interactions_inbox.get()

    async def type(self, name: str, *options: Payload) -> list[str]:
        """Type an option of a command, and return the values that the bot suggests."""
        answer = await self.run(name, *options, kind=AUTOCOMPLETE)
        return [str(choice["value"]) for choice in answer["choices"]]

    async def point(self, name: str, kind: hikari.CommandType) -> Payload:
        """Run a user command on the user, or a message command on one of their messages; return the first answer."""
        member = self.guild["members"][0]
        if kind is hikari.CommandType.USER:
            target = self.user_id
            about = {"users": {target: member["user"]}, "members": {target: _without_user(member)}}
        else:
            message = payloads.message(self.channel_id, member["user"], guild_id=self.guild_id)
            target = message["id"]
            about = {"messages": {target: message}}
        data = {"id": payloads.snowflake(), "name": name, "type": int(kind), "target_id": target, "resolved": about}
        return await self.run(name, data=data)

    async def say(self, content: str, user_id: str | None = None, channel_id: str | None = None) -> Payload:
        """Send a message as a user."""
        return await self.sim.create_message(channel_id or self.channel_id, content, user_id or self.user_id)

    @contextlib.asynccontextmanager
    async def playing(self) -> AsyncIterator[None]:
        """Run the bot until the block ends. When it begins, the cache, if there is one, knows the guild."""
        async with bots.started(self.sim, self.bot, persist.Cache.of(self.bot)):
            await self.sim.wait_until(lambda: not any(session.arriving for session in self.sim.live_sessions()))
            yield

    async def settled(self) -> None:
        """Wait until the cache has received everything so far."""
        cache = persist.Cache.of(self.bot)
        assert cache is not None
        await bots.settled(self.sim, cache)

    def asked(self) -> dict[str, int]:
        """Return the bot's requests to Discord that a cache could have answered."""
        return {
            request: count
            for request, count in self.sim.rest_log.items()
            if request.startswith("GET") and not request.startswith(_ABOUT_ITSELF)
        }


@contextlib.asynccontextmanager
async def played(**options: typing.Any) -> AsyncIterator[Stage]:
    """Yield a stage: a fake Discord with a guild, and a bot that is not running yet."""
    async with FakeDiscord(seed=1) as sim:
        guild = sim.add_guild(name="Aquarium", members=5, threads=1, voice_states=1)
        user_id = guild["members"][0]["user"]["id"]
        async with sim.silently():
            await sim.update_member(guild["id"], user_id, nick="Nemo")
        yield Stage(sim, bot_of(sim, **options), sim.guild_payload(guild["id"]))


def _without_user(member: Payload) -> Payload:
    return {name: value for name, value in member.items() if name != "user"} | {"permissions": "0"}
