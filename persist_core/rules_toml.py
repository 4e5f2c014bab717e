"""Rules as a file that people can read and compare: the table ``keep`` of a ``persist.toml``."""

from __future__ import annotations

import dataclasses
import datetime
import importlib
import pathlib
import sys
import tomllib
import typing
from collections.abc import Callable, Collection, Mapping

import tomli_w

from . import filters
from .errors import QueryError
from .filters import Filter
from .keep import LISTS, Keep

__all__ = ("read", "written")

_PARTS: typing.Final = ("also", "either", "never")
_FILTERS: typing.Final[Mapping[str, Callable[[typing.Any], Filter[typing.Any]]]] = {
    "contains": filters.contains,
    "startswith": filters.startswith,
    "before": filters.before,
    "after": filters.after,
    "at_least": filters.at_least,
    "at_most": filters.at_most,
    "has": filters.has,
    "not": filters.not_,
}
_NAMES: typing.Final = {"less": "before", "greater": "after"}
"""The tests whose names differ from the functions that make them."""

_UNSET: typing.Final = {"unset": True}


# -------------------------------------------------------------------------------------------------------------- writing


def written(kinds: Mapping[str, object], per_guild: object) -> str:
    """Return rules as TOML.

    Raises
    ------
    persist.QueryError
        If they contain a function that cannot be imported by name.
    """
    said: dict[str, object] = {} if per_guild is None else {"per_guild": _reference("per_guild", per_guild)}
    said |= {name: kept for name, kept in kinds.items() if isinstance(kept, bool)}
    said |= {name: _table(kept) for name, kept in kinds.items() if isinstance(kept, Keep)}
    return tomli_w.dumps({"keep": said})


def _table(keep: Keep[typing.Any]) -> dict[str, object]:
    found: dict[str, object] = {}
    for field in dataclasses.fields(keep):
        value, usual = getattr(keep, field.name), getattr(_USUAL, field.name)
        if value != usual:
            found[field.name] = _spelled(field.name, value)
    return found


def _spelled(name: str, value: object) -> object:
    match value:
        case Keep():
            return _table(value)
        case Filter(test, inside):
            return {_NAMES.get(test, test): _spelled(name, inside)}
        case Mapping():
            return {str(key): _spelled(name, one) for key, one in value.items()}
        case Collection() if not isinstance(value, str | int):  # flags are collections too
            value = typing.cast("Collection[object]", value)
            spelled = [_spelled(name, one) for one in value]
            return sorted(spelled, key=repr) if isinstance(value, frozenset) else spelled
        case _:
            return _plain(name, value)


def _plain(name: str, value: object) -> object:
    match value:
        case None:
            return dict(_UNSET)
        case int() if not isinstance(value, bool):  # also enums and flags
            return int(value)
        case datetime.timedelta():
            return value.total_seconds()
        case _:
            return _reference(name, value) if callable(value) else value


def _reference(name: str, function: object) -> str:
    module, qualified = getattr(function, "__module__", None), getattr(function, "__qualname__", "<")
    if module in (None, "__main__") or "<" in qualified:
        msg = f"{name} is {function!r}, which a file cannot name; make it a top-level function in a module"
        raise QueryError(msg)
    return f"{module}:{qualified}"


# -------------------------------------------------------------------------------------------------------------- reading


def read(text: str, where: pathlib.Path | None) -> dict[str, typing.Any]:
    """Return the arguments of rules: kinds, and ``per_guild``.

    Parameters
    ----------
    text
        The contents of a file.
    where
        The folder with the modules that it may name.

    Raises
    ------
    persist.QueryError
        If it is not TOML, or does not hold valid rules.
    """
    try:
        whole = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"the rules are not TOML: {error}"
        raise QueryError(msg) from error
    said = whole.get("keep")
    if not isinstance(said, dict):
        msg = "the file has no table [keep]; write rules such as [keep.messages] or keep.presences = false"
        raise QueryError(msg)
    return {name: _kept(name, value, where) for name, value in typing.cast("dict[str, object]", said).items()}


def _kept(name: str, value: object, where: pathlib.Path | None) -> object:
    if name == "per_guild":
        return _function(name, value, where)
    return _keep(name, typing.cast("dict[str, object]", value), where) if isinstance(value, dict) else value


def _keep(kind: str, table: Mapping[str, object], where: pathlib.Path | None) -> Keep[typing.Any]:
    known = {field.name for field in dataclasses.fields(Keep)}
    if unknown := sorted(table.keys() - known):
        msg = f"{kind} has no setting {', '.join(unknown)}; there is: {', '.join(sorted(known))}"
        raise QueryError(msg)
    said: dict[str, typing.Any] = {name: _meant(kind, name, value, where) for name, value in table.items()}
    return Keep(**said)


def _meant(kind: str, name: str, value: object, where: pathlib.Path | None) -> object:
    if name in _PARTS and isinstance(value, list):
        parts = typing.cast("list[Mapping[str, object]]", value)
        return tuple(_keep(kind, part, where) for part in parts)
    if name in LISTS or name in ("where", "keep_if"):
        if isinstance(value, dict) and name not in LISTS:
            return {column: _asked(one) for column, one in typing.cast("dict[str, object]", value).items()}
        return _function(name, value, where) if isinstance(value, str) else _asked(value)
    return _function(name, value, where) if name == "predicate" else value


def _asked(value: object) -> object:
    if isinstance(value, list):
        return tuple(_asked(one) for one in typing.cast("list[object]", value))
    if not isinstance(value, dict):
        return value
    if value == _UNSET:
        return None
    (test, inside), *more = typing.cast("dict[str, object]", value).items() or (("", None),)
    if test == "between" and isinstance(inside, list) and not more:
        return filters.between(*typing.cast("list[object]", inside))
    if test == "any_of" and isinstance(inside, list) and not more:
        return filters.any_of(*(_asked(one) for one in typing.cast("list[object]", inside)))
    if more or test not in _FILTERS:
        msg = f"{value!r} is not a condition; there is: {', '.join(sorted((*_FILTERS, 'any_of', 'between', 'unset')))}"
        raise QueryError(msg)
    meant: typing.Any = _asked(inside)
    return _FILTERS[test](meant)


def _function(name: str, value: object, where: pathlib.Path | None) -> object:
    module, colon, qualified = value.partition(":") if isinstance(value, str) else ("", "", "")
    if not (module and colon and qualified):
        msg = f'{name} must be written as "module:function" in a file, not as {value!r}'
        raise QueryError(msg)
    beside = [] if where is None else [str(where)]
    sys.path[:0] = beside  # as for a script, find modules next to the file
    try:
        found: object = importlib.import_module(module)
        for part in qualified.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        msg = f"{name} is {value!r} in the file, which cannot be imported: {error}"
        raise QueryError(msg) from error
    finally:
        del sys.path[: len(beside)]
    return found


_USUAL: typing.Final[Keep[typing.Any]] = Keep()
