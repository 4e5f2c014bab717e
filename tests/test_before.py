"""Listeners get exactly the state that the cache had before their event, whatever has happened since."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import pathlib
import random
import signal
import sqlite3
import typing
from collections.abc import AsyncIterator, Iterator, Sequence

import bots
import catalogue
import hikari
import pytest
import servers
from fakecord import FakeDiscord, Payload, payloads
from hearing import ME, Hearing

import persist
from persist import hindsight
from persist.befores import BEFORES, Before
from persist.entities import MESSAGES

_FIRE: typing.Final = {"id": None, "name": "🔥"}
_NUMBER: typing.Final = contextvars.ContextVar[int]("number")


@pytest.fixture
async def hearing(engine_url: str) -> AsyncIterator[Hearing]:
    async with Hearing(engine_url) as hearing:
        yield hearing


def whole_guild(**fields: typing.Any) -> Payload:
    return payloads.guild(own_user=payloads.own_user(id=ME), members=6, threads=2, voice_states=2, **fields)


def written(guild: Payload, count: int = 1) -> list[Payload]:
    """Make messages whose content is their number."""
    author = guild["members"][0]["user"]
    place = bots.text_channel(guild)
    return [payloads.message(place, author, guild_id=guild["id"], content=str(number)) for number in range(count)]


def part(message: Payload, **fields: typing.Any) -> Payload:
    return {name: message[name] for name in ("id", "channel_id", "guild_id")} | fields


def edit(message: Payload, content: str) -> tuple[str, Payload]:
    return "MESSAGE_UPDATE", {**message, "content": content}


def delete(message: Payload) -> tuple[str, Payload]:
    return "MESSAGE_DELETE", part(message)


def react(message: Payload, name: str = "MESSAGE_REACTION_ADD") -> tuple[str, Payload]:
    user_id = message["author"]["id"]
    return name, {"message_id": message["id"], **part(message), "user_id": user_id, "emoji": _FIRE, "type": 0}


class Log:
    """The states before their events that listeners got."""

    def __init__(self, cache: persist.Cache) -> None:
        self.said: list[tuple[str, str | None]] = []

        @cache.listen()
        async def on_update(event: hikari.MessageUpdateEvent) -> None:
            self.note(f"to {event.content}", event.old_message)

        @cache.listen()
        async def on_delete(event: hikari.MessageDeleteEvent) -> None:
            self.note("deleted", event.old_message)

    def note(self, what: str, old: hikari.PartialMessage | None) -> None:
        self.said.append((what, None if old is None else str(old.content)))

    async def has(self, count: int, seconds: float = 20) -> list[tuple[str, str | None]]:
        await bots.until(lambda: len(self.said) >= count, seconds)
        return self.said


# --------------------------------------------------------------------------------------------------- each kind of event


async def told(hearing: Hearing, name: str, row: Before, payload: Payload) -> typing.Any:
    """Send an event to a listener, and return the state before it that the listener got."""
    found: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    async def listener(event: typing.Any) -> None:
        before = await hearing.cache.before(event)
        field = getattr(event, row.field, before) if row.field else before
        found.set_result(before if field == before else f"{field!r} is not {before!r}")

    async def nobody(event: hikari.GuildMessageDeleteEvent) -> None:
        """Exist, because hikari does not read bulk deletions if there are only listeners for these."""

    hearing.cache.listen(*row.heard)(listener)
    hearing.bot.listen()(nobody)
    hearing.consume(name, payload)
    async with asyncio.timeout(10):
        return await found


async def held(hearing: Hearing, row: Before, payload: Payload) -> typing.Any:
    """Return the current state in the cache of what an event is about."""
    assert hearing.cache._engine is not None
    reader = hearing.cache._engine.reader
    found: list[typing.Any] = []
    for entity, key, guild_id in row.things(payload):
        if key is not None:
            found.append(await reader.get(entity, key))
        else:
            found += await hearing.cache.view(entity).find(guild=guild_id)
    return {thing.id: thing for thing in found} if row.shape == "by_id" else found


LIVING: typing.Final = ("DELETE", "REMOVE", "READY", "GUILD_CREATE", "BULK")


@pytest.mark.parametrize("name", sorted(BEFORES))
@pytest.mark.parametrize("state", ["seen", "stored"])
async def test_it_is_what_the_cache_held(sqlite_url: str, name: str, state: str) -> None:
    async with Hearing(sqlite_url) as hearing:
        guild = whole_guild()
        await hearing.ready(guild)
        events = catalogue.catalogue(guild)
        message = events["MESSAGE_CREATE"]
        events |= {
            "GUILD_DELETE": {"id": guild["id"]},
            "INVITE_DELETE": {**events["INVITE_DELETE"], "code": events["INVITE_CREATE"]["code"]},
            "MESSAGE_DELETE": part(message),
            "MESSAGE_DELETE_BULK": {**part(message), "ids": [message["id"]]},
        }
        for other, payload in events.items():
            if not any(word in other for word in LIVING):
                hearing.consume(other, payload)
        row, payload = BEFORES[name], events[name]
        held_before = await held(hearing, row, payload)
        if state == "stored":
            await hearing.cache.flush()
        before = await told(hearing, name, row, payload)
        if row.shape == "one":
            held_before = next(thing for thing in held_before if thing is not None)
        assert held_before
        assert before == held_before
        assert hearing.cache.quarantine == ()


# ----------------------------------------------------------------------------------------------------------- in a burst


async def test_in_a_burst_each_listener_is_told_of_its_own_past(hearing: Hearing) -> None:
    guild = whole_guild()
    (message,) = written(guild)
    log = Log(hearing.cache)
    await hearing.ready(guild)
    burst = [("MESSAGE_CREATE", message), edit(message, "1"), edit(message, "2"), delete(message)]
    for event in burst:
        hearing.consume(*event)
    assert await log.has(3) == [("to 1", "0"), ("to 2", "1"), ("deleted", "2")]


async def test_what_is_only_in_the_database_is_found_before_it_is_changed(hearing: Hearing) -> None:
    guild = whole_guild()
    (message,) = written(guild)
    log = Log(hearing.cache)
    await hearing.ready(guild)
    hearing.consume("MESSAGE_CREATE", message)
    await hearing.cache.flush()
    for event in (edit(message, "1"), edit(message, "2"), delete(message)):
        hearing.consume(*event)
    await hearing.cache.flush()
    assert await log.has(3) == [("to 1", "0"), ("to 2", "1"), ("deleted", "2")]
    assert hearing.cache.gauges.unrecalled == {}


async def test_after_a_restart_the_first_events_are_told_too(hearing: Hearing) -> None:
    if hearing.url == "memory://":
        pytest.skip("what is in memory only is not opened anew.")
    guild = whole_guild()
    edited, deleted = written(guild, 2)
    await hearing.ready(guild)
    for message in (edited, deleted):
        hearing.consume("MESSAGE_CREATE", message)
    await hearing.reopen()
    log = Log(hearing.cache)
    # In one batch with the guild: only the database can tell whether its replacements affect the messages.
    hearing.consume("GUILD_CREATE", guild)
    for event in (edit(edited, "new"), delete(deleted), edit(edited, "newer")):
        hearing.consume(*event)
    assert await log.has(3) == [("to new", "0"), ("deleted", "1"), ("to newer", "new")]


async def test_it_is_true_too_while_an_earlier_batch_is_being_written(sqlite_url: str) -> None:
    async with Hearing(sqlite_url) as hearing:
        guild = whole_guild()
        messages = written(guild, 40)
        log = Log(hearing.cache)
        await hearing.ready(guild)
        for message in messages:
            hearing.consume("MESSAGE_CREATE", message)
        await hearing.cache.flush()
        for number, message in enumerate(messages):
            hearing.consume(*edit(message, f"{number} again"))
        flushing = asyncio.create_task(hearing.cache.flush())
        for number, message in enumerate(messages):
            await asyncio.sleep(0)
            hearing.consume(*edit(message, f"{number} at last"))
        await flushing
        said = await log.has(80)
        for number in range(40):
            assert (f"to {number} again", str(number)) in said
            assert (f"to {number} at last", f"{number} again") in said


class Happenings:
    """Random events about a few messages, members and roles that are created, changed, deleted and created again."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.guild = whole_guild()
        self.messages = written(self.guild, 4)

    def __iter__(self) -> Iterator[tuple[str, Payload]]:
        where = {"guild_id": self.guild["id"]}
        role = self.guild["roles"][1]
        for number in range(60):
            message, member = self.random.choice(self.messages), self.random.choice(self.guild["members"][1:4])
            yield self.random.choice(
                [
                    ("MESSAGE_CREATE", message),
                    edit(message, str(number)),
                    edit(message, str(number)),
                    delete(message),
                    react(message),
                    react(message, "MESSAGE_REACTION_REMOVE"),
                    ("GUILD_MEMBER_ADD", {**where, **member}),
                    ("GUILD_MEMBER_UPDATE", {**where, **member, "nick": str(number), "roles": [role["id"]]}),
                    ("GUILD_MEMBER_UPDATE", {**where, **member, "user": {**member["user"], "username": str(number)}}),
                    ("GUILD_MEMBER_REMOVE", {**where, "user": member["user"]}),
                    ("GUILD_ROLE_UPDATE", {**where, "role": {**role, "name": str(number)}}),
                    ("GUILD_ROLE_DELETE", {**where, "role_id": role["id"]}),
                    ("GUILD_EMOJIS_UPDATE", {**where, "emojis": self.guild["emojis"][: number % 3]}),
                    ("CHANNEL_DELETE", self.guild["channels"][-1]),
                    ("GUILD_CREATE", self.guild),
                ]
            )


