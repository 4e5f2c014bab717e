"""The methods of ``hikari.api.RESTClient`` for lists: same names, arguments, results and errors.

The cache answers if it knows the whole list, and REST otherwise. What REST returns is stored, and what is missing from
its list is forgotten. Lists that depend on the bot's permissions, or on what only REST knows, always use REST.
"""

from __future__ import annotations

import asyncio
import datetime
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import hikari

from . import views
from .conditions import Condition
from .edits import Part
from .entities import (
    AUTO_MOD_RULES,
    BANS,
    CHANNELS,
    EMOJIS,
    INTEGRATIONS,
    INVITES,
    MEMBERS,
    MESSAGES,
    ROLES,
    SCHEDULED_EVENTS,
    STICKERS,
    THREADS,
    WEBHOOKS,
)
from .fetching import Fetcher, Prefer, Wish
from .filters import at_least
from .found import Found
from .saying import All
from .view import key_part

__all__ = ("RestLists",)

T = typing.TypeVar("T")
Guild = hikari.SnowflakeishOr[hikari.PartialGuild]
User = hikari.SnowflakeishOr[hikari.PartialUser]
Ask = Callable[[hikari.api.RESTClient], Awaitable[Sequence[T]]]
AskEach = Callable[[hikari.api.RESTClient], hikari.LazyIterator[T]]
_UNDEFINED: typing.Final = hikari.UNDEFINED
_ACTIVE: typing.Final = Condition("is_archived", "equals", value=False)
_PINNED: typing.Final = Condition("is_pinned", "equals", value=True)
_TO_COME: typing.Final = (int(hikari.ScheduledEventStatus.SCHEDULED), int(hikari.ScheduledEventStatus.ACTIVE))
"""The statuses of scheduled events that Discord lists: those that are not over."""

_MOST_INTEGRATIONS: typing.Final = 50


class _Each(hikari.LazyIterator[T]):
    """Items from a source that is chosen when the first item is requested."""

    __slots__ = ("_items", "_turn")

    def __init__(self, items: AsyncIterator[T]) -> None:
        self._items = items
        self._turn = asyncio.Lock()

    async def __anext__(self) -> T:
        async with self._turn:  # tasks may share it
            return await anext(self._items)


def _in(guild: hikari.SnowflakeishOr[hikari.Unique]) -> int:
    return key_part(guild, "the guild")


