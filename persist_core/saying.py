"""Captures what REST sends at the point where hikari reads it, because hikari does not expose the payloads."""

from __future__ import annotations

import copy
import typing
from collections.abc import Collection

import hikari

from .changes import Amend, Change, DropScope, Patch, Put, cascade
from .columns import SKEW, instant, moment
from .completeness import known
from .conditions import AnyOf, Condition, Not, Where
from .edits import Part
from .engine import Engine
from .entities import CHANNELS, DM_CHANNELS, GUILDS, INVITES, MESSAGES, OWN_USER, THREAD_MEMBERS, THREADS
from .model import Entity, Key, Origin, Payload, Record
from .said import ROWS, Said
from .spi import Select

__all__ = ("All", "Saying", "overheard")

AnyEntity = Entity[typing.Any]
_MERGED: typing.Final = (MESSAGES, THREADS, CHANNELS, GUILDS, INVITES, OWN_USER)
"""Kinds of which the gateway sends more fields."""

_PLACED: typing.Final = {MESSAGES: "channel_id", THREAD_MEMBERS: "id"}
"""Kinds that REST sends without their guild, and the field with the ID of their channel or thread."""


class All(typing.NamedTuple):
    """The set of objects that an answer lists completely.

    Parameters
    ----------
    entity, guild_id
        The kind, and the guild.
    within
        Other conditions for the listed objects.
    is_told
        Whether the gateway sends a bot with the intents every later change, whatever permissions the bot has.
    sparing
        Kinds that stay although they belong to objects that are deleted.
    otherwise
        What is true of objects that are not listed, which are then not deleted.
    most
        The most objects that Discord lists: if it lists that many, there may be more.
    """

    entity: AnyEntity
    guild_id: int | None
    within: Where = ()
    is_told: bool = False
    sparing: tuple[AnyEntity, ...] = ()
    otherwise: Part | None = None
    most: int | None = None


class _Factory:
    """hikari's entity factory, which records what it was given."""

    def __init__(self, factory: hikari.api.EntityFactory, heard: list[Said], guild_id: int | None) -> None:
        self._factory = factory
        self._heard = heard
        self._guild_id = guild_id

    def __getattr__(self, name: str) -> typing.Any:
        method = getattr(self._factory, name)
        row = ROWS.get(name)
        if row is None:
            return method

        def deserialize(payload: Payload, *args: typing.Any, **kwargs: typing.Any) -> typing.Any:
            guild_id = kwargs.get("guild_id") or payload.get("guild_id") or self._guild_id
            said = row(payload, None if guild_id is None else int(guild_id))
            try:
                made = method(payload, *args, **kwargs)
            except hikari.UnrecognisedEntityError:  # even a type that this hikari does not know is stored
                self._heard.extend(said)
                raise
            self._heard.extend(said)
            return made

        return deserialize


def overheard(rest: hikari.api.RESTClient, heard: list[Said], guild_id: int | None = None) -> hikari.api.RESTClient:
    """Return the same client, with its token, connections and rate limits, that adds what it reads to a list."""
    client = copy.copy(rest)
    # hikari has no public way to read a client's payloads; without this name, nothing is captured.
    if hasattr(client, "_entity_factory"):
        private: typing.Any = client
        private._entity_factory = _Factory(rest.entity_factory, heard, guild_id)  # noqa: SLF001
    return client


