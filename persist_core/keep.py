"""What to keep of one kind, as a value: which objects, which of their fields, and from which sources."""

from __future__ import annotations

import dataclasses
import datetime
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping

import hikari
import typing_extensions

from .answers import is_function_of_one
from .errors import QueryError
from .filters import Filter, plain

__all__ = ("LISTS", "MOST", "SOURCES", "Ids", "Keep", "Source", "hash_of", "shown")

# A Keep without a predicate fits any kind. Without this default, mypy infers none where it has no context.
T_contra = typing_extensions.TypeVar("T_contra", contravariant=True, default=typing.Any)
U = typing.TypeVar("U")

Source = typing.Literal["gateway", "chunk", "rest"]
"""How an object was learned: from an event, from a requested list of members, or from REST."""

SOURCES: typing.Final = frozenset(typing.get_args(Source))

Id: typing.TypeAlias = hikari.SnowflakeishOr[hikari.Unique]
Ids: typing.TypeAlias = Collection[Id] | Filter[Id] | None
"""Only these, all but these (``persist.not_({...})``), or any."""

LISTS: typing.Final = ("guilds", "channels", "users", "roles")
"""The fields of a :class:`Keep` that hold ids."""

MOST: typing.Final = ("max_per_channel", "max_per_guild", "max_rows")
"""The fields of a :class:`Keep` that limit how many, the narrowest first."""


