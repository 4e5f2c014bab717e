"""What rules say in vain: against each other, and against what the bot hears."""

from __future__ import annotations

import itertools
import typing
import warnings
from collections.abc import Callable, Collection, Iterator

import hikari

from .callers import stacklevel
from .droppable import fields_of
from .entities import ENTITIES, MEMBERS, MESSAGE_VERSIONS, MESSAGES, PRESENCES, USERS
from .filter_names import column_named
from .filters import Filter
from .judge import column_of
from .keep import LISTS, MOST, Keep
from .model import Entity
from .policy import dropped_by
from .rules import Rules

__all__ = ("RulesWarning", "contradictions", "warn_of_contradictions")

_CONTENT: typing.Final = frozenset(("content", "has_attachments"))
_IN_CHUNKS: typing.Final = (MEMBERS, USERS, PRESENCES)


class RulesWarning(UserWarning):
    """Rules say something that cannot have been meant."""


def warn_of_contradictions(rules: Rules, intents: hikari.Intents, search: Collection[str] | None = None) -> None:
    """Warn of all that rules say in vain, and of the kinds that are searched in vain."""
    for told in (*contradictions(rules, intents), *_searched(rules, search or ())):
        warnings.warn(told, RulesWarning, stacklevel=stacklevel())


def contradictions(rules: Rules, intents: hikari.Intents) -> Iterator[str]:
    """Yield what rules say in vain to a bot with such intents, as sentences."""
    yield from _without_history(rules)
    for name, entity in ENTITIES.items():
        kept = rules.of(name)
        if kept is False:
            continue
        yield from _without_users(entity, rules)
        if isinstance(kept, Keep):
            yield from _elsewhere(entity, kept, rules)
            for part in _all(kept):
                yield from _of_dropped(entity, part, dropped_by(kept))
                yield from _idle(entity, part)
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


def _without_history(rules: Rules) -> Iterator[str]:
    """Yield that versions of messages are spoken of, and none are ever made."""
    messages, versions = rules.of(MESSAGES.name), rules.of(MESSAGE_VERSIONS.name)
    history = isinstance(messages, Keep) and messages.kept_history
    if isinstance(versions, Keep) and not history:
        yield (
            "a rule for message_versions is about nothing, as no earlier versions of messages are kept: write "
            "messages=persist.Keep(history=True), or leave it out"
        )
    if isinstance(messages, Keep) and history and versions is False:
        yield "messages are kept with their history, and message_versions, which it is kept in, are off: say one"
    if isinstance(messages, Keep) and history and "edited_timestamp" in fields_of(MESSAGES, dropped_by(messages)):
        yield "messages are kept with their history, and without edited_timestamp, which tells that there is one"


def _searched(rules: Rules, search: Collection[str]) -> Iterator[str]:
    """Yield that kinds are to be searched of whose texts nothing is kept."""
    for name in sorted(search):
        entity, kept = ENTITIES[name], rules.of(name)
        columns = () if entity.searched is None else entity.searched.columns
        dropped = fields_of(entity, dropped_by(kept)) if isinstance(kept, Keep) else frozenset[str]()
        if kept is False or all(entity.columns[column].path in dropped for column in columns):
            yield (
                f"{name} are to be searched, and the rules keep nothing of what they would be found by: keep it, or "
                f"leave {name} out of search"
            )


def _of_dropped(entity: Entity[typing.Any], keep: Keep[typing.Any], dropped: frozenset[str]) -> Iterator[str]:
    """Yield that a part of a rule looks at what another part of it takes away."""
    paths = fields_of(entity, dropped)
    for name in (each for each in LISTS if getattr(keep, each) is not None):
        column = entity.columns.get(column_of(entity, name))
        if column is not None and (field := column.path.partition(".")[0]) in paths:
            yield f"{entity.name} are chosen by {name}, and {field} is dropped, which names them"
    for name in keep.keep_if:
        column = entity.columns.get(column_named(entity, name))
        if column is not None and column.path.partition(".")[0] in paths:
            yield f"keep_if of {entity.name} looks at {name}, which is dropped: nothing stays because of it"


def _idle(entity: Entity[typing.Any], keep: Keep[typing.Any]) -> Iterator[str]:
    """Yield the bounds that are never reached, as another one is less."""
    most = [(name, found) for name in MOST if (found := getattr(keep, name)) is not None]
    for (inner, many), (outer, few) in itertools.pairwise(most):
        if many > few:
            yield f"{inner}={many} of {entity.name} is never reached: there are at most {few}, as {outer} says"


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
