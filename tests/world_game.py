"""A game with a random world: a table of the ways in which things happen while others go wrong."""

from __future__ import annotations

import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence

import bots
from fakecord import FakeDiscord
from fakecord.world import Guild
from world_actions import ACTIONS, Stage

import persist

__all__ = ("LARGE", "WAYS", "Check", "Choice", "Game")

LARGE: typing.Final = 50
"""The most members of a guild that Discord lists completely."""

Choice = tuple[str, int, int]
"""What happens, in which guild, and to which of its objects."""

Check = Callable[["Game"], Awaitable[None]]
"""Fails unless the answers of the cache are correct."""


class Game:
    """A world, and a bot in it whose cache is checked.

    Parameters
    ----------
    url
        The database of the cache.
    check
        Checks the answers of the cache.
    guilds, shards
        How many there are.
    large
        Whether there is one more guild, some of whose members Discord does not list.
    """

    def __init__(self, url: str, check: Check, *, guilds: int, shards: int, large: bool) -> None:
        self.sim = FakeDiscord(seed=1, shards=shards)
        self.stage = Stage(self.sim)
        self._url = url
        self._check = check
        for _ in range(guilds):
            self.sim.add_guild(members=4, threads=1, voice_states=1)
        if large:  # Discord lists only some of its members: the others have to be requested
            self.sim.add_guild(members=60, threads=0, presences=3)

    async def start(self) -> None:
        """Start a bot."""
        self.bot = bots.make(self.sim.rest_url)
        self.cache = persist.Cache(self.bot, self._url, members="always")
        self.cache._pace = self.cache._pace._replace(guild=0.0, shard=10_000, patience=0.3, tries=10)
        await self.bot.start(check_for_updates=False, large_threshold=LARGE)
        await self.sim.wait_connected()
        await bots.settled(self.sim, self.cache)

    async def end(self) -> None:
        """Stop the bot and the world."""
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
        """Let things happen without events."""
        self.stage.silent = True
        async with self.sim.silently():
            await self.play(choices)
        self.stage.silent = False

    async def resumed(self, break_off: Callable[[], Awaitable[None]], choices: Sequence[Choice]) -> None:
        """Let things happen while the bot reconnects; it receives the events when it resumes."""
        target = self.sim.resumes_ok + self.sim.settings.shards
        await break_off()
        await self.play(choices)
        await self.sim.wait_until(lambda: self.sim.resumes_ok >= target, 30)

    async def check(self) -> None:
        """Fail if the cache, once it has received every event, gives a wrong answer."""
        await bots.settled(self.sim, self.cache)
        await self._check(self)


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
        await game.check()
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
