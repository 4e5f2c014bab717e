"""What functions of the rules answer: at once, for what they are asked about is written or not in that moment."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable

__all__ = ("answer", "named", "waits")

T = typing.TypeVar("T")
U = typing.TypeVar("U")


def waits(function: object) -> bool:
    """Tell whether a function, or an object that is called like one, has to be awaited."""
    while isinstance(function, functools.partial):
        function = typing.cast("functools.partial[object]", function).func
    called = (function, getattr(type(function), "__call__", None))  # noqa: B004 - it is looked at, not for
    return any(inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in called)


def answer(function: Callable[[T], U], asked: T) -> U:
    """Return what a function answers.

    Raises
    ------
    TypeError
        If it is something that has to be awaited, which would count as yes.
    """
    found = function(asked)
    if inspect.isawaitable(found) or inspect.isasyncgen(found):
        if inspect.iscoroutine(found):
            found.close()  # nobody awaits it, which Python would warn of
        msg = f"{named(function)} has to answer at once, and returned something to be awaited"
        raise TypeError(msg)
    return found


def named(function: object) -> str:
    """Return how a function is called in a sentence."""
    return str(getattr(function, "__qualname__", None) or repr(function))
