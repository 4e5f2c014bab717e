"""Listeners that wait for something before they hear an event, such as until it is in the database."""

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
    """What makes a listener of a function whose first parameter says for which events, and leaves its type as it is."""

    def __call__(self, listener: Listener[E], /) -> Listener[E]:
        """Return the listener."""
        ...


def after(
    step: Callable[[E], Awaitable[None]], listener: Callable[[E], Coroutine[typing.Any, typing.Any, None]]
) -> Callable[[E], Coroutine[typing.Any, typing.Any, None]]:
    """Return a listener that takes a step with an event before it hears it.

    Parameters
    ----------
    step
        What to wait for.
    listener
        What to call then.
    """
    if not inspect.iscoroutinefunction(listener):
        return listener  # for hikari to refuse
    heard = _After(_heard, step, listener)
    return functools.update_wrapper(heard, listener)  # hikari reads the name and the annotations


class _After(functools.partial[Coroutine[typing.Any, typing.Any, None]]):
    """A listener that is taken for the one that it calls: by that one, a bot finds it, and unsubscribes it."""

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
    """Return the types of events that a listener is registered for, as hikari finds them; none where it would refuse.

    Parameters
    ----------
    listener
        The listener, whose annotation tells where nothing else does.
    event_types
        The types that are named with it.
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
