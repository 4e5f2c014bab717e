"""Many events, as fast as the network takes them."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import time
import typing

from . import payloads
from .broadcast import Broadcast
from .encoding import dumps
from .payloads import Payload
from .world import World

_AUTHORS: typing.Final = 50
_SHORTEST_SLEEP: typing.Final = 0.001


@dataclasses.dataclass(frozen=True, slots=True)
class Flood:
    """Sends events to clients at full speed, regardless of intents and without changing the world."""

    world: World
    broadcast: Broadcast

    async def prepare_chunks(self, guild_id: str, count: int, size: int = 1000) -> None:
        """Create chunks of new members, to be sent by `flood_prepared`."""
        await self._prepare("GUILD_MEMBERS_CHUNK", list(self._chunks(guild_id, count, size)))

    async def prepare_messages(self, channel_id: str, count: int) -> None:
        """Create the messages of `flood_messages`, to be sent by `flood_prepared`."""
        await self._prepare("MESSAGE_CREATE", list(self._bodies(channel_id, count, rich=False)))

    async def _prepare(self, name: str, bodies: list[bytes]) -> None:
        for session in self.broadcast.live_sessions():
            if session.connection is not None:
                await session.connection.hold(session.frame(name, body) for body in bodies)

    async def flood_prepared(self) -> None:
        """Send what was prepared, already compressed, so that the simulator has little left to do meanwhile."""
        for session in self.broadcast.live_sessions():
            if session.connection is not None:
                await session.connection.release()

    async def flood(self, events: typing.Iterable[tuple[str, Payload | bytes]], *, rate: float | None = None) -> int:
        """Send events to every live session, and return how many there were.

        Parameters
        ----------
        events
            Names and data; data may be ready-made JSON.
        rate
            How many per second; by default, as many as possible.
        """
        count, began = 0, time.perf_counter()
        live = self.broadcast.live_sessions()
        for name, data in events:
            body = data if isinstance(data, bytes) else dumps(data)
            for session in live:
                raw = session.frame(name, body)
                if session.connection is not None:
                    await session.connection.send(raw)
            count += 1
            if rate is not None:
                ahead = began + count / rate - time.perf_counter()
                if ahead > _SHORTEST_SLEEP:
                    await asyncio.sleep(ahead)
        return count

    async def flood_messages(
        self, channel_id: str, count: int, *, rate: float | None = None, rich: bool = False
    ) -> float:
        """Send MESSAGE_CREATE `count` times with distinct IDs, and return how many seconds that took."""
        began = time.perf_counter()
        await self.flood((("MESSAGE_CREATE", body) for body in self._bodies(channel_id, count, rich=rich)), rate=rate)
        return time.perf_counter() - began

    @staticmethod
    def _chunks(guild_id: str, count: int, size: int) -> typing.Iterator[bytes]:
        for index in range(count):
            members = [payloads.member(payloads.user()) for _ in range(size)]
            chunk = {"guild_id": guild_id, "members": members, "chunk_index": index, "chunk_count": count}
            yield dumps({**chunk, "not_found": []})

    def _bodies(self, channel_id: str, count: int, *, rich: bool) -> typing.Iterator[bytes]:
        guild = self.world.guild_of(channel_id)
        if guild is None:
            raise LookupError(f"There is no guild channel {channel_id}: floods go to guild channels only.")
        templates: list[tuple[bytes, bytes]] = []
        for member in itertools.islice(guild.members.values(), _AUTHORS):
            message = payloads.message(
                channel_id, member["user"], guild_id=guild.id, member=member, content="flood " * 8, rich=rich
            )
            before, _, after = dumps(message).partition(message["id"].encode())
            templates.append((before, after))
        for (before, after), _ in zip(itertools.cycle(templates), range(count), strict=False):
            yield before + payloads.snowflake().encode() + after
