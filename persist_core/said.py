"""What REST sends with each object that hikari reads: one row per method of hikari's that reads one."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator, Mapping

from .entities import (
    AUTO_MOD_RULES,
    BANS,
    CHANNELS,
    EMOJIS,
    ENTITLEMENTS,
    GUILDS,
    INTEGRATIONS,
    INVITES,
    MEMBERS,
    MESSAGES,
    OWN_APPLICATION,
    OWN_USER,
    ROLES,
    SCHEDULED_EVENT_USERS,
    SCHEDULED_EVENTS,
    STAGE_INSTANCES,
    STICKERS,
    THREAD_MEMBERS,
    THREADS,
    USERS,
    VOICE_STATES,
    WEBHOOKS,
)
from .kinds_scheduled import is_of_occurrence
from .model import Entity, Payload

__all__ = ("ROWS", "Said")

AnyEntity = Entity[typing.Any]
_THREAD_TYPES: typing.Final = frozenset((10, 11, 12))


class Said(typing.NamedTuple):
    """An object that REST has sent, and the guild that it belongs to."""

    entity: AnyEntity
    payload: Payload
    guild_id: int | None = None
    only_known: bool = False
    """Whether it is only part of an object that the gateway sends, and useless on its own."""

    met_in: int | None = None
    """The guild that a user was seen in; users belong to none."""


Row = Callable[[Payload, int | None], Iterator[Said]]


def _thing(entity: AnyEntity) -> Row:
    def row(payload: Payload, guild_id: int | None) -> Iterator[Said]:
        yield Said(entity, payload, guild_id)

    return row


def _channel(payload: Payload, guild_id: int | None) -> Iterator[Said]:
    if guild_id is not None:
        yield Said(THREADS if payload["type"] in _THREAD_TYPES else CHANNELS, payload, guild_id)


def _member(payload: Payload, guild_id: int | None) -> Iterator[Said]:
    yield Said(MEMBERS, payload, guild_id)
    yield Said(USERS, payload["user"], met_in=guild_id)


def _message(payload: Payload, guild_id: int | None) -> Iterator[Said]:
    yield Said(MESSAGES, payload, guild_id)
    if "webhook_id" not in payload:
        yield Said(USERS, payload["author"], met_in=guild_id)


def _voice_state(payload: Payload, guild_id: int | None) -> Iterator[Said]:
    yield Said(VOICE_STATES, payload, guild_id)
    if member := payload.get("member"):
        yield from _member(member, guild_id)


def _user(payload: Payload, _: int | None) -> Iterator[Said]:
    yield Said(USERS, payload)


def _with_user(entity: AnyEntity) -> Row:
    """Return the row for an object that contains its user."""

    def row(payload: Payload, guild_id: int | None) -> Iterator[Said]:
        yield Said(entity, payload, guild_id)
        if user := payload.get("user"):
            yield Said(USERS, user, met_in=guild_id)

    return row


def _event_user(payload: Payload, guild_id: int | None) -> Iterator[Said]:
    if not is_of_occurrence(payload):
        yield from _with_user(SCHEDULED_EVENT_USERS)(payload, guild_id)


def _invite(payload: Payload, _: int | None) -> Iterator[Said]:
    if (guild := payload.get("guild")) and (channel := payload.get("channel")):
        # The gateway refers to both by ID; an invite without its uses is only part of one.
        where = {"guild_id": guild["id"], "channel_id": channel["id"]}
        yield Said(INVITES, {**payload, **where}, int(guild["id"]), only_known="uses" not in payload)


def _pinned(payload: Payload, guild_id: int | None) -> Iterator[Said]:
    yield from _message(payload["message"], guild_id)


def _own_guild(payload: Payload, _: int | None) -> Iterator[Said]:
    told = {name: payload[name] for name in ("id", "name", "icon", "features") if name in payload}
    yield Said(GUILDS, told, None, only_known=True)


def _own_user(payload: Payload, _: int | None) -> Iterator[Said]:
    yield Said(OWN_USER, payload)
    yield Said(USERS, payload)


def _guild(payload: Payload, _: int | None) -> Iterator[Said]:
    guild_id = int(payload["id"])
    lists = {"roles": ROLES, "emojis": EMOJIS, "stickers": STICKERS}
    for name, entity in lists.items():
        for part in payload.get(name) or ():
            yield Said(entity, part, guild_id)
    yield Said(GUILDS, {name: value for name, value in payload.items() if name not in lists}, None, only_known=True)


ROWS: typing.Final[Mapping[str, Row]] = {
    "deserialize_application": _thing(OWN_APPLICATION),
    "deserialize_auto_mod_rule": _thing(AUTO_MOD_RULES),
    "deserialize_channel": _channel,
    "deserialize_entitlement": _thing(ENTITLEMENTS),
    "deserialize_guild_member_ban": _with_user(BANS),
    "deserialize_guild_news_thread": _channel,
    "deserialize_guild_private_thread": _channel,
    "deserialize_guild_public_thread": _channel,
    "deserialize_guild_sticker": _thing(STICKERS),
    "deserialize_guild_thread": _channel,
    "deserialize_integration": _thing(INTEGRATIONS),
    "deserialize_invite": _invite,
    "deserialize_invite_with_metadata": _invite,
    "deserialize_known_custom_emoji": _thing(EMOJIS),
    "deserialize_member": _member,
    "deserialize_message": _message,
    "deserialize_my_user": _own_user,
    "deserialize_own_guild": _own_guild,
    "deserialize_pinned_message": _pinned,
    "deserialize_rest_guild": _guild,
    "deserialize_role": _thing(ROLES),
    "deserialize_scheduled_event": _thing(SCHEDULED_EVENTS),
    "deserialize_scheduled_event_user": _event_user,
    "deserialize_stage_instance": _thing(STAGE_INSTANCES),
    "deserialize_thread_member": _thing(THREAD_MEMBERS),
    "deserialize_user": _user,
    "deserialize_voice_state": _voice_state,
    "deserialize_webhook": _thing(WEBHOOKS),
}
"""What hikari reads with each of its methods."""
