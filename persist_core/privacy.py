"""Erasing, exporting and sweeping: what privacy requires of a cache."""

from __future__ import annotations

import os
from collections.abc import Mapping

import hikari

from .engine import Engine
from .errors import QueryError
from .exporting import Export, exported
from .receipts import Receipt
from .spi import Store
from .view import key_part

__all__ = ("Exports", "Privacy")

User = hikari.SnowflakeishOr[hikari.PartialUser]
Guild = hikari.SnowflakeishOr[hikari.PartialGuild]


class Exports:
    """Exporting what is stored about a user."""

    async def _all_stored(self) -> Store:
        """Return the store once it has everything received so far."""
        raise NotImplementedError

    async def export_user(self, user: User, path: str | os.PathLike[str]) -> Export:
        """Export everything stored about a user as JSON Lines, with a summary in words in a second file.

        What others wrote is not included, only that it names the user.

        Parameters
        ----------
        user
            The user, or the id.
        path
            The file to write; the summary gets the same name with ``.txt`` appended.

        Raises
        ------
        persist.QueryError
            If ``user`` is not an id, or ``path`` is not a path.
        persist.CacheClosedError
            If the cache is not open and cannot be opened.
        persist.PersistError
            If the file cannot be written, or the database cannot be read.
        """
        user_id = key_part(user, "the user")
        if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
            msg = f"path must be a str or a path object, not {path!r}"
            raise QueryError(msg)
        return await exported(await self._all_stored(), user_id, path)


class Privacy(Exports):
    """Erasing, sweeping and receipts."""

    async def _all_stored(self) -> Store:
        engine = await self._opened()
        await engine.journal.barrier()
        return engine.store

    async def _opened(self) -> Engine:
        raise NotImplementedError

    async def erase_user(self, user: User) -> Receipt:
        """Erase everything about a user, and store nothing about that user from now on.

        This deletes what is the user's own: the user, memberships, messages and their history, DM channels, presences,
        voice states, bans and audit log entries. What others wrote stays, with "Deleted User" in place of the user's
        name. Reactions and votes are stored as counts, which name nobody. The work runs in small steps while the cache
        keeps working; at the end, database files are rewritten.

        Parameters
        ----------
        user
            The user, or the id.

        Returns
        -------
        Receipt
            Proof of the erasure, without the erased data.

        Raises
        ------
        persist.QueryError
            If the argument is not an id, or is the bot itself.
        persist.BackendError
            If the database fails meanwhile. Nothing new about the user is stored even then; call this again to finish.
        persist.CacheClosedError
            If the cache is not open and cannot be opened.
        """
        user_id, engine = key_part(user, "the user"), await self._opened()
        if user_id == engine.feed.me:
            msg = "the bot's own user cannot be erased: the cache belongs to it"
            raise QueryError(msg)
        return await engine.eraser.erase("user", user_id)

    async def erase_guild(self, guild: Guild) -> Receipt:
        """Erase everything about a guild, and store nothing about it from now on, even while the bot is in it.

        Parameters
        ----------
        guild
            The guild, or its id.

        Raises
        ------
        persist.QueryError, persist.BackendError, persist.CacheClosedError
            As for :meth:`erase_user`.
        """
        guild_id = key_part(guild, "the guild")
        return await (await self._opened()).eraser.erase("guild", guild_id)

    async def forgive_user(self, user: User) -> bool:
        """Allow an erased user to be stored again, from what Discord sends from now on.

        Returns
        -------
        bool
            Whether the user was erased before.
        """
        return await (await self._opened()).eraser.forgive("user", key_part(user, "the user"))

    async def forgive_guild(self, guild: Guild) -> bool:
        """Allow an erased guild to be stored again, from what Discord sends from now on.

        Returns
        -------
        bool
            Whether the guild was erased before.
        """
        return await (await self._opened()).eraser.forgive("guild", key_part(guild, "the guild"))

    async def sweep(self) -> Mapping[str, int]:
        """Remove now what exceeds the limits of the rules and what is over, and return how many records, by kind.

        The cache also does this by itself, every few seconds. What belongs to a removed record is not counted.

        Raises
        ------
        persist.BackendError
            If the database cannot be reached, or does not accept changes.
        persist.CacheClosedError
            If the cache is not open and cannot be opened.
        """
        return await (await self._opened()).sweeper.sweep()

    async def verify_receipt(self, receipt: Receipt) -> bool:
        """Return whether a cache on this database made a receipt, and the receipt is unaltered.

        Raises
        ------
        persist.QueryError
            If it is not a receipt.
        """
        engine = await self._opened()
        if not isinstance(receipt, Receipt):
            msg = f"receipt must be what erase_user or erase_guild returned, not {receipt!r}"
            raise QueryError(msg)
        return await engine.eraser.verify(receipt)
