"""Changed rules are applied to stored data: by the cache, and by the command line while no bot runs."""

from __future__ import annotations

import asyncio
import json
import pathlib
import typing

import kept
import pytest
from fakecord import Payload, payloads
from hearing import ME, Hearing

import persist

pytest.importorskip("typer", reason="typer is not installed.")

from typer.testing import CliRunner

from persist.cli import app

Anything = typing.Any
Keep: typing.TypeAlias = persist.Keep[Anything]
_OWN: typing.Final = payloads.own_user(id=ME)


@pytest.fixture(params=["sqlite_url", "postgresql_url", "mysql_url"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def id_of(thing: Payload) -> int:
    return int(thing["id"])


@pytest.fixture
def guilds() -> list[Payload]:
    return [payloads.guild(own_user=_OWN, members=4, threads=2, voice_states=2) for _ in range(2)]


def said(guilds: list[Payload]) -> list[Payload]:
    """Return messages in two channels of each guild."""
    return [
        payloads.message(
            channel["id"], guild["members"][number]["user"], guild_id=guild["id"], content=f"needle {number}"
        )
        for guild in guilds
        for channel in guild["channels"][1:3]
        for number in range(4)
    ]


async def everything(hearing: Hearing, guilds: list[Payload], messages: list[Payload]) -> None:
    await hearing.ready(*guilds)
    for payload in messages:
        await hearing.hear("MESSAGE_CREATE", payload)


def _rules(guilds: list[Payload]) -> list[persist.Rules]:
    first, second = guilds
    return [
        persist.Rules(presences=False, messages=Keep(channels={id_of(first["channels"][1])})),
        persist.Rules(guilds=Keep(guilds={id_of(first)})),
        persist.Rules.no_message_content() & persist.Rules(users=Keep(drop={"global_name"})),
        persist.Rules(members=Keep(predicate=lambda member: member.id != id_of(first["members"][2]["user"]))),
        persist.Rules(guilds=Keep(where={"owner_id": id_of(second["members"][0]["user"])})),
        persist.Rules(per_guild=lambda guild: persist.Rules.minimal() if guild == id_of(second) else None),
    ]


async def test_what_messages_were_is_looked_at_as_they_are(sqlite_url: str, guilds: list[Payload]) -> None:
    first = said(guilds)[0]
    async with Hearing(sqlite_url, rules=persist.Rules(messages=Keep(history=True))) as heard:
        await everything(heard, guilds, [first])
        await heard.cache.flush()
        await heard.hear("MESSAGE_UPDATE", {**first, "content": "another", "edited_timestamp": payloads.iso()})
        assert [one.value and one.value.content for one in await heard.cache.messages.history(id_of(first))] == [
            "needle 0"
        ]
        dropped = persist.Rules(messages=Keep(drop={"content"}, history=True), users=Keep(drop={"global_name"}))
        assert (await heard.cache.apply_rules(dropped)).trimmed["message_versions"] == 1
        (version,) = await heard.cache.messages.history(id_of(first))
        assert version.value is not None
        assert version.value.content is None
        stored = [payload for (kind, _), payload in (await heard.stored()).items() if kind == "message_versions"]
        assert "global_name" not in repr(stored)
        assert (await heard.cache.apply_rules(persist.Rules(messages=False))).forgotten["message_versions"] == 1
        assert not [kind for kind, _ in await heard.stored() if kind == "message_versions"]


@pytest.mark.parametrize("number", range(6))
async def test_what_is_left_is_what_would_have_been_kept(
    tmp_path: pathlib.Path, number: int, guilds: list[Payload]
) -> None:
    rules = _rules(guilds)[number]
    payloads_said = said(guilds)
    files = [f"sqlite:///{tmp_path / name}.db" for name in ("filtered", "whole")]
    async with Hearing(files[0], rules=rules) as filtered, Hearing(files[1]) as whole:
        for hearing in (filtered, whole):
            await everything(hearing, guilds, payloads_said)
        before = await whole.stored()
        planned = await whole.cache.apply_rules(rules, dry_run=True)
        assert await whole.stored() == before
        done = await whole.cache.apply_rules(rules)
        assert (planned.forgotten, planned.trimmed, planned.is_dry_run) == (done.forgotten, done.trimmed, True)
        after, expected = await whole.stored(), await filtered.stored()
        # Users belong to no guild, so it is no longer known whether one was met in a guild that is not kept.
        assert {
            place: payload for place, payload in after.items() if place[0] != "users" or place in expected
        } == expected
        assert sum(done.forgotten.values()) >= len(before) - len(after)
        assert sum(done.forgotten.values()) + sum(done.trimmed.values()) > 0
        again = await whole.cache.apply_rules()
        assert (again.forgotten, again.trimmed) == ({}, {})
        for payload in payloads_said:  # the rules are in force
            await whole.hear("MESSAGE_CREATE", payload)
        assert (await whole.stored()).keys() == after.keys()


def test_the_command_line_applies_a_file(url: str, tmp_path: pathlib.Path, guilds: list[Payload]) -> None:
    payloads_said = said(guilds)

    async def fill() -> None:
        async with Hearing(url) as hearing:
            await everything(hearing, guilds, payloads_said)

    async def left() -> dict[Anything, Anything]:
        async with Hearing(url) as hearing:
            return await hearing.stored()

    file = tmp_path / "rules.toml"
    first = guilds[0]
    persist.Rules(
        presences=False,
        guilds=Keep(where={"owner_id": id_of(first["members"][0]["user"])}),
        messages=Keep(channels={id_of(first["channels"][1])}, drop={"content"}),
        members=Keep(predicate=kept.is_human),
    ).dump(file)
    asyncio.run(fill())
    before = asyncio.run(left())
    dry = CliRunner().invoke(app, ["apply-rules", url, "--rules", str(file), "--dry-run", "--json"])
    assert dry.exit_code == 0, dry.stderr
    assert asyncio.run(left()) == before
    done = CliRunner().invoke(app, ["apply-rules", url, "--rules", str(file), "--json"])
    assert done.exit_code == 0, done.stderr
    counts = {row["kind"]: row for row in json.loads(done.stdout)["applied"]}
    assert json.loads(dry.stdout)["applied"] == json.loads(done.stdout)["applied"]
    assert (counts["messages"]["forgotten"], counts["messages"]["trimmed"]) == (12, 4)
    after = asyncio.run(left())
    assert {key[0] for kind, key in after if kind == "guilds"} == {id_of(first)}
    assert not [payload for (kind, _), payload in after.items() if kind == "messages" and "content" in payload]
    assert {key[0] for kind, key in after if kind == "members"} == {id_of(first)}
    assert len([key for kind, key in after if kind == "members"]) == 3
    assert not [key for kind, key in after if kind == "presences"]


def test_the_command_line_says_what_is_wrong_with_a_file(url: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "rules.toml").write_text("[keep.messages]\ndrop = ['contnet']\n")
    done = CliRunner().invoke(app, ["apply-rules", url, "--rules", str(tmp_path / "rules.toml"), "--json"])
    assert done.exit_code == 1
    assert "did you mean 'content'?" in json.loads(done.stderr)["error"]


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_predicate_that_raises_makes_nothing_be_forgotten(
    url: str, guilds: list[Payload], *, dry_run: bool
) -> None:
    def is_human(member: typing.Any) -> bool:
        return bool(member.is_a_person)

    async with Hearing(url) as heard:
        await everything(heard, guilds, [])
        broken = persist.Rules(members=Keep(predicate=is_human))
        with pytest.raises(persist.QueryError, match=r"the predicate of members raises AttributeError.* fix it"):
            await heard.cache.apply_rules(broken, dry_run=dry_run)
        assert await heard.cache.members.count() == sum(len(guild["members"]) for guild in guilds)
        await heard.hear("GUILD_MEMBER_ADD", {**payloads.member(payloads.user(id="77")), "guild_id": guilds[0]["id"]})
        assert await heard.cache.get_member(id_of(guilds[0]), 77) is not None  # the previous rules are in force


async def test_a_predicate_that_raises_is_told_of_by_health(sqlite_url: str, guilds: list[Payload]) -> None:
    broken = persist.Rules(members=Keep(predicate=lambda member: bool(member.is_a_person)))
    async with Hearing(sqlite_url, rules=broken) as heard:
        await heard.ready(guilds[0])
        problems = {problem.name: problem.message for problem in heard.cache.health().problems}
        assert "a function in the rules raised for 4 objects (4 members)" in problems["predicate_failed"]
        assert heard.cache.stats().unanswered == {"members": 4}
