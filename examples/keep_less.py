"""A bot that keeps as little as it can: no presences, nothing of what people say, and nothing at all of one guild.

Run it with DISCORD_TOKEN set. Say ``!kept`` in a guild: it tells what is kept, in the words that Discord asks for when
privileged intents are reviewed. Whatever an earlier run has kept and these rules do not is forgotten at the start.
"""

from __future__ import annotations

import os

import hikari

import persist

SECRET_GUILDS = {int(guild) for guild in os.environ.get("SECRET_GUILDS", "").split(",") if guild}


def is_human(member: hikari.Member) -> bool:
    """Tell whether a member is a person."""
    return not member.is_bot


def rules() -> persist.Rules:
    """Return what is kept."""
    chosen = persist.Rules(
        guilds=persist.Keep(guilds=persist.not_(SECRET_GUILDS)),
        members=persist.Keep(predicate=is_human),
        messages=persist.Keep(sources={"gateway"}),
        presences=False,
        voice_states=False,
    )
    return chosen & persist.Rules.no_message_content()


def build(bot: hikari.GatewayBot) -> persist.Cache:
    """Give a bot a cache that keeps less, and a command that tells so."""
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
            await event.message.respond(f"{messages} I know of {mine} messages of yours.")

    return cache


if __name__ == "__main__":
    intents = hikari.Intents.ALL_UNPRIVILEGED | hikari.Intents.GUILD_MEMBERS | hikari.Intents.MESSAGE_CONTENT
    discord = hikari.GatewayBot(os.environ["DISCORD_TOKEN"], intents=intents)
    build(discord)
    discord.run()
