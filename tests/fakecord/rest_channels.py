"""REST routes about channels, messages and threads."""

from __future__ import annotations

import typing

from .channel_actions import ChannelActions
from .message_actions import MessageActions
from .payloads import Payload
from .reaction_actions import ReactionActions, emoji_key
from .rest import Call, Route, page
from .rest_guilds import GuildRoutes
from .world import World, is_archived

_PASSED_ON: typing.Final = ("embeds", "components", "flags", "nonce", "poll")
_PUBLIC: typing.Final = frozenset({10, 11})
_OF_LISTED_INVITES: typing.Final = frozenset({"uses", "max_uses", "max_age", "temporary", "created_at"})
_PRIVATE: typing.Final = frozenset({12})


class ChannelRoutes:
    """Answers REST requests about channels."""

    def __init__(
        self,
        world: World,
        guilds: GuildRoutes,
        channels: ChannelActions,
        messages: MessageActions,
        reactions: ReactionActions,
    ) -> None:
        self._world = world
        self._guilds = guilds
        self._channels = channels
        self._messages = messages
        self._reactions = reactions

    def routes(self) -> list[Route]:
        """Return the routes, the more specific ones first."""
        channel = "/channels/{channel}"
        message = f"{channel}/messages/{{message}}"
        return [
            ("GET", channel, self._channel),
            ("PATCH", channel, self._edit_channel),
            ("DELETE", channel, self._delete_channel),
            ("POST", f"{channel}/typing", self._nothing),
            ("GET", f"{channel}/invites", self._invites),
            ("GET", f"{channel}/webhooks", self._webhooks),
            ("GET", f"{channel}/pins", self._old_pins),
            ("GET", f"{channel}/messages/pins", self._pins),
            ("PUT", f"{channel}/messages/pins/{{message}}", self._pin),
            ("DELETE", f"{channel}/messages/pins/{{message}}", self._unpin),
            ("POST", f"{channel}/messages/bulk-delete", self._bulk_delete),
            ("GET", f"{channel}/messages", self._list_messages),
            ("POST", f"{channel}/messages", self._create_message),
            ("GET", message, self._message),
            ("PATCH", message, self._edit_message),
            ("DELETE", message, self._delete_message),
            ("GET", f"{message}/reactions/{{emoji}}", self._reactors),
            ("PUT", f"{message}/reactions/{{emoji}}/@me", self._react),
            ("DELETE", f"{message}/reactions/{{emoji}}/@me", self._unreact),
            ("GET", f"{channel}/thread-members", self._thread_members),
            ("GET", f"{channel}/thread-members/{{user}}", self._thread_member),
            ("GET", f"{channel}/threads/archived/public", self._archived(_PUBLIC)),
            ("GET", f"{channel}/threads/archived/private", self._archived(_PRIVATE)),
            ("GET", f"{channel}/users/@me/threads/archived/private", self._archived(_PRIVATE)),
            ("GET", "/stage-instances/{channel}", self._stage_instance),
            ("GET", "/invites/{code}", self._invite),
        ]

    async def _channel(self, call: Call) -> object:
        return self._world.channel(call.path["channel"])

    async def _edit_channel(self, call: Call) -> object:
        channel = self._world.channel(call.path["channel"])
        is_thread = "thread_metadata" in channel
        edit = self._channels.update_thread if is_thread else self._channels.update_channel
        return await edit(channel["guild_id"], channel["id"], **call.body)

    async def _delete_channel(self, call: Call) -> object:
        channel = self._world.channel(call.path["channel"])
        is_thread = "thread_metadata" in channel
        delete = self._channels.delete_thread if is_thread else self._channels.delete_channel
        await delete(channel["guild_id"], channel["id"])
        return channel

    async def _nothing(self, _: Call) -> None:
        return

    async def _invites(self, call: Call) -> object:
        channel_id = self._world.channel(call.path["channel"])["id"]
        invites = self._world.invites.values()
        return [self._guilds.full_invite(each) for each in invites if each["channel_id"] == channel_id]

    async def _invite(self, call: Call) -> object:
        # Only lists of all invites say how often one may be used.
        invite = self._guilds.full_invite(self._world.invites[call.path["code"]])
        return {name: value for name, value in invite.items() if name not in _OF_LISTED_INVITES}

    async def _webhooks(self, call: Call) -> object:
        channel = self._world.channel(call.path["channel"])
        webhooks = self._world.webhooks[channel["guild_id"]].values()
        return [webhook for webhook in webhooks if webhook["channel_id"] == channel["id"]]

    def _pinned(self, call: Call) -> list[Payload]:
        channel_id = self._world.channel(call.path["channel"])["id"]
        messages = self._world.messages[channel_id].values()
        return [_rest_message(message) for message in reversed(messages) if message["pinned"]]

    async def _old_pins(self, call: Call) -> object:
        return self._pinned(call)

    async def _pins(self, call: Call) -> object:
        items = [{"pinned_at": message["timestamp"], "message": message} for message in self._pinned(call)]
        return {"items": items, "has_more": False}

    async def _pin(self, call: Call) -> None:
        await self._messages.pin_message(call.path["channel"], call.path["message"])

    async def _unpin(self, call: Call) -> None:
        await self._messages.unpin_message(call.path["channel"], call.path["message"])

    async def _bulk_delete(self, call: Call) -> None:
        await self._messages.bulk_delete(call.path["channel"], [str(each) for each in call.body["messages"]])

    async def _list_messages(self, call: Call) -> object:
        channel_id = self._world.channel(call.path["channel"])["id"]
        query = {"limit": "50", **call.query}
        if "after" not in query and "around" not in query:
            query.setdefault("before", str(1 << 63))
        found = page(self._world.messages[channel_id].values(), lambda message: str(message["id"]), query)
        return [_rest_message(message) for message in reversed(found)]

    async def _create_message(self, call: Call) -> object:
        passed_on = {name: call.body[name] for name in _PASSED_ON if name in call.body}
        content = call.body.get("content") or ""
        channel_id = call.path["channel"]
        return _rest_message(await self._messages.create_message(channel_id, content, self._world.bot_id, **passed_on))

    async def _message(self, call: Call) -> object:
        return _rest_message(self._world.messages[call.path["channel"]][call.path["message"]])

    async def _edit_message(self, call: Call) -> object:
        changed = await self._messages.update_message(call.path["channel"], call.path["message"], **call.body)
        return _rest_message(changed)

    async def _delete_message(self, call: Call) -> None:
        await self._messages.delete_message(call.path["channel"], call.path["message"])

    async def _reactors(self, call: Call) -> object:
        by_emoji = self._world.reacted.get(call.path["message"], {})
        user_ids = {user_id for user_id, _ in by_emoji.get(emoji_key(_emoji(call)), ())}
        return page([self._world.users[each] for each in user_ids], lambda user: str(user["id"]), call.query)

    async def _react(self, call: Call) -> None:
        bot_id = self._world.bot_id
        await self._reactions.add_reaction(call.path["channel"], call.path["message"], bot_id, _emoji(call))

    async def _unreact(self, call: Call) -> None:
        bot_id = self._world.bot_id
        await self._reactions.remove_reaction(call.path["channel"], call.path["message"], bot_id, _emoji(call))

    async def _thread_members(self, call: Call) -> object:
        members = self._world.thread_members[self._world.channel(call.path["channel"])["id"]]
        return page(members.values(), lambda member: str(member["user_id"]), call.query)

    async def _thread_member(self, call: Call) -> object:
        user_id = self._world.bot_id if call.path["user"] == "@me" else call.path["user"]
        return self._world.thread_members[call.path["channel"]][user_id]

    def _archived(self, types: frozenset[int]) -> typing.Callable[[Call], typing.Awaitable[object]]:
        async def answer(call: Call) -> object:
            parent = self._world.channel(call.path["channel"])
            threads = self._world.guilds[parent["guild_id"]].threads.values()
            found = [t for t in threads if is_archived(t) and t["type"] in types and t["parent_id"] == parent["id"]]
            return {"threads": found, "members": [], "has_more": False}

        return answer

    async def _stage_instance(self, call: Call) -> object:
        channel = self._world.channel(call.path["channel"])
        for instance in self._world.guilds[channel["guild_id"]].stage_instances.values():
            if instance["channel_id"] == channel["id"]:
                return instance
        raise KeyError("stage instance")


def _rest_message(message: Payload) -> Payload:
    # The REST API leaves out what the gateway adds.
    return {name: value for name, value in message.items() if name not in ("guild_id", "member")}


def _emoji(call: Call) -> Payload:
    name, _, ident = call.path["emoji"].partition(":")
    return {"id": ident or None, "name": name}
