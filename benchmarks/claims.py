"""Check what the README says about other caches: ``python benchmarks/claims.py`` plays every scene.

Each cell of the README's table about another cache is repeated here, word for word, next to the observation it
requires.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence

import places
import rivals
import servers

__all__ = ("CLAIMS", "Claim", "cells", "facts", "known")

System = typing.Literal["hikari", "sake", "hikari-persist"]
Seen = Mapping[str, typing.Mapping[str, typing.Any]]
"""The observations, by scene."""

_PROGRAM: typing.Final = places.HERE / "claims_bot.py"
_COLUMNS: typing.Final[Mapping[System, str]] = {
    "hikari": "hikari's cache",
    "sake": "sake",
    "hikari-persist": "hikari-persist 0.3",
}
_SCENES: typing.Final[Mapping[System, Sequence[tuple[str, ...]]]] = {
    "hikari": (("members", "members"), ("lost_session",), ("own_event",), ("old_values",), ("shape",), ("reads",)),
    "sake": (
        ("members", "members"),
        ("both_guilds", "one_guild"),
        ("shards",),
        ("own_event",),
        ("old_values",),
        ("shape",),
        ("reads",),
        ("moments",),
        ("away",),
    ),
    "hikari-persist": (
        ("members", "members"),
        ("both_guilds", "one_guild"),
        ("shards",),
        ("own_event",),
        ("old_values",),
        ("shape",),
        ("reads",),
        ("locked",),
        ("as_released",),
    ),
}
"""Scenes that run one after the other on the same database."""


class Claim(typing.NamedTuple):
    """A cell of the README's table."""

    system: System
    row: str
    says: str
    holds: Callable[[Seen], bool]


def _same(_: Seen) -> bool:
    """Accept a claim that needs no scene: `claims_caches` shows how the cache is set up and where it stores things."""
    return True


def _kinds(seen: Seen) -> set[str]:
    return set(seen["shape"]["kinds"])


def _is_whole(seen: Seen) -> bool:
    shape = seen["shape"]
    return shape["type"] == "hikari" and shape["id"] == "Snowflake" and bool(shape["copies"])


def _has_no_past(seen: Seen) -> bool:
    return set(seen["old_values"].values()) == {None}


