"""The framework of the REST API: routing, the log of requests, authorization, failures on demand."""

from __future__ import annotations

import collections.abc
import dataclasses
import re
import typing

from aiohttp import web

from .chaos import Chaos
from .encoding import dumps, loads
from .observer import Observer
from .payloads import Payload
from .settings import Settings

_PREFIXES: typing.Final = ("/api/v10", "/api")
_RETRY_AFTER: typing.Final = 0.05
# As on Discord, their token is in the path, not in a header.
_NEEDS_NO_TOKEN: typing.Final = re.compile(r"^/interactions/|^/webhooks/\d+/")
_RATE_LIMIT_HEADERS: typing.Final = {
    "X-RateLimit-Limit": "1",
    "X-RateLimit-Remaining": "0",
    "X-RateLimit-Reset-After": str(_RETRY_AFTER),
    "X-RateLimit-Bucket": "fakecord",
    "X-RateLimit-Scope": "user",
    "Retry-After": "1",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """One parsed request.

    Attributes
    ----------
    path
        The named parts of the path.
    query
        What follows the question mark.
    body
        The decoded JSON, or an empty dict.
    """

    path: collections.abc.Mapping[str, str]
    query: collections.abc.Mapping[str, str]
    body: typing.Any


# Takes a call, and returns the response as JSON; None means 204.
Handler: typing.TypeAlias = typing.Callable[[Call], typing.Awaitable[object]]
Route: typing.TypeAlias = tuple[str, str, Handler]


class Rest:
    """Serves routes as Discord's REST API."""

    def __init__(self, settings: Settings, observer: Observer, chaos: Chaos) -> None:
        self._settings = settings
        self._observer = observer
        self._chaos = chaos

    def install(self, app: web.Application, routes: typing.Iterable[Route]) -> None:
        """Add routes to a server; the first match wins."""
        for method, path, handler in routes:
            for prefix in _PREFIXES:
                app.router.add_route(method, prefix + path, self._serving(handler))
        app.router.add_route("*", "/api/{rest:.*}", self._serving(_unknown_route))

    def _serving(self, handler: Handler) -> typing.Callable[[web.Request], typing.Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            refusal = self._refuse(request)
            if refusal is not None:
                return refusal
            call = Call(request.match_info, request.query, await _body(request))
            try:
                answer = await handler(call)
            except KeyError as error:
                return _error(404, f"Unknown resource {error}", 10000)
            finally:
                self._observer.notify()
            return web.Response(status=204) if answer is None else _json(answer)

        return serve

    def _refuse(self, request: web.Request) -> web.Response | None:
        path = re.sub(r"^/api(/v\d+)?", "", request.path)
        generic = re.sub(r"\d{15,}", "{id}", path)
        self._observer.rest_requests.append((request.method, path))
        self._observer.rest_log[f"{request.method} {generic}"] += 1
        status = self._chaos.next_failure(path)
        if status == 429:
            body: Payload = {"message": "You are being rate limited.", "retry_after": _RETRY_AFTER, "global": False}
            return web.json_response(body, status=429, headers=_RATE_LIMIT_HEADERS)
        if status is not None:
            return _error(status, "Simulated failure")
        token = self._settings.token
        if token is None or _NEEDS_NO_TOKEN.search(path) or request.headers.get("Authorization") == f"Bot {token}":
            return None
        return _error(401, "401: Unauthorized")


def page(
    items: typing.Iterable[Payload], key: typing.Callable[[Payload], str], query: collections.abc.Mapping[str, str]
) -> list[Payload]:
    """Return the page of items, by ascending id, that `after`, `before` and `limit` select."""
    ordered = sorted(items, key=lambda item: int(key(item)))
    limit = int(query.get("limit", 1000))
    if "before" in query:
        return [item for item in ordered if int(key(item)) < int(query["before"])][-limit:]
    return [item for item in ordered if int(key(item)) > int(query.get("after", 0))][:limit]


async def _body(request: web.Request) -> typing.Any:
    if request.content_type.startswith("multipart/"):
        form = await request.post()
        return loads(str(form["payload_json"])) if "payload_json" in form else {}
    text = await request.read()
    return loads(text) if text else {}


async def _unknown_route(call: Call) -> object:
    raise KeyError(call.path["rest"])


def _json(answer: object) -> web.Response:
    return web.Response(body=dumps(answer), content_type="application/json")


def _error(status: int, message: str, code: int = 0) -> web.Response:
    return web.json_response({"message": message, "code": code}, status=status)
