"""Payloads of every kind of object, in all varieties, and what hikari itself makes of them."""

from __future__ import annotations

import datetime
import typing
from collections.abc import Callable, Iterator, Mapping

import hikari
from fakecord import Payload, payloads
from fakecord.payloads import snowflake
from hearing import ME

import persist

__all__ = ("BUILT", "GUILD", "SAMPLES", "Sample")

GUILD: typing.Final = "800000000000000001"
_CHANNEL, _FORUM, _ROLE = "800000000000000002", "800000000000000003", "800000000000000004"
_ANN: typing.Final = payloads.user(id="700000000000000001")
_BOB: typing.Final = payloads.user(id="700000000000000002", global_name=None, avatar=None, avatar_decoration_data=None)
_LISTS: typing.Final = frozenset(
    (
        *("channels", "threads", "roles", "emojis", "stickers", "members", "presences", "voice_states"),
        *("stage_instances", "guild_scheduled_events", "soundboard_sounds"),
    )
)


class Sample(typing.NamedTuple):
    """One payload, as it is stored."""

    kind: str
    name: str
    payload: Payload
    guild_id: int | None = int(GUILD)

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"


def _guild(**fields: typing.Any) -> Payload:
    whole = payloads.guild(id=GUILD, owner=_ANN, members=2)
    return {name: value for name, value in whole.items() if name not in _LISTS} | fields


def _message(**fields: typing.Any) -> Payload:
    return payloads.message(_CHANNEL, _ANN, guild_id=GUILD, member=payloads.member(_ANN, [_ROLE]), **fields)


def _without(payload: Payload, *names: str) -> Payload:
    return {name: value for name, value in payload.items() if name not in names}


def _users() -> Iterator[tuple[str, Payload]]:
    yield "with everything", _ANN
    yield "with nulls", _BOB
    yield "a bot", payloads.user(bot=True, discriminator="1234")
    yield "flags nobody knows", payloads.user(public_flags=1 << 50, premium_type=99)
    yield "from a message of old", {"id": "5", "username": "old", "discriminator": "0001", "avatar": None}


def _guilds() -> Iterator[tuple[str, Payload]]:
    yield "as created", _guild()
    yield (
        "with levels and a language that nobody knows",
        _guild(
            verification_level=77,
            preferred_locale="tlh",
            premium_tier=9,
            nsfw_level=42,
            mfa_level=5,
            explicit_content_filter=33,
            default_message_notifications=12,
            features=["A_FEATURE_FROM_AFAR"],
            system_channel_flags=1 << 40,
        ),
    )
    yield (
        "with everything",
        _guild(
            vanity_url_code="fish",
            banner="b" * 32,
            description="Fish.",
            max_presences=40_000,
            splash="s" * 32,
            discovery_splash="d" * 32,
            application_id=ME,
            afk_channel_id=_CHANNEL,
            large=True,
            member_count=70_000,
            premium_subscription_count=14,
            widget_channel_id=_CHANNEL,
        ),
    )
    yield "in an outage", _guild(unavailable=True)
    yield "as updated, without what only a creation says", _without(_guild(), "joined_at", "large", "member_count")


def _channels() -> Iterator[tuple[str, Payload]]:
    custom = {"emoji_id": snowflake(), "emoji_name": None}
    tags = [payloads.forum_tag("unicode"), payloads.forum_tag("custom", **custom)]
    yield "text", payloads.text_channel(GUILD, parent_id=snowflake(), last_message_id=snowflake())
    yield "text of a guild's creation, without its guild", _without(payloads.text_channel(GUILD), "guild_id")
    yield "text with flags that nobody knows", payloads.text_channel(GUILD, flags=1 << 33, last_pin_timestamp=None)
    yield "news", payloads.news_channel(GUILD, last_pin_timestamp="2026-01-02T03:04:05.600000+00:00")
    yield "category", payloads.category(GUILD)
    yield "voice", payloads.voice_channel(GUILD, rtc_region="rotterdam", video_quality_mode=88)
    yield "stage", payloads.stage_channel(GUILD)
    yield "forum with a unicode and a custom emoji on its tags", payloads.forum_channel(GUILD, available_tags=tags)
    yield "forum with a custom default reaction", payloads.forum_channel(GUILD, default_reaction_emoji=custom)
    yield "forum without tags", payloads.forum_channel(GUILD, available_tags=[], default_reaction_emoji=None)
    yield "media", payloads.media_channel(GUILD)


