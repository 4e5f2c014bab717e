"""Views: messages."""

from __future__ import annotations

from typing import Unpack

import hikari

from . import entities
from .conditions import Condition
from .found import Entry, Found, entry_of
from .model import Entity
from .spi import Order, Select
from .view import key_part
from .views_shapes import ById, Id
from .wanted import WantedMessages

__all__ = ("Messages",)


class Messages(ById[hikari.Message]):
    """Messages of guilds and of direct conversations."""

    entity: Entity[hikari.Message] = entities.MESSAGES
    _what = "the message"

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
