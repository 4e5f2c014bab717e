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
    """What users and guilds have access to. Expired entitlements are removed."""

    entity: Entity[hikari.Entitlement] = entities.ENTITLEMENTS

    def find(self, **wanted: Unpack[WantedEntitlements]) -> Found[hikari.Entitlement]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedEntitlements]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()


class Subscriptions(ById[Subscription]):
    """The recurring payments of users to the application."""

    entity: Entity[Subscription] = entities.SUBSCRIPTIONS

    def find(self, **wanted: Unpack[WantedSubscriptions]) -> Found[Subscription]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedSubscriptions]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()


class CommandPermissions(View[hikari.GuildCommandPermissions]):
    """Who may use which command in which guild, where that differs from the default."""

    entity: Entity[hikari.GuildCommandPermissions] = entities.COMMAND_PERMISSIONS

    def find(self, **wanted: Unpack[WantedCommandPermissions]) -> Found[hikari.GuildCommandPermissions]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedCommandPermissions]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()

    async def get(
        self, guild: Id, command: Id, /, *, max_age: float | datetime.timedelta | None = None
    ) -> hikari.GuildCommandPermissions | None:
        """Return the permissions of a command in a guild, or ``None`` if the cache does not know them.

        Parameters
        ----------
        guild
            The guild, or its id.
        command
            The command, or its id. The application's id stands for all commands without permissions of their own.
        max_age
            Seconds, or a `datetime.timedelta`: return ``None`` if Discord last sent or listed it longer ago.

        Raises
        ------
        persist.QueryError
            If an argument is not an id.
        persist.CacheClosedError
            If the cache is not open and cannot be opened.
        """
        return await self._get((key_part(guild, "the guild"), key_part(command, "the command")), max_age)

    async def entry(self, guild: Id, command: Id, /) -> Entry[hikari.GuildCommandPermissions] | None:
        """Return the permissions of a command with their payload and metadata, or ``None``."""
        return await self._entry((key_part(guild, "the guild"), key_part(command, "the command")))

    async def get_many(self, guild: Id, commands: Iterable[Id], /) -> Many[hikari.GuildCommandPermissions]:
        """Return them for many commands, in the requested order; ``missing`` lists the unknown ids."""
        at = key_part(guild, "the guild")
        return await self._many([(at, key_part(command, "each command")) for command in each(commands)])
