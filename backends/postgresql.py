"""Store records in a PostgreSQL database: ``postgresql://user:password@host:5432/database``.

Several servers of one cluster, tried in turn: ``postgresql://user@one:5432,two:5432/database``.
A socket: ``postgresql://user@/database?host=/var/run/postgresql``, with another port than 5432
``postgresql://user@:5433/database?host=/var/run/postgresql``. The other options:

``min``, ``max``
    How many connections to open at the start, and the maximum (1 and 4).
``timeout``
    Seconds to wait for a connection, or to write if another process holds a lock, before trying again (10).
``statement_timeout``
    Seconds that a statement may take (no limit).
``sslmode``, ``sslrootcert``, ``sslcert``, ``sslkey``
    As for psql.
``target_session_attrs``
    ``primary``, ``standby``, ``prefer-standby``, ``read-write``, ``read-only``, ``any``.
``synchronous_commit``
    ``off`` commits faster, but a crash of the server may lose the last moments.
``schema``
    The schema of the tables.
``compression``
    ``zstd`` compresses payloads where that pays off.
``payload``
    ``jsonb`` stores payloads as jsonb instead of text: slower to write, but your own SQL can index them.
``statement_cache_size``
    0 for a PgBouncer that shares connections between transactions.
"""

from __future__ import annotations

import getpass
import typing
from collections.abc import Mapping, Sequence

import yarl

from persist import urls
from persist.sealing import Sealing
from persist.server_driver import ServerDriver
from persist.spi import Backend, Driver, hookimpl
from persist.sql import SqlStore
from persist.urls import Option

from .postgresql_dialect import question
from .postgresql_driver import CLIENT, connecting

__all__ = ("persist_backends",)

_TARGETS: typing.Final = ("any", "primary", "standby", "prefer-standby", "read-write", "read-only")
_OPTIONS: typing.Final[Mapping[str, Option]] = {
    "compression": urls.COMPRESSION,
    "host": Option(
        str, "another server, `two:5432`, or the folder of a socket (port: `@:5433/`); several are tried in turn"
    ),
    "max": Option(urls.whole(1), "the maximum number of connections (4)"),
    "min": Option(urls.whole(0), "how many connections to open at the start (1)"),
    "payload": Option(
        urls.choice("text", "jsonb"), "`text` (the default), or `jsonb`; applies when the tables are created"
    ),
    "schema": Option(str, "the schema of the tables"),
    "sslmode": Option(
        urls.choice("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
        "`disable`, `allow`, `prefer` (the default), `require`, `verify-ca`, `verify-full`",
    ),
    "statement_cache_size": Option(
        urls.whole(0), "how many prepared statements to keep (200); `0` for a PgBouncer that shares connections"
    ),
    "statement_timeout": Option(urls.seconds, "seconds that a statement may take (no limit)"),
    "synchronous_commit": Option(
        urls.choice("on", "off", "local", "remote_write", "remote_apply"),
        "`on`, `off`, `local`, `remote_write`, `remote_apply`; by default as on the server",
    ),
    "target_session_attrs": Option(
        urls.choice(*_TARGETS), f"which of several servers to use: {', '.join(f'`{target}`' for target in _TARGETS)}"
    ),
    "timeout": urls.TIMEOUT,
    **urls.TLS,
}


def _open(url: yarl.URL) -> SqlStore:
    options = urls.options_of(url, _OPTIONS)
    hosts = urls.hosts_of(url, 5432)
    settings = {"application_name": "hikari-persist", "TimeZone": "UTC"}
    if "synchronous_commit" in options:
        settings["synchronous_commit"] = options["synchronous_commit"]
    if "statement_timeout" in options:
        settings["statement_timeout"] = str(round(options["statement_timeout"] * 1000))
    if "schema" in options:
        settings["search_path"] = '"{}"'.format(options["schema"].replace('"', '""'))
    seconds = options.get("timeout", 10)
    # Set per transaction, because a PgBouncer in between accepts few settings.
    client = CLIENT._replace(begin=f"{CLIENT.begin}; SET LOCAL lock_timeout = {max(1, round(seconds * 1000))}")
    user = url.user or getpass.getuser()
    database = url.path.removeprefix("/") or user
    # Only in a URL does asyncpg read all TLS options.
    tls: dict[str, str] = {
        name: options[name] for name in ("sslmode", "sslrootcert", "sslcert", "sslkey") if name in options
    }
    connect = connecting(
        str(yarl.URL.build(scheme="postgresql", path="/", query=tls)),
        host=[host for host, _ in hosts],
        port=[port for _, port in hosts],
        user=user,
        password=url.password,
        database=database,
        timeout=seconds,
        statement_cache_size=options.get("statement_cache_size", 200),
        target_session_attrs=options.get("target_session_attrs"),
        server_settings=settings,
    )
    where = ", ".join(_named(host, port) for host, port in hosts)
    name = f"{database!r} on {where} as {user!r}"
    least, most = urls.connections(url, options)
    driver: Driver = ServerDriver(client, connect, name, least=least, most=most)
    return SqlStore(question(options.get("payload")), driver, Sealing(compression=options.get("compression") == "zstd"))


def _named(host: str, port: int) -> str:
    if not host.startswith("/"):
        return f"{host}:{port}"
    return host if ".s.PGSQL." in host else f"{host.rstrip('/')}/.s.PGSQL.{port}"


@hookimpl
def persist_backends() -> Sequence[Backend]:
    return [Backend("postgresql", _open, _OPTIONS), Backend("postgres", _open, _OPTIONS)]
