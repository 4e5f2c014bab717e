"""Ways to change part of a payload. Each is a value that makes a new payload and leaves the old one unchanged."""

from __future__ import annotations

import typing
from collections.abc import Sequence

from .model import Payload
from .scrubbing import scrubbed

__all__ = (
    "REPEATABLE",
    "Add",
    "Default",
    "Edit",
    "Inside",
    "Newest",
    "NoReactions",
    "Omit",
    "Part",
    "React",
    "Scrub",
    "Vote",
    "Without",
    "edited",
    "joined",
)


class Part(typing.NamedTuple):
    """Fields that replace those with the same names: absent keeps, null and empty overwrite."""

    fields: Payload

    def apply(self, payload: Payload) -> Payload:
        return {**payload, **self.fields}


class Default(typing.NamedTuple):
    """Fields that are set only if they are absent."""

    fields: Payload

    def apply(self, payload: Payload) -> Payload:
        return {**self.fields, **payload}


class Omit(typing.NamedTuple):
    """Fields to remove; they are then unknown, which is neither null nor empty."""

    fields: tuple[str, ...]

    def apply(self, payload: Payload) -> Payload:
        if not any(field in payload for field in self.fields):
            return payload
        return {name: value for name, value in payload.items() if name not in self.fields}


class Inside(typing.NamedTuple):
    """Fields that replace those with the same names inside an object in a field; its other fields stay."""

    field: str
    fields: Payload

    def apply(self, payload: Payload) -> Payload:
        return {**payload, self.field: {**(payload.get(self.field) or {}), **self.fields}}


class Newest(typing.NamedTuple):
    """An id that replaces only an older one."""

    field: str
    snowflake: str

    def apply(self, payload: Payload) -> Payload:
        known = payload.get(self.field)
        newer = known is None or int(known) < int(self.snowflake)
        return {**payload, self.field: self.snowflake} if newer else payload


class Without(typing.NamedTuple):
    """A list that loses an id, or the object that has this id."""

    field: str
    snowflake: str

    def apply(self, payload: Payload) -> Payload:
        items = payload.get(self.field)
        if not items:
            return payload
        kept = [item for item in items if self.snowflake != (item.get("id") if isinstance(item, dict) else item)]
        return payload if len(kept) == len(items) else {**payload, self.field: kept}


class Add(typing.NamedTuple):
    """A count that goes up or down, never below zero; if absent, it stays absent."""

    field: str
    amount: int

    def apply(self, payload: Payload) -> Payload:
        count = payload.get(self.field)
        return payload if count is None else {**payload, self.field: max(0, count + self.amount)}


def _same_emoji(one: Payload, other: Payload) -> bool:
    # A custom emoji may change its name, a unicode one has nothing else.
    return bool(one.get("id") == other.get("id") and (one.get("id") or one.get("name") == other.get("name")))


class React(typing.NamedTuple):
    """One reaction more or less on a message.

    See https://docs.discord.com/developers/resources/message#reaction-object for the counts.
    """

    emoji: Payload
    amount: int
    burst: bool
    me: bool

    def apply(self, payload: Payload) -> Payload:
        reactions: list[Payload] = list(payload.get("reactions") or ())
        for index, reaction in enumerate(reactions):
            if _same_emoji(reaction["emoji"], self.emoji):
                changed = self._count(reaction)
                reactions[index : index + 1] = [changed] if changed["count"] > 0 else []
                break
        else:
            if self.amount > 0:
                reactions.append(self._count({"emoji": self.emoji, "burst_colors": []}))
        return {**payload, "reactions": reactions}

    def _count(self, reaction: Payload) -> Payload:
        details = {"burst": 0, "normal": reaction.get("count", 0), **reaction.get("count_details", {})}
        kind = "burst" if self.burst else "normal"
        details[kind] = max(0, details[kind] + self.amount)
        mine = "me_burst" if self.burst else "me"
        return {
            "me": False,
            "me_burst": False,
            **reaction,
            "count": max(0, reaction.get("count", 0) + self.amount),
            "count_details": details,
            **({mine: self.amount > 0} if self.me else {}),
        }


class NoReactions(typing.NamedTuple):
    """A message that loses its reactions, all or those of one emoji."""

    emoji: Payload | None = None

    def apply(self, payload: Payload) -> Payload:
        emoji = self.emoji
        kept = (
            [] if emoji is None else [r for r in payload.get("reactions") or () if not _same_emoji(r["emoji"], emoji)]
        )
        return {**payload, "reactions": kept}


class Vote(typing.NamedTuple):
    """One vote more or less on the poll of a message. Final results stay as they are.

    See https://docs.discord.com/developers/resources/poll#poll-results-object for the counts.
    """

    answer_id: int
    amount: int
    me: bool

    def apply(self, payload: Payload) -> Payload:
        poll: Payload | None = payload.get("poll")
        results: Payload = (poll or {}).get("results") or {"is_finalized": False}
        if poll is None or results.get("is_finalized"):
            return payload
        counts = {count["id"]: count for count in results.get("answer_counts") or ()}
        known = counts.get(self.answer_id, {"id": self.answer_id, "count": 0, "me_voted": False})
        mine = {"me_voted": self.amount > 0} if self.me else {}
        counts[self.answer_id] = {**known, "count": max(0, known.get("count", 0) + self.amount), **mine}
        return {**payload, "poll": {**poll, "results": {**results, "answer_counts": list(counts.values())}}}


class Scrub(typing.NamedTuple):
    """Ids to replace, each with what takes its place."""

    stand_ins: tuple[tuple[str, str], ...]

    def apply(self, payload: Payload) -> Payload:
        return typing.cast("Payload", scrubbed(payload, dict(self.stand_ins).get))


REPEATABLE: typing.Final = frozenset((Part, Default, Omit))
"""Edits that are idempotent."""

Edit = Part | Default | Omit | Inside | Newest | Without | Add | React | NoReactions | Vote | Scrub


def edited(payload: Payload, edits: Sequence[Edit]) -> Payload:
    """Return ``payload`` after ``edits``, in order. An edit that does not fit the payload's shape is skipped."""
    for edit in edits:
        try:
            payload = edit.apply(payload)
        except (LookupError, TypeError, ValueError, AttributeError):
            continue
    return payload


def joined(earlier: tuple[Edit, ...], later: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """Return one sequence of edits that does what both do; adjacent parts become one."""
    last, first = earlier[-1], later[0]
    if not (isinstance(last, Part) and isinstance(first, Part)):
        return (*earlier, *later)
    if last.fields.keys() <= first.fields.keys():
        return later if len(earlier) == 1 else (*earlier[:-1], *later)
    return (*earlier[:-1], Part({**last.fields, **first.fields}), *later[1:])
