"""For bots written with arc: ``client.load_extension("persist.integrations.arc")``.

Commands, hooks, error handlers, autocomplete and functions with ``@client.inject_dependencies`` can then inject
`persist.Cache` and its views, such as `persist.Members`, with ``members: persist.Members = arc.inject()``.
"""

from __future__ import annotations

import typing

from persist.cache import Cache
from persist.errors import MissingDriverError

try:
    import arc
except ModuleNotFoundError as _error:
    raise MissingDriverError("hikari-arc", "arc") from _error

from . import arc_converters as converters
from . import arc_hooks as hooks
from .offered import Installed, offered, resolved

__all__ = ("converters", "hooks", "install", "load", "unload")

_Client = arc.abc.Client[typing.Any]


def install(client: _Client, cache: Cache | None = None) -> Cache:
    """Let a client inject a cache and its views. Calling this again changes nothing.

    Parameters
    ----------
    client
        The client, at any time.
    cache
        The cache. By default the one that the client injects, or injected before it was unloaded; else the one
        attached to its bot; else a new one on the URL in the environment variable ``PERSIST_URL``, or on
        ``sqlite:///persist.db``.

    Returns
    -------
    persist.Cache
        The cache.

    Raises
    ------
    persist.PersistError
        If there is no cache and none can be attached to the client's bot.
    """
    before = client.get_type_dependency(Installed, default=None)
    cache = resolved(
        client.app, cache, client.get_type_dependency(Cache, default=None), None if before is None else before.cache
    )
    client.set_type_dependency(Installed, Installed(cache))
    for kind, value in offered(cache).items():
        client.set_type_dependency(kind, value)
    return cache


@arc.loader
def load(client: _Client) -> None:
    """Install the cache; arc calls this."""
    install(client)


@arc.unloader
def unload(client: _Client) -> None:
    """Stop injecting the cache; arc calls this. The cache stays open, as it belongs to the bot."""
    cache = client.get_type_dependency(Cache, default=None)
    if cache is not None:
        for kind in offered(cache):
            client.injector.remove_type_dependency(kind)
