"""The world: guilds and everything in them, users, direct messages. Nothing here communicates with clients."""

from __future__ import annotations

import collections
import typing

from .payloads import Payload

Index: typing.TypeAlias = dict[str, Payload]


def _own_id(child: Payload) -> str:
    return typing.cast("str", child["id"])


def _user_id(child: Payload) -> str:
    return typing.cast("str", child["user"]["id"])


# The lists of a guild, and what identifies their items.
CHILDREN: typing.Final[dict[str, typing.Callable[[Payload], str]]] = {
    "roles": _own_id,
    "emojis": _own_id,
    "stickers": _own_id,
    "channels": _own_id,
    "threads": _own_id,
    "members": _user_id,
    "presences": _user_id,
    "voice_states": lambda state: typing.cast("str", state["user_id"]),
    "stage_instances": _own_id,
    "guild_scheduled_events": _own_id,
    "soundboard_sounds": lambda sound: typing.cast("str", sound["sound_id"]),
}
_IN_EVERY_GUILD_OBJECT: typing.Final = ("roles", "emojis", "stickers")
_ONLY_IN_GUILD_CREATE: typing.Final = frozenset({"joined_at", "large", "unavailable", "member_count", "lazy"})


def is_archived(thread: Payload) -> bool:
    """Return whether a thread is archived, and so not one of a guild's active threads."""
    return bool(thread["thread_metadata"]["archived"])


class Guild:
    """One guild, with its lists as indexes, so that the cost of a lookup does not depend on the guild's size.

    Items are replaced, never changed in place: a payload that a test holds stays the same.

    Attributes
    ----------
    fields
        The guild's own fields, without its lists.
    available
        False during an outage.
    roles, emojis, stickers, channels, threads, members, presences, voice_states, ...
        Its lists, by id (by user id for members, presences and voice states).
    """

    def __init__(self, payload: Payload) -> None:
        self.id: str = payload["id"]
        self.available = not payload.get("unavailable", False)
        self.fields: Payload = {name: value for name, value in payload.items() if name not in CHILDREN}
        self.children: dict[str, Index] = {
            name: {key(child): child for child in payload.get(name, ())} for name, key in CHILDREN.items()
        }
        self.roles = self.children["roles"]
        self.emojis = self.children["emojis"]
        self.stickers = self.children["stickers"]
        self.channels = self.children["channels"]
        self.threads = self.children["threads"]
        self.members = self.children["members"]
        self.presences = self.children["presences"]
        self.voice_states = self.children["voice_states"]
        self.stage_instances = self.children["stage_instances"]
        self.scheduled_events = self.children["guild_scheduled_events"]
        self.sounds = self.children["soundboard_sounds"]
        # Members that exist, according to the test, but have no payload.
        self._unlisted: int = max(0, payload.get("member_count", 0) - len(self.members))

    @property
    def member_count(self) -> int:
        """The number of members according to Discord."""
        return len(self.members) + self._unlisted

    @property
    def first_member(self) -> Payload:
        """The default member if a test names none: normally the owner."""
        return next(iter(self.members.values()))

    def active_threads(self) -> list[Payload]:
        """Return the threads that are not archived."""
        return [thread for thread in self.threads.values() if not is_archived(thread)]

    def payload(self) -> Payload:
        """Return everything, as in GUILD_CREATE for a client with every intent and no member limit."""
        lists = {name: list(index.values()) for name, index in self.children.items()}
        lists["threads"] = self.active_threads()
        return {**self.fields, "member_count": self.member_count, "unavailable": False, **lists}

    def summary(self) -> Payload:
        """Return the guild object of GUILD_UPDATE and of the REST API."""
        fields = {name: value for name, value in self.fields.items() if name not in _ONLY_IN_GUILD_CREATE}
        return fields | {name: list(self.children[name].values()) for name in _IN_EVERY_GUILD_OBJECT}


def _indexes() -> collections.defaultdict[str, Index]:
    return collections.defaultdict(dict)


