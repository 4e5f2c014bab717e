"""A read-only cache: it reads what a bot has stored, from any other process, and writes nothing."""

from __future__ import annotations

import asyncio
import logging
import typing
from collections.abc import Callable

import hikari

from . import names_guilds, privacy, views
from .completeness import Completeness, completeness_of
from .conditions import AllOf
from .encryption import Encryption
from .entities import OWN_USER, ROLES
from .errors import CacheClosedError, PersistError, QueryError
from .gauges import Gauges
from .hosts import RestLife
from .journal import Journal, Limits
from .locations import Location, store_of
from .loops import LOOP_ENDED, check_loop
from .model import Decoder, Entity
from .quarantine import Quarantine
from .reader import Reader
from .spi import Select, Store
from .stats import Health, Stats, reading_health_of, stats_of

__all__ = ("App", "ReadOnlyCache", "connect", "decoder_of", "reader_of")

_LOG = logging.getLogger("persist")
# A REST client does not expose the app that its objects get; each object does.
_ANYBODY: typing.Final = {"id": "0", "username": "", "discriminator": "0", "avatar": None}
T = typing.TypeVar("T")
App = hikari.EntityFactoryAware | hikari.api.RESTClient
"""Anything that makes hikari objects: a bot of any type, or the client of ``hikari.RESTApp().acquire(...)``."""


def reader_of(store: Store, gauges: Gauges, decoder: Callable[[], Decoder]) -> Reader:
    """Return a reader that answers from stored data only."""
    journal = Journal(store, Limits(), gauges, Quarantine(gauges), tuple)  # stays empty
    return Reader(store, journal, gauges, decoder, lambda: AllOf(()), only_reads=True)


def decoder_of(app: App, me: int) -> Decoder:
    """Return a decoder for the objects of a bot whose own user is ``me``."""
    return Decoder(app.entity_factory, hikari.Snowflake(me), app.entity_factory.deserialize_user(_ANYBODY).app)


def connect(backend: str | Location, app: App, *, encryption: Encryption | None = None) -> ReadOnlyCache:
    """Return a read-only cache on a bot's database: for dashboards, workers and bots without a gateway.

    Another process writes: the bot whose :class:`persist.Cache` uses the same database. What it has stored is visible
    at once; what it has received but not stored yet, within its ``interval``.

    Parameters
    ----------
    backend
        The bot's database: a URL, or an object that stands for one.
    app
        What makes hikari objects: a bot, or a REST client. A ``hikari.RESTBot`` opens the cache when it starts or when
        the cache is first used, and closes it when it stops; with anything else, use ``async with``.
    encryption
        The keys that the database is encrypted with, as for :class:`persist.Cache`.

    Raises
    ------
    persist.PersistError
        If an argument cannot be used. Nothing is connected yet.
    """
    if not isinstance(getattr(app, "entity_factory", None), hikari.api.EntityFactory):
        msg = f"app must be a bot or the client of a hikari.RESTApp, which make hikari objects, not {app!r}"
        raise QueryError(msg)
    return ReadOnlyCache(backend, app, encryption)


