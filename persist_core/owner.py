"""Ensures that a database belongs to one bot, because READY deletes the guilds that its bot is not in."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from .entities import OWN_USER
from .errors import SchemaError
from .spi import Select, Store

__all__ = ("Owner", "twin_refusal")


def twin_refusal(store: Store, others: Iterable[Store]) -> SchemaError | None:
    """Return why a bot may not open a database: another of its caches has it open. ``None`` if none has."""
    place = getattr(store, "place", None)
    if place is None or all(getattr(other, "place", None) != place for other in others):
        return None
    where = getattr(store, "where", store)
    return SchemaError(
        f"{where} is already open in another cache of this bot, so events such as reactions would be counted twice. "
        "Create one cache, which persist.Cache.of(bot) returns anywhere, or name another database."
    )


class Owner:
    """Knows which bot a database belongs to.

    Attributes
    ----------
    known
        The bots that have written to it; empty for a new database.
    """

    def __init__(self) -> None:
        self.known: Collection[int] = ()
        self._where = ""

    async def learn(self, store: Store, me: int | None) -> None:
        """Find out which bot a database that has just been opened belongs to.

        Parameters
        ----------
        store
            The database.
        me
            The bot, if it is known already.

        Raises
        ------
        persist.SchemaError
            If it belongs to another bot.
        """
        page = await store.select(Select(OWN_USER, want="keys"))
        self.known = tuple(int(record.key[0]) for record in page.records)
        self._where = str(getattr(store, "where", store))
        if me is not None and (refusal := self.refusal(me)) is not None:
            raise refusal

    def refusal(self, me: int) -> SchemaError | None:
        """Return why a bot may not write to the database; ``None`` if it may, or if that is not known yet."""
        if not self.known or me in self.known:
            return None
        return SchemaError(
            f"{self._where} belongs to the bot {', '.join(map(str, self.known))}, and this bot, {me}, would remove the "
            "guilds that it is not in. Name another database."
        )
