"""The views of a cache: one class per kind, so that each can be asked for by its type."""

from __future__ import annotations

import datetime
import typing
from collections.abc import Iterable
from typing import Unpack

import hikari

from . import entities
from .conditions import AnyOf, Condition, Within
from .errors import QueryError
from .filters import is_unicode
from .found import Entry, Found, Running, Source, entry_of
from .model import Entity, Key
from .objects import AutoModExecution, SoundboardSound, Subscription
from .spi import Order, Select
from .view import Many, View, code_part, each, key_part
from .wanted import (
    WantedAuditLogEntries,
    WantedAutoModExecutions,
    WantedAutoModRules,
    WantedBans,
    WantedChannels,
    WantedCommandPermissions,
    WantedDMChannels,
    WantedEmojis,
    WantedEntitlements,
    WantedGuilds,
    WantedIntegrations,
    WantedInvites,
    WantedMembers,
    WantedMessages,
    WantedPresences,
    WantedRoles,
    WantedScheduledEvents,
    WantedScheduledEventUsers,
    WantedSoundboardSounds,
    WantedStageInstances,
    WantedStickers,
    WantedSubscriptions,
    WantedThreadMembers,
    WantedThreads,
    WantedUsers,
    WantedVoiceStates,
    WantedWebhooks,
)

__all__ = (
    "VIEWS",
    "AuditLogEntries",
    "AutoModExecutions",
    "AutoModRules",
    "Bans",
    "Channels",
    "CommandPermissions",
    "DMChannels",
    "Emojis",
    "Entitlements",
    "Guilds",
    "Integrations",
    "Invites",
    "Members",
    "Messages",
    "Presences",
    "Roles",
    "ScheduledEventUsers",
    "ScheduledEvents",
    "SoundboardSounds",
    "StageInstances",
    "Stickers",
    "Subscriptions",
    "Things",
    "ThreadMembers",
    "Threads",
    "Users",
    "VoiceStates",
    "Webhooks",
    "things",
)

T = typing.TypeVar("T")
Id = hikari.SnowflakeishOr[hikari.Unique]


class _ById(View[T]):
    """Things that are told apart by their id."""

    async def get(self, thing: Id, /, *, max_age: float | datetime.timedelta | None = None) -> T | None:
        """Return one thing as it is now, or ``None`` if nothing is known of it.

        Parameters
        ----------
        thing
            Its id, or an object that has it.
        max_age
            Seconds, or a `datetime.timedelta`: what was told or listed longer ago is answered with ``None``.

        Raises
        ------
        persist.QueryError
            If that is not an id.
        persist.CacheClosedError
            If the cache is not open and cannot be opened.
        """
        return await self._get((key_part(thing, "it"),), max_age)

    async def entry(self, thing: Id, /) -> Entry[T] | None:
        """Return one thing with its payload and what is known about knowing it, or ``None``."""
        return await self._entry((key_part(thing, "it"),))

    async def get_many(self, things: Iterable[Id], /) -> Many[T]:
        """Return many things in the order asked for, a thousand in one round trip; ``missing`` names the unknown."""
        return await self._many([(key_part(thing, "each of them"),) for thing in each(things)])


class _OfUser(View[T]):
    """Things that are told apart by what they are in, such as a guild, and by their user."""

    _where = "the guild"

    async def get(self, where: Id, user: Id, /, *, max_age: float | datetime.timedelta | None = None) -> T | None:
        """Return what is known of a user in a guild, thread or event, as it is now, or ``None``.

        Parameters
        ----------
        where, user
            Their ids, or objects that have them.
        max_age
            Seconds, or a `datetime.timedelta`: what was told or listed longer ago is answered with ``None``.

        Raises
        ------
        persist.QueryError
            If an argument is not an id.
        persist.CacheClosedError
            If the cache is not open and cannot be opened.
        """
        return await self._get((key_part(where, self._where), key_part(user, "the user")), max_age)

    async def entry(self, where: Id, user: Id, /) -> Entry[T] | None:
        """Return it with its payload and what is known about knowing it, or ``None``."""
        return await self._entry((key_part(where, self._where), key_part(user, "the user")))

    async def get_many(self, where: Id, users: Iterable[Id], /) -> Many[T]:
        """Return it for many users in the order asked for, a thousand in one round trip; ``missing`` names the rest."""
        at = key_part(where, self._where)
        return await self._many([(at, key_part(user, "each user")) for user in each(users)])


