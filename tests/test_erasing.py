"""An erased person is gone from every table, every file and every payload of others, and does not come back."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import dataclasses
import datetime
import json
import pathlib
import secrets
import typing
from collections.abc import AsyncIterator

import hikari
import pytest
from fakecord import Payload, payloads
from hearing import ME, Hearing
from raw import lying_in, store_in

import persist
from persist.entities import ENTITIES, ERASURE_KEYS, SUPPRESSIONS
from persist.erasing import alone
from persist.plugins import open_store
from persist.scrubbing import DELETED_USER, scrubbed
from persist.spi import Select

OTHERS: typing.Final = (
    *("messages", "threads", "channels", "invites", "scheduled_events"),
    *("emojis", "webhooks", "auto_mod_rules"),
)
"""Kinds of other people's objects that name the person."""


class World(typing.NamedTuple):
    """A guild with a person who will be erased, and another who will not."""

    guild: Payload
    person: Payload
    other: Payload
    dm: str
    needles: tuple[str, ...]


@pytest.fixture
async def spoken(engine_url: str) -> AsyncIterator[Hearing]:
    rules = persist.Rules(on=frozenset({"audit_log_entries", "auto_mod_executions"}))
    async with Hearing(engine_url, rules=rules, search={"messages", "members", "users"}) as heard:
        yield heard


async def told(heard: Hearing) -> World:
    """Send a bot data about somebody in every possible way."""
    needle = secrets.token_hex(8)
    person = payloads.user(username=f"u{needle}", global_name=f"g{needle}", avatar=f"a{needle}")
    other = payloads.user()
    guild = payloads.guild(own_user=payloads.own_user(id=ME), members=3, threads=1, voice_states=0)
    world = World(guild, person, other, payloads.snowflake(), (needle, person["id"]))
    await heard.ready(guild)
    for name, payload in _happenings(world, needle):
        await heard.hear(name, payload)
    for kind, payload, guild_id in _told_by_rest(world, needle):
        heard.tell(kind, payload, guild_id)
    await heard.cache.flush()
    assert heard.cache.quarantine == ()
    return world


def _happenings(world: World, needle: str) -> typing.Iterator[tuple[str, Payload]]:
    guild, person, other = world.guild, world.person, world.other
    where = {"guild_id": guild["id"]}
    text = next(channel for channel in guild["channels"] if channel["type"] == 0)
    voice = next(channel["id"] for channel in guild["channels"] if channel["type"] == 2)
    member = payloads.member(person, nick=f"n{needle}")
    yield "GUILD_MEMBER_ADD", {**member, **where}
    yield "GUILD_MEMBER_ADD", {**payloads.member(other), **where}
    yield (
        "PRESENCE_UPDATE",
        {**payloads.presence(person["id"], activities=[payloads.activity(state=needle)]), **where},
    )
    yield "VOICE_STATE_UPDATE", {**payloads.voice_state(person["id"], voice), **where, "member": member}
    yield from _messages(world, needle, text["id"], member)
    thread = payloads.thread(guild["id"], text["id"], person["id"])
    yield "THREAD_CREATE", thread
    joined = {**payloads.thread_member(thread["id"], person["id"]), "member": member}
    yield (
        "THREAD_MEMBERS_UPDATE",
        {"id": thread["id"], **where, "member_count": 2, "added_members": [joined]},
    )
    allowed = [*text["permission_overwrites"], payloads.overwrite(person["id"], 1)]
    yield "CHANNEL_UPDATE", {**text, **where, "permission_overwrites": allowed}
    yield "INVITE_CREATE", payloads.invite(guild["id"], text["id"], person)
    yield (
        "INVITE_CREATE",
        payloads.invite(guild["id"], text["id"], other, code="abc", target_type=1, target_user=person),
    )
    yield "GUILD_SCHEDULED_EVENT_CREATE", payloads.scheduled_event(guild["id"], voice, person)
    yield (
        "GUILD_AUDIT_LOG_ENTRY_CREATE",
        payloads.audit_log_entry(guild["id"], person["id"], other["id"], reason=needle),
    )
    yield "GUILD_AUDIT_LOG_ENTRY_CREATE", payloads.audit_log_entry(guild["id"], other["id"], person["id"])
    yield "AUTO_MODERATION_RULE_CREATE", payloads.auto_mod_rule(guild["id"], person["id"])
    yield "INTEGRATION_CREATE", payloads.integration(guild["id"], user=person, account={"id": "1", "name": needle})
    yield "ENTITLEMENT_CREATE", payloads.entitlement(ME, person["id"])
    yield "GUILD_EMOJIS_UPDATE", {**where, "emojis": [*guild["emojis"], payloads.emoji(user=person)]}
    permission = [{"id": person["id"], "type": 2, "permission": True}]
    yield (
        "APPLICATION_COMMAND_PERMISSIONS_UPDATE",
        {"id": payloads.snowflake(), "application_id": ME, **where, "permissions": permission},
    )


