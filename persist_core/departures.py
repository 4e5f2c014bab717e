"""What is forgotten while somebody reads what may name it still: REST tells of the moment at which it was asked."""

from __future__ import annotations

import weakref
from collections.abc import Sequence

from .changes import Change, Drop, DropScope, covers
from .model import Entity, Key, Record

__all__ = ("Departures", "Watch")


class Watch:
    """What has been forgotten since somebody began to read."""

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
        """Return whether a thing has been forgotten, or may have been, where only a store could tell."""
        if (record.entity, record.key) in self._keys:
            return True
        return any(_reaches(scope, record) for scope in self._scopes)


def _reaches(scope: DropScope, record: Record) -> bool:
    try:
        return covers(scope, record) is not False
    except (LookupError, TypeError, ValueError, AttributeError):  # the store will refuse it
        return False


class Departures:
    """Tells those who read of what is forgotten meanwhile, for as long as they hold their watch."""

    def __init__(self) -> None:
        self._watches: list[weakref.ref[Watch]] = []

    def watch(self) -> Watch:
        """Begin to watch. It ends when nobody holds what this returns."""
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
