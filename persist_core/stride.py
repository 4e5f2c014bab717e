"""How many rows a statement writes, depending on how long it waits for the event loop or the interpreter lock."""

from __future__ import annotations

import asyncio
import time
import typing

__all__ = ("Stride",)

_SLOW: typing.Final = 0.02
_QUICK: typing.Final = 0.005
_MOST: typing.Final = 16


class Stride:
    """Grows while the event loop is busy with other things, and shrinks when it is idle.

    However many rows a statement has, it costs a few turns of the event loop, or takes the interpreter lock a few times
    if it runs in its own thread. A short one keeps an idle loop responsive. But while waiting takes long anyway, as in
    the flood of guilds when a large bot starts, short statements would fall behind.

    Attributes
    ----------
    times
        The factor by which a statement has more rows than usual: 1 to 16.
    """

    def __init__(self) -> None:
        self.times: int = 1

    async def turn(self) -> None:
        """Let the event loop turn once, and note how long that took."""
        began = time.perf_counter()
        await asyncio.sleep(0)
        took = time.perf_counter() - began
        self._note(grows=took > _SLOW, shrinks=took < _QUICK)

    def waited(self, waited: float, worked: float) -> None:
        """Note for how many seconds a thread waited, and worked, for one statement."""
        self._note(grows=waited > worked, shrinks=waited < worked / 4)

    def _note(self, *, grows: bool, shrinks: bool) -> None:
        if grows:
            self.times = min(_MOST, self.times * 2)
        elif shrinks:
            self.times = max(1, self.times // 2)
