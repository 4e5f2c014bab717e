"""What is remembered at all: a filter between the feed and the journal."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Collection, Iterable, Iterator

from .changes import Amend, Change, Patch, Put
from .conditions import known_in
from .entities import ENTITIES
from .errors import QueryError
from .model import Entity

__all__ = ("Rules",)


@dataclasses.dataclass(frozen=True, slots=True)
class Rules:
    """Choose which kinds of things are remembered.

    Parameters
    ----------
    off
        Names of kinds that are not remembered, such as ``{"presences", "messages"}``. What of them is already
        stored stays, and goes when Discord deletes it.
    on
        Names of kinds that are only remembered if they are named here: ``audit_log_entries`` and
        ``auto_mod_executions``, which grow without end and tell what people did.

    Raises
    ------
    persist.QueryError
        If a name is not that of a kind of thing, or is named both on and off.
    """

    off: frozenset[str] = frozenset()
    on: frozenset[str] = frozenset()
    _forgotten: frozenset[Entity[typing.Any]] = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for side in ("off", "on"):
            names = getattr(self, side)
            if not _are_names(names):
                msg = f"{side} must be a collection of names such as {{'presences'}}, not {names!r}"
                raise QueryError(msg)
            if unknown := sorted(set(names) - set(ENTITIES)):
                known = ", ".join(sorted(ENTITIES))
                msg = f"there is nothing called {', '.join(unknown)} to turn {side}; there is: {known}"
                raise QueryError(msg)
            object.__setattr__(self, side, frozenset(names))
        if both := sorted(self.off & self.on):
            msg = f"{', '.join(both)} cannot be both on and off; name it once"
            raise QueryError(msg)
        forgotten = (
            entity for name, entity in ENTITIES.items() if name in self.off or (entity.opt_in and name not in self.on)
        )
        object.__setattr__(self, "_forgotten", frozenset(forgotten))

    def admitted(self, changes: Iterable[Change]) -> Iterator[Change]:
        """Yield the changes that may be made. Whatever makes the cache forget is always admitted."""
        forgotten = self._forgotten
        for change in changes:
            if isinstance(change, (Put, Patch)):
                if change.entity in forgotten:
                    continue
            elif isinstance(change, Amend) and any(kind in forgotten for kind in known_in(change.where)):
                continue  # it counts what is not remembered: what Discord said last is nearer to the truth
            yield change


def _are_names(names: object) -> bool:
    return isinstance(names, Collection) and not isinstance(names, str) and all(isinstance(n, str) for n in names)
