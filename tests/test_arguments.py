"""Each framework's converters find what users mean in the cache, and request only what is missing from Discord."""

from __future__ import annotations

import functools
import typing
from collections.abc import AsyncIterator

import frameworks
import hikari
import pytest
from fakecord import payloads
from frameworks import Stage
from guarded import FRAMEWORKS, Framework, described, framework_named

import persist
from persist.integrations import arguments


@pytest.fixture(params=[framework.name for framework in FRAMEWORKS])
def framework(request: pytest.FixtureRequest) -> Framework:
    return framework_named(request.param)


@pytest.fixture
async def cache(stage: Stage, framework: Framework) -> AsyncIterator[persist.Cache]:
    cache = persist.Cache(stage.bot, "memory://")
    async with framework.playing(stage):
        yield cache


async def converted(stage: Stage, name: str, value: str, **wishes: typing.Any) -> str:
    """Run a command with an argument, and return what the argument was converted to."""
    return str((await stage.run(f"to-{name}", frameworks.option("it", value), **wishes))["content"])


def plain_member(stage: Stage, *others: str) -> str:
    """Return the id of another member who neither owns the guild nor is a bot."""
    return next(
        str(member["user"]["id"])
        for member in stage.guild["members"]
        if member["user"]["id"] not in {stage.guild["owner_id"], *others} and not member["user"].get("bot")
    )


@pytest.mark.usefixtures("cache")
async def test_a_member_is_found_by_id_mention_and_names(stage: Stage) -> None:
    user = stage.guild["members"][0]["user"]
    names = ("Nemo", "@Nemo", user["username"], user["global_name"])
    for written in (user["id"], f"<@{user['id']}>", f"<@!{user['id']}>", *names):
        assert await converted(stage, "member", written) == f"Member {user['id']}"
    assert stage.asked() == {}


@pytest.mark.usefixtures("cache")
async def test_a_member_that_is_not_there_is_asked_for_and_then_said_to_be_nobody(stage: Stage) -> None:
    assert await converted(stage, "member", "123456789012345678") == (
        "ValueError: There is no member 123456789012345678 in this server."
    )
    assert stage.asked() == {"GET /guilds/{id}/members/{id}": 1}
    assert await converted(stage, "member", "Dory") == "ValueError: There is no member 'Dory' in this server."
    other = stage.guild["members"][2]["user"]["id"]
    await stage.sim.update_member(stage.guild_id, other, nick="Nemo")
    assert await converted(stage, "member", "Nemo") == (
        "ValueError: There is more than one member 'Nemo' in this server."
    )


@pytest.mark.usefixtures("cache")
async def test_a_role_is_found_by_id_mention_and_name(stage: Stage) -> None:
    role = next(role for role in stage.guild["roles"] if role["name"] == "role-1")
    for written in (role["id"], f"<@&{role['id']}>", "role-1"):
        assert await converted(stage, "role", written) == f"Role {role['id']}"
    assert await converted(stage, "role", "role-9") == "ValueError: There is no role 'role-9' in this server."
    assert stage.asked() == {}
    elsewhere = await stage.sim.join_guild()
    answer = await converted(stage, "role", elsewhere["id"])
    assert answer == f"ValueError: There is no role {elsewhere['id']} in this server."


@pytest.mark.usefixtures("cache")
async def test_a_channel_is_found_by_id_mention_and_name(stage: Stage) -> None:
    channel = next(channel for channel in stage.guild["channels"] if channel["name"] == "text-1")
    for written in (channel["id"], f"<#{channel['id']}>", "text-1", "#text-1"):
        assert await converted(stage, "channel", written) == f"GuildTextChannel {channel['id']}"
    thread = stage.guild["threads"][0]["id"]
    assert (await converted(stage, "channel", thread)).endswith(f"Thread {thread}")
    thread_name = stage.guild["threads"][0]["name"]
    for written in (thread_name, f"#{thread_name}"):
        assert (await converted(stage, "channel", written)).endswith(f"Thread {thread}")
    elsewhere = await stage.sim.join_guild()
    there = elsewhere["channels"][0]["id"]
    assert await converted(stage, "channel", there) == f"ValueError: There is no channel {there} in this server."
    assert await converted(stage, "channel", "text-99") == "ValueError: There is no channel 'text-99' in this server."
    assert stage.asked() == {}


@pytest.mark.usefixtures("cache")
async def test_a_message_is_found_by_link_and_ids(stage: Stage) -> None:
    here = await stage.say("a word")
    open_channel = await stage.sim.create_channel(stage.guild_id, permission_overwrites=[])
    there = await stage.say("another", channel_id=open_channel["id"])
    for channel_id, message in ((stage.channel_id, here), (open_channel["id"], there)):
        link = f"https://discord.com/channels/{stage.guild_id}/{channel_id}/{message['id']}"
        for written in (message["id"], link, link.replace("discord.", "ptb.discord."), f"{channel_id}-{message['id']}"):
            assert await converted(stage, "message", written) == f"Message {message['id']}"
    assert stage.asked() == {}
    assert await converted(stage, "message", "yesterday") == (
        "ValueError: 'yesterday' is neither a message link nor a message id."
    )


