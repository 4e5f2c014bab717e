"""Payloads without the fields that are dropped, and hikari objects made from such payloads."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping, Sequence

from .edits import Default, Edit, Inside, NoReactions, Omit, Part, React, Vote
from .fields import BLANK, NESTED
from .model import Decoder, Entity, Payload, Record

__all__ = ("fields_of", "made_of", "without", "without_edits")

Stripped = Callable[[str, Payload], Payload | None]
"""Takes a kind and a nested payload of it, and returns what may be kept; ``None`` for nothing."""


def _filled(kind: str, payload: Payload) -> Payload:
    """Return a payload that hikari can read even though fields were dropped."""
    payload = without(payload, frozenset(), NESTED.get(kind, {}), _filled)
    blank = BLANK.get(kind, {})
    return payload if blank.keys() <= payload.keys() else {**blank, **payload}


def made_of(decoder: Decoder, record: Record) -> typing.Any:
    """Make a hikari object of a record, even if fields of it were dropped."""
    try:
        return record.entity.decode(decoder, record)
    except KeyError:
        return record.entity.decode(decoder, record._replace(payload=_filled(record.entity.name, record.payload)))


def fields_of(entity: Entity[typing.Any], names: typing.Iterable[str]) -> frozenset[str]:
    """Return the payload fields for some names: a column's fields, or Discord's own names."""
    return frozenset(entity.columns[name].path if name in entity.columns else name for name in names)


def without(payload: Payload, fields: frozenset[str], nested: Mapping[str, str], stripped: Stripped) -> Payload:
    """Return a payload without some fields, and with its nested objects ``stripped``.

    Parameters
    ----------
    payload
        The payload from Discord. If there is nothing to remove, the same object is returned.
    fields
        The names of the fields to remove.
    nested
        Where objects of other kinds are nested, as in :data:`NESTED`.
    stripped
        Reduces nested objects.
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
    """Apply a function to an object, or to each object in a list; return anything else unchanged."""
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
    """Return edits without the dropped fields, so that these never even wait to be written.

    Parameters
    ----------
    edits
        The edits.
    strip
        Removes what is not kept from a payload, or from a part of one.
    fields
        The names of fields that no edit may set.
    """
    kept: list[Edit] = []
    for edit in edits:
        match edit:
            case Part(fields=part) | Default(fields=part):
                left = strip(part)
                if left or not part:
                    kept.append(edit if left is part else edit._replace(fields=left))
                # The nested object has changed, and its new state is not kept: the old state must go, too.
                gone = tuple(name for name in part if name not in left and name not in fields)
                if gone and isinstance(edit, Part):
                    kept.append(Omit(gone))
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
