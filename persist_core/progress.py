"""How the writing of a batch gets on: for how long nothing has moved, and whether the database does not answer."""

from __future__ import annotations

import asyncio
import time
import typing

__all__ = ("WriteProgress",)

_STALLS_AFTER: typing.Final = 60.0
"""Seconds after which a database that has not answered counts as away."""

_TURNS: typing.Final = 500
"""Turns of the event loop that are waited for its answer then: the loop may not have come to it."""


class WriteProgress:
    """Tells a writer that gets on from one that waits, and that from a database which does not answer any more.

    Attributes
    ----------
    moved
        When a batch was last begun, or a piece of one stored, by :func:`time.monotonic`.
    is_writing
        Whether a batch is being written.
    """

    def __init__(self) -> None:
        self.moved: float = 0.0
        self.is_writing: bool = False
        self._turns = 0

    @property
    def silence(self) -> float:
        """For how many seconds nothing has moved; 0 while nothing is being written."""
        return time.monotonic() - self.moved if self.is_writing else 0.0

    def begin(self) -> None:
        """Note that a batch is being written from now on, or again."""
        self.is_writing = True
        self.step()

    def step(self) -> None:
        """Note that a piece of it was stored."""
        self.moved = time.monotonic()

    def end(self) -> None:
        """Note that nothing is being written any more."""
        self.is_writing = False

    def is_stalled(self) -> bool:
        """Return whether the database has not answered for long, although the event loop had time to hear of it."""
        if self.silence <= _STALLS_AFTER:
            self._turns = 0
        elif not self._turns:
            self._count_turn()
        return self._turns >= _TURNS

    def _count_turn(self) -> None:
        if self.silence <= _STALLS_AFTER:
            self._turns = 0
        elif self._turns < _TURNS:
            self._turns += 1
            asyncio.get_running_loop().call_soon(self._count_turn)
