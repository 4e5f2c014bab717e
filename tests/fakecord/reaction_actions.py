"""Reactions and votes on messages. The stored message keeps the counts."""

from __future__ import annotations

import dataclasses

from . import payloads
from .broadcast import Broadcast
from .payloads import Payload
from .world import World


def emoji_key(emoji: Payload) -> str:
    """Return what identifies an emoji: the id of a custom one, the name of a unicode one."""
    return str(emoji.get("id") or emoji["name"])


@dataclasses.dataclass(frozen=True, slots=True)
class ReactionActions:
    """Changes reactions and votes, and sends the events."""

    world: World
    broadcast: Broadcast

    async def add_reaction(
        self, channel_id: str, message_id: str, user_id: str, emoji: Payload | str, *, burst: bool = False
    ) -> None:
        """React to a message. A repeated reaction changes nothing and causes no event, as on Discord."""
        emoji = _as_emoji(emoji)
        people = self.world.reacted.setdefault(message_id, {}).setdefault(emoji_key(emoji), set())
        if (user_id, burst) in people:
            return
        people.add((user_id, burst))
        self._tally(channel_id, message_id, emoji, user_id, burst=burst, step=1)
        told = self._told(channel_id, message_id, emoji) | self._by(user_id, burst=burst)
        if (guild := self.world.guild_of(channel_id)) is not None:
            told["member"] = guild.members[user_id]
        message = self.world.messages[channel_id].get(message_id)
        if message is not None and "webhook_id" not in message:
            told["message_author_id"] = message["author"]["id"]
        await self.broadcast.emit("MESSAGE_REACTION_ADD", told)

    async def remove_reaction(
        self, channel_id: str, message_id: str, user_id: str, emoji: Payload | str, *, burst: bool = False
    ) -> None:
        """Remove a reaction."""
        emoji = _as_emoji(emoji)
        self.world.reacted.get(message_id, {}).get(emoji_key(emoji), set()).discard((user_id, burst))
        self._tally(channel_id, message_id, emoji, user_id, burst=burst, step=-1)
        told = self._told(channel_id, message_id, emoji) | self._by(user_id, burst=burst)
        await self.broadcast.emit("MESSAGE_REACTION_REMOVE", told)

    async def remove_all_reactions(self, channel_id: str, message_id: str) -> None:
        """Remove every reaction from a message."""
        self.world.reacted.pop(message_id, None)
        self._store(channel_id, message_id, [])
        await self.broadcast.emit("MESSAGE_REACTION_REMOVE_ALL", self._told(channel_id, message_id))

    async def remove_emoji_reactions(self, channel_id: str, message_id: str, emoji: Payload | str) -> None:
        """Remove every reaction with one emoji from a message."""
        emoji = _as_emoji(emoji)
        key = emoji_key(emoji)
        self.world.reacted.get(message_id, {}).pop(key, None)
        kept = [tally for tally in self._tallies(channel_id, message_id) if emoji_key(tally["emoji"]) != key]
        self._store(channel_id, message_id, kept)
        await self.broadcast.emit("MESSAGE_REACTION_REMOVE_EMOJI", self._told(channel_id, message_id, emoji))

    async def add_vote(self, channel_id: str, message_id: str, user_id: str, answer_id: int) -> None:
        """Vote for an answer of a poll."""
        await self._vote(channel_id, message_id, user_id, answer_id, step=1, event="MESSAGE_POLL_VOTE_ADD")

    async def remove_vote(self, channel_id: str, message_id: str, user_id: str, answer_id: int) -> None:
        """Remove a vote."""
        await self._vote(channel_id, message_id, user_id, answer_id, step=-1, event="MESSAGE_POLL_VOTE_REMOVE")

    async def end_poll(self, channel_id: str, message_id: str) -> Payload:
        """End a poll, which makes its results final."""
        message = self.world.messages[channel_id][message_id]
        results = message["poll"]["results"] | {"is_finalized": True}
        message = message | {"poll": message["poll"] | {"results": results}}
        self.world.messages[channel_id][message_id] = message
        await self.broadcast.emit("MESSAGE_UPDATE", message)
        return message

    def _told(self, channel_id: str, message_id: str, emoji: Payload | None = None) -> Payload:
        guild = self.world.guild_of(channel_id)
        told: Payload = {"channel_id": channel_id, "message_id": message_id}
        if guild is not None:
            told["guild_id"] = guild.id
        if emoji is not None:
            told["emoji"] = emoji
        return told

    @staticmethod
    def _by(user_id: str, *, burst: bool) -> Payload:
        return {"user_id": user_id, "burst": burst, "type": int(burst)}

    def _tallies(self, channel_id: str, message_id: str) -> list[Payload]:
        return list(self.world.messages[channel_id].get(message_id, {}).get("reactions", ()))

    def _store(self, channel_id: str, message_id: str, tallies: list[Payload]) -> None:
        messages = self.world.messages[channel_id]
        if message_id in messages:
            messages[message_id] = messages[message_id] | {"reactions": tallies}

    def _tally(self, channel_id: str, message_id: str, emoji: Payload, user_id: str, *, burst: bool, step: int) -> None:
        by_emoji = {emoji_key(tally["emoji"]): tally for tally in self._tallies(channel_id, message_id)}
        tally = by_emoji.get(emoji_key(emoji)) or payloads.reaction(emoji, count=0)
        kind = "burst" if burst else "normal"
        details = tally["count_details"] | {kind: max(0, tally["count_details"][kind] + step)}
        tally = tally | {
            "count": sum(details.values()),
            "count_details": details,
            "burst_count": details["burst"],
        }
        if user_id == self.world.bot_id:
            tally |= {"me_burst": step > 0, "burst_me": step > 0} if burst else {"me": step > 0}
        by_emoji[emoji_key(emoji)] = tally
        self._store(channel_id, message_id, [each for each in by_emoji.values() if each["count"]])

    async def _vote(
        self, channel_id: str, message_id: str, user_id: str, answer_id: int, *, step: int, event: str
    ) -> None:
        message = self.world.messages[channel_id][message_id]
        poll = message["poll"]
        counts = {each["id"]: each for each in poll["results"]["answer_counts"]}
        count = counts.get(answer_id) or {"id": answer_id, "count": 0, "me_voted": False}
        own = step > 0 if user_id == self.world.bot_id else count["me_voted"]
        counts[answer_id] = count | {"count": max(0, count["count"] + step), "me_voted": own}
        results = poll["results"] | {"answer_counts": list(counts.values())}
        self.world.messages[channel_id][message_id] = message | {"poll": poll | {"results": results}}
        told = self._told(channel_id, message_id) | {"user_id": user_id, "answer_id": answer_id}
        await self.broadcast.emit(event, told)


def _as_emoji(emoji: Payload | str) -> Payload:
    return {"id": None, "name": emoji} if isinstance(emoji, str) else emoji
