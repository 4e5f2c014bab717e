"""What the parts of the contract of stores share: the one method to write, and some helpers."""

from __future__ import annotations

import abc
import asyncio
import contextlib
import typing
from collections.abc import AsyncGenerator, Sequence

import pytest

from .changes import Change, Put
from .errors import BackendError
from .model import Entity, Key, Record
from .spi import Select, Store

__all__ = ("Contract",)


class Contract(abc.ABC):
    """The base of the contract of stores."""

    pytestmark = pytest.mark.asyncio

    lasting: bool = True
    """Whether stored data survives closing and reopening the store."""

    shared: bool = True
    """Whether several stores can use the same place at the same time."""

    @abc.abstractmethod
    def make_store(self) -> Store:
        """Return a new store that is not open yet.

        Its place must be empty at the beginning of each test; all stores of one test share one place.
        """

    @contextlib.asynccontextmanager
    async def opened(self, *records: Record) -> AsyncGenerator[Store]:
        """Yield an open store that holds some records."""
        store = self.make_store()
        await store.open()
        try:
            if records:
                await store.apply([Put(record) for record in records])
            yield store
        finally:
            await store.close()


async def found(store: Store, entity: Entity[typing.Any], **query: typing.Any) -> Sequence[Record]:
    """Return the records that a query finds."""
    return (await store.select(Select(entity, **query))).records


async def keys(store: Store, entity: Entity[typing.Any], **query: typing.Any) -> list[Key]:
    """Return the keys that a query finds."""
    return [record.key for record in await found(store, entity, want="keys", **query)]


async def one(store: Store, record: Record) -> Record | None:
    """Return the stored record with the same key, with its metadata, or ``None``."""
    records = await found(store, record.entity, keys=(record.key,), metadata=True)
    assert len(records) <= 1
    return records[0] if records else None


async def there(store: Store, record: Record) -> Record:
    """Return the stored record with the same key, which has to exist."""
    stored = await one(store, record)
    assert stored is not None, f"{record.entity.name} {record.key} is not stored"
    return stored


async def persistently(store: Store, changes: Sequence[Change]) -> None:
    """Apply changes, and retry while the store raises temporary errors."""
    for _ in range(50):
        try:
            await store.apply(changes)
        except BackendError as error:
            if not error.temporary:
                raise
            await asyncio.sleep(0.01)
        else:
            return
    pytest.fail("the store keeps raising temporary errors, but trying again does not help")
