"""What the name of a filter means: a column of the thing that is wanted, or of what is stored apart from it."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping

from .errors import QueryError
from .model import Entity, Join

__all__ = ("Part", "column_named", "part_with", "parts_of")

_METHODS: typing.Final[Mapping[str, str]] = {
    "limit": ", but find(...).limit(50) gives out so many",
    "order_by": ", but find(...).order_by('-id') sorts them",
}
"""What is said by a method and not by a filter."""

_BESIDE: typing.Final[Mapping[str, str]] = {"updated": "last_updated", "first_seen": "first_seen", "source": "source"}
"""What every kind can be found and sorted by besides its columns, and the column that it means."""


def column_named(entity: Entity[typing.Any], name: str, *besides: str, to_be: str = "found") -> str:
    """Return the column that a filter means: its own name, or that of the thing whose id it holds.

    Parameters
    ----------
    entity, name
        Of which kind, and what it is called.
    *besides
        What else may be named there.
    to_be
        What is done by it, for whom it is refused.

    Raises
    ------
    persist.QueryError
        If there is none.
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


class Part(typing.NamedTuple):
    """A column of a thing, or of something that is stored apart from it."""

    entity: Entity[typing.Any]
    column: str
    way: tuple[Join, ...] = ()
    """What leads there; nothing to the thing itself."""


def part_with(entity: Entity[typing.Any], name: str, *besides: str) -> Part:
    """Return the column that a filter means: one of the thing itself, or else of what is stored apart from it.

    Raises
    ------
    persist.QueryError
        If there is none.
    """
    try:
        return Part(entity, column_named(entity, name, *besides))
    except QueryError as error:
        apart: dict[str, Part] = {part.column: part for part in reversed(tuple(parts_of(entity)))}
        if name in apart:
            return apart[name]
        if not apart:
            raise
        msg = f"{error}; and by what is stored apart from them: {', '.join(reversed(apart))}"
        raise QueryError(msg) from None


def parts_of(entity: Entity[typing.Any], way: tuple[Join, ...] = ()) -> Iterator[Part]:
    """Yield the columns of what is stored apart from things of a kind, nearer ones first."""
    for join in entity.joins.values():
        there = (*way, join)
        yield from (Part(join.entity, name, there) for name in join.entity.columns)
        yield from parts_of(join.entity, there)