def _threads() -> Iterator[tuple[str, Payload]]:
    archived = payloads.thread_metadata(archived=True, locked=True)
    own = payloads.thread_member("1", ME)
    yield "public", payloads.thread(GUILD, _CHANNEL, _ANN["id"], last_message_id=snowflake())
    yield "private", payloads.private_thread(GUILD, _CHANNEL, _ANN["id"])
    yield "of a news channel", payloads.news_thread(GUILD, _CHANNEL, _ANN["id"])
    yield "with the own member", payloads.thread(GUILD, _CHANNEL, _ANN["id"], id="1", member=own)
    yield (
        "with the own member of a guild's creation, without ids",
        payloads.thread(GUILD, _CHANNEL, _ANN["id"], member=_without(own, "id", "user_id")),
    )
    yield "archived and locked", payloads.thread(GUILD, _CHANNEL, _ANN["id"], thread_metadata=archived)
    yield "a forum's post", payloads.thread(GUILD, _FORUM, _ANN["id"], applied_tags=[snowflake(), snowflake()], flags=2)
    yield "without its guild", _without(payloads.thread(GUILD, _CHANNEL, _ANN["id"]), "guild_id")


def _roles() -> Iterator[tuple[str, Payload]]:
    yield "everyone", payloads.role(id=GUILD, name="@everyone", position=0)
    yield "with a unicode emoji", payloads.role(unicode_emoji="🐙")
    yield "with an icon", payloads.role(icon="c" * 32, permissions="2251799813685247")
    yield "of a bot", payloads.role(managed=True, tags={"bot_id": ME})
    yield "of boosters", payloads.role(managed=True, tags={"premium_subscriber": None})
    yield "of an integration", payloads.role(tags={"integration_id": snowflake(), "guild_connections": None})
    yield "for sale", payloads.role(tags={"subscription_listing_id": snowflake(), "available_for_purchase": None})
    yield "with permissions from the future", payloads.role(permissions=str(1 << 62))


def _emojis() -> Iterator[tuple[str, Payload]]:
    yield "plain", payloads.emoji()
    yield "animated, with roles and maker", payloads.emoji(animated=True, roles=[_ROLE, snowflake()], user=_ANN)
    yield "lost with the boosts", payloads.emoji(available=False, managed=True)


def _stickers() -> Iterator[tuple[str, Payload]]:
    yield "plain", payloads.sticker(GUILD)
    yield "with its maker", payloads.sticker(GUILD, user=_ANN, description=None)
    yield "of a format from the future", payloads.sticker(GUILD, format_type=44, available=False)


def _members() -> Iterator[tuple[str, Payload]]:
    yield "plain", payloads.member(_BOB)
    yield (
        "with everything",
        payloads.member(
            _ANN,
            [_ROLE, snowflake()],
            nick="Äñn 🐟",
            avatar="a_" + "e" * 32,
            banner="f" * 32,
            premium_since=payloads.iso(),
            deaf=True,
            mute=True,
            pending=True,
            flags=11,
            guild_id=GUILD,
            communication_disabled_until="2099-01-01T00:00:00.000000+00:00",
        ),
    )
    yield "a guest", payloads.member(_ANN, joined_at=None)
    yield "with flags that nobody knows", payloads.member(_BOB, flags=1 << 40)