HEARD: typing.Final = (
    *(hikari.MessageUpdateEvent, hikari.MessageDeleteEvent, hikari.ReactionEvent, hikari.MemberUpdateEvent),
    *(hikari.MemberDeleteEvent, hikari.RoleUpdateEvent, hikari.RoleDeleteEvent, hikari.EmojisUpdateEvent),
)


async def all_told(
    hearing: Hearing, events: Sequence[tuple[str, Payload]], pause: typing.Callable[[], int]
) -> list[str]:
    """Send events to listeners, with pauses of some turns of the event loop, and return the states that they got."""
    found: dict[int, str] = {}
    expected = 0

    @hearing.cache.listen(*HEARD)
    async def listener(event: typing.Any) -> None:
        found[_NUMBER.get()] = f"{type(event).__name__} {_spelled(await hearing.cache.before(event))}"

    await hearing.ready()
    for number, (name, payload) in enumerate(events):
        _NUMBER.set(number)  # the listeners' tasks inherit it
        hearing.consume(name, payload)
        expected += name in BEFORES and name != "CHANNEL_DELETE"
        turns = pause()
        if turns > 5:
            await hearing.cache.flush()
        for _ in range(turns):
            await asyncio.sleep(0)
    await bots.until(lambda: len(found) >= expected)
    return [found[number] for number in sorted(found)]


