"""What REST says, taken where hikari reads it: the payloads, which hikari does not hand out."""

from __future__ import annotations

import copy
import typing
from collections.abc import Collection

import hikari

from .changes import Amend, Change, DropScope, Patch, Put, cascade
from .completeness import known
from .conditions import Condition, Not, Where
from .edits import Part
from .engine import Engine
from .entities import CHANNELS, DM_CHANNELS, GUILDS, INVITES, MESSAGES, OWN_USER, THREAD_MEMBERS, THREADS
from .model import Entity, Key, Origin, Payload, Record
from .said import ROWS, Said
from .spi import Select

__all__ = ("All", "Saying", "overheard")

AnyEntity = Entity[typing.Any]
_MERGED: typing.Final = (MESSAGES, THREADS, CHANNELS, GUILDS, INVITES, OWN_USER)
"""Kinds of which the gateway tells more."""

_PLACED: typing.Final = {MESSAGES: "channel_id", THREAD_MEMBERS: "id"}
"""Kinds that REST tells of without their guild, and where the channel or thread stands that they are in."""


class All(typing.NamedTuple):
    """What an answer lists all of.

    Parameters
    ----------
    entity, guild_id
        A kind of thing, and where.
    within
        What else holds for all that is listed.
    is_told
        Whether the gateway tells a bot with the intents of each change from now on, whatever the bot may do.
    sparing
        Kinds that stay although they belong to what is forgotten.
    otherwise
        What is true of things that are not listed, which are not forgotten then.
    most
        How many Discord lists at most: where it lists so many, there may be more.
    """

    entity: AnyEntity
    guild_id: int | None
    within: Where = ()
    is_told: bool = False
    sparing: tuple[AnyEntity, ...] = ()
    otherwise: Part | None = None
    most: int | None = None


class _Factory:
    """hikari's entity factory, which tells what it was given."""

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
            except hikari.UnrecognisedEntityError:  # a type that this hikari does not know is remembered all the same
                self._heard.extend(said)
                raise
            self._heard.extend(said)
            return made

        return deserialize


def overheard(rest: hikari.api.RESTClient, heard: list[Said], guild_id: int | None = None) -> hikari.api.RESTClient:
    """Return the same client - its token, connections and rate limits - that adds what it reads to a list."""
    client = copy.copy(rest)
    # hikari has no public way to read a client's payloads; without this name, nothing is heard.
    if hasattr(client, "_entity_factory"):
        private: typing.Any = client
        private._entity_factory = _Factory(rest.entity_factory, heard, guild_id)  # noqa: SLF001
    return client


class Saying:
    """What REST says in answer to one question.

    Parameters
    ----------
    engine
        The open cache that remembers it.
    guild_id
        The guild that is asked about, for what does not say where it is.
    whole
        What the answer lists all of, once it is heard to its end.
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
        """Return what is the same as long as nothing of the kind is lost and its session goes on."""
        if self._whole is None:
            return 0, 0
        kind, gauges = self._whole.entity.name, self._engine.gauges
        return gauges.lost[kind] + gauges.quarantined[kind], self._engine.feed.sessions.epoch_of(self._whole.guild_id)

    def client(self, rest: hikari.api.RESTClient) -> hikari.api.RESTClient:
        """Return the same client - its token, connections and rate limits - that lets what it reads be heard."""
        return overheard(rest, self._heard, self._guild_id)

    async def remember(self, known: Collection[tuple[AnyEntity, Key]] = ()) -> None:
        """Remember what was heard, unless the gateway has told of it meanwhile and knows better.

        Parameters
        ----------
        known
            What was there when the question was asked.
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
                better = now.origin.at >= self.began
            met_in = said.met_in
            if not better and (met_in is None or self._engine.admission.keeps_guild(met_in)):
                self._engine.feed.accept([self._change(said, key)])
            if said.entity is OWN_USER:
                self._engine.feed.me = self._engine.feed.me or int(said.payload["id"])

    def _change(self, said: Said, key: Key) -> Change:
        epoch = self._engine.feed.sessions.epoch_of(said.guild_id)
        origin = Origin("rest", None, epoch, self._engine.journal.at)
        if said.entity in _MERGED:
            return Patch(said.entity, key, said.guild_id, (Part(said.payload),), origin, create=not said.only_known)
        return Put.of(said.entity, said.payload, said.guild_id, origin)

    def end(self) -> None:
        """Forget what an answer would have listed, if it were there still, and note that all of it is known."""
        whole = self._whole
        if whole is None or self._state() != self._before or (whole.most and len(self._listed) >= whole.most):
            return
        entity, guild_id = whole.entity, whole.guild_id
        # What was told of after the question was asked may be newer than the answer.
        where: Where = (*whole.within, Condition("last_updated", "less", self.began))
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
        """Return a thing with the guild of its channel, which REST leaves out.

        It is ``None`` where neither a channel nor a direct conversation is known by that id: what is of no guild goes
        with none, and would stay when the bot leaves.
        """
        channel = int(said.payload[_PLACED[said.entity]])
        reader = self._engine.reader
        for entity in (CHANNELS, THREADS, DM_CHANNELS):
            record = await reader.record(entity, (channel,))
            if record is not None:
                return _in_guild(said, record.guild_id)
        if said.entity is not MESSAGES:
            return None
        # Where rules keep no channels, the messages that were heard say where they are.
        beside = Select(MESSAGES, where=(Condition("channel_id", "equals", channel),), limit=1, want="keys")
        for record in (await reader.page(beside)).records:
            return _in_guild(said, record.guild_id)
        return None


def _in_guild(said: Said, guild_id: int | None) -> Said:
    if guild_id is None:
        return said
    return said._replace(guild_id=guild_id, payload={**said.payload, "guild_id": str(guild_id)})
