"""Calls the functions in rules. They must not be async, because their answer decides what is written right then."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable

__all__ = ("answer", "is_function_of_one", "named")

T = typing.TypeVar("T")
U = typing.TypeVar("U")


def _waits(function: object) -> bool:
    """Return whether a function, or a callable object, is async."""
    while isinstance(function, functools.partial):
        function = typing.cast("functools.partial[object]", function).func
    called = (function, getattr(type(function), "__call__", None))  # noqa: B004 - it inspects the method
    return any(inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in called)


def is_function_of_one(function: object) -> typing.TypeGuard[Callable[[typing.Any], object]]:
    """Return whether something is a function, not async, that can be called with one argument."""
    if not callable(function) or _waits(function):
        return False
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some that are written in C do not say
        return True
    try:
        signature.bind(None)
    except TypeError:
        return False
    return True


def answer(function: Callable[[T], U], asked: T) -> U:
    """Return the result of a function.

    Raises
    ------
    TypeError
        If the result is awaitable, which would count as true.
    """
    found = function(asked)
    if inspect.isawaitable(found) or inspect.isasyncgen(found):
        if inspect.iscoroutine(found):
            found.close()  # it is never awaited, and Python would warn about that
        msg = f"{named(function)} must not be async, but it returned something to be awaited"
        raise TypeError(msg)
    return found


def named(function: object) -> str:
    """Return the name of a function, for a message."""
    return str(getattr(function, "__qualname__", None) or repr(function))