def _spelled(thing: typing.Any) -> str:
    match thing:
        case hikari.Message():
            return f"{thing.content} {[(reaction.emoji, reaction.count) for reaction in thing.reactions]}"
        case hikari.Member():
            return f"{thing.username} {thing.nickname} {thing.role_ids}"
        case [*emojis]:
            return str(sorted(emoji.id for emoji in emojis))
        case _:
            return str(thing)


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_happens_it_is_as_if_each_event_had_come_alone(sqlite_url: str, seed: int) -> None:
    events = list(Happenings(seed))
    async with Hearing("memory://", settled=True) as hearing:
        alone = await all_told(hearing, events, lambda: 9)
    chance = random.Random(seed)
    async with Hearing(sqlite_url) as hearing:
        together = await all_told(hearing, events, lambda: chance.choice([0, 0, 0, 1, 2, 9]))
    assert together == alone


# ------------------------------------------------------------------------------------------------ what it does not cost


async def test_nothing_is_noted_where_nobody_listens(hearing: Hearing) -> None:
    guild = whole_guild()
    (message,) = written(guild)

    @hearing.cache.listen()
    async def on_message(event: hikari.MessageCreateEvent) -> None:
        pass

    assert hearing.cache._engine is not None
    assert hearing.cache._engine.feed.noting is None
    await hearing.ready(guild)
    hearing.consume("MESSAGE_CREATE", message)
    assert hearing.cache._engine.feed.noting is None


