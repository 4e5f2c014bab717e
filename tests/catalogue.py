"""One real payload of every gateway event that has a row in the table, all about one guild."""

from __future__ import annotations

from fakecord import Payload, payloads
from hearing import ME

__all__ = ("catalogue",)


def catalogue(guild: Payload) -> dict[str, Payload]:
    """Return a payload of every event, as Discord could send it after it has sent a guild."""
    return {
        **_of_sessions(guild),
        **_of_guilds(guild),
        **_of_channels(guild),
        **_of_people(guild),
        **_of_messages(guild),
        **_of_voice(guild),
        **_of_plans(guild),
        **_of_moderation(guild),
        **_of_the_application(guild),
    }


def _of_sessions(guild: Payload) -> dict[str, Payload]:
    return {
        "READY": {
            "v": 10,
            "user": payloads.own_user(id=ME),
            "session_id": "a",
            "resume_gateway_url": "wss://localhost",
            "guilds": [{"id": guild["id"], "unavailable": True}],
        },
        "RESUMED": {"_trace": []},
        "RATE_LIMITED": {"opcode": 8, "retry_after": 1.5, "meta": {"guild_id": guild["id"], "nonce": "n"}},
    }


def _of_guilds(guild: Payload) -> dict[str, Payload]:
    where, role = {"guild_id": guild["id"]}, guild["roles"][1]
    return {
        "GUILD_CREATE": guild,
        "GUILD_UPDATE": {name: value for name, value in guild.items() if name not in ("members", "joined_at")},
        "GUILD_ROLE_CREATE": {**where, "role": payloads.role()},
        "GUILD_ROLE_UPDATE": {**where, "role": role},
        "GUILD_ROLE_DELETE": {**where, "role_id": role["id"]},
        "GUILD_EMOJIS_UPDATE": {**where, "emojis": [*guild["emojis"], payloads.emoji(roles=[role["id"]])]},
        "GUILD_STICKERS_UPDATE": {**where, "stickers": guild["stickers"]},
        "GUILD_INTEGRATIONS_UPDATE": where,
        "GUILD_DELETE": {"id": payloads.guild()["id"]},
    }


def _of_channels(guild: Payload) -> dict[str, Payload]:
    of_type = {channel["type"]: channel for channel in guild["channels"]}
    text, thread = of_type[0], guild["threads"][0]
    where = {"guild_id": guild["id"], "channel_id": text["id"]}
    new = payloads.thread(guild["id"], of_type[15]["id"], guild["owner_id"], newly_created=True)
    joined = {**payloads.thread_member(thread["id"], ME), "member": guild["members"][1]}
    return {
        "CHANNEL_CREATE": payloads.forum_channel(guild["id"]),
        "CHANNEL_UPDATE": {**text, "name": "renamed"},
        "CHANNEL_PINS_UPDATE": {**where, "last_pin_timestamp": payloads.iso()},
        "CHANNEL_DELETE": of_type[5],
        "THREAD_CREATE": {**new, "member": payloads.thread_member(new["id"], ME)},
        "THREAD_UPDATE": thread,
        "THREAD_LIST_SYNC": {
            "guild_id": guild["id"],
            "channel_ids": [text["id"]],
            "threads": [thread],
            "members": [payloads.thread_member(thread["id"], ME)],
        },
        "THREAD_MEMBER_UPDATE": payloads.thread_member(thread["id"], ME, guild_id=guild["id"]),
        "THREAD_MEMBERS_UPDATE": {
            "id": thread["id"],
            "guild_id": guild["id"],
            "member_count": 2,
            "added_members": [joined],
            "removed_member_ids": ["5"],
        },
        "THREAD_DELETE": {name: guild["threads"][1][name] for name in ("id", "guild_id", "parent_id", "type")},
        "INVITE_CREATE": payloads.invite(guild["id"], text["id"], payloads.user()),
        "INVITE_DELETE": {**where, "code": "abc"},
        "WEBHOOKS_UPDATE": where,
        "VOICE_CHANNEL_EFFECT_SEND": {**where, "user_id": guild["owner_id"]},
        "VOICE_SERVER_UPDATE": {"token": "t", "guild_id": guild["id"], "endpoint": "voice.example:443"},
    }


