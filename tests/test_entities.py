"""Every kind of object comes out of a database as it went in, and as hikari itself makes it."""

from __future__ import annotations

import datetime
import pathlib
import re
import sqlite3
import typing
from collections.abc import AsyncIterator, Iterator

import hikari
import orjson
import pytest
from alike import assert_alike
from fakecord import Payload, payloads
from hearing import ME, Hearing
from samples import BUILT, GUILD, SAMPLES, Sample

import persist
from persist.entities import ENTITIES
from persist.model import Column, Decoder, Entity, Key, Kind, Origin, Record

_ORIGIN: typing.Final = Origin("gateway", 0, 17, "2026-01-02 03:04:05.000006")


@pytest.fixture(params=["sqlite", "memory"])
async def heard(request: pytest.FixtureRequest, sqlite_url: str) -> AsyncIterator[Hearing]:
    async with Hearing(sqlite_url if request.param == "sqlite" else "memory://") as heard:
        heard.consume("READY", {"user": payloads.own_user(id=ME), "guilds": []})
        yield heard


def record_of(sample: Sample) -> Record:
    return ENTITIES[sample.kind].record(sample.payload, sample.guild_id, _ORIGIN)


def remember(heard: Hearing, *samples: Sample) -> None:
    """Pass samples to the cache; ephemeral ones come from the running session."""
    for sample in samples:
        record = record_of(sample)
        if record.entity.ephemeral:
            if not heard.cache._running():  # it has been reopened
                heard.consume("READY", {"user": payloads.own_user(id=ME), "guilds": []})
            (running,) = heard.cache._running()
            record = record._replace(origin=record.origin._replace(epoch=running))
        heard.remember(record)


def as_json(payload: typing.Any) -> bytes:
    """Return a payload as JSON, in which the order of fields matters."""
    return orjson.dumps(payload)


def in_any_order(payload: typing.Any) -> bytes:
    return orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)


async def whole(heard: Hearing, entity: Entity[typing.Any], key: Key) -> tuple[Payload, object]:
    """Return the payload of a key and its hikari object, as readers get them."""
    reader = await heard.cache._answering()
    record = await reader.record(entity, key)
    assert record is not None
    (record,) = await reader.whole((record,))
    return dict(record.payload), await reader.get(entity, key)


def test_every_kind_has_payloads_here() -> None:
    assert {sample.kind for sample in SAMPLES} == ENTITIES.keys() == BUILT.keys()


def rounds(kind: str) -> Iterator[list[Sample]]:
    """Yield all samples of a kind in as few groups as possible, without two of the same key in a group."""
    left = [sample for sample in SAMPLES if sample.kind == kind]
    while left:
        lot = {record_of(sample).key: sample for sample in reversed(left)}
        yield list(lot.values())
        left = [sample for sample in left if sample is not lot[record_of(sample).key]]


@pytest.mark.parametrize("kind", ENTITIES)
async def test_what_is_stored_is_what_discord_said_and_what_hikari_makes(heard: Hearing, kind: str) -> None:
    for samples in rounds(kind):
        remember(heard, *samples)
        async for cache in heard.answers():
            for sample in samples:
                record = record_of(sample)
                if record.entity.ephemeral and not cache._running():  # reopened, it has no session yet
                    assert await (await cache._answering()).record(record.entity, record.key) is None
                    continue
                payload, value = await whole(heard, record.entity, record.key)
                spelled = in_any_order if record.entity.joins else as_json
                assert spelled(payload) == spelled(sample.payload), sample
                assert_alike(value, BUILT[kind](heard.bot.entity_factory, sample.payload, hikari.Snowflake(GUILD)))
                assert_usable(heard.bot, value)


def assert_usable(bot: hikari.GatewayBot, value: object) -> None:
    """Fail unless ids have hikari's type and the app is the bot."""
    assert getattr(value, "app", bot) is bot
    for name in ("id", "guild_id", "channel_id", "user_id", "parent_id"):
        found = getattr(value, name, None)
        assert found is None or type(found) is hikari.Snowflake


_SHAPES: typing.Final[dict[Kind, tuple[type, str]]] = {
    "snowflake": (int, "integer"),
    "integer": (int, "integer"),
    "boolean": (bool, "integer"),
    "text": (str, "text"),
    "time": (str, "text"),
    "snowflakes": (str, "text"),
}


def assert_of_kind(kind: Kind, value: object) -> None:
    """Fail unless a column's value has the form that its type guarantees to every database."""
    if value is None:
        return
    assert type(value) is _SHAPES[kind][0]
    if isinstance(value, int):
        assert -(2**63) <= value < 2**63
    elif kind == "time":
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", str(value))
        datetime.datetime.fromisoformat(str(value))
    elif kind == "snowflakes":
        assert re.fullmatch(r",|,(\d+,)+", str(value))


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_columns_are_of_their_kind(sample: Sample) -> None:
    record = record_of(sample)
    for name in (*record.entity.key, *record.entity.columns):
        assert_of_kind(record.entity.kind_of(name), record.column(name))


