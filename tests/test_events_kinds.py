"""What the cache answers after events about stages, sounds, plans, moderation and the application."""

from __future__ import annotations

import datetime
import pathlib
import typing

import hikari
import pytest
from fakecord import Payload, payloads
from hearing import ME, Hearing, proves

import persist
from persist.entities import ENTITIES

_OWN: typing.Final = payloads.own_user(id=ME)
_LATE: typing.Final = datetime.datetime(2021, 1, 1, tzinfo=datetime.UTC)


def id_of(thing: Payload) -> int:
    return int(thing["id"])


def channel_of(guild: Payload, kind: int) -> str:
    return next(str(channel["id"]) for channel in guild["channels"] if channel["type"] == kind)


_MADE: typing.Final[dict[str, tuple[str, typing.Callable[[Payload], Payload], dict[str, typing.Any]]]] = {
    "STAGE_INSTANCE": (
        "stage_instances",
        lambda g: payloads.stage_instance(g["id"], channel_of(g, 13)),
        {"topic": "b"},
    ),
    "GUILD_SCHEDULED_EVENT": ("scheduled_events", lambda g: payloads.scheduled_event(g["id"], None), {"name": "b"}),
    "AUTO_MODERATION_RULE": ("auto_mod_rules", lambda g: payloads.auto_mod_rule(g["id"], g["owner_id"]), {"name": "b"}),
    "INTEGRATION": ("integrations", lambda g: payloads.integration(g["id"]), {"name": "b"}),
    "ENTITLEMENT": ("entitlements", lambda g: payloads.entitlement(ME, g["owner_id"], guild_id=g["id"]), {"type": 2}),
    "SUBSCRIPTION": ("subscriptions", lambda g: payloads.subscription(g["owner_id"]), {"status": 2}),
}


@proves(*(f"{name}_{verb}" for name in _MADE for verb in ("CREATE", "UPDATE", "DELETE")))
@pytest.mark.parametrize("name", _MADE)
async def test_things_are_made_changed_and_forgotten(heard: Hearing, guild: Payload, name: str) -> None:
    kind, make, change = _MADE[name]
    kept, changed, gone = make(guild), make(guild), make(guild)
    for thing in (kept, changed, gone):
        await heard.hear(f"{name}_CREATE", thing)
    await heard.hear(f"{name}_UPDATE", {**changed, **change})
    await heard.hear(f"{name}_DELETE", gone)
    session = heard.cache
    async for cache in heard.answers():
        if ENTITIES[kind].ephemeral and cache is not session:
            continue  # it belonged to that session
        view = getattr(cache, kind)
        assert (await view.entry(id_of(kept))).payload == kept
        assert (await view.entry(id_of(changed))).payload == {**changed, **change}
        assert await view.get(id_of(gone)) is None
        assert {thing.id for thing in await view.find()} >= {id_of(kept), id_of(changed)}


@proves("INTEGRATION_UPDATE")
async def test_an_integration_keeps_its_user_though_events_omit_it(heard: Hearing, guild: Payload) -> None:
    user = payloads.user()
    told = payloads.integration(guild["id"])
    await heard.hear("INTEGRATION_CREATE", {**told, "user": user})
    await heard.hear("INTEGRATION_UPDATE", {**told, "enabled": False})
    async for cache in heard.answers():
        found = await cache.integrations.get(id_of(told))
        assert found is not None
        assert found.user is not None
        assert (found.user.id, found.is_enabled) == (id_of(user), False)


@proves("ENTITLEMENT_UPDATE", "GUILD_DELETE")
async def test_an_entitlement_outlives_the_bots_stay(heard: Hearing, guild: Payload) -> None:
    told = payloads.entitlement(ME, guild["owner_id"], guild_id=guild["id"])
    await heard.hear("ENTITLEMENT_CREATE", told)
    await heard.hear("ENTITLEMENT_UPDATE", {**told, "ends_at": "2399-01-01T00:00:00+00:00"})
    await heard.hear("GUILD_DELETE", {"id": guild["id"]})
    async for cache in heard.answers():
        (found,) = await cache.entitlements.find(guild_id=id_of(guild), ends_at=persist.after(_LATE))
        assert found.id == id_of(told)


