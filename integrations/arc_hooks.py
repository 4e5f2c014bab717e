"""Hooks for arc that ask the cache: ``from persist.integrations.arc import hooks``.

A command that may not run fails as with arc's own hooks: error handlers get an `arc.HookAbortError`, whose text is a
sentence for whoever ran the command.
"""

from __future__ import annotations

import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence

import arc
import hikari

from persist.cache import Cache

from . import requirements
from .offered import missing
from .requirements import Channel, Guild, Refusal, Requirement, Role, Since

__all__ = (
    "InvokerMissingRolesError",
    "MemberTooNewError",
    "bot_has_permissions",
    "has_permissions",
    "has_role",
    "member_since",
    "unless",
)

Context = arc.Context[typing.Any]
Hook = Callable[[Context], Awaitable[arc.HookResult]]
AnyHook = Callable[..., typing.Any]


class InvokerMissingRolesError(arc.HookAbortError):
    """Whoever ran a command has none of the roles that it requires.

    Attributes
    ----------
    missing_roles
        The ids of the roles of which one is required.
    """

    def __init__(self, missing_roles: Sequence[hikari.Snowflake], *args: typing.Any) -> None:
        self.missing_roles = missing_roles
        super().__init__(*args)


class MemberTooNewError(arc.HookAbortError):
    """Whoever ran a command has not been a member for long enough, or is none."""


_ERRORS: typing.Final[Mapping[requirements.What, Callable[[Refusal], arc.HookAbortError]]] = {
    "guild": lambda refusal: arc.GuildOnlyError(refusal.message),
    "roles": lambda refusal: InvokerMissingRolesError(refusal.roles, refusal.message),
    "permissions": lambda refusal: arc.InvokerMissingPermissionsError(refusal.missing, refusal.message),
    "bot permissions": lambda refusal: arc.BotMissingPermissionsError(refusal.missing, refusal.message),
    "time": lambda refusal: MemberTooNewError(refusal.message),
}


def has_role(*roles: Role, guild: Guild | None = None) -> Hook:
    """Return a hook that lets a command run for those who have a role, or one of several.

    Parameters
    ----------
    *roles
        The roles, or their ids. To require all of several, use as many hooks.
    guild
        The guild that they are of; the one where the command is run if this is left out.

    Raises
    ------
    persist.QueryError
        If an argument is not an id.

    Examples
    --------
    ::

        @client.include
        @arc.with_hook(hooks.has_role(MODERATOR))
        @arc.slash_command("ban", "...")
        async def ban(context: arc.GatewayContext) -> None: ...
    """
    return _hook(requirements.has_role(*roles, guild=guild))


def has_permissions(
    permissions: hikari.Permissions, *, channel: Channel | None = None, guild: Guild | None = None
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

    Raises
    ------
    persist.QueryError
        If an argument cannot be used.
    """
    return _hook(requirements.has_permissions(permissions, channel=channel, guild=guild))


def bot_has_permissions(permissions: hikari.Permissions, *, channel: Channel | None = None) -> Hook:
    """Return a hook that lets a command run where the bot has permissions, computed from the cache.

    Parameters
    ----------
    permissions
        All that are required.
    channel
        Where: a channel or thread, or its id; where the command is run if this is left out.

    Raises
    ------
    persist.QueryError
        If an argument cannot be used.
    """
    return _hook(requirements.bot_has_permissions(permissions, channel=channel))


def member_since(since: Since, *, guild: Guild | None = None) -> Hook:
    """Return a hook that lets a command run for those who have been members for some time.

    Parameters
    ----------
    since
        For how long, such as ``datetime.timedelta(days=7)``, or since when.
    guild
        Of which guild; of the one where the command is run if this is left out.

    Raises
    ------
    persist.QueryError
        If an argument cannot be used.
    """
    return _hook(requirements.member_since(since, guild=guild))


def unless(excused: AnyHook, hook: AnyHook) -> Hook:
    """Return a hook, such as a limiter, that does not hold for those whom another one lets through.

    Parameters
    ----------
    excused
        A hook that raises `arc.HookAbortError` for everybody else: one of this module, or arc's ``owner_only`` or
        ``has_permissions``.
    hook
        What is run for everybody else.

    Examples
    --------
    ::

        @arc.with_hook(hooks.unless(hooks.has_role(BOOSTER), arc.utils.user_limiter(60, 1)))
    """

    async def run(context: Context) -> arc.HookResult:
        call = context.client.injector.call_with_async_di
        try:
            await call(excused, context)
        except arc.HookAbortError:
            result: arc.HookResult | None = await call(hook, context)
            return result or arc.HookResult()
        return arc.HookResult()

    return run


def _hook(requirement: Requirement) -> Hook:
    async def run(context: Context) -> arc.HookResult:
        cache = context.client.get_type_dependency(Cache, default=None)
        if cache is None:
            raise missing('client.load_extension("persist.integrations.arc")')
        refusal = await requirement(cache, context.interaction)
        if refusal is not None:
            raise _ERRORS[refusal.what](refusal)
        return arc.HookResult()

    return run