class Things(View[T]):
    """Things of a kind that a plugin has added.

    Parameters
    ----------
    entity
        The kind.
    source, running
        As for every view.
    """

    def __init__(self, entity: Entity[T], source: Source, running: Running) -> None:
        super().__init__(source, running)
        self.entity: Entity[T] = entity

    def find(self, **wanted: typing.Any) -> Found[T]:
        """Find some, sorted by key; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: typing.Any) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()

    def search(self, question: str, /, *, limit: int | None = None, **wanted: typing.Any) -> Found[T]:
        """Search them for all words of ``question``, if the kind says what it can be searched for.

        Raises
        ------
        persist.QueryError
            If it does not, or an argument is wrong. When it is asked, if the database is not one that can be searched.
        """
        return self._search(question, limit, wanted)

    async def get(self, *key: Id | str) -> T | None:
        """Return one thing as it is now, or ``None``.

        Parameters
        ----------
        *key
            The parts of its key, in the order in which the kind names them.

        Raises
        ------
        persist.QueryError
            If that is not a key of this kind.
        persist.CacheClosedError
            If the cache is not open and cannot be opened.
        """
        return await self._get(self._key(key))

    async def entry(self, *key: Id | str) -> Entry[T] | None:
        """Return one thing with its payload and what is known about knowing it, or ``None``."""
        return await self._entry(self._key(key))

    def _key(self, parts: tuple[Id | str, ...]) -> Key:
        names = self.entity.key
        if len(parts) != len(names):
            msg = f"{self.entity.name} are told apart by {', '.join(names)}: {len(names)} values, not {len(parts)}"
            raise QueryError(msg)
        return tuple(
            part if kind == "text" and isinstance(part, str) and is_unicode(part) else key_part(part, name)
            for (name, kind), part in zip(names.items(), parts, strict=True)
        )


def things(entity: Entity[T], source: Source, running: typing.Callable[[], frozenset[int]]) -> Things[T]:
    """Return the view of a kind of thing that a plugin has added.

    Raises
    ------
    persist.QueryError
        If it is not a row of the table of entities.
    """
    if not isinstance(entity, Entity) or entities.ENTITIES.get(entity.name) is not entity:
        msg = f"{entity!r} is no kind of thing that is remembered; a plugin adds one by the hook persist_entities"
        raise QueryError(msg)
    return Things(entity, source, running)


class Guilds(_ById[hikari.GatewayGuild]):
    """The guilds that the bot is in."""

    entity: Entity[hikari.GatewayGuild] = entities.GUILDS

    def find(self, **wanted: Unpack[WantedGuilds]) -> Found[hikari.GatewayGuild]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedGuilds]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()

    def mutual(self, user: Id, /) -> Found[hikari.GatewayGuild]:
        """Find the guilds that a user is a known member of.

        Raises
        ------
        persist.QueryError
            If that is not an id.
        """
        who = Condition("user_id", "equals", key_part(user, "the user"))
        return self._find({}, Within(("id",), entities.MEMBERS, (who,), ("guild_id",)))


class Channels(_ById[hikari.PermissibleGuildChannel]):
    """Guild channels of every type, and categories; not threads."""

    entity: Entity[hikari.PermissibleGuildChannel] = entities.CHANNELS

    def find(self, **wanted: Unpack[WantedChannels]) -> Found[hikari.PermissibleGuildChannel]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedChannels]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()

    def children(self, category: Id, /) -> Found[hikari.PermissibleGuildChannel]:
        """Find the channels in a category, in the order in which Discord shows those of one type.

        Raises
        ------
        persist.QueryError
            If that is not an id.
        """
        return self.find(parent_id=key_part(category, "the category")).order_by("position", "id")


class Threads(_ById[hikari.GuildThreadChannel]):
    """Threads and forum posts, active and archived."""

    entity: Entity[hikari.GuildThreadChannel] = entities.THREADS

    def find(self, **wanted: Unpack[WantedThreads]) -> Found[hikari.GuildThreadChannel]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedThreads]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class Roles(_ById[hikari.Role]):
    """The roles of guilds."""

    entity: Entity[hikari.Role] = entities.ROLES

    def find(self, **wanted: Unpack[WantedRoles]) -> Found[hikari.Role]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedRoles]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class Emojis(_ById[hikari.KnownCustomEmoji]):
    """The custom emojis of guilds."""

    entity: Entity[hikari.KnownCustomEmoji] = entities.EMOJIS

    def find(self, **wanted: Unpack[WantedEmojis]) -> Found[hikari.KnownCustomEmoji]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedEmojis]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class Stickers(_ById[hikari.GuildSticker]):
    """The stickers of guilds."""

    entity: Entity[hikari.GuildSticker] = entities.STICKERS

    def find(self, **wanted: Unpack[WantedStickers]) -> Found[hikari.GuildSticker]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedStickers]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class Messages(_ById[hikari.Message]):
    """Messages of guilds and of direct conversations."""

    entity: Entity[hikari.Message] = entities.MESSAGES

    def find(self, **wanted: Unpack[WantedMessages]) -> Found[hikari.Message]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedMessages]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()

    def search(
        self, question: str, /, *, limit: int | None = None, **wanted: Unpack[WantedMessages]
    ) -> Found[hikari.Message]:
        """Search what messages say: all words of a question are in it, of which the last one may go on.

        Upper case, accents and punctuation make no difference, and what is in quotes has to be whole words in a row.
        First come messages with the words in a row, then those with all of them, then those where the last one goes on;
        of each the newest first.

        Parameters
        ----------
        question
            What somebody looks for. If there is no word in it, nothing is found.
        limit
            How many are found at most.
        **wanted
            What else must hold, as for :meth:`find`.

        Raises
        ------
        persist.QueryError
            If the question is no text or too long, or a filter is wrong. When it is asked, if the database is not one
            that can be searched.
        """
        return self._search(question, limit, wanted)

    async def history(self, message: Id, /) -> list[Entry[hikari.Message]]:
        """Return what a message was before it was edited or deleted, the oldest first.

        Rules have to say that this is kept: ``persist.Rules(messages=persist.Keep(history=True))``. Of each version,
        ``first_seen`` is when it was told, and ``last_updated`` when it ended.

        Parameters
        ----------
        message
            The message, or its id.

        Raises
        ------
        persist.QueryError
            If it is not an id.
        persist.CacheClosedError
            If the cache is not open and cannot be opened.
        """
        where = (Condition("message_id", "equals", key_part(message, "the message")),)
        reader = await self._source()
        await reader.barrier()
        page = await reader.page(
            Select(entities.MESSAGE_VERSIONS, where=where, order=(Order("version"),), metadata=True)
        )
        return [entry_of(reader, record, verified=False) for record in page.records]

    def replies_to(self, message: Id, /) -> Found[hikari.Message]:
        """Find the replies to a message; what forwards it is no reply.

        Raises
        ------
        persist.QueryError
            If that is not an id.
        """
        return self.find(referenced_message_id=key_part(message, "the message"), type=hikari.MessageType.REPLY)


class Users(_ById[hikari.User]):
    """People and bots that were seen anywhere."""

    entity: Entity[hikari.User] = entities.USERS

    def find(self, **wanted: Unpack[WantedUsers]) -> Found[hikari.User]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedUsers]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()

    def search(
        self, question: str, /, *, limit: int | None = None, **wanted: Unpack[WantedUsers]
    ) -> Found[hikari.User]:
        """Search users by global name and user name: all words of a question are anywhere in them.

        Upper case, accents and punctuation make no difference, and what is in quotes has to be whole words in a row.
        First comes whoever is called just that, then whose name begins with it, then whose names have words that begin
        so, then the others.

        Parameters
        ----------
        question
            What somebody looks for. If there is no word in it, nobody is found.
        limit
            How many are found at most.
        **wanted
            What else must hold, as for :meth:`find`.

        Raises
        ------
        persist.QueryError
            If the question is no text or too long, or a filter is wrong. When it is asked, if the database is not one
            that can be searched.
        """
        return self._search(question, limit, wanted)


class Members(_OfUser[hikari.Member]):
    """The members of guilds."""

    entity: Entity[hikari.Member] = entities.MEMBERS

    def find(self, **wanted: Unpack[WantedMembers]) -> Found[hikari.Member]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedMembers]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()

    def search(
        self, question: str, /, *, limit: int | None = None, **wanted: Unpack[WantedMembers]
    ) -> Found[hikari.Member]:
        """Search members by nickname, global name and user name: all words of a question are anywhere in them.

        Upper case, accents and punctuation make no difference, and what is in quotes has to be whole words in a row.
        First comes whoever is called just that, then whose name begins with it, then whose names have words that begin
        so, then the others.

        Parameters
        ----------
        question
            What somebody looks for. If there is no word in it, nobody is found.
        limit
            How many are found at most.
        **wanted
            What else must hold, as for :meth:`find`.

        Raises
        ------
        persist.QueryError
            If the question is no text or too long, or a filter is wrong. When it is asked, if the database is not one
            that can be searched.
        """
        return self._search(question, limit, wanted)

    def with_role(self, role: Id, /) -> Found[hikari.Member]:
        """Find the members who have a role. Everybody in a guild has the role that has the guild's id.

        Raises
        ------
        persist.QueryError
            If that is not an id.
        """
        wanted = key_part(role, "the role")
        everyone = Condition("guild_id", "equals", wanted)
        return self._find({}, AnyOf((Condition("role_ids", "has_id", wanted), everyone)))


class Presences(_OfUser[hikari.MemberPresence]):
    """Who is online, and what they are doing."""

    entity: Entity[hikari.MemberPresence] = entities.PRESENCES

    def find(self, **wanted: Unpack[WantedPresences]) -> Found[hikari.MemberPresence]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedPresences]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class VoiceStates(_OfUser[hikari.VoiceState]):
    """Who is in which voice channel."""

    entity: Entity[hikari.VoiceState] = entities.VOICE_STATES

    def find(self, **wanted: Unpack[WantedVoiceStates]) -> Found[hikari.VoiceState]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedVoiceStates]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class StageInstances(_ById[hikari.StageInstance]):
    """Stages that are live."""

    entity: Entity[hikari.StageInstance] = entities.STAGE_INSTANCES

    def find(self, **wanted: Unpack[WantedStageInstances]) -> Found[hikari.StageInstance]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedStageInstances]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class DMChannels(_ById[hikari.PrivateChannel]):
    """Direct conversations with one user, and with several."""

    entity: Entity[hikari.PrivateChannel] = entities.DM_CHANNELS

    def find(self, **wanted: Unpack[WantedDMChannels]) -> Found[hikari.PrivateChannel]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedDMChannels]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class Webhooks(_ById[hikari.PartialWebhook]):
    """Webhooks that REST has told of, without their tokens."""

    entity: Entity[hikari.PartialWebhook] = entities.WEBHOOKS

    def find(self, **wanted: Unpack[WantedWebhooks]) -> Found[hikari.PartialWebhook]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedWebhooks]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class SoundboardSounds(_ById[SoundboardSound]):
    """The sounds of the soundboards of guilds."""

    entity: Entity[SoundboardSound] = entities.SOUNDBOARD_SOUNDS

    def find(self, **wanted: Unpack[WantedSoundboardSounds]) -> Found[SoundboardSound]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedSoundboardSounds]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class Integrations(_ById[hikari.Integration]):
    """What is connected to guilds: bots, and accounts of other services."""

    entity: Entity[hikari.Integration] = entities.INTEGRATIONS

    def find(self, **wanted: Unpack[WantedIntegrations]) -> Found[hikari.Integration]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedIntegrations]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class ScheduledEvents(_ById[hikari.ScheduledEvent]):
    """What guilds have planned. What has ended or was cancelled stays, with that status."""

    entity: Entity[hikari.ScheduledEvent] = entities.SCHEDULED_EVENTS

    def find(self, **wanted: Unpack[WantedScheduledEvents]) -> Found[hikari.ScheduledEvent]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedScheduledEvents]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class AutoModRules(_ById[hikari.AutoModRule]):
    """The rules of auto-moderation."""

    entity: Entity[hikari.AutoModRule] = entities.AUTO_MOD_RULES

    def find(self, **wanted: Unpack[WantedAutoModRules]) -> Found[hikari.AutoModRule]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedAutoModRules]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class AutoModExecutions(_ById[AutoModExecution]):
    """What auto-moderation did, if the rules turn it on."""

    entity: Entity[AutoModExecution] = entities.AUTO_MOD_EXECUTIONS

    def find(self, **wanted: Unpack[WantedAutoModExecutions]) -> Found[AutoModExecution]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedAutoModExecutions]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class AuditLogEntries(_ById[hikari.AuditLogEntry]):
    """What moderators did, if the rules turn it on."""

    entity: Entity[hikari.AuditLogEntry] = entities.AUDIT_LOG_ENTRIES

    def find(self, **wanted: Unpack[WantedAuditLogEntries]) -> Found[hikari.AuditLogEntry]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedAuditLogEntries]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class Entitlements(_ById[hikari.Entitlement]):
    """What users and guilds may use. Those that have run out go."""

    entity: Entity[hikari.Entitlement] = entities.ENTITLEMENTS

    def find(self, **wanted: Unpack[WantedEntitlements]) -> Found[hikari.Entitlement]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedEntitlements]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class Subscriptions(_ById[Subscription]):
    """Users who pay the application again and again."""

    entity: Entity[Subscription] = entities.SUBSCRIPTIONS

    def find(self, **wanted: Unpack[WantedSubscriptions]) -> Found[Subscription]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedSubscriptions]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class Bans(_OfUser[hikari.GuildBan]):
    """Who is banned from which guild."""

    entity: Entity[hikari.GuildBan] = entities.BANS

    def find(self, **wanted: Unpack[WantedBans]) -> Found[hikari.GuildBan]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedBans]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class ThreadMembers(_OfUser[hikari.ThreadMember]):
    """Who is in which thread. Without the GUILD_MEMBERS intent it is only the bot itself."""

    entity: Entity[hikari.ThreadMember] = entities.THREAD_MEMBERS
    _where = "the thread"

    def find(self, **wanted: Unpack[WantedThreadMembers]) -> Found[hikari.ThreadMember]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedThreadMembers]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class ScheduledEventUsers(_OfUser[hikari.ScheduledEventUser]):
    """Who has said to be interested in which scheduled event."""

    entity: Entity[hikari.ScheduledEventUser] = entities.SCHEDULED_EVENT_USERS
    _where = "the scheduled event"

    def find(self, **wanted: Unpack[WantedScheduledEventUsers]) -> Found[hikari.ScheduledEventUser]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedScheduledEventUsers]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class CommandPermissions(View[hikari.GuildCommandPermissions]):
    """Who may use which command in which guild, where that differs from the default."""

    entity: Entity[hikari.GuildCommandPermissions] = entities.COMMAND_PERMISSIONS

    def find(self, **wanted: Unpack[WantedCommandPermissions]) -> Found[hikari.GuildCommandPermissions]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedCommandPermissions]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()

    async def get(
        self, guild: Id, command: Id, /, *, max_age: float | datetime.timedelta | None = None
    ) -> hikari.GuildCommandPermissions | None:
        """Return the permissions of a command in a guild, or ``None`` if nothing is known of them.

        Parameters
        ----------
        guild
            The guild, or its id.
        command
            The command, or its id. The id of the application stands for all commands without their own.
        max_age
            Seconds, or a `datetime.timedelta`: what was told or listed longer ago is answered with ``None``.

        Raises
        ------
        persist.QueryError
            If an argument is not an id.
        persist.CacheClosedError
            If the cache is not open and cannot be opened.
        """
        return await self._get((key_part(guild, "the guild"), key_part(command, "the command")), max_age)

    async def entry(self, guild: Id, command: Id, /) -> Entry[hikari.GuildCommandPermissions] | None:
        """Return it with its payload and what is known about knowing it, or ``None``."""
        return await self._entry((key_part(guild, "the guild"), key_part(command, "the command")))

    async def get_many(self, guild: Id, commands: Iterable[Id], /) -> Many[hikari.GuildCommandPermissions]:
        """Return it for many commands in the order asked for; ``missing`` names the ids that nothing is known of."""
        at = key_part(guild, "the guild")
        return await self._many([(at, key_part(command, "each command")) for command in each(commands)])


class Invites(View[hikari.InviteWithMetadata]):
    """Invites that the bot saw being made."""

    entity: Entity[hikari.InviteWithMetadata] = entities.INVITES

    def find(self, **wanted: Unpack[WantedInvites]) -> Found[hikari.InviteWithMetadata]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedInvites]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()

    async def get(self, invite: str | hikari.InviteCode, /) -> hikari.InviteWithMetadata | None:
        """Return one invite by its code, or ``None`` if nothing is known of it."""
        return await self._get((code_part(invite),))

    async def entry(self, invite: str | hikari.InviteCode, /) -> Entry[hikari.InviteWithMetadata] | None:
        """Return it with its payload and what is known about knowing it, or ``None``."""
        return await self._entry((code_part(invite),))

    async def get_many(self, invites: Iterable[str | hikari.InviteCode], /) -> Many[hikari.InviteWithMetadata]:
        """Return many invites in the order asked for; ``missing`` names the codes that are unknown."""
        return await self._many([(code_part(invite),) for invite in each(invites)])


VIEWS: typing.Final[dict[str, type[View[typing.Any]]]] = {
    view.entity.name: view
    for view in (
        *(Guilds, Channels, Threads, Roles, Emojis, Stickers),
        *(Members, Users, Messages, VoiceStates, Presences, Invites),
        *(StageInstances, DMChannels, Webhooks, SoundboardSounds, Integrations, ScheduledEvents),
        *(AutoModRules, AutoModExecutions, AuditLogEntries, Entitlements, Subscriptions, Bans),
        *(ThreadMembers, ScheduledEventUsers, CommandPermissions),
    )
}
"""Every view by the name of its kind, which is also the name of its attribute on a cache."""
