"""What waits to be written in a flood, kept out of the sight of Python's garbage collector."""

from __future__ import annotations

import gc
import time
import typing

__all__ = ("Unwalked",)

_EACH: typing.Final = 1024
"""How many more changes have to wait before they are hidden: there are floods, and there is daily life."""

_YOUNG: typing.Final = 50_000
"""How many new objects the collector waits for meanwhile; else it goes through most of a payload while that is read."""

_ITS_OWN: typing.Final = 5_000
"""How many objects may be frozen without a program having frozen any: Python 3.12 keeps a few hundred of its own there,
and a program freezes all that it has, which is more than a hundred thousand with hikari."""

_LONGEST: typing.Final = 60.0
"""Seconds after which a flood is daily life: what is hidden with it may be garbage, which has to be found some time."""


class Unwalked:
    """Hides what waits from the garbage collector, and shows what is left of it once a batch is written.

    The collector walks over every object that stays, again and again as they become more, and a payload is dozens of
    them: that took more than half of the time of a bot that heard a hundred thousand members, and stalled its loop.
    Payloads need no collector, as they never refer to themselves. So they are moved to where it does not look
    (``gc.freeze``) with everything else that is alive; they are freed as always when they are written. Meanwhile the
    collector begins later (``gc.set_threshold``), as most of what is new is about to be hidden.

    Where a program has frozen objects itself, nothing is done: to show ours would be to show its own.

    Attributes
    ----------
    mark
        From how many changes that wait on :meth:`hide` is to be called.
    """

    def __init__(self) -> None:
        self.mark: float = _EACH
        self._since: float | None = None
        self._hidden = False
        self._usual: tuple[int, int, int] | None = None

    def hide(self, waiting: int) -> None:
        """Hide everything that is alive: so many changes wait."""
        now = time.monotonic()
        if not self._hidden and gc.get_freeze_count() > _ITS_OWN:
            self.mark = float("inf")
            return
        if self._since is None:
            self._since = now
        self.mark = waiting + _EACH
        if now - self._since < _LONGEST:
            gc.freeze()
            self._hidden = True
            self._begin_later()

    def show(self, waiting: int) -> None:
        """Show what is hidden: a batch has been written, and so many changes wait already."""
        if self._hidden:
            gc.unfreeze()
            self._hidden = False
            self._begin_as_usual()
        if self.mark != float("inf"):
            self.mark = _EACH
        if waiting < _EACH:
            self._since = None

    def _begin_later(self) -> None:
        usual = gc.get_threshold()
        if self._usual is None and 0 < usual[0] < _YOUNG:
            self._usual = usual
            gc.set_threshold(_YOUNG, *usual[1:])

    def _begin_as_usual(self) -> None:
        # A program may have chosen others meanwhile.
        if self._usual is not None and gc.get_threshold()[0] == _YOUNG:
            gc.set_threshold(*self._usual)
        self._usual = None
