"""An object of the wrong kind is rejected, and any object that may have the same id is accepted."""

from __future__ import annotations

import typing
from collections.abc import AsyncIterator, Awaitable, Callable

import bots
import hikari
import pytest

import persist
from persist.view import key_part

Anything = typing.Any
Ask = Callable[[persist.Cache], Awaitable[object]]


def thing(kind: type[Anything]) -> Anything:
    made = object.__new__(kind)
    made.id = hikari.Snowflake(5)
    return made


def member(kind: type[Anything] = hikari.Member) -> Anything:
    made = object.__new__(kind)
    made.user = thing(hikari.users.UserImpl)
    return made


CHANNEL: typing.Final = thing(hikari.GuildTextChannel)
MESSAGE: typing.Final = thing(hikari.Message)
GUILD: typing.Final = thing(hikari.GatewayGuild)
ROLE: typing.Final = thing(hikari.Role)
USER: typing.Final = thing(hikari.users.UserImpl)
THREAD: typing.Final = thing(hikari.GuildPublicThread)


@pytest.fixture
async def cache() -> AsyncIterator[persist.Cache]:
    async with persist.Cache(bots.make(), "memory://") as cache:
        yield cache


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (
            lambda cache: cache.members.get(GUILD, CHANNEL),
            "the user must be an id .* but a GuildTextChannel is a channel",
        ),
        (
            lambda cache: cache.members.get(CHANNEL, USER),
            "the guild must be an id .* but a GuildTextChannel is a channel",
        ),
        (lambda cache: cache.get_member(USER, GUILD), "the guild must be an id .* but a UserImpl is a user"),
        (lambda cache: cache.channels.get(MESSAGE), "the channel must be an id .* but a Message is a message"),
        (lambda cache: cache.channels.get(GUILD), "the channel must be an id .* but a GatewayGuild is a guild"),
        (lambda cache: cache.guilds.entry(ROLE), "the guild must be an id .* but a Role is a role"),
        (lambda cache: cache.roles.get_many([ROLE, USER]), "the role must be an id .* but a UserImpl is a user"),
        (lambda cache: cache.users.get(MESSAGE), "the user must be an id .* but a Message is a message"),
        (lambda cache: cache.messages.get(USER), "the message must be an id .* but a UserImpl is a user"),
        (lambda cache: cache.threads.get(ROLE), "the thread must be an id .* but a Role is a role"),
        (lambda cache: cache.fetch_member(GUILD, MESSAGE), "the user must be an id .* but a Message is a message"),
        (
            lambda cache: cache.permissions(GUILD, CHANNEL),
            "the user must be an id .* but a GuildTextChannel is a channel",
        ),
        (
            lambda cache: cache.members.count(guild=CHANNEL),
            "guild_id never holds the id of a channel, such as a GuildText",
        ),
        (lambda cache: cache.messages.find(author=ROLE), "author_id never holds the id of a role, such as a Role"),
        (
            lambda cache: cache.members.find(role_ids=persist.has(USER)),
            "role_ids never holds the id of a user, such as a User",
        ),
        (
            lambda cache: cache.channels.find(parent=[GUILD]),
            "parent_id never holds the id of a guild, such as a GatewayGuild",
        ),
    ],
)
async def test_an_object_of_another_kind_is_refused(cache: persist.Cache, ask: Ask, words: str) -> None:
    with pytest.raises(persist.QueryError, match=words):
        await ask(cache)


@pytest.mark.parametrize(
    ("what", "given"),
    [
        *(("the user", each) for each in (USER, thing(hikari.OwnUser), member(), member(hikari.InteractionMember))),
        *(("the guild", thing(each)) for each in (hikari.OwnGuild, hikari.InviteGuild, hikari.RESTGuild)),
        ("the guild", thing(hikari.GuildPreview)),
        *(("the channel", each) for each in (CHANNEL, THREAD, thing(hikari.DMChannel))),
        ("the channel", thing(hikari.InteractionChannel)),
        ("the channel", thing(hikari.PartialChannel)),
        *(("the thread", each) for each in (THREAD, MESSAGE, thing(hikari.InteractionChannel))),
        *(("the message", each) for each in (MESSAGE, thing(hikari.PartialMessage), THREAD)),
        *(("the role", each) for each in (ROLE, GUILD, thing(hikari.InviteRole))),
        ("the user", thing(hikari.IncomingWebhook)),
        ("the user", thing(hikari.Application)),
        ("the scheduled event", thing(hikari.ScheduledVoiceEvent)),
        ("guild_scheduled_event_id", thing(hikari.ScheduledVoiceEvent)),
        ("author_id", thing(hikari.IncomingWebhook)),
        ("it", CHANNEL),
        ("the user", hikari.Snowflake(5)),
        ("the user", 5),
    ],
)
def test_what_may_have_the_same_id_is_taken(what: str, given: object) -> None:
    assert key_part(given, what) == 5


@pytest.mark.parametrize("kind", ["guilds", "channels", "threads", "dm_channels", "users", "roles", "messages"])
async def test_what_is_remembered_can_be_asked_for_by_itself(cache: persist.Cache, kind: str) -> None:
    view = getattr(cache, kind)
    own = {"guilds": GUILD, "channels": CHANNEL, "threads": THREAD, "dm_channels": thing(hikari.DMChannel)}
    given = {**own, "users": USER, "roles": ROLE, "messages": MESSAGE}[kind]
    assert await view.get(given) is None
    assert list(await view.get_many([given, 7])) == []
