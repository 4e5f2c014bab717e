"""What REST lists is stored, what it no longer lists is deleted, and complete lists are not requested again."""

from __future__ import annotations

import asyncio
import datetime
import typing
from collections.abc import AsyncIterator, Callable

import bots
import hikari
import pytest
from alike import assert_alike
from fakecord import FakeDiscord, Payload, payloads

import persist

_Ask = Callable[[typing.Any, "Unheard"], typing.Any]


class Unheard(typing.NamedTuple):
    """A bot, and objects in its guild that were created without events."""

    sim: FakeDiscord
    bot: hikari.GatewayBot
    cache: persist.Cache
    guild: int
    channel: int
    stage: int
    thread: int
    user: int
    owner: int
    ids: dict[str, int]
    code: str

    @property
    def requests(self) -> int:
        return sum(self.sim.rest_log.values())


async def _things(sim: FakeDiscord, guild: Payload, stage: str) -> tuple[dict[str, int], str]:
    where, owner, channel = guild["id"], guild["owner_id"], bots.text_channel(guild)
    made = {
        "rule": await sim.create("auto_mod_rule", payloads.auto_mod_rule(where, owner)),
        "event": await sim.create(
            "scheduled_event", payloads.scheduled_event(where, stage, guild["members"][0]["user"])
        ),
        "integration": await sim.create("integration", payloads.integration(where)),
        "entitlement": await sim.create("entitlement", payloads.entitlement("5", owner)),
        "stage": await sim.create("stage_instance", payloads.stage_instance(where, stage)),
        "webhook": await sim.create_webhook(where, channel),
        "message": await sim.create_message(channel, "pinned", owner),
        "archived": await sim.create_thread(where, channel),
    }
    await sim.pin_message(channel, made["message"]["id"])
    await sim.archive_thread(where, made["archived"]["id"])
    await sim.ban(where, guild["members"][-1]["user"]["id"], "rude")
    await sim.add_event_user(where, made["event"]["id"], owner)
    await sim.update_thread_members(where, guild["threads"][0]["id"], added=[owner])
    invite = await sim.create_invite(where, channel)
    return {name: int(thing["id"]) for name, thing in made.items()}, invite["code"]


@pytest.fixture
async def unheard(sqlite_url: str) -> AsyncIterator[Unheard]:
    async with FakeDiscord() as sim:
        guild = sim.guild_payload(sim.add_guild(members=5, threads=1)["id"])
        bot = bots.make(sim.rest_url)
        cache = persist.Cache(bot, sqlite_url)
        async with bots.started(sim, bot, cache):
            stage = await sim.create_channel(guild["id"], payloads.stage_channel(guild["id"]))
            await bots.settled(sim, cache)
            async with sim.silently():
                ids, code = await _things(sim, guild, stage["id"])
            places = int(guild["id"]), int(bots.text_channel(guild)), int(stage["id"]), int(guild["threads"][0]["id"])
            yield Unheard(
                sim, bot, cache, *places, int(guild["members"][-1]["user"]["id"]), int(guild["owner_id"]), ids, code
            )


