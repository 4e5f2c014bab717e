"""The workload: payloads of the size that Discord sends, and a bot that is not connected."""

from __future__ import annotations

import hashlib
import random
import typing
from collections.abc import Iterable, Iterator, Mapping

import hikari

__all__ = ("ORIGIN_AT", "bot", "guild", "members", "message", "presences", "ready")

ORIGIN_AT: typing.Final = "2026-01-01 00:00:00.000000"


def bot(
    components: hikari.api.CacheComponents = hikari.api.CacheComponents.NONE, rest_url: str | None = None
) -> hikari.GatewayBot:
    """Return a bot that requests no members and uses the simulator at a URL, or never connects."""
    settings = hikari.impl.CacheSettings(components=components)
    return hikari.GatewayBot(
        "OTAw.fake.token",
        rest_url=rest_url,
        intents=hikari.Intents.ALL,
        auto_chunk_members=False,
        cache_settings=settings,
        banner=None,
        logs=None,
        suppress_optimization_warning=True,
    )


def members(count: int) -> Iterator[Mapping[str, typing.Any]]:
    """Yield members of about 650 bytes of JSON each, with distinct hashes, names and times, like Discord's."""
    for number in range(count):
        chance = hashlib.blake2b(str(number).encode(), digest_size=16).hexdigest()
        snowflake = str(700_000_000_000_000_000 + number * 4_194_304 + int(chance[:5], 16))
        user = {
            "id": snowflake,
            "username": f"{chance[8:14]}{number}",
            "discriminator": "0",
            "global_name": f"Diver {chance[14:22]}",
            "avatar": f"a_{chance}",
            "avatar_decoration_data": {"asset": "a_fed43ab12698df65902ba06727e20c0e", "sku_id": "1144058844004233369"},
            "collectibles": None,
            "primary_guild": None,
            "public_flags": 64,
            "banner": None,
            "accent_color": None,
        }
        yield {
            "user": user,
            "nick": f"Nick {number}" if number % 3 == 0 else None,
            "avatar": None,
            "banner": None,
            "roles": [str(600_000_000_000_000_000 + number % 7), "600000000000000100"],
            "joined_at": f"20{15 + int(chance[0], 16) % 10}-04-1{int(chance[1], 16) % 10}"
            f"T05:20:{int(chance[2], 16) + 10}.{int(chance[3:8], 16) % 1_000_000:06}+00:00",
            "premium_since": None,
            "deaf": False,
            "mute": False,
            "flags": 0,
            "pending": False,
            "communication_disabled_until": None,
            "avatar_decoration_data": None,
            "collectibles": None,
        }


def message(number: int) -> dict[str, typing.Any]:
    """Return a MESSAGE_CREATE of about 1,300 bytes of JSON, by one of fifty members."""
    author = next(members(1)) if number % 50 == 0 else _AUTHORS[number % 50]
    return {
        "id": str(900_000_000_000_000_000 + number * 4_194_304),
        "channel_id": str(500_000_000_000_000_000 + number % 8),
        "guild_id": "400000000000000000",
        "channel_type": 0,
        "author": author["user"],
        "member": {name: value for name, value in author.items() if name != "user"},
        "content": _TALK[(start := number * 37 % (len(_TALK) - _LENGTH)) : start + _LENGTH],
        "timestamp": "2026-01-01T00:00:00.342000+00:00",
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "components": [],
        "pinned": False,
        "type": 0,
        "flags": 0,
        "nonce": str(number),
    }


def _talk() -> str:
    """Return a plausible text: a few words make up most of it, as in real language (Zipf)."""
    chance = random.Random(2)
    words = ["".join(chance.choices("etaoinshrdlu", k=chance.randrange(2, 9))) for _ in range(2000)]
    return " ".join(chance.choices(words, [1 / (place + 1) for place in range(len(words))], k=40_000))


_LENGTH: typing.Final = 236
_TALK: typing.Final = _talk()
_AUTHORS: typing.Final = list(members(50))


def presences(count: int, people: int) -> Iterator[Mapping[str, typing.Any]]:
    """Yield presences, most of them of few people: the n-th person's frequency is 1 / n ** 1.1 (Zipf)."""
    chance = random.Random(1)
    weights = [1 / (number + 1) ** 1.1 for number in range(people)]
    for event, person in enumerate(chance.choices(range(people), weights, k=count)):
        yield {
            "guild_id": "400000000000000000",
            "user": {"id": str(700_000_000_000_000_000 + person * 4_194_304)},
            "status": ("online", "idle", "dnd")[event % 3],
            "activities": [{"name": f"game {event}", "type": 0, "created_at": 1_767_225_600_000 + event, "id": "1"}],
            "client_status": {"desktop": "online"},
        }


def ready(guilds: Iterable[int]) -> Mapping[str, typing.Any]:
    """Return the payload that starts a session of a bot in some guilds."""
    return {
        "v": 10,
        "user": {**_AUTHORS[0]["user"], "id": "900000000000000001", "bot": True},
        "guilds": [{"id": str(guild), "unavailable": True} for guild in guilds],
        "session_id": "x",
        "resume_gateway_url": "ws://127.0.0.1",
        "application": {"id": "900000000000000001", "flags": 0},
    }


def guild(count: int) -> Mapping[str, typing.Any]:
    """Return a guild with this many members, 250 of which it lists."""
    return {
        "id": "400000000000000000",
        "name": "Lighthouse",
        "owner_id": _AUTHORS[0]["user"]["id"],
        "member_count": count,
        "large": True,
        "unavailable": False,
        "members": list(members(min(count, 250))),
        **{
            name: []
            for name in ("channels", "roles", "emojis", "stickers", "threads", "voice_states", "presences", "ready")
        },
    }
