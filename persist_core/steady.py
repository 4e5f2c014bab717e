"""The time that decides what to delete: a clock that is set forward is believed only after a while."""

from __future__ import annotations

import datetime
import time
import typing
from collections.abc import Callable

from .columns import SKEW
from .retention import Clock

__all__ = ("Steady",)

_BELIEVED_AFTER: typing.Final = 3600.0


class Steady:
    """The current time, but without a jump of the clock until the clock has kept to it for an hour.

    A clock that is wrong for a moment, even by years, then makes nothing look too old.

    Parameters
    ----------
    clock
        Returns the current time.
    passed
        Returns seconds that nobody can set.
    """

    def __init__(self, clock: Clock, passed: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds = passed
        self._now, self._passed = clock(), passed()
        self._doubted: float | None = None
        """When the clock was found to be ahead."""

    def __call__(self) -> datetime.datetime:
        """Return the current time."""
        now, passed = self._clock(), self._seconds()
        expected = self._now + datetime.timedelta(seconds=passed - self._passed)
        if now - expected <= SKEW:
            self._doubted = None
        elif self._doubted is None:
            self._doubted = passed
        if self._doubted is not None and passed - self._doubted < _BELIEVED_AFTER:
            return expected
        self._now, self._passed, self._doubted = now, passed, None
        return now
