"""The content of a database as seen without persist: the bytes of its files, and dumps of its tables."""

from __future__ import annotations

import pathlib
import typing

from hearing import Hearing

from persist.plugins import open_store
from persist.spi import Store
from persist.sql import SqlStore

__all__ = ("lying_in", "store_in")


async def lying_in(heard: Hearing) -> str:
    """Return everything stored for a cache, which is open and has been flushed."""
    if heard.url == "memory://":
        return await _dumped(store_in(heard))
    store = open_store(heard.url)
    await store.open()
    try:
        dumped = await _dumped(store)
    finally:
        await store.close()
    if not heard.url.startswith("sqlite:///"):
        return dumped
    path = pathlib.Path(heard.url.removeprefix("sqlite:///"))
    return dumped + "".join(file.read_bytes().decode("latin-1") for file in path.parent.glob(f"{path.name}*"))


def store_in(heard: Hearing) -> Store:
    """Return the store of an open cache."""
    assert heard.cache._engine is not None
    store: typing.Any = heard.cache._store
    return typing.cast("Store", store)


async def _dumped(store: Store) -> str:
    assert isinstance(store, SqlStore)
    names = [row[0] for row in await store.query(store.dialect.list_tables)]
    rows = [await store.query(f"SELECT * FROM {store.dialect.quote(name)}") for name in names]
    return "\n".join(repr(tuple(row)) for found in rows for row in found)
