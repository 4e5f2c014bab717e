"""Rules are values: they are compared, printed and combined by what they mean."""

from __future__ import annotations

import functools
import operator
import typing
from collections.abc import Callable

import bots
import hikari
import hypothesis
import hypothesis.strategies as st
import pytest

import persist
from persist.entities import ENTITIES
from persist.rules import KINDS, OWN

Anything = typing.Any


def test_every_kind_has_a_parameter_of_its_own() -> None:
    assert {*KINDS} == ENTITIES.keys() - OWN


def test_one_choice_that_is_spelled_in_two_ways_is_one_choice() -> None:
    assert persist.Rules(off={"presences"}) == persist.Rules(presences=False)
    assert persist.Rules(on={"audit_log_entries"}) == persist.Rules(audit_log_entries=True)
    assert persist.Rules(messages=True) == persist.Rules(messages=persist.Keep()) == persist.Rules()
    assert persist.Rules(messages=persist.Keep(channels={1, 2})) == persist.Rules(
        messages=persist.Keep(channels=[2, 1])
    )
    assert persist.Rules(presences=False).off == {"presences"}


def test_rules_are_printed_as_what_makes_them() -> None:
    rules = persist.Rules(
        off={"presences"}, messages=persist.Keep(channels=persist.not_({3}), drop={"content"}, where={"type": 0})
    )
    printed = "Rules(messages=Keep(channels=not_({3}), where={'type': 0}, drop={'content'}), presences=False)"
    assert repr(rules) == printed
    names = {name: getattr(persist, name) for name in ("Rules", "Keep", "not_")}
    assert eval(printed, names) == rules
    assert hash(eval(printed, names)) == hash(rules)
    assert repr(persist.Rules()) == "Rules()"


async def _waits(_: hikari.Message) -> bool:
    return True


async def _plans_later(_: hikari.Snowflake) -> None:
    return None


class _Waiting:
    async def __call__(self, _: object) -> bool:
        return True


WRONG: typing.Final[list[tuple[dict[str, Anything], str]]] = [
    ({"messages": "all"}, "messages must be True, False or a persist.Keep, not 'all'"),
    ({"messages": persist.Keep(), "off": {"messages"}}, "messages cannot be both off and Keep()"),
    ({"messages": False, "on": {"messages"}}, "messages cannot be both on and False"),
    ({"off": {"users"}, "on": {"users"}}, "users cannot be both on and off"),
    ({"others": {"tickets": True}}, "nothing called tickets that a plugin has added"),
    ({"others": {"messages": True}}, "messages has a parameter of its own; write Rules(messages=...)"),
    ({"others": ["tickets"]}, "others must be a mapping"),
    ({"per_guild": {1: None}}, "per_guild must be a function, not async, that takes the id of a guild"),
    ({"per_guild": _plans_later}, "must be a function, not async"),
    ({"per_guild": _Waiting()}, "must be a function, not async"),
    ({"per_guild": lambda: None}, "per_guild must be a function, not async, that takes the id of a guild"),
]


@pytest.mark.parametrize(("options", "why"), WRONG)
def test_rules_that_cannot_be_are_refused(options: dict[str, Anything], why: str) -> None:
    with pytest.raises(persist.QueryError) as refused:
        persist.Rules(**options)
    assert why in str(refused.value)


WRONG_KEEPS: typing.Final[list[tuple[dict[str, Anything], str]]] = [
    ({"guilds": 5}, "guilds must be a collection of ids, or persist.not_(...) of one, not 5"),
    ({"channels": "12"}, "channels must be a collection of ids"),
    ({"users": {"ann"}}, "users is compared with an id or an object that has one, not with 'ann'"),
    ({"roles": persist.contains("x")}, "roles must be a collection of ids"),
    ({"where": ["type"]}, "where must be a mapping of columns"),
    ({"predicate": True}, "predicate must be a function"),
    ({"predicate": _waits}, "must be a function, not async"),
    ({"predicate": _Waiting()}, "must be a function, not async"),
    ({"predicate": functools.partial(_Waiting())}, "must be a function, not async"),
    ({"predicate": lambda: True}, "predicate must be a function, not async, that takes one hikari object"),
    ({"predicate": lambda one, another: one is another}, "that takes one hikari object"),
    ({"predicate": lambda *, member: member is None}, "that takes one hikari object"),
    ({"drop": "content"}, "drop must be a collection of names"),
    ({"sources": {"hearsay"}}, "sources must be some of chunk, gateway, rest, not {'hearsay'}"),
    ({"sources": ()}, "sources must be some of"),
    ({"also": persist.Keep()}, "also must be a tuple of persist.Keep"),
]


