"""The stage for the demo: a fake Discord with a few guilds, the bot in its own process, and access to its file."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import pathlib
import sqlite3
import sys
import tempfile
import time
import typing
from collections.abc import AsyncIterator

_HERE: typing.Final = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent / "tests"))  # the simulator isn't an installed package

import fakecord  # noqa: E402

GUILDS: typing.Final = {"Aquarium": 1200, "Harbour": 1500, "Lighthouse": 900}
_NOT_LOOKING_UP: typing.Final = ("GET /gateway", "/applications", "/interactions", "/webhooks")
"""REST calls that connect, register commands and reply to them; none of them looks anything up."""


class BotError(Exception):
    """The bot exited, or never connected; the message holds the end of its output."""


@dataclasses.dataclass
class Stage:
    """The fake Discord, the guild where everything happens, and the folder that holds the bot's database."""

    sim: fakecord.FakeDiscord
    folder: pathlib.Path
    guild: fakecord.Payload
    people: dict[str, fakecord.Payload] = dataclasses.field(default_factory=dict)
    roles: dict[str, fakecord.Payload] = dataclasses.field(default_factory=dict)

    @classmethod
    @contextlib.asynccontextmanager
    async def built(cls) -> AsyncIterator[Stage]:
        """Create the fake Discord and fill it."""
        with tempfile.TemporaryDirectory(prefix="persist-demo-") as folder:
            async with fakecord.FakeDiscord(seed=1) as sim:
                guilds = [sim.add_guild(name=name, members=size, roles=0) for name, size in GUILDS.items()]
                stage = cls(sim, pathlib.Path(folder), guilds[1])
                for position, name in enumerate(("Diver", "Captain"), start=1):
                    stage.roles[name] = await sim.create_role(stage.guild["id"], name=name, position=position)
                for name in ("Coral", "Zoe"):
                    await stage.join(name)
                yield stage

    @property
    def database(self) -> pathlib.Path:
        return self.folder / "cache.db"

    @property
    def channel(self) -> str:
        return next(str(channel["id"]) for channel in self.guild["channels"] if channel["type"] == 0)

    @property
    def members(self) -> int:
        """The number of members on the fake Discord."""
        return sum(guild.member_count for guild in self.sim.world.guilds.values())

    async def join(self, name: str) -> None:
        """Add a member to the guild."""
        user = fakecord.payloads.user(username=name.lower(), global_name=name)
        self.people[name] = await self.sim.add_member(self.guild["id"], fakecord.payloads.member(user))

    async def write(self, name: str, content: str) -> fakecord.Payload:
        """Send a message as this user."""
        return await self.sim.create_message(self.channel, content, self.id_of(name))

    async def edit(self, message: fakecord.Payload, content: str) -> None:
        """Edit a message as its author."""
        await self.sim.update_message(self.channel, message["id"], content=content)

    def id_of(self, name: str) -> str:
        return str(self.people[name]["user"]["id"])

    # -------------------------------------------------------------------------------------------------------- the bot

    @contextlib.asynccontextmanager
    async def bot(self) -> AsyncIterator[None]:
        """Run the bot until the block ends, then kill it with SIGKILL."""
        environment = os.environ | {
            "DISCORD_TOKEN": "OTAw.fake.token",
            "DISCORD_API": self.sim.rest_url,
            "PERSIST_URL": "sqlite:///cache.db",
        }
        with (self.folder / "bot.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, _HERE / "demo_bot.py", cwd=self.folder, env=environment, stdout=log, stderr=log
            )
        connected = asyncio.create_task(self.sim.wait_until(self._has_told_everything, timeout=20))
        died = asyncio.create_task(process.wait())
        try:
            await asyncio.wait((connected, died), return_when=asyncio.FIRST_COMPLETED)
            if died.done() or connected.exception() is not None:
                raise BotError((self.folder / "bot.log").read_text(errors="replace")[-2000:])
            yield
        finally:
            connected.cancel()
            if process.returncode is None:
                process.kill()
            await died
            await self.sim.drop_connections()

    def _has_told_everything(self) -> bool:
        """Return whether the bot is connected and has received every guild."""
        live = self.sim.live_sessions()
        return bool(live) and not any(session.arriving for session in live)

    async def ask(self, command: str, *values: str) -> tuple[str, float]:
        """Run a slash command. Return the bot's answer and how many seconds it took."""
        names = {"find": "words", "who": "name"}
        options = [{"name": names[command], "type": 3, "value": value} for value in values]
        began = time.perf_counter()
        await self.sim.slash(self.guild["id"], self.channel, command, options)
        reply = await asyncio.wait_for(self.sim.interactions_inbox.get(), 10)
        return str(reply.get("content")), time.perf_counter() - began

    # ----------------------------------------------------------------------------------------------- what can be seen

    @property
    def lookups(self) -> int:
        """The number of REST calls for data that a cache could have."""
        return sum(count for call, count in self.sim.rest_log.items() if not any(n in call for n in _NOT_LOOKING_UP))

    @property
    def member_requests(self) -> int:
        """The number of times the bot requested the members of a guild from the gateway."""
        return sum(opcode == 8 for opcode, _ in self.sim.opcodes)

    def in_file(self, sql: str) -> typing.Any:
        """Query the bot's database like any other program, and return the first column of the first row."""
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            row = connection.execute(sql).fetchone()
        return row and row[0]

    async def until_in_file(self, sql: str, value: object) -> float:
        """Wait until the query returns this value, without asking the bot. Return how many seconds that took."""
        began = time.perf_counter()
        async with asyncio.timeout(10):
            while self.in_file(sql) != value:  # noqa: ASYNC110 - another process writes, without a notification
                await asyncio.sleep(0.005)
        return time.perf_counter() - began
