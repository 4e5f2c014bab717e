"""Copies of hikari objects that share nothing mutable with the original.

hikari's own cache also returns copies, but not of the lists and objects inside. The code for each class is generated,
as attrs does for ``__init__``: a loop over the fields would take longer than making the object from its payload again.
"""

from __future__ import annotations

import copy
import dataclasses
import datetime
import functools
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence

import hikari

__all__ = ("copied", "learn")

Copier = Callable[[typing.Any], typing.Any]

_CONSTANT: typing.Final = (
    *(int, float, str, bytes, type(None)),
    *(datetime.datetime, datetime.date, datetime.timedelta),
    type(hikari.UNDEFINED),
    hikari.RESTAware,
)
"""Types to share: they are immutable, or they are the bot."""

_constant: set[type] = set()
_copiers: dict[type, Copier] = {}
_looks: dict[type, Callable[[typing.Any], None]] = {}
_changing: dict[type, set[str]] = {}
"""The fields of each class in which mutable values have been seen."""

_CHANGING: typing.Final = """\
 v=t.{0}
 if v.__class__ is list and not v: r.{0}=[]
 elif v.__class__ is dict and not v: r.{0}={{}}
 else: c=find(v.__class__);r.{0}=v if c is None else c(v)
"""
"""Copies a field as :func:`copied` does. Most lists and mappings in a message are empty, and a call takes longer."""


def copied(thing: typing.Any) -> typing.Any:
    """Return a copy of an object that :func:`learn` has inspected."""
    copier = _copiers.get(type(thing))
    return thing if copier is None else copier(thing)


def learn(thing: object) -> bool:
    """Find the mutable fields of an object, and return whether it must be copied."""
    kind = type(thing)
    if kind in _constant:
        return False
    look = _looks.get(kind)
    if look is None:  # the tests for abstract classes take longer than everything else here
        if isinstance(thing, _CONSTANT):
            _constant.add(kind)
            return False
        look = _looks[kind] = _look_at(thing)
    look(thing)
    return True


def _look_at(thing: object) -> Callable[[typing.Any], None]:
    """Return a function that inspects objects of the same class."""
    kind = type(thing)
    if isinstance(thing, Mapping):
        _copiers[kind] = _copied_mapping
        return _learn_values
    if isinstance(thing, list | tuple | set | frozenset):
        _copiers[kind] = _copied_list if kind is list else _copied_items
        return _learn_all
    return _learn_fields


def _learn_values(things: Mapping[object, object]) -> None:
    _learn_all(things.values())


def _learn_all(things: typing.Iterable[object]) -> None:
    for thing in things:
        learn(thing)


def _learn_fields(thing: typing.Any) -> None:
    kind: type = type(thing)
    fields = _fields(kind)
    changing = {name for name in fields if type(value := getattr(thing, name)) not in _constant and learn(value)}
    known = _changing.setdefault(kind, set())
    if kind not in _copiers or not changing <= known:
        known |= changing
        _copiers[kind] = _made(kind, known)


def _copied_mapping(things: Mapping[typing.Any, typing.Any]) -> typing.Any:
    made: typing.Any = type(things)
    return made({key: copied(thing) for key, thing in things.items()})


def _copied_list(things: list[typing.Any]) -> list[typing.Any]:
    return things.copy() if _constant.issuperset(map(type, things)) else [copied(thing) for thing in things]


def _copied_items(things: typing.Any) -> typing.Any:
    return type(things)(copied(thing) for thing in things)


def _made(kind: type, changing: set[str]) -> Copier:
    if kind.__dictoffset__:
        return copy.deepcopy  # none of the known ones refers to a bot
    if dataclasses.is_dataclass(kind):  # persist's own, which are frozen
        return lambda thing: kind(**{name: copied(getattr(thing, name)) for name in _fields(kind)})
    steps = [_CHANGING.format(name) if name in changing else f" r.{name}=t.{name}\n" for name in _fields(kind)]
    scope: dict[str, typing.Any] = {"kind": kind, "new": kind.__new__, "find": _copiers.get}
    exec(f"def copier(t):\n r=new(kind)\n{''.join(steps)} return r", scope)  # noqa: S102 - names of slots
    return typing.cast("Copier", scope["copier"])


@functools.cache
def _fields(kind: type) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_slots(kind)))


def _slots(kind: type) -> Iterator[str]:
    for base in kind.__mro__:
        slots: str | Sequence[str] = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__weakref__", "__dict__"):
                yield f"_{base.__name__.lstrip('_')}{name}" if name.startswith("__") else name
