"""One websocket to a client, with its compression."""

from __future__ import annotations

import asyncio
import importlib
import struct
import typing
import zlib

from aiohttp import web

from .encoding import dumps

_PAYLOAD_ZLIB_ABOVE: typing.Final = 1024
_SLICE: typing.Final = 1 << 16
_POLL_SECONDS: typing.Final = 0.001


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
        Whether nothing may be sent anymore.
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
        self._held: bytes | None = None

    async def open(self) -> None:
        """Complete the websocket handshake."""
        await self.socket.prepare(self._request)

    async def send(self, raw: bytes) -> None:
        """Send one frame. If the connection is closing or already gone, this is a no-op."""
        async with self._lock:  # A compression stream has state: frames must be sent in the order they are compressed.
            if self.closing:
                return
            self.bytes_raw += len(raw)
            try:
                await self._transmit(raw)
            except ConnectionError:
                self.closing = True

    async def _transmit(self, raw: bytes) -> None:
        is_binary, body = self._body(raw)
        self.bytes_wire += len(body)
        if is_binary:
            await self.socket.send_bytes(body)
        else:
            await self.socket.send_str(body.decode())

    def _body(self, raw: bytes) -> tuple[bool, bytes]:
        """Return whether a frame is binary, and its content."""
        if self.compression is not None:
            return True, self._encode(raw)
        if self.payload_zlib and len(raw) > _PAYLOAD_ZLIB_ABOVE:
            return True, zlib.compress(raw)
        return False, raw

    async def hold(self, raws: typing.Iterable[bytes]) -> None:
        """Prepare frames to be sent with `release`; everything else waits until they have been sent.

        Raises
        ------
        RuntimeError
            If frames are held already.
        """
        if self._held is not None:
            raise RuntimeError("Frames are held already: release them first.")
        await self._lock.acquire()
        self._held = b"".join(map(self._framed, raws))

    async def release(self) -> None:
        """Send the held frames as fast as the network takes them, without the cost of making them."""
        held, self._held = self._held, None
        if held is None:
            return
        transport = self._request.transport
        try:
            for start in range(0, len(held), _SLICE):
                if transport is None or transport.is_closing():
                    return
                transport.write(held[start : start + _SLICE])
                while transport.get_write_buffer_size() > _SLICE:  # noqa: ASYNC110 - a transport only notifies its protocol
                    await asyncio.sleep(_POLL_SECONDS)
        finally:
            self._lock.release()

    def _framed(self, raw: bytes) -> bytes:
        """Return one event as an unmasked frame of RFC 6455."""
        is_binary, body = self._body(raw)
        self.bytes_raw += len(raw)
        self.bytes_wire += len(body)
        first, length = 0x82 if is_binary else 0x81, len(body)
        if length < 126:
            return struct.pack("!BB", first, length) + body
        if length < 1 << 16:
            return struct.pack("!BBH", first, 126, length) + body
        return struct.pack("!BBQ", first, 127, length) + body

    async def send_opcode(self, opcode: int, data: object = None) -> None:
        """Send a frame that is not an event."""
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
