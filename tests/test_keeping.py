"""What rules keep is stored, and nothing else: not what they reject, and not what they drop."""

from __future__ import annotations

import typing
from collections.abc import AsyncIterator, Callable

import hikari
import pytest
from fakecord import Payload, payloads
from hearing import ME, Hearing
from samples import SAMPLES

import persist
from persist.droppable import made_of
from persist.entities import ENTITIES
from persist.fields import FIELDS, NESTED
from persist.model import Decoder, Origin

Anything = typing.Any
Keep: typing.TypeAlias = persist.Keep[Anything]
_OWN: typing.Final = payloads.own_user(id=ME)


def id_of(thing: Payload) -> int:
    return int(thing["id"])


@pytest.fixture
def guild() -> Payload:
    return payloads.guild(own_user=_OWN, members=4, threads=2, voice_states=2)


@pytest.fixture(params=["all at once", "one by one"])
async def heard(request: pytest.FixtureRequest, sqlite_url: str) -> AsyncIterator[Callable[..., Hearing]]:
    """Yield a function that makes a hearing with rules, which stores each event at once, or nothing by itself."""
    made: list[Hearing] = []

    def make(**kinds: Anything) -> Hearing:
        made.append(Hearing(sqlite_url, settled=request.param == "one by one", rules=persist.Rules(**kinds)))
        return made[-1]

    yield make
    for hearing in made:
        await hearing.cache.close()


def message(guild: Payload, channel: Payload, author: int = 0, **fields: Anything) -> Payload:
    member = guild["members"][author]
    part = {name: value for name, value in member.items() if name != "user"}
    return payloads.message(channel["id"], member["user"], guild_id=guild["id"], member=part, **fields)


# ------------------------------------------------------------------------------------------------------------- choosing


async def test_who_is_chosen_as_no_bot_is_kept_whether_or_not_discord_says_so(
    heard: Callable[..., Hearing], guild: Payload
) -> None:
    robot, told, silent = payloads.user(bot=True), payloads.user(bot=False), payloads.user()
    silent.pop("bot", None)
    members = [payloads.member(user) for user in (robot, told, silent)]
    async with heard(users=Keep(where={"is_bot": False})) as hearing:
        await hearing.ready({**guild, "members": members, "voice_states": [], "presences": []})
        assert set(await hearing.cache.users.find().ids()) == {id_of(told), id_of(silent)}


async def test_a_guild_that_is_not_kept_leaves_no_trace(heard: Callable[..., Hearing], guild: Payload) -> None:
    other = payloads.guild(own_user=_OWN, members=3)
    async with heard(guilds=Keep(guilds=persist.not_({id_of(guild)}))) as hearing:
        await hearing.ready(guild, other)
        await hearing.hear("MESSAGE_CREATE", message(guild, guild["channels"][1], content="a secret"))
        await hearing.hear("TYPING_START", {**_typing(guild), "member": guild["members"][1]})
        stored = await hearing.stored()
    assert {key[0] for kind, key in stored if kind == "guilds"} == {id_of(other)}
    assert not [key for (kind, key), payload in stored.items() if payload.get("guild_id") == guild["id"]]
    met = {key[0] for kind, key in stored if kind == "users"}
    assert met == {id_of(member["user"]) for member in other["members"]} | {int(ME)}
    assert hearing.cache.gauges.skipped["messages"] == 1


def _typing(guild: Payload) -> Payload:
    where = {"guild_id": guild["id"], "channel_id": guild["channels"][0]["id"]}
    return {**where, "user_id": guild["members"][1]["user"]["id"], "timestamp": 1}


async def test_rules_of_a_guild_that_say_something_in_vain_are_told_of_once(
    sqlite_url: str, guild: Payload, caplog: pytest.LogCaptureFixture
) -> None:
    other = payloads.guild(own_user=_OWN, members=3)
    rules = persist.Rules(per_guild=lambda _: persist.Rules(users=False))
    async with Hearing(sqlite_url, rules=rules) as hearing:
        await hearing.ready(guild, other)
        await hearing.hear("MESSAGE_CREATE", message(guild, guild["channels"][1]))
    told = [record.getMessage() for record in caplog.records if "a part that has no effect" in record.getMessage()]
    assert len([line for line in told if ": members are kept but users are not" in line]) == 1
    assert len(told) == len({*told})


