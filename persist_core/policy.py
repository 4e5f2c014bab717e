"""What is kept and for how long: rules in words for people, and as data for programs."""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Iterator, Mapping

from .entities import COMPLETENESS, ENTITIES, SHARDS
from .filters import Filter
from .keep import LISTS, Keep
from .retention import bounds_of
from .rules import Rules

__all__ = ("KindPolicy", "Policy", "dropped_by", "policy_of")

_UNITS: typing.Final = (("days", 86_400), ("hours", 3600), ("minutes", 60), ("seconds", 1))
_TESTS: typing.Final[Mapping[str, str]] = {
    "contains": "has {} in it",
    "startswith": "begins with {}",
    "less": "is before {}",
    "greater": "is after {}",
    "at_least": "is at least {}",
    "at_most": "is at most {}",
    "between": "is between {}",
    "has": "has {}",
    "any_of": "is any of {}",
}


@dataclasses.dataclass(frozen=True, slots=True)
class KindPolicy:
    """What is kept of one kind.

    Attributes
    ----------
    kind
        The name of the kind.
    about
        What it is, in words.
    is_kept
        Whether any of it is kept.
    which
        Which of it is kept, in words; empty for all.
    dropped
        The fields that are never kept.
    max_age
        The most seconds it is kept for; ``None`` for as long as Discord has it.
    limits
        Other limits, in words.
    """

    kind: str
    about: str
    is_kept: bool
    which: str = ""
    dropped: tuple[str, ...] = ()
    max_age: float | None = None
    limits: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.is_kept:
            return f"{self.kind}: not kept."
        until = "as long as Discord has them" if self.max_age is None else f"for at most {duration(self.max_age)}"
        said = [f"kept {until}" if not self.which else f"kept {self.which}, {until}", *self.limits]
        if self.dropped:
            said.append(f"never with {', '.join(self.dropped)}")
        return f"{self.kind}: {'; '.join(said)}."


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """What a cache keeps, as Discord asks when it reviews privileged intents. ``str(policy)`` puts it into words.

    Attributes
    ----------
    kinds
        What is kept of each kind.
    is_encrypted
        Whether stored data is encrypted at rest; ``None`` if that is not known.
    varies
        Whether some guilds may have rules of their own.
    """

    kinds: tuple[KindPolicy, ...]
    is_encrypted: bool | None = None
    varies: bool = False

    def as_dict(self) -> dict[str, typing.Any]:
        """Return the policy as values that JSON can hold."""
        return {
            "kinds": [dataclasses.asdict(kind) for kind in self.kinds],
            "is_encrypted": self.is_encrypted,
            "varies": self.varies,
            "always": list(_ALWAYS),
        }

    def __str__(self) -> str:
        encrypted = {True: ("It is encrypted at rest.",), False: ("It is not encrypted at rest.",), None: ()}
        varies = ("Some guilds have rules of their own; this is what applies to all others.",) if self.varies else ()
        lines = [*map(str, self.kinds), "", *_ALWAYS, *encrypted[self.is_encrypted], *varies]
        return "\n".join(lines)


_ALWAYS: typing.Final = (
    "What is deleted on Discord is deleted here too, and so is everything about a guild that the bot leaves.",
    "Tokens are never kept.",
    "Everything about one person or one guild is erased on request, and does not come back.",
)


def policy_of(rules: Rules, *, is_encrypted: bool | None) -> Policy:
    """Return what rules keep."""
    kinds = (_kind(name, rules) for name, entity in ENTITIES.items() if entity not in (SHARDS, COMPLETENESS))
    return Policy(tuple(kinds), is_encrypted, rules.per_guild is not None)


