"""The event loop in which a cache is open. Its database connections, locks and tasks belong to that loop."""

from __future__ import annotations

import asyncio
import typing

from .errors import CacheClosedError

__all__ = ("LOOP_ENDED", "check_loop")

LOOP_ENDED: typing.Final = (
    "the cache is closed because the event loop in which it was opened has ended; let the bot open it, or do "
    "everything in one loop"
)

_OTHER_LOOP: typing.Final = (
    "the cache is open in another event loop and can only be used there; let the bot open it, and from another thread "
    "use asyncio.run_coroutine_threadsafe(..., loop) with the bot's loop"
)


def check_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Check that this is the event loop in which a cache is open: elsewhere, calls would hang or break it.

    Raises
    ------
    persist.CacheClosedError
        If it is not.
    """
    if asyncio.get_running_loop() is not loop:
        raise CacheClosedError(_OTHER_LOOP)