def _messages() -> Iterator[tuple[str, Payload]]:
    parent = _message(content="the parent")
    poll_votes = {"is_finalized": True, "answer_counts": [{"id": 1, "count": 2, "me_voted": True}]}
    snapshot = {"type": 0, "content": "forwarded", "embeds": [payloads.embed()], "attachments": [payloads.attachment()]}
    snapshot |= {"timestamp": payloads.iso(), "edited_timestamp": None, "flags": 0, "mentions": [], "components": []}
    forward = {"type": 1, "message_id": snowflake(), "channel_id": snowflake()}
    yield "plain", _message()
    yield "with one of everything", _message(rich=True)
    yield "empty", _message(content="")
    yield "a reply", _message(**payloads.reply_to(parent, GUILD))
    yield "a reply to what is deleted", _message(**{**payloads.reply_to(parent, GUILD), "referenced_message": None})
    yield "by a webhook", payloads.webhook_message(_CHANNEL, guild_id=GUILD)
    yield "with components", _message(components=[payloads.button_row(), payloads.button_row("again")])
    yield "with a component from the future", _message(components=[{"type": 321, "id": 7, "novelty": True}])
    yield "with a poll", _message(poll=payloads.poll())
    yield "with a poll that has ended", _message(poll=payloads.poll(results=poll_votes))
    yield "with stickers", _message(sticker_items=[payloads.sticker_item(), payloads.sticker_item(format_type=3)])
    yield "forwarded", _message(content="", message_reference=forward, message_snapshots=[{"message": snapshot}])
    yield "in a direct conversation", payloads.message(_CHANNEL, _ANN)
    yield "of a type and with flags from the future", _message(type=250, flags=1 << 45)
    yield "edited and pinned", _message(edited_timestamp=payloads.iso(), pinned=True)
    yield (
        "with letters of all the world",
        _message(content="naïve \u202e 日本 \U0001f469\u200d\U0001f467 \\ \" ' %s {0} \x1f\u2028"),
    )
    yield (
        "of a command",
        _message(
            type=20,
            application_id=ME,
            interaction_metadata={
                "id": snowflake(),
                "type": 2,
                "user": _BOB,
                "name": "hello",
                "command_type": 1,
                "authorizing_integration_owners": {"0": GUILD},
            },
        ),
    )


def _voice_states() -> Iterator[tuple[str, Payload]]:
    yield "with its member", payloads.voice_state(_ANN["id"], _CHANNEL, member=payloads.member(_ANN), guild_id=GUILD)
    yield (
        "asking to speak",
        payloads.voice_state(
            *(_ANN["id"], _CHANNEL), member=payloads.member(_ANN), request_to_speak_timestamp=payloads.iso()
        ),
    )
    yield (
        "doing everything",
        payloads.voice_state(
            *(_ANN["id"], _CHANNEL),
            member=payloads.member(_ANN, [_ROLE]),
            deaf=True,
            mute=True,
            self_deaf=True,
            self_mute=True,
            self_stream=True,
            self_video=True,
            suppress=True,
        ),
    )
    yield "without its member", payloads.voice_state(_BOB["id"], _CHANNEL)


def _presences() -> Iterator[tuple[str, Payload]]:
    custom = payloads.activity(type=4, name="Custom Status", emoji={"name": "🐟"}, state="swimming", id="custom")
    yield "with an activity", payloads.presence(_ANN["id"])
    yield (
        "with many activities",
        payloads.presence(
            _ANN["id"], "dnd", activities=[payloads.activity(), custom, payloads.activity(type=55)], guild_id=GUILD
        ),
    )
    yield (
        "on every device",
        payloads.presence(
            _BOB["id"], "idle", client_status={"desktop": "idle", "mobile": "online", "web": "dnd"}, activities=[]
        ),
    )
    yield "of a status from the future", payloads.presence(_ANN["id"], "asleep", activities=[])


def _invites() -> Iterator[tuple[str, Payload]]:
    target = {"target_type": 1, "target_user": _BOB}
    yield "plain", payloads.invite(GUILD, _CHANNEL, _ANN)
    yield "for ever", payloads.invite(GUILD, _CHANNEL, _ANN, max_age=0, max_uses=5, uses=2, expires_at=None)
    yield "to a stream", payloads.invite(GUILD, _CHANNEL, _ANN, temporary=True, **target)
    yield "by nobody", _without(payloads.invite(GUILD, _CHANNEL, _ANN), "inviter")


def _thread_members() -> Iterator[tuple[str, Payload]]:
    yield "somebody", payloads.thread_member(_CHANNEL, _ANN["id"])
    yield "with flags from the future", payloads.thread_member(_CHANNEL, _BOB["id"], flags=1 << 40)


