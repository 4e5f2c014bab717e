"""Paging: an order in which no two records are equal, and the condition for what comes after a place in it."""

from __future__ import annotations

import typing
from collections.abc import Sequence

from .conditions import Condition, Conditional
from .model import Entity
from .schema import Storage
from .spelling import Speller
from .spi import Order, Row, Select

__all__ = ("after", "total")

AnyEntity = Entity[typing.Any]


def total(query: Select) -> Sequence[Order]:
    """Return an order in which no two of the requested records are equal."""
    named = {order.column for order in query.order}
    # A column with the same value everywhere distinguishes nothing, and would prevent an index from finding the place.
    named |= {condition.column for condition in query.where if _is_one_value(condition)}
    if query.guild_id is not None:
        named.add("guild_id")
    down = bool(query.order) and query.order[-1].descending
    return (*query.order, *(Order(name, down) for name in query.entity.key if name not in named))


def _is_one_value(condition: Conditional) -> typing.TypeGuard[Condition]:
    return isinstance(condition, Condition) and condition.test == "equals"


class _Place(typing.NamedTuple):
    """The value of one column at the end of a page."""

    name: str
    kind: Storage
    value: typing.Any
    descending: bool
    required: bool


def after(speller: Speller, entity: AnyEntity, order: Sequence[Order], cursor: Row) -> str:
    """Return the SQL condition for records after a place in an order, where NULL comes first.

    Parameters
    ----------
    speller
        Writes values, and collects the parameters.
    entity
        The kind.
    order, cursor
        The order, and the place in it.
    """
    places = [
        _Place(speller.quote(column), entity.kind_of(column), value, down, column in entity.key)
        for (column, down), value in zip(order, cursor, strict=True)
    ]
    start = _end_of_key(places) if speller.rows else len(places)
    options: list[str] = []
    for number, place in enumerate(places[:start]):
        if place.value is not None or not place.descending:
            before = [_equal(speller, passed) for passed in places[:number]]
            options.append(" AND ".join((*before, _beyond(speller, place))))
    if rest := places[start:]:
        before = [_equal(speller, passed) for passed in places[:start]]
        names = ", ".join(place.name for place in rest)
        values = ", ".join(speller.value(place.kind, place.value) for place in rest)
        options.append(" AND ".join((*before, f"({names}) {'<' if rest[0].descending else '>'} ({values})")))
    if len(options) == 1:
        return options[0]
    return f"({' OR '.join(f'({option})' for option in options)}){_not_before(speller, places[0])}"


def _end_of_key(places: Sequence[_Place]) -> int:
    """Return where the last columns begin that can be compared as one row: parts of the key, in one direction."""
    start = len(places)
    while start and places[start - 1].required and places[start - 1].descending is places[-1].descending:
        start -= 1
    return start if len(places) - start > 1 else len(places)


def _not_before(speller: Speller, first: _Place) -> str:
    """Return a redundant condition on the first column alone: with it, the database finds the place at once."""
    if first.value is None or (first.descending and not first.required):
        return ""
    return f" AND {first.name} {'<=' if first.descending else '>='} {speller.value(first.kind, first.value)}"


def _equal(speller: Speller, place: _Place) -> str:
    return (
        f"{place.name} IS NULL" if place.value is None else f"{place.name} = {speller.value(place.kind, place.value)}"
    )


def _beyond(speller: Speller, place: _Place) -> str:
    if place.value is None:
        return f"{place.name} IS NOT NULL"
    if not place.descending:
        return f"{place.name} > {speller.value(place.kind, place.value)}"
    less = f"{place.name} < {speller.value(place.kind, place.value)}"
    return less if place.required else f"({less} OR {place.name} IS NULL)"