class ReadOnlyCache(names_guilds.GuildNames, privacy.Exports):
    """Reads what a bot's :class:`persist.Cache` has stored, from another process. Made by :func:`connect`.

    It has every ``get_...`` method, every view, and ``permissions``. It receives no events and changes nothing: it does
    not create a missing database or migrate an old schema. Entries are never ``verified``, as no gateway session runs
    here.
    """

    def __init__(self, backend: str | Location, app: App, encryption: Encryption | None = None) -> None:
        self._app = app
        self._store = store_of(backend, encryption)
        self._gauges = Gauges()
        self._me = 0
        self._decodes: Decoder | None = None
        self._closed = False
        self._reader: Reader | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_ended = False
        self._opening: asyncio.Task[None] | None = None
        self._bot = app if isinstance(app, hikari.RESTBotAware) else None
        for name, view in views.VIEWS.items():
            setattr(self, name, view(self._answering, frozenset))
        if self._bot is not None:
            RestLife(self._bot, self, self._start, self.close)

    def __repr__(self) -> str:
        return f"<persist.ReadOnlyCache on {self._store!r}, {'open' if self.is_open else 'closed'}>"

    @property
    def is_open(self) -> bool:
        """Whether the database is open."""
        return self._reader is not None and self._loop is not None and not self._loop.is_closed()

    @property
    def gauges(self) -> Gauges:
        """Live counters of lookups, and of records that could not be read. For a snapshot, use :meth:`stats`."""
        return self._gauges

    def stats(self) -> Stats:
        """Return a snapshot of all counters. Those for receiving and writing are always zero here."""
        return stats_of(self._gauges, None)

    def health(self) -> Health:
        """Return whether the cache is open, and whether it has found records that it could not read."""
        return reading_health_of(self._gauges, is_open=self.is_open)

    async def open(self) -> None:
        """Open the database for reading. If the cache is open, this is a no-op.

        Raises
        ------
        persist.BackendError
            If the database does not exist, or cannot be reached.
        persist.SchemaError
            If no bot has set it up yet, or its schema has another version.
        """
        self._settle()
        self._closed = False
        if self._reader is None:
            if self._opening is None or self._opening.done():
                self._opening = asyncio.create_task(self._open(), name="persist open")
            await asyncio.shield(self._opening)

    async def _open(self) -> None:
        # A store that cannot be opened read-only is opened as for a bot: only four methods are required of it.
        await getattr(self._store, "open_to_read", self._store.open)()
        self._reader, self._loop = reader_of(self._store, self._gauges, self._decoder), asyncio.get_running_loop()
        self._loop_ended = False

    def _settle(self) -> None:
        """Drop what belongs to an event loop that has ended, and check that this loop is the cache's own."""
        if self._reader is None or self._loop is None:
            return
        if self._loop.is_closed():
            self._loop_ended = True
            self._reader = self._opening = None
        else:
            check_loop(self._loop)

    def _decoder(self) -> Decoder:
        if self._decodes is None or self._decodes.me != self._me:
            self._decodes = decoder_of(self._app, self._me)
        return self._decodes

    async def close(self) -> None:
        """Close the database. If the cache is closed, this is a no-op. The cache can be opened again."""
        self._settle()
        self._closed = True
        if self._opening is not None and not self._opening.done():
            await asyncio.wait((self._opening,))
        reader, self._reader = self._reader, None
        if reader is not None:
            await self._store.close()

    async def __aenter__(self) -> typing.Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _answering(self) -> Reader:
        if self._loop is not asyncio.get_running_loop():
            self._settle()
        if self._reader is None and not self._closed:
            await self._opened()
        if self._reader is None:
            closed = "the cache is not open; write `await cache.open()` or `async with cache`"
            raise CacheClosedError(LOOP_ENDED if self._loop_ended else closed)
        if not self._me:
            page = await self._reader.page(Select(OWN_USER, limit=1, want="keys"))
            self._me = int(page.records[0].key[0]) if page.records else 0
        return self._reader

    async def _opened(self) -> None:
        if self._bot is None:
            if self._opening is not None and not self._opening.done():
                await asyncio.wait((self._opening,))
            return
        try:
            # A framework may start, and ask, before we do; and the database may only appear once its bot has started.
            await self.open()
        except PersistError as error:
            msg = f"the cache could not be opened: {error}"
            raise CacheClosedError(msg) from error

    async def _all_stored(self) -> Store:
        await self._answering()
        return self._store

    async def _known(self, entity: Entity[typing.Any], guild_id: int) -> Completeness:
        note = await (await self._answering()).note(entity, guild_id)
        # Nobody here knows the intents and the rules of the bot that writes.
        return completeness_of(entity, note, hikari.Intents.ALL, (), kept=True)

    async def _knows_all_roles(self, guild: hikari.Snowflake) -> bool:
        return (await self._known(ROLES, guild)).is_complete

    async def get_me(self) -> hikari.OwnUser | None:
        """Return the own user of the bot that writes, or ``None`` if it is not known."""
        reader = await self._answering()
        return await reader.get(OWN_USER, (self._me,)) if self._me else None

    def view(self, entity: Entity[T]) -> views.Things[T]:
        """Return the view of a kind that a plugin has added.

        Raises
        ------
        persist.QueryError
            If the entity is not registered.
        """
        return views.things(entity, self._answering, frozenset)

    async def _start(self) -> None:
        try:
            await self.open()
        except PersistError as error:  # raised here, it would end the bot with words about something else
            _LOG.critical("the cache cannot be opened; each lookup will try again: %s", error)
