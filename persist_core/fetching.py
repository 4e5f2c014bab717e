"""Answers from the cache if possible, else from Discord's REST API, whose responses are stored in full."""

from __future__ import annotations

import asyncio
import collections
import copy
import datetime
import math
import time
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence

import hikari

from . import hooks
from .completeness import completeness_of, lacking
from .engine import Engine
from .entities import BANS, GUILDS, INVITES, MEMBERS, MESSAGES, SCHEDULED_EVENTS
from .errors import QueryError
from .filters import seconds_of
from .gauges import Gauges
from .hosts import Host, intents_of
from .model import Entity, Key, Record
from .saying import All, Saying

__all__ = ("Asked", "Fetcher", "Prefer", "Wish")

T = typing.TypeVar("T")
AnyEntity = Entity[typing.Any]
Prefer = typing.Literal["local", "rest"]
Ask = Callable[[hikari.api.RESTClient], Awaitable[T]]
_REMEMBERED_FOR: typing.Final = 10.0
_MOST_REMEMBERED: typing.Final = 10_000


_TOLD_BY_REST: typing.Final[Mapping[AnyEntity, frozenset[str]]] = {
    BANS: frozenset(("reason",)),
    INVITES: frozenset(("guild", "channel")),
    MEMBERS: frozenset(("deaf", "mute")),
    SCHEDULED_EVENTS: frozenset(("user_count",)),
}
"""Fields that REST always returns, and the gateway only sometimes; a record without them is requested from REST."""

_OF_MESSAGES: typing.Final = (
    hikari.Intents.DM_MESSAGES | hikari.Intents.DM_MESSAGE_REACTIONS,
    hikari.Intents.GUILD_MESSAGES | hikari.Intents.GUILD_MESSAGE_REACTIONS,
)
"""The intents that keep messages and their reactions up to date: outside guilds, and in them."""

_OF_POLLS: typing.Final = (hikari.Intents.DIRECT_MESSAGE_POLLS, hikari.Intents.GUILD_MESSAGE_POLLS)
"""The intents that keep the votes on a poll up to date: outside guilds, and in them."""


class Wish(typing.NamedTuple):
    """Where an answer should come from, and how old it may be."""

    prefer: Prefer = "local"
    max_age: float | datetime.timedelta | None = None

    def checked(self) -> Wish:
        """Return this.

        Raises
        ------
        persist.QueryError
            If it is not valid.
        """
        if self.prefer not in ("local", "rest"):
            msg = f'prefer must be "local" or "rest", not {self.prefer!r}'
            raise QueryError(msg)
        return self if self.max_age is None else self._replace(max_age=seconds_of(self.max_age))

    @property
    def seconds(self) -> float:
        """How old an answer may be."""
        return math.inf if self.max_age is None else seconds_of(self.max_age)


class Asked(typing.NamedTuple):
    """A requested object: the kinds that it may have, its key, and the values that its columns must have."""

    kinds: tuple[AnyEntity, ...]
    key: Key
    within: Mapping[str, int] = {}
    guild_id: int | None = None
    """The guild, for objects that do not contain its id."""

    how: Hashable = None
    """What else changes the answer."""

    @property
    def about(self) -> str:
        """The name of the kind, for metrics. Guilds are requested without a kind, as REST returns other fields."""
        return self.kinds[0].name if self.kinds else GUILDS.name


