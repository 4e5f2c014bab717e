"""Answers requests for guild members with chunks."""

from __future__ import annotations

import itertools
import time
import typing

from .intents import Intent
from .payloads import Payload
from .session import Session
from .settings import Settings
from .world import Guild, World

_REQUEST_OPCODE: typing.Final = 8
_DEFAULT_LIMIT: typing.Final = 100


class MemberChunks:
    """Answers Request Guild Members."""

    def __init__(self, settings: Settings, world: World) -> None:
        self._settings = settings
        self._world = world
        self._lost = 0
        self._asked_for_all: dict[str, float] = {}

    def lose_chunks(self, count: int) -> None:
        """Omit the next `count` chunks, even from a replay."""
        self._lost += count

    async def answer(self, session: Session, request: Payload) -> None:
        """Send the chunks of one request."""
        guild_ids = request["guild_id"]
        for guild_id in guild_ids if isinstance(guild_ids, list) else [guild_ids]:
            guild = self._world.guilds.get(str(guild_id))
            if guild is not None and guild.available and not await self._is_refused(session, request, guild.id):
                await self._send(session, request, guild)

    async def _is_refused(self, session: Session, request: Payload, guild_id: str) -> bool:
        if request.get("user_ids") or request.get("query") or request.get("limit"):
            return False
        now = time.monotonic()
        window = self._settings.member_request_window
        waited = now - self._asked_for_all.get(guild_id, -window)
        if not self._settings.limit_member_requests or waited >= window:
            self._asked_for_all[guild_id] = now
            return False
        meta = {"guild_id": guild_id} | ({"nonce": request["nonce"]} if request.get("nonce") else {})
        refusal = {"opcode": _REQUEST_OPCODE, "retry_after": window - waited, "meta": meta}
        await session.dispatch("RATE_LIMITED", refusal)
        return True

    async def _send(self, session: Session, request: Payload, guild: Guild) -> None:
        members, extra = _choose(guild, request)
        if request.get("nonce"):
            extra["nonce"] = request["nonce"]
        size = self._settings.chunk_size
        with_presences = request.get("presences") and session.intents & Intent.GUILD_PRESENCES
        chunk_count = max(1, -(-len(members) // size))
        for index in range(chunk_count):
            part = members[index * size : (index + 1) * size]
            chunk = {"guild_id": guild.id, "members": part, "chunk_index": index, "chunk_count": chunk_count, **extra}
            if with_presences:
                found = (guild.presences.get(member["user"]["id"]) for member in part)
                chunk["presences"] = [presence for presence in found if presence is not None]
            if self._lost:
                self._lost -= 1
            else:
                await session.dispatch("GUILD_MEMBERS_CHUNK", chunk)


def _choose(guild: Guild, request: Payload) -> tuple[list[Payload], Payload]:
    wanted = request.get("user_ids")
    if wanted:
        user_ids = [str(each) for each in (wanted if isinstance(wanted, list) else [wanted])]
        found = [guild.members[each] for each in user_ids if each in guild.members]
        return found, {"not_found": [each for each in user_ids if each not in guild.members]}
    members = iter(guild.members.values())
    limit = request.get("limit") or None
    if query := str(request.get("query") or "").lower():
        members = (member for member in guild.members.values() if _name(member).startswith(query))
        limit = limit or _DEFAULT_LIMIT
    return list(itertools.islice(members, limit)), {}


def _name(member: Payload) -> str:
    return str(member.get("nick") or member["user"]["username"]).lower()
