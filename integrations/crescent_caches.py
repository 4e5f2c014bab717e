"""Which cache a crescent client has, and how to get it. A module of its own, as crescent may reload plugins."""

from __future__ import annotations

import typing
import weakref

import crescent
import hikari

from persist.cache import Cache

from .offered import missing

__all__ = ("CACHES", "Source", "get")

Source = crescent.Client | crescent.Context | crescent.AutocompleteContext | crescent.Plugin[typing.Any, typing.Any]
CACHES: typing.Final[weakref.WeakKeyDictionary[crescent.Client, Cache]] = weakref.WeakKeyDictionary()


def get(source: Source | hikari.Event) -> Cache:
    """Return the cache of a client or bot.

    Parameters
    ----------
    source
        The context of a command, hook, error handler or autocomplete; an event; a plugin; or the client.

    Raises
    ------
    LookupError
        If there is no cache because the plugin is not loaded.
    """
    if isinstance(source, hikari.Event):
        cache = Cache.of(source.app)
    else:
        client = source if isinstance(source, crescent.Client) else source.client
        cache = CACHES.get(client) or Cache.of(client.app)
    if cache is None:
        raise missing('client.plugins.load("persist.integrations.crescent")')
    return cache
