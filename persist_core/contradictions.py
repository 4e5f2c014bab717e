"""Parts of rules that have no effect: they contradict each other, or the bot does not receive what they need."""

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
    """A part of the rules has no effect, or contradicts another."""


def warn_of_contradictions(rules: Rules, intents: hikari.Intents, search: Collection[str] | None = None) -> None:
    """Warn about each part of the rules, and each kind in ``search``, that has no effect."""
    for told in (*contradictions(rules, intents), *_searched(rules, search or ())):
        warnings.warn(told, RulesWarning, stacklevel=stacklevel())


def contradictions(rules: Rules, intents: hikari.Intents) -> Iterator[str]:
    """Yield what has no effect in rules for a bot with such intents, as sentences."""
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
    # hikari can do without any other part.
    if rules.of(USERS.name) is False and any(join.entity is USERS for join in entity.joins.values()):
        yield (
            f"{entity.name} are kept but users are not, and hikari cannot make {entity.name} without them: keep users "
            f"too, or turn {entity.name} off"
        )


def _elsewhere(entity: Entity[typing.Any], keep: Keep[typing.Any], rules: Rules) -> Iterator[str]:
    """Yield that a kind is kept only for guilds of which nothing is kept."""
    guilds = rules.of("guilds")
    if entity.name == "guilds" or not isinstance(guilds, Keep):
        return
    ours, theirs = keep.guilds, guilds.guilds
    if not isinstance(ours, frozenset) or not ours or theirs is None:
        return
    refused = ours <= theirs.value if isinstance(theirs, Filter) else ours.isdisjoint(typing.cast("set[int]", theirs))
    if refused:
        listed = ", ".join(sorted(map(str, ours)))
        yield f"{entity.name} are kept only for guilds ({listed}) that the rule on guilds excludes, so none are kept"


def _without_history(rules: Rules) -> Iterator[str]:
    """Yield that rules mention versions of messages, and none are ever made."""
    messages, versions = rules.of(MESSAGES.name), rules.of(MESSAGE_VERSIONS.name)
    history = isinstance(messages, Keep) and messages.kept_history
    if isinstance(versions, Keep) and not history:
        yield (
            "the rule for message_versions has no effect, as no earlier versions of messages are kept: write "
            "messages=persist.Keep(history=True), or leave it out"
        )
    if isinstance(messages, Keep) and history and versions is False:
        yield "messages are kept with their history, but message_versions, which would hold it, are off: choose one"
    if isinstance(messages, Keep) and history and "edited_timestamp" in fields_of(MESSAGES, dropped_by(messages)):
        yield "messages are kept with their history, but without edited_timestamp, which shows that they were edited"


def _searched(rules: Rules, search: Collection[str]) -> Iterator[str]:
    """Yield the kinds to be searched whose text is not kept."""
    for name in sorted(search):
        entity, kept = ENTITIES[name], rules.of(name)
        columns = () if entity.searched is None else entity.searched.columns
        dropped = fields_of(entity, dropped_by(kept)) if isinstance(kept, Keep) else frozenset[str]()
        if kept is False or all(entity.columns[column].path in dropped for column in columns):
            yield (f"search has {name}, but the rules keep none of their text: keep it, or leave {name} out of search")


def _of_dropped(entity: Entity[typing.Any], keep: Keep[typing.Any], dropped: frozenset[str]) -> Iterator[str]:
    """Yield that a part of a rule looks at a field that another part drops."""
    paths = fields_of(entity, dropped)
    for name in (each for each in LISTS if getattr(keep, each) is not None):
        column = entity.columns.get(column_of(entity, name))
        if column is not None and (field := column.path.partition(".")[0]) in paths:
            yield f"{entity.name} are selected by {name}, but {field}, which names them, is dropped"
    for name in keep.keep_if:
        column = entity.columns.get(column_named(entity, name))
        if column is not None and column.path.partition(".")[0] in paths:
            yield f"keep_if of {entity.name} looks at {name}, which is dropped, so it has no effect"


def _idle(entity: Entity[typing.Any], keep: Keep[typing.Any]) -> Iterator[str]:
    """Yield the limits that are never reached, as another one is lower."""
    most = [(name, found) for name in MOST if (found := getattr(keep, name)) is not None]
    for (inner, many), (outer, few) in itertools.pairwise(most):
        if many > few:
            yield f"{inner}={many} of {entity.name} is never reached, as {outer} is {few}"


def _about(
    entity: Entity[typing.Any], keep: Keep[typing.Any], dropped: frozenset[str], intents: hikari.Intents
) -> Iterator[str]:
    for name in LISTS:
        if getattr(keep, name) == frozenset():
            yield f"the rule for {entity.name} allows no {name} at all: to keep nothing, write {entity.name}=False"
    if keep.sources == {"chunk"} and entity not in _IN_CHUNKS:
        yield f"{entity.name} never arrive in chunks, but the rule for them keeps no other source"
    if not intents & hikari.Intents.MESSAGE_CONTENT and entity.name == "messages":
        for name in sorted(_CONTENT & {*keep.where}):
            yield f"messages are selected by {name}, which the bot cannot read without the intent MESSAGE_CONTENT"
    if (predicate := keep.predicate) is not None and (asked := _read(predicate) & _names(entity, dropped)):
        name = getattr(predicate, "__qualname__", repr(predicate))
        yield (
            f"the predicate {name} of {entity.name} reads {', '.join(sorted(asked))}, which is dropped: "
            "when a record changes, the predicate sees it without that"
        )


def _read(function: Callable[[typing.Any], bool]) -> frozenset[str]:
    """Return the names of attributes that a function reads, if it is written in Python."""
    code = getattr(function, "__code__", None)
    return frozenset(getattr(code, "co_names", ()))


def _names(entity: Entity[typing.Any], fields: frozenset[str]) -> frozenset[str]:
    """Return the names of dropped fields, Discord's and hikari's."""
    paths = fields_of(entity, fields)
    return paths | {name for name, column in entity.columns.items() if column.path in paths}
