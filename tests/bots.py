"""Real bots with real caches for the fake Discord: in this process, or in one of their own that can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import pathlib
import signal
import sqlite3
import sys
import typing
from collections.abc import AsyncIterator, Callable, Iterator

import hikari
from fakecord import FakeDiscord, Payload, payloads

import persist

__all__ = (
    "TOKEN",
    "Lone",
    "closed",
    "locked",
    "lone",
    "make",
    "members",
    "rows",
    "settled",
    "started",
    "text_channel",
    "until",
)

TOKEN: typing.Final = "OTAw.fake.token"
_NUMBERS: typing.Final = itertools.count()
_PROGRAM: typing.Final = pathlib.Path(__file__).with_name("lone_bot.py")


def make(rest_url: str | None = None, intents: hikari.Intents = hikari.Intents.ALL) -> hikari.GatewayBot:
    """Create a bot with nothing but what the test gives it."""
    return hikari.GatewayBot(
        TOKEN,
        rest_url=rest_url,
        intents=intents,
        auto_chunk_members=False,
        banner=None,
        logs=None,
        suppress_optimization_warning=True,
    )


@contextlib.asynccontextmanager
async def started(sim: FakeDiscord, bot: hikari.GatewayBot, cache: persist.Cache | None = None) -> AsyncIterator[None]:
    """Run a bot until the block ends, unless it has closed itself by then."""
    await bot.start(check_for_updates=False)
    try:
        if cache is not None and cache.is_open:
            await settled(sim, cache)
        yield
    finally:
        if bot.is_alive:
            await bot.close()


async def settled(sim: FakeDiscord, cache: persist.Cache) -> None:
    """Wait until a cache has received everything so far."""
    await sim.wait_until(lambda: not any(session.arriving for session in sim.live_sessions()))
    before = cache.gauges.received["SETTLED"]
    await sim.emit("SETTLED", {})
    await sim.wait_until(lambda: cache.gauges.received["SETTLED"] > before, 30)


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until a condition holds that cannot be awaited."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - it cannot be awaited
            await asyncio.sleep(0.002)


async def closed(cache: persist.Cache | persist.ReadOnlyCache) -> None:
    """Wait until nothing of a cache runs that has been told to close, by whatever task closes it."""
    await until(lambda: not cache.is_open)
    await until(lambda: not any(task.get_name().startswith("persist") for task in asyncio.all_tasks()))


def text_channel(guild: Payload) -> str:
    """Return the ID of a guild's first text channel."""
    return next(str(channel["id"]) for channel in guild["channels"] if channel["type"] == 0)


def members(guild: Payload, count: int) -> Iterator[tuple[str, Payload]]:
    """Yield events of this many people joining a guild, for a flood."""
    for _ in range(count):
        yield "GUILD_MEMBER_ADD", {**payloads.member(payloads.user()), "guild_id": guild["id"]}


def rows(path: pathlib.Path, sql: str, *params: object) -> list[typing.Any]:
    """Query an SQLite file like any other program, and return rows, or values if there is only one column."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        found = connection.execute(sql, params).fetchall()
    return [row[0] if len(row) == 1 else row for row in found]


@contextlib.contextmanager
def locked(path: pathlib.Path) -> Iterator[None]:
    """Keep everybody else from writing to an SQLite file."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


class Lone:
    """A bot in its own process.

    Parameters
    ----------
    process
        The process.
    log
        The file with its log.
    """

    def __init__(self, process: asyncio.subprocess.Process, log: pathlib.Path) -> None:
        self.process = process
        self.log = log

    async def says(self, word: str, seconds: float = 30) -> str:
        """Wait for a line that starts with a word, and return the rest of the line."""
        assert self.process.stdout is not None
        async with asyncio.timeout(seconds):
            while line := (await self.process.stdout.readline()).decode():
                if line.startswith(word):
                    return line.removeprefix(word).strip()
        raise AssertionError(f"The bot ended without saying {word!r}:\n{self.log.read_text()}")

    async def starts(self, sim: FakeDiscord) -> None:
        """Wait until it has started and has received all its guilds."""
        await self.says("started")
        await sim.wait_until(lambda: not any(session.arriving for session in sim.live_sessions()))

    async def ends(self, by: signal.Signals | None = None, seconds: float = 30) -> int:
        """Wait until it ends, by a signal if one is given, and return its exit status."""
        if by is not None:
            self.process.send_signal(by)
        async with asyncio.timeout(seconds):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def lone(sim: FakeDiscord | None, url: str, folder: pathlib.Path, **wishes: typing.Any) -> AsyncIterator[Lone]:
    """Run a bot in its own process, until the block ends at the latest.

    Parameters
    ----------
    sim
        Its Discord.
    url
        The database of its cache.
    folder
        Its working directory, which also gets its log.
    **wishes
        Other options: see `lone_bot.py`.
    """
    log = folder / f"bot-{next(_NUMBERS)}.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            _PROGRAM,
            json.dumps({"rest_url": sim and sim.rest_url, "url": url, **wishes}),
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    try:
        yield Lone(process, log)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        # This closes the pipe's transport now, instead of the garbage collector during another test.
        process._transport.close()  # type: ignore[attr-defined]
        await asyncio.sleep(0)
