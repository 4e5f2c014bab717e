"""Views: channels, threads, and the ways into them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Unpack

import hikari

from . import entities
from .found import Entry, Found
from .model import Entity
from .view import Many, View, code_part, each, key_part
from .views_shapes import ById, Id
from .wanted import WantedChannels, WantedDMChannels, WantedInvites, WantedStageInstances, WantedThreads, WantedWebhooks

__all__ = ("Channels", "DMChannels", "Invites", "StageInstances", "Threads", "Webhooks")


class Channels(ById[hikari.PermissibleGuildChannel]):
    """Guild channels of every type, and categories; not threads."""

    entity: Entity[hikari.PermissibleGuildChannel] = entities.CHANNELS
    _what = "the channel"

    def find(self, **wanted: Unpack[WantedChannels]) -> Found[hikari.PermissibleGuildChannel]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedChannels]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()

    def children(self, category: Id, /) -> Found[hikari.PermissibleGuildChannel]:
        """Find the channels in a category, in the order in which Discord shows those of one type.

        Raises
        ------
        persist.QueryError
            If that is not an id.
        """
        return self.find(parent_id=key_part(category, "the category")).order_by("position", "id")


class Threads(ById[hikari.GuildThreadChannel]):
    """Threads and forum posts, active and archived."""

    entity: Entity[hikari.GuildThreadChannel] = entities.THREADS
    _what = "the thread"

    def find(self, **wanted: Unpack[WantedThreads]) -> Found[hikari.GuildThreadChannel]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedThreads]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class Invites(View[hikari.InviteWithMetadata]):
    """Invites that the bot saw being made."""

    entity: Entity[hikari.InviteWithMetadata] = entities.INVITES

    def find(self, **wanted: Unpack[WantedInvites]) -> Found[hikari.InviteWithMetadata]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedInvites]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()

    async def get(self, invite: str | hikari.InviteCode, /) -> hikari.InviteWithMetadata | None:
        """Return one invite by its code, or ``None`` if nothing is known of it."""
        return await self._get((code_part(invite),))

    async def entry(self, invite: str | hikari.InviteCode, /) -> Entry[hikari.InviteWithMetadata] | None:
        """Return it with its payload and what is known about knowing it, or ``None``."""
        return await self._entry((code_part(invite),))

    async def get_many(self, invites: Iterable[str | hikari.InviteCode], /) -> Many[hikari.InviteWithMetadata]:
        """Return many invites in the order asked for; ``missing`` names the codes that are unknown."""
        return await self._many([(code_part(invite),) for invite in each(invites)])


class DMChannels(ById[hikari.PrivateChannel]):
    """Direct conversations with one user, and with several."""

    entity: Entity[hikari.PrivateChannel] = entities.DM_CHANNELS
    _what = "the channel"

    def find(self, **wanted: Unpack[WantedDMChannels]) -> Found[hikari.PrivateChannel]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedDMChannels]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class StageInstances(ById[hikari.StageInstance]):
    """Stages that are live."""

    entity: Entity[hikari.StageInstance] = entities.STAGE_INSTANCES

    def find(self, **wanted: Unpack[WantedStageInstances]) -> Found[hikari.StageInstance]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedStageInstances]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class Webhooks(ById[hikari.PartialWebhook]):
    """Webhooks that REST has told of, without their tokens."""

    entity: Entity[hikari.PartialWebhook] = entities.WEBHOOKS

    def find(self, **wanted: Unpack[WantedWebhooks]) -> Found[hikari.PartialWebhook]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedWebhooks]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()
