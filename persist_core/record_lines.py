"""Records as JSON objects with their metadata, and back: each is one line of an export."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping

from .columns import instant
from .entities import ENTITIES
from .errors import PersistError
from .model import METADATA, Entity, Kind, Origin, Record

__all__ = ("record_of", "spelled")

Said = Mapping[str, typing.Any]
_LONGEST: typing.Final = 1 << 63
_TIME_LENGTH: typing.Final = len("2026-01-31 12:00:00.000000")


def spelled(record: Record) -> Said:
    """Return a record as a JSON object."""
    return {
        "kind": record.entity.name,
        "key": record.key,
        "guild_id": record.guild_id,
        "payload": record.payload,
        "source": record.origin.source,
        "shard": record.origin.shard,
        "epoch": record.origin.epoch,
        "last_updated": record.origin.at,
        "first_seen": record.first_seen,
        "revision": record.revision,
    }


def record_of(said: Said, number: int) -> Record:
    """Return the record that a JSON object stands for.

    Parameters
    ----------
    said
        The object. It has a kind.
    number
        The number of its line, for messages.

    Raises
    ------
    persist.PersistError
        If its kind is unknown, or a database could not store it.
    """
    entity = ENTITIES.get(str(said["kind"]))
    if entity is None:
        msg = f"line {number} has the kind {said['kind']!r}, which is not known here; is a plugin missing?"
        raise PersistError(msg)
    try:
        record = _record(entity, said)
        for name, column in entity.columns.items():
            _checked(name, column.kind, column.read(record.payload), may_lack=True)
    except Exception as error:
        msg = f"line {number} is not a complete record ({_reason(error)}); is the file from `persist export`?"
        raise PersistError(msg) from error
    return record


def _record(entity: Entity[typing.Any], said: Said) -> Record:
    parts = zip(entity.key.items(), said["key"], strict=True)
    key = tuple(_checked(name, kind, part) for (name, kind), part in parts)
    told = {name: _checked(name, kind, said[name], may_lack=name in _MAY_LACK) for name, kind in METADATA.items()}
    guild_id = _checked("guild_id", "snowflake", said["guild_id"], may_lack=True)
    origin = Origin(told["source"], told["shard"], told["epoch"], told["last_updated"])
    first_seen = told["first_seen"] or origin.at
    return Record(entity, key, guild_id, dict(said["payload"]), origin, first_seen, told["revision"] or 1)


_MAY_LACK: typing.Final = frozenset(("shard", "first_seen"))


def _checked(name: str, kind: Kind, value: typing.Any, *, may_lack: bool = False) -> typing.Any:
    """Return a value if a column can hold it, and raise an error otherwise."""
    if (value is None and may_lack) or _FITS[kind](value):
        return value
    msg = f"{name} cannot be {value!r}"
    raise TypeError(msg)


def _is_number(value: typing.Any) -> bool:
    return type(value) is int and -_LONGEST <= value < _LONGEST


def _is_text(value: typing.Any) -> bool:
    return type(value) is str


def _is_time(value: typing.Any) -> bool:
    return type(value) is str and len(value) == _TIME_LENGTH and bool(instant(value))


_FITS: typing.Final[Mapping[Kind, Callable[[typing.Any], bool]]] = {
    "snowflake": _is_number,
    "integer": _is_number,
    "boolean": lambda value: type(value) is bool,
    "text": _is_text,
    "time": _is_time,
    "snowflakes": _is_text,
}


def _reason(error: Exception) -> str:
    return f"{error.args[0]} is missing" if isinstance(error, KeyError) and error.args else str(error)
