"""Finding whose line a warning is about."""

from __future__ import annotations

import inspect
import typing
import warnings
from collections.abc import Callable

__all__ = ("rewarned", "stacklevel")

_OURS: typing.Final = __name__.partition(".")[0]


def stacklevel() -> int:
    """Return the ``stacklevel`` that lets a warning of whoever calls this point at the first line that is not ours."""
    level = 1
    here = inspect.currentframe()
    frame = None if here is None else here.f_back
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _OURS:
        level, frame = level + 1, frame.f_back
    return level


def rewarned(call: Callable[[], object]) -> None:
    """Call something that takes one of our lines for the one that it warns of."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        call()
    for warning in told:
        warnings.warn(warning.message, stacklevel=stacklevel())
