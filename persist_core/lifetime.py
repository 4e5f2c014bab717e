"""Opening and closing a cache, as its bot starts and stops or as its user requests."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import typing
from collections.abc import Callable, Iterable, Iterator

import hikari

from . import hooks
from .engine import Engine
from .errors import CacheClosedError, PersistError
from .hosts import Host, RestLife
from .loops import LOOP_ENDED, check_loop
from .owner import twin_refusal
from .reader import Reader
from .spi import Store
from .warming import Warmer

__all__ = ("Lifetime", "lifetimes_of")

_LOG = logging.getLogger("persist")

_OPENING: typing.Final = 5.0
"""Seconds that an opening under way may take when the bot stops."""


class Lifetime:
    """Opens a cache when its bot starts, closes it when the bot stops, and knows why it is not open.

    Parameters
    ----------
    bot
        The bot. If it is already running, the cache is opened at once.
    owner
        The cache.
    store
        The cache's store.
    engine
        Makes a new engine for each opening.
    warmer
        Fills hikari's own cache, if that is enabled.
    stop_timeout, strict
        As for the cache.

    Attributes
    ----------
    engine
        The running engine; ``None`` while the cache is closed.
    failure
        Why the last opening failed, if it did.
    """

    def __init__(
        self,
        bot: Host,
        owner: object,
        store: Store,
        engine: Callable[[], Engine],
        warmer: Warmer | None,
        *,
        stop_timeout: float,
        strict: bool,
    ) -> None:
        self.owner: object = owner
        self.engine: Engine | None = None
        self.failure: PersistError | None = None
        self._bot = bot
        self._gateway = bot if isinstance(bot, hikari.GatewayBotAware) else None
        self._store = store
        self._make = engine
        self._warmer = warmer
        self._stop_timeout = stop_timeout
        self._strict = strict
        self._opening: asyncio.Task[None] | None = None
        self._stopping: float | None = None
        self._late: asyncio.Task[None] | None = None
        self._ended = self._loop_ended = self._is_opening = self._was_open = False
        self._told: PersistError | None = None

    def attach(self) -> None:
        """Follow the bot from now on."""
        if self._gateway is None:
            RestLife(typing.cast("hikari.RESTBotAware", self._bot), self, self.start, self.close)
            return
        manager = self._gateway.event_manager
        manager.subscribe(hikari.StartingEvent, self._on_starting)
        manager.subscribe(hikari.StartedEvent, self._on_started)
        manager.subscribe(hikari.StoppingEvent, self._on_stopping)
        manager.subscribe(hikari.StoppedEvent, self._on_stopped)
        if self._bot.is_alive:
            # StartingEvent has already been dispatched, so this cache does not receive it.
            if self._is_connected:
                _LOG.warning(
                    "this cache was created while the bot was connected: of what Discord sent before, above all the "
                    "guilds, it only knows what is in its database; create it before the bot starts"
                )
            self._begin(patient=not self._strict)
            self._late = asyncio.create_task(self.start(), name="persist late start")

    @property
    def _is_connected(self) -> bool:
        return self._gateway is not None and any(shard.is_connected for shard in self._gateway.shards.values())

    async def _on_starting(self, _: hikari.StartingEvent) -> None:
        await self.start()
        if self._warmer is not None and self.engine is not None:
            await self._warmer.fill(self.engine.reader, self.engine.feed.me)

    async def _on_started(self, _: hikari.StartedEvent) -> None:
        if self._warmer is not None:
            self._warmer.settle()
        if self.engine is not None:
            self.engine.feed.sessions.all_started = True

    async def start(self) -> None:
        """Open as :meth:`persist.Cache.start` does."""
        self._settle()
        self._ended = False
        try:
            if self.engine is None:
                await asyncio.shield(self._begin(patient=not self._strict))
        except PersistError as error:
            if error is self._told:  # more than one waited for the same opening
                return
            self._told = error
            _LOG.critical("the cache cannot be opened, so nothing is stored: %s", error)
            if self._strict:
                if self._gateway is None:
                    raise
                _LOG.error("the bot is closed, as its cache is strict; hikari may raise errors because of that")
                await self._gateway.close()

    async def _on_stopping(self, _: hikari.StoppingEvent) -> None:
        # hikari cancels StoppedEvent's listeners when a bot closes itself, so store most of it now.
        if self.engine is not None:
            self._stopping = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(self._stop_timeout):
                    await self.engine.journal.flush()
            except TimeoutError:
                _LOG.error(
                    "storing takes more than %g s; %d changes are still waiting",
                    self._stop_timeout,
                    self.engine.journal.depth,
                )

    async def _on_stopped(self, _: hikari.StoppedEvent) -> None:
        await self.close()
        self._ended, self._opening = False, None  # as it was before the bot's first start

    async def open(self) -> None:
        """Open as :meth:`persist.Cache.open` does."""
        self._settle()
        self._ended = False
        if self.engine is None:
            await asyncio.shield(self._begin(patient=False))

    def _settle(self) -> None:
        """Drop what belongs to an event loop that has ended, and check that this loop is the cache's own."""
        self.leave_ended_loop()
        if self.engine is not None:
            check_loop(self.engine.loop)

    def leave_ended_loop(self) -> None:
        """Drop what belongs to an event loop that has ended, such as that of ``asyncio.run(cache.open())``."""
        if self.engine is None or not self.engine.loop.is_closed():
            return
        _LOG.warning(LOOP_ENDED)
        self._loop_ended = True
        engine, self.engine, self._opening = self.engine, None, None
        with contextlib.suppress(RuntimeError):  # anything that waited in that loop is gone
            engine.journal.give_up("their event loop has ended")

    def _begin(self, *, patient: bool) -> asyncio.Task[None]:
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open_alone(patient=patient), name="persist open")
        return self._opening

    @property
    def uses(self) -> Store | None:
        """The store, if it is open or being opened."""
        is_open = self.engine is not None and not self.engine.loop.is_closed()
        return self._store if is_open or self._is_opening else None

    async def _open_alone(self, *, patient: bool) -> None:
        """Open, if no other cache of a bot with a gateway has the same database open."""
        lives = () if self._gateway is None else lifetimes_of(self._bot)
        others = filter(None, (life.uses for life in lives if life is not self))
        if (refusal := twin_refusal(self._store, others)) is not None:
            self.failure = refusal
            raise refusal
        self._is_opening = True
        try:
            await self._open(patient=patient)
        finally:
            self._is_opening = False

    async def _open(self, *, patient: bool) -> None:
        engine = self._make()
        engine.feed.disowned = self._disowned
        try:
            with hooks.timed("open"):
                away = await engine.start(patient=patient)
            if engine.feed.refused is not None:
                await engine.stop(self._stop_timeout)
                raise engine.feed.refused
        except PersistError as error:
            self.failure = error
            raise
        except asyncio.CancelledError:
            engine.journal.give_up("it was closed before the database was open")
            await self._store.close()
            raise
        self.failure, self._loop_ended = None, False
        self.engine = engine
        if self._was_open and self._is_connected:
            _LOG.warning(
                "this cache was opened again while the bot was connected: what Discord sent while it was closed is "
                "missing until a shard begins a new session"
            )
        self._was_open = True
        # A cache that is attached late, or opened again, receives no start event.
        engine.feed.sessions.all_started = bool(self._bot.is_alive and self._gateway and self._gateway.shards)
        if away is not None:
            _LOG.critical("the database is away: %s; gateway events are kept until a retry succeeds", away)

    def _disowned(self, error: PersistError) -> None:
        """Close, because READY shows that the database belongs to another bot."""
        engine, self.engine = self.engine, None
        if engine is None:  # it is being opened, which fails because of this
            return
        self.failure = self._told = error
        _LOG.critical("nothing is stored: %s", error)
        self._late = asyncio.create_task(self._leave(engine), name="persist leave")

    async def _leave(self, engine: Engine) -> None:
        await engine.stop(self._stop_timeout)
        if self._strict and self._gateway is not None:
            await self._gateway.close()

    async def close(self) -> None:
        """Close as :meth:`persist.Cache.close` does."""
        self._settle()
        self._ended = True
        if self._opening is not None and not self._opening.done():
            await asyncio.wait((self._opening,), timeout=min(self._stop_timeout, _OPENING))
            self._opening.cancel()  # another process may be changing the tables for hours
            await asyncio.wait((self._opening,))
        engine, self.engine = self.engine, None
        began, self._stopping = self._stopping, None
        if self._warmer is not None:
            self._warmer.stop()
        if engine is not None:
            await engine.stop(self._stop_timeout, began)

    def _closed(self) -> CacheClosedError:
        if self.failure is not None:
            error = CacheClosedError(f"the cache could not be opened: {self.failure}")
            error.__cause__ = self.failure
            return error
        if self._loop_ended:
            return CacheClosedError(LOOP_ENDED)
        return CacheClosedError(
            "the cache is not open; it opens when the bot starts, with `await cache.open()` or with `async with cache`"
        )

    async def answering(self) -> Reader:
        """Return the reader, once an opening that is under way has ended."""
        if self.engine is not None and self.engine.loop is not asyncio.get_running_loop():
            self._settle()
        if self.engine is None and self._opening is not None and not self._opening.done():
            await asyncio.wait((self._opening,))
        elif self.engine is None and not self._ended and self._is_early:
            # A listener that receives StartingEvent before the cache does may query it before it is open.
            with contextlib.suppress(PersistError):
                await asyncio.shield(self._begin(patient=not self._strict))
        if self.engine is None:
            raise self._closed()
        return self.engine.reader

    @property
    def _is_early(self) -> bool:
        """Whether a query may begin the opening, because the bot is starting and about to begin it anyway."""
        return self._gateway is None or (self._opening is None and self._bot.is_alive and self._bot.rest.is_alive)

    async def opened(self) -> Engine:
        """Return the engine, once an opening that is under way has ended."""
        await self.answering()
        if self.engine is None:
            raise self._closed()
        return self.engine


def lifetimes_of(bot: object) -> Iterator[Lifetime]:
    """Yield the lifetimes of the caches that are attached to a bot, in the order they were attached."""
    owners: Iterable[object] = ()
    if isinstance(bot, hikari.EventManagerAware):
        listeners = bot.event_manager.get_listeners(hikari.StartingEvent, polymorphic=False)
        owners = (getattr(listener, "__self__", None) for listener in listeners)
    elif isinstance(bot, hikari.RESTBotAware):
        owners = RestLife.owners(bot)
    return (owner for owner in owners if isinstance(owner, Lifetime))