def _stage_instances() -> Iterator[tuple[str, Payload]]:
    yield "live", payloads.stage_instance(GUILD, _CHANNEL)
    yield "of a planned event", payloads.stage_instance(GUILD, _CHANNEL, guild_scheduled_event_id=snowflake())
    yield "of a level from the future", payloads.stage_instance(GUILD, _CHANNEL, privacy_level=77)


def _webhooks() -> Iterator[tuple[str, Payload]]:
    hook = _without(payloads.webhook(GUILD, _CHANNEL, _ANN), "token")
    source = {"id": snowflake(), "name": "The source", "icon": None}
    follower = {"type": 2, "source_guild": source, "source_channel": {"id": snowflake(), "name": "news"}}
    yield "incoming", hook
    yield "by nobody that is known", {**_without(hook, "user"), "id": snowflake(), "application_id": ME}
    yield "of a followed channel", {**hook, **follower, "id": snowflake()}
    yield (
        "of an application",
        {**_without(hook, "guild_id", "channel_id", "user"), "id": "1", "type": 3, "application_id": ME},
    )


def _dm_channels() -> Iterator[tuple[str, Payload]]:
    several = {"type": 3, "recipients": [_ANN, _BOB], "owner_id": _ANN["id"], "icon": None, "name": "Fish"}
    yield "with somebody", payloads.dm_channel(_ANN, last_message_id=snowflake())
    yield "with several", payloads.dm_channel(_BOB, **several)


def _soundboard_sounds() -> Iterator[tuple[str, Payload]]:
    yield "with a unicode emoji", payloads.soundboard_sound(GUILD)
    yield "with a custom emoji", payloads.soundboard_sound(GUILD, emoji_id=snowflake(), emoji_name=None, volume=0.25)
    yield "without an emoji", payloads.soundboard_sound(GUILD, emoji_name=None, user=_ANN, available=False)


def _integrations() -> Iterator[tuple[str, Payload]]:
    account = {"id": "1234", "name": "someone"}
    application = {"id": ME, "name": "A bot", "icon": None, "description": "", "bot": _BOB}
    bot = {"id": "9", "name": "A bot", "type": "discord", "enabled": True, "account": account}
    yield "of another service", payloads.integration(GUILD, role_id=_ROLE)
    yield "with its user, as REST tells it", payloads.integration(GUILD, user=_ANN)
    yield "a bot", {**bot, "application": application, "scopes": ["bot"]}
    yield "of a type from the future", payloads.integration(GUILD, type="telepathy", expire_behavior=44)


def _scheduled_events() -> Iterator[tuple[str, Payload]]:
    yield "in a voice channel", payloads.scheduled_event(GUILD, _CHANNEL, _ANN)
    yield "on a stage", payloads.scheduled_event(GUILD, _CHANNEL, entity_type=1, image="i" * 32)
    yield "elsewhere", payloads.scheduled_event(GUILD, None, _BOB)
    yield "cancelled", payloads.scheduled_event(GUILD, _CHANNEL, status=4)
    yield "of a status from the future", payloads.scheduled_event(GUILD, _CHANNEL, status=55, privacy_level=9)
    yield "without a count", _without(payloads.scheduled_event(GUILD, _CHANNEL, _ANN), "user_count")


def _scheduled_event_users() -> Iterator[tuple[str, Payload]]:
    told = {"guild_scheduled_event_id": _CHANNEL, "user_id": _ANN["id"], "guild_id": GUILD}
    yield "with its user", {**told, "user": _ANN}
    yield "with its member", {**told, "user": _ANN, "member": payloads.member(_ANN, [_ROLE])}


def _bans() -> Iterator[tuple[str, Payload]]:
    yield "with a reason", payloads.ban(_ANN, "spam")
    yield "without a reason", payloads.ban(_BOB)


def _auto_mod_rules() -> Iterator[tuple[str, Payload]]:
    make = payloads.auto_mod_rule
    exempt = {"exempt_roles": [_ROLE], "exempt_channels": [_CHANNEL]}
    presets = {"presets": [1, 2], "allow_list": ["fish"]}
    mentions = {"mention_total_limit": 5, "mention_raid_protection_enabled": True}
    yield "for words", make(GUILD, _ANN["id"], **exempt)
    yield "for spam", make(GUILD, _ANN["id"], trigger_type=3, trigger_metadata={}, enabled=False)
    yield "for lists of words", make(GUILD, _ANN["id"], trigger_type=4, trigger_metadata=presets)
    yield "for mentions", make(GUILD, _ANN["id"], trigger_type=5, trigger_metadata=mentions)


