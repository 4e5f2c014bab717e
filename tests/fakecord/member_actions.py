"""What happens to people: they join and leave guilds, change, come online, talk, are banned."""

from __future__ import annotations

import dataclasses
import typing

from . import payloads
from .broadcast import Broadcast
from .payloads import Payload
from .world import World


@dataclasses.dataclass(frozen=True, slots=True)
class MemberActions:
    """Changes members and users, and sends the events."""

    world: World
    broadcast: Broadcast

    async def add_member(self, guild_id: str, member: Payload | None = None, **fields: typing.Any) -> Payload:
        """Let somebody join a guild. They may be a member already, as Discord may send the same event twice."""
        member = (member or payloads.member(payloads.user())) | fields
        self.world.guilds[guild_id].members[member["user"]["id"]] = member
        self.world.users[member["user"]["id"]] = member["user"]
        await self.broadcast.emit("GUILD_MEMBER_ADD", {**member, "guild_id": guild_id})
        return member

    async def update_member(self, guild_id: str, user_id: str, **changes: typing.Any) -> Payload:
        """Change fields of a member; `user={...}` changes fields of the user, as seen in this guild."""
        members = self.world.guilds[guild_id].members
        user = members[user_id]["user"] | changes.pop("user", {})
        member = members[user_id] = {**members[user_id], **changes, "user": user}
        self.world.users[user_id] = user
        await self.broadcast.emit("GUILD_MEMBER_UPDATE", {**member, "guild_id": guild_id})
        return member

    async def remove_member(self, guild_id: str, user_id: str) -> None:
        """Let somebody leave a guild; their presence, voice state and thread memberships disappear without events."""
        guild = self.world.guilds[guild_id]
        member = guild.members.pop(user_id)
        guild.presences.pop(user_id, None)
        guild.voice_states.pop(user_id, None)
        for thread_id in guild.threads:
            self.world.thread_members[thread_id].pop(user_id, None)
        await self.broadcast.emit("GUILD_MEMBER_REMOVE", {"guild_id": guild_id, "user": member["user"]})

    async def update_own_user(self, **changes: typing.Any) -> Payload:
        """Change fields of the bot's own user."""
        self.world.own_user = self.world.own_user | changes
        await self.broadcast.emit("USER_UPDATE", self.world.own_user)
        return self.world.own_user

    async def ban(self, guild_id: str, user_id: str, reason: str | None = None) -> None:
        """Ban somebody, who thereby leaves the guild."""
        user = self.world.users[user_id]
        self.world.bans[guild_id][user_id] = payloads.ban(user, reason)
        await self.broadcast.emit("GUILD_BAN_ADD", {"guild_id": guild_id, "user": user})
        if user_id in self.world.guilds[guild_id].members:
            await self.remove_member(guild_id, user_id)

    async def unban(self, guild_id: str, user_id: str) -> None:
        """Lift a ban."""
        ban = self.world.bans[guild_id].pop(user_id)
        await self.broadcast.emit("GUILD_BAN_REMOVE", {"guild_id": guild_id, "user": ban["user"]})

    async def set_presence(self, guild_id: str, presence: Payload) -> None:
        """Change a presence; make one with `payloads.presence`."""
        presences = self.world.guilds[guild_id].presences
        if presence["status"] == "offline":
            presences.pop(presence["user"]["id"], None)
        else:
            presences[presence["user"]["id"]] = {k: v for k, v in presence.items() if k != "guild_id"}
        await self.broadcast.emit("PRESENCE_UPDATE", {**presence, "guild_id": guild_id})

    async def set_voice_state(self, guild_id: str, state: Payload) -> None:
        """Let somebody join, change or leave voice; make the state with `payloads.voice_state`."""
        guild = self.world.guilds[guild_id]
        user_id = state["user_id"]
        told = {**state, "guild_id": guild_id, "member": guild.members[user_id]}
        if state["channel_id"] is None:
            guild.voice_states.pop(user_id, None)
        else:
            # GUILD_CREATE lists voice states without guild and member.
            guild.voice_states[user_id] = {k: v for k, v in state.items() if k not in ("guild_id", "member")}
        await self.broadcast.emit("VOICE_STATE_UPDATE", told)

    async def start_typing(self, channel_id: str, user_id: str) -> None:
        """Let somebody type in a channel."""
        payload: Payload = {"channel_id": channel_id, "user_id": user_id, "timestamp": 1_767_225_600}
        if (guild := self.world.guild_of(channel_id)) is not None:
            payload |= {"guild_id": guild.id, "member": guild.members[user_id]}
        await self.broadcast.emit("TYPING_START", payload)
