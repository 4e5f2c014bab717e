"""The state before an event, typed by the event."""

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
    """The methods for the state before an event."""

    _hindsight: Hindsight

    async def _answering(self) -> Reader:
        raise NotImplementedError

    def _hearing(self) -> hikari.GatewayBotAware:
        """Return the bot whose gateway events the cache receives; raise if there is none."""
        raise NotImplementedError

    def watch(self, *event_types: type[hikari.Event]) -> None:
        """Record the state before events of some types, so that any listener can call :meth:`before`.

        Listeners of command frameworks and of ``bot.listen`` need this; :meth:`Cache.listen` does it by itself.

        Parameters
        ----------
        *event_types
            The event types.

        Raises
        ------
        persist.QueryError
            If one is not an event type, or has no state before it; or if the bot has no gateway.
        """
        self._hearing()
        if not event_types:
            msg = "watch takes event types such as hikari.MemberDeleteEvent, and got none"
            raise QueryError(msg)
        for event_type in event_types:
            if not isinstance(event_type, type) or not issubclass(event_type, hikari.Event):
                msg = f"watch takes event types such as hikari.MemberDeleteEvent, not {event_type!r}"
                raise QueryError(msg)
            if not self._hindsight.knows((event_type,)):
                msg = f"{event_type.__name__} has no state before it; watch takes {self._hindsight.names()}"
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
        """Return the state before an event: the message that lost a reaction, the member who left.

        Call it in a listener of :meth:`Cache.listen`, in any listener for a type that :meth:`watch` covers, or in a
        task that such a listener has started.

        Parameters
        ----------
        event
            An event that changes or removes something the cache remembers.

        Returns
        -------
        object
            The message, member, role, ... as it was just before the event; ``None`` if it was not known. For bulk
            deletions, the known messages by id; for emojis and stickers, all that the guild had. What cannot be found
            because the database is away or overloaded is ``None`` or left out, and counted in
            ``cache.gauges.unrecalled``.

        Raises
        ------
        persist.QueryError
            If there is no state before such events, or this is not called in one of the places above.
        persist.CacheClosedError
            If the cache was not open when the event arrived.
        """
        note = self._hindsight.note_of(event)
        if note is not None:
            return await note.value()
        if self._hindsight.knows((type(event),)):
            await self._answering()
        raise QueryError(self._hindsight.why_not(event))