class World:
    """Everything that exists.

    Attributes
    ----------
    own_user
        The bot's user.
    guilds
        The guilds the bot is in.
    messages
        The messages of each channel, by channel id and message id.
    thread_members
        The members of each thread, by thread id and user id.
    event_users
        The ids of the users who are interested in each scheduled event, in order.
    reacted
        Who reacted: message id to emoji id or name to a set of (user id, whether it was a super reaction).
    """

    def __init__(self, own_user: Payload) -> None:
        self.own_user = own_user
        self.guilds: dict[str, Guild] = {}
        self.users: Index = {}
        self.direct_channels: Index = {}
        self.messages = _indexes()
        self.thread_members = _indexes()
        self.bans = _indexes()
        self.auto_mod_rules = _indexes()
        self.integrations = _indexes()
        self.webhooks = _indexes()
        self.invites: Index = {}
        self.entitlements: Index = {}
        self.subscriptions: Index = {}
        self.event_users: dict[str, dict[str, None]] = {}
        self.reacted: dict[str, dict[str, set[tuple[str, bool]]]] = {}
        self.audit_log: collections.defaultdict[str, list[Payload]] = collections.defaultdict(list)
        self._guild_of_channel: dict[str, str] = {}

    @property
    def bot_id(self) -> str:
        """The id of the bot's user."""
        return typing.cast("str", self.own_user["id"])

    def insert_guild(self, payload: Payload) -> Guild:
        """Add a guild and everything in it to the world."""
        guild = self.guilds[payload["id"]] = Guild(payload)
        self.users.update((user_id, member["user"]) for user_id, member in guild.members.items())
        self._guild_of_channel.update(dict.fromkeys((*guild.channels, *guild.threads), guild.id))
        for thread_id, thread in guild.threads.items():
            if "member" in thread:
                self.thread_members[thread_id][self.bot_id] = thread["member"]
        return guild

    def remove_guild(self, guild_id: str) -> None:
        """Remove a guild and everything in it from the world."""
        guild = self.guilds.pop(guild_id)
        for channel_id in (*guild.channels, *guild.threads):
            self.forget_channel(channel_id)
        for belongings in (self.bans, self.auto_mod_rules, self.integrations, self.webhooks):
            belongings.pop(guild_id, None)
        self.audit_log.pop(guild_id, None)

    def insert_channel(self, guild: Guild, channel: Payload) -> None:
        """Add a channel or thread to a guild."""
        (guild.threads if "thread_metadata" in channel else guild.channels)[channel["id"]] = channel
        self._guild_of_channel[channel["id"]] = guild.id

    def forget_channel(self, channel_id: str) -> None:
        """Remove what belongs to a channel or thread that is gone: messages, thread members, invites."""
        self._guild_of_channel.pop(channel_id, None)
        for message_id in self.messages.pop(channel_id, {}):
            self.reacted.pop(message_id, None)
        self.thread_members.pop(channel_id, None)
        for code in [code for code, invite in self.invites.items() if invite["channel_id"] == channel_id]:
            del self.invites[code]

    def guild_of(self, channel_id: str) -> Guild | None:
        """Return the guild of a channel or thread, or None for a direct message channel."""
        guild_id = self._guild_of_channel.get(channel_id)
        return None if guild_id is None else self.guilds[guild_id]

    def channel(self, channel_id: str) -> Payload:
        """Return a channel, thread or direct message channel.

        Raises
        ------
        KeyError
            If there is none with that id.
        """
        guild = self.guild_of(channel_id)
        if guild is None:
            return self.direct_channels[channel_id]
        channel = guild.channels.get(channel_id) or guild.threads[channel_id]
        return {**channel, "guild_id": guild.id}

    def change_channel(self, channel_id: str, **changes: typing.Any) -> None:
        """Change a channel, thread or direct message channel."""
        guild = self.guild_of(channel_id)
        places = (self.direct_channels,) if guild is None else (guild.channels, guild.threads)
        for place in places:
            if channel_id in place:
                place[channel_id] = place[channel_id] | changes
