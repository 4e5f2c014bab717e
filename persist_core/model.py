"""What the tables of entities and events are made of: kinds, their columns, and records of them."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Mapping, Sequence

import hikari

__all__ = (
    "METADATA",
    "Column",
    "Decoder",
    "Entity",
    "Join",
    "Key",
    "Kind",
    "Origin",
    "Payload",
    "Record",
    "Searched",
)

T_co = typing.TypeVar("T_co", covariant=True)

Payload = Mapping[str, typing.Any]
"""What Discord sent, parsed from JSON. Never modify it in place: hikari reads the same objects."""

Key = tuple[int | str, ...]
"""What identifies a record of a kind: a snowflake, a guild and a user, an invite code."""

Kind = typing.Literal["snowflake", "integer", "boolean", "text", "time", "snowflakes"]
"""The type of a column. ``time`` is UTC, ``YYYY-MM-DD HH:MM:SS.ffffff``; ``snowflakes`` is ``,1,2,``."""

METADATA: typing.Final[Mapping[str, Kind]] = {
    "source": "text",
    "shard": "integer",
    "epoch": "integer",
    "last_updated": "time",
    "first_seen": "time",
    "revision": "integer",
}
"""The columns of every record that say where, when and how often it was learned."""


class Origin(typing.NamedTuple):
    """Where and when a record was learned."""

    source: str
    """``gateway``, ``chunk`` or ``rest``."""

    shard: int | None
    """The shard that received it."""

    epoch: int
    """The gateway session: the microsecond of its READY. 0 if it did not come from a session."""

    at: str
    """When, in the format of a ``time`` column."""


class Record(typing.NamedTuple):
    """One stored object, as Discord sent it."""

    entity: Entity[typing.Any]
    key: Key
    guild_id: int | None
    payload: Payload
    origin: Origin
    first_seen: str | None = None
    """When it was first stored; ``None`` until it is."""

    revision: int = 0
    """How many versions of it have been stored."""

    def column(self, name: str) -> typing.Any:
        """Return the value of a column of this record.

        Raises
        ------
        LookupError
            If this kind has no such column.
        """
        if name in METADATA and name not in self.entity.columns:
            return self._metadata(name)
        return self.entity.column_of(name, self.key, self.guild_id, self.payload)

    def _metadata(self, name: str) -> typing.Any:
        if name in ("first_seen", "revision"):
            if self.first_seen is None:
                raise LookupError(name)
            return getattr(self, name)
        return getattr(self.origin, "at" if name == "last_updated" else name)


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A column that a kind can be found, sorted and charted by."""

    kind: Kind
    read: Callable[[Payload], typing.Any]
    """Reads its value from a payload. Raises if that has the wrong type."""

    index: bool = False

    path: str = ""
    """The dotted path of the field that it is read from."""

    read_all: Callable[[Sequence[Payload]], Sequence[typing.Any]] | None = None
    """Reads its values from many payloads, if that is faster than one by one."""

    absent: bool | int | None = None
    """What a missing field means, such as false, or no flags; ``None`` if it means no value."""

    unset: str | int | None = None
    """The value that Discord sends where hikari has ``None``; ``None`` if Discord sends null or nothing."""

    also: str = ""
    """The column whose id is in the list as well, which Discord leaves out and hikari adds; empty if there is none."""

    def of(self, payloads: Sequence[Payload]) -> Sequence[typing.Any]:
        """Return its values in payloads. Raises if one has the wrong type."""
        return [self.read(payload) for payload in payloads] if self.read_all is None else self.read_all(payloads)


class Join(typing.NamedTuple):
    """A field of a payload that is an object of its own, and is stored once, under its own kind."""

    entity: Entity[typing.Any]
    on: tuple[str, ...]
    """The columns that make up its key."""


class Searched(typing.NamedTuple):
    """How a kind can be searched."""

    columns: tuple[str, ...]
    """The columns with the text to search."""

    inside: bool = False
    """Whether a match may be inside a word, as with names, and not only at its beginning."""


