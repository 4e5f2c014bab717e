"""``/said word`` answers with the latest messages that hold a word, from the cache: a crescent bot.

Who has joined only today is told to wait. Run it with
``DISCORD_TOKEN=... python examples/with_crescent.py``. It remembers in ``persist.db``, or where ``PERSIST_URL``
says.
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
    """Look for a word in what this guild has said."""

    word = crescent.option(str, "The word")

    async def callback(self, context: crescent.Context) -> None:
        """Answer with at most five messages, the latest first."""
        messages = get(context).messages
        found = messages.find(guild=context.guild_id, content=persist.contains(self.word)).order_by("-timestamp")
        lines = [f"{message.author.username}: {message.content}" async for message in found.limit(5)]
        await context.respond("\n".join(lines) or "Nobody has.")


@crescent.event
async def on_leave(event: hikari.MemberDeleteEvent) -> None:
    """Tell how much somebody leaves behind."""
    count = await get(event).messages.count(guild=event.guild_id, author=event.user)
    print(f"{event.user.username} left, and leaves {count} messages")


def build(bot: hikari.GatewayBot) -> crescent.Client:
    """Give a bot a client that has a cache."""
    client = crescent.Client(bot)
    client.plugins.load("persist.integrations.crescent")
    said = crescent.command(name="said", description="Who said a word?")(Said)
    client.include(crescent.hook(hooks.member_since(LONG_ENOUGH))(said))
    client.include(on_leave)
    return client


if __name__ == "__main__":
    intents = hikari.Intents.ALL_UNPRIVILEGED | hikari.Intents.GUILD_MEMBERS | hikari.Intents.MESSAGE_CONTENT
    discord = hikari.GatewayBot(os.environ["DISCORD_TOKEN"], intents=intents)
    build(discord)
    discord.run()
