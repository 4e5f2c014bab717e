"""Commands that users run, and the bot's replies."""

from __future__ import annotations

import collections
import typing

from . import payloads
from .broadcast import Broadcast
from .payloads import Payload
from .settings import Settings
from .world import World

_EVERY_PERMISSION: typing.Final = "2147483647"
_APPLICATION_COMMAND: typing.Final = 2
_IN_GUILD: typing.Final = 0
_IN_DIRECT_MESSAGE: typing.Final = 1


class Interactions:
    """Sends interactions to the bot and collects its replies.

    Attributes
    ----------
    commands
        The registered commands by (application id, guild id or None), then by command id.
    responses
        The bot's replies to each interaction token.
    """

    def __init__(self, settings: Settings, world: World, broadcast: Broadcast) -> None:
        self.commands: collections.defaultdict[tuple[str, str | None], dict[str, Payload]]
        self.commands = collections.defaultdict(dict)
        self.responses: collections.defaultdict[str, list[Payload]] = collections.defaultdict(list)
        self._settings = settings
        self._world = world
        self._broadcast = broadcast

    async def slash(self, *where: typing.Any, **wishes: typing.Any) -> Payload:
        """Send the bot an interaction that `interaction` makes; the reply goes to `interactions_inbox`."""
        interaction = self.interaction(*where, **wishes)
        await self._broadcast.emit("INTERACTION_CREATE", interaction)
        return interaction

    def interaction(
        self,
        guild_id: str | None,
        channel_id: str,
        name: str,
        options: typing.Sequence[Payload] = (),
        *,
        user_id: str | None = None,
        kind: int = _APPLICATION_COMMAND,
        data: Payload | None = None,
    ) -> Payload:
        """Make the payload for a user running a slash command.

        Parameters
        ----------
        guild_id, channel_id
            Where; without a guild, in a direct message with ``user_id``.
        name
            The command's name; it need not be registered.
        options
            The options, as payloads.
        user_id
            The user; by default the guild's first member.
        kind
            The interaction's type: 2 for a command, 3 for a component, 4 for autocomplete, 5 for a modal.
        data
            The interaction's data, if it is not just the command and its options.
        """
        ident = payloads.snowflake()
        return {
            "id": ident,
            "application_id": self._settings.application_id,
            "type": kind,
            "token": f"interaction-{ident}",
            "version": 1,
            "data": data or {"id": self._command_id(name), "name": name, "type": 1, "options": list(options)},
            "app_permissions": _EVERY_PERMISSION,
            "locale": "en-US",
            "entitlements": [],
            "entitlement_sku_ids": [],
            "attachment_size_limit": 10485760,
            **(
                self._privately(channel_id, user_id)
                if guild_id is None
                else self._within(guild_id, channel_id, user_id)
            ),
        }

    def _within(self, guild_id: str, channel_id: str, user_id: str | None) -> Payload:
        guild = self._world.guilds[guild_id]
        member = guild.first_member if user_id is None else guild.members[user_id]
        return {
            "guild_id": guild_id,
            "guild": {"id": guild_id, "locale": "en-US", "features": []},
            "guild_locale": "en-US",
            "channel_id": channel_id,
            "channel": self._world.channel(channel_id) | {"permissions": _EVERY_PERMISSION},
            "member": member | {"permissions": _EVERY_PERMISSION, "unusual_dm_activity_until": None},
            "authorizing_integration_owners": {"0": guild_id},
            "context": _IN_GUILD,
        }

    def _privately(self, channel_id: str, user_id: str | None) -> Payload:
        people = (guild.members[user_id] for guild in self._world.guilds.values() if user_id in guild.members)
        user = next(people)["user"]
        return {
            "channel_id": channel_id,
            "channel": {"id": channel_id, "type": 1, "recipients": [user], "last_message_id": None},
            "user": user,
            "authorizing_integration_owners": {"0": "0"},
            "context": _IN_DIRECT_MESSAGE,
        }

    def reply(self, token: str, body: Payload) -> Payload:
        """Receive a reply of the bot, and return the message that it becomes."""
        self.responses[token].append(body)
        self._broadcast.observer.interactions_inbox.put_nowait({"token": token, **body})
        return self.message(token)

    def message(self, token: str) -> Payload:
        """Return the message that the bot's last reply became."""
        content = self.responses[token][-1].get("content") or ""
        app_id = self._settings.application_id
        author = payloads.public_user(self._world.own_user)
        return payloads.message("1", author, content=content, application_id=app_id, webhook_id=app_id)

    def register(self, guild_id: str | None, definition: Payload) -> Payload:
        """Complete a command that the bot defines, as Discord does."""
        command: Payload = {
            "id": payloads.snowflake(),
            "application_id": self._settings.application_id,
            "version": payloads.snowflake(),
            "type": 1,
            "description": "",
            "options": [],
            "default_member_permissions": None,
            "nsfw": False,
            "dm_permission": True,
            "contexts": None,
            "integration_types": [0],
            "name_localizations": None,
            "description_localizations": None,
            **definition,
        }
        return command if guild_id is None else command | {"guild_id": guild_id}

    def _command_id(self, name: str) -> str:
        for commands in self.commands.values():
            for ident, command in commands.items():
                if command["name"] == name:
                    return ident
        return payloads.snowflake()
