"""A store whose database may be away at the start: it is opened again before changes are stored, until that works."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from .changes import Change
from .errors import BackendError, PersistError
from .spi import Page, Select, Store

__all__ = ("Patient",)


class Patient:
    """A store whose changes may wait for its database; the journal retries again and again.

    Parameters
    ----------
    store
        The actual store.
    opened
        Called each time that the store has been opened. If it raises, so does opening the store.

    Attributes
    ----------
    refused
        Called if changes have waited for a database that turns out to be unusable, such as one of another bot.
    refusal
        From then on, the reason why it is unusable.
    is_late, late
        Whether changes have waited for the database, and a function to call then before the first of them is applied.
    """

    def __init__(self, store: Store, opened: Callable[[Store], Awaitable[None]] | None = None) -> None:
        self._store = store
        self._opened = opened
        self._missing: BackendError | None = BackendError("the database has not been opened", temporary=True)
        self.refused: Callable[[PersistError], None] = lambda _: None
        self.refusal: PersistError | None = None
        self.late: Callable[[], Awaitable[None]] | None = None
        self.is_late: bool = False

    @property
    def writes_in_thread(self) -> bool:
        """Whether a thread of this process writes, which the event loop has to give way to."""
        return bool(getattr(self._store, "writes_in_thread", False))

    async def open(self) -> None:
        try:
            await self._store.open()
            try:
                if self._opened is not None:
                    await self._opened(self._store)
            except BaseException:
                await self._store.close()
                raise
        except BackendError as error:
            self._missing = error
            raise
        self._missing = None

    async def close(self) -> None:
        await self._store.close()

    async def purge(self) -> bool:
        """Remove all traces of deleted data from the files, if the store can do that. Return whether it did."""
        purge: Callable[[], Awaitable[bool]] | None = getattr(self._store, "purge", None)
        return purge is not None and await purge()

    async def apply(self, changes: Sequence[Change]) -> None:
        if self._missing is not None:
            await self._open_late()
        if self.is_late and self.late is not None:
            await self.late()
            self.is_late = False
        await self._store.apply(changes)

    async def _open_late(self) -> None:
        """Open the store for changes that wait. If that fails, they are not to blame, and keep waiting."""
        try:
            if self.refusal is None:
                await self.open()
                self.is_late = True
        except BackendError as error:
            raise BackendError(str(error), temporary=True) from error
        except PersistError as error:
            self.refusal = error
            self.refused(error)
        if self.refusal is not None:
            raise BackendError(str(self.refusal), temporary=True) from self.refusal

    async def select(self, query: Select) -> Page:
        # A query does not wait for a database that is away; it raises the reason.
        if self._missing is not None:
            raise self._missing
        return await self._store.select(query)
