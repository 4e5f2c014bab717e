"""What events change: scheduled events and the users interested in them."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping

from . import plans
from .changes import Change, Drop, Put
from .conditions import Known, Not
from .entities import SCHEDULED_EVENT_USERS, SCHEDULED_EVENTS, USERS
from .kinds_scheduled import is_of_occurrence
from .model import Payload
from .plans import Context, Event, Plan, guild_of

__all__ = ("ROWS",)


def _creator(event: Payload, context: Context) -> Iterator[Change]:
    if (creator := event.get("creator")) is not None:
        yield Put.of(USERS, creator, None, context.origin)


def _user(amount: int) -> Plan:
    """Add or remove an interested user, and count that if it was not known before."""

    def plan(event: Payload, context: Context) -> Iterator[Change]:
        if is_of_occurrence(event):
            return
        guild_id, origin = guild_of(event), context.origin
        record = SCHEDULED_EVENT_USERS.record(event, guild_id, origin)
        planned = (int(event["guild_scheduled_event_id"]),)
        known = Known(record.entity, record.key)
        counts = Not(known) if amount > 0 else known
        yield plans.count(SCHEDULED_EVENTS, planned, "user_count", amount, origin, counts)
        yield Put(record) if amount > 0 else Drop(record.entity, record.key, guild_id)

    return plan


ROWS: typing.Final[Mapping[str, Event]] = {
    "GUILD_SCHEDULED_EVENT_CREATE": Event(
        plans.both(plans.put(SCHEDULED_EVENTS), _creator), "Remembers the event and its creator."
    ),
    "GUILD_SCHEDULED_EVENT_UPDATE": Event(
        plans.both(plans.merge(SCHEDULED_EVENTS), _creator),
        "Merges the event; a completed one stays, with that status.",
    ),
    "GUILD_SCHEDULED_EVENT_DELETE": Event(
        plans.ended(SCHEDULED_EVENTS), "Forgets the event and who is interested in it."
    ),
    "GUILD_SCHEDULED_EVENT_USER_ADD": Event(
        _user(1), "Remembers who is interested, and counts; one occurrence of a recurring event is not counted."
    ),
    "GUILD_SCHEDULED_EVENT_USER_REMOVE": Event(
        _user(-1), "Forgets who was interested, and counts; one occurrence of a recurring event is not counted."
    ),
}
