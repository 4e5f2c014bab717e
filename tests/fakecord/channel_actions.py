"""What happens to channels and threads."""

from __future__ import annotations

import dataclasses
import typing

from . import payloads
from .broadcast import Broadcast
from .payloads import Payload
from .world import Guild, World

_CATEGORY: typing.Final = 4


@dataclasses.dataclass(frozen=True, slots=True)
class ChannelActions:
    """Changes channels and threads, and sends the events."""

    world: World
    broadcast: Broadcast

    async def create_channel(self, guild_id: str, channel: Payload | None = None, **fields: typing.Any) -> Payload:
        """Create a channel; by default a text channel."""
        channel = (channel or payloads.text_channel(guild_id)) | fields
        self.world.insert_channel(self.world.guilds[guild_id], channel)
        await self.broadcast.emit("CHANNEL_CREATE", {**channel, "guild_id": guild_id})
        return channel

    async def update_channel(self, guild_id: str, channel_id: str, **changes: typing.Any) -> Payload:
        """Change fields of a channel."""
        channels = self.world.guilds[guild_id].channels
        channel = channels[channel_id] = channels[channel_id] | changes
        await self.broadcast.emit("CHANNEL_UPDATE", {**channel, "guild_id": guild_id})
        return channel

    async def delete_channel(self, guild_id: str, channel_id: str) -> None:
        """Delete a channel.

        Discord sends no events for its threads, messages, invites, voice states, stage and scheduled events. The
        channels of a deleted category lose their parent, each with an event.
        """
        guild = self.world.guilds[guild_id]
        channel = guild.channels.pop(channel_id)
        self.world.forget_channel(channel_id)
        self._drop_dependents(guild, channel_id)
        await self.broadcast.emit("CHANNEL_DELETE", {**channel, "guild_id": guild_id})
        if channel["type"] == _CATEGORY:
            for child in [each for each in guild.channels.values() if each.get("parent_id") == channel_id]:
                await self.update_channel(guild_id, child["id"], parent_id=None)

    async def set_voice_status(self, guild_id: str, channel_id: str, status: str | None) -> None:
        """Change the status text of a voice channel."""
        self.world.change_channel(channel_id, status=status)
        told = {"id": channel_id, "guild_id": guild_id, "status": status}
        await self.broadcast.emit("VOICE_CHANNEL_STATUS_UPDATE", told)

    async def create_thread(
        self,
        guild_id: str,
        parent_id: str,
        thread: Payload | None = None,
        *,
        newly_created: bool = True,
        **fields: typing.Any,
    ) -> Payload:
        """Create a thread; with `newly_created=False`, the event is the one for being added to an old thread."""
        owner_id = self.world.guilds[guild_id].fields["owner_id"]
        thread = (thread or payloads.thread(guild_id, parent_id, owner_id)) | fields
        self.world.insert_channel(self.world.guilds[guild_id], thread)
        if "member" in thread:
            self.world.thread_members[thread["id"]][self.world.bot_id] = thread["member"]
        await self.broadcast.emit("THREAD_CREATE", thread | ({"newly_created": True} if newly_created else {}))
        return thread

    async def update_thread(self, guild_id: str, thread_id: str, **changes: typing.Any) -> Payload:
        """Change fields of a thread."""
        threads = self.world.guilds[guild_id].threads
        thread = threads[thread_id] = threads[thread_id] | changes
        await self.broadcast.emit("THREAD_UPDATE", thread)
        return thread

    async def archive_thread(self, guild_id: str, thread_id: str, *, archived: bool = True) -> Payload:
        """Archive a thread, or unarchive it with `archived=False`."""
        metadata = self.world.guilds[guild_id].threads[thread_id]["thread_metadata"]
        changed = metadata | {"archived": archived, "archive_timestamp": payloads.iso()}
        return await self.update_thread(guild_id, thread_id, thread_metadata=changed)

    async def delete_thread(self, guild_id: str, thread_id: str) -> None:
        """Delete a thread."""
        thread = self.world.guilds[guild_id].threads.pop(thread_id)
        self.world.forget_channel(thread_id)
        told = {name: thread[name] for name in ("id", "guild_id", "parent_id", "type")}
        await self.broadcast.emit("THREAD_DELETE", told)

    async def sync_threads(self, guild_id: str, channel_ids: typing.Sequence[str] | None = None) -> None:
        """Send the active threads of some channels, or of the whole guild if none are named (THREAD_LIST_SYNC)."""
        threads = self.world.guilds[guild_id].active_threads()
        if channel_ids is not None:
            threads = [thread for thread in threads if thread["parent_id"] in channel_ids]
        own = [self.world.thread_members[thread["id"]].get(self.world.bot_id) for thread in threads]
        told: Payload = {"guild_id": guild_id, "threads": threads, "members": [each for each in own if each]}
        if channel_ids is not None:
            told["channel_ids"] = list(channel_ids)
        await self.broadcast.emit("THREAD_LIST_SYNC", told)

    async def update_thread_member(self, guild_id: str, thread_id: str, **changes: typing.Any) -> Payload:
        """Change the bot's own membership in a thread, or make it a member."""
        members = self.world.thread_members[thread_id]
        bot_id = self.world.bot_id
        own = members[bot_id] = members.get(bot_id, payloads.thread_member(thread_id, bot_id)) | changes
        await self.broadcast.emit("THREAD_MEMBER_UPDATE", {**own, "guild_id": guild_id})
        return own

    async def update_thread_members(
        self, guild_id: str, thread_id: str, *, added: typing.Sequence[str] = (), removed: typing.Sequence[str] = ()
    ) -> None:
        """Let users, given by id, join and leave a thread."""
        guild, members = self.world.guilds[guild_id], self.world.thread_members[thread_id]
        members.update((user_id, payloads.thread_member(thread_id, user_id)) for user_id in added)
        for user_id in removed:
            members.pop(user_id, None)
        self.world.change_channel(thread_id, member_count=min(50, len(members)))
        told: Payload = {"id": thread_id, "guild_id": guild_id, "member_count": min(50, len(members))}
        if added:
            told["added_members"] = [
                members[user_id] | {"member": guild.members.get(user_id), "presence": guild.presences.get(user_id)}
                for user_id in added
            ]
        if removed:
            told["removed_member_ids"] = list(removed)
        await self.broadcast.emit("THREAD_MEMBERS_UPDATE", told)

    def _drop_dependents(self, guild: Guild, channel_id: str) -> None:
        for thread_id in [ident for ident, thread in guild.threads.items() if thread["parent_id"] == channel_id]:
            del guild.threads[thread_id]
            self.world.forget_channel(thread_id)
        for index in (guild.voice_states, guild.stage_instances, guild.scheduled_events, self.world.webhooks[guild.id]):
            for ident in [ident for ident, each in index.items() if each["channel_id"] == channel_id]:
                del index[ident]
