"""Listeners that hear an event only when it is in the database."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Awaitable, Callable, Coroutine

import hikari

__all__ = ("confirmed",)

E = typing.TypeVar("E", bound=hikari.Event)


def confirmed(
    listener: Callable[[E], Coroutine[typing.Any, typing.Any, None]], flush: Callable[[], Awaitable[None]]
) -> Callable[[E], Coroutine[typing.Any, typing.Any, None]]:
    """Return a listener that waits until what the gateway said is stored.

    Parameters
    ----------
    listener
        What to call then.
    flush
        What to wait for.
    """
    if not inspect.iscoroutinefunction(listener):
        return listener  # for hikari to refuse

    @functools.wraps(listener)  # hikari reads the name and the annotations
    async def heard(event: E) -> None:
        if isinstance(event, hikari.ShardEvent):  # nothing else changes what is stored, nor finds the cache always open
            await flush()
        await listener(event)

    return heard
