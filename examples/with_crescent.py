"""A crescent bot: ``/said word`` answers from the cache with the latest messages that contain a word.

Members who joined less than a day ago can't use it yet. Run it with
``DISCORD_TOKEN=... python examples/with_crescent.py``. It stores its data in ``persist.db``; set ``PERSIST_URL`` to use
another database.
"""

from __future__ import annotations

import datetime
import os

import crescent
import hikari

import persist
from persist.integrations.crescent import get, hooks

LONG_ENOUGH = datetime.timedelta(days=1)


class Said:
    """Find messages of this guild that contain a word."""

    word = crescent.option(str, "The word")

    async def callback(self, context: crescent.Context) -> None:
        """Answer with up to five messages, newest first."""
        messages = get(context).messages
        found = messages.find(guild=context.guild_id, content=persist.contains(self.word)).order_by("-timestamp")
        lines = [f"{message.author.username}: {message.content}" async for message in found.limit(5)]
        await context.respond("\n".join(lines) or "Nobody said that.")


@crescent.event
async def on_leave(event: hikari.MemberDeleteEvent) -> None:
    """Print how many messages the member leaves behind."""
    count = await get(event).messages.count(guild=event.guild_id, author=event.user)
    print(f"{event.user.username} left, leaving {count} messages behind")


def build(bot: hikari.GatewayBot) -> crescent.Client:
    """Give the bot a crescent client with a cache."""
    client = crescent.Client(bot)
    client.plugins.load("persist.integrations.crescent")
    said = crescent.command(name="said", description="Find messages that contain a word")(Said)
    client.include(crescent.hook(hooks.member_since(LONG_ENOUGH))(said))
    client.include(on_leave)
    return client


if __name__ == "__main__":
    intents = hikari.Intents.ALL_UNPRIVILEGED | hikari.Intents.GUILD_MEMBERS | hikari.Intents.MESSAGE_CONTENT
    discord = hikari.GatewayBot(os.environ["DISCORD_TOKEN"], intents=intents)
    build(discord)
    discord.run()
