"""Everything persist raises.

::

    PersistError
    ├── BackendError          the database refused or failed; ``temporary`` says whether a retry may help
    ├── BrokenBackendError    the plugin of a backend is installed but does not work
    ├── CacheClosedError      the cache was used while it was not open, or in another event loop
    ├── CorruptRecordError    a stored payload can no longer be read
    ├── MissingDriverError    a backend, or encryption, needs a package that is not installed
    ├── QueryError            a filter, an order or an argument does not exist or has the wrong type
    ├── SchemaError           the database is newer than the code, not persist's, or broken
    ├── UnknownBackendError   no plugin handles the scheme of the URL
    └── URLError              a database URL is invalid
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = (
    "BackendError",
    "BrokenBackendError",
    "CacheClosedError",
    "CorruptRecordError",
    "MissingDriverError",
    "PersistError",
    "QueryError",
    "SchemaError",
    "URLError",
    "UnknownBackendError",
)


class PersistError(Exception):
    """The base class of all errors that persist raises."""


class BackendError(PersistError):
    """The database refused a request or failed; the driver's own error is the ``__cause__``.

    Attributes
    ----------
    temporary
        Whether the same request may succeed later: a lost connection, a lock, a server that is starting.
    is_conflict
        Whether it was refused only because another process changed the same data at the same moment.
    is_too_long
        Whether it took longer than the database allows, so that a part of it may succeed.
    """

    temporary: bool
    is_conflict: bool
    is_too_long: bool

    def __init__(
        self, message: str, *, temporary: bool = False, is_conflict: bool = False, is_too_long: bool = False
    ) -> None:
        super().__init__(message)
        self.temporary = temporary
        self.is_conflict = is_conflict
        self.is_too_long = is_too_long


class BrokenBackendError(PersistError):
    """The plugin of a backend is installed but does not work; its own error is the ``__cause__``.

    Parameters
    ----------
    plugin
        The plugin, as its distribution names it.
    scheme
        The requested scheme.
    reason
        What it did wrong.
    """

    def __init__(self, plugin: str, scheme: str, reason: str) -> None:
        super().__init__(
            f"the backend plugin {plugin} for {scheme}:// does not work: {reason}; is there a newer version?"
        )
        self.plugin = plugin
        self.scheme = scheme


class CacheClosedError(PersistError, RuntimeError):
    """The cache was used before it was opened, after it was closed, after opening failed, or in another event loop.

    An open cache can only be used in the event loop in which it was opened, which is that of its bot.
    """


class CorruptRecordError(PersistError, ValueError):
    """The database holds something under a key that is no longer a valid payload."""


class MissingDriverError(PersistError, ImportError):
    """A backend, or another extra, needs a package that is not installed.

    Parameters
    ----------
    package
        The package that could not be imported.
    extra
        The extra of ``hikari-persist`` that installs it.
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; install it with: pip install 'hikari-persist[{extra}]'")
        self.package = package
        self.extra = extra


class QueryError(PersistError, TypeError):
    """A filter, an order or an argument does not exist for this kind, or its value has the wrong type."""


class SchemaError(PersistError):
    """The database cannot be used: it is newer than this code, belongs to something else, or is broken."""


class UnknownBackendError(PersistError, LookupError):
    """No installed backend handles the scheme of a URL.

    Parameters
    ----------
    scheme
        The requested scheme.
    known
        The installed schemes.
    """

    def __init__(self, scheme: str, known: Iterable[str] = ()) -> None:
        names = ", ".join(f"{name}://" for name in sorted(known)) or "none"
        super().__init__(f"no backend is installed for {scheme}:// (installed: {names}); is its plugin missing?")
        self.scheme = scheme


class URLError(PersistError, ValueError):
    """A database URL is invalid."""
