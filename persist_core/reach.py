"""Channels that the bot can no longer see: of their threads nothing is told from then on, and nobody says so."""

from __future__ import annotations

import asyncio
import logging

import hikari

from .entities import CHANNELS, GUILDS, MEMBERS, ROLES, THREADS
from .errors import PersistError
from .feed import Feed
from .journal import Journal, stale
from .model import Origin, Payload
from .permissions import in_channel, in_guild
from .reader import Reader

__all__ = ("Reach",)

_LOG = logging.getLogger("persist.reach")


class Reach:
    """Looks after each change of a channel whether the bot still sees it.

    Where it does not, what is known of the threads of that guild is noted to be stale until the guild lists them again.

    Parameters
    ----------
    feed, reader, journal
        What has been heard, what is known, and where is noted that it is stale.
    """

    def __init__(self, feed: Feed, reader: Reader, journal: Journal) -> None:
        self._feed = feed
        self._reader = reader
        self._journal = journal
        self._changed: dict[int, int] = {}
        self._wake = asyncio.Event()

    def observe(self, name: str, shard: hikari.api.GatewayShard, event: Payload) -> None:
        """Hear of an event, in the feed's turn."""
        del shard
        if name == "CHANNEL_UPDATE" and event.get("guild_id") is not None:
            self._changed[int(event["id"])] = int(event["guild_id"])
            self._wake.set()

    async def run(self) -> None:
        """Look, for as long as the cache is open."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._changed:
                channel_id, guild_id = self._changed.popitem()
                try:
                    if await self._is_hidden(guild_id, channel_id):
                        origin = Origin("gateway", None, 0, self._journal.at)
                        self._journal.accept([stale(THREADS, guild_id, origin)])
                except (PersistError, hikari.HikariError) as error:
                    _LOG.debug("whether channel %d can be seen is not known: %s", channel_id, error)
                except Exception:  # noqa: BLE001 - whatever one channel does, the next one is looked at
                    _LOG.exception("whether channel %d can be seen cannot be looked at", channel_id)

    async def _is_hidden(self, guild_id: int, channel_id: int) -> bool:
        """Tell whether the bot surely cannot see a channel."""
        guild = await self._reader.get(GUILDS, (guild_id,))
        member = await self._reader.get(MEMBERS, (guild_id, self._feed.me or 0))
        channel = await self._reader.get(CHANNELS, (channel_id,))
        if guild is None or member is None or not isinstance(channel, hikari.PermissibleGuildChannel):
            return False
        roles = [await self._reader.get(ROLES, (role,)) for role in {*map(int, member.role_ids), guild_id}]
        known = [role for role in roles if role is not None]
        if len(known) < len(roles):
            return False
        permissions = in_channel(in_guild(guild.owner_id, member, known), member, channel.permission_overwrites)
        return not permissions & hikari.Permissions.VIEW_CHANNEL