CLAIMS: typing.Final = (
    Claim("hikari", "Survives a restart", "no", lambda seen: seen["members"]["at first"] < 1001),
    Claim(
        "sake",
        "Survives a restart",
        "yes, but deletes members of large guilds at every start",
        lambda seen: seen["one_guild"]["still there"] and seen["members"]["at first"] < 1001,
    ),
    Claim(
        "hikari-persist",
        "Survives a restart",
        "yes, but deletes members of large guilds at every start",
        lambda seen: seen["both_guilds"]["all"] and seen["members"]["at first"] < 1001,
    ),
    Claim("hikari", "Databases", "memory", _same),
    Claim("sake", "Databases", "Redis", _same),
    Claim(
        "hikari-persist",
        "Databases",
        "SQLite (reads raise `NameError`), PostgreSQL",
        lambda seen: seen["as_released"] == {"get": "NameError", "backends": ["PostgreSQLBackend", "SQLiteBackend"]},
    ),
    Claim("hikari", "Reading one member", "**without `await`**", lambda seen: not seen["reads"]["awaits"]),
    Claim(
        "sake",
        "Reading one member",
        "one Redis query each time",
        lambda seen: seen["reads"]["awaits"] and seen["reads"]["microseconds"] > seen["hikari's reads"]["microseconds"],
    ),
    Claim(
        "hikari-persist",
        "Reading one member",
        "one database query each time, where reads work",
        lambda seen: seen["reads"]["awaits"] and seen["reads"]["microseconds"] > seen["hikari's reads"]["microseconds"],
    ),
    Claim(
        "hikari",
        "Kinds of objects",
        "13, with threads and stickers",
        lambda seen: len(kinds := _kinds(seen) - {"dm_channel_id"}) == 13 and {"thread", "sticker"} <= kinds,
    ),
    Claim(
        "sake",
        "Kinds of objects",
        "11, no threads, no stickers",
        lambda seen: len(kinds := _kinds(seen)) == 11 and not {"thread", "sticker"} & kinds,
    ),
    Claim(
        "hikari-persist",
        "Kinds of objects",
        "4: guilds, channels, members, roles",
        lambda seen: _kinds(seen) == {"guilds", "channels", "members", "roles"},
    ),
    Claim("hikari", "Objects you get", "hikari's, copied", _is_whole),
    Claim("sake", "Objects you get", "hikari's, made by hikari", _is_whole),
    Claim(
        "hikari-persist",
        "Objects you get",
        "hikari's classes, with plain `int` IDs",
        lambda seen: (seen["shape"]["type"], seen["shape"]["id"]) == ("hikari", "int"),
    ),
    Claim(
        "hikari",
        "Queries",
        "by ID, per guild, per channel",
        lambda seen: seen["shape"]["asks"] == ["by channel", "by guild", "by id"],
    ),
    Claim(
        "sake",
        "Queries",
        "by ID, per guild; voice states per channel",
        lambda seen: seen["shape"]["asks"] == ["by channel", "by guild", "by id"],
    ),
    Claim(
        "hikari-persist",
        "Queries",
        "equality on some columns",
        lambda seen: {"guild_id", "name", "type"} <= set(seen["shape"]["asks"]),
    ),
    Claim("hikari", "Listener finds its own event", "yes", lambda seen: seen["own_event"]["listen"]),
    Claim(
        "sake", "Listener finds its own event", "no: both run as tasks", lambda seen: not seen["own_event"]["listen"]
    ),
    Claim(
        "hikari-persist",
        "Listener finds its own event",
        "with `confirm=True`, not for guilds",
        lambda seen: seen["own_event"] == {"listen": False, "confirm": True, "guilds": False, "guilds heard": 0},
    ),
    Claim(
        "hikari",
        "Guilds left while offline",
        "kept after a lost session",
        lambda seen: seen["lost_session"]["still there"],
    ),
    Claim("sake", "Guilds left while offline", "kept forever", lambda seen: seen["one_guild"]["still there"]),
    Claim(
        "hikari-persist",
        "Guilds left while offline",
        "removed, along with other shards' guilds",
        lambda seen: not seen["one_guild"]["still there"] and seen["shards"]["of the other"] == 0,
    ),
    Claim("hikari", "Database outage", "no database", _same),
    Claim("sake", "Database outage", "events are lost", lambda seen: seen["away"]["lost"] == 20),
    Claim(
        "hikari-persist",
        "Database outage",
        "batches are dropped after a few seconds",
        lambda seen: seen["locked"]["lost"] > 0,
    ),
    Claim("hikari", "Multiple processes", "no", _same),
    Claim(
        "sake",
        "Multiple processes",
        "yes, with moments without data",
        lambda seen: seen["shards"]["all"] and seen["moments"]["misses"] > 0,
    ),
    Claim(
        "hikari-persist",
        "Multiple processes",
        "they delete each other's data",
        lambda seen: not seen["shards"]["all"] and seen["shards"]["of the other"] == 0,
    ),
    Claim(
        "hikari",
        "Old values of edited objects",
        "until the restart, 300 messages",
        lambda seen: (
            seen["old_values"]
            == {"said while it runs": "said afterwards", "said before": None, "301 messages ago": None}
        ),
    ),
    Claim("sake", "Old values of edited objects", "no", _has_no_past),
    Claim("hikari-persist", "Old values of edited objects", "no", _has_no_past),
    Claim("hikari", "Setup", "**nothing at all**", _same),
    Claim("sake", "Setup", "a Redis server", _same),
    Claim("hikari-persist", "Setup", "one line", _same),
)


# ------------------------------------------------------------------------------------------------ what the README says


