"""Many changes of scopes, made as few: what a raid or a purge does to the count of a guild's members."""

from __future__ import annotations

import itertools
import typing
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence

from .changes import Amend
from .conditions import Condition, Known, Where, knowns_in, settled
from .model import Entity, Key

__all__ = ("KnownKeys", "combined")

AnyEntity = Entity[typing.Any]
KnownKeys = Callable[[AnyEntity, Sequence[Key]], Awaitable[Collection[Key]]]
"""Returns those of some keys of a kind that are stored."""


async def combined(changes: Sequence[Amend], known_keys: KnownKeys) -> Sequence[Amend]:
    """Return fewer changes that do what neighbours of one kind do.

    Each member who comes or goes is counted where that is news, which only a store can tell. It is asked for all of
    them at once, and what then reaches the same things becomes one change.

    Parameters
    ----------
    changes
        Changes of one kind, none of which makes anything come or go.
    known_keys
        Asks the store, in the transaction in which they are made.
    """
    if len(changes) == 1 or any(change.keeps is not None for change in changes):  # these may make it go
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
    """Yield one change in place of some that reach the same, where none of them decides what the next one reaches."""
    last = changes[-1]
    if all(isinstance(condition, Condition) and condition.column in last.entity.key for condition in where):
        yield last._replace(edits=tuple(edit for change in changes for edit in change.edits))
    else:
        yield from changes
