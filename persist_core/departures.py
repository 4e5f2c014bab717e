"""Tracks deletions while somebody reads data that may still refer to the deleted objects, such as a REST answer."""

from __future__ import annotations

import weakref
from collections.abc import Sequence

from .changes import Change, Drop, DropScope, covers
from .model import Entity, Key, Record

__all__ = ("Departures", "Watch")


class Watch:
    """The objects deleted since somebody began to read."""

    __slots__ = ("__weakref__", "_keys", "_scopes")

    def __init__(self) -> None:
        self._keys: set[tuple[Entity[object], Key]] = set()
        self._scopes: list[DropScope] = []

    def note(self, changes: Sequence[Change]) -> None:
        """Note what changes forget."""
        for change in changes:
            if isinstance(change, Drop):
                self._keys.add((change.entity, change.key))
            elif isinstance(change, DropScope):
                self._scopes.append(change)

    def has_gone(self, record: Record) -> bool:
        """Return whether an object has been deleted, or may have been if only a store can tell."""
        if (record.entity, record.key) in self._keys:
            return True
        return any(_reaches(scope, record) for scope in self._scopes)


def _reaches(scope: DropScope, record: Record) -> bool:
    try:
        return covers(scope, record) is not False
    except (LookupError, TypeError, ValueError, AttributeError):  # the store will refuse it
        return False


class Departures:
    """Tells readers about deletions, for as long as they hold their watch."""

    def __init__(self) -> None:
        self._watches: list[weakref.ref[Watch]] = []

    def watch(self) -> Watch:
        """Start watching. The watch ends when nobody holds the result anymore."""
        watch = Watch()
        self._watches.append(weakref.ref(watch, self._watches.remove))
        return watch

    @property
    def are_watched(self) -> bool:
        """Whether anybody watches."""
        return bool(self._watches)

    def note(self, changes: Sequence[Change]) -> None:
        """Let those who watch know of changes."""
        for reference in list(self._watches):
            if (watch := reference()) is not None:
                watch.note(changes)