@proves("GUILD_CREATE", "GUILD_SCHEDULED_EVENT_UPDATE")
async def test_what_has_ended_stays_and_what_is_not_listed_any_more_goes(heard: Hearing, guild: Payload) -> None:
    ended, gone = (payloads.scheduled_event(guild["id"], None) for _ in range(2))
    for planned in (ended, gone):
        await heard.hear("GUILD_SCHEDULED_EVENT_CREATE", planned)
        who = {"guild_id": guild["id"], "guild_scheduled_event_id": planned["id"], "user_id": ME}
        await heard.hear("GUILD_SCHEDULED_EVENT_USER_ADD", who)
    finished = {name: value for name, value in ended.items() if name != "user_count"}
    await heard.hear("GUILD_SCHEDULED_EVENT_UPDATE", {**finished, "status": 3})
    stage = payloads.stage_instance(guild["id"], channel_of(guild, 13))
    await heard.hear("STAGE_INSTANCE_CREATE", stage)
    lists = {"guild_scheduled_events": [], "stage_instances": [], "soundboard_sounds": []}
    await heard.hear("GUILD_CREATE", {**guild, **lists})
    async for cache in heard.answers():
        found = await cache.scheduled_events.get(id_of(ended))
        assert found is not None
        assert (found.status, found.user_count) == (hikari.ScheduledEventStatus.COMPLETED, ended["user_count"] + 1)
        assert await cache.scheduled_events.get(id_of(gone)) is None
        assert await cache.scheduled_event_users.count() == 1
        assert await cache.stage_instances.count() == await cache.soundboard_sounds.count() == 0


@proves("READY")
async def test_a_stage_and_the_status_of_a_channel_end_with_the_session(heard: Hearing, guild: Payload) -> None:
    stage, voice = payloads.stage_instance(guild["id"], channel_of(guild, 13)), channel_of(guild, 2)
    await heard.hear("STAGE_INSTANCE_CREATE", stage)
    await heard.hear("READY", {**payloads_ready(guild), "session_id": "another"})
    async for cache in heard.answers():
        assert await cache.stage_instances.get(id_of(stage)) is None
        entry = await cache.channels.entry(int(voice))
        assert entry is not None
        assert not {"status", "voice_start_time"} & entry.payload.keys()
        assert await cache.channels.count(status=persist.not_(None)) == 0


def payloads_ready(guild: Payload) -> Payload:
    listed = [{"id": guild["id"], "unavailable": True}]
    return {"v": 10, "user": _OWN, "session_id": "one", "resume_gateway_url": "wss://localhost", "guilds": listed}


@proves("VOICE_CHANNEL_STATUS_UPDATE", "VOICE_CHANNEL_START_TIME_UPDATE", "CHANNEL_INFO")
async def test_the_status_of_a_voice_channel_is_noted(heard: Hearing, guild: Payload) -> None:
    where, voice, stage = {"guild_id": guild["id"]}, channel_of(guild, 2), channel_of(guild, 13)
    await heard.hear("VOICE_CHANNEL_STATUS_UPDATE", {**where, "id": voice, "status": "fishing"})
    await heard.hear("VOICE_CHANNEL_START_TIME_UPDATE", {**where, "id": voice, "voice_start_time": None})
    told = [{"id": stage, "status": "talking"}, {"id": "5", "status": "nowhere"}]
    await heard.hear("CHANNEL_INFO", {**where, "channels": told})
    await heard.hear("CHANNEL_UPDATE", {"id": voice, **where, "type": 2, "name": "renamed"})
    async for cache in heard.answers():
        (found,) = await cache.channels.find(status="fishing", voice_start_time=None)
        assert (found.id, found.name) == (int(voice), "renamed")
        assert await cache.channels.count(status="talking", voice_start_time=1_700_000_000) == 1
        assert await cache.channels.entry(5) is None
    await heard.hear("VOICE_CHANNEL_STATUS_UPDATE", {**where, "id": voice, "status": None})
    async for cache in heard.answers():
        assert await cache.channels.count(id=int(voice), status=None) == 1


