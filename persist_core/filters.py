"""The conditions that ``find(...)`` takes besides plain values, each made by a function."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import typing
from collections.abc import Collection, Mapping

import hikari

from .columns import moment
from .conditions import TESTS, AllOf, AnyOf, Condition, Conditional, Not, Within
from .errors import QueryError
from .filter_names import Part, called, column_named, part_with
from .given_ids import other_kind
from .model import Entity, Kind

__all__ = (
    "Filter",
    "Learned",
    "after",
    "any_of",
    "at_least",
    "at_most",
    "before",
    "between",
    "contains",
    "has",
    "not_",
    "seconds_of",
    "startswith",
    "where",
)


V_co = typing.TypeVar("V_co", covariant=True)
V = typing.TypeVar("V")
Thing = typing.TypeVar("Thing", bound=int | hikari.Unique)


_FUNCTIONS: typing.Final[Mapping[str, str]] = {"less": "before", "greater": "after", "not": "not_"}
"""The functions that make filters, by test; the others have the name of their test."""


@dataclasses.dataclass(frozen=True, slots=True)
class Filter(typing.Generic[V_co]):
    """A condition on values of one type, not yet on a column. Made by the functions of this module."""

    test: str
    value: typing.Any

    def __repr__(self) -> str:
        values = self.value if self.test in ("between", "any_of") else (self.value,)
        return f"{self.function}({', '.join(map(repr, values))})"

    @property
    def function(self) -> str:
        """The name of the function that makes such filters."""
        return _FUNCTIONS.get(self.test, self.test)


class Learned(typing.NamedTuple):
    """Filters on how and when results were learned, which no column holds."""

    verified: bool | None = None
    """Only what a running session has confirmed, or only what none has; ``None`` for both."""

    max_age: float | None = None
    """The most seconds since Discord sent or listed it; ``None`` for any age."""


def contains(text: str) -> Filter[str]:
    """Match strings that contain ``text``. Case-sensitive."""
    return Filter("contains", text)


def startswith(text: str) -> Filter[str]:
    """Match strings that begin with ``text``. Case-sensitive."""
    return Filter("startswith", text)


def before(limit: datetime.datetime) -> Filter[datetime.datetime]:
    """Match times before ``limit``; without a time zone, it is taken as UTC."""
    return Filter("less", limit)


def after(limit: datetime.datetime) -> Filter[datetime.datetime]:
    """Match times after ``limit``; without a time zone, it is taken as UTC."""
    return Filter("greater", limit)


def at_least(value: V) -> Filter[V]:
    """Match numbers, times or strings that are ``value`` or greater."""
    return Filter("at_least", value)


def at_most(value: V) -> Filter[V]:
    """Match numbers, times or strings that are ``value`` or less."""
    return Filter("at_most", value)


def between(low: V, high: V) -> Filter[V]:
    """Match numbers, times or strings from ``low`` to ``high``, both included."""
    return Filter("between", (low, high))


def has(item: Thing) -> Filter[Thing]:
    """Match flags with all bits of ``item``, or lists of ids that contain it, such as the roles of a member."""
    return Filter("has", item)


@typing.overload
def not_(value: Filter[V]) -> Filter[V]: ...
@typing.overload
def not_(value: None) -> Filter[typing.Any]: ...
@typing.overload
def not_(value: str) -> Filter[str]: ...
@typing.overload
def not_(value: Collection[V]) -> Filter[V]: ...
@typing.overload
def not_(value: V) -> Filter[V]: ...
def not_(value: typing.Any) -> Filter[typing.Any]:
    """Match the opposite of a value or condition. This includes unset values, as they do not equal any value."""
    return Filter("not", value)


def any_of(*values: V | Filter[V] | None) -> Filter[V]:
    """Match at least one of several values or conditions."""
    return Filter("any_of", values)


_FEW: typing.Final = frozenset(("equals", "is_in", "startswith"))
"""Tests that few records pass and that an index can answer."""

_ORDERED: typing.Final = frozenset(("less", "greater", "at_least", "at_most"))
_DEEPEST: typing.Final = 16
"""How deeply conditions may nest; SQLite's parser gives up at about twice as many."""
_TEXT: typing.Final = frozenset(("contains", "startswith"))
_OLDEST: typing.Final = 100 * 365 * 86_400


def where(
    entity: Entity[typing.Any], filters: Mapping[str, typing.Any], *, of_parts: bool = False
) -> tuple[tuple[Conditional, ...], Learned]:
    """Turn keyword arguments into conditions on columns, and filters on how the results were learned.

    Parameters
    ----------
    entity
        The kind of the results.
    filters
        The arguments.
    of_parts
        Whether columns of what is stored separately may be named too, such as those of a member's user. Only a store
        can evaluate these.

    Raises
    ------
    persist.QueryError
        If a name is not a column, or a value has the wrong type.
    """
    verified = filters.get("verified")
    if "verified" in filters and not isinstance(verified, bool):
        msg = f"verified must be True or False, not {verified!r}"
        raise QueryError(msg)
    max_age = filters.get("max_age")
    learned = Learned(verified, None if max_age is None else seconds_of(max_age))
    columns = ((name, value) for name, value in filters.items() if name not in learned._fields)
    named = part_with if of_parts else _itself
    return tuple(_asked(named(entity, name, *learned._fields), value) for name, value in columns), learned


def _itself(entity: Entity[typing.Any], name: str, *besides: str) -> Part:
    return Part(entity, column_named(entity, name, *besides))


def _asked(part: Part, value: typing.Any) -> Conditional:
    condition = _condition(part.entity, part.column, value, 0)
    for entity, on in reversed(part.way):
        # If few match, look these up and then their owners; if many may match, check the owner of each candidate.
        few = isinstance(condition, Condition) and condition.test in _FEW and _is_indexed(entity, condition.column)
        condition = Within(on, entity, (condition,), () if few else tuple(entity.key))
    return condition