class Saying:
    """What REST sends in answer to one request.

    Parameters
    ----------
    engine
        The open cache that stores it.
    guild_id
        The guild of the request, for objects that don't say where they belong.
    whole
        The set that the answer lists completely, once all of it has arrived.
    """

    def __init__(self, engine: Engine, guild_id: int | None = None, whole: All | None = None) -> None:
        self._engine = engine
        self._guild_id = guild_id
        self._whole = whole
        self.began: str = engine.journal.at
        self._gone = engine.journal.departures.watch()
        self._heard: list[Said] = []
        self._listed: set[int | str] = set()
        self._before = self._state()

    def _state(self) -> tuple[int, int]:
        """Return a value that stays the same until data of the kind is lost or its session ends."""
        if self._whole is None:
            return 0, 0
        kind, gauges = self._whole.entity.name, self._engine.gauges
        return gauges.lost[kind] + gauges.quarantined[kind], self._engine.feed.sessions.epoch_of(self._whole.guild_id)

    def client(self, rest: hikari.api.RESTClient) -> hikari.api.RESTClient:
        """Return the same client, with its token, connections and rate limits, whose payloads are captured."""
        return overheard(rest, self._heard, self._guild_id)

    async def remember(self, known: Collection[tuple[AnyEntity, Key]] = ()) -> None:
        """Store what was captured, unless the gateway has sent something newer in the meantime.

        Parameters
        ----------
        known
            The objects that existed when the request was made.
        """
        heard, self._heard[:] = list(self._heard), []
        for said in heard:
            if said.guild_id is None and said.entity in _PLACED:
                placed = await self._in_its_place(said)
                if placed is None:
                    self._engine.gauges.skipped[said.entity.name] += 1
                    continue
                said = placed  # noqa: PLW2901
            key = said.entity.identify(said.payload, said.guild_id)
            if self._whole is not None and self._whole.entity is said.entity:
                self._listed.add(key[-1])
            now = await self._engine.reader.record(said.entity, key, metadata=True)
            if now is None:
                asked = Origin("rest", None, 0, self.began)
                told = Record(said.entity, key, said.guild_id, said.payload, asked)
                better = (said.entity, key) in known or self._gone.has_gone(told)
            else:
                better = self._is_since(now.origin.at)
            met_in = said.met_in
            if not better and (met_in is None or self._engine.admission.keeps_guild(met_in)):
                self._engine.feed.accept([self._change(said, key)])
            if said.entity is OWN_USER:
                self._engine.feed.me = self._engine.feed.me or int(said.payload["id"])

    def _is_since(self, at: str) -> bool:
        """Return whether what was stored at a time is newer than the request.

        Times that are still to come are of a clock that was wrong then, and show nothing.
        """
        now = self._engine.journal.at
        return now < self.began or self.began <= at <= _soon(now)  # in the first case, nobody can tell

    def _change(self, said: Said, key: Key) -> Change:
        epoch = self._engine.feed.sessions.epoch_of(said.guild_id)
        origin = Origin("rest", None, epoch, self._engine.journal.at)
        if said.entity in _MERGED:
            return Patch(said.entity, key, said.guild_id, (Part(said.payload),), origin, create=not said.only_known)
        return Put.of(said.entity, said.payload, said.guild_id, origin)

    def end(self) -> None:
        """Delete objects that the answer would have listed if they still existed, and mark the list as complete."""
        whole = self._whole
        if whole is None or self._state() != self._before or (whole.most and len(self._listed) >= whole.most):
            return
        if (now := self._engine.journal.at) < self.began:  # the clock was set back: nobody can tell what is newer
            return
        entity, guild_id = whole.entity, whole.guild_id
        # What arrived after the request began may be newer than its answer.
        earlier = Condition("last_updated", "less", self.began)
        where: Where = (*whole.within, AnyOf((earlier, Condition("last_updated", "greater", _soon(now)))))
        if self._listed:
            where = (*where, Not(Condition(tuple(entity.key)[-1], "is_in", frozenset(self._listed))))
        if whole.otherwise is not None:
            origin = Origin("rest", None, self._before[1], self._engine.journal.at)
            self._engine.feed.accept([Amend(entity, guild_id, where, (whole.otherwise,), origin)])
            return
        changes: list[Change] = [c for c in cascade(entity, guild_id, where) if c.entity not in whole.sparing]
        changes.append(DropScope(entity, guild_id, where))
        if whole.is_told and guild_id is not None:
            origin = Origin("rest", None, self._before[1], self._engine.journal.at)
            changes.append(known(entity.name, guild_id, origin))
        self._engine.feed.accept(changes)

    async def _in_its_place(self, said: Said) -> Said | None:
        """Return an object with the guild of its channel, which REST leaves out.

        Return ``None`` if neither a channel nor a direct conversation is known by that ID: data without a guild isn't
        deleted with any, and would stay when the bot leaves.
        """
        channel = int(said.payload[_PLACED[said.entity]])
        reader = self._engine.reader
        for entity in (CHANNELS, THREADS, DM_CHANNELS):
            record = await reader.record(entity, (channel,))
            if record is not None:
                return _in_guild(said, record.guild_id)
        if said.entity is not MESSAGES:
            return None
        # If the rules keep no channels, captured messages say where they are.
        beside = Select(MESSAGES, where=(Condition("channel_id", "equals", channel),), limit=1, want="keys")
        for record in (await reader.page(beside)).records:
            return _in_guild(said, record.guild_id)
        return None


def _soon(at: str) -> str:
    """Return the latest time that another machine may have when it is this time here."""
    return moment(instant(at) + SKEW)


def _in_guild(said: Said, guild_id: int | None) -> Said:
    if guild_id is None:
        return said
    return said._replace(guild_id=guild_id, payload={**said.payload, "guild_id": str(guild_id)})
