"""The quick start of the first release still runs, and the cache is now immediately up to date."""

from __future__ import annotations

import pathlib
import typing

import frameworks
import hikari
import pytest

# In the first release, the listener had to sleep for five seconds before it queried the cache.
QUICK_START: typing.Final = """
import hikari
import hikaripersist as persist
from hikaripersist import CachedMessage

cache = persist.Cache(bot, persist.SQLiteBackend("cache.db"))

@cache.listen()
async def message_created(event: hikari.GuildMessageCreateEvent) -> None:
    original = event.content
    message: CachedMessage = await cache.get_message(event.message_id, event.channel_id)
    assert original == message.content
    done(message)
"""


@pytest.mark.filterwarnings("ignore::hikari.MissingIntentWarning")  # the first release ignored intents
@pytest.mark.parametrize("intents", [hikari.Intents.ALL_UNPRIVILEGED, hikari.Intents.ALL])
@pytest.mark.parametrize("first", ["", "from __future__ import annotations\n"])
async def test_the_first_quick_start_runs_and_holds_at_once(
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    first: str,
    intents: hikari.Intents,
) -> None:
    monkeypatch.chdir(tmp_path)
    async with frameworks.played(intents=intents) as stage:
        names: dict[str, typing.Any] = {"bot": stage.bot, "done": lambda message: stage.notes.write(str(message.id))}
        exec(compile(first + QUICK_START, "quickstart", "exec", dont_inherit=True), names)
        async with stage.playing():
            message = await stage.say("a word")
            assert await stage.notes.next() == message["id"]
    assert frameworks.databases() == ["cache.db"]
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
