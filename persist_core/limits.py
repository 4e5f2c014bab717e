"""How many changes wait to be written, for how long, and how many of them are written at once."""

from __future__ import annotations

import typing

__all__ = ("Limits",)

_STEPS: typing.Final = 8
"""How many transactions a large batch is: each takes its turns of the event loop, which is busy where much piles up."""


class Limits(typing.NamedTuple):
    """How much the journal holds, and for how long."""

    interval: float = 0.05
    """Seconds that changes may wait for company; what a killed process loses at most."""

    batch: int = 4096
    """Changes that are written without waiting any longer."""

    busy: int = 20_000
    """Changes from which on a busy event loop gives way to a thread that writes, and that are stored in one
    transaction."""

    most: int = 200_000
    """Changes that are held while the database is away or does not answer. What comes then is shed, ephemeral kinds
    first. A database that is at work is given what there is, and the gateway is read more slowly meanwhile."""

    asked: int = 50_000
    """Questions for what was known before an event that may wait. What is asked then is not told, and counted."""

    @property
    def enough(self) -> int:
        """From how many changes on none waits for company: a journal that is half full does not either."""
        return min(self.batch, self.most // 2 + 1)

    def at_once(self, size: int) -> int:
        """Return how many changes of a batch of so many are stored in one transaction."""
        return max(self.batch, self.busy, size // _STEPS)
