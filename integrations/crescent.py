"""For bots written with crescent: ``client.plugins.load("persist.integrations.crescent")``.

Crescent has no injection; call `get` with a context, a plugin, a client or an event to get the cache.
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
    """Give a client a cache. Calling this again changes nothing.

    Parameters
    ----------
    client
        The client, at any time.
    cache
        The cache. By default the one that the client already has; else the one attached to its bot; else a new one on
        the URL in the environment variable ``PERSIST_URL``, or on ``sqlite:///persist.db``.

    Returns
    -------
    persist.Cache
        The cache.

    Raises
    ------
    persist.PersistError
        If there is no cache and none can be attached to the client's bot.
    """
    cache = CACHES[client] = resolved(client.app, cache, CACHES.get(client))
    return cache


@plugin.load_hook
def _load() -> None:
    install(plugin.client)
