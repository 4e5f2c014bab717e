"""Four shards in two processes on one PostgreSQL database: each answers for what all of them have heard.

Run each of these in a terminal of its own, with ``DISCORD_TOKEN`` and ``PERSIST_URL`` (``postgresql://...``) set::

    python examples/sharded_postgres/bot.py 0 1
    python examples/sharded_postgres/bot.py 2 3

``!where`` is answered by the process whose shard hears it. Kill one: the other knows what it had stored, and goes on.
"""

from __future__ import annotations

import os
import sys
import typing

import hikari

import persist

SHARDS: typing.Final = 4
"""How many there are in all processes together. Each process says so, and which of them are its own."""


def build(bot: hikari.GatewayBot, url: str) -> persist.Cache:
    """Give a bot the cache that all processes share, and something to answer from it."""
    # Members that this process has no shard for do not belong into its own bot.cache: warm leaves them out by itself.
    cache = persist.Cache(bot, url, warm=persist.Warm(kinds={"guilds", "roles"}))

    @bot.listen()
    async def on_message(event: hikari.GuildMessageCreateEvent) -> None:
        if event.content != "!where" or not event.is_human:
            return
        guilds, members = await cache.guilds.count(), await cache.members.count()
        mutual = await cache.guilds.mutual(event.author_id)
        await event.message.respond(
            f"Shard {event.shard.id} of {event.shard.shard_count}: {guilds} guilds with {members} members in all; "
            f"you are in {', '.join(sorted(guild.name for guild in mutual))}."
        )

    return cache


def main(shard_ids: list[int]) -> None:
    """Run the bot with some of the shards."""
    intents = hikari.Intents.ALL_UNPRIVILEGED | hikari.Intents.GUILD_MEMBERS | hikari.Intents.MESSAGE_CONTENT
    bot = hikari.GatewayBot(os.environ["DISCORD_TOKEN"], rest_url=os.environ.get("DISCORD_API"), intents=intents)
    build(bot, os.environ["PERSIST_URL"])
    bot.run(shard_ids=shard_ids, shard_count=SHARDS, check_for_updates=False)


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or list(range(SHARDS)))
