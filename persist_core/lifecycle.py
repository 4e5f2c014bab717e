"""Marks for what is experimental or deprecated: each warns on use, and becomes a line of a page of the documentation.

A mark goes on a function, a method, a class, or with a parameter's name on that parameter::

    @deprecated(since="1.4", until="2.0", note="call find() instead.")
    def search(...): ...

    @experimental("warm", since="1.0", note="what it fills may grow.")
    def __init__(self, bot, *, warm=False): ...
"""

from __future__ import annotations

import functools
import inspect
import typing
import warnings
from collections.abc import Callable, Mapping

import typing_extensions

__all__ = ("MARKED", "ExperimentalWarning", "Mark", "deprecated", "experimental")

F = typing.TypeVar("F", bound=Callable[..., typing.Any])
_marked: dict[str, Mark] = {}

MARKED: typing.Final[Mapping[str, Mark]] = _marked
"""Everything experimental or deprecated in the modules imported so far, by its full name."""


class ExperimentalWarning(FutureWarning):
    """Something you use is experimental and may change in a minor version."""


class Mark(typing.NamedTuple):
    """What users should know about the future of something."""

    state: typing.Literal["experimental", "deprecated"]
    since: str
    """The version since which it has this state."""

    until: str | None
    """The first version without it; ``None`` while that is undecided."""

    note: str
    """Why, or what to use instead: a sentence."""


def experimental(parameter: str | None = None, /, *, since: str, note: str) -> Callable[[F], F]:
    """Mark a function, a method or a class that may change in a minor version, or a parameter of one.

    It warns where it is used, once per line, like Python's own warnings.

    Parameters
    ----------
    parameter
        The parameter to mark, instead of the whole.
    since
        The version that introduced it.
    note
        What may change, as a sentence.
    """
    return _mark(Mark("experimental", since, None, note), ExperimentalWarning, parameter)


def deprecated(parameter: str | None = None, /, *, since: str, until: str, note: str) -> Callable[[F], F]:
    """Mark a function, a method or a class that will be removed, or a parameter of one.

    It warns where it is used, once per line, like Python's own warnings.

    Parameters
    ----------
    parameter
        The parameter to mark, instead of the whole.
    since
        The version that deprecated it.
    until
        The version that removes it: a major one.
    note
        What to use instead, as a sentence.
    """
    return _mark(Mark("deprecated", since, until, note), DeprecationWarning, parameter)


def _mark(mark: Mark, category: type[Warning], parameter: str | None) -> Callable[[F], F]:
    def decorate(thing: F) -> F:
        name = f"{thing.__module__}.{thing.__qualname__.removesuffix('.__init__')}"
        if parameter is not None:
            name = f"{name}({parameter}=)"
        _marked[name] = mark
        gone = f" and will be removed in {mark.until}" if mark.until else ""
        message = f"{name} has been {mark.state} since {mark.since}{gone}: {mark.note}"
        if parameter is not None:
            return _warns_of(thing, parameter, message, category)
        # Only a checker that reads the decorator itself would want a literal.
        return typing_extensions.deprecated(message, category=category)(thing)  # pyright: ignore[reportArgumentType]

    return decorate


def _warns_of(function: F, parameter: str, message: str, category: type[Warning]) -> F:
    signature = inspect.signature(function)
    if parameter not in signature.parameters:
        msg = f"{function.__qualname__}() has no parameter {parameter!r}; it has: {', '.join(signature.parameters)}"
        raise TypeError(msg)

    @functools.wraps(function)
    def used(*args: typing.Any, **kwargs: typing.Any) -> typing.Any:
        if parameter in kwargs or parameter in signature.bind_partial(*args).arguments:
            warnings.warn(message, category, stacklevel=2)
        return function(*args, **kwargs)

    return typing.cast("F", used)
