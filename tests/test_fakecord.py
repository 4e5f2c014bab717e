"""The simulator does what Discord does, as seen by an unmodified hikari bot."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import typing

import fakecord
import hikari
import pytest
from fakecord import FakeDiscord, Payload, payloads
from fakecord.object_actions import Kind
from hikari.api.shard import GatewayCompression
from hikari.impl import shard as shard_impl

TOKEN: typing.Final = "OTAw.fake.token"


class Bot:
    """A running bot that records what it receives."""

    def __init__(self, rest_url: str, intents: hikari.Intents) -> None:
        self.hikari = hikari.GatewayBot(
            TOKEN, rest_url=rest_url, intents=intents, banner=None, logs=None, suppress_optimization_warning=True
        )
        self.names: list[str] = []
        self.payloads: list[tuple[str, typing.Any]] = []
        self.events: list[hikari.Event] = []
        self.hikari.subscribe(hikari.ShardPayloadEvent, self._on_payload)
        self.hikari.subscribe(hikari.Event, self._on_event)

    async def _on_payload(self, event: hikari.ShardPayloadEvent) -> None:
        self.names.append(event.name)
        self.payloads.append((event.name, event.payload))

    async def _on_event(self, event: hikari.Event) -> None:
        self.events.append(event)

    def heard(self, name: str) -> list[typing.Any]:
        return [payload for heard, payload in self.payloads if heard == name]

    def typed(self, kind: type[hikari.Event]) -> list[hikari.Event]:
        return [event for event in self.events if isinstance(event, kind)]


@contextlib.asynccontextmanager
async def running_bot(
    sim: FakeDiscord, intents: hikari.Intents = hikari.Intents.ALL, *, guilds: int | None = None
) -> typing.AsyncIterator[Bot]:
    bot = Bot(sim.rest_url, intents)
    await bot.hikari.start(check_for_updates=False)
    expected = len(sim.world.guilds) if guilds is None else guilds
    await sim.wait_until(lambda: bot.names.count("GUILD_CREATE") >= expected)
    try:
        yield bot
    finally:
        await bot.hikari.close()


@pytest.fixture
async def sim() -> typing.AsyncIterator[FakeDiscord]:
    async with FakeDiscord(seed=1) as sim:
        yield sim


@pytest.fixture
def no_complaints(caplog: pytest.LogCaptureFixture) -> typing.Iterator[None]:
    """Fail if hikari could not read something, which it only logs."""
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR] == []


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_impl, "_BACKOFF_WINDOW", 0.0)


def text_channel_of(guild: Payload) -> str:
    return next(str(channel["id"]) for channel in guild["channels"] if channel["type"] == 0)


async def settled(sim: FakeDiscord, bot: Bot) -> None:
    """Wait until the bot has received everything so far."""
    before = bot.names.count("SETTLED")
    await sim.emit("SETTLED", {})
    await sim.wait_until(lambda: bot.names.count("SETTLED") > before)


async def test_a_bot_starts_and_knows_its_guilds(sim: FakeDiscord) -> None:
    guild = sim.add_guild(name="Aquarium", members=20)
    async with running_bot(sim) as bot:
        cached = bot.hikari.cache.get_guild(int(guild["id"]))
        assert cached is not None
        assert cached.name == "Aquarium"
        known = {channel["id"] for channel in guild["channels"] if channel["type"] != payloads.UNKNOWN_CHANNEL_TYPE}
        assert {str(each) for each in cached.get_channels()} == known
        assert len(cached.get_roles()) == len(guild["roles"])
    assert sim.identifies == 1
    assert sim.live_sessions() == []


@pytest.mark.usefixtures("no_complaints")
async def test_every_payload_of_a_full_guild_is_readable_for_hikari(sim: FakeDiscord) -> None:
    sim.add_guild(members=50, threads=4, voice_states=3)
    async with running_bot(sim) as bot:
        await settled(sim, bot)


async def test_an_empty_guild_is_told_with_empty_lists(sim: FakeDiscord) -> None:
    sim.add_guild(empty=True)
    async with running_bot(sim) as bot:
        (told,) = bot.heard("GUILD_CREATE")
    for name in ("channels", "threads", "emojis", "stickers", "presences", "voice_states", "stage_instances"):
        assert told[name] == []
    assert told["guild_scheduled_events"] == [] == told["soundboard_sounds"]
    assert len(told["members"]) == 2


async def test_a_large_guild_arrives_in_chunks(sim: FakeDiscord) -> None:
    guild_id = int(sim.add_guild(members=2500)["id"])
    async with running_bot(sim) as bot:
        await sim.wait_until(lambda: bot.names.count("GUILD_MEMBERS_CHUNK") == 3)
        await settled(sim, bot)
        assert len(bot.hikari.cache.get_members_view_for_guild(guild_id)) == 2500


async def test_chunks_can_be_asked_for_by_id_by_name_and_by_number(sim: FakeDiscord) -> None:
    guild = sim.add_guild(members=30)
    guild_id, member = int(guild["id"]), guild["members"][7]
    wanted = int(member["user"]["id"])
    async with running_bot(sim) as bot:
        await bot.hikari.request_guild_members(guild_id, users=[wanted, 123], nonce="n")
        await bot.hikari.request_guild_members(guild_id, query=member["user"]["username"], include_presences=True)
        await bot.hikari.request_guild_members(guild_id, query="user", limit=5)
        await sim.wait_until(lambda: bot.names.count("GUILD_MEMBERS_CHUNK") == 3)
        by_id, by_name, by_number = bot.heard("GUILD_MEMBERS_CHUNK")
    assert [each["user"]["id"] for each in by_id["members"]] == [member["user"]["id"]]
    assert (by_id["not_found"], by_id["nonce"]) == (["123"], "n")
    assert member["user"]["id"] in {each["user"]["id"] for each in by_name["members"]}
    assert [each["user"]["id"] for each in by_name["presences"]] == [member["user"]["id"]]
    assert len(by_number["members"]) == 5


async def test_chunks_get_lost_when_asked_to(sim: FakeDiscord) -> None:
    sim.settings.chunk_size = 100
    sim.add_guild(members=400)
    sim.lose_chunks(2)
    async with running_bot(sim) as bot:
        await sim.wait_until(lambda: bot.names.count("GUILD_MEMBERS_CHUNK") == 2)
        await settled(sim, bot)
        assert [chunk["chunk_index"] for chunk in bot.heard("GUILD_MEMBERS_CHUNK")] == [2, 3]


async def test_a_second_request_for_all_members_is_refused_when_limited(sim: FakeDiscord) -> None:
    sim.settings.limit_member_requests = True
    guild = sim.add_guild(members=5)
    async with running_bot(sim) as bot:
        await bot.hikari.request_guild_members(int(guild["id"]), nonce="first")
        await bot.hikari.request_guild_members(int(guild["id"]), nonce="again")
        await sim.wait_until(lambda: "RATE_LIMITED" in bot.names)
        (told,) = bot.heard("RATE_LIMITED")
    assert told["meta"] == {"guild_id": guild["id"], "nonce": "again"}
    assert 0 < told["retry_after"] <= 30


@pytest.mark.usefixtures("no_complaints")
async def test_what_happens_to_messages_is_heard(sim: FakeDiscord) -> None:
    guild = sim.add_guild(members=6)
    guild_id, channel_id, user_id = guild["id"], text_channel_of(guild), guild["members"][3]["user"]["id"]
    async with running_bot(sim) as bot:
        message = await sim.create_message(channel_id, rich=True)
        await sim.update_message(channel_id, message["id"], content="edited")
        await sim.add_reaction(channel_id, message["id"], user_id, "🔥")
        await sim.remove_reaction(channel_id, message["id"], user_id, "🔥")
        await sim.remove_emoji_reactions(channel_id, message["id"], "🔥")
        await sim.remove_all_reactions(channel_id, message["id"])
        await sim.pin_message(channel_id, message["id"])
        await sim.unpin_message(channel_id, message["id"])
        poll = await sim.create_message(channel_id, poll=payloads.poll())
        await sim.add_vote(channel_id, poll["id"], user_id, 1)
        assert sim.messages[channel_id][poll["id"]]["poll"]["results"]["answer_counts"][0]["count"] == 1
        await sim.remove_vote(channel_id, poll["id"], user_id, 1)
        await sim.end_poll(channel_id, poll["id"])
        await sim.send_message(payloads.webhook_message(channel_id, guild_id=guild_id))
        reply = await sim.create_message(channel_id, **payloads.reply_to(message, guild_id))
        await sim.delete_message(channel_id, message["id"])
        await sim.bulk_delete(channel_id, [poll["id"], reply["id"]])
        await sim.start_typing(channel_id, user_id)
        await sim.slash(guild_id, channel_id, "hello")
        await settled(sim, bot)
        assert sim.emitted.keys() <= set(bot.names)
        assert len(bot.typed(hikari.GuildMessageCreateEvent)) == 4
        assert len(bot.typed(hikari.GuildBulkMessageDeleteEvent)) == 1
        assert len(bot.typed(hikari.GuildPinsUpdateEvent)) == 2


@pytest.mark.usefixtures("no_complaints")
async def test_what_happens_to_channels_and_threads_is_heard(sim: FakeDiscord) -> None:
    guild = sim.add_guild(members=6)
    guild_id, user_id = guild["id"], guild["members"][3]["user"]["id"]
    of_type = {channel["type"]: channel["id"] for channel in guild["channels"]}
    async with running_bot(sim) as bot:
        channel = await sim.create_channel(guild_id, payloads.news_channel(guild_id))
        await sim.update_channel(guild_id, channel["id"], name="newer")
        made = payloads.news_thread(guild_id, channel["id"], user_id)
        thread = await sim.create_thread(guild_id, channel["id"], made)
        await sim.update_thread(guild_id, thread["id"], name="renamed")
        await sim.update_thread_member(guild_id, thread["id"])
        await sim.update_thread_members(guild_id, thread["id"], added=[user_id])
        await sim.update_thread_members(guild_id, thread["id"], removed=[user_id])
        await sim.archive_thread(guild_id, thread["id"])
        await sim.sync_threads(guild_id)
        await sim.sync_threads(guild_id, [channel["id"]])
        await sim.delete_thread(guild_id, thread["id"])
        await sim.delete_channel(guild_id, channel["id"])
        await sim.delete_channel(guild_id, of_type[4])
        await sim.set_voice_status(guild_id, of_type[2], "singing")
        await settled(sim, bot)
        assert sim.emitted.keys() <= set(bot.names)
        assert bot.names.count("CHANNEL_UPDATE") == 6
        whole, partial = bot.heard("THREAD_LIST_SYNC")
    assert len(whole["threads"]) == 1
    assert "channel_ids" not in whole
    assert (partial["threads"], partial["channel_ids"]) == ([], [channel["id"]])


@pytest.mark.usefixtures("no_complaints")
async def test_what_happens_to_guilds_and_people_is_heard(sim: FakeDiscord) -> None:
    guild = sim.add_guild(members=6)
    guild_id, channel_id, user_id = guild["id"], text_channel_of(guild), guild["members"][3]["user"]["id"]
    voice_id = guild["voice_states"][0]["channel_id"]
    async with running_bot(sim) as bot:
        role = await sim.create_role(guild_id, unicode_emoji="🦀")
        await sim.update_role(guild_id, role["id"], name="crab")
        await sim.delete_role(guild_id, role["id"])
        member = await sim.add_member(guild_id)
        joined_id = member["user"]["id"]
        await sim.update_member(guild_id, joined_id, nick="Nemo")
        await sim.set_presence(guild_id, payloads.presence(joined_id, "idle"))
        await sim.set_voice_state(guild_id, payloads.voice_state(joined_id, voice_id))
        await sim.ban(guild_id, joined_id)
        await sim.unban(guild_id, joined_id)
        await sim.update_own_user(username="renamed")
        await sim.set_emojis(guild_id, [payloads.emoji()])
        await sim.set_stickers(guild_id, [payloads.sticker(guild_id)])
        invite = await sim.create_invite(guild_id, channel_id)
        await sim.delete_invite(invite["code"])
        await sim.create_webhook(guild_id, channel_id)
        await sim.log(guild_id, user_id, user_id)
        await sim.update_guild(guild_id, name="Reef")
        await sim.guild_outage(guild_id)
        await sim.guild_recover(guild_id)
        other = await sim.join_guild(members=3)
        await sim.leave_guild(other["id"])
        await settled(sim, bot)
        assert sim.emitted.keys() <= set(bot.names)
        assert len(bot.typed(hikari.GuildJoinEvent)) == len(bot.typed(hikari.GuildLeaveEvent)) == 1
        assert len(bot.typed(hikari.GuildUnavailableEvent)) == 1
        cached = bot.hikari.cache.get_guild(int(guild_id))
        assert cached is not None
        assert cached.name == "Reef"


@pytest.mark.usefixtures("no_complaints")
async def test_things_of_every_kind_come_change_and_go(sim: FakeDiscord) -> None:
    guild = sim.add_guild(members=3)
    guild_id, channel_id, user = guild["id"], text_channel_of(guild), guild["members"][0]["user"]
    things: dict[Kind, Payload] = {
        "auto_mod_rule": payloads.auto_mod_rule(guild_id, user["id"]),
        "entitlement": payloads.entitlement(sim.settings.application_id, user["id"]),
        "integration": payloads.integration(guild_id),
        "scheduled_event": payloads.scheduled_event(guild_id, channel_id, user),
        "soundboard_sound": payloads.soundboard_sound(guild_id),
        "stage_instance": payloads.stage_instance(guild_id, channel_id),
        "subscription": payloads.subscription(user["id"]),
    }
    async with running_bot(sim) as bot:
        for kind, thing in things.items():
            ident = thing.get("id") or thing["sound_id"]
            await sim.create(kind, thing)
            await sim.update(kind, ident, guild_id)
            await sim.delete(kind, ident, guild_id)
        await sim.add_event_user(guild_id, things["scheduled_event"]["id"], user["id"])
        await sim.remove_event_user(guild_id, things["scheduled_event"]["id"], user["id"])
        await settled(sim, bot)
        for ending in ("CREATE", "UPDATE", "DELETE"):
            assert sum(name.endswith(f"_{ending}") for name in set(bot.names) - {"GUILD_CREATE"}) == len(things)


async def test_reactions_are_tallied_on_the_stored_message(sim: FakeDiscord) -> None:
    guild = sim.add_guild(members=4)
    channel_id, (first, bot_member, *_) = text_channel_of(guild), guild["members"]
    message_id = (await sim.create_message(channel_id))["id"]
    for user_id, burst in ((first["user"]["id"], False), (first["user"]["id"], True), (sim.world.bot_id, False)):
        await sim.add_reaction(channel_id, message_id, user_id, "🔥", burst=burst)
        await sim.add_reaction(channel_id, message_id, user_id, "🔥", burst=burst)
    (tally,) = sim.messages[channel_id][message_id]["reactions"]
    assert (tally["count"], tally["count_details"], tally["me"]) == (3, {"burst": 1, "normal": 2}, True)
    await sim.remove_reaction(channel_id, message_id, bot_member["user"]["id"], "🔥")
    (tally,) = sim.messages[channel_id][message_id]["reactions"]
    assert (tally["count"], tally["me"]) == (2, False)
    await sim.remove_all_reactions(channel_id, message_id)
    assert sim.messages[channel_id][message_id]["reactions"] == []


async def test_what_hangs_on_deleted_things_goes_with_them(sim: FakeDiscord) -> None:
    guild = sim.add_guild(members=4)
    guild_id, channel_id, role_id = guild["id"], text_channel_of(guild), guild["roles"][-1]["id"]
    user_id = guild["members"][0]["user"]["id"]
    await sim.create_message(channel_id)
    await sim.delete_channel(guild_id, channel_id)
    await sim.delete_role(guild_id, role_id)
    await sim.remove_member(guild_id, user_id)
    after = sim.guild_payload(guild_id)
    assert after["threads"] == []
    assert channel_id not in sim.messages
    assert all(role_id not in member["roles"] for member in after["members"])
    assert all(state["user_id"] != user_id for state in after["voice_states"])
    assert all(presence["user"]["id"] != user_id for presence in after["presences"])
    assert after["member_count"] == 3


async def test_intents_decide_what_a_bot_hears(sim: FakeDiscord) -> None:
    guild = sim.add_guild(members=6)
    intents = hikari.Intents.GUILDS | hikari.Intents.GUILD_MESSAGES
    async with running_bot(sim, intents) as bot:
        await sim.add_member(guild["id"])
        await sim.set_presence(guild["id"], payloads.presence(guild["members"][0]["user"]["id"]))
        await sim.create_message(text_channel_of(guild), "secret", poll=payloads.poll())
        await settled(sim, bot)
        assert bot.names == ["READY", "GUILD_CREATE", "MESSAGE_CREATE", "SETTLED"]
        (message,) = bot.heard("MESSAGE_CREATE")
        (told,) = bot.heard("GUILD_CREATE")
    assert message["content"] == ""
    assert "poll" not in message
    assert [member["user"]["id"] for member in told["members"]] == [sim.world.bot_id]
    assert told["presences"] == [] == told["voice_states"]


async def test_privileged_intents_and_wrong_tokens_are_refused() -> None:
    async with FakeDiscord(allowed_privileged=0, token=TOKEN) as sim:
        bot = Bot(sim.rest_url, hikari.Intents.ALL).hikari
        with pytest.raises(hikari.GatewayServerClosedConnectionError) as refused:
            await bot.start(check_for_updates=False)
        await bot.close()
        assert refused.value.code == 4014
    async with FakeDiscord(token="another") as sim:
        bot = Bot(sim.rest_url, hikari.Intents.ALL).hikari
        with pytest.raises(hikari.UnauthorizedError):
            await bot.start(check_for_updates=False)
        await bot.close()


async def test_guilds_are_spread_over_shards() -> None:
    async with FakeDiscord(seed=3, shards=3) as sim:
        guilds = [sim.add_guild(members=2) for _ in range(12)]
        async with running_bot(sim) as bot:
            assert bot.names.count("READY") == 3
            assert len(sim.live_sessions()) == 3
            assert [(int(guild["id"]) >> 22) % 3 for guild in guilds] == [0, 1, 2] * 4
            for guild in guilds:
                await sim.create_message(text_channel_of(guild))
            await settled(sim, bot)
            assert bot.names.count("MESSAGE_CREATE") == 12


async def test_the_world_can_change_silently(sim: FakeDiscord) -> None:
    guild = sim.add_guild(members=3)
    async with running_bot(sim) as bot:
        async with sim.silently():
            await sim.remove_member(guild["id"], guild["members"][2]["user"]["id"])
        await settled(sim, bot)
        assert "GUILD_MEMBER_REMOVE" not in bot.names
    assert sim.guild_payload(guild["id"])["member_count"] == 2


async def test_a_guild_in_an_outage_says_nothing_until_it_recovers(sim: FakeDiscord) -> None:
    guild = sim.add_guild(members=3)
    async with running_bot(sim) as bot:
        await sim.guild_outage(guild["id"])
        await sim.create_role(guild["id"], name="unheard")
        await sim.guild_recover(guild["id"])
        await settled(sim, bot)
        assert bot.names.count("GUILD_CREATE") == 2
        assert "GUILD_ROLE_CREATE" not in bot.names
        assert bot.heard("GUILD_CREATE")[-1]["roles"][-1]["name"] == "unheard"


@pytest.mark.usefixtures("no_backoff")
async def test_a_resume_replays_what_was_missed(sim: FakeDiscord) -> None:
    channel_id = text_channel_of(sim.add_guild(members=3))
    async with running_bot(sim) as bot:
        await sim.drop_connections()
        await sim.create_message(channel_id, "missed")
        await sim.wait_until(lambda: "RESUMED" in bot.names)
        assert bot.names[-2:] == ["MESSAGE_CREATE", "RESUMED"]
        await sim.request_reconnect()
        await sim.wait_until(lambda: sim.resumes_ok == 2)
        await sim.close_connections(4000)
        await sim.wait_until(lambda: sim.resumes_ok == 3)
        await sim.invalidate(resumable=True)
        await sim.wait_until(lambda: sim.resumes_ok == 4)
    assert (sim.identifies, sim.resumes_failed, bot.names.count("READY")) == (1, 0, 1)


@pytest.mark.usefixtures("no_backoff")
async def test_an_invalid_session_leads_to_a_new_identify(sim: FakeDiscord) -> None:
    sim.add_guild(members=3)
    async with running_bot(sim) as bot:
        await sim.invalidate()
        await sim.wait_until(lambda: bot.names.count("GUILD_CREATE") == 2)
        await sim.drop_connections()
        sim.expire_sessions()
        await sim.wait_until(lambda: bot.names.count("GUILD_CREATE") == 3)
    assert (sim.identifies, sim.resumes_ok, sim.resumes_failed) == (3, 0, 1)


async def test_rest_answers_from_the_same_world(sim: FakeDiscord) -> None:
    guild = sim.add_guild(members=30)
    guild_id, channel_id = int(guild["id"]), int(text_channel_of(guild))
    for number in range(120):
        await sim.create_message(str(channel_id), f"message {number}")
    user_id = int(guild["members"][3]["user"]["id"])
    async with running_bot(sim) as bot:
        rest = bot.hikari.rest
        assert [each.content for each in await rest.fetch_messages(channel_id).limit(2)] == [
            "message 119",
            "message 118",
        ]
        assert len(await rest.fetch_messages(channel_id)) == 120
        assert (await rest.fetch_channel(channel_id)).id == channel_id
        assert len(await rest.fetch_members(guild_id)) == 30
        assert (await rest.fetch_member(guild_id, user_id)).id == user_id
        assert len(await rest.fetch_roles(guild_id)) == len(guild["roles"])
        assert len(await rest.fetch_guild_emojis(guild_id)) == 2
        assert len(await rest.fetch_active_threads(guild_id)) == 1
        assert [each.name for each in await rest.fetch_my_guilds()] == ["Test Guild"]
        assert len(await rest.fetch_scheduled_events(guild_id)) == 1
        sent = await rest.create_message(channel_id, "from the bot")
        await rest.add_reaction(channel_id, sent, "🔥")
        await rest.pin_message(channel_id, sent)
        assert [each.id for each in await rest.fetch_reactions_for_emoji(channel_id, sent, "🔥")] == [
            int(sim.world.bot_id)
        ]
        with pytest.raises(hikari.NotFoundError):
            await rest.fetch_member(guild_id, 123)
        dm = await rest.create_dm_channel(user_id)
        await sim.create_message(str(dm.id), "psst")
        await settled(sim, bot)
        assert len(bot.typed(hikari.DMMessageCreateEvent)) == 1
        role = await rest.create_role(guild_id, name="made by the bot")
        await rest.add_role_to_member(guild_id, user_id, role)
        await rest.ban_user(guild_id, user_id)
        await rest.create_guild_voice_channel(guild_id, "talk")
        await settled(sim, bot)
        assert len(bot.typed(hikari.BanCreateEvent)) == len(bot.typed(hikari.GuildChannelCreateEvent)) == 1
    assert sim.rest_log["GET /channels/{id}/messages"] >= 3


async def test_rest_fails_when_asked_to(sim: FakeDiscord) -> None:
    channel_id = int(text_channel_of(sim.add_guild()))
    async with running_bot(sim) as bot:
        sim.fail_rest(r"/channels/\d+$", 429)
        assert (await bot.hikari.rest.fetch_channel(channel_id)).id == channel_id
        sim.fail_rest(r"/channels/\d+$", 404)
        with pytest.raises(hikari.NotFoundError):
            await bot.hikari.rest.fetch_channel(channel_id)
    assert sim.rest_log["GET /channels/{id}"] == 3


async def test_a_slash_command_is_answered(sim: FakeDiscord) -> None:
    guild = sim.add_guild(members=3)
    async with running_bot(sim) as bot:

        async def answer(event: hikari.CommandInteractionCreateEvent) -> None:
            await event.interaction.create_initial_response(hikari.ResponseType.MESSAGE_CREATE, "pong")

        bot.hikari.subscribe(hikari.CommandInteractionCreateEvent, answer)
        application = await bot.hikari.rest.fetch_application()
        builder = bot.hikari.rest.slash_command_builder("ping", "Ping!")
        (command,) = await bot.hikari.rest.set_application_commands(application, [builder], guild=int(guild["id"]))
        interaction = await sim.slash(guild["id"], text_channel_of(guild), "ping")
        reply = await asyncio.wait_for(sim.interactions_inbox.get(), 5)
    assert reply["content"] == "pong"
    assert interaction["data"]["id"] == str(command.id)


@pytest.mark.parametrize("compression", [None, "payload_zlib_stream", "transport_zlib_stream", "transport_zstd_stream"])
async def test_every_compression_of_hikari_is_spoken(
    sim: FakeDiscord, monkeypatch: pytest.MonkeyPatch, compression: str | None
) -> None:
    chosen = None if compression is None else GatewayCompression(compression)
    original = shard_impl.GatewayShardImpl.__init__

    def patched(*args: typing.Any, **kwargs: typing.Any) -> None:
        original(*args, **{**kwargs, "compression": chosen})

    if compression == "transport_zstd_stream" and chosen != shard_impl._DEFAULT_COMPRESS_TYPE:
        pytest.skip("zstd is not installed")
    monkeypatch.setattr(shard_impl.GatewayShardImpl, "__init__", patched)
    sim.add_guild(members=40)
    async with running_bot(sim) as bot:
        assert bot.names[:2] == ["READY", "GUILD_CREATE"]
        await sim.prepare_messages(sim.guild_payload(sim.guild_ids()[0])["channels"][0]["id"], 3)
        await sim.flood_prepared()
        await sim.wait_until(lambda: bot.names.count("MESSAGE_CREATE") == 3)


async def test_the_same_seed_makes_the_same_world() -> None:
    def world() -> Payload:
        return FakeDiscord(seed=5).add_guild(members=20)

    assert world() == world()


async def test_a_flood_reaches_the_bot_in_order(sim: FakeDiscord) -> None:
    channel_id = text_channel_of(sim.add_guild(members=10))
    async with running_bot(sim) as bot:
        seconds = await sim.flood_messages(channel_id, 2000)
        await sim.wait_until(lambda: bot.names.count("MESSAGE_CREATE") == 2000)
        idents = [int(message["id"]) for message in bot.heard("MESSAGE_CREATE")]
    assert idents == sorted(set(idents))
    assert seconds < 5


async def test_a_flood_that_is_made_before_reaches_the_bot_in_order_and_before_what_is_said_meanwhile(
    sim: FakeDiscord,
) -> None:
    guild = sim.add_guild(members=10)
    channel_id = text_channel_of(guild)
    async with running_bot(sim) as bot:
        await sim.prepare_messages(channel_id, 500)
        with pytest.raises(RuntimeError, match="held already"):
            await sim.prepare_chunks(guild["id"], 2, 100)
        meanwhile = asyncio.create_task(sim.create_message(channel_id, "meanwhile"))
        await asyncio.sleep(0.1)
        assert "MESSAGE_CREATE" not in bot.names
        await sim.flood_prepared()
        await meanwhile
        await sim.wait_until(lambda: bot.names.count("MESSAGE_CREATE") == 501)
        await sim.prepare_chunks(guild["id"], 2, 100)
        await sim.flood_prepared()
        await sim.wait_until(lambda: bot.names.count("GUILD_MEMBERS_CHUNK") == 2)
    said = bot.heard("MESSAGE_CREATE")
    idents = [int(message["id"]) for message in said]
    assert idents[:500] == sorted(set(idents[:500]))
    assert said[-1]["content"] == "meanwhile"
    assert [len(chunk["members"]) for chunk in bot.heard("GUILD_MEMBERS_CHUNK")] == [100, 100]


async def test_a_simulator_in_another_process_starts_obeys_and_stops() -> None:
    with fakecord.running("--members", "5") as remote:
        (guild,) = (await asyncio.to_thread(remote.world))["guilds"].values()
        bot = Bot(remote.rest_url, hikari.Intents.ALL)
        await bot.hikari.start(check_for_updates=False)
        await asyncio.to_thread(remote.wait_until, lambda: "GUILD_CREATE" in bot.names)
        channel_id = text_channel_of(guild)
        await asyncio.to_thread(remote.call, "create_message", channel_id, "silent", silent=True)
        message = await asyncio.to_thread(remote.call, "create_message", channel_id, "loud")
        await asyncio.to_thread(remote.flood, channel_id, 10)
        await asyncio.to_thread(remote.wait_until, lambda: bot.names.count("MESSAGE_CREATE") == 11)
        assert bot.heard("MESSAGE_CREATE")[0]["id"] == message["id"]
        assert (await asyncio.to_thread(remote.live_shards)) == 1
        await asyncio.to_thread(remote.call, "configure", chunk_size=7)
        with pytest.raises(fakecord.RemoteError, match="no method 'dance'"):
            await asyncio.to_thread(remote.call, "dance")
        await bot.hikari.close()
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(remote.stats)


@pytest.mark.usefixtures("no_backoff")
async def test_all_of_discord_can_go_down_and_come_back(sim: FakeDiscord) -> None:
    sim.add_guild(members=3)
    async with running_bot(sim) as bot:
        await sim.stop()
        await sim.start(sim.port)
        await sim.wait_until(lambda: "RESUMED" in bot.names, timeout=15)
    assert sim.identifies == 1
