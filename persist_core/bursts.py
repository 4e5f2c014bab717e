"""Events that are heard one right after the other, and that changes are made of together."""

from __future__ import annotations

import asyncio
import time
import typing
from collections.abc import Callable, Sequence

from .journal import Journal
from .model import Payload
from .sessions import Session

__all__ = ("Burst", "Heard")

Heard = tuple[str, Payload]
"""The name of an event, and what it says."""

_CLOSE: typing.Final = 0.0005
"""Seconds after an event within which the next one is likely to have been at hand with it."""

_MOST: typing.Final = 128
"""How many events are gathered. It takes a fraction of a millisecond to make the changes of so many."""


class Burst:
    """Gathers what one shard hears, as long as no other one hears anything.

    A socket often has dozens of events at hand, which are heard in one turn of the event loop. Their changes are made
    when that turn is over, when another shard hears something, or as soon as anybody looks at what waits to be stored:
    nobody can tell that they were put off.

    Parameters
    ----------
    journal
        Where the changes go.
    make
        Makes and accepts the changes of events, each with its name. It raises nothing.
    """

    def __init__(self, journal: Journal, make: Callable[[Session, Sequence[Heard]], None]) -> None:
        self._journal = journal
        self._make = make
        self._session: Session | None = None
        self._events: list[Heard] = []
        self._heard = 0.0

    def goes_on(self) -> bool:
        """Return whether events come so fast that it is worth while to gather the one that is heard now."""
        now, before = time.monotonic(), self._heard
        self._heard = now
        return now - before < _CLOSE

    def add(self, session: Session, name: str, payload: Payload) -> None:
        """Take one more event."""
        if session is not self._session:
            self._journal.put_off(self._end)
            self._session = session
            asyncio.get_running_loop().call_soon(self._journal.catch_up)
        self._events.append((name, payload))
        if len(self._events) >= _MOST:
            self._journal.catch_up()

    def _end(self) -> None:
        session, events = self._session, self._events
        self._session, self._events = None, []
        if session is not None:
            self._make(session, events)
