"""Views: auto-moderation and the audit log."""

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
    """The auto-moderation rules of guilds."""

    entity: Entity[hikari.AutoModRule] = entities.AUTO_MOD_RULES

    def find(self, **wanted: Unpack[WantedAutoModRules]) -> Found[hikari.AutoModRule]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedAutoModRules]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()


class AutoModExecutions(ById[AutoModExecution]):
    """What auto-moderation did. Kept only if the cache's rules turn it on."""

    entity: Entity[AutoModExecution] = entities.AUTO_MOD_EXECUTIONS

    def find(self, **wanted: Unpack[WantedAutoModExecutions]) -> Found[AutoModExecution]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedAutoModExecutions]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()


class AuditLogEntries(ById[hikari.AuditLogEntry]):
    """What moderators did. Kept only if the cache's rules turn it on."""

    entity: Entity[hikari.AuditLogEntry] = entities.AUDIT_LOG_ENTRIES

    def find(self, **wanted: Unpack[WantedAuditLogEntries]) -> Found[hikari.AuditLogEntry]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedAuditLogEntries]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()
