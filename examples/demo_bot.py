"""An ordinary hikari bot with four slash commands. It answers all of them from the cache.

`make demo` runs it. To run it on Discord, set DISCORD_TOKEN and run `python demo_bot.py`.
"""

from __future__ import annotations

import os

import hikari
import lightbulb

import persist
from persist.integrations.lightbulb import install


class Find(lightbulb.SlashCommand, name="find", description="Find messages that contain some words"):
    words = lightbulb.string("words", "what the message contains")

    @lightbulb.invoke
    async def answer(self, ctx: lightbulb.Context, messages: persist.Messages) -> None:
        found = messages.find(content=persist.contains(self.words)).order_by("-timestamp").limit(3)
        said = [f"{each.author.display_name}: {each.content}" async for each in found]
        await ctx.respond("\n".join(said) or "nobody said that")


class Members(lightbulb.SlashCommand, name="members", description="Count the members in the cache"):
    @lightbulb.invoke
    async def answer(self, ctx: lightbulb.Context, members: persist.Members, guilds: persist.Guilds) -> None:
        await ctx.respond(f"{await members.count():,} members of {await guilds.count()} guilds")


class Roles(lightbulb.SlashCommand, name="roles", description="List the roles of this guild"):
    @lightbulb.invoke
    async def answer(self, ctx: lightbulb.Context, roles: persist.Roles) -> None:
        found = await roles.find(guild=ctx.guild_id).order_by("-position")
        await ctx.respond(", ".join(role.name for role in found if role.id != ctx.guild_id) or "none")


class Who(lightbulb.SlashCommand, name="who", description="Look up a member by name"):
    user = lightbulb.string("name", "a user name")

    @lightbulb.invoke
    async def answer(self, ctx: lightbulb.Context, cache: persist.Cache) -> None:
        known = "nobody"
        async for user in cache.users.find(username=self.user):
            entry = await cache.members.entry(ctx.guild_id or 0, user)
            if entry is not None and entry.value is not None:
                when = "seen in this session" if entry.verified else "remembered from an earlier session"
                known = f"{entry.value.display_name}, {when}"
        await ctx.respond(known)


def make(token: str, url: str, rest_url: str | None = None) -> hikari.GatewayBot:
    """Create the bot, its cache and its commands."""
    bot = hikari.GatewayBot(
        token,
        rest_url=rest_url,
        intents=hikari.Intents.ALL_UNPRIVILEGED | hikari.Intents.GUILD_MEMBERS | hikari.Intents.MESSAGE_CONTENT,
        auto_chunk_members=False,  # hikari would request all members at each start; on_guild requests only unknown ones
        banner=None,
        suppress_optimization_warning=True,
    )
    cache = persist.Cache(bot, url, rules=persist.Rules(off=frozenset({persist.PRESENCES})), members="never")
    client = lightbulb.client_from_app(bot)
    install(client, cache)
    for command in (Find, Members, Roles, Who):
        client.register(command)
    bot.subscribe(hikari.StartingEvent, client.start)
    bot.subscribe(hikari.StoppingEvent, client.stop)

    @cache.listen()
    async def on_guild(event: hikari.GuildAvailableEvent | hikari.GuildJoinEvent) -> None:
        if await cache.members.count(guild=event.guild_id) < (event.guild.member_count or 0):
            await bot.request_guild_members(event.guild_id)

    return bot


if __name__ == "__main__":
    made = make(
        os.environ["DISCORD_TOKEN"],
        os.environ.get("PERSIST_URL", "sqlite:///persist-demo.db"),
        os.environ.get("DISCORD_API"),
    )
    made.run(check_for_updates=False)
