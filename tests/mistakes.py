"""What people may get wrong, line by line: mypy and pyright complain about each line that says so, and no other.

It is read by tests/test_typing.py, and never run.
"""

from __future__ import annotations

import datetime

import hikari

import persist

NOW = datetime.datetime.now(datetime.UTC)


async def a_miss_is_forgotten(cache: persist.Cache) -> None:
    message = await cache.get_message(1)
    print(message.content)  # wrong
    member = await cache.members.get(1, 2)
    print(member.nickname)  # wrong
    entry = await cache.roles.entry(1)
    print(entry.payload)  # wrong
    async for found in cache.roles.find().entries():
        print(found.value.name)  # wrong
    if (role := await cache.get_role(1)) is not None:
        print(role.name)


async def a_coroutine_is_not_awaited(cache: persist.Cache) -> None:
    print(cache.get_role(1).name)  # wrong
    number: int = cache.messages.count()  # wrong
    print(number)


async def answers_are_taken_for_something_else(cache: persist.Cache) -> None:
    role: hikari.Role = await cache.fetch_member(1, 2)  # wrong
    ids: list[str] = await cache.messages.find().ids()  # wrong
    many: list[hikari.Role] = await cache.channels.get_many([1])  # wrong
    user: hikari.User | None = await cache.roles.get(1)  # wrong
    print(role, ids, many, user)
    async for message in cache.messages.find():
        print(message.nickname)  # wrong
    for each in await cache.members.find():
        print(each.nickname)
    for key in await cache.get_roles_view_for_guild(1):
        print(key.name)  # wrong


async def names_that_do_not_exist(cache: persist.Cache) -> None:
    cache.messages.find(contents="a")  # wrong
    cache.members.find(content="a")  # wrong
    cache.roles.find(nickname="a")  # wrong
    await cache.users.count(usernames="a")  # wrong
    cache.messages.find().order(1)  # wrong
    cache.message.find()  # wrong
    cache.messages.search(5)  # wrong
    cache.members.search("a", content="a")  # wrong
    cache.messages.find(content="a", channel=1, author=2)


async def values_of_the_wrong_type(cache: persist.Cache, role: hikari.Role, channel: hikari.GuildChannel) -> None:
    cache.messages.find(content=5)  # wrong
    cache.messages.find(content=persist.after(NOW))  # wrong
    cache.messages.find(content=[1, 2])  # wrong
    cache.messages.find(timestamp="yesterday")  # wrong
    cache.messages.find(timestamp=persist.between(1, 2))  # wrong
    cache.messages.find(is_pinned="yes")  # wrong
    cache.messages.find(author="somebody")  # wrong
    cache.messages.find(author=persist.contains("a"))  # wrong
    cache.members.find(role_ids=role)  # wrong
    cache.members.find(role_ids=persist.contains("a"))  # wrong
    cache.roles.find(position=persist.has(role))  # wrong
    cache.users.find(verified="yes")  # wrong
    cache.users.find(updated=5)  # wrong
    cache.users.find(max_age="a day")  # wrong
    cache.messages.find(channel=channel, content=persist.not_(persist.contains("a")), author=[role.id, 5])


async def arguments_of_the_wrong_type(cache: persist.Cache, bot: hikari.GatewayBot) -> None:
    await cache.get_message("1")  # wrong
    await cache.members.get(1)  # wrong
    await cache.messages.get_many(1)  # wrong
    cache.messages.find().limit("10")  # wrong
    cache.messages.find().order_by(1)  # wrong
    await cache.fetch_role(1, 2, prefer="memory")  # wrong
    await cache.fetch_member(1, 2, max_age="a day")  # wrong
    await cache.completeness(1, 2)  # wrong
    persist.contains(1)  # wrong
    persist.has("a role")  # wrong
    persist.Cache(bot, 5)  # wrong
    persist.Cache(bot, memory="64")  # wrong
    persist.Cache(bot, members="sometimes")  # wrong
    persist.connect("sqlite:///a.db", bot, 5)  # wrong
    await cache.fetch_role(1, 2, prefer="rest", max_age=datetime.timedelta(days=1))
    persist.Cache(bot, "sqlite:///a.db", memory=None, members="never")


def listeners_of_the_wrong_type(cache: persist.Cache) -> None:
    @cache.listen()  # wrong
    async def on_number(event: int) -> None:
        print(event)

    @cache.listen(hikari.GuildMessageCreateEvent)
    async def on_message(event: hikari.GuildMessageCreateEvent) -> None:
        print(event.contents)  # wrong

    @cache.listen(hikari.GuildMessageCreateEvent)  # wrong
    def not_async(event: hikari.GuildMessageCreateEvent) -> None:
        print(event)


def is_human(member: hikari.Member) -> bool:
    return not member.is_bot


def rules_of_the_wrong_type() -> None:
    home = persist.Keep(guilds={1})
    persist.Rules(messages=home, members=home & persist.Keep(predicate=is_human), users=~persist.Keep(users={2}))
    persist.Rules(members=persist.Keep(predicate=is_human) | home, roles=persist.Keep(guilds={1}) & ~home)
    persist.Rules(messages=persist.Keep(predicate=is_human))  # wrong
    persist.Rules(members=persist.Keep(predicate=lambda member: member.content))  # wrong
    persist.Keep(guilds=1)  # wrong
