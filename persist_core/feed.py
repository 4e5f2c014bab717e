"""From the gateway into the journal: one synchronous hook, before hikari's own cache and before every listener."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import operator
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence

import hikari

from . import completeness, member_chunks
from .admission import Admission
from .bursts import Burst, Heard
from .changes import Change, DropScope
from .conditions import Condition, Not
from .entities import MEMBERS, SHARDS
from .errors import PersistError
from .events import EVENTS
from .gauges import Gauges
from .hosts import Host, intents_of
from .journal import Journal
from .model import Entity, Origin, Payload
from .plans import Context
from .quarantine import Quarantine
from .sessions import LATE, Session, Sessions
from .suppression import Suppressions

__all__ = ("Feed", "Noting", "Observer")

Noticed = Callable[[Iterable[Change]], Iterable[Change]]
"""Receives the changes being made, and returns them."""

Observer = Callable[[str, hikari.api.GatewayShard, Payload], None]
"""Called with an event after its changes have been made. It does not block and raises nothing."""

Noting = Callable[[str, Payload], None]
"""Called with an event before its changes are made. It does not block and raises nothing."""


_APART: typing.Final = completeness.TELLING | {"READY", "GUILD_MEMBERS_CHUNK"}
"""Events that are long, or that say how much is known: these are not deferred."""

_NAME: typing.Final = operator.itemgetter(0)


_Read = tuple[Sequence[Heard], Sequence[Change], int]
"""Events that have been read, their changes, and how many fewer these are than the changes of each event by itself."""

_ABSORBED: typing.Final = operator.itemgetter(2)


class Feed:
    """Receives every gateway payload and passes its changes to the journal.

    Parameters
    ----------
    bot
        The bot whose gateway events to receive, if it has a gateway.
    journal, admission, gauges, quarantine
        Where changes go, which changes to admit, the counters, and where unreadable events go.
    suppressions
        The users and guilds that were erased and must not come back.

    Attributes
    ----------
    me
        The bot's own user id, once known from READY or an earlier run.
    sessions
        The gateway sessions.
    noting
        Called before the changes of each event, to record the previous state.
    noticed
        Called with the changes that are admitted.
    refusal
        Returns why the events of a bot may not be stored here, if so.
    disowned
        Called with that error.
    refused
        That error. From then on, no events are taken.
    """

    def __init__(
        self,
        bot: Host,
        journal: Journal,
        admission: Admission,
        gauges: Gauges,
        quarantine: Quarantine,
        suppressions: Suppressions,
    ) -> None:
        self._bot = bot
        self._journal = journal
        self._admission = admission
        self._gauges = gauges
        self._quarantine = quarantine
        self._suppressions = suppressions
        self._intents = intents_of(bot)
        self._reads_content = bool(self._intents & hikari.Intents.MESSAGE_CONTENT)
        self._task: asyncio.Task[hikari.ShardPayloadEvent] | None = None
        self.sessions: Sessions = Sessions(bot, self._lost_members)
        self.me: int | None = None
        self.noting: Noting | None = None
        self._burst = Burst(journal, self._make)
        self._apart = _APART
        self._observers: dict[str, list[Observer]] = {}
        self.noticed: Noticed = iter
        self.refusal: Callable[[int], PersistError | None] = lambda _: None
        self.disowned: Callable[[PersistError], None] = lambda _: None
        self.refused: PersistError | None = None

    @property
    def epochs(self) -> frozenset[int]:
        """The gateway sessions that are running."""
        return self.sessions.running

    @property
    def is_hearing(self) -> bool:
        """Whether it is receiving gateway events."""
        return self._task is not None and not self._task.done()

    def _lost_members(self) -> int:
        return self._gauges.lost[MEMBERS.name] + self._gauges.quarantined[MEMBERS.name]

    async def start(self) -> None:
        """Start receiving events. Without a gateway, this is a no-op."""
        if not isinstance(self._bot, hikari.GatewayBotAware):
            return
        # A waiter's predicate is called inline, before hikari reads the payload; a listener would be a task per event.
        waiting = self._bot.event_manager.wait_for(hikari.ShardPayloadEvent, timeout=None, predicate=self.hear)
        self._task = asyncio.create_task(waiting, name="persist feed")
        await asyncio.sleep(0)

    async def stop(self) -> None:
        """Stop receiving events. If it is not receiving any, this is a no-op."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._journal.catch_up()

    def hear(self, event: hikari.ShardPayloadEvent) -> bool:
        """Take one payload, and return ``False``, so that the waiter never finishes."""
        # No await, no exception and no change to the payload may leave here, because hikari uses it afterward.
        try:
            self._take(event.name, event.shard, event.payload.copy())  # type: ignore[attr-defined]
        except Exception as error:  # noqa: BLE001 - one payload must not affect the next
            self._refuse(((event.name, event.payload),), error)
        return False

    def _refuse(self, events: Iterable[Heard], error: Exception) -> None:
        for name, payload in events:
            told: dict[str, typing.Any] = {}
            with contextlib.suppress(AttributeError):  # it may not even be an object
                told = {field: value for field, value in payload.items() if field != "token"}
            self._quarantine.event(name, told, error)

    def _take(self, name: str, shard: hikari.api.GatewayShard, payload: Payload) -> None:
        self._gauges.received[name] += 1
        if self.noting is not None:
            self.noting(name, payload)
        if name not in EVENTS:
            self._gauges.unknown[name] += 1
            return
        if self.refused is not None:
            return
        session = self.sessions.of(shard)
        if self._burst.goes_on() and name not in self._apart:
            self._burst.add(session, name, payload)
            return
        self._journal.catch_up()
        if name == "READY":
            self._begin(session, payload)
        else:
            self._take_one(name, session, payload)
        self._tell(shard, ((name, payload),))

    def _take_one(self, name: str, session: Session, payload: Payload) -> None:
        # All changes of an event or, if any part of it cannot be read, none.
        self.accept(self._changes(name, session, self._context(session), payload))

    def _make(self, session: Session, events: Sequence[Heard]) -> None:
        """Take events that arrived directly after one another. No exception may leave here: the callers only look."""
        try:
            if len(events) == 1:
                ((name, payload),) = events
                self._take_one(name, session, payload)
                self._tell(session.shard, events)
                return
            read = self._read(session, events)
            if not self._admission.is_plain or not self._accept_all(read):  # rules need the changes of each event
                self._accept_each(read)
            for told, _, _ in read:
                self._tell(session.shard, told)
        except Exception as error:  # noqa: BLE001 - see above
            self._refuse(events, error)

    def _accept_each(self, read: Sequence[_Read]) -> None:
        for told, changes, absorbed in read:
            try:
                self.accept(changes, absorbed)
            except Exception as error:  # noqa: BLE001 - one payload must not affect the others
                self._refuse(told, error)

    def _tell(self, shard: hikari.api.GatewayShard, events: Iterable[Heard]) -> None:
        for name, payload in events:
            for observe in self._observers.get(name, ()):
                try:
                    observe(name, shard, payload)
                except Exception as error:  # noqa: BLE001 - one payload must not affect the others
                    self._refuse(((name, payload),), error)

    def _read(self, session: Session, events: Sequence[Heard]) -> Sequence[_Read]:
        context = self._context(session)  # only once: nothing is taken yet, so the batch's time is the same for all
        read: list[_Read] = []
        for name, alike in itertools.groupby(events, _NAME):
            run = list(alike)
            if (made := self._together(name, context, run)) is not None:
                together, absorbed = made
                read.append((run, session.without_ghosts(together), absorbed))
                continue
            for event in run:
                try:
                    changes = self._changes(name, session, context, event[1])
                except Exception as error:  # noqa: BLE001 - one payload must not affect the others
                    self._refuse((event,), error)
                else:
                    read.append(((event,), changes, 0))
        return read

    def _together(self, name: str, context: Context, events: Sequence[Heard]) -> tuple[Sequence[Change], int] | None:
        """Return the combined changes of events of one type, if these are fewer than those of each event by itself."""
        together = EVENTS[name].together
        if together is None or len(events) == 1:
            return None
        # What rules and erasures reject has to be counted for each event.
        if not self._suppressions.is_empty or not self._admission.takes_all(together.merges):
            return None
        try:
            return together.plan([payload for _, payload in events], context)
        except Exception:  # noqa: BLE001 - reading them one by one shows which one is unreadable
            return None

    def _accept_all(self, read: Sequence[_Read]) -> bool:
        """Accept the changes of several events at once, and return whether that was possible."""
        gauges = self._gauges
        skipped, suppressed = gauges.skipped.copy(), gauges.suppressed
        try:
            admitted = self._admitted([change for _, changes, _ in read for change in changes])
        except Exception:  # noqa: BLE001 - taking them one by one shows which one cannot be taken
            gauges.skipped.clear()  # rejected changes are counted then
            gauges.skipped.update(skipped)
            gauges.suppressed = suppressed
            return False
        self._journal.accept(admitted, sum(map(_ABSORBED, read)))
        return True

    def _begin(self, session: Session, ready: Payload) -> None:
        me = int(ready["user"]["id"])
        self.refused = self.refusal(me)
        if self.refused is not None:
            self.disowned(self.refused)
            return
        if me != self.me:
            self.me = me
            self._journal.forget_memory()  # some objects name the bot
        shard = session.shard
        self.sessions.begin(shard, ready)
        changes = self._changes("READY", session, self._context(session), ready)
        if self.sessions.is_resharded(shard):
            session.waits = True
            changes = [change for change in changes if not _forgets_guilds(change)]
        self.accept(changes)
        self.settle()
        self._forget_places(shard.shard_count)

    def observe(self, observer: Observer, names: Iterable[str], *, at_once: bool = False) -> None:
        """Call an observer with some events after their changes have been made.

        Parameters
        ----------
        observer, names
            The observer, and the names of the events.
        at_once
            Whether to call it before hikari's own cache and before listeners, so that these events are not deferred.
        """
        for name in names:
            self._observers.setdefault(name, []).append(observer)
        if at_once:
            self._apart |= frozenset(names)

    def accept(self, changes: Sequence[Change], absorbed: int = 0) -> None:
        """Pass changes to the journal, except those that the rules reject.

        Parameters
        ----------
        changes
            The changes of one event, or of several.
        absorbed
            How many more there were before changes of one key were merged.
        """
        self._journal.catch_up()  # rules depend on everything received so far
        # Admit all of them before the journal takes the first, so that an unreadable event changes nothing.
        self._journal.accept(self._admitted(changes), absorbed)

    def _admitted(self, changes: Sequence[Change]) -> list[Change]:
        # Rules must not even see what must not be stored.
        return list(self.noticed(self._admission.admitted(self._suppressions.admitted(changes))))

    def keeps_any(self, entity: Entity[typing.Any], guild_id: int) -> bool:
        """Return whether objects of a kind in a guild may be stored: it is not erased, and the rules keep some."""
        return self._admission.keeps_any(entity, guild_id) and not self._suppressions.holds("guild", guild_id)

    def _changes(self, name: str, session: Session, context: Context, payload: Payload) -> list[Change]:
        if session.is_late(name, payload):
            self._gauges.skipped[LATE[name]] += 1
            return []
        chunks = session.chunks
        concerns_members = name in member_chunks.CONCERNED
        if concerns_members:
            payload = chunks.without_left(name, payload)
        changes = list(completeness.told(name, payload, context.origin)) if name in completeness.TELLING else []
        changes += session.without_ghosts(list(EVENTS[name].plan(payload, context)))
        if concerns_members:
            changes += chunks.note(name, payload, session.shard.id, context.origin)
            session.note(name, payload)
        return changes

    def _context(self, session: Session) -> Context:
        context, shard = session.context, session.shard
        if context is None or context.origin.at != self._journal.at:
            origin = Origin("gateway", shard.id, session.epoch, self._journal.at)
            context = session.context = Context(
                shard.id, shard.shard_count, self.me, origin, self._reads_content, {}, self._intents, session.guilds
            )
        return context

    def settle(self) -> None:
        """Forget the guilds that are gone, once all shards of a changed number have been ready."""
        for session in list(self.sessions.waiting()):
            count = session.shard.shard_count
            if not self.sessions.is_whole(count):
                continue
            ready = {"user": {"id": str(self.me)}, "guilds": [{"id": str(guild)} for guild in session.guilds or ()]}
            changes = EVENTS["READY"].plan(ready, self._context(session))
            session.waits = False
            self._journal.accept([change for change in changes if _forgets_guilds(change)])
            self._forget_places(count)

    def _forget_places(self, count: int) -> None:
        """Forget the places of shards of another number, once each of this number has been ready."""
        if self.sessions.is_mixed(count) and self.sessions.is_whole(count):
            self._journal.accept([DropScope(SHARDS, None, (Not(Condition("shard_count", "equals", count)),))])
            self.sessions.settle(count)

    def positions(self) -> Iterator[Change]:
        """Yield changes that store how far each shard has come, if that has changed."""
        return iter(()) if self.refused is not None else self.sessions.positions(self._journal.at)


def _forgets_guilds(change: Change) -> bool:
    return isinstance(change, DropScope) and not change.entity.ephemeral
