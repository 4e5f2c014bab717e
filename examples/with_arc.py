"""An arc bot: ``/said word`` answers from the cache with the latest messages that contain a word.

Members who joined less than a day ago can't use it yet. Run it with ``DISCORD_TOKEN=... python examples/with_arc.py``.
It stores its data in ``persist.db``; set ``PERSIST_URL`` to use another database.
"""

# ruff: noqa: B008 - arc.inject() as a default is how arc is asked

from __future__ import annotations

import datetime
import os

import arc
import hikari

import persist
from persist.integrations.arc import hooks

LONG_ENOUGH = datetime.timedelta(days=1)
plugin = arc.GatewayPlugin("said")


@plugin.include
@arc.with_hook(hooks.member_since(LONG_ENOUGH))
@arc.slash_command("said", "Find messages that contain a word")
async def said(
    context: arc.GatewayContext,
    word: arc.Option[str, arc.StrParams("The word")],  # type: ignore[valid-type]  # arc's own way to write it
    messages: persist.Messages = arc.inject(),
) -> None:
    """Answer with up to five messages of this guild, newest first."""
    found = messages.find(guild=context.guild_id, content=persist.contains(word)).order_by("-timestamp")
    lines = [f"{message.author.username}: {message.content}" async for message in found.limit(5)]
    await context.respond("\n".join(lines) or "Nobody said that.")


@said.set_error_handler
async def on_error(context: arc.GatewayContext, error: Exception) -> None:
    """Tell new members why they can't use the command yet."""
    if not isinstance(error, arc.HookAbortError):
        raise error
    await context.respond(str(error), flags=hikari.MessageFlag.EPHEMERAL)


@plugin.listen()
@plugin.inject_dependencies
async def on_leave(event: hikari.MemberDeleteEvent, messages: persist.Messages = arc.inject()) -> None:
    """Print how many messages the member leaves behind."""
    count = await messages.count(guild=event.guild_id, author=event.user)
    print(f"{event.user.username} left, leaving {count} messages behind")


def build(bot: hikari.GatewayBot) -> arc.GatewayClient:
    """Give the bot an arc client with a cache."""
    client = arc.GatewayClient(bot)
    client.load_extension("persist.integrations.arc")
    client.add_plugin(plugin)
    return client


if __name__ == "__main__":
    intents = hikari.Intents.ALL_UNPRIVILEGED | hikari.Intents.GUILD_MEMBERS | hikari.Intents.MESSAGE_CONTENT
    discord = hikari.GatewayBot(os.environ["DISCORD_TOKEN"], intents=intents)
    build(discord)
    discord.run()
