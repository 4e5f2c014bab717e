"""A listener finds its event in the cache immediately, and in the database if it asked for confirmation."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pathlib
import typing
from collections.abc import AsyncIterator, Callable

import bots
import hikari
import pytest
from fakecord import FakeDiscord, Payload, payloads

import persist

Run = tuple[FakeDiscord, hikari.GatewayBot, persist.Cache, Payload]


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "cache.db"


@pytest.fixture
async def run(file: pathlib.Path) -> AsyncIterator[Run]:
    async with FakeDiscord(seed=1) as sim:
        guild = sim.add_guild(members=3)
        bot = bots.make(sim.rest_url)
        cache = persist.Cache(bot, f"sqlite:///{file}")
        async with bots.started(sim, bot, cache):
            yield sim, bot, cache, guild


@pytest.fixture
def no_complaints(caplog: pytest.LogCaptureFixture) -> typing.Iterator[None]:
    """Fail if a listener failed, which hikari only logs."""
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR] == []


class Burst:
    """Messages that are sent, edited five times each, and some of them deleted, faster than listeners can run."""

    def __init__(self, guild: Payload, count: int = 200) -> None:
        channel, author = bots.text_channel(guild), guild["members"][0]["user"]
        self.made = [payloads.message(channel, author, guild_id=guild["id"], content="0") for _ in range(count)]
        self.deleted = {int(message["id"]) for message in self.made[::2]}

    def events(self) -> typing.Iterator[tuple[str, Payload]]:
        yield from (("MESSAGE_CREATE", message) for message in self.made)
        for version in "12345":
            yield from (("MESSAGE_UPDATE", {**message, "content": version}) for message in self.made)
        for message in self.made[::2]:
            yield "MESSAGE_DELETE", {name: message[name] for name in ("id", "channel_id", "guild_id")}


@pytest.mark.usefixtures("no_complaints")
@pytest.mark.parametrize("whose", ["bot", "cache", "confirmed"])
async def test_in_a_burst_every_listener_reads_its_own_event_or_a_later_one(run: Run, whose: str) -> None:
    sim, bot, cache, guild = run
    listen = {"bot": bot.listen, "cache": cache.listen, "confirmed": lambda: cache.listen(confirm=True)}[whose]
    burst = Burst(guild)
    heard = dict.fromkeys(("created", "updated", "deleted"), 0)
    behind: list[hikari.Event] = []

    @listen()
    async def on_create(event: hikari.GuildMessageCreateEvent) -> None:
        heard["created"] += 1
        found = await cache.get_message(event.message_id, event.channel_id)
        if found is None and event.message_id not in burst.deleted:
            behind.append(event)

    @listen()
    async def on_update(event: hikari.GuildMessageUpdateEvent) -> None:
        heard["updated"] += 1
        found = await cache.get_message(event.message_id, event.channel_id)
        older = found is not None and str(found.content) < str(event.content)
        if older or (found is None and event.message_id not in burst.deleted):
            behind.append(event)

    @listen()
    async def on_delete(event: hikari.GuildMessageDeleteEvent) -> None:
        heard["deleted"] += 1
        if await cache.get_message(event.message_id) is not None:
            behind.append(event)

    await sim.flood(burst.events())
    await sim.wait_until(lambda: heard == {"created": 200, "updated": 1000, "deleted": 100}, 20)
    assert behind == []
    assert await cache.messages.count(content="5") == 100


@pytest.mark.usefixtures("no_complaints")
async def test_a_confirmed_event_is_on_disk_before_its_listener_runs(file: pathlib.Path) -> None:
    async with FakeDiscord(seed=1) as sim:
        guild = sim.add_guild(members=3)
        bot = bots.make(sim.rest_url)
        cache = persist.Cache(bot, f"sqlite:///{file}", interval=3600)
        found: dict[str, list[str]] = {"confirmed": [], "seen": []}

        @cache.listen()
        async def seen(event: hikari.GuildMessageCreateEvent) -> None:
            found["seen"] += bots.rows(file, "SELECT content FROM messages WHERE id = ?", int(event.message_id))

        @cache.listen(confirm=True)
        async def confirmed(event: hikari.GuildMessageCreateEvent) -> None:
            found["confirmed"] += bots.rows(file, "SELECT content FROM messages WHERE id = ?", int(event.message_id))

        async with bots.started(sim, bot, cache):
            for content in ("one", "two"):
                await sim.create_message(bots.text_channel(guild), content)
            await sim.wait_until(lambda: len(found["confirmed"]) == 2)
    assert found == {"confirmed": ["one", "two"], "seen": []}


# ---------------------------------------------------------------------------------------- the same rules as bot.listen

Register = Callable[[persist.Cache, list[hikari.Event]], object]


def _annotated(cache: persist.Cache, heard: list[hikari.Event]) -> None:
    @cache.listen()
    async def listener(event: hikari.GuildMessageCreateEvent) -> None:
        heard.append(event)


def _confirmed(cache: persist.Cache, heard: list[hikari.Event]) -> None:
    @cache.listen(confirm=True)
    async def listener(event: hikari.GuildMessageCreateEvent) -> None:
        heard.append(event)


def _argument(cache: persist.Cache, heard: list[hikari.Event]) -> None:
    @cache.listen(hikari.GuildMessageCreateEvent)
    async def listener(event) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - what is tested
        heard.append(event)


def _wrong_annotation(cache: persist.Cache, heard: list[hikari.Event]) -> None:
    @cache.listen(hikari.GuildMessageCreateEvent, confirm=True)
    async def listener(event: NotThere) -> None:  # type: ignore[name-defined] # noqa: F821 - nothing has to resolve it
        heard.append(event)


def _union(cache: persist.Cache, heard: list[hikari.Event]) -> None:
    @cache.listen()
    async def listener(event: hikari.GuildMessageCreateEvent | hikari.GuildMessageDeleteEvent) -> None:
        heard.append(event)


def _old_union(cache: persist.Cache, heard: list[hikari.Event]) -> None:
    @cache.listen(confirm=True)
    async def listener(event: typing.Union[hikari.GuildMessageCreateEvent, hikari.BanCreateEvent]) -> None:  # noqa: UP007
        heard.append(event)


def _base(cache: persist.Cache, heard: list[hikari.Event]) -> None:
    @cache.listen()
    async def listener(event: hikari.MessageEvent) -> None:
        heard.append(event)


def _every_event(cache: persist.Cache, heard: list[hikari.Event]) -> None:
    @cache.listen(confirm=True)
    async def listener(event: hikari.Event) -> None:
        if not isinstance(event, hikari.ShardPayloadEvent):
            heard.append(event)


def _method(cache: persist.Cache, heard: list[hikari.Event]) -> object:
    class Plugin:
        async def listener(self, event: hikari.GuildMessageCreateEvent) -> None:
            heard.append(event)

    plugin = Plugin()
    cache.listen(confirm=True)(plugin.listener)
    return plugin


WAYS: typing.Final = (
    *(_annotated, _confirmed, _argument, _wrong_annotation),
    *(_union, _old_union, _base, _every_event, _method),
)


@pytest.mark.usefixtures("no_complaints")
async def test_a_listener_says_what_it_hears_in_any_way_that_hikari_knows(run: Run) -> None:
    sim, _, cache, guild = run
    heard: dict[str, list[hikari.Event]] = {way.__name__: [] for way in WAYS}
    kept = [way(cache, heard[way.__name__]) for way in WAYS]
    await sim.create_message(bots.text_channel(guild), "hello")

    def who_heard() -> set[str]:
        created = hikari.GuildMessageCreateEvent
        return {name for name, events in heard.items() if any(isinstance(event, created) for event in events)}

    with contextlib.suppress(TimeoutError):
        await sim.wait_until(lambda: len(who_heard()) == len(WAYS))
    assert who_heard() == set(heard)
    del kept


@pytest.mark.usefixtures("no_complaints")
async def test_a_confirmed_listener_of_everything_hears_a_whole_life(file: pathlib.Path) -> None:
    async with FakeDiscord(seed=1) as sim:
        sim.add_guild(members=3)
        bot = bots.make(sim.rest_url)
        cache = persist.Cache(bot, f"sqlite:///{file}")
        heard: list[type[hikari.Event]] = []

        @cache.listen(confirm=True)
        async def listener(event: hikari.Event) -> None:
            heard.append(type(event))

        async with bots.started(sim, bot, cache):
            pass
    wanted = {hikari.StartingEvent, hikari.StartedEvent, hikari.GuildAvailableEvent}
    assert wanted | {hikari.StoppingEvent, hikari.StoppedEvent} <= set(heard)


def _not_a_coroutine(event: hikari.GuildMessageCreateEvent) -> None:
    raise AssertionError(event)


async def _no_annotation(event) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - what is tested
    raise AssertionError(event)


async def _two_required(event: hikari.GuildMessageCreateEvent, other: int) -> None:
    raise AssertionError(event, other)


async def _nothing_at_all() -> None:
    raise AssertionError


async def _no_event(event: int) -> None:
    raise AssertionError(event)


@pytest.mark.parametrize("confirm", [False, True])
@pytest.mark.parametrize("listener", [_not_a_coroutine, _no_annotation, _two_required, _nothing_at_all, _no_event])
async def test_a_wrong_listener_is_refused_with_the_words_of_hikari(
    listener: typing.Any, *, confirm: bool, file: pathlib.Path
) -> None:
    bot = bots.make()
    cache = persist.Cache(bot, f"sqlite:///{file}")
    with pytest.raises(Exception, match=r"event|required|argument|callback") as theirs:
        bot.listen()(listener)
    with pytest.raises(type(theirs.value)) as ours:
        cache.listen(confirm=confirm)(listener)
    assert str(ours.value) == str(theirs.value)


async def test_what_is_no_event_type_is_refused_with_the_words_of_hikari(file: pathlib.Path) -> None:
    bot = bots.make()
    cache = persist.Cache(bot, f"sqlite:///{file}")
    wrong: typing.Any = int

    async def listener(event: hikari.Event) -> None:
        raise AssertionError(event)

    with pytest.raises(TypeError) as theirs:
        bot.listen(wrong)(listener)
    with pytest.raises(TypeError) as ours:
        cache.listen(wrong)(listener)
    assert str(ours.value) == str(theirs.value)


async def test_a_decorated_listener_is_still_the_same_function(file: pathlib.Path) -> None:
    bot = bots.make()
    cache = persist.Cache(bot, f"sqlite:///{file}")

    async def listener(event: hikari.GuildMessageCreateEvent) -> None:
        raise AssertionError(event)

    assert cache.listen()(listener) is listener
    assert cache.listen(confirm=True)(listener) is listener
    assert bot.event_manager.get_listeners(hikari.GuildMessageCreateEvent)


@pytest.mark.usefixtures("no_complaints")
async def test_a_listener_that_waits_does_not_hold_up_what_comes_after(run: Run) -> None:
    sim, _, cache, guild = run
    going_on = asyncio.Event()
    waits = asyncio.Event()

    @cache.listen()
    async def listener(event: hikari.GuildMessageCreateEvent) -> None:
        if event.content == "wait":
            waits.set()
            await going_on.wait()

    await sim.create_message(bots.text_channel(guild), "wait")
    await waits.wait()
    message = await sim.create_message(bots.text_channel(guild), "go on")
    await bots.settled(sim, cache)
    assert await cache.get_message(int(message["id"])) is not None
    going_on.set()


@pytest.mark.parametrize("confirm", [True, False])
async def test_a_listener_is_found_and_unsubscribed_by_its_function(file: pathlib.Path, *, confirm: bool) -> None:
    bot = bots.make("http://localhost")
    cache = persist.Cache(bot, f"sqlite:///{file}")

    @cache.listen(confirm=confirm)
    async def edited(event: hikari.GuildMessageUpdateEvent) -> None: ...

    @cache.listen(confirm=confirm)
    async def other(event: hikari.GuildMessageUpdateEvent) -> None: ...

    bot.unsubscribe(hikari.GuildMessageUpdateEvent, edited)
    left = bot.get_listeners(hikari.GuildMessageUpdateEvent, polymorphic=False)
    assert edited not in left
    assert other in left
    assert len(left) == 1


def test_a_listener_without_parentheses_is_told_of_them() -> None:
    listen: typing.Any = persist.Cache(bots.make(), "memory://").listen
    with pytest.raises(persist.QueryError, match=r"write @cache\.listen\(\) with parentheses"):

        @listen
        async def heard(_: hikari.StartedEvent) -> None:
            raise AssertionError
