"""Makes compression dictionaries, from a kind's own payloads once there are enough, and outside the event loop."""

from __future__ import annotations

import asyncio
import collections
import logging
import typing
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence

import orjson

from .anonymity import anonymous
from .changes import Change
from .entities import ENTITIES
from .errors import BackendError
from .model import Entity, Record
from .spi import Order, Page, Select

__all__ = ("Trainer",)

_LOG = logging.getLogger("persist.compression")
_ENOUGH: typing.Final = 1000
"""The number of records that a kind needs before a dictionary is trained."""

_SAMPLES: typing.Final = 1000
_PAGE: typing.Final = 250

AnyEntity = Entity[typing.Any]


class Trainer:
    """Watches what is written, and makes dictionaries for kinds without one.

    Parameters
    ----------
    ask
        Queries the store.
    keep
        Stores the dictionary of a kind, and starts using it.
    known
        Returns the kinds that have one.
    """

    def __init__(
        self,
        ask: Callable[[Select], Awaitable[Page]],
        keep: Callable[[str, bytes], Awaitable[None]],
        known: Callable[[], Collection[str]],
    ) -> None:
        self._ask = ask
        self._keep = keep
        self._known = known
        self._written: collections.Counter[str] = collections.Counter()
        self._due = list(ENTITIES)
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="persist compression")

    def note(self, changes: Iterable[Change]) -> None:
        """Receive changes that are now in the database."""
        self._written.update(change.entity.name for change in changes)
        for name in [name for name, number in self._written.items() if number >= _ENOUGH]:
            del self._written[name]
            if name not in self._known():
                self._due.append(name)
                self._wake.set()

    async def close(self) -> None:
        """Stop."""
        self._task.cancel()
        await asyncio.wait((self._task,))

    async def _run(self) -> None:
        while True:
            while self._due:
                name = self._due.pop()
                try:
                    if name not in self._known():
                        await self._train(ENTITIES[name])
                except Exception as error:  # noqa: BLE001 - it is tried again once more has been written
                    _LOG.warning("%s are not compressed yet, as no dictionary could be made: %s", name, error)
                    if isinstance(error, BackendError) and error.temporary:
                        break  # for the others it would be the same
            await self._wake.wait()
            self._wake.clear()

    async def _train(self, entity: AnyEntity) -> None:
        if (await self._ask(Select(entity, want="count"))).count < _ENOUGH:
            return
        samples: list[Record] = []
        newest = Select(entity, order=tuple(Order(name, descending=True) for name in entity.key), limit=_PAGE)
        page = await self._ask(newest)
        while page.records and len(samples) < _SAMPLES:
            samples += page.records
            page = await self._ask(newest._replace(after=page.after)) if page.after else Page(())
        dictionary = await asyncio.to_thread(_trained, samples)
        if dictionary is None:
            _LOG.info("%s have too little in common to be compressed", entity.name)
            return
        await self._keep(entity.name, dictionary)
        _LOG.info("%s are compressed from now on", entity.name)


def _trained(samples: Sequence[Record]) -> bytes | None:
    from .compression import trained  # noqa: PLC0415 - an extra

    return trained([orjson.dumps(payload) for payload in anonymous(samples)])
