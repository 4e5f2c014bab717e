"""For bots written with lightbulb: ``await client.load_extensions("persist.integrations.lightbulb")``.

Commands, hooks, error handlers, autocomplete, tasks and ``@loader.listener`` can then inject `persist.Cache` and its
views, such as `persist.Members`, with a type annotation.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import typing
from collections.abc import Callable, Coroutine

import hikari

from persist.cache import Cache
from persist.errors import MissingDriverError

try:
    import lightbulb
    import linkd
except ModuleNotFoundError as _error:
    raise MissingDriverError("hikari-lightbulb", "lightbulb") from _error

from . import lightbulb_converters as converters
from . import lightbulb_hooks as hooks
from .offered import offered, resolved

__all__ = ("converters", "hooks", "injected", "install", "loader")

E = typing.TypeVar("E", bound=hikari.Event)
Listener = Callable[[E], Coroutine[typing.Any, typing.Any, None]]
InjectedListener = Callable[typing.Concatenate[E, ...], Coroutine[typing.Any, typing.Any, None]]

_CLOSING_POLL: typing.Final = 0.05


def install(client: lightbulb.Client, cache: Cache | None = None) -> Cache:
    """Let a client inject a cache and its views. Calling this again with the same cache changes nothing.

    Parameters
    ----------
    client
        The client. Preferably before it has handled anything, but later works too.
    cache
        The cache. By default the one attached to the client's bot; else a new one on the URL in the environment
        variable ``PERSIST_URL``, or on ``sqlite:///persist.db``.

    Returns
    -------
    persist.Cache
        The cache.

    Raises
    ------
    persist.PersistError
        If there is no cache and none can be attached to the client's bot.
    """
    cache = resolved(client.app, cache)
    _register(client, cache)
    return cache


def injected(client: lightbulb.Client) -> Callable[[InjectedListener[E]], Listener[E]]:
    """Inject the cache into a listener of hikari's own; goes below ``@bot.listen()``.

    Parameters
    ----------
    client
        The client that injects.

    Examples
    --------
    ::

        @bot.listen()
        @persist.integrations.lightbulb.injected(client)
        async def on_message(event: hikari.MessageCreateEvent, members: persist.Members) -> None: ...
    """

    def decorate(listener: InjectedListener[E]) -> Listener[E]:
        inject = client.di.contextual(lightbulb.di.Contexts.DEFAULT)
        call = inject(lightbulb.di.with_di(listener))

        @functools.wraps(listener)
        async def heard(event: E) -> None:
            await call(event)

        # hikari reads the type of the event from here, and rejects a second parameter.
        heard.__signature__ = _of_event(listener)  # type: ignore[attr-defined]
        return heard

    return decorate


def _of_event(listener: Callable[..., object]) -> inspect.Signature:
    try:
        signature = inspect.signature(listener, eval_str=True)
    except NameError:  # an annotation exists for type checkers only; the event types are arguments then
        signature = inspect.signature(listener)
    return signature.replace(parameters=list(signature.parameters.values())[:1])


def _register(client: lightbulb.Client, cache: Cache, closing: linkd.Container | None = None) -> None:
    registry = client.di.registry_for(lightbulb.di.Contexts.DEFAULT)
    # No teardown of the cache itself: it belongs to the bot, which outlives the client.
    try:
        for kind, value in offered(cache).items():
            registry.register_value(kind, value)
    except linkd.RegistryFrozenException:
        # The registry freezes at the first injection. Its container accepts more, but only until the client stops.
        container = client.di.default_container
        if container is None:
            raise
        again = functools.partial(_register, client, cache, container)
        if container is closing:
            asyncio.get_running_loop().call_later(_CLOSING_POLL, again)
            return
        for kind, value in offered(cache).items():
            container.add_value(kind, value)
        container.add_value(_Late, _Late(again), teardown=_Late.end)


class _Late:
    """Registers the cache again when the container that holds this is torn down."""

    def __init__(self, again: Callable[[], None]) -> None:
        self._again = again

    def end(self) -> None:
        asyncio.get_running_loop().call_soon(self._again)


class _Loadable(lightbulb.Loadable):
    async def load(self, client: lightbulb.Client) -> None:
        if Cache in client.di.registry_for(lightbulb.di.Contexts.DEFAULT):
            return  # it was installed explicitly, and opens with the bot
        cache = install(client)
        if getattr(client.app, "is_alive", False):
            # lightbulb loads while the bot starts, and waits for this: no event arrives before the cache is open.
            await cache.start()

    async def unload(self, client: lightbulb.Client) -> None:
        """Do nothing: the cache belongs to the bot, and lightbulb cannot unregister a dependency."""


loader: lightbulb.Loader = lightbulb.Loader()
loader.add(_Loadable())
