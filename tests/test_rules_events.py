"""Whatever happens, the data stored under rules equals the data stored without rules, reduced by a naive filter.

And dropped fields cannot be found in the files of a database.
"""

from __future__ import annotations

import asyncio
import pathlib
import secrets
import typing
from collections.abc import Callable, Mapping, Sequence

import hypothesis.strategies as st
import pytest
import servers
from fakecord import Payload, payloads
from hearing import ME, Hearing
from naive import Case, Happenings, both, holds

import persist
from persist.model import Record

Anything = typing.Any
Keep: typing.TypeAlias = persist.Keep[Anything]

_GUILDS: typing.Final = [payloads.guild(own_user=payloads.own_user(id=ME), members=3, presences=0) for _ in range(2)]
_TEXT: typing.Final = [[c for c in guild["channels"] if c["type"] == 0][:2] for guild in _GUILDS]
_ROLE: typing.Final = _GUILDS[0]["roles"][1]["id"]
_DENIED, _LOUD = int(_GUILDS[1]["id"]), int(_TEXT[0][0]["id"])
_SAID: typing.Final = st.sampled_from(["! loud", "quiet", "", "!"])
_NICKS: typing.Final = st.sampled_from([None, "out", "in"])


def _in_channel(kind: str, record: Record) -> bool:
    return kind != "messages" or int(record.payload["channel_id"]) == _LOUD


def _loud(kind: str, record: Record) -> bool:
    return kind != "messages" or str(record.payload.get("content", "")).startswith("!")


def _inside(kind: str, record: Record) -> bool:
    return kind != "members" or record.payload.get("nick") != "out"


def _with_role(kind: str, record: Record) -> bool:
    return kind != "members" or _ROLE in record.payload["roles"]


def _members(rule: Keep, keeps: Callable[[str, Record], bool]) -> Case:
    return Case(persist.Rules(members=rule), keeps, some=frozenset(("members",)))


def _messages(rule: Keep, keeps: Callable[[str, Record], bool]) -> Case:
    return Case(persist.Rules(messages=rule), keeps, some=frozenset(("messages",)))


CASES: typing.Final[Mapping[str, Case]] = {
    "a channel": _messages(Keep(channels={_LOUD}), _in_channel),
    "a column": _messages(Keep(where={"content": persist.startswith("!")}), _loud),
    "a predicate": _members(Keep(predicate=lambda member: member.nickname != "out"), _inside),
    "a role": _members(Keep(roles={int(_ROLE)}), _with_role),
    "a guild": Case(
        persist.Rules(guilds=Keep(guilds=persist.not_({_DENIED}))),
        keeps_guild=lambda snowflake, _: snowflake != _DENIED,
    ),
    "fields": Case(
        persist.Rules(
            messages=Keep(drop={"content", "embeds"}), users=Keep(drop={"global_name"}), members=Keep(drop={"nick"})
        ),
        drops={
            "messages": frozenset(("content", "embeds")),
            "users": frozenset(("global_name",)),
            "members": frozenset(("nick",)),
        },
    ),
}


# Rules cannot select by a column, or with a predicate on a field, that they drop.
_CASES: typing.Final = st.one_of(
    st.sampled_from(list(CASES.values())),
    st.builds(
        both, st.sampled_from([CASES[name] for name in ("a channel", "a guild")]), st.sampled_from(list(CASES.values()))
    ),
)


@st.composite
def _happenings(draw: st.DrawFn) -> Happenings:
    messages: list[Payload] = []
    found = Happenings()
    for _ in range(draw(st.integers(1, 25))):
        number = draw(st.integers(0, 1))
        guild = _GUILDS[number]
        member = draw(st.sampled_from(guild["members"]))
        here = {"guild_id": guild["id"], "channel_id": draw(st.sampled_from(_TEXT[number]))["id"]}
        match draw(st.integers(0, 7 if messages else 2)):
            case 0 | 1:
                part = {name: value for name, value in member.items() if name != "user"}
                message = payloads.message(here["channel_id"], member["user"], guild_id=guild["id"], member=part)
                message["content"] = draw(_SAID)
                if messages and draw(st.booleans()):
                    message |= {"type": 19, "referenced_message": draw(st.sampled_from(messages))}
                messages.append(message)
                found.append(("MESSAGE_CREATE", message))
            case 2:
                told = {**member, "nick": draw(_NICKS), "roles": draw(st.sampled_from([[], [_ROLE]]))}
                found.append(("GUILD_MEMBER_UPDATE", {**told, "guild_id": guild["id"]}))
            case 3 | 4:
                message = draw(st.sampled_from(messages))
                found.append(("MESSAGE_UPDATE", {**message, "content": draw(_SAID)}))
            case 5:
                message = draw(st.sampled_from(messages))
                emoji = {"id": None, "name": "x"}
                where = {name: message[name] for name in ("channel_id", "guild_id")}
                told = {**where, "message_id": message["id"], "user_id": member["user"]["id"], "emoji": emoji}
                found.append(("MESSAGE_REACTION_ADD", {**told, "burst": False, "type": 0}))
            case 6:
                message = draw(st.sampled_from(messages))
                where = {name: message[name] for name in ("id", "channel_id", "guild_id")}
                found.append(("MESSAGE_DELETE", where))
            case _:
                found.append(("GUILD_ROLE_DELETE", {"guild_id": guild["id"], "role_id": _ROLE}))
    return found


