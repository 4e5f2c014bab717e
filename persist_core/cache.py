"""The cache itself: what a bot holds in its hands."""

from __future__ import annotations

import inspect
import os
import typing
from collections.abc import Callable, Collection, Sequence

import hikari

from . import (
    arguments,
    chunking,
    names_before,
    names_guilds,
    names_lists,
    names_rest,
    privacy,
    retention,
    views,
)
from .applying import Applied
from .callers import rewarned
from .completeness import Completeness, completeness_of, warn_of_intents
from .contradictions import warn_of_contradictions
from .encryption import Encryption
from .engine import Engine
from .entities import OWN_USER, ROLES
from .errors import QueryError
from .fetching import Fetcher
from .gauges import Gauges
from .hindsight import Hindsight
from .hosts import Host, intents_of
from .journal import Limits
from .lifetime import Lifetime, lifetimes_of
from .listening import Annotated, Listener, after, heard_by
from .locations import Location, is_sealed, store_of
from .model import Entity
from .policy import Policy, policy_of
from .quarantine import Quarantine, Quarantined
from .reader import Reader
from .rules import Rules, checked
from .searching import kinds_named
from .spi import Store
from .stats import Health, Stats, health_of, stats_of
from .view import key_part
from .warm import Warm, fillable
from .warming import Warmer

__all__ = ("Cache",)


E = typing.TypeVar("E", bound=hikari.Event)
T = typing.TypeVar("T")


