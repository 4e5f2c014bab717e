"""Rewrites everything in a database in the form in which it should be stored: with another key, encrypted, or not.

This goes kind by kind in key order, in small transactions, while others read and write. Records that already have this
form stay untouched, and of the others only the form changes, not the metadata. After an interruption it checks
everything again, and most of it is already done.
"""

from __future__ import annotations

import asyncio
import functools
import typing
from collections.abc import Callable, Mapping, Sequence

import orjson

from . import migrations, notes, paging, texts
from .codec import Codec
from .dialect import Dialect, converted
from .entities import ENTITIES
from .errors import BackendError, CorruptRecordError
from .model import Entity, Key
from .schema import Storage
from .sealing import Sealing, Turn
from .spelling import Speller
from .spi import Driver, Order, Row, Transaction

__all__ = ("Rekeyed", "Seen", "rekey")

_SLICE: typing.Final = 250
_ROUNDS: typing.Final = 8
_ATTEMPTS: typing.Final = 8

AnyEntity = Entity[typing.Any]
Seen = Callable[[str, int, int], None]
"""Called with a kind, how many more of its records have been processed, and how many there are of all kinds."""


class Rekeyed(typing.NamedTuple):
    """The result of rewriting."""

    rewritten: int
    unreadable: int
    """How many records cannot be read, at least with these keys. They stay as they are."""

    hides: bool
    """Whether plain data has been encrypted."""


async def rekey(dialect: Dialect, driver: Driver, sealing: Sealing, seen: Seen, *, decrypt: bool = False) -> Rekeyed:
    """Rewrite everything in the form in which it should be stored. The driver is open.

    Parameters
    ----------
    dialect, driver
        The database.
    sealing
        How payloads should be stored.
    seen
        Called with the progress.
    decrypt
        Whether to remove the encryption.

    Raises
    ------
    persist.SchemaError
        If the database cannot be read with these keys.
    persist.BackendError
        If another process keeps writing with the old settings.
    """
    turn = await _noted(dialect, driver, sealing, decrypt=decrypt, done=False)
    work = _Work(dialect, driver, turn.codec, seen)
    for _ in range(_ROUNDS):
        before = work.rewritten
        await work.through()
        if work.rewritten == before:  # everything was checked, and nothing had to be rewritten
            await _noted(dialect, driver, sealing, decrypt=decrypt, done=True)
            return Rekeyed(work.rewritten, work.unreadable, turn.hides)
    msg = (
        f"a process keeps writing to {driver!r} with the old settings; start every bot with the new ones, and try again"
    )
    raise BackendError(msg)


async def _noted(dialect: Dialect, driver: Driver, sealing: Sealing, *, decrypt: bool, done: bool) -> Turn:
    def way(meta: Mapping[str, str]) -> tuple[Turn, Mapping[str, str]]:
        turn = sealing.turn(dialect, meta, repr(driver), decrypt=decrypt)
        return turn, turn.after if done else turn.during

    async with driver.transaction() as transaction, notes.locked(dialect, driver, transaction):
        migrator = migrations.Migrator(dialect, transaction, repr(driver), None)
        turn = await migrator.turn(way)
        await texts.arrange(migrator, None, turn.codec)  # no search index may hold encrypted texts in plain
        return turn


