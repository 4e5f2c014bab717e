"""Fields that are not kept: where else they show, and payloads without them."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping, Sequence

from .edits import Default, Edit, Inside, NoReactions, Part, React, Vote
from .model import Entity, Payload

__all__ = ("NESTED", "fields_of", "without", "without_edits")

Stripped = Callable[[str, Payload], Payload | None]
"""Given a kind and a payload of it that shows inside another, returns what may be kept; ``None`` if none of it."""

NESTED: typing.Final[Mapping[str, Mapping[str, str]]] = {
    "messages": {
        "author": "users",
        "member": "members",
        "mentions": "users",
        "referenced_message": "messages",
        "message_snapshots.message": "messages",
        "interaction.user": "users",
        "interaction.member": "members",
        "interaction_metadata.user": "users",
        "interaction_metadata.target_user": "users",
        "thread": "threads",
    },
    "users": {"member": "members"},
    "members": {"user": "users"},
    "presences": {"user": "users"},
    "voice_states": {"member": "members"},
    "thread_members": {"member": "members", "presence": "presences"},
    "threads": {"member": "thread_members", "message": "messages"},
    "bans": {"user": "users"},
    "invites": {"inviter": "users", "target_user": "users"},
    "webhooks": {"user": "users"},
    "dm_channels": {"recipients": "users"},
    "emojis": {"user": "users"},
    "stickers": {"user": "users"},
    "soundboard_sounds": {"user": "users"},
    "integrations": {"user": "users"},
    "scheduled_events": {"creator": "users"},
    "scheduled_event_users": {"user": "users", "member": "members"},
}
"""Where things of one kind show inside things of another: dotted paths of objects, or of lists of them."""


def fields_of(entity: Entity[typing.Any], names: typing.Iterable[str]) -> frozenset[str]:
    """Return the fields of a payload that names mean: those of columns, or Discord's own."""
    return frozenset(entity.columns[name].path if name in entity.columns else name for name in names)


def without(payload: Payload, fields: frozenset[str], nested: Mapping[str, str], stripped: Stripped) -> Payload:
    """Return a payload without some fields, and with what is ``stripped`` of the things inside it.

    Parameters
    ----------
    payload
        What Discord said. If there is nothing to remove, the same object is returned.
    fields
        The names of fields.
    nested
        Where things of other kinds are, as in :data:`NESTED`.
    stripped
        What is left of these.
    """
    if any(name in payload for name in fields):
        payload = {name: value for name, value in payload.items() if name not in fields}
    for path, kind in nested.items():
        payload = _at(payload, path.split("."), lambda thing, kind=kind: stripped(kind, thing))  # type: ignore[misc]
    return payload


def _at(payload: Payload, path: Sequence[str], change: Callable[[Payload], Payload | None]) -> Payload:
    name, *rest = path
    found = payload.get(name)
    new = _each(found, (lambda inside: _at(inside, rest, change)) if rest else change)
    if new is found:
        return payload
    if new is None:
        return {field: value for field, value in payload.items() if field != name}
    return {**payload, name: new}


def _each(found: typing.Any, change: Callable[[Payload], Payload | None]) -> typing.Any:
    """Return what becomes of an object, or of each in a list; what is neither stays."""
    if isinstance(found, dict):
        return change(typing.cast("Payload", found))
    if isinstance(found, list):
        things = typing.cast("list[object]", found)
        changed = [change(typing.cast("Payload", one)) if isinstance(one, dict) else one for one in things]
        if all(new is old for new, old in zip(changed, things, strict=True)):
            return things
        return [new for new in changed if new is not None]
    return found


def without_edits(edits: Sequence[Edit], strip: Callable[[Payload], Payload], fields: frozenset[str]) -> Sequence[Edit]:
    """Return edits that bring none of the fields, so that what is dropped does not even wait to be written.

    Parameters
    ----------
    edits
        What is to be done.
    strip
        Removes from a payload, or a part of one, what is not kept.
    fields
        The names of fields that no edit may make.
    """
    kept: list[Edit] = []
    for edit in edits:
        match edit:
            case Part(fields=part) | Default(fields=part):
                left = strip(part)
                if left or not part:
                    kept.append(edit if left is part else edit._replace(fields=left))
            case Inside(field=name) if name in fields:
                pass
            case React() | NoReactions() if "reactions" in fields:
                pass
            case Vote() if "poll" in fields:
                pass
            case _ if getattr(edit, "field", None) in fields:
                pass
            case _:
                kept.append(edit)
    return kept
