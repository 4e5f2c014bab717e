"""The building blocks for rows of the table of entities."""

from __future__ import annotations

import typing
from collections.abc import Mapping

import hikari

from .model import Key, Kind, Payload, Record

__all__ = ("ID", "MEMBER", "Intents", "guild", "own_id", "user_in")

Intents = hikari.Intents
ID: typing.Final[Mapping[str, Kind]] = {"id": "snowflake"}
"""The key of kinds with their own ids."""

MEMBER: typing.Final[Mapping[str, Kind]] = {"guild_id": "snowflake", "user_id": "snowflake"}
"""The key of kinds with one object per member of a guild."""


def own_id(payload: Payload, _: int | None) -> Key:
    """Identify an object by its id."""
    return (int(payload["id"]),)


def user_in(payload: Payload, guild_id: int | None) -> Key:
    """Identify an object by its guild and its user."""
    return (guild_id, int(payload["user"]["id"]))  # type: ignore[return-value] # a cast would be a call for each member


def guild(record: Record) -> hikari.Snowflake:
    """Return the guild of a record.

    Raises
    ------
    LookupError
        If it belongs to none.
    """
    if record.guild_id is None:
        msg = f"{record.entity.name} {record.key} belongs to no guild"
        raise LookupError(msg)
    return hikari.Snowflake(record.guild_id)