class Decoder(typing.NamedTuple):
    """What is needed to make hikari objects."""

    factory: hikari.api.EntityFactory
    me: hikari.Snowflake
    """The bot's own user."""

    app: hikari.RESTAware
    """The app that the objects belong to."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Entity(typing.Generic[T_co]):
    """One kind: how it is identified, found, owned and decoded. One row of the table in ``entities.py``.

    Parameters
    ----------
    name
        The name of the kind in the plural, which is also the name of its table.
    key
        The names and types of the key columns.
    identify
        Makes a key from a payload and the guild that it belongs to.
    columns
        The columns that it can be found by.
    decode
        Makes a hikari object from a record. Raises whatever hikari raises for a payload that it cannot read.
    owners
        The kinds that own it, and which of its columns hold their keys: it is removed together with its owner.
    joins
        Fields of the payload that are stored under their own kinds.
    intents
        The gateway intents that keep it up to date.
    ephemeral
        Whether it holds only for the gateway session that sent it, such as a presence.
    passing
        Columns that hold only for the gateway session that sent them, although the record itself stays; the field of
        the payload has the same name.
    ends
        The column that says when it is over, if no event does. After that it counts as gone.
    secrets
        Fields of the payload that are never stored, such as the token of a webhook.
    opt_in
        Whether it is stored only if the rules say so.
    subjects
        Columns with the users that it belongs to: it is erased with any of them. A ``user_id`` in the key counts by
        default.
    names
        Other columns that hold a user. Columns named ``user_id`` count by default.
    searched
        How it can be searched, if it can. Text stored under another kind can be searched along with it.
    vouches
        Whether it says how much of other kinds is stored. It is then stored after them, so that a killed process never
        leaves a claim that is not true.
    about
        What it is, in one sentence, for the documentation and for comments in the database.
    """

    name: str
    key: Mapping[str, Kind]
    identify: Callable[[Payload, int | None], Key]
    columns: Mapping[str, Column]
    decode: Callable[[Decoder, Record], T_co]
    owners: tuple[tuple[Entity[typing.Any], tuple[str, ...]], ...] = ()
    joins: Mapping[str, Join] = dataclasses.field(default_factory=dict[str, Join])
    intents: hikari.Intents = hikari.Intents.NONE
    ephemeral: bool = False
    passing: tuple[str, ...] = ()
    ends: str = ""
    secrets: frozenset[str] = frozenset()
    opt_in: bool = False
    subjects: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    searched: Searched | None = None
    vouches: bool = False
    about: str = ""

    def __repr__(self) -> str:
        return f"<entity {self.name}>"

    @property
    def in_guild(self) -> bool:
        """Whether records of this kind can belong to a guild."""
        return "guild_id" in self.key or any(on == ("guild_id",) for _, on in self.owners)

    @property
    def is_shared(self) -> bool:
        """Whether records of this kind belong to no guild, so that processes with different shards share them."""
        return not (self.in_guild or "guild_id" in self.columns)

    @property
    def persons(self) -> tuple[str, ...]:
        """The columns with the users that a record of this kind belongs to."""
        return self.subjects or (("user_id",) if "user_id" in self.key else ())

    @property
    def users(self) -> tuple[str, ...]:
        """The columns with users that a record of this kind refers to. Users refer to nobody."""
        usual = ("user_id",) if "user_id" in (*self.key, *self.columns) else ()
        subjects = (name for name in self.subjects if name not in self.key)
        return tuple(dict.fromkeys((*self.names, *subjects, *usual)))

    def record(self, payload: Payload, guild_id: int | None, origin: Origin) -> Record:
        """Make a record of ``payload``."""
        payload = self.kept(payload)
        return Record(self, self.identify(payload, guild_id), guild_id, payload, origin)

    def kept(self, payload: Payload) -> Payload:
        """Return a payload without its secrets, which are never stored."""
        if self.secrets:
            return {name: value for name, value in payload.items() if name not in self.secrets}
        return payload

    def column_of(self, name: str, key: Key, guild_id: int | None, payload: Payload) -> typing.Any:
        """Return the value of a column, wherever it is: in the key, beside it, or in the payload."""
        if (column := self.columns.get(name)) is not None:
            return column.read(payload)
        if name == "guild_id":
            return guild_id
        return dict(zip(self.key, key, strict=True))[name]

    def kind_of(self, name: str) -> Kind:
        """Return the type of a column.

        Raises
        ------
        LookupError
            If this kind has no such column.
        """
        if (column := self.columns.get(name)) is not None:
            return column.kind
        if name == "guild_id":
            return "snowflake"
        return self.key[name] if name in self.key else METADATA[name]
