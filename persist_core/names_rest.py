"""The methods of ``hikari.api.RESTClient`` for single objects: same names, arguments, results and errors.

The cache answers if it can, and REST otherwise; what REST returns is stored. ``prefer="rest"`` always uses REST, and
``max_age`` does so if what is known was learned longer ago. Concurrent misses share one request.
"""

from __future__ import annotations

import datetime
import typing

import hikari

from . import views
from .entities import (
    AUTO_MOD_RULES,
    BANS,
    CHANNELS,
    EMOJIS,
    ENTITLEMENTS,
    INVITES,
    MEMBERS,
    MESSAGES,
    OWN_APPLICATION,
    OWN_USER,
    ROLES,
    SCHEDULED_EVENTS,
    STAGE_INSTANCES,
    STICKERS,
    THREAD_MEMBERS,
    THREADS,
    USERS,
    VOICE_STATES,
    WEBHOOKS,
)
from .fetching import Asked, Fetcher, Prefer, Wish
from .view import code_part, key_part

__all__ = ("RestNames",)

Id = hikari.SnowflakeishOr[hikari.Unique]
Guild = hikari.SnowflakeishOr[hikari.PartialGuild]
User = hikari.SnowflakeishOr[hikari.PartialUser]
Age = float | datetime.timedelta | None
_UNDEFINED: typing.Final = hikari.UNDEFINED


def _one(kind: tuple[typing.Any, ...], thing: Id, what: str, **within: int) -> Asked:
    return Asked(kind, (key_part(thing, what),), within)


def _in(guild: Id) -> int:
    return key_part(guild, "the guild")


class RestNames:
    """The methods of ``hikari.api.RESTClient`` that a cache can answer, for single objects."""

    stage_instances: views.StageInstances
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
        """Return a guild with its counts. Always uses REST, which alone knows the counts; the result is stored."""
        return await self._fetcher.one(Asked((), (_in(guild),)), lambda rest: rest.fetch_guild(guild), Wish("rest"))

    async def fetch_member(
        self, guild: Guild, user: User, *, prefer: Prefer = "local", max_age: Age = None
    ) -> hikari.Member:
        """Return a member of a guild."""
        asked = Asked((MEMBERS,), (_in(guild), key_part(user, "the user")))
        return await self._fetcher.one(asked, lambda rest: rest.fetch_member(guild, user), Wish(prefer, max_age))

    async def fetch_user(self, user: User, *, prefer: Prefer = "local", max_age: Age = None) -> hikari.User:
        """Return a user. The gateway sends no banner and no accent color; use ``prefer="rest"`` to get these."""
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
        """Return a guild sticker or one of Discord's own."""
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
        """Return the bot's application. No event says when it changes; use ``max_age`` to limit how old it may be."""
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

    # -------------------------------------------------------------------------------------- what only some bots need

    async def fetch_auto_mod_rule(
        self,
        guild: Guild,
        rule: hikari.SnowflakeishOr[hikari.AutoModRule],
        /,
        *,
        prefer: Prefer = "local",
        max_age: Age = None,
    ) -> hikari.AutoModRule:
        """Return an auto-moderation rule of a guild."""
        asked = _one((AUTO_MOD_RULES,), rule, "the rule", guild_id=_in(guild))
        return await self._fetcher.one(asked, lambda rest: rest.fetch_auto_mod_rule(guild, rule), Wish(prefer, max_age))

    async def fetch_ban(
        self, guild: Guild, user: User, *, prefer: Prefer = "local", max_age: Age = None
    ) -> hikari.GuildBan:
        """Return the ban of a user from a guild."""
        asked = Asked((BANS,), (_in(guild), key_part(user, "the user")), guild_id=_in(guild))
        return await self._fetcher.one(asked, lambda rest: rest.fetch_ban(guild, user), Wish(prefer, max_age))

    async def fetch_entitlement(
        self,
        application: hikari.SnowflakeishOr[hikari.PartialApplication],
        entitlement: hikari.SnowflakeishOr[hikari.Entitlement],
        *,
        prefer: Prefer = "local",
        max_age: Age = None,
    ) -> hikari.Entitlement:
        """Return an entitlement."""
        asked = _one((ENTITLEMENTS,), entitlement, "the entitlement")
        return await self._fetcher.one(
            asked, lambda rest: rest.fetch_entitlement(application, entitlement), Wish(prefer, max_age)
        )

    async def fetch_invite(
        self,
        invite: hikari.InviteCode | str,
        *,
        with_counts: bool = True,
        scheduled_event: hikari.UndefinedOr[hikari.SnowflakeishOr[hikari.ScheduledEvent]] = _UNDEFINED,
        prefer: Prefer = "local",
        max_age: Age = None,
    ) -> hikari.Invite:
        """Return an invite. Uses REST if you want its member counts or its scheduled event, which only REST knows."""
        asked = Asked((INVITES,), (code_part(invite),), how=(with_counts, scheduled_event))
        if with_counts or scheduled_event is not _UNDEFINED:
            Wish(prefer, max_age).checked()
            prefer = "rest"
        return await self._fetcher.one(
            asked,
            lambda rest: rest.fetch_invite(invite, with_counts=with_counts, scheduled_event=scheduled_event),
            Wish(prefer, max_age),
        )

    async def fetch_scheduled_event(
        self,
        guild: Guild,
        event: hikari.SnowflakeishOr[hikari.ScheduledEvent],
        /,
        *,
        prefer: Prefer = "local",
        max_age: Age = None,
    ) -> hikari.ScheduledEvent:
        """Return a scheduled event of a guild."""
        asked = _one((SCHEDULED_EVENTS,), event, "the event", guild_id=_in(guild))
        return await self._fetcher.one(
            asked, lambda rest: rest.fetch_scheduled_event(guild, event), Wish(prefer, max_age)
        )

    async def fetch_stage_instance(
        self,
        channel: hikari.SnowflakeishOr[hikari.GuildStageChannel],
        *,
        prefer: Prefer = "local",
        max_age: Age = None,
    ) -> hikari.StageInstance:
        """Return the live stage instance of a channel."""
        place = key_part(channel, "the channel")
        live = await self.stage_instances.find(channel_id=place).limit(1).ids()
        # If none is known there is no id to look up; a channel's id is never that of a stage instance.
        asked = Asked((STAGE_INSTANCES,), (live[0] if live else place,), {"channel_id": place})
        return await self._fetcher.one(asked, lambda rest: rest.fetch_stage_instance(channel), Wish(prefer, max_age))

    async def fetch_thread_member(
        self,
        channel: hikari.SnowflakeishOr[hikari.GuildThreadChannel],
        user: User,
        /,
        *,
        prefer: Prefer = "local",
        max_age: Age = None,
    ) -> hikari.ThreadMember:
        """Return the membership of a user in a thread."""
        asked = Asked((THREAD_MEMBERS,), (key_part(channel, "the thread"), key_part(user, "the user")))
        return await self._fetcher.one(
            asked, lambda rest: rest.fetch_thread_member(channel, user), Wish(prefer, max_age)
        )

    async def fetch_webhook(
        self,
        webhook: hikari.SnowflakeishOr[hikari.PartialWebhook],
        *,
        token: hikari.UndefinedOr[str] = _UNDEFINED,
    ) -> hikari.PartialWebhook:
        """Return a webhook. Always uses REST, as tokens are never stored; the rest of the webhook is."""
        asked = _one((WEBHOOKS,), webhook, "the webhook")._replace(how=token)
        return await self._fetcher.one(asked, lambda rest: rest.fetch_webhook(webhook, token=token), Wish("rest"))
