"""The kinds of database servers that tests start: PostgreSQL, MariaDB or MySQL, and Redis, each a value."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import pathlib
import shutil
import signal
import struct
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence

import yarl

__all__ = ("MYSQL", "POSTGRESQL", "REDIS", "Command", "NoServerError", "Program", "Site")


class NoServerError(LookupError):
    """The programs of a server are not on this machine; the message says which."""


Command: typing.TypeAlias = Sequence[str | pathlib.Path]


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """What the command line of one server needs: its programs, its folder and its port."""

    binaries: Mapping[str, pathlib.Path]
    folder: pathlib.Path
    port: int

    @property
    def data(self) -> pathlib.Path:
        """The folder of its databases."""
        return self.folder / "data"


@dataclasses.dataclass(frozen=True, slots=True)
class Program:
    """A kind of database server: everything that differs between them."""

    name: str
    variable: str
    """The environment variable that names a running server instead."""
    package: str
    binaries: tuple[str, ...]
    folders: tuple[str, ...]
    """Patterns for folders with binaries that are not on the PATH."""
    account: str
    """The account to run it as if the tests run as root, which some servers refuse."""
    address: str
    """The URL of a new server, up to its port."""
    home: str
    """The database that always exists."""
    prepare: Callable[[Site], Command | None]
    """The command that makes a new server's files."""
    serve: Callable[[Site], Command]
    """The command that serves in the foreground."""
    greeting: bytes
    """What to send to a server to find out whether it accepts clients."""
    is_ready: Callable[[bytes], bool]
    """Whether the answer means that it does."""
    stop_signal: signal.Signals
    """The signal for a clean shutdown that does not wait for clients to leave."""
    run: Callable[[str, str], Awaitable[None]]
    """Runs one statement on the database of a URL."""
    create: str | None
    drop: str | None
    """The statements that create and drop a database; None if databases are numbers that always exist."""
    has_tls: bool = False
    """Whether it makes a certificate for itself."""

    @property
    def is_installed(self) -> bool:
        """Whether all its binaries are on this machine."""
        try:
            self.find()
        except NoServerError:
            return False
        return True

    def find(self) -> dict[str, pathlib.Path]:
        """Find the binaries, the newest version first."""
        return {name: self._find(name) for name in self.binaries}

    def _find(self, name: str) -> pathlib.Path:
        for pattern in self.folders:
            installed = [path for path in pathlib.Path("/").glob(f"{pattern}/{name}") if os.access(path, os.X_OK)]
            if installed:
                return max(installed, key=_version)
        on_path = shutil.which(name)
        if on_path is None:
            message = f"{name} is not installed: install {self.package}, or name a running server in {self.variable}."
            raise NoServerError(message)
        return pathlib.Path(on_path)


def _version(path: pathlib.Path) -> tuple[int, ...]:
    return tuple(int(part) for part in path.parts if part.isdecimal())


async def _run_postgresql(url: str, statement: str) -> None:
    import asyncpg  # noqa: PLC0415 - an extra that only tests of this server need

    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _run_mysql(url: str, statement: str) -> None:
    import aiomysql  # noqa: PLC0415 - an extra that only tests of this server need

    where = yarl.URL(url)
    connection = await aiomysql.connect(
        host=where.host, port=where.port or 3306, user=where.user, password=where.password or "", db=where.path[1:]
    )
    try:
        async with connection.cursor() as cursor:
            await cursor.execute(statement)
    finally:
        connection.close()


async def _run_redis(url: str, statement: str) -> None:
    where = yarl.URL(url)
    reader, writer = await asyncio.open_connection(where.host, where.port)
    try:
        for line in (f"SELECT {where.path[1:]}", statement):
            writer.write(f"{line}\r\n".encode())
            answer = await reader.readline()
            if answer.startswith(b"-"):
                raise RuntimeError(f"Redis refused {line}: {answer.decode()}")
    finally:
        writer.close()
        await writer.wait_closed()


_HELLO: typing.Final = b"user\0persist\0database\0postgres\0\0"

