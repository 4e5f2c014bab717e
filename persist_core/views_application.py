"""Views: what the application has sold, and who may use its commands."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Unpack

import hikari

from . import entities
from .found import Entry, Found
from .model import Entity
from .objects import Subscription
from .view import Many, View, each, key_part
from .views_shapes import ById, Id
from .wanted import WantedCommandPermissions, WantedEntitlements, WantedSubscriptions

__all__ = ("CommandPermissions", "Entitlements", "Subscriptions")


class Entitlements(ById[hikari.Entitlement]):
    """What users and guilds may use. Those that have run out go."""

    entity: Entity[hikari.Entitlement] = entities.ENTITLEMENTS

    def find(self, **wanted: Unpack[WantedEntitlements]) -> Found[hikari.Entitlement]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedEntitlements]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class Subscriptions(ById[Subscription]):
    """Users who pay the application again and again."""

    entity: Entity[Subscription] = entities.SUBSCRIPTIONS

    def find(self, **wanted: Unpack[WantedSubscriptions]) -> Found[Subscription]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedSubscriptions]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class CommandPermissions(View[hikari.GuildCommandPermissions]):
    """Who may use which command in which guild, where that differs from the default."""

    entity: Entity[hikari.GuildCommandPermissions] = entities.COMMAND_PERMISSIONS

    def find(self, **wanted: Unpack[WantedCommandPermissions]) -> Found[hikari.GuildCommandPermissions]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedCommandPermissions]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()

    async def get(
        self, guild: Id, command: Id, /, *, max_age: float | datetime.timedelta | None = None
    ) -> hikari.GuildCommandPermissions | None:
        """Return the permissions of a command in a guild, or ``None`` if nothing is known of them.

        Parameters
        ----------
        guild
            The guild, or its id.
        command
            The command, or its id. The id of the application stands for all commands without their own.
        max_age
            Seconds, or a `datetime.timedelta`: what was told or listed longer ago is answered with ``None``.

        Raises
        ------
        persist.QueryError
            If an argument is not an id.
        persist.CacheClosedError
            If the cache is not open and cannot be opened.
        """
        return await self._get((key_part(guild, "the guild"), key_part(command, "the command")), max_age)

    async def entry(self, guild: Id, command: Id, /) -> Entry[hikari.GuildCommandPermissions] | None:
        """Return it with its payload and what is known about knowing it, or ``None``."""
        return await self._entry((key_part(guild, "the guild"), key_part(command, "the command")))

    async def get_many(self, guild: Id, commands: Iterable[Id], /) -> Many[hikari.GuildCommandPermissions]:
        """Return it for many commands in the order asked for; ``missing`` names the ids that nothing is known of."""
        at = key_part(guild, "the guild")
        return await self._many([(at, key_part(command, "each command")) for command in each(commands)])
