"""What happens to guilds: the bot joins and leaves, they go down and come back, they change."""

from __future__ import annotations

import dataclasses
import typing

from . import payloads
from .broadcast import Broadcast
from .guild_view import guild_create
from .payloads import Payload
from .world import World


@dataclasses.dataclass(frozen=True, slots=True)
class GuildActions:
    """Changes guilds, and sends the events."""

    world: World
    broadcast: Broadcast

    def add_guild(self, payload: Payload | None = None, **options: typing.Any) -> Payload:
        """Add a guild to the world without events, and return its payload.

        Parameters
        ----------
        payload
            The guild; by default, one with the bot in it is made.
        **options
            Passed to `payloads.guild`.
        """
        if payload is None:
            payload = payloads.guild(own_user=self.world.own_user, **options)
        return self.world.insert_guild(payload).payload()

    def guild_ids(self) -> list[str]:
        """Return the ids of all guilds that the bot is in."""
        return list(self.world.guilds)

    def guild_payload(self, guild_id: str) -> Payload:
        """Return a guild in its current state, as in GUILD_CREATE for a client with every intent."""
        return self.world.guilds[guild_id].payload()

    async def join_guild(self, payload: Payload | None = None, **options: typing.Any) -> Payload:
        """Let the bot join a guild; takes what `add_guild` takes."""
        added = self.add_guild(payload, **options)
        await self._announce(added["id"], joined=True)
        return added

    async def leave_guild(self, guild_id: str) -> None:
        """Let the bot leave a guild or be kicked from it."""
        self.world.remove_guild(guild_id)
        await self.broadcast.emit("GUILD_DELETE", {"id": guild_id}, guild_id)

    async def guild_outage(self, guild_id: str) -> None:
        """Make a guild unavailable; it changes without events until `guild_recover`."""
        self.world.guilds[guild_id].available = False
        await self.broadcast.emit("GUILD_DELETE", {"id": guild_id, "unavailable": True}, guild_id)

    async def guild_recover(self, guild_id: str) -> None:
        """Make a guild available again."""
        self.world.guilds[guild_id].available = True
        await self._announce(guild_id, joined=False)

    async def update_guild(self, guild_id: str, **changes: typing.Any) -> Payload:
        """Change fields of a guild."""
        guild = self.world.guilds[guild_id]
        guild.fields = guild.fields | changes
        summary = guild.summary()
        await self.broadcast.emit("GUILD_UPDATE", summary)
        return summary

    async def create_role(self, guild_id: str, role: Payload | None = None, **fields: typing.Any) -> Payload:
        """Create a role."""
        role = (role or payloads.role()) | fields
        self.world.guilds[guild_id].roles[role["id"]] = role
        await self.broadcast.emit("GUILD_ROLE_CREATE", {"guild_id": guild_id, "role": role})
        return role

    async def update_role(self, guild_id: str, role_id: str, **changes: typing.Any) -> Payload:
        """Change fields of a role."""
        roles = self.world.guilds[guild_id].roles
        role = roles[role_id] = roles[role_id] | changes
        await self.broadcast.emit("GUILD_ROLE_UPDATE", {"guild_id": guild_id, "role": role})
        return role

    async def delete_role(self, guild_id: str, role_id: str) -> None:
        """Delete a role. It also disappears from members, emojis and permission overwrites, without events."""
        guild = self.world.guilds[guild_id]
        del guild.roles[role_id]
        for index in (guild.members, guild.emojis):
            for ident, holder in index.items():
                if role_id in holder["roles"]:
                    index[ident] = holder | {"roles": [each for each in holder["roles"] if each != role_id]}
        for ident, channel in guild.channels.items():
            kept = [each for each in channel["permission_overwrites"] if each["id"] != role_id]
            guild.channels[ident] = channel | {"permission_overwrites": kept}
        await self.broadcast.emit("GUILD_ROLE_DELETE", {"guild_id": guild_id, "role_id": role_id})

    async def set_emojis(self, guild_id: str, emojis: typing.Sequence[Payload]) -> None:
        """Replace a guild's emojis; there may be none."""
        await self._replace(guild_id, "emojis", emojis, "GUILD_EMOJIS_UPDATE")

    async def set_stickers(self, guild_id: str, stickers: typing.Sequence[Payload]) -> None:
        """Replace a guild's stickers; there may be none."""
        await self._replace(guild_id, "stickers", stickers, "GUILD_STICKERS_UPDATE")

    async def _replace(self, guild_id: str, name: str, items: typing.Sequence[Payload], event: str) -> None:
        index = self.world.guilds[guild_id].children[name]
        index.clear()
        index.update((item["id"], item) for item in items)
        await self.broadcast.emit(event, {"guild_id": guild_id, name: list(items)})

    async def _announce(self, guild_id: str, *, joined: bool) -> None:
        for session in self.broadcast.listeners("GUILD_CREATE", guild_id):
            payload = guild_create(self.world.guilds[guild_id], session, self.world.bot_id)
            if joined:
                del payload["unavailable"]  # Its absence means that the bot is new there.
            await session.dispatch("GUILD_CREATE", payload)
            self.broadcast.observer.emitted["GUILD_CREATE"] += 1