@pytest.mark.usefixtures("cache")
async def test_a_message_that_one_may_not_read_is_not_found(stage: Stage) -> None:
    overwrite = payloads.overwrite(stage.guild_id, 0, "0", str(int(hikari.Permissions.READ_MESSAGE_HISTORY)))
    secret = await stage.sim.create_channel(stage.guild_id, permission_overwrites=[overwrite])
    message = await stage.say("a secret", channel_id=secret["id"])
    elsewhere = await stage.sim.join_guild()
    channel_id = next(channel["id"] for channel in elsewhere["channels"] if channel["type"] == 0)
    foreign = await stage.say("abroad", elsewhere["members"][0]["user"]["id"], channel_id)
    reader = plain_member(stage)
    for hidden, place in ((message, secret["id"]), (foreign, channel_id)):
        for written in (hidden["id"], f"https://discord.com/channels/{stage.guild_id}/{place}/{hidden['id']}"):
            answer = await converted(stage, "message", written, user_id=reader)
            assert answer == f"ValueError: There is no message {written} in this server."
    owner = stage.guild["owner_id"]
    assert await converted(stage, "message", message["id"], user_id=owner) == f"Message {message['id']}"
    assert stage.asked() == {}


@pytest.mark.usefixtures("cache")
async def test_a_message_of_the_same_channel_is_not_found_without_its_history(stage: Stage) -> None:
    message = await stage.say("before you came")
    overwrite = payloads.overwrite(stage.guild_id, 0, "0", str(int(hikari.Permissions.READ_MESSAGE_HISTORY)))
    await stage.sim.update_channel(stage.guild_id, stage.channel_id, permission_overwrites=[overwrite])
    answer = await converted(stage, "message", message["id"], user_id=plain_member(stage))
    assert answer == f"ValueError: There is no message {message['id']} in this server."
    owner = stage.guild["owner_id"]
    assert await converted(stage, "message", message["id"], user_id=owner) == f"Message {message['id']}"


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("what", ["member", "role", "channel", "message"])
async def test_what_can_be_no_id_or_name_is_not_found(stage: Stage, what: str) -> None:
    for written in (str(1 << 63), "9" * 20):
        answer = await converted(stage, what, written)
        assert answer == f"ValueError: There is no {what} {written} in this server."
    long = await converted(stage, what, "x" * 5000)
    assert long.startswith("ValueError: ")
    assert "x" * 100 + "\N{HORIZONTAL ELLIPSIS}" in long
    assert len(long) < 200


async def test_an_id_is_as_good_as_what_is_written(cache: persist.Cache, stage: Stage) -> None:
    place = arguments.Place(hikari.Snowflake(stage.guild_id), hikari.Snowflake(stage.channel_id))
    message = await stage.say("hello")
    await stage.settled()
    assert (await arguments.member(cache, place, int(stage.user_id))).id == int(stage.user_id)
    assert (await arguments.role(cache, place, hikari.Snowflake(stage.guild_id))).name == "@everyone"
    assert (await arguments.channel(cache, place, int(stage.channel_id))).id == int(stage.channel_id)
    assert (await arguments.message(cache, place, int(message["id"]))).content == "hello"
    with pytest.raises(persist.QueryError, match=r"a member must be an id or an object that has one, not None"):
        await arguments.member(cache, place, typing.cast("str", None))


async def test_half_a_character_is_no_name(cache: persist.Cache, stage: Stage) -> None:
    place = arguments.Place(hikari.Snowflake(stage.guild_id), hikari.Snowflake(stage.channel_id))
    for find in (arguments.member, arguments.role, arguments.channel):
        with pytest.raises(ValueError, match="There is no "):
            await find(cache, place, "\ud800")


@pytest.mark.usefixtures("cache")
async def test_a_message_of_a_private_thread_is_found_by_those_who_are_in_it(stage: Stage) -> None:
    guild_id, owner = stage.guild_id, stage.guild["owner_id"]
    around = await stage.sim.create_channel(guild_id, permission_overwrites=[])
    private = payloads.private_thread(guild_id, around["id"], owner)
    thread = await stage.sim.create_thread(guild_id, around["id"], private)
    message = await stage.say("a secret", owner, thread["id"])
    link = f"https://discord.com/channels/{guild_id}/{thread['id']}/{message['id']}"
    reader = plain_member(stage)
    for written in (message["id"], link):
        answer = await converted(stage, "message", written, user_id=reader)
        assert answer == f"ValueError: There is no message {written} in this server."
    assert await converted(stage, "message", link, user_id=owner) == f"Message {message['id']}"
    assert stage.asked() == {"GET /channels/{id}/thread-members/{id}": 1}
    inside = plain_member(stage, reader)
    async with stage.sim.silently():
        await stage.sim.update_thread_members(guild_id, thread["id"], added=[inside])
    for _ in range(2):  # the second time, the cache knows who is in it
        assert await converted(stage, "message", link, user_id=inside) == f"Message {message['id']}"
    assert stage.asked() == {"GET /channels/{id}/thread-members/{id}": 2}


