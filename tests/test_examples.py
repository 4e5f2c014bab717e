"""Each example does what it says."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import importlib.util
import os
import pathlib
import sys
import types
import typing
from collections.abc import AsyncIterator, Iterator

import bots
import frameworks
import hikari
import pytest
from fakecord import FakeDiscord, payloads
from frameworks import Stage

import persist

FOLDER: typing.Final = pathlib.Path(__file__).parents[1] / "examples"
FRAMEWORKS: typing.Final = ("arc", "crescent", "lightbulb", "tanjun")
GUARDED: typing.Final = ("arc", "crescent", "lightbulb")

# tanjun 2.17 uses what alluka 0.4 deprecates, in every context.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:alluka", "ignore::DeprecationWarning:tanjun")


@pytest.fixture
def example(request: pytest.FixtureRequest) -> Iterator[types.ModuleType]:
    spec = importlib.util.spec_from_file_location(f"example_{request.param}", FOLDER / f"{request.param}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def framework(request: pytest.FixtureRequest) -> str:
    pytest.importorskip(request.param, reason=f"{request.param} is not installed.")
    return str(request.param)


@pytest.mark.parametrize("example", ["quickstart"], indirect=True)
async def test_the_quick_start_counts_and_tells_edits(
    stage: Stage, example: types.ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = example.build(stage.bot)
    async with stage.playing():
        message = await stage.say("a word")
        await stage.sim.update_message(stage.channel_id, message["id"], content="another word")
        await stage.say("!count")
        answers = stage.sim.messages[stage.channel_id]
        await stage.sim.wait_until(lambda: len(answers) == 3)
        assert list(answers.values())[-1]["content"] == "I remember 2 of your messages."
        await cache.flush()
    assert "edited a message from" in capsys.readouterr().out
    assert frameworks.databases() == ["cache.db"]


@pytest.mark.parametrize("example", ["keep_less"], indirect=True)
async def test_a_bot_that_keeps_less_forgets_what_was_kept_before(
    stage: Stage, example: types.ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    async with persist.Cache(stage.bot, "sqlite:///cache.db") as before, stage.playing():
        await stage.say("a needle from before")
        await before.flush()
    async with frameworks.played() as again:
        cache = example.build(again.bot)
        async with again.playing():
            await again.say("another needle")
            await again.say("!kept")
            answers = again.sim.messages[again.channel_id]
            await again.sim.wait_until(lambda: len(answers) == 3)
            said = list(answers.values())[-1]["content"]
            assert said.startswith("messages: kept told by gateway, as long as Discord has them; never with attach")
            assert said.endswith("I have 2 of your messages.")
            assert {member.is_bot for member in await cache.members.find()} == {False}
            stored = [dict(entry.payload) async for entry in cache.messages.find().entries()]
    assert "forgotten at the start: " in capsys.readouterr().out
    assert len(stored) >= 3
    assert "needle" not in repr(stored)


@pytest.mark.parametrize("example", ["modlog"], indirect=True)
async def test_a_moderation_log_tells_of_what_was_there_before_the_restart(
    stage: Stage, example: types.ModuleType
) -> None:
    place, user_id = stage.channel_id, stage.user_id
    log = await stage.sim.create_channel(stage.guild_id, name="mod-log")
    role = await stage.sim.create_role(stage.guild_id, name="Captain")
    await stage.sim.update_member(stage.guild_id, user_id, roles=[role["id"]])
    example.build(stage.bot)
    async with stage.playing():
        said = [await stage.say(text) for text in ("one", "two", "three", "four", "five")]
        await stage.sim.add_reaction(place, said[4]["id"], user_id, "🔥")
        await stage.settled()
    name = said[0]["author"]["username"]
    bot = stage.bot = frameworks.bot_of(stage.sim)
    example.build(bot)
    async with stage.playing():
        await stage.sim.update_message(place, said[0]["id"], content="uno")
        await stage.sim.delete_message(place, said[1]["id"])
        await stage.sim.bulk_delete(place, [said[2]["id"], said[3]["id"]])
        await stage.sim.remove_reaction(place, said[4]["id"], user_id, "🔥")
        await stage.sim.remove_member(stage.guild_id, user_id)
        written = stage.sim.messages[log["id"]]
        await stage.sim.wait_until(lambda: len(written) == 5)
        await stage.sim.delete_role(stage.guild_id, role["id"])
        await stage.sim.wait_until(lambda: len(written) == 6)
    assert {message["content"] for message in written.values()} == {
        f"Edited to 'uno': {name}: 'one'",
        f"Deleted: {name}: 'two'",
        f"2 messages deleted at once:\n{name}: 'three'\n{name}: 'four'",
        f"{name} removed 🔥 from {name}: 'five'",
        "Nemo left, with these roles: Captain",
        "The role Captain was deleted",
    }


@contextlib.asynccontextmanager
async def sharded(sim: FakeDiscord, url: str, folder: pathlib.Path, *shards: int) -> AsyncIterator[None]:
    """Run a process of the sharded bot, and kill it when the block ends."""
    with (folder / f"shard-{shards[0]}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            FOLDER / "sharded_postgres" / "bot.py",
            *map(str, shards),
            env={**os.environ, "DISCORD_TOKEN": bots.TOKEN, "DISCORD_API": sim.rest_url, "PERSIST_URL": url},
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def test_two_processes_with_four_shards_answer_for_all(postgresql_url: str, tmp_path: pathlib.Path) -> None:
    async with FakeDiscord(seed=1, shards=4, max_concurrency=4) as sim:
        nemo = payloads.user(username="nemo")
        guilds = [sim.add_guild(name=f"Guild {number}", members=3) for number in range(8)]
        for guild in guilds:
            await sim.add_member(guild["id"], payloads.member(nemo))
        of_shard = {(int(guild["id"]) >> 22) % 4: guild for guild in guilds}
        names = ", ".join(sorted(guild["name"] for guild in guilds))
        everything = f"8 guilds with {8 * len(sim.guild_payload(guilds[0]['id'])['members'])} members in total"

        async def ask(shard: int) -> None:
            place = bots.text_channel(of_shard[shard])

            sim.messages[place].clear()

            def answered() -> bool:
                said = [message["content"] for message in sim.messages[place].values()]
                return f"Shard {shard} of 4: {everything}; you are in {names}." in said

            async with asyncio.timeout(30):
                while not answered():  # one process finds what the other has received once it is stored
                    await sim.create_message(place, "!where", nemo["id"])
                    with contextlib.suppress(TimeoutError):
                        await sim.wait_until(answered, 1)

        async with sharded(sim, postgresql_url, tmp_path, 0, 1):
            async with sharded(sim, postgresql_url, tmp_path, 2, 3):
                await sim.wait_until(lambda: len(list(sim.live_sessions())) == 4, 30)
                for shard in of_shard:
                    await ask(shard)
            await ask(min(of_shard))  # the other process is dead, and its data is there


async def finds_what_was_said(stage: Stage, example: types.ModuleType) -> None:
    client = example.build(stage.bot)
    async with stage.playing():
        await stage.sim.wait_until(lambda: getattr(client, "is_started", True))
        await stage.say("I saw an octopus")
        await stage.say("I saw nothing")
        answer = await stage.run("said", frameworks.option("word", "octopus"))
        name = stage.guild["members"][0]["user"]["username"]
        assert answer["content"] == f"{name}: I saw an octopus"
        assert (await stage.run("said", frameworks.option("word", "squid")))["content"] == "Nobody said that."


@pytest.mark.parametrize(
    ("framework", "example"), [(name, f"with_{name}") for name in FRAMEWORKS], indirect=True, ids=FRAMEWORKS
)
@pytest.mark.usefixtures("framework")
async def test_a_command_finds_what_was_said_and_a_listener_who_left(
    stage: Stage, example: types.ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    await finds_what_was_said(stage, example)
    async with stage.playing():
        await stage.sim.remove_member(stage.guild_id, stage.user_id)
        await stage.sim.wait_until(lambda: "left, leaving 2 messages behind" in capsys.readouterr().out)


@pytest.mark.parametrize(
    ("framework", "example"), [(name, f"with_{name}") for name in GUARDED], indirect=True, ids=GUARDED
)
@pytest.mark.usefixtures("framework")
async def test_newcomers_are_told_to_wait(stage: Stage, example: types.ModuleType) -> None:
    client = example.build(stage.bot)
    now = datetime.datetime.now(datetime.UTC)
    async with stage.playing():
        await stage.sim.wait_until(lambda: getattr(client, "is_started", True))
        await stage.sim.update_member(stage.guild_id, stage.user_id, joined_at=now.isoformat())
        answer = await stage.run("said", frameworks.option("word", "octopus"))
        assert answer["content"].startswith("You can use this from ")
        assert answer["flags"] & hikari.MessageFlag.EPHEMERAL


@pytest.mark.parametrize(("framework", "example"), [("tanjun", "with_tanjun")], indirect=True)
@pytest.mark.usefixtures("framework")
async def test_tanjuns_converter_and_check_ask_the_cache(stage: Stage, example: types.ModuleType) -> None:
    example.build(stage.bot)
    async with stage.playing():
        await stage.say(f"!who <@{stage.user_id}>")
        answers = stage.sim.messages[stage.channel_id]
        await stage.sim.wait_until(lambda: len(answers) == 2)
        assert list(answers.values())[-1]["content"].startswith("Nemo has been here since")
        assert stage.asked() == {}


@pytest.mark.parametrize("example", ["restbot_dashboard_reader"], indirect=True)
async def test_a_rest_bot_tells_what_another_bot_remembers(stage: Stage, example: types.ModuleType) -> None:
    cache = persist.Cache(stage.bot, "sqlite:///cache.db")
    async with stage.playing():
        await stage.say("a word")
        await stage.settled()
        await cache.flush()
        rest_bot = hikari.RESTBot(
            bots.TOKEN, "Bot", public_key=b"k" * 32, banner=None, logs=None, suppress_optimization_warning=True
        )
        reader = example.build(rest_bot)
        assert rest_bot.interaction_server.get_listener(hikari.CommandInteraction) is not None
        await rest_bot.start(host="127.0.0.1", port=0, check_for_updates=False)
        said = await example.summary(reader, hikari.Snowflake(stage.guild_id))
        await rest_bot.close()
    count = len(stage.guild["members"])
    assert said == f"Aquarium: {count} members, 1 messages."
