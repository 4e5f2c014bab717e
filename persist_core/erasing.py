"""Erases a user or a guild: everything, wherever it is stored, in steps that are ordinary changes."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import datetime
import logging
import typing
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence

from .changes import Amend, Change, DropScope, Patch, forgetting
from .columns import instant, moment
from .conditions import Condition, Conditional, Within
from .edits import Omit, Part, Scrub
from .entities import (
    CHANNELS,
    COMPLETENESS,
    DM_CHANNELS,
    ENTITIES,
    ERASURE_KEYS,
    GUILDS,
    MEMBERS,
    MESSAGES,
    ROLES,
    SHARDS,
    SUPPRESSIONS,
    THREADS,
    USERS,
)
from .errors import BackendError, PersistError, QueryError
from .gauges import Gauges
from .journal import Journal, Limits
from .model import Entity, Key, Origin, Record
from .quarantine import Quarantine
from .receipts import Receipt
from .scrubbing import Erased, scrubbed
from .spi import Page, Select, Store
from .suppression import STAND_INS, Suppressions, What, hashed, is_own

__all__ = ("Eraser", "Meant", "alone", "pages")

_LOG = logging.getLogger("persist.erasing")
_PAGE: typing.Final = 200
_LEARNED: typing.Final = datetime.timedelta(minutes=10)
"""The time after an erasure by which every writer has learned of it, and has deleted what arrived in between."""

_OURS: typing.Final = (ERASURE_KEYS, SUPPRESSIONS)
"""Kinds that name nobody."""

_OTHERS: typing.Final[Mapping[What, Sequence[Entity[typing.Any]]]] = {
    "user": (GUILDS, CHANNELS, THREADS, ROLES, MESSAGES),
    "guild": (USERS, CHANNELS, THREADS, MESSAGES),
}
"""Kinds whose IDs are never a user's, or a guild's. The role of all members has the ID of its guild."""

Meant = Callable[[str, int], bool]


class Eraser:
    """Erases data from one open database, and keeps it from coming back.

    Parameters
    ----------
    store, journal
        Where to read, and where changes go.
    suppressions
        The list of those who must not come back.
    quarantine, gauges
        They may name people, too; and the counters.
    """

    def __init__(
        self, store: Store, journal: Journal, suppressions: Suppressions, quarantine: Quarantine, gauges: Gauges
    ) -> None:
        self._store = store
        self._journal = journal
        self._suppressions = suppressions
        self._quarantine = quarantine
        self._gauges = gauges
        self._at_work = asyncio.Lock()
        self.forgotten: Callable[[Meant, Erased], object] = lambda _meant, _stand_in: None
        """Called with those to forget, so that whatever is known of them outside the store goes, too."""

    @property
    def _origin(self) -> Origin:
        return Origin("erasure", None, 0, self._journal.at)

    async def erase(self, what: What, snowflake: int) -> Receipt:
        """Erase a user or a guild, and return the proof.

        Raises
        ------
        persist.QueryError
            If the ID is a known ID of something else: every mention of that would get a placeholder.
        persist.BackendError
            If the database fails. What is left does not grow; erase again to continue.
        """
        async with self._at_work:
            await self._check(what, snowflake)
            return await self._erase(what, snowflake, _now())

    async def _check(self, what: What, snowflake: int) -> None:
        await self._journal.barrier()
        for entity in _OTHERS[what]:
            if (await self._store.select(Select(entity, keys=((snowflake,),), want="keys"))).records:
                msg = f"{snowflake} is the id of one of the {entity.name}, not of a {what}; nothing was erased"
                raise QueryError(msg)

    async def _erase(self, what: What, snowflake: int, began: datetime.datetime) -> Receipt:
        await self._suppressions.load(self._store.select)
        key_id = await self._key()
        secret = self._suppressions.keys[key_id]
        subject = hashed(secret, what, snowflake)
        # From here on, no new data is accepted; earlier data is stored first, and then found.
        self._suppress(what, subject, key_id, began, done=False)
        meant: set[tuple[str, int]] = {(what, snowflake)}
        if what == "user":
            found = await self._conversations(snowflake, key_id, subject, began)
            meant |= {("conversation", channel) for channel in found}
            await self._unforward(snowflake)
        stand_ins = {str(snowflake): STAND_INS[what]}
        erased, anonymised = await self.clear(lambda *asked: asked in meant, stand_ins.get, stand_ins)
        if what == "user":  # even if a record is unreadable, its columns show whose it is
            self._journal.accept(
                [
                    DropScope(entity, None, (Condition(name, "equals", snowflake),))
                    for entity in ENTITIES.values()
                    for name in entity.persons
                ]
            )
        self._suppress(what, subject, key_id, began, done=True)
        await self._journal.barrier()
        self._journal.forget_memory()  # it may hold objects of rows that are gone
        purged = await self._purged()
        return Receipt(what, subject, key_id, began, _now(), erased, anonymised, purged).signed(secret)

    async def _key(self) -> str:
        """Return the key to hash with. If several processes create one at the same time, all of those count."""
        if not self._suppressions.keys:
            name, change = self._suppressions.new_key(self._origin)
            self._journal.accept([change])
            await self._journal.barrier()
            return name
        return min(self._suppressions.keys)

    def _suppress(
        self,
        what: str,
        name: str,
        key_id: str,
        began: datetime.datetime,
        *,
        done: bool,
        with_hash: str | None = None,
    ) -> None:
        entry = {"hash": name, "key_id": key_id, "kind": what, "with_hash": with_hash, "done": done}
        self._journal.accept([self._suppressions.add({**entry, "created_at": moment(began)}, self._origin)])

    async def _conversations(self, user: int, key_id: str, subject: str, began: datetime.datetime) -> set[int]:
        """Return the channels of direct conversations with a user, and suppress what the bot writes in them."""
        await self._journal.barrier()
        found: set[int] = set()
        async for page in pages(self._store, DM_CHANNELS):
            for record in page.records:
                if record.column("recipient_id") == user:
                    found.add(int(record.key[0]))
        secret = self._suppressions.keys[key_id]
        for channel in found:
            name = hashed(secret, "conversation", channel)
            self._suppress("conversation", name, key_id, began, done=True, with_hash=subject)
        return found

    async def _unforward(self, user: int) -> None:
        """Remove a user's words from the messages that forward them, which do not say who wrote them."""
        written = Within(("referenced_message_id",), MESSAGES, (Condition("author_id", "equals", user),))
        async for page in pages(self._store, MESSAGES, written, metadata=True):
            copies = (Omit(("message_snapshots", "referenced_message")),)
            self._journal.accept([Patch(MESSAGES, r.key, r.guild_id, copies, r.origin) for r in page.records])

    async def forgive(self, what: What, snowflake: int) -> bool:
        """Allow a user or a guild to be stored again. Return whether it was suppressed."""
        await self._suppressions.load(self._store.select)
        names = set(self._suppressions.hashes_of(what, snowflake))
        listed = (await self._store.select(Select(SUPPRESSIONS))).records
        gone = [str(record.key[0]) for record in listed if names & {record.key[0], record.payload.get("with_hash")}]
        self._journal.catch_up()  # data received earlier is not stored
        self._journal.accept(self._suppressions.lift(gone))
        if gone:  # the members of an erased guild are not known there anymore
            known = (Condition("kind", "equals", MEMBERS.name), Condition("state", "equals", "complete"))
            partial = (Part({"state": "partial", "epoch": 0}),)
            self._journal.accept([Amend(COMPLETENESS, None, known, partial, self._origin)])
        await self._journal.barrier()
        return bool(gone)

    async def verify(self, receipt: Receipt) -> bool:
        """Return whether a receipt is one of this database."""
        await self._suppressions.load(self._store.select)
        key = self._suppressions.keys.get(receipt.key_id)
        return key is not None and receipt.verify(key)

    async def begin(self) -> None:
        """Learn whom other processes have erased, and for whom they may have written something since.

        Writers learn of an erasure within half a minute. But they may have stopped before that, or while deleting.

        Raises
        ------
        persist.BackendError
            If the database cannot be read.
        """
        ends = (await self._store.select(Select(SHARDS, metadata=True))).records
        listed = await self._suppressions.load(self._store.select)
        self._suppressions.doubt(
            entry for entry in listed if any(_is_close(entry["created_at"], shard.origin.at) for shard in ends)
        )

    async def catch_up(self) -> None:
        """Learn whom other processes have erased; erase what arrived since, or what interrupted erasures left.

        Raises
        ------
        persist.BackendError
            If the database cannot be read, or fails in between.
        """
        async with self._at_work:
            await self._catch_up()

    async def _catch_up(self) -> None:
        suppressions = self._suppressions
        if not (news := await suppressions.load(self._store.select)):
            return
        self._journal.forget_memory()  # other processes have deleted data that it holds
        found: dict[str, str] = {}

        def stand_in(snowflake: str) -> str | None:
            if (stands := suppressions.stand_in(snowflake)) is not None:
                found[snowflake] = stands
            return stands

        await self.clear(suppressions.holds, stand_in, found)
        for entry in news:
            if not entry.get("done"):
                self._journal.accept([suppressions.add({**entry, "done": True}, self._origin)])
        await self._purged()

    # ------------------------------------------------------------------------------------------------------- the steps

    async def clear(
        self, meant: Meant, stand_in: Erased, stand_ins: Mapping[str, str]
    ) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """Erase data, page by page, and return how many records were deleted and how many were changed, by kind.

        Parameters
        ----------
        meant
            Returns whether an object is to be erased completely.
        stand_in
            Returns the placeholder for an ID that other records mention.
        stand_ins
            All IDs that have a placeholder.
        """
        self._quarantine.forget(stand_in)
        self.forgotten(meant, stand_in)
        await self._journal.barrier()
        refused = self._gauges.quarantined.total()
        erased, anonymised = collections.Counter[str](), collections.Counter[str]()
        # Dependent records come first: they are found, and counted, while they still exist.
        for entity in reversed([entity for entity in ENTITIES.values() if entity not in _OURS]):
            async for page in pages(self._store, entity, metadata=True):
                own, named = _sorted(page.records, meant, stand_in)
                changes: list[Change] = list(forgetting(entity, own))
                edits = (Scrub(tuple(sorted(stand_ins.items()))),)
                # The source and time of the record stay the same.
                changes += [Patch(entity, record.key, record.guild_id, edits, record.origin) for record in named]
                if changes:
                    self._journal.accept(changes)
                    await self._journal.barrier()
                erased[entity.name] += len(own)
                anonymised[entity.name] += len(named)
        if (refused := self._gauges.quarantined.total() - refused) > 0:
            msg = f"{refused:,} changes failed meanwhile, see cache.quarantine and the log; erase once more"
            raise PersistError(msg)
        self._gauges.erased += erased
        return +erased, +anonymised

    async def _purged(self) -> bool:
        purge = getattr(self._store, "purge", None)
        try:
            return bool(purge is not None and await purge())
        except BackendError as error:
            _LOG.warning("erased data is deleted, but may still be in unused space of the files: %s", error)
            return False


