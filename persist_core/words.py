"""Texts as search sees them: words in lower case, without accents and punctuation, the same for every database.

A text becomes its words with a space around each. What is written without spaces, as Chinese, Japanese or Thai, becomes
words of one character, and so does an emoji: what stands together is found as words in a row. Whether something is
found is then a matter of whether one text contains another, which every database answers alike.
"""

from __future__ import annotations

import typing
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

__all__ = ("FORM", "Term", "terms_asked", "terms_of", "text_of", "words_of")

FORM: typing.Final = 1
"""Which version of this module has made a text. One that makes others makes all of them anew."""

_OF_LETTERS: typing.Final = frozenset((0, 7, 8, 9))
"""Combining classes that are no accents: nukta, voicing of kana and virama, without which it is another letter."""

_ALONE: typing.Final = frozenset(
    (
        *("BOPOMOFO", "CJK", "HIRAGANA", "IDEOGRAPHIC", "KATAKANA", "KATAKANA-HIRAGANA", "KHMER", "LAO", "MYANMAR"),
        *("TAI", "THAI", "TIBETAN", "YI"),
    )
)
"""What the names of characters begin with that are written without spaces between words."""

_GRAM: typing.Final = 3
_LONGEST: typing.Final = 80
"""How long a term is: MariaDB and MySQL leave out what has more than 84 characters."""

_MOST_TERMS: typing.Final = 16
"""How many terms of a question the index is asked for; the texts that it names are looked at in any case."""


class Term(typing.NamedTuple):
    """What an index is asked for: made of the letters ``a`` to ``z``, digits and underscores."""

    word: str
    is_open: bool
    """Whether more may follow."""


class _Letters(dict[int, str]):
    """What becomes of each character, for ``str.translate``."""

    def __missing__(self, code: int) -> str:
        self[code] = made = _letter(chr(code))
        return made


def _letter(character: str) -> str:
    category, name = unicodedata.category(character), unicodedata.name(character, "")
    if unicodedata.combining(character) not in _OF_LETTERS or name.startswith("VARIATION SELECTOR"):
        return ""
    if category in ("Cf", "Me"):  # joiners, marks of direction, frames of keys
        return ""
    if category == "So" or name.partition(" ")[0] in _ALONE:
        return f" {character} "
    return character if category[0] in "LMN" else " "


_LETTERS: typing.Final = _Letters()


def words_of(text: str) -> str:
    """Return the words of a text, with one space between them."""
    # Folding may leave what can be taken apart once more, as the dot of a Turkish capital i.
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return " ".join(plain.translate(_LETTERS).split())


def text_of(values: Iterable[str | None]) -> str:
    """Return some values as one text: each between line breaks, each word between spaces; empty if there is none."""
    lines = [f" {words} " for value in values if value and (words := words_of(value))]
    return "\n".join(("", *lines, "")) if lines else ""


def terms_of(text: str, *, inside: bool) -> Iterable[str]:
    """Return the terms that an index has to know a text by.

    Parameters
    ----------
    text
        As :func:`text_of` returns it.
    inside
        Whether it is also found by what is inside its words: by the three letters that begin at each letter, then.
    """
    words = text.split()
    if inside:
        words = [word[start : start + _GRAM] for word in words for start in range(len(word))]
    return map(_term, dict.fromkeys(words))


def terms_asked(phrases: Sequence[str], *, inside: bool) -> Sequence[Term]:
    """Return terms that every text has in which all of some phrases are. Others may have them, too."""
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
        # Side by side they say as much as all of them, which overlap, and the index has less to read.
        for start in dict.fromkeys((*range(0, len(word) - _GRAM + 1, _GRAM), len(word) - _GRAM)):
            yield Term(_term(word[start : start + _GRAM]), is_open=False)


def _term(word: str) -> str:
    # Two words may become one term: the index only says which texts to look at.
    if not word.isascii():
        word = "".join(letter if letter.isascii() else f"_{ord(letter):x}" for letter in word)
    return word[:_LONGEST]
