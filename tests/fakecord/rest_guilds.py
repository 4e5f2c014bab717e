"""REST routes about guilds and their contents."""

from __future__ import annotations

import collections
import typing

from .payloads import Payload
from .rest import Call, Route, page
from .world import Guild, World

# Plain lists: path below the guild, and the list's name in the world.
_LISTS: typing.Final = (
    ("roles", "roles"),
    ("emojis", "emojis"),
    ("stickers", "stickers"),
    ("scheduled-events", "guild_scheduled_events"),
)


class GuildRoutes:
    """Answers REST requests about guilds."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """Return the routes, the more specific ones first."""
        guild = "/guilds/{guild}"
        routes: list[Route] = [
            ("GET", guild, self._guild),
            ("GET", f"{guild}/preview", self._preview),
            ("GET", f"{guild}/channels", self._channels),
            ("GET", f"{guild}/threads/active", self._active_threads),
            ("GET", f"{guild}/roles/member-counts", self._role_member_counts),
            ("GET", f"{guild}/soundboard-sounds", self._sounds),
            ("GET", f"{guild}/members/search", self._search_members),
            ("GET", f"{guild}/members", self._list_members),
            ("GET", f"{guild}/members/{{user}}", self._member),
            ("GET", f"{guild}/voice-states/{{user}}", self._voice_state),
            ("GET", f"{guild}/scheduled-events/{{event}}/users", self._event_users),
            ("GET", f"{guild}/bans", self._bans),
            ("GET", f"{guild}/bans/{{user}}", self._ban),
            ("GET", f"{guild}/invites", self._invites),
            ("GET", f"{guild}/webhooks", self._webhooks),
            ("GET", f"{guild}/integrations", self._integrations),
            ("GET", f"{guild}/auto-moderation/rules", self._rules),
            ("GET", f"{guild}/auto-moderation/rules/{{rule}}", self._rule),
            ("GET", f"{guild}/audit-logs", self._audit_log),
        ]
        for segment, name in _LISTS:
            routes.append(("GET", f"{guild}/{segment}", self._listing(name)))
            routes.append(("GET", f"{guild}/{segment}/{{ident}}", self._one_of(name)))
        return routes

    def _of(self, call: Call) -> Guild:
        return self._world.guilds[call.path["guild"]]

    def _listing(self, name: str) -> typing.Callable[[Call], typing.Awaitable[object]]:
        async def answer(call: Call) -> object:
            return list(self._of(call).children[name].values())

        return answer

    def _one_of(self, name: str) -> typing.Callable[[Call], typing.Awaitable[object]]:
        async def answer(call: Call) -> object:
            return self._of(call).children[name][call.path["ident"]]

        return answer

    async def _guild(self, call: Call) -> object:
        if call.query.get("with_counts") == "true":
            return await self._preview(call)
        return self._of(call).summary()

    async def _preview(self, call: Call) -> object:
        guild = self._of(call)
        return guild.summary() | _counts(guild)

    async def _channels(self, call: Call) -> object:
        guild = self._of(call)
        return [channel | {"guild_id": guild.id} for channel in guild.channels.values()]

    async def _active_threads(self, call: Call) -> object:
        threads = self._of(call).active_threads()
        own = [self._world.thread_members[thread["id"]].get(self._world.bot_id) for thread in threads]
        return {"threads": threads, "members": [each for each in own if each], "has_more": False}

    async def _role_member_counts(self, call: Call) -> object:
        counts = collections.Counter(role for member in self._of(call).members.values() for role in member["roles"])
        return {role_id: counts[role_id] for role_id in self._of(call).roles if role_id != call.path["guild"]}

    async def _sounds(self, call: Call) -> object:
        return {"items": list(self._of(call).sounds.values())}

    async def _list_members(self, call: Call) -> object:
        return page(self._of(call).members.values(), lambda member: str(member["user"]["id"]), call.query)

    async def _search_members(self, call: Call) -> object:
        wanted = call.query["query"].lower()
        found = [each for each in self._of(call).members.values() if _is_called(each, wanted)]
        return found[: int(call.query.get("limit", 1))]

    async def _member(self, call: Call) -> object:
        return self._of(call).members[self._user_id(call)]

    async def _voice_state(self, call: Call) -> object:
        guild = self._of(call)
        user_id = self._user_id(call)
        return guild.voice_states[user_id] | {"guild_id": guild.id, "member": guild.members[user_id]}

    async def _event_users(self, call: Call) -> object:
        guild, event_id = self._of(call), call.path["event"]
        found = [
            {"guild_scheduled_event_id": event_id, "user": self._world.users[user_id], "member": guild.members[user_id]}
            for user_id in self._world.event_users.get(event_id, {})
            if user_id in guild.members
        ]
        return page(found, lambda each: str(each["user"]["id"]), call.query)

    async def _bans(self, call: Call) -> object:
        return page(self._world.bans[self._of(call).id].values(), lambda ban: str(ban["user"]["id"]), call.query)

    async def _ban(self, call: Call) -> object:
        return self._world.bans[self._of(call).id][call.path["user"]]

    async def _invites(self, call: Call) -> object:
        guild = self._of(call)
        return [self.full_invite(each) for each in self._world.invites.values() if each["guild_id"] == guild.id]

    def full_invite(self, invite: Payload) -> Payload:
        """Return an invite in the form of the REST API, with its guild and channel as objects."""
        guild = self._world.guilds[invite["guild_id"]]
        channel = self._world.channel(invite["channel_id"])
        return invite | {
            "guild": guild.summary(),
            "channel": {name: channel[name] for name in ("id", "name", "type")},
            **_counts(guild),
        }

    async def _webhooks(self, call: Call) -> object:
        return list(self._world.webhooks[self._of(call).id].values())

    async def _integrations(self, call: Call) -> object:
        return list(self._world.integrations[self._of(call).id].values())[:50]

    async def _rules(self, call: Call) -> object:
        return list(self._world.auto_mod_rules[self._of(call).id].values())

    async def _rule(self, call: Call) -> object:
        return self._world.auto_mod_rules[self._of(call).id][call.path["rule"]]

    async def _audit_log(self, call: Call) -> object:
        entries = page(self._world.audit_log[self._of(call).id], lambda entry: str(entry["id"]), call.query)
        users = {entry["user_id"] for entry in entries} & self._world.users.keys()
        nothing = ("application_commands", "auto_moderation_rules", "guild_scheduled_events", "integrations")
        return {
            **{name: [] for name in (*nothing, "threads", "webhooks")},
            "audit_log_entries": entries[::-1],
            "users": [self._world.users[user_id] for user_id in sorted(users)],
        }

    def _user_id(self, call: Call) -> str:
        return self._world.bot_id if call.path["user"] == "@me" else call.path["user"]


def _counts(guild: Guild) -> Payload:
    return {
        "approximate_member_count": guild.member_count,
        "approximate_presence_count": len(guild.presences),
    }


def _is_called(member: Payload, start: str) -> bool:
    names = (member["user"]["username"], member.get("nick") or "")
    return any(name.lower().startswith(start) for name in names)


def my_guild(guild: Guild, own_user_id: str) -> Payload:
    """Return a guild in the form of the list of the bot's own guilds."""
    fields = {name: guild.fields.get(name) for name in ("id", "name", "icon", "banner", "features")}
    return fields | {"owner": guild.fields["owner_id"] == own_user_id, "permissions": "8", **_counts(guild)}