@pytest.mark.parametrize(("options", "why"), WRONG_KEEPS)
def test_a_choice_that_cannot_be_is_refused(options: dict[str, Anything], why: str) -> None:
    with pytest.raises(persist.QueryError) as refused:
        persist.Keep(**options)
    assert why in str(refused.value)


_LEAVES: typing.Final = st.sampled_from(
    [persist.Keep[Anything](channels={1}), persist.Keep[Anything](users=persist.not_({2})), persist.Keep[Anything]()]
)
_KEEPS: typing.Final = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a | b, inner, inner),
        inner.map(lambda a: ~a),
    ),
    max_leaves=5,
)
_CHOICES: typing.Final = st.one_of(st.booleans(), _KEEPS)


@hypothesis.given(_KEEPS, _KEEPS)
def test_what_is_combined_is_printed_and_made_again(one: persist.Keep[Anything], other: persist.Keep[Anything]) -> None:
    names = {name: getattr(persist, name) for name in ("Keep", "not_")}
    for made in (one & other, one | other, ~one):
        assert eval(repr(made), names) == made
    assert ~~one == one
    assert one & persist.Keep() == one
    assert one | persist.Keep() == persist.Keep()


@hypothesis.given(_CHOICES, _CHOICES)
def test_rules_are_combined_kind_by_kind(one: Anything, other: Anything) -> None:
    first, second = persist.Rules(messages=one), persist.Rules(messages=other)
    both, either, neither = (first & second).of("messages"), (first | second).of("messages"), (~first).of("messages")
    assert (both is False) >= (one is False or other is False)
    assert (either is True) >= (one is True or other is True)
    opposite = ~one if isinstance(one, persist.Keep) else not one
    assert neither == persist.Rules(messages=opposite).of("messages")
    assert (first & second).of("presences") is True
    assert (~first).of("presences") is False


def test_presets_keep_what_they_say() -> None:
    assert persist.Rules.everything().of("audit_log_entries") is True
    assert persist.Rules.minimal().of("guilds") is True
    assert persist.Rules.minimal().of("messages") is False
    content = persist.Rules.no_message_content().of("messages")
    assert isinstance(content, persist.Keep)
    assert {"content", "attachments"} <= {*content.drop}
    assert persist.Rules.moderation_log().of("bans") is True
    assert persist.Rules.moderation_log().of("presences") is False


@pytest.mark.parametrize("combine", [operator.and_, operator.or_])
def test_no_guilds_and_only_some_are_not_combined_to_all_that_is_in_them(
    combine: Callable[[persist.Rules, persist.Rules], persist.Rules],
) -> None:
    some, none = persist.Rules(guilds=persist.Keep(guilds={405})), persist.Rules(guilds=False)
    for one, other in ((some, none), (none, some)):
        with pytest.raises(
            persist.QueryError, match=r"guilds=False and guilds=Keep\(guilds=\{405\}\) cannot be combined"
        ):
            combine(one, other)
    assert (none & persist.Rules(messages=False)).of("guilds") is False
    with pytest.raises(persist.QueryError, match="cannot be combined"):
        persist.Cache(bots.make(), "memory://", rules=[some, none])


def test_rules_of_a_guild_may_be_others() -> None:
    rules = persist.Rules(per_guild=lambda guild_id: persist.Rules.minimal() if guild_id == 5 else None)
    assert rules.for_guild(5) == persist.Rules.minimal()
    assert rules.for_guild(6) == rules
    both = rules & persist.Rules(guilds=False)
    assert both.for_guild(5).of("guilds") is False
    assert both.for_guild(5).of("messages") is False
    wrong: Anything = lambda _: "premium"  # noqa: E731
    with pytest.raises(persist.QueryError, match=r"per_guild must return persist\.Rules or None"):
        persist.Rules(per_guild=wrong).for_guild(5)


@pytest.mark.filterwarnings("error")
def test_rules_of_a_guild_that_cannot_be_told_are_an_error_that_names_the_function() -> None:
    plans: dict[int, persist.Rules] = {}
    with pytest.raises(persist.QueryError, match=r"per_guild, which is dict\.__getitem__, raises KeyError\(5\)"):
        persist.Rules(per_guild=plans.__getitem__).for_guild(5)
    later: Anything = lambda guild: _plans_later(guild) if guild else None  # noqa: E731
    rules = persist.Rules(per_guild=later)
    for asked in (rules, rules & persist.Rules(presences=False)):
        with pytest.raises(persist.QueryError, match=r"<lambda>.* returned something to be awaited.* guild 5; fix it"):
            asked.for_guild(5)
