"""The questions of ``hikari.api.RESTClient`` that a cache can answer: same names, arguments, results and errors.

Each is answered from memory where it may be, and by REST where not; what REST says is remembered. ``prefer="rest"``
always asks REST, and ``max_age`` does when what is known was learned longer ago. Concurrent misses share one request.
"""

from __future__ import annotations

import datetime
import typing
from collections.abc import AsyncIterator, Callable, Sequence

import hikari

from . import views
from .entities import (
    CHANNELS,
    EMOJIS,
    MEMBERS,
    MESSAGES,
    OWN_APPLICATION,
    OWN_USER,
    ROLES,
    STICKERS,
    THREADS,
    USERS,
    VOICE_STATES,
)
from .fetching import Asked, Fetcher, Prefer, Wish
from .filters import at_least
from .found import Found
from .view import key_part

__all__ = ("RestNames",)

T = typing.TypeVar("T")
Id = hikari.SnowflakeishOr[hikari.Unique]
Guild = hikari.SnowflakeishOr[hikari.PartialGuild]
User = hikari.SnowflakeishOr[hikari.PartialUser]
Age = float | datetime.timedelta | None
_UNDEFINED: typing.Final = hikari.UNDEFINED


class _Each(hikari.LazyIterator[T]):
    """Things from wherever it turns out, when the first is asked for, that they come from."""

    __slots__ = ("_items",)

    def __init__(self, items: AsyncIterator[T]) -> None:
        self._items = items

    async def __anext__(self) -> T:
        return await anext(self._items)


def _one(kind: tuple[typing.Any, ...], thing: Id, what: str, **within: int) -> Asked:
    return Asked(kind, (key_part(thing, what),), within)


def _in(guild: Id) -> int:
    return key_part(guild, "the guild")


