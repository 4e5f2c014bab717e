"""Merges many scope changes into few, such as a raid's or a purge's effect on the member count of a guild."""

from __future__ import annotations

import itertools
import typing
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence

from .changes import Amend
from .conditions import Condition, Conditional, Known, Not, Where, Within, knowns_in, settled
from .model import Entity, Key

__all__ = ("KnownKeys", "combined")

AnyEntity = Entity[typing.Any]
KnownKeys = Callable[[AnyEntity, Sequence[Key]], Awaitable[Collection[Key]]]
"""Returns those of some keys of a kind that are stored."""


async def combined(changes: Sequence[Amend], known_keys: KnownKeys) -> Sequence[Amend]:
    """Return fewer changes with the same effect as neighboring ones of one kind.

    Each member who joins or leaves is counted if that is news, which only the store can tell. One query checks all of
    them, and changes that then cover the same objects become one.

    Parameters
    ----------
    changes
        Changes of one kind that neither create nor delete anything.
    known_keys
        Queries the store, in the transaction that applies the changes.
    """
    if len(changes) == 1 or any(change.keeps is not None for change in changes):  # these may delete objects
        return changes
    asked: dict[AnyEntity, dict[Key, None]] = {}
    for change in changes:
        for known in knowns_in(change.where):
            asked.setdefault(known.entity, {})[known.key] = None
    found = {entity: await known_keys(entity, tuple(keys)) for entity, keys in asked.items()}
    left = (_asking_nothing(change, lambda known: known.key in found[known.entity]) for change in changes)
    alike = itertools.groupby((change for change in left if change is not None), _reached)
    return list(itertools.chain.from_iterable(_joined(where, list(group)) for (_, where), group in alike))


def _asking_nothing(change: Amend, is_known: Callable[[Known], bool]) -> Amend | None:
    where = settled(change.where, is_known)
    return None if where is None else change._replace(where=where)


def _reached(change: Amend) -> tuple[int | None, Where]:
    return change.guild_id, change.where


def _joined(where: Where, changes: Sequence[Amend]) -> Iterator[Amend]:
    """Yield one change for several with the same scope, if none of them affects what the next one covers."""
    last = changes[-1]
    if all(_stays(last.entity, condition) for condition in where):
        yield last._replace(edits=tuple(edit for change in changes for edit in change.edits))
    else:
        yield from changes


def _stays(entity: AnyEntity, condition: Conditional) -> bool:
    """Return whether a condition on objects of a kind depends on nothing that a change of them affects."""
    match condition:
        case Condition(column):
            return column in entity.key
        case Within(columns, other):
            return other is not entity and entity.key.keys() >= {*columns}
        case Not(inner):
            return _stays(entity, inner)
        case _:
            return False
