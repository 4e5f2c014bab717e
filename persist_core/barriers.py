"""Wakes those who wait until everything received so far is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ("Barriers",)


class Barriers:
    """Wakes those who wait for a batch, once that batch and all before it are stored, or storing fails.

    Batches are counted: one takes changes until it is sealed, and is then written before the next one is sealed.
    """

    def __init__(self) -> None:
        self._sealed = self._stored = 0
        self._waiting: list[tuple[int, bool, asyncio.Future[None]]] = []

    def add(self, *, waits: bool, patient: bool) -> asyncio.Future[None] | None:
        """Return a future that ends when everything received so far is stored; ``None`` if it is already.

        Parameters
        ----------
        waits
            Whether there are changes that are in no sealed batch yet.
        patient
            Whether to go on waiting when an attempt to store them fails.
        """
        target = self._sealed + waits
        if target <= self._stored:
            return None
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((target, patient, future))
        return future

    def seal(self) -> None:
        """Note that the batch takes no more changes."""
        self._sealed += 1

    def stored(self) -> None:
        """Wake those who wait for the sealed batch: it is stored."""
        self._stored = self._sealed
        self._release(lambda target, _: target <= self._stored, None)

    def failed(self, error: Exception) -> None:
        """Tell those who are not patient that an attempt has failed."""
        self._release(lambda _, patient: not patient, error)

    def give_up(self, error: Exception) -> None:
        """Tell everyone who waits that nothing will be stored anymore."""
        self._release(lambda _target, _patient: True, error)

    def _release(self, which: Callable[[int, bool], bool], error: Exception | None) -> None:
        kept: list[tuple[int, bool, asyncio.Future[None]]] = []
        for target, patient, future in self._waiting:
            if not which(target, patient):
                kept.append((target, patient, future))
            elif not future.done():
                future.set_result(None) if error is None else future.set_exception(error)
        self._waiting = kept
