"""Columns for the table of entities: each reads a value from a payload, checks it and converts it for the database."""

from __future__ import annotations

import dataclasses
import datetime
import typing
from collections.abc import Callable, Sequence

import hikari

from .model import Column, Kind, Payload

__all__ = (
    "SKEW",
    "boolean",
    "born",
    "filled",
    "first",
    "instant",
    "integer",
    "later",
    "moment",
    "snowflake",
    "snowflakes",
    "text",
    "time",
    "unexpected",
)

SKEW: typing.Final = datetime.timedelta(minutes=1)
"""By how much the clocks of two machines may differ, or one may be set back, without anybody noticing."""

_UTC: typing.Final = "2015-04-26T06:26:56.936000+00:00"
_UTC_LENGTH: typing.Final = len(_UTC)
_UTC_DIGITS: typing.Final = _UTC.index("+")
_UTC_MARKS: typing.Final = [(place, _UTC[place]) for place in (10, *range(_UTC_DIGITS, _UTC_LENGTH))]


class _Never:
    """No value is of this type: all of them are converted."""


Convert = Callable[[typing.Any], typing.Any]
ConvertAll = Callable[[Sequence[typing.Any], set[type]], Sequence[typing.Any]]
"""Converts values, given their types."""


def _column(
    kind: Kind, path: str, plain: type, convert: Convert, *, index: bool, convert_all: ConvertAll | None = None
) -> Column:
    *parents, name = path.split(".")
    needs_nothing = {plain, type(None)}

    def read(payload: Payload) -> typing.Any:
        for parent in parents:
            payload = payload.get(parent) or {}
        value = payload.get(name)
        return value if value is None or type(value) is plain else convert(value)

    # All rows that are written pass through here: a value that is absent or of the plain type costs no function call.
    def read_all(payloads: Sequence[Payload]) -> Sequence[typing.Any]:
        for parent in parents:
            payloads = [payload.get(parent) or {} for payload in payloads]
        values = [payload.get(name) for payload in payloads]
        types = set(map(type, values))
        if types <= needs_nothing:
            return values
        if convert_all is not None:
            return convert_all(values, types)
        return [value if value is None or type(value) is plain else convert(value) for value in values]

    return Column(kind, read, index, path, read_all)


# These convert values of the usual form inline: a function call for each would double the time.


def _integers(values: Sequence[typing.Any], types: set[type]) -> Sequence[typing.Any]:
    if types == {str}:
        return list(map(int, values))
    return [
        int(value) if type(value) is str else value if value is None or type(value) is int else _integer(value)
        for value in values
    ]


def _moments(values: Sequence[typing.Any], types: set[type]) -> Sequence[typing.Any]:
    if types == {str} and _are_of_utc(values, joined := "".join(values)):
        joined = joined.replace("T", " ")
        return [joined[start : start + _UTC_DIGITS] for start in range(0, len(joined), _UTC_LENGTH)]
    return [
        f"{value[:10]} {value[11:26]}"
        if type(value) is str and len(value) == _UTC_LENGTH and value.endswith("+00:00")
        else None
        if value is None
        else moment(value)
        for value in values
    ]


def _are_of_utc(values: Sequence[str], joined: str) -> bool:
    """Return whether all timestamps have Discord's usual form; ``joined`` is their concatenation."""
    count = len(values)
    return (
        set(map(len, values)) == {_UTC_LENGTH}
        and joined.count("T") == count
        and all(joined[place::_UTC_LENGTH] == mark * count for place, mark in _UTC_MARKS)
    )


def _lists(values: Sequence[typing.Any], _: set[type]) -> Sequence[typing.Any]:
    return [
        f",{','.join(value)}," if value and type(value) is list else None if value is None else _snowflakes(value)
        for value in values
    ]


def unexpected(meant: str, value: object) -> TypeError:
    """Return the error for a field that is not as Discord documents it. It is logged, so it names no value."""
    return TypeError(f"expected {meant}, got {type(value).__name__}")


def _no(meant: str) -> Convert:
    def refuse(value: object) -> typing.NoReturn:
        raise unexpected(meant, value)

    return refuse


def _integer(value: object) -> int:
    # Discord sends 64-bit numbers as strings: flags, permissions and snowflakes.
    if type(value) is str:
        return int(value)
    raise unexpected("a whole number", value)