def _messages(world: World, needle: str, channel: str, member: Payload) -> typing.Iterator[tuple[str, Payload]]:
    guild, person, other = world.guild["id"], world.person, world.other
    own = payloads.message(channel, person, guild_id=guild, member=member, content=f"I said {needle}")
    yield "MESSAGE_CREATE", own
    said = f"<@{person['id']}> and <@!{person['id']}>, hello; see https://cdn/avatars/{person['id']}/x.png"
    mentions = [{**person, "member": payloads.partial_member(member)}, other]
    yield (
        "MESSAGE_CREATE",
        payloads.message(channel, other, guild_id=guild, id="7100000000000000001", content=said)
        | {"mentions": mentions},
    )
    yield "MESSAGE_CREATE", payloads.message(channel, other, guild_id=guild, **payloads.reply_to(own, guild))
    forward = {"type": 1, "message_id": own["id"], "channel_id": channel}
    snapshot = {"message": {"content": own["content"], "mentions": [], "type": 0, "flags": 0}}
    yield (
        "MESSAGE_CREATE",
        payloads.message(
            channel, other, guild_id=guild, content="", message_reference=forward, message_snapshots=[snapshot]
        ),
    )
    used = {"id": payloads.snowflake(), "type": 2, "user": person, "name": "hello", "command_type": 1}
    yield (
        "MESSAGE_CREATE",
        payloads.message(
            *(channel, payloads.own_user(id=ME)),
            guild_id=guild,
            application_id=ME,
            type=20,
            interaction_metadata={**used, "authorizing_integration_owners": {"0": guild}},
            interaction={**used, "member": payloads.partial_member(member)},
        ),
    )
    yield "MESSAGE_CREATE", payloads.message(world.dm, person, content=needle)
    yield "MESSAGE_CREATE", payloads.message(world.dm, payloads.own_user(id=ME), content=f"you said {needle}")
    react = {"user_id": person["id"], "channel_id": channel, "message_id": "7100000000000000001", "guild_id": guild}
    yield "MESSAGE_REACTION_ADD", {**react, "emoji": {"id": None, "name": "x"}, "member": member}


def _told_by_rest(world: World, needle: str) -> typing.Iterator[tuple[str, Payload, int | None]]:
    guild, person = int(world.guild["id"]), world.person
    channel = world.guild["channels"][1]["id"]
    yield "bans", payloads.ban(person, needle), guild
    hook = payloads.webhook(world.guild["id"], channel, person)
    yield "webhooks", hook, guild
    event = {"guild_scheduled_event_id": payloads.snowflake(), "user_id": person["id"], "user": person}
    yield "scheduled_event_users", event, guild
    yield "subscriptions", payloads.subscription(person["id"]), None


async def test_nothing_of_an_erased_person_is_left_anywhere(spoken: Hearing) -> None:
    world = await told(spoken)
    before = await lying_in(spoken)
    assert all(needle in before for needle in world.needles)
    receipt = await spoken.cache.erase_user(int(world.person["id"]))
    after = await lying_in(spoken)
    assert not [needle for needle in world.needles if needle in after]
    assert not [needle for needle in world.needles if needle in repr(receipt)]
    own = ("users", "members", "presences", "voice_states", "messages", "dm_channels", "bans", "thread_members")
    assert {name: receipt.erased.get(name) for name in own} == dict.fromkeys(own, 1) | {"messages": 3}
    assert all(receipt.anonymised.get(name) for name in OTHERS)
    assert receipt.purged is spoken.url.startswith(("sqlite", "memory"))
    assert spoken.cache.quarantine == ()