class RestLists:
    """The methods of ``hikari.api.RESTClient`` that a cache can answer, for lists."""

    channels: views.Channels
    emojis: views.Emojis
    integrations: views.Integrations
    members: views.Members
    roles: views.Roles
    scheduled_events: views.ScheduledEvents
    stickers: views.Stickers
    threads: views.Threads
    _fetcher: Fetcher

    async def _all(self, found: Found[T], whole: All, ask: Ask[T], prefer: Prefer) -> Sequence[T]:
        if await self._fetcher.is_whole(whole.entity, whole.guild_id, Wish(prefer)):
            return await found
        return await self._fetcher.all_of(ask, whole)

    # --------------------------------------------------------------------- all of a guild, where all of it is known

    async def fetch_roles(self, guild: Guild, *, prefer: Prefer = "local") -> Sequence[hikari.Role]:
        """Return all roles of a guild."""
        whole = All(ROLES, _in(guild), is_told=True)
        found = self.roles.find(guild_id=whole.guild_id)
        return await self._all(found, whole, lambda rest: rest.fetch_roles(guild), prefer)

    async def fetch_guild_channels(self, guild: Guild, *, prefer: Prefer = "local") -> Sequence[hikari.GuildChannel]:
        """Return all channels of a guild, without threads."""
        whole = All(CHANNELS, _in(guild), is_told=True)
        if await self._fetcher.is_whole(CHANNELS, whole.guild_id, Wish(prefer)):
            return await self.channels.find(guild_id=whole.guild_id)
        return await self._fetcher.all_of(lambda rest: rest.fetch_guild_channels(guild), whole)

    async def fetch_guild_emojis(self, guild: Guild, *, prefer: Prefer = "local") -> Sequence[hikari.KnownCustomEmoji]:
        """Return all emojis of a guild."""
        whole = All(EMOJIS, _in(guild), is_told=True)
        found = self.emojis.find(guild_id=whole.guild_id)
        return await self._all(found, whole, lambda rest: rest.fetch_guild_emojis(guild), prefer)

    async def fetch_guild_stickers(self, guild: Guild, *, prefer: Prefer = "local") -> Sequence[hikari.GuildSticker]:
        """Return all stickers of a guild."""
        whole = All(STICKERS, _in(guild), is_told=True)
        found = self.stickers.find(guild_id=whole.guild_id)
        return await self._all(found, whole, lambda rest: rest.fetch_guild_stickers(guild), prefer)

    async def fetch_active_threads(
        self, guild: hikari.SnowflakeishOr[hikari.Guild], /, *, prefer: Prefer = "local"
    ) -> Sequence[hikari.GuildThreadChannel]:
        """Return all threads of a guild that are not archived."""
        # A thread that is not listed may just be archived, and its messages still exist.
        whole = All(THREADS, _in(guild), (_ACTIVE,), is_told=True, sparing=(MESSAGES,))
        found = self.threads.find(guild_id=whole.guild_id, is_archived=False)
        return await self._all(found, whole, lambda rest: rest.fetch_active_threads(guild), prefer)

    async def fetch_integrations(self, guild: Guild, *, prefer: Prefer = "local") -> Sequence[hikari.Integration]:
        """Return all integrations of a guild. Of more than fifty, Discord lists fifty: then it is always asked."""
        whole = All(INTEGRATIONS, _in(guild), is_told=True, most=_MOST_INTEGRATIONS)
        found = self.integrations.find(guild_id=whole.guild_id)
        return await self._all(found, whole, lambda rest: rest.fetch_integrations(guild), prefer)

    async def fetch_scheduled_events(
        self, guild: Guild, /, *, prefer: Prefer = "local"
    ) -> Sequence[hikari.ScheduledEvent]:
        """Return all scheduled events of a guild that are not over."""
        whole = All(SCHEDULED_EVENTS, _in(guild), (Condition("status", "is_in", _TO_COME),), is_told=True)
        found = self.scheduled_events.find(guild_id=whole.guild_id, status=_TO_COME)
        uncounted = self.scheduled_events.find(guild_id=whole.guild_id, status=_TO_COME, user_count=None)
        if prefer == "local" and await uncounted.exists():
            prefer = "rest"  # the gateway does not say how many users are interested
        return await self._all(found, whole, lambda rest: rest.fetch_scheduled_events(guild), prefer)

    def fetch_members(
        self,
        guild: Guild,
        /,
        *,
        start_at: hikari.UndefinedOr[hikari.SearchableSnowflakeishOr[hikari.PartialUser]] = _UNDEFINED,
        prefer: Prefer = "local",
    ) -> hikari.LazyIterator[hikari.Member]:
        """Return the members of a guild, sorted by id; with ``start_at``, those after it."""
        wish = Wish(prefer).checked()
        whole = All(MEMBERS, _in(guild), is_told=True)
        found = self.members.find(guild_id=whole.guild_id, user_id=at_least(_after(start_at)))

        async def each() -> AsyncIterator[hikari.Member]:
            known = await self._fetcher.is_whole(MEMBERS, whole.guild_id, wish)
            asked = self._fetcher.each_of(
                lambda rest: rest.fetch_members(guild, start_at=start_at), whole if start_at is _UNDEFINED else None
            )
            async for member in found if known else asked:
                yield member

        return _Each(each())

    # ------------------------------------------------------------------------------------------ what always uses REST

    async def fetch_auto_mod_rules(self, guild: Guild, /) -> Sequence[hikari.AutoModRule]:
        """Return all auto-moderation rules of a guild. Always uses REST: bots that cannot see them get no events."""
        whole = All(AUTO_MOD_RULES, _in(guild))
        return await self._fetcher.all_of(lambda rest: rest.fetch_auto_mod_rules(guild), whole)

    def fetch_bans(
        self,
        guild: Guild,
        /,
        *,
        newest_first: bool = False,
        start_at: hikari.UndefinedOr[hikari.SearchableSnowflakeishOr[hikari.PartialUser]] = _UNDEFINED,
    ) -> hikari.LazyIterator[hikari.GuildBan]:
        """Return the bans of a guild, sorted by user id. Always uses REST: bots that cannot see them get no events."""
        whole = All(BANS, _in(guild))
        return self._each(
            lambda rest: rest.fetch_bans(guild, newest_first=newest_first, start_at=start_at),
            whole if start_at is _UNDEFINED else None,
            guild_id=whole.guild_id,
        )

    async def fetch_guild_invites(self, guild: Guild) -> Sequence[hikari.InviteWithMetadata] | Sequence[hikari.Invite]:
        """Return all invites to a guild. Always uses REST, as no event reports their uses."""
        whole = All(INVITES, _in(guild))
        ask: Ask[hikari.Invite] = lambda rest: rest.fetch_guild_invites(guild)  # noqa: E731 - two types of sequences
        return await self._fetcher.all_of(ask, whole)

    async def fetch_channel_invites(
        self, channel: hikari.SnowflakeishOr[hikari.GuildChannel]
    ) -> Sequence[hikari.InviteWithMetadata]:
        """Return all invites to a channel. Always uses REST, as no event reports their uses."""
        return await self._fetcher.all_of(lambda rest: rest.fetch_channel_invites(channel))

    async def fetch_guild_webhooks(self, guild: Guild) -> Sequence[hikari.PartialWebhook]:
        """Return all webhooks of a guild. Always uses REST, as their tokens are never stored."""
        return await self._fetcher.all_of(lambda rest: rest.fetch_guild_webhooks(guild), All(WEBHOOKS, _in(guild)))

    async def fetch_channel_webhooks(
        self, channel: hikari.SnowflakeishOr[hikari.WebhookChannelT]
    ) -> Sequence[hikari.PartialWebhook]:
        """Return all webhooks of a channel. Always uses REST, as their tokens are never stored."""
        return await self._fetcher.all_of(lambda rest: rest.fetch_channel_webhooks(channel))

    async def fetch_entitlements(
        self,
        application: hikari.SnowflakeishOr[hikari.PartialApplication],
        /,
        *,
        user: hikari.UndefinedOr[User] = _UNDEFINED,
        guild: hikari.UndefinedOr[Guild] = _UNDEFINED,
        skus: hikari.UndefinedOr[hikari.SnowflakeishSequence[hikari.SKU]] = _UNDEFINED,
        before: hikari.UndefinedOr[hikari.SearchableSnowflakeish] = _UNDEFINED,
        after: hikari.UndefinedOr[hikari.SearchableSnowflakeish] = _UNDEFINED,
        limit: hikari.UndefinedOr[int] = _UNDEFINED,
        exclude_ended: hikari.UndefinedOr[bool] = _UNDEFINED,
        exclude_deleted: hikari.UndefinedOr[bool] = _UNDEFINED,
    ) -> Sequence[hikari.Entitlement]:
        """Return entitlements of an application. Always uses REST, as no event reports those from before."""
        return await self._fetcher.all_of(
            lambda rest: rest.fetch_entitlements(
                application,
                user=user,
                guild=guild,
                skus=skus,
                before=before,
                after=after,
                limit=limit,
                exclude_ended=exclude_ended,
                exclude_deleted=exclude_deleted,
            )
        )

    def fetch_messages(
        self,
        channel: hikari.SnowflakeishOr[hikari.TextableChannel],
        *,
        before: hikari.UndefinedOr[hikari.SearchableSnowflakeishOr[hikari.Unique]] = _UNDEFINED,
        after: hikari.UndefinedOr[hikari.SearchableSnowflakeishOr[hikari.Unique]] = _UNDEFINED,
        around: hikari.UndefinedOr[hikari.SearchableSnowflakeishOr[hikari.Unique]] = _UNDEFINED,
    ) -> hikari.LazyIterator[hikari.Message]:
        """Return messages of a channel. Always uses REST, as no cache knows all of them."""
        return self._each(lambda rest: rest.fetch_messages(channel, before=before, after=after, around=around))

    def fetch_pins(
        self,
        channel: hikari.SnowflakeishOr[hikari.TextableChannel],
        *,
        before: hikari.UndefinedOr[datetime.datetime] = _UNDEFINED,
    ) -> hikari.LazyIterator[hikari.PinnedMessage]:
        """Return the pinned messages of a channel. Always uses REST, which alone knows when they were pinned.

        Once all of them have been read, all other messages of the channel are stored as not pinned.
        """
        here = Condition("channel_id", "equals", key_part(channel, "the channel"))
        pinned = All(MESSAGES, None, (here, _PINNED), otherwise=Part({"pinned": False}))
        whole = pinned if before is hikari.UNDEFINED else None
        return self._each(lambda rest: rest.fetch_pins(channel, before=before), whole)

    def fetch_public_archived_threads(
        self,
        channel: hikari.SnowflakeishOr[hikari.PermissibleGuildChannel],
        /,
        *,
        before: hikari.UndefinedOr[datetime.datetime] = _UNDEFINED,
    ) -> hikari.LazyIterator[hikari.GuildNewsThread | hikari.GuildPublicThread]:
        """Return the archived public threads of a channel. Always uses REST, as no event lists all of them."""
        return self._each(lambda rest: rest.fetch_public_archived_threads(channel, before=before))

    def fetch_private_archived_threads(
        self,
        channel: hikari.SnowflakeishOr[hikari.PermissibleGuildChannel],
        /,
        *,
        before: hikari.UndefinedOr[datetime.datetime] = _UNDEFINED,
    ) -> hikari.LazyIterator[hikari.GuildPrivateThread]:
        """Return the archived private threads of a channel. Always uses REST, as no event lists all of them."""
        return self._each(lambda rest: rest.fetch_private_archived_threads(channel, before=before))

    def fetch_joined_private_archived_threads(
        self,
        channel: hikari.SnowflakeishOr[hikari.PermissibleGuildChannel],
        /,
        *,
        before: hikari.UndefinedOr[hikari.SearchableSnowflakeishOr[hikari.GuildThreadChannel]] = _UNDEFINED,
    ) -> hikari.LazyIterator[hikari.GuildPrivateThread]:
        """Return the archived private threads of a channel that the bot has joined. Always uses REST."""
        return self._each(lambda rest: rest.fetch_joined_private_archived_threads(channel, before=before))

    def fetch_thread_members(
        self,
        channel: hikari.SnowflakeishOr[hikari.GuildThreadChannel],
        /,
        after: hikari.UndefinedOr[hikari.Snowflakeish] = _UNDEFINED,
    ) -> hikari.LazyIterator[hikari.ThreadMember]:
        """Return the members of a thread. Always uses REST, as no event lists all of them."""
        return self._each(lambda rest: rest.fetch_thread_members(channel, after))

    def fetch_scheduled_event_users(
        self,
        guild: Guild,
        event: hikari.SnowflakeishOr[hikari.ScheduledEvent],
        /,
        *,
        newest_first: bool = False,
        start_at: hikari.UndefinedOr[hikari.SearchableSnowflakeishOr[hikari.PartialUser]] = _UNDEFINED,
    ) -> hikari.LazyIterator[hikari.ScheduledEventUser]:
        """Return who is interested in a scheduled event. Always uses REST, as no event reports those from before."""
        return self._each(
            lambda rest: rest.fetch_scheduled_event_users(guild, event, newest_first=newest_first, start_at=start_at)
        )

    def fetch_my_guilds(
        self,
        *,
        newest_first: bool = False,
        start_at: hikari.UndefinedOr[hikari.SearchableSnowflakeishOr[hikari.PartialGuild]] = _UNDEFINED,
    ) -> hikari.LazyIterator[hikari.OwnGuild]:
        """Return the guilds that the bot is in, with its permissions there. Always uses REST."""
        return self._each(lambda rest: rest.fetch_my_guilds(newest_first=newest_first, start_at=start_at))

    def _each(
        self, ask: AskEach[T], whole: All | None = None, *, guild_id: int | None = None
    ) -> hikari.LazyIterator[T]:
        return _Each(self._fetcher.each_of(ask, whole, guild_id=guild_id))


def _after(start_at: object) -> int:
    if start_at is _UNDEFINED:
        return 0
    if isinstance(start_at, datetime.datetime):
        return int(hikari.Snowflake.from_datetime(start_at)) + 1
    return key_part(start_at, "start_at") + 1