# Python 3.11 cannot make `Keep[hikari.Message](...)` if it has slots.
@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class Keep(typing.Generic[T_contra]):
    """Choose which objects of a kind to remember, and which of their fields. All conditions have to hold.

    Keeps can be combined: ``one & other`` keeps what both keep, ``one | other`` what either keeps, and ``~one`` what
    ``one`` does not.

    Parameters
    ----------
    guilds, channels, users, roles
        Only what belongs to these, or with ``persist.not_({...})`` only what does not. A channel includes its threads,
        and a category its channels; for roles, the member or the author of the message needs any one of them.
    where
        Conditions on columns, as in ``find``: ``{"is_bot": False, "name": persist.startswith("mod-")}``.
    predicate
        Takes the hikari object and returns whether to keep it. Objects for which it raises or has to be awaited, or
        which hikari cannot make, are not kept.
    drop
        Names of fields to remove before anything is written, such as ``{"content"}``; inside nested objects too.
    sources
        The sources to accept: ``"gateway"``, ``"chunk"``, ``"rest"``. Data from any other leaves what is already known
        unchanged.
    max_age
        How long to keep objects: seconds or a `datetime.timedelta`; ``math.inf`` for no limit. Messages and log entries
        age from when they were created, anything else from when Discord last sent it.
    max_orphan_age
        For users: how long to keep those that nothing else in the cache refers to any more, in the same units as
        ``max_age``. The default is 30 days.
    max_per_channel, max_per_guild, max_rows
        How many to keep per channel, per guild, and in total. The oldest go first.
    keep_if
        Conditions on columns, as in ``where``, such as ``{"is_pinned": True}``. What meets them is exempt from the
        limits above and does not count toward them.
    history
        For messages: ``True`` keeps their earlier versions until they are deleted; ``"keep"`` also keeps those, and
        their last version, after they are deleted on Discord.
    also, either, never
        Other keeps: all of these, at least one of these, and none of these must keep it as well. ``&``, ``|`` and ``~``
        set them.

    Raises
    ------
    persist.QueryError
        If a value is invalid.
    """

    guilds: Ids = None
    channels: Ids = None
    users: Ids = None
    roles: Ids = None
    where: Mapping[str, typing.Any] = dataclasses.field(default_factory=dict[str, typing.Any])
    predicate: Callable[[T_contra], bool] | None = None
    drop: Collection[str] = frozenset()
    sources: Collection[Source] | None = None
    max_age: float | datetime.timedelta | None = None
    max_orphan_age: float | datetime.timedelta | None = None
    max_per_channel: int | None = None
    max_per_guild: int | None = None
    max_rows: int | None = None
    keep_if: Mapping[str, typing.Any] = dataclasses.field(default_factory=dict[str, typing.Any])
    history: bool | typing.Literal["keep"] = False
    also: tuple[Keep[T_contra], ...] = ()
    either: tuple[Keep[T_contra], ...] = ()
    never: tuple[Keep[T_contra], ...] = ()

    def __post_init__(self) -> None:
        fixed: dict[str, object] = {name: _ids(name, getattr(self, name)) for name in LISTS}
        fixed["where"], fixed["keep_if"] = _where("where", self.where), _where("keep_if", self.keep_if)
        fixed |= {name: _age(name, getattr(self, name)) for name in ("max_age", "max_orphan_age")}
        fixed["drop"] = _names("drop", self.drop)
        fixed["sources"] = _sources(self.sources)
        fixed |= {name: _keeps(name, getattr(self, name)) for name in ("also", "either", "never")}
        for name, value in fixed.items():
            object.__setattr__(self, name, value)
        self._check_bounds()
        if self.predicate is not None and not is_function_of_one(self.predicate):
            msg = f"predicate must be a function, not async, that takes one hikari object, not {self.predicate!r}"
            raise QueryError(msg)

    def _check_bounds(self) -> None:
        for name in MOST:
            most: object = getattr(self, name)
            if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 0):
                msg = f"{name} must be a whole number, zero or more, not {most!r}"
                raise QueryError(msg)
        if not isinstance(self.history, bool) and self.history != "keep":
            msg = f'history must be True, False or "keep", not {self.history!r}'
            raise QueryError(msg)
        if self.keep_if and not self.is_bounded:
            msg = "keep_if exempts from limits, and there are none; set max_age, max_rows or another limit too"
            raise QueryError(msg)

    def __hash__(self) -> int:
        return hash_of(self)

    def __repr__(self) -> str:
        return shown(self)

    @property
    def age(self) -> float | None:
        """``max_age`` in seconds."""
        return typing.cast("float | None", self.max_age)  # __post_init__ has converted it

    @property
    def orphan_age(self) -> float | None:
        """``max_orphan_age`` in seconds."""
        return typing.cast("float | None", self.max_orphan_age)

    @property
    def is_bounded(self) -> bool:
        """Whether it limits how long or how many are kept itself."""
        return any(getattr(self, name) is not None for name in ("max_age", "max_orphan_age", *MOST))

    @property
    def has_bounds(self) -> bool:
        """Whether it, or a part of it, limits how long or how many are kept."""
        return self.is_bounded or any(part.has_bounds for part in (*self.also, *self.either, *self.never))

    @property
    def kept_history(self) -> bool | typing.Literal["keep"]:
        """The most extensive ``history`` setting of it and its parts."""
        said = {self.history, *(part.kept_history for part in (*self.also, *self.either))}
        return "keep" if "keep" in said else True in said

    @property
    def chooses(self) -> bool:
        """Whether it rejects objects or removes fields before anything is written."""
        bounds = dict.fromkeys(("max_age", "max_orphan_age", *MOST))
        bare: dict[str, typing.Any] = {**bounds, "keep_if": {}, "history": False}
        return dataclasses.replace(self, **bare) != _ALL

    @property
    def is_all(self) -> bool:
        """Whether it keeps everything unchanged, for as long as Discord does."""
        return self == _ALL

    def __and__(self, other: Keep[T_contra]) -> Keep[T_contra]:
        if not isinstance(other, Keep):  # pyright: ignore[reportUnnecessaryIsInstance]
            return NotImplemented
        if self.is_all or other.is_all:
            return other if self.is_all else self
        return Keep(also=(*_flat(self, "also"), *_flat(other, "also")))

    def __or__(self, other: Keep[T_contra]) -> Keep[T_contra]:
        if not isinstance(other, Keep):  # pyright: ignore[reportUnnecessaryIsInstance]
            return NotImplemented
        if self.is_all or other.is_all:
            return self if self.is_all else other
        return Keep(either=(*_flat(self, "either"), *_flat(other, "either")))

    def __invert__(self) -> Keep[T_contra]:
        if len(self.never) == 1 and self == Keep(never=self.never):
            return self.never[0]
        return Keep(never=(self,))


def _flat(keep: Keep[T_contra], how: typing.Literal["also", "either"]) -> tuple[Keep[T_contra], ...]:
    """Return the parts of a keep that the same operator made, or the keep itself."""
    parts = getattr(keep, how)
    made: Keep[T_contra] = Keep(also=parts) if how == "also" else Keep(either=parts)
    return parts if parts and keep == made else (keep,)


