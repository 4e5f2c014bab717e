"""Events and changes that could not be used, kept aside with the reason."""

from __future__ import annotations

import collections
import logging
import typing
from collections.abc import Callable, Sequence

from .changes import Change, DropScope, Patch, Put
from .edits import edited
from .errors import PersistError
from .gauges import Gauges
from .model import Key, Payload
from .notices import Notices
from .scrubbing import Erased, scrubbed

__all__ = ("Quarantine", "Quarantined")

_LOG = logging.getLogger("persist.quarantine")
_KEPT: typing.Final = 100


class Quarantined(typing.NamedTuple):
    """One event or change that was skipped because it could not be used."""

    what: str
    """The name of the gateway event, or of the kind."""

    key: Key | None
    """The key of the record, if it is known."""

    payload: Payload | None
    """The payload that Discord sent."""

    error: Exception
    """Why it could not be used."""


class Quarantine:
    """The last hundred events and changes that could not be used; all of them are counted.

    Parameters
    ----------
    gauges
        The counters.

    Attributes
    ----------
    erased
        Returns a function that says who was erased; ``None`` if nobody was. Of an item that names one of them, only the
        fact that there was one is kept.
    """

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges
        self._notices = Notices(_LOG)
        self._kept: collections.deque[Quarantined] = collections.deque(maxlen=_KEPT)
        self.erased: Callable[[], Erased | None] = lambda: None

    @property
    def kept(self) -> Sequence[Quarantined]:
        """The last hundred, oldest first."""
        return tuple(self._kept)

    def event(self, name: str, payload: Payload, error: Exception) -> None:
        """Set aside an event that could not be read."""
        self._add(Quarantined(name, None, payload, error))

    def change(self, change: Change, error: Exception) -> None:
        """Set aside a change that could not be stored."""
        payload: Payload | None = None
        if isinstance(change, (Put, Patch)):
            payload = change.record.payload if isinstance(change, Put) else edited({}, change.edits)
        key = change.key if isinstance(change, (Put, Patch)) else None
        what = f"all {change.entity.name}" if isinstance(change, DropScope) else change.entity.name
        self._add(Quarantined(what, key, payload, error))

    def forget(self, erased: Erased) -> int:
        """Drop the items that name anything erased, and return how many these were. They stay counted."""
        kept = [item for item in self._kept if not _names(item, erased)]
        dropped = len(self._kept) - len(kept)
        self._kept.clear()
        self._kept.extend(kept)
        return dropped

    def _add(self, item: Quarantined) -> None:
        if (erased := self.erased()) is not None and _names(item, erased):
            msg = f"{type(item.error).__name__}, of which no more is kept: it is about somebody who was erased"
            item = Quarantined(item.what, None, None, PersistError(msg))
        self._kept.append(item)
        self._gauges.quarantined[item.what] += 1
        self._notices.say(
            logging.WARNING,
            item.what,
            "%(what)s%(key)s could not be used and is quarantined: %(error)r; please report it with cache.quarantine",
            what=item.what,
            key="" if item.key is None else f" {item.key}",
            error=item.error,
        )


def _names(item: Quarantined, erased: Erased) -> bool:
    if any(erased(str(part)) is not None for part in item.key or ()):
        return True
    try:
        return scrubbed(item.payload, erased) is not item.payload
    except Exception:  # noqa: BLE001 - a malformed payload may name anybody
        return True
