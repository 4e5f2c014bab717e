"""What views have in common: things are told apart by an id, or by where they are and their user."""

from __future__ import annotations

import datetime
import typing
from collections.abc import Iterable

import hikari

from .found import Entry
from .view import Many, View, each, key_part

__all__ = ("ById", "Id", "OfUser")

T = typing.TypeVar("T")
Id: typing.TypeAlias = hikari.SnowflakeishOr[hikari.Unique]


class ById(View[T]):
    """Things that are told apart by their id."""

    _what = "it"

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
        return await self._get((key_part(thing, self._what),), max_age)

    async def entry(self, thing: Id, /) -> Entry[T] | None:
        """Return one thing with its payload and what is known about knowing it, or ``None``."""
        return await self._entry((key_part(thing, self._what),))

    async def get_many(self, things: Iterable[Id], /) -> Many[T]:
        """Return many things in the order asked for, a thousand in one round trip; ``missing`` names the unknown."""
        return await self._many([(key_part(thing, self._what),) for thing in each(things)])


class OfUser(View[T]):
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
