"""Views: guilds, and what each of them creates for itself."""

from __future__ import annotations

from typing import Unpack

import hikari

from . import entities
from .conditions import Condition, Within
from .found import Found
from .model import Entity
from .objects import SoundboardSound
from .view import key_part
from .views_shapes import ById, Id
from .wanted import WantedEmojis, WantedGuilds, WantedIntegrations, WantedRoles, WantedSoundboardSounds, WantedStickers

__all__ = ("Emojis", "Guilds", "Integrations", "Roles", "SoundboardSounds", "Stickers")


class Guilds(ById[hikari.GatewayGuild]):
    """The guilds that the bot is in."""

    entity: Entity[hikari.GatewayGuild] = entities.GUILDS
    _what = "the guild"

    def find(self, **wanted: Unpack[WantedGuilds]) -> Found[hikari.GatewayGuild]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedGuilds]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()

    def mutual(self, user: Id, /) -> Found[hikari.GatewayGuild]:
        """Find the guilds where the cache knows a user as a member.

        Raises
        ------
        persist.QueryError
            If the argument is not an id.
        """
        who = Condition("user_id", "equals", key_part(user, "the user"))
        return self._find({}, Within(("id",), entities.MEMBERS, (who,), ("guild_id",)))


class Roles(ById[hikari.Role]):
    """The roles of guilds."""

    entity: Entity[hikari.Role] = entities.ROLES
    _what = "the role"

    def find(self, **wanted: Unpack[WantedRoles]) -> Found[hikari.Role]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedRoles]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()


class Emojis(ById[hikari.KnownCustomEmoji]):
    """The custom emojis of guilds."""

    entity: Entity[hikari.KnownCustomEmoji] = entities.EMOJIS

    def find(self, **wanted: Unpack[WantedEmojis]) -> Found[hikari.KnownCustomEmoji]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedEmojis]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()


class Stickers(ById[hikari.GuildSticker]):
    """The stickers of guilds."""

    entity: Entity[hikari.GuildSticker] = entities.STICKERS

    def find(self, **wanted: Unpack[WantedStickers]) -> Found[hikari.GuildSticker]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedStickers]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()


class SoundboardSounds(ById[SoundboardSound]):
    """The soundboard sounds of guilds."""

    entity: Entity[SoundboardSound] = entities.SOUNDBOARD_SOUNDS

    def find(self, **wanted: Unpack[WantedSoundboardSounds]) -> Found[SoundboardSound]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedSoundboardSounds]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()


class Integrations(ById[hikari.Integration]):
    """What is connected to guilds: bots, and accounts of other services."""

    entity: Entity[hikari.Integration] = entities.INTEGRATIONS

    def find(self, **wanted: Unpack[WantedIntegrations]) -> Found[hikari.Integration]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedIntegrations]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()