async def test_what_only_a_store_can_refuse_is_counted_too(engine_url: str, guild: Payload) -> None:
    rules = persist.Rules(messages=Keep(where={"content": persist.startswith("!")}))
    said = message(guild, guild["channels"][1], content="! loud")
    for settled in (True, False):
        async with Hearing(engine_url, rules=rules, settled=settled) as hearing:
            await hearing.ready(guild)
            for content, skipped in (("! louder", 0), ("quiet", 1), ("! loud again", 1)):
                await hearing.hear("MESSAGE_CREATE", said)
                await hearing.hear("MESSAGE_UPDATE", {**said, "content": content})
                assert (await hearing.cache.get_message(int(said["id"])) is None) is (content == "quiet")
                await hearing.cache.flush()
                assert hearing.cache.gauges.skipped["messages"] == skipped


async def test_what_is_heard_from_elsewhere_is_counted_as_well(engine_url: str, guild: Payload) -> None:
    rules = persist.Rules(members=Keep(sources={"chunk"}))
    member = {**guild["members"][1], "guild_id": guild["id"]}
    async with Hearing(engine_url, rules=rules, settled=True) as hearing:
        await hearing.ready(guild)
        await hearing.cache.flush()
        before = hearing.cache.gauges.skipped["members"]
        await hearing.hear("GUILD_MEMBER_UPDATE", {**member, "nick": "x"})
        await hearing.cache.flush()
        assert hearing.cache.gauges.skipped["members"] == before + 1


async def test_a_guild_that_stops_matching_goes_with_all_it_has(heard: Callable[..., Hearing], guild: Payload) -> None:
    async with heard(guilds=Keep(where={"name": persist.startswith("kept")})) as hearing:
        await hearing.ready({**guild, "name": "kept for now"})
        assert (await hearing.stored(id_of(guild))) != {}
        own = {name: value for name, value in guild.items() if name not in ("channels", "threads", "members")}
        await hearing.hear("GUILD_UPDATE", {**own, "name": "not any more"})
        await hearing.hear("MESSAGE_CREATE", message(guild, guild["channels"][1]))
        assert await hearing.stored(id_of(guild)) == {}
        await hearing.hear("GUILD_UPDATE", {**own, "name": "kept again"})
        await hearing.hear("MESSAGE_CREATE", message(guild, guild["channels"][1]))
        assert ("guilds", (id_of(guild),)) in await hearing.stored()
        assert await hearing.cache.messages.count() == 1


async def test_a_guild_that_was_kept_is_kept_after_a_restart(heard: Callable[..., Hearing], guild: Payload) -> None:
    async with heard(guilds=Keep(predicate=lambda guild: guild.name == "kept")) as hearing:
        await hearing.ready({**guild, "name": "kept"})
        await hearing.reopen()
        await hearing.hear("MESSAGE_CREATE", message(guild, guild["channels"][1]))
        assert await hearing.cache.messages.count() == 1


