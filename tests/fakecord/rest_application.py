"""REST routes about the bot itself: gateway, users, application, commands, interactions."""

from __future__ import annotations

import typing

from . import payloads
from .gateway import Gateway
from .guild_actions import GuildActions
from .interactions import Interactions
from .message_actions import MessageActions
from .payloads import Payload
from .rest import Call, Route
from .rest_guilds import my_guild
from .settings import Settings
from .world import World

_DAILY_IDENTIFIES: typing.Final = 1000


class ApplicationRoutes:
    """Answers REST requests about the bot itself."""

    def __init__(
        self,
        *,
        settings: Settings,
        world: World,
        gateway: Gateway,
        guilds: GuildActions,
        messages: MessageActions,
        interactions: Interactions,
    ) -> None:
        self._settings = settings
        self._world = world
        self._gateway = gateway
        self._guilds = guilds
        self._messages = messages
        self._interactions = interactions

    def routes(self) -> list[Route]:
        """Return the routes, the more specific ones first."""
        webhook = "/webhooks/{application}/{token}"
        routes: list[Route] = [
            ("GET", "/gateway", self._gateway_url),
            ("GET", "/gateway/bot", self._gateway_bot),
            ("GET", "/users/@me", self._me),
            ("GET", "/users/@me/guilds", self._my_guilds),
            ("POST", "/users/@me/channels", self._open_direct_channel),
            ("DELETE", "/users/@me/guilds/{guild}", self._leave_guild),
            ("GET", "/users/{user}", self._user),
            ("GET", "/stickers/{sticker}", self._sticker),
            ("GET", "/oauth2/applications/@me", self._application),
            ("GET", "/applications/@me", self._application),
            ("GET", "/applications/{application}/entitlements", self._entitlements),
            ("GET", "/applications/{application}/entitlements/{entitlement}", self._entitlement),
            ("POST", "/interactions/{interaction}/{token}/callback", self._callback),
            ("POST", webhook, self._followup),
            ("GET", f"{webhook}/messages/@original", self._original),
            ("PATCH", f"{webhook}/messages/{{message}}", self._followup),
            ("DELETE", f"{webhook}/messages/{{message}}", self._nothing),
        ]
        for commands in ("/applications/{application}/commands", "/applications/{application}/guilds/{guild}/commands"):
            routes += [
                ("GET", commands, self._list_commands),
                ("PUT", commands, self._set_commands),
                ("POST", commands, self._add_command),
                ("DELETE", f"{commands}/{{command}}", self._delete_command),
            ]
        return routes

    async def _gateway_url(self, _: Call) -> object:
        return {"url": self._gateway.url}

    async def _gateway_bot(self, _: Call) -> object:
        limit = {
            "total": _DAILY_IDENTIFIES,
            "remaining": _DAILY_IDENTIFIES,
            "reset_after": 14_400_000,
            "max_concurrency": self._settings.max_concurrency,
        }
        return {"url": self._gateway.url, "shards": self._settings.shards, "session_start_limit": limit}

    async def _me(self, _: Call) -> object:
        return self._world.own_user

    async def _user(self, call: Call) -> object:
        return self._world.users[call.path["user"]]

    async def _my_guilds(self, call: Call) -> object:
        guilds = sorted(self._world.guilds.values(), key=lambda guild: int(guild.id))
        after = int(call.query.get("after", 0))
        before = int(call.query.get("before", 1 << 63))
        return [my_guild(guild, self._world.bot_id) for guild in guilds if after < int(guild.id) < before][:200]

    async def _leave_guild(self, call: Call) -> None:
        await self._guilds.leave_guild(call.path["guild"])

    async def _open_direct_channel(self, call: Call) -> object:
        return self._messages.open_direct_channel(str(call.body["recipient_id"]))

    async def _sticker(self, call: Call) -> object:
        for guild in self._world.guilds.values():
            if call.path["sticker"] in guild.stickers:
                return guild.stickers[call.path["sticker"]]
        raise KeyError("sticker")

    async def _application(self, _: Call) -> object:
        owner = payloads.user(id=self._settings.owner_id, username="owner")
        bot = payloads.public_user(self._world.own_user)
        guilds = len(self._world.guilds)
        return payloads.application(owner, id=self._settings.application_id, bot=bot, approximate_guild_count=guilds)

    async def _entitlements(self, _: Call) -> object:
        return list(self._world.entitlements.values())

    async def _entitlement(self, call: Call) -> object:
        return self._world.entitlements[call.path["entitlement"]]

    async def _list_commands(self, call: Call) -> object:
        return list(self._commands(call).values())

    async def _set_commands(self, call: Call) -> object:
        commands = self._commands(call)
        commands.clear()
        made = [self._interactions.register(call.path.get("guild"), each) for each in call.body]
        commands.update((command["id"], command) for command in made)
        return made

    async def _add_command(self, call: Call) -> object:
        command = self._interactions.register(call.path.get("guild"), call.body)
        self._commands(call)[command["id"]] = command
        return command

    async def _delete_command(self, call: Call) -> None:
        del self._commands(call)[call.path["command"]]

    def _commands(self, call: Call) -> dict[str, Payload]:
        return self._interactions.commands[call.path["application"], call.path.get("guild")]

    async def _callback(self, call: Call) -> object:
        message = self._interactions.reply(call.path["token"], call.body.get("data") or call.body)
        if call.query.get("with_response") != "true":
            return None
        interaction = {
            "id": call.path["interaction"],
            "type": 2,
            "response_message_id": message["id"],
            "response_message_loading": False,
            "response_message_ephemeral": False,
            "channel_id": message["channel_id"],
        }
        return {"interaction": interaction, "resource": {"type": call.body["type"], "message": message}}

    async def _followup(self, call: Call) -> object:
        return self._interactions.reply(call.path["token"], call.body)

    async def _original(self, call: Call) -> object:
        return self._interactions.message(call.path["token"])

    async def _nothing(self, _: Call) -> None:
        return
