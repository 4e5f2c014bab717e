"""Records for the contract of stores: small, in the form in which Discord sends them, with varied columns."""

from __future__ import annotations

import typing
from collections.abc import Sequence

from .entities import CHANNELS, GUILDS, INVITES, MEMBERS, MESSAGES, ROLES, THREADS, USERS, VOICE_STATES
from .model import Origin, Payload, Record

__all__ = (
    "ODDITIES",
    "channel",
    "family",
    "guild",
    "invite",
    "member",
    "message",
    "moment",
    "origin",
    "role",
    "thread",
    "user",
    "varied",
    "voice_state",
    "without_joins",
)


def moment(second: int) -> str:
    """Return a time in the format of a ``time`` column."""
    return f"2024-05-06 07:{second // 60:02d}:{second % 60:02d}.{second:06d}"


def origin(second: int = 0, source: str = "gateway") -> Origin:
    """Return the source and time of a record."""
    return Origin(source, 3, 1_700_000_000_000_000 + second, moment(second))


def user(snowflake: int, at: int = 0, **fields: typing.Any) -> Record:
    return USERS.record({"id": str(snowflake), **fields}, None, origin(at))


def guild(snowflake: int, at: int = 0, **fields: typing.Any) -> Record:
    return GUILDS.record({"id": str(snowflake), **fields}, None, origin(at))


def channel(snowflake: int, guild_id: int, at: int = 0, **fields: typing.Any) -> Record:
    return CHANNELS.record({"id": str(snowflake), **fields}, guild_id, origin(at))


def thread(snowflake: int, guild_id: int, parent: int, at: int = 0, **fields: typing.Any) -> Record:
    return THREADS.record({"id": str(snowflake), "parent_id": str(parent), **fields}, guild_id, origin(at))


def role(snowflake: int, guild_id: int, at: int = 0, **fields: typing.Any) -> Record:
    return ROLES.record({"id": str(snowflake), **fields}, guild_id, origin(at))


def member(guild_id: int, snowflake: int, at: int = 0, **fields: typing.Any) -> Record:
    return MEMBERS.record({"user": {"id": str(snowflake)}, **fields}, guild_id, origin(at))


def message(snowflake: int, channel_id: int, guild_id: int | None = None, at: int = 0, **fields: typing.Any) -> Record:
    return MESSAGES.record({"id": str(snowflake), "channel_id": str(channel_id), **fields}, guild_id, origin(at))


def voice_state(guild_id: int, snowflake: int, channel_id: int, at: int = 0) -> Record:
    payload = {"user_id": str(snowflake), "channel_id": str(channel_id)}
    return VOICE_STATES.record(payload, guild_id, origin(at))


def invite(code: str, guild_id: int, channel_id: int, at: int = 0) -> Record:
    return INVITES.record({"code": code, "channel_id": str(channel_id)}, guild_id, origin(at))


def without_joins(record: Record) -> Payload:
    """Return a payload without the parts that are stored under their own kinds."""
    return {name: value for name, value in record.payload.items() if name not in record.entity.joins}


def family(guild_id: int) -> list[Record]:
    """Return a guild and everything in it, with ids that are unique to it."""
    return [
        guild(guild_id, name=f"guild {guild_id}"),
        channel(guild_id + 1, guild_id, name="general"),
        channel(guild_id + 2, guild_id, name="other"),
        thread(guild_id + 3, guild_id, guild_id + 1),
        thread(guild_id + 4, guild_id, guild_id + 2),
        role(guild_id + 5, guild_id, name="role"),
        member(guild_id, 7, roles=[str(guild_id + 5)]),
        voice_state(guild_id, 7, guild_id + 1),
        message(guild_id + 6, guild_id + 1, guild_id),
        message(guild_id + 7, guild_id + 2, guild_id),
        message(guild_id + 8, guild_id + 3, guild_id),
        message(guild_id + 9, guild_id + 4, guild_id),
        invite(f"invite {guild_id}", guild_id, guild_id + 1),
    ]


ODDITIES: typing.Final[Sequence[str]] = (
    *(
        "",
        " ",
        "a",
        "A",
        "a ",
        "aa",
        "ab",
        "b",
        "ä",
        "a\u0308",
        "ß",
        "ss",
        "\u0131",
        "I",
        "\ufb01",
        "fi",
        "\u200b",
        "\u202e",
    ),
    *("a\0", "a\0b", "\0", "\0\0", "\0\1", "\0\2", "\1", "\1\1", "\1\2", "\2", "\2\1", "\2\2", "\1\1\1\2", "\3"),
    *(
        "'",
        '"',
        "\\",
        "\\'",
        "\\0",
        "\\u0000",
        "\\\\u0001",
        "%",
        "_",
        "%s",
        "?",
        "$1",
        ":x",
        "{}",
        "--",
        ";",
        "`",
        "/*",
    ),
    *("\t", "\n", "\r\n", "\x1a", "\x7f", "\x80", "\ud7ff", "\ue000", "\ufeff", "\ufffd", "\ufffe", "\uffff"),
    *("\U00010000", "\U0001f600", "\U0001f600\U0001f3fd", "\U0010ffff", "\U0010ffff\0"),
)
"""Distinct strings, each of which some database confuses with another one, or rejects."""


def varied() -> list[Record]:
    """Return members and users with varied values in columns of every type, including NULL."""
    records: list[Record] = []
    for number in range(48):
        fields: dict[str, typing.Any] = {}
        if number % 3:
            fields |= {
                "username": ODDITIES[number * 2 % len(ODDITIES)],
                "public_flags": -1 << 63 if number % 11 == 10 else (number % 5) << 60,
                "bot": number % 2 == 0,
            }
        if number % 4 == 0:
            fields["global_name"] = None
        records.append(user(number + 1, **fields))
    for number in range(24):
        fields = {"roles": [str(part) for part in (5, 55, 555, number) if number % (part + 1) % 3 == 1]}
        if number % 3:
            fields |= {
                "nick": f"n{number % 4}",
                "joined_at": f"2024-01-{number % 6 + 1:02d}T00:00:00.{number % 2}+00:00",
            }
        records.append(member(100 + number // 12, (number << 22) + number, **fields))
    return records