@proves("CHANNEL_UPDATE", "THREAD_UPDATE")
async def test_an_older_last_message_replaces_no_newer_one(heard: Hearing, guild: Payload) -> None:
    text, thread = channel_of(guild, 0), guild["threads"][0]
    message = payloads.message(text, payloads.user(), guild_id=guild["id"])
    await heard.hear("MESSAGE_CREATE", message)
    of_thread = payloads.message(thread["id"], payloads.user(), guild_id=guild["id"], channel_type=11)
    await heard.hear("MESSAGE_CREATE", of_thread)
    channel = next(channel for channel in guild["channels"] if channel["id"] == text)
    await heard.hear("CHANNEL_UPDATE", {**channel, "last_message_id": "5"})
    await heard.hear("THREAD_UPDATE", {**thread, "last_message_id": None})
    async for cache in heard.answers():
        assert await cache.channels.count(last_message_id=id_of(message)) == 1
        assert await cache.threads.count(last_message_id=id_of(of_thread)) == 1


@proves(
    *("GUILD_SOUNDBOARD_SOUND_CREATE", "GUILD_SOUNDBOARD_SOUND_UPDATE", "GUILD_SOUNDBOARD_SOUND_DELETE"),
    *("GUILD_SOUNDBOARD_SOUNDS_UPDATE", "SOUNDBOARD_SOUNDS"),
)
async def test_sounds_are_made_changed_listed_and_replaced(heard: Hearing, guild: Payload) -> None:
    where, first = {"guild_id": guild["id"]}, guild["soundboard_sounds"][0]
    one, two, three = (payloads.soundboard_sound(guild["id"], name=name) for name in ("one", "two", "three"))
    await heard.hear("GUILD_SOUNDBOARD_SOUND_CREATE", one)
    await heard.hear("GUILD_SOUNDBOARD_SOUND_CREATE", two)
    await heard.hear("GUILD_SOUNDBOARD_SOUND_UPDATE", {**one, "name": "changed"})
    await heard.hear("GUILD_SOUNDBOARD_SOUND_DELETE", {**where, "sound_id": two["sound_id"]})
    await heard.hear("GUILD_SOUNDBOARD_SOUNDS_UPDATE", {**where, "soundboard_sounds": [three]})
    async for cache in heard.answers():
        names = {sound.name async for sound in cache.soundboard_sounds.find(guild_id=id_of(guild))}
        assert names == {first["name"], "changed", "three"}
    await heard.hear("SOUNDBOARD_SOUNDS", {**where, "soundboard_sounds": [two]})
    async for cache in heard.answers():
        (sound,) = await cache.soundboard_sounds.find(guild_id=id_of(guild))
        assert (sound.name, sound.guild_id, sound.emoji) == ("two", id_of(guild), hikari.UnicodeEmoji("🦆"))
        assert sound == await cache.soundboard_sounds.get(sound)


@proves("GUILD_BAN_ADD", "GUILD_BAN_REMOVE")
async def test_bans_come_and_go_and_keep_their_reason(heard: Hearing, guild: Payload) -> None:
    banned, pardoned = payloads.user(), payloads.user()
    for user in (banned, pardoned):
        await heard.hear("GUILD_BAN_ADD", {"guild_id": guild["id"], "user": user})
    await heard.hear("GUILD_BAN_REMOVE", {"guild_id": guild["id"], "user": pardoned})
    async for cache in heard.answers():
        found = await cache.bans.get(id_of(guild), id_of(banned))
        assert found is not None
        assert (found.user.username, found.reason) == (banned["username"], None)
        assert await cache.bans.get(id_of(guild), id_of(pardoned)) is None
        assert await cache.get_user(id_of(pardoned)) is not None