class Fetcher:
    """Fetches objects for one cache.

    Parameters
    ----------
    bot
        The bot whose REST client to use, with its token, connections and rate limits.
    engine
        Returns the open cache.
    gauges
        Counts requests, those that are sent and those that are saved.
    """

    def __init__(self, bot: Host, engine: Callable[[], Awaitable[Engine]], gauges: Gauges) -> None:
        self._bot = bot
        self._intents = intents_of(bot)
        self._engine = engine
        self._gauges = gauges
        self._flights: dict[Hashable, asyncio.Task[typing.Any]] = {}
        self._absent: dict[Hashable, tuple[float, hikari.NotFoundError]] = {}
        self._confirmed: collections.OrderedDict[tuple[AnyEntity, Key], str] = collections.OrderedDict()
        """When REST last returned an object; if it was unchanged, the database does not record that."""

    async def one(self, asked: Asked, ask: Ask[T], wish: Wish) -> T:
        """Return one object.

        Raises
        ------
        hikari.HikariError
            If the request fails. A 404 is remembered for some seconds.
        """
        wish.checked()
        name = (asked.kinds, asked.key, tuple(asked.within.items()), asked.how)
        if wish.prefer == "local":
            engine = await self._engine()
            stored = await self._stored(engine, asked, metadata=wish.max_age is not None)
            if (known := await self._known(engine, stored, wish)) is not None:
                self._gauges.rest_calls_saved += 1
                return typing.cast("T", known)
            # What is stored arrived later: it is incomplete, or nothing keeps it up to date.
            if not stored and (absent := self._absent.get(name)) is not None:
                said, error = absent
                if time.monotonic() - said < min(_REMEMBERED_FOR, wish.seconds):
                    self._gauges.rest_calls_saved += 1
                    raise copy.copy(error)
        # Concurrent callers wait for the same request; canceling one of them does not cancel it.
        flight = self._flights.get(name)
        if flight is None:
            flight = self._flights[name] = asyncio.create_task(self._ask(asked, ask, name), name="persist fetch")
            flight.add_done_callback(lambda done: self._landed(name, done))
        else:
            self._gauges.rest_calls_saved += 1
        return await asyncio.shield(flight)

    def _landed(self, name: Hashable, done: asyncio.Task[typing.Any]) -> None:
        self._flights.pop(name, None)
        if not done.cancelled():
            done.exception()

    async def _known(self, engine: Engine, stored: Sequence[Record], wish: Wish) -> object:
        """Return what is stored, if it may be the answer."""
        for record in stored:
            entity = record.entity
            if _unheard_of(record, self._intents):
                continue  # nothing keeps it up to date
            if wish.max_age is not None and not await self._is_recent(engine, record, wish.seconds):
                continue
            if not engine.admission.keeps_intact(entity, record.guild_id):
                continue  # REST returns more of it
            if not record.payload.keys() >= _TOLD_BY_REST.get(entity, frozenset()):
                continue
            if (made := await engine.reader.get(entity, record.key)) is not None:
                return made
        return None

    async def _is_recent(self, engine: Engine, record: Record, seconds: float) -> bool:
        """Return whether a record was learned, or found to be unchanged, at most some seconds ago."""
        confirmed = self._confirmed.get((record.entity, record.key), "")
        return engine.reader.is_recent((confirmed, *await engine.reader.told(record)), seconds)

    async def _stored(self, engine: Engine, asked: Asked, *, metadata: bool = False) -> Sequence[Record]:
        """Return the stored records of a requested object whose columns have the required values."""
        records = [await engine.reader.record(entity, asked.key, metadata=metadata) for entity in asked.kinds]
        return [
            record
            for record in records
            if record is not None and all(record.column(name) == value for name, value in asked.within.items())
        ]

    async def _ask(self, asked: Asked, ask: Ask[T], name: Hashable) -> T:
        engine = await self._engine()
        known = [record.entity for record in await self._stored(engine, asked)]
        saying = Saying(engine, asked.guild_id)
        self._gauges.rest_calls += 1
        try:
            with hooks.timed("fetch", kind=asked.about):
                answer = await ask(saying.client(self._bot.rest))
        except hikari.NotFoundError as error:
            if len(self._absent) >= _MOST_REMEMBERED:
                self._absent.clear()
            self._absent[name] = (time.monotonic(), error)
            for entity in known:
                engine.reader.forget(entity, [asked.key])
            raise
        self._absent.pop(name, None)
        await saying.remember({(entity, asked.key) for entity in known})
        for entity in asked.kinds:
            self._confirmed[entity, asked.key] = saying.began
            self._confirmed.move_to_end((entity, asked.key))
        while len(self._confirmed) > _MOST_REMEMBERED:
            self._confirmed.popitem(last=False)
        return answer

    async def me(self) -> int:
        """Return the id of the bot's own user, or 0 if it is not known."""
        return (await self._engine()).feed.me or 0

    async def is_whole(self, entity: AnyEntity, guild_id: int | None, wish: Wish) -> bool:
        """Return whether everything that a guild has of a kind is known, confirmed by a running session."""
        wish.checked()
        if wish.prefer != "local" or wish.max_age is not None or guild_id is None:
            return False
        engine = await self._engine()
        note = await engine.reader.note(entity, guild_id)
        kept = engine.admission.keeps_all(entity, guild_id) and engine.admission.keeps_intact(entity, guild_id)
        known = completeness_of(entity, note, self._intents, engine.feed.epochs, kept=kept)
        is_whole = known.is_complete and known.verified
        self._gauges.rest_calls_saved += is_whole
        return is_whole

    async def all_of(
        self, ask: Ask[Sequence[T]], whole: All | None = None, *, guild_id: int | None = None
    ) -> Sequence[T]:
        """Return what REST returns, and store it."""
        saying = Saying(await self._engine(), guild_id, whole)
        self._gauges.rest_calls += 1
        with hooks.timed("fetch", kind=whole.entity.name if whole is not None else "several"):
            answer = await ask(saying.client(self._bot.rest))
        await saying.remember()
        saying.end()
        return answer

    async def each_of(
        self,
        ask: Callable[[hikari.api.RESTClient], hikari.LazyIterator[T]],
        whole: All | None = None,
        *,
        guild_id: int | None = None,
    ) -> AsyncIterator[T]:
        """Yield what REST returns, and store it as it arrives. Only the first request of many pages is counted."""
        saying = Saying(await self._engine(), guild_id, whole)
        self._gauges.rest_calls += 1
        async for item in ask(saying.client(self._bot.rest)):
            await saying.remember()
            yield item
        await saying.remember()
        saying.end()


def _unheard_of(record: Record, intents: hikari.Intents) -> hikari.Intents:
    """Return the intents without which a bot does not receive every change of a record, and that it lacks."""
    if record.entity is not MESSAGES:
        return lacking(record.entity, intents)
    is_in_guild = record.guild_id is not None
    needed = _OF_MESSAGES[is_in_guild]
    if record.payload.get("poll"):
        needed |= _OF_POLLS[is_in_guild]
    return needed & ~intents
