"""What was there before an event, typed by the event."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence

import hikari
from hikari.events import poll_events

from .errors import QueryError
from .hindsight import Hindsight
from .reader import Reader

__all__ = ("BeforeNames",)

_OfMessage: typing.TypeAlias = (
    hikari.MessageUpdateEvent
    | hikari.MessageDeleteEvent
    | hikari.ReactionEvent
    | poll_events.PollVoteCreateEvent
    | poll_events.PollVoteDeleteEvent
)
_OfThread: typing.TypeAlias = (
    hikari.GuildThreadUpdateEvent | hikari.GuildThreadDeleteEvent | hikari.ThreadMembersUpdateEvent
)
_OfGuild: typing.TypeAlias = hikari.GuildUpdateEvent | hikari.GuildLeaveEvent | hikari.GuildUnavailableEvent


class BeforeNames:
    """The question for what was there before an event."""

    _hindsight: Hindsight

    async def _answering(self) -> Reader:
        raise NotImplementedError

    def _hearing(self) -> hikari.GatewayBotAware:
        """Return the bot whose events are heard, or refuse one that hears none."""
        raise NotImplementedError

    def watch(self, *event_types: type[hikari.Event]) -> None:
        """Note what was there before events of some types, for listeners that :meth:`Cache.listen` does not register.

        That is what the listeners of command frameworks, and those of ``bot.listen``, need for :meth:`before`.

        Parameters
        ----------
        *event_types
            The types of events.

        Raises
        ------
        persist.QueryError
            If one is not a type of events, or has nothing before it; or if the bot has no gateway.
        """
        self._hearing()
        for event_type in event_types:
            if not isinstance(event_type, type) or not issubclass(event_type, hikari.Event):
                msg = f"what can be watched are types of events such as hikari.MemberDeleteEvent, not {event_type!r}"
                raise QueryError(msg)
            if not self._hindsight.knows((event_type,)):
                msg = f"nothing is known of the time before {event_type.__name__}; it is for {self._hindsight.names()}"
                raise QueryError(msg)
        self._hindsight.watch(event_types)

    @typing.overload
    async def before(self, event: _OfMessage) -> hikari.Message | None: ...
    @typing.overload
    async def before(self, event: hikari.GuildBulkMessageDeleteEvent) -> Mapping[hikari.Snowflake, hikari.Message]: ...
    @typing.overload
    async def before(self, event: hikari.MemberUpdateEvent | hikari.MemberDeleteEvent) -> hikari.Member | None: ...
    @typing.overload
    async def before(self, event: hikari.BanDeleteEvent) -> hikari.GuildBan | None: ...
    @typing.overload
    async def before(self, event: hikari.RoleUpdateEvent | hikari.RoleDeleteEvent) -> hikari.Role | None: ...
    @typing.overload
    async def before(
        self, event: hikari.GuildChannelUpdateEvent | hikari.GuildChannelDeleteEvent
    ) -> hikari.PermissibleGuildChannel | None: ...
    @typing.overload
    async def before(self, event: hikari.PinsUpdateEvent) -> hikari.PartialChannel | None: ...
    @typing.overload
    async def before(self, event: _OfThread) -> hikari.GuildThreadChannel | None: ...
    @typing.overload
    async def before(self, event: _OfGuild) -> hikari.GatewayGuild | None: ...
    @typing.overload
    async def before(self, event: hikari.EmojisUpdateEvent) -> Sequence[hikari.KnownCustomEmoji] | None: ...
    @typing.overload
    async def before(self, event: hikari.StickersUpdateEvent) -> Sequence[hikari.GuildSticker] | None: ...
    @typing.overload
    async def before(self, event: hikari.InviteDeleteEvent) -> hikari.InviteWithMetadata | None: ...
    @typing.overload
    async def before(self, event: hikari.PresenceUpdateEvent) -> hikari.MemberPresence | None: ...
    @typing.overload
    async def before(self, event: hikari.VoiceStateUpdateEvent) -> hikari.VoiceState | None: ...
    @typing.overload
    async def before(self, event: hikari.OwnUserUpdateEvent) -> hikari.OwnUser | None: ...
    @typing.overload
    async def before(
        self, event: hikari.IntegrationUpdateEvent | hikari.IntegrationDeleteEvent
    ) -> hikari.Integration | None: ...
    @typing.overload
    async def before(
        self, event: hikari.events.StageInstanceUpdateEvent | hikari.events.StageInstanceDeleteEvent
    ) -> hikari.StageInstance | None: ...
    @typing.overload
    async def before(
        self, event: hikari.ScheduledEventUpdateEvent | hikari.ScheduledEventDeleteEvent
    ) -> hikari.ScheduledEvent | None: ...
    @typing.overload
    async def before(
        self, event: hikari.events.AutoModRuleUpdateEvent | hikari.events.AutoModRuleDeleteEvent
    ) -> hikari.AutoModRule | None: ...
    @typing.overload
    async def before(
        self, event: hikari.EntitlementUpdateEvent | hikari.EntitlementDeleteEvent
    ) -> hikari.Entitlement | None: ...
    @typing.overload
    async def before(
        self, event: hikari.events.ApplicationCommandPermissionsUpdateEvent
    ) -> hikari.GuildCommandPermissions | None: ...
    async def before(self, event: hikari.Event) -> typing.Any:
        """Return what the cache held before an event: the message that lost a reaction, the member who left.

        It is asked in a listener of :meth:`Cache.listen`, or of a type that :meth:`watch` has named, or in a task that
        such a listener has started.

        Parameters
        ----------
        event
            An event that changes or takes away something that is remembered.

        Returns
        -------
        object
            The thing itself: a message, member, role, ... as it was just before; ``None`` if it was not known. Of
            messages that were deleted together it is those that were known, by their ids; of emojis and stickers all
            that the guild had. What cannot be found, because the database is away or too much is asked of it, is
            ``None`` or left out, and counted in ``cache.gauges.unrecalled``.

        Raises
        ------
        persist.QueryError
            If this is not such an event, or it is not asked where it is told.
        persist.CacheClosedError
            If the cache was not open when the event came.
        """
        note = self._hindsight.note_of(event)
        if note is not None:
            return await note.value()
        if self._hindsight.knows((type(event),)):
            await self._answering()
        raise QueryError(self._hindsight.why_not(event))
