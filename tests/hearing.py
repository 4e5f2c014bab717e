"""A real bot whose gateway events come from the test, one by one, and whose cache is then queried."""

from __future__ import annotations

import contextlib
import copy
import datetime
import typing
from collections.abc import AsyncIterator, Callable, Collection

import hikari
import hikari.impl
from fakecord import Payload, payloads
from hikari.impl import shard as shard_impl

import persist
from persist.changes import Change, Put
from persist.entities import COMPLETENESS, ENTITIES, SHARDS
from persist.locations import store_of
from persist.model import Key, Origin, Record
from persist.spi import Select, Store

__all__ = ("ME", "PROVEN", "Hearing", "Shard", "proves")

ME: typing.Final = "900000000000000001"
PROVEN: typing.Final[set[str]] = set()
"""The gateway events that some test is marked as proving."""

_HTTP: typing.Final = hikari.impl.HTTPSettings()
"""Shared by all bots, because creating them loads certificates."""

T = typing.TypeVar("T")


def proves(*names: str) -> Callable[[T], T]:
    """Mark a test as proof of what some events do."""
    PROVEN.update(names)
    return lambda test: test


class Shard(shard_impl.GatewayShardImpl):
    """A shard that knows its bot without being connected."""

    def __init__(self, bot: hikari.GatewayBot, shard_id: int, shard_count: int) -> None:
        super().__init__(
            intents=bot.intents,
            shard_id=shard_id,
            shard_count=shard_count,
            http_settings=_HTTP,
            proxy_settings=hikari.impl.ProxySettings(),
            event_manager=bot.event_manager,
            event_factory=bot.event_factory,
            token="OTAw.fake.token",
            url="wss://localhost",
        )
        self._seq = 0

    def get_user_id(self) -> hikari.Snowflake:
        return hikari.Snowflake(ME)

    def count_up(self) -> None:
        self._seq = (self._seq or 0) + 1


class Hearing:
    """A bot that is not connected, its cache, and shards that send what the test wants.

    Parameters
    ----------
    url
        The database of the cache.
    settled
        Whether to store everything before the next event. Otherwise, nothing is stored until a flush.
    shards
        The number of shards.
    intents
        The bot's intents.
    hikari_caches
        Whether hikari fills its own cache, too.
    rules, search
        The options of the cache.
    clock
        Returns the time that decides what is too old.
    """

    def __init__(
        self,
        url: str,
        *,
        settled: bool = False,
        shards: int = 1,
        intents: hikari.Intents = hikari.Intents.ALL,
        hikari_caches: bool = False,
        rules: persist.Rules | None = None,
        warm: bool | persist.Warm = False,
        search: Collection[str] | None = None,
        clock: Callable[[], datetime.datetime] | None = None,
    ) -> None:
        self.url = url
        self._settled = settled
        self._shard_count = shards
        self._intents = intents
        self._hikari_caches = hikari_caches
        self._rules = rules
        self._warm = warm
        self._search = search
        self._clock = clock
        self._make()

    def _make(self) -> None:
        components = hikari.api.CacheComponents.ALL if self._hikari_caches else hikari.api.CacheComponents.NONE
        self.bot = hikari.GatewayBot(
            "OTAw.fake.token",
            banner=None,
            logs=None,
            intents=self._intents,
            auto_chunk_members=False,
            http_settings=_HTTP,
            cache_settings=hikari.impl.CacheSettings(components=components),
            suppress_optimization_warning=True,
        )
        self.cache = persist.Cache(
            self.bot, self.url, rules=self._rules, warm=self._warm, interval=3600, members="never", search=self._search
        )
        if self._clock is not None:
            self.cache._clock = self._clock
        self.shards = [Shard(self.bot, number, self._shard_count) for number in range(self._shard_count)]

    async def __aenter__(self) -> typing.Self:
        await self.cache.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cache.close()

    async def hear(self, name: str, payload: Payload, *, shard: int = 0, settle: bool | None = None) -> None:
        """Feed a payload to the bot, and check that nothing has changed the payload."""
        if self._settled if settle is None else settle:
            await self.cache.flush()
        before = copy.deepcopy(payload)
        self.consume(name, payload, shard=shard)
        assert payload == before

    def consume(self, name: str, payload: Payload, *, shard: int = 0) -> None:
        """Feed a payload to the bot, synchronously."""
        self.shards[shard].count_up()
        # hikari raises LookupError for unknown events, after everybody has received them.
        with contextlib.suppress(LookupError):
            self.bot.event_manager.consume_raw_event(name, self.shards[shard], payload)

    def accept(self, *changes: Change) -> None:
        """Pass changes to the cache as if an event had caused them."""
        assert self.cache._engine is not None
        self.cache._engine.journal.accept(changes)

    def remember(self, record: Record) -> None:
        """Pass a record to the cache, with its separately stored parts on their own, as events do."""
        self.accept(Put(record))
        for field, join in record.entity.joins.items():
            if (part := record.payload.get(field)) is not None:
                self.remember(
                    join.entity.record(part, record.guild_id if join.entity.in_guild else None, record.origin)
                )

    def tell(self, kind: str, payload: Payload, guild_id: int | None) -> None:
        """Pass an object to the cache as if REST had sent it."""
        self.accept(
            Put(ENTITIES[kind].record(payload, guild_id, Origin("rest", None, 0, "2026-01-02 03:04:05.000006")))
        )

    async def ready(self, *guilds: Payload, shard: int = 0) -> None:
        """Feed READY to the bot, with the guilds it is in, and then each guild in its current state."""
        await self.hear("READY", ready(*guilds), shard=shard)
        for guild in guilds:
            await self.hear("GUILD_CREATE", guild, shard=shard)

    async def answers(self) -> AsyncIterator[persist.Cache]:
        """Yield the cache three times: while changes wait, once they are stored, and reopened.

        A database in memory is not reopened.
        """
        assert self.cache.quarantine == ()
        yield self.cache
        await self.cache.flush()
        yield self.cache
        if self.url == "memory://":
            return
        await self.reopen()
        yield self.cache
        assert self.cache.quarantine == ()

    async def reopen(self) -> None:
        """Close the cache, and open the same database with a bot that has received nothing."""
        await self.cache.close()
        self._make()
        await self.cache.open()

    async def stored(self, guild_id: int | None = None) -> dict[tuple[str, Key], Payload]:
        """Return what is stored, except for places and completeness: everything, or what belongs to one guild."""
        await self.cache.flush()
        if self.url == "memory://":  # nobody else can open it
            return await _stored(typing.cast("typing.Any", self.cache._store), guild_id)
        store = store_of(self.url)
        await store.open()
        try:
            return await _stored(store, guild_id)
        finally:
            await store.close()


async def _stored(store: Store, guild_id: int | None) -> dict[tuple[str, Key], Payload]:
    found: dict[tuple[str, Key], Payload] = {}
    for entity in ENTITIES.values():
        if entity in (SHARDS, COMPLETENESS) or (guild_id is not None and not entity.in_guild):
            continue
        for record in (await store.select(Select(entity, guild_id=guild_id))).records:
            found[entity.name, record.key] = dict(record.payload)
    return found


def ready(*guilds: Payload) -> Payload:
    """Return a READY that names some guilds."""
    return {
        "v": 10,
        "user": payloads.own_user(id=ME),
        "guilds": [{"id": guild["id"], "unavailable": True} for guild in guilds],
        "session_id": "a session",
        "session_type": "normal",
        "resume_gateway_url": "wss://localhost",
        "shard": [0, 1],
        "application": {"id": ME, "flags": 0},
    }
