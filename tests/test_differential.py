"""hikari's own cache gives the same answers to the same events, except for its mistakes, which are listed here."""

from __future__ import annotations

import pathlib
import random
import re
import typing
from collections.abc import Iterator, Mapping

import hikari
import pytest
import signatures
from alike import differences
from hikari.impl import shard as shard_impl
from world_actions import ACTIONS
from world_game import WAYS, Choice, Game

_KINDS: typing.Final = (
    "available_guilds",
    "dm_channel_ids",
    "emojis",
    "guild_channels",
    "guilds",
    "invites",
    "members",
    "messages",
    "presences",
    "roles",
    "stickers",
    "threads",
    "unavailable_guilds",
    "users",
    "voice_states",
)


class Excuse(typing.NamedTuple):
    """A difference that is allowed, because hikari's cache is wrong or knows less."""

    kind: str
    difference: str
    reason: str


_SEEN_LATE: typing.Final = r"it\.last_message_id: \d+ is "
_EXCUSES: typing.Final = (
    Excuse("available_guilds", r"it\.member_count:", "hikari does not count who joins and leaves"),
    Excuse("guilds", r"it\.member_count:", "hikari does not count who joins and leaves"),
    Excuse("unavailable_guilds", r"it\.member_count:", "hikari does not count who joins and leaves"),
    Excuse("available_guilds", r"it\.name:", "hikari loses a GUILD_UPDATE that is replayed before RESUMED"),
    Excuse("guilds", r"it\.name:", "hikari loses a GUILD_UPDATE that is replayed before RESUMED"),
    Excuse("emojis", r".*: only theirs", "an empty list in GUILD_CREATE clears nothing in hikari"),
    Excuse("guild_channels", _SEEN_LATE, "hikari does not note the last message of a channel"),
    Excuse("threads", _SEEN_LATE, "hikari does not note the last message of a thread"),
    Excuse("guild_channels", r"it\.last_pin_timestamp:", "hikari does not note pins"),
    Excuse("threads", r"it\.last_pin_timestamp:", "hikari does not note pins"),
    Excuse("threads", r"it\.approximate_message_count:", "hikari does not count the messages of a thread"),
    Excuse("threads", r"it\.approximate_member_count:", "hikari does not note who follows a thread"),
    Excuse(
        "threads", r".*: only ours", "hikari's memory ends with the process, and archived threads are not told again"
    ),
    Excuse("members", r".*: only theirs", "hikari keeps a member who left for as long as a voice state names it"),
    Excuse("members", r"it\.role_ids", "a deleted role stays with its members in hikari"),
    Excuse("messages", r".*: only ours", "hikari's memory ends with the process"),
    Excuse("messages", r".*: only theirs", "hikari keeps messages whose guild or channel is gone"),
    Excuse("messages", r"it\.reactions:", "hikari does not count reactions"),
    Excuse("presences", r".*: only theirs", "hikari keeps the presence of a member who left"),
    Excuse("users", r".*: only ours", "hikari forgets users whom nothing in its memory names"),
    Excuse("voice_states", r".*: only theirs", "hikari keeps the voice states of who left, and of deleted channels"),
    Excuse("voice_states", r"it\.member\.role_ids", "a deleted role stays with its members in hikari"),
)


def flat(view: Mapping[typing.Any, typing.Any], *start: int) -> Iterator[tuple[tuple[typing.Any, ...], object]]:
    """Yield the objects of a view with their keys. The view may contain one view per guild."""
    for key, value in view.items():
        if isinstance(value, Mapping):
            yield from flat(value, *start, key)
        else:
            yield (*start, key), value


class Comparison:
    """Compares both caches, and notes which excuses were needed."""

    def __init__(self) -> None:
        self.needed: set[Excuse] = set()

    async def __call__(self, game: Game) -> None:
        """Fail if the caches differ in anything that has no excuse."""
        found: list[str] = []
        for kind in _KINDS:
            name = f"get_{kind}_view"
            theirs, ours = getattr(game.bot.cache, name)(), await getattr(game.cache, name)()
            found += [
                f"{kind} {each}"
                for each in _between(dict(flat(ours)), dict(flat(theirs)))
                if not self._is_excused(kind, each)
            ]
        assert found == []

    def _is_excused(self, kind: str, difference: str) -> bool:
        fitting = [excuse for excuse in _EXCUSES if excuse.kind == kind and re.match(excuse.difference, difference)]
        self.needed.update(fitting)
        return bool(fitting)


def _between(ours: Mapping[typing.Any, object], theirs: Mapping[typing.Any, object]) -> Iterator[str]:
    yield from (f"{key}: only ours" for key in ours.keys() - theirs.keys())
    yield from (f"{key}: only theirs" for key in theirs.keys() - ours.keys())
    for key in ours.keys() & theirs.keys():
        yield from differences(ours[key], theirs[key])


def _turns(chance: random.Random, count: int) -> Iterator[tuple[str, list[Choice]]]:
    for _ in range(count):
        way = chance.choice(list(WAYS)) if chance.random() < 0.3 else "told"
        yield way, [(chance.choice(list(ACTIONS)), chance.randrange(4), chance.randrange(7)) for _ in range(4)]


async def _play(url: str, comparison: Comparison, seed: int) -> None:
    game = Game(url, comparison, guilds=2, shards=1 + seed % 2, large=False)
    await game.sim.start()
    await game.start()
    try:
        await game.check()
        for way, choices in _turns(random.Random(seed), 60):
            await WAYS[way](game, choices)
            await game.check()
    finally:
        await game.end()


def test_every_view_is_compared() -> None:
    # A view for a guild or a channel is part of the view of everything.
    names = [name for name, _ in signatures.named(hikari.api.Cache, "get_") if name.endswith("_view")]
    assert sorted(names) == sorted(f"get_{kind}_view" for kind in _KINDS)


@pytest.mark.timeout(300)
async def test_both_caches_answer_the_same(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_impl, "_BACKOFF_WINDOW", 0.0)
    comparison = Comparison()
    for seed in range(3):
        await _play(f"sqlite:///{tmp_path / str(seed)}.db", comparison, seed)
    assert comparison.needed == set(_EXCUSES), "an excuse that nothing needs is none"