async def test_messages_are_chosen_by_channel_author_and_role(heard: Callable[..., Hearing], guild: Payload) -> None:
    category, first, second = guild["channels"][0], guild["channels"][1], guild["channels"][2]
    role = guild["members"][1]["roles"][0]
    sent = [message(guild, channel, author) for channel in (first, second) for author in range(3)]

    async def kept(keep: Anything) -> list[int]:
        async with heard(messages=keep) as hearing:
            await hearing.ready(guild)
            await hearing.cache.messages.find().delete()
            for payload in sent:
                await hearing.hear("MESSAGE_CREATE", payload)
            found = {int(message.id) for message in await hearing.cache.messages.find()}
        return [number for number, payload in enumerate(sent) if id_of(payload) in found]

    assert await kept(Keep(channels={id_of(first)})) == [0, 1, 2]
    assert await kept(Keep(channels=persist.not_({id_of(first)}))) == [3, 4, 5]
    assert await kept(Keep(users={id_of(guild["members"][2]["user"])})) == [2, 5]
    assert await kept(Keep(channels={id_of(first)}) & ~Keep(users={id_of(guild["members"][2]["user"])})) == [0, 1]
    assert await kept(Keep(users={1})) == []
    in_category = [channel["parent_id"] == category["id"] for channel in (first, second)]
    assert await kept(Keep(channels={id_of(category)})) == [n for n in range(6) if in_category[n // 3]]
    assert await kept(Keep(roles={int(role)})) == [n for n in range(6) if role in guild["members"][n % 3]["roles"]]


async def test_a_channel_stands_for_its_threads(heard: Callable[..., Hearing], guild: Payload) -> None:
    thread = guild["threads"][0]
    parent = int(thread["parent_id"])
    async with heard(messages=Keep(channels=persist.not_({parent}))) as hearing:
        await hearing.ready(guild)
        await hearing.hear("MESSAGE_CREATE", message(guild, thread))
        await hearing.reopen()
        await hearing.hear("MESSAGE_CREATE", message(guild, thread))
        assert await hearing.cache.messages.count() == 0


async def test_what_stops_matching_is_forgotten(heard: Callable[..., Hearing], guild: Payload) -> None:
    channel = guild["channels"][1]
    first, second = message(guild, channel, content="! loud"), message(guild, channel, content="quiet")
    async with heard(messages=Keep(where={"content": persist.startswith("!")})) as hearing:
        await hearing.ready(guild)
        for payload in (first, second):
            await hearing.hear("MESSAGE_CREATE", payload)
        assert [int(found.id) for found in await hearing.cache.messages.find()] == [id_of(first)]
        await hearing.cache.flush()
        await hearing.hear("MESSAGE_UPDATE", {**first, "content": "quiet now"})
        assert await hearing.cache.get_message(id_of(first)) is None
        assert ("messages", (id_of(first),)) not in await hearing.stored()


async def test_a_member_is_looked_at_with_its_user(heard: Callable[..., Hearing], guild: Payload) -> None:
    people = [
        {**member, "user": {**member["user"], "bot": number == 2}} for number, member in enumerate(guild["members"])
    ]
    guild = {**guild, "members": people}
    role = payloads.role()
    async with heard(members=Keep(predicate=lambda member: not member.is_bot)) as hearing:
        await hearing.ready(guild)
        kept = {id_of(member["user"]) for member in people if not member["user"]["bot"]}
        assert {int(member.id) for member in await hearing.cache.members.find()} == kept
        for member in people:  # the event has only part of each member, and some members are not known
            told = {"nick": "x", "roles": [role["id"]], "joined_at": member["joined_at"]}
            await hearing.hear("VOICE_STATE_UPDATE", _voice(guild, {**member, **told}))
            if not member["user"]["bot"]:
                found = await hearing.cache.get_member(id_of(guild), id_of(member["user"]))
                assert found is not None
                assert found.nickname == "x"
        await hearing.hear("GUILD_ROLE_DELETE", {"guild_id": guild["id"], "role_id": role["id"]})
        assert {int(member.id) for member in await hearing.cache.members.find()} == kept
    assert hearing.cache.quarantine == ()


def _voice(guild: Payload, member: Payload) -> Payload:
    state = payloads.voice_state(member["user"]["id"], guild["channels"][1]["id"])
    return {**state, "guild_id": guild["id"], "member": member}


async def test_who_is_not_kept_does_not_show_in_what_is_kept(heard: Callable[..., Hearing], guild: Payload) -> None:
    out, kept = guild["members"][1:3]
    async with heard(members=Keep(users=persist.not_({id_of(out["user"])}))) as hearing:
        await hearing.ready({**guild, "voice_states": []})
        hearing.cache.watch(hikari.VoiceStateUpdateEvent)
        olds: list[hikari.VoiceState | None] = []

        @hearing.cache.listen()
        async def _(event: hikari.VoiceStateUpdateEvent) -> None:
            olds.append(event.old_state)

        for member in (out, kept) * 2:
            await hearing.hear("VOICE_STATE_UPDATE", _voice(guild, member))
        async for cache in hearing.answers():
            for member in (out, kept):
                at, who = id_of(guild), id_of(member["user"])
                one = [await cache.voice_states.get(at, who) for _ in range(3)]  # the last ones are from memory
                many = [*await cache.voice_states.get_many(at, [who]), *await cache.voice_states.find(user=who)]
                found = [state.member for state in (*one, *many) if state is not None]
                assert all(bool(each) is (member is kept) for each in found), found
        known = {int(old.user_id): bool(old.member) for old in olds if old is not None}
        assert known == {id_of(out["user"]): False, id_of(kept["user"]): True}


async def test_only_what_is_told_from_there_is_kept(heard: Callable[..., Hearing], guild: Payload) -> None:
    async with heard(members=Keep(sources={"gateway"})) as hearing:
        await hearing.ready(guild)
        known = guild["members"][0]
        stranger = payloads.member(payloads.user())
        chunk = {"guild_id": guild["id"], "members": [{**known, "nick": "chunk"}, stranger]}
        await hearing.hear("GUILD_MEMBERS_CHUNK", {**chunk, "chunk_index": 0, "chunk_count": 1})
        found = await hearing.cache.get_member(id_of(guild), id_of(known["user"]))
        assert found is not None
        assert found.nickname == known["nick"]
        assert await hearing.cache.get_member(id_of(guild), id_of(stranger["user"])) is None


async def test_a_guild_may_have_rules_of_its_own(sqlite_url: str, guild: Payload) -> None:
    free = payloads.guild(own_user=_OWN, members=2)
    plans = {id_of(free): persist.Rules.minimal()}
    async with Hearing(sqlite_url, rules=persist.Rules(per_guild=plans.get)) as hearing:
        await hearing.ready(guild, free)
        assert {key[0] for kind, key in await hearing.stored() if kind == "members"} == {id_of(guild)}
        assert await hearing.cache.roles.count(guild_id=id_of(free)) > 0
        complete = await hearing.cache.completeness(id_of(guild), persist.MEMBERS)
        assert (complete.state, (await hearing.cache.completeness(id_of(free), persist.MEMBERS)).state) == (
            "complete",
            "unmaintained",
        )


@pytest.mark.parametrize("settled", [True, False])
async def test_a_function_of_guilds_that_raises_keeps_nothing_new_and_forgets_nothing(
    sqlite_url: str, guild: Payload, caplog: pytest.LogCaptureFixture, *, settled: bool
) -> None:
    other = payloads.guild(own_user=_OWN, members=2)
    away = {id_of(other)}

    def plan(guild_id: hikari.Snowflake) -> persist.Rules | None:
        if int(guild_id) in away:
            msg = "the database of plans is away"
            raise ConnectionError(msg)
        return None

    async with Hearing(sqlite_url, rules=persist.Rules(per_guild=plan), settled=settled) as hearing:
        cache = hearing.cache
        await hearing.ready(guild, other)
        assert await cache.guilds.find().ids() == [id_of(guild)]
        assert await cache.roles.count(guild=id_of(other)) == 0
        assert not cache.quarantine
        assert cache.gauges.unanswered["guilds"] >= 1
        away.clear()
        await hearing.hear("GUILD_CREATE", other)
        assert set(await cache.guilds.find().ids()) == {id_of(guild), id_of(other)}
        roles = await cache.roles.count()
    told = [record.getMessage() for record in caplog.records if record.name == "persist.rules"]
    assert len(told) == 1
    assert "raises ConnectionError('the database of plans is away')" in told[0]
    assert "which is called again for each" in told[0]
    away.add(id_of(guild))
    async with Hearing(sqlite_url, rules=persist.Rules(per_guild=plan), settled=settled) as again:
        await again.ready(guild, other)
        await again.hear("GUILD_MEMBER_ADD", {**payloads.member(payloads.user()), "guild_id": guild["id"]})
        await again.cache.sweep()
        assert await again.cache.roles.count() == roles
        assert await again.cache.guilds.get(id_of(guild)) is not None
        with pytest.raises(persist.QueryError, match="the database of plans is away"):
            await again.cache.apply_rules(persist.Rules(per_guild=plan))
        assert await again.cache.roles.count() == roles


async def test_a_predicate_that_raises_keeps_nothing_and_says_so_once(
    heard: Callable[..., Hearing], guild: Payload, caplog: pytest.LogCaptureFixture
) -> None:
    async with heard(roles=Keep(predicate=lambda role: role.nothing)) as hearing:
        await hearing.ready(guild)
        assert await hearing.cache.roles.count() == 0
    told = [record.getMessage() for record in caplog.records if record.name == "persist.rules"]
    assert len(told) == 1
    assert "the predicate of roles failed for" in told[0]


@pytest.mark.filterwarnings("error")
async def test_a_predicate_whose_answer_has_to_be_awaited_keeps_nothing_and_is_told_of(
    heard: Callable[..., Hearing], guild: Payload
) -> None:
    async def is_fine(_: object) -> bool:
        return False

    later: Anything = lambda role: is_fine(role) if role else False  # noqa: E731
    async with heard(roles=Keep(predicate=later)) as hearing:
        await hearing.ready(guild)
        assert await hearing.cache.roles.count() == 0
        assert "predicate_failed" in {problem.name for problem in hearing.cache.health().problems}


# ------------------------------------------------------------------------------------------------------------- dropping


@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind in FIELDS for field in sorted(FIELDS[kind])])
def test_hikari_makes_objects_without_what_can_be_dropped(kind: str, field: str) -> None:
    entity, decoder = ENTITIES[kind], _decoder()
    persist.Rules(**{kind: Keep(drop={field})})
    for sample in SAMPLES:
        if sample.kind == kind:
            whole = entity.record(sample.payload, sample.guild_id, Origin("gateway", 0, 1, ""))
            try:
                entity.decode(decoder, whole)
            except Exception:  # noqa: BLE001 - hikari cannot make it in any case
                continue
            left = {name: value for name, value in sample.payload.items() if name != field}
            assert made_of(decoder, whole._replace(payload=left)) is not None


