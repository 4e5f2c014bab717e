"""A browser that displays pages as people see them: headless Chromium, controlled with its DevTools protocol."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import tempfile
import typing
from collections.abc import AsyncIterator

import aiohttp

__all__ = ("Tab", "opened", "program")

# It does not check for updates, and can only reach this machine.
_FLAGS: typing.Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
    "--remote-debugging-port=0",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def program() -> str | None:
    """Return the path of Chromium, if it is installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Tab:
    """A page of a browser, and the URLs it has requested."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._calls = 0
        self.asked: list[str] = []

    async def call(self, method: str, **parameters: object) -> dict[str, typing.Any]:
        """Call a method of the protocol, and return its result."""
        self._calls += 1
        number = self._calls
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        return (await self._until(lambda message: message.get("id") == number))["result"]

    async def show(self, url: str, *, width: int, dark: bool = False) -> None:
        """Open a page on a screen of a given width, and wait until it has loaded."""
        await self.call("Page.enable")
        await self.call("Network.enable")
        await self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=True)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])
        await self.call("Page.navigate", url=url)
        await self._until(lambda message: message.get("method") == "Page.loadEventFired")

    async def value(self, expression: str) -> typing.Any:
        """Return the value of an expression in the page."""
        return (await self.call("Runtime.evaluate", expression=expression, returnByValue=True))["result"].get("value")

    async def _until(self, wanted: typing.Callable[[dict[str, typing.Any]], bool]) -> dict[str, typing.Any]:
        while True:
            message = await self._socket.receive_json(timeout=30)
            if message.get("method") == "Network.requestWillBeSent":
                self.asked.append(message["params"]["request"]["url"])
            if wanted(message):
                return message


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[Tab]:
    """Start a browser with its own profile, and yield its only tab."""
    chromium = program()
    assert chromium is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            chromium,
            *_FLAGS,
            f"--user-data-dir={profile}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        reading = asyncio.create_task(_read(process, address), name="what Chromium says")
        try:
            await asyncio.wait_for(address, 30)
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://{address.result()}/json") as answer:
                    (page,) = (each for each in await answer.json() if each["type"] == "page")
                async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    yield Tab(socket)
        finally:
            process.terminate()
            await reading
            await process.wait()


async def _read(process: asyncio.subprocess.Process, address: asyncio.Future[str]) -> None:
    """Read all of its output, so that it does not block, and find the address that it listens on."""
    assert process.stderr is not None
    async for line in process.stderr:
        found = re.search(rb"DevTools listening on ws://([^/]+)/", line)
        if found is not None:
            address.set_result(found[1].decode())
