"""Hooks for arc that use the cache: ``from persist.integrations.arc import hooks``.

If a hook stops a command, it fails as with arc's own hooks: error handlers get an `arc.HookAbortError`, whose text is
a sentence that you can show to the user.
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
    """The user who ran a command has none of the roles that it requires.

    Attributes
    ----------
    missing_roles
        The ids of the roles; any one of them is enough.
    """

    def __init__(self, missing_roles: Sequence[hikari.Snowflake], *args: typing.Any) -> None:
        self.missing_roles = missing_roles
        super().__init__(*args)


class MemberTooNewError(arc.HookAbortError):
    """The user who ran a command has not been a member for long enough, or is not a member."""


_ERRORS: typing.Final[Mapping[requirements.What, Callable[[Refusal], arc.HookAbortError]]] = {
    "guild": lambda refusal: arc.GuildOnlyError(refusal.message),
    "roles": lambda refusal: InvokerMissingRolesError(refusal.roles, refusal.message),
    "permissions": lambda refusal: arc.InvokerMissingPermissionsError(refusal.missing, refusal.message),
    "bot permissions": lambda refusal: arc.BotMissingPermissionsError(refusal.missing, refusal.message),
    "time": lambda refusal: MemberTooNewError(refusal.message),
}


def has_role(*roles: Role, guild: Guild | None = None) -> Hook:
    """Return a hook that only lets members with a role, or with any one of several, run a command.

    Parameters
    ----------
    *roles
        The roles, or their ids. To require all of several roles, use several hooks.
    guild
        The guild of the roles; by default the one where the command is run.

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
    """Return a hook that only lets members with certain permissions, computed from the cache, run a command.

    Parameters
    ----------
    permissions
        The permissions; all of them are required.
    channel
        The channel or thread to check them in, or its id; by default the one where the command is run.
    guild
        A guild to check them in instead, ignoring the overwrites of its channels.

    Raises
    ------
    persist.QueryError
        If an argument is not valid.
    """
    return _hook(requirements.has_permissions(permissions, channel=channel, guild=guild))


def bot_has_permissions(permissions: hikari.Permissions, *, channel: Channel | None = None) -> Hook:
    """Return a hook that only lets a command run where the bot has certain permissions, computed from the cache.

    Parameters
    ----------
    permissions
        The permissions; all of them are required.
    channel
        The channel or thread to check them in, or its id; by default the one where the command is run.

    Raises
    ------
    persist.QueryError
        If an argument is not valid.
    """
    return _hook(requirements.bot_has_permissions(permissions, channel=channel))


def member_since(since: Since, *, guild: Guild | None = None) -> Hook:
    """Return a hook that only lets those who have been members for some time run a command.

    Parameters
    ----------
    since
        For how long, such as ``datetime.timedelta(days=7)``, or since when, as a `datetime.datetime`.
    guild
        The guild; by default the one where the command is run.

    Raises
    ------
    persist.QueryError
        If an argument is not valid.
    """
    return _hook(requirements.member_since(since, guild=guild))


def unless(excused: AnyHook, hook: AnyHook) -> Hook:
    """Return a hook, such as a limiter, that is skipped for those whom another hook lets through.

    Parameters
    ----------
    excused
        A hook that raises `arc.HookAbortError` for everybody else: from this module, or arc's ``owner_only`` or
        ``has_permissions``.
    hook
        The hook to run for everybody else.

    Raises
    ------
    persist.QueryError
        If one of them is not such a hook.

    Examples
    --------
    ::

        @arc.with_hook(hooks.unless(hooks.has_role(BOOSTER), arc.utils.user_limiter(60, 1)))
    """
    for argument, given in (("excused", excused), ("hook", hook)):
        requirements.check_hook(argument, given, "a hook, a function that takes a context", fits=callable(given))

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
