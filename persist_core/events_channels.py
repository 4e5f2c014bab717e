"""What events change: channels, stages and invites."""

from __future__ import annotations

import datetime
import typing
from collections.abc import Iterator, Mapping

from . import plans
from .changes import Change, Drop, Patch, Put
from .conditions import Condition
from .edits import Default, Edit, Newest, Omit, Part
from .entities import CHANNELS, DM_CHANNELS, INVITES, MESSAGES, STAGE_INSTANCES, THREADS
from .kinds import Intents
from .model import Entity, Payload
from .plans import Context, Event, Plan, guild_of, in_guild

__all__ = ("ROWS", "channel_edits", "merge_channel")


def _by_place(guild: Plan, direct: Plan) -> Plan:
    """Apply one plan to guild channels, and another to direct conversations."""
    return lambda event, context: (guild if event.get("guild_id") is not None else direct)(event, context)


def merge_channel(entity: Entity[typing.Any]) -> Plan:
    """Merge a channel into the stored one. It may name an older last message than the one already received."""

    def plan(event: Payload, context: Context) -> Iterator[Change]:
        guild_id = guild_of(event)
        key = entity.identify(event, guild_id)
        yield Patch(entity, key, guild_id, channel_edits(event), context.origin, create=True)

    return plan


def channel_edits(channel: Payload) -> tuple[Edit, ...]:
    """Return the edits that merge a channel, except for a last message that is older than the known one."""
    edits: list[Edit] = [Part({name: value for name, value in channel.items() if name != "last_message_id"})]
    if (last := channel.get("last_message_id")) is not None:
        edits.append(Newest("last_message_id", last))
    elif "last_message_id" in channel:
        edits.append(Default({"last_message_id": None}))
    return tuple(edits)


def _channel_delete(event: Payload, context: Context) -> Iterator[Change]:
    """Delete the channel and everything in it or bound to it; deleting a category only frees its children."""
    guild_id, channel = guild_of(event), int(event["id"])
    yield from plans.end(CHANNELS, (channel,), guild_id)
    freed = Part({"parent_id": None})
    yield plans.amend(CHANNELS, guild_id, context.origin, freed, Condition("parent_id", "equals", channel))


def _pins_update(event: Payload, context: Context) -> Iterator[Change]:
    """Note when a message was last pinned. Which message it was comes with an update of that message."""
    guild_id = guild_of(event)
    if not context.intents & (Intents.DM_MESSAGES if guild_id is None else Intents.GUILD_MESSAGES):
        here = Condition("channel_id", "equals", int(event["channel_id"]))
        yield plans.amend(MESSAGES, guild_id, context.origin, Omit(("pinned",)), here)
    pinned = Part({"last_pin_timestamp": event.get("last_pin_timestamp")})
    for entity in (CHANNELS, THREADS) if guild_id is not None else (DM_CHANNELS,):
        yield plans.patch(entity, event["channel_id"], guild_id, context.origin, pinned)


def _field(name: str) -> Plan:
    """Set a field of a voice channel that lasts for one session at most; null means that it is unset."""

    def plan(event: Payload, context: Context) -> Iterator[Change]:
        told = {name: event[name]} if name in event else {}
        yield plans.patch(CHANNELS, event["id"], guild_of(event), context.origin, Part(told))

    return plan


def _channel_info(event: Payload, context: Context) -> Iterator[Change]:
    for channel in plans.listed(event["channels"]):
        told = {name: channel[name] for name in CHANNELS.passing if name in channel}
        if told:
            yield plans.patch(CHANNELS, channel["id"], guild_of(event), context.origin, Part(told))


def _invite_create(event: Payload, context: Context) -> Iterator[Change]:
    """Store an invite and its expiry. Discord may omit the expiry, and sends no event when an invite expires."""
    created, seconds = event.get("created_at"), event.get("max_age")
    if event.get("expires_at") is None and created and seconds:
        born = datetime.datetime.fromisoformat(created)
        event = {**event, "expires_at": (born + datetime.timedelta(seconds=seconds)).isoformat()}
    yield Put.of(INVITES, event, guild_of(event), context.origin)


def _invite_delete(event: Payload, context: Context) -> Iterator[Change]:
    del context
    yield Drop(INVITES, (str(event["code"]),), guild_of(event))


ROWS: typing.Final[Mapping[str, Event]] = {
    "CHANNEL_CREATE": Event(_by_place(plans.put(CHANNELS), merge_channel(DM_CHANNELS)), "Remembers the channel."),
    "CHANNEL_UPDATE": Event(
        _by_place(merge_channel(CHANNELS), merge_channel(DM_CHANNELS)),
        "Merges the channel; an older last message replaces no newer one. Threads of hidden channels become stale.",
    ),
    "CHANNEL_DELETE": Event(
        _by_place(_channel_delete, plans.ended(DM_CHANNELS)),
        "Forgets the channel and everything in it; frees a category's children.",
    ),
    "CHANNEL_PINS_UPDATE": Event(
        _pins_update,
        "Notes when a message was last pinned. Without the intent for messages, which ones are pinned becomes unknown.",
    ),
    "CHANNEL_INFO": Event(_channel_info, "Notes the status of voice channels and since when they are in use."),
    "VOICE_CHANNEL_STATUS_UPDATE": Event(_field("status"), "Notes the status of the voice channel."),
    "VOICE_CHANNEL_START_TIME_UPDATE": Event(
        _field("voice_start_time"), "Notes since when the voice channel is in use."
    ),
    "STAGE_INSTANCE_CREATE": Event(plans.put(STAGE_INSTANCES), "Remembers the stage."),
    "STAGE_INSTANCE_UPDATE": Event(plans.merge(STAGE_INSTANCES), "Merges the stage."),
    "STAGE_INSTANCE_DELETE": Event(plans.drop(STAGE_INSTANCES, "id"), "Forgets the stage."),
    "INVITE_CREATE": Event(in_guild(_invite_create), "Remembers the invite, until it expires."),
    "INVITE_DELETE": Event(_invite_delete, "Forgets the invite."),
    "WEBHOOKS_UPDATE": Event(plans.nothing, "Nothing: it does not say what changed."),
    "VOICE_CHANNEL_EFFECT_SEND": Event(plans.nothing, "Nothing: it leaves no trace."),
}
