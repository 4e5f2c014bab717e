"""What events change: bans, auto-moderation and the audit log."""

from __future__ import annotations

import itertools
import secrets
import time
import typing
from collections.abc import Iterator, Mapping

import hikari

from . import plans
from .changes import Change, Drop, Patch, Put
from .edits import Part
from .entities import AUDIT_LOG_ENTRIES, AUTO_MOD_EXECUTIONS, AUTO_MOD_RULES, BANS, USERS
from .model import Payload
from .plans import Context, Event

__all__ = ("ROWS",)

# So that two processes of one bot do not make the same ID.
_PROCESS: typing.Final = secrets.randbelow(1 << 10) << 12
_COUNT: typing.Final = itertools.count()
_EPOCH_MS: typing.Final = 1_420_070_400_000


def _ban_add(event: Payload, context: Context) -> Iterator[Change]:
    """Store the ban. Only REST sends its reason, which stays if it is known."""
    guild_id, origin = int(event["guild_id"]), context.origin
    yield Patch(BANS, BANS.identify(event, guild_id), guild_id, (Part(event),), origin, create=True)
    yield Put.of(USERS, event["user"], None, origin)


def _ban_remove(event: Payload, context: Context) -> Iterator[Change]:
    guild_id = int(event["guild_id"])
    yield Drop(BANS, BANS.identify(event, guild_id), guild_id)
    yield Put.of(USERS, event["user"], None, context.origin)


def _execution(event: Payload, context: Context) -> Iterator[Change]:
    """Add to the log. Discord gives executions no ID, and two may be alike in every field."""
    moment = time.time_ns() // 1_000_000 - _EPOCH_MS
    made = hikari.Snowflake(moment << 22 | _PROCESS | next(_COUNT) & 0xFFF)
    guild_id = int(event["guild_id"])
    yield Put.of(AUTO_MOD_EXECUTIONS, {**event, "id": str(made)}, guild_id, context.origin)


ROWS: typing.Final[Mapping[str, Event]] = {
    "GUILD_BAN_ADD": Event(_ban_add, "Remembers the ban and the user."),
    "GUILD_BAN_REMOVE": Event(_ban_remove, "Forgets the ban."),
    "AUTO_MODERATION_RULE_CREATE": Event(plans.put(AUTO_MOD_RULES), "Remembers the rule."),
    "AUTO_MODERATION_RULE_UPDATE": Event(plans.put(AUTO_MOD_RULES), "Replaces the rule."),
    "AUTO_MODERATION_RULE_DELETE": Event(plans.drop(AUTO_MOD_RULES, "id"), "Forgets the rule."),
    "AUTO_MODERATION_ACTION_EXECUTION": Event(_execution, "Adds it to the log, if the rules turn that on."),
    "GUILD_AUDIT_LOG_ENTRY_CREATE": Event(
        plans.put(AUDIT_LOG_ENTRIES), "Adds it to the log, if the rules turn that on."
    ),
}
