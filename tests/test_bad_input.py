"""Every mistake is reported immediately, in one sentence with a way out, before anything is written."""

from __future__ import annotations

import datetime
import os
import pathlib
import typing
from collections.abc import AsyncIterator, Callable, Iterator

import bots
import hikari
import pytest

import persist

Anything = typing.Any


@pytest.fixture(autouse=True)
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pathlib.Path]:
    """Change to an empty folder, and check at the end that it contains only what the test put there itself."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    yield place
    assert [path for path in place.iterdir() if path.name != "made"] == []


def refused(make: Callable[[], object], *words: str, error: type[Exception] = persist.PersistError) -> None:
    with pytest.raises(error) as caught:
        make()
    said = str(caught.value)
    assert isinstance(caught.value, persist.PersistError)
    assert "\n" not in said
    assert all(word in said for word in words), said


# ----------------------------------------------------------------------------------------------------- making a cache

NO_URL: typing.Final[dict[Anything, str]] = {
    None: "backend must be a URL such as",
    5: "backend must be a URL such as",
    b"sqlite:///cache.db": "backend must be a URL such as",
    pathlib.Path("cache.db"): "; write persist.SQLiteBackend(",
    "": "'' is not a database URL, as it has no scheme before ://",
    "cache.db": "'cache.db' is not a database URL, as it has no scheme before ://; write sqlite:///cache.db",
    "/var/my cache.db": "'/var/my cache.db' is not a database URL, as it has no scheme before ://; write "
    "sqlite:////var/my%20cache.db",
    "://cache.db": "write one such as sqlite:///cache.db",
    "sqlite://cache.db": "'sqlite://cache.db' does not name a file; write sqlite:///cache.db",
    "sqlite:///": "'sqlite:///' does not name a file; write sqlite:///cache.db",
    "sqlite:///folder/": "write sqlite:///cache.db",
    "sqlite:///a\0b": "write sqlite:///cache.db",
    "sqlite:///one#two.db": "%23 for #",
    "sqlite://me:secret@/cache.db": "write sqlite:///cache.db",
    "sqlite:///:memory:": "write memory://",
    "sqlite:///cache.db?timeout=soon": "a number of seconds",
    "sqlite:///cache.db?timeout=-1": "a number of seconds",
    "sqlite:///cache.db?timeout=nan": "a number of seconds",
    "sqlite:///cache.db?colour=red": "has no option colour; it has: compression, timeout",
    "sqlite:///cache.db?timeout=5&timeout=6": "timeout is in sqlite:///cache.db?timeout=5&timeout=6 more than once",
    "postgresql://bot@h/d?min=5&max=2": "min=5 in postgresql://bot@h/d?min=5&max=2 is above max=2; make it 2 or less",
    "mysql://bot@h/d?min=5&max=2": "min=5 in mysql://bot@h/d?min=5&max=2 is above max=2; make it 2 or less",
    "postgresql://bot@h/d?max=1&max=2": "max is in postgresql://bot@h/d?max=1&max=2 more than once; leave one",
    "memory://name": "write memory://",
    "oracle://host/name": "no backend is installed for oracle:// (installed: ",
}


@pytest.mark.parametrize(("url", "way_out"), NO_URL.items(), ids=map(repr, NO_URL))
def test_what_names_no_database_is_refused(url: Anything, way_out: str) -> None:
    refused(lambda: persist.Cache(bots.make(), url), way_out)


def test_no_message_tells_a_password() -> None:
    for url in (
        "sqlite://me:secret@/cache.db",
        "oracle://me:secret@host/name",
        "postgresql://me:secret@host:port/name",
        "postgresql://me:#secret@host/name",
        "postgresql://me:[secret@host/name",
        "postgresql://me:secret",
        "mysql://me:12#secret@host/name",
        "mysql://me:12@secret@host/",
        "me:secret@host/name",
        "postgresql:me:secret@host/name",
        "cache.db?password=secret",
        b"postgresql://me:secret@host/name",
    ):
        with pytest.raises(persist.PersistError) as caught:
            persist.Cache(bots.make(), typing.cast("str", url))
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("path", [None, 5, b"cache.db", ["cache.db"]])
def test_what_is_no_path_is_refused(path: Anything) -> None:
    refused(lambda: persist.SQLiteBackend(path), "path must be a str or a pathlib.Path", repr(path))


def test_a_path_that_no_url_can_name_is_refused() -> None:
    path = os.fsdecode(b"/var/lib/b\xf6t/cache.db")
    refused(lambda: persist.SQLiteBackend(path), "is not UTF-8", "from inside its folder", repr(path))


@pytest.mark.parametrize("timeout", [None, "5", -1, float("nan"), float("inf"), True])
def test_what_is_no_timeout_is_refused(timeout: Anything) -> None:
    refused(lambda: persist.SQLiteBackend("cache.db", timeout), "timeout must be a number of seconds", repr(timeout))


def test_a_compression_that_does_not_exist_is_refused() -> None:
    wrong = typing.cast("typing.Any", "gzip")
    refused(
        lambda: persist.SQLiteBackend("cache.db", compression=wrong), 'compression must be "none" or "zstd"', "gzip"
    )


@pytest.mark.parametrize("name", ["a?b.db", "a#b.db", "a%41.db", "a b.db", "ä.db", "a&timeout=0.db"])
async def test_a_file_may_have_any_name(name: str, folder: pathlib.Path) -> None:
    (folder / "made").mkdir()
    async with persist.Cache(bots.make(), persist.SQLiteBackend(folder / "made" / name)):
        pass
    assert [path.name for path in (folder / "made").iterdir()] == [name]


WRONG_OPTIONS: typing.Final = [
    *(("interval", value) for value in (None, "1", -1, 0, float("nan"), float("inf"), True)),
    *(("stop_timeout", value) for value in (None, "1", -1, 0, float("nan"), float("inf"), True)),
    *(("limit", value) for value in (None, "1", -1, 0, 1.5, float("inf"), True)),
    *(("strict", value) for value in (None, "yes", 1)),
    *(("rules", value) for value in ("presences", {"off": ["presences"]}, ["presences"], 5)),
]


@pytest.mark.parametrize(("name", "value"), WRONG_OPTIONS)
def test_an_option_of_a_wrong_type_is_refused_by_its_name(name: str, value: Anything) -> None:
    wrong: dict[str, Anything] = {name: value}
    refused(lambda: persist.Cache(bots.make(), "sqlite:///cache.db", **wrong), name, repr(value))


@pytest.mark.parametrize("bot", [None, "bot", 5, object(), hikari.GatewayBot])
def test_a_bot_that_is_none_of_hikaris_is_refused(bot: Anything) -> None:
    refused(lambda: persist.Cache(bot, "sqlite:///cache.db"), "a cache attaches to a hikari.GatewayBot or RESTBot, not")


def test_a_bot_without_guilds_is_refused() -> None:
    bot = bots.make(intents=hikari.Intents.GUILD_MESSAGES)
    refused(lambda: persist.Cache(bot, "sqlite:///cache.db"), "lacks the GUILDS intent", "add hikari.Intents.GUILDS")


@pytest.mark.parametrize("off", [None, 5, "presences", {5}, [["a"]], {None}])
def test_rules_that_are_no_names_are_refused(off: Anything) -> None:
    refused(lambda: persist.Rules(off=off), "off must be a collection of names", repr(off))


def test_a_rule_about_what_is_not_there_is_refused_with_what_is() -> None:
    refused(lambda: persist.Rules(off=frozenset({"presence"})), "nothing called presence", "presences", "members")
    refused(
        lambda: persist.Rules(off={"shards"}), "rules do not apply to shards", "the cache's own notes; leave them out"
    )
    refused(lambda: persist.Rules(others={"suppressions": False}), "rules do not apply to suppressions")


# ------------------------------------------------------------------------------------------------------------- reading


@pytest.fixture
async def cache() -> AsyncIterator[persist.Cache]:
    async with persist.Cache(bots.make(), "memory://") as cache:
        yield cache


NO_ID: typing.Final[list[Anything]] = [None, "1", b"1", 1.5, True, -1, 1 << 63, 1 << 70, object(), [1]]
ASKED_BY_ID: typing.Final[dict[str, Callable[[persist.Cache, Anything], Anything]]] = {
    "get_message": lambda cache, wrong: cache.get_message(wrong),
    "get_member's guild": lambda cache, wrong: cache.get_member(wrong, 1),
    "get_member's user": lambda cache, wrong: cache.get_member(1, wrong),
    "get": lambda cache, wrong: cache.roles.get(wrong),
    "entry": lambda cache, wrong: cache.channels.entry(wrong),
    "get_many": lambda cache, wrong: cache.users.get_many([wrong]),
    "members.get_many": lambda cache, wrong: cache.members.get_many(1, [wrong]),
    "has": lambda cache, wrong: cache.members.find(role_ids=persist.has(wrong)).count(),
    "not_": lambda cache, wrong: cache.members.find(guild_id=persist.not_([wrong, 1])).count(),
}


@pytest.mark.parametrize("ask", ASKED_BY_ID.values(), ids=ASKED_BY_ID.keys())
async def test_what_is_no_id_is_refused(
    cache: persist.Cache, ask: Callable[[persist.Cache, Anything], Anything]
) -> None:
    for wrong in NO_ID:
        if wrong is None and ask is ASKED_BY_ID["not_"]:
            continue  # unset is a valid value
        with pytest.raises(persist.QueryError):
            await ask(cache, wrong)


async def test_the_channel_of_a_message_is_an_id_too(cache: persist.Cache) -> None:
    for wrong in NO_ID[1:]:
        with pytest.raises(persist.QueryError, match="the channel must be an id"):
            await cache.get_message(1, wrong)


@pytest.mark.parametrize("wrong", [None, 5, "12", b"12", 1.5])
async def test_what_is_no_collection_of_ids_is_refused(cache: persist.Cache, wrong: Anything) -> None:
    with pytest.raises(persist.QueryError, match="get_many takes a list"):
        await cache.messages.get_many(wrong)
    with pytest.raises(persist.QueryError, match="get_many takes a list"):
        await cache.members.get_many(1, wrong)


@pytest.mark.parametrize("wrong", [None, 5, b"code", 1.5, object()])
async def test_what_is_no_invite_code_is_refused(cache: persist.Cache, wrong: Anything) -> None:
    with pytest.raises(persist.QueryError, match="an invite must be a code"):
        await cache.invites.get(wrong)


NOW: typing.Final = datetime.datetime.now(datetime.UTC)
WRONG_FILTERS: typing.Final[list[tuple[dict[str, Anything], str]]] = [
    ({"colour": 1}, "messages cannot be found by 'colour'; they can by: id, "),
    ({"content": 5}, "content is compared with a string, not with 5"),
    ({"content": b"x"}, "content is compared with a string"),
    ({"content": "\ud800"}, "content is compared with a string"),
    ({"content": persist.contains(typing.cast("str", 5))}, "content is compared with a string"),
    ({"content": persist.before(NOW)}, "content is compared with a string"),
    ({"channel_id": "5"}, "channel_id is compared with an id"),
    ({"channel": [1, "2"]}, "channel_id is compared with an id"),
    ({"channel_id": 1 << 63}, "channel_id is compared with an id"),
    ({"type": persist.contains("x")}, "persist.contains(...) does not apply to type, which is compared with a whole"),
    ({"type": True}, "type is compared with a whole number"),
    ({"type": 1 << 63}, "type is compared with a whole number"),
    ({"is_pinned": 1}, "is_pinned is compared with True or False"),
    (
        {"is_pinned": persist.at_least(value=True)},
        "persist.at_least(...) does not apply to is_pinned, which is compared with True",
    ),
    ({"timestamp": "2024-01-01"}, "timestamp is compared with a datetime"),
    ({"timestamp": persist.between(NOW, 5)}, "timestamp is compared with a datetime"),
    ({"content": persist.has(5)}, "persist.has(...) does not apply to content, which is compared with a string"),
    ({"channel": persist.after(NOW)}, "channel_id is compared with an id"),
    ({"is_pinned": persist.after(NOW)}, "persist.after(...) does not apply to is_pinned"),
    (
        {"content": ["a", persist.contains("b")]},
        "holds values, not conditions; write persist.any_of(contains('b'), ...)",
    ),
    ({"content": [persist.not_(None)]}, "content holds values, not conditions; write persist.any_of(not_(None), ...)"),
    ({"updated": "today"}, "updated is compared with a datetime, not with 'today'"),
    ({"updated": persist.contains("a")}, "persist.contains(...) does not apply to updated"),
]


@pytest.mark.parametrize(("wanted", "words"), WRONG_FILTERS)
def test_a_filter_that_does_not_fit_is_refused_before_anything_is_asked(
    wanted: dict[str, Anything], words: str
) -> None:
    cache = persist.Cache(bots.make(), "sqlite:///cache.db")
    refused(lambda: cache.messages.find(**wanted), words, error=persist.QueryError)


def test_an_order_or_a_limit_that_does_not_fit_is_refused_before_anything_is_asked() -> None:
    found = persist.Cache(bots.make(), "sqlite:///cache.db").messages.find()
    for order in (None, 5, True, b"id", ["id"]):
        wrong: Anything = order
        refused(lambda wrong=wrong: found.order_by(wrong), "order_by takes names of columns", error=persist.QueryError)
    refused(lambda: found.order_by("colour"), "cannot be sorted by 'colour'", error=persist.QueryError)
    for limit in (None, "5", 1.5, True, 0, -1):
        wrong = limit
        refused(
            lambda wrong=wrong: found.limit(wrong),
            "a limit must be a whole number above zero",
            error=persist.QueryError,
        )


@pytest.mark.parametrize("ids", [[], (), {5}, [None], range(3)])
def test_a_list_of_ids_is_not_compared_with_a_list(ids: Anything) -> None:
    cache = persist.Cache(bots.make(), "sqlite:///cache.db")
    refused(lambda: cache.members.find(role_ids=ids), "role_ids is a list of ids; match one in it with persist.has")


def test_a_question_that_is_not_awaited_is_no_answer() -> None:
    found: Anything = persist.Cache(bots.make(), "sqlite:///cache.db").members.find()
    refused(lambda: bool(found), "not awaited", "if await found.exists()", error=persist.QueryError)
    assert repr(found) == "<members to be found: await it, or use async for>"


@pytest.mark.parametrize("confirm", [None, 1, "yes"])
def test_confirm_is_a_truth_value(confirm: Anything) -> None:
    cache = persist.Cache(bots.make(), "sqlite:///cache.db")
    refused(lambda: cache.listen(confirm=confirm), "confirm must be True or False", repr(confirm))


@pytest.mark.parametrize("dry_run", [None, 1, "no"])
async def test_dry_run_is_a_truth_value(cache: persist.Cache, dry_run: Anything) -> None:
    with pytest.raises(persist.QueryError, match="dry_run must be True or False"):
        await cache.apply_rules(persist.Rules(messages=False), dry_run=dry_run)


async def test_a_channel_that_is_none_is_refused_even_where_nothing_is_known(cache: persist.Cache) -> None:
    wrong: Anything = "general"
    with pytest.raises(persist.QueryError, match="the channel must be an id or an object that has one, not 'general'"):
        await cache.permissions(1, 2, wrong)


def test_watching_nothing_is_refused() -> None:
    cache = persist.Cache(bots.make(), "sqlite:///cache.db")
    refused(cache.watch, "watch takes event types such as hikari.MemberDeleteEvent", error=persist.QueryError)


def test_columns_to_encrypt_that_are_no_mapping_are_refused() -> None:
    columns: Anything = ["roles"]
    keys = persist.Encryption({"a": persist.Encryption.new_key()}, columns=columns)
    refused(
        lambda: persist.Cache(bots.make(), "memory://", encryption=keys),
        "columns must be a mapping from kinds to names of columns",
    )


@pytest.mark.parametrize("path", [".", "/", ""])
async def test_what_cannot_name_a_file_is_refused(cache: persist.Cache, path: str) -> None:
    with pytest.raises(persist.PersistError, match="is a folder; name a file in it"):
        await cache.export_user(1, path)
