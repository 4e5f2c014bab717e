"""A common interface to the other caches, for scenes that are the same for all; each is imported only when needed."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import re
import typing
from collections.abc import Awaitable, Callable, Iterable

import hikari

__all__ = ("SYSTEMS", "Cached", "forget_the_only_one")


async def _nothing() -> None:
    pass


@dataclasses.dataclass(kw_only=True)
class Cached:
    """What a scene needs from a cache."""

    kinds: Iterable[str]
    """The kinds of objects that its public methods return."""

    asks: Iterable[str]
    """The ways to look up channels."""

    members: Callable[[int], Awaitable[int]]
    guilds: Callable[[], Awaitable[set[int]]]
    role: Callable[[int, int], Awaitable[str | None]]
    member: Callable[[int, int], Awaitable[typing.Any]]
    now: Callable[[int, int], typing.Any] | None = None
    """Reads a member without ``await``."""

    listen: typing.Any = None
    close: Callable[[], Awaitable[None]] = _nothing


async def hikari_s_own(bot: hikari.GatewayBot, _: str) -> Cached:
    """Return hikari's own cache."""
    cache = bot.cache

    async def members(guild: int) -> int:
        return len(cache.get_members_view_for_guild(guild))

    async def guilds() -> set[int]:
        return set(cache.get_available_guilds_view())

    async def role(_: int, role: int) -> str | None:
        found = cache.get_role(role)
        return found.name if found else None

    async def member(guild: int, user: int) -> hikari.Member | None:
        return cache.get_member(guild, user)

    names = [name for name in dir(hikari.api.Cache) if name.startswith("get_")]
    kinds = {name.removeprefix("get_") for name in names if not re.search("_view|available", name)}
    asks = {f"by {name.partition('_view_for_')[2]}" for name in names if "_view_for_" in name} | {"by id"}
    return Cached(
        kinds=kinds, asks=asks, members=members, guilds=guilds, role=role, member=member, now=cache.get_member
    )


async def sake(bot: hikari.GatewayBot, url: str) -> Cached:
    """Return sake's cache of everything."""
    module: typing.Any = importlib.import_module("sake")
    cache = module.redis.RedisCache(url, bot, bot.event_manager)
    await cache.open()

    async def members(guild: int) -> int:
        return int(await cache.iter_members_for_guild(guild).len())

    async def guilds() -> set[int]:
        return {int(guild.id) async for guild in cache.iter_guilds()}

    async def role(_: int, role: int) -> str | None:
        with contextlib.suppress(module.EntryNotFound):
            return str((await cache.get_role(role)).name)
        return None

    async def member(guild: int, user: int) -> hikari.Member | None:
        with contextlib.suppress(module.EntryNotFound):
            return typing.cast("hikari.Member", await cache.get_member(guild, user))
        return None

    names = dir(cache)
    kinds = {name.removeprefix("get_") for name in names if name.startswith("get_")} - {"index_override"}
    asks = {f"by {name.partition('_for_')[2]}" for name in names if re.fullmatch("iter_.*_for_.*", name)} | {"by id"}
    return Cached(kinds=kinds, asks=asks, members=members, guilds=guilds, role=role, member=member, close=cache.close)


async def hikari_persist(bot: hikari.GatewayBot, file: str) -> Cached:
    """Return the cache of hikari-persist 0.3 on SQLite, with the name added that it fails to import."""
    persist: typing.Any = importlib.import_module("persist")
    inside: typing.Any = importlib.import_module("persist.impl.cache")
    inside.check_updates = _no_updates
    cache = persist.Cache(bot, persist.SQLiteBackend(file))
    base: typing.Any = importlib.import_module("persist.backend.base")
    base.hikari = hikari

    async def members(guild: int) -> int:
        return int(await cache.members.where(guild_id=hikari.Snowflake(guild)).count())

    async def guilds() -> set[int]:
        return {int(guild.id) async for guild in cache.guilds.all()}

    async def role(_: int, role: int) -> str | None:
        found = await cache.roles.get(id=hikari.Snowflake(role))
        return found.name if found else None

    async def member(guild: int, user: int) -> hikari.Member | None:
        found = await cache.members.get(guild_id=hikari.Snowflake(guild), member_id=hikari.Snowflake(user))
        return typing.cast("hikari.Member | None", found)

    kinds = {name for name in dir(cache) if hasattr(getattr(cache, name), "where")}
    asks = {name for name in cache.channels.where.__annotations__ if name != "return"}
    return Cached(kinds=kinds, asks=asks, members=members, guilds=guilds, role=role, member=member, listen=cache.listen)


async def _no_updates(_: object) -> None:
    """Replace its request to the package index at each start."""


def forget_the_only_one() -> None:
    """Allow hikari-persist a second cache in the process."""
    persist: typing.Any = importlib.import_module("persist")
    persist.Cache._Cache__instance = None


SYSTEMS: typing.Final[dict[str, Callable[[hikari.GatewayBot, str], Awaitable[Cached]]]] = {
    "hikari": hikari_s_own,
    "sake": sake,
    "hikari-persist": hikari_persist,
}
