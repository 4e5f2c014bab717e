"""Events that arrive directly after one another, and are turned into changes together."""

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
"""The name of an event and its payload."""

_CLOSE: typing.Final = 0.0005
"""Seconds within which the next event probably arrived together with the previous one."""

_MOST: typing.Final = 128
"""The most events to gather. It takes a fraction of a millisecond to turn that many into changes."""


class Burst:
    """Gathers the events of one shard while no other shard receives anything.

    A socket often has dozens of events ready, which arrive in one turn of the event loop. They are turned into changes
    when that turn ends, when another shard receives something, or as soon as anybody reads the waiting changes. So the
    delay is invisible.

    Parameters
    ----------
    journal
        Where changes go.
    make
        Turns events, each with its name, into changes and accepts them. It raises nothing.
    """

    def __init__(self, journal: Journal, make: Callable[[Session, Sequence[Heard]], None]) -> None:
        self._journal = journal
        self._make = make
        self._session: Session | None = None
        self._events: list[Heard] = []
        self._heard = 0.0

    def goes_on(self) -> bool:
        """Return whether events arrive fast enough that gathering the current one pays off."""
        now, before = time.monotonic(), self._heard
        self._heard = now
        return now - before < _CLOSE

    def add(self, session: Session, name: str, payload: Payload) -> None:
        """Add an event."""
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