POSTGRESQL: typing.Final = Program(
    name="postgresql",
    variable="PERSIST_TEST_POSTGRESQL",
    package="postgresql",
    binaries=("initdb", "postgres"),
    folders=("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin"),
    account="postgres",
    address="postgresql://persist@127.0.0.1",
    home="postgres",
    prepare=lambda site: [
        site.binaries["initdb"],
        *("--pgdata", site.data, "--username=persist", "--auth=trust", "--no-sync"),
        *("--encoding=UTF8", "--locale=C.UTF-8"),
    ],
    serve=lambda site: [
        site.binaries["postgres"],
        *("-D", site.data, "-k", site.folder, "-h", "127.0.0.1", "-p", str(site.port)),
        *("-c", "fsync=off"),
    ],
    greeting=struct.pack("!ii", 8 + len(_HELLO), 3 << 16) + _HELLO,
    is_ready=lambda answer: answer.startswith(b"R"),
    stop_signal=signal.SIGINT,
    run=_run_postgresql,
    create="CREATE DATABASE {}",
    drop="DROP DATABASE {} WITH (FORCE)",
)

_MARIADB: typing.Final = Program(
    name="mysql",
    variable="PERSIST_TEST_MYSQL",
    package="mariadb-server",
    binaries=("mariadb-install-db", "mariadbd"),
    folders=("usr/sbin", "usr/local/sbin", "usr/libexec"),
    account="mysql",
    address="mysql://root@127.0.0.1",
    home="mysql",
    prepare=lambda site: [
        site.binaries["mariadb-install-db"],
        *("--no-defaults", f"--datadir={site.data}", f"--tmpdir={site.folder}"),
        *("--auth-root-authentication-method=normal", "--skip-test-db"),
    ],
    serve=lambda site: [
        site.binaries["mariadbd"],
        *("--no-defaults", f"--datadir={site.data}", f"--tmpdir={site.folder}", f"--socket={site.folder / 'socket'}"),
        *("--bind-address=127.0.0.1", f"--port={site.port}", f"--pid-file={site.folder / 'pid'}"),
        *("--skip-name-resolve", "--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=64M"),
    ],
    greeting=b"",
    is_ready=lambda answer: answer[4:5] == b"\x0a",
    stop_signal=signal.SIGTERM,
    run=_run_mysql,
    create="CREATE DATABASE {}",
    drop="DROP DATABASE {}",
)

_MYSQL: typing.Final = dataclasses.replace(
    _MARIADB,
    package="mysql-server",
    has_tls=True,
    binaries=("mysqld",),
    prepare=lambda site: [
        site.binaries["mysqld"],
        *("--no-defaults", "--initialize-insecure", f"--datadir={site.data}", f"--tmpdir={site.folder}"),
        "--secure-file-priv=NULL",
    ],
    serve=lambda site: [
        site.binaries["mysqld"],
        *("--no-defaults", f"--datadir={site.data}", f"--tmpdir={site.folder}", f"--socket={site.folder / 'socket'}"),
        *("--bind-address=127.0.0.1", f"--port={site.port}", f"--pid-file={site.folder / 'pid'}"),
        *("--mysqlx=OFF", "--skip-log-bin", "--secure-file-priv=NULL"),
        *("--innodb-flush-log-at-trx-commit=2", "--innodb-flush-method=nosync", "--innodb-doublewrite=OFF"),
        "--innodb-buffer-pool-size=64M",
    ],
)

MYSQL: typing.Final = next((program for program in (_MARIADB, _MYSQL) if program.is_installed), _MARIADB)
"""MariaDB where it is installed, else MySQL."""

REDIS: typing.Final = Program(
    name="redis",
    variable="PERSIST_TEST_REDIS",
    package="redis-server",
    binaries=("redis-server",),
    folders=(),
    account="redis",
    address="redis://127.0.0.1",
    home="0",
    prepare=lambda _: None,
    serve=lambda site: [
        site.binaries["redis-server"],
        *("--bind", "127.0.0.1", "--port", str(site.port), "--dir", site.data, "--save", "", "--appendonly", "no"),
    ],
    greeting=b"PING\r\n",
    is_ready=lambda answer: answer.startswith(b"+PONG"),
    stop_signal=signal.SIGTERM,
    run=_run_redis,
    create=None,
    drop=None,
)
