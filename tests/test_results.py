"""Objects that queries returned are kept while their rows stay the same: answers are up to date and share nothing."""

from __future__ import annotations

import tracemalloc
import typing

import hearing
import hikari
import pytest
from alike import assert_alike
from fakecord import Payload, payloads
from hearing import ME, Hearing

import persist
from persist import results
from persist.changes import Put
from persist.entities import ENTITIES
from persist.gauges import Gauges
from persist.model import Entity, Origin, Record
from persist.recent import Recent
from persist.results import Results
from persist.spi import Row, Unmade, Unreadable

_ORIGIN: typing.Final = Origin("gateway", 0, 1, "2026-01-02 03:04:05.000006")
_GUILD: typing.Final = payloads.guild(own_user=payloads.own_user(id=ME), members=6, voice_states=2)
_GUILD_ID: typing.Final = int(_GUILD["id"])


def _members(cache: persist.Cache) -> persist.Found[hikari.Member]:
    return cache.members.find(guild=_GUILD_ID).limit(50)


def _counted(cache: persist.Cache, kind: str) -> tuple[int, int]:
    """Return how many results were kept, and how many had to be made."""
    return cache.gauges.hits["results", kind], cache.gauges.misses["results", kind]


async def test_what_is_found_again_is_not_made_again(engine_url: str) -> None:
    async with Hearing(engine_url) as heard:
        await heard.ready(_GUILD)
        first = await _members(heard.cache)
        for _ in range(3):
            assert_alike(await _members(heard.cache), first)
        count = len(first)
        assert _counted(heard.cache, "members") == (2 * count, 2 * count)  # the second time shows that it is worth it


async def test_what_changed_meanwhile_is_found_as_it_is_now(engine_url: str) -> None:
    """The second cache writes without the first hearing of it; a member changes with its user, which is another row."""
    member = _GUILD["members"][2]
    renamed = {**member, "user": {**member["user"], "username": "renamed"}}
    async with Hearing(engine_url) as heard:
        await heard.ready(_GUILD)
        for _ in range(3):
            await _members(heard.cache)
        await heard.hear("GUILD_MEMBER_UPDATE", {**renamed, "guild_id": _GUILD["id"], "nick": "nicked"})
        by_id = {each.id: each for each in await _members(heard.cache)}
        assert (by_id[int(member["user"]["id"])].nickname, by_id[int(member["user"]["id"])].username) == (
            "nicked",
            "renamed",
        )
        assert _counted(heard.cache, "members")[0] == 2 * len(by_id) - 1
        await heard.hear("GUILD_MEMBER_REMOVE", {"guild_id": _GUILD["id"], "user": member["user"]})
        assert int(member["user"]["id"]) not in {each.id for each in await _members(heard.cache)}


async def test_what_another_process_changed_is_found(tmp_path: typing.Any) -> None:
    url = f"sqlite:///{tmp_path / 'cache.db'}"
    async with Hearing(url) as heard, Hearing(url) as other:
        await heard.ready(_GUILD)
        for _ in range(3):
            await _members(heard.cache)
        await other.ready(_GUILD)
        member = _GUILD["members"][1]
        await other.hear("GUILD_MEMBER_UPDATE", {**member, "guild_id": _GUILD["id"], "nick": "elsewhere"})
        await other.cache.flush()
        assert "elsewhere" in {each.nickname for each in await _members(heard.cache)}


async def test_whoever_changes_a_result_changes_nobody_elses(sqlite_url: str) -> None:
    async with Hearing(sqlite_url) as heard:
        await heard.ready(_GUILD)
        for _ in range(5):
            found = await _members(heard.cache)
            assert "poison" not in {member.nickname for member in found}
            for member in found:
                assert 1 not in member.role_ids
                assert member.username != "poison"
                member.nickname = "poison"
                typing.cast("list[int]", member.role_ids).append(1)
                typing.cast("typing.Any", member.user).username = "poison"


@pytest.mark.parametrize("memory", [None, 16])
async def test_only_short_lists_are_kept_and_only_with_a_memory(sqlite_url: str, memory: int | None) -> None:
    async with Hearing(sqlite_url) as heard:
        await heard.ready(_GUILD)
    async with persist.Cache(heard.bot, sqlite_url, members="never", memory=memory) as cache:
        for _ in range(3):
            assert len(await cache.members.find()) == 6
            assert len(await cache.members.find().limit(201)) == 6
        assert _counted(cache, "members") == (0, 0)
        for _ in range(3):
            assert len(await cache.members.find().limit(200)) == 6
        assert _counted(cache, "members") == ((6, 12) if memory else (0, 0))


