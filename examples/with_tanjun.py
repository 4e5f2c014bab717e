"""A tanjun bot: ``/said word`` answers from the cache with the latest messages that contain a word.

``!who @somebody`` uses the cache too: its converter and its permission check ask the cache instead of Discord. Run it
with ``DISCORD_TOKEN=... python examples/with_tanjun.py``. It stores its data in ``persist.db``; set ``PERSIST_URL`` to
use another database.
"""

from __future__ import annotations

import os
import typing

import alluka
import hikari
import tanjun

import persist

component = tanjun.Component(name="said")


@component.with_command
@tanjun.with_str_slash_option("word", "The word")
@tanjun.as_slash_command("said", "Find messages that contain a word")
async def said(context: tanjun.abc.SlashContext, word: str, messages: alluka.Injected[persist.Messages]) -> None:
    """Answer with up to five messages of this guild, newest first."""
    found = messages.find(guild=context.guild_id, content=persist.contains(word)).order_by("-timestamp")
    lines = [f"{message.author.username}: {message.content}" async for message in found.limit(5)]
    await context.respond("\n".join(lines) or "Nobody said that.")


@component.with_command
@tanjun.with_author_permission_check(hikari.Permissions.VIEW_CHANNEL)
@tanjun.with_argument("member", converters=tanjun.to_member)
@tanjun.with_parser
@tanjun.as_message_command("who")
async def who(context: tanjun.abc.MessageContext, member: hikari.Member) -> None:
    """Answer when the member joined."""
    await context.respond(f"{member.display_name} has been here since {member.joined_at:%d %B %Y}.")


@component.with_listener()
async def on_leave(event: hikari.MemberDeleteEvent, messages: alluka.Injected[persist.Messages]) -> None:
    """Print how many messages the member leaves behind."""
    count = await messages.count(guild=event.guild_id, author=event.user)
    print(f"{event.user.username} left, leaving {count} messages behind")


def build(bot: hikari.GatewayBot, **options: typing.Any) -> tanjun.Client:
    """Give the bot a tanjun client with a cache."""
    client = tanjun.Client.from_gateway_bot(bot, **options).add_prefix("!")
    client.load_modules("persist.integrations.tanjun")
    return client.add_component(component.copy())


if __name__ == "__main__":
    intents = hikari.Intents.ALL_UNPRIVILEGED | hikari.Intents.GUILD_MEMBERS | hikari.Intents.MESSAGE_CONTENT
    discord = hikari.GatewayBot(os.environ["DISCORD_TOKEN"], intents=intents)
    build(discord, declare_global_commands=True)
    discord.run()