async def test_what_hikari_remembers_itself_stays(sqlite_url: str) -> None:
    async with Hearing(sqlite_url, hikari_caches=True) as hearing:
        guild = whole_guild()
        (message,) = written(guild)
        log = Log(hearing.cache)
        await hearing.ready(guild)
        hearing.consume("MESSAGE_CREATE", message)
        mine = hearing.bot.cache.get_message(int(message["id"]))
        assert mine is not None
        mine.content = "hikari's own"
        hearing.bot.cache.clear_messages()
        typing.cast("hikari.api.MutableCache", hearing.bot.cache).set_message(mine)
        hearing.consume(*edit(message, "1"))
        assert await log.has(1) == [("to 1", "hikari's own")]


# ---------------------------------------------------------------------------------------------- what cannot be answered


async def test_a_question_that_cannot_be_answered_says_why(hearing: Hearing) -> None:
    guild = whole_guild()
    (message,) = written(guild)
    said: list[str] = []
    kept: list[hikari.Event] = []

    async def asked(event: typing.Any) -> None:
        try:
            await hearing.cache.before(event)
        except persist.QueryError as error:
            said.append(str(error))

    hearing.bot.event_manager.subscribe(hikari.MessageCreateEvent, asked)
    hearing.bot.event_manager.subscribe(hikari.MessageUpdateEvent, asked)
    await hearing.ready(guild)
    hearing.consume("MESSAGE_CREATE", message)
    hearing.consume(*edit(message, "1"))
    await bots.until(lambda: len(said) == 2)
    assert said[0].startswith("GuildMessageCreateEvent has no state before it; before takes ")
    assert said[1] == (
        "the state before GuildMessageUpdateEvent is not recorded; "
        "listen with @cache.listen(), or call cache.watch(GuildMessageUpdateEvent) first"
    )

    @hearing.cache.listen()
    async def keeps(event: hikari.MessageUpdateEvent) -> None:
        kept.append(event)

    hearing.consume(*edit(message, "2"))
    await bots.until(lambda: bool(kept))
    hearing.consume("MESSAGE_CREATE", message)
    await asked(kept[0])
    assert said[2].startswith("the state before GuildMessageUpdateEvent is only available in a listener for it")
    await hearing.cache.close()
    with pytest.raises(persist.CacheClosedError):
        await hearing.cache.before(typing.cast("hikari.MessageUpdateEvent", kept[0]))


@pytest.mark.parametrize(
    ("event_type", "complaint"),
    [
        (hikari.StartedEvent, "StartedEvent has no state before it; watch takes "),
        ("MemberDeleteEvent", "watch takes event types such as hikari.MemberDeleteEvent, not "),
        (int, "watch takes event types such as hikari.MemberDeleteEvent, not <class 'int'>"),
    ],
)
def test_only_what_has_something_before_it_can_be_watched(event_type: typing.Any, complaint: str) -> None:
    cache = persist.Cache(bots.make(), "memory://")
    with pytest.raises(persist.QueryError) as caught:
        cache.watch(event_type)
    assert str(caught.value).startswith(complaint)


