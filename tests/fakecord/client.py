"""A simulator in its own process, with a synchronous client."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time
import typing
import urllib.error
import urllib.request

_PACKAGE: typing.Final = pathlib.Path(__file__).parent
_POLL_SECONDS: typing.Final = 0.02


class RemoteError(Exception):
    """The simulator could not do what was requested; the message is its reason."""


class Remote:
    """Talks to a simulator in another process; every call blocks.

    Parameters
    ----------
    rest_url
        The simulator's `rest_url`.
    process
        Its process, if it was started by `running`; kill it to see how a bot reacts.
    """

    def __init__(self, rest_url: str, process: subprocess.Popen[str] | None = None) -> None:
        self.rest_url = rest_url
        self.process = process
        self._root = rest_url.partition("/api/")[0]

    def call(self, method: str, *args: typing.Any, silent: bool = False, **kwargs: typing.Any) -> typing.Any:
        """Call any method of `FakeDiscord` and return its result, as JSON represents it.

        Parameters
        ----------
        method
            Its name.
        *args, **kwargs
            Its arguments.
        silent
            Whether the world changes without events.

        Raises
        ------
        RemoteError
            If there is no such method, or it raised.
        """
        wish = {"method": method, "args": args, "kwargs": kwargs, "silent": silent}
        return self._request("call", json.dumps(wish).encode())["result"]

    def stats(self) -> dict[str, typing.Any]:
        """Return the statistics so far: see `FakeDiscord.stats`."""
        return typing.cast("dict[str, typing.Any]", self._request("stats"))

    def world(self) -> dict[str, typing.Any]:
        """Return all guilds and messages."""
        return typing.cast("dict[str, typing.Any]", self._request("world"))

    def flood(self, channel_id: str, count: int, *, rate: float | None = None, rich: bool = False) -> float:
        """Send many messages and return how many seconds that took: see `FakeDiscord.flood_messages`."""
        return float(self.call("flood_messages", channel_id, count, rate=rate, rich=rich))

    def live_shards(self) -> int:
        """Return how many shards are connected."""
        return sum(session["live"] for session in self.stats()["sessions"])

    def wait_until(self, predicate: typing.Callable[[], bool], timeout: float = 10.0) -> None:
        """Wait until a condition holds, checking every 20 ms.

        Raises
        ------
        TimeoutError
            If it does not hold within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while not predicate():
            if time.monotonic() > deadline:
                raise TimeoutError(f"The condition did not hold within {timeout} s; {self.stats()}")
            time.sleep(_POLL_SECONDS)

    def _request(self, name: str, body: bytes | None = None) -> typing.Any:
        try:
            with urllib.request.urlopen(f"{self._root}/_sim/{name}", body, timeout=60) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                raise RemoteError(json.load(error)["error"]) from error


@contextlib.contextmanager
def running(*arguments: str, timeout: float = 20.0) -> typing.Iterator[Remote]:
    """Run a simulator in its own process for the length of a `with` block.

    Parameters
    ----------
    *arguments
        Options of `python -m fakecord`, such as "--members", "100".
    timeout
        How many seconds it may take to stop before it is killed.

    Raises
    ------
    RuntimeError
        If it does not start.
    """
    paths = [str(_PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    process = subprocess.Popen(
        [sys.executable, "-m", _PACKAGE.name, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Remote(_ready_url(process), process)
        finally:
            process.terminate()
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()


def _ready_url(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout is not None else ""
    word, _, url = line.strip().partition(" ")
    if word != "READY":
        raise RuntimeError(f"The simulator did not start: it said {line!r}.")
    return url
