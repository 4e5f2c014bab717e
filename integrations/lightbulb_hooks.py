"""Hooks for lightbulb that ask the cache: ``from persist.integrations.lightbulb import hooks``.

They run among the checks of a command, and a command fails as with lightbulb's own: error handlers find the exception
among the ``causes``. Its text is a sentence for whoever ran the command.
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


class NotInGuild(Exception):  # noqa: N818 - lightbulb's own end no other way
    """A command was run in a direct message whose hooks ask about a guild."""


class MemberTooNew(Exception):  # noqa: N818 - lightbulb's own end no other way
    """Whoever ran a command has not been a member for long enough, or is none."""


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

        class Ban(lightbulb.SlashCommand, name="ban", description="...", hooks=[hooks.has_role(MODERATOR)]): ...
    """
    return _hook("has_role", requirements.has_role(*roles, guild=guild))


def has_permissions(
    permissions: hikari.Permissions, *, channel: Channel | None = None, guild: Guild | None = None
) -> lightbulb.ExecutionHook:
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
    return _hook("has_permissions", requirements.has_permissions(permissions, channel=channel, guild=guild))


def bot_has_permissions(permissions: hikari.Permissions, *, channel: Channel | None = None) -> lightbulb.ExecutionHook:
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
    return _hook("bot_has_permissions", requirements.bot_has_permissions(permissions, channel=channel))


def member_since(since: Since, *, guild: Guild | None = None) -> lightbulb.ExecutionHook:
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
    return _hook("member_since", requirements.member_since(since, guild=guild))


def unless(excused: lightbulb.ExecutionHook, hook: lightbulb.ExecutionHook) -> lightbulb.ExecutionHook:
    """Return a hook, such as a cooldown, that does not hold for those whom another one lets through.

    Parameters
    ----------
    excused
        A hook of this module, or lightbulb's ``owner_only``, ``has_roles`` or ``has_permissions``.
    hook
        What is run for everybody else, at its own step.

    Examples
    --------
    ::

        patient = hooks.unless(hooks.has_role(BOOSTER), lightbulb.prefab.sliding_window(60, 1, "user"))
    """

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
            error.args = (refusal.message,)  # lightbulb's own say nothing in words
            raise error

    return run