async def test_what_others_said_stays_and_hikari_can_read_it(spoken: Hearing) -> None:
    world = await told(spoken)
    kinds = {name: await count(spoken, name) for name in ENTITIES}
    readable = {name: await read(spoken, name) for name in OTHERS}
    receipt = await spoken.cache.erase_user(int(world.person["id"]))
    left = {name: kinds[name] - receipt.erased.get(name, 0) for name in ENTITIES}
    left["erasure_keys"], left["suppressions"] = 1, 2
    assert {name: await count(spoken, name) for name in ENTITIES} == left
    message = await spoken.cache.get_message(7100000000000000001)
    assert message is not None
    deleted = f"<@{DELETED_USER}>"
    assert message.content == f"{deleted} and <@!{DELETED_USER}>, hello; see https://cdn/avatars/{DELETED_USER}/x.png"
    assert {str(user) for user in message.user_mentions_ids or ()} == {DELETED_USER, world.other["id"]}
    readable = {name: number - receipt.erased.get(name, 0) for name, number in readable.items()}
    assert {name: await read(spoken, name) for name in OTHERS} == readable


async def read(heard: Hearing, name: str) -> int:
    return len([item async for item in getattr(heard.cache, name).find()])


async def count(heard: Hearing, name: str) -> int:
    await heard.cache.flush()
    return (await store_in(heard).select(Select(ENTITIES[name], want="count"))).count


async def test_who_was_erased_does_not_come_back_before_being_forgiven(spoken: Hearing) -> None:
    world = await told(spoken)
    person = int(world.person["id"])
    await spoken.cache.erase_user(person)
    for _ in range(2):
        for name, payload in _happenings(world, world.needles[0]):
            if "message_snapshots" not in payload:  # new forwards do not say whose words they contain
                await spoken.hear(name, copy.deepcopy(payload))
        await spoken.cache.flush()
        after = await lying_in(spoken)
        assert not [needle for needle in world.needles if needle in after]
        assert await spoken.cache.get_user(person) is None
        assert spoken.cache.gauges.suppressed > 0
        if spoken.url != "memory://":
            await spoken.reopen()  # the list is read again
            spoken.consume("READY", {"user": payloads.own_user(id=ME), "guilds": [{"id": world.guild["id"]}]})
    assert await spoken.cache.forgive_user(person) is True
    assert await spoken.cache.forgive_user(person) is False
    assert await count(spoken, "suppressions") == 0
    await spoken.hear("GUILD_MEMBER_ADD", {**payloads.member(world.person), "guild_id": world.guild["id"]})
    assert await spoken.cache.get_user(person) is not None


async def test_a_guild_is_erased_and_not_heard_of_again(spoken: Hearing) -> None:
    world = await told(spoken)
    guild = int(world.guild["id"])
    message = payloads.message(payloads.snowflake(), world.other, guild_id=payloads.snowflake())
    reference = {"type": 0, "message_id": "1", "channel_id": "2", "guild_id": world.guild["id"]}
    await spoken.hear("MESSAGE_CREATE", {**message, "message_reference": reference})
    receipt = await spoken.cache.erase_guild(guild)
    assert receipt.kind == "guild"
    assert receipt.erased["guilds"] == 1
    assert receipt.erased["channels"] == len(world.guild["channels"])
    assert world.guild["id"] not in await lying_in(spoken)
    assert await spoken.cache.get_message(int(message["id"])) is not None
    await spoken.hear("GUILD_CREATE", world.guild)
    assert await spoken.cache.get_guild(guild) is None
    assert world.guild["id"] not in await lying_in(spoken)
    assert await spoken.cache.forgive_guild(guild) is True
    await spoken.hear("GUILD_CREATE", world.guild)
    assert await spoken.cache.get_guild(guild) is not None


async def test_rules_do_not_know_a_guild_that_is_erased(sqlite_url: str) -> None:
    guild = payloads.guild(own_user=payloads.own_user(id=ME), members=3)
    text = next(channel for channel in guild["channels"] if channel["type"] == 0)
    said = payloads.message(text["id"], guild["members"][1]["user"], guild_id=guild["id"])
    rules = persist.Rules(guilds=persist.Keep(where={"name": guild["name"]}))
    async with Hearing(sqlite_url, rules=rules) as heard:
        await heard.ready(guild)
        await heard.cache.erase_guild(int(guild["id"]))
        await heard.hear("GUILD_UPDATE", {**guild, "name": guild["name"]})
        await heard.hear("GUILD_CREATE", guild)
        assert await heard.cache.forgive_guild(int(guild["id"]))
        await heard.hear("MESSAGE_CREATE", said)
        assert await heard.cache.messages.count() == 0  # the guild is not known again yet
        await heard.hear("GUILD_CREATE", guild)
        await heard.hear("MESSAGE_CREATE", said)
        assert await heard.cache.messages.count() == 1


