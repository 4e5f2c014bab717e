"""Arguments of commands, looked up in the cache: ``await converters.to_message(context, link)``.

crescent passes only the value to a converter, so call these in the command. If it does not matter where the command is
run, bind a plugin or the client: ``crescent.option(str).convert(functools.partial(converters.to_message, plugin))``.
Each asks the cache first, and Discord if the cache does not know. If nothing is found, it raises a ``ValueError`` whose
text you can show to the user; crescent collects those in `crescent.exceptions.ConverterExceptions`.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Coroutine

import crescent
import hikari

from . import arguments
from .crescent_caches import Source, get

__all__ = ("to_channel", "to_member", "to_message", "to_role")

T = typing.TypeVar("T")
V = typing.TypeVar("V")
Converter = Callable[[Source, V], Coroutine[typing.Any, typing.Any, T]]


def _converter(argument: arguments.Argument[V, T]) -> Converter[V, T]:
    async def convert(source: Source, value: V) -> T:
        place = arguments.Place()
        if isinstance(source, crescent.Context | crescent.AutocompleteContext):
            place = arguments.Place(source.guild_id, source.channel_id, source.user.id)
        return await argument(get(source), place, value)

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
