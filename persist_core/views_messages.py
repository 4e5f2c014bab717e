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
    """Messages in guilds and in DMs."""

    entity: Entity[hikari.Message] = entities.MESSAGES
    _what = "the message"

    def find(self, **wanted: Unpack[WantedMessages]) -> Found[hikari.Message]:
        """Find all that match, sorted by id; see :class:`~persist.View` for the filters."""
        return self._find(wanted)

    async def count(self, **wanted: Unpack[WantedMessages]) -> int:
        """Count all that match, with the same filters as :meth:`find`."""
        return await self._find(wanted).count()

    def search(
        self, question: str, /, *, limit: int | None = None, **wanted: Unpack[WantedMessages]
    ) -> Found[hikari.Message]:
        """Search the text of messages; all words of the question must occur in it, the last one also as a prefix.

        Case, accents and punctuation do not matter, and a quoted part must match whole words in a row. Messages with
        the words in a row come first, then those with all words, then those that only match the last one as a prefix;
        the newest of each first.

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
            up to search messages.
        """
        return self._search(question, limit, wanted)

    async def history(self, message: Id, /) -> list[Entry[hikari.Message]]:
        """Return the versions of a message from before it was edited or deleted, the oldest first.

        The rules have to keep them: ``persist.Rules(messages=persist.Keep(history=True))``. The ``first_seen`` of each
        version is when Discord sent it, and ``last_updated`` when it was replaced.

        Parameters
        ----------
        message
            The message, or its id.

        Raises
        ------
        persist.QueryError
            If the argument is not an id.
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
        """Find the replies to a message, not counting forwards.

        Raises
        ------
        persist.QueryError
            If the argument is not an id.
        """
        return self.find(referenced_message_id=key_part(message, "the message"), type=hikari.MessageType.REPLY)