def _is_indexed(entity: Entity[typing.Any], column: str) -> bool:
    return column in entity.columns and entity.columns[column].index


def seconds_of(max_age: object) -> float:
    """Return the seconds in an argument.

    Raises
    ------
    persist.QueryError
        If it is not an age.
    """
    seconds = max_age.total_seconds() if isinstance(max_age, datetime.timedelta) else max_age
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= _OLDEST:
        msg = f"max_age must be a number of seconds or a timedelta, from zero to a hundred years, not {max_age!r}"
        raise QueryError(msg)
    return float(seconds)


def _condition(entity: Entity[typing.Any], column: str, value: typing.Any, depth: int) -> Conditional:
    if depth > _DEEPEST:
        msg = f"the conditions for {column} are nested more than {_DEEPEST} deep; nest fewer"
        raise QueryError(msg)
    kind = entity.kind_of(column)
    if value is None:
        return _unset(entity, column)
    if isinstance(value, Filter):
        return _filter(entity, column, kind, value, depth + 1)
    if kind == "snowflakes":
        msg = f"{column} is a list of ids; match one in it with persist.has(...)"
        raise QueryError(msg)
    if isinstance(value, Collection) and not isinstance(value, str | bytes | int):  # flags are collections too
        if (inside := next((item for item in value if isinstance(item, Filter)), None)) is not None:
            msg = (
                f"a collection for {called(column)} holds values, not conditions; write persist.any_of({inside!r}, ...)"
            )
            raise QueryError(msg)
        among = Condition(column, "is_in", tuple(plain(column, kind, item) for item in value if item is not None))
        return AnyOf((among, _unset(entity, column))) if None in value else _or_absent(entity, among)
    return _or_absent(entity, Condition(column, "equals", plain(column, kind, value)))


def _unset(entity: Entity[typing.Any], column: str) -> Conditional:
    """Return the condition that hikari has ``None`` for a column."""
    null = Condition(column, "is_null")
    found = entity.columns.get(column)
    if found is None or found.unset is None:
        return null
    return AnyOf((null, Condition(column, "equals", found.unset)))


def _or_absent(entity: Entity[typing.Any], condition: Condition) -> Conditional:
    """Return a condition that an unset column meets, too, if what that means does."""
    found = entity.columns.get(condition.column)
    absent = None if found is None else found.absent
    if absent is None or not TESTS[condition.test].holds(absent, condition.value):
        return condition
    return AnyOf((condition, Condition(condition.column, "is_null")))


def _filter(entity: Entity[typing.Any], column: str, kind: Kind, asked: Filter[typing.Any], depth: int) -> Conditional:
    test, value = asked.test, asked.value
    if test == "not":
        return Not(_condition(entity, column, value, depth))
    if test == "any_of":
        return AnyOf(tuple(_condition(entity, column, option, depth) for option in value))
    if test == "has":
        if kind == "snowflakes":
            snowflake = plain(column, "snowflake", value)
            listed = Condition(column, "has_id", snowflake)
            also = entity.columns[column].also
            return AnyOf((listed, Condition(also, "equals", snowflake))) if also else listed
        if kind == "integer":
            return _or_absent(entity, Condition(column, "has_bits", plain(column, kind, value)))
    elif test == "between" and kind not in ("snowflakes", "boolean"):
        low, high = (plain(column, kind, end) for end in value)
        ends = (Condition(column, "at_least", low), Condition(column, "at_most", high))
        return AllOf(tuple(_or_absent(entity, end) for end in ends))
    elif (test in _ORDERED and kind not in ("snowflakes", "boolean")) or (test in _TEXT and kind == "text"):
        return _or_absent(entity, Condition(column, test, plain(column, kind, value)))
    msg = f"persist.{asked.function}(...) does not apply to {called(column)}, which is compared with {_MEANT[kind]}"
    raise QueryError(msg)


TOO_GREAT: typing.Final = 1 << 63
"""The first number that is not an id and does not fit into a column."""

_MEANT: typing.Final[Mapping[Kind, str]] = {
    "snowflake": "an id or an object that has one",
    "integer": "a whole number or a hikari enum or flag",
    "boolean": "True or False",
    "text": "a string",
    "time": "a datetime",
    "snowflakes": "persist.has(...) of an id",
}


def is_unicode(text: str) -> bool:
    """Return whether a string has no lone surrogates, which no database can take."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def plain(column: str, kind: Kind, value: typing.Any) -> typing.Any:
    """Return a value in the form in which a column holds it.

    Raises
    ------
    persist.QueryError
        If it has the wrong type.
    """
    match kind:
        case "snowflake" if isinstance(value, int | hikari.Unique) and not isinstance(value, bool):
            if not isinstance(value, int) and (other := other_kind(type(value), column)) is not None:
                msg = f"{column} never holds the id of {other}, such as a {type(value).__name__}"
                raise QueryError(msg)
            if 0 <= (snowflake := int(value)) < TOO_GREAT:
                return snowflake
        case "integer" if isinstance(value, int) and not isinstance(value, bool):
            if -TOO_GREAT <= value < TOO_GREAT:
                return int(value)
        case "boolean" if isinstance(value, bool):
            return value
        case "text" if isinstance(value, str) and is_unicode(value):
            return str(value)
        case "time" if isinstance(value, datetime.datetime):
            with contextlib.suppress(ValueError):  # the first and last hours of the calendar have no UTC
                return moment(value)
        case _:
            pass
    msg = f"{called(column)} is compared with {_MEANT[kind]}, not with {value!r}"
    raise QueryError(msg)
