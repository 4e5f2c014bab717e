"""Views: what guilds do not allow, and what was done about it."""

from __future__ import annotations

from typing import Unpack

import hikari

from . import entities
from .found import Found
from .model import Entity
from .objects import AutoModExecution
from .views_shapes import ById
from .wanted import WantedAuditLogEntries, WantedAutoModExecutions, WantedAutoModRules

__all__ = ("AuditLogEntries", "AutoModExecutions", "AutoModRules")


class AutoModRules(ById[hikari.AutoModRule]):
    """The rules of auto-moderation."""

    entity: Entity[hikari.AutoModRule] = entities.AUTO_MOD_RULES

    def find(self, **wanted: Unpack[WantedAutoModRules]) -> Found[hikari.AutoModRule]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedAutoModRules]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class AutoModExecutions(ById[AutoModExecution]):
    """What auto-moderation did, if the rules turn it on."""

    entity: Entity[AutoModExecution] = entities.AUTO_MOD_EXECUTIONS

    def find(self, **wanted: Unpack[WantedAutoModExecutions]) -> Found[AutoModExecution]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedAutoModExecutions]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class AuditLogEntries(ById[hikari.AuditLogEntry]):
    """What moderators did, if the rules turn it on."""

    entity: Entity[hikari.AuditLogEntry] = entities.AUDIT_LOG_ENTRIES

    def find(self, **wanted: Unpack[WantedAuditLogEntries]) -> Found[hikari.AuditLogEntry]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedAuditLogEntries]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()