def _of_people(guild: Payload) -> dict[str, Payload]:
    where, member = {"guild_id": guild["id"]}, guild["members"][2]
    user, voice = member["user"], next(channel["id"] for channel in guild["channels"] if channel["type"] == 2)
    new = [payloads.member(payloads.user()) for _ in range(3)]
    message = payloads.message(guild["channels"][1]["id"], user)
    return {
        "GUILD_MEMBER_ADD": {**new[0], **where},
        "GUILD_MEMBER_UPDATE": {**member, **where, "nick": "renamed"},
        "GUILD_MEMBER_REMOVE": {**where, "user": guild["members"][3]["user"]},
        "GUILD_MEMBERS_CHUNK": {
            **where,
            "members": new,
            "presences": [payloads.presence(user["id"])],
            "not_found": [],
            "chunk_index": 0,
            "chunk_count": 1,
            "nonce": "n",
        },
        "PRESENCE_UPDATE": {**payloads.presence(user["id"]), **where, "user": user},
        "VOICE_STATE_UPDATE": {**payloads.voice_state(user["id"], voice), **where, "member": member},
        "USER_UPDATE": payloads.own_user(id=ME),
        "TYPING_START": {**where, "channel_id": "1", "user_id": user["id"], "timestamp": 1, "member": member},
        "INTERACTION_CREATE": {
            **where,
            "id": "1",
            "application_id": ME,
            "type": 2,
            "token": "t",
            "member": member,
            "channel": {**guild["channels"][1], "permissions": "8"},
            "message": message,
            "entitlements": [payloads.entitlement(ME, user["id"])],
            "data": {
                "resolved": {
                    "users": {user["id"]: user},
                    "members": {user["id"]: payloads.partial_member(member)},
                    "channels": {guild["channels"][1]["id"]: guild["channels"][1]},
                    "messages": {message["id"]: message},
                }
            },
            "authorizing_integration_owners": {"0": guild["id"]},
        },
    }


def _of_messages(guild: Payload) -> dict[str, Payload]:
    text, member = next(channel for channel in guild["channels"] if channel["type"] == 0), guild["members"][2]
    message = payloads.message(text["id"], member["user"], guild_id=guild["id"], member=member, rich=True)
    where = {"guild_id": guild["id"], "channel_id": text["id"]}
    reaction = {**where, "message_id": message["id"], "emoji": {"id": None, "name": "🔥"}}
    return {
        "MESSAGE_POLL_VOTE_ADD": {**where, "user_id": ME, "message_id": message["id"], "answer_id": 1},
        "MESSAGE_POLL_VOTE_REMOVE": {**where, "user_id": ME, "message_id": message["id"], "answer_id": 1},
        "MESSAGE_CREATE": message,
        "MESSAGE_UPDATE": {**message, "content": "edited"},
        "MESSAGE_REACTION_ADD": {**reaction, "user_id": member["user"]["id"], "burst": False, "member": member},
        "MESSAGE_REACTION_REMOVE": {**reaction, "user_id": member["user"]["id"], "burst": True},
        "MESSAGE_REACTION_REMOVE_EMOJI": reaction,
        "MESSAGE_REACTION_REMOVE_ALL": {**where, "message_id": message["id"]},
        "MESSAGE_DELETE": {**where, "id": "5"},
        "MESSAGE_DELETE_BULK": {**where, "ids": ["6", "7"]},
    }