def _ids(name: str, value: object) -> frozenset[int] | Filter[typing.Any] | None:
    if value is None:
        return None
    if isinstance(value, Filter) and value.test == "not":
        inside = value.value
        denied = _among(name, inside if isinstance(inside, Collection) else (inside,))
        return Filter("not", denied) if denied else None
    if isinstance(value, Collection) and not isinstance(value, str | bytes):
        return _among(name, typing.cast("Collection[object]", value))
    msg = f"{name} must be a collection of ids, or persist.not_(...) of one, not {value!r}"
    raise QueryError(msg)


def _among(name: str, values: Iterable[object]) -> frozenset[int]:
    return frozenset(plain(name, "snowflake", value) for value in values)


def _age(name: str, value: object) -> float | None:
    seconds = value.total_seconds() if isinstance(value, datetime.timedelta) else value
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
        msg = f"{name} must be a number of seconds or a timedelta, zero or more, not {value!r}"
        raise QueryError(msg)
    return float(seconds)


def _where(name: str, value: object) -> Mapping[str, typing.Any]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        msg = f"{name} must be a mapping of columns to conditions, such as {{'is_bot': False}}, not {value!r}"
        raise QueryError(msg)
    asked = typing.cast("Mapping[str, object]", value)
    return types.MappingProxyType({name: _fixed(what) for name, what in sorted(asked.items())})


def _fixed(value: object) -> object:
    if isinstance(value, Collection) and not isinstance(value, str | bytes | int):  # flags are collections too
        return frozenset(typing.cast("Collection[object]", value))
    return value


def _names(name: str, value: object) -> frozenset[str]:
    if isinstance(value, Collection) and not isinstance(value, str | bytes):
        names = typing.cast("Collection[object]", value)
        if all(isinstance(one, str) and one for one in names):
            return frozenset(typing.cast("Collection[str]", names))
    msg = f"{name} must be a collection of names such as {{'content'}}, not {value!r}"
    raise QueryError(msg)


def _sources(value: object) -> frozenset[str] | None:
    if value is None:
        return None
    names = _names("sources", value)
    if not names or names - SOURCES:
        msg = f"sources must be some of {', '.join(sorted(SOURCES))}, not {value!r}"
        raise QueryError(msg)
    return None if names == SOURCES else names


def _keeps(name: str, value: object) -> tuple[Keep[typing.Any], ...]:
    if isinstance(value, tuple | list):
        parts = tuple(typing.cast("Collection[object]", value))
        if all(isinstance(part, Keep) for part in parts):
            return typing.cast("tuple[Keep[typing.Any], ...]", parts)
    msg = f"{name} must be a tuple of persist.Keep, not {value!r}"
    raise QueryError(msg)


def hash_of(value: typing.Any) -> int:
    """Return a hash of a dataclass that may have mappings in it."""
    found = (getattr(value, field.name) for field in dataclasses.fields(value))
    return hash(tuple(frozenset(one) if isinstance(one, Mapping) else one for one in found))


def shown(value: typing.Any, without: Collection[str] = ()) -> str:
    """Return a dataclass as the code that makes it, without defaults and without some fields."""
    said: list[str] = []
    for field in dataclasses.fields(value):
        if field.name in without:
            continue
        found = getattr(value, field.name)
        empty = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        if found != empty:
            said.append(f"{field.name}={_spelled(found)}")
    return f"{type(value).__name__}({', '.join(said)})"


def _spelled(value: object) -> str:
    match value:
        case frozenset():
            inside = ", ".join(sorted((repr(one) for one in value), key=lambda one: (len(one), one)))
            return f"{{{inside}}}" if value else "set()"
        case Filter("not", inside):
            return f"not_({_spelled(inside)})"
        case tuple():
            inside = ", ".join(map(_spelled, value))
            return f"({inside},)" if len(value) == 1 else f"({inside})"
        case Mapping():
            return f"{{{', '.join(f'{name!r}: {_spelled(one)}' for name, one in value.items())}}}"
        case _:
            return getattr(value, "__qualname__", None) or repr(value)


_ALL: typing.Final[Keep[typing.Any]] = Keep()
