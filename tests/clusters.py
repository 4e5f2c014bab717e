"""Clusters of real servers on loopback: a PostgreSQL primary with a streaming standby, and three nodes of Galera."""

from __future__ import annotations

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
from collections.abc import Callable, Sequence

from programs import MYSQL, POSTGRESQL, Program

__all__ = ("GALERA", "Galera", "Node", "Primary")

GALERA: typing.Final = pathlib.Path("/usr/lib/galera/libgalera_smm.so")
_SECONDS: typing.Final = 90


def _free_ports(count: int) -> list[int]:
    """Return free ports, each followed by another free port."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                other.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            if all(abs(port - known) > 1 for known in found):
                found.append(port)
    return found


class Node:
    """One server of a cluster.

    Parameters
    ----------
    folder
        The folder of its files.
    port
        The port that it listens on.
    user
        The user to run it as, if the tests run as root.
    """

    def __init__(self, folder: pathlib.Path, port: int, user: str | None) -> None:
        self.folder = folder
        self.port = port
        self.user = user
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> pathlib.Path:
        """The file with its log."""
        return self.folder.with_suffix(".log")

    def run(self, command: Sequence[str | pathlib.Path]) -> None:
        """Run a program to its end."""
        with self.log.open("ab") as log:
            subprocess.run(
                command, check=True, stdout=log, stderr=log, cwd=self.folder.parent, user=self.user, timeout=_SECONDS
            )

    def serve(self, command: Sequence[str | pathlib.Path]) -> None:
        """Start the server."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder.parent, user=self.user, start_new_session=True
            )

    def kill(self) -> None:
        """Kill it and all its children immediately, as if its machine lost power."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until a condition holds."""
        deadline = time.monotonic() + _SECONDS
        while not ready():
            if time.monotonic() > deadline or self._process is None or self._process.poll() is not None:
                raise TimeoutError(self.log.read_text(errors="replace")[-3000:])
            time.sleep(0.1)


def _account(program: Program) -> str | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in (program.account, "nobody") if name in known)


def _said(command: Sequence[str | pathlib.Path]) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    return done.stdout if done.returncode == 0 else ""


