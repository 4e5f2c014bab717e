"""Four shards in two processes on one PostgreSQL database. Each process can answer for all shards.

Run each of these in its own terminal, with ``DISCORD_TOKEN`` and ``PERSIST_URL`` (``postgresql://...``) set::

    python examples/sharded_postgres/bot.py 0 1
    python examples/sharded_postgres/bot.py 2 3

The process whose shard receives ``!where`` answers it. Kill one process: the other keeps running and still has
everything that the first one stored.
"""

from __future__ import annotations

import os
import sys
import typing

import hikari

import persist

SHARDS: typing.Final = 4
"""The number of shards in all processes together. Each process needs this number and the IDs of its own shards."""


def build(bot: hikari.GatewayBot, url: str) -> persist.Cache:
    """Give the bot the shared cache, and a command that answers from it."""
    # warm fills bot.cache only with members of this process's own shards.
    cache = persist.Cache(bot, url, warm=persist.Warm(kinds={"guilds", "roles"}))

    @bot.listen()
    async def on_message(event: hikari.GuildMessageCreateEvent) -> None:
        if event.content != "!where" or not event.is_human:
            return
        guilds, members = await cache.guilds.count(), await cache.members.count()
        mutual = await cache.guilds.mutual(event.author_id)
        await event.message.respond(
            f"Shard {event.shard.id} of {event.shard.shard_count}: {guilds} guilds with {members} members in total; "
            f"you are in {', '.join(sorted(guild.name for guild in mutual))}."
        )

    return cache


def main(shard_ids: list[int]) -> None:
    """Run the bot with these shards."""
    intents = hikari.Intents.ALL_UNPRIVILEGED | hikari.Intents.GUILD_MEMBERS | hikari.Intents.MESSAGE_CONTENT
    bot = hikari.GatewayBot(os.environ["DISCORD_TOKEN"], rest_url=os.environ.get("DISCORD_API"), intents=intents)
    build(bot, os.environ["PERSIST_URL"])
    bot.run(shard_ids=shard_ids, shard_count=SHARDS, check_for_updates=False)


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or list(range(SHARDS)))
