"""The permissions of members, as Discord computes them.

See `Permissions <https://docs.discord.com/developers/topics/permissions>`_.
"""

from __future__ import annotations

import functools
import operator
import typing
from collections.abc import Awaitable, Callable, Iterable, Mapping

import hikari

from .names import HikariNames
from .view import key_part

__all__ = ("asked", "in_channel", "in_guild")

_ALL: typing.Final = hikari.Permissions.all_permissions()
_NONE: typing.Final = hikari.Permissions.NONE
_IN_TIMEOUT: typing.Final = hikari.Permissions.VIEW_CHANNEL | hikari.Permissions.READ_MESSAGE_HISTORY

_OF_WRITING: typing.Final = (
    hikari.Permissions.MENTION_ROLES
    | hikari.Permissions.SEND_TTS_MESSAGES
    | hikari.Permissions.ATTACH_FILES
    | hikari.Permissions.EMBED_LINKS
)

_OF_TALKING: typing.Final = (
    hikari.Permissions.MANAGE_CHANNELS
    | hikari.Permissions.MANAGE_ROLES
    | hikari.Permissions.PRIORITY_SPEAKER
    | hikari.Permissions.STREAM
    | hikari.Permissions.SPEAK
    | hikari.Permissions.MUTE_MEMBERS
    | hikari.Permissions.DEAFEN_MEMBERS
    | hikari.Permissions.MOVE_MEMBERS
    | hikari.Permissions.USE_VOICE_ACTIVITY
    | hikari.Permissions.REQUEST_TO_SPEAK
    | hikari.Permissions.START_EMBEDDED_ACTIVITIES
    | hikari.Permissions.USE_SOUNDBOARD
    | hikari.Permissions.USE_EXTERNAL_SOUNDS
)
_VOICE: typing.Final = (hikari.ChannelType.GUILD_VOICE, hikari.ChannelType.GUILD_STAGE)

Takes = Mapping[hikari.Permissions, hikari.Permissions]
_IN_TEXT: typing.Final[Takes] = {hikari.Permissions.SEND_MESSAGES: _OF_WRITING}
_IN_VOICE: typing.Final[Takes] = {**_IN_TEXT, hikari.Permissions.CONNECT: _OF_TALKING}
_IN_THREAD: typing.Final[Takes] = {hikari.Permissions.SEND_MESSAGES_IN_THREADS: _OF_WRITING}
"""The permissions that a member loses without the one that is named first."""

Overwrites = Mapping[hikari.Snowflake, hikari.PermissionOverwrite]


def in_guild(owner_id: int, member: hikari.Member, roles: Iterable[hikari.Role]) -> hikari.Permissions:
    """Return a member's permissions in a guild, without the effects of channels and timeouts.

    Parameters
    ----------
    owner_id
        The owner of the guild.
    member
        The member.
    roles
        All roles of the member, including the role of everybody.
    """
    if member.id == owner_id:
        return _ALL
    permissions = _together(role.permissions for role in roles)
    return _ALL if permissions & hikari.Permissions.ADMINISTRATOR else permissions


def in_channel(
    permissions: hikari.Permissions,
    member: hikari.Member,
    overwrites: Overwrites,
    takes: Takes = _IN_TEXT,
) -> hikari.Permissions:
    """Return a member's permissions after the overwrites of a channel, without the effects of timeouts.

    Everybody's overwrite comes first, then those of all roles together, then the member's own. A member who cannot view
    a channel has no permissions there. One who cannot write cannot mention roles, attach files or embed links either,
    and one who cannot connect to a voice channel cannot do anything in it or change it: see `Implicit Permissions
    <https://docs.discord.com/developers/topics/permissions#implicit-permissions>`_.
    """
    if permissions & hikari.Permissions.ADMINISTRATOR:
        return _ALL
    roles = [overwrites[role] for role in member.role_ids if role in overwrites and role != member.guild_id]
    everybody, own = ([overwrites[key]] if key in overwrites else [] for key in (member.guild_id, member.id))
    for step in (everybody, roles, own):
        permissions &= ~_together(overwrite.deny for overwrite in step)
        permissions |= _together(overwrite.allow for overwrite in step)
    if not permissions & hikari.Permissions.VIEW_CHANNEL:
        return _NONE
    return permissions & ~_together(others for needed, others in takes.items() if not permissions & needed)


def _together(permissions: Iterable[hikari.Permissions]) -> hikari.Permissions:
    return functools.reduce(operator.or_, permissions, _NONE)


async def asked(
    cache: HikariNames,
    guild: hikari.SnowflakeishOr[hikari.PartialGuild],
    member: hikari.SnowflakeishOr[hikari.PartialUser],
    channel: hikari.SnowflakeishOr[hikari.PartialChannel] | None,
    knows_all_roles: Callable[[hikari.Snowflake], Awaitable[bool]],
) -> hikari.Permissions | None:
    """Return the result of ``Cache.permissions``, which documents it."""
    place = None if channel is None else key_part(channel, "the channel")
    found, who = await cache.guilds.get(guild), await cache.members.get(guild, member)
    if found is None or who is None:
        return None
    roles = await cache.roles.get_many({*who.role_ids, found.id})
    # Members may still name a role that was deleted while the bot was offline. If all roles are known, ignore it.
    if roles.missing and (int(found.id) in roles.missing or not await knows_all_roles(found.id)):
        return None
    permissions = in_guild(found.owner_id, who, roles)
    if place is not None:
        thread = await cache.threads.get(place)
        there = await cache.channels.get(place if thread is None else thread.parent_id)
        if there is None or there.guild_id != found.id:
            return None
        takes = _IN_THREAD if thread is not None else _IN_VOICE if there.type in _VOICE else _IN_TEXT
        permissions = in_channel(permissions, who, there.permission_overwrites, takes)
        if thread is not None and not await _is_let_in(cache, thread, who, permissions):
            return None
    in_timeout = who.communication_disabled_until() is not None
    if in_timeout and not permissions & hikari.Permissions.ADMINISTRATOR:
        permissions &= _IN_TIMEOUT
    return permissions


async def _is_let_in(
    cache: HikariNames, thread: hikari.GuildThreadChannel, member: hikari.Member, permissions: hikari.Permissions
) -> bool:
    """Return whether a member's permissions in a thread are certain; they are not if it may be hidden."""
    if thread.type is not hikari.ChannelType.GUILD_PRIVATE_THREAD or not permissions & hikari.Permissions.VIEW_CHANNEL:
        return True
    if permissions & hikari.Permissions.MANAGE_THREADS:
        return True
    # Somebody who is not known to be in it may still be: Discord does not list the members of threads by itself.
    return await cache.thread_members.get(thread, member) is not None
