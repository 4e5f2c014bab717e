"""A lightbulb bot: ``/said word`` answers from the cache with the latest messages that contain a word.

Members who joined less than a day ago can't use it yet. Run it with
``DISCORD_TOKEN=... python examples/with_lightbulb.py``. It stores its data in ``persist.db``; set ``PERSIST_URL`` to
use another database.
"""

from __future__ import annotations

import datetime
import os

import hikari
import lightbulb

import persist
from persist.integrations.lightbulb import hooks

LONG_ENOUGH = datetime.timedelta(days=1)
loader = lightbulb.Loader()


@loader.command
class Said(
    lightbulb.SlashCommand,
    name="said",
    description="Find messages that contain a word",
    hooks=[hooks.member_since(LONG_ENOUGH)],
):
    """Find messages of this guild that contain a word."""

    word = lightbulb.string("word", "The word")

    @lightbulb.invoke
    async def invoke(self, context: lightbulb.Context, messages: persist.Messages) -> None:
        """Answer with up to five messages, newest first."""
        found = messages.find(guild=context.guild_id, content=persist.contains(self.word)).order_by("-timestamp")
        lines = [f"{message.author.username}: {message.content}" async for message in found.limit(5)]
        await context.respond("\n".join(lines) or "Nobody said that.")


@loader.listener(hikari.MemberDeleteEvent)
async def on_leave(event: hikari.MemberDeleteEvent, messages: persist.Messages) -> None:
    """Print how many messages the member leaves behind."""
    count = await messages.count(guild=event.guild_id, author=event.user)
    print(f"{event.user.username} left, leaving {count} messages behind")


def build(bot: hikari.GatewayBot) -> lightbulb.GatewayEnabledClient:
    """Give the bot a lightbulb client with a cache."""
    client = lightbulb.client_from_app(bot)

    @bot.listen()
    async def on_starting(_: hikari.StartingEvent) -> None:
        await client.load_extensions("persist.integrations.lightbulb")
        await loader.add_to_client(client)
        await client.start()

    @client.error_handler
    async def on_error(error: lightbulb.exceptions.ExecutionPipelineFailedException) -> bool:
        refused = isinstance(error.causes[0], hooks.MemberTooNew)
        if refused:
            await error.context.respond(str(error.causes[0]), ephemeral=True)
        return refused

    return client


if __name__ == "__main__":
    intents = hikari.Intents.ALL_UNPRIVILEGED | hikari.Intents.GUILD_MEMBERS | hikari.Intents.MESSAGE_CONTENT
    discord = hikari.GatewayBot(os.environ["DISCORD_TOKEN"], intents=intents)
    build(discord)
    discord.run()
