"""For bots written with arc: ``client.load_extension("persist.integrations.arc")``.

Commands, hooks, error handlers, autocomplete and whatever ``@client.inject_dependencies`` is written on then get
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
    """Let a client inject a cache and its views. Doing so again changes nothing.

    Parameters
    ----------
    client
        The client, at any time.
    cache
        The cache; if this is left out, the one that the client injects or did before it was unloaded, else the one
        that is attached to its bot. If there is none, one is attached to what ``PERSIST_URL`` in the environment names,
        else to ``sqlite:///persist.db``.

    Returns
    -------
    persist.Cache
        The cache.

    Raises
    ------
    persist.PersistError
        If there is none and none can be attached to the client's bot.
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
    """Let the client inject nothing of it any more; arc calls this. The cache goes on, as it belongs to the bot."""
    cache = client.get_type_dependency(Cache, default=None)
    if cache is not None:
        for kind in offered(cache):
            client.injector.remove_type_dependency(kind)
