"""Whatever a payload looks like, no exception escapes, it is counted, and nothing else is affected."""

from __future__ import annotations

import asyncio
import copy
import gc
import random
import typing
from collections.abc import AsyncIterator, Iterator

import pytest
from catalogue import catalogue
from fakecord import Payload, payloads
from hearing import ME, Hearing
from samples import SAMPLES

from persist.entities import ENTITIES
from persist.events import EVENTS
from persist.model import Origin
from persist.views import VIEWS

_CONDUIT: typing.Final = "Exception occurred in raw event dispatch conduit"
_OWN: typing.Final = payloads.own_user(id=ME)
_RETYPED: typing.Final = ("a text", 7, -1.5, True, [], {}, [None], ["x"], {"id": "x"}, "9" * 40, 1 << 70)
Path = tuple[str | int, ...]


def paths(value: object, depth: int, so_far: Path = ()) -> Iterator[Path]:
    """Yield the path to every field and to the first items of every list, down to a depth."""
    if depth == 0:
        return
    if isinstance(value, dict):
        inside: list[tuple[str | int, object]] = list(value.items())
    else:
        inside = list(enumerate(value))[:2] if isinstance(value, list) else []
    for name, part in inside:
        yield (*so_far, name)
        yield from paths(part, depth - 1, (*so_far, name))


def changed(payload: Payload, path: Path, *new: object) -> Payload:
    """Return a payload with another value at a path, or with none there."""
    payload = copy.deepcopy(payload)
    parent: typing.Any = payload
    for step in path[:-1]:
        parent = parent[step]
    if new:
        parent[path[-1]] = new[0]
    else:
        del parent[path[-1]]
    return payload


def spoilt(payload: Payload, chance: random.Random) -> Iterator[Payload]:
    """Yield a payload with each of its fields dropped, nulled and retyped, and then with random damage."""
    near = list(paths(payload, 2))
    for path in near if len(near) < 50 else chance.sample(near, 50):
        yield changed(payload, path)
        yield changed(payload, path, None)
        yield changed(payload, path, copy.deepcopy(chance.choice(_RETYPED)))
    retyped = [(path, new) for path in paths(payload, 1) for new in _RETYPED]
    for path, new in chance.sample(retyped, min(150, len(retyped))):
        yield changed(payload, path, copy.deepcopy(new))
    everywhere = list(paths(payload, 6))
    for _ in range(30):
        worse = payload
        for path in chance.sample(everywhere, min(2, len(everywhere))):
            try:
                worse = changed(worse, path, copy.deepcopy(chance.choice((None, *_RETYPED))))
            except (LookupError, TypeError):
                continue  # the field is gone already
        yield worse


@pytest.fixture
async def no_complaints() -> AsyncIterator[None]:
    """Fail if the event loop reports an exception, except hikari's own about payloads that it cannot read."""
    found: list[str] = []
    loop = asyncio.get_running_loop()

    def complain(_: asyncio.AbstractEventLoop, context: dict[str, typing.Any]) -> None:
        task = str(context.get("future", context.get("task")))
        # hikari requests the members of a malformed guild, and nothing awaits that task.
        if "guild create members request" not in task and context["message"] != _CONDUIT:
            found.append(f"{context['message']}: {task}")

    loop.set_exception_handler(complain)
    yield
    gc.collect()  # a task that nobody awaited reports its exception when it is collected
    loop.set_exception_handler(None)
    assert not found


def pending(heard: Hearing) -> tuple[int, list[object]]:
    assert heard.cache._engine is not None
    journal = heard.cache._engine.journal
    return journal.depth, list(journal._waiting.changes())


async def read_everything(heard: Hearing) -> None:
    for name in VIEWS:
        view = getattr(heard.cache, name)
        async for _ in view.find():
            pass
        assert await view.count() >= 0


def test_there_is_a_payload_for_every_row() -> None:
    assert catalogue(payloads.guild(own_user=_OWN, threads=2)).keys() == EVENTS.keys()


async def test_the_payloads_are_good_ones(heard: Hearing, guild: Payload) -> None:
    for name, payload in catalogue(guild).items():
        await heard.hear(name, payload)
    async for cache in heard.answers():
        assert await cache.members.count(guild_id=int(guild["id"])) > 0


@pytest.mark.usefixtures("no_complaints")
@pytest.mark.parametrize("name", EVENTS)
async def test_a_malformed_payload_is_counted_and_costs_only_itself(sqlite_url: str, name: str) -> None:
    guild, bystander = (payloads.guild(own_user=_OWN, members=4, threads=2, text_channels=1) for _ in range(2))
    async with Hearing(sqlite_url) as heard:
        await heard.ready(guild, bystander)
        before = await heard.stored(int(bystander["id"]))
        for count, payload in enumerate(spoilt(catalogue(guild)[name], random.Random(name))):
            quarantined, waiting = heard.cache.gauges.quarantined[name], pending(heard)
            await heard.hear(name, payload, settle=count % 50 == 49)
            if heard.cache.gauges.quarantined[name] > quarantined and count % 50 != 49:
                assert pending(heard) == waiting, payload
        await heard.hear("GUILD_MEMBER_ADD", {**payloads.member(payloads.user(id="77")), "guild_id": bystander["id"]})
        assert await heard.cache.get_member(int(bystander["id"]), 77) is not None
        await heard.cache.flush()
        await read_everything(heard)
        if name != "READY":  # a malformed READY may well say that guilds are gone
            after = await heard.stored(int(bystander["id"]))
            assert after.pop(("members", (int(bystander["id"]), 77)))
            assert after == before


