"""Turns rows into records. Everything that is the same for all rows of a query is computed once, before the first."""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable, Mapping, Sequence

import orjson

from .codec import Codec
from .model import METADATA, Entity, Origin, Record
from .schema import Storage
from .spi import Row

__all__ = ("Part", "Read", "columns_of", "kind_of", "parts_of", "payload_of", "reader_of")

AnyEntity = Entity[typing.Any]
Read = Callable[[Row], Record]
"""Makes a record of a row. Raises ``ValueError`` if the stored payload is no longer valid."""

_METADATA: typing.Final = ("source", "shard", "epoch", "first_seen", "revision")
_KINDS: typing.Final[Mapping[str, Storage]] = {"payload": "document", **METADATA}
_new = tuple.__new__  # takes half as long as a named tuple's own


class Part(typing.NamedTuple):
    """A part of records that is stored under its own kind and read along with them, from one more table of a query."""

    name: str
    """The name of its table in the query."""

    entity: AnyEntity
    on: tuple[str, ...]
    """The columns that hold its key, in the table of the record or of the part that contains it."""

    inside: str
    """The name of the part that contains it; empty if the record itself does."""

    field: str
    """The field that contains it."""


@functools.cache
def parts_of(entity: AnyEntity) -> Sequence[Part]:
    """Return the parts of records of a kind, and the parts of these, each after the one that contains it."""
    found: list[Part] = []

    def gather(entity: AnyEntity, inside: str) -> None:
        for field, join in entity.joins.items():
            part = Part(f"part{len(found)}", join.entity, join.on, inside, field)
            found.append(part)
            gather(join.entity, part.name)

    gather(entity, "")
    return tuple(found)


def kind_of(entity: AnyEntity, name: str) -> Storage:
    """Return the type of a column, including the payload and the metadata."""
    return _KINDS.get(name) or entity.kind_of(name)


def columns_of(entity: AnyEntity, *, payload: bool, metadata: bool) -> tuple[str, ...]:
    """Return the columns that a record is made of, in the order in which :func:`reader_of` expects them."""
    beside = ("guild_id",) if entity.in_guild and "guild_id" not in entity.key else ()
    what = ("payload", "last_updated") if payload else ()
    return (*entity.key, *beside, *what, *(_METADATA if metadata else ()))


def payload_of(document: bytes | str) -> dict[str, typing.Any]:
    """Return the payload in a document. Raises ``ValueError`` if it is not one."""
    payload = orjson.loads(document)
    if type(payload) is not dict:
        msg = "its payload is not a JSON object"
        raise ValueError(msg)
    return payload


def reader_of(entity: AnyEntity, codec: Codec | None, *, payload: bool, metadata: bool) -> Read:
    """Return a function that makes records of rows that begin with these columns."""
    width = len(entity.key)
    names = columns_of(entity, payload=payload, metadata=metadata)
    guild = names.index("guild_id") if "guild_id" in names else None
    if not payload:
        nothing = Origin("stored", None, 0, "")
        return lambda row: Record(entity, tuple(row[:width]), None if guild is None else row[guild], {}, nothing)
    document = names.index("payload")
    beyond = slice(document + 1, document + 7)
    opened = None if codec is None else functools.partial(codec.opened, entity.name)

    def read(row: Row) -> Record:
        key = tuple(row[:width])
        stored = row[document]
        payload = payload_of(stored if opened is None else opened(key, stored))
        place = None if guild is None else row[guild]
        if not metadata:
            origin = _new(Origin, ("stored", None, 0, row[document + 1]))
            return _new(Record, (entity, key, place, payload, origin, None, 0))
        at, source, shard, epoch, first_seen, revision = row[beyond]
        f"{at}{source}{first_seen}".encode()  # raises what is caught here if the database could not decode one of them
        origin = _new(Origin, (source, shard, epoch, at))
        return _new(Record, (entity, key, place, payload, origin, first_seen, revision))

    return read
