"""A store without a bot or a cache around it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from persist import Encryption
from persist.locations import store_of
from persist.sql import SqlStore

__all__ = ("opened",)


@contextlib.asynccontextmanager
async def opened(url: str, encryption: Encryption | None = None) -> AsyncIterator[SqlStore]:
    """Open the store of a URL, encrypted or not, and close it when the block ends."""
    store = store_of(url, encryption)
    assert isinstance(store, SqlStore)
    await store.open()
    try:
        yield store
    finally:
        await store.close()
