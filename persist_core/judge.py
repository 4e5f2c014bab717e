"""Decides, for one :class:`~persist.keep.Keep`, whether a record is kept, and which parts of it."""

from __future__ import annotations

import difflib
import logging
import typing
from collections.abc import Callable, Collection, Iterable, Mapping

from . import filter_names, filters
from .answers import answer
from .conditions import matches
from .droppable import fields_of, made_of
from .entities import CHANNELS, GUILDS, THREADS
from .errors import QueryError
from .fields import FIELDS
from .keep import LISTS, SOURCES, Keep
from .model import Decoder, Entity, Record

__all__ = ("Asked", "Judge", "check", "column_of", "columns_of")

_LOG = logging.getLogger("persist.rules")
AnyEntity = Entity[typing.Any]
Test = Callable[[Record], bool]

_COLUMNS: typing.Final[Mapping[str, Mapping[str, str]]] = {
    "guilds": {"guilds": "id"},
    "channels": {"channels": "id", "threads": "id", "dm_channels": "id", "thread_members": "thread_id"},
    "users": {
        "users": "id",
        "own_user": "id",
        "messages": "author_id",
        "threads": "owner_id",
        "guilds": "owner_id",
        "invites": "inviter_id",
        "webhooks": "author_id",
        "scheduled_events": "creator_id",
        "auto_mod_rules": "creator_id",
        "dm_channels": "recipient_id",
    },
    "roles": {"roles": "id", "integrations": "role_id"},
}
"""The column that a list of IDs refers to, by kind, if it has a different name."""

_NAMES: typing.Final[Mapping[str, str]] = {
    "guilds": "guild_id",
    "channels": "channel_id",
    "users": "user_id",
    "roles": "role_ids",
}


class Asked(typing.Protocol):
    """What a judge can ask for besides the record itself."""

    def decoder(self) -> Decoder:
        """Return the decoder that makes hikari objects."""
        ...

    def above(self, channel_id: int) -> Iterable[int]:
        """Yield a channel, the channel that it is a thread of, and that channel's category."""
        ...

    def failed(self, record: Record, error: Exception) -> None:
        """Note that a predicate raised an error for an object."""
        ...


def column_of(entity: AnyEntity, name: str) -> str:
    """Return the name of the column that a list refers to; the kind may not have it."""
    return _COLUMNS[name].get(entity.name, _NAMES[name])


def columns_of(entity: AnyEntity, name: str) -> Callable[[Record], Collection[int]] | None:
    """Return a function that reads the IDs that a list refers to; ``None`` if the kind has none."""
    if name == "roles" and entity.name == "messages":
        return _roles_of_author
    column = column_of(entity, name)
    if column not in entity.key and column not in entity.columns and not (column == "guild_id" and entity.in_guild):
        return None
    if entity.kind_of(column) == "snowflakes":
        return lambda record: [int(item) for item in (record.column(column) or "").split(",") if item]

    def read(record: Record) -> Collection[int]:
        found = record.column(column)
        return () if found is None else (found,)

    return read


def _roles_of_author(record: Record) -> Collection[int]:
    member: Mapping[str, typing.Any] = record.payload.get("member") or {}
    return [int(role) for role in member.get("roles") or ()]


def check(entity: AnyEntity, keep: Keep[typing.Any]) -> None:
    """Reject a choice that does not work for a kind.

    Raises
    ------
    persist.QueryError
        If it names something that the kind doesn't have, drops required fields, or selects by fields that it drops.
    """
    for name in LISTS:
        if getattr(keep, name) is not None and columns_of(entity, name) is None:
            msg = f"{entity.name} cannot be selected by {name}: they do not belong to any"
            raise QueryError(msg)
    filters.where(entity, keep.where)
    dropped = _check_drop(entity, keep.drop)
    for name in keep.where:
        column = filter_names.column_named(entity, name, "verified")
        if column not in entity.columns and column not in entity.key and column != "guild_id":
            msg = f"{entity.name} cannot be selected by {name!r}: it is not known before they are stored"
            raise QueryError(msg)
        if column in entity.columns and entity.columns[column].path.partition(".")[0] in dropped:
            msg = (
                f"{entity.name} are selected by {name!r}, which is dropped, so it is missing when they change: "
                "select by something else, or do not drop it"
            )
            raise QueryError(msg)
    for part in (*keep.also, *keep.either, *keep.never):
        check(entity, part)


