"""Whatever goes wrong in a user's first five minutes is explained, with a way out."""

from __future__ import annotations

import asyncio
import logging
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib
import typing

import aiohttp.web
import bots
import hikari
import pytest

import persist
from persist.views import VIEWS

ROOT: typing.Final = pathlib.Path(__file__).parents[1]
README: typing.Final = (ROOT / "README.md").read_text()
PROGRAM: typing.Final = """
import hikari, persist, sys
bot = hikari.GatewayBot(sys.argv[1], rest_url=sys.argv[2], banner=None, suppress_optimization_warning=True)
cache = persist.Cache(bot, "sqlite:///cache.db", members="never")
bot.run(check_for_updates=False)
"""


async def run(folder: pathlib.Path, *arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "ignore",
        *arguments,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, said.decode()


async def test_a_wrong_token_ends_the_bot_with_discords_own_words_and_leaves_a_whole_file(
    tmp_path: pathlib.Path,
) -> None:
    async def refuse(_: aiohttp.web.Request) -> aiohttp.web.Response:
        return aiohttp.web.json_response({"message": "401: Unauthorized", "code": 0}, status=401)

    server = aiohttp.web.Application()
    server.router.add_route("*", "/{path:.*}", refuse)
    runner = aiohttp.web.AppRunner(server)
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    code, said = await run(tmp_path, "-c", PROGRAM, bots.TOKEN, f"http://127.0.0.1:{port}")
    await runner.cleanup()
    assert code != 0
    assert "Unauthorized" in said
    assert "changes could not be stored" not in said
    assert bots.rows(tmp_path / "cache.db", "PRAGMA integrity_check") == ["ok"]


def test_a_missing_intent_is_told_with_both_ways_out() -> None:
    bot = bots.make(intents=hikari.Intents.ALL_UNPRIVILEGED)
    with pytest.warns(hikari.MissingIntentWarning) as told:
        persist.Cache(bot, "memory://")
    said = [str(each.message) for each in told]
    assert any(
        re.search(r"without the intent GUILD_MEMBERS, members .* add it to the bot, or turn", each) for each in said
    )
    assert any(
        each.startswith("without the intent MESSAGE_CONTENT, messages arrive without their content") for each in said
    )
    assert all(each.filename == __file__ for each in told)  # it points at the line that creates the cache
    with pytest.warns(hikari.MissingIntentWarning) as told:
        persist.Cache(bot, "memory://", rules=persist.Rules.no_message_content())
    assert not any("MESSAGE_CONTENT" in str(each.message) for each in told)
    with pytest.raises(persist.QueryError, match=r"add hikari\.Intents\.GUILDS"):
        persist.Cache(bots.make(intents=hikari.Intents.GUILD_MESSAGES), "memory://")


def unprivileged() -> list[str]:
    """Return a prefix for commands that makes file permissions apply to them, even if root runs the tests."""
    if os.name == "nt":
        pytest.skip("rights are other things on Windows")
    if os.geteuid() != 0:
        return []
    if (setpriv := shutil.which("setpriv")) is None:
        pytest.skip("root may write everywhere, and there is no setpriv to give that up")
    return [setpriv, "--bounding-set=-dac_override,-dac_read_search"]


@pytest.fixture
def closed(tmp_path: pathlib.Path) -> typing.Iterator[pathlib.Path]:
    """Yield a read-only folder with a read-only database in it."""
    folder = tmp_path / "closed"
    folder.mkdir()
    asyncio.run(_made(folder / "there.db"))
    (folder / "there.db").chmod(0o400)
    folder.chmod(0o500)
    yield folder
    folder.chmod(0o700)


async def _made(file: pathlib.Path) -> None:
    async with persist.Cache(bots.make(), f"sqlite:///{file}"):
        pass


@pytest.mark.parametrize(
    ("name", "mode", "told"),
    [
        ("cache.db", 0o500, "can this user write to it"),
        ("there.db", 0o500, "this user cannot write there: give it"),
        ("there.db", 0o400, "this user has no access to '.*closed'; give the bot's user access"),
    ],
)
def test_a_folder_without_rights_is_told(closed: pathlib.Path, name: str, mode: int, told: str) -> None:
    closed.chmod(mode)
    said = said_without_rights(f"persist.Cache(bots.make(), 'sqlite:///{closed / name}')")
    assert re.search(told, said), said


def test_a_reader_is_told_that_it_has_no_rights_to_a_folder(closed: pathlib.Path) -> None:
    closed.chmod(0o400)
    said = said_without_rights(f"persist.connect('sqlite:///{closed / 'there.db'}', bots.make())")
    assert re.search("this user has no access to '.*closed'; give the bot's user access", said), said


def said_without_rights(cache: str) -> str:
    """Return the error that opening a cache raises in a process of a user without special rights."""
    program = f"""
import asyncio, sys
sys.path.insert(0, {str(ROOT / "tests")!r})
import bots, persist
async def main():
    await {cache}.open()
try:
    asyncio.run(main())
except persist.BackendError as error:
    print(error)
"""
    command = [*unprivileged(), sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", ["cache.db", "there.db"])
def test_the_doctor_tells_of_missing_rights(closed: pathlib.Path, name: str) -> None:
    pytest.importorskip("typer")
    command = [*unprivileged(), sys.executable, "-m", "persist", "doctor", f"sqlite:///{closed / name}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
    assert re.search(r"✗ +right to write +this user cannot write to '.*'", done.stdout)
    assert "→ give the bot's user write access, or name another place" in done.stdout


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no/cache.db", "there is no folder .*no'; create it first: mkdir -p .*no$"),
        ("bot.py/cache.db", r"bot\.py' is a file, not a folder; name another place"),
        ("bot.py/data/cache.db", r"bot\.py' is a file, not a folder; name another place"),
        ("", r"is a folder; name a file in it: '.*cache\.db'"),
    ],
)
async def test_a_place_where_no_file_can_be_is_told(tmp_path: pathlib.Path, name: str, told: str) -> None:
    (tmp_path / "bot.py").touch()
    cache = persist.Cache(bots.make(), f"sqlite:///{tmp_path / name}")
    with pytest.raises(persist.BackendError, match=told):
        await cache.open()
    assert [each.name for each in sorted(await asyncio.to_thread(lambda: list(tmp_path.iterdir())))] == ["bot.py"]


def test_an_old_python_is_refused_by_pip() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11"
    assert "Python 3.11" in README


def test_what_is_shown_installs_this_library_and_not_its_first_release() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for page in (README, (ROOT / "docs" / "tutorial.md").read_text()):
        # pip installs an alpha only if the version specifier asks for one.
        assert f"pip install 'hikari-persist>={version}'" in page
        assert "pip install hikari-persist" not in page


def make_with(folder: pathlib.Path, version: str, goal: str) -> tuple[pathlib.Path, subprocess.CompletedProcess[str]]:
    """Run make with a fake Python that claims to be a certain version, and prints what it should run."""
    if shutil.which("make") is None or os.name == "nt":
        pytest.skip("there is no make here")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    numbers = tuple(map(int, version.split(".")))
    claim = f"import sys; sys.executable, sys.version_info = {str(folder / 'python')!r}, {numbers}"
    (folder / "python").write_text(
        f"""#!/bin/sh
test "$1" = -c || {{ echo "asked for $*"; exit 1; }}
exec '{sys.executable}' -c "{claim}; exec(sys.argv[1])" "$2"
"""
    )
    (folder / "python").chmod(0o700)
    command = ["make", goal, f"PYTHON={folder / 'python'}"]
    # If make runs these tests, it passes variables on to any make that they run.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return folder / "python", subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("goal", ["demo", "test-newest"])
@pytest.mark.parametrize("version", ["2.7.18", "3.8.18", "3.10.13"])
def test_an_old_python_is_refused_by_make_before_it_begins(tmp_path: pathlib.Path, version: str, goal: str) -> None:
    python, done = make_with(tmp_path, version, goal)
    said = f"persist needs Python 3.11 or newer, this is {version} ({python}): make {goal} PYTHON=python3.12\n"
    assert done.returncode != 0
    assert done.stderr.startswith(said), done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("version", ["3.11.0", "3.14.1"])
def test_a_python_that_is_new_enough_makes_an_environment(tmp_path: pathlib.Path, version: str) -> None:
    _, done = make_with(tmp_path, version, "demo")
    assert "asked for -m venv .venv\n" in done.stdout


@pytest.mark.parametrize(
    ("module", "missing", "says"),
    [
        ("persist.backends.postgresql", "asyncpg", "pip install 'hikari-persist[postgresql]'"),
        ("persist.backends.mysql", "aiomysql", "pip install 'hikari-persist[mysql]'"),
        ("persist.integrations.lightbulb", "lightbulb", "pip install 'hikari-persist[lightbulb]'"),
        ("persist.integrations.arc", "arc", "pip install 'hikari-persist[arc]'"),
        ("persist.integrations.tanjun", "tanjun", "pip install 'hikari-persist[tanjun]'"),
        ("persist.integrations.crescent", "crescent", "pip install 'hikari-persist[crescent]'"),
        ("persist.integrations.prometheus", "prometheus_client", "pip install 'hikari-persist[prometheus]'"),
        ("persist.integrations.opentelemetry", "opentelemetry.metrics", "pip install 'hikari-persist[opentelemetry]'"),
    ],
)
def test_a_missing_driver_or_framework_names_what_to_install(module: str, missing: str, says: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; import {module}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert says in done.stderr.splitlines()[-1]


def test_a_question_before_the_bot_runs_says_when_to_ask(tmp_path: pathlib.Path) -> None:
    cache = persist.Cache(bots.make(), f"sqlite:///{tmp_path / 'cache.db'}")
    with pytest.raises(persist.CacheClosedError, match=r"it opens when the bot starts, with `await cache\.open"):
        asyncio.run(typing.cast("typing.Any", cache.get_user(1)))


def test_a_cache_that_was_opened_in_a_loop_that_has_ended_is_opened_anew(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "cache.db"
    program = f"""
import asyncio, sys
sys.path.insert(0, {str(ROOT / "tests")!r})
import bots, persist
cache = persist.Cache(bots.make(), "sqlite:///{file}")
asyncio.run(cache.open())
async def go():
    await cache.start()
    assert await cache.get_user(1) is None
    assert cache.health().is_healthy
    await cache.close()
asyncio.run(go())
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "let the bot open it, or do everything in one loop" in done.stderr
    assert caplog.get_records("call") == []
    assert logging.getLogger("persist").handlers == []


def test_the_readme_names_what_there_is() -> None:
    for target in re.findall(r"^\$ make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for link in re.findall(r"\]\(((?!https?:)[^)#]+)", README):
        assert (ROOT / link).exists(), link
    assert f"| {len(VIEWS)}, with threads" in README
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert [extra for extra in extras if f"[{extra}]" not in README] == ["testing"]
    picture = (ROOT / "docs" / "demo.svg").read_text()
    assert "Killed,&#160;and&#160;nothing&#160;forgotten." in picture
    assert not re.search(r"url\(|href=|@import", picture.replace("url(#", ""))
