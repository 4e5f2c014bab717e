"""How many changes wait to be written, for how long, and how many of them are written at once."""

from __future__ import annotations

import typing

__all__ = ("Limits",)

_STEPS: typing.Final = 8
"""How many transactions a large batch takes: each costs turns of the event loop, which is busy in a flood."""


class Limits(typing.NamedTuple):
    """How much the journal holds, and for how long."""

    interval: float = 0.05
    """Seconds that changes may wait for others; a killed process loses at most this much."""

    batch: int = 4096
    """The number of changes that are written without waiting any longer."""

    busy: int = 20_000
    """The number of waiting changes from which a busy event loop gives way to a writing thread; also the size that one
    transaction may have."""

    most: int = 200_000
    """The most changes to hold while the database is away or does not answer. Any more are dropped, ephemeral kinds
    first. While the database works, none are dropped; the gateway is read more slowly instead."""

    asked: int = 50_000
    """The most requests for the state before an event that may wait. Any more are not answered, and counted."""

    @property
    def enough(self) -> int:
        """The number of changes from which none waits for others: a full batch, or a journal that is half full."""
        return min(self.batch, self.most // 2 + 1)

    def at_once(self, size: int) -> int:
        """Return how many changes of a batch of this size are stored in one transaction."""
        return max(self.batch, self.busy, size // _STEPS)
