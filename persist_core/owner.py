"""Whose database it is: that of one bot, as each READY forgets what the bot that it is for is not in."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from .entities import OWN_USER
from .errors import SchemaError
from .spi import Select, Store

__all__ = ("Owner", "twin_refusal")


def twin_refusal(store: Store, others: Iterable[Store]) -> SchemaError | None:
    """Return why a bot may not open a database that its other caches have open; ``None`` if they have others open."""
    place = getattr(store, "place", None)
    if place is None or all(getattr(other, "place", None) != place for other in others):
        return None
    where = getattr(store, "where", store)
    return SchemaError(
        f"{where} is already open in another cache of this bot, so events such as reactions would be counted twice. "
        "Create one cache, which persist.Cache.of(bot) returns anywhere, or name another database."
    )


class Owner:
    """Knows which bot a database remembers.

    Attributes
    ----------
    known
        The bots that have written into it; none before the first one has.
    """

    def __init__(self) -> None:
        self.known: Collection[int] = ()
        self._where = ""

    async def learn(self, store: Store, me: int | None) -> None:
        """Ask a database that has just been opened whose it is.

        Parameters
        ----------
        store
            The database.
        me
            The bot, where it is known already.

        Raises
        ------
        persist.SchemaError
            If it is another bot's.
        """
        page = await store.select(Select(OWN_USER, want="keys"))
        self.known = tuple(int(record.key[0]) for record in page.records)
        self._where = str(getattr(store, "where", store))
        if me is not None and (refusal := self.refusal(me)) is not None:
            raise refusal

    def refusal(self, me: int) -> SchemaError | None:
        """Return why a bot may not write to the database; ``None`` if it may, as far as is known so far."""
        if not self.known or me in self.known:
            return None
        return SchemaError(
            f"{self._where} belongs to the bot {', '.join(map(str, self.known))}, and this bot, {me}, would remove the "
            "guilds that it is not in. Name another database."
        )
