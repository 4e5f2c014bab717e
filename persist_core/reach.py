"""Detects what the bot can no longer see: Discord stops sending the threads there, and does not say so."""

from __future__ import annotations

import asyncio
import collections
import logging
import typing

import hikari

from .completeness import known
from .conditions import Condition
from .entities import CHANNELS, GUILDS, MEMBERS, ROLES, THREADS
from .errors import PersistError
from .feed import Feed
from .journal import Journal
from .model import Origin, Payload, Record
from .permissions import in_channel, in_guild
from .plans import ACTIVE
from .reader import Reader
from .spi import Select

__all__ = ("Reach",)

_LOG = logging.getLogger("persist.reach")
_PRIVATE: typing.Final = 12


class Reach:
    """Checks, after each change of what the bot may see, whether there are threads that it no longer sees.

    If so, it marks the guild's threads as stale until the guild lists them again.

    Parameters
    ----------
    feed, reader, journal
        The source of events and where to mark it stale, what is stored, and the time.
    """

    heard: typing.ClassVar[tuple[str, ...]] = (
        "CHANNEL_UPDATE",
        "GUILD_ROLE_UPDATE",
        "GUILD_ROLE_DELETE",
        "GUILD_MEMBER_UPDATE",
        "THREAD_MEMBERS_UPDATE",
    )
    """The events that it needs to receive."""

    def __init__(self, feed: Feed, reader: Reader, journal: Journal) -> None:
        self._feed = feed
        self._reader = reader
        self._journal = journal
        self._changed: dict[int, set[int] | None] = {}
        self._wake = asyncio.Event()

    def observe(self, name: str, shard: hikari.api.GatewayShard, event: Payload) -> None:
        """Receive an event from the feed."""
        del shard
        if event.get("guild_id") is None:
            return
        if name == "CHANNEL_UPDATE":
            self._look_at(int(event["guild_id"]), int(event["id"]))
        elif self._is_about_me(name, event):
            self._look_at(int(event["guild_id"]), None)

    def _is_about_me(self, name: str, event: Payload) -> bool:
        """Return whether an event may change what the bot sees in a whole guild."""
        match name:
            case "GUILD_ROLE_UPDATE" | "GUILD_ROLE_DELETE":
                return True
            case "GUILD_MEMBER_UPDATE":
                return int(event["user"]["id"]) == self._feed.me
            case "THREAD_MEMBERS_UPDATE":
                return str(self._feed.me) in (event.get("removed_member_ids") or ())
            case _:
                return False

    def _look_at(self, guild_id: int, channel_id: int | None) -> None:
        channels = self._changed.setdefault(guild_id, set())
        if channel_id is None:
            self._changed[guild_id] = None
        elif channels is not None:
            channels.add(channel_id)
        self._wake.set()

    async def run(self) -> None:
        """Check, for as long as the cache is open."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._changed:
                guild_id, channels = self._changed.popitem()
                try:
                    if await self._loses_threads(guild_id, channels):
                        origin = Origin("gateway", None, 0, self._journal.at)
                        self._feed.accept([known(THREADS.name, guild_id, origin, "stale")])
                except (PersistError, hikari.HikariError) as error:
                    _LOG.debug("the visible channels of guild %d are not known: %s", guild_id, error)
                except Exception:  # noqa: BLE001 - one guild must not affect the next
                    _LOG.exception("the visible channels of guild %d cannot be determined", guild_id)

    async def _loses_threads(self, guild_id: int, channels: set[int] | None) -> bool:
        """Return whether there are active threads, in some channels or anywhere, that the bot certainly cannot see."""
        where = (ACTIVE, *(() if channels is None else (Condition("parent_id", "is_in", frozenset(channels)),)))
        await self._reader.barrier()
        page = await self._reader.page(Select(THREADS, guild_id=guild_id, where=where))
        threads: dict[int, list[Record]] = collections.defaultdict(list)
        for thread in page.records:
            threads[thread.column("parent_id") or 0].append(thread)
        if not threads or (mine := await self._mine(guild_id)) is None:
            return False
        member, permissions = mine
        for parent, there in threads.items():
            channel = await self._reader.get(CHANNELS, (parent,))
            if isinstance(channel, hikari.PermissibleGuildChannel):
                here = in_channel(permissions, member, channel.permission_overwrites)
                if not here & hikari.Permissions.VIEW_CHANNEL:
                    return True
                if not here & hikari.Permissions.MANAGE_THREADS and any(map(_is_for_others, there)):
                    return True
        return False

    async def _mine(self, guild_id: int) -> tuple[hikari.Member, hikari.Permissions] | None:
        """Return the bot's own member and its permissions in a guild, if all of that is known."""
        guild = await self._reader.get(GUILDS, (guild_id,))
        member = await self._reader.get(MEMBERS, (guild_id, self._feed.me or 0))
        if guild is None or member is None:
            return None
        roles = [await self._reader.get(ROLES, (role,)) for role in {*map(int, member.role_ids), guild_id}]
        known = [role for role in roles if role is not None]
        return (member, in_guild(guild.owner_id, member, known)) if len(known) == len(roles) else None


def _is_for_others(thread: Record) -> bool:
    """Return whether a thread is private and the bot is not in it."""
    return thread.column("type") == _PRIVATE and not thread.payload.get("member")
