"""How many rows a statement writes, by how long it has to wait for the event loop, or for the interpreter's lock."""

from __future__ import annotations

import asyncio
import time
import typing

__all__ = ("Stride",)

_SLOW: typing.Final = 0.02
_QUICK: typing.Final = 0.005
_MOST: typing.Final = 16


class Stride:
    """Grows while the event loop is busy with other things, and shrinks when it is not.

    A statement costs a few turns of the loop, however many rows it has, or the interpreter's lock a few times where a
    thread of its own runs it. A short one keeps the loop free where it is; where waiting takes long anyway, as in the
    flood of guilds when a large bot starts, short ones would fall behind.

    Attributes
    ----------
    times
        How many times more rows than usual a statement is to write: 1 to 16.
    """

    def __init__(self) -> None:
        self.times: int = 1

    async def turn(self) -> None:
        """Let the event loop come round once, and note how long that took."""
        began = time.perf_counter()
        await asyncio.sleep(0)
        took = time.perf_counter() - began
        self._note(grows=took > _SLOW, shrinks=took < _QUICK)

    def waited(self, waited: float, worked: float) -> None:
        """Note for how many seconds a thread has waited, and worked, for one statement."""
        self._note(grows=waited > worked, shrinks=waited < worked / 4)

    def _note(self, *, grows: bool, shrinks: bool) -> None:
        if grows:
            self.times = min(_MOST, self.times * 2)
        elif shrinks:
            self.times = max(1, self.times // 2)