_ONE: typing.Final[dict[str, _Ask]] = {
    "fetch_auto_mod_rule": lambda client, u: client.fetch_auto_mod_rule(u.guild, u.ids["rule"]),
    "fetch_ban": lambda client, u: client.fetch_ban(u.guild, u.user),
    "fetch_entitlement": lambda client, u: client.fetch_entitlement(5, u.ids["entitlement"]),
    "fetch_scheduled_event": lambda client, u: client.fetch_scheduled_event(u.guild, u.ids["event"]),
    "fetch_stage_instance": lambda client, u: client.fetch_stage_instance(u.stage),
    "fetch_thread_member": lambda client, u: client.fetch_thread_member(u.thread, u.owner),
}
_LISTS: typing.Final[dict[str, _Ask]] = {
    "fetch_integrations": lambda client, u: client.fetch_integrations(u.guild),
    "fetch_scheduled_events": lambda client, u: client.fetch_scheduled_events(u.guild),
    "fetch_active_threads": lambda client, u: client.fetch_active_threads(u.guild),
    "fetch_roles": lambda client, u: client.fetch_roles(u.guild),
    "fetch_members": lambda client, u: client.fetch_members(u.guild),
}
_ALWAYS: typing.Final[dict[str, tuple[_Ask, str]]] = {
    "fetch_auto_mod_rules": (lambda client, u: client.fetch_auto_mod_rules(u.guild), "auto_mod_rules"),
    "fetch_bans": (lambda client, u: client.fetch_bans(u.guild), "bans"),
    "fetch_guild_invites": (lambda client, u: client.fetch_guild_invites(u.guild), "invites"),
    "fetch_channel_invites": (lambda client, u: client.fetch_channel_invites(u.channel), "invites"),
    "fetch_guild_webhooks": (lambda client, u: client.fetch_guild_webhooks(u.guild), "webhooks"),
    "fetch_channel_webhooks": (lambda client, u: client.fetch_channel_webhooks(u.channel), "webhooks"),
    "fetch_entitlements": (lambda client, _: client.fetch_entitlements(5), "entitlements"),
    "fetch_pins": (lambda client, u: client.fetch_pins(u.channel), "messages"),
    "fetch_messages": (lambda client, u: client.fetch_messages(u.channel), "messages"),
    "fetch_public_archived_threads": (lambda client, u: client.fetch_public_archived_threads(u.channel), "threads"),
    "fetch_thread_members": (lambda client, u: client.fetch_thread_members(u.thread), "thread_members"),
    "fetch_scheduled_event_users": (
        lambda client, u: client.fetch_scheduled_event_users(u.guild, u.ids["event"]),
        "scheduled_event_users",
    ),
}


@pytest.mark.parametrize("name", _ONE)
async def test_one_thing_is_asked_for_once(unheard: Unheard, name: str) -> None:
    told = await _ONE[name](unheard.bot.rest, unheard)
    before = unheard.requests
    first = await _ONE[name](unheard.cache, unheard)
    assert unheard.requests == before + 1
    assert_alike(first, told)
    assert_alike(await _ONE[name](unheard.cache, unheard), told)
    await unheard.cache.flush()
    assert_alike(await _ONE[name](unheard.cache, unheard), told)
    assert unheard.requests == before + 1


async def test_a_guild_is_asked_for_with_its_counts_and_remembered(unheard: Unheard) -> None:
    told = await unheard.bot.rest.fetch_guild(unheard.guild)
    before = unheard.requests
    assert_alike(await unheard.cache.fetch_guild(unheard.guild), told)
    assert unheard.requests == before + 1
    assert await unheard.cache.guilds.count() == 1
    with pytest.raises(hikari.NotFoundError):
        await unheard.cache.fetch_guild(5)


@pytest.mark.parametrize("name", _ALWAYS)
async def test_what_a_list_tells_is_remembered_where_it_is(unheard: Unheard, name: str) -> None:
    ask, kind = _ALWAYS[name]
    told = list(await ask(unheard.bot.rest, unheard))
    assert told
    found = list(await ask(unheard.cache, unheard))
    assert [type(each) for each in found] == [type(each) for each in told]
    for one, other in zip(found, told, strict=True):
        assert_alike(one, other)
    view: typing.Any = getattr(unheard.cache, kind)
    entries = await view.find(source="rest").entries()
    assert len(entries) == len(told) or name == "fetch_thread_members"  # the bot's own was known
    assert all(entry.value is not None for entry in entries)
    if kind not in ("entitlements", "scheduled_event_users"):
        assert await view.count(source="rest", guild_id=unheard.guild) == len(entries)


@pytest.mark.parametrize("name", _LISTS)
async def test_a_whole_list_is_asked_for_once(unheard: Unheard, name: str) -> None:
    told = list(await _LISTS[name](unheard.bot.rest, unheard))
    client: typing.Any = unheard.cache
    await getattr(client, name)(unheard.guild, prefer="rest")
    before = unheard.requests
    for _ in range(2):
        known = list(await _LISTS[name](unheard.cache, unheard))
        assert {each.id for each in known} == {each.id for each in told}
        await unheard.cache.flush()
    assert unheard.requests == before


