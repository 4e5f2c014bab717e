"""What command frameworks can inject of a cache, by type, and where the cache comes from."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping

import hikari

from persist.cache import Cache
from persist.errors import QueryError
from persist.hosts import Host, RestLife
from persist.reading import ReadOnlyCache
from persist.views import VIEWS

__all__ = ("Installed", "missing", "offered", "resolved")


@dataclasses.dataclass(frozen=True, slots=True)
class Installed:
    """What a client was given. It keeps this on unload, so that loading it again gives it the same."""

    cache: Cache
    authoritative: frozenset[str] = frozenset()


def offered(cache: Cache) -> Mapping[type[typing.Any], object]:
    """Return what can be injected by its type: the cache and each of its views.

    Every type is a class of its own and not generic, because lightbulb tells types apart by name only.
    """
    return {Cache: cache, type(cache): cache, **{view: getattr(cache, name) for name, view in VIEWS.items()}}


def resolved(app: object, *given: Cache | None) -> Cache:
    """Return the first cache given, else the one attached to a bot, else attach a new one.

    Raises
    ------
    persist.PersistError
        If what is given is not a cache, none can be attached to the bot, or ``PERSIST_URL`` is not valid.
    """
    chosen: object = next((cache for cache in given if cache is not None), None)
    if isinstance(chosen, Cache):
        return chosen
    attached = RestLife.owners(app) if isinstance(app, hikari.RESTBotAware) and chosen is None else ()
    if any(isinstance(one, ReadOnlyCache) for one in (chosen, *attached)):
        msg = (
            "this cache is read-only, and the integration injects a persist.Cache: create one on the same database, or "
            "register yours with the framework yourself"
        )
        raise QueryError(msg)
    if chosen is not None:
        msg = f"cache must be a persist.Cache, not {chosen!r}"
        raise QueryError(msg)
    return Cache.resolve(typing.cast("Host", app))


def missing(load: str) -> LookupError:
    """Return the error for a missing cache, which ``load`` would provide."""
    return LookupError(f"there is no cache yet; call {load} first")