def _check_drop(entity: AnyEntity, names: Collection[str]) -> frozenset[str]:
    fields = fields_of(entity, names)
    allowed = FIELDS.get(entity.name)
    if allowed is None:  # only a plugin knows what its kinds need
        allowed = fields - {*entity.key, "guild_id", *entity.joins, *(name for _, on in entity.owners for name in on)}
    if wrong := sorted(fields - allowed):
        near = difflib.get_close_matches(wrong[0], allowed, 1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; you can drop: {', '.join(sorted(allowed))}"
        msg = f"{', '.join(wrong)} of {entity.name} cannot be dropped{hint}"
        raise QueryError(msg)
    return fields


class Judge:
    """Decides about records of one kind.

    Parameters
    ----------
    entity, keep
        The kind, and what to keep of it.
    asked
        The source of additional information.
    """

    def __init__(self, entity: AnyEntity, keep: Keep[typing.Any], asked: Asked) -> None:
        self.entity = entity
        self.keep = keep
        self._asked = asked
        self._also = [Judge(entity, part, asked) for part in keep.also]
        self._either = [Judge(entity, part, asked) for part in keep.either]
        self._never = [Judge(entity, part, asked) for part in keep.never]
        self._parts = (*self._also, *self._either, *self._never)
        self._drop = fields_of(entity, keep.drop)
        self._warned = False
        self._tests = tuple(self._made())

    def _made(self) -> Iterable[Test]:
        keep = self.keep
        for name in LISTS:
            if (ids := getattr(keep, name)) is not None:
                yield self._listed(name, ids)
        if keep.sources is not None:
            allowed = frozenset(keep.sources)
            yield lambda record: record.origin.source in allowed
        if keep.where:
            conditions, _ = filters.where(self.entity, keep.where)
            yield lambda record: matches(conditions, record.column) is True
        if keep.predicate is not None:
            yield self._predicted

    def _listed(self, name: str, ids: frozenset[int] | filters.Filter[frozenset[int]]) -> Test:
        read = columns_of(self.entity, name)
        if read is None:  # already checked
            return lambda _: False
        if name == "channels":
            read = self._in_channels(read)
        if isinstance(ids, filters.Filter):
            denied: frozenset[int] = ids.value
            return lambda record: denied.isdisjoint(read(record))
        return lambda record: not ids.isdisjoint(read(record))

    def _in_channels(self, read: Callable[[Record], Collection[int]]) -> Callable[[Record], Collection[int]]:
        above = self._asked.above
        if self.entity in (CHANNELS, THREADS):  # its own parent is in the record, and may not be known yet
            return lambda record: [
                *read(record),
                *(above(parent) if (parent := record.column("parent_id")) is not None else ()),
            ]
        return lambda record: [one for channel in read(record) for one in above(channel)]

    def _predicted(self, record: Record) -> bool:
        try:
            thing = made_of(self._asked.decoder(), record)
        except Exception as error:  # noqa: BLE001 - one payload must not affect the next
            self._warn(record, error)
            return False
        try:
            return bool(answer(typing.cast("Callable[[object], bool]", self.keep.predicate), thing))
        except Exception as error:  # noqa: BLE001 - one object must not affect the next
            self._warn(record, error)
            self._asked.failed(record, error)
            return False

    def _warn(self, record: Record, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            _LOG.warning(
                "the predicate of %s failed for %s, which is not kept: %r; further errors are not logged",
                self.entity.name,
                record.key,
                error,
            )

    # ------------------------------------------------------------------------------------------------ of this keep

    @property
    def decodes(self) -> bool:
        """Whether it needs hikari objects."""
        return self.keep.predicate is not None or any(part.decodes for part in self._parts)

    @property
    def names_channels(self) -> bool:
        """Whether it needs to know which channel is in which."""
        return self.keep.channels is not None or any(part.names_channels for part in self._parts)

    @property
    def selects_any(self) -> bool:
        """Whether everything of its kind is kept, at least in part."""
        return not self._tests and all(part.selects_any for part in self._also) and not (self._either or self._never)

    @property
    def looks_only_at_ids(self) -> bool:
        """Whether it decides only by IDs that never change, so that rejected objects have never been stored."""
        own = self.keep.where or self.keep.predicate or self.keep.roles is not None or self.keep.sources
        moves = self.keep.channels is not None and self.entity.name not in _STAYS
        named = self.keep.users is not None and self.entity is GUILDS
        return not (own or moves or named) and all(part.looks_only_at_ids for part in self._parts)

    @property
    def has_sources(self) -> bool:
        """Whether the source of an object matters."""
        return self.keep.sources is not None or any(part.has_sources for part in self._parts)

    @property
    def drops(self) -> frozenset[str]:
        """The fields that it removes from at least some objects."""
        return self._drop.union(*(part.drops for part in (*self._also, *self._either)))

    @property
    def always_drops(self) -> frozenset[str]:
        """The fields that it removes from all objects."""
        found = self._drop.union(*(part.always_drops for part in self._also))
        if self._either:
            found |= frozenset.intersection(*(part.always_drops for part in self._either))
        return found

    # --------------------------------------------------------------------------------------------------- of a record

    def selects(self, record: Record) -> bool:
        """Return whether a record is kept, given its source."""
        return (
            all(test(record) for test in self._tests)
            and all(part.selects(record) for part in self._also)
            and (not self._either or any(part.selects(record) for part in self._either))
            and not any(part.selects(record) for part in self._never)
        )

    def selects_from_elsewhere(self, record: Record) -> bool:
        """Return whether a record would be kept if it came from another source."""
        return self.has_sources and any(
            self.selects(record._replace(origin=record.origin._replace(source=source))) for source in SOURCES
        )

    def dropped(self, record: Record) -> frozenset[str]:
        """Return the fields of a selected record to drop: a field that any part keeps is kept."""
        if not self._parts:
            return self._drop
        found = self._drop.union(*(part.dropped(record) for part in self._also))
        if self._either:
            found |= frozenset.intersection(*(part.dropped(record) for part in self._either if part.selects(record)))
        return found


_STAYS: typing.Final = frozenset(
    ("messages", "invites", "stage_instances", "thread_members", "dm_channels", "auto_mod_executions")
)
"""Kinds whose objects never change their channel."""
