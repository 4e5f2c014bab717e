"""What is not as stable as the rest: one mark on a function, which warns at its use and makes a line of a page."""

from __future__ import annotations

import functools
import typing
import warnings
from collections.abc import Callable, Mapping

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


def experimental(*, since: str, note: str) -> Callable[[F], F]:
    """Mark a function that may change in a minor version. It says so when it is first used.

    Parameters
    ----------
    since
        The version that it came with.
    note
        What may change, as a sentence.
    """
    return _mark(Mark("experimental", since, None, note), ExperimentalWarning)


def deprecated(*, since: str, until: str, note: str) -> Callable[[F], F]:
    """Mark a function that will be gone. It says so at each use, once for each line, as Python does.

    Parameters
    ----------
    since
        The version from which on something else is better.
    until
        The first version without it: a major one.
    note
        What to use instead, as a sentence.
    """
    return _mark(Mark("deprecated", since, until, note), DeprecationWarning)


def _mark(mark: Mark, category: type[Warning]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        name = f"{function.__module__}.{function.__qualname__}"
        _marked[name] = mark
        gone = f" and will be gone in {mark.until}" if mark.until else ""
        message = f"{name} is {mark.state} since {mark.since}{gone}: {mark.note}"

        @functools.wraps(function)
        def used(*args: typing.Any, **kwargs: typing.Any) -> typing.Any:
            warnings.warn(message, category, stacklevel=2)
            return function(*args, **kwargs)

        return typing.cast("F", used)

    return decorate
