"""Sits between admission and the journal: preserves messages before they change or go, if the rules say so."""

from __future__ import annotations

import typing
from collections.abc import Awaitable, Callable, Iterable, Iterator

from .changes import Archive, Change, Drop, DropScope, Patch
from .columns import moment
from .conditions import Condition, Not
from .edits import Part
from .entities import MESSAGE_VERSIONS, MESSAGES
from .keep import Keep
from .rules import Rules
from .spi import Page, Select

if typing.TYPE_CHECKING:
    from .admission import Admission

__all__ = ("Historian", "history_of")

History = bool | typing.Literal["keep"]


def history_of(rules: Rules) -> History:
    """Return whether rules keep earlier versions of messages, and whether also those of deleted ones."""
    messages = rules.of(MESSAGES.name)
    if not isinstance(messages, Keep) or rules.of(MESSAGE_VERSIONS.name) is False:
        return False
    return messages.kept_history


class Historian:
    """Adds changes that preserve the previous versions of messages, for one open cache.

    Parameters
    ----------
    admission
        The rules, which say whether to do so.
    now
        Returns the time of the changes being made.
    """

    def __init__(self, admission: Admission, now: Callable[[], str]) -> None:
        self._admission = admission
        self._now = now
        self._rules: Rules | None = None
        self._is_wanted = False
        self._has_any = False

    async def learn(self, ask: Callable[[Select], Awaitable[Page]]) -> None:
        """Find out whether earlier rules have left versions: these are deleted with their messages in any case."""
        self._has_any = bool((await ask(Select(MESSAGE_VERSIONS, limit=1, want="keys"))).records)
        self._rules = None

    def told(self, changes: Iterable[Change]) -> Iterable[Change]:
        """Return changes; before each that ends a version of a message, insert one that preserves it."""
        rules = self._admission.rules
        if rules is not self._rules:
            self._rules = rules
            self._has_any |= self._is_wanted
            self._is_wanted = self._has_any or rules.per_guild is not None or bool(history_of(rules))
        return self._told(changes, rules) if self._is_wanted else changes

    def _told(self, changes: Iterable[Change], rules: Rules) -> Iterator[Change]:
        for change in changes:
            if change.entity not in (MESSAGES, MESSAGE_VERSIONS):
                yield change
                continue
            here = rules if change.guild_id is None else self._admission.ruling(change.guild_id).rules
            yield from self._of_message(change, history_of(here))

    def _of_message(self, change: Change, history: History) -> Iterator[Change]:
        match change:
            case Patch() if history and (edited := _edited_at(change)):
                newer = Not(Condition("edited_timestamp", "equals", moment(edited)))
                yield self._archive(change.guild_id, Condition("id", "equals", change.key[0]), newer)
            case Drop(entity, key) if entity is MESSAGES and history == "keep":
                yield self._archive(change.guild_id, Condition("id", "equals", key[0]))
            case Drop(entity, key) if entity is MESSAGES:
                yield DropScope(MESSAGE_VERSIONS, None, (Condition("message_id", "equals", key[0]),))
            case DropScope(entity, guild_id, where) if history == "keep" and where:  # without where, the bot leaves
                if entity is MESSAGE_VERSIONS:
                    return
                yield Archive(MESSAGES, guild_id, where, MESSAGE_VERSIONS, self._now())
            case _:
                pass
        yield change

    def _archive(self, guild_id: int | None, *where: Condition | Not) -> Archive:
        return Archive(MESSAGES, guild_id, where, MESSAGE_VERSIONS, self._now())


def _edited_at(change: Patch) -> str | None:
    """Return when a message was edited, if a change says so."""
    for edit in change.edits:
        if isinstance(edit, Part) and (edited := edit.fields.get("edited_timestamp")):
            return str(edited)
    return None