class _Cluster:
    """What both clusters have in common: a folder, and nodes."""

    def __init__(self, program: Program, size: int) -> None:
        self.binaries = program.find()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"persist-{program.name}-cluster-"))
        account = _account(program)
        if account is not None:
            shutil.chown(self.folder, user=account)
        ports = _free_ports(size)
        self.nodes = [Node(self.folder / f"n{number}", port, account) for number, port in enumerate(ports)]

    def close(self) -> None:
        """Kill all nodes and remove their files."""
        for node in self.nodes:
            node.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Primary(_Cluster):
    """A PostgreSQL primary and a standby; if ``synchronous``, the standby has each commit before it is acknowledged."""

    def __init__(self, *, synchronous: bool) -> None:
        super().__init__(POSTGRESQL, 2)
        self._synchronous = synchronous
        self._bin = pathlib.Path(self.binaries["initdb"]).resolve().parent

    def url(self, wanted: str = "primary") -> str:
        """Return the URL of both servers."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgresql://persist@{hosts}/postgres?target_session_attrs={wanted}&timeout=5"

    def start(self) -> None:
        """Start both, and wait until the standby follows."""
        primary, standby = self.nodes
        primary.run([self._bin / "initdb", "-D", primary.folder, "-U", "persist", "--auth=trust", "--no-sync"])
        self._serve(primary)
        primary.run(
            [
                self._bin / "pg_basebackup",
                "-D",
                standby.folder,
                "-R",
                "-U",
                "persist",
                "-h",
                "127.0.0.1",
                "-p",
                str(primary.port),
                "-d",
                "application_name=standby",
                "-c",
                "fast",
                "--no-sync",
            ]
        )
        self._serve(standby)
        state = "SELECT state FROM pg_stat_replication"
        primary.wait_until(lambda: self._ask(primary, state) == "streaming")
        if self._synchronous:
            self._ask(primary, "ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (*)'")
            self._ask(primary, "SELECT pg_reload_conf()")
            state = "SELECT sync_state FROM pg_stat_replication"
            primary.wait_until(lambda: self._ask(primary, state) == "sync")

    def _serve(self, node: Node) -> None:
        node.serve(
            [
                self._bin / "postgres",
                "-D",
                node.folder,
                "-p",
                str(node.port),
                "-h",
                "127.0.0.1",
                "-k",
                self.folder,
                "-c",
                "wal_level=replica",
                "-c",
                "hot_standby=on",
            ]
        )
        node.wait_until(lambda: self._ask(node, "SELECT 1") == "1")

    def _ask(self, node: Node, sql: str) -> str:
        where = ["-U", "persist", "-h", "127.0.0.1", "-p", str(node.port), "-d", "postgres"]
        return _said([self._bin / "psql", *where, "-XAtc", sql]).strip()

    def fail_over(self) -> None:
        """Kill the primary and promote the standby, which must no longer wait for a standby of its own."""
        primary, standby = self.nodes
        primary.kill()
        self._ask(standby, "ALTER SYSTEM SET synchronous_standby_names = ''")
        standby.run([self._bin / "pg_ctl", "promote", "-D", standby.folder])
        self._ask(standby, "SELECT pg_reload_conf()")


class Galera(_Cluster):
    """Three nodes of MariaDB that have each commit before it is acknowledged."""

    def __init__(self) -> None:
        super().__init__(MYSQL, 3)
        self._group = _free_ports(3)
        self._transfer = _free_ports(3)

    def url(self, first: int = 0) -> str:
        """Return the URL of all nodes, beginning with a given one."""
        nodes = self.nodes[first:] + self.nodes[:first]
        return f"mysql://root@{','.join(f'127.0.0.1:{node.port}' for node in nodes)}/persist?timeout=5"

    def start(self) -> None:
        """Start all three, and wait until they have formed a cluster."""
        for number, node in enumerate(self.nodes):
            node.run(
                [
                    self.binaries["mariadb-install-db"],
                    "--no-defaults",
                    f"--datadir={node.folder}",
                    "--auth-root-authentication-method=normal",
                    "--skip-test-db",
                ]
            )
            node.serve(self._command(number))
            node.wait_until(lambda node=node: self._status(node, "wsrep_local_state_comment") == "Synced")  # type: ignore[misc]
        first = self.nodes[0]
        first.wait_until(lambda: self._status(first, "wsrep_cluster_size") == "3")
        self.ask(first, "CREATE DATABASE persist")

    def _command(self, number: int) -> list[str | pathlib.Path]:
        node, group = self.nodes[number], self._group
        options = f"gmcast.listen_addr=tcp://127.0.0.1:{group[number]};ist.recv_addr=127.0.0.1:{group[number] + 1}"
        return [
            self.binaries["mariadbd"],
            *("--no-defaults", f"--datadir={node.folder}", f"--socket={node.folder}.sock", f"--port={node.port}"),
            *("--bind-address=127.0.0.1", f"--pid-file={node.folder}.pid", "--skip-name-resolve"),
            *("--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", "--innodb-flush-log-at-trx-commit=0"),
            *("--innodb-buffer-pool-size=64M", "--wsrep-on=ON", f"--wsrep-provider={GALERA}", "--wsrep-cluster-name=t"),
            f"--wsrep-cluster-address=gcomm://{','.join(f'127.0.0.1:{port}' for port in group)}",
            *(f"--wsrep-node-name=n{number}", f"--wsrep-node-address=127.0.0.1:{group[number]}"),
            *(f"--wsrep-provider-options={options}", "--wsrep-sst-method=rsync"),
            f"--wsrep-sst-receive-address=127.0.0.1:{self._transfer[number]}",
            *(["--wsrep-new-cluster"] if number == 0 else []),
        ]

    def ask(self, node: Node, sql: str) -> str:
        """Run a statement on one node."""
        client = shutil.which("mariadb") or "mysql"
        return _said(
            [client, "--no-defaults", "-uroot", "-h127.0.0.1", f"-P{node.port}", "-N", "-B", "-e", sql]
        ).strip()

    def _status(self, node: Node, name: str) -> str:
        return self.ask(node, f"SHOW STATUS LIKE '{name}'").partition("\t")[2]
