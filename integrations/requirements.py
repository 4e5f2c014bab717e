"""Requirements for running a command, checked with the cache; the hooks of each framework are built on them."""

from __future__ import annotations

import datetime
import typing
from collections.abc import Awaitable, Callable, Iterable

import hikari

from persist.cache import Cache
from persist.errors import PersistError, QueryError
from persist.view import key_part

__all__ = (
    "Channel",
    "Guild",
    "Refusal",
    "Requirement",
    "Role",
    "Since",
    "bot_has_permissions",
    "check_hook",
    "has_permissions",
    "has_role",
    "member_since",
)

Channel = hikari.SnowflakeishOr[hikari.PartialChannel]
Guild = hikari.SnowflakeishOr[hikari.PartialGuild]
Role = hikari.SnowflakeishOr[hikari.PartialRole]
Since = datetime.timedelta | datetime.datetime
What = typing.Literal["guild", "roles", "permissions", "bot permissions", "time"]

_NONE: typing.Final = hikari.Permissions.NONE


class Refusal(typing.NamedTuple):
    """Why a user may not run a command.

    Attributes
    ----------
    what
        What is missing.
    message
        The same as a sentence for the user.
    roles
        The ids of the roles, any one of which is required.
    missing, actual
        The missing permissions, and those that the user has.
    """

    what: What
    message: str
    roles: tuple[hikari.Snowflake, ...] = ()
    missing: hikari.Permissions = _NONE
    actual: hikari.Permissions = _NONE


Requirement = Callable[[Cache, hikari.CommandInteraction], Awaitable[Refusal | None]]
"""Returns why the user may not run a command, or ``None`` if they may."""

_OUTSIDE: typing.Final = Refusal("guild", "This can only be used in a server.")


def has_role(*roles: Role, guild: Guild | None = None) -> Requirement:
    """Require any one of some roles, in the guild where the command is run or in another.

    Raises
    ------
    persist.QueryError
        If an argument is not an id.
    """
    if not roles:
        msg = "has_role takes the required role, or several roles of which any one is required"
        raise QueryError(msg)
    wanted = tuple(hikari.Snowflake(key_part(role, "a role")) for role in roles)
    place = _id(guild, "the guild")

    async def asked(cache: Cache, interaction: hikari.CommandInteraction) -> Refusal | None:
        guild_id = place or interaction.guild_id
        if guild_id is None:
            return _OUTSIDE
        member = await _member(cache, interaction, guild_id)
        # Every member has the role whose id is the guild's, but members do not list it.
        if member is not None and not {*member.role_ids, guild_id}.isdisjoint(wanted):
            return None
        names = await _names(cache, wanted)
        need = f"the role {names[0]}" if len(names) == 1 else f"one of the roles {', '.join(names)}"
        return Refusal("roles", f"You need {need} to use this.", wanted)

    return asked


def has_permissions(
    permissions: hikari.Permissions, *, channel: Channel | None = None, guild: Guild | None = None
) -> Requirement:
    """Require permissions: in the channel where the command is run, in another, or in a guild regardless of channels.

    Raises
    ------
    persist.QueryError
        If an argument is not valid.
    """
    if channel is not None and guild is not None:
        msg = "pass channel or guild, not both; permissions are checked in one of them"
        raise QueryError(msg)
    return _permitted(_INVOKER, permissions, _id(channel, "the channel"), _id(guild, "the guild"))


def bot_has_permissions(permissions: hikari.Permissions, *, channel: Channel | None = None) -> Requirement:
    """Require that the bot has permissions, in the channel where the command is run or in another.

    Raises
    ------
    persist.QueryError
        If an argument is not valid.
    """
    return _permitted(_BOT, permissions, _id(channel, "the channel"), None)


def member_since(since: Since, *, guild: Guild | None = None) -> Requirement:
    """Require membership for some time, or since a time, in the guild where the command is run or in another.

    Raises
    ------
    persist.QueryError
        If an argument is not valid.
    """
    _check_since(since)
    place = _id(guild, "the guild")

    async def asked(cache: Cache, interaction: hikari.CommandInteraction) -> Refusal | None:
        guild_id = place or interaction.guild_id
        if guild_id is None:
            return _OUTSIDE
        member = await _member(cache, interaction, guild_id)
        joined = member.joined_at if member is not None else None
        if joined is None:
            return Refusal("time", "You have to be a member to use this.")
        if isinstance(since, datetime.datetime):
            late = joined > since
            return Refusal("time", f"Only members since {_moment(since)} can use this.") if late else None
        if joined + since <= datetime.datetime.now(datetime.UTC):
            return None
        return Refusal("time", f"You can use this from {_moment(joined + since)} on.")

    return asked


def _id(thing: object, what: str) -> hikari.Snowflake | None:
    return None if thing is None else hikari.Snowflake(key_part(thing, what))


