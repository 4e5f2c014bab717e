"""Listeners that wait for something before they receive an event, such as until it is in the database."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Awaitable, Callable, Coroutine, Sequence

import hikari

__all__ = ("Annotated", "Listener", "after", "heard_by")

E = typing.TypeVar("E", bound=hikari.Event)
Listener = Callable[[E], Coroutine[typing.Any, typing.Any, None]]


class Annotated(typing.Protocol):
    """A decorator for listeners whose first parameter's annotation names the event types. It preserves their type."""

    def __call__(self, listener: Listener[E], /) -> Listener[E]:
        """Return the listener."""
        ...


def after(
    step: Callable[[E], Awaitable[None]], listener: Callable[[E], Coroutine[typing.Any, typing.Any, None]]
) -> Callable[[E], Coroutine[typing.Any, typing.Any, None]]:
    """Return a listener that is called only after a step with the event.

    Parameters
    ----------
    step
        The step to wait for.
    listener
        The listener to call then.
    """
    if not inspect.iscoroutinefunction(listener):
        return listener  # hikari rejects it
    heard = _After(_heard, step, listener)
    return functools.update_wrapper(heard, listener)  # hikari reads the name and the annotations


class _After(functools.partial[Coroutine[typing.Any, typing.Any, None]]):
    """A listener that equals the one it calls, so that a bot can unsubscribe it by that one."""

    def __eq__(self, other: object) -> bool:
        return self is other or bool(self.args[1] == other)

    def __hash__(self) -> int:
        return hash(self.args[1])


async def _heard(
    step: Callable[[E], Awaitable[None]], listener: Callable[[E], Coroutine[typing.Any, typing.Any, None]], event: E
) -> None:
    await step(event)
    await listener(event)


def heard_by(listener: Callable[..., object], event_types: Sequence[object]) -> list[type[hikari.Event]]:
    """Return the event types that hikari registers a listener for; none if it would reject the listener.

    Parameters
    ----------
    listener
        The listener. Without ``event_types``, its annotation names the types.
    event_types
        The types that it is registered with.
    """
    if not event_types:
        try:
            parameters = inspect.signature(listener, eval_str=True).parameters.values()
        except Exception:  # noqa: BLE001 - an annotation is any code
            return []
        annotation = next((parameter.annotation for parameter in parameters), None)
        is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
        event_types = typing.get_args(annotation) if is_union else (annotation,)
    origins = (typing.get_origin(heard) or heard for heard in event_types)
    return [heard for heard in origins if isinstance(heard, type) and issubclass(heard, hikari.Event)]
