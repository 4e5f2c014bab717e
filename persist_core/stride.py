"""How many rows a statement writes where the driver needs the event loop, by how long that takes to come round."""

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

    A statement costs a few turns of the loop, however many rows it has. A short one keeps the loop free where it is;
    where a turn takes long anyway, as in the flood of guilds when a large bot starts, short ones would fall behind.

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
        if took > _SLOW:
            self.times = min(_MOST, self.times * 2)
        elif took < _QUICK:
            self.times = max(1, self.times // 2)
