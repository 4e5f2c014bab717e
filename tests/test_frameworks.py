"""In every command framework, everything it calls can get the cache, wherever and whenever it is loaded."""

from __future__ import annotations

import contextlib
import importlib
import logging
import typing
from collections.abc import AsyncIterator, Callable

import frameworks
import hikari
import pytest
from frameworks import Stage

import persist
from persist.views import VIEWS


class Framework:
    """A bot of a framework, with a command for each place that may need the cache.

    Parameters
    ----------
    name
        The name of the framework, of its integration and, with ``_bot`` behind it, of the module of such a bot.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._bot = importlib.import_module(f"{name}_bot")
        self.install: Callable[..., persist.Cache] = importlib.import_module(f"persist.integrations.{name}").install

    def client_of(self, stage: Stage) -> typing.Any:
        """Make a client that is not running yet."""
        return self._bot.client_of(stage)

    @contextlib.asynccontextmanager
    async def playing(self, stage: Stage, moment: str) -> AsyncIterator[typing.Any]:
        """Load the integration into a new client before, during or after the bot's start, and run both."""
        client = self.client_of(stage)
        self._bot.load(stage, client, moment)
        async with self.running(stage, client):
            yield client

    @contextlib.asynccontextmanager
    async def running(self, stage: Stage, client: typing.Any) -> AsyncIterator[None]:
        """Run the bot until its client has started; arc's client starts later than the bot, and responds only then."""
        async with stage.playing():
            await stage.sim.wait_until(lambda: getattr(client, "is_started", True))
            yield


# tanjun 2.17 uses what alluka 0.4 deprecates, in every context.
_OLD_ALLUKA: typing.Final = [
    pytest.mark.filterwarnings(f"ignore::DeprecationWarning:{module}") for module in ("alluka", "tanjun")
]
_LIGHTBULB, _ARC, _CRESCENT = "lightbulb", "arc", "crescent"
_TANJUN: typing.Final = pytest.param("tanjun", marks=_OLD_ALLUKA)


def only(*names: typing.Any) -> pytest.MarkDecorator:
    """Return a mark for tests of only some frameworks."""
    return pytest.mark.parametrize("framework", names, indirect=True)


@pytest.fixture(params=[_LIGHTBULB, _ARC, _TANJUN, _CRESCENT])
def framework(request: pytest.FixtureRequest) -> Framework:
    pytest.importorskip(request.param, reason=f"{request.param} is not installed.")
    return Framework(request.param)


@pytest.fixture
async def playing(framework: Framework, stage: Stage) -> AsyncIterator[typing.Any]:
    persist.Cache(stage.bot, "memory://")
    async with framework.playing(stage, "within") as client:
        yield client


@pytest.mark.usefixtures("playing")
async def test_a_slash_command_has_the_cache(stage: Stage) -> None:
    assert (await stage.run("slash"))["content"] == stage.said
    assert stage.asked() == {}


@pytest.mark.usefixtures("playing")
@pytest.mark.parametrize("kind", [hikari.CommandType.USER, hikari.CommandType.MESSAGE])
async def test_a_command_on_a_user_or_message_has_the_cache(stage: Stage, kind: hikari.CommandType) -> None:
    assert (await stage.point(kind.name.lower(), kind))["content"] == stage.said


@pytest.mark.usefixtures("playing")
async def test_a_subcommand_has_the_cache(stage: Stage) -> None:
    assert (await stage.run("group", {"name": "sub", "type": 1, "options": []}))["content"] == stage.said


@pytest.mark.usefixtures("playing")
async def test_a_hook_has_the_cache(stage: Stage) -> None:
    assert (await stage.run("hooked"))["content"] == stage.said


@pytest.mark.usefixtures("playing")
async def test_an_error_handler_has_the_cache(stage: Stage) -> None:
    assert (await stage.run("failing"))["content"] == stage.said


@pytest.mark.usefixtures("playing")
async def test_autocomplete_has_the_cache(stage: Stage) -> None:
    assert await stage.type("completed", frameworks.option("word", "a", focused=True)) == [stage.said]


@only(_LIGHTBULB, _ARC, _TANJUN)  # crescent injects nothing
@pytest.mark.usefixtures("playing")
async def test_every_view_is_injected_by_its_class(stage: Stage) -> None:
    assert (await stage.run("views"))["content"] == f"{len(VIEWS)} of {len(VIEWS)}"


@pytest.mark.usefixtures("playing")
async def test_an_optional_cache_is_given_where_there_is_one(stage: Stage) -> None:
    assert (await stage.run("optional"))["content"] == "a cache"


@pytest.mark.parametrize("moment", ["before", "within"])
async def test_a_cache_that_nobody_made_hears_everything(framework: Framework, stage: Stage, moment: str) -> None:
    async with framework.playing(stage, moment):
        assert (await stage.run("slash"))["content"] == stage.said
    assert frameworks.databases() == ["persist.db"]


async def test_a_cache_that_comes_when_the_bot_has_started_hears_from_then_on(
    framework: Framework, stage: Stage
) -> None:
    async with framework.playing(stage, "after"):
        await stage.sim.update_guild(stage.guild_id, name="Ocean")
        await stage.sim.update_member(stage.guild_id, stage.user_id, nick="Dory")
        await stage.settled()
        assert (await stage.run("slash"))["content"] == "Ocean knows Dory"


async def test_the_environment_names_the_database(
    framework: Framework, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERSIST_URL", "sqlite:///elsewhere.db")
    async with framework.playing(stage, "before"):
        assert (await stage.run("slash"))["content"] == stage.said
    assert frameworks.databases() == ["elsewhere.db"]


@pytest.mark.parametrize("moment", ["before", "within", "after"])
async def test_a_database_that_cannot_be_opened_is_critical_and_the_bot_goes_on(
    framework: Framework,
    stage: Stage,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    monkeypatch.setenv("PERSIST_URL", "sqlite:///nowhere/cache.db")
    async with framework.playing(stage, moment):
        assert (await stage.run("optional"))["content"] == "a cache"
    (record,) = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert record.name == "persist"
    assert "nowhere" in record.getMessage()


@only(_ARC, _TANJUN, _CRESCENT)  # lightbulb's client does not reveal what it was given
def test_the_cache_is_the_one_given_else_the_one_had_else_attached(framework: Framework, stage: Stage) -> None:
    attached, given = persist.Cache(stage.bot, "memory://"), persist.Cache(stage.bot, "memory://")
    client = framework.client_of(stage)
    assert framework.install(client) is attached
    assert framework.install(client, given) is given
    assert framework.install(client) is given
    assert framework.install(framework.client_of(stage)) is attached


@only(_ARC, _TANJUN, _CRESCENT)  # lightbulb starts a client once
async def test_a_bot_that_starts_again_has_its_cache_again(framework: Framework, stage: Stage) -> None:
    client = framework.client_of(stage)
    framework.install(client)
    for _ in range(2):
        async with framework.running(stage, client):
            assert (await stage.run("slash"))["content"] == stage.said
