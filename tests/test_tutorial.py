"""The tutorial's bot runs as printed: it counts, is killed, and continues where it was."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import re
import sqlite3
import sys
import typing
from collections.abc import AsyncIterator

import bots
from fakecord import FakeDiscord

PAGE: typing.Final = pathlib.Path(__file__).parents[1] / "docs" / "tutorial.md"
# It only changes the address of Discord: a reader's bot connects to the real one.
PROGRAM: typing.Final = """
import functools, hikari, runpy, sys
real = hikari.GatewayBot
hikari.GatewayBot = functools.partial(real, rest_url=sys.argv[1], banner=None, suppress_optimization_warning=True)
real.run = functools.partialmethod(real.run, check_for_updates=False)
runpy.run_path("bot.py", run_name="__main__")
"""


@contextlib.asynccontextmanager
async def running(sim: FakeDiscord, folder: pathlib.Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, sim.rest_url, cwd=folder, env={**os.environ, "DISCORD_TOKEN": bots.TOKEN}
    )
    await sim.wait_connected()
    await sim.wait_until(lambda: not any(session.arriving for session in sim.live_sessions()), 30)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def count(sim: FakeDiscord, guild: typing.Any, channel: str) -> str:
    before = len(sim.messages.get(channel, ()))
    await sim.create_message(channel, "!count", guild["members"][1]["user"]["id"])
    await sim.wait_until(lambda: len(sim.messages[channel]) == before + 2, 30)
    return str(list(sim.messages[channel].values())[-1]["content"])


async def test_the_tutorial_is_true(tmp_path: pathlib.Path) -> None:
    (program,) = re.findall(
        r"^Save this as `bot.py`:\n\n```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    (tmp_path / "bot.py").write_text(program)
    async with FakeDiscord(seed=5) as sim:
        guild = sim.add_guild(members=12)
        channel = bots.text_channel(guild)
        async with running(sim, tmp_path):
            assert await count(sim, guild, channel) == "I remember 1 messages in this channel and 12 members."
            await sim.create_message(channel, "a word")
            again = await count(sim, guild, channel)
            assert again.startswith("I remember 4 messages")
            file = tmp_path / "cache.db"
            await bots.until(lambda: bots.rows(file, "SELECT COUNT(*) FROM messages")[0] >= 5)
        async with running(sim, tmp_path):  # it was killed without warning
            assert (await count(sim, guild, channel)).startswith("I remember 6 messages in this channel and 12 members")
    looked = sqlite3.connect(tmp_path / "cache.db")
    for query in re.findall(r'sqlite3 cache\.db "([^"]+)"', PAGE.read_text()):
        assert looked.execute(query).fetchall()
    looked.close()
