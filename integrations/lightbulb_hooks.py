"""Hooks for lightbulb that use the cache: ``from persist.integrations.lightbulb import hooks``.

They run with a command's checks, and a command fails as with lightbulb's own checks: error handlers find the exception
in ``causes``. Its text is a sentence that you can show to the user.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping

import hikari
import lightbulb
from lightbulb import prefab

from persist.cache import Cache

from . import requirements
from .offered import missing
from .requirements import Channel, Guild, Refusal, Requirement, Role, Since

__all__ = (
    "MemberTooNew",
    "NotInGuild",
    "bot_has_permissions",
    "has_permissions",
    "has_role",
    "member_since",
    "unless",
)


class NotInGuild(Exception):  # noqa: N818 - lightbulb's own are named like this
    """A command was run in a DM, but one of its hooks needs a guild."""


class MemberTooNew(Exception):  # noqa: N818 - lightbulb's own are named like this
    """The user who ran a command has not been a member for long enough, or is not a member."""


_ERRORS: typing.Final[Mapping[requirements.What, Callable[[Refusal], Exception]]] = {
    "guild": lambda _: NotInGuild(),
    "roles": lambda refusal: prefab.MissingRequiredRoles(refusal.roles),
    "permissions": lambda refusal: prefab.MissingRequiredPermission(refusal.missing, refusal.actual),
    "bot permissions": lambda refusal: prefab.BotMissingRequiredPermissions(refusal.missing, refusal.actual),
    "time": lambda _: MemberTooNew(),
}
_REFUSALS: typing.Final = (
    NotInGuild,
    MemberTooNew,
    prefab.MissingRequiredRoles,
    prefab.MissingRequiredPermission,
    prefab.BotMissingRequiredPermissions,
    prefab.NotOwner,
)


def has_role(*roles: Role, guild: Guild | None = None) -> lightbulb.ExecutionHook:
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

        class Ban(lightbulb.SlashCommand, name="ban", description="...", hooks=[hooks.has_role(MODERATOR)]): ...
    """
    return _hook("has_role", requirements.has_role(*roles, guild=guild))


def has_permissions(
    permissions: hikari.Permissions, *, channel: Channel | None = None, guild: Guild | None = None
) -> lightbulb.ExecutionHook:
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
    return _hook("has_permissions", requirements.has_permissions(permissions, channel=channel, guild=guild))


def bot_has_permissions(permissions: hikari.Permissions, *, channel: Channel | None = None) -> lightbulb.ExecutionHook:
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
    return _hook("bot_has_permissions", requirements.bot_has_permissions(permissions, channel=channel))


def member_since(since: Since, *, guild: Guild | None = None) -> lightbulb.ExecutionHook:
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
    return _hook("member_since", requirements.member_since(since, guild=guild))


def unless(excused: lightbulb.ExecutionHook, hook: lightbulb.ExecutionHook) -> lightbulb.ExecutionHook:
    """Return a hook, such as a cooldown, that is skipped for those whom another hook lets through.

    Parameters
    ----------
    excused
        A hook from this module, or lightbulb's ``owner_only``, ``has_roles`` or ``has_permissions``.
    hook
        The hook to run for everybody else, at its own step.

    Raises
    ------
    persist.QueryError
        If one of them is not such a hook.

    Examples
    --------
    ::

        patient = hooks.unless(hooks.has_role(BOOSTER), lightbulb.prefab.sliding_window(60, 1, "user"))
    """
    for argument, given in (("excused", excused), ("hook", hook)):
        fits = isinstance(given, lightbulb.ExecutionHook)  # pyright: ignore[reportUnnecessaryIsInstance]
        requirements.check_hook(argument, given, "a lightbulb hook, as @lightbulb.hook makes it", fits=fits)

    @lightbulb.hook(hook.step, skip_when_failed=hook.skip_when_failed, name=hook.name)
    async def run(pipeline: lightbulb.ExecutionPipeline, context: lightbulb.Context) -> None:
        try:
            await excused(pipeline, context)
        except _REFUSALS:
            await hook(pipeline, context)

    return run


def _hook(name: str, requirement: Requirement) -> lightbulb.ExecutionHook:
    @lightbulb.hook(lightbulb.ExecutionSteps.CHECKS, skip_when_failed=True, name=name)
    async def run(_: lightbulb.ExecutionPipeline, context: lightbulb.Context, cache: Cache | None) -> None:
        if cache is None:
            raise missing('await client.load_extensions("persist.integrations.lightbulb")')
        refusal = await requirement(cache, context.interaction)
        if refusal is not None:
            error = _ERRORS[refusal.what](refusal)
            error.args = (refusal.message,)  # lightbulb's own exceptions have no message
            raise error

    return run
