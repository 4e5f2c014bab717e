"""Through a real gateway connection: the simulator in one process, a bot in another, and the resulting database."""

from __future__ import annotations

import contextlib
import functools
import json
import pathlib
import sqlite3
import subprocess
import sys
import time
import typing
from collections.abc import Callable, Iterator

import measure
import places
import rivals
import servers
from fakecord.client import Remote, running

__all__ = ("chunks", "large_guild", "throughput")

CHUNKS: typing.Final = 100
RIVAL_CHUNKS: typing.Final = 10
MEMBERS: typing.Final = 10_000
MESSAGES: typing.Final = 30_000
_PATIENCE: typing.Final = 120
# hikari-persist stores nothing of a guild that has a role with an emoji.
_GUILD: typing.Final = ("--guilds", "1", "--members", "10", "--roles", "0")


@contextlib.contextmanager
def _bot(python: pathlib.Path, program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run a bot in its own process. It prints a line when it is ready, and another one when it is done."""
    command = [str(python), str(places.HERE / program), *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        try:
            _line(process)
            yield process
        finally:
            process.kill()


def _line(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line:
        raise RuntimeError(f"a bot ended with {process.wait()} before it said anything")
    return line


def _rows(database: sqlite3.Connection, at_least: int = 0) -> int:
    """Return how many members are stored; 0 while there cannot be that many."""
    try:
        # Counting takes a core that the measured processes need; the number of the last row is cheap.
        (last,) = database.execute("SELECT MAX(rowid) FROM members").fetchone()
        if (last or 0) < at_least:
            return 0
        return int(database.execute("SELECT COUNT(*) FROM members").fetchone()[0])
    except sqlite3.Error:  # the table does not exist yet
        return 0


@contextlib.contextmanager
def _reading(path: pathlib.Path) -> Iterator[sqlite3.Connection]:
    _wait(path.exists, "there is no database")
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        yield database


def _wait(is_so: Callable[[], bool], otherwise: str) -> float:
    """Return the moment when a condition becomes true."""
    began = time.perf_counter()
    while not is_so():
        time.sleep(0.02)
        if time.perf_counter() - began > _PATIENCE:
            raise TimeoutError(f"{otherwise} after {_PATIENCE} s")
    return time.perf_counter()


def _until(database: sqlite3.Connection, count: int) -> float:
    """Return the moment when this many members are stored."""
    return _wait(lambda: _rows(database, count) >= count, f"not all of {count} members are stored")


class _Way(typing.NamedTuple):
    """A bot whose cache to measure, and the arguments of its program after the simulator's URL."""

    python: pathlib.Path
    program: str
    arguments: tuple[str, ...] = ()


OURS: typing.Final = _Way(pathlib.Path(sys.executable), "gateway_bot.py", ("persist",))


def _ingest(way: _Way, count: int) -> float:
    """Return how many members per second get from the gateway into rows."""
    with running(*_GUILD) as sim, places.folder() as place:
        file = place / "cache.db"
        guild = next(iter(sim.world()["guilds"]))
        with _bot(way.python, way.program, sim.rest_url, file, *way.arguments), _reading(file) as database:
            first = _settled(database)
            sim.call("prepare_chunks", guild, count)
            began = time.perf_counter()
            sim.call("flood_prepared")
            return count * 1000 / (_until(database, first + count * 1000) - began)


def _settled(database: sqlite3.Connection) -> int:
    """Return how many members are stored once GUILD_CREATE has been processed."""
    _until(database, 1)
    time.sleep(0.5)
    return _rows(database)


def _sake(count: int, redis: str) -> float:
    python = rivals.python_of(rivals.SAKE)
    with running(*_GUILD) as sim:
        guild = next(iter(sim.world()["guilds"]))
        with _bot(python or pathlib.Path(), rivals.SAKE.program, sim.rest_url, redis, count * 1000) as bot:
            sim.call("prepare_chunks", guild, count)
            began = time.perf_counter()
            sim.call("flood_prepared")
            _line(bot)
            return count * 1000 / (time.perf_counter() - began)


def chunks(size: measure.Size) -> list[measure.Result]:
    """Return how fast chunks of members become rows, compared with the alternatives."""
    count, few, rounds = size.of(CHUNKS), size.of(RIVAL_CHUNKS), min(3, size.rounds)
    ours = functools.partial(_ingest, OURS, count)
    found: list[measure.Result] = []
    if (python := rivals.python_of(rivals.HIKARI_PERSIST)) is not None:
        theirs = _Way(python, "rival_gateway_bot.py")
        ways: dict[str, Callable[[], float]] = {
            "hikari-persist 0.3": functools.partial(_ingest, theirs, few),
            "persist": ours,
        }
        found += measure.compare("gateway to committed row, chunks of members", "members/s", ways, rounds)
    with _redis() as redis:
        if redis is not None and rivals.python_of(rivals.SAKE) is not None:
            ways = {"hikari-sake 1.1 (Redis)": functools.partial(_sake, count, redis), "persist": ours}
            found += measure.compare("gateway to committed row, against Redis", "members/s", ways, rounds)
    return found


@contextlib.contextmanager
def _redis() -> Iterator[str | None]:
    try:
        server = servers.find(servers.REDIS)
    except servers.NoServerError as error:
        rivals.skipped[rivals.SAKE.name] = str(error)
        yield None
        return
    try:
        yield server.url().rpartition("/")[0]  # it picks one of the server's databases itself
    finally:
        server.close()


def _large(way: _Way, members: int) -> float:
    """Return the seconds from a bot joining a large guild until all its members are rows."""
    with running(*_GUILD) as sim, places.folder() as place:
        file = place / "cache.db"
        with _bot(way.python, way.program, sim.rest_url, file, *way.arguments), _reading(file) as database:
            first = _settled(database)
            # Creating it takes the simulator a while, and it is not announced before the next call.
            guild = sim.call("add_guild", members=members, presences=0, voice_states=0, roles=0)
            began = time.perf_counter()
            sim.call("guild_recover", guild["id"])
            return _until(database, first + members) - began


def large_guild(size: measure.Size) -> list[measure.Result]:
    """Return how long a guild of 10,000 members takes, including the chunks that must be requested."""
    members = max(1000, size.of(MEMBERS))  # a smaller guild is listed in full, so nothing is requested
    python = rivals.python_of(rivals.HIKARI_PERSIST)
    if python is None:
        return []
    ways = {
        "hikari-persist 0.3": functools.partial(_large, _Way(python, "rival_gateway_bot.py"), members),
        "persist": functools.partial(_large, OURS, members),
    }
    return measure.compare("a guild of 10,000 members, until committed", "s", ways, min(3, size.rounds))


def _flooded(flood: Callable[[Remote, str, int], object], way: str, count: int) -> float:
    """Return how many messages per second pass through a bot, all of them stored by its cache."""
    with running("--guilds", "1", "--members", "60") as sim, places.folder() as place:
        (guild,) = sim.world()["guilds"].values()
        channel = next(each["id"] for each in guild["channels"] if each["type"] == 0)
        with _bot(OURS.python, OURS.program, sim.rest_url, place / "cache.db", way, count) as bot:
            flood(sim, channel, count)
            return count / float(json.loads(_line(bot)))


def _made_while_sent(sim: Remote, channel: str, count: int) -> None:
    sim.flood(channel, count)


def _made_before(sim: Remote, channel: str, count: int) -> None:
    sim.call("prepare_messages", channel, count)
    sim.call("flood_prepared")


_FLOODS: typing.Final = {
    "messages through a whole bot": _made_while_sent,
    # Compressing takes the simulator as long as a bot needs to receive: a bot that stores nothing waits for it.
    "messages through a whole bot, all of them there at once": _made_before,
}


def throughput(size: measure.Size) -> list[measure.Result]:
    """Return how many messages per second a whole bot handles, with a hook that does nothing and with a cache."""
    count = size.of(MESSAGES)
    found: list[measure.Result] = []
    for title, flood in _FLOODS.items():
        ways = {
            "a hook that does nothing": functools.partial(_flooded, flood, "nothing", count),
            "persist": functools.partial(_flooded, flood, "persist", count),
            "hikari's own cache": functools.partial(_flooded, flood, "hikari", count),
        }
        found += measure.compare(title, "messages/s", ways, size.rounds)
    return found