def test_what_is_stored_is_what_a_naive_filter_leaves(sqlite_url: str) -> None:
    holds(sqlite_url, _GUILDS, _CASES, _happenings(), 80)


@pytest.mark.parametrize("engine", ["postgresql_url", "mysql_url"])
def test_it_is_so_on_every_engine(request: pytest.FixtureRequest, engine: str) -> None:
    holds(str(request.getfixturevalue(engine)), _GUILDS, _CASES, _happenings(), 6)


# ------------------------------------------------------------------------------------------------------- in the files


def _needle() -> str:
    return f"needle{secrets.token_hex(12)}"


async def _say_needles(url: str, rules: persist.Rules, needles: list[str]) -> str:
    """Send the cache needles in fields that may be dropped, everywhere they can occur; return everything stored."""
    content, changed, embedded, nick, name = needles
    guild, channel = _GUILDS[0], _TEXT[0][0]
    user = {**_GUILDS[0]["members"][0]["user"], "global_name": name}
    member = {**_GUILDS[0]["members"][0], "user": user, "nick": nick}
    part = {field: value for field, value in member.items() if field != "user"}
    said = payloads.message(channel["id"], user, guild_id=guild["id"], member=part, content=content)
    said |= {"embeds": [{"description": embedded}], "mentions": [{**user, "member": part}]}
    answer = {**said, "id": payloads.snowflake(), "type": 19, "referenced_message": said}
    forwarded = {"type": 0, "content": content, "embeds": said["embeds"], "timestamp": said["timestamp"]}
    answer["message_snapshots"] = [{"message": {**forwarded, "mentions": [user]}}]
    async with Hearing(url, rules=rules) as heard:
        await heard.ready({**guild, "members": [member]})
        for event, payload in (
            ("MESSAGE_CREATE", said),
            ("MESSAGE_CREATE", answer),
            ("MESSAGE_UPDATE", {**said, "content": changed}),
            ("GUILD_MEMBER_UPDATE", {**member, "guild_id": guild["id"]}),
            (
                "VOICE_STATE_UPDATE",
                {**payloads.voice_state(user["id"], channel["id"]), "guild_id": guild["id"], "member": member},
            ),
        ):
            await heard.hear(event, payload)
            await heard.cache.flush()
        assert await heard.cache.get_message(int(answer["id"])) is not None
        return repr(await heard.stored())


def _found(folder: pathlib.Path, needles: Sequence[str]) -> set[str]:
    """Return the needles in the bytes of all files, read without the database."""
    read = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    return {needle for needle in needles if any(needle.encode() in data for data in read)}


@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mysql"])
def test_nothing_of_what_is_dropped_is_in_any_file(
    request: pytest.FixtureRequest, tmp_path: pathlib.Path, engine: str
) -> None:
    folder = tmp_path
    if engine != "sqlite":
        server = request.getfixturevalue(f"_any_{engine}")
        if not isinstance(server, servers.Server):
            pytest.skip("the files of a server that is not ours are not ours to read")
        folder = server.site.data
    url = str(request.getfixturevalue(f"{engine}_url"))
    needles = [_needle() for _ in range(5)]
    stored = asyncio.run(_say_needles(url, CASES["fields"].rules, needles))
    assert not [needle for needle in needles if needle in stored]
    assert _found(folder, needles) == set()
    # Needles that are not dropped are found, at least in one file, as databases compress long values.
    stored = asyncio.run(_say_needles(url, persist.Rules(), needles))
    assert not [needle for needle in needles if needle not in stored]
    assert _found(folder, needles) != set()
