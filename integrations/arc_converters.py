"""Arguments of commands, looked up in the cache: ``message = await converters.to_message(context, link)``.

arc's options take no converters, so call these in the command. Each asks the cache first, and Discord if the cache
does not know. If nothing is found, it raises a ``ValueError`` whose text you can show to the user.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Coroutine

import arc
import hikari

from persist.cache import Cache

from . import arguments
from .offered import missing

__all__ = ("to_channel", "to_member", "to_message", "to_role")

T = typing.TypeVar("T")
V = typing.TypeVar("V")
Context = arc.Context[typing.Any]
Converter = Callable[[Context, V], Coroutine[typing.Any, typing.Any, T]]


def _converter(argument: arguments.Argument[V, T]) -> Converter[V, T]:
    async def convert(context: Context, value: V) -> T:
        cache = context.client.get_type_dependency(Cache, default=None)
        if cache is None:
            raise missing('client.load_extension("persist.integrations.arc")')
        place = arguments.Place(context.guild_id, context.channel_id, context.user.id)
        return await argument(cache, place, value)

    convert.__doc__ = argument.__doc__
    return convert


to_member: Converter[arguments.Written | hikari.PartialUser, hikari.Member] = _converter(arguments.member)
"""Return a member of the guild where the command is run, from a user option, an id, a mention or an exact name."""

to_role: Converter[arguments.Written | hikari.PartialRole, hikari.Role] = _converter(arguments.role)
"""Return a role of the guild where the command is run, from a role option, an id, a mention or an exact name."""

to_channel: Converter[arguments.Written | hikari.PartialChannel, hikari.GuildChannel] = _converter(arguments.channel)
"""Return a complete channel or thread of the guild, from a channel option, an id, a mention or an exact name."""

to_message: Converter[arguments.Written, hikari.Message] = _converter(arguments.message)
"""Return a message of the guild, from its link or id, if the user who runs the command can read it."""