async def test_rules_do_not_know_who_is_erased(sqlite_url: str) -> None:
    guild = payloads.guild(own_user=payloads.own_user(id=ME), members=3)
    owner = int(guild["members"][2]["user"]["id"])
    guild["owner_id"] = str(owner)
    asked: list[int] = []
    rules = persist.Rules(guilds=persist.Keep(predicate=lambda guild: bool(asked.append(guild.owner_id)) or True))
    async with Hearing(sqlite_url, rules=rules) as heard:
        await heard.ready(guild)
        assert {*asked} == {owner}
        await heard.cache.erase_user(owner)
        asked.clear()
        await heard.hear("TYPING_START", _typing(guild))
        await heard.cache.flush()
        assert {*asked} == {int(DELETED_USER)}


def _typing(guild: Payload) -> Payload:
    where = {"guild_id": guild["id"], "channel_id": guild["channels"][1]["id"]}
    return {**where, "user_id": guild["members"][1]["user"]["id"], "timestamp": 1, "member": guild["members"][1]}


async def test_a_receipt_proves_itself_and_tells_nothing(spoken: Hearing) -> None:
    world = await told(spoken)
    receipt = await spoken.cache.erase_user(int(world.person["id"]))
    assert await spoken.cache.verify_receipt(receipt)
    said = json.loads(json.dumps(receipt.as_dict()))
    again = persist.Receipt.from_dict(said)
    assert again == receipt
    assert again.began <= again.ended <= datetime.datetime.now(datetime.UTC)
    assert await spoken.cache.verify_receipt(again)
    for wrong in ("yesterday", "2026-01-31 12:00:00", 5):
        with pytest.raises(persist.QueryError, match="'ended' of a receipt must be a time in ISO 8601"):
            persist.Receipt.from_dict({**said, "ended": wrong})
    assert not await spoken.cache.verify_receipt(dataclasses.replace(receipt, erased={"users": 5}))
    assert not await spoken.cache.verify_receipt(dataclasses.replace(receipt, key_id="x"))
    keys = (await store_in(spoken).select(Select(ERASURE_KEYS))).records
    (listed,) = [
        record.payload
        for record in (await store_in(spoken).select(Select(SUPPRESSIONS))).records
        if record.payload["kind"] == "user"
    ]
    assert (listed["hash"], listed["key_id"], listed["done"]) == (receipt.subject, keys[0].key[0], True)
    second = await spoken.cache.erase_user(int(world.person["id"]))
    assert (second.subject, dict(second.erased)) == (receipt.subject, {})


async def test_a_bot_learns_whom_another_process_has_erased(spoken: Hearing) -> None:
    if spoken.url == "memory://":
        pytest.skip("What is in memory has one process.")
    world = await told(spoken)
    person = int(world.person["id"])
    (said, *_) = await spoken.cache.messages.find(author=person).ids()
    assert await spoken.cache.get_message(said) is not None
    store = open_store(spoken.url)
    await store.open()
    async with alone(store) as eraser:
        await eraser.erase("user", person)
    await store.close()
    await spoken.hear("GUILD_MEMBER_ADD", {**payloads.member(world.person), "guild_id": world.guild["id"]})
    assert await spoken.cache.get_user(person) is not None  # it does not know of the erasure
    assert spoken.cache._engine is not None
    await spoken.cache._engine.eraser.catch_up()
    after = await lying_in(spoken)
    assert not [needle for needle in world.needles if needle in after]
    assert await spoken.cache.get_message(said) is None
    await spoken.hear("GUILD_MEMBER_ADD", {**payloads.member(world.person), "guild_id": world.guild["id"]})
    assert await spoken.cache.get_user(person) is None


async def test_what_another_wrote_before_it_learned_of_an_erasure_goes_at_its_next_start(spoken: Hearing) -> None:
    if spoken.url == "memory://":
        pytest.skip("What is in memory has one process.")
    world = await told(spoken)
    person = int(world.person["id"])
    store = open_store(spoken.url)
    await store.open()
    async with alone(store) as eraser:
        await eraser.erase("user", person)
    await store.close()
    await spoken.hear("GUILD_MEMBER_ADD", {**payloads.member(world.person), "guild_id": world.guild["id"]})
    await spoken.reopen()  # it does not know of the erasure
    assert spoken.cache._engine is not None
    await spoken.cache._engine.eraser.catch_up()
    assert await spoken.cache.get_user(person) is None
    assert world.needles[0] not in await lying_in(spoken)


