"""Store records in a MariaDB or MySQL (8.0.19 or newer) database: ``mysql://user:password@host:3306/database``.

Several servers of one cluster, tried in turn: ``mysql://user:password@one:3306,two:3306/database``.
A socket: ``mysql://user@/database?host=/run/mysqld/mysqld.sock``. The other options:

``min``, ``max``
    How many connections to open at the start, and the maximum (1 and 4).
``timeout``
    Seconds to wait for a connection, or to write if another process holds a lock, before trying again (10).
``statement_timeout``
    Seconds that a statement may take (no limit); on MySQL, this applies to queries only.
``compression``
    ``zstd`` compresses payloads where that pays off.
``sslmode``
    ``disable``, ``prefer`` (TLS if available, the default), ``require``, ``verify-ca``, ``verify-full``.
``sslrootcert``, ``sslcert``, ``sslkey``
    The files with certificates and their key.
"""

from __future__ import annotations

import getpass
import ssl
import typing
from collections.abc import Mapping, Sequence

import yarl

from persist import urls
from persist.errors import URLError
from persist.sealing import Sealing
from persist.server_driver import ServerDriver
from persist.spi import Backend, Driver, hookimpl
from persist.sql import SqlStore
from persist.urls import Option

from .mysql_dialect import QUESTION
from .mysql_driver import CLIENT, Limits, Place

__all__ = ("persist_backends",)

_OPTIONS: typing.Final[Mapping[str, Option]] = {
    "compression": urls.COMPRESSION,
    "host": Option(str, "another server, or the path of a socket; several are tried in turn"),
    "max": Option(urls.whole(1), "the maximum number of connections (4)"),
    "min": Option(urls.whole(0), "how many connections to open at the start (1)"),
    "sslmode": Option(
        urls.choice("disable", "prefer", "require", "verify-ca", "verify-full"),
        "`disable`, `prefer` (the default), `require`, `verify-ca`, `verify-full`",
    ),
    "statement_timeout": Option(urls.seconds, "seconds that a query may take (no limit)"),
    "timeout": urls.TIMEOUT,
    **urls.TLS,
}


def _tls(options: Mapping[str, typing.Any]) -> ssl.SSLContext | None:
    mode = options.get("sslmode", "prefer")
    if mode == "disable":
        return None
    try:
        context = ssl.create_default_context(cafile=options.get("sslrootcert"))
        context.check_hostname = mode == "verify-full"
        context.verify_mode = ssl.CERT_REQUIRED if mode.startswith("verify") else ssl.CERT_NONE
        if "sslcert" in options:
            context.load_cert_chain(options["sslcert"], options.get("sslkey"))
    except OSError as error:
        msg = f"the certificates in the URL cannot be read: {error}; are their paths right?"
        raise URLError(msg) from error
    return context


def _open(url: yarl.URL) -> SqlStore:
    options = urls.options_of(url, _OPTIONS)
    hosts = urls.hosts_of(url, 3306)
    user = url.user or getpass.getuser()
    database = url.path.removeprefix("/")
    if not database:
        msg = f"{urls.shown(url)} names no database; write {url.scheme}://user@host/database"
        raise URLError(msg)
    arguments = {
        "user": user,
        "password": url.password or "",
        "db": database,
        "charset": "utf8mb4",
        "connect_timeout": options.get("timeout", 10),
        "ssl": _tls(options),
        "program_name": "hikari-persist",
        "autocommit": None,
    }
    limits = Limits(options.get("statement_timeout", 0), options.get("timeout", 10))
    place = Place(hosts, arguments, options.get("sslmode", "prefer"), limits)
    where = ", ".join(host if host.startswith("/") else f"{host}:{port}" for host, port in hosts)
    name = f"{database!r} on {where} as {user!r}"
    least, most = urls.connections(url, options)
    driver: Driver = ServerDriver(CLIENT, place.connect, name, least=least, most=most)
    return SqlStore(QUESTION, driver, Sealing(compression=options.get("compression") == "zstd"))


@hookimpl
def persist_backends() -> Sequence[Backend]:
    return [Backend("mysql", _open, _OPTIONS), Backend("mariadb", _open, _OPTIONS)]