class RestNames:
    """``hikari.api.RESTClient`` where a cache can answer for it."""

    channels: views.Channels
    roles: views.Roles
    emojis: views.Emojis
    stickers: views.Stickers
    members: views.Members
    threads: views.Threads
    _fetcher: Fetcher

    async def fetch_channel(
        self,
        channel: hikari.SnowflakeishOr[hikari.PartialChannel],
        *,
        prefer: Prefer = "local",
        max_age: Age = None,
    ) -> hikari.PartialChannel:
        """Return a channel or thread."""
        asked = _one((CHANNELS, THREADS), channel, "the channel")
        return await self._fetcher.one(asked, lambda rest: rest.fetch_channel(channel), Wish(prefer, max_age))

    async def fetch_guild(self, guild: Guild) -> hikari.RESTGuild:
        """Return a guild with its counts, which only REST knows. What it says is remembered."""
        return await self._fetcher.one(Asked((), (_in(guild),)), lambda rest: rest.fetch_guild(guild), Wish("rest"))

    async def fetch_member(
        self, guild: Guild, user: User, *, prefer: Prefer = "local", max_age: Age = None
    ) -> hikari.Member:
        """Return a member of a guild."""
        asked = Asked((MEMBERS,), (_in(guild), key_part(user, "the user")))
        return await self._fetcher.one(asked, lambda rest: rest.fetch_member(guild, user), Wish(prefer, max_age))

    async def fetch_user(self, user: User, *, prefer: Prefer = "local", max_age: Age = None) -> hikari.User:
        """Return a user."""
        asked = _one((USERS,), user, "the user")
        return await self._fetcher.one(asked, lambda rest: rest.fetch_user(user), Wish(prefer, max_age))

    async def fetch_role(
        self,
        guild: Guild,
        role: hikari.SnowflakeishOr[hikari.PartialRole],
        *,
        prefer: Prefer = "local",
        max_age: Age = None,
    ) -> hikari.Role:
        """Return a role of a guild."""
        asked = _one((ROLES,), role, "the role", guild_id=_in(guild))
        return await self._fetcher.one(asked, lambda rest: rest.fetch_role(guild, role), Wish(prefer, max_age))

    async def fetch_emoji(
        self,
        guild: Guild,
        emoji: hikari.SnowflakeishOr[hikari.CustomEmoji],
        *,
        prefer: Prefer = "local",
        max_age: Age = None,
    ) -> hikari.KnownCustomEmoji:
        """Return a custom emoji of a guild."""
        asked = _one((EMOJIS,), emoji, "the emoji", guild_id=_in(guild))
        return await self._fetcher.one(asked, lambda rest: rest.fetch_emoji(guild, emoji), Wish(prefer, max_age))

    async def fetch_guild_sticker(
        self,
        guild: Guild,
        sticker: hikari.SnowflakeishOr[hikari.PartialSticker],
        *,
        prefer: Prefer = "local",
        max_age: Age = None,
    ) -> hikari.GuildSticker:
        """Return a sticker of a guild."""
        asked = _one((STICKERS,), sticker, "the sticker", guild_id=_in(guild))
        return await self._fetcher.one(
            asked, lambda rest: rest.fetch_guild_sticker(guild, sticker), Wish(prefer, max_age)
        )

    async def fetch_sticker(
        self,
        sticker: hikari.SnowflakeishOr[hikari.PartialSticker],
        *,
        prefer: Prefer = "local",
        max_age: Age = None,
    ) -> hikari.GuildSticker | hikari.StandardSticker:
        """Return a sticker, of a guild or of Discord's own."""
        asked = _one((STICKERS,), sticker, "the sticker")
        return await self._fetcher.one(asked, lambda rest: rest.fetch_sticker(sticker), Wish(prefer, max_age))

    async def fetch_message(
        self,
        channel: hikari.SnowflakeishOr[hikari.TextableChannel],
        message: hikari.SnowflakeishOr[hikari.PartialMessage],
        *,
        prefer: Prefer = "local",
        max_age: Age = None,
    ) -> hikari.Message:
        """Return a message of a channel."""
        asked = _one((MESSAGES,), message, "the message", channel_id=key_part(channel, "the channel"))
        return await self._fetcher.one(asked, lambda rest: rest.fetch_message(channel, message), Wish(prefer, max_age))

    async def fetch_voice_state(
        self, guild: Guild, user: User, *, prefer: Prefer = "local", max_age: Age = None
    ) -> hikari.VoiceState:
        """Return the voice state of a member."""
        asked = Asked((VOICE_STATES,), (_in(guild), key_part(user, "the user")))
        return await self._fetcher.one(asked, lambda rest: rest.fetch_voice_state(guild, user), Wish(prefer, max_age))

    # ------------------------------------------------------------------------------------------------ the bot's own

    async def fetch_my_user(self, *, prefer: Prefer = "local", max_age: Age = None) -> hikari.OwnUser:
        """Return the bot's own user."""
        asked = Asked((OWN_USER,), (await self._fetcher.me(),))
        return await self._fetcher.one(asked, lambda rest: rest.fetch_my_user(), Wish(prefer, max_age))

    async def fetch_application(self, *, prefer: Prefer = "local", max_age: Age = None) -> hikari.Application:
        """Return the bot's application. No event tells when it changes: ``max_age`` says how old it may be."""
        asked = Asked((OWN_APPLICATION,), (await self._fetcher.me(),))
        return await self._fetcher.one(asked, lambda rest: rest.fetch_application(), Wish(prefer, max_age))

    async def fetch_my_member(self, guild: Guild, *, prefer: Prefer = "local", max_age: Age = None) -> hikari.Member:
        """Return the bot's own member in a guild."""
        # Discord answers hikari's own fetch_my_member only to users' tokens.
        return await self.fetch_member(guild, await self._fetcher.me(), prefer=prefer, max_age=max_age)

    async def fetch_my_voice_state(
        self, guild: Guild, *, prefer: Prefer = "local", max_age: Age = None
    ) -> hikari.VoiceState:
        """Return the bot's own voice state in a guild."""
        asked = Asked((VOICE_STATES,), (_in(guild), await self._fetcher.me()))
        return await self._fetcher.one(asked, lambda rest: rest.fetch_my_voice_state(guild), Wish(prefer, max_age))

    # --------------------------------------------------------------------- all of a guild, where all of it is known

    async def _all(
        self,
        found: Found[T],
        guild: Guild,
        ask: Callable[[hikari.api.RESTClient], typing.Awaitable[Sequence[T]]],
        wish: Wish,
    ) -> Sequence[T]:
        if await self._fetcher.is_whole(found.entity, _in(guild), wish):
            return await found
        return await self._fetcher.all_of(ask)

    async def fetch_roles(self, guild: Guild, *, prefer: Prefer = "local") -> Sequence[hikari.Role]:
        """Return all roles of a guild."""
        found = self.roles.find(guild_id=_in(guild))
        return await self._all(found, guild, lambda rest: rest.fetch_roles(guild), Wish(prefer))

    async def fetch_guild_channels(self, guild: Guild, *, prefer: Prefer = "local") -> Sequence[hikari.GuildChannel]:
        """Return all channels of a guild that are no threads."""
        wish = Wish(prefer)
        if await self._fetcher.is_whole(CHANNELS, _in(guild), wish):
            return await self.channels.find(guild_id=_in(guild))
        return await self._fetcher.all_of(lambda rest: rest.fetch_guild_channels(guild))

    async def fetch_guild_emojis(self, guild: Guild, *, prefer: Prefer = "local") -> Sequence[hikari.KnownCustomEmoji]:
        """Return all emojis of a guild."""
        found = self.emojis.find(guild_id=_in(guild))
        return await self._all(found, guild, lambda rest: rest.fetch_guild_emojis(guild), Wish(prefer))

    async def fetch_guild_stickers(self, guild: Guild, *, prefer: Prefer = "local") -> Sequence[hikari.GuildSticker]:
        """Return all stickers of a guild."""
        found = self.stickers.find(guild_id=_in(guild))
        return await self._all(found, guild, lambda rest: rest.fetch_guild_stickers(guild), Wish(prefer))

    async def fetch_active_threads(
        self, guild: hikari.SnowflakeishOr[hikari.Guild], /, *, prefer: Prefer = "local"
    ) -> Sequence[hikari.GuildThreadChannel]:
        """Return all threads of a guild that are not archived."""
        found = self.threads.find(guild_id=_in(guild), is_archived=False)
        return await self._all(found, guild, lambda rest: rest.fetch_active_threads(guild), Wish(prefer))

    def fetch_members(
        self,
        guild: Guild,
        /,
        *,
        start_at: hikari.UndefinedOr[hikari.SearchableSnowflakeishOr[hikari.PartialUser]] = _UNDEFINED,
        prefer: Prefer = "local",
    ) -> hikari.LazyIterator[hikari.Member]:
        """Return the members of a guild, by id, those after ``start_at``."""
        wish = Wish(prefer).checked()
        first = _after(start_at)
        found = self.members.find(guild_id=_in(guild), user_id=at_least(first))

        async def each() -> AsyncIterator[hikari.Member]:
            whole = await self._fetcher.is_whole(MEMBERS, _in(guild), wish)
            asked = self._fetcher.each_of(lambda rest: rest.fetch_members(guild, start_at=start_at))
            async for member in found if whole else asked:
                yield member

        return _Each(each())

    def fetch_messages(
        self,
        channel: hikari.SnowflakeishOr[hikari.TextableChannel],
        *,
        before: hikari.UndefinedOr[hikari.SearchableSnowflakeishOr[hikari.Unique]] = _UNDEFINED,
        after: hikari.UndefinedOr[hikari.SearchableSnowflakeishOr[hikari.Unique]] = _UNDEFINED,
        around: hikari.UndefinedOr[hikari.SearchableSnowflakeishOr[hikari.Unique]] = _UNDEFINED,
    ) -> hikari.LazyIterator[hikari.Message]:
        """Return messages of a channel. No cache knows all: REST is always asked, and what it says remembered."""
        return _Each(
            self._fetcher.each_of(lambda rest: rest.fetch_messages(channel, before=before, after=after, around=around))
        )


def _after(start_at: object) -> int:
    if start_at is _UNDEFINED:
        return 0
    if isinstance(start_at, datetime.datetime):
        return int(hikari.Snowflake.from_datetime(start_at)) + 1
    return key_part(start_at, "start_at") + 1
