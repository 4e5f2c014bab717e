"""Arguments of commands as users write them, looked up in the cache; all frameworks' converters use these."""

from __future__ import annotations

import re
import typing
from collections.abc import Awaitable, Callable

import hikari

from persist import filters
from persist.cache import Cache
from persist.view import key_part

__all__ = ("Argument", "Place", "Written", "channel", "member", "message", "role")

T = typing.TypeVar("T")
V_contra = typing.TypeVar("V_contra", contravariant=True)
Written = str | hikari.Snowflakeish
"""What a user has written, or the id that the framework has made of it."""

Argument = Callable[[Cache, "Place", V_contra], Awaitable[T]]
"""Finds what a user means, or raises a ``ValueError`` with a sentence for the user."""

_SNOWFLAKE: typing.Final = r"(\d{15,20})"
_USER: typing.Final = re.compile(rf"(?:<@!?)?{_SNOWFLAKE}>?")
_ROLE: typing.Final = re.compile(rf"(?:<@&)?{_SNOWFLAKE}>?")
_CHANNEL: typing.Final = re.compile(rf"(?:<#)?{_SNOWFLAKE}>?")
_MESSAGE: typing.Final = re.compile(
    rf"(?:https://(?:\w+\.)?discord(?:app)?\.com/channels/(?:\d+|@me)/)?(?:{_SNOWFLAKE}[/-])?{_SNOWFLAKE}"
)

_READ: typing.Final = hikari.Permissions.VIEW_CHANNEL | hikari.Permissions.READ_MESSAGE_HISTORY


_ECHOED: typing.Final = 100
"""Characters of the user's text to repeat in an error; a message can have 2,000."""


class Place(typing.NamedTuple):
    """Where a command is run, and by whom; by default nowhere and by nobody, so that nothing is hidden."""

    guild_id: hikari.Snowflake | None = None
    channel_id: hikari.Snowflake | None = None
    user_id: hikari.Snowflake | None = None


async def member(cache: Cache, place: Place, value: Written | hikari.PartialUser) -> hikari.Member:
    """Return a member of the guild where the command is run, from a user option, an id, a mention or a name.

    A name is a nickname, a username or a display name, and must match exactly.

    Raises
    ------
    ValueError
        If there is no such member.
    """
    guild_id = value.guild_id if isinstance(value, hikari.Member) else place.guild_id
    if guild_id is None:
        msg = "A member can only be found in a server."
        raise ValueError(msg)
    none = f"There is no member {_echo(value)} in this server."
    if isinstance(value, hikari.PartialUser):
        user_id = value.id
    elif (written := _USER.fullmatch(text := _text(value, "a member"))) is not None:
        user_id = _id(written[1], none)
    else:
        return await _named(text, "@", "member", lambda name: _members_named(cache, guild_id, name))
    return await _found(cache.fetch_member(guild_id, user_id), none)


async def _members_named(cache: Cache, guild_id: int, name: str) -> typing.Sequence[hikari.Member]:
    found: typing.Sequence[hikari.Member] = await cache.members.find(guild_id=guild_id, nickname=name).limit(2)
    for users in (cache.users.find(username=name), cache.users.find(global_name=name)):
        if not found:
            found = await cache.members.get_many(guild_id, [user.id async for user in users])
    return found


async def role(cache: Cache, place: Place, value: Written | hikari.PartialRole) -> hikari.Role:
    """Return a role of the guild where the command is run, from a role option, an id, a mention or an exact name.

    Raises
    ------
    ValueError
        If there is no such role.
    """
    guild_id = value.guild_id if isinstance(value, hikari.Role) else place.guild_id
    if guild_id is None:
        msg = "A role can only be found in a server."
        raise ValueError(msg)
    none = f"There is no role {_echo(value)} in this server."
    if isinstance(value, hikari.PartialRole):
        role_id = value.id
    elif (written := _ROLE.fullmatch(text := _text(value, "a role"))) is not None:
        role_id = _id(written[1], none)
    else:
        return await _named(text, "@", "role", lambda name: cache.roles.find(guild_id=guild_id, name=name).limit(2))
    return await _found(cache.fetch_role(guild_id, role_id), none)


