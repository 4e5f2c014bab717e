"""The memory that cached objects take."""

from __future__ import annotations

import subprocess
import sys
import typing
from collections.abc import Callable

import measure
import places

__all__ = ("memory",)

MEMBERS_STORED: typing.Final = 1_000_000


def _resident(*arguments: object) -> float:
    command = [sys.executable, str(places.HERE / "footprint_bot.py"), *map(str, arguments)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout)


def memory(size: measure.Size) -> list[measure.Result]:
    """Return how many more MiB a process needs after storing 1,000,000 members than a bot with an empty cache."""
    count = size.of(MEMBERS_STORED)
    hikaris = min(count, 100_000)
    empty = _resident("nothing", 0)

    def ours() -> float:
        with places.folder() as place:
            return _resident(f"sqlite:///{place / 'cache.db'}", count) - empty

    ways: dict[str, Callable[[], float]] = {
        "hikari's own cache, reckoned from a tenth": lambda: (_resident("hikari", hikaris) - empty) * count / hikaris,
        "persist over an empty bot": ours,
    }
    return measure.compare("memory for 1,000,000 members stored", "MiB", ways, 1)
