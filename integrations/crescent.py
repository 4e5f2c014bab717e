"""For bots written with crescent: ``client.plugins.load("persist.integrations.crescent")``.

Crescent injects nothing; `get` returns the cache wherever there is a context, a plugin, a client or an event.
"""

from __future__ import annotations

import typing

import hikari

from persist.cache import Cache
from persist.errors import MissingDriverError

try:
    import crescent
except ModuleNotFoundError as _error:
    raise MissingDriverError("hikari-crescent", "crescent") from _error

from . import crescent_converters as converters
from . import crescent_hooks as hooks
from .crescent_caches import CACHES, get
from .offered import resolved

__all__ = ("converters", "get", "hooks", "install", "plugin")

plugin: crescent.Plugin[hikari.GatewayBotAware, typing.Any] = crescent.Plugin()


def install(client: crescent.Client, cache: Cache | None = None) -> Cache:
    """Give a client a cache. Doing so again changes nothing.

    Parameters
    ----------
    client
        The client, at any time.
    cache
        The cache; if this is left out, the one that the client has already, else the one that is attached to its bot.
        If there is none, one is attached to what ``PERSIST_URL`` in the environment names, else to
        ``sqlite:///persist.db``.

    Returns
    -------
    persist.Cache
        The cache.

    Raises
    ------
    persist.PersistError
        If there is none and none can be attached to the client's bot.
    """
    cache = CACHES[client] = resolved(client.app, cache, CACHES.get(client))
    return cache


@plugin.load_hook
def _load() -> None:
    install(plugin.client)
