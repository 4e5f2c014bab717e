"""Anonymous samples for training compression dictionaries: they contain only what many people's payloads share.

A dictionary outlives the data it was trained on, so it must not contain anything that a person wrote or is. The
structure of a payload stays, as do Discord's own words if many people's payloads contain them. Everything else is made
up.
"""

from __future__ import annotations

import collections
import random
import re
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence

from .model import Payload, Record

__all__ = ("anonymous",)

_MANY: typing.Final = 20
"""How many people must have written something independently before it counts as nobody's."""

_WORDS: typing.Final = frozenset(
    (
        *("allow", "deny", "permissions", "features", "type", "content_type", "discriminator"),
        *("desktop", "mobile", "web", "status", "locale", "preferred_locale", "region", "rtc_region"),
    )
)
"""Fields that hold Discord's words, never a person's."""

_STATUS: typing.Final = frozenset(("online", "idle", "dnd", "offline"))
_COMMON: typing.Final = frozenset(("", "0"))
_SMALL: typing.Final = 1000
_NAME: typing.Final = re.compile(r"[a-z_]{1,40}")
_WORD: typing.Final = re.compile(r"[A-Za-z0-9_./-]{1,32}")
_ID: typing.Final = re.compile(r"\d{15,20}")
_TIME: typing.Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+?(?:(?:000)?\+00:00|Z)")
_CDN: typing.Final = re.compile(r"https://(?:cdn|media|images-ext-\d)\.discordapp\.(?:com|net)/[a-z-]+/")
_HASH: typing.Final = re.compile(r"(?:a_)?[0-9a-f]{32}")
_LETTERS: typing.Final = (
    "eeeeeeeeeeeetttttttttaaaaaaaaoooooooiiiiiiinnnnnnnsssssshhhhhhrrrrrrdddd  lllluuucccmmwwffggyyppbbvk"
)
_MOST: typing.Final = 64
_MADE_UP: typing.Final = 8
"""The fewest digits of an ID to make up."""

Text = tuple[str, str]
"""The name of a field, and a text in it."""

Whose = Mapping[str, set[object]]


def anonymous(records: Sequence[Record]) -> Iterator[Payload]:
    """Yield payloads that look like those of some records and contain nothing about anybody."""
    return map(_Forger(records).forged, (record.payload for record in records))


class _Forger:
    """Knows what some payloads share, and makes up the rest."""

    def __init__(self, records: Sequence[Record]) -> None:
        names, words, numbers = _people(), _people(), _people()
        numerals: dict[str, Whose] = collections.defaultdict(_people)
        letters: dict[str, dict[object, str]] = collections.defaultdict(dict)
        for record in records:
            person = _person(record)
            for name, value in _walked(record.payload, ""):
                if value is None:
                    names[name].add(record.key)
                elif not isinstance(value, str):
                    numbers[value].add(person)
                elif value in _COMMON:
                    pass
                elif _ID.fullmatch(value) or _TIME.fullmatch(value):
                    numerals[name][value].add(person)
                elif _is_word(name, value):
                    words[name, value].add(person)
                else:
                    letters[name].setdefault(person, value[:_MOST])
        self._names = _of_many(names)
        self._words = _of_many(words)
        self._numbers = _of_many(numbers)
        self._begin = {name: _beginnings(whose) for name, whose in numerals.items()}
        # One text per person, so that the letters are not only one person's.
        self._letters = {name: "".join(each.values()) for name, each in letters.items() if len(each) >= _MANY}
        self._chance = random.Random()  # noqa: S311 - made-up values contain nothing to protect

    def forged(self, payload: Payload) -> Payload:
        """Return a made-up payload that looks like another one."""
        return {name: self._value(name, value) for name, value in payload.items() if name in self._names}

    def _value(self, name: str, value: typing.Any) -> typing.Any:
        if isinstance(value, dict):
            return self.forged(typing.cast("Payload", value))
        if isinstance(value, list):
            return [self._value(name, item) for item in value]
        if isinstance(value, str):
            return self._text(name, value)
        if value is None or isinstance(value, bool) or abs(value) < _SMALL or value in self._numbers:
            return value
        return self._chance.randrange(10 ** len(str(int(abs(value)))))

    def _text(self, name: str, text: str) -> str:
        if text in _COMMON or (name, text) in self._words:
            return text
        found = _TIME.fullmatch(text)
        if found or _ID.fullmatch(text):
            length = self._begin[name].get(text, 0)
            if found is None:  # if few people have similar IDs, a made-up one might be that of one of them
                length = min(length, len(text) - _MADE_UP)
            return text[:length] + self._digits(text[length:])
        if _HASH.fullmatch(text):
            return f"{text[:-32]}{self._chance.getrandbits(128):032x}"
        begin = found[0] if (found := _CDN.match(text)) else ""
        letters = self._letters.get(name, _LETTERS)
        return begin + "".join(self._chance.choices(letters, k=min(_MOST, len(text) - len(begin))))

    def _digits(self, text: str) -> str:
        head, zone = (text[:-9], "000+00:00") if text.endswith("000+00:00") else (text, "")
        return "".join(self._chance.choice("0123456789") if c.isdecimal() else c for c in head) + zone


def _people() -> collections.defaultdict[typing.Any, set[object]]:
    return collections.defaultdict(set)


def _person(record: Record) -> object:
    """Return the person who wrote an object, or whom it describes; the object itself if there is none."""
    for name in record.entity.persons:
        if (found := record.column(name)) is not None:
            return found
    return record.key


def _walked(value: object, name: str) -> Iterator[tuple[str, str | float | None]]:
    """Yield the names in a payload, each with ``None``, and the values by their names."""
    if isinstance(value, dict):
        for inner, item in typing.cast("dict[str, object]", value).items():
            if _NAME.fullmatch(inner):
                yield inner, None
                yield from _walked(item, inner)
    elif isinstance(value, list):
        for item in typing.cast("list[object]", value):
            yield from _walked(item, name)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield name, value


def _is_word(name: str, text: str) -> bool:
    return name in _WORDS and bool(_WORD.fullmatch(text)) and (name != "status" or text in _STATUS)


def _of_many(whose: Mapping[typing.Any, set[object]]) -> frozenset[typing.Any]:
    return frozenset(what for what, people in whose.items() if len(people) >= _MANY)


def _beginnings(whose: Whose) -> Mapping[str, int]:
    """Return how long a beginning each text shares with many others, of many people."""
    found: dict[str, int] = {}
    waiting: list[tuple[int, Iterable[str]]] = [(0, whose)]
    while waiting:
        length, texts = waiting.pop()
        found.update((text, length) for text in texts)
        together: dict[str, list[str]] = collections.defaultdict(list)
        for text in texts:
            if length < len(text):
                together[text[length]].append(text)
        waiting += [
            (length + 1, alike)
            for alike in together.values()
            if len(alike) >= _MANY and len(set[object]().union(*(whose[text] for text in alike))) >= _MANY
        ]
    return found
