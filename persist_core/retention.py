"""How long objects are kept, and how many of them: prepares the rules for enforcement."""

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
"""Returns the current time, with its time zone."""

_DAY: typing.Final = 86_400.0
_EPOCH: typing.Final = 1_420_070_400_000


def now() -> datetime.datetime:
    """Return the current time."""
    return datetime.datetime.now(datetime.UTC)


DEFAULT_AGES: typing.Final[Mapping[AnyEntity, float]] = {
    # As long as Discord keeps its audit log.
    AUDIT_LOG_ENTRIES: 45 * _DAY,
    AUTO_MOD_EXECUTIONS: 45 * _DAY,
}
"""Seconds to keep objects that nothing ever deletes, unless rules say otherwise."""

_HAPPEN: typing.Final = frozenset((MESSAGES, AUDIT_LOG_ENTRIES, AUTO_MOD_EXECUTIONS))
"""Kinds that happen once: their age comes from their IDs. All others age from Discord's last update."""


def _archived(now: datetime.datetime) -> Where:
    unheard = Condition("last_updated", "less", moment(now - datetime.timedelta(days=7)))
    written = Within(("id",), MESSAGES, (), ("channel_id",))
    return (Condition("is_archived", "equals", value=True), unheard, Not(written))


ENDED: typing.Final[Mapping[AnyEntity, Callable[[datetime.datetime], Where]]] = {THREADS: _archived}
"""Conditions for objects that may be deleted whatever the rules say, besides those that carry their own end.

An archived thread has ended when Discord has not sent it for a week and none of its messages is stored.
"""


ORPHANS: typing.Final[Mapping[AnyEntity, float]] = {USERS: 30 * _DAY}
"""Seconds to keep objects that belong to nothing and that nothing names anymore, unless rules say otherwise."""


def is_over(entity: AnyEntity, now: datetime.datetime) -> Condition:
    """Return the condition for objects that have ended, of a kind that carries its own end."""
    return Condition(entity.ends, "at_most", moment(now))


class Bounds(typing.NamedTuple):
    """The limits of one :class:`~persist.Keep`: how long, and how many."""

    entity: AnyEntity
    max_age: float | None
    """In seconds."""

    per: Mapping[str, int]
    """The most objects for each value of a column."""

    max_rows: int | None
    spared: Where
    """Objects that are not counted and not deleted."""

    max_orphan_age: float | None = None
    """In seconds, for objects that nothing names anymore."""


def bounds_of(entity: AnyEntity, kept: Whole) -> tuple[Bounds, ...]:
    """Return the limits of a kind, all of which apply.

    Raises
    ------
    persist.QueryError
        If this kind cannot be limited like that.
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
    """Return the condition for objects that are older than this many seconds."""
    try:
        oldest = now - datetime.timedelta(seconds=seconds)
        if entity in _HAPPEN:
            return (Condition("id", "less", max(0, int(oldest.timestamp() * 1000) - _EPOCH) << 22),)
        return (Condition("last_updated", "less", moment(oldest)),)
    except OverflowError:  # forever
        return (Not(AllOf(())),)


def unnamed() -> Where:
    """Return the condition for users that no stored object names."""
    named = ((entity, column) for entity in ENTITIES.values() for column in entity.users)
    return tuple(Not(Within(("id",), entity, (), (column,))) for entity, column in named)


def oldest_first(entity: AnyEntity) -> tuple[Order, ...]:
    """Return the order in which objects of a kind are deleted."""
    return () if entity in _HAPPEN else (Order("last_updated"),)