@pytest.mark.parametrize("turns", [1, 5, 20, 60, 200])
async def test_an_erasure_that_is_interrupted_is_finished_by_the_next_start(sqlite_url: str, turns: int) -> None:
    async with Hearing(sqlite_url) as heard:
        world = await told(heard)
        person = int(world.person["id"])
        erasing = asyncio.create_task(heard.cache.erase_user(person))
        for _ in range(turns):
            await asyncio.sleep(0)
        erasing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await erasing
    async with Hearing(sqlite_url) as again:
        assert again.cache._engine is not None
        await again.cache._engine.eraser.catch_up()
        suppressed = await again.cache._engine.store.select(Select(SUPPRESSIONS))
        if not suppressed.records:  # the erasure had not begun
            await again.cache.erase_user(person)
        assert await again.cache.messages.find(author=person).count() == 0
        assert await again.cache.get_user(person) is None
        assert await again.cache.get_member(int(world.guild["id"]), person) is None
        await again.hear("GUILD_MEMBER_ADD", {**payloads.member(world.person), "guild_id": world.guild["id"]})
        assert await again.cache.get_user(person) is None


async def test_a_person_gets_everything_and_nothing_of_others(spoken: Hearing, tmp_path: pathlib.Path) -> None:
    world = await told(spoken)
    secret = await spoken.cache.messages.get(7100000000000000001)
    assert secret is not None
    export = await spoken.cache.export_user(int(world.person["id"]), tmp_path / "person.jsonl")
    lines = [json.loads(line) for line in export.path.read_text().splitlines()]
    own = [line for line in lines if line["relation"] == "own"]
    assert len(own) == sum(export.own.values())
    assert {line["payload"]["content"] for line in own if line["kind"] == "messages"} == {
        f"I said {world.needles[0]}",
        world.needles[0],
    }
    named = [line for line in lines if line["relation"] == "named"]
    assert ["messages", [7100000000000000001]] in [[line["kind"], line["key"]] for line in named]
    assert not any("payload" in line for line in named)
    assert f"Your own: {len(own)}" in export.summary.read_text()
    with pytest.raises(persist.PersistError, match="there is no folder"):
        await spoken.cache.export_user(int(world.person["id"]), tmp_path / "no" / "person.jsonl")


async def test_what_waits_in_the_journal_and_in_quarantine_goes_too(sqlite_url: str) -> None:
    async with Hearing(sqlite_url) as heard:
        person = payloads.user()
        guild = payloads.guild(own_user=payloads.own_user(id=ME), members=1)
        await heard.ready(guild)
        await heard.hear("GUILD_MEMBER_ADD", {**payloads.member(person), "guild_id": guild["id"]})
        await heard.hear("MESSAGE_CREATE", {"id": "no message", "author": person})
        assert len(heard.cache.quarantine) == 1
        await heard.cache.erase_user(int(person["id"]))
        assert heard.cache.quarantine == ()
        assert await heard.cache.get_user(int(person["id"])) is None
        assert person["id"] not in await lying_in(heard)


