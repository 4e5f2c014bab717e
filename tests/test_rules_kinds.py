"""Rules on every kind of object, whatever event sends it: the stored data is what a naive filter leaves."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import random
import typing
from collections.abc import Mapping

import hypothesis
import hypothesis.strategies as st
import pytest
from catalogue import catalogue
from fakecord import Payload, payloads
from hearing import ME, Hearing
from naive import Case, Event, Happenings, both, emptied, holds

import persist
from persist.entities import ENTITIES
from persist.fields import FIELDS
from persist.judge import columns_of
from persist.keep import LISTS
from persist.model import Record
from persist.rules import KINDS

Keep: typing.TypeAlias = persist.Keep[typing.Any]

_GUILDS: typing.Final = [
    payloads.guild(own_user=payloads.own_user(id=ME), members=4, threads=2, voice_states=1, presences=2)
    for _ in range(2)
]
_KINDS: typing.Final = [name for name in KINDS if name not in ("own_user", "message_versions", "auto_mod_executions")]

_UNKNOWN: typing.Final = 99
"""The type of a channel that hikari does not know."""

_CHOSEN: typing.Final[Mapping[str, tuple[str, object]]] = {
    "users": ("username", "out"),
    "guilds": ("name", "out"),
    "channels": ("name", "out"),
    "threads": ("name", "out"),
    "roles": ("name", "out"),
    "emojis": ("name", "out"),
    "stickers": ("name", "out"),
    "members": ("nickname", "out"),
    "messages": ("content", "out"),
    "voice_states": ("session_id", "out"),
    "presences": ("visible_status", "idle"),
    "invites": ("is_temporary", True),
    "thread_members": ("flags", 1),
    "stage_instances": ("topic", "out"),
    "webhooks": ("name", "out"),
    "bans": ("reason", "out"),
    "soundboard_sounds": ("name", "out"),
    "integrations": ("name", "out"),
    "scheduled_events": ("name", "out"),
    "auto_mod_rules": ("name", "out"),
    "audit_log_entries": ("reason", "out"),
    "entitlements": ("is_deleted", True),
    "subscriptions": ("status", 1),
}
"""A column to select by for each kind that has one, and the value of objects that are not kept."""

_VARIED: typing.Final[Mapping[str, tuple[object, ...]]] = {
    **dict.fromkeys(("name", "username", "nick", "content", "session_id", "topic", "reason"), ("in", "out")),
    "temporary": (True, False),
    "deleted": (True, False),
}
"""Fields that change from one event to the next, and their values."""


def _off(kind: str) -> Case:
    return Case(persist.Rules(off={kind}), lambda k, _: k != kind, some=frozenset((kind,)))


def _column(kind: str) -> Case:
    name, out = _CHOSEN[kind]
    rules = persist.Rules(**{kind: Keep(where={name: persist.not_(out)})})
    return Case(rules, lambda k, record: k != kind or record.column(name) != out, some=frozenset((kind,)))


def _predicate(kind: str) -> Case:
    """Keep objects whose hikari attribute has another value."""
    name, out = _CHOSEN[kind]
    rules = persist.Rules(**{kind: Keep(predicate=lambda thing: getattr(thing, name) != out)})

    def keeps(k: str, record: Record) -> bool:
        return k != kind or (record.column(name) != out and record.payload.get("type") != _UNKNOWN)

    return Case(rules, keeps, some=frozenset((kind,)))


def _fields(kind: str, fields: frozenset[str]) -> Case:
    return Case(persist.Rules(**{kind: Keep(drop=fields)}), drops={kind: fields})


def _ids(kind: str, name: str, ids: frozenset[int], *, denied: bool) -> Case:
    read = columns_of(ENTITIES[kind], name)
    assert read is not None

    def keeps(k: str, record: Record) -> bool:
        return k != kind or ids.isdisjoint(read(record)) is denied

    listed: typing.Any = persist.not_(ids) if denied else ids
    return Case(persist.Rules(**{kind: Keep(**{name: listed})}), keeps, some=frozenset((kind,)))


def _guild(number: int) -> Case:
    denied = int(_GUILDS[number]["id"])
    rules = persist.Rules(guilds=Keep(guilds=persist.not_({denied})))
    return Case(rules, keeps_guild=lambda snowflake, _: snowflake != denied)


def _named(_: int) -> Case:
    rules = persist.Rules(guilds=Keep(where={"name": persist.not_("out")}))
    return Case(rules, keeps_guild=lambda _, guild: guild is not None and guild["name"] != "out")


def _channels(kind: str, ids: frozenset[int], *, denied: bool) -> Case:
    listed: typing.Any = persist.not_(ids) if denied else ids
    rules = persist.Rules(**{kind: Keep(channels=listed)})
    return Case(rules, some=frozenset((kind,)), channels=((kind, ids, denied),))


def _sources(kind: str) -> Case:
    return Case(persist.Rules(**{kind: Keep(sources={"chunk"})}), some=frozenset((kind,)), chunks=frozenset((kind,)))


def _mentioned(guild: Payload) -> dict[str, list[int]]:
    """Return ids that a rule may name."""
    return {
        "guilds": [int(guild["id"])],
        "channels": [int(channel["id"]) for channel in (*guild["channels"], *guild["threads"])],
        "users": [int(member["user"]["id"]) for member in guild["members"]],
        "roles": [int(role["id"]) for role in guild["roles"]],
    }


_MENTIONED: typing.Final = _mentioned(_GUILDS[0])
_LISTED: typing.Final = [
    (kind, name)
    for kind in _KINDS
    for name in LISTS
    if columns_of(ENTITIES[kind], name) is not None and kind != "guilds"  # which is about their contents
]


@st.composite
def _listing(draw: st.DrawFn) -> Case:
    kind, name = draw(st.sampled_from(_LISTED))
    ids = frozenset(draw(st.lists(st.sampled_from(_MENTIONED[name]), min_size=1, max_size=3)))
    denied = draw(st.booleans())
    return _channels(kind, ids, denied=denied) if name == "channels" else _ids(kind, name, ids, denied=denied)


@st.composite
def _dropping(draw: st.DrawFn) -> Case:
    kind = draw(st.sampled_from([kind for kind in _KINDS if FIELDS.get(kind)]))
    return _fields(kind, frozenset(draw(st.lists(st.sampled_from(sorted(FIELDS[kind])), min_size=1, max_size=4))))


def _opting(case: Case) -> Case:
    return dataclasses.replace(case, opts_in=case.rules.of("audit_log_entries") is not False)


_PREDICATES: typing.Final = ("roles", "channels", "threads", "emojis", "stickers", "members", "messages", "webhooks")
_CASES: typing.Final = st.one_of(
    st.sampled_from(_KINDS).map(_off).map(_opting),
    st.sampled_from(sorted(_CHOSEN.keys() - {"guilds"})).map(_column).map(_opting),
    st.sampled_from(_PREDICATES).map(_predicate),
    st.sampled_from(("members", "users", "presences")).map(_sources),
    st.integers(0, 1).map(_guild),
    st.just(0).map(_named),
    _listing().map(_opting),
    _dropping().map(_opting),
)


@st.composite
def _combined(draw: st.DrawFn) -> Case:
    cases = draw(st.lists(_CASES, min_size=1, max_size=2))
    try:
        return cases[0] if len(cases) == 1 else both(*cases)
    except persist.QueryError:  # rules cannot select by a field that they drop
        hypothesis.reject()


# ------------------------------------------------------------------------------------------------- what may happen


def _pool() -> list[Event]:
    found: list[Event] = []
    for guild in _GUILDS:
        told = catalogue(guild)
        where, members = {"guild_id": guild["id"]}, guild["members"]
        for name in ("READY", "RESUMED", "GUILD_CREATE", "GUILD_DELETE", "AUTO_MODERATION_ACTION_EXECUTION"):
            del told[name]
        found += told.items()
        found += [("GUILD_MEMBER_ADD", {**member, **where}) for member in members[1:]]
        found += [("GUILD_MEMBER_REMOVE", {**where, "user": member["user"]}) for member in members[1:]]
        user = members[2]["user"]
        found.append(("VOICE_STATE_UPDATE", {**told["VOICE_STATE_UPDATE"], "channel_id": None}))
        found.append(("PRESENCE_UPDATE", {**payloads.presence(user["id"], "offline"), **where}))
        found.append(("PRESENCE_UPDATE", {**payloads.presence(user["id"], "idle"), **where}))
        found.append(("INVITE_DELETE", {**where, "code": told["INVITE_CREATE"]["code"], "channel_id": "1"}))
        found.append(("MESSAGE_DELETE", {**where, **{n: told["MESSAGE_CREATE"][n] for n in ("id", "channel_id")}}))
        found.append(("GUILD_DELETE", {"id": guild["id"]}))
        found.append(("GUILD_DELETE", {"id": guild["id"], "unavailable": True}))
        found.append(("CHANNEL_DELETE", next(c for c in guild["channels"] if c["type"] == 0) | where))
        found.append(("THREAD_CREATE", {**told["THREAD_CREATE"], "message": told["MESSAGE_CREATE"]}))
        # It does not list all members, because the cache would then delete those that have joined meanwhile.
        found.append(("GUILD_CREATE", {**guild, "member_count": 1000, "large": True}))
    return found


_POOL: typing.Final = _pool()


def _varied(value: typing.Any, seed: int) -> typing.Any:
    """Return a payload with some of its fields changed: the same for the same object, wherever it occurs."""
    if isinstance(value, list):
        return [_varied(item, seed) for item in typing.cast("list[typing.Any]", value)]
    if not isinstance(value, dict):
        return value
    found = {name: _varied(item, seed) for name, item in typing.cast("Payload", value).items()}
    for name, values in _VARIED.items():
        if name in found and isinstance(found[name], str | bool | None):
            chance = random.Random(f"{seed} {found.get('id')} {name}")
            found[name] = chance.choice((*values, found[name]))
    return found


@st.composite
def _happenings(draw: st.DrawFn) -> Happenings:
    chance = random.Random(draw(st.integers(0, 1 << 30)))
    count = draw(st.integers(1, 25))
    told = chance.choices(_POOL, k=count)
    return Happenings((name, _varied(payload, chance.randrange(1 << 30))) for name, payload in told)


async def test_a_message_that_shows_in_a_thread_is_off_as_well(sqlite_url: str) -> None:
    guild = _GUILDS[0]
    told = catalogue(guild)
    thread = {**told["THREAD_CREATE"], "message": {**told["MESSAGE_CREATE"], "content": "needle"}}
    for rules, shows in ((persist.Rules(), True), (persist.Rules(messages=False), False)):
        await emptied(sqlite_url)
        async with Hearing(sqlite_url, rules=rules) as heard:
            await heard.ready(guild)
            await heard.hear("THREAD_CREATE", thread)
            assert ("needle" in repr(await heard.stored())) is shows
            assert await heard.cache.get_thread(int(thread["id"])) is not None


async def test_a_message_that_shows_in_a_thread_goes_when_rules_no_longer_keep_it(sqlite_url: str) -> None:
    guild = _GUILDS[0]
    told = catalogue(guild)
    rules = persist.Rules(messages=persist.Keep(where={"content": persist.not_("secret")}))
    async with Hearing(sqlite_url, rules=rules) as heard:
        await heard.ready(guild)
        for content in ("needle", "secret"):
            await heard.hear(
                "THREAD_CREATE", {**told["THREAD_CREATE"], "message": {**told["MESSAGE_CREATE"], "content": content}}
            )
        assert "needle" not in repr(await heard.stored())
        assert await heard.cache.get_thread(int(told["THREAD_CREATE"]["id"])) is not None


async def test_a_channel_that_has_left_its_category_is_not_in_it(sqlite_url: str) -> None:
    guild = _GUILDS[0]
    text = next(channel for channel in guild["channels"] if channel["type"] == 0 and channel["parent_id"])
    said = payloads.message(text["id"], guild["members"][1]["user"], guild_id=guild["id"])
    rules = persist.Rules(messages=persist.Keep(channels={int(text["parent_id"])}))
    async with Hearing(sqlite_url, rules=rules) as heard:
        await heard.ready(guild)
        await heard.hear("MESSAGE_CREATE", said)
        await heard.hear("CHANNEL_UPDATE", {**text, "guild_id": guild["id"], "parent_id": None})
        await heard.hear("MESSAGE_CREATE", {**said, "id": payloads.snowflake()})
        assert await heard.cache.messages.count() == 1


pytestmark = pytest.mark.filterwarnings("ignore::persist.RulesWarning")


def test_what_is_stored_of_every_kind_is_what_a_naive_filter_leaves(sqlite_url: str) -> None:
    holds(sqlite_url, _GUILDS, _combined(), _happenings(), 25)


def test_it_is_so_in_memory() -> None:
    holds("memory://", _GUILDS, _combined(), _happenings(), 60)


@pytest.mark.parametrize("engine", ["postgresql", "mysql", "redis"])
def test_it_is_so_on_every_engine(request: pytest.FixtureRequest, engine: str) -> None:
    if not importlib.metadata.entry_points(group="persist.backends", name=engine):
        pytest.skip(f"There is no backend for {engine}.")
    holds(str(request.getfixturevalue(f"{engine}_url")), _GUILDS, _combined(), _happenings(), 6)
