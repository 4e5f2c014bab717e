"""Compares our methods with hikari's: arguments by name, kind and type, and results by type."""

from __future__ import annotations

import inspect
import sys
import types
import typing
from collections.abc import Awaitable, Callable, Coroutine, Iterator

__all__ = ("differences", "named")

_NAMES: typing.Final = {
    f"{name.rpartition('.')[2]}{end}": module
    for name, module in sys.modules.items()
    if name.startswith("hikari.") and not name.startswith(("hikari.impl", "hikari.internal", "hikari.events"))
    for end in ("", "_")
}
"""The names that hikari imports for type checkers only."""


def named(owner: type, start: str) -> Iterator[tuple[str, Callable[..., object]]]:
    """Yield the methods of a class whose names begin with ``start``."""
    for name, method in inspect.getmembers(owner, inspect.isfunction):
        if name.startswith(start):
            yield name, method


def _hints(method: Callable[..., object]) -> dict[str, typing.Any]:
    scope = {**_NAMES, **vars(sys.modules[method.__module__])}
    return typing.get_type_hints(method, globalns=scope)


def _same(ours: typing.Any, theirs: typing.Any) -> bool:
    """Return whether two types are the same, or ours is a subclass of theirs."""
    if ours == theirs:
        return True
    inside, outside = typing.get_args(ours), typing.get_args(theirs)
    left, right = typing.get_origin(ours) or ours, typing.get_origin(theirs) or theirs
    if len(_parts(ours)) > 1 or len(_parts(theirs)) > 1:
        return all(any(_same(one, other) for other in _parts(theirs)) for one in _parts(ours))
    if not (isinstance(left, type) and isinstance(right, type) and issubclass(left, right)):
        return False
    return len(inside) == len(outside) and all(map(_same, inside, outside))


def _parts(hint: typing.Any) -> tuple[typing.Any, ...]:
    return typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)


def _takes(ours: typing.Any, theirs: typing.Any) -> bool:
    """Return whether our argument accepts every type that theirs does. It may accept more."""
    return all(any(_same(mine, its) for mine in _parts(ours)) for its in _parts(theirs))


def differences(ours: Callable[..., object] | None, theirs: Callable[..., object]) -> Iterator[str]:
    """Yield a description of each difference for callers of both methods, except that ours may be awaitable."""
    if ours is None:
        yield "it is missing"
        return
    here, there = inspect.signature(ours).parameters, inspect.signature(theirs).parameters
    our_hints, their_hints = _hints(ours), _hints(theirs)
    for (name, mine), (known, its) in zip(here.items(), there.items(), strict=False):
        if mine.kind is not its.kind or (mine.kind is not mine.POSITIONAL_ONLY and name != known):
            yield f"the argument {known!r} is {name!r}, or given another way"
        elif mine.default != its.default:
            yield f"{known!r} is {mine.default!r} unless given, and not {its.default!r}"
        elif name != "self" and not _takes(our_hints[name], their_hints[known]):
            yield f"{known!r} is {our_hints[name]}, and not {their_hints[known]}"
    if missing := list(there)[len(here) :]:
        yield f"{', '.join(missing)}: missing"
    for name in list(here)[len(there) :]:
        if here[name].default is inspect.Parameter.empty and here[name].kind is not inspect.Parameter.VAR_KEYWORD:
            yield f"{name!r} has to be given"
    our_result, their_result = (_result(hints["return"]) for hints in (our_hints, their_hints))
    if not _same(our_result, their_result):
        yield f"it returns {our_result}, and not {their_result}"


def _result(hint: typing.Any) -> typing.Any:
    return typing.get_args(hint)[-1] if typing.get_origin(hint) in (Awaitable, Coroutine) else hint
