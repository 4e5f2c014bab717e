"""The views of a cache: one class per kind, so that each can be asked for by its type."""

from __future__ import annotations

import typing

from . import entities
from .errors import QueryError
from .filters import is_unicode
from .found import Entry, Found, Running, Source
from .model import Entity, Key
from .view import View, key_part
from .views_application import CommandPermissions, Entitlements, Subscriptions
from .views_channels import Channels, DMChannels, Invites, StageInstances, Threads, Webhooks
from .views_guilds import Emojis, Guilds, Integrations, Roles, SoundboardSounds, Stickers
from .views_messages import Messages
from .views_moderation import AuditLogEntries, AutoModExecutions, AutoModRules
from .views_people import Bans, Members, Presences, ThreadMembers, Users, VoiceStates
from .views_scheduled import ScheduledEvents, ScheduledEventUsers
from .views_shapes import Id

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


class Things(View[T]):
    """Everything of a kind that a plugin has added.

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
        """Find all that match, sorted by key; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: typing.Any) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()

    def search(self, question: str, /, *, limit: int | None = None, **wanted: typing.Any) -> Found[T]:
        """Search for all words of ``question``, if the kind declares which columns can be searched.

        Raises
        ------
        persist.QueryError
            If it declares none, or an argument is wrong; on iteration, if the database is not set up to search it.
        """
        return self._search(question, limit, wanted)

    async def get(self, *key: Id | str) -> T | None:
        """Return one by its key, as it is now, or ``None``.

        Parameters
        ----------
        *key
            The parts of its key, in the order in which the kind names them.

        Raises
        ------
        persist.QueryError
            If the arguments are not a key of this kind.
        persist.CacheClosedError
            If the cache is not open and cannot be opened.
        """
        return await self._get(self._key(key))

    async def entry(self, *key: Id | str) -> Entry[T] | None:
        """Return one by its key, with its payload and metadata, or ``None``."""
        return await self._entry(self._key(key))

    def _key(self, parts: tuple[Id | str, ...]) -> Key:
        names = self.entity.key
        if len(parts) != len(names):
            msg = f"the key of {self.entity.name} is {', '.join(names)}: {len(names)} values, not {len(parts)}"
            raise QueryError(msg)
        return tuple(
            part if kind == "text" and isinstance(part, str) and is_unicode(part) else key_part(part, name)
            for (name, kind), part in zip(names.items(), parts, strict=True)
        )


def things(entity: Entity[T], source: Source, running: typing.Callable[[], frozenset[int]]) -> Things[T]:
    """Return the view of a kind that a plugin has added.

    Raises
    ------
    persist.QueryError
        If the entity is not registered.
    """
    if not isinstance(entity, Entity) or entities.ENTITIES.get(entity.name) is not entity:
        if isinstance(entity, str) and entity in VIEWS:
            msg = f"{entity} have a view of their own, cache.{entity}; view(...) is for kinds that plugins add"
            raise QueryError(msg)
        msg = f"{entity!r} is not a registered entity; a plugin adds one with the hook persist_entities"
        raise QueryError(msg)
    return Things(entity, source, running)


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
