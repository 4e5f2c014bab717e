"""A store without a bot or a cache around it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from persist.plugins import open_store
from persist.sql import SqlStore

__all__ = ("opened",)


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[SqlStore]:
    """Open the store of a URL, and close it when the block ends."""
    store = open_store(url)
    assert isinstance(store, SqlStore)
    await store.open()
    try:
        yield store
    finally:
        await store.close()
