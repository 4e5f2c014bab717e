"""Decides what to drop when a journal is full and the database accepts nothing: ephemeral kinds first."""

from __future__ import annotations

import logging
import typing
from collections.abc import Callable, Sequence

from .batch import Batch
from .changes import Change, Drop, Patch, Put
from .completeness import known
from .gauges import Gauges
from .model import Entity, Origin
from .notices import Notices

__all__ = ("Shedding",)


class Shedding:
    """Makes room for changes, or counts them as lost.

    Parameters
    ----------
    notices
        Logs when it begins.
    gauges
        The counters for what was dropped.
    forget
        Called when accepted changes are dropped.
    """

    def __init__(self, notices: Notices, gauges: Gauges, forget: Callable[[], None]) -> None:
        self._notices = notices
        self._gauges = gauges
        self._forget = forget
        self.is_under_way: bool = False
        """Whether something may have been dropped since the last stored batch."""

    def begin(self, depth: int, why: object) -> None:
        """Log that the limit is reached, and why."""
        self.is_under_way = True
        self._notices.say(
            logging.ERROR,
            "shedding",
            "%(depth)d changes are waiting to be stored, which is the limit (%(why)s): some are dropped from now on; "
            "fix the database, or give the cache a higher limit",
            depth=depth,
            why=why,
        )

    def end(self) -> None:
        """Note that a batch was stored: if dropping starts again, it is logged again."""
        self.is_under_way = False

    def room_for(self, change: Change, waiting: Batch) -> bool:
        """Make room for a change among the waiting ones, or count it as lost. Return whether there is room."""
        if not isinstance(change, (Put, Patch, Drop)) or waiting.holds(change.entity, change.key):
            return True
        if change.entity.ephemeral:
            self._shed(change.entity, (change,), waiting)
            return False
        for entity in list(waiting.segments[-1].keyed):
            if entity.ephemeral and (shed := waiting.shed(entity)):
                self._shed(entity, shed, waiting)
                self._forget()
                return True
        self._gauges.lost[change.entity.name] += 1
        _doubt(change.entity, (change,), waiting)
        return False

    def _shed(self, entity: Entity[typing.Any], changes: Sequence[Change], waiting: Batch) -> None:
        self._gauges.shed[entity.name] += len(changes)
        _doubt(entity, changes, waiting)


def _doubt(entity: Entity[typing.Any], changes: Sequence[Change], waiting: Batch) -> None:
    """Mark the affected data as stale, because changes of a kind are missing."""
    origin = Origin("gateway", None, 0, waiting.at)
    for guild_id in {change.guild_id for change in changes} - {None}:
        waiting.add(known(entity.name, typing.cast("int", guild_id), origin, "stale"))
