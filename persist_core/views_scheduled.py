"""Views: what guilds have planned, and who wants to come."""

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
    """What guilds have planned. What has ended or was cancelled stays, with that status."""

    entity: Entity[hikari.ScheduledEvent] = entities.SCHEDULED_EVENTS

    def find(self, **wanted: Unpack[WantedScheduledEvents]) -> Found[hikari.ScheduledEvent]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedScheduledEvents]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class ScheduledEventUsers(OfUser[hikari.ScheduledEventUser]):
    """Who has said to be interested in which scheduled event."""

    entity: Entity[hikari.ScheduledEventUser] = entities.SCHEDULED_EVENT_USERS
    _where = "the scheduled event"

    def find(self, **wanted: Unpack[WantedScheduledEventUsers]) -> Found[hikari.ScheduledEventUser]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedScheduledEventUsers]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()