class _Work:
    """Goes through all records."""

    def __init__(self, dialect: Dialect, driver: Driver, codec: Codec, seen: Seen) -> None:
        self._dialect = dialect
        self._driver = driver
        self._codec = codec
        self._seen = seen
        self._total = 0
        self.rewritten = 0
        self.unreadable = 0

    async def through(self) -> None:
        """Rewrite all records that need it."""
        self.unreadable = 0
        for name in ENTITIES:
            rows = await self._driver.fetch(f"SELECT COUNT(*) FROM {self._dialect.quote(name)}")
            self._total += int(rows[0][0])
        for entity in ENTITIES.values():
            after: Key | None = None
            while True:
                keys, unreadable = await self._persistently(functools.partial(self._slice, entity, after))
                self.unreadable += unreadable
                self._seen(entity.name, len(keys), self._total)
                if len(keys) < _SLICE:
                    break
                after = keys[-1]

    async def _persistently(self, step: Callable[[], typing.Awaitable[tuple[list[Key], int]]]) -> tuple[list[Key], int]:
        for attempt in range(_ATTEMPTS):
            try:
                return await step()
            except self._driver.errors as error:
                if not self._driver.temporary(error) or attempt == _ATTEMPTS - 1:
                    raise
                await asyncio.sleep(0.1 * 2**attempt)
        raise AssertionError

    async def _slice(self, entity: AnyEntity, after: Key | None) -> tuple[list[Key], int]:
        """Rewrite the next records, and return their keys, and how many of them cannot be read."""
        unreadable = rewritten = 0
        async with self._driver.transaction() as transaction:
            rows = await self._next(transaction, entity, after)
            width = len(entity.key)
            for row in rows:
                key = tuple(row[:width])
                try:
                    wanted = self._wanted(entity, key, row[width])
                except CorruptRecordError:
                    unreadable += 1
                    continue
                if list(wanted.values()) != list(row[width:]):
                    await self._write(transaction, entity, key, wanted)
                    rewritten += 1
        self.rewritten += rewritten
        return [tuple(row[:width]) for row in rows], unreadable

    async def _next(self, transaction: Transaction, entity: AnyEntity, after: Key | None) -> Sequence[Row]:
        dialect, speller = self._dialect, Speller(self._dialect)
        order = [Order(name) for name in entity.key]
        where = f" WHERE {paging.after(speller, entity, order, after)}" if after is not None else ""
        kinds: dict[str, Storage] = {**entity.key, **_held(entity)}
        columns = ", ".join(dialect.load.get(kind, "{}").format(dialect.quote(name)) for name, kind in kinds.items())
        by = ", ".join(map(dialect.quote, entity.key))
        sql = f"SELECT {columns} FROM {dialect.quote(entity.name)}{where} ORDER BY {by} LIMIT {_SLICE}"
        rows = await transaction.fetch(sql + dialect.lock_rows, speller.params)
        return converted(dialect, tuple(kinds.values()), rows)

    def _wanted(self, entity: AnyEntity, key: Key, stored: bytes | str) -> dict[str, typing.Any]:
        """Return the values that the columns of a record should have."""
        document = self._codec.opened(entity.name, key, stored)
        wanted: dict[str, typing.Any] = {"payload": self._codec.sealed(entity.name, key, document.decode())}
        for name, conceal in self._codec.concealed(entity).items():
            text = _text(entity, name, document)
            wanted[name] = text if text is None or conceal is None else conceal(text)
        return wanted

    async def _write(
        self, transaction: Transaction, entity: AnyEntity, key: Key, wanted: dict[str, typing.Any]
    ) -> None:
        dialect, speller, kinds = self._dialect, Speller(self._dialect), _held(entity)
        changes = ", ".join(
            f"{dialect.quote(name)} = {speller.value(kinds[name], value)}" for name, value in wanted.items()
        )
        where = speller.keys(entity, (key,))
        await transaction.execute(f"UPDATE {dialect.quote(entity.name)} SET {changes} WHERE {where}", speller.params)


def _held(entity: AnyEntity) -> dict[str, Storage]:
    kinds: dict[str, Storage] = {"payload": "document"}
    kinds.update((name, column.kind) for name, column in entity.columns.items() if column.kind == "text")
    return kinds


def _text(entity: AnyEntity, column: str, document: bytes) -> str | None:
    try:
        return typing.cast("str | None", entity.columns[column].read(orjson.loads(document)))
    except (AttributeError, LookupError, TypeError, ValueError):
        return None  # a value that cannot be read cannot be searched for
