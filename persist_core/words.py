"""Texts as search sees them: words in lower case, without accents and punctuation, the same for every database.

A text becomes its words with a space around each. Scripts without spaces, such as Chinese, Japanese or Thai, become
words of one character, and so does an emoji: adjacent characters are found as consecutive words. So a search only
checks whether one text contains another, and every database gives the same answer.
"""

from __future__ import annotations

import typing
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

__all__ = ("FORM", "Term", "terms_asked", "terms_of", "text_of", "words_of")

FORM: typing.Final = 1
"""The version of the form that this module produces. If it changes, all texts are made again."""

_OF_LETTERS: typing.Final = frozenset((0, 7, 8, 9))
"""Combining classes that are not accents: nukta, kana voicing marks and virama, without which it is another letter."""

_ALONE: typing.Final = frozenset(
    (
        *("BOPOMOFO", "CJK", "HIRAGANA", "IDEOGRAPHIC", "KATAKANA", "KATAKANA-HIRAGANA", "KHMER", "LAO", "MYANMAR"),
        *("TAI", "THAI", "TIBETAN", "YI"),
    )
)
"""The beginnings of the Unicode names of characters that are written without spaces between words."""

_GRAM: typing.Final = 3
_LONGEST: typing.Final = 80
"""The maximum length of a term: MariaDB and MySQL ignore terms of more than 84 characters."""

_MOST_TERMS: typing.Final = 16
"""The most terms of a query to look up in the index; the texts that it returns are checked in any case."""


class Term(typing.NamedTuple):
    """A term to look up in an index: made of the letters ``a`` to ``z``, digits and underscores."""

    word: str
    is_open: bool
    """Whether more characters may follow."""


class _Letters(dict[int, str]):
    """The replacement for each character, for ``str.translate``."""

    def __missing__(self, code: int) -> str:
        self[code] = made = _letter(chr(code))
        return made


def _letter(character: str) -> str:
    category, name = unicodedata.category(character), unicodedata.name(character, "")
    if unicodedata.combining(character) not in _OF_LETTERS or name.startswith("VARIATION SELECTOR"):
        return ""
    if category in ("Cf", "Me"):  # joiners, direction marks, keycap frames
        return ""
    if category == "So" or name.partition(" ")[0] in _ALONE:
        return f" {character} "
    return character if category[0] in "LMN" else " "


_LETTERS: typing.Final = _Letters()


def words_of(text: str) -> str:
    """Return the words of a text, with one space between them."""
    # Case folding may produce something that decomposes again, such as the dot of a Turkish capital I.
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return " ".join(plain.translate(_LETTERS).split())


def text_of(values: Iterable[str | None]) -> str:
    """Return values as one text: each between line breaks, each word between spaces; empty if there are none."""
    lines = [f" {words} " for value in values if value and (words := words_of(value))]
    return "\n".join(("", *lines, "")) if lines else ""


def terms_of(text: str, *, inside: bool) -> Iterable[str]:
    """Return the terms under which an index must know a text.

    Parameters
    ----------
    text
        A text as :func:`text_of` returns it.
    inside
        Whether parts of its words can be found too, by the three letters starting at each letter.
    """
    words = text.split()
    if inside:
        words = [word[start : start + _GRAM] for word in words for start in range(len(word))]
    return map(_term, dict.fromkeys(words))


def terms_asked(phrases: Sequence[str], *, inside: bool) -> Sequence[Term]:
    """Return terms that every text with all of these phrases has. Other texts may have them, too."""
    asked = (term for phrase in phrases for term in (_grams(phrase) if inside else _words(phrase)))
    return list(dict.fromkeys(asked))[:_MOST_TERMS]


def _words(phrase: str) -> Iterator[Term]:
    *words, last = phrase.split()
    for word in words:
        yield Term(_term(word), is_open=False)
    yield Term(_term(last), is_open=not phrase[-1].isspace())


def _grams(phrase: str) -> Iterator[Term]:
    for word in phrase.split():
        if len(word) < _GRAM:
            yield Term(_term(word), is_open=True)
            continue
        # Adjacent groups say as much as overlapping ones, and the index has less to read.
        for start in dict.fromkeys((*range(0, len(word) - _GRAM + 1, _GRAM), len(word) - _GRAM)):
            yield Term(_term(word[start : start + _GRAM]), is_open=False)


def _term(word: str) -> str:
    # Two words may become one term: the index only says which texts to check.
    if not word.isascii():
        word = "".join(letter if letter.isascii() else f"_{ord(letter):x}" for letter in word)
    return word[:_LONGEST]
