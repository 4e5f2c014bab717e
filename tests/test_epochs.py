"""What belongs to one gateway session ends with it, and shards leave each other's guilds alone."""

from __future__ import annotations

import asyncio
import pathlib
import signal
import typing

import bots
import pytest
from fakecord import FakeDiscord, Payload, payloads
from hearing import ME, Hearing, ready

import persist
from persist.errors import QueryError

_OWN: typing.Final = payloads.own_user(id=ME)


def guild_on(shard: int, number: int) -> Payload:
    """Make a guild whose id belongs to one of two shards."""
    return payloads.guild(id=str((2000 + 2 * number + shard) << 22), own_user=_OWN, members=3)


async def test_what_is_ephemeral_is_not_told_after_a_restart(heard: Hearing, guild: Payload) -> None:
    guild_id, user = int(guild["id"]), int(guild["owner_id"])
    assert await heard.cache.get_presence(guild_id, user) is not None
    assert await heard.cache.voice_states.count() == len(guild["voice_states"])
    await heard.reopen()
    cache = heard.cache
    assert await cache.get_presence(guild_id, user) is None
    assert await cache.get_voice_state(guild_id, user) is None
    assert await cache.presences.get_many(guild_id, [user]) == []
    assert await cache.voice_states.find() == []
    assert await cache.presences.count() == 0
    assert await cache.get_member(guild_id, user) is not None
    await heard.ready(guild)
    assert await cache.get_presence(guild_id, user) is not None
    assert await cache.presences.count() == len(guild["presences"])


async def test_another_number_of_shards_forgets_nothing_before_all_are_ready(sqlite_url: str) -> None:
    gone, kept, lost, other = guild_on(0, 0), guild_on(0, 1), guild_on(1, 0), guild_on(1, 1)
    async with Hearing(sqlite_url) as one:
        await one.ready(gone, kept, lost, other)
    async with Hearing(sqlite_url, shards=2) as two:
        await two.hear("READY", ready(kept))
        new = guild_on(0, 2)
        await two.hear("GUILD_CREATE", new)
        await two.cache.sweep()
        assert await two.cache.guilds.count() == 5
        await two.hear("READY", ready(other), shard=1)
        assert {int(guild) for guild in await two.cache.get_guilds_view()} == {
            int(guild["id"]) for guild in (kept, other, new)
        }
        assert await two.cache.members.count(guild_id=int(gone["id"])) == 0
        assert await two.cache.members.count(guild_id=int(kept["id"])) == 3
    async with Hearing(sqlite_url, shards=2) as again:
        await again.hear("READY", ready(kept))
        assert {int(guild) for guild in await again.cache.get_guilds_view()} == {int(kept["id"]), int(other["id"])}


@pytest.mark.parametrize("members", ["some", True, None, ""])
def test_only_the_three_policies_are_accepted(members: typing.Any) -> None:
    with pytest.raises(QueryError, match='members must be "never", "stale" or "always", not'):
        persist.Cache(bots.make(), "memory://", members=members)


# ------------------------------------------------------------------------------------------------ asking for members


def requests(sim: FakeDiscord) -> int:
    return sum(opcode == 8 for opcode, _ in sim.opcodes)


async def _complete(cache: persist.Cache, guild: Payload) -> None:
    async with asyncio.timeout(20):
        while not (await cache.completeness(int(guild["id"]), persist.MEMBERS)).is_complete:  # noqa: ASYNC110 - it is a query
            await asyncio.sleep(0.02)


