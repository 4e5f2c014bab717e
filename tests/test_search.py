"""Searches find what they should, and the same on every engine, whatever the texts are and however they change."""
# ruff: noqa: RUF001 - letters that look like others are what this is about.

from __future__ import annotations

import re
import typing
from collections.abc import AsyncIterator, Iterator, Sequence

import dict_store
import pytest
from hearing import Hearing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import persist
from persist import found, hookimpl, plugins
from persist.changes import Change, Drop, DropScope, Patch, Put
from persist.contract_samples import ODDITIES
from persist.edits import Part
from persist.entities import MEMBERS, MESSAGES, USERS
from persist.model import Entity, Key, Origin, Record
from persist.resolving import answered, resolved
from persist.spi import Backend, Page, Select
from persist.words import words_of

_ORIGIN: typing.Final = Origin("gateway", 0, 17, "2026-01-02 03:04:05.000006")
_EVERYWHERE: typing.Final = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
_GUILD: typing.Final = 7

# ------------------------------------------------------------------------------------------------- stores without SQL


class ResolvingStore:
    """A third-party store for a database without SQL: records in a dictionary, and `persist.resolving`."""

    def __init__(self, records: dict[tuple[Entity[typing.Any], Key], Record]) -> None:
        self._records = records

    async def open(self) -> None:
        """Do nothing: the records are there already."""

    async def close(self) -> None:
        """Do nothing: the records stay."""

    async def apply(self, changes: Sequence[Change]) -> None:
        for entity, key, _, after in await resolved(changes, self._read):
            self._records.pop((entity, key), None)
            if after is not None:
                self._records[entity, key] = after

    async def select(self, query: Select) -> Page:
        return await answered(query, self._read)

    async def _read(self, query: Select) -> Page:
        return Page(
            [
                record
                for (entity, key), record in self._records.items()
                if entity is query.entity
                and (query.keys is None or key in query.keys)
                and query.guild_id in (None, record.guild_id)
            ]
        )


class OtherStores:
    """A plugin with stores that keep records for as long as the plugin exists."""

    def __init__(self) -> None:
        self._place: dict_store.Place = {}
        self._records: dict[tuple[Entity[typing.Any], Key], Record] = {}

    @hookimpl
    def persist_backends(self) -> Sequence[Backend]:
        return [
            Backend("dict", lambda _: dict_store.DictStore(self._place)),
            Backend("resolving", lambda _: ResolvingStore(self._records)),
        ]


@pytest.fixture
def _other_stores() -> Iterator[None]:
    plugin = OtherStores()
    plugins.manager().register(plugin, "other stores")
    yield
    plugins.manager().unregister(plugin)


@pytest.fixture(params=["sqlite", "memory", "postgresql", "mysql", "dict", "resolving"])
def any_url(request: pytest.FixtureRequest, _other_stores: None) -> str:
    """Return the URL of an empty database on each engine, and of stores without SQL."""
    if request.param in ("memory", "dict", "resolving"):
        return f"{request.param}://"
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def server_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of an empty SQL database that outlives its store."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def searched(any_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hearing]:
    monkeypatch.setattr(found, "_PAGE", 3)
    async with Hearing(any_url, search={"messages", "members"}) as searched:
        yield searched


# --------------------------------------------------------------------------------------------------- what words are


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Red PANDA!", "red panda"),
        ("red-panda_s, c++", "red panda s c"),
        ("Crème Brûlée", "creme brulee"),
        ("Creme\u0300 Bru\u0302le\u0301e", "creme brulee"),
        ("STRASSE straße", "strasse strasse"),
        ("İstanbul ISTANBUL", "istanbul istanbul"),
        ("ΣΊΣΥΦΟΣ σίσυφος", "σισυφοσ σισυφοσ"),
        ("ﬁn Ⅷ ２", "fin viii 2"),
        ("𝓐𝓵𝓲 Ａｌｉ", "ali ali"),
        ("小熊猫 eats竹", "小 熊 猫 eats 竹"),
        ("パンダ ﾊﾟﾝﾀﾞ", "ハ ゚ ン タ ゙ ハ ゚ ン タ ゙"),
        ("שָׁלוֹם\u200f", "שלום"),
        ("شُكْرًا", "شكرا"),
        ("👍🏽❤️ 👨\u200d👩\u200d👧", "👍 ❤ 👨 👩 👧"),
        ("soft\u00adly a\u200bb", "softly ab"),
        ("\0a\nb\ud800c\x1f", "a b c"),
        ("... !?", ""),
        ("", ""),
    ],
)
def test_words_have_neither_case_nor_accents_nor_punctuation(text: str, words: str) -> None:
    assert words_of(text) == words_of(words) == words


