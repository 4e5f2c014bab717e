"""Hooks for crescent that use the cache: ``from persist.integrations.crescent import hooks``.

If a hook stops a command, it ends like one on cooldown in crescent: the user gets the reason in an ephemeral message,
or you call something else instead, and nothing else runs.
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
"""Called with the reason when a hook stops a command."""
AnyHook = Callable[[crescent.Context], Awaitable[crescent.HookResult | None]]


async def _say(context: crescent.Context, refusal: Refusal) -> None:
    await context.respond(refusal.message, ephemeral=True)


class Hook:
    """A hook for ``crescent.hook`` that stops a command unless the user meets a requirement.

    Parameters
    ----------
    requirement
        The requirement.
    refused
        Called with the reason when the user does not meet it.

    Raises
    ------
    persist.QueryError
        If ``refused`` cannot be called.
    """

    def __init__(self, requirement: Requirement, refused: Refused) -> None:
        what = "an async function that takes the context and the refusal"
        requirements.check_hook("refused", refused, what, fits=callable(refused))
        self._requirement = requirement
        self._refused = refused

    async def refusal(self, context: crescent.Context) -> Refusal | None:
        """Return why the user may not run a command, or ``None`` if they may."""
        return await self._requirement(get(context), context.interaction)

    async def __call__(self, context: crescent.Context) -> crescent.HookResult | None:
        """Check the requirement; crescent calls this."""
        refusal = await self.refusal(context)
        if refusal is None:
            return None
        await self._refused(context, refusal)
        return crescent.HookResult(exit=True)


def has_role(*roles: Role, guild: Guild | None = None, refused: Refused = _say) -> Hook:
    """Return a hook that only lets members with a role, or with any one of several, run a command.

    Parameters
    ----------
    *roles
        The roles, or their ids. To require all of several roles, use several hooks.
    guild
        The guild of the roles; by default the one where the command is run.
    refused
        Called for everybody else; by default they get the reason in an ephemeral message.

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
    """Return a hook that only lets members with certain permissions, computed from the cache, run a command.

    Parameters
    ----------
    permissions
        The permissions; all of them are required.
    channel
        The channel or thread to check them in, or its id; by default the one where the command is run.
    guild
        A guild to check them in instead, ignoring the overwrites of its channels.
    refused
        As for `has_role`.

    Raises
    ------
    persist.QueryError
        If an argument is not valid.
    """
    return Hook(requirements.has_permissions(permissions, channel=channel, guild=guild), refused)


def bot_has_permissions(
    permissions: hikari.Permissions, *, channel: Channel | None = None, refused: Refused = _say
) -> Hook:
    """Return a hook that only lets a command run where the bot has certain permissions, computed from the cache.

    Parameters
    ----------
    permissions
        The permissions; all of them are required.
    channel
        The channel or thread to check them in, or its id; by default the one where the command is run.
    refused
        As for `has_role`.

    Raises
    ------
    persist.QueryError
        If an argument is not valid.
    """
    return Hook(requirements.bot_has_permissions(permissions, channel=channel), refused)


def member_since(since: Since, *, guild: Guild | None = None, refused: Refused = _say) -> Hook:
    """Return a hook that only lets those who have been members for some time run a command.

    Parameters
    ----------
    since
        For how long, such as ``datetime.timedelta(days=7)``, or since when, as a `datetime.datetime`.
    guild
        The guild; by default the one where the command is run.
    refused
        As for `has_role`.

    Raises
    ------
    persist.QueryError
        If an argument is not valid.
    """
    return Hook(requirements.member_since(since, guild=guild), refused)


def unless(excused: Hook, hook: AnyHook) -> AnyHook:
    """Return a hook, such as a cooldown, that is skipped for those whom another hook lets through.

    Parameters
    ----------
    excused
        A hook from this module.
    hook
        The hook to run for everybody else.

    Raises
    ------
    persist.QueryError
        If one of them is not such a hook.

    Examples
    --------
    ::

        @crescent.hook(hooks.unless(hooks.has_role(BOOSTER), cooldowns.cooldown(1, datetime.timedelta(minutes=1))))
    """
    ours = isinstance(excused, Hook)  # pyright: ignore[reportUnnecessaryIsInstance]
    requirements.check_hook("excused", excused, "a hook from persist.integrations.crescent.hooks", fits=ours)
    requirements.check_hook("hook", hook, "a hook, a function that takes a context", fits=callable(hook))

    async def run(context: crescent.Context) -> crescent.HookResult | None:
        return None if await excused.refusal(context) is None else await hook(context)

    return run