def _decoder() -> Decoder:
    bot = Hearing("memory://").bot
    return Decoder(bot.entity_factory, hikari.Snowflake(ME), bot)


def test_what_shows_inside_others_is_a_kind() -> None:
    assert {kind for nested in NESTED.values() for kind in (*nested.values(),)} | {*NESTED} <= ENTITIES.keys()


@pytest.mark.parametrize(
    ("kind", "keep", "why"),
    [
        ("messages", Keep(drop={"contnet"}), "contnet of messages cannot be dropped; did you mean 'content'?"),
        ("messages", Keep(drop={"author"}), "author of messages cannot be dropped"),
        ("messages", Keep(drop={"channel_id"}), "channel_id of messages cannot be dropped"),
        ("roles", Keep(channels={1}), "roles cannot be selected by channels: they do not belong to any"),
        ("roles", Keep(where={"colour": 1}), "roles cannot be found by 'colour'"),
        ("roles", Keep(where={"color": "red"}), "color"),
        ("messages", Keep(where={"updated": None}), "it is not known before they are stored"),
        ("messages", Keep(where={"content": "x"}, drop={"content"}), "are selected by 'content', which is dropped"),
        ("messages", ~Keep(where={"contents": "x"}), "messages cannot be found by 'contents'"),
    ],
)
def test_a_choice_that_a_kind_does_not_offer_is_refused(kind: str, keep: Anything, why: str) -> None:
    with pytest.raises(persist.QueryError) as refused:
        persist.Rules(**{kind: keep})
    assert why in str(refused.value)