# ---------------------------------------------------------------------------------------------------- a naive oracle


class Phrase(typing.NamedTuple):
    words: list[str]
    is_open: bool


def phrases_of(question: str) -> list[Phrase]:
    found = []
    for quoted, end, plain in re.findall(r'["“”„‟]([^"“”„‟]*)(["“”„‟]|$)|([^\s"“”„‟]+)', question):
        if words := words_of(quoted or plain).split():
            found.append(Phrase(words, not end))
    return found


def stands_in(words: list[str], phrase: list[str], *, is_open: bool = False) -> bool:
    *firsts, last = phrase
    for start in range(len(words) - len(phrase) + 1):
        here = words[start : start + len(phrase)]
        if here[:-1] == firsts and (here[-1].startswith(last) if is_open else here[-1] == last):
            return True
    return False


def rank_of_text(text: str | None, phrases: list[Phrase]) -> int | None:
    """Return how well a text matches, with 0 for best; `None` if it does not."""
    words = words_of(text or "").split()
    if not phrases or not all(
        stands_in(words, phrase.words, is_open=phrase.is_open and phrase is phrases[-1]) for phrase in phrases
    ):
        return None
    if stands_in(words, [word for phrase in phrases for word in phrase.words]):
        return 0
    return 1 if all(stands_in(words, phrase.words) for phrase in phrases) else 2


def rank_of_names(names: Sequence[str | None], phrases: list[Phrase]) -> int | None:
    """Return how well one of the names matches, with 0 for best; `None` if none does."""
    each = [words for name in names if (words := words_of(name or "").split())]
    for phrase in phrases:
        if not any(
            " ".join(phrase.words) in " ".join(words) if phrase.is_open else stands_in(words, phrase.words)
            for words in each
        ):
            return None
    row = [word for phrase in phrases for word in phrase.words]
    if not row:
        return None
    if row in each:
        return 0
    if any(stands_in(words[: len(row)], row, is_open=True) for words in each):
        return 1
    begin = all(any(stands_in(words, p.words, is_open=p.is_open) for words in each) for p in phrases)
    return 2 if begin else 3


_PIECES: typing.Final = (
    *("red", "panda", "pandas", "pan", "Pand", "é", "e", "a", "the", "natalia", "ali", "Ali", "smith", "an"),
    *("小熊猫", "熊猫", "熊", "パンダ", "ほ", "ลูกหมี", "한국어", "straße", "STRASSE", "İi", "ı", "👍🏽", "👍", "❤️"),
    *("שלום", "مرحبا", "\u202eabc", "_", "-", "+red", "red*", "pan*", ":*", "!", "&", "|", "(", ")", "<->", "~", "@"),
    *("NEAR", "AND", "OR", "NOT", "'", "\\", "%", "\0", "--", ";", "x'00'", "${1}", "{0}", "?", "$1", "zz", "__red"),
    *("x" * 90, "x" * 100, "ж" * 30),
)
_PIECE = st.sampled_from((*_PIECES, *ODDITIES)) | st.text(max_size=3)
_TEXT = st.lists(st.tuples(_PIECE, st.sampled_from((" ", " ", "", "\n", ", "))), max_size=5).map(
    lambda parts: "".join(part + space for part, space in parts)
)
_QUESTION = st.lists(
    st.tuples(_PIECE, st.sampled_from((" ", " ", "", '"', ' "', '" ', "“", "\u3000"))), min_size=1, max_size=4
).map(lambda parts: "".join(part + space for part, space in parts).encode("utf-8", "replace").decode()[:500])


def no_surrogates(text: str) -> str:
    """Return a text that Discord could send."""
    return text.encode("utf-8", "replace").decode()


_TEXTS = st.lists(st.none() | _TEXT.map(no_surrogates), min_size=1, max_size=10)
_NAMES = st.lists(st.tuples(*[st.none() | _TEXT.map(no_surrogates)] * 3), min_size=1, max_size=8)
_QUESTIONS = st.lists(_QUESTION, min_size=1, max_size=6)


def say(searched: Hearing, number: int, text: str | None, guild_id: int = _GUILD, **fields: typing.Any) -> None:
    payload = {"id": str(number), "channel_id": "5", "content": text, "author": {"id": "3"}, **fields}
    searched.accept(Put(MESSAGES.record(payload, guild_id, _ORIGIN)))


