"""A cache for tanjun's converters, checks and limiters: implementations of its asynchronous cache interfaces."""

from __future__ import annotations

import dataclasses
import datetime
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping

import hikari
from tanjun.dependencies import async_cache

from persist.cache import Cache
from persist.entities import ROLES
from persist.errors import PersistError, QueryError
from persist.found import Found

__all__ = ("views_of",)

T = typing.TypeVar("T")
D = typing.TypeVar("D")
_Id = hikari.Snowflakeish
_UNSET: typing.Any = ...


@dataclasses.dataclass(frozen=True, slots=True)
class _Lookup(typing.Generic[T]):
    """How tanjun looks up one kind.

    Attributes
    ----------
    keys
        The types that tanjun knows it by.
    get
        Returns the object with an id, in a guild or in any, if it is known.
    found
        Returns all objects, of a guild or of all.
    """

    keys: tuple[typing.Any, ...]
    get: Callable[[Cache, int | None, typing.Any], Awaitable[T | None]]
    found: Callable[[Cache, int | None], Found[T] | AsyncIterator[T]]


def _by_id(name: str, *keys: typing.Any) -> _Lookup[typing.Any]:
    async def get(cache: Cache, guild_id: int | None, key: _Id) -> typing.Any:
        thing = await getattr(cache, name).get(key)
        return thing if guild_id is None or thing is None or thing.guild_id == guild_id else None

    return _Lookup(keys, get, _finding(name))


def _by_member(name: str, *keys: typing.Any) -> _Lookup[typing.Any]:
    async def get(cache: Cache, guild_id: int | None, key: _Id) -> typing.Any:
        return await getattr(cache, name).get(guild_id, key)

    return _Lookup(keys, get, _finding(name))


def _finding(name: str) -> Callable[[Cache, int | None], Found[typing.Any]]:
    def found(cache: Cache, guild_id: int | None) -> Found[typing.Any]:
        wanted = {} if guild_id is None else {"guild_id": guild_id}
        found: Found[typing.Any] = getattr(cache, name).find(**wanted)
        return found

    return found


async def _role(cache: Cache, guild_id: int | None, key: _Id) -> hikari.Role | None:
    role = await cache.roles.get(key)
    if role is None or (guild_id is not None and role.guild_id != guild_id):
        return None
    return role if await _knows_roles(cache, role.guild_id) else None


async def _knows_roles(cache: Cache, guild_id: int) -> bool:
    """Return whether all roles of a guild are known, including the @everyone role, whose id is the guild's."""
    known = await cache.completeness(guild_id, ROLES.name)
    return known.is_complete and await cache.roles.get(guild_id) is not None


async def _roles(cache: Cache, guild_id: int | None) -> AsyncIterator[hikari.Role]:
    # With only some of the roles, tanjun would compute wrong permissions.
    complete: dict[int, bool] = {}
    async for role in cache.roles.find() if guild_id is None else cache.roles.find(guild_id=guild_id):
        if role.guild_id not in complete:
            complete[role.guild_id] = await _knows_roles(cache, role.guild_id)
        if complete[role.guild_id]:
            yield role


def _of(kind: typing.Any, *interfaces: typing.Any) -> tuple[typing.Any, ...]:
    return tuple(interface[kind] for interface in interfaces)


_ANY, _IN_GUILD = async_cache.SfCache, async_cache.SfGuildBound
_LOOKUPS: typing.Final[Mapping[str, _Lookup[typing.Any]]] = {
    "guilds": _by_id("guilds", *_of(hikari.Guild, _ANY), *_of(hikari.GatewayGuild, _ANY)),
    "channels": _by_id("channels", *_of(hikari.PermissibleGuildChannel, _ANY, _IN_GUILD)),
    "threads": _by_id("threads", *_of(hikari.GuildThreadChannel, _ANY)),
    "dm_channels": _by_id("dm_channels", *_of(hikari.DMChannel, _ANY)),
    "roles": _Lookup(_of(hikari.Role, _ANY, _IN_GUILD), _role, _roles),
    "emojis": _by_id("emojis", *_of(hikari.KnownCustomEmoji, _ANY, _IN_GUILD)),
    "users": _by_id("users", *_of(hikari.User, _ANY)),
    "messages": _by_id("messages", *_of(hikari.Message, _ANY)),
    "invites": _by_id("invites", async_cache.AsyncCache[str, hikari.InviteWithMetadata]),
    "members": _by_member("members", *_of(hikari.Member, _IN_GUILD)),
    "presences": _by_member("presences", *_of(hikari.MemberPresence, _IN_GUILD)),
    "voice_states": _by_member("voice_states", *_of(hikari.VoiceState, _IN_GUILD)),
}
"""The kinds that tanjun looks up and the cache can answer."""


_OWNERS_FOR: typing.Final = datetime.timedelta(hours=1)
"""How long the owners of the application are cached: no event says when they change."""


