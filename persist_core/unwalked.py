"""Hides changes that wait during a flood from Python's garbage collector."""

from __future__ import annotations

import gc
import time
import typing

__all__ = ("Unwalked",)

_EACH: typing.Final = 1024
"""How many more changes must wait before they are hidden, to tell a flood from daily business."""

_YOUNG: typing.Final = 50_000
"""New objects to allow meanwhile before a collection; the default would scan most of a payload while it is read."""

_ITS_OWN: typing.Final = 5_000
"""Frozen objects that may exist without the program having frozen any: Python 3.12 keeps a few hundred of its own. A
program that freezes does so with everything, which is more than a hundred thousand objects with hikari."""

_LONGEST: typing.Final = 60.0
"""Seconds after which a flood is daily business: garbage may be hidden too, and must be found at some point."""


class Unwalked:
    """Hides waiting changes from the garbage collector, and shows what remains once a batch is written.

    The collector walks over every living object, again and again as their number grows, and a payload consists of
    dozens. In a bot that received a hundred thousand members, this took more than half of the time and stalled the
    event loop. Payloads never refer to themselves, so they don't need a collector. They are moved out of its sight
    (``gc.freeze``), along with every other living object, and are freed as usual once they are written. Meanwhile the
    collector runs less often (``gc.set_threshold``), because most new objects are about to be hidden.

    If the program has frozen objects itself, this does nothing: unfreezing ours would unfreeze the program's.

    Attributes
    ----------
    mark
        The number of waiting changes at which to call :meth:`hide`.
    """

    def __init__(self) -> None:
        self.mark: float = _EACH
        self._since: float | None = None
        self._hidden = False
        self._usual: tuple[int, int, int] | None = None

    def hide(self, waiting: int) -> None:
        """Hide every living object; ``waiting`` changes are waiting."""
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
        """Show what is hidden: a batch has been written, and ``waiting`` changes are waiting already."""
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
        # The program may have set another threshold in the meantime.
        if self._usual is not None and gc.get_threshold()[0] == _YOUNG:
            gc.set_threshold(*self._usual)
        self._usual = None