def name(searched: Hearing, number: int, names: Sequence[str | None], guild_id: int = _GUILD) -> None:
    nick, global_name, username = names
    user = {"id": str(number), "username": username, "global_name": global_name}
    searched.remember(MEMBERS.record({"user": user, "nick": nick}, guild_id, _ORIGIN))


async def same(question: persist.Found[typing.Any], expected: Sequence[int], asked: str) -> None:
    """Check every way to read the results against the expected ids."""
    assert await question.ids() == expected, asked
    assert await question.count() == len(expected), asked
    assert await question.exists() is bool(expected), asked
    some = question.limit(2)
    assert await some.ids() == expected[:2], asked
    assert await some.count() == len(expected[:2]), asked
    assert sorted(await question.order_by("-first_seen").ids()) == sorted(expected), asked


@_EVERYWHERE
@given(stored=_TEXTS, pending=_TEXTS, gone=st.integers(0, 5), questions=_QUESTIONS)
async def test_messages_are_found_as_python_finds_them(
    searched: Hearing, stored: list[str | None], pending: list[str | None], gone: int, questions: list[str]
) -> None:
    searched.accept(DropScope(MESSAGES, None))
    texts: dict[int, str | None] = {}
    for number, text in enumerate(stored, 1):
        say(searched, number, text)
        texts[number] = text
    await searched.cache.flush()
    for number, text in enumerate(pending, len(stored)):
        say(searched, number, text)
        texts[number] = text
    searched.accept(Drop(MESSAGES, (gone,)), Patch(MESSAGES, (2,), _GUILD, (Part({"content": "Red pandas"}),), _ORIGIN))
    texts.pop(gone, None)
    if 2 in texts:
        texts[2] = "Red pandas"
    for question in (*questions, "red pan"):
        phrases = phrases_of(question)
        ranked = [(rank, -n) for n, text in texts.items() if (rank := rank_of_text(text, phrases)) is not None]
        expected = [-minus for _, minus in sorted(ranked)]
        await same(searched.cache.messages.search(question, guild=_GUILD), expected, question)
        assert await searched.cache.messages.search(question, channel=6).ids() == []
    assert searched.cache.quarantine == ()


@_EVERYWHERE
@given(stored=_NAMES, pending=_NAMES, questions=_QUESTIONS)
async def test_members_are_found_by_each_of_their_names_as_python_finds_them(
    searched: Hearing,
    stored: list[tuple[str | None, ...]],
    pending: list[tuple[str | None, ...]],
    questions: list[str],
) -> None:
    searched.accept(DropScope(MEMBERS, None), DropScope(USERS, None))
    names: dict[int, list[str | None]] = {}
    for number, each in enumerate(stored, 1):
        name(searched, number, each)
        names[number] = list(each)
    await searched.cache.flush()
    for number, each in enumerate(pending, len(stored)):
        name(searched, number, each)
        names[number] = list(each)
    searched.accept(
        Patch(USERS, (1,), None, (Part({"global_name": "Natalia Smith"}),), _ORIGIN),
        Patch(MEMBERS, (_GUILD, 2), _GUILD, (Part({"nick": None}),), _ORIGIN),
    )
    names[1][1] = "Natalia Smith"
    if 2 in names:
        names[2][0] = None
    for question in (*questions, "ali s"):
        phrases = phrases_of(question)
        ranked = [(rank, n) for n, each in names.items() if (rank := rank_of_names(each, phrases)) is not None]
        await same(searched.cache.members.search(question, guild=_GUILD), [n for _, n in sorted(ranked)], question)
        of_user = [(rank, n) for n, (_, *each) in names.items() if (rank := rank_of_names(each, phrases)) is not None]
        await same(searched.cache.users.search(question), [n for _, n in sorted(of_user)], question)
    assert searched.cache.quarantine == ()


async def test_the_longest_questions_are_answered(searched: Hearing) -> None:
    letters = [chr(0x4E00 + number) for number in range(250)]
    say(searched, 1, " ".join(letters))
    say(searched, 2, "".join(letters))
    name(searched, 3, (" ".join(letters), None, "natalia"))
    for question in (" ".join(letters), " ".join(letters)[:499] + '"', '"' + "".join(letters)):
        assert await searched.cache.messages.search(question).ids() == [2, 1]
        assert await searched.cache.members.search(question).ids() == [3]
    assert await searched.cache.messages.search("\u4e00" * 500).ids() == []
    assert await searched.cache.members.search("a " * 250).ids() == [3]
    assert await searched.cache.members.search("x" * 500).ids() == []