async def test_members_are_asked_for_when_they_are_not_known_and_not_again(tmp_path: pathlib.Path) -> None:
    url = f"sqlite:///{tmp_path / 'cache.db'}"
    async with FakeDiscord(chunk_size=100) as sim:
        guild = sim.add_guild(members=300)
        bot = bots.make(sim.rest_url)
        cache = persist.Cache(bot, url)
        async with bots.started(sim, bot, cache):
            await _complete(cache, guild)
            found = await cache.completeness(int(guild["id"]), persist.MEMBERS)
            assert (found.source, found.verified) == ("chunk", True)
            assert await cache.members.count(guild_id=int(guild["id"])) == 300
        assert (requests(sim), cache.gauges.member_requests) == (1, 1)
        bot = bots.make(sim.rest_url)
        cache = persist.Cache(bot, url)
        async with bots.started(sim, bot, cache):
            await sim.wait_until(lambda: cache.gauges.member_requests_saved == 1)
        assert requests(sim) == 1
        async with sim.silently():
            await sim.remove_member(guild["id"], guild["members"][-1]["user"]["id"])
        bot = bots.make(sim.rest_url)
        cache = persist.Cache(bot, url)
        async with bots.started(sim, bot, cache):
            await sim.wait_until(lambda: cache.gauges.received["GUILD_MEMBERS_CHUNK"] == 3)
            await _complete(cache, guild)
            assert await cache.members.count(guild_id=int(guild["id"])) == 299
        assert requests(sim) == 2


async def test_a_refused_request_is_sent_again_when_discord_says(tmp_path: pathlib.Path) -> None:
    async with FakeDiscord(limit_member_requests=True, member_request_window=3.0) as sim:
        guild = sim.add_guild(members=300)
        bot = bots.make(sim.rest_url)
        cache = persist.Cache(bot, f"sqlite:///{tmp_path / 'cache.db'}", members="always")
        cache._pace = cache._pace._replace(guild=0.0)
        async with bots.started(sim, bot):
            await _complete(cache, guild)
            await sim.guild_outage(guild["id"])
            await sim.guild_recover(guild["id"])
            await sim.wait_until(lambda: cache.gauges.received["GUILD_MEMBERS_CHUNK"] == 2, 20)
        assert cache.gauges.received["RATE_LIMITED"] >= 1


async def test_nobody_asks_for_the_members_of_an_erased_guild(tmp_path: pathlib.Path) -> None:
    async with FakeDiscord() as sim:
        guild, other = sim.add_guild(members=300), sim.add_guild(members=300)
        sim.lose_chunks(1_000)
        bot = bots.make(sim.rest_url)
        cache = persist.Cache(bot, f"sqlite:///{tmp_path / 'cache.db'}", members="always")
        cache._pace = cache._pace._replace(guild=0.0, patience=0.5, tries=1_000)
        async with bots.started(sim, bot):
            await sim.wait_until(lambda: requests(sim) >= 2)
            for each in (guild, other):  # one is erased with a request under way, the other one arrives again
                await cache.erase_guild(int(each["id"]))
            await asyncio.sleep(1)
            asked = requests(sim)
            await sim.guild_outage(other["id"])
            await sim.guild_recover(other["id"])
            await asyncio.sleep(1)
            assert requests(sim) == asked


# ----------------------------------------------------------------------------------------------------- two processes


async def test_two_processes_leave_each_others_guilds_alone(tmp_path: pathlib.Path) -> None:
    url = f"sqlite:///{tmp_path / 'cache.db'}"
    async with FakeDiscord(shards=2) as sim:
        guilds = [sim.add_guild(guild_on(shard, number)) for shard in range(2) for number in range(2)]
        shards = [{"shard_ids": [number], "shard_count": 2} for number in range(2)]
        async with bots.lone(sim, url, tmp_path, run=shards[0]) as first:
            await first.says("started")
            async with bots.lone(sim, url, tmp_path, run=shards[1]) as second:
                await second.says("started")
                await sim.leave_guild(guilds[0]["id"])
                await second.ends(by=signal.SIGINT)
            # The second process starts again, and has left a guild meanwhile.
            async with sim.silently():
                await sim.leave_guild(guilds[2]["id"])
            async with bots.lone(sim, url, tmp_path, run=shards[1]) as second:
                await second.says("started")
                await second.ends(by=signal.SIGINT)
            await first.ends(by=signal.SIGINT)
    known = bots.rows(tmp_path / "cache.db", "SELECT id FROM guilds ORDER BY id")
    assert known == sorted(int(guild["id"]) for guild in (guilds[1], guilds[3]))
    assert bots.rows(tmp_path / "cache.db", "SELECT COUNT(DISTINCT guild_id) FROM members") == [2]
