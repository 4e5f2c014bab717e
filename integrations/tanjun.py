"""For bots written with tanjun: ``client.load_modules("persist.integrations.tanjun")``.

Commands, hooks, checks, error handlers, autocomplete, schedules and tanjun's listeners can then inject `persist.Cache`
and its views with ``members: alluka.Injected[persist.Members]``. Tanjun's own converters, permission checks, limiters
and owner checks use the cache before they ask Discord.
"""

from __future__ import annotations

import typing
from collections.abc import Collection

import hikari

from persist.cache import Cache
from persist.errors import MissingDriverError

try:
    import tanjun
except ModuleNotFoundError as _error:
    raise MissingDriverError("hikari-tanjun", "tanjun") from _error

from .offered import Installed, offered, resolved
from .tanjun_views import views_of

__all__ = ("install", "load", "unload")

_STARTING: typing.Final = tanjun.ClientCallbackNames.STARTING


def install(
    client: tanjun.abc.Client, cache: Cache | None = None, *, authoritative: Collection[str] | None = None
) -> Cache:
    """Let a client inject a cache and its views, and use it for its own lookups. Calling this again changes nothing.

    Parameters
    ----------
    client
        The client, made by ``from_gateway_bot`` or ``from_rest_bot``, at any time.
    cache
        The cache. By default the one that the client injects, or injected before it was unloaded; else the one
        attached to its bot; else a new one on the URL in the environment variable ``PERSIST_URL``, or on
        ``sqlite:///persist.db``.
    authoritative
        Names of kinds, such as ``{"roles", "channels"}``, that the cache knows completely: what it does not have does
        not exist, so tanjun does not ask Discord. For all other kinds it does. By default these stay as they were;
        initially there are none.

    Returns
    -------
    persist.Cache
        The cache.

    Raises
    ------
    LookupError
        If the client does not know its bot.
    persist.PersistError
        If there is no cache and none can be attached to the client's bot, or a name is not the name of a kind.
    """
    before = client.get_type_dependency(Installed, default=None)
    cache = resolved(
        _app(client), cache, client.get_type_dependency(Cache, default=None), None if before is None else before.cache
    )
    if authoritative is None:
        authoritative = frozenset() if before is None else before.authoritative
    for kind, value in {**offered(cache), **views_of(cache, authoritative)}.items():
        client.set_type_dependency(kind, value)
    client.set_type_dependency(Installed, Installed(cache, frozenset(authoritative)))
    # A starting bot opens both the cache and the client; this makes sure that the client's callbacks find it open.
    client.add_client_callback(_STARTING, cache.start)
    return cache


def _app(client: tanjun.abc.Client) -> object:
    for trait in (hikari.GatewayBotAware, hikari.RESTBotAware):
        app = client.get_type_dependency(typing.cast("type[typing.Any]", trait), default=None)
        if app is not None:
            return app
    msg = "the client does not know its bot; create it with tanjun.Client.from_gateway_bot or from_rest_bot"
    raise LookupError(msg)


@tanjun.as_loader(standard_impl=False)
def load(client: tanjun.abc.Client) -> None:
    """Install the cache; tanjun calls this."""
    install(client)


@tanjun.as_unloader(standard_impl=False)
def unload(client: tanjun.abc.Client) -> None:
    """Stop injecting and using the cache; tanjun calls this. The cache stays open, as it belongs to the bot."""
    cache = client.get_type_dependency(Cache, default=None)
    if cache is not None:
        client.remove_client_callback(_STARTING, cache.start)
        for kind in (*offered(cache), *views_of(cache)):
            client.remove_type_dependency(kind)
