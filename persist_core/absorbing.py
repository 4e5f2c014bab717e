"""Merges two changes of one key into one."""

from __future__ import annotations

from .changes import Drop, KeyedChange, Patch, Put, fold
from .edits import REPEATABLE, Default, joined
from .model import Payload, Record

__all__ = ("absorb", "completed", "is_repeatable")


def absorb(earlier: KeyedChange, later: KeyedChange) -> KeyedChange:
    """Return one change of a key with the effect of two."""
    if type(later) is not Patch:
        return later
    if type(earlier) is Patch:
        entity, key, guild_id, edits, _, create, keeps = earlier
        keeps = later.keeps if keeps is None else _InTurn((*_in_turn(earlier), later))
        joint = joined(edits, later.edits)
        if keeps is None:
            if joint is later.edits and create <= later.create and guild_id == later.guild_id:
                return later  # it contains everything that the earlier one did
            return Patch.of(entity, key, guild_id, joint, later.origin, create=create or later.create)
        return Patch(entity, key, guild_id, joint, later.origin, create or later.create, keeps)
    made = fold(earlier if isinstance(earlier, Put) else None, later)
    return Drop(earlier.entity, earlier.key, earlier.guild_id) if made is None else Put(made)


def is_repeatable(change: KeyedChange) -> bool:
    """Return whether applying a change twice has the same effect as applying it once."""
    return type(change) is not Patch or (change.keeps is None and REPEATABLE.issuperset(map(type, change.edits)))


class _InTurn:
    """Decides like patches of one key applied one by one: what one of them removes, the next one doesn't find."""

    __slots__ = ("patches",)

    def __init__(self, patches: tuple[Patch, ...]) -> None:
        self.patches = patches

    @property
    def whole(self) -> bool:
        return any(patch.keeps is not None and patch.keeps.whole for patch in self.patches)

    def __call__(self, known: Record | None, made: Record) -> Record | None:
        del made
        for patch in self.patches:
            known = fold(known, patch)
        return known


def _in_turn(patch: Patch) -> tuple[Patch, ...]:
    return patch.keeps.patches if isinstance(patch.keeps, _InTurn) else (patch,)


def completed(patch: Patch, parts: Payload) -> Patch:
    """Return a patch that has the parts of other kinds available."""
    edits = (Default(parts), *patch.edits)
    if isinstance(patch.keeps, _InTurn):
        return patch._replace(edits=edits, keeps=_InTurn(tuple(completed(one, parts) for one in patch.keeps.patches)))
    return patch._replace(edits=edits)
