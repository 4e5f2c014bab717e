"""What tests can inspect: counters and logs, and a way to wait for them to change."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import time
import typing

from .payloads import Payload

_POLL_SECONDS: typing.Final = 0.05


class Observer:
    """Counts what clients did and what was sent to them.

    Attributes
    ----------
    identifies, resumes_ok, resumes_failed
        How often a client identified, resumed, and failed to resume.
    close_codes
        The close code of each gateway connection that ended, or None for a TCP reset.
    opcodes
        Each gateway payload that a client sent, as (opcode, data).
    rest_requests
        Each REST request, as (method, path).
    rest_log
        The same, counted by "METHOD /path/{id}".
    emitted
        How often each event happened.
    interactions_inbox
        The bot's replies to interactions, oldest first.
    """

    def __init__(self) -> None:
        self.identifies = 0
        self.resumes_ok = 0
        self.resumes_failed = 0
        self.close_codes: list[int | None] = []
        self.opcodes: list[tuple[int, typing.Any]] = []
        self.rest_requests: list[tuple[str, str]] = []
        self.rest_log: collections.Counter[str] = collections.Counter()
        self.emitted: collections.Counter[str] = collections.Counter()
        self.interactions_inbox: asyncio.Queue[Payload] = asyncio.Queue()
        self._changed = asyncio.Event()

    def notify(self) -> None:
        """Make every `wait_until` check again."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def wait_until(self, predicate: typing.Callable[[], bool], timeout: float = 10.0) -> None:
        """Wait until a condition holds.

        It is checked after each gateway or REST action, and every 50 ms for conditions outside the simulator.

        Raises
        ------
        TimeoutError
            If it does not hold within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while not predicate():
            if time.monotonic() > deadline:
                raise TimeoutError(f"The condition did not hold within {timeout} s.")
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._changed.wait(), _POLL_SECONDS)
