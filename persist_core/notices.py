"""Logging without repetition: messages of one sort are logged at most once a minute, with a count of the rest."""

from __future__ import annotations

import logging
import time
import typing
from collections.abc import Hashable

__all__ = ("Notices",)

_EVERY: typing.Final = 60.0
_MOST: typing.Final = 1000


class Notices:
    """A logger that limits how often it repeats messages of one sort.

    Log records are structured too: each has an attribute ``persist``, a mapping of the values in the message.

    Parameters
    ----------
    log
        The logger to use.
    every
        The seconds between two messages of one sort.
    """

    def __init__(self, log: logging.Logger, every: float = _EVERY) -> None:
        self._log = log
        self._every = every
        self._said: dict[Hashable, tuple[float, int]] = {}

    def say(self, level: int, sort: Hashable, message: str, **values: object) -> None:
        """Log a message, or only count it if one of its sort was logged within the last minute.

        Parameters
        ----------
        level
            A level of :mod:`logging`.
        sort
            The sort of message.
        message
            A sentence with the way out, with ``%(name)s`` for a value.
        values
            The values.
        """
        now = time.monotonic()
        last, silent = self._said.get(sort, (-self._every, 0))
        if now - last < self._every:
            self._said[sort] = (last, silent + 1)
            return
        if len(self._said) >= _MOST:  # sorts may come from outside
            self._said = {each: said for each, said in self._said.items() if now - said[0] < self._every}
        self._said[sort] = (now, 0)
        more = f" ({silent:,} more like it since this was last logged)" if silent else ""
        self._log.log(level, message + more, values, extra={"persist": values}, stacklevel=2)
