"""Which intent a client needs for which event, as a table."""

from __future__ import annotations

import enum
import typing

from .payloads import Payload


class Intent(enum.IntFlag):
    """Discord's gateway intents."""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_MODERATION = 1 << 2
    GUILD_EXPRESSIONS = 1 << 3
    GUILD_INTEGRATIONS = 1 << 4
    GUILD_WEBHOOKS = 1 << 5
    GUILD_INVITES = 1 << 6
    GUILD_VOICE_STATES = 1 << 7
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    GUILD_MESSAGE_TYPING = 1 << 11
    DM_MESSAGES = 1 << 12
    DM_MESSAGE_REACTIONS = 1 << 13
    DM_MESSAGE_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15
    GUILD_SCHEDULED_EVENTS = 1 << 16
    AUTO_MODERATION_CONFIGURATION = 1 << 20
    AUTO_MODERATION_EXECUTION = 1 << 21
    GUILD_POLLS = 1 << 24
    DM_POLLS = 1 << 25


PRIVILEGED: typing.Final = int(Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT)
ALL_INTENTS: typing.Final = (1 << 26) - 1
CONTENT_FIELDS: typing.Final[Payload] = {"content": "", "embeds": [], "attachments": [], "components": []}

# (intent in a guild, intent in a DM or 0 if the event only happens in guilds, events)
_ROWS: typing.Final[tuple[tuple[Intent, int, str], ...]] = (
    (Intent.GUILDS, 0, "GUILD_CREATE GUILD_UPDATE GUILD_DELETE"),
    (Intent.GUILDS, 0, "GUILD_ROLE_CREATE GUILD_ROLE_UPDATE GUILD_ROLE_DELETE"),
    (Intent.GUILDS, 0, "CHANNEL_CREATE CHANNEL_UPDATE CHANNEL_DELETE"),
    (Intent.GUILDS, Intent.DM_MESSAGES, "CHANNEL_PINS_UPDATE"),
    (Intent.GUILDS, 0, "THREAD_CREATE THREAD_UPDATE THREAD_DELETE THREAD_LIST_SYNC"),
    (Intent.GUILDS, 0, "THREAD_MEMBER_UPDATE THREAD_MEMBERS_UPDATE"),
    (Intent.GUILDS, 0, "STAGE_INSTANCE_CREATE STAGE_INSTANCE_UPDATE STAGE_INSTANCE_DELETE"),
    (Intent.GUILDS, 0, "VOICE_CHANNEL_STATUS_UPDATE VOICE_CHANNEL_START_TIME_UPDATE"),
    (Intent.GUILD_MEMBERS, 0, "GUILD_MEMBER_ADD GUILD_MEMBER_UPDATE GUILD_MEMBER_REMOVE"),
    (Intent.GUILD_MODERATION, 0, "GUILD_AUDIT_LOG_ENTRY_CREATE GUILD_BAN_ADD GUILD_BAN_REMOVE"),
    (Intent.GUILD_EXPRESSIONS, 0, "GUILD_EMOJIS_UPDATE GUILD_STICKERS_UPDATE GUILD_SOUNDBOARD_SOUNDS_UPDATE"),
    (
        Intent.GUILD_EXPRESSIONS,
        0,
        "GUILD_SOUNDBOARD_SOUND_CREATE GUILD_SOUNDBOARD_SOUND_UPDATE GUILD_SOUNDBOARD_SOUND_DELETE",
    ),
    (
        Intent.GUILD_INTEGRATIONS,
        0,
        "GUILD_INTEGRATIONS_UPDATE INTEGRATION_CREATE INTEGRATION_UPDATE INTEGRATION_DELETE",
    ),
    (Intent.GUILD_WEBHOOKS, 0, "WEBHOOKS_UPDATE"),
    (Intent.GUILD_INVITES, 0, "INVITE_CREATE INVITE_DELETE"),
    (Intent.GUILD_VOICE_STATES, 0, "VOICE_STATE_UPDATE VOICE_CHANNEL_EFFECT_SEND"),
    (Intent.GUILD_PRESENCES, 0, "PRESENCE_UPDATE"),
    (
        Intent.GUILD_MESSAGES,
        Intent.DM_MESSAGES,
        "MESSAGE_CREATE MESSAGE_UPDATE MESSAGE_DELETE MESSAGE_DELETE_BULK",
    ),
    (
        Intent.GUILD_MESSAGE_REACTIONS,
        Intent.DM_MESSAGE_REACTIONS,
        "MESSAGE_REACTION_ADD MESSAGE_REACTION_REMOVE MESSAGE_REACTION_REMOVE_ALL MESSAGE_REACTION_REMOVE_EMOJI",
    ),
    (Intent.GUILD_MESSAGE_TYPING, Intent.DM_MESSAGE_TYPING, "TYPING_START"),
    (
        Intent.GUILD_SCHEDULED_EVENTS,
        0,
        "GUILD_SCHEDULED_EVENT_CREATE GUILD_SCHEDULED_EVENT_UPDATE GUILD_SCHEDULED_EVENT_DELETE",
    ),
    (Intent.GUILD_SCHEDULED_EVENTS, 0, "GUILD_SCHEDULED_EVENT_USER_ADD GUILD_SCHEDULED_EVENT_USER_REMOVE"),
    (
        Intent.AUTO_MODERATION_CONFIGURATION,
        0,
        "AUTO_MODERATION_RULE_CREATE AUTO_MODERATION_RULE_UPDATE AUTO_MODERATION_RULE_DELETE",
    ),
    (Intent.AUTO_MODERATION_EXECUTION, 0, "AUTO_MODERATION_ACTION_EXECUTION"),
    (Intent.GUILD_POLLS, Intent.DM_POLLS, "MESSAGE_POLL_VOTE_ADD MESSAGE_POLL_VOTE_REMOVE"),
)

# Plain integers: testing members of an IntFlag is slow, and this happens for every event.
EVENT_INTENTS: typing.Final[dict[str, tuple[int, int]]] = {
    name: (int(in_guild), int(in_dm)) for in_guild, in_dm, names in _ROWS for name in names.split()
}


def wants(intents: int, name: str, payload: Payload, bot_id: str) -> bool:
    """Return whether a client with these intents gets an event; events that are not in the table are always sent."""
    row = EVENT_INTENTS.get(name)
    if row is None:
        return True
    in_guild, in_dm = row
    needed = in_guild if "guild_id" in payload or not in_dm else in_dm
    if intents & needed:
        return True
    return name == "GUILD_MEMBER_UPDATE" and payload["user"]["id"] == bot_id


def without_content(payload: Payload, bot_id: str) -> Payload:
    """Return a message as a client without the MESSAGE_CONTENT intent sees it.

    Direct messages, the bot's own messages and messages that mention the bot keep their content.
    """
    own = payload.get("author", {}).get("id") == bot_id
    if own or "guild_id" not in payload or any(user["id"] == bot_id for user in payload.get("mentions", ())):
        return payload
    return {name: value for name, value in payload.items() if name != "poll"} | CONTENT_FIELDS