async def test_what_is_erased_is_not_kept(sqlite_url: str) -> None:
    async with Hearing(sqlite_url) as heard:
        await heard.ready(_GUILD)
        for _ in range(3):
            await _members(heard.cache)
        assert heard.cache._engine is not None
        assert heard.cache._engine.reader._memory is not None
        kept = heard.cache._engine.reader._memory.recent.things
        assert len(kept) == 6
        await heard.cache.erase_user(int(_GUILD["members"][2]["user"]["id"]))
        assert not kept
        assert heard.cache.gauges.memory_size == 0


async def test_what_was_made_before_the_bot_knew_itself_is_made_again(sqlite_url: str) -> None:
    async with Hearing(sqlite_url) as heard:
        engine = heard.cache._engine
        assert engine is not None
        guild = payloads.guild(own_user=payloads.own_user(id=ME), threads=1)
        thread = guild["threads"][0]
        del thread["member"]["user_id"]  # Discord leaves it out, as it is the bot
        engine.journal.accept([Put(ENTITIES["threads"].record(thread, int(guild["id"]), _ORIGIN))])
        for me in (0, int(ME)):
            for _ in range(3):
                (found,) = await heard.cache.threads.find().limit(5)
                kept = await heard.cache.get_thread(found.id)
                assert kept is not None
                assert found.member is not None
                assert kept.member is not None
                assert found.member.user_id == kept.member.user_id == me
            await heard.hear("READY", hearing.ready(guild))


# ----------------------------------------------------------------------------------------------------------- unreadable


def _unmade(records: typing.Mapping[int, typing.Sequence[Record | Unreadable]]) -> Unmade:
    def make(rows: typing.Sequence[Row]) -> typing.Iterator[Record | Unreadable]:
        return (one for (number,) in rows for one in records[number])

    return Unmade([(number,) for number in records], make)


def test_what_is_not_whole_is_reported_each_time() -> None:
    users = ENTITIES["users"]
    whole, half = (users.record(payloads.user(id=str(number)), None, _ORIGIN) for number in (1, 2))
    unreadable = Unreadable(users, (3,), "no JSON")
    unmade = _unmade({1: [whole], 2: [Unreadable(users, (2,), "no part"), half], 3: [unreadable]})
    reported: list[Unreadable] = []

    def make(wholes: typing.Iterable[Record | Unreadable]) -> typing.Iterator[int]:
        for one in wholes:
            if isinstance(one, Unreadable):
                reported.append(one)
            else:
                yield int(one.payload["id"])

    gauges = Gauges()
    kept = Results(Recent(1 << 20, gauges), gauges)
    for count in range(1, 6):
        assert list(kept.made(users, unmade, make)) == [1, 2]
        assert len(reported) == 2 * count
    assert gauges.hits["results", "users"] == 3


# ----------------------------------------------------------------------------------------------------------------- size


def test_only_so_many_rows_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "_SEEN", 10)
    users, gauges = ENTITIES["users"], Gauges()
    kept = Results(Recent(1 << 20, gauges), gauges)
    records = {number: [users.record(payloads.user(id=str(number)), None, _ORIGIN)] for number in range(1, 100)}
    for _ in range(3):
        list(kept.made(users, _unmade(records), lambda wholes: iter([object() for _ in wholes])))
    assert len(kept._seen) == 10
    assert gauges.hits["results", "users"] == 0
    assert gauges.memory_size == 0


_LARGE: typing.Final[dict[str, typing.Callable[[int], Payload]]] = {
    "users": lambda n: payloads.user(id=str(n)),
    "messages": lambda n: payloads.message("7", payloads.user(), id=str(n), guild_id="1", content="words " * 20),
    "messages in emoji": lambda n: payloads.message("7", payloads.user(), id=str(n), guild_id="1", content="😀" * 99),
}


@pytest.mark.parametrize("kind", _LARGE)
async def test_results_take_no_more_memory_than_is_estimated(kind: str, sqlite_url: str) -> None:
    entity: Entity[typing.Any] = ENTITIES[kind.partition(" ")[0]]
    async with Hearing(sqlite_url) as heard:
        engine = heard.cache._engine
        assert engine is not None
        records = [entity.record(_LARGE[kind](number), 1, _ORIGIN) for number in range(1, 201)]
        engine.journal.accept([Put(record) for record in records])
        view = getattr(heard.cache, entity.name)
        await view.find().limit(200)
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            await view.find().limit(200)
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        size = heard.cache.gauges.memory_size
        assert after - before <= size
        assert size <= 3 * (after - before)
