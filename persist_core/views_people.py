"""Views: users, members, and what they are doing."""

from __future__ import annotations

from typing import Unpack

import hikari

from . import entities
from .filters import has
from .found import Found
from .model import Entity
from .view import key_part
from .views_shapes import ById, Id, OfUser
from .wanted import WantedBans, WantedMembers, WantedPresences, WantedThreadMembers, WantedUsers, WantedVoiceStates

__all__ = ("Bans", "Members", "Presences", "ThreadMembers", "Users", "VoiceStates")


class Users(ById[hikari.User]):
    """All users, people and bots, that the cache has seen anywhere."""

    entity: Entity[hikari.User] = entities.USERS
    _what = "the user"

    def find(self, **wanted: Unpack[WantedUsers]) -> Found[hikari.User]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedUsers]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()

    def search(
        self, question: str, /, *, limit: int | None = None, **wanted: Unpack[WantedUsers]
    ) -> Found[hikari.User]:
        """Search users by global name and username; all words of the question must occur somewhere in them.

        Case, accents and punctuation do not matter, and a quoted part must match whole words in a row. Exact names come
        first, then names that begin with the question, then names with words that begin with it, then the others.

        Parameters
        ----------
        question
            What to search for. Without any word in it, nothing is found.
        limit
            The maximum number of results.
        **wanted
            Filters, as for :meth:`find`.

        Raises
        ------
        persist.QueryError
            If the question is not a string or too long, or a filter is wrong; on iteration, if the database is not set
            up to search this kind.
        """
        return self._search(question, limit, wanted)


class Members(OfUser[hikari.Member]):
    """The members of guilds."""

    entity: Entity[hikari.Member] = entities.MEMBERS

    def find(self, **wanted: Unpack[WantedMembers]) -> Found[hikari.Member]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedMembers]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()

    def search(
        self, question: str, /, *, limit: int | None = None, **wanted: Unpack[WantedMembers]
    ) -> Found[hikari.Member]:
        """Search members by nickname, global name and username; all words of the question must occur somewhere in them.

        Case, accents and punctuation do not matter, and a quoted part must match whole words in a row. Exact names come
        first, then names that begin with the question, then names with words that begin with it, then the others.

        Parameters
        ----------
        question
            What to search for. Without any word in it, nothing is found.
        limit
            The maximum number of results.
        **wanted
            Filters, as for :meth:`find`.

        Raises
        ------
        persist.QueryError
            If the question is not a string or too long, or a filter is wrong; on iteration, if the database is not set
            up to search this kind.
        """
        return self._search(question, limit, wanted)

    def with_role(self, role: Id, /) -> Found[hikari.Member]:
        """Find the members with a role. Every member has the role whose id is the guild's id.

        Raises
        ------
        persist.QueryError
            If the argument is not an id.
        """
        return self.find(role_ids=has(key_part(role, "the role")))


class VoiceStates(OfUser[hikari.VoiceState]):
    """Who is in which voice channel."""

    entity: Entity[hikari.VoiceState] = entities.VOICE_STATES

    def find(self, **wanted: Unpack[WantedVoiceStates]) -> Found[hikari.VoiceState]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedVoiceStates]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()


class Presences(OfUser[hikari.MemberPresence]):
    """Who is online, and what they are doing."""

    entity: Entity[hikari.MemberPresence] = entities.PRESENCES

    def find(self, **wanted: Unpack[WantedPresences]) -> Found[hikari.MemberPresence]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedPresences]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()


class ThreadMembers(OfUser[hikari.ThreadMember]):
    """Who is in which thread; only the bot itself without the GUILD_MEMBERS intent."""

    entity: Entity[hikari.ThreadMember] = entities.THREAD_MEMBERS
    _where = "the thread"

    def find(self, **wanted: Unpack[WantedThreadMembers]) -> Found[hikari.ThreadMember]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedThreadMembers]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()


class Bans(OfUser[hikari.GuildBan]):
    """Who is banned from which guild."""

    entity: Entity[hikari.GuildBan] = entities.BANS

    def find(self, **wanted: Unpack[WantedBans]) -> Found[hikari.GuildBan]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedBans]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()
