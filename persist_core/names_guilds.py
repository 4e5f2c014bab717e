"""What can be asked about a guild as a whole: how much of it is known, and what somebody may do in it."""

from __future__ import annotations

import typing

import hikari

from . import permissions
from .completeness import Completeness, kind_named
from .model import Entity
from .names import HikariNames
from .view import key_part

__all__ = ("GuildNames",)


class GuildNames(HikariNames):
    """The questions about a guild as a whole."""

    async def _known(self, entity: Entity[typing.Any], guild_id: int) -> Completeness:
        """Return how much is known of what a guild has of a kind."""
        raise NotImplementedError

    async def _knows_all_roles(self, guild: hikari.Snowflake) -> bool:
        """Tell whether a role that is not known of is none any more."""
        raise NotImplementedError

    async def completeness(self, guild: hikari.SnowflakeishOr[hikari.PartialGuild], kind: str) -> Completeness:
        """Return how much is known of what a guild has of one kind.

        Where no gateway is heard, that is what the bot that hears it has noted last: its intents and rules are not
        known there, and nothing is ``verified``.

        Parameters
        ----------
        guild
            The guild, or its id.
        kind
            A kind of thing that guilds have, such as ``persist.MEMBERS``.

        Raises
        ------
        persist.QueryError
            If an argument is neither.
        persist.CacheClosedError
            If the cache is not open and cannot be opened.
        """
        return await self._known(kind_named(kind), key_part(guild, "the guild"))

    async def permissions(
        self,
        guild: hikari.SnowflakeishOr[hikari.PartialGuild],
        member: hikari.SnowflakeishOr[hikari.PartialUser],
        channel: hikari.SnowflakeishOr[hikari.PartialChannel] | None = None,
    ) -> hikari.Permissions | None:
        """Return what a member may do in a guild, or in one of its channels, as Discord works it out.

        Owners and administrators may do everything, whatever channels say. Whoever is in a timeout may only look, and
        whoever may not look at a channel may do nothing there; without ``CONNECT``, one may neither talk in a voice
        channel nor change it. What holds in a thread is said by the channel that it is
        in; there, ``SEND_MESSAGES_IN_THREADS`` lets one write. A private thread is seen by its members and by those who
        have ``MANAGE_THREADS``. Of others who may see its channel it cannot be told, as Discord does not list the
        members of a thread by itself; ``Cache.fetch_thread_member`` asks, and remembers them.

        Parameters
        ----------
        guild
            The guild, or its id.
        member
            The member, the user, or the id.
        channel
            A channel or thread of the guild, or its id.

        Returns
        -------
        hikari.Permissions | None
            ``None`` if it cannot be told, because one of them, or a role of the member, is not known, or because
            nobody has said that the member is in the private thread.

        Raises
        ------
        persist.QueryError
            If an argument is not an id.
        persist.CacheClosedError
            If the cache is not open and cannot be opened.
        """
        return await permissions.asked(self, guild, member, channel, self._knows_all_roles)
