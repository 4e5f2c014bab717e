"""REST routes for a bot to change a guild; the gateway sends events as if people had done it."""

from __future__ import annotations

from . import payloads
from .channel_actions import ChannelActions
from .guild_actions import GuildActions
from .member_actions import MemberActions
from .payloads import Payload
from .rest import Call, Route
from .world import World


class ChangeRoutes:
    """Answers REST requests that change a guild."""

    def __init__(self, world: World, guilds: GuildActions, members: MemberActions, channels: ChannelActions) -> None:
        self._world = world
        self._guilds = guilds
        self._members = members
        self._channels = channels

    def routes(self) -> list[Route]:
        """Return the routes."""
        guild, channel = "/guilds/{guild}", "/channels/{channel}"
        return [
            ("PATCH", guild, self._edit_guild),
            ("POST", f"{guild}/roles", self._create_role),
            ("PATCH", f"{guild}/roles/{{role}}", self._edit_role),
            ("DELETE", f"{guild}/roles/{{role}}", self._delete_role),
            ("POST", f"{guild}/channels", self._create_channel),
            ("PATCH", f"{guild}/members/{{user}}", self._edit_member),
            ("DELETE", f"{guild}/members/{{user}}", self._kick),
            ("PUT", f"{guild}/members/{{user}}/roles/{{role}}", self._give_role),
            ("DELETE", f"{guild}/members/{{user}}/roles/{{role}}", self._take_role),
            ("PUT", f"{guild}/bans/{{user}}", self._ban),
            ("DELETE", f"{guild}/bans/{{user}}", self._unban),
            ("POST", f"{channel}/threads", self._create_thread),
            ("PUT", f"{channel}/thread-members/{{user}}", self._join_thread),
            ("DELETE", f"{channel}/thread-members/{{user}}", self._leave_thread),
        ]

    async def _edit_guild(self, call: Call) -> object:
        return await self._guilds.update_guild(call.path["guild"], **call.body)

    async def _create_role(self, call: Call) -> object:
        return await self._guilds.create_role(call.path["guild"], **call.body)

    async def _edit_role(self, call: Call) -> object:
        return await self._guilds.update_role(call.path["guild"], call.path["role"], **call.body)

    async def _delete_role(self, call: Call) -> None:
        await self._guilds.delete_role(call.path["guild"], call.path["role"])

    async def _create_channel(self, call: Call) -> object:
        make = payloads.FACTORY_OF_CHANNEL_TYPE[call.body.get("type", 0)]
        return await self._channels.create_channel(call.path["guild"], make(call.path["guild"], **call.body))

    async def _edit_member(self, call: Call) -> object:
        return await self._members.update_member(call.path["guild"], self._user_id(call), **call.body)

    async def _kick(self, call: Call) -> None:
        await self._members.remove_member(call.path["guild"], call.path["user"])

    async def _give_role(self, call: Call) -> None:
        await self._set_roles(call, [*self._roles(call), call.path["role"]])

    async def _take_role(self, call: Call) -> None:
        await self._set_roles(call, [role for role in self._roles(call) if role != call.path["role"]])

    def _roles(self, call: Call) -> list[str]:
        return list(self._world.guilds[call.path["guild"]].members[call.path["user"]]["roles"])

    async def _set_roles(self, call: Call, roles: list[str]) -> None:
        await self._members.update_member(call.path["guild"], call.path["user"], roles=list(dict.fromkeys(roles)))

    async def _ban(self, call: Call) -> None:
        await self._members.ban(call.path["guild"], call.path["user"])

    async def _unban(self, call: Call) -> None:
        await self._members.unban(call.path["guild"], call.path["user"])

    async def _create_thread(self, call: Call) -> object:
        channel: Payload = self._world.channel(call.path["channel"])
        thread = payloads.thread(channel["guild_id"], channel["id"], self._world.bot_id, **call.body)
        return await self._channels.create_thread(channel["guild_id"], channel["id"], thread)

    async def _join_thread(self, call: Call) -> None:
        await self._thread_member(call, added=[self._user_id(call)])

    async def _leave_thread(self, call: Call) -> None:
        await self._thread_member(call, removed=[self._user_id(call)])

    async def _thread_member(
        self, call: Call, *, added: list[str] | None = None, removed: list[str] | None = None
    ) -> None:
        guild_id = self._world.channel(call.path["channel"])["guild_id"]
        await self._channels.update_thread_members(
            guild_id, call.path["channel"], added=added or (), removed=removed or ()
        )

    def _user_id(self, call: Call) -> str:
        return self._world.bot_id if call.path["user"] == "@me" else call.path["user"]
