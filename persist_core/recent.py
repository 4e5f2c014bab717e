"""Keeps what was used recently, up to a size; the least recently used goes first."""

from __future__ import annotations

import collections
import typing
from collections.abc import Hashable

from .gauges import Gauges
from .model import Entity

__all__ = ("EACH", "PER_BYTE", "Name", "Recent", "Sized")

EACH: typing.Final = 600
PER_BYTE: typing.Final = 4
"""Estimated bytes of memory per object, and per byte of its JSON: persist's own objects and hikari's."""

Name = tuple[Entity[typing.Any], Hashable]
"""The kind of something, and its key; or a row that it is made of, which is longer than its key."""


class Sized(typing.Protocol):
    """Something that has a size."""

    size: int
    """Its size in bytes, as estimated."""


class Recent:
    """Things by name, up to a total size.

    Parameters
    ----------
    most
        The limit, in bytes.
    gauges
        The counters for the size and for evicted things.

    Attributes
    ----------
    things
        The things by name, the least recently used first. Only to look at, and to move what is used to the end.
    """

    def __init__(self, most: int, gauges: Gauges) -> None:
        self._most = most
        self._gauges = gauges
        self.things: collections.OrderedDict[Name, typing.Any] = collections.OrderedDict()
        self._size = 0

    def put(self, name: Name, thing: Sized) -> None:
        """Keep a thing, in place of any other of this name."""
        self.drop(name)
        self.things[name] = thing
        self._grow(thing.size)

    def resize(self, thing: Sized, size: int) -> None:
        """Note that a thing has another size now."""
        grown, thing.size = size - thing.size, size
        self._grow(grown)

    def drop(self, name: Name) -> None:
        """Forget the thing of a name."""
        thing: Sized | None = self.things.pop(name, None)
        if thing is not None:
            self._size -= thing.size

    def clear(self) -> None:
        """Forget everything."""
        self.things.clear()
        self._size = self._gauges.memory_size = 0

    def _grow(self, size: int) -> None:
        self._size += size
        while self._size > self._most:
            (entity, _), thing = self.things.popitem(last=False)
            self._size -= thing.size
            self._gauges.memory_evicted[entity.name] += 1
        self._gauges.memory_size = self._size