async def test_what_the_cache_does_not_keep_is_asked_for(stage: Stage, framework: Framework) -> None:
    persist.Cache(stage.bot, "memory://", rules=persist.Rules(off={"messages", "roles"}))
    async with framework.playing(stage):
        message = await stage.say("a word")
        assert await converted(stage, "message", message["id"]) == f"Message {message['id']}"
        role = stage.guild["roles"][0]["id"]
        assert await converted(stage, "role", role) == f"Role {role}"
        assert stage.asked() == {"GET /channels/{id}/messages/{id}": 1, "GET /guilds/{id}/roles/{id}": 1}


@pytest.mark.usefixtures("cache")
async def test_a_direct_message_has_no_members_and_roles(stage: Stage) -> None:
    for name, what in (("member", "A member"), ("role", "A role")):
        answer = await stage.run_privately(f"to-{name}", frameworks.option("it", stage.user_id))
        assert answer["content"] == f"ValueError: {what} can only be found in a server."
    message = await stage.say("a word")
    answer = await stage.run_privately("to-message", frameworks.option("it", message["id"]))
    assert answer["content"] == f"ValueError: There is no message {message['id']} in this server."


async def test_an_option_of_lightbulb_is_given_the_whole_member_and_channel(stage: Stage) -> None:
    framework_named("lightbulb")
    import lightbulb  # noqa: PLC0415 - it may not be installed

    from persist.integrations.lightbulb import converters, install  # noqa: PLC0415

    client = lightbulb.client_from_app(stage.bot)

    class Given(lightbulb.SlashCommand, name="given", description="A command"):
        who = lightbulb.user("who", "Who", converter=converters.to_member)
        where = lightbulb.channel("where", "Where", converter=converters.to_channel)
        whom = lightbulb.mentionable("whom", "Whom", converter=converters.to_member)

        @lightbulb.invoke
        async def invoke(self, context: lightbulb.Context) -> None:
            await context.respond(f"{described(self.who)}, {described(self.where)}, {described(self.whom)}")

    client.register(Given)
    persist.Cache(stage.bot, "memory://")
    install(client)
    stage.bot.subscribe(hikari.StartedEvent, client.start)
    member = stage.guild["members"][0]
    channel = next(channel for channel in stage.guild["channels"] if channel["id"] == stage.channel_id)
    user_id = member["user"]["id"]
    data = {
        "id": payloads.snowflake(),
        "name": "given",
        "type": 1,
        "options": [
            frameworks.option("who", user_id, hikari.OptionType.USER),
            frameworks.option("where", channel["id"], hikari.OptionType.CHANNEL),
            frameworks.option("whom", user_id, hikari.OptionType.MENTIONABLE),
        ],
        "resolved": {
            "users": {user_id: member["user"]},
            "members": {user_id: {**member, "permissions": "0"}},
            "channels": {
                channel["id"]: {**{name: channel[name] for name in ("id", "name", "type")}, "permissions": "0"}
            },
        },
    }
    async with stage.playing():
        answer = await stage.run("given", data=data)
        assert answer["content"] == f"Member {user_id}, GuildTextChannel {channel['id']}, Member {user_id}"
        assert stage.asked() == {}


async def test_an_option_of_crescent_is_converted_with_the_client(stage: Stage) -> None:
    framework_named("crescent")
    import crescent  # noqa: PLC0415 - it may not be installed

    from persist.integrations.crescent import converters, install  # noqa: PLC0415

    client = crescent.Client(stage.bot)

    @client.include
    @crescent.command(name="given")
    class Given:
        message = crescent.option(str).convert(functools.partial(converters.to_message, client))

        async def callback(self, context: crescent.Context) -> None:
            await context.respond(described(self.message))

    @client.include
    @crescent.catch_command(crescent.exceptions.ConverterExceptions)
    async def on_error(error: crescent.exceptions.ConverterExceptions, context: crescent.Context) -> None:
        await context.respond(str(error))

    persist.Cache(stage.bot, "memory://")
    install(client)
    async with stage.playing():
        message = await stage.say("a word")
        assert (await stage.run("given", frameworks.option("message", message["id"])))["content"] == (
            f"Message {message['id']}"
        )
        answer = await stage.run("given", frameworks.option("message", "yesterday"))
        assert answer["content"] == "'yesterday' is neither a message link nor a message id."
        assert stage.asked() == {}
