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
    """Guild channels of every type, including categories but not threads."""

    entity: Entity[hikari.PermissibleGuildChannel] = entities.CHANNELS
    _what = "the channel"

    def find(self, **wanted: Unpack[WantedChannels]) -> Found[hikari.PermissibleGuildChannel]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedChannels]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()

    def children(self, category: Id, /) -> Found[hikari.PermissibleGuildChannel]:
        """Find the channels in a category, in the order in which Discord shows channels of one type.

        Raises
        ------
        persist.QueryError
            If the argument is not an id.
        """
        return self.find(parent_id=key_part(category, "the category")).order_by("position", "id")


class Threads(ById[hikari.GuildThreadChannel]):
    """Threads and forum posts, active and archived."""

    entity: Entity[hikari.GuildThreadChannel] = entities.THREADS
    _what = "the thread"

    def find(self, **wanted: Unpack[WantedThreads]) -> Found[hikari.GuildThreadChannel]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedThreads]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()


class Invites(View[hikari.InviteWithMetadata]):
    """Invites that the bot saw being created."""

    entity: Entity[hikari.InviteWithMetadata] = entities.INVITES

    def find(self, **wanted: Unpack[WantedInvites]) -> Found[hikari.InviteWithMetadata]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedInvites]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()

    async def get(self, invite: str | hikari.InviteCode, /) -> hikari.InviteWithMetadata | None:
        """Return one invite by its code, or ``None`` if the cache does not know it."""
        return await self._get((code_part(invite),))

    async def entry(self, invite: str | hikari.InviteCode, /) -> Entry[hikari.InviteWithMetadata] | None:
        """Return one invite by its code, with its payload and metadata, or ``None``."""
        return await self._entry((code_part(invite),))

    async def get_many(self, invites: Iterable[str | hikari.InviteCode], /) -> Many[hikari.InviteWithMetadata]:
        """Return many invites in the requested order; ``missing`` lists the unknown codes."""
        return await self._many([(code_part(invite),) for invite in each(invites)])


class DMChannels(ById[hikari.PrivateChannel]):
    """DM channels, with one user or with several."""

    entity: Entity[hikari.PrivateChannel] = entities.DM_CHANNELS
    _what = "the channel"

    def find(self, **wanted: Unpack[WantedDMChannels]) -> Found[hikari.PrivateChannel]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedDMChannels]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()


class StageInstances(ById[hikari.StageInstance]):
    """Stage instances that are live."""

    entity: Entity[hikari.StageInstance] = entities.STAGE_INSTANCES

    def find(self, **wanted: Unpack[WantedStageInstances]) -> Found[hikari.StageInstance]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedStageInstances]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()


class Webhooks(ById[hikari.PartialWebhook]):
    """Webhooks that REST requests returned, without their tokens."""

    entity: Entity[hikari.PartialWebhook] = entities.WEBHOOKS

    def find(self, **wanted: Unpack[WantedWebhooks]) -> Found[hikari.PartialWebhook]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedWebhooks]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()
