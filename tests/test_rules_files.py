"""Rules are read from files and written to them, and the names from the first release still mean the same."""

from __future__ import annotations

import datetime
import pathlib
import typing

import hikari
import kept
import pytest

import persist

Anything = typing.Any
Keep: typing.TypeAlias = persist.Keep[Anything]

_FILE: typing.Final = """
[keep]
presences = false
audit_log_entries = true

[keep.messages]
channels = [1, 2]
users = { not = [7] }
drop = ["content", "embeds"]
sources = ["gateway"]
where = { type = [0, 19], timestamp = { after = 2026-01-01T00:00:00Z }, webhook_id = { unset = true } }

[keep.members]
predicate = "kept:is_human"

[[keep.roles.either]]
roles = [5]

[[keep.roles.either]]
where = { name = { not = { startswith = "bot-" } }, position = { between = [1, 5] } }
"""

_MEANT: typing.Final = persist.Rules(
    presences=False,
    audit_log_entries=True,
    messages=Keep(
        channels={1, 2},
        users=persist.not_({7}),
        drop={"content", "embeds"},
        sources={"gateway"},
        where={
            "type": {0, 19},
            "timestamp": persist.after(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)),
            "webhook_id": None,
        },
    ),
    members=Keep(predicate=kept.is_human),
    roles=Keep(roles={5})
    | Keep(where={"name": persist.not_(persist.startswith("bot-")), "position": persist.between(1, 5)}),
)


def test_a_file_says_rules(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "persist.toml"
    file.write_text(_FILE)
    assert persist.Rules.load(file) == _MEANT
    assert persist.Rules.from_toml(_FILE) == _MEANT


@pytest.mark.parametrize(
    "rules",
    [
        _MEANT,
        persist.Rules(),
        persist.Rules.everything(),
        persist.Rules.minimal(),
        persist.Rules.no_message_content(),
        persist.Rules.moderation_log(),
        ~_MEANT,
        persist.Rules(per_guild=kept.of_guild),
        persist.Rules(messages=Keep(where={"flags": persist.has(hikari.MessageFlag.URGENT)})),
        persist.Rules(messages=Keep(where={"flags": hikari.MessageFlag(6), "type": hikari.MessageType.REPLY})),
        persist.Rules(messages=Keep(where={"author_id": persist.any_of(5, None), "content": persist.contains("ü\n")})),
    ],
)
def test_what_is_written_is_read_again(tmp_path: pathlib.Path, rules: persist.Rules) -> None:
    rules.dump(tmp_path / "persist.toml")
    assert persist.Rules.load(tmp_path / "persist.toml") == rules
    assert persist.Rules.from_toml(rules.to_toml()).to_toml() == rules.to_toml()


def test_functions_are_found_beside_the_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "beside_the_file.py").write_text("def is_kept(thing):\n    return True\n")
    (tmp_path / "persist.toml").write_text('[keep.roles]\npredicate = "beside_the_file:is_kept"\n')
    found = persist.Rules.load(tmp_path / "persist.toml").of("roles")
    assert isinstance(found, persist.Keep)
    assert found.predicate is not None
    assert found.predicate.__module__ == "beside_the_file"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[keep", "the rules are not TOML"),
        ("[other]", "the file has no table [keep]"),
        ("keep = 5", "the file has no table [keep]"),
        ("[keep]\nmessage = true", "nothing called message that a plugin has added; there is: "),
        ("[keep]\nmessages = 'all'", "messages must be True, False or a persist.Keep, not 'all'"),
        ("[keep.messages]\nchanels = [1]", "messages has no setting chanels; there is: also, channels"),
        ("[keep.messages]\nchannels = 1", "channels must be a collection of ids"),
        ("[keep.messages]\nwhere = { content = { like = 'x' } }", "is not a condition; there is: after, any_of"),
        ("[keep.messages]\nwhere = { content = {} }", "is not a condition"),
        ("[keep.messages]\npredicate = 'kept'", 'predicate must be written as "module:function" in a file'),
        ("[keep.messages]\npredicate = 'kept:nothing'", "cannot be imported: module 'kept' has no attribute 'nothing'"),
        ("[keep.messages]\npredicate = 'no_such_module:x'", "cannot be imported: No module named 'no_such_module'"),
        ("[keep]\nper_guild = 5", 'per_guild must be written as "module:function"'),
    ],
)
def test_a_file_that_says_nothing_that_can_be_is_refused(text: str, why: str) -> None:
    with pytest.raises(persist.QueryError) as refused:
        persist.Rules.from_toml(text)
    assert why in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(persist.QueryError, match=r"the rules cannot be read from .*persist\.toml"):
        persist.Rules.load(tmp_path / "persist.toml")


def test_what_has_no_name_cannot_be_written_and_nothing_is(tmp_path: pathlib.Path) -> None:
    rules = persist.Rules(members=Keep(predicate=lambda _: True))
    with pytest.raises(persist.QueryError, match="which a file cannot name; make it a top-level function"):
        rules.dump(tmp_path / "persist.toml")
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------------------------------------------- the first release


def test_the_names_of_the_first_release_mean_what_they_meant() -> None:
    rules = persist.Rule(
        guild=persist.GuildRule(guild_denylist=[1]),
        channel=persist.ChannelRule(channel_allowlist=[2, 3], channel_denylist=[3], guild_allowlist=[]),
        member=persist.MemberRule(user_denylist=[hikari.Snowflake(4)], predicate=kept.is_human),
        role=persist.RoleRule(role_allowlist=iter([5])),
        message=persist.MessageRule(channel_denylist=[6], user_allowlist=[7], guild_allowlist=[8]),
    )
    assert rules == persist.Rules(
        guilds=Keep(guilds=persist.not_({1})),
        channels=Keep(channels={2}),
        members=Keep(users=persist.not_({4}), predicate=kept.is_human),
        roles=Keep(roles={5}),
        messages=Keep(channels=persist.not_({6}), users={7}, guilds={8}),
    )


@pytest.mark.parametrize("ids", ["12", 5, ["ann"], [None]])
def test_lists_of_no_ids_are_refused(ids: Anything) -> None:
    with pytest.raises(persist.QueryError, match="guild_denylist must be a collection of ids, not"):
        persist.GuildRule(guild_denylist=ids)
