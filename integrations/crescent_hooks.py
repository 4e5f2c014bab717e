"""Hooks for crescent that ask the cache: ``from persist.integrations.crescent import hooks``.

A command that may not run ends as crescent's own cooldowns end it: whoever ran it is told in words that only they see,
or whatever you call instead, and nothing more is run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import crescent
import hikari

from . import requirements
from .crescent_caches import get
from .requirements import Channel, Guild, Refusal, Requirement, Role, Since

__all__ = ("Hook", "Refused", "bot_has_permissions", "has_permissions", "has_role", "member_since", "unless")

Refused = Callable[[crescent.Context, Refusal], Awaitable[object]]
"""What is called when a command may not run, with the reason."""
AnyHook = Callable[[crescent.Context], Awaitable[crescent.HookResult | None]]


async def _say(context: crescent.Context, refusal: Refusal) -> None:
    await context.respond(refusal.message, ephemeral=True)


class Hook:
    """What ``crescent.hook`` takes: it ends a command that somebody may not run.

    Parameters
    ----------
    requirement
        What they must have or be.
    refused
        What is called when they do not.
    """

    def __init__(self, requirement: Requirement, refused: Refused) -> None:
        self._requirement = requirement
        self._refused = refused

    async def refusal(self, context: crescent.Context) -> Refusal | None:
        """Return why whoever runs a command may not, or ``None``."""
        return await self._requirement(get(context), context.interaction)

    async def __call__(self, context: crescent.Context) -> crescent.HookResult | None:
        """Let crescent ask."""
        refusal = await self.refusal(context)
        if refusal is None:
            return None
        await self._refused(context, refusal)
        return crescent.HookResult(exit=True)


def has_role(*roles: Role, guild: Guild | None = None, refused: Refused = _say) -> Hook:
    """Return a hook that lets a command run for those who have a role, or one of several.

    Parameters
    ----------
    *roles
        The roles, or their ids. To require all of several, use as many hooks.
    guild
        The guild that they are of; the one where the command is run if this is left out.
    refused
        What is called for everybody else; they are told why in a message that only they see if this is left out.

    Raises
    ------
    persist.QueryError
        If an argument is not an id.

    Examples
    --------
    ::

        @client.include
        @crescent.hook(hooks.has_role(MODERATOR))
        @crescent.command
        async def ban(context: crescent.Context) -> None: ...
    """
    return Hook(requirements.has_role(*roles, guild=guild), refused)


def has_permissions(
    permissions: hikari.Permissions,
    *,
    channel: Channel | None = None,
    guild: Guild | None = None,
    refused: Refused = _say,
) -> Hook:
    """Return a hook that lets a command run for those who have permissions, computed from the cache.

    Parameters
    ----------
    permissions
        All that are required.
    channel
        Where: a channel or thread, or its id; where the command is run if this is left out.
    guild
        Or a guild, whatever its channels say.
    refused
        As for `has_role`.

    Raises
    ------
    persist.QueryError
        If an argument cannot be used.
    """
    return Hook(requirements.has_permissions(permissions, channel=channel, guild=guild), refused)


def bot_has_permissions(
    permissions: hikari.Permissions, *, channel: Channel | None = None, refused: Refused = _say
) -> Hook:
    """Return a hook that lets a command run where the bot has permissions, computed from the cache.

    Parameters
    ----------
    permissions
        All that are required.
    channel
        Where: a channel or thread, or its id; where the command is run if this is left out.
    refused
        As for `has_role`.

    Raises
    ------
    persist.QueryError
        If an argument cannot be used.
    """
    return Hook(requirements.bot_has_permissions(permissions, channel=channel), refused)


def member_since(since: Since, *, guild: Guild | None = None, refused: Refused = _say) -> Hook:
    """Return a hook that lets a command run for those who have been members for some time.

    Parameters
    ----------
    since
        For how long, such as ``datetime.timedelta(days=7)``, or since when.
    guild
        Of which guild; of the one where the command is run if this is left out.
    refused
        As for `has_role`.

    Raises
    ------
    persist.QueryError
        If an argument cannot be used.
    """
    return Hook(requirements.member_since(since, guild=guild), refused)


def unless(excused: Hook, hook: AnyHook) -> AnyHook:
    """Return a hook, such as a cooldown, that does not hold for those whom another one lets through.

    Parameters
    ----------
    excused
        A hook of this module.
    hook
        What is run for everybody else.

    Examples
    --------
    ::

        @crescent.hook(hooks.unless(hooks.has_role(BOOSTER), cooldowns.cooldown(1, datetime.timedelta(minutes=1))))
    """

    async def run(context: crescent.Context) -> crescent.HookResult | None:
        return None if await excused.refusal(context) is None else await hook(context)

    return run