def _auto_mod_executions() -> Iterator[tuple[str, Payload]]:
    action = {"type": 2, "metadata": {"channel_id": _CHANNEL}}
    what = {"guild_id": GUILD, "rule_id": snowflake(), "rule_trigger_type": 1, "user_id": _ANN["id"], "action": action}
    words = {"content": "a cat", "matched_keyword": "cat*", "matched_content": "cat"}
    places = {"channel_id": _CHANNEL, "message_id": snowflake(), "alert_system_message_id": snowflake()}
    yield "an alert", {"id": snowflake(), **what, **words, **places}
    yield "a blocked message", {"id": snowflake(), **what, "content": "", "matched_keyword": None}


def _audit_log_entries() -> Iterator[tuple[str, Payload]]:
    make = payloads.audit_log_entry
    deleted = {"action_type": 72, "changes": None, "options": {"channel_id": _CHANNEL, "count": "3"}}
    yield "a new nickname", make(GUILD, _ANN["id"], _BOB["id"])
    yield "deleted messages", make(GUILD, _ANN["id"], _BOB["id"], **deleted)
    yield "by nobody", {**make(GUILD, "1", "1", action_type=999), "user_id": None, "target_id": None, "reason": None}


def _entitlements() -> Iterator[tuple[str, Payload]]:
    yield "of a user, for ever", payloads.entitlement(ME, _ANN["id"])
    ends = payloads.iso(seconds_later=50 * 365 * 86400)
    yield "of a guild, until it ends", payloads.entitlement(ME, _ANN["id"], guild_id=GUILD, ends_at=ends)
    yield "of a test, and of a type from the future", payloads.entitlement(ME, _ANN["id"], starts_at=None, type=88)


def _subscriptions() -> Iterator[tuple[str, Payload]]:
    yield "active", payloads.subscription(_ANN["id"])
    yield "cancelled", payloads.subscription(_ANN["id"], status=2, canceled_at=payloads.iso(), country="NL")
    yield "of a status from the future", payloads.subscription(_BOB["id"], status=9, renewal_sku_ids=[snowflake()])


def _command_permissions() -> Iterator[tuple[str, Payload]]:
    permissions = [{"id": _ROLE, "type": 1, "permission": True}, {"id": "2", "type": 99, "permission": False}]
    told = {"application_id": ME, "guild_id": GUILD, "permissions": permissions}
    yield "of a command", {"id": snowflake(), **told}
    yield "of all commands", {"id": ME, **told, "permissions": []}


def _shards() -> Iterator[tuple[str, Payload]]:
    place = {"session_id": "abc", "resume_gateway_url": "wss://gateway", "sequence": 1 << 40, "epoch": 17}
    yield "a place", {"shard_id": 0, "shard_count": 2, **place}
    yield "a place before READY", {"shard_id": 1, "shard_count": 2, **place, "session_id": None}


def _own_application() -> Iterator[tuple[str, Payload]]:
    yield "of one", payloads.application(payloads.user())
    yield "of a team", payloads.application(payloads.user(), bot=payloads.user(), team=payloads.team(payloads.user()))


def _completeness() -> Iterator[tuple[str, Payload]]:
    yield "stale", {"kind": "members", "state": "stale", "epoch": 3, "at": "", "source": "gateway"}


def _suppressions() -> Iterator[tuple[str, Payload]]:
    entry = {
        "key_id": "a1",
        "kind": "user",
        "with_hash": None,
        "done": True,
        "created_at": "2026-01-02 03:04:05.000006",
    }
    yield "of a user", {"hash": "0f" * 32, **entry}
    yield "of a conversation", {**entry, "hash": "1f" * 32, "kind": "conversation", "with_hash": "0f" * 32}


