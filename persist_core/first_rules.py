"""Rules under their names from the first release: thin wrappers of :class:`persist.Rules` and :class:`persist.Keep`."""

from __future__ import annotations

import typing
from collections.abc import Callable, Collection, Iterable

import hikari

from .errors import QueryError
from .filters import not_
from .keep import Ids, Keep
from .rules import Rules

__all__ = ("ChannelRule", "GuildRule", "MemberRule", "MessageRule", "RoleRule", "Rule")

T = typing.TypeVar("T")
Id: typing.TypeAlias = hikari.SnowflakeishOr[hikari.Unique]
List: typing.TypeAlias = Iterable[Id] | None
"""An empty list meant everything in the first release, like none at all."""


def Rule(  # noqa: N802 - it was a class
    *,
    channel: Keep[hikari.PermissibleGuildChannel] | None = None,
    guild: Keep[hikari.GatewayGuild] | None = None,
    member: Keep[hikari.Member] | None = None,
    role: Keep[hikari.Role] | None = None,
    message: Keep[hikari.Message] | None = None,
) -> Rules:
    """Return ``Rules(channels=channel, guilds=guild, members=member, roles=role, messages=message)``."""
    return Rules(channels=channel, guilds=guild, members=member, roles=role, messages=message)


def GuildRule(  # noqa: N802 - it was a class
    *,
    guild_allowlist: List = None,
    guild_denylist: List = None,
    predicate: Callable[[hikari.GatewayGuild], bool] | None = None,
) -> Keep[hikari.GatewayGuild]:
    """Return a :class:`Keep` for guilds. Of guilds that are not allowed, or are denied, nothing is kept."""
    return Keep(guilds=_ids("guild", guild_allowlist, guild_denylist), predicate=predicate)


def ChannelRule(  # noqa: N802 - it was a class
    *,
    channel_allowlist: List = None,
    channel_denylist: List = None,
    guild_allowlist: List = None,
    guild_denylist: List = None,
    predicate: Callable[[hikari.PermissibleGuildChannel], bool] | None = None,
) -> Keep[hikari.PermissibleGuildChannel]:
    """Return a :class:`Keep` for channels."""
    return Keep(
        channels=_ids("channel", channel_allowlist, channel_denylist),
        guilds=_ids("guild", guild_allowlist, guild_denylist),
        predicate=predicate,
    )


def MemberRule(  # noqa: N802 - it was a class
    *,
    guild_allowlist: List = None,
    guild_denylist: List = None,
    user_allowlist: List = None,
    user_denylist: List = None,
    predicate: Callable[[hikari.Member], bool] | None = None,
) -> Keep[hikari.Member]:
    """Return a :class:`Keep` for members."""
    return Keep(
        guilds=_ids("guild", guild_allowlist, guild_denylist),
        users=_ids("user", user_allowlist, user_denylist),
        predicate=predicate,
    )


def RoleRule(  # noqa: N802 - it was a class
    *,
    guild_allowlist: List = None,
    guild_denylist: List = None,
    role_allowlist: List = None,
    role_denylist: List = None,
    predicate: Callable[[hikari.Role], bool] | None = None,
) -> Keep[hikari.Role]:
    """Return a :class:`Keep` for roles."""
    return Keep(
        guilds=_ids("guild", guild_allowlist, guild_denylist),
        roles=_ids("role", role_allowlist, role_denylist),
        predicate=predicate,
    )


def MessageRule(  # noqa: N802 - like the others
    *,
    guild_allowlist: List = None,
    guild_denylist: List = None,
    channel_allowlist: List = None,
    channel_denylist: List = None,
    user_allowlist: List = None,
    user_denylist: List = None,
    predicate: Callable[[hikari.Message], bool] | None = None,
) -> Keep[hikari.Message]:
    """Return a :class:`Keep` for messages."""
    return Keep(
        guilds=_ids("guild", guild_allowlist, guild_denylist),
        channels=_ids("channel", channel_allowlist, channel_denylist),
        users=_ids("user", user_allowlist, user_denylist),
        predicate=predicate,
    )


def _ids(name: str, allowed: List, denied: List) -> Ids:
    allowlist, denylist = _listed(f"{name}_allowlist", allowed), _listed(f"{name}_denylist", denied)
    if allowlist:
        return {int(one) for one in allowlist} - {int(one) for one in denylist}
    return not_(denylist) if denylist else None


def _listed(name: str, ids: object) -> Collection[Id]:
    found: Collection[object] = () if ids is None else list(ids) if isinstance(ids, Iterable) else (None,)
    if isinstance(ids, str) or not all(isinstance(one, int | hikari.Unique) for one in found):
        msg = f"{name} must be a collection of ids, not {ids!r}"
        raise QueryError(msg)
    return typing.cast("Collection[Id]", found)
