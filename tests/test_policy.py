"""Rules are put into words, and contradictions in them cause warnings."""

from __future__ import annotations

import datetime
import json
import pathlib
import typing
import warnings

import bots
import hikari
import kept
import pytest

import persist
from persist.contradictions import contradictions
from persist.entities import ENTITIES

pytest.importorskip("typer", reason="typer is not installed.")

from typer.testing import CliRunner

from persist.cli import app

Anything = typing.Any
Keep: typing.TypeAlias = persist.Keep[Anything]
_ALL: typing.Final = hikari.Intents.ALL


def said(kind: str, **kinds: Anything) -> str:
    cache = persist.Cache(bots.make(), "memory://", rules=persist.Rules(**kinds))
    return next(line for line in str(cache.describe_retention()).splitlines() if line.startswith(f"{kind}:"))


@pytest.mark.parametrize(
    ("keep", "words"),
    [
        (False, "messages: not kept."),
        (True, "messages: kept as long as Discord has them."),
        (Keep(channels={2, 1}), "messages: kept of channels 1, 2, as long as Discord has them."),
        (
            Keep(users=persist.not_({3}), max_age=datetime.timedelta(days=30), max_per_channel=1000),
            "messages: kept not of users 3, for at most 30 days; at most 1000 in each channel.",
        ),
        (
            Keep(drop={"content", "embeds"}, max_rows=5, keep_if={"is_pinned": True}),
            (
                "messages: kept as long as Discord has them; at most 5 in all; without limit where is_pinned is True; "
                "never with content, embeds."
            ),
        ),
        (
            Keep(where={"type": [0, 19], "content": persist.not_(persist.startswith("!")), "webhook_id": None}),
            (
                "messages: kept where content not (begins with '!') and type is any of 0, 19 and webhook_id is unset, "
                "as long as Discord has them."
            ),
        ),
        (
            Keep(channels={1}) | Keep(drop={"content"}),
            "messages: kept (of channels 1) or (all, without content), as long as Discord has them.",
        ),
        (
            Keep(sources={"gateway"}) & ~Keep(predicate=kept.is_human) & Keep(max_age=90),
            "messages: kept told by gateway and except (where is_human() says so), for at most 90 seconds.",
        ),
    ],
)
def test_a_rule_is_told_in_words(keep: Anything, words: str) -> None:
    assert said("messages", messages=keep) == words


def test_what_is_in_guilds_is_told_with_the_rule_on_guilds() -> None:
    words = said("roles", guilds=Keep(guilds=persist.not_({7})))
    assert words == "roles: kept of guilds that are kept (not of guilds 7), as long as Discord has them."


def test_a_policy_is_for_programs_too(tmp_path: pathlib.Path) -> None:
    rules = persist.Rules(presences=False, per_guild=kept.of_guild)
    cache = persist.Cache(bots.make(), f"sqlite:///{tmp_path / 'cache.db'}", rules=rules)
    policy = cache.describe_retention()
    found = json.loads(json.dumps(policy.as_dict()))
    assert {kind["kind"] for kind in found["kinds"]} == ENTITIES.keys() - {"shards", "completeness"}
    assert (found["is_encrypted"], found["varies"]) == (False, True)
    assert not next(kind for kind in found["kinds"] if kind["kind"] == "presences")["is_kept"]
    assert "It is not encrypted at rest." in str(policy)
    assert "messages: not kept." in str(cache.describe_retention(5))
    wrong: Anything = "here"
    with pytest.raises(persist.QueryError):
        cache.describe_retention(wrong)


