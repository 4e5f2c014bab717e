"""A REST bot without a gateway: ``/stats`` answers from the database of another bot, through a read-only cache.

Start a bot with ``persist.Cache(bot, "sqlite:///cache.db")`` first, such as ``examples/quickstart.py``. Then run
``DISCORD_TOKEN=... python examples/restbot_dashboard_reader.py``. Set ``PERSIST_URL`` to use another database.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator

import hikari

import persist


async def summary(cache: persist.ReadOnlyCache, guild_id: hikari.Snowflake) -> str:
    guild = await cache.get_guild(guild_id)
    members = await cache.members.count(guild=guild_id)
    messages = await cache.messages.count(guild=guild_id)
    return f"{guild.name if guild else 'This guild'}: {members} members, {messages} messages."


def build(bot: hikari.RESTBot) -> persist.ReadOnlyCache:
    """Give the bot a read-only cache and a command."""
    cache = persist.connect(os.environ.get("PERSIST_URL", "sqlite:///cache.db"), bot)

    async def on_command(
        interaction: hikari.CommandInteraction,
    ) -> AsyncGenerator[hikari.api.InteractionDeferredBuilder, None]:
        yield interaction.build_deferred_response()
        await interaction.edit_initial_response(await summary(cache, interaction.guild_id or hikari.Snowflake(0)))

    bot.interaction_server.set_listener(hikari.CommandInteraction, on_command)
    return cache


if __name__ == "__main__":
    discord = hikari.RESTBot(os.environ["DISCORD_TOKEN"], hikari.TokenType.BOT)
    build(discord)
    discord.run()
