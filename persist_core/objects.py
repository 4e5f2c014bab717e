"""Objects for what hikari has no model of yet. They are told apart by their ids, as hikari's own are."""

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
        The bot that it is known to.
    id
        The id of the sound.
    guild_id
        The guild that it belongs to.
    name
        What it is called.
    volume
        How loud it is played, from 0 to 1.
    emoji
        The emoji beside it, where there is one.
    is_available
        Whether it can be used; it cannot when the guild has lost the boosts for it.
    user
        Who made it, where Discord says so.
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
    """How a subscription stands."""

    ACTIVE = 0
    """It is active and will renew."""

    ENDING = 1
    """It is active and will not renew."""

    INACTIVE = 2
    """It is inactive, and not being charged."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Subscription(hikari.Unique):
    """A user who pays the application again and again.

    What a user may use is told by entitlements and not by this.
    See https://docs.discord.com/developers/resources/subscription.

    Attributes
    ----------
    app
        The bot that it is known to.
    id
        The id of the subscription.
    user_id
        Who pays.
    sku_ids
        What is paid for.
    entitlement_ids
        What was granted for it.
    renewal_sku_ids
        What will be paid for after the current period; ``None`` if that does not change.
    current_period_start, current_period_end
        What the last payment was for.
    status
        How it stands; a plain number for a status that is not known here.
    canceled_at
        When it was cancelled, where it was.
    country
        The country of the payment source, where Discord says so.
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
    """An action that auto-moderation took. hikari has an event for it, which is not kept.

    Attributes
    ----------
    app
        The bot that it is known to.
    id
        An id that persist made: Discord gives it none. It tells when it was heard of.
    guild_id, rule_id, user_id
        Where, by which rule, and because of whom.
    action
        What was done.
    trigger_type
        What sort of rule it was.
    channel_id, message_id
        Where the content was, unless it was blocked before it got there.
    alert_system_message_id
        The message that tells moderators of it, where there is one.
    content, matched_content
        What the user wrote and the part of it that matched; ``None`` without the MESSAGE_CONTENT intent.
    matched_keyword
        The word of the rule that matched.
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
    """Make a sound of what Discord said."""
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
    """Make a subscription of what Discord said."""
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
    """Make an execution of what Discord said."""
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
