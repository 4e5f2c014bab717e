"""Views: scheduled events, and who is interested in them."""

from __future__ import annotations

from typing import Unpack

import hikari

from . import entities
from .found import Found
from .model import Entity
from .views_shapes import ById, OfUser
from .wanted import WantedScheduledEvents, WantedScheduledEventUsers

__all__ = ("ScheduledEventUsers", "ScheduledEvents")


class ScheduledEvents(ById[hikari.ScheduledEvent]):
    """The scheduled events of guilds. Completed and canceled ones stay, with that status."""

    entity: Entity[hikari.ScheduledEvent] = entities.SCHEDULED_EVENTS

    def find(self, **wanted: Unpack[WantedScheduledEvents]) -> Found[hikari.ScheduledEvent]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedScheduledEvents]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()


class ScheduledEventUsers(OfUser[hikari.ScheduledEventUser]):
    """Who is interested in which scheduled event."""

    entity: Entity[hikari.ScheduledEventUser] = entities.SCHEDULED_EVENT_USERS
    _where = "the scheduled event"

    def find(self, **wanted: Unpack[WantedScheduledEventUsers]) -> Found[hikari.ScheduledEventUser]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedScheduledEventUsers]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()
