"""Filters on a command line, ``author=123 content~panda``: the same that ``find`` takes in code."""

from __future__ import annotations

import datetime
import re
import typing
from collections.abc import Callable, Mapping, Sequence

from . import filter_names, filters
from .errors import QueryError
from .model import Entity, Kind

__all__ = ("HELP", "wanted")

AnyEntity = Entity[typing.Any]
Values = Sequence[typing.Any]


def _single(make: Callable[[typing.Any], typing.Any]) -> Callable[[Values], typing.Any]:
    def made(values: Values) -> typing.Any:
        if len(values) != 1:
            raise ValueError
        return make(values[0])

    return made


def _is(values: Values) -> typing.Any:
    return values[0] if len(values) == 1 else list(values)


def _has(values: Values) -> typing.Any:
    return filters.any_of(*map(filters.has, values)) if len(values) > 1 else filters.has(values[0])


_TESTS: typing.Final[Mapping[str, tuple[Callable[[Values], typing.Any], str]]] = {
    "!=": (lambda values: filters.not_(_is(values)), "is not the value; also with commas"),
    ">=": (_single(filters.at_least), "is at least the value"),
    "<=": (_single(filters.at_most), "is at most the value"),
    "^=": (_single(filters.startswith), "begins with the value"),
    "&=": (_has, "has the value: a role in role_ids, bits in permissions"),
    "=": (_is, "is the value; one of several with commas; null for unset"),
    ">": (_single(lambda value: _strictly(filters.after, value)), "is a later time"),
    "<": (_single(lambda value: _strictly(filters.before, value)), "is an earlier time"),
    "~": (_single(filters.contains), "contains the value"),
}
"""What goes between a name and a value, longer signs first."""

HELP: typing.Final = (
    "NAME=VALUE, or one of != > < >= <= ~ (contains) ^= (begins with) &= (a role, or bits). "
    "VALUE is an id, a number, a string, true, null for unset, 2026-01-31 or '7d ago'; several with commas."
)

_SIGNS: typing.Final = re.compile(rf"(?P<name>\w+)(?P<sign>{'|'.join(map(re.escape, _TESTS))})(?P<value>.*)", re.DOTALL)
_AGO: typing.Final = re.compile(r"(?P<number>\d+)(?P<unit>[smhdw]) ago")
_UNITS: typing.Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_TRUTHS: typing.Final = {"true": True, "yes": True, "false": False, "no": False}


def wanted(entity: AnyEntity, words: Sequence[str]) -> dict[str, typing.Any]:
    """Return keyword arguments for ``find``.

    Raises
    ------
    persist.QueryError
        If a word is not a filter, or its value is not valid.
    """
    found: dict[str, typing.Any] = {}
    for word in words:
        parts = _SIGNS.fullmatch(word)
        if parts is None:
            msg = f"{word!r} is not a filter; write NAME=VALUE, as in guild=1234, or with one of: {', '.join(_TESTS)}"
            raise QueryError(msg)
        name, sign = parts["name"], parts["sign"]
        if name in found:
            msg = f"{name} has two filters; use only one for each name"
            raise QueryError(msg)
        kind = _kind(entity, name)
        values = [_value(name, kind, text) for text in _texts(kind, parts["value"])]
        make, about = _TESTS[sign] if kind != "snowflakes" or sign != "=" else (_has, "")
        try:
            found[name] = make(values)
        except ValueError as error:
            msg = f"{word!r} is not valid: {sign} means that something {about}, and takes one value"
            raise QueryError(msg) from error
    return found


def _kind(entity: AnyEntity, name: str) -> Kind:
    if name == "verified":
        return "boolean"
    part = filter_names.part_with(entity, name, "verified")
    return part.entity.kind_of(part.column)


def _texts(kind: Kind, text: str) -> list[str]:
    # A string may contain commas; for one of several strings, ask twice.
    return [text] if kind in ("text", "time") else text.split(",")


def _value(name: str, kind: Kind, text: str) -> typing.Any:
    if text == "null":
        return None
    try:
        match kind:
            case "snowflake" | "snowflakes" | "integer":
                return int(text)
            case "boolean":
                return _TRUTHS[text.lower()]
            case "time":
                return _moment(text)
            case _:
                return text
    except (ValueError, KeyError, OverflowError) as error:
        msg = f"{name} must be {_MEANT[kind]}, not {text!r}"
        raise QueryError(msg) from error


_MEANT: typing.Final[Mapping[Kind, str]] = {
    "snowflake": "an id",
    "snowflakes": "a list of ids",
    "integer": "a whole number",
    "boolean": "true or false",
    "time": "a time such as 2026-01-31, 2026-01-31T12:00 (in UTC) or '7d ago'",
}


def _moment(text: str) -> datetime.datetime:
    now = datetime.datetime.now(datetime.UTC)
    if (ago := _AGO.fullmatch(text)) is not None:
        return now - datetime.timedelta(**{_UNITS[ago["unit"]]: int(ago["number"])})
    found = datetime.datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=datetime.UTC)


def _strictly(make: Callable[[typing.Any], typing.Any], value: typing.Any) -> typing.Any:
    # Numbers have no strict order among the filters, and need none.
    if isinstance(value, int):
        return filters.at_least(value + 1) if make is filters.after else filters.at_most(value - 1)
    return make(value)
