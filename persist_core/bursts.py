"""Events of one sort that are heard one right after the other, and that changes are made of together."""

from __future__ import annotations

import asyncio
import typing
from collections.abc import Callable, Sequence

from .journal import Journal
from .model import Payload
from .sessions import Session

__all__ = ("Burst",)

_MOST: typing.Final = 128
"""How many events are gathered. It takes a fraction of a millisecond to make the changes of so many."""


class Burst:
    """Gathers events of one sort from one shard, as long as nothing else is heard.

    A socket often has dozens of events at hand, which are heard in one turn of the event loop. Their changes are made
    when that turn is over, when something else is heard, or as soon as anybody looks at what waits to be stored:
    nobody can tell that they were put off.

    Parameters
    ----------
    journal
        Where the changes go.
    make
        Makes and accepts the changes of events of one sort. It raises nothing.
    """

    def __init__(self, journal: Journal, make: Callable[[str, Session, Sequence[Payload]], None]) -> None:
        self._journal = journal
        self._make = make
        self._name = ""
        self._session: Session | None = None
        self._payloads: list[Payload] = []

    def add(self, name: str, session: Session, payload: Payload) -> None:
        """Take one more event."""
        if session is not self._session or name != self._name:
            self._begin(name, session)
        self._payloads.append(payload)
        if len(self._payloads) >= _MOST:
            self._journal.catch_up()

    def _begin(self, name: str, session: Session) -> None:
        self._journal.put_off(self._end)
        self._name, self._session = name, session
        asyncio.get_running_loop().call_soon(self._journal.catch_up)

    def _end(self) -> None:
        session, payloads = self._session, self._payloads
        self._session, self._payloads = None, []
        if session is not None:
            self._make(self._name, session, payloads)
