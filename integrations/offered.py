"""What every command framework offers of a cache by type, and where the cache comes from."""

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
    """What a client was given. It keeps this when the cache is unloaded, so that loading gives the same again."""

    cache: Cache
    authoritative: frozenset[str] = frozenset()


def offered(cache: Cache) -> Mapping[type[typing.Any], object]:
    """Return what can be asked for by its type: the cache and each of its views.

    Every type is a class of its own and not generic: lightbulb tells types apart by their names alone.
    """
    return {Cache: cache, type(cache): cache, **{view: getattr(cache, name) for name, view in VIEWS.items()}}


def resolved(app: object, *given: Cache | None) -> Cache:
    """Return the first cache that is given, else the one that is attached to a bot, else attach one.

    Raises
    ------
    persist.PersistError
        If what is given is no cache, or one cannot be attached to the bot, or ``PERSIST_URL`` cannot be used.
    """
    chosen: object = next((cache for cache in given if cache is not None), None)
    if isinstance(chosen, Cache):
        return chosen
    attached = RestLife.owners(app) if isinstance(app, hikari.RESTBotAware) and chosen is None else ()
    if any(isinstance(one, ReadOnlyCache) for one in (chosen, *attached)):
        msg = (
            "this cache only reads, and what is injected is a persist.Cache: make one of the same database, or give "
            "yours to the framework as a dependency of your own"
        )
        raise QueryError(msg)
    if chosen is not None:
        msg = f"a cache is a persist.Cache, not {chosen!r}"
        raise QueryError(msg)
    return Cache.resolve(typing.cast("Host", app))


def missing(load: str) -> LookupError:
    """Return the error that there is no cache, which something that is called gives."""
    return LookupError(f"there is no cache yet: {load} gives one")