async def test_what_is_pinned_no_more_is_known_to_be_so_once_pins_were_listed(unheard: Unheard) -> None:
    channel, cache, sim = str(unheard.channel), unheard.cache, unheard.sim
    gone, elsewhere = [await sim.create_message(place, "?") for place in (channel, str(unheard.thread))]
    for message in (gone, elsewhere):
        await sim.pin_message(message["channel_id"], message["id"])
    await bots.settled(sim, cache)
    async with sim.silently():
        await sim.unpin_message(channel, gone["id"])
    await cache.flush()
    moment = datetime.datetime.now(datetime.UTC)
    assert list(await cache.fetch_pins(unheard.channel, before=moment))
    assert await cache.messages.find(is_pinned=True, id=int(gone["id"])).count() == 1
    assert [each.message.id for each in await cache.fetch_pins(unheard.channel)] == [unheard.ids["message"]]
    assert {*await cache.messages.find(is_pinned=True).ids()} == {unheard.ids["message"], int(elsewhere["id"])}
    found = await cache.get_message(int(gone["id"]))
    assert found is not None
    assert not found.is_pinned


async def test_what_a_whole_list_lacks_is_forgotten_and_no_more(unheard: Unheard) -> None:
    guild, cache, sim = str(unheard.guild), unheard.cache, unheard.sim
    gone, kept = [await sim.create_role(guild) for _ in range(2)]
    thread = await sim.create_thread(guild, str(unheard.channel))
    await sim.archive_thread(guild, thread["id"])
    await bots.settled(sim, cache)
    await cache.flush()
    async with sim.silently():
        await sim.delete_role(guild, gone["id"])
    assert {role.id for role in await cache.fetch_roles(unheard.guild, prefer="rest")} >= {int(kept["id"])}
    assert await cache.get_role(int(gone["id"])) is None
    assert await cache.get_role(int(kept["id"])) is not None
    await cache.fetch_active_threads(unheard.guild, prefer="rest")
    assert await cache.get_thread(int(thread["id"])) is not None
    await cache.fetch_guild_channels(unheard.guild, prefer="rest")
    assert await cache.get_thread(unheard.thread) is not None
    members = await cache.members.count(guild=unheard.guild)
    await cache.fetch_members(unheard.guild, prefer="rest", start_at=unheard.user)
    assert await cache.members.count(guild=unheard.guild) == members


async def test_what_is_beyond_the_most_that_discord_lists_stays(unheard: Unheard) -> None:
    guild, cache = str(unheard.guild), unheard.cache
    for _ in range(50):
        last = await unheard.sim.create("integration", payloads.integration(guild))
    await bots.settled(unheard.sim, cache)
    await cache.flush()
    before = unheard.requests
    for _ in range(2):
        assert len(await cache.fetch_integrations(unheard.guild)) == 50
        assert await cache.integrations.get(int(last["id"])) is not None
    assert unheard.requests == before + 2


async def test_the_messages_of_a_thread_that_was_archived_unheard_stay(unheard: Unheard) -> None:
    cache, sim = unheard.cache, unheard.sim
    said = await sim.create_message(str(unheard.thread), "kept", str(unheard.owner))
    await bots.settled(sim, cache)
    await cache.flush()
    async with sim.silently():
        await sim.archive_thread(str(unheard.guild), str(unheard.thread))
    assert unheard.thread not in {each.id for each in await cache.fetch_active_threads(unheard.guild, prefer="rest")}
    assert await cache.get_thread(unheard.thread) is None
    assert await cache.get_message(int(said["id"])) is not None


async def test_what_comes_while_a_list_is_asked_for_stays(unheard: Unheard) -> None:
    guild, cache, sim = str(unheard.guild), unheard.cache, unheard.sim
    asked = cache.fetch_members(unheard.guild, prefer="rest")
    await anext(asked)
    newcomer = await sim.add_member(guild)
    await bots.settled(sim, cache)
    await cache.flush()
    await asked
    assert await cache.get_member(unheard.guild, int(newcomer["user"]["id"])) is not None


