"""What rules say in vain: against each other, and against what the bot hears."""

from __future__ import annotations

import typing
import warnings
from collections.abc import Callable, Iterator

import hikari

from .callers import stacklevel
from .droppable import fields_of
from .entities import ENTITIES, MEMBERS, PRESENCES, USERS
from .filters import Filter
from .keep import LISTS, Keep
from .model import Entity
from .policy import dropped_by
from .rules import Rules

__all__ = ("RulesWarning", "contradictions", "warn_of_contradictions")

_CONTENT: typing.Final = frozenset(("content", "has_attachments"))
_IN_CHUNKS: typing.Final = (MEMBERS, USERS, PRESENCES)


class RulesWarning(UserWarning):
    """Rules say something that cannot have been meant."""


def warn_of_contradictions(rules: Rules, intents: hikari.Intents) -> None:
    """Warn of all that rules say in vain."""
    for told in contradictions(rules, intents):
        warnings.warn(told, RulesWarning, stacklevel=stacklevel())


def contradictions(rules: Rules, intents: hikari.Intents) -> Iterator[str]:
    """Yield what rules say in vain to a bot with such intents, as sentences."""
    for name, entity in ENTITIES.items():
        kept = rules.of(name)
        if kept is False:
            continue
        yield from _without_users(entity, rules)
        if isinstance(kept, Keep):
            yield from _elsewhere(entity, kept, rules)
            for part in _all(kept):
                yield from _about(entity, part, dropped_by(kept), intents)


def _all(keep: Keep[typing.Any]) -> Iterator[Keep[typing.Any]]:
    yield keep
    for part in (*keep.also, *keep.either, *keep.never):
        yield from _all(part)


def _without_users(entity: Entity[typing.Any], rules: Rules) -> Iterator[str]:
    # Whatever else is a part of a thing, hikari can do without.
    if rules.of(USERS.name) is False and any(join.entity is USERS for join in entity.joins.values()):
        yield (
            f"{entity.name} are kept and users are not, without which hikari cannot make them: keep users too, "
            f"or turn {entity.name} off"
        )


def _elsewhere(entity: Entity[typing.Any], keep: Keep[typing.Any], rules: Rules) -> Iterator[str]:
    """Yield that a kind is only kept of guilds of which nothing is kept."""
    guilds = rules.of("guilds")
    if entity.name == "guilds" or not isinstance(guilds, Keep):
        return
    ours, theirs = keep.guilds, guilds.guilds
    if not isinstance(ours, frozenset) or not ours or theirs is None:
        return
    refused = ours <= theirs.value if isinstance(theirs, Filter) else ours.isdisjoint(typing.cast("set[int]", theirs))
    if refused:
        listed = ", ".join(sorted(map(str, ours)))
        yield f"{entity.name} are only kept of guilds ({listed}) of which the rule on guilds keeps nothing"


def _about(
    entity: Entity[typing.Any], keep: Keep[typing.Any], dropped: frozenset[str], intents: hikari.Intents
) -> Iterator[str]:
    for name in LISTS:
        if getattr(keep, name) == frozenset():
            yield f"a rule for {entity.name} is about no {name} at all: to keep nothing, write {entity.name}=False"
    if keep.sources == {"chunk"} and entity not in _IN_CHUNKS:
        yield f"{entity.name} never come in chunks, and the rule for them is about nothing else"
    if not intents & hikari.Intents.MESSAGE_CONTENT and entity.name == "messages":
        for name in sorted(_CONTENT & {*keep.where}):
            yield f"messages are chosen by {name}, which the bot cannot read without the intent MESSAGE_CONTENT"
    if (predicate := keep.predicate) is not None and (asked := _read(predicate) & _names(entity, dropped)):
        name = getattr(predicate, "__qualname__", repr(predicate))
        yield (
            f"the predicate {name} of {entity.name} reads {', '.join(sorted(asked))}, which is dropped: "
            "what changes is looked at again, and has it no more"
        )


def _read(function: Callable[[typing.Any], bool]) -> frozenset[str]:
    """Return the names of attributes that a function reads, as far as it is written in Python."""
    code = getattr(function, "__code__", None)
    return frozenset(getattr(code, "co_names", ()))


def _names(entity: Entity[typing.Any], fields: frozenset[str]) -> frozenset[str]:
    """Return what dropped fields are called, by Discord and by hikari."""
    paths = fields_of(entity, fields)
    return paths | {name for name, column in entity.columns.items() if column.path in paths}
