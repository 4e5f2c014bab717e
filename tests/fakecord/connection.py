"""One websocket to a client, with its compression."""

from __future__ import annotations

import asyncio
import importlib
import typing
import zlib

from aiohttp import web

from .encoding import dumps

_PAYLOAD_ZLIB_ABOVE: typing.Final = 1024


def _no_compression(raw: bytes) -> bytes:
    return raw


def _zlib_stream() -> typing.Callable[[bytes], bytes]:
    stream = zlib.compressobj(level=1)
    return lambda raw: stream.compress(raw) + stream.flush(zlib.Z_SYNC_FLUSH)


def _zstd_stream() -> typing.Callable[[bytes], bytes]:
    zstd = _zstd_module()
    stream = zstd.ZstdCompressor(level=1)
    return lambda raw: typing.cast("bytes", stream.compress(raw, mode=zstd.ZstdCompressor.FLUSH_BLOCK))


def _zstd_module() -> typing.Any:
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    raise web.HTTPBadRequest(text="zstd is not installed here: the simulator cannot speak zstd-stream.")


_COMPRESSIONS: typing.Final[dict[str | None, typing.Callable[[], typing.Callable[[bytes], bytes]]]] = {
    None: lambda: _no_compression,
    "zlib-stream": _zlib_stream,
    "zstd-stream": _zstd_stream,
}


class Connection:
    """A client's websocket.

    Parameters
    ----------
    request
        The request that opens it.

    Attributes
    ----------
    compression
        The transport compression that the client asked for.
    payload_zlib
        Whether the client asked for compressed payloads when it identified.
    closing
        Whether nothing may be sent any more.
    server_close_code
        The code the simulator closed it with, if it did.
    bytes_raw, bytes_wire
        How much was sent, before and after compression.
    """

    def __init__(self, request: web.Request) -> None:
        self.compression = request.query.get("compress")
        self.payload_zlib = False
        self.closing = False
        self.server_close_code: int | None = None
        self.bytes_raw = 0
        self.bytes_wire = 0
        self.socket = web.WebSocketResponse(max_msg_size=4 << 20, compress=False)
        self._request = request
        self._encode = _COMPRESSIONS[self.compression]()
        self._lock = asyncio.Lock()

    async def open(self) -> None:
        """Complete the websocket handshake."""
        await self.socket.prepare(self._request)

    async def send(self, raw: bytes) -> None:
        """Send one frame; does nothing when the connection is closing or already gone."""
        async with self._lock:  # A compression stream has state: frames must leave in the order they are compressed.
            if self.closing:
                return
            self.bytes_raw += len(raw)
            try:
                await self._transmit(raw)
            except ConnectionError:
                self.closing = True

    async def _transmit(self, raw: bytes) -> None:
        if self.compression is None and not (self.payload_zlib and len(raw) > _PAYLOAD_ZLIB_ABOVE):
            self.bytes_wire += len(raw)
            await self.socket.send_str(raw.decode())
            return
        wire = self._encode(raw) if self.compression else zlib.compress(raw)
        self.bytes_wire += len(wire)
        await self.socket.send_bytes(wire)

    async def send_opcode(self, opcode: int, data: object = None) -> None:
        """Send a frame that is no event."""
        await self.send(dumps({"op": opcode, "d": data, "s": None, "t": None}))

    async def close(self, code: int, reason: str = "") -> None:
        """Close the way Discord does, with a code and a reason."""
        self.closing = True
        self.server_close_code = code
        await self.socket.close(code=code, message=reason.encode())

    def abort(self) -> None:
        """Reset the TCP connection, without a close frame."""
        self.closing = True
        if self._request.transport is not None:
            self._request.transport.abort()
