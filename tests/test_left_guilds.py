"""Data of a guild that the bot is not in is deleted, however it got there."""

from __future__ import annotations

import pytest
from fakecord import Payload, payloads
from hearing import ME, Hearing, proves, ready
from test_events_kinds import interaction

import persist

ALL_AND_NO_GUILDS = pytest.mark.parametrize("rules", [None, persist.Rules(guilds=False)], ids=["all", "no guilds"])


def a_guild() -> Payload:
    return payloads.guild(own_user=payloads.own_user(id=ME), members=3)


def said_in(guild: Payload) -> Payload:
    author = payloads.user()
    place = guild["channels"][0]["id"]
    return payloads.message(
        place, author, guild_id=guild["id"], member=payloads.partial_member(payloads.member(author))
    )


@ALL_AND_NO_GUILDS
async def test_what_is_told_of_a_guild_that_was_left_goes(engine_url: str, rules: persist.Rules | None) -> None:
    here, left, elsewhere = a_guild(), a_guild(), a_guild()
    async with Hearing(engine_url, rules=rules) as heard:
        await heard.ready(here, left)
        await heard.hear("GUILD_DELETE", {"id": left["id"]})
        late = {"guild_id": left["id"], "members": left["members"][:1], "chunk_index": 0, "chunk_count": 1}
        await heard.hear("GUILD_MEMBERS_CHUNK", late)
        await heard.hear("MESSAGE_CREATE", said_in(elsewhere))
        before = await heard.stored(int(here["id"]))
        assert await heard.cache.sweep() == {"members": 2, "messages": 1}
        assert await heard.cache.messages.count() == 0
        assert await heard.stored(int(here["id"])) == before
        assert await heard.cache.sweep() == {}


@proves("READY")
@ALL_AND_NO_GUILDS
async def test_a_guild_that_was_left_while_nobody_heard_goes(engine_url: str, rules: persist.Rules | None) -> None:
    here, left = a_guild(), a_guild()
    async with Hearing(engine_url, rules=rules) as heard:
        await heard.ready(here, left)
        await heard.hear("MESSAGE_CREATE", said_in(left))
        await heard.hear("READY", ready(here))
        await heard.cache.sweep()
        assert await heard.stored(int(left["id"])) == {}
        assert await heard.cache.members.count(guild=int(here["id"])) == 3


async def test_a_guild_of_another_shard_stays(engine_url: str) -> None:
    here, there = ({**a_guild(), "id": str(number << 22)} for number in (2, 3))
    async with Hearing(engine_url, shards=2) as heard:
        await heard.ready(here, shard=0)
        await heard.hear("GUILD_CREATE", there, shard=1)  # this shard's READY has not arrived yet
        assert await heard.cache.sweep() == {}
        await heard.hear("READY", ready(), shard=1)
        await heard.cache.sweep()
        assert await heard.cache.members.count() == 3


@proves("INTERACTION_CREATE")
async def test_a_guild_that_only_installed_commands_is_not_remembered(engine_url: str) -> None:
    here, commands_only = a_guild(), a_guild()
    async with Hearing(engine_url) as heard:
        await heard.ready(here)
        await heard.hear("INTERACTION_CREATE", interaction(commands_only, message=said_in(commands_only)))
        assert await heard.stored(int(commands_only["id"])) == {}
        await heard.hear("GUILD_CREATE", commands_only)
        await heard.hear("INTERACTION_CREATE", interaction(commands_only, message=said_in(commands_only)))
        assert await heard.cache.messages.count() == 1
