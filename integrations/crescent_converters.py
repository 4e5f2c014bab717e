"""Arguments of commands, looked up in the cache: ``await converters.to_message(context, link)``.

crescent tells a converter nothing but the value. So these are called in the command, or where its place does not
matter, with a plugin or the client: ``crescent.option(str).convert(functools.partial(converters.to_message, plugin))``.
Each asks the cache, and Discord where the cache does not know. What cannot be found raises a ``ValueError`` in words
for whoever ran the command; crescent collects those of its converters in `crescent.exceptions.ConverterExceptions`.
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
"""Return a member of the guild where a command is run, for an option of users, or an id, mention or exact name."""

to_role: Converter[arguments.Written | hikari.PartialRole, hikari.Role] = _converter(arguments.role)
"""Return a role of the guild where a command is run, for an option of roles, or an id, mention or exact name."""

to_channel: Converter[arguments.Written | hikari.PartialChannel, hikari.GuildChannel] = _converter(arguments.channel)
"""Return all of a channel or thread of the guild, for an option of channels, or an id, mention or exact name."""

to_message: Converter[arguments.Written, hikari.Message] = _converter(arguments.message)
"""Return a message of the guild that whoever runs the command may read, for its link or id."""
