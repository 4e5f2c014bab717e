"""The state before an event, for listeners: requested when the feed receives the event, read while its listeners wait.

A note travels with its event: hikari creates a task for each listener while it is still handling the payload, and a
task inherits the values of context variables. So it is always clear which of two edits of a message a note belongs to.
"""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import functools
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence

import hikari

from .befores import BEFORES, Before, Thing
from .feed import Feed, Noting
from .journal import Journal
from .model import Payload, Record
from .past import Recollection
from .reader import Reader

__all__ = ("Hindsight", "Note")

_PATIENCE: typing.Final = 15.0
"""Seconds that a listener waits for the state before its event while nothing is found or stored at all."""


@dataclasses.dataclass(slots=True)
class _Part:
    """An object in its previous state, and those parts of it that are stored with their own kind."""

    told: Recollection
    parts: Mapping[str, _Part]

    @classmethod
    def of(cls, thing: Thing, journal: Journal) -> typing.Self:
        """Request an object and its parts in their current state."""
        entity, key, guild_id = thing
        parts: dict[str, _Part] = {}
        if key is not None:
            columns = dict(zip(entity.key, key, strict=True))
            for field, join in entity.joins.items():
                within = guild_id if join.entity.in_guild else None
                parts[field] = cls.of(Thing(join.entity, tuple(columns[name] for name in join.on), within), journal)
        return cls(journal.recall(entity, key, guild_id), parts)

    def all(self) -> Iterator[Recollection]:
        """Yield all requests that must be answered."""
        yield self.told
        for part in self.parts.values():
            yield from part.all()

    def whole(self) -> Iterator[Record]:
        """Yield the previous records, with their parts."""
        for record in self.told.records or ():
            payload = {name: value for name, value in record.payload.items() if name not in self.parts}
            for field, part in self.parts.items():
                payload |= ((field, found.payload) for found in part.whole())
            yield record._replace(payload=payload)


class Note:
    """The state before one event, known now or later."""

    __slots__ = ("_event", "_journal", "_parts", "_reader", "_value", "row")

    def __init__(self, row: Before, parts: Sequence[_Part], journal: Journal, reader: Reader) -> None:
        self.row: Before = row
        self._parts = parts
        self._journal = journal
        self._reader = reader
        self._event: hikari.Event | None = None
        self._value: typing.Any = None

    def is_of(self, event: hikari.Event) -> bool:
        """Return whether this is the note of an event: the first one of its type that hikari makes of the payload."""
        if self._event is None and isinstance(event, self.row.heard):
            self._event = event
        return self._event is event

    async def value(self) -> typing.Any:
        """Return the previous state, in the form that the row of its event defines; ``None`` if it is unknown."""
        told = [one for part in self._parts for one in part.all()]
        if not all(one.is_told for one in told):
            await self._wait(told)
        if self._value is None:  # no await from here on: all listeners share one object, as they share one event
            self._value = self._made()
        return self._value

    async def _wait(self, told: Sequence[Recollection]) -> None:
        for one in told:
            while not one.is_told:
                try:
                    async with asyncio.timeout(_PATIENCE):
                        await one.wait()
                except TimeoutError:
                    if not self._journal.is_moving(_PATIENCE):
                        self._journal.give_up_on(one)

    def _made(self) -> typing.Any:
        found = {record.key[-1]: thing for record, thing in self._things()}
        match self.row.shape:
            case "one":
                return next(iter(found.values()), None)
            case "by_id":
                return {hikari.Snowflake(key): thing for key, thing in found.items()}
            case "all":
                known = any(part.told.records is not None for part in self._parts)
                return list(found.values()) if known else None

    def _things(self) -> Iterator[tuple[Record, object]]:
        for part in self._parts:
            if any(one.records is None for one in part.all()):
                continue  # a part of it was not found, and a member without a user is useless
            for record in part.whole():
                if (
                    self._reader.is_current(record)
                    and (thing := self._reader.decoded(record.entity, record)) is not None
                ):
                    yield record, thing


class Hindsight:
    """Knows the state before each event that has a listener."""

    def __init__(self) -> None:
        self._watched: dict[str, Before] = {}
        self._feed: Feed | None = None
        self._noting: Noting | None = None
        self._now: contextvars.ContextVar[Note | None] = contextvars.ContextVar("persist_before", default=None)

    def follow(self, feed: Feed, journal: Journal, reader: Reader) -> None:
        """Start noting what an open cache receives."""
        self._feed, self._noting = feed, functools.partial(self._note, journal, reader)
        self._begin()

    @staticmethod
    def knows(event_types: Iterable[type]) -> bool:
        """Return whether any of these event types has a previous state."""
        return any(True for _ in _rows(event_types))

    def watch(self, event_types: Iterable[type]) -> None:
        """Start noting the state before events of these types."""
        self._watched |= _rows(event_types)
        self._begin()

    def _begin(self) -> None:
        if self._watched and self._feed is not None:  # without listeners, there is no cost
            self._feed.noting = self._noting

    def _note(self, journal: Journal, reader: Reader, name: str, event: Payload) -> None:
        row = self._watched.get(name)
        if row is None:
            self._now.set(None)
            return
        parts: list[_Part] = []
        try:
            parts += [_Part.of(thing, journal) for thing in row.things(event)]
        except (LookupError, TypeError, ValueError):
            parts.clear()  # a malformed event: this is detected and noted when its changes are made
        self._now.set(Note(row, parts, journal, reader))

    def note_of(self, event: hikari.Event) -> Note | None:
        """Return the note of an event, in a listener that receives it or in a task started by one."""
        note = self._now.get()
        return note if note is not None and note.is_of(event) else None

    async def fill(self, event: hikari.Event) -> None:
        """Set an event's field for the old object, if hikari has such a field and has not filled it itself."""
        note = self.note_of(event)
        if note is None or not (field := note.row.field) or not hasattr(event, field):
            return
        held = getattr(event, field)
        if note.row.shape == "by_id":
            setattr(event, field, {**await note.value(), **held})
        elif held is None or (note.row.shape == "all" and not held):  # empty if hikari's own cache is off
            setattr(event, field, await note.value())

    def why_not(self, event: hikari.Event) -> str:
        """Return why there is no note of an event."""
        name = type(event).__name__
        if not self.knows((type(event),)):
            return f"{name} has no state before it; before takes {self.names()}"
        if not any(isinstance(event, row.heard) for row in self._watched.values()):
            return (
                f"the state before {name} is not recorded; listen with @cache.listen(), or call cache.watch({name}) "
                "first"
            )
        return f"the state before {name} is only available in a listener for it, and in tasks that the listener starts"

    @staticmethod
    def names() -> str:
        """Return the names of the events that have a previous state."""
        return ", ".join(sorted({heard.__name__ for row in BEFORES.values() for heard in row.heard}))


def _rows(event_types: Iterable[type]) -> Iterator[tuple[str, Before]]:
    types = tuple(event_types)
    for name, row in BEFORES.items():
        if any(issubclass(heard, one) or issubclass(one, heard) for heard in row.heard for one in types):
            yield name, row
