"""For bots written with crescent: ``client.plugins.load("persist.integrations.crescent")``.

Crescent injects nothing; `get` returns the cache wherever there is a context, a plugin, a client or an event.
"""

from __future__ import annotations

import typing
import weakref

import crescent
import hikari

from persist.cache import Cache

from .offered import resolved

__all__ = ("get", "install", "plugin")

_HasClient = crescent.Context | crescent.AutocompleteContext | crescent.Plugin[typing.Any, typing.Any]
_CACHES: typing.Final[weakref.WeakKeyDictionary[crescent.Client, Cache]] = weakref.WeakKeyDictionary()

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
    cache = _CACHES[client] = resolved(client.app, cache, _CACHES.get(client))
    return cache


def get(source: _HasClient | crescent.Client | hikari.Event) -> Cache:
    """Return the cache.

    Parameters
    ----------
    source
        What a command, hook, error handler, autocomplete or event is called with, a plugin, or the client.

    Raises
    ------
    LookupError
        If there is none: the plugin is not loaded.
    """
    if isinstance(source, hikari.Event):
        cache = Cache.of(source.app)
    else:
        client = source if isinstance(source, crescent.Client) else source.client
        cache = _CACHES.get(client) or Cache.of(client.app)
    if cache is None:
        msg = 'there is no cache yet: client.plugins.load("persist.integrations.crescent") gives one'
        raise LookupError(msg)
    return cache


@plugin.load_hook
def _load() -> None:
    install(plugin.client)