async def test_other_listeners_may_ask_about_what_is_watched(hearing: Hearing) -> None:
    guild = whole_guild()
    (message,) = written(guild)
    found: list[hikari.Message | None] = []
    hearing.cache.watch(hikari.GuildReactionDeleteEvent)

    @hearing.bot.listen()
    async def on_reaction(event: hikari.GuildReactionDeleteEvent) -> None:
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(hearing.cache.before(event))
        found.append(asking.result())

    await hearing.ready(guild)
    for event in (("MESSAGE_CREATE", message), react(message), react(message, "MESSAGE_REACTION_REMOVE")):
        hearing.consume(*event)
    await bots.until(lambda: bool(found))
    assert found[0] is not None
    assert [(str(reaction.emoji), reaction.count) for reaction in found[0].reactions] == [("🔥", 1)]
    after = await hearing.cache.get_message(int(message["id"]))
    assert after is not None
    assert after.reactions == []


async def test_an_event_that_is_not_what_it_should_be_is_only_quarantined(hearing: Hearing) -> None:
    guild = whole_guild()
    log = Log(hearing.cache)
    await hearing.ready(guild)
    hearing.consume("MESSAGE_DELETE", {"channel_id": "1", "guild_id": guild["id"]})
    (message,) = written(guild)
    for event in (("MESSAGE_CREATE", message), delete(message)):
        hearing.consume(*event)
    assert await log.has(1) == [("deleted", "0")]
    assert [kept.what for kept in hearing.cache.quarantine] == ["MESSAGE_DELETE"]


# -------------------------------------------------------------------------------------------------------- a hard life


async def test_a_row_that_cannot_be_read_is_unknown_and_counted(sqlite_url: str, tmp_path: pathlib.Path) -> None:
    async with Hearing(sqlite_url) as hearing:
        guild = whole_guild()
        (message,) = written(guild)
        log = Log(hearing.cache)
        await hearing.ready(guild)
        hearing.consume("MESSAGE_CREATE", message)
        await hearing.cache.flush()
        with contextlib.closing(sqlite3.connect(tmp_path / "cache.db", isolation_level=None)) as connection:
            connection.execute("UPDATE messages SET payload = '{'")
        hearing.consume(*delete(message))
        assert await log.has(1) == [("deleted", None)]
        assert (hearing.cache.gauges.unrecalled, hearing.cache.gauges.undecodable) == (
            {MESSAGES.name: 1},
            {MESSAGES.name: 1},
        )


async def test_while_a_file_is_locked_what_is_in_it_is_told(sqlite_url: str, tmp_path: pathlib.Path) -> None:
    async with Hearing(sqlite_url) as hearing:
        guild = whole_guild()
        (message,) = written(guild)
        log = Log(hearing.cache)
        await hearing.ready(guild)
        hearing.consume("MESSAGE_CREATE", message)
        await hearing.cache.flush()
        with bots.locked(tmp_path / "cache.db"):
            hearing.consume(*edit(message, "1"))
            assert await log.has(1) == [("to 1", "0")]
        assert hearing.cache.gauges.unrecalled == {}


async def test_while_the_database_is_away_listeners_hear_without_it(place: servers.Place) -> None:
    server, url = place
    async with Hearing(url) as hearing:
        guild = whole_guild()
        stored, seen = written(guild, 2)
        log = Log(hearing.cache)
        await hearing.ready(guild)
        hearing.consume("MESSAGE_CREATE", stored)
        await hearing.cache.flush()
        await asyncio.to_thread(server.kill)
        for event in (edit(stored, "1"), ("MESSAGE_CREATE", seen), edit(seen, "2"), delete(stored)):
            hearing.consume(*event)
        assert sorted(await log.has(3)) == [("deleted", None), ("to 1", None), ("to 2", "1")]
        assert hearing.cache.gauges.unrecalled == {MESSAGES.name: 2}
        await asyncio.to_thread(server.start)
        await hearing.cache.flush()
        hearing.consume(*edit(seen, "3"))
        assert (await log.has(4))[3] == ("to 3", "2")


