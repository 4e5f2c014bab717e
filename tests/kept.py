"""Functions that rules files name."""

from __future__ import annotations

import hikari

import persist

__all__ = ("is_human", "of_guild")


def is_human(member: hikari.Member) -> bool:
    return not member.is_bot


def of_guild(guild_id: hikari.Snowflake) -> persist.Rules | None:
    return persist.Rules.minimal() if guild_id == 5 else None
