"""Requests all members of a guild from Discord, if they are needed and hikari does not request them itself."""

from __future__ import annotations

import asyncio
import collections
import itertools
import logging
import time
import typing

import hikari

from . import completeness
from .admission import Admission
from .entities import MEMBERS
from .errors import PersistError
from .feed import Feed
from .gauges import Gauges
from .journal import Journal
from .model import Origin, Payload
from .reader import Reader
from .spi import Select

__all__ = ("Chunker", "Pace", "Policy")

_LOG = logging.getLogger("persist.chunking")
_REQUEST_GUILD_MEMBERS: typing.Final = 8

Policy = typing.Literal["never", "stale", "always"]


class Pace(typing.NamedTuple):
    """How often to send requests. Discord allows one for all members of a guild per 30 s, and 120 sends a minute."""

    guild: float = 30.0
    """Seconds from one request for a guild to the next."""

    shard: int = 60
    """Requests per minute and shard: the bot keeps half of what may be sent."""

    patience: float = 60.0
    """Seconds that the chunks of one request may take."""

    tries: int = 3
    """How often to request the members of a guild whose chunks do not all arrive."""


class _Guild:
    """A guild whose members may have to be requested."""

    __slots__ = ("count", "due", "id", "nonce", "shard", "tries", "used")

    def __init__(self, guild_id: int, shard: hikari.api.GatewayShard, payload: Payload, due: float) -> None:
        self.id = guild_id
        self.shard = shard
        self.count: int = payload.get("member_count", 0)
        self.due = due
        self.nonce: str | None = None
        self.tries = 0
        # The guild with the newest message comes first: an id contains its time.
        last = (channel.get("last_message_id") for channel in payload.get("channels", ()))
        self.used = max((int(snowflake) for snowflake in last if snowflake), default=0)