async def test_behind_a_database_that_never_answers_a_listener_does_not_hang(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hindsight, "_PATIENCE", 0.05)
    async with Hearing(sqlite_url) as hearing:
        guild = whole_guild()
        (message,) = written(guild)
        log = Log(hearing.cache)
        await hearing.ready(guild)
        hearing.consume("MESSAGE_CREATE", message)
        await hearing.cache.flush()
        assert hearing.cache._engine is not None
        async with hearing.cache._engine.journal._turn:  # the test never releases it
            hearing.consume(*edit(message, "1"))
            assert await log.has(1) == [("to 1", None)]
        assert hearing.cache.gauges.unrecalled == {MESSAGES.name: 1}


async def test_after_a_kill_an_old_message_is_told_as_it_was(sqlite_url: str, tmp_path: pathlib.Path) -> None:
    async with FakeDiscord(seed=1) as sim:
        guild = sim.add_guild(members=3)
        async with bots.lone(sim, sqlite_url, tmp_path) as lone:
            await lone.starts(sim)
            message = await sim.create_message(bots.text_channel(guild), "before the kill")
            await bots.until(lambda: len(bots.rows(tmp_path / "cache.db", "SELECT id FROM messages")) == 1)
            await lone.ends(signal.SIGKILL)
        bot = bots.make(sim.rest_url)
        cache = persist.Cache(bot, sqlite_url)
        log = Log(cache)
        async with bots.started(sim, bot, cache):
            await sim.update_message(message["channel_id"], message["id"], content="after it")
            await sim.delete_message(message["channel_id"], message["id"])
            assert await log.has(2) == [("to after it", "before the kill"), ("deleted", "after it")]


async def test_a_flood_of_edits_is_told_whole_although_a_listener_is_slow(sqlite_url: str) -> None:
    async with Hearing(sqlite_url) as hearing:
        guild = whole_guild()
        messages = written(guild, 2000)
        done = asyncio.Event()
        slow: list[hikari.PartialMessage | None] = []
        log = Log(hearing.cache)

        @hearing.cache.listen()
        async def on_update(event: hikari.GuildMessageUpdateEvent) -> None:
            await done.wait()
            slow.append(event.old_message)

        await hearing.ready(guild)
        for message in messages:
            hearing.consume("MESSAGE_CREATE", message)
        await hearing.cache.flush()
        for version in range(1, 11):
            for number, message in enumerate(messages):
                hearing.consume(*edit(message, f"{number}.{version}"))
        said = dict(await log.has(20_000, 120))
        wrong = [what for what, old in said.items() if old != _version_before(what)]
        assert (len(said), wrong, slow) == (20_000, [], [])
        done.set()
        await bots.until(lambda: len(slow) == 20_000, 120)
        assert None not in slow
        assert hearing.cache.gauges.unrecalled == {}


def _version_before(what: str) -> str:
    number, version = what.removeprefix("to ").split(".")
    return number if version == "1" else f"{number}.{int(version) - 1}"


async def test_past_the_limit_what_is_not_told_is_counted(sqlite_url: str) -> None:
    hearing = Hearing(sqlite_url)
    hearing.cache._limits = hearing.cache._limits._replace(asked=10)
    async with hearing:
        guild = whole_guild()
        messages = written(guild, 15)
        log = Log(hearing.cache)
        await hearing.ready(guild)
        for message in messages:
            hearing.consume("MESSAGE_CREATE", message)
        await hearing.cache.flush()
        for message in messages:
            hearing.consume(*delete(message))
        said = await log.has(15)
        assert sorted(old for _, old in said if old) == sorted(map(str, range(10)))
        assert hearing.cache.gauges.unrecalled == {MESSAGES.name: 5}
        hearing.consume("MESSAGE_CREATE", messages[0])
        await hearing.cache.flush()
        hearing.consume(*edit(messages[0], "1"))
        assert (await log.has(16))[15] == ("to 1", "0")
