"""What people write, as mypy and pyright see it. It is checked, and never run.

A line that must be an error says so: both complain when it is none.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import datetime
from typing import assert_type

import hikari

import persist


async def answers_have_hikaris_types(cache: persist.Cache, guild: hikari.Guild, user: hikari.User) -> None:
    assert_type(await cache.get_message(1), hikari.Message | None)
    assert_type(await cache.messages.get(1), hikari.Message | None)
    assert_type(await cache.members.get(guild, user), hikari.Member | None)
    assert_type(await cache.channels.get_many([1, guild.id]), persist.Many[hikari.PermissibleGuildChannel])
    assert_type(await cache.messages.find(), list[hikari.Message] | hikari.api.CacheView[int, int])  # type: ignore[assert-type]
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


async def filters_have_the_types_of_their_columns(
    cache: persist.Cache, guild: hikari.Guild, role: hikari.Role, now: datetime.datetime
) -> None:
    cache.members.find(guild=guild, role_ids=persist.has(role), joined_at=persist.after(now))
    cache.members.find(guild_id=5, nickname=None, is_pending=False, guild_flags=persist.has(1))
    cache.messages.find(author=[1, guild.id], content=persist.any_of("a", persist.contains("b"), None))
    cache.messages.find(timestamp=persist.between(now, now), is_pinned=persist.not_(True))  # noqa: FBT003
    cache.messages.find(content={"a", None}, flags=persist.not_(persist.has(hikari.MessageFlag.CROSSPOSTED)))
    cache.roles.find(permissions=persist.has(hikari.Permissions.ADMINISTRATOR), position=persist.at_least(3))
    cache.channels.find(type=hikari.ChannelType.GUILD_TEXT, parent=None)
    cache.users.find(updated=persist.after(now), first_seen=persist.before(now), source="rest", verified=True)
    await cache.users.count(username=persist.startswith("a"))

    cache.messages.search(5)  # type: ignore[arg-type]
    cache.members.search("a", content="a")  # type: ignore[call-arg]
    cache.messages.find(contents="a")  # type: ignore[call-arg]
    cache.members.find(content="a")  # type: ignore[call-arg]
    cache.messages.find(content=5)  # type: ignore[arg-type]
    cache.messages.find(content=persist.after(now))  # type: ignore[arg-type]
    cache.messages.find(timestamp="yesterday")  # type: ignore[arg-type]
    cache.messages.find(is_pinned="yes")  # type: ignore[arg-type]
    cache.members.find(role_ids=role)  # type: ignore[arg-type]
    cache.members.find(role_ids=persist.contains("a"))  # type: ignore[arg-type]
    cache.roles.find(position=persist.has(role))  # type: ignore[arg-type]
    cache.users.find(verified="yes")  # type: ignore[arg-type]
    await cache.users.count(usernames="a")  # type: ignore[call-arg]