def views_of(cache: Cache, authoritative: Collection[str] = frozenset()) -> Mapping[typing.Any, object]:
    """Return the implementations for tanjun, by the type under which it injects each.

    Parameters
    ----------
    cache
        The cache that answers.
    authoritative
        The kinds that the cache knows completely.

    Raises
    ------
    persist.QueryError
        If a name is not the name of a kind.
    """
    if isinstance(authoritative, str) or not set(authoritative) <= _LOOKUPS.keys():
        msg = f"authoritative must be a collection of names out of {', '.join(_LOOKUPS)}, not {authoritative!r}"
        raise QueryError(msg)
    views: dict[typing.Any, object] = {key: _One(cache, ask) for key, ask in _ALONE.items()}
    for name, lookup in _LOOKUPS.items():
        view = _View(cache, name, lookup, authoritative=name in authoritative)
        views |= dict.fromkeys(lookup.keys, view)
    return views


class _Iterator(async_cache.CacheIterator[T]):
    """All objects of one kind; none, if the cache cannot answer."""

    __slots__ = ("_again", "_items")

    def __init__(self, again: Callable[[], Found[T] | AsyncIterator[T]]) -> None:
        self._again = again
        self._items: AsyncIterator[T] | None = None

    async def __anext__(self) -> T:
        if self._items is None:
            self._items = aiter(self._again())
        try:
            return await anext(self._items)
        except PersistError:
            raise StopAsyncIteration from None

    async def len(self) -> int:
        found = self._again()
        try:
            return await found.count() if isinstance(found, Found) else len([item async for item in found])
        except PersistError:
            return 0


class _View(async_cache.AsyncCache[typing.Any, T], async_cache.GuildBoundCache[_Id, T]):
    def __init__(self, cache: Cache, name: str, lookup: _Lookup[T], *, authoritative: bool) -> None:
        self._cache = cache
        self._name = name
        self._lookup = lookup
        self._authoritative = authoritative

    async def get(self, key: typing.Any, /, *, default: D = _UNSET) -> T | D:
        return await self._one(None, key, default)

    async def get_from_guild(self, guild_id: _Id, key: _Id, /, *, default: D = _UNSET) -> T | D:
        return await self._one(int(guild_id), key, default)

    def iter_all(self) -> async_cache.CacheIterator[T]:
        return _Iterator(lambda: self._lookup.found(self._cache, None))

    def iter_for_guild(self, guild_id: _Id, /) -> async_cache.CacheIterator[T]:
        return _Iterator(lambda: self._lookup.found(self._cache, int(guild_id)))

    async def _one(self, guild_id: int | None, key: typing.Any, default: D) -> T | D:
        miss: type[Exception] = async_cache.EntryNotFound if self._authoritative else async_cache.CacheMissError
        try:
            thing = await self._lookup.get(self._cache, guild_id, key)
        except PersistError:  # not open, or its database is away: that does not mean that it does not exist
            thing, miss = None, async_cache.CacheMissError
        return _or(thing, default, miss, self._name)


class _One(async_cache.SingleStoreCache[T]):
    def __init__(self, cache: Cache, ask: Callable[[Cache], Awaitable[T | None]]) -> None:
        self._cache = cache
        self._ask = ask

    async def get(self, *, default: D = _UNSET) -> T | D:
        try:
            one = await self._ask(self._cache)
        except (PersistError, hikari.HikariError):  # tanjun then asks Discord itself, and reports any error
            one = None
        return _or(one, default, async_cache.CacheMissError, "own")


async def _application(cache: Cache) -> hikari.Application:
    return await cache.fetch_application(max_age=_OWNERS_FOR)


async def _authorized(cache: Cache) -> hikari.AuthorizationApplication:
    """Return the application in the form that a user's authorization gets."""
    known = await _application(cache)
    return hikari.AuthorizationApplication(
        id=known.id,
        name=known.name,
        description=known.description,
        icon_hash=known.icon_hash,
        public_key=known.public_key,
        is_bot_public=known.is_bot_public,
        is_bot_code_grant_required=known.is_bot_code_grant_required,
        terms_of_service_url=known.terms_of_service_url,
        privacy_policy_url=known.privacy_policy_url,
    )


_ALONE: typing.Final[Mapping[typing.Any, Callable[[Cache], Awaitable[typing.Any]]]] = {
    async_cache.SingleStoreCache[hikari.OwnUser]: lambda cache: cache.get_me(),
    async_cache.SingleStoreCache[hikari.Application]: _application,
    async_cache.SingleStoreCache[hikari.AuthorizationApplication]: _authorized,
}
"""Single objects, and how to get each."""


def _or(thing: T | None, default: D, miss: type[Exception], name: str) -> T | D:
    if thing is not None:
        return thing
    if default is not ...:
        return default
    msg = f"not found in the {name} of the cache"
    raise miss(msg)
