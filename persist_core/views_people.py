"""Views: users, members, and what they are at."""

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
    """People and bots that were seen anywhere."""

    entity: Entity[hikari.User] = entities.USERS
    _what = "the user"

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


class Members(OfUser[hikari.Member]):
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
        return self.find(role_ids=has(key_part(role, "the role")))


class VoiceStates(OfUser[hikari.VoiceState]):
    """Who is in which voice channel."""

    entity: Entity[hikari.VoiceState] = entities.VOICE_STATES

    def find(self, **wanted: Unpack[WantedVoiceStates]) -> Found[hikari.VoiceState]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedVoiceStates]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class Presences(OfUser[hikari.MemberPresence]):
    """Who is online, and what they are doing."""

    entity: Entity[hikari.MemberPresence] = entities.PRESENCES

    def find(self, **wanted: Unpack[WantedPresences]) -> Found[hikari.MemberPresence]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedPresences]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class ThreadMembers(OfUser[hikari.ThreadMember]):
    """Who is in which thread. Without the GUILD_MEMBERS intent it is only the bot itself."""

    entity: Entity[hikari.ThreadMember] = entities.THREAD_MEMBERS
    _where = "the thread"

    def find(self, **wanted: Unpack[WantedThreadMembers]) -> Found[hikari.ThreadMember]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedThreadMembers]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()


class Bans(OfUser[hikari.GuildBan]):
    """Who is banned from which guild."""

    entity: Entity[hikari.GuildBan] = entities.BANS

    def find(self, **wanted: Unpack[WantedBans]) -> Found[hikari.GuildBan]:
        """Find some, sorted by id; what filters may be is said at :class:`~persist.View`."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedBans]) -> int:
        """Return how many there are, with filters as in :meth:`find`."""
        return await self._find(wanted).count()