def cells() -> Iterator[tuple[str, str, str]]:
    """Yield each statement about another cache: the system, the row and the words."""
    text = (places.ROOT / "README.md").read_text()
    table = re.search(r"^\| \| persist \|.*?\n\n", text, re.MULTILINE | re.DOTALL)
    rows = [[cell.strip() for cell in line[1:-1].split("|")] for line in (table or [""])[0].strip().splitlines()]
    head = rows[0][-3:]
    for row in rows[2:]:
        yield from ((column, row[0], cell) for column, cell in zip(head, row[2:], strict=True))


def known() -> set[tuple[str, str, str]]:
    """Return the statements that are checked against scenes, in the same form."""
    return {(_COLUMNS[claim.system], claim.row, claim.says) for claim in CLAIMS}


# ----------------------------------------------------------------------------------------------- what is seen of them


def facts(system: System) -> Seen:
    """Play all scenes of a system, and return the observations.

    Raises
    ------
    LookupError
        If it cannot be installed, or the server that it needs cannot be started.
    """
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = dict(
            each for scenes in pool.map(lambda names: _played(system, names), _SCENES[system]) for each in scenes
        )
        if system != "hikari":
            found["hikari's reads"] = dict(_played("hikari", ("reads",)))["reads"]
    return found


def _played(system: System, scenes: Sequence[str]) -> list[tuple[str, typing.Any]]:
    with places.folder() as folder, _redis(needed=system == "sake") as redis:
        place = redis.url().rpartition("/")[0] if redis else str(folder / "cache.db")
        return [(scene, _said(system, scene, place, redis)) for scene in scenes]


def _said(system: System, scene: str, place: str, redis: servers.Server | None) -> typing.Any:
    # hikari's own cache is tested in the newest hikari, which sake allows and hikari-persist doesn't.
    rival = rivals.HIKARI_PERSIST if system == "hikari-persist" else rivals.SAKE
    if (python := rivals.python_of(rival)) is None:
        raise LookupError(f"{rival.name} cannot be installed here: {rivals.skipped[rival.name]}")
    command = [str(python), str(_PROGRAM), system, scene, place]
    lines: list[str] = []
    with (
        tempfile.TemporaryFile("w+") as log,  # with a pipe that nobody reads, it would block
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True) as bot,
    ):
        assert bot.stdin is not None
        for line in bot.stdout or ():
            lines.append(line)
            if redis is not None and line.strip() in {"away", "back"}:
                _switch(redis, line.strip())
                bot.stdin.write("\n")
                bot.stdin.flush()
        if bot.wait(60) or not lines:
            log.seek(0)
            raise RuntimeError(f"{system} did not play {scene!r} to its end: {log.read()[-2000:]}")
    return json.loads(lines[-1])


def _switch(redis: servers.Server, what: str) -> None:
    if what == "away":
        for database in range(11):  # it must come back with its data
            asyncio.run(redis.program.run(redis.url(str(database)), "SAVE"))
        redis.kill()
    else:
        redis.start()


@contextlib.contextmanager
def _redis(*, needed: bool) -> Iterator[servers.Server | None]:
    server = servers.find(servers.REDIS) if needed else None
    if needed and not isinstance(server, servers.Server):
        raise LookupError("the Redis that is named cannot be stopped, and belongs to somebody")
    try:
        yield typing.cast("servers.Server | None", server)
    finally:
        if server is not None:
            server.close()


def main() -> int:
    """Print whether each cell is true."""
    wrong = 0
    for system in _COLUMNS:
        try:
            seen = facts(system)
        except LookupError as error:
            print(f"{system} is not checked: {error}")
            continue
        for claim in (each for each in CLAIMS if each.system == system):
            holds = bool(claim.holds(seen))
            wrong += not holds
            print(f"{'✓' if holds else '✗'} {system} | {claim.row} | {claim.says}")
        print(pathlib.Path(_PROGRAM).name, json.dumps(seen, indent=1))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