async def test_what_is_deleted_while_a_list_is_read_does_not_come_back(unheard: Unheard) -> None:
    guild, channel, cache, sim = str(unheard.guild), str(unheard.channel), unheard.cache, unheard.sim
    async with sim.silently():
        said = [await sim.create_message(channel, "unheard", str(unheard.owner)) for _ in range(4)]
    leaver = await sim.add_member(guild)
    await bots.settled(sim, cache)
    messages, members = cache.fetch_messages(unheard.channel), cache.fetch_members(unheard.guild, prefer="rest")
    await anext(messages)
    await anext(members)
    await sim.delete_message(channel, said[1]["id"])
    await sim.bulk_delete(channel, [said[0]["id"]])
    await sim.remove_member(guild, leaver["user"]["id"])
    await bots.settled(sim, cache)
    await cache.flush()
    read = {int(message.id) async for message in messages}
    assert {int(message["id"]) for message in said[:2]} <= read
    await members
    await cache.flush()
    assert await cache.get_member(unheard.guild, int(leaver["user"]["id"])) is None
    assert [await cache.get_message(int(message["id"])) for message in said[:2]] == [None, None]
    assert await cache.get_message(int(said[2]["id"])) is not None


async def test_messages_of_a_channel_that_nobody_knows_are_not_remembered(unheard: Unheard) -> None:
    cache, sim = unheard.cache, unheard.sim
    thread = str(unheard.ids["archived"])
    async with sim.silently():
        await sim.create_message(thread, "nobody would say when this goes", str(unheard.owner))
    told = [message.id async for message in cache.fetch_messages(unheard.ids["archived"])]
    assert told
    assert [await cache.get_message(message) for message in told] == [None] * len(told)
    assert cache.stats().skipped["messages"] == len(told)


async def test_a_channel_of_a_type_that_only_discord_knows_is_kept(unheard: Unheard) -> None:
    strange = payloads.unknown_channel(str(unheard.guild))
    await unheard.sim.create_channel(str(unheard.guild), strange)
    await bots.settled(unheard.sim, unheard.cache)
    await unheard.cache.flush()
    channels = await unheard.cache.fetch_guild_channels(unheard.guild, prefer="rest")
    assert int(strange["id"]) not in {channel.id for channel in channels}
    entry = await unheard.cache.channels.entry(int(strange["id"]))
    assert entry is not None
    assert entry.payload["name"] == strange["name"]


async def test_an_invite_is_known_where_no_counts_are_asked_for(unheard: Unheard) -> None:
    cache = unheard.cache
    assert (await cache.fetch_invite(unheard.code)).code == unheard.code
    assert await cache.get_invite(unheard.code) is None  # it was not a complete invite
    await cache.fetch_guild_invites(unheard.guild)
    before = unheard.requests
    known = await cache.fetch_invite(unheard.code, with_counts=False)
    assert known.code == unheard.code
    assert known.channel_id == unheard.channel
    assert unheard.requests == before
    counted = await cache.fetch_invite(unheard.code)
    assert counted.approximate_member_count is not None
    assert unheard.requests == before + 1


async def test_invites_with_and_without_counts_share_no_request(unheard: Unheard) -> None:
    before = unheard.requests
    plain, counted, again = await asyncio.gather(
        unheard.cache.fetch_invite(unheard.code, with_counts=False),
        unheard.cache.fetch_invite(unheard.code),
        unheard.cache.fetch_invite(unheard.code),
    )
    assert unheard.requests == before + 2
    assert counted is again is not plain


async def test_a_webhook_is_asked_for_and_its_token_is_not_kept(unheard: Unheard) -> None:
    webhook = unheard.ids["webhook"]
    (told,) = await unheard.cache.fetch_guild_webhooks(unheard.guild)
    assert isinstance(told, hikari.IncomingWebhook)
    assert told.token is not None
    known = await unheard.cache.webhooks.get(webhook)
    assert isinstance(known, hikari.IncomingWebhook)
    assert known.token is None
    entry = await unheard.cache.webhooks.entry(webhook)
    assert entry is not None
    assert "token" not in entry.payload


async def test_the_guilds_that_the_bot_is_in_are_told_with_what_it_may_do(unheard: Unheard) -> None:
    (guild,) = await unheard.cache.fetch_my_guilds()
    assert guild.id == unheard.guild
    known = await unheard.cache.get_guild(unheard.guild)
    assert known is not None
    assert known.name == guild.name
    assert await unheard.cache.roles.count(guild=unheard.guild) > 0
