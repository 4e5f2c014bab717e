"""A moderation log: edited and deleted messages, removed reactions, and who left with which roles.

It also covers messages from before the bot started, because the cache returns what it held before each event. Create a
channel named mod-log, and run it with ``DISCORD_TOKEN=... python examples/modlog.py``.
"""

from __future__ import annotations

import os

import hikari

import persist


def build(bot: hikari.GatewayBot) -> persist.Cache:
    """Give the bot a cache, and listeners that log what changes."""
    cache = persist.Cache(bot, "sqlite:///cache.db")
    log_messages(cache, bot)
    log_reactions(cache, bot)
    log_people(cache, bot)
    return cache


async def write(cache: persist.Cache, bot: hikari.GatewayBot, guild_id: hikari.Snowflake, text: str) -> None:
    """Write a line to the guild's log channel, if it has one."""
    async for channel in cache.channels.find(guild=guild_id, name="mod-log").limit(1):
        await bot.rest.create_message(channel, text[:2000])


def said(message: hikari.PartialMessage | None) -> str:
    """Return who wrote what."""
    if message is None or not message.author:
        return "a message that the cache does not have"
    return f"{message.author.username}: {message.content!r}"


def log_messages(cache: persist.Cache, bot: hikari.GatewayBot) -> None:
    """Log edits and deletions."""

    @cache.listen()
    async def on_edit(event: hikari.GuildMessageUpdateEvent) -> None:
        old = event.old_message
        if old is not None and event.is_human and old.content != event.content:
            await write(cache, bot, event.guild_id, f"Edited to {event.content!r}: {said(old)}")

    @cache.listen()
    async def on_delete(event: hikari.GuildMessageDeleteEvent) -> None:
        await write(cache, bot, event.guild_id, f"Deleted: {said(event.old_message)}")

    @cache.listen()
    async def on_bulk_delete(event: hikari.GuildBulkMessageDeleteEvent) -> None:
        lines = [f"{len(event.message_ids)} messages deleted at once:"]
        lines += [said(old) for _, old in sorted(event.old_messages.items())]
        await write(cache, bot, event.guild_id, "\n".join(lines))


def log_reactions(cache: persist.Cache, bot: hikari.GatewayBot) -> None:
    """Log removed reactions. hikari's events have no field for the message, so this asks the cache for it."""

    @cache.listen()
    async def on_one(event: hikari.GuildReactionDeleteEvent) -> None:
        user, message = await cache.get_user(event.user_id), await cache.before(event)
        await write(cache, bot, event.guild_id, f"{user} removed {event.emoji_name} from {said(message)}")

    @cache.listen()
    async def on_all(event: hikari.GuildReactionDeleteAllEvent) -> None:
        message = await cache.before(event)
        reactions = message.reactions if message is not None else ()
        counts = ", ".join(f"{reaction.count} {reaction.emoji}" for reaction in reactions)
        await write(cache, bot, event.guild_id, f"All reactions ({counts}) were removed from {said(message)}")


def log_people(cache: persist.Cache, bot: hikari.GatewayBot) -> None:
    """Log members who leave, and deleted roles."""

    @cache.listen()
    async def on_leave(event: hikari.MemberDeleteEvent) -> None:
        old = event.old_member
        roles = await cache.roles.get_many(old.role_ids if old is not None else ())
        names = sorted(role.name for role in roles if role.id != event.guild_id)
        name = old.display_name if old is not None else event.user.username
        await write(cache, bot, event.guild_id, f"{name} left, with these roles: {', '.join(names) or 'unknown'}")

    @cache.listen()
    async def on_role_deleted(event: hikari.RoleDeleteEvent) -> None:
        name = event.old_role.name if event.old_role is not None else event.role_id
        await write(cache, bot, event.guild_id, f"The role {name} was deleted")


if __name__ == "__main__":
    intents = hikari.Intents.ALL_UNPRIVILEGED | hikari.Intents.GUILD_MEMBERS | hikari.Intents.MESSAGE_CONTENT
    discord = hikari.GatewayBot(os.environ["DISCORD_TOKEN"], intents=intents)
    build(discord)
    discord.run()
