"""The cache itself: the object that a bot uses."""

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
    """Remembers what Discord says across restarts, and returns it as hikari objects.

    It attaches itself to the bot: it opens before the bot connects, stores everything when the bot stops, and receives
    every gateway event before any listener does. A listener therefore finds its own event in the cache already.

    Parameters
    ----------
    bot
        The bot whose gateway events the cache receives. A ``hikari.RESTBot`` has no gateway: the cache opens and closes
        with it, answers from what is stored, and stores what the ``fetch_...`` methods get from Discord. Nothing tells
        it about changes; use ``max_age=`` to limit how old an answer may be.
    backend
        Where to store everything: a URL such as ``"sqlite:///cache.db"`` or ``"memory://"``, or an object that stands
        for one, such as ``persist.SQLiteBackend("cache.db")``. The default is ``sqlite:///persist.db``. Several caches
        on one bot need different backends.
    rules
        What to remember; by default everything except audit log entries and auto-moderation executions. Of several
        rules, only what all of them keep.
    interval
        Seconds that changes may wait so that they are stored together. A killed process loses at most this much.
    limit
        How many changes to hold while the database is away or does not answer. Any more are dropped, counted as shed or
        lost, and logged. While the database works, nothing is dropped; the gateway is read more slowly instead when
        more changes than this are waiting.
    stop_timeout
        Seconds that storing the remaining changes may take when the bot stops.
    strict
        Whether to close the bot if the cache cannot be opened. The failure is logged as critical in any case.
    members
        When to request all members of a guild that Discord does not list in full by itself: ``"never"``; ``"stale"``,
        if the list was never complete or its length differs from Discord's count; or ``"always"``, at each start. Where
        hikari already requests them (``auto_chunk_members`` and its own cache of members), the cache does not request
        them again. Requires the GUILD_MEMBERS intent.
    encryption
        The keys to encrypt stored data with. The default is the keys in the environment variable ``PERSIST_KEYS`` or
        ``PERSIST_KEYS_FILE``; without those, nothing is encrypted.
    search
        The kinds to make searchable, out of ``"messages"``, ``"members"`` and ``"users"``; writing them gets slower.
        When the cache opens, it indexes what the database already has of a newly named kind, and drops the index of
        one that is no longer named. By default, what the database can already search stays searchable, which is
        nothing in a new database.
    memory
        How many MiB to use for recently requested objects, so that asking again does not reach the database. ``None``
        or 0 turns this off. The size is an estimate: four bytes for each byte of an object's JSON, plus 600 per object.
        Answers are the same with and without it: gateway events update it at once, and it is not used for what another
        process receives. Changes made by hand in the database show up within a minute. ``find`` always asks the
        database, but up to a limit of 200 it does not make objects again whose rows have not changed.
    warm
        Whether to fill hikari's own cache, ``bot.cache``, from stored data before the bot connects, so that
        ``event.get_guild()`` and ``member.get_roles()`` answer from the first event on; :class:`persist.Warm` selects
        what to fill. Members stay in it even when hikari would forget them.

    Raises
    ------
    persist.PersistError
        If an argument cannot be used. Nothing is connected or written yet.

    Warns
    -----
    persist.RulesWarning
        Once for each part of the rules that has no effect or contradicts another.
    hikari.MissingIntentWarning
        Once for each kind that the bot's intents leave empty or out of date and that its rules do not turn off.
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
        """Return the cache attached to a bot, or ``None``."""
        return next((life.owner for life in lifetimes_of(bot) if isinstance(life.owner, Cache)), None)

    @staticmethod
    def resolve(bot: Host) -> Cache:
        """Return the cache attached to a bot, or attach a new one on ``PERSIST_URL``, else ``sqlite:///persist.db``."""
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
        """Open the cache the way a starting bot does: log a failure as critical instead of raising it.

        If the cache is open, this is a no-op. If the cache is strict, a failure closes the bot; for a starting
        ``hikari.RESTBot`` the failure is raised, which ends it. A bot calls this when it starts, and a cache does so
        itself if the bot is already running when the cache is attached.
        """
        await self._life.start()

    async def open(self) -> None:
        """Open the database and start receiving gateway events. If the cache is open, this is a no-op.

        Raises
        ------
        persist.BackendError
            If the database cannot be reached.
        persist.SchemaError
            If this version of the library cannot use the database.
        """
        await self._life.open()

    async def close(self) -> None:
        """Store everything received so far, and close the database. If the cache is closed, this is a no-op.

        The cache can be opened again.
        """
        await self._life.close()

    async def __aenter__(self) -> typing.Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def flush(self) -> None:
        """Wait until everything received so far is in the database.

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
        """Whether the database is open and the cache receives gateway events."""
        return self._engine is not None and not self._engine.loop.is_closed()

    @typing.overload
    def listen(self, *, confirm: bool = False) -> Annotated: ...
    @typing.overload
    def listen(self, *event_types: type[E], confirm: bool = False) -> Callable[[Listener[E]], Listener[E]]: ...
    def listen(self, *event_types: type[E], confirm: bool = False) -> Callable[[Listener[E]], Listener[E]]:
        """Listen to events like ``bot.listen``, with the previous state that hikari has forgotten filled in.

        If hikari's event has an attribute for the state before it (``old_message``, ``old_member``, ...) and hikari has
        nothing to put there, the cache fills it in, even after a restart. The listener runs once that is done. For
        events without such an attribute, use :meth:`before`. A listener that needs neither can just use ``bot.listen``.

        Parameters
        ----------
        *event_types
            The event types; without any, the annotation of the listener's first parameter.
        confirm
            Whether to call the listener only once the event's changes are in the database, not merely in the cache.

        Raises
        ------
        persist.QueryError
            If ``confirm`` is not a bool, or the bot has no gateway. Other mistakes raise what ``bot.listen`` raises.
        """
        arguments.check_flag("confirm", confirm)
        bot = self._hearing()
        if event_types and inspect.iscoroutinefunction(event_types[0]):
            msg = f"write @cache.listen() with parentheses; without them, {event_types[0]!r} is taken for an event type"
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
            msg = f"{self._bot!r} has no gateway, so there are no events to listen to"
            raise QueryError(msg)
        return self._gateway

    async def _stored(self, event: hikari.Event) -> None:
        if isinstance(event, hikari.ShardEvent):  # nothing else changes what is stored, nor finds the cache always open
            await self.flush()

    async def apply_rules(self, rules: Rules | None = None, *, dry_run: bool = False) -> Applied:
        """Apply rules to what is already stored, and to everything from now on.

        This runs in small steps while the cache keeps working.

        Parameters
        ----------
        rules
            The rules. By default the current ones, for instance because they differ from those of the previous run, or
            ``per_guild`` now answers differently for some guilds.
        dry_run
            Whether to only count what would be forgotten. The current rules then stay in force.

        Raises
        ------
        persist.QueryError
            If an argument is of a wrong type, or one of their predicates raises; the previous rules then stay in force.
        persist.CacheClosedError
            If the cache is not open and cannot be opened.
        persist.BackendError
            If the database cannot be reached. What has been applied so far stays applied; call this again for the rest.
        """
        asked = self._rules if rules is None else checked(rules)
        arguments.check_flag("dry_run", dry_run)
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
        """Return what the cache keeps, which of it and for how long, in words and in a form for programs.

        Discord asks for this when it reviews privileged intents. Works while the cache is closed too.

        Parameters
        ----------
        guild
            A guild with rules of its own, or its id. By default, the rules for all other guilds.

        Raises
        ------
        persist.QueryError
            If the argument is neither a guild nor an id.
        """
        rules = self._rules if guild is None else self._rules.for_guild(key_part(guild, "the guild"))
        return policy_of(rules, is_encrypted=is_sealed(self._store))

    async def _known(self, entity: Entity[typing.Any], guild_id: int) -> Completeness:
        engine = await self._opened()
        note = await engine.reader.note(entity, guild_id)
        kept = engine.admission.keeps_all(entity, guild_id)
        return completeness_of(entity, note, self._intents, self._running(), kept=kept)

    async def get_me(self) -> hikari.OwnUser | None:
        """Return the bot's own user, or ``None`` if it is not known yet."""
        reader = await self._answering()
        me = self._engine.feed.me if self._engine is not None else None
        return None if me is None else await reader.get(OWN_USER, (me,))

    def view(self, entity: Entity[T]) -> views.Things[T]:
        """Return the view of a kind that a plugin has added.

        Raises
        ------
        persist.QueryError
            If the entity is not registered.
        """
        return views.things(entity, self._life.answering, self._running)

    async def _knows_all_roles(self, guild: hikari.Snowflake) -> bool:
        known = await self._known(ROLES, guild)
        return known.is_complete and known.verified

    @property
    def gauges(self) -> Gauges:
        """Live counters of everything since the cache was created. For a snapshot, use :meth:`stats`."""
        return self._counted()

    def _counted(self) -> Gauges:
        """Return the counters, including everything received so far."""
        if self._engine is not None:
            self._engine.journal.catch_up()
        return self._gauges

    def stats(self) -> Stats:
        """Return a snapshot: all counters, how much is waiting to be stored, and how far each shard has come.

        Costs no I/O, so call it as often as you like, even while the cache is closed.
        """
        return stats_of(self._counted(), self._engine)

    def health(self) -> Health:
        """Return whether the cache is working; if not, what is wrong and what to do about it.

        Costs no I/O, so call it as often as you like, even while the cache is closed.
        """
        self._life.leave_ended_loop()
        return health_of(self._counted(), self._engine, self._life.failure)

    @property
    def quarantine(self) -> Sequence[Quarantined]:
        """The last hundred events and changes that could not be used or stored, oldest first."""
        self._counted()
        return self._quarantine.kept


def _let_search(store: Store, search: Collection[str]) -> None:
    kinds = kinds_named(search)
    # A store may need nothing to be searched: four verbs are all that it must have.
    if (let := getattr(store, "search", None)) is not None:
        let(kinds)
