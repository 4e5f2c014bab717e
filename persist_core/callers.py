"""Finds the line of the user's code that a warning is about."""

from __future__ import annotations

import inspect
import typing
import warnings
from collections.abc import Callable

__all__ = ("rewarned", "stacklevel")

_OURS: typing.Final = __name__.partition(".")[0]


def stacklevel() -> int:
    """Return the ``stacklevel`` with which a warning by the caller points at the first line outside persist."""
    level = 1
    here = inspect.currentframe()
    frame = None if here is None else here.f_back
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _OURS:
        level, frame = level + 1, frame.f_back
    return level


def rewarned(call: Callable[[], object]) -> None:
    """Call something whose warnings would point at one of our lines, and let them point at the user's."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        call()
    for warning in told:
        warnings.warn(warning.message, stacklevel=stacklevel())
