"""How long things are kept, and how many of them: what rules say of it, made ready to be enforced."""

from __future__ import annotations

import datetime
import typing
from collections.abc import Callable, Iterator, Mapping

from . import filters
from .columns import moment
from .conditions import AllOf, Condition, Not, Where, Within
from .entities import AUDIT_LOG_ENTRIES, AUTO_MOD_EXECUTIONS, ENTITIES, MESSAGES, THREADS, USERS
from .errors import QueryError
from .keep import Keep
from .model import Entity
from .spi import Order

__all__ = (
    "DEFAULT_AGES",
    "ENDED",
    "ORPHANS",
    "Bounds",
    "Clock",
    "age",
    "bounds_of",
    "is_over",
    "now",
    "oldest_first",
    "unnamed",
)

AnyEntity = Entity[typing.Any]
Whole = Keep[typing.Any] | bool
Clock = Callable[[], datetime.datetime]
"""Returns the present moment, with its time zone."""

_DAY: typing.Final = 86_400.0
_EPOCH: typing.Final = 1_420_070_400_000


def now() -> datetime.datetime:
    """Return the present moment."""
    return datetime.datetime.now(datetime.UTC)


DEFAULT_AGES: typing.Final[Mapping[AnyEntity, float]] = {
    # As long as Discord keeps its audit log.
    AUDIT_LOG_ENTRIES: 45 * _DAY,
    AUTO_MOD_EXECUTIONS: 45 * _DAY,
}
"""Seconds that things are kept which nothing ever deletes, where rules do not say how long."""

_HAPPEN: typing.Final = frozenset((MESSAGES, AUDIT_LOG_ENTRIES, AUTO_MOD_EXECUTIONS))
"""Kinds that happen once: their age is told by their ids. The age of all others is since Discord last told of them."""


def _archived(now: datetime.datetime) -> Where:
    unheard = Condition("last_updated", "less", moment(now - datetime.timedelta(days=7)))
    written = Within(("id",), MESSAGES, (), ("channel_id",))
    return (Condition("is_archived", "equals", value=True), unheard, Not(written))


ENDED: typing.Final[Mapping[AnyEntity, Callable[[datetime.datetime], Where]]] = {THREADS: _archived}
"""What holds for things that may go, whatever rules say, besides those that are over by what they say themselves.

An archived thread is over when it has not been heard of for a week, and no message of it is kept.
"""


ORPHANS: typing.Final[Mapping[AnyEntity, float]] = {USERS: 30 * _DAY}
"""Seconds that things are kept which belong to nothing, and which nothing names any more, where rules do not say."""


def is_over(entity: AnyEntity, now: datetime.datetime) -> Condition:
    """Return what holds for things that are over, of a kind that says when that is."""
    return Condition(entity.ends, "at_most", moment(now))


class Bounds(typing.NamedTuple):
    """What one :class:`~persist.Keep` says of how long and how many."""

    entity: AnyEntity
    max_age: float | None
    """Seconds."""

    per: Mapping[str, int]
    """How many at most for each value of a column."""

    max_rows: int | None
    spared: Where
    """What is not counted and does not go."""

    max_orphan_age: float | None = None
    """Seconds, for what nothing names any more."""


def bounds_of(entity: AnyEntity, kept: Whole) -> tuple[Bounds, ...]:
    """Return the bounds of a kind, all of which hold.

    Raises
    ------
    persist.QueryError
        If this kind cannot be limited in this way.
    """
    if isinstance(kept, Keep) and kept.kept_history and entity is not MESSAGES:
        msg = f"{entity.name} have no history, only messages have one; leave out history"
        raise QueryError(msg)
    if kept is False:
        return ()
    said = tuple(_said(entity, kept)) if isinstance(kept, Keep) else ()
    if entity in DEFAULT_AGES and all(bounds.max_age is None for bounds in said):
        said += (Bounds(entity, DEFAULT_AGES[entity], {}, None, ()),)
    if entity in ORPHANS and all(bounds.max_orphan_age is None for bounds in said):
        said += (Bounds(entity, None, {}, None, (), ORPHANS[entity]),)
    return said


def _said(entity: AnyEntity, keep: Keep[typing.Any]) -> Iterator[Bounds]:
    if any(part.is_bounded for part in (*keep.either, *keep.never)):
        msg = f"{entity.name}: limits on age and number cannot be combined with | or ~; set them once, or use &"
        raise QueryError(msg)
    for part in keep.also:
        yield from _said(entity, part)
    if not keep.is_bounded:
        return
    per: dict[str, int] = {}
    for column, most in (("channel_id", keep.max_per_channel), ("guild_id", keep.max_per_guild)):
        if most is not None:
            if column not in entity.columns and not (column == "guild_id" and entity.in_guild):
                msg = f"{entity.name} do not belong to a {column.removesuffix('_id')}; leave out max_per_{column[:-3]}"
                raise QueryError(msg)
            per[column] = most
    if keep.orphan_age is not None and entity not in ORPHANS:
        msg = f"{entity.name} go with what they belong to, and never become orphans; leave out max_orphan_age"
        raise QueryError(msg)
    spared, learned = filters.where(entity, keep.keep_if)
    for name, value in learned._asdict().items():
        if value is not None:
            msg = f"{entity.name}: keep_if takes columns, and {name} is not one of them"
            raise QueryError(msg)
    yield Bounds(entity, keep.age, per, keep.max_rows, (Not(AllOf(spared)),) if spared else (), keep.orphan_age)


def age(entity: AnyEntity, now: datetime.datetime, seconds: float) -> Where:
    """Return what holds for things that are older than some seconds."""
    try:
        oldest = now - datetime.timedelta(seconds=seconds)
        if entity in _HAPPEN:
            return (Condition("id", "less", max(0, int(oldest.timestamp() * 1000) - _EPOCH) << 22),)
        return (Condition("last_updated", "less", moment(oldest)),)
    except OverflowError:  # for ever
        return (Not(AllOf(())),)


def unnamed() -> Where:
    """Return what holds for users whom nothing that is kept names."""
    named = ((entity, column) for entity in ENTITIES.values() for column in entity.users)
    return tuple(Not(Within(("id",), entity, (), (column,))) for entity, column in named)


def oldest_first(entity: AnyEntity) -> tuple[Order, ...]:
    """Return the order in which things of a kind go."""
    return () if entity in _HAPPEN else (Order("last_updated"),)
