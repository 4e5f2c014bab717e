"""Every row of the table of events has a proof, and events without a row are counted."""

from __future__ import annotations

import importlib

import pytest
from fakecord import Payload, payloads
from hearing import ME, PROVEN, Hearing, proves

from persist.entities import ENTITIES
from persist.events import EVENTS

_PROOFS = (
    *("test_events_guilds", "test_events_channels", "test_events_members", "test_events_messages"),
    *("test_events_counts", "test_events_kinds"),
)

_TRACELESS = {
    "VOICE_SERVER_UPDATE": {"token": "a secret", "guild_id": "1", "endpoint": "voice.example:443"},
    "VOICE_CHANNEL_EFFECT_SEND": {"channel_id": "2", "guild_id": "1", "user_id": "3", "animation_id": 4},
    "RATE_LIMITED": {"opcode": 8, "retry_after": 12.5, "meta": {"guild_id": "1", "nonce": "n"}},
    "WEBHOOKS_UPDATE": {"guild_id": "1", "channel_id": "2"},
    "GUILD_INTEGRATIONS_UPDATE": {"guild_id": "1"},
}


def test_every_row_of_the_table_has_a_proof() -> None:
    for module in _PROOFS:
        importlib.import_module(module)
    assert EVENTS.keys() - PROVEN == set()
    assert PROVEN - EVENTS.keys() == set()


def test_every_row_says_what_it_does() -> None:
    assert all(row.about.endswith(".") for row in EVENTS.values())
    assert all(entity.about.endswith(".") for entity in ENTITIES.values())


@proves(*_TRACELESS)
@pytest.mark.parametrize("name", _TRACELESS)
async def test_some_events_leave_no_trace(heard: Hearing, guild: Payload, name: str) -> None:
    before = await heard.stored()
    await heard.hear(name, {**_TRACELESS[name], "guild_id": guild["id"]})
    assert await heard.stored() == before
    assert "a secret" not in str(before)
    assert heard.cache.gauges.received[name] == 1
    assert heard.cache.gauges.unknown[name] == 0
    assert heard.cache.quarantine == ()


async def test_events_that_nobody_knows_are_counted_and_passed(heard: Hearing, guild: Payload) -> None:
    before = await heard.stored()
    for _ in range(2):
        await heard.hear("A_THING_FROM_THE_FUTURE", {"id": guild["id"], "guild_id": guild["id"]})
    await heard.hear("GUILD_MEMBER_ADD", {**payloads.member(payloads.user(id="77")), "guild_id": guild["id"]})
    async for cache in heard.answers():
        assert await cache.get_member(int(guild["id"]), 77) is not None
        if cache.gauges.received:
            assert cache.gauges.unknown == {"A_THING_FROM_THE_FUTURE": 2}
    assert {place for place in await heard.stored() if 77 not in place[1]} == set(before)


async def test_what_is_heard_is_known_to_be_of_this_session_and_shard(heard: Hearing, guild: Payload) -> None:
    for _ in range(2):
        entry = await heard.cache.members.entry(int(guild["id"]), int(ME))
        assert entry is not None
        assert (entry.source, entry.shard, entry.verified) == ("gateway", 0, True)
        await heard.cache.flush()
    await heard.reopen()
    entry = await heard.cache.members.entry(int(guild["id"]), int(ME))
    assert entry is not None
    assert (entry.verified, entry.revision) == (False, 1)