_SORTS: typing.Final[Mapping[str, Callable[[], Iterator[tuple[str, Payload]]]]] = {
    "users": _users,
    "own_user": lambda: iter([("the bot", payloads.own_user(id=ME)), ("verified", payloads.own_user(email="a@b.c"))]),
    "own_application": _own_application,
    "guilds": _guilds,
    "channels": _channels,
    "threads": _threads,
    "roles": _roles,
    "emojis": _emojis,
    "stickers": _stickers,
    "members": _members,
    "messages": _messages,
    "voice_states": _voice_states,
    "presences": _presences,
    "invites": _invites,
    "thread_members": _thread_members,
    "stage_instances": _stage_instances,
    "webhooks": _webhooks,
    "dm_channels": _dm_channels,
    "bans": _bans,
    "soundboard_sounds": _soundboard_sounds,
    "integrations": _integrations,
    "scheduled_events": _scheduled_events,
    "scheduled_event_users": _scheduled_event_users,
    "auto_mod_rules": _auto_mod_rules,
    "auto_mod_executions": _auto_mod_executions,
    "audit_log_entries": _audit_log_entries,
    "entitlements": _entitlements,
    "subscriptions": _subscriptions,
    "command_permissions": _command_permissions,
    "shards": _shards,
    "completeness": _completeness,
    "message_versions": lambda: iter(
        [("as written", _message()), ("edited", _message(edited_timestamp=payloads.iso()))]
    ),
    "erasure_keys": lambda: iter(
        [("a key", {"id": "a1", "secret": "00ff", "created_at": "2026-01-02 03:04:05.000006"})]
    ),
    "suppressions": _suppressions,
}
_GUILDLESS: typing.Final = frozenset(
    (
        *("users", "own_user", "own_application", "dm_channels", "entitlements", "subscriptions", "shards"),
        *("erasure_keys", "suppressions"),
    )
)


def _samples() -> Iterator[Sample]:
    for kind, sorts in _SORTS.items():
        for name, payload in sorts():
            direct = kind == "messages" and "guild_id" not in payload
            yield Sample(kind, name, payload, None if kind in _GUILDLESS or direct else int(GUILD))


SAMPLES: typing.Final = tuple(_samples())
"""Every variety of every kind."""

Builder = Callable[[hikari.api.EntityFactory, Payload, hikari.Snowflake], object]


def _built_thread(factory: hikari.api.EntityFactory, payload: Payload, guild: hikari.Snowflake) -> object:
    # In GUILD_CREATE, the bot's own membership names no user.
    named = "user_id" in (payload.get("member") or {})
    own = hikari.UNDEFINED if named else hikari.Snowflake(ME)
    return factory.deserialize_guild_thread(payload, guild_id=guild, user_id=own)


def _id(value: str | None) -> hikari.Snowflake | None:
    return None if value is None else hikari.Snowflake(value)


def _app(factory: hikari.api.EntityFactory) -> hikari.RESTAware:
    # hikari's factory does not expose its app, but each object that it makes does.
    return factory.deserialize_user(_ANN).app


def _sound(factory: hikari.api.EntityFactory, payload: Payload, guild: hikari.Snowflake) -> object:
    custom, name = payload["emoji_id"], payload["emoji_name"]
    emoji: hikari.Emoji | None = hikari.UnicodeEmoji(name) if name else None
    if custom:
        emoji = factory.deserialize_custom_emoji({"id": custom, "name": name})
    return persist.SoundboardSound(
        _app(factory),
        hikari.Snowflake(payload["sound_id"]),
        guild,
        payload["name"],
        payload["volume"],
        emoji,
        payload["available"],
        factory.deserialize_user(payload["user"]) if "user" in payload else None,
    )


def _subscription(factory: hikari.api.EntityFactory, payload: Payload, _: hikari.Snowflake) -> object:
    moments = [
        None if payload[name] is None else datetime.datetime.fromisoformat(payload[name])
        for name in ("current_period_start", "current_period_end", "canceled_at")
    ]
    known = {status.value: status for status in persist.SubscriptionStatus}
    lists = [payload[name] and [hikari.Snowflake(one) for one in payload[name]] for name in _LISTS_OF_IDS]
    return persist.Subscription(
        _app(factory),
        hikari.Snowflake(payload["id"]),
        hikari.Snowflake(payload["user_id"]),
        *lists,
        *moments[:2],  # type: ignore[arg-type] - Discord always sends these two
        known.get(payload["status"], payload["status"]),
        moments[2],
        payload.get("country"),
    )


