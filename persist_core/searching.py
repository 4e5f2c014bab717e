"""Turns what people search for into conditions, and ranks the results by how well they match."""

from __future__ import annotations

import re
import typing
from collections.abc import Collection, Iterator, Sequence

from .conditions import AllOf, AnyOf, Conditional, Not, Where, Within, Worded
from .entities import ENTITIES
from .errors import QueryError
from .model import Entity
from .spi import Order
from .words import words_of

__all__ = ("Search", "kinds_named", "searching")

AnyEntity = Entity[typing.Any]
_LONGEST: typing.Final = 500
_QUOTES: typing.Final = re.compile('["“”„‟]')
_NOTHING: typing.Final[Where] = (AnyOf(()),)


class Search(typing.NamedTuple):
    """A search, as conditions."""

    where: Where = ()
    """The conditions that all results meet."""

    order: tuple[Order, ...] = ()
    """How to sort the results of one rank: messages with the newest first; empty for names, which are sorted by id."""

    ranks: tuple[Where, ...] = ()
    """The conditions of each rank, the best first. Every result meets exactly one of them."""

    @property
    def unranked(self) -> Search:
        """The same search without ranks."""
        return self._replace(ranks=())


class _Phrase(typing.NamedTuple):
    """Words that must occur in a row."""

    words: str
    is_open: bool
    """Whether the last one may be the beginning of a longer word."""


def searching(entity: AnyEntity, question: object) -> Search:
    """Return the search that a question means for a kind.

    Raises
    ------
    persist.QueryError
        If the question is not a string or too long, or the kind cannot be searched.
    """
    if entity.searched is None:
        msg = f"{entity.name} cannot be searched; these can: {', '.join(_searched())}"
        raise QueryError(msg)
    if not isinstance(question, str) or len(question) > _LONGEST:
        what = f"one of {len(question):,}" if isinstance(question, str) else repr(question)
        msg = f"a search of {entity.name} takes a string of at most {_LONGEST} characters, not {what}"
        raise QueryError(msg)
    phrases = list(_phrases(question))
    if not phrases:
        return Search(_NOTHING)
    tiers = _nested(list(_namely(phrases) if entity.searched.inside else _literally(phrases)))
    rows = [_all(entity, tier) for tier in tiers]
    ranks = tuple(
        (*row, *(Not(AllOf(better)) for better in rows[number - 1 : number])) for number, row in enumerate(rows)
    )
    order = () if entity.searched.inside else tuple(Order(name, descending=True) for name in entity.key)
    return Search(rows[-1], order, ranks)


def _nested(tiers: Sequence[tuple[str, ...]]) -> Sequence[tuple[str, ...]]:
    """Add the phrases of the next tier to each tier, unless one of its own phrases contains them. The best is first."""
    nested = [tiers[-1]]
    for tier in tiers[-2::-1]:
        lacking = (phrase for phrase in nested[0] if not any(phrase in longer for longer in tier))
        if (whole := tuple(dict.fromkeys((*tier, *lacking)))) != nested[0]:
            nested.insert(0, whole)
    return nested


def _phrases(question: str) -> Iterator[_Phrase]:
    """Split a question at its spaces, but not between quotes. A phrase in closed quotes is not open."""
    parts = _QUOTES.split(question)
    for number, part in enumerate(parts):
        quoted = number % 2 == 1
        is_open = not quoted or number == len(parts) - 1
        for piece in (part,) if quoted else part.split():
            if words := words_of(piece):
                yield _Phrase(words, is_open)


def _literally(phrases: Sequence[_Phrase]) -> Iterator[tuple[str, ...]]:
    """Yield what texts must contain, best rank first: all words in a row; all words; all, the last one as a prefix."""
    closed = tuple(f" {phrase.words} " for phrase in phrases)
    last = phrases[-1]
    yield (f" {_in_a_row(phrases)} ",)
    yield closed
    yield tuple(dict.fromkeys((*closed[:-1], f" {last.words}" if last.is_open else closed[-1])))


def _namely(phrases: Sequence[_Phrase]) -> Iterator[tuple[str, ...]]:
    """Yield what names must contain, best rank first: the whole name; its beginning; beginnings of words; any parts."""
    row = _in_a_row(phrases)
    yield (f"\n {row} \n",)
    yield (f"\n {row}",)
    yield tuple(f" {phrase.words}" if phrase.is_open else f" {phrase.words} " for phrase in phrases)
    yield tuple(dict.fromkeys(phrase.words if phrase.is_open else f" {phrase.words} " for phrase in phrases))


def _in_a_row(phrases: Sequence[_Phrase]) -> str:
    return " ".join(phrase.words for phrase in phrases)


def _all(entity: AnyEntity, phrases: tuple[str, ...]) -> tuple[Conditional, ...]:
    """Return the conditions that a record, or its parts under other kinds, contain all phrases."""
    joined = [join for join in entity.joins.values() if join.entity.searched]
    if not joined:
        return (Worded(entity, phrases),)
    return tuple(
        AnyOf((Worded(entity, (phrase,)), *(Within(on, part, (Worded(part, (phrase,)),)) for part, on in joined)))
        for phrase in phrases
    )


def kinds_named(names: object) -> Sequence[AnyEntity]:
    """Return the kinds whose texts must be indexed so that some kinds can be searched.

    Raises
    ------
    persist.QueryError
        If a name is not the name of a kind that can be searched.
    """
    known = _searched()
    if isinstance(names, str) or not isinstance(names, Collection) or not known.keys() >= set(names):
        msg = f"search must be a collection of searchable kinds, such as {{'messages'}}, not {names!r}; they are: "
        raise QueryError(msg + ", ".join(known))
    kinds = [known[name] for name in names]
    parts = [join.entity for kind in kinds for join in kind.joins.values() if join.entity.searched]
    return list(dict.fromkeys((*kinds, *parts)))


def _searched() -> dict[str, AnyEntity]:
    return {name: entity for name, entity in ENTITIES.items() if entity.searched is not None}