@pytest.mark.parametrize("kind", ENTITIES)
def test_columns_of_absent_and_null_fields_are_null(kind: str) -> None:
    for sample in (sample for sample in SAMPLES if sample.kind == kind):
        columns = ENTITIES[kind].columns
        assert [column.read({}) for column in columns.values()] == [None] * len(columns)
        assert [column.read(dict.fromkeys(sample.payload)) for column in columns.values()] == [None] * len(columns)
        for field in sample.payload:
            lacking = {name: value for name, value in sample.payload.items() if name != field}
            for column in columns.values():
                assert column.read(lacking) == column.read({**sample.payload, field: None})


async def test_columns_of_absent_fields_mean_what_hikari_takes_them_for() -> None:
    heard = Hearing("memory://")
    make = Decoder(heard.bot.entity_factory, hikari.Snowflake(ME), heard.bot)
    for sample in SAMPLES:
        for name, column in ENTITIES[sample.kind].columns.items():
            lacking = sample._replace(payload={k: v for k, v in sample.payload.items() if k != column.path})
            if column.path not in sample.payload or column.kind not in ("boolean", "integer"):
                continue
            try:
                taken = getattr(ENTITIES[sample.kind].decode(make, record_of(lacking)), name, column.absent)
            except Exception:  # noqa: BLE001 - hikari cannot do without it
                taken = column.absent
            assert (None if taken is hikari.UNDEFINED else taken) == column.absent, f"{sample.kind}.{name}"


@pytest.mark.parametrize("kind", ENTITIES)
def test_some_payload_fills_every_column(kind: str) -> None:
    records = [record_of(sample) for sample in SAMPLES if sample.kind == kind]
    never = [name for name in ENTITIES[kind].columns if all(record.column(name) is None for record in records)]
    assert never == []


async def test_the_database_holds_every_column_in_its_kind(sqlite_url: str, tmp_path: pathlib.Path) -> None:
    async with Hearing(sqlite_url) as heard:
        remember(heard, *SAMPLES)
    with sqlite3.connect(tmp_path / "cache.db") as database:
        for entity in ENTITIES.values():
            for name in (*entity.key, *entity.columns):
                found = {row[0] for row in database.execute(f'SELECT DISTINCT typeof("{name}") FROM "{entity.name}"')}
                assert found <= {"null", _SHAPES[entity.kind_of(name)][1]}, f"{entity.name}.{name}"
            (invalid,) = database.execute(f'SELECT COUNT(*) FROM "{entity.name}" WHERE NOT json_valid(payload)')
            assert invalid == (0,)
    database.close()


_WRONG: typing.Final[tuple[object, ...]] = ("x", "7", 7, 1.5, True, ["x"], [7], [], {}, {"id": "7"}, None)


@pytest.mark.parametrize("kind", sorted(ENTITIES))
def test_many_rows_are_what_each_of_them_would_be(kind: str) -> None:
    entity = ENTITIES[kind]
    good = [sample.payload for sample in SAMPLES if sample.kind == kind] or [{}]
    for column in entity.columns.values():
        root = (column.path or "nothing").split(".")[0]
        spoilt = [{**payload, root: value} for payload in good for value in _WRONG]
        some: list[list[Payload]] = [[*good, *spoilt], [*spoilt, {}], good, [{}]]
        for payloads_of_it in some:
            readable = [payload for payload in payloads_of_it if _is_read(column, payload)]
            assert list(column.of(readable)) == [column.read(payload) for payload in readable]
            for payload in payloads_of_it:
                if not _is_read(column, payload):
                    with pytest.raises((LookupError, TypeError, ValueError, AttributeError)):
                        column.of([*readable, payload])


_USUAL: typing.Final = "2015-04-26T06:26:56.936000+00:00"
_SHORT, _LONG = "2015-04-26T06:26:56.93600+00:00", "2015-04-26T06:26:56.9360000+00:00"


@pytest.mark.parametrize(
    "told",
    [
        [_USUAL, _USUAL.replace("2015", "2016")],
        [_USUAL, "2015-04-26T08:26:56.936000+02:00"],
        [_USUAL, "2015-04-26T06:26:56Z", _USUAL],
        [_USUAL, None],
        [_USUAL, _USUAL.replace("T", " ")],
        [_SHORT, _LONG],  # together as long as two usual ones
        [_LONG, _SHORT],
        [_USUAL[:-6], f"{_USUAL[-6:]}{_USUAL}"],
    ],
    ids=str,
)
def test_many_moments_are_what_each_of_them_would_be(told: list[str | None]) -> None:
    column = ENTITIES["members"].columns["joined_at"]
    some: list[Payload] = [{"joined_at": moment} for moment in told]
    if all(_is_read(column, payload) for payload in some):
        assert list(column.of(some)) == [column.read(payload) for payload in some]
    else:
        with pytest.raises(ValueError, match="isoformat"):
            column.of(some)