class Chunker:
    """Keeps the members of guilds complete.

    Parameters
    ----------
    bot
        The bot that sends the requests.
    feed, admission, reader, journal, gauges
        The events received, which also takes the mark that members are stale, the rules, what is known, the time, and
        the counters.
    policy
        When to request members.
    pace
        How often.
    """

    heard: typing.ClassVar[tuple[str, ...]] = (
        "GUILD_CREATE",
        "GUILD_DELETE",
        "READY",
        "RATE_LIMITED",
        "GUILD_MEMBER_ADD",
        "GUILD_MEMBER_REMOVE",
        "MESSAGE_CREATE",
    )
    """The events that it needs to receive."""

    def __init__(
        self,
        bot: hikari.GatewayBotAware,
        feed: Feed,
        admission: Admission,
        reader: Reader,
        journal: Journal,
        gauges: Gauges,
        policy: Policy,
        pace: Pace,
    ) -> None:
        self._bot = bot
        self._feed = feed
        self._admission = admission
        self._reader = reader
        self._journal = journal
        self._gauges = gauges
        self._policy = policy
        self._pace = pace
        self._guilds: dict[int, _Guild] = {}
        self._asked: dict[int, float] = {}
        self._sends: dict[int, collections.deque[float]] = {}
        self._numbers = itertools.count()
        self._wake = asyncio.Event()

    # ------------------------------------------------------------------------------------------------------- hearing

    def observe(self, name: str, shard: hikari.api.GatewayShard, event: Payload) -> None:
        """Receive an event from the feed."""
        match name:
            case "MESSAGE_CREATE" | "GUILD_MEMBER_ADD" | "GUILD_MEMBER_REMOVE":  # the most frequent ones
                if self._guilds:
                    self._used(name, event)
            case "GUILD_CREATE" if not event.get("unavailable"):
                self._created(shard, event)
            case "GUILD_DELETE":
                self._guilds.pop(int(event["id"]), None)
            case "READY":
                self._guilds = {i: guild for i, guild in self._guilds.items() if guild.shard.id != shard.id}
            case "RATE_LIMITED" if event.get("opcode") == _REQUEST_GUILD_MEMBERS:
                self._refused(event)
            case _:
                pass

    def _created(self, shard: hikari.api.GatewayShard, event: Payload) -> None:
        guild_id = int(event["id"])
        self._guilds.pop(guild_id, None)
        if not self._bot.intents & hikari.Intents.GUILD_MEMBERS or completeness.lists_all_members(event):
            return
        if not self._feed.keeps_any(MEMBERS, guild_id):
            return
        if asks_itself(self._bot, event):
            self._feed.sessions.of(shard).chunks.ask(guild_id, None)
            return
        self._guilds[guild_id] = _Guild(guild_id, shard, event, time.monotonic())
        self._wake.set()

    def _used(self, name: str, event: Payload) -> None:
        if (guild := self._guilds.get(int(event.get("guild_id") or 0))) is not None:
            if name == "MESSAGE_CREATE":
                guild.used = int(event["id"])
            else:
                guild.count += 1 if name == "GUILD_MEMBER_ADD" else -1

    def _refused(self, event: Payload) -> None:
        guild = self._guilds.get(int(event.get("meta", {}).get("guild_id", 0)))
        if guild is not None and guild.nonce is not None and event["meta"].get("nonce") == guild.nonce:
            self._feed.sessions.of(guild.shard).chunks.forget(guild.id)
            guild.due = time.monotonic() + float(event["retry_after"])
            guild.nonce = None
            guild.tries -= 1
            self._wake.set()

    # -------------------------------------------------------------------------------------------------------- asking

    async def run(self) -> None:
        """Send requests, for as long as the cache is open."""
        while True:
            self._wake.clear()
            guild = self._next()
            if guild is None:
                await self._rest()
                continue
            try:
                await self._care_for(guild)
            except (PersistError, hikari.HikariError) as error:
                _LOG.debug("the members of guild %d will be checked later: %s", guild.id, error)
                guild.due = time.monotonic() + self._pace.guild
            except Exception:  # noqa: BLE001 - one guild must not affect the next
                _LOG.exception("the members of guild %d cannot be checked", guild.id)
                self._guilds.pop(guild.id, None)

    def _next(self) -> _Guild | None:
        """Return the most recently used guild that can be checked now."""
        now = time.monotonic()
        due = (guild for guild in self._guilds.values() if self._moment(guild) <= now)
        return max(due, key=lambda guild: guild.used, default=None)

    def _moment(self, guild: _Guild) -> float:
        sends = self._sends.get(guild.shard.id)
        free = sends[0] + 60 if sends is not None and len(sends) >= self._pace.shard else 0.0
        return max(guild.due, free)

    async def _rest(self) -> None:
        soon = min((self._moment(guild) for guild in self._guilds.values()), default=float("inf")) - time.monotonic()
        try:
            async with asyncio.timeout(None if soon == float("inf") else max(0.0, soon)):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _care_for(self, guild: _Guild) -> None:
        chunks = self._feed.sessions.of(guild.shard).chunks
        has_arrived = guild.nonce is not None and not chunks.is_asked(guild.id, guild.nonce)
        if has_arrived or not self._feed.keeps_any(MEMBERS, guild.id):  # an erasure or new rules may end the need
            self._guilds.pop(guild.id, None)
            return
        if guild.tries >= self._pace.tries:
            _LOG.warning(
                "the members of guild %d were requested %d times, but some chunks are missing", guild.id, guild.tries
            )
            self._guilds.pop(guild.id, None)
            return
        if guild.nonce is None and not await self._is_needed(guild):
            if self._guilds.get(guild.id) is guild:
                del self._guilds[guild.id]
            return
        wait = self._asked.get(guild.id, -self._pace.guild) + self._pace.guild - time.monotonic()
        if wait > 0:
            guild.due = time.monotonic() + wait
        elif self._guilds.get(guild.id) is guild:
            await self._ask(guild)

    async def _is_needed(self, guild: _Guild) -> bool:
        if self._policy == "always":
            return True
        await self._reader.barrier()
        page = await self._reader.page(Select(MEMBERS, guild_id=guild.id, want="count"))
        note = await self._reader.note(MEMBERS, guild.id)  # last, because all members may have arrived by now
        was_complete = note is not None and note.payload.get("state") == "complete"
        if not self._admission.keeps_all(MEMBERS, guild.id):  # Discord's count is never reached
            return self._policy == "stale" and not was_complete
        is_told = note is not None and note.payload.get("epoch") == self._feed.sessions.of(guild.shard).epoch
        if was_complete and (is_told or page.count == guild.count):
            self._gauges.member_requests_saved += self._policy == "stale"
            return False
        if was_complete:
            origin = Origin("gateway", guild.shard.id, 0, self._journal.at)
            self._feed.accept((completeness.known(MEMBERS.name, guild.id, origin, "stale"),))
        return self._policy == "stale"

    async def _ask(self, guild: _Guild) -> None:
        guild.nonce = f"p{next(self._numbers):x}.{guild.id}"
        guild.tries += 1
        now = time.monotonic()
        guild.due = now + self._pace.patience
        self._asked[guild.id] = now
        self._sends.setdefault(guild.shard.id, collections.deque(maxlen=self._pace.shard)).append(now)
        self._feed.sessions.of(guild.shard).chunks.ask(guild.id, guild.nonce)
        presences = bool(self._bot.intents & hikari.Intents.GUILD_PRESENCES)
        self._gauges.member_requests += 1
        await guild.shard.request_guild_members(guild.id, include_presences=presences, nonce=guild.nonce)


def asks_itself(bot: hikari.GatewayBotAware, guild: Payload) -> bool:
    """Return whether hikari itself requests the members of a created guild."""
    with_presences = bool(bot.intents & hikari.Intents.GUILD_PRESENCES)
    # hikari has no public name for this setting, which is on by default.
    if not getattr(bot.event_manager, "_auto_chunk_members", True) or (with_presences and not guild.get("large")):
        return False
    cache = getattr(bot.cache, "settings", None)
    keeps = cache is not None and hikari.api.CacheComponents.MEMBERS & cache.components and not cache.only_my_member
    return bool(keeps or bot.event_manager.get_listeners(hikari.MemberChunkEvent))
