"""Real databases, private to a test run: started from installed programs, and removed when the run is over.

A `Program` defines what differs between databases; a `Server` is one that runs. Servers listen on a free port of
127.0.0.1, keep their files in a temporary folder, and ignore the machine's configuration.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import typing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import yarl
from programs import MYSQL, POSTGRESQL, REDIS, Command, NoServerError, Program, Site

__all__ = ("MYSQL", "POSTGRESQL", "REDIS", "NamedServer", "NoServerError", "Place", "Program", "Server", "find")

_START_SECONDS: typing.Final = 60
_STOP_SECONDS: typing.Final = 30
_numbers: typing.Final = itertools.count()


class NamedServer:
    """A server that somebody else runs: it has databases, and it cannot be stopped."""

    def __init__(self, program: Program, url: str) -> None:
        self.program = program
        self._home = yarl.URL(url)

    def url(self, database: str | None = None) -> str:
        """Return the URL of a database on this server; without a name, of the one that always exists."""
        return str(self._home if database is None else self._home.with_path(f"/{database}"))

    def start(self) -> None:
        """Do nothing, because it is running already."""

    def close(self) -> None:
        """Do nothing, because the tests have not started it."""

    @asynccontextmanager
    async def database(self) -> AsyncIterator[str]:
        """Yield the URL of a new, empty database, and drop it afterward, even if the server was stopped in between."""
        number = next(_numbers)
        if self.program.create is None or self.program.drop is None:
            # Two of Redis's sixteen are enough to notice a test that leaks into the next.
            url = self.url(str(number % 2 + 1))
            await self.program.run(url, "FLUSHDB")
            yield url
            return
        name = f"persist_test_{os.getpid()}_{number}"
        await self.program.run(self.url(), self.program.create.format(name))
        try:
            yield self.url(name)
        finally:
            await asyncio.to_thread(self.start)
            await self.program.run(self.url(), self.program.drop.format(name))


class Server(NamedServer):
    """A private server. `start`, `stop` and `kill` may be called in any order, any number of times.

    They block; a test whose event loop must keep running calls them through `asyncio.to_thread`.
    """

    def __init__(self, program: Program) -> None:
        binaries = program.find()
        # Directly in the temporary folder: pytest's own is closed to other accounts and too deep for a socket's name.
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"persist-{program.name}-"))
        self.site = Site(binaries, folder, _free_port())
        super().__init__(program, f"{program.address}:{self.site.port}/{program.home}")
        self._log = folder / "log"
        self._account = _account(program)
        self._process: subprocess.Popen[bytes] | None = None
        if self._account is not None:
            shutil.chown(folder, user=self._account)

    def start(self) -> None:
        """Start serving, with the databases' earlier content; return once clients can connect."""
        if self._process is not None:
            return
        if not self.site.data.exists():
            self._prepare()
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            if time.monotonic() > deadline:
                self.kill()
                raise TimeoutError(f"{self.program.name} did not start; it said:\n{self._said()}")
            # A killed PostgreSQL's children hold its memory for a moment, and a new start fails while they do.
            if self._process is None or self._process.poll() is not None:
                self._process = self._spawn(self.program.serve(self.site))
            time.sleep(0.05)

    def stop(self) -> None:
        """Shut down cleanly, without waiting for clients to leave."""
        self._end(self.program.stop_signal)

    def kill(self) -> None:
        """Kill it immediately, as in a crash."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """Stop it for good and remove its files."""
        self.kill()
        # Children outlive a killed parent for a moment and may still write; the next attempt removes what is left then.
        for _ in range(100):
            shutil.rmtree(self.site.folder, ignore_errors=True)
            if not self.site.folder.exists():
                return
            time.sleep(0.05)

    def _prepare(self) -> None:
        self.site.data.mkdir(mode=0o700)
        if self._account is not None:
            shutil.chown(self.site.data, user=self._account)
        command = self.program.prepare(self.site)
        if command is not None and self._spawn(command).wait(_START_SECONDS) != 0:
            raise RuntimeError(f"{self.program.name} could not make its files; it said:\n{self._said()}")

    def _spawn(self, command: Command) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.site.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Its own session, so that an interrupt at the terminal reaches the tests first, and they stop it.
                start_new_session=True,
                user=self._account,
                extra_groups=None if self._account is None else [],
            )

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            self._process = None

    def _is_ready(self) -> bool:
        if self._process is None:
            return False
        try:
            with socket.create_connection(("127.0.0.1", self.site.port), timeout=1) as connection:
                connection.sendall(self.program.greeting)
                return self.program.is_ready(connection.recv(64))
        except OSError:
            return False

    def _said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-4000:]


class Place(typing.NamedTuple):
    """A server that the tests control, and the URL of a new database on it."""

    server: Server
    url: str

    async def run(self, statement: str) -> None:
        """Run a statement as the server's owner."""
        await self.server.program.run(self.server.url(), statement)


def find(program: Program) -> NamedServer:
    """Return the server that the environment names, or else start a private one.

    Raises
    ------
    NoServerError
        If neither is available.
    """
    named = os.environ.get(program.variable)
    if named:
        return NamedServer(program, named)
    server = Server(program)
    try:
        server.start()
    except BaseException:
        server.close()
        raise
    return server


def _account(program: Program) -> str | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in (program.account, "nobody") if name in known)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
