"""Converters for options of lightbulb: ``lightbulb.string("message", "...", converter=converters.to_message)``.

Each asks the cache first, and Discord if the cache does not know. If nothing is found, the command fails with
`lightbulb.exceptions.ConversionFailedException`, whose cause is a ``ValueError`` that you can show to the user.
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
"""Return a member of the guild where the command is run, from a user option, an id, a mention or an exact name."""

to_role: Converter[arguments.Written | hikari.PartialRole, hikari.Role] = _converter(arguments.role)
"""Return a role of the guild where the command is run, from a role option, an id, a mention or an exact name."""

to_channel: Converter[arguments.Written | hikari.PartialChannel, hikari.GuildChannel] = _converter(arguments.channel)
"""Return a complete channel or thread of the guild, from a channel option, an id, a mention or an exact name."""

to_message: Converter[arguments.Written, hikari.Message] = _converter(arguments.message)
"""Return a message of the guild, from its link or id, if the user who runs the command can read it."""
