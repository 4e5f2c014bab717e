"""What people write with hooks and converters, as mypy and pyright see it. It is checked, and never run."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import assert_type, cast

import arc
import crescent
import hikari
import lightbulb

import persist
import persist.integrations.lightbulb
from persist.integrations import arc as persist_arc
from persist.integrations.crescent import converters as crescent_converters
from persist.integrations.crescent import hooks as crescent_hooks
from persist.integrations.lightbulb import converters, hooks

A_DAY = datetime.timedelta(days=1)
patient = hooks.unless(persist.integrations.lightbulb.hooks.has_role(1), lightbulb.prefab.fixed_window(60, 1, "user"))


ToMessage = Callable[[lightbulb.Context, str], hikari.Message]


class Command(lightbulb.SlashCommand, name="command", description="A command", hooks=[patient]):
    # mypy infers nothing of any asynchronous converter of a string; pyright does.
    message = lightbulb.string("message", "Its link", converter=converters.to_message)  # type: ignore[arg-type,var-annotated]
    linked = lightbulb.string("linked", "Its link", converter=cast("ToMessage", converters.to_message))
    member = lightbulb.user("member", "Who", converter=converters.to_member)
    role = lightbulb.role("role", "Which", converter=converters.to_role)

    @lightbulb.invoke
    async def invoke(self, context: lightbulb.Context) -> None:
        assert_type(await converters.to_channel(context, "general"), hikari.GuildChannel)
        assert_type(self.message.content, str | None)
        assert_type(self.linked, hikari.Message)
        assert_type(self.member.joined_at, datetime.datetime | None)


@arc.with_hook(persist_arc.hooks.has_permissions(hikari.Permissions.BAN_MEMBERS, channel=1))
@arc.with_hook(persist_arc.hooks.unless(persist_arc.hooks.member_since(A_DAY), arc.utils.user_limiter(60, 1)))
@arc.slash_command("command", "A command")
async def slash(context: arc.GatewayContext) -> None:
    assert_type(await persist_arc.converters.to_member(context, "Nemo"), hikari.Member)


@crescent.hook(crescent_hooks.bot_has_permissions(hikari.Permissions.BAN_MEMBERS))
@crescent.command
async def command(context: crescent.Context) -> None:
    assert_type(await crescent_converters.to_role(context, "@Captain"), hikari.Role)


def attached(bot: hikari.GatewayBot, other: hikari.RESTBot) -> None:
    assert_type(persist.Cache(bot), persist.Cache)
    assert_type(persist.Cache(other, "sqlite:///cache.db").is_open, bool)
