"""What the two tables are made of: kinds of things, their columns, and records of them."""

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
"""What Discord said, parsed from its JSON. Never changed in place: hikari reads the same objects."""

Key = tuple[int | str, ...]
"""What tells one thing from all others of its kind: a snowflake, a guild and a user, an invite code."""

Kind = typing.Literal["snowflake", "integer", "boolean", "text", "time", "snowflakes"]
"""What a column holds. ``time`` is UTC, ``YYYY-MM-DD HH:MM:SS.ffffff``; ``snowflakes`` is ``,1,2,``."""

METADATA: typing.Final[Mapping[str, Kind]] = {
    "source": "text",
    "shard": "integer",
    "epoch": "integer",
    "last_updated": "time",
    "first_seen": "time",
    "revision": "integer",
}
"""What stands beside every record: where, when and how often it was learned."""


class Origin(typing.NamedTuple):
    """Where and when a record was learned."""

    source: str
    """``gateway``, ``chunk`` or ``rest``."""

    shard: int | None
    """The shard that heard it."""

    epoch: int
    """Which gateway session it was: the microsecond of its READY. 0 when it was no session."""

    at: str
    """When, as a ``time`` column spells it."""


class Record(typing.NamedTuple):
    """One remembered thing, as Discord sent it."""

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
            If this kind of thing has no such column.
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
    """Something that a kind of thing can be found, sorted and charted by."""

    kind: Kind
    read: Callable[[Payload], typing.Any]
    """Takes its value out of a payload. Raises when what is there is not of its kind."""

    index: bool = False

    path: str = ""
    """The dotted path of the field that it is read from."""

    read_all: Callable[[Sequence[Payload]], Sequence[typing.Any]] | None = None
    """Takes its values out of many payloads, where that is faster than one after the other."""

    absent: bool | None = None
    """What it means that Discord leaves the field out; ``None`` where that is neither true nor false."""

    unset: str | int | None = None
    """What Discord says where hikari says ``None``; ``None`` where that is nothing at all."""

    also: str = ""
    """The column whose id is in the list as well, which Discord leaves out and hikari adds; empty if there is none."""

    def of(self, payloads: Sequence[Payload]) -> Sequence[typing.Any]:
        """Return its values in payloads. Raises when one is not of its kind."""
        return [self.read(payload) for payload in payloads] if self.read_all is None else self.read_all(payloads)


class Join(typing.NamedTuple):
    """A field of a payload that is a thing of its own, and is stored once, with its own kind."""

    entity: Entity[typing.Any]
    on: tuple[str, ...]
    """The columns that make up its key."""


class Searched(typing.NamedTuple):
    """What a kind of thing can be searched for."""

    columns: tuple[str, ...]
    """The columns that hold the texts."""

    inside: bool = False
    """Whether what is looked for may stand inside a word, as with names, and not only at the beginning of one."""


class Decoder(typing.NamedTuple):
    """What it takes to make hikari objects."""

    factory: hikari.api.EntityFactory
    me: hikari.Snowflake
    """The bot's own user."""

    app: hikari.RESTAware
    """The bot that objects are for."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Entity(typing.Generic[T_co]):
    """One kind of thing: how it is keyed, found, owned and rebuilt. One row of the table in ``entities.py``.

    Parameters
    ----------
    name
        Its name in the plural, which is also the name of its table.
    key
        The names and kinds of its key columns.
    identify
        Makes a key from a payload and the guild that it belongs to.
    columns
        What it can be found by.
    decode
        Makes a hikari object from a record. Raises whatever hikari raises for a payload that it cannot read.
    owners
        Which columns hold the key of a thing whose end is also its own.
    joins
        Fields of the payload that are kept with their own kind.
    intents
        The gateway intents that keep it up to date.
    ephemeral
        Whether it is true only for the gateway session that told it, such as a presence.
    passing
        Columns that are true only for the gateway session that told them, though the thing itself stays; the field of
        the payload has the same name.
    ends
        The column that tells when it is over, where Discord does not tell of that. It is not there any more then.
    secrets
        Fields of the payload that are never kept, such as the token of a webhook.
    opt_in
        Whether it is remembered only where the rules say so.
    subjects
        Columns that hold the user whose own it is: it is erased with any of them. Those of ``user_id`` in the key need
        not say so.
    names
        Other columns that hold a user. Those called ``user_id`` need not say so.
    searched
        What it can be searched for, where it can. What is stored with its own kind can be searched with it.
    vouches
        Whether it says of other kinds how much of them is stored. It is stored after them, so that nobody who is killed
        in between leaves a promise behind.
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
        """Whether things of this kind can belong to a guild."""
        return "guild_id" in self.key or any(on == ("guild_id",) for _, on in self.owners)

    @property
    def is_shared(self) -> bool:
        """Whether things of this kind belong to no guild, so that processes with different shards write the same."""
        return not (self.in_guild or "guild_id" in self.columns)

    @property
    def persons(self) -> tuple[str, ...]:
        """The columns that hold the user whose own a thing of this kind is."""
        return self.subjects or (("user_id",) if "user_id" in self.key else ())

    @property
    def users(self) -> tuple[str, ...]:
        """The columns that hold a user whom a thing of this kind names. Users name nobody."""
        usual = ("user_id",) if "user_id" in (*self.key, *self.columns) else ()
        subjects = (name for name in self.subjects if name not in self.key)
        return tuple(dict.fromkeys((*self.names, *subjects, *usual)))

    def record(self, payload: Payload, guild_id: int | None, origin: Origin) -> Record:
        """Make a record of ``payload``."""
        payload = self.kept(payload)
        return Record(self, self.identify(payload, guild_id), guild_id, payload, origin)

    def kept(self, payload: Payload) -> Payload:
        """Return what may be remembered of a payload: all but what is secret."""
        if self.secrets:
            return {name: value for name, value in payload.items() if name not in self.secrets}
        return payload

    def column_of(self, name: str, key: Key, guild_id: int | None, payload: Payload) -> typing.Any:
        """Return the value of a column, wherever it stands: in the key, beside it, or in the payload."""
        if (column := self.columns.get(name)) is not None:
            return column.read(payload)
        if name == "guild_id":
            return guild_id
        return dict(zip(self.key, key, strict=True))[name]

    def kind_of(self, name: str) -> Kind:
        """Return what a column holds.

        Raises
        ------
        LookupError
            If this kind of thing has no such column.
        """
        if (column := self.columns.get(name)) is not None:
            return column.kind
        if name == "guild_id":
            return "snowflake"
        return self.key[name] if name in self.key else METADATA[name]
