"""Reads stored data as it was at a moment in the past, before later changes are stored.

The caller cannot wait for an answer, because the feed must not block. So the request takes its place in the batch,
between the changes before it and the changes after it. The writer answers it when it gets there, or earlier if it is
idle.
"""

from __future__ import annotations

import asyncio
import logging
import time
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence

from .changes import Change, Patch, fold, undecided
from .edits import Edit
from .gauges import Gauges
from .model import Entity, Key, Record
from .notices import Notices
from .spi import Page, Select, Store

__all__ = ("Past", "Recollection")

_LOG = logging.getLogger("persist.past")
_SLICE: typing.Final = 250
_PATIENCE: typing.Final = 60.0
"""Seconds after which a database that doesn't answer is considered away."""

AnyEntity = Entity[typing.Any]


class Recollection:
    """A record, or all records of a kind in a guild, as they were at one moment.

    Parameters
    ----------
    entity, key, guild_id
        What to look for; without a key, everything of the kind in the guild.
    """

    __slots__ = ("_told", "_waiting", "changes", "entity", "guild_id", "key", "records")

    def __init__(self, entity: AnyEntity, key: Key | None, guild_id: int | None) -> None:
        self.entity: AnyEntity = entity
        self.key: Key | None = key
        self.guild_id: int | None = guild_id
        self.changes: Sequence[Change] = ()
        """What had been received at that moment, but will not be stored yet when the store is read."""

        self.records: Sequence[Record] | None = None
        """The answer; ``None`` while there is none, and if it can't be found anymore."""

        self._told = False
        self._waiting: asyncio.Future[None] | None = None

    @property
    def is_told(self) -> bool:
        """Whether the request has been answered or given up."""
        return self._told

    def tell(self, records: Sequence[Record] | None) -> None:
        """Answer the request, or give it up."""
        if not self._told:
            self._told, self.records = True, records
            if self._waiting is not None and not self._waiting.done():
                self._waiting.set_result(None)

    async def wait(self) -> None:
        """Wait for the answer."""
        if not self._told:
            if self._waiting is None:
                self._waiting = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._waiting)


class Past:
    """Answers requests, and counts those that it has to give up.

    Parameters
    ----------
    store
        The store to read from.
    gauges
        The counters for requests that were given up and for unreadable data.
    most
        The most requests that may wait.
    """

    def __init__(self, store: Store, gauges: Gauges, most: int) -> None:
        self._store = store
        self._gauges = gauges
        self._most = most
        self._waiting = 0
        self._moved = 0.0
        self._notices = Notices(_LOG)

    @property
    def is_full(self) -> bool:
        """Whether no more requests are accepted."""
        return self._waiting >= self._most

    @property
    def moved(self) -> float:
        """When a request was last answered, on the monotonic clock."""
        return self._moved

    def take(self) -> None:
        """Count a waiting request."""
        self._waiting += 1

    def give_up(self, asked: Iterable[Recollection]) -> None:
        """Give up requests. Those that already have an answer keep it."""
        for one in asked:
            if not one.is_told:
                self._gauges.unrecalled[one.entity.name] += 1
                one.tell(None)

    async def find(self, asked: list[Recollection]) -> None:
        """Answer the requests that are in a list now, and remove them. If this is canceled, the rest stay unanswered.

        The store must be in the state of the requested moment, except for ``Recollection.changes``.
        """
        left = len(asked)
        while left > 0:
            some = asked[: min(left, _SLICE)]
            if not await self._found([one for one in some if not one.is_told]):
                self.forget(asked)  # a database that is away would make every slice wait just as long
                return
            del asked[: len(some)]
            self._waiting -= len(some)
            left -= len(some)

    def forget(self, asked: list[Recollection]) -> None:
        """Give up the requests in a list, and remove them."""
        self.give_up(asked)
        self._waiting -= len(asked)
        asked.clear()

    async def _found(self, asked: Sequence[Recollection]) -> bool:
        found: dict[Recollection, Sequence[Record]] = {}
        try:
            async with asyncio.timeout(_PATIENCE):
                for entity, keyed, scopes in _by_kind(asked):
                    found |= await self._find(entity, keyed, scopes)
        except Exception as error:  # noqa: BLE001 - a missing answer must not keep changes from the store
            self._notices.say(
                logging.WARNING,
                "away",
                "the state before %(count)d events cannot be read (%(error)s); their listeners run without it",
                count=len(asked),
                error=error or "no answer",
            )
            return False
        for one in asked:  # in request order, not in the order of the keys
            if one in found:
                one.tell(found[one])
        self.give_up(asked)  # what can't be read
        self._moved = time.monotonic()
        return True

    async def _find(
        self,
        entity: AnyEntity,
        keyed: Mapping[Key, Sequence[Recollection]],
        scopes: Mapping[int | None, Sequence[Recollection]],
    ) -> Mapping[Recollection, Sequence[Record]]:
        found: dict[Recollection, Sequence[Record]] = {}
        if keyed:
            # Whether a scope covers a record may depend on when and by whom it was sent.
            page = await self._store.select(Select(entity, keys=tuple(keyed), metadata=True))
            self._note_corrupt(entity, page)
            found |= _answers(page, keyed)
        for guild_id, ones in scopes.items():
            page = await self._store.select(Select(entity, guild_id=guild_id, metadata=True))
            self._note_corrupt(entity, page)
            found |= dict.fromkeys(ones, page.records)
        return found

    def _note_corrupt(self, entity: AnyEntity, page: Page) -> None:
        for key, reason in page.corrupt:
            self._gauges.undecodable[entity.name] += 1
            self._notices.say(
                logging.ERROR,
                entity.name,
                "the stored record %(key)s of %(kind)s cannot be read: %(reason)s; `persist verify` lists all of them",
                key=key,
                kind=entity.name,
                reason=reason,
            )


_Kind = tuple[AnyEntity, Mapping[Key, list[Recollection]], Mapping[int | None, list[Recollection]]]


def _by_kind(asked: Iterable[Recollection]) -> Iterator[_Kind]:
    kinds: dict[AnyEntity, tuple[dict[Key, list[Recollection]], dict[int | None, list[Recollection]]]] = {}
    for one in asked:
        keyed, scopes = kinds.setdefault(one.entity, ({}, {}))
        if one.key is None:
            scopes.setdefault(one.guild_id, []).append(one)
        else:
            keyed.setdefault(one.key, []).append(one)
    for entity, (keyed, scopes) in kinds.items():
        yield entity, keyed, scopes


def _answers(
    page: Page, keyed: Mapping[Key, Sequence[Recollection]]
) -> Iterator[tuple[Recollection, Sequence[Record]]]:
    stored = {record.key: record for record in page.records}
    corrupt = {key for key, _ in page.corrupt}
    for key, ones in keyed.items():
        if key not in corrupt:
            for one, record in _folded(stored.get(key), ones):
                yield one, () if record is None else (record,)


def _folded(stored: Record | None, asked: Iterable[Recollection]) -> Iterator[tuple[Recollection, Record | None]]:
    """Yield the past record of one key for each request, in request order, where it can be determined."""
    known: tuple[Edit, ...] = ()
    made = stored  # after the known edits
    for one in asked:
        match one.changes:
            # In a flood, each request's edits start with all edits of the one before: don't repeat that work.
            case [Patch(edits=edits, keeps=None) as patch] if stored is not None and edits[: len(known)] == known:
                made, known = fold(made, patch._replace(edits=edits[len(known) :])), edits
                yield one, made
            case changes if not undecided(stored, changes):
                now = stored
                for change in changes:
                    now = fold(now, change)
                yield one, now
            case _:
                pass
