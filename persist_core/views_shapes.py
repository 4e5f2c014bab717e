"""What views have in common: the key is an id, or a place and a user."""

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
    """A view of a kind whose key is an id."""

    _what = "it"

    async def get(self, thing: Id, /, *, max_age: float | datetime.timedelta | None = None) -> T | None:
        """Return one by its id, as it is now, or ``None`` if the cache does not know it.

        Parameters
        ----------
        thing
            Its id, or an object that has it.
        max_age
            Seconds, or a `datetime.timedelta`: return ``None`` if Discord last sent or listed it longer ago.

        Raises
        ------
        persist.QueryError
            If the argument is not an id.
        persist.CacheClosedError
            If the cache is not open and cannot be opened.
        """
        return await self._get((key_part(thing, self._what),), max_age)

    async def entry(self, thing: Id, /) -> Entry[T] | None:
        """Return one by its id, with its payload and metadata, or ``None``."""
        return await self._entry((key_part(thing, self._what),))

    async def get_many(self, things: Iterable[Id], /) -> Many[T]:
        """Return many in the requested order, a thousand per round trip; ``missing`` lists the unknown ids."""
        return await self._many([(key_part(thing, self._what),) for thing in each(things)])


class OfUser(View[T]):
    """A view of a kind whose key is a place, such as a guild, and a user."""

    _where = "the guild"

    async def get(self, where: Id, user: Id, /, *, max_age: float | datetime.timedelta | None = None) -> T | None:
        """Return one by its guild, thread or event and its user, as it is now, or ``None``.

        Parameters
        ----------
        where, user
            Their ids, or objects that have them.
        max_age
            Seconds, or a `datetime.timedelta`: return ``None`` if Discord last sent or listed it longer ago.

        Raises
        ------
        persist.QueryError
            If an argument is not an id.
        persist.CacheClosedError
            If the cache is not open and cannot be opened.
        """
        return await self._get((key_part(where, self._where), key_part(user, "the user")), max_age)

    async def entry(self, where: Id, user: Id, /) -> Entry[T] | None:
        """Return it with its payload and metadata, or ``None``."""
        return await self._entry((key_part(where, self._where), key_part(user, "the user")))

    async def get_many(self, where: Id, users: Iterable[Id], /) -> Many[T]:
        """Return many in the order of ``users``, a thousand per round trip; ``missing`` lists the unknown users."""
        at = key_part(where, self._where)
        return await self._many([(at, key_part(user, "each user")) for user in each(users)])
