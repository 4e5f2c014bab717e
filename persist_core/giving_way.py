"""An event loop that gives way to the thread that writes, where that falls behind."""

from __future__ import annotations

import asyncio
import time
import typing
from collections.abc import Callable

from .progress import WriteProgress
from .spi import Store

__all__ = ("GivingWay",)

_EVERY, _FOR = 0.005, 0.0002
_BEHIND: typing.Final = 0.05
"""Seconds after which a writer that has not got through one step is taken to wait for the event loop."""


class GivingWay:
    """Sleeps for a moment now and then, as long as the writer is behind.

    A loop that never idles starves every other thread, the writer's too: it loses each race for the GIL.

    Parameters
    ----------
    store
        What is written to. It has a ``writes_in_thread`` that is true where a thread of this process does that.
    progress
        How the writing gets on.
    depth
        Returns how many changes are not stored yet.
    busy
        More changes than that are too many.
    """

    def __init__(self, store: Store, progress: WriteProgress, depth: Callable[[], int], busy: int) -> None:
        self._store = store
        self._progress = progress
        self._depth = depth
        self._busy = busy
        self._timer: asyncio.TimerHandle | None = None
        self._gave_way = 0.0

    def begin(self) -> None:
        """Look from now on whether the writer is behind: it begins."""
        self._look_again(_BEHIND)

    def end(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def is_behind(self) -> bool:
        """Return whether a writer that is a thread of this process is late, or has too much to write."""
        # A server has its own reasons to take long; and whoever waits for it is the loop itself.
        if not getattr(self._store, "writes_in_thread", False):
            return False
        return self._progress.silence > _BEHIND or self._depth() > self._busy

    def give_way(self) -> None:
        """Give way to a writer that is behind. A burst from the gateway, which lets no timer run, has to call this."""
        if time.monotonic() - self._gave_way >= _EVERY:
            time.sleep(_FOR)
            self._gave_way = time.monotonic()
        self._look_again(_EVERY)

    def _look(self) -> None:
        if self.is_behind():
            self.give_way()
        elif self._progress.is_writing:
            self._look_again(_BEHIND)

    def _look_again(self, seconds: float) -> None:
        self.end()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)
