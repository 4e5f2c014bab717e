"""What a cache does so that nothing is kept for longer than it may be, and when a person or a guild asks."""

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
    """What a person may have."""

    async def _all_stored(self) -> Store:
        """Return the store once it has all that was heard before now."""
        raise NotImplementedError

    async def export_user(self, user: User, path: str | os.PathLike[str]) -> Export:
        """Write everything that is remembered of a person into a file of JSON Lines, and a summary in words beside it.

        What others said is not in it, only that it names the person.

        Parameters
        ----------
        user
            The user, or the id.
        path
            The file; the summary has ``.txt`` behind its name.

        Raises
        ------
        persist.QueryError
            If it is not an id, or not a path.
        persist.CacheClosedError
            If the cache is not open and cannot be opened.
        persist.PersistError
            If the file cannot be written, or the database cannot be read.
        """
        user_id = key_part(user, "the user")
        if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
            msg = f"an export is written to a path, not to {path!r}"
            raise QueryError(msg)
        return await exported(await self._all_stored(), user_id, path)


class Privacy(Exports):
    """Forgetting, and what belongs to it."""

    async def _all_stored(self) -> Store:
        engine = await self._opened()
        await engine.journal.barrier()
        return engine.store

    async def _opened(self) -> Engine:
        raise NotImplementedError

    async def erase_user(self, user: User) -> Receipt:
        """Erase everything of a person, wherever it lies, and remember nothing of the person from now on.

        What is the person's own goes: user, memberships, messages and their history, direct conversations, presences,
        voice states, bans, what the audit log says. What others said stays, and names "Deleted User" where it named the
        person. It is done in small steps beside everything else; files are rewritten at the end. Reactions and
        votes are counts that name nobody.

        Parameters
        ----------
        user
            The user, or the id.

        Returns
        -------
        Receipt
            The proof, without what was erased.

        Raises
        ------
        persist.QueryError
            If it is not an id, or the bot itself.
        persist.BackendError
            If the database fails meanwhile. Nothing new is taken in then; call it again to go on.
        persist.CacheClosedError
            If the cache is not open and cannot be opened.
        """
        user_id, engine = key_part(user, "the user"), await self._opened()
        if user_id == engine.feed.me:
            msg = "the bot itself cannot be erased: it is the one who remembers"
            raise QueryError(msg)
        return await engine.eraser.erase("user", user_id)

    async def erase_guild(self, guild: Guild) -> Receipt:
        """Erase everything of a guild, and remember nothing of it from now on, although the bot may be in it.

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
        """Let a person who was erased be remembered again, from what Discord says from now on.

        Returns
        -------
        bool
            Whether that was forbidden.
        """
        return await (await self._opened()).eraser.forgive("user", key_part(user, "the user"))

    async def forgive_guild(self, guild: Guild) -> bool:
        """Let a guild that was erased be remembered again, from what Discord says from now on.

        Returns
        -------
        bool
            Whether that was forbidden.
        """
        return await (await self._opened()).eraser.forgive("guild", key_part(guild, "the guild"))

    async def sweep(self) -> Mapping[str, int]:
        """Forget at once what the rules keep no longer, and what is over, and return how many things went, by kind.

        It is done by itself, every few seconds. What belongs to what goes is not counted.

        Raises
        ------
        persist.BackendError
            If the database cannot be asked, or does not take changes.
        persist.CacheClosedError
            If the cache is not open and cannot be opened.
        """
        return await (await self._opened()).sweeper.sweep()

    async def verify_receipt(self, receipt: Receipt) -> bool:
        """Tell whether a receipt was made by a cache on this database and says what it said then.

        Raises
        ------
        persist.QueryError
            If it is not a receipt.
        """
        engine = await self._opened()
        if not isinstance(receipt, Receipt):
            msg = f"a receipt is what erase_user and erase_guild return, not {receipt!r}"
            raise QueryError(msg)
        return await engine.eraser.verify(receipt)
