"""Fills hikari's own cache before the shards connect, and again where hikari empties it."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
import typing
from collections.abc import Coroutine, Iterator, Mapping, Sequence

import hikari

from .completeness import lists_all_members
from .conditions import Condition, Conditional
from .entities import DM_CHANNELS, GUILDS, MEMBERS, MESSAGES, THREADS
from .errors import PersistError
from .feed import Feed
from .model import Payload, Record
from .plans import ACTIVE
from .reader import Reader
from .spi import Cursor, Order, Select
from .warm import Row, Warm

__all__ = ("Warmer",)

_LOG = logging.getLogger("persist.warming")
_SLICE: typing.Final = 200
_KEYS: typing.Final = 5000
_NAMED: typing.Final = 500
_MOST_MESSAGES: typing.Final = 300
"""The number of messages that hikari keeps by default."""

Members = Mapping[hikari.Snowflake, hikari.Member]


class _Refill:
    """The members of a guild that hikari has just forgotten."""

    __slots__ = ("left", "members")

    def __init__(self, members: Iterator[tuple[Members, hikari.Snowflake]]) -> None:
        self.members: Iterator[tuple[Members, hikari.Snowflake]] = members
        self.left: set[int] = set()


class Warmer:
    """Fills hikari's cache of one bot.

    Parameters
    ----------
    bot
        The bot.
    wish, rows
        What to fill.
    """

    heard: typing.ClassVar[tuple[str, ...]] = (
        "READY",
        "GUILD_CREATE",
        "GUILD_DELETE",
        "GUILD_MEMBER_ADD",
        "GUILD_MEMBER_UPDATE",
        "GUILD_MEMBER_REMOVE",
        "GUILD_MEMBERS_CHUNK",
    )
    """The events that it needs to receive."""

    def __init__(self, bot: hikari.GatewayBotAware, wish: Warm, rows: Sequence[Row]) -> None:
        self._bot = bot
        self._cache = typing.cast("hikari.api.MutableCache", bot.cache)
        self._wish = wish
        self._rows = {row.entity: row for row in rows}
        self._guilds: set[int] = set()
        self._unconfirmed: dict[int, set[int]] = {}
        self._refills: dict[int, _Refill] = {}
        self._reader: Reader | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------------------------------------------------- filling

    async def fill(self, reader: Reader, me: int | None) -> None:
        """Fill the cache of a bot whose shards have not connected yet.

        Parameters
        ----------
        reader
            Reads what is stored.
        me
            The ID of the bot's own user.
        """
        self._guilds.clear()
        self._unconfirmed.clear()
        self._refills.clear()
        began = time.monotonic()
        count = 0
        try:
            async with asyncio.timeout(self._wish.seconds):
                for row in self._rows.values():
                    for query in self._questions(row, me):
                        count += await self._fill(reader, row, query)
        except TimeoutError:
            _LOG.warning(
                "hikari's cache is not filled after %g s; the rest arrives as Discord sends it", self._wish.seconds
            )
        except PersistError as error:
            _LOG.warning("hikari's cache cannot be filled (%s); it fills as Discord sends data", error)
        _LOG.info("filled hikari's cache with %d objects in %.1f s", count, time.monotonic() - began)

    def _questions(self, row: Row, me: int | None) -> Iterator[Select]:
        """Yield the queries for everything to be filled of one kind."""
        entity, settings = row.entity, self._bot.cache.settings
        where: tuple[Conditional, ...] = (ACTIVE,) if entity is THREADS else ()
        if entity is MEMBERS and settings.only_my_member:
            where = (Condition("user_id", "equals", me or 0),)
        query = Select(entity, where=where, limit=_SLICE)
        if entity is MESSAGES:  # however many it is given, hikari keeps the newest
            most = getattr(settings, "max_messages", _MOST_MESSAGES)
            query = Select(entity, order=(Order("id", descending=True),), limit=most)
        if self._wish.guilds is None or not entity.in_guild:
            yield query
            return
        guilds = sorted(map(int, self._wish.guilds))
        for start in range(0, len(guilds), _NAMED):
            one_of = Condition("guild_id", "is_in", tuple(guilds[start : start + _NAMED]))
            yield query._replace(where=(*where, one_of))

    async def _fill(self, reader: Reader, row: Row, query: Select) -> int:
        count, put = 0, getattr(self._cache, row.put)
        after: Cursor | None = None
        while True:
            page = await reader.page(query._replace(after=after))
            for record in reversed(await reader.whole(page.records)):  # the newest message comes last
                if not self._is_wanted(row, record):
                    continue
                thing = reader.decoded(row.entity, record)
                if row.entity is DM_CHANNELS and isinstance(thing, hikari.DMChannel):
                    put(thing.recipient, thing.id)
                elif thing is not None and row.entity is not DM_CHANNELS:
                    put(thing)
                    self._note(row, record)
                count += 1
            await asyncio.sleep(0)
            if (after := page.after) is None or row.entity is MESSAGES:
                return count

    def _is_wanted(self, row: Row, record: Record) -> bool:
        return row.entity is not GUILDS or self._wish.includes(int(record.key[0]))

    def _note(self, row: Row, record: Record) -> None:
        if row.entity is GUILDS:
            # Until Discord says that the guild is available, hikari calls it unavailable, as after READY.
            self._cache.set_guild_availability(int(record.key[0]), False)  # noqa: FBT003 - hikari's signature
        elif row.entity is MEMBERS:
            self._unconfirmed.setdefault(int(record.key[0]), set()).add(int(record.key[1]))
        if record.guild_id is not None or row.entity is GUILDS:
            self._guilds.add(int(record.key[0]) if row.entity is GUILDS else typing.cast("int", record.guild_id))

    # ------------------------------------------------------------------------------------------------------- keeping

    def follow(self, feed: Feed, reader: Reader) -> None:
        """Start receiving events from an open cache's feed."""
        self._reader = reader
        feed.observe(self.observe, self.heard, at_once=True)

    def observe(self, name: str, shard: hikari.api.GatewayShard, event: Payload) -> None:
        """Receive an event before hikari's cache does."""
        match name:
            case "READY":
                listed = {int(guild["id"]) for guild in event["guilds"]}
                mine = {guild for guild in self._guilds if (guild >> 22) % shard.shard_count == shard.id}
                self._drop(mine - listed)
            case "GUILD_CREATE" if not event.get("unavailable"):
                self._created(event)
            case "GUILD_DELETE" if not event.get("unavailable"):
                self._drop({int(event["id"])})
            case "GUILD_MEMBER_ADD" | "GUILD_MEMBER_UPDATE" | "GUILD_MEMBER_REMOVE" if self._unconfirmed:
                guild_id, user_id = int(event["guild_id"]), int(event["user"]["id"])
                self._unconfirmed.get(guild_id, set()).discard(user_id)
                if name == "GUILD_MEMBER_REMOVE" and (refill := self._refills.get(guild_id)) is not None:
                    refill.left.add(user_id)
            case "GUILD_MEMBERS_CHUNK" if self._unconfirmed:
                self._chunk(event)
            case _:
                pass

    def settle(self) -> None:
        """Remove the guilds of other processes, once it is known which shards run in this one."""
        shards = {shard.id: shard.shard_count for shard in self._bot.shards.values()}
        if shards:
            count = next(iter(shards.values()))
            self._drop({guild for guild in self._guilds if (guild >> 22) % count not in shards})

    def _drop(self, guilds: set[int]) -> None:
        for guild_id in guilds & self._guilds:
            for row in reversed(self._rows.values()):
                if row.clear:
                    getattr(self._cache, row.clear)(hikari.Snowflake(guild_id))
            self._guilds.discard(guild_id)
            self._unconfirmed.pop(guild_id, None)
            self._refills.pop(guild_id, None)

    # ------------------------------------------------------------------------------------------------------- members

    def _created(self, event: Payload) -> None:
        """Remove what hikari would leave behind, and keep what it is about to forget although it is still valid."""
        guild_id = hikari.Snowflake(event["id"])
        for row in self._rows.values():
            if row.listed and event.get(row.listed) == []:
                getattr(self._cache, row.clear)(guild_id)
        if MEMBERS not in self._rows or not self._wish.includes(guild_id) or self._bot.cache.settings.only_my_member:
            return
        self._guilds.add(guild_id)
        if lists_all_members(event):  # hikari replaces what it has with these, and whoever is missing has left
            self._refills.pop(guild_id, None)
            self._unconfirmed.pop(guild_id, None)
            return
        members = self._cache.get_members_view_for_guild(guild_id)
        if not members:
            return
        told = {int(member["user"]["id"]) for member in event.get("members") or ()}
        earlier = self._refills.get(guild_id)
        forgotten = ((members, user_id) for user_id in members)
        self._refills[guild_id] = refill = _Refill(
            forgotten if earlier is None else itertools.chain(forgotten, earlier.members)
        )
        self._unconfirmed[guild_id] = {int(user_id) for user_id in members} - told
        # call_soon runs before this event's listeners, because hikari has not created their tasks yet.
        asyncio.get_running_loop().call_soon(self._begin_refill, guild_id, refill)

    def _begin_refill(self, guild_id: int, refill: _Refill) -> None:
        if self._refill(guild_id, refill):
            self._do(self._end_refill(guild_id, refill))

    async def _end_refill(self, guild_id: int, refill: _Refill) -> None:
        while self._refill(guild_id, refill):  # noqa: ASYNC110 - it does not wait, it only lets others run
            await asyncio.sleep(0)

    def _refill(self, guild_id: int, refill: _Refill) -> bool:
        """Put some members back, and return whether there are more."""
        if self._refills.get(guild_id) is not refill:
            return False
        some = list(itertools.islice(refill.members, _SLICE))
        for members, user_id in some:
            if int(user_id) not in refill.left and self._cache.get_member(guild_id, user_id) is None:
                self._cache.set_member(members[user_id])
        if len(some) < _SLICE:
            del self._refills[guild_id]
            return False
        return True

    def _chunk(self, event: Payload) -> None:
        guild_id = int(event["guild_id"])
        if (unconfirmed := self._unconfirmed.get(guild_id)) is None:
            return
        unconfirmed.difference_update(int(member["user"]["id"]) for member in event["members"])
        if event["chunk_index"] + 1 == event["chunk_count"]:
            self._do(self._prune(guild_id))

    async def _prune(self, guild_id: int) -> None:
        """Remove members that are not stored anymore: the complete list has arrived, and they were not in it."""
        unconfirmed = self._unconfirmed.get(guild_id)
        if not unconfirmed or self._reader is None:
            return
        gone = set(unconfirmed)
        await self._reader.barrier()
        after: Cursor | None = None
        while True:
            page = await self._reader.page(Select(MEMBERS, guild_id=guild_id, want="keys", limit=_KEYS, after=after))
            gone -= {int(record.key[1]) for record in page.records}
            if (after := page.after) is None:
                break
        refill = self._refills.get(guild_id)
        for user_id in gone & unconfirmed:  # an event may have brought them back in the meantime
            unconfirmed.discard(user_id)
            self._cache.delete_member(guild_id, user_id)
            if refill is not None:
                refill.left.add(user_id)

    # --------------------------------------------------------------------------------------------------------- tasks

    def _do(self, work: Coroutine[typing.Any, typing.Any, None]) -> None:
        task = asyncio.create_task(self._done(work), name="persist warming")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @staticmethod
    async def _done(work: Coroutine[typing.Any, typing.Any, None]) -> None:
        try:
            await work
        except PersistError as error:
            _LOG.warning("members who have left may stay in hikari's cache: %s", error)

    def stop(self) -> None:
        """Cancel the running tasks."""
        for task in self._tasks:
            task.cancel()
