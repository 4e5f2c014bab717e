"""What REST says, taken where hikari reads it: the payloads, which hikari does not hand out."""

from __future__ import annotations

import copy
import typing
from collections.abc import Callable, Collection, Iterator, Mapping

import hikari

from .changes import Change, Drop, Patch, Put
from .edits import Part
from .engine import Engine
from .entities import (
    CHANNELS,
    EMOJIS,
    GUILDS,
    MEMBERS,
    MESSAGES,
    OWN_APPLICATION,
    OWN_USER,
    ROLES,
    STICKERS,
    THREADS,
    USERS,
    VOICE_STATES,
)
from .model import Entity, Key, Origin, Payload

__all__ = ("Said", "Saying", "overheard")

AnyEntity = Entity[typing.Any]
_THREAD_TYPES: typing.Final = frozenset((10, 11, 12))


class Said(typing.NamedTuple):
    """A thing that REST has told, and the guild that it belongs to."""

    entity: AnyEntity
    payload: Payload
    guild_id: int | None = None
    only_known: bool = False
    """Whether it is only part of what the gateway tells, and nothing by itself."""

    met_in: int | None = None
    """The guild that a user was told of in, who belongs to none."""


Row = Callable[[Payload, int | None], Iterator[Said]]


def _thing(entity: AnyEntity) -> Row:
    def row(payload: Payload, guild_id: int | None) -> Iterator[Said]:
        yield Said(entity, payload, guild_id)

    return row


def _channel(payload: Payload, guild_id: int | None) -> Iterator[Said]:
    if guild_id is not None:
        yield Said(THREADS if payload["type"] in _THREAD_TYPES else CHANNELS, payload, guild_id)


def _member(payload: Payload, guild_id: int | None) -> Iterator[Said]:
    yield Said(MEMBERS, payload, guild_id)
    yield Said(USERS, payload["user"], met_in=guild_id)


def _message(payload: Payload, guild_id: int | None) -> Iterator[Said]:
    yield Said(MESSAGES, payload, guild_id)
    if "webhook_id" not in payload:
        yield Said(USERS, payload["author"], met_in=guild_id)


def _voice_state(payload: Payload, guild_id: int | None) -> Iterator[Said]:
    yield Said(VOICE_STATES, payload, guild_id)
    if member := payload.get("member"):
        yield from _member(member, guild_id)


def _own_user(payload: Payload, _: int | None) -> Iterator[Said]:
    yield Said(OWN_USER, payload)
    yield Said(USERS, payload)


def _guild(payload: Payload, _: int | None) -> Iterator[Said]:
    guild_id = int(payload["id"])
    lists = {"roles": ROLES, "emojis": EMOJIS, "stickers": STICKERS}
    for name, entity in lists.items():
        for part in payload.get(name) or ():
            yield Said(entity, part, guild_id)
    yield Said(GUILDS, {name: value for name, value in payload.items() if name not in lists}, None, only_known=True)


_ROWS: typing.Final[Mapping[str, Row]] = {
    "deserialize_application": _thing(OWN_APPLICATION),
    "deserialize_channel": _channel,
    "deserialize_guild_thread": _channel,
    "deserialize_guild_sticker": _thing(STICKERS),
    "deserialize_known_custom_emoji": _thing(EMOJIS),
    "deserialize_member": _member,
    "deserialize_message": _message,
    "deserialize_my_user": _own_user,
    "deserialize_rest_guild": _guild,
    "deserialize_role": _thing(ROLES),
    "deserialize_user": _thing(USERS),
    "deserialize_voice_state": _voice_state,
}
"""What hikari reads with which of its methods."""


class _Factory:
    """hikari's entity factory, which tells what it was given."""

    def __init__(self, factory: hikari.api.EntityFactory, heard: list[Said]) -> None:
        self._factory = factory
        self._heard = heard

    def __getattr__(self, name: str) -> typing.Any:
        method = getattr(self._factory, name)
        row = _ROWS.get(name)
        if row is None:
            return method

        def deserialize(payload: Payload, *args: typing.Any, **kwargs: typing.Any) -> typing.Any:
            made = method(payload, *args, **kwargs)
            guild_id = kwargs.get("guild_id") or payload.get("guild_id")
            self._heard.extend(row(payload, None if guild_id is None else int(guild_id)))
            return made

        return deserialize


def overheard(rest: hikari.api.RESTClient, heard: list[Said]) -> hikari.api.RESTClient:
    """Return the same client - its token, connections and rate limits - that adds what it reads to a list."""
    client = copy.copy(rest)
    # hikari has no public way to read a client's payloads; without this name, nothing is heard.
    if hasattr(client, "_entity_factory"):
        private: typing.Any = client
        private._entity_factory = _Factory(rest.entity_factory, heard)  # noqa: SLF001
    return client


class Saying:
    """What REST says in answer to one question.

    Parameters
    ----------
    engine
        The open cache that remembers it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._began = engine.journal.at
        self._heard: list[Said] = []

    def client(self, rest: hikari.api.RESTClient) -> hikari.api.RESTClient:
        """Return the same client - its token, connections and rate limits - that lets what it reads be heard."""
        return overheard(rest, self._heard)

    async def remember(self, known: Collection[tuple[AnyEntity, Key]] = ()) -> None:
        """Remember what was heard, unless the gateway has told of it meanwhile and knows better.

        Parameters
        ----------
        known
            What was there when the question was asked.
        """
        heard, self._heard[:] = list(self._heard), []
        for said in heard:
            if said.entity is MESSAGES and said.guild_id is None:
                said = await self._in_its_guild(said)  # noqa: PLW2901
            key = said.entity.identify(said.payload, said.guild_id)
            now = await self._engine.reader.record(said.entity, key, metadata=True)
            if now is None:
                changes = self._engine.journal.pending(said.entity, key)
                better = (said.entity, key) in known or any(isinstance(change, Drop) for change in changes)
            else:
                better = now.origin.at >= self._began
            met_in = said.met_in
            if not better and (met_in is None or self._engine.admission.keeps_guild(met_in)):
                self._engine.feed.accept([self._change(said, key)])
            if said.entity is OWN_USER:
                self._engine.feed.me = self._engine.feed.me or int(said.payload["id"])

    def _change(self, said: Said, key: Key) -> Change:
        epoch = self._engine.feed.sessions.epoch_of(said.guild_id)
        origin = Origin("rest", None, epoch, self._engine.journal.at)
        if said.entity in (MESSAGES, THREADS, CHANNELS, GUILDS, OWN_USER):
            # The gateway tells more of these.
            return Patch(said.entity, key, said.guild_id, (Part(said.payload),), origin, create=not said.only_known)
        return Put(said.entity.record(said.payload, said.guild_id, origin))

    async def _in_its_guild(self, said: Said) -> Said:
        """Return a message with the guild of its channel, which REST leaves out."""
        channel = (int(said.payload["channel_id"]),)
        for entity in (CHANNELS, THREADS):
            record = await self._engine.reader.record(entity, channel)
            if record is not None and record.guild_id is not None:
                return said._replace(
                    guild_id=record.guild_id, payload={**said.payload, "guild_id": str(record.guild_id)}
                )
        return said
