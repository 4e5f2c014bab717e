"""The progress of writing a batch: for how long there was none, and whether the database has stopped answering."""

from __future__ import annotations

import asyncio
import time
import typing

__all__ = ("WriteProgress",)

_STALLS_AFTER: typing.Final = 60.0
"""Seconds after which a database that has not answered counts as away."""

_TURNS: typing.Final = 500
"""Turns of the event loop to wait for the answer after that: the loop may not have processed it yet."""


class WriteProgress:
    """Distinguishes a writer that makes progress from one that waits, and from a database that no longer answers.

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
        """How many seconds there was no progress; 0 while nothing is being written."""
        return time.monotonic() - self.moved if self.is_writing else 0.0

    def begin(self) -> None:
        """Note that writing a batch begins, or begins again."""
        self.is_writing = True
        self.step()

    def step(self) -> None:
        """Note that a piece of it was stored."""
        self.moved = time.monotonic()

    def end(self) -> None:
        """Note that writing has ended."""
        self.is_writing = False

    def is_stalled(self) -> bool:
        """Return whether the database has not answered for long, although the event loop had time for an answer."""
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
