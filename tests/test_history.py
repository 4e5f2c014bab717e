"""Messages as they were before they were edited or deleted, if the rules keep that."""

from __future__ import annotations

import datetime
import secrets
import typing

import hikari
import pytest
from fakecord import Payload, payloads
from hearing import Hearing
from raw import lying_in

import persist

GUILD, CHANNEL, MESSAGE = "100000000000000001", "200000000000000001", "300000000000000001"
AUTHOR: typing.Final = payloads.user()


def written(content: str = "first") -> Payload:
    return payloads.message(CHANNEL, AUTHOR, guild_id=GUILD, id=MESSAGE, content=content)


def edited(content: str, second: int) -> Payload:
    at = f"2026-06-01T12:00:{second:02}+00:00"
    return {"id": MESSAGE, "channel_id": CHANNEL, "guild_id": GUILD, "content": content, "edited_timestamp": at}


def deleted() -> Payload:
    return {"id": MESSAGE, "channel_id": CHANNEL, "guild_id": GUILD}


def rules(**others: typing.Any) -> persist.Rules:
    return persist.Rules(**{"messages": persist.Keep(history=True), **others})


KEEPING: typing.Final = rules(messages=persist.Keep(history="keep"))


async def contents(heard: Hearing) -> list[str | None]:
    entries = await heard.cache.messages.history(int(MESSAGE))
    assert all(isinstance(entry.value, hikari.Message) for entry in entries)
    return [entry.value.content for entry in entries if entry.value is not None]


@pytest.mark.parametrize("settled", [True, False], ids=["one by one", "all at once"])
async def test_every_version_is_kept_until_the_message_is_deleted(engine_url: str, *, settled: bool) -> None:
    async with Hearing(engine_url, rules=rules(), settled=settled) as heard:
        await heard.hear("MESSAGE_CREATE", written())
        assert await contents(heard) == []
        await heard.hear("MESSAGE_UPDATE", edited("second", 1))
        await heard.hear("MESSAGE_UPDATE", edited("third", 2))
        # Link previews, pins and reactions make no version.
        await heard.hear("MESSAGE_UPDATE", {**edited("third", 2), "embeds": [payloads.embed()]})
        await heard.hear("MESSAGE_UPDATE", {**deleted(), "pinned": True})
        await heard.hear("MESSAGE_UPDATE", edited("fourth", 3))
        assert await contents(heard) == ["first", "second", "third"]
        message = await heard.cache.get_message(int(MESSAGE))
        assert message is not None
        assert message.content == "fourth"
        await heard.hear("MESSAGE_DELETE", deleted())
        assert await contents(heard) == []


async def test_what_was_deleted_is_kept_where_rules_say_so_explicitly(engine_url: str) -> None:
    async with Hearing(engine_url, rules=KEEPING) as heard:
        await heard.hear("MESSAGE_CREATE", written())
        await heard.hear("MESSAGE_UPDATE", edited("second", 1))
        await heard.hear("MESSAGE_DELETE", deleted())
        assert await heard.cache.get_message(int(MESSAGE)) is None
        assert await contents(heard) == ["first", "second"]
        channel = payloads.text_channel(GUILD, id=CHANNEL)
        other = {**written("other"), "id": "300000000000000002"}
        await heard.hear("MESSAGE_CREATE", other)
        await heard.hear("CHANNEL_DELETE", channel)
        assert [entry.payload["content"] for entry in await heard.cache.messages.history(int(other["id"]))] == ["other"]
        assert await contents(heard) == ["first", "second"]
        await heard.hear("GUILD_DELETE", {"id": GUILD})
        assert await contents(heard) == []


async def test_a_channel_takes_the_history_of_its_messages_along(engine_url: str) -> None:
    async with Hearing(engine_url, rules=rules()) as heard:
        await heard.hear("MESSAGE_CREATE", written())
        await heard.hear("MESSAGE_UPDATE", edited("second", 1))
        assert await contents(heard) == ["first"]
        await heard.hear("CHANNEL_DELETE", payloads.text_channel(GUILD, id=CHANNEL))
        assert await contents(heard) == []


async def test_what_rules_forget_takes_its_history_along(engine_url: str) -> None:
    loud: typing.Any = {"where": {"content": persist.startswith("!")}}
    for history, left in ((True, []), ("keep", ["! first", "! second"])):
        async with Hearing(engine_url, rules=rules(messages=persist.Keep(history=history, **loud))) as heard:
            await heard.hear("MESSAGE_CREATE", written("! first"))
            await heard.hear("MESSAGE_UPDATE", edited("! second", 1))
            await heard.cache.sweep()
            assert await contents(heard) == ["! first"]
            await heard.hear("MESSAGE_UPDATE", edited("quiet", 2))
            assert await heard.cache.get_message(int(MESSAGE)) is None
            await heard.cache.sweep()
            assert await contents(heard) == left


