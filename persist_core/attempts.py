"""Stores changes: retries while the store is away, and leaves out changes that it rejects for good."""

from __future__ import annotations

import contextlib
import logging
import typing
from collections.abc import Callable, Generator, Sequence

import tenacity

from . import hooks
from .changes import REFUSED, Change
from .errors import BackendError
from .gauges import Gauges
from .model import Entity, Key
from .notices import Notices
from .spi import Store

__all__ = ("Attempts", "counting_refused")

_CONFLICTS: typing.Final = 5
"""How many conflicts with other processes in a row count as trouble with the database."""


class Attempts:
    """Stores changes, however many attempts that takes.

    Parameters
    ----------
    store
        Where they go.
    gauges, notices
        The counters, and the log for when the database is away and when it is back.
    depth
        Returns how many changes wait.
    heard
        Called with ``None`` after a successful attempt, and with the error while the database accepts no changes.
    refused
        Called with a change that is rejected for good, and the error.

    Attributes
    ----------
    trouble
        Why the last attempt failed; ``None`` if it did not.
    """

    def __init__(
        self,
        store: Store,
        gauges: Gauges,
        notices: Notices,
        depth: Callable[[], int],
        heard: Callable[[BackendError | None], None],
        refused: Callable[[Change, Exception], None],
    ) -> None:
        self._store = store
        self._gauges = gauges
        self._notices = notices
        self._depth = depth
        self._heard = heard
        self._refused = refused
        self.trouble: BackendError | None = None

    async def store_all(self, changes: Sequence[Change]) -> None:
        """Store changes; if one is rejected for good, halve them until only that one is left out.

        They are also halved if all of them together take longer than the database allows.
        """
        try:
            await self._attempt(changes)
        except Exception as error:  # noqa: BLE001 - one change must not affect the others
            if len(changes) == 1:
                self._refused(changes[0], error)
                return
            middle = len(changes) // 2
            for half in (changes[:middle], changes[middle:]):
                await self.store_all(half)
        else:
            self._gauges.applied += len(changes)
            hooks.committed(changes)

    async def _attempt(self, changes: Sequence[Change]) -> None:
        wait = tenacity.wait_random_exponential(multiplier=0.05, max=5)
        again = tenacity.retry_if_exception(_temporary if len(changes) == 1 else _temporary_as_they_are)
        retrying = tenacity.AsyncRetrying(retry=again, wait=wait, after=self._failed)
        async for attempt in retrying:
            with attempt, counting_refused(self._gauges):
                await self._store.apply(changes)
        self._heard(None)
        if self.trouble is not None:
            message = "the database is back; %(depth)d changes are waiting to be stored"
            self._notices.say(logging.WARNING, "back", message, depth=self._depth())
            self.trouble = None

    def _failed(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if not isinstance(error, BackendError) or not error.temporary:
            return
        self._gauges.retries += 1
        if error.is_conflict and state.attempt_number < _CONFLICTS:
            return  # the other process has succeeded meanwhile
        if self.trouble is None or str(self.trouble) != str(error):  # it may need something else now
            self._notices.say(
                logging.ERROR,
                ("away", str(error)),
                "the database does not accept changes (%(error)s); they are waiting and will be retried",
                error=error,
            )
        self.trouble = error
        self._heard(error)


@contextlib.contextmanager
def counting_refused(gauges: Gauges) -> Generator[None]:
    """Count what rules reject when changes are finally made: only the code that makes them can tell."""
    refused = set[tuple[Entity[typing.Any], Key]]()
    token = REFUSED.set(refused)
    try:
        yield
    finally:
        REFUSED.reset(token)
    for entity, _ in refused:
        gauges.skipped[entity.name] += 1


def _temporary(error: BaseException) -> bool:
    return isinstance(error, BackendError) and error.temporary


def _temporary_as_they_are(error: BaseException) -> bool:
    return isinstance(error, BackendError) and error.temporary and not error.is_too_long