def _of_voice(guild: Payload) -> dict[str, Payload]:
    where = {"guild_id": guild["id"]}
    of_type = {channel["type"]: channel["id"] for channel in guild["channels"]}
    stage = payloads.stage_instance(guild["id"], of_type[13])
    sound = guild["soundboard_sounds"][0]
    status = {"id": of_type[2], "status": "fishing", "voice_start_time": 1_700_000_000}
    return {
        "STAGE_INSTANCE_CREATE": stage,
        "STAGE_INSTANCE_UPDATE": {**stage, "topic": "renamed"},
        "STAGE_INSTANCE_DELETE": stage,
        "VOICE_CHANNEL_STATUS_UPDATE": {**where, "id": of_type[2], "status": "fishing"},
        "VOICE_CHANNEL_START_TIME_UPDATE": {**where, "id": of_type[2], "voice_start_time": None},
        "CHANNEL_INFO": {**where, "channels": [status]},
        "GUILD_SOUNDBOARD_SOUND_CREATE": payloads.soundboard_sound(guild["id"]),
        "GUILD_SOUNDBOARD_SOUND_UPDATE": {**sound, "name": "renamed"},
        "GUILD_SOUNDBOARD_SOUND_DELETE": {**where, "sound_id": sound["sound_id"]},
        "GUILD_SOUNDBOARD_SOUNDS_UPDATE": {**where, "soundboard_sounds": [sound]},
        "SOUNDBOARD_SOUNDS": {**where, "soundboard_sounds": [sound]},
    }


def _of_plans(guild: Payload) -> dict[str, Payload]:
    channel = next(channel["id"] for channel in guild["channels"] if channel["type"] == 2)
    planned = payloads.scheduled_event(guild["id"], channel, guild["members"][0]["user"])
    who = {"guild_id": guild["id"], "guild_scheduled_event_id": planned["id"], "user_id": guild["owner_id"]}
    return {
        "GUILD_SCHEDULED_EVENT_CREATE": planned,
        "GUILD_SCHEDULED_EVENT_UPDATE": {**planned, "status": 2},
        "GUILD_SCHEDULED_EVENT_DELETE": planned,
        "GUILD_SCHEDULED_EVENT_USER_ADD": who,
        "GUILD_SCHEDULED_EVENT_USER_REMOVE": who,
    }


def _of_moderation(guild: Payload) -> dict[str, Payload]:
    user = guild["members"][2]["user"]
    ban, rule = {"guild_id": guild["id"], "user": user}, payloads.auto_mod_rule(guild["id"], guild["owner_id"])
    what = {"rule_id": rule["id"], "rule_trigger_type": 1, "action": {"type": 1, "metadata": {}}}
    words = {"content": "a cat", "matched_keyword": "cat", "matched_content": "cat"}
    return {
        "GUILD_BAN_ADD": ban,
        "GUILD_BAN_REMOVE": ban,
        "AUTO_MODERATION_RULE_CREATE": rule,
        "AUTO_MODERATION_RULE_UPDATE": {**rule, "enabled": False},
        "AUTO_MODERATION_RULE_DELETE": rule,
        "AUTO_MODERATION_ACTION_EXECUTION": {"guild_id": guild["id"], "user_id": user["id"], **what, **words},
        "GUILD_AUDIT_LOG_ENTRY_CREATE": payloads.audit_log_entry(guild["id"], guild["owner_id"], user["id"]),
    }


def _of_the_application(guild: Payload) -> dict[str, Payload]:
    integration = payloads.integration(guild["id"])
    entitlement = payloads.entitlement(ME, guild["owner_id"], guild_id=guild["id"])
    subscription = payloads.subscription(guild["owner_id"])
    permissions = [{"id": guild["id"], "type": 1, "permission": True}]
    return {
        "INTEGRATION_CREATE": integration,
        "INTEGRATION_UPDATE": {**integration, "enabled": False},
        "INTEGRATION_DELETE": {"guild_id": guild["id"], "id": integration["id"]},
        "APPLICATION_COMMAND_PERMISSIONS_UPDATE": {
            "id": ME,
            "application_id": ME,
            "guild_id": guild["id"],
            "permissions": permissions,
        },
        "ENTITLEMENT_CREATE": entitlement,
        "ENTITLEMENT_UPDATE": {**entitlement, "ends_at": "2999-01-01T00:00:00.000000+00:00"},
        "ENTITLEMENT_DELETE": entitlement,
        "SUBSCRIPTION_CREATE": subscription,
        "SUBSCRIPTION_UPDATE": {**subscription, "status": 1},
        "SUBSCRIPTION_DELETE": subscription,
    }