@proves("APPLICATION_COMMAND_PERMISSIONS_UPDATE")
async def test_the_permissions_of_a_command_are_replaced(heard: Hearing, guild: Payload) -> None:
    told = {"id": "77", "application_id": ME, "guild_id": guild["id"]}
    for names in ((1, 2), (3,)):
        permissions = [{"id": str(name), "type": 1, "permission": True} for name in names]
        await heard.hear("APPLICATION_COMMAND_PERMISSIONS_UPDATE", {**told, "permissions": permissions})
    async for cache in heard.answers():
        found = await cache.command_permissions.get(id_of(guild), 77)
        assert found is not None
        assert [one.id for one in found.permissions] == [3]


@proves("AUTO_MODERATION_ACTION_EXECUTION", "GUILD_AUDIT_LOG_ENTRY_CREATE")
@pytest.mark.parametrize("on", [frozenset[str](), frozenset({"audit_log_entries", "auto_mod_executions"})])
async def test_logs_are_kept_only_where_the_rules_say_so(sqlite_url: str, on: frozenset[str]) -> None:
    guild = payloads.guild(own_user=_OWN, members=3)
    entry = payloads.audit_log_entry(guild["id"], guild["owner_id"], ME)
    done = {"guild_id": guild["id"], "user_id": ME, "rule_id": "5", "rule_trigger_type": 1, "matched_keyword": None}
    async with Hearing(sqlite_url, rules=persist.Rules(on=on)) as heard:
        await heard.ready(guild)
        await heard.hear("GUILD_AUDIT_LOG_ENTRY_CREATE", entry)
        for _ in range(3):
            await heard.hear("AUTO_MODERATION_ACTION_EXECUTION", {**done, "action": {"type": 1}, "content": ""})
        async for cache in heard.answers():
            assert await cache.audit_log_entries.count() == (1 if on else 0)
            assert await cache.auto_mod_executions.count(created_at=persist.after(_LATE)) == (3 if on else 0)
            if on:
                found = await cache.audit_log_entries.get(id_of(entry))
                assert found is not None
                assert found.reason == entry["reason"]
                executions = await cache.auto_mod_executions.find()
                assert {one.user_id for one in executions} == {int(ME)}


def test_rules_refuse_what_they_do_not_understand() -> None:
    for sides in ({"on": "audit_log_entries"}, {"on": {"nothing"}}, {"on": {"users"}, "off": {"users"}}):
        with pytest.raises(persist.QueryError):
            persist.Rules(**typing.cast("dict[str, frozenset[str]]", sides))


@proves("THREAD_CREATE", "THREAD_MEMBER_UPDATE", "THREAD_MEMBERS_UPDATE", "THREAD_LIST_SYNC", "GUILD_MEMBER_REMOVE")
async def test_who_is_in_a_thread_is_known(heard: Hearing, guild: Payload) -> None:
    first, second = guild["threads"]
    people = [int(member["user"]["id"]) for member in guild["members"]]
    added = [payloads.thread_member(first["id"], str(user)) for user in people[2:5]]
    where = {"id": first["id"], "guild_id": guild["id"], "member_count": 3}
    await heard.hear("THREAD_MEMBERS_UPDATE", {**where, "added_members": [*added, payloads.thread_member("1", ME)]})
    await heard.hear("THREAD_MEMBERS_UPDATE", {**where, "removed_member_ids": [str(people[2])]})
    await heard.hear("GUILD_MEMBER_REMOVE", {"guild_id": guild["id"], "user": guild["members"][3]["user"]})
    own = payloads.thread_member(second["id"], ME)
    await heard.hear("THREAD_MEMBER_UPDATE", {**own, "guild_id": guild["id"]})
    async for cache in heard.answers():
        found = await cache.thread_members.find(thread_id=id_of(first))
        assert {member.user_id for member in found} == {people[4], int(ME)}
        assert await cache.thread_members.get(id_of(second), int(ME)) is not None
    await heard.hear("THREAD_LIST_SYNC", {"guild_id": guild["id"], "threads": [first], "members": []})
    async for cache in heard.answers():
        assert await cache.thread_members.count(thread_id=id_of(second)) == 0
        assert await cache.thread_members.get(id_of(first), people[4]) is not None
    await heard.hear("THREAD_DELETE", {"id": first["id"], "guild_id": guild["id"], "parent_id": "1", "type": 11})
    async for cache in heard.answers():
        assert await cache.thread_members.count() == 0