def _snowflakes(value: object) -> str:
    if type(value) is list:
        return f",{','.join(value)}," if value else ","
    raise unexpected("a list of snowflakes", value)


def _filled(value: object) -> bool:
    if type(value) is list:
        return bool(value)
    raise unexpected("a list", value)


def _born(value: str | int) -> str:
    return moment(hikari.Snowflake(value).created_at)


def _first(items: object, name: str) -> int | None:
    if type(items) is list:
        return int(items[0][name]) if items else None
    raise unexpected("a list of objects", items)


def moment(value: str | datetime.datetime) -> str:
    """Return a moment in the format of a ``time`` column: UTC, ``YYYY-MM-DD HH:MM:SS.ffffff``.

    Parameters
    ----------
    value
        A timestamp from Discord (ISO 8601), or a moment. A moment without a time zone is taken as UTC.

    Raises
    ------
    ValueError
        If UTC has no such moment.
    """
    if isinstance(value, str):
        if len(value) == _UTC_LENGTH and value.endswith("+00:00"):
            return f"{value[:10]} {value[11:26]}"
        value = datetime.datetime.fromisoformat(value)
    if value.tzinfo is not None:
        try:
            value = value.astimezone(datetime.UTC)
        except OverflowError as error:  # the first and last hours of the calendar
            msg = f"{value.isoformat()} is outside the calendar in UTC"
            raise ValueError(msg) from error
    return value.replace(tzinfo=None).isoformat(" ", "microseconds")


def instant(spelt: str) -> datetime.datetime:
    """Return the moment in a ``time`` column."""
    return datetime.datetime.fromisoformat(spelt).replace(tzinfo=datetime.UTC)


def later(than: str) -> str:
    """Return the current time in the format of a ``time`` column, or the first one after ``than`` if that is later.

    If it is later by more than :data:`SKEW`, the clock was wrong and has been set right: then this is the current time.
    """
    current = datetime.datetime.now(datetime.UTC)
    now = moment(current)
    if now > than or now < moment(instant(than) - SKEW):
        return now
    return moment(instant(than) + datetime.timedelta(microseconds=1))


def text(path: str, *, index: bool = False, unset: str | None = None) -> Column:
    """Return a text column, read from a dotted path of the payload. hikari reads the text ``unset`` as ``None``."""
    return dataclasses.replace(_column("text", path, str, _no("a text"), index=index), unset=unset)


def integer(path: str, *, index: bool = False, unset: int | None = None, absent: int | None = None) -> Column:
    """Return a column of a whole number, up to 64 bits.

    Parameters
    ----------
    path, index
        As for every column.
    unset
        The number that hikari takes for none.
    absent
        What it means that the field is left out, as hikari takes it.
    """
    column = _column("integer", path, int, _integer, index=index, convert_all=_integers)
    return dataclasses.replace(column, unset=unset, absent=absent)


def snowflake(path: str, *, index: bool = False) -> Column:
    """Return a column for the id of something else."""
    return _column("snowflake", path, int, _integer, index=index, convert_all=_integers)


def boolean(path: str, *, absent: bool | None = None) -> Column:
    """Return a column for a truth value. hikari reads a missing field as ``absent``."""
    return dataclasses.replace(_column("boolean", path, bool, _no("true or false"), index=False), absent=absent)


def filled(path: str) -> Column:
    """Return a column for whether a list has any items."""
    return _column("boolean", path, _Never, _filled, index=False)


def time(path: str, *, index: bool = False) -> Column:
    """Return a column for a moment."""
    return _column("time", path, _Never, moment, index=index, convert_all=_moments)


def born(path: str, *, index: bool = False) -> Column:
    """Return a column for the moment when an id was created, which the id contains."""
    return _column("time", path, _Never, _born, index=index)


def first(path: str, name: str, *, index: bool = False) -> Column:
    """Return a column for the id in a field of the first object in a list."""
    return _column("snowflake", path, _Never, lambda items: _first(items, name), index=index)


def snowflakes(path: str, *, also: str = "") -> Column:
    """Return a column for a list of ids, such as a member's roles. ``also`` names a column whose id is in it, too."""
    return dataclasses.replace(
        _column("snowflakes", path, _Never, _snowflakes, index=False, convert_all=_lists), also=also
    )