def check_hook(name: str, given: object, what: str, *, fits: bool) -> None:
    """Raise a `persist.QueryError` if an argument is not the kind of hook that it has to be.

    Parameters
    ----------
    name, given
        The name of the argument, and the argument.
    what
        What it has to be.
    fits
        Whether it is.
    """
    if not fits:
        msg = f"{name} must be {what}, not {given!r}"
        raise QueryError(msg)


def _check_since(since: object) -> None:
    if isinstance(since, datetime.timedelta) and since > datetime.timedelta():
        return
    if isinstance(since, datetime.datetime) and since.tzinfo is not None:
        return
    msg = f"since must be a datetime.timedelta above zero or a datetime.datetime with a timezone, not {since!r}"
    raise QueryError(msg)


def _moment(moment: datetime.datetime) -> str:
    return f"{moment.astimezone(datetime.UTC):%d %B %Y, %H:%M} UTC"


def _is_heard(interaction: hikari.CommandInteraction) -> bool:
    """Return whether the cache has stored what an interaction contains; it does not receive those of a REST bot."""
    return isinstance(interaction.app, hikari.EventManagerAware)


async def _member(cache: Cache, interaction: hikari.CommandInteraction, guild_id: int) -> hikari.Member | None:
    """Return the user who runs a command, as a member of a guild."""
    said = interaction.member if interaction.guild_id == guild_id else None
    if said is not None and not _is_heard(interaction):
        return said
    if said is None:
        try:
            return await cache.fetch_member(guild_id, interaction.user)
        except (hikari.NotFoundError, hikari.ForbiddenError):
            return None
    try:
        return await cache.members.get(guild_id, interaction.user) or said
    except PersistError:
        return said


class _Who(typing.NamedTuple):
    """Whose permissions to check."""

    what: What
    needs: str
    id: Callable[[Cache, hikari.CommandInteraction, int], Awaitable[int | None]]
    said: Callable[[hikari.CommandInteraction], hikari.Permissions | None]
    """Returns the permissions in the interaction itself, for the channel that it is in."""


async def _invoker(cache: Cache, interaction: hikari.CommandInteraction, guild_id: int) -> int | None:
    member = await _member(cache, interaction, guild_id)
    return None if member is None else member.id


async def _bot(cache: Cache, _: hikari.CommandInteraction, __: int) -> int | None:
    me = await cache.get_me()
    return None if me is None else me.id


_INVOKER: typing.Final = _Who(
    "permissions",
    "You need",
    _invoker,
    lambda interaction: None if interaction.member is None else interaction.member.permissions,
)
_BOT: typing.Final = _Who("bot permissions", "The bot needs", _bot, lambda interaction: interaction.app_permissions)


def _permitted(
    who: _Who, permissions: hikari.Permissions, channel: hikari.Snowflake | None, guild: hikari.Snowflake | None
) -> Requirement:
    if not isinstance(permissions, hikari.Permissions) or not permissions:
        msg = f"permissions must be hikari.Permissions, such as hikari.Permissions.BAN_MEMBERS, not {permissions!r}"
        raise QueryError(msg)

    async def asked(cache: Cache, interaction: hikari.CommandInteraction) -> Refusal | None:
        at = None if guild is not None else channel or interaction.channel_id
        said = who.said(interaction) if at == interaction.channel_id else None
        if said is not None and not _is_heard(interaction):
            return _lacking(who, permissions, said)
        try:
            where = guild or await _guild_of(cache, interaction, channel)
            if where is None and channel is None:
                return _OUTSIDE
            actual = None if where is None else await _permissions(cache, interaction, who, where, at)
        except PersistError:
            if said is None:
                raise
            actual = None
        # If the cache does not know, the interaction does: nobody is let in or kept out because of missing data.
        return _lacking(who, permissions, said if actual is None else actual)

    return asked


async def _guild_of(
    cache: Cache, interaction: hikari.CommandInteraction, channel: hikari.Snowflake | None
) -> hikari.Snowflake | None:
    if channel is None or channel == interaction.channel_id:
        return interaction.guild_id
    found = await cache.channels.get(channel) or await cache.threads.get(channel)
    return None if found is None else found.guild_id


async def _permissions(
    cache: Cache, interaction: hikari.CommandInteraction, who: _Who, guild: int, channel: int | None
) -> hikari.Permissions | None:
    user = await who.id(cache, interaction, guild)
    return None if user is None else await cache.permissions(guild, user, channel)


def _lacking(who: _Who, permissions: hikari.Permissions, actual: hikari.Permissions | None) -> Refusal | None:
    missing = permissions & ~(actual or _NONE)
    if not missing:
        return None
    names = [str(each.name).replace("_", " ").title() for each in missing.split()]
    need = f"the permission{'s' * (len(names) > 1)} {', '.join(names)}"
    return Refusal(who.what, f"{who.needs} {need} for this.", missing=missing, actual=actual or _NONE)


async def _names(cache: Cache, roles: Iterable[hikari.Snowflake]) -> list[str]:
    try:
        known = {role.id: role.name for role in await cache.roles.get_many(roles)}
    except PersistError:
        known = {}
    return [known.get(role, str(role)) for role in roles]