def _kind(name: str, rules: Rules) -> KindPolicy:
    entity, kept = ENTITIES[name], rules.of(name)
    if kept is False:
        return KindPolicy(name, entity.about, is_kept=False)
    keep: Keep[typing.Any] = Keep() if kept is True else kept
    guilds = rules.of("guilds")
    which = _which(keep)
    if isinstance(guilds, Keep) and entity.in_guild and (within := _which(guilds)):
        which = " and ".join(part for part in (which, f"of guilds that are kept ({within})") if part)
    bounds = bounds_of(entity, kept)
    ages = [bound.max_age for bound in bounds if bound.max_age is not None and bound.max_age != math.inf]
    limits = [
        *(f"at most {most} in each {column[:-3]}" for bound in bounds for column, most in bound.per.items()),
        *(f"at most {bound.max_rows} in all" for bound in bounds if bound.max_rows is not None),
        *(
            f"for at most {duration(bound.max_orphan_age)} once nothing that is kept names them"
            for bound in bounds
            if bound.max_orphan_age not in (None, math.inf)
        ),
        *(f"without limit where {_asked(part.keep_if)}" for part in _parts(keep) if part.keep_if),
    ]
    return KindPolicy(
        name,
        entity.about,
        is_kept=True,
        which=which,
        dropped=tuple(sorted(dropped_by(keep))),
        max_age=min(ages, default=None),
        limits=tuple(limits),
    )


def _parts(keep: Keep[typing.Any]) -> Iterator[Keep[typing.Any]]:
    yield keep
    for part in keep.also:
        yield from _parts(part)


def dropped_by(keep: Keep[typing.Any]) -> frozenset[str]:
    """Return the fields that are never kept."""
    found = frozenset(keep.drop).union(*map(dropped_by, keep.also))
    return found | frozenset.intersection(*map(dropped_by, keep.either)) if keep.either else found


def _which(keep: Keep[typing.Any]) -> str:
    """Say which objects are kept; empty for all."""
    said = [_listed(name, ids) for name in LISTS if (ids := getattr(keep, name)) is not None]
    if keep.where:
        said.append(f"where {_asked(keep.where)}")
    if keep.predicate is not None:
        said.append(f"where {getattr(keep.predicate, '__qualname__', repr(keep.predicate))}() says so")
    if keep.sources is not None:
        said.append(f"told by {' or '.join(sorted(keep.sources))}")
    said += [which for part in keep.also if (which := _which(part))]
    if options := [f"({_which(part) or 'all'}{_without(part)})" for part in keep.either]:
        said.append(" or ".join(options))
    said += [f"except ({_which(part) or 'all'})" for part in keep.never]
    return " and ".join(said)


def _without(part: Keep[typing.Any]) -> str:
    return f", without {', '.join(sorted(part.drop))}" if part.drop else ""


def _listed(name: str, ids: frozenset[int] | Filter[frozenset[int]]) -> str:
    found, sign = (ids.value, "not of") if isinstance(ids, Filter) else (ids, "of")
    return f"{sign} {name} {', '.join(map(str, sorted(found)))}" if found else f"{sign} no {name}"


def _asked(where: Mapping[str, typing.Any]) -> str:
    return " and ".join(f"{column} {_condition(value)}" for column, value in where.items())


def _condition(value: object) -> str:
    match value:
        case None:
            return "is unset"
        case Filter("not", inside):
            return f"not ({_condition(inside)})"
        case Filter(test, inside):
            return _TESTS[test].format(_value(inside))
        case frozenset():
            return f"is any of {_value(value)}"
        case _:
            return f"is {_value(value)}"


def _value(value: object) -> str:
    if isinstance(value, tuple | frozenset):
        return ", ".join(sorted(map(_value, typing.cast("typing.Iterable[object]", value))))
    return _condition(value) if isinstance(value, Filter) else repr(value)


def duration(seconds: float) -> str:
    """Say how long a number of seconds is, in the largest unit that makes it a whole number."""
    name, size = next((unit for unit in _UNITS if seconds % unit[1] == 0), _UNITS[-1])
    return f"{seconds / size:g} {name}"