@proves("CHANNEL_DELETE")
async def test_a_deleted_channel_takes_all_that_is_bound_to_it(heard: Hearing, guild: Payload) -> None:
    stage = channel_of(guild, 13)
    planned = payloads.scheduled_event(guild["id"], stage, entity_type=1)
    await heard.hear("GUILD_SCHEDULED_EVENT_CREATE", planned)
    who = {"guild_id": guild["id"], "guild_scheduled_event_id": planned["id"], "user_id": ME}
    await heard.hear("GUILD_SCHEDULED_EVENT_USER_ADD", who)
    await heard.hear("STAGE_INSTANCE_CREATE", payloads.stage_instance(guild["id"], stage))
    heard.tell("webhooks", payloads.webhook(guild["id"], stage, payloads.user()), int(guild["id"]))
    await heard.hear("CHANNEL_DELETE", {"id": stage, "guild_id": guild["id"], "type": 13})
    async for cache in heard.answers():
        for kind in ("scheduled_events", "stage_instances", "webhooks"):
            assert await getattr(cache, kind).count(channel_id=int(stage)) == 0, kind
        assert await cache.scheduled_event_users.count() == 0
        assert await cache.scheduled_events.count() == len(guild["guild_scheduled_events"])


async def test_the_token_of_a_webhook_is_never_kept(heard: Hearing, guild: Payload, tmp_path: pathlib.Path) -> None:
    hook = payloads.webhook(guild["id"], channel_of(guild, 0), payloads.user(), token="s3cr3t", url="https://x/s3cr3t")
    heard.tell("webhooks", hook, int(guild["id"]))
    async for cache in heard.answers():
        found = await cache.webhooks.get(id_of(hook))
        assert isinstance(found, hikari.IncomingWebhook)
        assert (found.name, found.token) == (hook["name"], None)
        entry = await cache.webhooks.entry(id_of(hook))
        assert entry is not None
        assert not {"token", "url"} & entry.payload.keys()
    assert not kept(tmp_path, b"s3cr3t")


def kept(folder: pathlib.Path, words: bytes) -> list[str]:
    return [file.name for file in folder.iterdir() if words in file.read_bytes()]


def interaction(guild: Payload, **fields: typing.Any) -> Payload:
    member = guild["members"][2]
    return {
        "id": "1",
        "application_id": ME,
        "type": 2,
        "token": "t0ps3cr3t",
        "guild_id": guild["id"],
        "member": {**member, "nick": "seen", "permissions": "8"},
        "authorizing_integration_owners": {"0": guild["id"]},
        **fields,
    }


