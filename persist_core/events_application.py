"""What events change: integrations, purchases, and what interactions mention."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping

from . import plans
from .changes import Change, Drop, Patch, Put
from .edits import Part
from .entities import (
    CHANNELS,
    COMMAND_PERMISSIONS,
    DM_CHANNELS,
    ENTITLEMENTS,
    INTEGRATIONS,
    MESSAGES,
    SUBSCRIPTIONS,
    THREADS,
    USERS,
)
from .events_channels import channel_edits
from .model import Entity, Payload
from .plans import THREAD_TYPES, Context, Event, Plan, guild_of

__all__ = ("ROWS",)

_NOT_OF_THE_THING: typing.Final = frozenset(("permissions", "app_permissions"))
"""Fields that an interaction adds to members and channels."""

_WHOLE_MESSAGE: typing.Final = frozenset(("channel_id", "author", "timestamp", "type"))
_DM: typing.Final = 1


def _sold(entity: Entity[typing.Any], *, gone: bool = False) -> Plan:
    """Store or delete a purchase. It belongs to no guild, even if it was made for one."""

    def plan(event: Payload, context: Context) -> Iterator[Change]:
        record = entity.record(event, None, context.origin)
        yield Drop(entity, record.key) if gone else Put(record)

    return plan


def _interaction(event: Payload, context: Context) -> Iterator[Change]:
    """Store what an interaction mentions, but nothing of a guild that the bot itself is not in."""
    owners = event.get("authorizing_integration_owners")
    ours = (owners is None or "0" in owners) and context.is_in(guild_of(event))
    guild_id = guild_of(event) if ours else None
    found: Payload = event.get("member") or {}
    if (user := found.get("user") or event.get("user")) is not None:
        yield from plans.member(_own(found), user, guild_id, context.origin)
    for entitlement in event.get("entitlements") or ():
        yield from _sold(ENTITLEMENTS)(entitlement, context)
    resolved: Payload = (event.get("data") or {}).get("resolved") or {}
    members: Payload = resolved.get("members") or {}
    for snowflake, user in (resolved.get("users") or {}).items():
        yield from plans.member(_own(members.get(snowflake) or {}), user, guild_id, context.origin)
    if ours:
        yield from _places(event, resolved, guild_id, context)


def _own(thing: Payload) -> Payload:
    return {name: value for name, value in thing.items() if name not in _NOT_OF_THE_THING}


def _places(event: Payload, resolved: Payload, guild_id: int | None, context: Context) -> Iterator[Change]:
    channels: Payload = resolved.get("channels") or {}
    messages: Payload = resolved.get("messages") or {}
    for channel in (*((event["channel"],) if event.get("channel") else ()), *channels.values()):
        yield from _channel(_own(channel), guild_id, context)
    for message in (*((event["message"],) if event.get("message") else ()), *messages.values()):
        yield from _message(message, guild_id, context)


def _channel(channel: Payload, guild_id: int | None, context: Context) -> Iterator[Change]:
    """Merge into a known channel, because only some fields are sent. A direct conversation is sent completely."""
    kind = channel.get("type")
    if guild_id is not None:
        entity: Entity[typing.Any] = THREADS if kind in THREAD_TYPES else CHANNELS
        yield plans.patch(entity, channel["id"], guild_id, context.origin, *channel_edits(channel))
    elif kind == _DM and channel.get("recipients"):
        yield Patch(DM_CHANNELS, (int(channel["id"]),), None, channel_edits(channel), context.origin, create=True)


def _message(message: Payload, guild_id: int | None, context: Context) -> Iterator[Change]:
    if plans.is_ephemeral(message):
        return
    own = message if guild_id is None else {**message, "guild_id": str(guild_id)}
    whole = own.keys() >= _WHOLE_MESSAGE
    yield Patch(MESSAGES, (int(message["id"]),), guild_id, (Part(own),), context.origin, create=whole)
    if whole and "webhook_id" not in message:
        yield Put.of(USERS, message["author"], None, context.origin)


ROWS: typing.Final[Mapping[str, Event]] = {
    "INTERACTION_CREATE": Event(
        _interaction, "Stores the people, channels, messages and entitlements in it; never its token."
    ),
    "INTEGRATION_CREATE": Event(plans.merge(INTEGRATIONS), "Merges the integration, which comes without its user."),
    "INTEGRATION_UPDATE": Event(plans.merge(INTEGRATIONS), "Merges the integration, which comes without its user."),
    "INTEGRATION_DELETE": Event(plans.drop(INTEGRATIONS, "id"), "Forgets the integration."),
    "GUILD_INTEGRATIONS_UPDATE": Event(plans.nothing, "Nothing: it does not say what changed."),
    "APPLICATION_COMMAND_PERMISSIONS_UPDATE": Event(
        plans.put(COMMAND_PERMISSIONS), "Replaces the permissions of the command, or of all of them."
    ),
    "ENTITLEMENT_CREATE": Event(_sold(ENTITLEMENTS), "Remembers the entitlement."),
    "ENTITLEMENT_UPDATE": Event(
        _sold(ENTITLEMENTS), "Replaces the entitlement; an expired one is removed when it is looked up."
    ),
    "ENTITLEMENT_DELETE": Event(_sold(ENTITLEMENTS, gone=True), "Forgets the entitlement."),
    "SUBSCRIPTION_CREATE": Event(_sold(SUBSCRIPTIONS), "Remembers the subscription."),
    "SUBSCRIPTION_UPDATE": Event(_sold(SUBSCRIPTIONS), "Replaces the subscription."),
    "SUBSCRIPTION_DELETE": Event(_sold(SUBSCRIPTIONS, gone=True), "Forgets the subscription."),
}
