"""Methods about a guild as a whole: how much of it is known, and the permissions of its members."""

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
    """The methods about a guild as a whole."""

    async def _known(self, entity: Entity[typing.Any], guild_id: int) -> Completeness:
        """Return how much of what a guild has of a kind is known."""
        raise NotImplementedError

    async def _knows_all_roles(self, guild: hikari.Snowflake) -> bool:
        """Return whether a role that is not known no longer exists."""
        raise NotImplementedError

    async def completeness(self, guild: hikari.SnowflakeishOr[hikari.PartialGuild], kind: str) -> Completeness:
        """Return how much of what a guild has of one kind the cache knows.

        A read-only cache returns what its bot noted last: it does not know the bot's intents and rules, and nothing is
        ``verified``.

        Parameters
        ----------
        guild
            The guild, or its id.
        kind
            A kind that guilds have, such as ``persist.MEMBERS``.

        Raises
        ------
        persist.QueryError
            If ``guild`` is not a guild, or ``kind`` is not a kind that guilds have.
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
        """Return the permissions of a member in a guild, or in one of its channels, as Discord computes them.

        Owners and administrators have all permissions, whatever the overwrites of a channel say. A member in a timeout
        can only view, and a member who cannot view a channel has no permissions in it. Without ``CONNECT``, a member
        can neither speak in a voice channel nor manage it. Threads use the permissions of their parent channel, with
        ``SEND_MESSAGES_IN_THREADS`` for writing. Private threads are visible to their members and to members with
        ``MANAGE_THREADS``. For others who can view the parent channel the result is ``None``, as Discord does not list
        the members of a thread by itself; ``Cache.fetch_thread_member`` requests and stores them.

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
            ``None`` if they cannot be determined, because the guild, the member, the channel or a role of the member is
            not known, or because it is not known whether the member is in the private thread.

        Raises
        ------
        persist.QueryError
            If an argument is not an id.
        persist.CacheClosedError
            If the cache is not open and cannot be opened.
        """
        return await permissions.asked(self, guild, member, channel, self._knows_all_roles)