async def channel(cache: Cache, place: Place, value: Written | hikari.PartialChannel) -> hikari.GuildChannel:
    """Return a channel or thread of the guild where the command is run, from a channel option, an id or a mention.

    Channels, and active threads that are not private, can also be given by their exact name. A channel option holds
    only part of a channel; this returns the complete channel.

    Raises
    ------
    ValueError
        If there is no such channel.
    """
    none = f"There is no channel {_echo(value)} in this server."
    guild_id = place.guild_id
    if isinstance(value, hikari.PartialChannel):
        channel_id = value.id
    elif (written := _CHANNEL.fullmatch(text := _text(value, "a channel"))) is not None:
        channel_id = _id(written[1], none)
    elif guild_id is not None:
        return await _named(text, "#", "channel", lambda name: _channels_named(cache, guild_id, name))
    else:
        raise ValueError(none)
    found = await _found(cache.fetch_channel(channel_id), none)
    if isinstance(found, hikari.GuildChannel) and (place == Place() or found.guild_id == guild_id):
        return found
    raise ValueError(none)


async def _channels_named(cache: Cache, guild_id: int, name: str) -> typing.Sequence[hikari.GuildChannel]:
    if found := await cache.channels.find(guild_id=guild_id, name=name).limit(2):
        return found
    threads = await cache.threads.find(guild_id=guild_id, name=name, is_archived=False)
    return [thread for thread in threads if thread.type is not hikari.ChannelType.GUILD_PRIVATE_THREAD]


async def message(cache: Cache, place: Place, value: Written) -> hikari.Message:
    """Return a message of the guild where the command is run, from its link, its id, or its channel's id and its own.

    Messages that the user who runs the command cannot read are not found.

    Raises
    ------
    ValueError
        If there is no such message.
    """
    none = f"There is no message {_echo(value)} in this server."
    written = _MESSAGE.fullmatch(_text(value, "a message"))
    if written is None:
        msg = f"{_echo(value)!r} is neither a message link nor a message id."
        raise ValueError(msg)
    message_id = _id(written[2], none)
    channel_id = _id(written[1], none) if written[1] else place.channel_id
    if not written[1] and (known := await cache.get_message(message_id)) is not None:
        channel_id = known.channel_id
    if channel_id is None or not await _is_readable(cache, place, channel_id):
        raise ValueError(none)
    return await _found(cache.fetch_message(channel_id, message_id), none)


async def _is_readable(cache: Cache, place: Place, channel_id: hikari.Snowflake) -> bool:
    """Return whether the user who runs a command can read a channel: this one, or another of the same guild."""
    if place == Place():
        return True
    if place.guild_id is None or place.user_id is None:
        return channel_id == place.channel_id
    permissions = await cache.permissions(place.guild_id, place.user_id, channel_id)
    if channel_id == place.channel_id:  # which they can see, as they run the command there
        return permissions is None or bool(permissions & hikari.Permissions.READ_MESSAGE_HISTORY)
    if permissions is None:
        permissions = await _in_private_thread(cache, place.guild_id, place.user_id, channel_id)
    return permissions is not None and permissions & _READ == _READ


async def _in_private_thread(
    cache: Cache, guild_id: hikari.Snowflake, user_id: hikari.Snowflake, channel_id: hikari.Snowflake
) -> hikari.Permissions | None:
    """Return the permissions of a user in a private thread whose members only Discord knows."""
    thread = await cache.threads.get(channel_id)
    if thread is None or thread.type is not hikari.ChannelType.GUILD_PRIVATE_THREAD:
        return None
    permissions = await cache.permissions(guild_id, user_id, thread.parent_id)
    if permissions is None or permissions & _READ != _READ:
        return None
    try:
        await cache.fetch_thread_member(thread, user_id)
    except (hikari.NotFoundError, hikari.ForbiddenError):
        return None
    return permissions


async def _found(asked: Awaitable[T], none: str) -> T:
    try:
        return await asked
    except (hikari.NotFoundError, hikari.ForbiddenError) as error:
        raise ValueError(none) from error


async def _named(text: str, sign: str, what: str, find: Callable[[str], Awaitable[typing.Sequence[T]]]) -> T:
    """Return the only match for a name, which users may write with the sign in front of it."""
    found: typing.Sequence[T] = ()
    for name in dict.fromkeys((text, text.removeprefix(sign))):
        if not found and filters.is_unicode(name):
            found = await find(name)
    if len(found) == 1:
        return found[0]
    msg = f"There is {'more than one' if found else 'no'} {what} {_echo(text)!r} in this server."
    raise ValueError(msg)


def _text(value: Written, what: str) -> str:
    return value.strip() if isinstance(value, str) else str(key_part(value, what))


def _id(written: str, none: str) -> hikari.Snowflake:
    if int(written) >= filters.TOO_GREAT:
        raise ValueError(none)
    return hikari.Snowflake(written)


def _echo(value: object) -> str:
    text = str(value)
    return text if len(text) <= _ECHOED else f"{text[:_ECHOED]}\N{HORIZONTAL ELLIPSIS}"
