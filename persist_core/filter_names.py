"""What the name of a filter means: a column of the results, or of what is stored separately from them."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping

from .errors import QueryError
from .model import Entity, Join

__all__ = ("Part", "called", "column_named", "part_with", "parts_of")

_METHODS: typing.Final[Mapping[str, str]] = {
    "limit": "; use find(...).limit(50) to get at most that many",
    "order_by": "; use find(...).order_by('-id') to sort them",
}
"""What a method does and not a filter."""

_BESIDE: typing.Final[Mapping[str, str]] = {"updated": "last_updated", "first_seen": "first_seen", "source": "source"}
"""What every kind can be found and sorted by besides its columns, and the column behind it."""


def column_named(entity: Entity[typing.Any], name: str, *besides: str, to_be: str = "found") -> str:
    """Return the column that a filter means, with or without ``_id`` at the end.

    Parameters
    ----------
    entity, name
        The kind, and the name of the filter.
    *besides
        Other names that are valid there.
    to_be
        What the column is used for, in the message of the error.

    Raises
    ------
    persist.QueryError
        If there is no such column.
    """
    names = [*entity.key, *(("guild_id",) if entity.in_guild else ()), *entity.columns]
    for column in (name, f"{name}_id"):
        if column in names:
            return column
    if name in _BESIDE:
        return _BESIDE[name]
    known = ", ".join(dict.fromkeys((*names, *_BESIDE, *besides)))
    hint = _METHODS.get(name, "") if to_be == "found" else ""
    msg = f"{entity.name} cannot be {to_be} by {name!r}{hint}; they can by: {known}"
    raise QueryError(msg)


def called(column: str) -> str:
    """Return the name of the filter for a column, as users write it."""
    return next((name for name, behind in _BESIDE.items() if behind == column), column)


class Part(typing.NamedTuple):
    """A column of a kind, or of something that is stored separately from it."""

    entity: Entity[typing.Any]
    column: str
    way: tuple[Join, ...] = ()
    """The joins that lead there; none for the kind's own columns."""


def part_with(entity: Entity[typing.Any], name: str, *besides: str) -> Part:
    """Return the column that a filter means: one of the kind itself, or else of what is stored separately from it.

    Raises
    ------
    persist.QueryError
        If there is no such column.
    """
    try:
        return Part(entity, column_named(entity, name, *besides))
    except QueryError as error:
        apart: dict[str, Part] = {part.column: part for part in reversed(tuple(parts_of(entity)))}
        if name in apart:
            return apart[name]
        if not apart:
            raise
        msg = f"{error}; and by what is stored separately: {', '.join(reversed(apart))}"
        raise QueryError(msg) from None


def parts_of(entity: Entity[typing.Any], way: tuple[Join, ...] = ()) -> Iterator[Part]:
    """Yield the columns of what is stored separately from a kind, nearer ones first."""
    for join in entity.joins.values():
        there = (*way, join)
        yield from (Part(join.entity, name, there) for name in join.entity.columns)
        yield from parts_of(join.entity, there)
