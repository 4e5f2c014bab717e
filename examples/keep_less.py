"""A bot that stores as little as possible: no presences, no message content, and nothing from secret guilds.

Run it with ``DISCORD_TOKEN=... python examples/keep_less.py``. Say ``!kept`` in a guild, and it answers what it stores,
in the terms that Discord asks for when it reviews privileged intents. At the start, the bot removes everything that an
earlier run stored and these rules exclude. ``SECRET_GUILDS`` lists the guild IDs to exclude, separated by commas.
"""

from __future__ import annotations

import os

import hikari

import persist

SECRET_GUILDS = {int(guild) for guild in os.environ.get("SECRET_GUILDS", "").split(",") if guild}


def is_human(member: hikari.Member) -> bool:
    """Return whether a member is a person."""
    return not member.is_bot


def rules() -> persist.Rules:
    """Return the rules: what to store."""
    chosen = persist.Rules(
        guilds=persist.Keep(guilds=persist.not_(SECRET_GUILDS)),
        members=persist.Keep(predicate=is_human),
        messages=persist.Keep(sources={"gateway"}),
        presences=False,
        voice_states=False,
    )
    return chosen & persist.Rules.no_message_content()


def build(bot: hikari.GatewayBot) -> persist.Cache:
    """Give the bot a cache that stores less, and a command that describes it."""
    cache = persist.Cache(bot, "sqlite:///cache.db", rules=rules())

    @cache.listen()
    async def on_started(_: hikari.StartedEvent) -> None:
        applied = await cache.apply_rules()
        print(f"forgotten at the start: {sum(applied.forgotten.values())}, trimmed: {sum(applied.trimmed.values())}")

    @cache.listen()
    async def on_message(event: hikari.GuildMessageCreateEvent) -> None:
        if event.content == "!kept":
            kept = cache.describe_retention(event.guild_id)
            messages = next(kind for kind in kept.kinds if kind.kind == persist.MESSAGES)
            mine = await cache.messages.count(author=event.author)
            await event.message.respond(f"{messages} I have {mine} of your messages.")

    return cache


if __name__ == "__main__":
    intents = hikari.Intents.ALL_UNPRIVILEGED | hikari.Intents.GUILD_MEMBERS | hikari.Intents.MESSAGE_CONTENT
    discord = hikari.GatewayBot(os.environ["DISCORD_TOKEN"], intents=intents)
    build(discord)
    discord.run()