class Cache(
    names_guilds.GuildNames, names_lists.RestLists, names_rest.RestNames, names_before.BeforeNames, privacy.Privacy
):
    """Remembers what Discord said, across restarts, and gives it back as hikari objects.

    It attaches itself to the bot: it opens before the bot connects, stores everything when the bot stops, and hears
    every gateway event before any listener does. A listener therefore reads its own event from it.

    Parameters
    ----------
    bot
        The bot whose gateway it hears. A ``hikari.RESTBot`` has none: with it the cache opens and closes, answers from
        what is stored, and remembers what ``fetch_...`` asks Discord for. Nothing tells it of changes; ``max_age=``
        says how old an answer may be.
    backend
        Where to keep things: a URL such as ``"sqlite:///cache.db"`` or ``"memory://"``, or an object that names one,
        such as ``persist.SQLiteBackend("cache.db")``; ``sqlite:///persist.db`` if this is left out. Several caches of a
        bot keep theirs in different places.
    rules
        What is remembered; everything if this is left out. Of several rules, what all of them keep.
    interval
        Seconds that changes may wait to be stored together. This is what a killed process loses at most.
    limit
        Changes that are held while the database is away or does not answer. What comes then is counted as shed or lost,
        and logged. While it is at work nothing is given up; the gateway is read more slowly when more than these wait.
    stop_timeout
        Seconds that storing the rest may take when the bot stops.
    strict
        Whether a bot closes itself when the cache cannot be opened. It is logged as critical in any case.
    members
        When Discord is asked for all members of a guild that it does not list whole by itself: ``"never"``;
        ``"stale"``, which is when they were never complete or not as many as Discord says; or ``"always"``, which is
        at each start. Where hikari asks by itself (``auto_chunk_members`` and its own cache of members), it is not
        done twice. It takes the GUILD_MEMBERS intent.
    encryption
        The keys that what is stored is encrypted with. If this is left out, those in the environment, which are
        ``PERSIST_KEYS`` or ``PERSIST_KEYS_FILE``; where there are none either, nothing is encrypted.
    search
        The kinds that can be searched, of ``"messages"``, ``"members"`` and ``"users"``: it makes writing them slower.
        When the cache is opened, what the database has of a new one is read, and what is not named any more is given
        up. If this is left out, it stays with what can be searched there already, which is nothing in a new database.
    memory
        How many MiB may hold what was asked for lately, so that asking again does not take a database. ``None`` or 0
        turns this off. The size is estimated: four bytes for each byte of a thing's JSON, and 600 for each thing.
        Answers are the same with it and without: what the gateway says changes it at once, and it is not asked for what
        another process hears of. What is changed by hand in the database is seen after a minute at the latest.
    warm
        Whether hikari's own cache, ``bot.cache``, is filled from what is remembered before the bot connects, so that
        ``event.get_guild()`` and ``member.get_roles()`` answer from the first event on; :class:`persist.Warm` chooses
        what of it. Members stay there when hikari would forget them.

    Raises
    ------
    persist.PersistError
        If an argument cannot be used. Nothing is connected or written yet.

    Warns
    -----
    persist.RulesWarning
        Once per thing that rules say in vain.
    hikari.MissingIntentWarning
        Once per kind of thing that the bot's intents leave empty or out of date and that its rules do not turn off.
    """

    def __init__(
        self,
        bot: Host,
        backend: str | Location = "sqlite:///persist.db",
        *,
        rules: Rules | Sequence[Rules] | None = None,
        interval: float = 0.05,
        limit: int = 200_000,
        stop_timeout: float = 30.0,
        strict: bool = False,
        members: chunking.Policy = "stale",
        encryption: Encryption | None = None,
        search: Collection[str] | None = None,
        memory: float | None = 16,
        warm: bool | Warm = False,
    ) -> None:
        arguments.check_bot(bot)
        arguments.check_limits(interval, limit, stop_timeout, strict)
        arguments.check_members(members)
        arguments.check_memory(memory)
        filling = fillable(warm, bot)
        self._bot = bot
        self._gateway = bot if isinstance(bot, hikari.GatewayBotAware) else None
        self._store = store_of(backend, encryption)
        if search is not None:
            _let_search(self._store, search)
        self._rules = Rules() if rules is None else checked(rules)
        self._intents = intents_of(bot)
        warn_of_intents(self._intents, self._rules)
        warn_of_contradictions(self._rules, self._intents, search)
        self._limits = Limits(interval=interval, most=limit)
        self._members_policy: chunking.Policy = members
        self._memory = memory or 0
        self._pace = chunking.Pace()
        self._clock: retention.Clock = retention.now
        self._gauges = Gauges()
        self._quarantine = Quarantine(self._gauges)
        self._hindsight = Hindsight()
        self._warmer = None if filling is None else Warmer(*filling)
        self._life = Lifetime(
            bot, self, self._store, self._make_engine, self._warmer, stop_timeout=stop_timeout, strict=strict
        )
        for name, view in views.VIEWS.items():
            setattr(self, name, view(self._life.answering, self._running))
        self._fetcher = Fetcher(bot, self._life.opened, self._gauges)
        self._life.attach()

    def __repr__(self) -> str:
        state = "open" if self._engine is not None else "closed"
        return f"<persist.Cache on {self._store!r}, {state}>"

    # ----------------------------------------------------------------------------------------------------- life cycle

    @staticmethod
    def of(bot: object) -> Cache | None:
        """Return the cache that is attached to a bot, or ``None``."""
        return next((life.owner for life in lifetimes_of(bot) if isinstance(life.owner, Cache)), None)

    @staticmethod
    def resolve(bot: Host) -> Cache:
        """Return the cache that is attached to a bot, or attach one: to ``PERSIST_URL``, else ``sqlite:///persist.db``."""
        url = os.environ.get("PERSIST_URL")
        return Cache.of(bot) or (Cache(bot) if url is None else Cache(bot, url))

    @property
    def _engine(self) -> Engine | None:
        return self._life.engine

    def _make_engine(self) -> Engine:
        """Return what runs while the cache is open. It is not started yet."""
        engine = Engine(
            self._bot,
            self._store,
            self._rules,
            self._limits,
            self._gauges,
            self._quarantine,
            self._members_policy,
            self._pace,
            self._clock,
            self._memory,
        )
        self._hindsight.follow(engine.feed, engine.journal, engine.reader)
        if self._warmer is not None:
            self._warmer.follow(engine.feed, engine.reader)
        return engine

    async def start(self) -> None:
        """Open as the bot does when it starts: a failure is not raised but logged as critical.

        If the cache is open, this is a no-op. If it is strict, a failure closes the bot; a ``hikari.RESTBot`` that
        starts is ended by raising it. A bot that starts calls this, and so does a cache that is attached to a bot that
        already runs.
        """
        await self._life.start()

    async def open(self) -> None:
        """Open the database and begin to hear the gateway. If the cache is open, this is a no-op.

        Raises
        ------
        persist.BackendError
            If the database cannot be reached.
        persist.SchemaError
            If it is one that this code cannot use.
        """
        await self._life.open()

    async def close(self) -> None:
        """Store everything that was seen, and close the database. If the cache is closed, this is a no-op.

        It may be opened again.
        """
        await self._life.close()

    async def __aenter__(self) -> typing.Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def flush(self) -> None:
        """Wait until everything seen so far is in the database.

        Raises
        ------
        persist.CacheClosedError
            If the cache is not open.
        """
        await self._answering()
        if self._engine is not None:
            await self._engine.journal.flush()

    async def _answering(self) -> Reader:
        return await self._life.answering()

    async def _opened(self) -> Engine:
        return await self._life.opened()

    def _running(self) -> frozenset[int]:
        return frozenset() if self._engine is None else self._engine.feed.epochs

    # ---------------------------------------------------------------------------------------------------------- using

    @property
    def is_open(self) -> bool:
        """Whether the database is open and the gateway is heard."""
        return self._engine is not None and not self._engine.loop.is_closed()

    @typing.overload
    def listen(self, *, confirm: bool = False) -> Annotated: ...
    @typing.overload
    def listen(self, *event_types: type[E], confirm: bool = False) -> Callable[[Listener[E]], Listener[E]]: ...
    def listen(self, *event_types: type[E], confirm: bool = False) -> Callable[[Listener[E]], Listener[E]]:
        """Listen to events that the cache already has, as ``bot.listen`` does.

        Where hikari's event has a place for what was there before it (``old_message``, ``old_member``, ...) and hikari
        does not remember that, the cache does: also after a restart. The listener waits for it, and :meth:`before` has
        it for events that have no such place. One that does not need it is as well off with ``bot.listen``.

        Parameters
        ----------
        *event_types
            The types of events; the annotation of the first parameter if there are none.
        confirm
            Whether the listener waits until what the event changes is in the database, and not only seen.

        Raises
        ------
        persist.QueryError
            If ``confirm`` is not a truth value, or the bot has no gateway. What else can be wrong is refused as
            ``bot.listen`` does.
        """
        if not isinstance(confirm, bool):
            msg = f"confirm is True or False, not {confirm!r}"
            raise QueryError(msg)
        bot = self._hearing()
        if event_types and inspect.iscoroutinefunction(event_types[0]):
            msg = f"write @cache.listen() with parentheses; without, {event_types[0]!r} is taken for a type of events"
            raise QueryError(msg)

        def decorate(listener: Listener[E]) -> Listener[E]:
            types = heard_by(listener, event_types)
            heard = after(self._stored, listener) if confirm else listener
            if self._hindsight.knows(types):
                heard = after(self._hindsight.fill, heard)
            rewarned(lambda: bot.event_manager.listen(*event_types)(heard))
            self._hindsight.watch(types)
            return listener

        return decorate

    def _hearing(self) -> hikari.GatewayBotAware:
        if self._gateway is None:
            msg = f"{self._bot!r} has no gateway, and so there are no events to listen to"
            raise QueryError(msg)
        return self._gateway

    async def _stored(self, event: hikari.Event) -> None:
        if isinstance(event, hikari.ShardEvent):  # nothing else changes what is stored, nor finds the cache always open
            await self.flush()

    async def apply_rules(self, rules: Rules | None = None, *, dry_run: bool = False) -> Applied:
        """Apply rules to what is stored, in small steps beside all that goes on, and go by them from now on.

        Parameters
        ----------
        rules
            The rules; if they are left out, those that are in force, which may have been others before the bot was
            started, or have other answers for some guilds.
        dry_run
            Whether only to count what would be forgotten. The rules in force stay the same then.

        Raises
        ------
        persist.QueryError
            If they are not rules, or a predicate of theirs raises: those of before stay in force then.
        persist.CacheClosedError
            If the cache is not open and cannot be opened.
        persist.BackendError
            If the database cannot be reached. What was applied stays so; apply them again.
        """
        asked = self._rules if rules is None else checked(rules)
        engine = await self._opened()
        warn_of_contradictions(asked, self._intents)
        before = self._rules
        if not dry_run:
            self._rules = asked
        try:
            return await engine.apply_rules(asked, dry_run=dry_run)
        except QueryError:
            if self._rules is asked:
                self._rules = before
                engine.admission.use(before)
            raise

    def describe_retention(self, guild: hikari.SnowflakeishOr[hikari.PartialGuild] | None = None) -> Policy:
        """Return what is kept, which of it and for how long: in words, and for programs.

        Discord asks for this when it reviews privileged intents. It may be asked while the cache is closed.

        Parameters
        ----------
        guild
            A guild that may have rules of its own, or its id; what holds elsewhere if this is left out.

        Raises
        ------
        persist.QueryError
            If it is neither.
        """
        rules = self._rules if guild is None else self._rules.for_guild(key_part(guild, "the guild"))
        return policy_of(rules, is_encrypted=is_sealed(self._store))

    async def _known(self, entity: Entity[typing.Any], guild_id: int) -> Completeness:
        engine = await self._opened()
        note = await engine.reader.note(entity, guild_id)
        kept = engine.admission.keeps_all(entity, guild_id)
        return completeness_of(entity, note, self._intents, self._running(), kept=kept)

    async def get_me(self) -> hikari.OwnUser | None:
        """Return the bot's own user."""
        reader = await self._answering()
        me = self._engine.feed.me if self._engine is not None else None
        return None if me is None else await reader.get(OWN_USER, (me,))

    def view(self, entity: Entity[T]) -> views.Things[T]:
        """Return the view of a kind of thing that a plugin has added.

        Raises
        ------
        persist.QueryError
            If it is not a row of the table of entities.
        """
        return views.things(entity, self._life.answering, self._running)

    async def _knows_all_roles(self, guild: hikari.Snowflake) -> bool:
        known = await self._known(ROLES, guild)
        return known.is_complete and known.verified

    @property
    def gauges(self) -> Gauges:
        """Counts of everything that happened since the cache was made. They go on counting; :meth:`stats` does not."""
        return self._counted()

    def _counted(self) -> Gauges:
        """Return the counts of all that has been heard."""
        if self._engine is not None:
            self._engine.journal.catch_up()
        return self._gauges

    def stats(self) -> Stats:
        """Return all counts, how much waits to be stored, and how far each shard has come: as it is at this moment.

        It asks nobody, and may be called as often as you like, also while the cache is closed.
        """
        return stats_of(self._counted(), self._engine)

    def health(self) -> Health:
        """Return whether the cache does its work; if not, what is wrong and what to do about it.

        It asks nobody, and may be called as often as you like, also while the cache is closed.
        """
        self._life.leave_ended_loop()
        return health_of(self._counted(), self._engine, self._life.failure)

    @property
    def quarantine(self) -> Sequence[Quarantined]:
        """The last hundred events and things that could not be used or stored, oldest first."""
        self._counted()
        return self._quarantine.kept


def _let_search(store: Store, search: Collection[str]) -> None:
    kinds = kinds_named(search)
    # A store may need nothing to be searched: four verbs are all that it must have.
    if (let := getattr(store, "search", None)) is not None:
        let(kinds)