async def test_what_is_dropped_is_empty_wherever_it_shows(heard: Callable[..., Hearing], guild: Payload) -> None:
    channel = guild["channels"][1]
    first = message(guild, channel, content="a needle", embeds=[{"description": "a needle"}])
    answer = {**message(guild, channel, 1, content="a needle", type=19), "referenced_message": first}
    drop = {
        "messages": Keep(drop={"content", "embeds"}),
        "users": Keep(drop={"global_name"}),
        "members": Keep(drop={"nickname"}),
    }
    async with heard(**drop) as hearing:
        await hearing.ready(guild)
        for name, payload in (("MESSAGE_CREATE", first), ("MESSAGE_CREATE", answer), ("MESSAGE_UPDATE", first)):
            await hearing.hear(name, payload)
        stored = await hearing.stored()
        assert stored["messages", (id_of(answer),)]["referenced_message"]["id"] == first["id"]
        assert "needle" not in repr(stored)
        assert not _found("global_name", [payload for (kind, _), payload in stored.items() if kind != "own_user"])
        assert not _found("nick", stored)
        async for cache in hearing.answers():
            found = await cache.get_message(id_of(answer))
            assert found is not None
            assert (found.content, found.embeds) == (None, [])
            assert found.author.username == guild["members"][1]["user"]["username"]
            member = await cache.get_member(id_of(guild), id_of(guild["members"][1]["user"]))
            assert member is not None
            assert member.nickname is None


def _found(name: str, inside: object) -> bool:
    if isinstance(inside, dict):
        return name in inside or any(_found(name, value) for value in inside.values())
    return isinstance(inside, list) and any(_found(name, value) for value in inside)


async def test_a_message_that_is_not_kept_does_not_show_in_its_answer(
    heard: Callable[..., Hearing], guild: Payload
) -> None:
    secret, public = guild["channels"][1], guild["channels"][2]
    first = message(guild, secret, content="a needle")
    answer = {**message(guild, public, 1, type=19), "referenced_message": first}
    async with heard(messages=Keep(channels=persist.not_({id_of(secret)}))) as hearing:
        await hearing.ready(guild)
        await hearing.hear("MESSAGE_CREATE", answer)
        assert "needle" not in repr(await hearing.stored())
        assert await hearing.cache.get_message(id_of(answer)) is not None


async def test_what_one_part_keeps_whole_is_whole(heard: Callable[..., Hearing], guild: Payload) -> None:
    log, other = guild["channels"][1], guild["channels"][2]
    async with heard(messages=Keep(channels={id_of(log)}) | Keep(drop={"content"})) as hearing:
        await hearing.ready(guild)
        for channel in (log, other):
            sent = message(guild, channel, content="first")
            await hearing.hear("MESSAGE_CREATE", sent)
            await hearing.hear("MESSAGE_UPDATE", {**sent, "content": "second"})
            found = await hearing.cache.get_message(id_of(sent))
            assert found is not None
            assert found.content == ("second" if channel is log else None)
