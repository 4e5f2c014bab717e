"""What happens to kinds of objects that all come and go alike, as a table; and to invites, webhooks and audit logs."""

from __future__ import annotations

import dataclasses
import typing

from . import payloads
from .broadcast import Broadcast
from .payloads import Payload
from .world import Index, World

Kind: typing.TypeAlias = typing.Literal[
    "auto_mod_rule",
    "entitlement",
    "integration",
    "scheduled_event",
    "soundboard_sound",
    "stage_instance",
    "subscription",
]


@dataclasses.dataclass(frozen=True, slots=True)
class _Row:
    event: str
    index: typing.Callable[[World, str], Index]
    key: str = "id"
    # The fields in the DELETE event; empty for all of them.
    deleted: tuple[str, ...] = ()


_ROWS: typing.Final[dict[Kind, _Row]] = {
    "auto_mod_rule": _Row("AUTO_MODERATION_RULE", lambda world, guild_id: world.auto_mod_rules[guild_id]),
    "entitlement": _Row("ENTITLEMENT", lambda world, _: world.entitlements),
    "integration": _Row(
        "INTEGRATION", lambda world, guild_id: world.integrations[guild_id], deleted=("id", "guild_id")
    ),
    "scheduled_event": _Row("GUILD_SCHEDULED_EVENT", lambda world, guild_id: world.guilds[guild_id].scheduled_events),
    "soundboard_sound": _Row(
        "GUILD_SOUNDBOARD_SOUND",
        lambda world, guild_id: world.guilds[guild_id].sounds,
        key="sound_id",
        deleted=("sound_id", "guild_id"),
    ),
    "stage_instance": _Row("STAGE_INSTANCE", lambda world, guild_id: world.guilds[guild_id].stage_instances),
    "subscription": _Row("SUBSCRIPTION", lambda world, _: world.subscriptions),
}


@dataclasses.dataclass(frozen=True, slots=True)
class ObjectActions:
    """Changes objects that come and go alike, and sends the events."""

    world: World
    broadcast: Broadcast

    async def create(self, kind: Kind, payload: Payload) -> Payload:
        """Create an object of some kind; make its payload with the factory of the same name."""
        row = _ROWS[kind]
        row.index(self.world, payload.get("guild_id", ""))[payload[row.key]] = payload
        await self.broadcast.emit(f"{row.event}_CREATE", payload)
        return payload

    async def update(self, kind: Kind, ident: str, guild_id: str = "", **changes: typing.Any) -> Payload:
        """Change fields of an object; the guild is needed if it is in one."""
        row = _ROWS[kind]
        index = row.index(self.world, guild_id)
        payload = index[ident] = index[ident] | changes
        await self.broadcast.emit(f"{row.event}_UPDATE", payload)
        return payload

    async def delete(self, kind: Kind, ident: str, guild_id: str = "") -> None:
        """Delete an object; the guild is needed if it is in one."""
        row = _ROWS[kind]
        payload = row.index(self.world, guild_id).pop(ident)
        told = {name: payload[name] for name in row.deleted} if row.deleted else payload
        await self.broadcast.emit(f"{row.event}_DELETE", told)

    async def add_event_user(self, guild_id: str, event_id: str, user_id: str) -> None:
        """Let somebody show interest in a scheduled event."""
        self.world.event_users.setdefault(event_id, {})[user_id] = None
        await self._tell_event_user("GUILD_SCHEDULED_EVENT_USER_ADD", guild_id, event_id, user_id)

    async def remove_event_user(self, guild_id: str, event_id: str, user_id: str) -> None:
        """Let somebody lose interest in a scheduled event."""
        self.world.event_users.get(event_id, {}).pop(user_id, None)
        await self._tell_event_user("GUILD_SCHEDULED_EVENT_USER_REMOVE", guild_id, event_id, user_id)

    async def create_invite(self, guild_id: str, channel_id: str, **fields: typing.Any) -> Payload:
        """Create an invite to a channel."""
        inviter = self.world.guilds[guild_id].first_member["user"]
        invite = payloads.invite(guild_id, channel_id, inviter, **fields)
        self.world.invites[invite["code"]] = invite
        await self.broadcast.emit("INVITE_CREATE", invite)
        return invite

    async def delete_invite(self, code: str) -> None:
        """Delete an invite."""
        invite = self.world.invites.pop(code)
        told = {name: invite[name] for name in ("channel_id", "guild_id", "code")}
        await self.broadcast.emit("INVITE_DELETE", told)

    async def create_webhook(self, guild_id: str, channel_id: str, **fields: typing.Any) -> Payload:
        """Create a webhook; the event only says that something changed in the channel."""
        creator = self.world.guilds[guild_id].first_member["user"]
        webhook = payloads.webhook(guild_id, channel_id, creator, **fields)
        self.world.webhooks[guild_id][webhook["id"]] = webhook
        await self.broadcast.emit("WEBHOOKS_UPDATE", {"guild_id": guild_id, "channel_id": channel_id})
        return webhook

    async def log(self, guild_id: str, user_id: str, target_id: str, **fields: typing.Any) -> Payload:
        """Write an audit log entry."""
        entry = payloads.audit_log_entry(guild_id, user_id, target_id, **fields)
        self.world.audit_log[guild_id].append(entry)
        await self.broadcast.emit("GUILD_AUDIT_LOG_ENTRY_CREATE", entry)
        return entry

    async def _tell_event_user(self, name: str, guild_id: str, event_id: str, user_id: str) -> None:
        told = {"guild_scheduled_event_id": event_id, "user_id": user_id, "guild_id": guild_id}
        await self.broadcast.emit(name, told)
