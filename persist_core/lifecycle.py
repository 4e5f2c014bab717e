"""What is not as stable as the rest: one mark on it, which warns at its use and makes a line of a page.

A mark goes on a function, a method, a class, or, with the name of it, on a parameter::

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
"""Everything that is experimental or deprecated, by its name in full, of the modules that have been imported."""


class ExperimentalWarning(FutureWarning):
    """Something is used that may change in a minor version."""


class Mark(typing.NamedTuple):
    """What somebody who uses a thing should know of its future."""

    state: typing.Literal["experimental", "deprecated"]
    since: str
    """The version that it has been so from."""

    until: str | None
    """The first version that has it no more; ``None`` as long as nobody knows."""

    note: str
    """Why, or what to use instead: a sentence."""


def experimental(parameter: str | None = None, /, *, since: str, note: str) -> Callable[[F], F]:
    """Mark a function, a method or a class that may change in a minor version, or a parameter of one.

    It says so where it is used, once for each line, as Python does.

    Parameters
    ----------
    parameter
        The parameter that is meant, and nothing else.
    since
        The version that it came with.
    note
        What may change, as a sentence.
    """
    return _mark(Mark("experimental", since, None, note), ExperimentalWarning, parameter)


def deprecated(parameter: str | None = None, /, *, since: str, until: str, note: str) -> Callable[[F], F]:
    """Mark a function, a method or a class that will be gone, or a parameter of one.

    It says so where it is used, once for each line, as Python does.

    Parameters
    ----------
    parameter
        The parameter that is meant, and nothing else.
    since
        The version from which on something else is better.
    until
        The first version without it: a major one.
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
        gone = f" and will be gone in {mark.until}" if mark.until else ""
        message = f"{name} is {mark.state} since {mark.since}{gone}: {mark.note}"
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
