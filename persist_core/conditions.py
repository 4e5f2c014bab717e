"""Conditions on the columns of a record, as values: evaluated in Python here, written in SQL by a dialect.

One row of :data:`TESTS` is one way to compare a column with a value. The same rows serve ``find``, the scopes of
deletions, the records that are not stored yet and every store, so they mean the same everywhere: a column that is
NULL satisfies only ``is_null``, as in SQL.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Collection, Iterator, Mapping

from .words import text_of

if typing.TYPE_CHECKING:
    from .model import Entity, Key

__all__ = (
    "TESTS",
    "AllOf",
    "AnyOf",
    "Condition",
    "Known",
    "Not",
    "Test",
    "Where",
    "Within",
    "Worded",
    "knowns_in",
    "matches",
    "settled",
    "withins",
    "worded_in",
)


class Test(typing.NamedTuple):
    """One way to compare a column with a value."""

    holds: Callable[[typing.Any, typing.Any], bool]
    """Compares a column that is not NULL with the requested value."""


def _shard(snowflake: int, shard: tuple[int, int]) -> bool:
    return (snowflake >> 22) % shard[1] == shard[0]


TESTS: typing.Final[Mapping[str, Test]] = {
    "equals": Test(lambda column, value: bool(column == value)),
    "is_in": Test(lambda column, values: column in values),
    "less": Test(lambda column, value: bool(column < value)),
    "at_most": Test(lambda column, value: bool(column <= value)),
    "greater": Test(lambda column, value: bool(column > value)),
    "at_least": Test(lambda column, value: bool(column >= value)),
    "contains": Test(lambda column, text: text in column),
    "startswith": Test(lambda column, text: column.startswith(text)),
    "has_id": Test(lambda column, snowflake: f",{snowflake}," in column),
    "has_bits": Test(lambda column, bits: column & bits == bits),
    "on_shard": Test(_shard),
}


class Condition(typing.NamedTuple):
    """``column`` compared with ``value`` by the row ``test`` of :data:`TESTS`, or by ``is_null``."""

    column: str
    test: str
    value: typing.Any = None


class Not(typing.NamedTuple):
    """The opposite of a condition. A column that is NULL satisfies the opposite, as a reader expects."""

    condition: Conditional


class AnyOf(typing.NamedTuple):
    """At least one of some conditions holds."""

    conditions: tuple[Conditional, ...]


class AllOf(typing.NamedTuple):
    """All of some conditions hold."""

    conditions: tuple[Conditional, ...]


class Within(typing.NamedTuple):
    """``columns`` are the key, or the columns ``theirs``, of a record of ``entity`` that meets ``where``.

    Only a store can tell. Deletions use this to find what belongs to the deleted records.
    """

    columns: tuple[str, ...]
    entity: Entity[typing.Any]
    where: Where
    theirs: tuple[str, ...] = ()
    """The corresponding columns of ``entity``; its key if this is empty."""


class Known(typing.NamedTuple):
    """A record of this kind and key is known, whatever record is being checked.

    Only a store can tell, unless a change of that key is about to be stored. Counts use this: they go up for a new
    record, but not for one that is sent again.
    """

    entity: Entity[typing.Any]
    key: Key

    @property
    def within(self) -> Within:
        """The query for the keys of all records with this key: one or none."""
        parts = zip(self.entity.key, self.key, strict=True)
        return Within(
            tuple(self.entity.key), self.entity, tuple(Condition(name, "equals", part) for name, part in parts)
        )


class Worded(typing.NamedTuple):
    """The searchable text of a record contains all of some phrases, both in the form that ``words.py`` makes."""

    entity: Entity[typing.Any]
    phrases: tuple[str, ...]


Conditional = Condition | Not | AnyOf | AllOf | Within | Known | Worded
Where = tuple[Conditional, ...]
"""Conditions that must all hold."""


Owners = Callable[[Within], Collection[tuple[typing.Any, ...]]]
"""Returns the keys of the records that a :class:`Within` refers to."""


def knowns_in(where: Where) -> Iterator[Known]:
    """Yield the conditions that check whether a record is known."""
    for condition in where:
        asked = condition.condition if isinstance(condition, Not) else condition
        if isinstance(asked, Known):
            yield asked


def settled(where: Where, is_known: Callable[[Known], bool | None]) -> Where | None:
    """Return what is left of conditions, given which records are known.

    Parameters
    ----------
    where
        The conditions.
    is_known
        Returns whether a record is known; ``None`` if only a store can tell.

    Returns
    -------
    Where | None
        The conditions that are still undecided; ``None`` if one can never hold.
    """
    left: list[Conditional] = []
    for condition in where:
        told = _told(condition, is_known)
        holds = matches((told,), _unknown)
        if holds is False:
            return None
        if holds is None:
            left.append(told)
    return tuple(left)


def _told(condition: Conditional, is_known: Callable[[Known], bool | None]) -> Conditional:
    if isinstance(condition, Not):
        return Not(_told(condition.condition, is_known))
    if not isinstance(condition, Known) or (known := is_known(condition)) is None:
        return condition
    return AllOf(()) if known else AnyOf(())


def _unknown(name: str) -> typing.NoReturn:
    raise LookupError(name)


def matches(where: Where, column: Callable[[str], typing.Any], owners: Owners | None = None) -> bool | None:
    """Return whether all of ``where`` holds, given a way to read columns.

    Parameters
    ----------
    where
        The conditions.
    column
        Returns the value of a column. Raises :class:`LookupError` if it is unknown.
    owners
        Returns the keys that a :class:`Within` refers to: a store knows them, the journal does not.

    Returns
    -------
    bool | None
        ``None`` if it depends on something that only a store knows.
    """
    unknown = False
    for condition in where:
        found = _holds(condition, column, owners)
        if found is False:
            return False
        unknown = unknown or found is None
    return None if unknown else True


def _holds(condition: Conditional, column: Callable[[str], typing.Any], owners: Owners | None) -> bool | None:
    match condition:
        case Condition(name, test, value):
            try:
                found = column(name)
            except (LookupError, TypeError, ValueError, AttributeError):
                return None  # or it has the wrong type, which a store rejects
            if test == "is_null":
                return found is None
            return found is not None and TESTS[test].holds(found, value)
        case Not(inner):
            inside = _holds(inner, column, owners)
            return None if inside is None else not inside
        case AnyOf(options):
            return _any([_holds(option, column, owners) for option in options])
        case AllOf(parts):
            return matches(parts, column, owners)
        case Within(columns):
            return None if owners is None else tuple(map(column, columns)) in owners(condition)
        case Known(_, key):
            return None if owners is None else key in owners(condition.within)
        case Worded(entity, phrases):
            return _is_worded(entity, phrases, column)


def _is_worded(
    entity: Entity[typing.Any], phrases: tuple[str, ...], column: Callable[[str], typing.Any]
) -> bool | None:
    try:
        text = text_of(map(column, entity.searched.columns if entity.searched else ()))
    except (LookupError, TypeError, ValueError, AttributeError):
        return None
    return all(phrase in text for phrase in phrases)


def _any(found: Collection[bool | None]) -> bool | None:
    if True in found:
        return True
    return None if None in found else False


def withins(where: Where) -> Iterator[Within]:
    """Yield the conditions on other kinds at any depth, but not those nested inside them."""
    for condition in where:
        match condition:
            case Within():
                yield condition
            case Not(inner):
                yield from withins((inner,))
            case AnyOf(parts) | AllOf(parts):
                yield from withins(parts)
            case Known():
                yield condition.within
            case Condition() | Worded():
                pass


def worded_in(where: Where) -> Iterator[Entity[typing.Any]]:
    """Yield the kinds that conditions search, at any depth."""
    for condition in where:
        match condition:
            case Worded(entity):
                yield entity
            case Not(inner):
                yield from worded_in((inner,))
            case AnyOf(parts) | AllOf(parts):
                yield from worded_in(parts)
            case Within(_, _, inside):
                yield from worded_in(inside)
            case Condition() | Known():
                pass