def _is_read(column: Column, payload: Payload) -> bool:
    try:
        column.read(payload)
    except (LookupError, TypeError, ValueError, AttributeError):
        return False
    return True


def test_the_statuses_of_subscriptions_are_discords() -> None:
    # https://docs.discord.com/developers/resources/subscription#subscription-statuses
    assert {status.name: status.value for status in persist.SubscriptionStatus} == {
        "ACTIVE": 0,
        "INACTIVE": 1,
        "ENDING": 2,
    }


async def test_a_channel_of_an_unknown_type_is_kept_and_costs_no_other(heard: Hearing) -> None:
    strange, plain = payloads.unknown_channel(GUILD), payloads.text_channel(GUILD)
    remember(heard, Sample("channels", "strange", strange), Sample("channels", "plain", plain))
    for _ in range(2):
        entry = await heard.cache.channels.entry(int(strange["id"]))
        assert entry is not None
        assert (entry.value, entry.payload) == (None, strange)
        await heard.cache.flush()
    assert heard.cache.quarantine == ()
    before = heard.cache.gauges.undecodable["channels"]
    assert await heard.cache.channels.get(int(strange["id"])) is None
    assert heard.cache.gauges.undecodable["channels"] == before + 1
    assert [channel.id for channel in await heard.cache.channels.find()] == [int(plain["id"])]
    assert await heard.cache.channels.count(type=payloads.UNKNOWN_CHANNEL_TYPE) == 1
    assert await heard.cache.get_guild_channel(int(plain["id"])) is not None


async def test_a_user_is_stored_once_and_joined_where_it_is_asked_for(heard: Hearing) -> None:
    member = payloads.member(payloads.user(username="before"))
    remember(heard, Sample("members", "one", member))
    renamed = {**member["user"], "username": "after"}
    remember(heard, Sample("users", "renamed", renamed, None))
    for _ in range(2):
        found = await heard.cache.members.get(int(GUILD), int(renamed["id"]))
        assert found is not None
        assert found.username == "after"
        await heard.cache.flush()
    (row,) = (await heard.cache.members.entry(int(GUILD), int(renamed["id"])),)
    assert row is not None
    assert row.payload == {**member, "user": renamed}


def hikaris(bot: hikari.GatewayBot, guild_id: int) -> dict[str, typing.Mapping[typing.Any, object]]:
    """Return everything that hikari's own cache knows about a guild."""
    mine = bot.cache
    return {
        "channels": mine.get_guild_channels_view_for_guild(guild_id),
        "threads": mine.get_threads_view_for_guild(guild_id),
        "roles": mine.get_roles_view_for_guild(guild_id),
        "emojis": mine.get_emojis_view_for_guild(guild_id),
        "stickers": mine.get_stickers_view_for_guild(guild_id),
        "members": mine.get_members_view_for_guild(guild_id),
        "presences": mine.get_presences_view_for_guild(guild_id),
        "voice_states": mine.get_voice_states_view_for_guild(guild_id),
    }


async def ours(heard: Hearing, guild_id: int) -> dict[str, typing.Mapping[typing.Any, object]]:
    """Return everything that the cache knows about a guild, by the same names."""
    cache = heard.cache
    return {
        "channels": await cache.get_guild_channels_view_for_guild(guild_id),
        "threads": await cache.get_threads_view_for_guild(guild_id),
        "roles": await cache.get_roles_view_for_guild(guild_id),
        "emojis": await cache.get_emojis_view_for_guild(guild_id),
        "stickers": await cache.get_stickers_view_for_guild(guild_id),
        "members": await cache.get_members_view_for_guild(guild_id),
        "presences": await cache.get_presences_view_for_guild(guild_id),
        "voice_states": await cache.get_voice_states_view_for_guild(guild_id),
    }


async def test_a_whole_guild_is_what_hikaris_own_cache_makes_of_it(sqlite_url: str) -> None:
    guild = payloads.guild(own_user=payloads.own_user(id=ME), members=12, threads=4, voice_states=3)
    guild_id = int(guild["id"])
    async with Hearing(sqlite_url, hikari_caches=True) as heard:
        await heard.ready(guild)
        assert_alike(await heard.cache.get_guild(guild_id), heard.bot.cache.get_guild(guild_id))
        assert_alike(await heard.cache.get_me(), heard.bot.cache.get_me())
        expected, found = hikaris(heard.bot, guild_id), await ours(heard, guild_id)
        for kind, things in expected.items():
            assert dict(things).keys() == dict(found[kind]).keys()
            for key, thing in things.items():
                assert_alike(found[kind][key], thing)
