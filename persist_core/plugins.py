"""Finding backends: pluggy plugins in the entry-point group ``persist.backends``, each named after a URL scheme."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import re
import typing
import urllib.parse
from collections.abc import Generator, Sequence

import pluggy

from . import spi, urls
from .errors import BrokenBackendError, PersistError, UnknownBackendError, URLError
from .spi import Backend, Store

__all__ = ("GROUP", "backend", "manager", "open_store", "schemes")

GROUP: typing.Final = "persist.backends"


@functools.cache
def manager() -> pluggy.PluginManager:
    """Return the plugin manager. It knows no backend until one is requested, or registered by hand."""
    found = pluggy.PluginManager("persist")
    found.add_hookspecs(spi)
    return found


def schemes() -> list[str]:
    """Return the schemes that installed distributions offer."""
    return sorted({point.name for point in importlib.metadata.entry_points(group=GROUP)})


def backend(scheme: str) -> Backend:
    """Return the backend of a scheme, without importing any other.

    Raises
    ------
    persist.UnknownBackendError
        If no plugin handles it.
    persist.BrokenBackendError
        If its plugin cannot be imported, or provides no backend.
    """
    for point in importlib.metadata.entry_points(group=GROUP, name=scheme):
        with _named(_spelled(point), scheme):
            return _one(_registered(point), scheme)
    for name, plugin in manager().list_name_plugin():  # plugins registered by hand are not named after a scheme
        if not any(caller.name == "persist_backends" for caller in manager().get_hookcallers(plugin) or ()):
            continue
        with _named(name, scheme):
            if any(found.scheme == scheme for found in _offered(plugin)):
                return _one(plugin, scheme)
    raise UnknownBackendError(scheme, schemes())


def _registered(point: importlib.metadata.EntryPoint) -> object:
    plugins = manager()
    # One module may handle several schemes; pluggy's own loader would consider that a clash.
    if not plugins.is_registered(plugin := point.load()):
        plugins.register(plugin, name=point.value)
        try:
            _offered(plugin)
        except Exception:
            plugins.unregister(plugin)
            raise
    return plugin


def _one(plugin: object, scheme: str) -> Backend:
    for found in _offered(plugin):
        if found.scheme == scheme:
            return found
    msg = f"it provides no backend for {scheme}://"
    raise LookupError(msg)


def _offered(plugin: object) -> Sequence[Backend]:
    """Return the backends of one plugin, whatever the others do."""
    others = manager().get_plugins() - {plugin}
    offers = manager().subset_hook_caller("persist_backends", others)()
    if len(offers) == 1 and all(isinstance(offer, Backend) for offer in offers[0]):
        return typing.cast("Sequence[Backend]", offers[0])
    msg = f"its hook persist_backends must return persist.Backend objects, not {offers!r}"
    raise TypeError(msg)


def _spelled(point: importlib.metadata.EntryPoint) -> str:
    of = f" of {point.dist.name} {point.dist.version}" if point.dist is not None else ""
    return f"{point.value}{of}"


@contextlib.contextmanager
def _named(plugin: str, scheme: str) -> Generator[None]:
    """Name the plugin in the error if it fails."""
    try:
        yield
    except PersistError:
        raise
    except Exception as error:
        raise BrokenBackendError(plugin, scheme, repr(error)) from error


def open_store(url: str) -> Store:
    """Return the store for a URL, from the backend of its scheme. It is not connected yet.

    Raises
    ------
    persist.URLError
        If the URL is not valid for the backend.
    persist.UnknownBackendError
        If no plugin handles its scheme.
    persist.BrokenBackendError
        If that plugin does not work.
    persist.MissingDriverError
        If the backend's client library is not installed.
    """
    scheme, separator, _ = url.partition("://")
    if not separator or not scheme:
        msg = f"{urls.hidden(url)!r} is not a database URL, as it has no scheme before ://; write {_url_of(url)}"
        raise URLError(msg)
    found = backend(scheme)
    try:
        parsed = urls.parse(url)
    except ValueError as error:
        msg = (
            f"{urls.hidden(url)} is not a valid URL: {error}; "
            "are special characters in the password quoted, as in %23 for #?"
        )
        raise URLError(msg) from error
    with _named(found.open.__module__, scheme):
        return found.open(parsed)


def _url_of(text: str) -> str:
    """Return the URL that a string without a scheme may have meant."""
    is_path = text and not re.search(r"[:@?#]", text)
    return f"sqlite:///{urllib.parse.quote(text)}" if is_path else "one such as sqlite:///cache.db"
