"""What happens to messages: sent, edited, pinned, deleted."""

from __future__ import annotations

import dataclasses
import typing

from . import payloads
from .broadcast import Broadcast
from .payloads import Payload
from .world import World


@dataclasses.dataclass(frozen=True, slots=True)
class MessageActions:
    """Changes messages, and sends the events."""

    world: World
    broadcast: Broadcast

    async def create_message(
        self, channel_id: str, content: str = "hello", author_id: str | None = None, **fields: typing.Any
    ) -> Payload:
        """Send a message as somebody.

        Parameters
        ----------
        channel_id
            A channel, thread or direct message channel.
        content
            The text.
        author_id
            The author; by default the guild's first member, normally its owner, or the recipient of a direct message.
        **fields
            Passed to `payloads.message`: fields to set, or `rich=True` for one of everything.
        """
        message = self._compose(channel_id, author_id, {"content": content, **fields})
        return await self.send_message(message)

    async def send_message(self, message: Payload) -> Payload:
        """Send a message made with `payloads.message` or `payloads.webhook_message`."""
        channel_id = message["channel_id"]
        self.world.messages[channel_id][message["id"]] = message
        self._count(channel_id, {"message_count": 1, "total_message_sent": 1}, last_message_id=message["id"])
        await self.broadcast.emit("MESSAGE_CREATE", message)
        return message

    async def update_message(self, channel_id: str, message_id: str, **changes: typing.Any) -> Payload:
        """Edit a message. With `edited_timestamp=None` it is not an edit, but for instance an embed that appears."""
        message = self._change(channel_id, message_id, {"edited_timestamp": payloads.iso(), **changes})
        await self.broadcast.emit("MESSAGE_UPDATE", message)
        return message

    async def delete_message(self, channel_id: str, message_id: str) -> None:
        """Delete a message. Discord sends no event about pins, even if it was pinned."""
        self._forget(channel_id, [message_id])
        await self.broadcast.emit("MESSAGE_DELETE", {"id": message_id, **self.place(channel_id)})

    async def bulk_delete(self, channel_id: str, message_ids: typing.Sequence[str]) -> None:
        """Delete many messages at once."""
        self._forget(channel_id, message_ids)
        await self.broadcast.emit("MESSAGE_DELETE_BULK", {"ids": list(message_ids), **self.place(channel_id)})

    async def pin_message(self, channel_id: str, message_id: str) -> None:
        """Pin a message."""
        moment = payloads.iso()
        self.world.change_channel(channel_id, last_pin_timestamp=moment)
        await self._tell_pins(self._change(channel_id, message_id, {"pinned": True}), moment)

    async def unpin_message(self, channel_id: str, message_id: str) -> None:
        """Unpin a message."""
        moment = self.world.channel(channel_id).get("last_pin_timestamp")
        await self._tell_pins(self._change(channel_id, message_id, {"pinned": False}), moment)

    def place(self, channel_id: str) -> Payload:
        """Return the fields for where something happens: the channel and, outside direct messages, the guild."""
        guild = self.world.guild_of(channel_id)
        return {"channel_id": channel_id} | ({} if guild is None else {"guild_id": guild.id})

    def open_direct_channel(self, user_id: str) -> Payload:
        """Return the direct message channel with somebody; create it if there is none."""
        for channel in self.world.direct_channels.values():
            if channel["recipients"][0]["id"] == user_id:
                return channel
        channel = payloads.dm_channel(self.world.users[user_id])
        self.world.direct_channels[channel["id"]] = channel
        return channel

    def _compose(self, channel_id: str, author_id: str | None, fields: Payload) -> Payload:
        guild = self.world.guild_of(channel_id)
        if guild is None:
            channel = self.world.direct_channels[channel_id]
            own = author_id == self.world.bot_id
            author = payloads.public_user(self.world.own_user) if own else channel["recipients"][0]
            return payloads.message(channel_id, author, **fields)
        member = guild.first_member if author_id is None else guild.members[author_id]
        kind = self.world.channel(channel_id)["type"]
        fields = {"channel_type": kind, **fields}
        return payloads.message(channel_id, member["user"], guild_id=guild.id, member=member, **fields)

    def _change(self, channel_id: str, message_id: str, changes: Payload) -> Payload:
        messages = self.world.messages[channel_id]
        message = messages[message_id] = messages[message_id] | changes
        return message

    def _forget(self, channel_id: str, message_ids: typing.Iterable[str]) -> None:
        for message_id in message_ids:
            if self.world.messages[channel_id].pop(message_id, None) is not None:
                self._count(channel_id, {"message_count": -1})
            self.world.reacted.pop(message_id, None)

    def _count(self, channel_id: str, steps: dict[str, int], **changes: typing.Any) -> None:
        channel = self.world.channel(channel_id)
        if "thread_metadata" in channel:
            changes |= {name: max(0, channel[name] + step) for name, step in steps.items()}
        self.world.change_channel(channel_id, **changes)

    async def _tell_pins(self, message: Payload, moment: str | None) -> None:
        await self.broadcast.emit("MESSAGE_UPDATE", message)
        told = {**self.place(message["channel_id"]), "last_pin_timestamp": moment}
        await self.broadcast.emit("CHANNEL_PINS_UPDATE", told)
