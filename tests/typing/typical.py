"""What people write, as mypy and pyright see it. It is checked, and never run.

What must be an error is in tests/mistakes.py.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, assert_type

import hikari

import persist


async def answers_have_hikaris_types(cache: persist.Cache, guild: hikari.Guild, user: hikari.User) -> None:
    assert_type(await cache.get_message(1), hikari.Message | None)
    assert_type(await cache.messages.get(1), hikari.Message | None)
    assert_type(await cache.members.get(guild, user), hikari.Member | None)
    assert_type(await cache.channels.get_many([1, guild.id]), persist.Many[hikari.PermissibleGuildChannel])
    async for message in cache.messages.find(channel=1).order_by("-timestamp").limit(3):
        assert_type(message, hikari.Message)
    async for entry in cache.roles.find().entries():
        assert_type(entry, persist.Entry[hikari.Role])
        assert_type(entry.value, hikari.Role | None)
    assert_type(await cache.guilds.mutual(user).ids(), list[hikari.Snowflake])
    assert_type(cache.members.with_role(1), persist.Found[hikari.Member])
    assert_type(await cache.messages.replies_to(1).delete(), int)
    assert_type(cache.channels.children(1), persist.Found[hikari.PermissibleGuildChannel])
    assert_type(cache.messages.search("red panda", guild=guild, author=user, limit=5), persist.Found[hikari.Message])
    async for found in cache.members.search("ali", guild=guild).entries():
        assert_type(found, persist.Entry[hikari.Member])
    assert_type(await cache.permissions(guild, user, 3), hikari.Permissions | None)


async def what_was_before_is_typed_by_its_event(cache: persist.Cache) -> None:
    @cache.listen()
    async def on_reaction(event: hikari.GuildReactionDeleteEvent) -> None:
        assert_type(await cache.before(event), hikari.Message | None)

    @cache.listen(hikari.MemberDeleteEvent)
    async def on_leave(event: hikari.MemberDeleteEvent) -> None:
        assert_type(await cache.before(event), hikari.Member | None)

    @cache.listen()
    async def on_bulk(event: hikari.GuildBulkMessageDeleteEvent) -> None:
        assert_type(await cache.before(event), Mapping[hikari.Snowflake, hikari.Message])

    cache.watch(hikari.RoleDeleteEvent, hikari.GuildChannelDeleteEvent)


async def filters_have_the_types_of_their_columns(
    cache: persist.Cache, guild: hikari.Guild, role: hikari.Role, now: datetime.datetime
) -> None:
    cache.members.find(guild=guild, role_ids=persist.has(role), joined_at=persist.after(now))
    cache.members.find(guild_id=5, nickname=None, is_pending=False, guild_flags=persist.has(1))
    cache.messages.find(author=[1, guild.id], content=persist.any_of("a", persist.contains("b"), None))
    cache.messages.find(timestamp=persist.between(now, now), is_pinned=persist.not_(True))
    cache.messages.find(content={"a", None}, flags=persist.not_(persist.has(hikari.MessageFlag.CROSSPOSTED)))
    cache.roles.find(permissions=persist.has(hikari.Permissions.ADMINISTRATOR), position=persist.at_least(3))
    cache.channels.find(type=hikari.ChannelType.GUILD_TEXT, parent=None)
    cache.users.find(updated=persist.after(now), first_seen=persist.before(now), source="rest", verified=True)
    cache.messages.find(max_age=datetime.timedelta(minutes=5))
    await cache.users.count(username=persist.startswith("a"))


async def many_things_are_lists_and_iterators(cache: persist.Cache, guild: hikari.Guild) -> None:
    for message in await cache.messages.find(guild=guild).order_by("-timestamp", "author_id").limit(10):
        assert_type(message, hikari.Message)
    assert_type(cache.messages.find(), persist.Found[hikari.Message])
    assert_type(cache.messages.find().entries(), persist.Found[persist.Entry[hikari.Message]])
    assert_type(await cache.messages.find(channel=1).count(), int)
    assert_type(await cache.messages.find(channel=1).exists(), bool)
    assert_type([message.content async for message in cache.messages.find()], list[str | None])
    many = await cache.members.get_many(guild, [1, guild.owner_id])
    assert_type(many, persist.Many[hikari.Member])
    assert_type(many[0], hikari.Member)
    assert_type(many.missing, tuple[int | str, ...])
    view = await cache.get_roles_view_for_guild(guild)
    for role_id, role in view.items():
        assert_type(role_id, hikari.Snowflake)
        assert_type(role, hikari.Role)
    presences = await cache.get_presences_view()
    assert_type(presences[guild.id][guild.owner_id], hikari.MemberPresence)


async def what_is_known_about_knowing_is_typed(cache: persist.Cache, guild: hikari.Guild) -> None:
    if (entry := await cache.messages.entry(1)) is not None:
        assert_type(entry, persist.Entry[hikari.Message])
        assert_type(entry.value, hikari.Message | None)
        assert_type(entry.verified, bool)
        assert_type(entry.first_seen, datetime.datetime | None)
        assert_type(entry.last_updated, datetime.datetime)
    known = await cache.completeness(guild, persist.MEMBERS)
    assert_type(known.is_complete, bool)
    assert_type(known.at, datetime.datetime | None)
    assert_type(cache.gauges.hits["memory", "members"], int)
    assert_type(await cache.messages.get(1, max_age=datetime.timedelta(minutes=5)), hikari.Message | None)


async def rest_is_asked_as_hikaris_own_client_is(cache: persist.Cache, guild: hikari.Guild, user: hikari.User) -> None:
    assert_type(await cache.fetch_member(guild, user), hikari.Member)
    assert_type(await cache.fetch_member(guild, user, prefer="rest", max_age=60), hikari.Member)
    assert_type(await cache.fetch_channel(1), hikari.PartialChannel)
    assert_type(await cache.fetch_guild(guild), hikari.RESTGuild)
    assert_type(await cache.fetch_roles(guild), Sequence[hikari.Role])
    assert_type(await cache.fetch_invite("code", with_counts=False), hikari.Invite)
    assert_type(await cache.fetch_webhook(1, token="secret"), hikari.PartialWebhook)
    async for ban in cache.fetch_bans(guild):
        assert_type(ban, hikari.GuildBan)
    async for member in cache.fetch_members(guild, start_at=user).limit(5):
        assert_type(member, hikari.Member)
    assert_type(await cache.fetch_messages(1, before=datetime.datetime.now(datetime.UTC)), Sequence[hikari.Message])


def a_bot(token: str) -> hikari.GatewayBot:
    bot = hikari.GatewayBot(token)
    cache = persist.Cache(bot, "sqlite:///cache.db", members="stale", memory=64, rules=persist.Rules(off={"presences"}))

    @cache.listen()
    async def on_edit(event: hikari.GuildMessageUpdateEvent) -> None:
        assert_type(await cache.get_message(event.message_id, event.channel_id), hikari.Message | None)

    @cache.listen(hikari.GuildMessageCreateEvent, confirm=True)
    async def on_message(event: hikari.GuildMessageCreateEvent) -> None:
        if event.member is not None and not await cache.messages.find(author=event.author).exists():
            await event.message.respond(f"Welcome, {event.member.display_name}!")

    @bot.listen()
    async def on_join(event: hikari.MemberCreateEvent) -> None:
        assert_type(await cache.guilds.mutual(event.user).count(), int)

    assert_type(on_edit, Callable[[hikari.GuildMessageUpdateEvent], Coroutine[Any, Any, None]])
    del on_message, on_join
    return bot


async def a_dashboard(rest: hikari.api.RESTClient) -> None:
    async with persist.connect("postgresql://bot@db/persist", rest) as cache:
        assert_type(cache, persist.ReadOnlyCache)
        assert_type(await cache.get_guild(1), hikari.GatewayGuild | None)
        async for member in cache.members.find(guild=1, joined_at=persist.after(datetime.datetime.now(datetime.UTC))):
            assert_type(member, hikari.Member)