@pytest.mark.parametrize("kind", VIEWS)
async def test_what_hikari_cannot_make_is_counted_and_nobody_is_hurt(sqlite_url: str, kind: str) -> None:
    entity, chance = ENTITIES[kind], random.Random(kind)
    async with Hearing(sqlite_url) as heard:
        reader = await heard.cache._answering()
        for sample in (sample for sample in SAMPLES if sample.kind == kind):
            record = entity.record(sample.payload, sample.guild_id, Origin("gateway", 0, 1, ""))
            for payload in spoilt(sample.payload, chance):
                before = heard.cache.gauges.undecodable[kind]
                made = reader.decoded(entity, record._replace(payload=payload))
                assert (made is None) is (heard.cache.gauges.undecodable[kind] == before + 1)


@pytest.mark.parametrize("wrong", [{}, "", "7", 0, {"id": "7"}], ids=repr)
@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("READY", "guilds"),
        ("GUILD_CREATE", "roles"),
        ("GUILD_CREATE", "channels"),
        ("GUILD_UPDATE", "emojis"),
        ("GUILD_EMOJIS_UPDATE", "emojis"),
        ("GUILD_STICKERS_UPDATE", "stickers"),
        ("THREAD_LIST_SYNC", "threads"),
    ],
)
async def test_what_is_no_list_clears_nothing(
    heard: Hearing, guild: Payload, name: str, field: str, wrong: object
) -> None:
    before = await heard.stored()
    await heard.hear(name, {**catalogue(guild)[name], field: wrong})
    assert heard.cache.gauges.quarantined == {name: 1}
    assert await heard.stored() == before


async def test_a_strange_thing_spoils_no_event_about_its_neighbours(heard: Hearing, guild: Payload) -> None:
    strange = payloads.text_channel(guild["id"], parent_id={"a": "dict"}, permission_overwrites=[{"type": 0}, None])
    role = guild["roles"][1]["id"]
    good = payloads.text_channel(guild["id"], permission_overwrites=[payloads.overwrite(role)])
    for channel in (strange, good):
        await heard.hear("CHANNEL_CREATE", channel)
    await heard.hear("GUILD_ROLE_DELETE", {"guild_id": guild["id"], "role_id": role})
    await heard.hear("CHANNEL_DELETE", guild["channels"][0])
    await heard.cache.flush()
    found = await heard.cache.get_guild_channel(int(good["id"]))
    assert found is not None
    assert found.permission_overwrites == {}
    assert await heard.cache.get_role(int(role)) is None
    assert await heard.cache.channels.entry(int(guild["channels"][0]["id"])) is None
    assert set(heard.cache.gauges.quarantined) == {"channels"}


async def test_stored_things_with_strange_insides_do_not_stop_what_is_done_to_all(
    heard: Hearing, guild: Payload
) -> None:
    role = guild["roles"][1]["id"]
    strange = payloads.text_channel(guild["id"], permission_overwrites=[{"type": 0}, None, role])
    good = payloads.text_channel(guild["id"], permission_overwrites=[payloads.overwrite(role)])
    for channel in (strange, good):
        await heard.hear("CHANNEL_CREATE", channel)
    await heard.cache.flush()
    await heard.hear("GUILD_ROLE_DELETE", {"guild_id": guild["id"], "role_id": role})
    async for cache in heard.answers():
        found = await cache.get_guild_channel(int(good["id"]))
        assert found is not None
        assert found.permission_overwrites == {}


async def test_one_poisoned_member_in_a_thousand_costs_only_itself(heard: Hearing, guild: Payload) -> None:
    members = [payloads.member(payloads.user()) for _ in range(1000)]
    poisoned = members[500]
    chunk = [*members[:500], {**poisoned, "joined_at": {"not": "a time"}}, *members[501:]]
    await heard.hear("GUILD_MEMBERS_CHUNK", {"guild_id": guild["id"], "members": chunk, "not_found": []})
    await heard.cache.flush()
    guild_id = int(guild["id"])
    found = await heard.cache.members.get_many(guild_id, [int(member["user"]["id"]) for member in members])
    assert (len(found), found.missing) == (999, (int(poisoned["user"]["id"]),))
    assert heard.cache.gauges.quarantined == {"members": 1}
    (left_out,) = heard.cache.quarantine
    assert left_out.key == (guild_id, int(poisoned["user"]["id"]))
    assert set(ENTITIES) >= set(heard.cache.gauges.quarantined)


async def test_what_people_wrote_is_not_logged_when_it_cannot_be_used(
    heard: Hearing, caplog: pytest.LogCaptureFixture
) -> None:
    guild = payloads.guild(own_user=_OWN, threads=2)
    await heard.ready(guild)
    message = catalogue(guild)["MESSAGE_CREATE"]
    for odd in ({"content": ["my secret"]}, {"attachments": {"filename": "my secret"}}, {"flags": ["my secret"]}):
        await heard.hear("MESSAGE_CREATE", {**message, **odd})
        await heard.cache.flush()
    assert len(heard.cache.quarantine) == 3
    assert "my secret" not in caplog.text
