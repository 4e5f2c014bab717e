"""Payloads that other projects have recorded or made up pass through the cache, and come back as hikari reads them."""

from __future__ import annotations

import asyncio
import typing
from collections.abc import Iterator, Mapping

import corpus
import hikari
from alike import differences
from hearing import ME, Hearing
from samples import BUILT, GUILD

from persist.entities import ENTITIES
from persist.events import EVENTS
from persist.model import Entity, Key, Origin

_READY: typing.Final = {"user": {"id": ME, "username": "bot", "discriminator": "0"}, "guilds": []}
_ORIGIN: typing.Final = Origin("gateway", 0, 1, "2026-01-01 00:00:00.000000")
_KINDS: typing.Final[Mapping[str, str]] = {
    # REST sends a subscriber of an event with a whole user, of another kind: tests/test_entities.py tests these.
    **{name.removesuffix("s"): name for name in BUILT if name != "scheduled_event_users"},
    "known_custom_emoji": "emojis",
    "invite_with_metadata": "invites",
}
"""The corpus's names for the kinds of objects."""

_TOLD: typing.Final[Mapping[str, tuple[str, str | None]]] = {
    "MESSAGE_CREATE": ("messages", None),
    "CHANNEL_CREATE": ("channels", None),
    "CHANNEL_UPDATE": ("channels", None),
    "THREAD_CREATE": ("threads", None),
    "THREAD_UPDATE": ("threads", None),
    "GUILD_ROLE_CREATE": ("roles", "role"),
    "GUILD_ROLE_UPDATE": ("roles", "role"),
    "GUILD_MEMBER_ADD": ("members", None),
    "GUILD_MEMBER_UPDATE": ("members", None),
    "PRESENCE_UPDATE": ("presences", None),
    "VOICE_STATE_UPDATE": ("voice_states", None),
    "INVITE_CREATE": ("invites", None),
}
"""The events that contain a complete object: its kind, and its field."""


def events() -> Iterator[corpus.Sample]:
    return (sample for sample in corpus.payloads() if sample.kind.isupper())


async def made(heard: Hearing, entity: Entity[typing.Any], key: Key) -> object:
    return await (await heard.cache._answering()).get(entity, key)


def by_hikari(heard: Hearing, kind: str, payload: typing.Any, guild_id: object) -> object:
    """Return what hikari makes of an object; ``None`` if it cannot read it, or it belongs to no guild."""
    try:
        thing = BUILT[kind](heard.bot.entity_factory, payload, hikari.Snowflake(str(guild_id)))
    except (LookupError, TypeError, ValueError, hikari.UnrecognisedEntityError):
        return None
    if isinstance(thing, hikari.VoiceState) and thing.member is not None and thing.member.id != thing.user_id:
        return None  # another user's member, which only a made-up voice state has
    return None if isinstance(thing, hikari.PrivateChannel) else thing


def _unended(entity: Entity[typing.Any], payload: Mapping[str, object]) -> dict[str, object]:
    """Return a later end for objects that have ended since they were recorded, as the cache does not return those."""
    return {entity.ends: "2100-01-01T00:00:00+00:00"} if entity.ends and payload.get(entity.ends) else {}


async def test_every_recorded_event_is_heard_and_nobody_complains(sqlite_url: str) -> None:
    complaints: set[str] = set()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.add(context["message"]))
    async with Hearing(sqlite_url, hikari_caches=True) as heard:
        heard.consume("READY", _READY)
        for sample in events():
            before = len(heard.cache.quarantine)
            await heard.hear(sample.kind, sample.data)
            await heard.cache.flush()
            assert len(heard.cache.quarantine) == before or not sample.hikari_ok, sample.source
        assert heard.cache.gauges.unknown.keys().isdisjoint(EVENTS)
        for kind in ("guilds", "channels", "threads", "members", "messages", "presences", "voice_states"):
            async for _ in getattr(heard.cache, kind).find():
                pass
    # hikari's own cache may be unable to read payloads that another library has made up.
    assert complaints <= {"Exception occurred in raw event dispatch conduit"}


async def test_no_recorded_event_makes_a_message_known_but_its_creation() -> None:
    async with Hearing("memory://") as heard:
        for sample in events():
            if sample.kind != "MESSAGE_CREATE":
                await heard.hear(sample.kind, sample.data)
        assert await heard.cache.messages.count() == 0


async def test_what_a_recorded_event_tells_is_what_hikari_reads() -> None:
    compared: set[str] = set()
    for sample in events():
        if sample.kind not in _TOLD or not sample.hikari_ok:
            continue
        async with Hearing("memory://") as heard:
            heard.consume("READY", _READY)
            await heard.hear(sample.kind, sample.data)
            kind, field = _TOLD[sample.kind]
            payload, guild_id = sample.data[field] if field else sample.data, sample.data.get("guild_id")
            expected = by_hikari(heard, kind, payload, guild_id or 0)
            if expected is None or (guild_id is None and kind != "messages"):
                continue
            if payload.get("status") == "offline" or payload.get("channel_id", "") is None:
                continue
            key = ENTITIES[kind].identify(payload, guild_id and int(guild_id))
            for _ in range(2):
                found = await made(heard, ENTITIES[kind], key)
                assert list(differences(found, expected)) == [], sample.source
                await heard.cache.flush()
            compared.add(sample.kind)
    assert len(compared) >= 8


async def test_recorded_things_come_back_as_hikari_reads_them() -> None:
    compared: set[str] = set()
    for sample in corpus.payloads():
        if (kind := _KINDS.get(sample.kind)) is None or not sample.hikari_ok:
            continue
        async with Hearing("memory://") as heard:
            heard.consume("READY", _READY)
            entity = ENTITIES[kind]
            told = {**sample.data, **_unended(entity, sample.data)}
            public = {name: value for name, value in told.items() if name not in entity.secrets}
            if (expected := by_hikari(heard, kind, public, GUILD)) is None:
                continue
            (running,) = heard.cache._running()  # ephemeral objects belong to the session that sent them
            origin = _ORIGIN._replace(epoch=running)
            record = entity.record(told, int(GUILD) if entity.in_guild else None, origin)
            if any(isinstance(part, int) and part >= 1 << 63 for part in record.key):
                continue  # made up: no snowflake is that late
            heard.remember(record)
            for _ in range(2):
                found = await made(heard, entity, record.key)
                assert list(differences(found, expected)) == [], sample.source
                await heard.cache.flush()
            compared.add(kind)
            assert heard.cache.quarantine == ()
    assert len(compared) >= 10
