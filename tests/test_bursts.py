"""Events that arrive directly after one another have the same effect as events that arrive one by one."""

from __future__ import annotations

import asyncio
import typing
from collections.abc import Awaitable, Iterator, Sequence

import pytest
from fakecord import Payload, payloads
from hearing import ME, Hearing
from hypothesis import example, given, settings
from hypothesis import strategies as st

import persist
from persist.changes import Put
from persist.entities import MESSAGES
from persist.model import Origin
from persist.spi import Select

T = typing.TypeVar("T")
Event = tuple[str, Payload]

_GUILDS: typing.Final = ("400", "401")


@pytest.fixture(autouse=True, scope="module")
def close() -> Iterator[None]:
    """Let all events belong to a burst, however slow the machine is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("persist.bursts._CLOSE", float("inf"))
        yield


def _member(nick: str, *names: str) -> Payload:
    """Return the requested fields of a member, because Discord does not always send all of them."""
    whole = {"nick": nick, "roles": ["1"], "joined_at": "2021-04-11T05:20:15.179334+00:00", "deaf": False, "flags": 0}
    return {name: value for name, value in whole.items() if name in names or not names}


_members = st.one_of(
    st.builds(_member, st.sampled_from("ab")),
    st.builds(lambda nick: _member(nick, "nick", "joined_at"), st.sampled_from("ab")),
    st.builds(lambda nick: _member(nick, "nick"), st.sampled_from("ab")),
    st.builds(lambda nick: {**_member(nick), "joined_at": None}, st.sampled_from("ab")),
    st.none(),
)


@st.composite
def _messages(draw: st.DrawFn) -> Payload:
    guild = draw(st.sampled_from((*_GUILDS, None)))
    author = payloads.user(id=draw(st.sampled_from(("11", "22", "33"))), username=draw(st.sampled_from("uv")))
    channel = draw(st.sampled_from(("500", "501"))) if guild == "400" else "510" if guild else "520"
    message = payloads.message(channel, author, id=str(draw(st.integers(900, 930))), guild_id=guild)
    if guild:
        message |= draw(st.sampled_from(({}, {}, {}, {"channel_type": 5}, {"channel_type": 11})))
        if (member := draw(_members)) is not None:
            message["member"] = member
        if draw(st.booleans()) and draw(st.booleans()):
            message["mentions"] = [{**payloads.user(id="33"), "member": _member("mentioned")}]
    return message | draw(st.sampled_from(({}, {}, {}, {}, {}, {"webhook_id": "77"}, {"flags": 64})))


_IN: typing.Final = {"guild_id": "400", "channel_id": "500"}
_FIRE: typing.Final = {"emoji": {"id": None, "name": "🔥"}}


@st.composite
def _others(draw: st.DrawFn) -> Event:
    """Return another event about the same people and messages."""
    message = draw(st.integers(900, 904))
    user = payloads.user(id=draw(st.sampled_from(("11", "22"))), username="w")
    return draw(
        st.sampled_from(
            (
                ("MESSAGE_UPDATE", {**_IN, "id": str(message), "content": "edited"}),
                ("MESSAGE_DELETE", {**_IN, "id": str(message)}),
                ("MESSAGE_REACTION_ADD", {**_IN, **_FIRE, "message_id": str(message), "user_id": user["id"]}),
                ("GUILD_MEMBER_UPDATE", {**_member("c"), "guild_id": "400", "user": user}),
                ("GUILD_MEMBER_REMOVE", {"guild_id": "400", "user": user}),
                ("TYPING_START", {**_IN, "user_id": user["id"], "timestamp": 1}),
                ("CHANNEL_DELETE", payloads.text_channel("400", id="501")),
                ("GUILD_EMOJIS_UPDATE", {"guild_id": "400", "emojis": []}),
            )
        )
    )


_events: typing.Final = st.one_of(_messages().map(lambda message: ("MESSAGE_CREATE", message)), _others())


def _guild(guild_id: str, *channels: str) -> Payload:
    guild = payloads.guild(id=guild_id, own_user=payloads.own_user(id=ME), members=1)
    return {**guild, "channels": [payloads.text_channel(guild_id, id=channel) for channel in channels]}


_WORLD: typing.Final = _guild("400", "500", "501"), _guild("401", "510")


async def _ready(heard: Hearing) -> None:
    await heard.ready(*_WORLD)
    await heard.cache.flush()


async def _after(events: Sequence[Event], *, apart: bool, rules: persist.Rules | None = None) -> object:
    """Return everything stored and counted after some events."""
    async with Hearing("memory://", rules=rules) as heard:
        await _ready(heard)
        before = heard.cache.stats()
        for name, payload in events:
            heard.consume(name, payload)
            if apart:
                assert heard.cache.stats().received[name]  # the statistics must count all of them
        await heard.cache.flush()
        after = heard.cache.stats()
        counted = (after.applied + after.coalesced - before.applied - before.coalesced, after.skipped)
        return {guild: await heard.stored(int(guild)) for guild in _GUILDS}, await heard.stored(None), counted


def _said(*members: Payload) -> Sequence[Event]:
    """Return messages of one author, each with different data about the member."""
    author = payloads.user(id="11")
    made = (payloads.message("500", author, id=str(900 + place), guild_id="400") for place in range(len(members)))
    return [("MESSAGE_CREATE", {**message, "member": member}) for message, member in zip(made, members, strict=True)]


@given(st.lists(_messages().map(lambda message: ("MESSAGE_CREATE", message)), max_size=40))
@example(_said(_member("a"), _member("b", "nick", "joined_at")))
@example(_said(_member("b", "nick", "joined_at"), _member("a"), _member("b", "nick", "joined_at")))
@example([(name, {**message, "flags": 64}) for name, message in _said(_member("a"), _member("b"))])
@settings(max_examples=60, deadline=None)
async def test_messages_of_a_burst_change_what_each_changes_alone(events: Sequence[Event]) -> None:
    assert await _after(events, apart=False) == await _after(events, apart=True)


@given(st.lists(_events, max_size=40))
@settings(max_examples=60, deadline=None)
async def test_events_of_a_burst_change_what_each_changes_alone(events: Sequence[Event]) -> None:
    assert await _after(events, apart=False) == await _after(events, apart=True)


@pytest.fixture
def messages() -> Sequence[Payload]:
    return [message for _, message in _said(*(_member(str(number)) for number in range(9)))]


@pytest.mark.filterwarnings("ignore:.*are kept but:persist.RulesWarning")
@pytest.mark.parametrize("off", ["users", "members", "channels", "messages"])
async def test_what_rules_keep_out_of_a_burst_is_counted_for_each_message(
    messages: Sequence[Payload], off: str
) -> None:
    rules, events = persist.Rules(**{off: False}), [("MESSAGE_CREATE", message) for message in messages]
    assert await _after(events, apart=False, rules=rules) == await _after(events, apart=True, rules=rules)


def at_once(answer: Awaitable[T]) -> T:
    """Return the result of something that must not wait."""
    steps = answer.__await__()
    with pytest.raises(StopIteration) as ended:
        next(steps)
    return typing.cast("T", ended.value.value)


async def test_whoever_asks_in_the_same_turn_of_the_loop_is_told_all_of_a_burst(
    sqlite_url: str, messages: Sequence[Payload]
) -> None:
    async with Hearing(sqlite_url) as heard:
        await _ready(heard)
        for number, message in enumerate(messages):
            heard.consume("MESSAGE_CREATE", message)
            if number % 3 == 2:
                member = at_once(heard.cache.get_member(400, 11))  # from the second time on, it is in memory
                assert member is not None
                assert member.nickname == str(number)
                assert at_once(heard.cache.get_message(int(message["id"]))) is not None


def epochs_of(heard: Hearing) -> frozenset[int]:
    assert heard.cache._engine is not None
    return heard.cache._engine.feed.epochs


async def test_what_else_is_heard_comes_after_the_burst_before_it(sqlite_url: str, messages: Sequence[Payload]) -> None:
    async with Hearing(sqlite_url) as heard:
        await _ready(heard)
        first, second, third, *_ = messages
        for message in (first, second):
            heard.consume("MESSAGE_CREATE", message)
        heard.consume("MESSAGE_DELETE", {"id": first["id"], "channel_id": "500", "guild_id": "400"})
        assert [m.id for m in await heard.cache.messages.find(channel=500)] == [int(second["id"])]
        (epoch,) = epochs_of(heard)
        heard.consume("MESSAGE_CREATE", third)
        await heard.ready(*_WORLD)  # another session begins: the message arrived in the previous one
        assert epochs_of(heard) != {epoch}
        await heard.cache.flush()
        asked = Select(MESSAGES, keys=((int(third["id"]),),), metadata=True)
        (record,) = (await heard.cache._store.select(asked)).records
        assert record.origin.epoch == epoch


async def test_rules_go_by_what_has_been_heard(sqlite_url: str, messages: Sequence[Payload]) -> None:
    rules = persist.Rules(messages=persist.Keep(channels={500}))
    async with Hearing(sqlite_url, rules=rules) as heard:
        await _ready(heard)
        engine = heard.cache._engine
        assert engine is not None
        rest = Origin("rest", None, 0, engine.journal.at)
        heard.consume("THREAD_CREATE", {**payloads.text_channel("400", id="550"), "type": 11, "parent_id": "500"})
        told = {**messages[0], "channel_id": "550"}  # from REST, in the same turn of the event loop
        engine.feed.accept([Put.of(MESSAGES, told, 400, rest)])
        assert await heard.cache.get_message(int(told["id"])) is not None


async def test_a_message_that_cannot_be_read_costs_no_other_one_of_its_burst(
    sqlite_url: str, messages: Sequence[Payload]
) -> None:
    async with Hearing(sqlite_url) as heard:
        await _ready(heard)
        for message in messages:
            heard.consume("MESSAGE_CREATE", message)
        heard.consume("MESSAGE_CREATE", {**messages[0], "id": "no snowflake", "token": "secret"})
        heard.consume("MESSAGE_CREATE", {**messages[1], "author": ["nobody"]})
        assert heard.cache.gauges.quarantined["MESSAGE_CREATE"] == 2
        assert "secret" not in repr(heard.cache.quarantine)
        await heard.cache.flush()
        assert len(await heard.cache.messages.find(channel=500)) == len(messages)


async def test_a_burst_is_taken_in_the_next_turn_of_the_loop_and_what_comes_alone_at_once(
    messages: Sequence[Payload], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Hearing("memory://") as heard:
        await _ready(heard)
        engine = heard.cache._engine
        assert engine is not None
        first, *others = messages
        with monkeypatch.context() as patch:
            patch.setattr("persist.bursts._CLOSE", 0)
            heard.consume("MESSAGE_CREATE", first)
        assert engine.journal._batch.size
        for message in others:
            heard.consume("MESSAGE_CREATE", message)
        assert len(engine.journal._batch.segments[0].keyed[MESSAGES]) == 1
        await asyncio.sleep(0)
        assert len(engine.journal._batch.segments[0].keyed[MESSAGES]) == len(messages)
