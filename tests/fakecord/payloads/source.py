"""The source of ids and timestamps for made-up payloads: a counter, and a clock that only the counter moves."""

from __future__ import annotations

import datetime
import random
import typing

Payload: typing.TypeAlias = dict[str, typing.Any]

DISCORD_EPOCH_MS: typing.Final = 1_420_070_400_000
_START_MS: typing.Final = 1_767_225_600_000  # 2026-01-01T00:00:00Z
# Divisible by every number up to 10; it makes guilds a few years old.
_GUILD_STEP_MS: typing.Final = 2520
_GUILD_AGES: typing.Final = (30_000_000, 110_000_000)


class Source:
    """Returns unique ids and increasing timestamps, which are the same for the same seed.

    Nothing here uses the real clock: each id advances the source's own clock by one millisecond.
    """

    def __init__(self, seed: int = 0) -> None:
        self.reseed(seed)

    def reseed(self, seed: int) -> None:
        """Start again, as a new source with that seed would."""
        self.random = random.Random(seed)
        self._now_ms = _START_MS
        self._count = 0
        self._guilds = 0

    def snowflake(self) -> str:
        """Return the next id; later calls return greater ids."""
        self._now_ms += 1
        return self._at(self._now_ms)

    def guild_snowflake(self) -> str:
        """Return an id for a guild: with up to 10 shards, each guild is on the shard after the previous guild's."""
        moment_ms = DISCORD_EPOCH_MS + self.random.randrange(*_GUILD_AGES) * _GUILD_STEP_MS + self._guilds
        self._guilds += 1
        return self._at(moment_ms)

    def iso(self, *, seconds_later: float = 0.0) -> str:
        """Return the source's current time in Discord's format."""
        moment = datetime.datetime.fromtimestamp(self._now_ms / 1000 + seconds_later, datetime.UTC)
        return moment.isoformat(timespec="microseconds")

    def milliseconds(self) -> int:
        """Return the source's current time in milliseconds since 1970."""
        return self._now_ms

    def _at(self, moment_ms: int) -> str:
        self._count += 1
        return str(((moment_ms - DISCORD_EPOCH_MS) << 22) | (self._count & 0x3FFFFF))


SOURCE: typing.Final = Source()


def snowflake() -> str:
    """Return a new unique id."""
    return SOURCE.snowflake()


def iso(*, seconds_later: float = 0.0) -> str:
    """Return the current time of the made-up world, or a time some seconds from it."""
    return SOURCE.iso(seconds_later=seconds_later)
