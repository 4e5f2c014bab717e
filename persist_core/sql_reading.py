"""Querying an SQL database, and how its payloads are stored, which another process may change while it is open."""

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
        """Return what spells the values of one statement."""
        return Speller(self.dialect, self.codec)

    async def renew(self, fetch: Callable[[str], Awaitable[Sequence[Row]]]) -> bool:
        """See whether another process has changed how payloads are stored, and follow it. Return whether it has."""
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
        """Answer a question by one way to ask the database."""
        spelled = self.questions.spelled(query)
        try:  # a context would take longer than the rest of this
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
        """Return what is stored, and keep others from changing it until a transaction ends."""
        # Wholly: what is encrypted and cannot be read is not to be taken for nothing, and written over.
        spelled = self.questions.spelled(query)
        rows = await transaction.fetch(f"{spelled.sql}{self._in_turn(query)}{self.dialect.lock_rows}", spelled.params)
        try:
            return self.questions.page(spelled, rows, wholly=True).records
        except CorruptRecordError:
            if not await self.renew(transaction.fetch):
                raise
            return self.questions.page(self.questions.spelled(query), rows, wholly=True).records

    def _in_turn(self, query: Select) -> str:
        """Spell that rows are locked in the order of their keys, as by every other process."""
        if query.keys is None or len(query.keys) == 1 or not self.dialect.lock_rows:
            return ""
        return f" ORDER BY {', '.join(map(self.dialect.quote, query.entity.key))}"

    async def check_search(self, entity: Entity[typing.Any], kinds: Collection[Entity[typing.Any]]) -> None:
        """See to it that some kinds can be searched, for a question about one of them.

        Raises
        ------
        persist.QueryError
            If one of them cannot, or not yet.
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
    """A database as it is at one moment.

    Parameters
    ----------
    answer
        Answers a question about that moment.
    """

    def __init__(self, answer: Callable[[Select], Awaitable[Page]]) -> None:
        self._answer = answer

    async def select(self, query: Select) -> Page:
        """Answer a question."""
        return await self._answer(query)
