"""Checks of the arguments of a cache, before anything is done with them."""

from __future__ import annotations

import typing

import hikari

from . import chunking
from .errors import QueryError
from .hosts import intents_of

__all__ = ("check_bot", "check_flag", "check_limits", "check_members", "check_memory")


def check_bot(bot: object) -> None:
    """Raise a `persist.QueryError` for what no cache can be attached to, and for a bot that would receive nothing."""
    if isinstance(bot, type) or not isinstance(bot, hikari.GatewayBotAware | hikari.RESTBotAware):
        msg = f"a cache attaches to a hikari.GatewayBot or RESTBot, not to {bot!r}; without one, use persist.connect"
        raise QueryError(msg)
    if not intents_of(bot) & hikari.Intents.GUILDS:
        msg = "the bot lacks the GUILDS intent, without which Discord sends nothing to store; add hikari.Intents.GUILDS"
        raise QueryError(msg)


def check_limits(interval: object, limit: object, stop_timeout: object, strict: object) -> None:
    """Raise a `persist.QueryError` for an invalid number of seconds or changes, and for an invalid flag."""
    for name, value in (("interval", interval), ("stop_timeout", stop_timeout)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            msg = f"{name} must be a number of seconds above zero, not {value!r}"
            raise QueryError(msg)
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        msg = f"limit must be a whole number above zero, not {limit!r}"
        raise QueryError(msg)
    check_flag("strict", strict)


def check_flag(name: str, value: object) -> None:
    """Raise a `persist.QueryError` for what is not a bool: words such as "no" would count as true."""
    if not isinstance(value, bool):
        msg = f"{name} must be True or False, not {value!r}"
        raise QueryError(msg)


def check_members(members: object) -> None:
    """Raise a `persist.QueryError` for an invalid policy of requesting members."""
    if members not in typing.get_args(chunking.Policy):
        msg = f'members must be "never", "stale" or "always", not {members!r}'
        raise QueryError(msg)


def check_memory(memory: object) -> None:
    """Raise a `persist.QueryError` for an invalid size of the memory tier."""
    if memory is None:
        return
    if isinstance(memory, bool) or not isinstance(memory, int | float) or not 0 <= memory < float("inf"):
        msg = f"memory must be a number of MiB, or None for no memory, not {memory!r}"
        raise QueryError(msg)
