"""Objects passed for their ids: one of the wrong kind would find nothing, so it is rejected instead."""

from __future__ import annotations

import functools
import re
import typing
from collections.abc import Collection, Mapping

import hikari

__all__ = ("other_kind",)

_KINDS: typing.Final[Mapping[str, type]] = {
    "guild": hikari.PartialGuild,
    "channel": hikari.PartialChannel,
    "thread": hikari.GuildThreadChannel,
    "user": hikari.PartialUser,
    "role": hikari.PartialRole,
    "message": hikari.PartialMessage,
}
_CALLED: typing.Final[Mapping[str, type]] = {
    **_KINDS,
    "parent": hikari.PartialChannel,
    **dict.fromkeys(("author", "creator", "inviter", "moderator", "owner", "recipient"), hikari.PartialUser),
}
"""What the words in the names of arguments and columns mean."""

_SHARED: typing.Final[Mapping[type | None, Collection[type]]] = {
    hikari.PartialGuild: (hikari.PartialRole,),  # the role of everybody has the id of its guild
    hikari.PartialChannel: (hikari.GuildThreadChannel, hikari.PartialMessage),  # as a thread has that of its message
    hikari.PartialMessage: (hikari.GuildThreadChannel,),
}
"""Kinds that may share the id of another one."""


@functools.cache
def other_kind(given: type, what: str) -> str | None:
    """Return what objects of a type are, if their id is never a valid argument.

    Parameters
    ----------
    given
        The type.
    what
        What the argument should be, as a column or in words: ``author_id`` and ``the guild``.
    """
    wanted = {_CALLED[word] for word in re.findall("[a-z]+", what) if word in _CALLED}
    if not wanted or any(issubclass(given, kind) or kind in _SHARED.get(_base_of(given), ()) for kind in wanted):
        return None
    return next((f"a {word}" for word, kind in _KINDS.items() if kind is _base_of(given)), None)


def _base_of(given: type) -> type | None:
    return next((kind for kind in _KINDS.values() if issubclass(given, kind)), None)
