"""The methods of ``hikari.api.Cache``, with the same names, arguments and results, but awaitable.

A miss is ``None``, or an empty mapping.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping, Sequence

import hikari

from . import views
from .filters import not_
from .found import Found
from .view import key_part

__all__ = ("CacheView", "HikariNames")

K = typing.TypeVar("K")
V = typing.TypeVar("V")
Snowflake = hikari.Snowflake
Guild = hikari.SnowflakeishOr[hikari.PartialGuild]
Channel = hikari.SnowflakeishOr[hikari.PartialChannel]


class CacheView(hikari.api.CacheView[K, V]):
    """A mapping of what the cache held when it was requested. It does not change afterward."""

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[K, V]) -> None:
        self._items = items

    def __getitem__(self, key: K) -> V:
        return self._items[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: object) -> bool:
        return key in self._items

    @typing.overload
    def get_item_at(self, index: int, /) -> V: ...
    @typing.overload
    def get_item_at(self, index: slice, /) -> Sequence[V]: ...
    def get_item_at(self, index: int | slice, /) -> V | Sequence[V]:
        """Return the value at an index, or the values of a slice, in the order of iteration."""
        return list(self._items.values())[index]


class _HasId(typing.Protocol):
    @property
    def id(self) -> Snowflake: ...


Thing = typing.TypeVar("Thing", bound=_HasId)
OfUser = typing.TypeVar("OfUser", hikari.MemberPresence, hikari.VoiceState)


async def _by_id(found: Found[Thing]) -> CacheView[Snowflake, Thing]:
    return CacheView({thing.id: thing async for thing in found})


async def _by_user(found: Found[OfUser]) -> CacheView[Snowflake, OfUser]:
    return CacheView({thing.user_id: thing async for thing in found})


def _by_guild(things: Mapping[tuple[Snowflake, K], V]) -> CacheView[Snowflake, CacheView[K, V]]:
    guilds: dict[Snowflake, dict[K, V]] = {}
    for (guild, key), thing in things.items():
        guilds.setdefault(guild, {})[key] = thing
    return CacheView({guild: CacheView(inside) for guild, inside in guilds.items()})


def _of(channel: Channel) -> int:
    return key_part(channel, "the channel")


class HikariNames:
    """``hikari.api.Cache``, asynchronous and persistent. See there for what each method returns."""

    guilds: views.Guilds
    channels: views.Channels
    threads: views.Threads
    roles: views.Roles
    emojis: views.Emojis
    stickers: views.Stickers
    members: views.Members
    users: views.Users
    messages: views.Messages
    voice_states: views.VoiceStates
    presences: views.Presences
    invites: views.Invites
    stage_instances: views.StageInstances
    dm_channels: views.DMChannels
    webhooks: views.Webhooks
    soundboard_sounds: views.SoundboardSounds
    integrations: views.Integrations
    scheduled_events: views.ScheduledEvents
    auto_mod_rules: views.AutoModRules
    auto_mod_executions: views.AutoModExecutions
    audit_log_entries: views.AuditLogEntries
    entitlements: views.Entitlements
    subscriptions: views.Subscriptions
    bans: views.Bans
    thread_members: views.ThreadMembers
    scheduled_event_users: views.ScheduledEventUsers
    command_permissions: views.CommandPermissions

    async def get_user(self, user: hikari.SnowflakeishOr[hikari.PartialUser], /) -> hikari.User | None:
        """Return a known user, or ``None``."""
        return await self.users.get(user)

    async def get_users_view(self) -> CacheView[Snowflake, hikari.User]:
        """Return all known users."""
        return await _by_id(self.users.find())

    async def get_guild(self, guild: Guild, /) -> hikari.GatewayGuild | None:
        """Return a guild, available or not, or ``None`` if it is not known."""
        return await self.guilds.get(guild)

    async def get_available_guild(self, guild: Guild, /) -> hikari.GatewayGuild | None:
        """Return a guild without an outage, or ``None``."""
        return await self._guild_that_is(guild, unavailable=False)

    async def get_unavailable_guild(self, guild: Guild, /) -> hikari.GatewayGuild | None:
        """Return a guild with an outage, or one that READY named and that has not arrived yet, or ``None``."""
        return await self._guild_that_is(guild, unavailable=True)

    async def _guild_that_is(self, guild: Guild, *, unavailable: bool) -> hikari.GatewayGuild | None:
        entry = await self.guilds.entry(guild)
        return entry.value if entry is not None and bool(entry.payload.get("unavailable")) is unavailable else None

    async def get_guilds_view(self) -> CacheView[Snowflake, hikari.GatewayGuild]:
        """Return all known guilds, available or not."""
        return await _by_id(self.guilds.find())

    async def get_available_guilds_view(self) -> CacheView[Snowflake, hikari.GatewayGuild]:
        """Return all known guilds without an outage."""
        return await _by_id(self.guilds.find(is_unavailable=not_(value=True)))

    async def get_unavailable_guilds_view(self) -> CacheView[Snowflake, hikari.GatewayGuild]:
        """Return all guilds with an outage, and those that READY named and that have not arrived yet."""
        return await _by_id(self.guilds.find(is_unavailable=True))

    async def get_guild_channel(self, channel: Channel, /) -> hikari.PermissibleGuildChannel | None:
        """Return a guild channel of any type that is not a thread, or ``None`` if it is not known."""
        return await self.channels.get(channel)

    async def get_guild_channels_view(self) -> CacheView[Snowflake, hikari.PermissibleGuildChannel]:
        """Return all known guild channels."""
        return await _by_id(self.channels.find())

    async def get_guild_channels_view_for_guild(
        self, guild: Guild, /
    ) -> CacheView[Snowflake, hikari.PermissibleGuildChannel]:
        """Return all known channels of a guild."""
        return await _by_id(self.channels.find(guild_id=guild))

    async def get_thread(self, thread: Channel, /) -> hikari.GuildThreadChannel | None:
        """Return a known thread, or ``None``."""
        return await self.threads.get(thread)

    async def get_threads_view(self) -> CacheView[Snowflake, hikari.GuildThreadChannel]:
        """Return all known threads."""
        return await _by_id(self.threads.find())

    async def get_threads_view_for_channel(
        self, guild: Guild, channel: Channel, /
    ) -> CacheView[Snowflake, hikari.GuildThreadChannel]:
        """Return all known threads of a channel."""
        return await _by_id(self.threads.find(guild_id=guild, parent_id=channel))

    async def get_threads_view_for_guild(self, guild: Guild, /) -> CacheView[Snowflake, hikari.GuildThreadChannel]:
        """Return all known threads of a guild."""
        return await _by_id(self.threads.find(guild_id=guild))

    async def get_role(self, role: hikari.SnowflakeishOr[hikari.PartialRole], /) -> hikari.Role | None:
        """Return a known role, or ``None``."""
        return await self.roles.get(role)

    async def get_roles_view(self) -> CacheView[Snowflake, hikari.Role]:
        """Return all known roles."""
        return await _by_id(self.roles.find())

    async def get_roles_view_for_guild(self, guild: Guild, /) -> CacheView[Snowflake, hikari.Role]:
        """Return all known roles of a guild."""
        return await _by_id(self.roles.find(guild_id=guild))

    async def get_emoji(self, emoji: hikari.SnowflakeishOr[hikari.CustomEmoji], /) -> hikari.KnownCustomEmoji | None:
        """Return a known custom emoji, or ``None``."""
        return await self.emojis.get(emoji)

    async def get_emojis_view(self) -> CacheView[Snowflake, hikari.KnownCustomEmoji]:
        """Return all known emojis."""
        return await _by_id(self.emojis.find())

    async def get_emojis_view_for_guild(self, guild: Guild, /) -> CacheView[Snowflake, hikari.KnownCustomEmoji]:
        """Return all known emojis of a guild."""
        return await _by_id(self.emojis.find(guild_id=guild))

    async def get_sticker(self, sticker: hikari.SnowflakeishOr[hikari.GuildSticker], /) -> hikari.GuildSticker | None:
        """Return a known guild sticker, or ``None``."""
        return await self.stickers.get(sticker)

    async def get_stickers_view(self) -> CacheView[Snowflake, hikari.GuildSticker]:
        """Return all known stickers."""
        return await _by_id(self.stickers.find())

    async def get_stickers_view_for_guild(self, guild: Guild, /) -> CacheView[Snowflake, hikari.GuildSticker]:
        """Return all known stickers of a guild."""
        return await _by_id(self.stickers.find(guild_id=guild))

    async def get_member(
        self, guild: Guild, user: hikari.SnowflakeishOr[hikari.PartialUser], /
    ) -> hikari.Member | None:
        """Return a known member of a guild, or ``None``."""
        return await self.members.get(guild, user)

    async def get_members_view(self) -> CacheView[Snowflake, CacheView[Snowflake, hikari.Member]]:
        """Return all known members, by guild."""
        return _by_guild({(member.guild_id, member.id): member async for member in self.members.find()})

    async def get_members_view_for_guild(self, guild: Guild, /) -> CacheView[Snowflake, hikari.Member]:
        """Return all known members of a guild."""
        return await _by_id(self.members.find(guild_id=guild))

    async def get_message(
        self,
        message: hikari.SnowflakeishOr[hikari.PartialMessage],
        channel: hikari.SnowflakeishOr[hikari.PartialChannel] | None = None,
        /,
    ) -> hikari.Message | None:
        """Return a known message, or ``None``.

        Parameters
        ----------
        message
            The message, or its id.
        channel
            The channel that it must be in; by default any.
        """
        within = None if channel is None else _of(channel)
        found = await self.messages.get(message)
        return found if found is None or within is None or found.channel_id == within else None

    async def get_messages_view(self) -> CacheView[Snowflake, hikari.Message]:
        """Return all known messages. As these may be very many, prefer `messages.find()`, which reads them in pages."""
        return await _by_id(self.messages.find())

    async def get_presence(
        self, guild: Guild, user: hikari.SnowflakeishOr[hikari.PartialUser], /
    ) -> hikari.MemberPresence | None:
        """Return the known presence of a member, or ``None``."""
        return await self.presences.get(guild, user)

    async def get_presences_view(self) -> CacheView[Snowflake, CacheView[Snowflake, hikari.MemberPresence]]:
        """Return all known presences, by guild."""
        return _by_guild({(one.guild_id, one.user_id): one async for one in self.presences.find()})

    async def get_presences_view_for_guild(self, guild: Guild, /) -> CacheView[Snowflake, hikari.MemberPresence]:
        """Return all known presences of a guild."""
        return await _by_user(self.presences.find(guild_id=guild))

    async def get_voice_state(
        self, guild: Guild, user: hikari.SnowflakeishOr[hikari.PartialUser], /
    ) -> hikari.VoiceState | None:
        """Return the known voice state of a member, or ``None``."""
        return await self.voice_states.get(guild, user)

    async def get_voice_states_view(self) -> CacheView[Snowflake, CacheView[Snowflake, hikari.VoiceState]]:
        """Return all known voice states, by guild."""
        return _by_guild({(one.guild_id, one.user_id): one async for one in self.voice_states.find()})

    async def get_voice_states_view_for_channel(
        self, guild: Guild, channel: Channel, /
    ) -> CacheView[Snowflake, hikari.VoiceState]:
        """Return all known voice states in a channel."""
        return await _by_user(self.voice_states.find(guild_id=guild, channel_id=channel))

    async def get_voice_states_view_for_guild(self, guild: Guild, /) -> CacheView[Snowflake, hikari.VoiceState]:
        """Return all known voice states of a guild."""
        return await _by_user(self.voice_states.find(guild_id=guild))

    async def get_invite(self, code: hikari.InviteCode | str, /) -> hikari.InviteWithMetadata | None:
        """Return a known invite, or ``None``."""
        return await self.invites.get(code)

    async def get_invites_view(self) -> CacheView[str, hikari.InviteWithMetadata]:
        """Return all known invites, by code."""
        return CacheView({invite.code: invite async for invite in self.invites.find()})

    async def get_invites_view_for_guild(self, guild: Guild, /) -> CacheView[str, hikari.InviteWithMetadata]:
        """Return all known invites to a guild, by code."""
        return CacheView({invite.code: invite async for invite in self.invites.find(guild_id=guild)})

    async def get_invites_view_for_channel(
        self, guild: Guild, channel: Channel, /
    ) -> CacheView[str, hikari.InviteWithMetadata]:
        """Return all known invites to a channel, by code."""
        found = self.invites.find(guild_id=guild, channel_id=channel)
        return CacheView({invite.code: invite async for invite in found})

    async def get_dm_channel_id(self, user: hikari.SnowflakeishOr[hikari.PartialUser], /) -> Snowflake | None:
        """Return the id of the DM channel with a user, or ``None`` if it is not known."""
        async for channel in self.dm_channels.find(type=hikari.ChannelType.DM, recipient_id=user).limit(1):
            return channel.id
        return None

    async def get_dm_channel_ids_view(self) -> CacheView[Snowflake, Snowflake]:
        """Return the ids of all known DM channels with one user, by user."""
        found = self.dm_channels.find(type=hikari.ChannelType.DM)
        return CacheView({one.recipient.id: one.id async for one in found if isinstance(one, hikari.DMChannel)})
