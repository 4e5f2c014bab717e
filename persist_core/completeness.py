"""How much of each kind is known of each guild: notes beside the data, and how to query them.

Events that carry whole lists produce the notes. A note precedes the list's own changes, so that a change that is lost
afterward makes its kind stale.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing
import warnings
from collections.abc import Collection, Iterator, Mapping

import hikari

from .callers import stacklevel
from .changes import Amend, Change, DropScope, Patch, Put
from .columns import instant
from .conditions import Condition, Not, Where, Within
from .edits import Default, Part
from .entities import COMPLETENESS, ENTITIES, MEMBERS, MESSAGES, OWNED, THREADS
from .errors import QueryError
from .keep import Keep
from .model import Entity, Origin, Payload, Record
from .rules import Rules

__all__ = (
    "TELLING",
    "Completeness",
    "State",
    "completeness_of",
    "confirms",
    "kind_named",
    "known",
    "lacking",
    "lists_all_members",
    "only",
    "partial",
    "partial_wherever",
    "told",
    "warn_of_intents",
)

State = typing.Literal["complete", "partial", "stale", "unknown", "unmaintained"]

_LISTS: typing.Final[Mapping[str, Mapping[str, str]]] = {
    "GUILD_CREATE": {
        **{name: name for name in ("channels", "roles", "emojis", "stickers", "threads", "voice_states", "presences")},
        "stage_instances": "stage_instances",
        "guild_scheduled_events": "scheduled_events",
        "soundboard_sounds": "soundboard_sounds",
    },
    "GUILD_UPDATE": {name: name for name in ("roles", "emojis", "stickers")},
    "GUILD_EMOJIS_UPDATE": {"emojis": "emojis"},
    "GUILD_STICKERS_UPDATE": {"stickers": "stickers"},
    "THREAD_LIST_SYNC": {"threads": "threads"},
    "SOUNDBOARD_SOUNDS": {"soundboard_sounds": "soundboard_sounds"},
}
"""Which fields of which events hold all that a guild has of which kind. For threads it is all active ones."""

_CHANGED_SOMEHOW: typing.Final[Mapping[str, str]] = {
    "WEBHOOKS_UPDATE": "webhooks",
    "GUILD_INTEGRATIONS_UPDATE": "integrations",
}
"""Events that say that something of a kind has changed, but not what."""

_LISTED_WITHOUT_INTENTS: typing.Final = frozenset(_LISTS["GUILD_CREATE"].values()) - {"presences", "voice_states"}
"""Kinds that come with a guild whether or not the bot receives their changes."""

_PARTIAL: typing.Final = (Part({"state": "partial", "epoch": 0}),)

_OF_THE_GUILD: typing.Final = frozenset(("GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE"))

TELLING: typing.Final[frozenset[str]] = frozenset((*_LISTS, *_CHANGED_SOMEHOW, *_OF_THE_GUILD))
"""The events that may say how much is known."""


@dataclasses.dataclass(frozen=True, slots=True)
class Completeness:
    """How much of what a guild has of one kind the cache knows.

    Attributes
    ----------
    state
        ``complete``: all of it. ``partial``: some of it, and how much is missing is unknown. ``stale``: changes to it
        were lost, or its count differs from Discord's. ``unknown``: it has never been listed, or Discord has said that
        it changed, but not how. ``unmaintained``: the bot lacks the intents that keep it up to date, or its rules keep
        only some or none of it.
    at
        Since when, in UTC; ``None`` if nothing has been noted.
    source
        The source of that: ``gateway``, ``chunk`` or ``rest``; ``None`` if nothing has been noted.
    verified
        Whether a running gateway session of this process has confirmed it; otherwise it is carried over.
    """

    state: State
    at: datetime.datetime | None = None
    source: str | None = None
    verified: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether the cache knows all there is, from this session or as an earlier one left it."""
        return self.state == "complete"


def kind_named(name: object) -> Entity[typing.Any]:
    """Return the kind with a name such as ``persist.MEMBERS``.

    Raises
    ------
    persist.QueryError
        If it is not a kind that guilds have.
    """
    if isinstance(name, str) and (entity := ENTITIES.get(name)) is not None and _is_counted(entity):
        return entity
    kinds = ", ".join(entity.name for entity in ENTITIES.values() if _is_counted(entity))
    msg = f"completeness takes a kind that guilds have, such as persist.MEMBERS, not {name!r}; there are: {kinds}"
    raise QueryError(msg)


def _is_counted(entity: Entity[typing.Any]) -> bool:
    return entity.in_guild and entity is not COMPLETENESS


def lacking(entity: Entity[typing.Any], intents: hikari.Intents) -> hikari.Intents:
    """Return the guild intents that a kind needs and a bot does not have."""
    return entity.intents & ~hikari.Intents.ALL_DMS & ~intents


