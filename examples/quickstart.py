"""Store every message, and show what it said before an edit. No command framework, and the database is one file.

Run it with ``DISCORD_TOKEN=... python examples/quickstart.py``, write something, restart the bot, and write ``!count``.
"""

from __future__ import annotations

import os

import hikari

import persist


def build(bot: hikari.GatewayBot) -> persist.Cache:
    """Give the bot a cache and two listeners."""
    cache = persist.Cache(bot, "sqlite:///cache.db")

    @cache.listen()
    async def on_edit(event: hikari.GuildMessageUpdateEvent) -> None:
        # The cache has the event before any listener runs.
        entry = await cache.messages.entry(event.message_id)
        if entry is not None and entry.value is not None:
            print(f"{entry.value.author.username} edited a message from {entry.first_seen}: {entry.value.content!r}")

    @bot.listen()
    async def on_message(event: hikari.GuildMessageCreateEvent) -> None:
        if event.content == "!count" and event.is_human:
            count = await cache.messages.count(guild=event.guild_id, author=event.author)
            await event.message.respond(f"I remember {count} of your messages.")

    return cache


if __name__ == "__main__":
    intents = hikari.Intents.ALL_UNPRIVILEGED | hikari.Intents.MESSAGE_CONTENT
    discord = hikari.GatewayBot(os.environ["DISCORD_TOKEN"], intents=intents)
    build(discord)
    discord.run()
