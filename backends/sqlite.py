"""Store records in one SQLite file, ``sqlite:///cache.db``, or in memory while the cache is open, ``memory://``.

After ``sqlite:///`` comes a path, relative to the working directory; ``sqlite:////var/lib/bot/cache.db`` is absolute.
``?timeout=10`` sets how many seconds to wait for another process that is writing before trying again;
``?compression=zstd`` compresses payloads where that pays off.
"""

from __future__ import annotations

import pathlib
import typing
from collections.abc import Mapping, Sequence

import yarl

from persist.errors import URLError
from persist.sealing import Sealing
from persist.spi import Backend, Driver, hookimpl
from persist.sql import SqlStore
from persist.urls import COMPRESSION, Option, options_of, seconds, shown

from .sqlite_dialect import DIALECT
from .sqlite_driver import SqliteDriver

__all__ = ("persist_backends",)

_OPTIONS: typing.Final[Mapping[str, Option]] = {
    "compression": COMPRESSION,
    "timeout": Option(seconds, "seconds to wait for another process that is writing before trying again (5)"),
}
_IN_MEMORY: typing.Final = {**_OPTIONS, "timeout": Option(seconds, "no effect, as no other process writes")}


def _open_file(url: yarl.URL) -> SqlStore:
    path = url.path.removeprefix("/")
    if path.startswith(":memory:"):
        msg = f"{shown(url)} is SQLite's name for a database in memory; write memory://"
        raise URLError(msg)
    if url.authority or url.fragment or not path or path.endswith("/") or "\0" in path:
        msg = (
            f"{shown(url)!r} does not name a file; write sqlite:///cache.db, or sqlite:////var/lib/cache.db for an "
            "absolute path, with %23 for # and %3F for ?"
        )
        raise URLError(msg)
    return _store(pathlib.Path(path), url)


def _open_memory(url: yarl.URL) -> SqlStore:
    if url.host or url.path.strip("/"):
        msg = f"{shown(url)} has a name, but a database in memory has none; write memory://"
        raise URLError(msg)
    return _store(None, url)


def _store(path: pathlib.Path | None, url: yarl.URL) -> SqlStore:
    options = options_of(url, _OPTIONS)
    driver: Driver = SqliteDriver(path, options.get("timeout", 5.0))
    return SqlStore(DIALECT, driver, Sealing(compression=options.get("compression") == "zstd"))


@hookimpl
def persist_backends() -> Sequence[Backend]:
    return [Backend("sqlite", _open_file, _OPTIONS), Backend("memory", _open_memory, _IN_MEMORY)]
