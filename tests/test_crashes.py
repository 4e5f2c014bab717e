"""A killed process, a locked file or a full disk costs nothing that was stored, and little that was not."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import typing
from collections.abc import AsyncIterator, Iterator

import bots
import pytest
from fakecord import FakeDiscord, Payload, payloads

import persist

INTERVAL: typing.Final = 0.05
RATE: typing.Final = 500


@pytest.fixture
async def sim() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord(seed=1) as sim:
        yield sim


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "cache.db"


def messages(guild: Payload, count: int) -> list[Payload]:
    channel, author = bots.text_channel(guild), guild["members"][0]["user"]
    return [payloads.message(channel, author, guild_id=guild["id"]) for _ in range(count)]


async def until_stored(file: pathlib.Path, at_least: int) -> None:
    """Wait until this many messages are in a file that another process writes."""
    await bots.until(lambda: bots.rows(file, "SELECT COUNT(*) FROM messages")[0] >= at_least)


# ------------------------------------------------------------------------------------------------------------- kill -9


@pytest.mark.parametrize("later", [0.0, 0.3, 2.0])
async def test_a_kill_costs_at_most_what_came_within_the_interval(
    sim: FakeDiscord, file: pathlib.Path, tmp_path: pathlib.Path, later: float
) -> None:
    guild = sim.add_guild(members=3)
    said = messages(guild, 5000)
    sent: list[float] = []
    async with bots.lone(sim, f"sqlite:///{file}", tmp_path, cache={"interval": INTERVAL}) as bot:
        await bot.starts(sim)
        await bots.until(lambda: bots.rows(file, "SELECT COUNT(*) FROM members") == [3])
        (session,) = sim.live_sessions()
        before = session.sequence

        def sending() -> Iterator[tuple[str, Payload]]:
            for message in said:
                sent.append(time.monotonic())
                yield "MESSAGE_CREATE", message

        flood = asyncio.create_task(sim.flood(sending(), rate=RATE))
        await until_stored(file, 1)
        await asyncio.sleep(later)  # kill at different moments
        killed = time.monotonic()
        await bot.ends(signal.SIGKILL)
        flood.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await flood
    assert bots.rows(file, "PRAGMA integrity_check") == ["ok"]
    stored = bots.rows(file, "SELECT id FROM messages ORDER BY id")
    # A prefix of what was sent, without gaps, and exactly as long as the stored sequence number says.
    assert stored == [int(message["id"]) for message in said[: len(stored)]]
    assert bots.rows(file, "SELECT sequence FROM shards") == [before + len(stored)]
    # Receiving and committing take time, too, and more if the machine is busy.
    crowded = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    old_enough = sum(moment < killed - INTERVAL - 0.8 * crowded for moment in sent)
    assert len(stored) >= old_enough


async def test_after_a_kill_the_next_start_goes_on_with_what_was_stored(
    sim: FakeDiscord, file: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    guild = sim.add_guild(members=3)
    said = [messages(guild, 1000) for _ in range(3)]
    stored = 0
    for part in said:
        async with bots.lone(sim, f"sqlite:///{file}", tmp_path) as bot:
            await bot.starts(sim)
            await sim.flood(("MESSAGE_CREATE", message) for message in part)
            await until_stored(file, stored + 1)
            await bot.ends(signal.SIGKILL)
        await sim.drop_connections()
        assert bots.rows(file, "PRAGMA integrity_check") == ["ok"]
        (stored,) = bots.rows(file, "SELECT COUNT(*) FROM messages")
    async with persist.Cache(bots.make(), f"sqlite:///{file}") as cache:
        known = set(await cache.messages.find().ids())
        for part in said:
            mine = [int(message["id"]) for message in part]
            kept = [snowflake for snowflake in mine if snowflake in known]
            assert kept
            assert kept == mine[: len(kept)]
        assert await cache.members.count() == 3


async def test_every_batch_says_how_far_its_shard_had_come(sim: FakeDiscord, file: pathlib.Path) -> None:
    guild = sim.add_guild(members=3)
    bot = bots.make(sim.rest_url)
    cache = persist.Cache(bot, f"sqlite:///{file}", interval=0.001)
    seen: set[tuple[int, int]] = set()
    async with bots.started(sim, bot, cache):
        await cache.flush()
        (session,) = sim.live_sessions()
        before = session.sequence
        flood = asyncio.create_task(sim.flood((("MESSAGE_CREATE", m) for m in messages(guild, 500)), rate=500))
        while not flood.done():
            # One statement is one snapshot.
            seen.update(bots.rows(file, "SELECT (SELECT COUNT(*) FROM messages), (SELECT sequence FROM shards)"))
            await asyncio.sleep(0.01)
    assert len(seen) > 5
    # The sequence number of an event that changes nothing, such as the last one, is written with the next change.
    assert {sequence - before - count for count, sequence in seen if count} == {0}


# ------------------------------------------------------------------------------------------- two processes, one file


async def ends_having_heard(bot: bots.Lone, sim: FakeDiscord, guilds: list[Payload]) -> None:
    """Stop a bot cleanly once it has received everything so far."""
    (last,) = messages(guilds[0], 1)
    await sim.flood([("MESSAGE_CREATE", {**last, "content": "!last"})])
    await bot.says("heard")
    await bot.ends(signal.SIGTERM)


async def test_processes_with_different_shards_on_one_file_leave_each_other_alone(
    file: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    async with FakeDiscord(seed=1, shards=2) as sim:
        guilds = [sim.add_guild(members=20) for _ in range(6)]
        shard_of = {int(guild["id"]): (int(guild["id"]) >> 22) % 2 for guild in guilds}
        url = f"sqlite:///{file}"
        one = {"shard_ids": [0], "shard_count": 2}
        other = {"shard_ids": [1], "shard_count": 2}
        async with bots.lone(sim, url, tmp_path, run=one) as first, bots.lone(sim, url, tmp_path, run=other) as second:
            for bot in (first, second):
                await bot.starts(sim)
            await sim.flood(event for guild in guilds for event in bots.members(guild, 100))
            for bot in (first, second):
                await ends_having_heard(bot, sim, guilds)
        sql = "SELECT guild_id, COUNT(*) FROM members GROUP BY 1"
        # A flood is sent to every shard, whatever the guild.
        assert dict(bots.rows(file, sql)) == dict.fromkeys(shard_of, 120)
        assert "lost" not in first.log.read_text() + second.log.read_text()

        gone = next(guild for guild in guilds if shard_of[int(guild["id"])] == 1)
        await sim.leave_guild(gone["id"])
        async with bots.lone(sim, url, tmp_path, run=one) as first:
            await first.starts(sim)
            await ends_having_heard(first, sim, guilds)
        # For the guilds of shard 0, GUILD_CREATE lists no members from the flood; it ignores the other guilds.
        assert dict(bots.rows(file, sql)) == {guild: (20, 120)[shard] for guild, shard in shard_of.items()}
        async with bots.lone(sim, url, tmp_path, run=other) as second:
            await second.starts(sim)
            await ends_having_heard(second, sim, guilds)
        del shard_of[int(gone["id"])]
        assert dict(bots.rows(file, sql)) == dict.fromkeys(shard_of, 20)
        assert set(bots.rows(file, "SELECT shard_id, shard_count FROM shards")) == {(0, 2), (1, 2)}


# --------------------------------------------------------------------------------------------------- locked and full


@contextlib.asynccontextmanager
async def locked_by_another(file: pathlib.Path) -> AsyncIterator[None]:
    """Let another process hold the write lock of an SQLite file until the block ends."""
    program = (
        "import sqlite3, sys; connection = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "connection.execute('BEGIN IMMEDIATE'); print(flush=True); input(); connection.execute('COMMIT')"
    )
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, file, stdin=pipe, stdout=pipe)
    assert process.stdout is not None
    await process.stdout.readline()
    yield
    await process.communicate(b"\n")


@pytest.mark.parametrize(("timeout", "retries"), [(10, 0), (0.1, 3)])
async def test_a_file_that_another_process_locks_costs_nothing(
    sim: FakeDiscord,
    file: pathlib.Path,
    caplog: pytest.LogCaptureFixture,
    timeout: float,
    retries: int,
) -> None:
    guild = sim.add_guild(members=3)
    bot = bots.make(sim.rest_url)
    cache = persist.Cache(bot, f"sqlite:///{file}?timeout={timeout}")
    async with bots.started(sim, bot, cache):
        await cache.flush()
        async with locked_by_another(file):
            began = time.monotonic()
            await sim.flood(("MESSAGE_CREATE", message) for message in messages(guild, 5000))
            await bots.settled(sim, cache)
            await sim.wait_until(lambda: cache.gauges.retries >= retries and time.monotonic() - began > 3)
            assert bots.rows(file, "SELECT COUNT(*) FROM messages") == [0]
        async with asyncio.timeout(20):
            await cache.flush()
        assert await cache.messages.count() == 5000
    assert (cache.gauges.retries > 0) is (retries > 0)
    assert cache.gauges.lost.total() == cache.gauges.shed.total() == 0
    told = [record.getMessage() for record in caplog.records if record.name == "persist.journal"]
    if retries:
        assert "the database does not accept changes" in told[0]
        assert "another process has been writing" in told[0]
        assert "the database is back" in told[-1]
    assert len(told) == (2 if retries else 0)


@pytest.fixture
def small_disk(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("Only root can make a small disk.")
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"No small disk can be made here: {made.stderr.decode()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


async def test_a_full_disk_costs_nothing_once_there_is_room_again(sim: FakeDiscord, small_disk: pathlib.Path) -> None:
    guild = sim.add_guild(members=3)
    bot = bots.make(sim.rest_url)
    cache = persist.Cache(bot, f"sqlite:///{small_disk / 'cache.db'}")
    ballast = small_disk / "ballast"
    async with bots.started(sim, bot, cache):
        await cache.flush()
        ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - 64 * 1024))
        said = messages(guild, 500)
        await sim.flood(("MESSAGE_CREATE", message) for message in said)
        await bots.settled(sim, cache)
        await sim.wait_until(lambda: cache.gauges.retries > 0)
        found = await cache.get_message(int(said[0]["id"]))
        assert found is not None
        with pytest.raises(persist.BackendError, match="free some space on the disk"):
            await cache.messages.count()
        ballast.unlink()
        async with asyncio.timeout(20):
            await cache.flush()
        assert await cache.messages.count() == 500
    assert cache.gauges.lost.total() == 0
    assert bots.rows(small_disk / "cache.db", "PRAGMA integrity_check") == ["ok"]