@contextlib.asynccontextmanager
async def alone(store: Store) -> AsyncGenerator[Eraser]:
    """Yield an eraser for an open store, where no cache is running in this process."""
    gauges = Gauges()
    quarantine = Quarantine(gauges)
    journal = Journal(store, Limits(), gauges, quarantine, tuple)
    writer = asyncio.create_task(journal.run(), name="persist writer")
    try:
        yield Eraser(store, journal, Suppressions(gauges), quarantine, gauges)
    finally:
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writer


async def pages(
    store: Store, entity: Entity[typing.Any], *where: Conditional, metadata: bool = False
) -> AsyncIterator[Page]:
    """Yield all records of a kind in a store, in key order, even if they change in between."""
    after: tuple[typing.Any, ...] | None = None
    while True:
        page = await store.select(Select(entity, where=where, after=after, limit=_PAGE, metadata=metadata))
        for key, reason in page.corrupt:
            _LOG.error("%s %s cannot be read, so it is unknown whom it names: %s", entity.name, key, reason)
        yield page
        if (after := page.after) is None:
            return


def _is_close(erased: str, at: str) -> bool:
    """Return whether the last writer at a moment may have missed an erasure, or not deleted everything before it."""
    return abs(instant(erased) - instant(at)) <= _LEARNED


def _sorted(records: Iterable[Record], meant: Meant, stand_in: Erased) -> tuple[list[Key], list[Record]]:
    """Return the keys to delete, and the other records that mention somebody."""
    own: list[Key] = []
    named: list[Record] = []
    for record in records:
        if is_own(record.entity, record.key, record.guild_id, record.payload, meant):
            own.append(record.key)
        elif scrubbed(record.payload, stand_in) is not record.payload:
            named.append(record)
    return own, named


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