@proves("INTERACTION_CREATE")
async def test_an_interaction_tells_of_what_it_mentions(heard: Hearing, guild: Payload, tmp_path: pathlib.Path) -> None:
    text, author, other = channel_of(guild, 0), payloads.user(), payloads.user()
    target, pressed = payloads.message(text, author), payloads.message(text, author)
    private = payloads.message(text, author, flags=64)
    resolved = {
        "users": {other["id"]: other, author["id"]: author},
        "members": {other["id"]: {**payloads.partial_member(payloads.member(other)), "permissions": "8"}},
        "channels": {text: {"id": text, "type": 0, "name": "renamed", "permissions": "8"}, "5": {"id": "5", "type": 0}},
        "messages": {target["id"]: target, private["id"]: private},
    }
    entitlement = payloads.entitlement(ME, author["id"])
    told = interaction(guild, data={"resolved": resolved}, message=pressed, entitlements=[entitlement])
    await heard.hear("INTERACTION_CREATE", told)
    async for cache in heard.answers():
        for message in (target, pressed):
            found = await cache.get_message(id_of(message), int(text))
            assert found is not None
            assert (found.guild_id, found.content) == (id_of(guild), message["content"])
        assert await cache.get_message(id_of(private)) is None
        channel = await cache.channels.entry(int(text))
        assert channel is not None
        assert channel.payload["name"] == "renamed"
        assert "permissions" not in channel.payload
        assert await cache.channels.entry(5) is None
        member = await cache.members.entry(id_of(guild), id_of(other))
        assert member is not None
        assert member.value is not None
        assert "permissions" not in member.payload
        seen = await cache.get_member(id_of(guild), id_of(guild["members"][2]["user"]))
        assert seen is not None
        assert seen.nickname == "seen"
        assert await cache.entitlements.get(id_of(entitlement)) is not None
    assert not kept(tmp_path, b"t0ps3cr3t")


@proves("INTERACTION_CREATE")
async def test_an_interaction_of_a_user_elsewhere_makes_no_guild(heard: Hearing, guild: Payload) -> None:
    user, message = payloads.user(), payloads.message("5", payloads.user())
    told = interaction({**guild, "id": "5"}, message=message, channel={"id": "5", "type": 0})
    told |= {"member": payloads.member(user), "authorizing_integration_owners": {"1": user["id"]}}
    before = await heard.stored()
    await heard.hear("INTERACTION_CREATE", told)
    after = await heard.stored()
    assert after.keys() - before.keys() == {("users", (id_of(user),))}
    assert await heard.cache.guilds.count() == 1


async def test_a_malformed_interaction_does_not_leave_its_token_anywhere(heard: Hearing, guild: Payload) -> None:
    await heard.hear("INTERACTION_CREATE", interaction(guild, data=7))
    (item,) = heard.cache.quarantine
    assert item.payload is not None
    assert "token" not in item.payload


@proves("MESSAGE_CREATE", "CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE", "CHANNEL_PINS_UPDATE")
async def test_direct_conversations_are_known_by_whom_they_are_with(heard: Hearing, guild: Payload) -> None:
    ann, bob, eve = payloads.user(), payloads.user(), payloads.user()
    message = payloads.message("600", ann)
    await heard.hear("MESSAGE_CREATE", message)
    answer = payloads.message("600", _OWN)
    await heard.hear("MESSAGE_CREATE", answer)
    await heard.hear("CHANNEL_PINS_UPDATE", {"channel_id": "600", "last_pin_timestamp": None})
    await heard.hear("CHANNEL_CREATE", payloads.dm_channel(bob, id="601"))
    await heard.hear("CHANNEL_CREATE", payloads.dm_channel(eve, id="602"))
    gone = payloads.message("602", eve)
    await heard.hear("MESSAGE_CREATE", gone)
    await heard.hear("CHANNEL_DELETE", payloads.dm_channel(eve, id="602"))
    async for cache in heard.answers():
        assert await cache.get_message(id_of(gone)) is None
        assert set(await cache.messages.find(guild=None).ids()) == {id_of(message), id_of(answer)}
        assert await cache.get_dm_channel_id(id_of(ann)) == 600
        assert await cache.get_dm_channel_id(id_of(eve)) is None
        assert dict(await cache.get_dm_channel_ids_view()) == {id_of(ann): 600, id_of(bob): 601}
        found = await cache.dm_channels.get(600)
        assert isinstance(found, hikari.DMChannel)
        assert (found.recipient.id, found.last_message_id) == (id_of(ann), id_of(answer))
    assert id_of(guild)
