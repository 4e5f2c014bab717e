"""Follows requests for all members of guilds from sending to the last chunk. One follower per gateway session."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator

from . import completeness
from .changes import Change
from .model import Origin, Payload

__all__ = ("CONCERNED", "MemberChunks")

_MEMBER_EVENTS: typing.Final = frozenset(("GUILD_MEMBER_ADD", "GUILD_MEMBER_UPDATE", "GUILD_MEMBER_REMOVE"))

CONCERNED: typing.Final = _MEMBER_EVENTS | {"GUILD_CREATE", "GUILD_DELETE", "GUILD_MEMBERS_CHUNK"}
"""The events that affect a request for members."""


class _Request:
    """What has arrived since all members of a guild were requested."""

    __slots__ = ("heard", "left", "lost", "nonce", "seen")

    def __init__(self, nonce: str | None, lost: int) -> None:
        self.nonce = nonce
        self.lost = lost
        self.heard: set[int] = set()
        self.seen: set[int] = set()
        self.left: set[int] = set()


class MemberChunks:
    """Finds out when the chunks of a request have listed all members of a guild, and who they are.

    Parameters
    ----------
    lost
        Returns how many changes of members have been lost so far.
    """

    def __init__(self, lost: Callable[[], int]) -> None:
        self._lost = lost
        self._requests: dict[int, _Request] = {}

    def ask(self, guild_id: int, nonce: str | None) -> None:
        """Start following a request for all members of a guild, just before it is sent.

        Parameters
        ----------
        guild_id
            The guild.
        nonce
            The nonce of its chunks; ``None`` if hikari sends the request, whose nonces have a known form.
        """
        self._requests[guild_id] = _Request(nonce, self._lost())

    def is_asked(self, guild_id: int, nonce: str) -> bool:
        """Return whether a request is still being answered."""
        request = self._requests.get(guild_id)
        return request is not None and request.nonce == nonce

    def forget(self, guild_id: int) -> None:
        """Stop following the request for a guild. Its chunks then add members and remove none."""
        self._requests.pop(guild_id, None)

    def without_left(self, name: str, event: Payload) -> Payload:
        """Return an event; from a chunk, remove the members who have left since it was requested."""
        if name != "GUILD_MEMBERS_CHUNK" or (request := self._requests.get(int(event["guild_id"]))) is None:
            return event
        if not request.left:
            return event
        lists = {field: event[field] for field in ("members", "presences") if event.get(field)}
        stay = {
            field: [each for each in told if int(each["user"]["id"]) not in request.left]
            for field, told in lists.items()
        }
        return {**event, **stay}

    def note(self, name: str, event: Payload, shard_id: int, origin: Origin) -> Iterator[Change]:
        """Yield what else an event changes about the members of its guild, after its own changes."""
        if name in ("GUILD_CREATE", "GUILD_DELETE"):
            self.forget(int(event["id"]))
        elif name in _MEMBER_EVENTS:
            if self._requests and (request := self._requests.get(int(event["guild_id"]))) is not None:
                _moved(request, name, int(event["user"]["id"]))
        elif name == "GUILD_MEMBERS_CHUNK":
            guild_id = int(event["guild_id"])
            request = self._requests.get(guild_id)
            if request is not None and _answers(request, event.get("nonce"), shard_id):
                yield from self._arrived(request, guild_id, event, origin._replace(source="chunk"))

    def _arrived(self, request: _Request, guild_id: int, event: Payload, origin: Origin) -> Iterator[Change]:
        request.seen.update(int(member["user"]["id"]) for member in event["members"])
        request.heard.add(event["chunk_index"])
        if len(request.heard) < event["chunk_count"]:
            return
        del self._requests[guild_id]
        if request.lost == self._lost():
            yield from completeness.only(frozenset(request.seen), guild_id, origin)


def _moved(request: _Request, name: str, user_id: int) -> None:
    if name == "GUILD_MEMBER_REMOVE":
        request.left.add(user_id)
        return
    request.seen.add(user_id)
    if name == "GUILD_MEMBER_ADD":
        request.left.discard(user_id)


def _answers(request: _Request, nonce: object, shard_id: int) -> bool:
    if request.nonce is None and isinstance(nonce, str) and nonce.startswith(f"{shard_id}."):
        request.nonce = nonce
    return nonce is not None and request.nonce == nonce