def test_the_command_line_tells_a_policy(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "persist.toml"
    persist.Rules.moderation_log().dump(file)
    told = CliRunner().invoke(app, ["policy", "--rules", str(file)])
    assert told.exit_code == 0, told.stderr
    assert "presences: not kept." in told.stdout
    as_json = CliRunner().invoke(app, ["policy", "--rules", str(file), "--json"])
    assert json.loads(as_json.stdout)["varies"] is False


# ---------------------------------------------------------------------------------------------------- contradictions


def _reads_content(message: hikari.Message) -> bool:
    return bool(message.content)


@pytest.mark.parametrize(
    ("kinds", "intents", "words"),
    [
        ({"users": False}, _ALL, "members are kept but users are not, and hikari cannot make members without them"),
        (
            {"guilds": Keep(guilds={1}), "roles": Keep(guilds={2})},
            _ALL,
            "roles are kept only for guilds (2) that the rule on guilds excludes, so none are kept",
        ),
        (
            {"guilds": Keep(guilds=persist.not_({2})), "roles": Keep(guilds={2})},
            _ALL,
            "roles are kept only for guilds (2) that the rule on guilds excludes, so none are kept",
        ),
        ({"messages": Keep(channels=())}, _ALL, "the rule for messages allows no channels at all"),
        ({"roles": Keep(sources={"chunk"})}, _ALL, "roles never arrive in chunks"),
        (
            {"messages": Keep(where={"content": "!"})},
            hikari.Intents.ALL_UNPRIVILEGED,
            "messages are selected by content, which the bot cannot read without the intent MESSAGE_CONTENT",
        ),
        (
            {"messages": Keep(predicate=_reads_content, drop={"content"})},
            _ALL,
            "the predicate _reads_content of messages reads content, which is dropped",
        ),
        ({"message_versions": Keep(max_age=9)}, _ALL, "the rule for message_versions has no effect"),
        (
            {"messages": Keep(max_age=9), "message_versions": Keep(max_age=9)},
            _ALL,
            "write messages=persist.Keep(history=True), or leave it out",
        ),
        (
            {"messages": Keep(history=True), "message_versions": False},
            _ALL,
            "message_versions, which would hold it, are",
        ),
        (
            {"messages": Keep(history="keep", drop={"edited_timestamp"})},
            _ALL,
            "messages are kept with their history, but without edited_timestamp",
        ),
        (
            {"webhooks": Keep(users={1}, drop={"user"})},
            _ALL,
            "webhooks are selected by users, but user, which names them, is dropped",
        ),
        (
            {"messages": Keep(max_age=9, keep_if={"is_pinned": True}, drop={"is_pinned"})},
            _ALL,
            "keep_if of messages looks at is_pinned, which is dropped",
        ),
        (
            {"messages": Keep(max_per_channel=9, max_rows=5)},
            _ALL,
            "max_per_channel=9 of messages is never reached, as max_rows is 5",
        ),
        ({"members": Keep(predicate=lambda member: member.nickname, drop={"nick"})}, _ALL, "reads nickname"),
    ],
)
def test_what_rules_say_in_vain_is_told(kinds: dict[str, Anything], intents: hikari.Intents, words: str) -> None:
    rules = persist.Rules(**kinds)
    assert any(words in told for told in contradictions(rules, intents)), list(contradictions(rules, intents))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        persist.Cache(bots.make(intents=intents), "memory://", rules=rules)
    assert any(words in str(one.message) and one.category is persist.RulesWarning for one in caught)
    assert {one.filename for one in caught} == {__file__}


@pytest.mark.parametrize("rules", [persist.Rules(messages=False), persist.Rules.no_message_content()])
def test_a_search_that_finds_nothing_is_told(rules: persist.Rules) -> None:
    bot = bots.make(intents=_ALL)
    with pytest.warns(persist.RulesWarning, match="search has messages, but the rules keep none") as told:
        persist.Cache(bot, "memory://", rules=rules, search={"messages"})
    assert [each.filename for each in told] == [__file__]
    persist.Cache(bots.make(intents=_ALL), "memory://", rules=rules, search={"users", "members"})


@pytest.mark.parametrize(
    "rules",
    [
        persist.Rules(),
        persist.Rules.everything(),
        persist.Rules.minimal(),
        persist.Rules.no_message_content(),
        persist.Rules.moderation_log(),
        persist.Rules(messages=Keep(history=True, drop={"embeds"}), message_versions=Keep(max_age=5)),
        persist.Rules(messages=Keep(history="keep") & Keep(max_age=50), message_versions=Keep(max_age=5)),
        persist.Rules(messages=Keep(max_per_channel=5, max_per_guild=5, max_rows=9, keep_if={"is_pinned": True})),
        persist.Rules(messages=Keep(channels={1}, max_age=5), members=Keep(sources={"gateway", "chunk"})),
    ],
)
def test_rules_that_can_be_meant_are_not_told_off(rules: persist.Rules) -> None:
    assert list(contradictions(rules, _ALL)) == []


def test_a_kind_that_is_only_kept_if_it_is_named_asks_for_no_intent_otherwise() -> None:
    intents = _ALL & ~hikari.Intents.AUTO_MODERATION_EXECUTION
    persist.Cache(bots.make(intents=intents), "memory://")
    with pytest.warns(hikari.MissingIntentWarning, match="auto_mod_executions"):
        persist.Cache(bots.make(intents=intents), "memory://", rules=persist.Rules(on={"auto_mod_executions"}))
