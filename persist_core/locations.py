"""Naming a database, by a URL or by an object that stands for one."""

from __future__ import annotations

import dataclasses
import os
import typing
import urllib.parse

from . import hooks, urls
from .encryption import Encryption
from .errors import QueryError
from .plugins import open_store
from .spi import Store
from .sql import SqlStore

__all__ = ("Location", "MySQLBackend", "PostgreSQLBackend", "SQLiteBackend", "is_sealed", "sealed", "store_of")


class Location(typing.Protocol):
    """An object that stands for the URL of a database."""

    @property
    def url(self) -> str:
        """The URL."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class SQLiteBackend:
    """Store everything in one SQLite file.

    Parameters
    ----------
    path
        The file, relative to the working directory or absolute. It is created if it does not exist; its folder must
        exist.
    timeout
        Seconds to wait for another process that is writing before trying again.
    compression
        ``"zstd"`` compresses the payloads.
    """

    path: str | os.PathLike[str]
    timeout: float = 5.0
    compression: typing.Literal["none", "zstd"] = "none"

    def __post_init__(self) -> None:
        if not isinstance(self.path, str | os.PathLike) or not isinstance(os.fspath(self.path), str):
            msg = f"path must be a str or a pathlib.Path, not {self.path!r}"
            raise QueryError(msg)
        try:
            os.fspath(self.path).encode()
        except UnicodeEncodeError:
            msg = f"the path {self.path!r} is not UTF-8; rename it, or name the file from inside its folder"
            raise QueryError(msg) from None
        known = isinstance(self.timeout, int | float) and not isinstance(self.timeout, bool)
        if not known or not 0 <= self.timeout < float("inf"):
            msg = f"timeout must be a number of seconds, not {self.timeout!r}"
            raise QueryError(msg)
        if self.compression not in ("none", "zstd"):
            msg = f'compression must be "none" or "zstd", not {self.compression!r}'
            raise QueryError(msg)

    @property
    def url(self) -> str:
        """The equivalent URL."""
        url = f"sqlite:///{urllib.parse.quote(os.fspath(self.path))}?timeout={self.timeout:g}"
        return url if self.compression == "none" else f"{url}&compression={self.compression}"


class _Server:
    """A database on a server, with the options of its URL."""

    __slots__ = ("_dsn", "_options")
    _schemes: typing.ClassVar[tuple[str, ...]]

    def __init__(self, dsn: str, **options: str | float) -> None:
        if not isinstance(dsn, str) or not dsn.startswith(self._schemes):
            known = " or ".join(f"{scheme}user:password@host/database" for scheme in self._schemes)
            # The message does not repeat it, as it may be a misplaced password.
            msg = f"{type(self).__name__} takes a URL such as {known}"
            raise QueryError(msg)
        self._dsn = dsn
        self._options = options

    def __repr__(self) -> str:
        return f"{type(self).__name__}({urls.shown(urls.parse(self._dsn))!r}, **{self._options!r})"

    @property
    def url(self) -> str:
        """The equivalent URL."""
        if not self._options:
            return self._dsn
        return f"{self._dsn}{'&' if '?' in self._dsn else '?'}{urllib.parse.urlencode(self._options)}"


class PostgreSQLBackend(_Server):
    """Store everything in a PostgreSQL database.

    Parameters
    ----------
    dsn
        Its URL: ``postgresql://user:password@host:5432/database``, or with several hosts separated by commas.
    options
        The URL's options: ``min=1``, ``max=4``, ``sslmode="require"``, ``payload="jsonb"``,
        ``synchronous_commit="off"``, ``statement_timeout=30``, ...
    """

    __slots__ = ()
    _schemes = ("postgresql://", "postgres://")


class MySQLBackend(_Server):
    """Store everything in a MySQL or MariaDB database.

    Parameters
    ----------
    dsn
        Its URL: ``mysql://user:password@host:3306/database``, or with several hosts separated by commas.
    options
        The URL's options: ``min=1``, ``max=4``, ``sslmode="require"``, ``statement_timeout=30``, ...
    """

    __slots__ = ()
    _schemes = ("mysql://", "mariadb://")


def store_of(backend: object, encryption: Encryption | None = None) -> Store:
    """Return the store of a URL, or of an object that stands for one. It is not connected yet.

    Parameters
    ----------
    backend
        The URL, or the object.
    encryption
        How to encrypt the stored data; by default as the environment says.

    Raises
    ------
    persist.PersistError
        If it does not name a usable store.
    """
    url = backend if isinstance(backend, str) else getattr(backend, "url", None)
    if not isinstance(url, str):
        given = urls.hidden(repr(backend))
        way_out = f"; write persist.SQLiteBackend({given})" if isinstance(backend, os.PathLike) else ""
        msg = f"backend must be a URL such as 'sqlite:///cache.db' or a persist.SQLiteBackend, not {given}{way_out}"
        raise QueryError(msg)
    hooks.add()
    return sealed(open_store(url), encryption)


def is_sealed(store: Store) -> bool:
    """Return whether persist encrypts what a store keeps."""
    return isinstance(store, SqlStore) and store.sealing.encryption is not None


def sealed(store: Store, encryption: Encryption | None = None, *, insist: bool = True) -> Store:
    """Return a store with its keys.

    Parameters
    ----------
    store
        The store. It is not open.
    encryption
        The keys; by default those that the environment names.
    insist
        Whether the stored data has to be encrypted if there are keys.

    Raises
    ------
    persist.QueryError
        If the store cannot encrypt, or the keys are not valid.
    """
    if encryption is None:
        encryption = Encryption.from_environment()
    elif not isinstance(encryption, Encryption):
        msg = f"encryption must be a persist.Encryption, not {type(encryption).__name__}"
        raise QueryError(msg)
    if encryption is not None:
        encryption.concealed()  # raises for columns that do not exist
        if not isinstance(store, SqlStore):
            msg = f"{store!r} is not an SQL database, so persist cannot encrypt it; leave out the keys"
            raise QueryError(msg)
        store.sealing = dataclasses.replace(store.sealing, encryption=encryption, insist=insist)
    return store
