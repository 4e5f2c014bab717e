"""The bots that a cache can be attached to: one with a gateway, or one that only receives interactions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator

import hikari

from .errors import PersistError

__all__ = ("Host", "RestLife", "identity_of", "intents_of")

Host = hikari.GatewayBotAware | hikari.RESTBotAware
"""A bot of either type."""


def intents_of(bot: Host) -> hikari.Intents:
    """Return the intents of a bot; all for one without a gateway, because another process keeps data up to date."""
    return bot.intents if isinstance(bot, hikari.GatewayBotAware) else hikari.Intents.ALL


def identity_of(bot: Host) -> int | None:
    """Return the ID of a bot's own user, once one of its shards knows it."""
    shards = bot.shards.values() if isinstance(bot, hikari.GatewayBotAware) else ()
    for shard in shards:
        with contextlib.suppress(hikari.HikariError, AssertionError):  # a shard that is not connected does not know it
            return int(shard.get_user_id())
    return None


class RestLife:
    """Opens a cache when its REST bot starts, and closes it when the bot has stopped, for whatever reason.

    Parameters
    ----------
    bot
        The bot. If it is already running, the cache is opened at once.
    owner
        The cache.
    start, close
        Open and close it.
    """

    def __init__(
        self,
        bot: hikari.RESTBotAware,
        owner: object,
        start: Callable[[], Awaitable[None]],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        self.owner: object = owner
        self._start = start
        self._close = close
        self._following: asyncio.Task[None] | None = None
        bot.add_startup_callback(self._on_startup)
        self._late = asyncio.create_task(self._begin(bot), name="persist late start") if bot.is_alive else None

    @staticmethod
    def owners(bot: hikari.RESTBotAware) -> Iterator[object]:
        """Yield the caches that are attached to a bot, in the order they were attached."""
        for callback in bot.on_startup:
            life = getattr(callback, "__self__", None)
            if isinstance(life, RestLife):
                yield life.owner

    async def _begin(self, bot: hikari.RESTBotAware) -> None:
        try:
            await self._on_startup(bot)
        except PersistError:  # raising would end a starting bot; a running one has to be closed
            await bot.close()

    async def _on_startup(self, bot: hikari.RESTBotAware) -> None:
        await self._start()
        # Last, so that other shutdown callbacks can still use the cache ...
        if self._on_shutdown in bot.on_shutdown:
            bot.remove_shutdown_callback(self._on_shutdown)
        bot.add_shutdown_callback(self._on_shutdown)
        # ... but if one of them raises, this one is never called.
        self._following = asyncio.create_task(self._follow(bot), name="persist follows its bot")

    async def _on_shutdown(self, _: hikari.RESTBotAware) -> None:
        if self._following is not None:
            self._following.cancel()
            self._following = None
        await self._close()

    async def _follow(self, bot: hikari.RESTBotAware) -> None:
        try:
            with contextlib.suppress(hikari.ComponentStateConflictError):
                await bot.join()
        finally:
            if self._following is asyncio.current_task():
                await self._close()
