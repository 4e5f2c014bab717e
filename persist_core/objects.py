"""Models that hikari does not have yet. They are equal if their ids are, like hikari's own."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import typing
from collections.abc import Sequence

import hikari

from .model import Decoder, Payload

__all__ = ("AutoModExecution", "SoundboardSound", "Subscription", "SubscriptionStatus")


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class SoundboardSound(hikari.Unique):
    """A sound of a guild's soundboard.

    See https://docs.discord.com/developers/resources/soundboard.

    Attributes
    ----------
    app
        The bot, or other app, that the object belongs to.
    id
        The id of the sound.
    guild_id
        The guild that the sound belongs to.
    name
        The name of the sound.
    volume
        The volume, from 0 to 1.
    emoji
        The emoji of the sound, if it has one.
    is_available
        Whether the sound can be used; it cannot if the guild has lost the boosts for it.
    user
        The user who created it, if Discord says so.
    """

    app: hikari.RESTAware = dataclasses.field(repr=False)
    # hikari.Unique has a property of this name, which hikari's own models make a field too.
    id: hikari.Snowflake = dataclasses.field()  # pyright: ignore[reportIncompatibleMethodOverride]
    guild_id: hikari.Snowflake
    name: str
    volume: float
    emoji: hikari.Emoji | None
    is_available: bool
    user: hikari.User | None


class SubscriptionStatus(enum.IntEnum):
    """The status of a subscription."""

    ACTIVE = 0
    """It is active and will renew."""

    INACTIVE = 1
    """It is inactive, and not being charged."""

    ENDING = 2
    """It is active and will not renew."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Subscription(hikari.Unique):
    """A user's recurring payment to the application.

    Whether a user has access to something is up to entitlements, not to subscriptions.
    See https://docs.discord.com/developers/resources/subscription.

    Attributes
    ----------
    app
        The bot, or other app, that the object belongs to.
    id
        The id of the subscription.
    user_id
        The user who pays.
    sku_ids
        The SKUs that the user pays for.
    entitlement_ids
        The entitlements granted for it.
    renewal_sku_ids
        The SKUs that the user will pay for after the current period; ``None`` if they stay the same.
    current_period_start, current_period_end
        The period that the last payment was for.
    status
        The status; a plain int if this version does not know it.
    canceled_at
        When it was canceled; ``None`` if it was not.
    country
        The country of the payment source, if Discord says so.
    """

    app: hikari.RESTAware = dataclasses.field(repr=False)
    # hikari.Unique has a property of this name, which hikari's own models make a field too.
    id: hikari.Snowflake = dataclasses.field()  # pyright: ignore[reportIncompatibleMethodOverride]
    user_id: hikari.Snowflake
    sku_ids: Sequence[hikari.Snowflake]
    entitlement_ids: Sequence[hikari.Snowflake]
    renewal_sku_ids: Sequence[hikari.Snowflake] | None
    current_period_start: datetime.datetime
    current_period_end: datetime.datetime
    status: SubscriptionStatus | int
    canceled_at: datetime.datetime | None
    country: str | None


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class AutoModExecution(hikari.Unique):
    """An action that auto-moderation took. hikari only has an event for it, no model.

    Attributes
    ----------
    app
        The bot, or other app, that the object belongs to.
    id
        An id made by persist, as Discord gives it none. Its timestamp is when the event was received.
    guild_id, rule_id, user_id
        The guild, the rule that triggered, and the user whose content triggered it.
    action
        The action taken.
    trigger_type
        The trigger type of the rule.
    channel_id, message_id
        Where the content was posted; ``None`` if it was blocked.
    alert_system_message_id
        The message that alerts moderators, if there is one.
    content, matched_content
        What the user wrote, and the part of it that matched; ``None`` without the MESSAGE_CONTENT intent.
    matched_keyword
        The keyword of the rule that matched.
    """

    app: hikari.RESTAware = dataclasses.field(repr=False)
    # hikari.Unique has a property of this name, which hikari's own models make a field too.
    id: hikari.Snowflake = dataclasses.field()  # pyright: ignore[reportIncompatibleMethodOverride]
    guild_id: hikari.Snowflake
    rule_id: hikari.Snowflake
    user_id: hikari.Snowflake
    action: hikari.PartialAutoModAction
    trigger_type: hikari.AutoModTriggerType | int
    channel_id: hikari.Snowflake | None
    message_id: hikari.Snowflake | None
    alert_system_message_id: hikari.Snowflake | None
    content: str | None
    matched_keyword: str | None
    matched_content: str | None


_STATUSES: typing.Final = {int(status): status for status in SubscriptionStatus}


def soundboard_sound(make: Decoder, payload: Payload, guild_id: hikari.Snowflake) -> SoundboardSound:
    """Make a sound from its payload."""
    emoji: Payload = {"id": payload.get("emoji_id"), "name": payload.get("emoji_name")}
    return SoundboardSound(
        app=make.app,
        id=hikari.Snowflake(payload["sound_id"]),
        guild_id=guild_id,
        name=payload["name"],
        volume=float(payload["volume"]),
        emoji=make.factory.deserialize_emoji(emoji) if emoji["id"] or emoji["name"] else None,
        is_available=payload["available"],
        user=make.factory.deserialize_user(payload["user"]) if payload.get("user") else None,
    )


def subscription(make: Decoder, payload: Payload) -> Subscription:
    """Make a subscription from its payload."""
    status: int = payload["status"]
    renewal: Sequence[str] | None = payload.get("renewal_sku_ids")
    canceled_at: str | None = payload.get("canceled_at")
    return Subscription(
        app=make.app,
        id=hikari.Snowflake(payload["id"]),
        user_id=hikari.Snowflake(payload["user_id"]),
        sku_ids=_snowflakes(payload["sku_ids"]),
        entitlement_ids=_snowflakes(payload["entitlement_ids"]),
        renewal_sku_ids=None if renewal is None else _snowflakes(renewal),
        current_period_start=datetime.datetime.fromisoformat(payload["current_period_start"]),
        current_period_end=datetime.datetime.fromisoformat(payload["current_period_end"]),
        status=_STATUSES.get(status, status),
        canceled_at=None if canceled_at is None else datetime.datetime.fromisoformat(canceled_at),
        country=payload.get("country"),
    )


def auto_mod_execution(make: Decoder, payload: Payload, guild_id: hikari.Snowflake) -> AutoModExecution:
    """Make an execution from its payload."""
    return AutoModExecution(
        app=make.app,
        id=hikari.Snowflake(payload["id"]),
        guild_id=guild_id,
        rule_id=hikari.Snowflake(payload["rule_id"]),
        user_id=hikari.Snowflake(payload["user_id"]),
        action=make.factory.deserialize_auto_mod_action(typing.cast("dict[str, typing.Any]", payload["action"])),
        trigger_type=hikari.AutoModTriggerType(payload["rule_trigger_type"]),
        channel_id=_snowflake(payload.get("channel_id")),
        message_id=_snowflake(payload.get("message_id")),
        alert_system_message_id=_snowflake(payload.get("alert_system_message_id")),
        content=payload.get("content") or None,
        matched_keyword=payload.get("matched_keyword"),
        matched_content=payload.get("matched_content") or None,
    )


def _snowflake(value: str | None) -> hikari.Snowflake | None:
    return hikari.Snowflake(value) if value else None


def _snowflakes(values: Sequence[str]) -> Sequence[hikari.Snowflake]:
    return [hikari.Snowflake(value) for value in values]
