"""``/said word`` answers with the latest messages that hold a word, from the cache: a lightbulb bot.

Who has joined only today is told to wait. Run it with
``DISCORD_TOKEN=... python examples/with_lightbulb.py``. It remembers in ``persist.db``, or where ``PERSIST_URL``
says.
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
    lightbulb.SlashCommand, name="said", description="Who said a word?", hooks=[hooks.member_since(LONG_ENOUGH)]
):
    """Look for a word in what this guild has said."""

    word = lightbulb.string("word", "The word")

    @lightbulb.invoke
    async def invoke(self, context: lightbulb.Context, messages: persist.Messages) -> None:
        """Answer with at most five messages, the latest first."""
        found = messages.find(guild=context.guild_id, content=persist.contains(self.word)).order_by("-timestamp")
        lines = [f"{message.author.username}: {message.content}" async for message in found.limit(5)]
        await context.respond("\n".join(lines) or "Nobody has.")


@loader.listener(hikari.MemberDeleteEvent)
async def on_leave(event: hikari.MemberDeleteEvent, messages: persist.Messages) -> None:
    """Tell how much somebody leaves behind."""
    count = await messages.count(guild=event.guild_id, author=event.user)
    print(f"{event.user.username} left, and leaves {count} messages")


def build(bot: hikari.GatewayBot) -> lightbulb.GatewayEnabledClient:
    """Give a bot a client that has a cache."""
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
