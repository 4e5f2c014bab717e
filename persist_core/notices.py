"""Logs that do not repeat themselves: a thing is told once, and its like once a minute, with how often it was."""

from __future__ import annotations

import logging
import time
import typing
from collections.abc import Hashable

__all__ = ("Notices",)

_EVERY: typing.Final = 60.0
_MOST: typing.Final = 1000


class Notices:
    """Says things to a log.

    What is said is structured too: the record has an attribute ``persist``, a mapping of the values in the message.

    Parameters
    ----------
    log
        Where they are said.
    every
        Seconds in which no two of a sort are said.
    """

    def __init__(self, log: logging.Logger, every: float = _EVERY) -> None:
        self._log = log
        self._every = every
        self._said: dict[Hashable, tuple[float, int]] = {}

    def say(self, level: int, sort: Hashable, message: str, **values: object) -> None:
        """Say something, unless its like has been said within the last minute; then it is counted.

        Parameters
        ----------
        level
            A level of :mod:`logging`.
        sort
            What it is like.
        message
            A sentence with the way out, in which ``%(name)s`` stands for a value.
        values
            The values.
        """
        now = time.monotonic()
        last, silent = self._said.get(sort, (-self._every, 0))
        if now - last < self._every:
            self._said[sort] = (last, silent + 1)
            return
        if len(self._said) >= _MOST:  # sorts may be named by others
            self._said = {each: said for each, said in self._said.items() if now - said[0] < self._every}
        self._said[sort] = (now, 0)
        more = f" ({silent:,} more like it since the last time this was said)" if silent else ""
        self._log.log(level, message + more, values, extra={"persist": values}, stacklevel=2)
