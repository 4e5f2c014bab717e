"""Converters for options of lightbulb: ``lightbulb.string("message", "...", converter=converters.to_message)``.

Each asks the cache, and Discord where the cache does not know. What cannot be found fails the command with
`lightbulb.exceptions.ConversionFailedException`, whose cause is a ``ValueError`` in words for whoever ran it.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Coroutine

import hikari
import lightbulb

from persist.cache import Cache

from . import arguments
from .offered import missing

__all__ = ("to_channel", "to_member", "to_message", "to_role")

T = typing.TypeVar("T")
V = typing.TypeVar("V")
Converter = Callable[[lightbulb.Context, V], Coroutine[typing.Any, typing.Any, T]]


def _converter(argument: arguments.Argument[V, T]) -> Converter[V, T]:
    @lightbulb.di.with_di
    async def convert(
        context: lightbulb.Context, value: typing.Any, cache: Cache | None = lightbulb.di.INJECTED
    ) -> typing.Any:
        if cache is None:
            raise missing('await client.load_extensions("persist.integrations.lightbulb")')
        place = arguments.Place(context.guild_id, context.channel_id, context.user.id)
        return await argument(cache, place, value)

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