@pytest.mark.filterwarnings("ignore:messages are kept with their history:persist.RulesWarning")
async def test_no_history_is_kept_unless_rules_say_so(sqlite_url: str) -> None:
    for some in (None, rules(message_versions=False)):
        async with Hearing(sqlite_url, rules=some) as heard:
            await heard.hear("MESSAGE_CREATE", written())
            await heard.hear("MESSAGE_UPDATE", edited("second", 1))
            assert await contents(heard) == []


async def test_what_was_kept_goes_with_its_message_when_rules_keep_no_more(engine_url: str) -> None:
    if engine_url == "memory://":
        pytest.skip("What is in memory only is gone after a restart.")
    async with Hearing(engine_url, rules=rules()) as heard:
        await heard.hear("MESSAGE_CREATE", written())
        await heard.hear("MESSAGE_UPDATE", edited("second", 1))
        assert await contents(heard) == ["first"]
        heard._rules = None
        await heard.reopen()
        await heard.hear("MESSAGE_UPDATE", edited("third", 2))
        assert await contents(heard) == ["first"]
        await heard.hear("MESSAGE_DELETE", deleted())
        assert await contents(heard) == []
        await heard.cache.flush()
        assert await contents(heard) == []


@pytest.mark.parametrize("history", [True, "keep"])
async def test_what_was_kept_goes_when_rules_that_keep_none_are_applied(
    engine_url: str, history: typing.Literal[True, "keep"]
) -> None:
    async with Hearing(engine_url, rules=rules(messages=persist.Keep(history=history))) as heard:
        for message in (MESSAGE, "2"):
            await heard.hear("MESSAGE_CREATE", {**written(), "id": message})
            await heard.hear("MESSAGE_UPDATE", {**edited("second", 1), "id": message})
        await heard.hear("MESSAGE_DELETE", deleted())
        cache, left = heard.cache, 3 if history == "keep" else 1
        assert (await cache.apply_rules(persist.Rules(), dry_run=True)).forgotten == {"message_versions": left}
        assert (await cache.apply_rules(persist.Rules())).forgotten == {"message_versions": left}
        assert {key: kind for kind, key in await heard.stored() if kind in ("messages", "message_versions")} == {
            (2,): "messages"
        }
        assert (await cache.apply_rules(persist.Rules())).forgotten == {}


async def test_history_has_a_retention_of_its_own(engine_url: str) -> None:
    now = datetime.datetime.now(datetime.UTC)
    keeping = rules(message_versions=persist.Keep(max_age=3600))
    async with Hearing(engine_url, rules=keeping, clock=lambda: now) as heard:
        await heard.hear("MESSAGE_CREATE", written())
        await heard.hear("MESSAGE_UPDATE", edited("second", 1))
        assert await heard.cache.sweep() == {}
        now += datetime.timedelta(hours=2)
        assert await heard.cache.sweep() == {"message_versions": 1}
        assert await contents(heard) == []
        assert await heard.cache.get_message(int(MESSAGE)) is not None


async def test_history_is_erased_with_the_person(engine_url: str) -> None:
    needle = secrets.token_hex(8)
    async with Hearing(engine_url, rules=KEEPING) as heard:
        await heard.hear("MESSAGE_CREATE", written(needle))
        await heard.hear("MESSAGE_UPDATE", edited("second", 1))
        await heard.hear("MESSAGE_DELETE", deleted())
        await heard.cache.flush()
        assert needle in await lying_in(heard)
        receipt = await heard.cache.erase_user(int(AUTHOR["id"]))
        assert receipt.erased["message_versions"] == 2
        assert needle not in await lying_in(heard)
        assert await contents(heard) == []


async def test_an_edit_at_no_moment_changes_nothing(sqlite_url: str) -> None:
    bounded = rules(messages=persist.Keep(history=True, max_per_channel=5))
    async with Hearing(sqlite_url, rules=bounded) as heard:
        await heard.hear("MESSAGE_CREATE", written())
        await heard.cache.sweep()
        await heard.hear("MESSAGE_UPDATE", {**edited("second", 1), "edited_timestamp": "yesterday"})
        await heard.hear("MESSAGE_CREATE", {**written(), "id": "300000000000000002", "channel_id": "nowhere"})
        message = await heard.cache.get_message(int(MESSAGE))
        assert message is not None
        assert message.content == "first"
        assert {item.what for item in heard.cache.quarantine} >= {"MESSAGE_UPDATE"}


def test_only_messages_have_a_history() -> None:
    with pytest.raises(persist.QueryError, match="roles have no history"):
        persist.Rules(roles=persist.Keep(history=True))
    with pytest.raises(persist.QueryError, match="history must be True, False or"):
        persist.Keep(history=typing.cast("typing.Any", "yes"))
