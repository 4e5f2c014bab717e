"""The demo is honest: it succeeds if every answer is right, and fails if one is wrong."""

from __future__ import annotations

import asyncio
import os
import pathlib
import re
import signal
import sys
import typing

import pytest
from fakecord import FakeDiscord

pytest.importorskip("lightbulb", reason="The demo's bot has lightbulb commands.")

EXAMPLES: typing.Final = pathlib.Path(__file__).parents[1] / "examples"
DEMO: typing.Final = EXAMPLES / "demo.py"


async def _ran(*arguments: str | pathlib.Path) -> tuple[int | None, str]:
    environment = {name: value for name, value in os.environ.items() if name != "DISCORD_TOKEN"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def test_the_demo_kills_a_bot_and_every_answer_is_right() -> None:
    async with asyncio.timeout(30):
        status, said = await _ran(DEMO)
    assert status == 0, said
    assert "Killed, and nothing forgotten." in said
    assert said.count("✓") == 5
    assert "\x1b" not in said
    assert max(map(len, said.splitlines())) <= 100
    assert re.search(r"REST calls to look something up +0\n", said)


async def test_the_demo_fails_when_an_answer_is_wrong() -> None:
    other = "demo.questions = lambda _: [demo.Question(('members',), '3,602 members of 3 guilds', 'none', '')]"
    status, said = await _ran(
        "-c", f"import sys; sys.path[0] = {str(EXAMPLES)!r}; import demo; {other}; demo.main() and sys.exit(3)"
    )
    assert status == 3, said
    assert "The promise is broken." in said
    assert "/members must be answered '3,602 members of 3 guilds', then 'none'." in said


async def test_with_a_token_the_demo_is_an_ordinary_bot(tmp_path: pathlib.Path) -> None:
    async with FakeDiscord(seed=1) as sim:
        guild = sim.add_guild(members=20)
        environment = os.environ | {"DISCORD_TOKEN": "OTAw.fake.token", "DISCORD_API": sim.rest_url}
        process = await asyncio.create_subprocess_exec(
            sys.executable, DEMO, cwd=tmp_path, env=environment, stdout=asyncio.subprocess.PIPE
        )
        await sim.wait_connected()
        await sim.wait_until(lambda: not any(session.arriving for session in sim.live_sessions()))
        channel = next(each["id"] for each in guild["channels"] if each["type"] == 0)
        await sim.slash(guild["id"], channel, "roles")
        async with asyncio.timeout(10):
            reply = await sim.interactions_inbox.get()
        process.send_signal(signal.SIGINT)
        said, _ = await process.communicate()
    assert reply["content"] == "role-4, role-3, role-2, role-1"
    assert b"The bot runs on Discord" in said
    assert (tmp_path / "persist-demo.db").exists()
