"""The gateway: what clients may send over their websocket, opcode by opcode."""

from __future__ import annotations

import asyncio
import random
import typing

from aiohttp import WSMsgType, web

from . import payloads
from .broadcast import Broadcast
from .connection import Connection
from .encoding import loads
from .guild_view import guild_create
from .intents import PRIVILEGED
from .member_actions import MemberActions
from .member_chunks import MemberChunks
from .payloads import Payload
from .session import Session
from .settings import Settings

HEARTBEAT: typing.Final = 1
IDENTIFY: typing.Final = 2
PRESENCE: typing.Final = 3
VOICE_STATE: typing.Final = 4
RESUME: typing.Final = 6
RECONNECT: typing.Final = 7
REQUEST_MEMBERS: typing.Final = 8
INVALID_SESSION: typing.Final = 9
HELLO: typing.Final = 10
HEARTBEAT_ACK: typing.Final = 11
REQUEST_SOUNDS: typing.Final = 31
REQUEST_CHANNEL_INFO: typing.Final = 43

_ENDS_THE_SESSION: typing.Final = frozenset({1000, 1001})
_VOICE_TYPES: typing.Final = frozenset({2, 13})


class Gateway:
    """Serves clients over websockets."""

    def __init__(
        self, settings: Settings, broadcast: Broadcast, members: MemberActions, chunks: MemberChunks, rng: random.Random
    ) -> None:
        self.port = 0
        self._settings = settings
        self._broadcast = broadcast
        self._world = broadcast.world
        self._observer = broadcast.observer
        self._members = members
        self._random = rng
        self._handlers: dict[int, typing.Callable[[Session, typing.Any], typing.Awaitable[None]]] = {
            PRESENCE: self._ignore,
            VOICE_STATE: self._on_voice_state,
            REQUEST_MEMBERS: chunks.answer,
            REQUEST_SOUNDS: self._on_request_sounds,
            REQUEST_CHANNEL_INFO: self._on_request_channel_info,
        }

    @property
    def url(self) -> str:
        """The URL that clients connect to."""
        return f"ws://127.0.0.1:{self.port}/gateway"

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one client until its connection ends."""
        connection = Connection(request)
        await connection.open()
        await connection.send_opcode(
            HELLO, {"heartbeat_interval": self._settings.heartbeat_interval_ms, "_trace": ["fakecord"]}
        )
        try:
            await self._listen(connection)
        finally:
            self._ended(connection)
        return connection.socket

    async def _listen(self, connection: Connection) -> None:
        session: Session | None = None
        async for message in connection.socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            frame = loads(message.data)
            opcode, data = frame["op"], frame.get("d")
            self._observer.opcodes.append((opcode, data))
            if opcode == HEARTBEAT:
                await self._on_heartbeat(connection, session, data)
            elif opcode == IDENTIFY:
                session = await self._on_identify(connection, data)
            elif opcode == RESUME:
                session = await self._on_resume(connection, data)
            elif session is None:
                await connection.close(4003, "Not authenticated.")
            elif opcode in self._handlers:
                await self._handlers[opcode](session, data)
            else:
                await connection.close(4001, "Unknown opcode.")
            self._observer.notify()

    def _ended(self, connection: Connection) -> None:
        connection.closing = True
        code = connection.server_close_code or connection.socket.close_code
        self._observer.close_codes.append(None if code is None else int(code))
        for session in self._broadcast.live_sessions():
            if session.connection is connection:
                session.detach()
                # Documented: only these two, and only sent by the client, end the session as well.
                if connection.server_close_code is None and code in _ENDS_THE_SESSION:
                    del self._broadcast.sessions[session.id]
        self._observer.notify()

    async def _on_heartbeat(self, connection: Connection, session: Session | None, sequence: int | None) -> None:
        if session is not None:
            session.last_acked = sequence
        await connection.send_opcode(HEARTBEAT_ACK)

    async def _on_identify(self, connection: Connection, data: Payload) -> Session | None:
        self._observer.identifies += 1
        shard, count = data.get("shard", (0, 1))
        if self._settings.token not in (None, data["token"]):
            await connection.close(4004, "Authentication failed.")
        elif data["intents"] & PRIVILEGED & ~self._settings.allowed_privileged:
            await connection.close(4014, "Disallowed intent(s).")
        elif shard >= count:
            await connection.close(4010, "Invalid shard.")
        else:
            return await self._begin(connection, data)
        return None

    async def _begin(self, connection: Connection, data: Payload) -> Session:
        await asyncio.sleep(self._settings.identify_delay)
        connection.payload_zlib = bool(data.get("compress"))
        session_id = f"{self._random.getrandbits(128):032x}"
        bot_id, replay = self._settings.bot_id, self._settings.replay_buffer
        session = Session(session_id, bot_id, data, connection, replay)
        mine = [guild for guild in self._world.guilds.values() if session.owns(guild.id)]
        session.arriving = {guild.id for guild in mine}
        self._broadcast.sessions[session_id] = session
        await session.dispatch("READY", self._ready(session, [guild.id for guild in mine]))
        self._observer.notify()
        for guild in mine:
            await asyncio.sleep(self._settings.guild_create_delay)
            session.arriving.discard(guild.id)
            if guild.available and guild.id in self._world.guilds:
                await session.dispatch("GUILD_CREATE", guild_create(guild, session, bot_id))
        return session

    def _ready(self, session: Session, guild_ids: list[str]) -> Payload:
        return {
            "v": 10,
            "user": self._world.own_user,
            "guilds": [{"id": guild_id, "unavailable": True} for guild_id in guild_ids],
            "session_id": session.id,
            "resume_gateway_url": f"ws://127.0.0.1:{self.port}/resume",
            "shard": list(session.shard),
            "session_type": "normal",
            "application": {"id": self._settings.application_id, "flags": 0},
            "private_channels": [],
            "relationships": [],
            "user_settings": {},
            "presences": [],
            "guild_join_requests": [],
            "geo_ordered_rtc_regions": [],
            "_trace": ["fakecord"],
        }

    async def _on_resume(self, connection: Connection, data: Payload) -> Session | None:
        session = self._broadcast.sessions.get(data["session_id"])
        sequence = int(data["seq"])
        if session is not None and session.is_expired(self._settings.resume_window):
            del self._broadcast.sessions[session.id]
            session = None
        if session is not None and sequence > session.sequence:
            self._observer.resumes_failed += 1
            await connection.close(4007, "Invalid seq.")
            return None
        refused = self._settings.token not in (None, data["token"])
        if session is None or refused or not session.can_resume_from(sequence):
            self._observer.resumes_failed += 1
            await connection.send_opcode(INVALID_SESSION, data=False)
            return None
        if session.connection is not None and session.connection is not connection:
            session.connection.abort()
            session.detach()
        self._observer.resumes_ok += 1
        await session.resume(connection, sequence)
        return session

    async def _ignore(self, _session: Session, _data: Payload) -> None:
        return

    async def _on_voice_state(self, session: Session, data: Payload) -> None:
        guild_id, channel_id = str(data["guild_id"]), data["channel_id"]
        bot_id = self._settings.bot_id
        await self._members.set_voice_state(guild_id, payloads.voice_state(bot_id, channel_id))
        if channel_id is not None:
            server = {"token": "voice-token", "guild_id": guild_id, "endpoint": "voice.localhost:443"}
            await session.dispatch("VOICE_SERVER_UPDATE", server)

    async def _on_request_sounds(self, session: Session, data: Payload) -> None:
        for guild_id in data["guild_ids"]:
            if (guild := self._world.guilds.get(str(guild_id))) is not None:
                sounds = {"guild_id": guild.id, "soundboard_sounds": list(guild.sounds.values())}
                await session.dispatch("SOUNDBOARD_SOUNDS", sounds)

    async def _on_request_channel_info(self, session: Session, data: Payload) -> None:
        guild = self._world.guilds[str(data["guild_id"])]
        channels = [
            {name: channel.get(name) for name in ("id", "status", "voice_start_time")}
            for channel in guild.channels.values()
            if channel["type"] in _VOICE_TYPES
        ]
        await session.dispatch("CHANNEL_INFO", {"guild_id": guild.id, "channels": channels})
