"""Queries an SQL database, and follows changes of how its payloads are stored, which other processes may make."""

from __future__ import annotations

import typing
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from . import notes, texts
from .codec import Codec
from .dialect import Dialect
from .driver_errors import translated, translation
from .errors import CorruptRecordError, QueryError
from .model import Entity, Record
from .questions import Questions
from .sealing import Sealed
from .spelling import Speller
from .spi import Driver, Page, Row, Select, Transaction

__all__ = ("Moment", "SqlReader")


class SqlReader:
    """Queries a database, and adapts when its payloads are stored in another way.

    Parameters
    ----------
    driver
        Runs statements on the database.
    dialect
        The dialect of the database, as far as it is known.
    follow
        Returns how payloads are stored, given the notes in the database about that.

    Attributes
    ----------
    dialect
        The dialect of the database.
    codec
        How payloads are stored, if not as JSON.
    notes
        The notes in the database about that.
    questions
        The queries for the current state of the database. Do not hold on to it for more than one query.
    """

    def __init__(self, driver: Driver, dialect: Dialect, follow: Callable[[Mapping[str, str]], Sealed]) -> None:
        self._driver = driver
        self._follow = follow
        self.dialect: Dialect = dialect
        self.codec: Codec | None = None
        self.notes: Mapping[str, str] = {}
        self.questions: Questions = Questions(dialect, None)

    def spell(self, dialect: Dialect) -> None:
        """Use this dialect from now on."""
        self.dialect = dialect
        self.questions = Questions(dialect, self.codec)

    def read_by(self, sealed: Sealed) -> None:
        """Read payloads that are stored in this way from now on."""
        self.codec, self.notes = sealed.codec, sealed.notes
        self.questions = Questions(self.dialect, sealed.codec)

    def speller(self) -> Speller:
        """Return a speller for one statement."""
        return Speller(self.dialect, self.codec)

    async def renew(self, fetch: Callable[[str], Awaitable[Sequence[Row]]]) -> bool:
        """If another process has changed how payloads are stored, follow it. Return whether it has."""
        with translated(self._driver):
            noted = await notes.of_payloads(self.dialect, fetch)
        return self.follow(noted)

    def follow(self, noted: Mapping[str, str]) -> bool:
        """Store and read payloads as the database notes it, and return whether that has changed."""
        if noted == self.notes:
            return False
        self.read_by(self._follow(noted))
        return True

    async def answer_by(self, fetch: Callable[[str, Row], Awaitable[Sequence[Row]]], query: Select) -> Page:
        """Answer a query, running it with ``fetch``."""
        spelled = self.questions.spelled(query)
        try:  # a context manager would take longer than the rest of this
            rows = await fetch(spelled.sql, spelled.params)
        except self._driver.errors as error:
            raise translation(self._driver, error) from error
        if query.want == "count":
            return Page((), count=int(rows[0][0]))
        page = self.questions.page(spelled, rows)
        if page.corrupt and await self.renew(self._driver.fetch):
            page = self.questions.page(self.questions.spelled(query), rows)
        return page

    async def stored(self, transaction: Transaction, query: Select) -> Sequence[Record]:
        """Return stored records, and lock them until a transaction ends."""
        # Wholly, because a record that cannot be decrypted must not count as missing and be overwritten.
        spelled = self.questions.spelled(query)
        rows = await transaction.fetch(f"{spelled.sql}{self._in_turn(query)}{self.dialect.lock_rows}", spelled.params)
        try:
            return self.questions.page(spelled, rows, wholly=True).records
        except CorruptRecordError:
            if not await self.renew(transaction.fetch):
                raise
            return self.questions.page(self.questions.spelled(query), rows, wholly=True).records

    def _in_turn(self, query: Select) -> str:
        """Return the clause that locks rows in key order, as every process does."""
        if query.keys is None or len(query.keys) == 1 or not self.dialect.lock_rows:
            return ""
        return f" ORDER BY {', '.join(map(self.dialect.quote, query.entity.key))}"

    async def check_search(self, entity: Entity[typing.Any], kinds: Collection[Entity[typing.Any]]) -> None:
        """Check that some kinds can be searched, for a query about one of them.

        Raises
        ------
        persist.QueryError
            If one of them cannot be searched, or not yet.
        """
        with translated(self._driver):
            note = await self._driver.lookup(texts.asked(self.dialect))
        kept = texts.kept(note, self.codec)
        if kept >= set(kinds) and texts.are_ready(note, kinds):
            return
        what = "are still being made searchable" if kept >= set(kinds) else "cannot be searched"
        way = f"the bot that writes to it enables search with persist.Cache(..., search={{{entity.name!r}}})"
        msg = f"{entity.name} {what} in {self._driver!r}; {way}"
        raise QueryError(msg)


class Moment:
    """A snapshot of a database.

    Parameters
    ----------
    answer
        Answers a query from the snapshot.
    """

    def __init__(self, answer: Callable[[Select], Awaitable[Page]]) -> None:
        self._answer = answer

    async def select(self, query: Select) -> Page:
        """Answer a query."""
        return await self._answer(query)