def _execution(factory: hikari.api.EntityFactory, payload: Payload, guild: hikari.Snowflake) -> object:
    return persist.AutoModExecution(
        _app(factory),
        hikari.Snowflake(payload["id"]),
        guild,
        hikari.Snowflake(payload["rule_id"]),
        hikari.Snowflake(payload["user_id"]),
        factory.deserialize_auto_mod_action(payload["action"]),
        hikari.AutoModTriggerType.KEYWORD,
        _id(payload.get("channel_id")),
        _id(payload.get("message_id")),
        _id(payload.get("alert_system_message_id")),
        payload["content"] or None,
        payload["matched_keyword"],
        payload.get("matched_content"),
    )


_LISTS_OF_IDS: typing.Final = ("sku_ids", "entitlement_ids", "renewal_sku_ids")

BUILT: typing.Final[Mapping[str, Builder]] = {
    "users": lambda factory, payload, _: factory.deserialize_user(payload),
    "own_user": lambda factory, payload, _: factory.deserialize_my_user(payload),
    "own_application": lambda factory, payload, _: factory.deserialize_application(payload),
    "guilds": lambda factory, payload, _: factory.deserialize_gateway_guild(
        payload, user_id=hikari.Snowflake(ME)
    ).guild(),
    "channels": lambda factory, payload, guild: factory.deserialize_channel(payload, guild_id=guild),
    "threads": _built_thread,
    "roles": lambda factory, payload, guild: factory.deserialize_role(payload, guild_id=guild),
    "emojis": lambda factory, payload, guild: factory.deserialize_known_custom_emoji(payload, guild_id=guild),
    "stickers": lambda factory, payload, _: factory.deserialize_guild_sticker(payload),
    "members": lambda factory, payload, guild: factory.deserialize_member(payload, guild_id=guild),
    "messages": lambda factory, payload, _: factory.deserialize_message(payload),
    "voice_states": lambda factory, payload, guild: factory.deserialize_voice_state(payload, guild_id=guild),
    "presences": lambda factory, payload, guild: factory.deserialize_member_presence(payload, guild_id=guild),
    "invites": lambda factory, payload, _: factory.deserialize_invite_with_metadata(payload),
    "thread_members": lambda factory, payload, _: factory.deserialize_thread_member(payload),
    "stage_instances": lambda factory, payload, _: factory.deserialize_stage_instance(payload),
    "webhooks": lambda factory, payload, _: factory.deserialize_webhook(payload),
    "dm_channels": lambda factory, payload, _: factory.deserialize_channel(payload),
    "bans": lambda factory, payload, _: factory.deserialize_guild_member_ban(payload),
    "soundboard_sounds": _sound,
    "integrations": lambda factory, payload, guild: factory.deserialize_integration(payload, guild_id=guild),
    "scheduled_events": lambda factory, payload, _: factory.deserialize_scheduled_event(payload),
    "scheduled_event_users": lambda factory, payload, guild: factory.deserialize_scheduled_event_user(
        payload, guild_id=guild
    ),
    "auto_mod_rules": lambda factory, payload, _: factory.deserialize_auto_mod_rule(payload),
    "auto_mod_executions": _execution,
    "audit_log_entries": lambda factory, payload, guild: factory.deserialize_audit_log_entry(payload, guild_id=guild),
    "entitlements": lambda factory, payload, _: factory.deserialize_entitlement(payload),
    "subscriptions": _subscription,
    "command_permissions": lambda factory, payload, _: factory.deserialize_guild_command_permissions(payload),
    "shards": lambda _factory, payload, _guild: payload,
    "completeness": lambda _factory, payload, _guild: payload,
    "message_versions": lambda factory, payload, _: factory.deserialize_message(payload),
    "erasure_keys": lambda _factory, payload, _guild: payload,
    "suppressions": lambda _factory, payload, _guild: payload,
}
"""What hikari makes of each kind; for our own kinds, the payload."""
