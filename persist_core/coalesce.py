"""Lets simultaneous point reads share a query: over a network, round trips are the main cost."""

from __future__ import annotations

import asyncio
import typing
from collections.abc import Awaitable, Callable

from .errors import BackendError
from .model import Entity, Key
from .spi import Page, Select

__all__ = ("Lookups",)

_CLOSED: typing.Final = "the store was closed before it answered"

_Waiters = dict[Key, list[asyncio.Future[Page]]]
_Kind = tuple[Entity[typing.Any], typing.Literal["records", "keys", "count"], bool, bool]


class Lookups:
    """Reads single records, with few queries at a time; whatever arrives meanwhile shares the next one.

    Parameters
    ----------
    answer
        Reads many records with one query.
    at_once
        The most queries that may run at the same time.
    most
        The most records that one query may ask for.
    """

    def __init__(self, answer: Callable[[Select], Awaitable[Page]], at_once: int, most: int) -> None:
        self._answer = answer
        self._at_once = at_once
        self._most = most
        self._waiting: dict[_Kind, _Waiters] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._working = 0

    @staticmethod
    def takes(query: Select) -> bool:
        """Return whether a query asks for a single record by its key."""
        one = query.keys is not None and len(query.keys) == 1 and query.want != "count"
        return one and query.guild_id is None and not query.where and query.after is None and query.limit is None

    async def ask(self, query: Select) -> Page:
        """Answer a query that :meth:`takes` accepts. Canceling one does not affect the others."""
        (key,) = typing.cast("tuple[Key]", query.keys)
        waiters = self._waiting.setdefault((query.entity, query.want, query.metadata, query.whole), {})
        future: asyncio.Future[Page] = asyncio.get_running_loop().create_future()
        waiters.setdefault(key, []).append(future)
        if self._working < self._at_once:
            self._working += 1
            # It starts after every other caller in this turn of the event loop.
            worker = asyncio.create_task(self._work(), name="persist: point reads")
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        return await future

    async def close(self) -> None:
        """Stop, and fail all waiting reads."""
        workers = list(self._workers)
        for worker in workers:
            worker.cancel()
        if workers:
            await asyncio.wait(workers)
        for waiters in self._waiting.values():
            _fail(waiters, BackendError(_CLOSED))
        self._waiting.clear()

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._answer_next()
        finally:
            self._working -= 1

    async def _answer_next(self) -> None:
        (entity, want, metadata, whole), waiters = self._next()
        query = Select(entity, keys=tuple(waiters), want=want, metadata=metadata, whole=whole)
        try:
            _tell(waiters, await self._answer(query))
        except Exception as error:  # noqa: BLE001 - the callers receive it
            _fail(waiters, error)
        except BaseException:
            _fail(waiters, BackendError(_CLOSED))
            raise

    def _next(self) -> tuple[_Kind, _Waiters]:
        kind = next(iter(self._waiting))
        waiters = self._waiting.pop(kind)
        if len(waiters) > self._most:
            keys = list(waiters)
            self._waiting[kind] = {key: waiters[key] for key in keys[self._most :]}
            waiters = {key: waiters[key] for key in keys[: self._most]}
        return kind, waiters


def _tell(waiters: _Waiters, page: Page) -> None:
    records = {record.key: (record,) for record in page.records}
    corrupt = {key: ((key, why),) for key, why in page.corrupt}
    for key, futures in waiters.items():
        answer = Page(records.get(key, ()), corrupt=corrupt.get(key, ()), parts=page.parts)
        for future in futures:
            if not future.done():
                future.set_result(answer)


def _fail(waiters: _Waiters, error: Exception) -> None:
    for futures in waiters.values():
        for future in futures:
            if not future.done():
                future.set_exception(error)
