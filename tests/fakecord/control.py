"""An HTTP interface to the simulator itself, for tests in another process."""

from __future__ import annotations

import inspect
import typing

from aiohttp import web

from .encoding import dumps, loads

if typing.TYPE_CHECKING:
    from .server import FakeDiscord


class Control:
    """Lets another process call the simulator."""

    def __init__(self, simulator: FakeDiscord) -> None:
        self._simulator = simulator

    def install(self, app: web.Application) -> None:
        """Add the control routes to a server."""
        app.router.add_get("/_sim/stats", self._stats)
        app.router.add_get("/_sim/world", self._world)
        app.router.add_post("/_sim/call", self._call)

    async def _stats(self, _: web.Request) -> web.Response:
        return _answer(self._simulator.stats())

    async def _world(self, _: web.Request) -> web.Response:
        world = self._simulator.world
        guilds = {guild_id: guild.payload() for guild_id, guild in world.guilds.items()}
        return _answer({"guilds": guilds, "messages": world.messages, "direct_channels": world.direct_channels})

    async def _call(self, request: web.Request) -> web.Response:
        """Call a method by name: `{"method": ..., "args": [...], "kwargs": {...}, "silent": false}`."""
        wish = loads(await request.read())
        name = wish["method"]
        method = None if name.startswith("_") else getattr(self._simulator, name, None)
        if not callable(method):
            return _answer({"error": f"The simulator has no method {name!r}."}, status=404)
        try:
            if wish.get("silent"):
                async with self._simulator.silently():
                    result = await _run(method, wish)
            else:
                result = await _run(method, wish)
        except Exception as error:  # noqa: BLE001 - the caller gets the error, and the simulator continues
            return _answer({"error": repr(error)}, status=400)
        return _answer({"result": result})


async def _run(method: typing.Callable[..., object], wish: dict[str, typing.Any]) -> object:
    result = method(*wish.get("args", ()), **wish.get("kwargs", {}))
    return await result if inspect.isawaitable(result) else result


def _answer(value: object, status: int = 200) -> web.Response:
    return web.Response(body=dumps(value), content_type="application/json", status=status)