def warn_of_intents(intents: hikari.Intents, rules: Rules) -> None:
    """Warn about each kind that the rules keep and a bot with such intents does not receive, or not the changes of."""
    messages = rules.of(MESSAGES.name)
    wants_content = messages is not False and not (isinstance(messages, Keep) and "content" in messages.drop)
    if wants_content and not lacking(MESSAGES, intents) and not intents & hikari.Intents.MESSAGE_CONTENT:
        warnings.warn(
            "without the intent MESSAGE_CONTENT, messages arrive without their content, except the bot's own, DMs and "
            "those that mention it; add the intent to the bot, or keep no content with "
            "persist.Rules.no_message_content()",
            hikari.MissingIntentWarning,
            stacklevel=stacklevel(),
        )
    for entity in ENTITIES.values():
        if rules.of(entity.name) is not False and (missing := lacking(entity, intents)):
            names = " and ".join(str(intent.name) for intent in missing.split())
            listed = entity.name in _LISTED_WITHOUT_INTENTS
            what = "go out of date" if listed else "stay empty or have gaps"
            warnings.warn(
                f"without the intent {names}, {entity.name} {what}; add it to the bot, "
                f"or turn them off with persist.Rules(off={{{entity.name!r}}})",
                hikari.MissingIntentWarning,
                stacklevel=stacklevel(),
            )


def completeness_of(
    entity: Entity[typing.Any],
    record: Record | None,
    intents: hikari.Intents,
    running: Collection[int],
    *,
    kept: bool,
) -> Completeness:
    """Return what a note means for a bot with such intents and sessions; ``kept`` if its rules keep all of the kind."""
    payload: Payload = {} if record is None else record.payload
    state: State = payload.get("state", "unknown")
    if lacking(entity, intents) or not kept:
        state = "unmaintained"
    verified = payload.get("epoch") in running
    at = payload.get("at")
    since = None if at is None else instant(at)
    return Completeness(state, since, payload.get("source"), verified=verified)


def known(kind: str, guild_id: int, origin: Origin, state: State = "complete") -> Put:
    """Return the change that notes how much is known of a kind in a guild."""
    return Put.of(COMPLETENESS, _note(kind, origin, state), guild_id, origin)


def partial(kind: str, guild_id: int, origin: Origin) -> Patch:
    """Return the change that notes that some of a kind in a guild may be missing, if there is a note about it."""
    return Patch(COMPLETENESS, (guild_id, kind), guild_id, _PARTIAL, origin)


def partial_wherever(kind: Entity[typing.Any], where: Where, origin: Origin) -> Amend:
    """Return the change that notes that some of a kind may be missing in the guilds of what is being forgotten."""
    there = Within(("guild_id",), kind, where, ("guild_id",))
    return Amend(COMPLETENESS, None, (Condition("kind", "equals", kind.name), there), _PARTIAL, origin)


def _note(kind: str, origin: Origin, state: State) -> Payload:
    return {"kind": kind, "state": state, "epoch": origin.epoch, "at": origin.at, "source": origin.source}


def told(name: str, event: Payload, origin: Origin) -> Iterator[Change]:
    """Yield the changes to notes that an event causes, and what follows from a whole list of members."""
    if name in _LISTS:
        yield from _listed(name, event, origin)
    elif (kind := _CHANGED_SOMEHOW.get(name)) is not None:
        yield known(kind, int(event["guild_id"]), origin, "unknown")
    if event.get("unavailable") and name in _OF_THE_GUILD:
        # Discord does not send what happens during an outage.
        yield Amend(COMPLETENESS, int(event["id"]), (), (Part({"epoch": 0}),), origin)


def _listed(name: str, event: Payload, origin: Origin) -> Iterator[Change]:
    if event.get("unavailable") or event.get("channel_ids") is not None:
        return
    guild_id = int(event["id" if name in _OF_THE_GUILD else "guild_id"])
    for field, kind in _LISTS[name].items():
        if event.get(field) is not None and kind in ENTITIES:
            # Of presences, a large guild's list has only some.
            some = kind == "presences" and event.get("large")
            yield known(kind, guild_id, origin, "partial" if some else "complete")
    if name == "GUILD_CREATE" and (members := event.get("members")) is not None:
        yield from _members(members, event, guild_id, origin)


def lists_all_members(guild: Payload) -> bool:
    """Return whether GUILD_CREATE lists all members of a guild."""
    members = {member["user"]["id"] for member in guild.get("members") or ()}
    return not guild.get("large") and len(members) >= guild.get("member_count", len(members) + 1)


def _members(members: typing.Sequence[Payload], event: Payload, guild_id: int, origin: Origin) -> Iterator[Change]:
    listed = frozenset(int(member["user"]["id"]) for member in members)
    if lists_all_members(event):
        yield from only(listed, guild_id, origin, but=event.keys())
        return
    # This does not confirm what was known before.
    edits = (Default(_note(MEMBERS.name, origin, "partial")), Part({"epoch": 0}))
    yield Patch(COMPLETENESS, (guild_id, MEMBERS.name), guild_id, edits, origin, create=True)


def only(members: frozenset[int], guild_id: int, origin: Origin, but: Collection[str] = ()) -> Iterator[Change]:
    """Yield changes that note these as all members of a guild, and that forget all others with what belongs to them.

    Parameters
    ----------
    members, guild_id, origin
        The ids of the users, the guild, and the source.
    but
        Kinds that are replaced anyway.
    """
    yield known(MEMBERS.name, guild_id, origin)
    for entity, on in OWNED[MEMBERS]:
        if entity.name not in but:
            yield DropScope(entity, guild_id, (Not(Condition(on[-1], "is_in", members)),))
    yield DropScope(MEMBERS, guild_id, (Not(Condition("user_id", "is_in", members)),))


def confirms(note: Record, record: Record, running: Collection[int]) -> bool:
    """Return whether, by a note, a running session has listed a record, which may have been unchanged."""
    if note.payload.get("state") != "complete" or note.payload.get("epoch") not in running:
        return False
    return record.entity is not THREADS or not record.column("is_archived")
