"""Lets the event loop give way to the thread that writes, if that falls behind."""

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
"""Seconds for one step after which the writer is assumed to wait for the event loop."""


class GivingWay:
    """Sleeps for a moment now and then, as long as the writer is behind.

    A loop that never idles starves every other thread, including the writer's, which loses each race for the GIL.

    Parameters
    ----------
    store
        The store. Its ``writes_in_thread``, if it has one, says whether a thread of this process writes.
    progress
        The progress of writing.
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
        """Start checking whether the writer, which begins now, is behind."""
        self._look_again(_BEHIND)

    def end(self) -> None:
        """Stop checking."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def is_behind(self) -> bool:
        """Return whether the writer is a thread of this process, and is late or has too much to write."""
        # A server has its own reasons to take long, and the loop itself waits for it.
        if not getattr(self._store, "writes_in_thread", False):
            return False
        return self._progress.silence > _BEHIND or self._depth() > self._busy

    def give_way(self) -> None:
        """Give way to a writer that is behind. A burst from the gateway must call this, as it lets no timer run."""
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