async def test_what_cannot_be_used_is_not_kept_of_who_is_erased(
    sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with Hearing(sqlite_url) as heard:
        person, guild = payloads.user(), payloads.guild(own_user=payloads.own_user(id=ME), members=1)
        await heard.ready(guild)
        said = payloads.message(guild["channels"][1]["id"], person, guild_id=guild["id"], content="secret")
        await heard.hear("MESSAGE_CREATE", said)
        await heard.hear("MESSAGE_UPDATE", {**said, "content": ["secret"]})
        await heard.cache.flush()
        assert [item.payload and item.payload["content"] for item in heard.cache.quarantine] == [["secret"]]
        await heard.cache.erase_user(int(person["id"]))
        assert heard.cache.quarantine == ()
        caplog.clear()
        await heard.hear("MESSAGE_CREATE", {**said, "id": "secret"})
        deep: Payload = {}
        for _ in range(10_000):
            deep = {"inside": deep}
        heard.consume("MESSAGE_CREATE", {**deep, "id": "secret"})
        assert [item.payload for item in heard.cache.quarantine] == [None, None]
        assert heard.cache.gauges.quarantined["MESSAGE_CREATE"] == 2
        assert "secret" not in repr(heard.cache.quarantine) + caplog.text


async def test_what_is_no_person_is_not_erased_as_one(engine_url: str) -> None:
    guild = payloads.guild(own_user=payloads.own_user(id=ME), members=3, threads=1)
    async with Hearing(engine_url) as heard:
        await heard.ready(guild)
        message = payloads.message(guild["channels"][0]["id"], payloads.user(), guild_id=guild["id"])
        await heard.hear("MESSAGE_CREATE", message)
        before = await heard.stored()
        for other in (guild, guild["channels"][0], guild["threads"][0], guild["roles"][-1], message):
            with pytest.raises(persist.QueryError, match=f"{other['id']} is the id of one of the .* not of a user"):
                await heard.cache.erase_user(int(other["id"]))
        with pytest.raises(persist.QueryError, match=r"one of the users, not of a guild; nothing was erased"):
            await heard.cache.erase_guild(int(guild["members"][0]["user"]["id"]))
        assert await heard.stored() == before


async def test_who_is_forgiven_is_missed_where_all_members_were_known(sqlite_url: str) -> None:
    guild = payloads.guild(own_user=payloads.own_user(id=ME), members=3)
    person, guild_id = int(guild["members"][0]["user"]["id"]), int(guild["id"])
    async with Hearing(sqlite_url) as heard:
        await heard.ready(guild)
        await heard.cache.erase_user(person)
        assert (await heard.cache.completeness(guild_id, persist.MEMBERS)).is_complete  # everything that may be stored
        assert await heard.cache.forgive_user(person)
        assert (await heard.cache.completeness(guild_id, persist.MEMBERS)).state == "partial"


async def test_what_cannot_be_erased_is_said(sqlite_url: str) -> None:
    async with Hearing(sqlite_url) as heard:
        await heard.ready()
        with pytest.raises(persist.QueryError, match="the bot's own user cannot be erased"):
            await heard.cache.erase_user(int(ME))
        wrong: typing.Any = "somebody"
        with pytest.raises(persist.QueryError, match="the user must be an id"):
            await heard.cache.erase_user(wrong)
        with pytest.raises(persist.QueryError, match="receipt must be what erase_user"):
            await heard.cache.verify_receipt(wrong)
        with pytest.raises(persist.QueryError, match="path must be a str or a path object"):
            await heard.cache.export_user(5, typing.cast("typing.Any", 7))
    with pytest.raises(persist.CacheClosedError):
        await heard.cache.erase_user(5)


def test_a_walk_changes_nothing_that_names_nobody() -> None:
    message = payloads.message(payloads.snowflake(), payloads.user(), rich=True)
    assert scrubbed(message, {payloads.snowflake(): DELETED_USER}.get) is message


def test_a_walk_reaches_every_place() -> None:
    person, other = payloads.user(), payloads.user()
    who = person["id"]
    payload = {
        "author": other,
        "member": {"nick": "other"},
        "mentions": [person, other],
        "resolved": {"users": {who: person}, "members": {who: {"nick": "x"}, other["id"]: {"nick": "y"}}},
        "referenced_message": payloads.message("1", person),
        "call": {"participants": [who, other["id"]]},
        "content": f"{who}: <@{who}>, {who}5 is no id of theirs",
        "overwrites": [payloads.overwrite(who, 1), payloads.overwrite("5")],
        "thread": {"id": "5", "owner_id": who, "member": {"user_id": ME, "id": "5"}},
        "permissions": "8",
    }
    stand_in = {"id": DELETED_USER, "username": "Deleted User", "discriminator": "0000"}
    stand_in |= {"global_name": None, "avatar": None, "public_flags": 0}
    assert scrubbed(payload, {who: DELETED_USER}.get) == {
        "author": other,
        "member": {"nick": "other"},
        "mentions": [stand_in, other],
        "resolved": {"users": {DELETED_USER: stand_in}, "members": {other["id"]: {"nick": "y"}}},
        "call": {"participants": [DELETED_USER, other["id"]]},
        "content": f"{DELETED_USER}: <@{DELETED_USER}>, {who}5 is no id of theirs",
        "overwrites": [payloads.overwrite("5")],
        "thread": {"id": "5", "owner_id": DELETED_USER, "member": {"user_id": ME, "id": "5"}},
        "permissions": "8",
    }


def test_the_stand_in_is_a_user_that_hikari_reads(sqlite_url: str) -> None:
    bot = Hearing(sqlite_url).bot
    person = payloads.user()
    (anonymous,) = scrubbed({"mentions": [person]}, {person["id"]: DELETED_USER}.get)["mentions"]
    user = bot.entity_factory.deserialize_user(anonymous)
    assert (str(user.id), user.username) == (DELETED_USER, "Deleted User")
    assert isinstance(user, hikari.User)
