"""Reads the gateway more slowly while more arrives than the database can take, because memory is limited.

Meanwhile, events wait at their source: in the buffers of this machine, and at Discord.
"""

from __future__ import annotations

import asyncio
import logging
import typing
from collections.abc import Callable, Iterator

import hikari

from .gauges import Gauges
from .notices import Notices

__all__ = ("Backpressure",)

_LOG = logging.getLogger("persist.backpressure")
_POLL: typing.Final = 0.02
_MOST: typing.Final = 20.0
"""The most seconds per minute without reading. Heartbeat acknowledgements wait, too, and a shard that has none when it
sends the next heartbeat, after 41 seconds, considers its connection dead."""

_WINDOW: typing.Final = 60.0


class Backpressure:
    """Stops reading from the gateway while too much is waiting, but never for long.

    Parameters
    ----------
    bot
        The bot whose gateway to slow down.
    is_too_much
        Returns whether it is still too much.
    gauges
        The counter for the time without reading.
    """

    def __init__(self, bot: hikari.GatewayBotAware, is_too_much: Callable[[], bool], gauges: Gauges) -> None:
        self._bot = bot
        self._is_too_much = is_too_much
        self._gauges = gauges
        self._notices = Notices(_LOG)
        self._window = self._began = float("-inf")
        self._spent = 0.0
        self._paused: list[_Reading] = []
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Stop reading, unless it has stopped already or has been stopped for long enough."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._window > _WINDOW:
            self._window, self._spent = loop.time(), 0.0
        if self._timer is not None or self._spent >= _MOST:
            return
        self._paused = list(self._connections())
        for connection in self._paused:
            connection.pause_reading()
        if self._paused:
            self._notices.say(
                logging.INFO,
                "slowly",
                "more changes than the cache's limit are waiting for the database, so the gateway is read more slowly; "
                "it was paused for %(spent).1f s of this minute so far",
                spent=self._spent,
            )
            self._began = loop.time()
            self._timer = loop.call_later(_POLL, self._look)

    def end(self) -> None:
        """Resume reading. If nothing was stopped, this is a no-op."""
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        seconds = asyncio.get_running_loop().time() - self._began
        self._spent += seconds
        self._gauges.held_back += seconds
        for connection in self._paused:
            connection.resume_reading()
        self._paused = []

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        if self._is_too_much() and self._spent + loop.time() - self._began < _MOST:
            self._timer = loop.call_later(_POLL, self._look)
        else:
            self.end()

    def _connections(self) -> Iterator[_Reading]:
        for shard in self._bot.shards.values():
            found: object = shard
            # hikari has no public name for them. If they are not found, nothing is slowed down.
            for name in ("_ws", "_ws", "_response", "connection", "transport"):
                found = getattr(found, name, None)
            if hasattr(found, "pause_reading"):
                yield typing.cast("_Reading", found)


class _Reading(typing.Protocol):
    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...
