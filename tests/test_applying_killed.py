"""A process that is killed while it applies rules has done part of the work, but nothing by halves."""

from __future__ import annotations

import asyncio
import math
import os
import pathlib
import signal
import subprocess
import sys
import typing
from collections.abc import Mapping, Sequence

import pytest

import persist
from persist.conditions import Condition, Where
from persist.contract_samples import channel, guild, member, message, role, user, voice_state
from persist.entities import ENTITIES
from persist.model import Key, Record
from persist.plugins import open_store
from persist.spi import Select

pytest.importorskip("typer", reason="typer is not installed.")

from command_line import answered, call, fill, stored

TESTS: typing.Final = pathlib.Path(__file__).parent
GUILD, KEPT, OTHER = 1000, 1001, 1002
PEOPLE: typing.Final = range(2000, 3000)
RECORDS: typing.Final[Sequence[Record]] = [
    guild(GUILD, name="a guild"),
    channel(KEPT, GUILD, name="kept"),
    channel(OTHER, GUILD, name="other"),
    role(GUILD, GUILD, name="everyone"),
    *(user(number, username=f"user {number}", global_name="somebody" if number % 2 else None) for number in PEOPLE),
    *(member(GUILD, number, nick="kept" if number % 3 else "other") for number in PEOPLE),
    *(message(10_000 + number, (KEPT, KEPT, OTHER)[number % 3], GUILD) for number in range(3000)),
    *(message(20_000 + number, KEPT, GUILD, content=f"needle {number}") for number in range(500)),
    *(voice_state(GUILD, number, KEPT) for number in range(2000, 6000)),
]
RULES: typing.Final = persist.Rules(
    users=persist.Keep(drop={"global_name"}, max_orphan_age=math.inf),
    members=persist.Keep(where={"nickname": "kept"}),
    messages=persist.Keep(channels={KEPT}, drop={"content"}),
    voice_states=False,
)

MOMENTS: typing.Final[Mapping[str, tuple[str, Where, int]]] = {
    "it has begun": ("users", (Condition("global_name", "equals", "somebody"),), 499),
    "half of the messages have gone": ("messages", (Condition("channel_id", "equals", OTHER),), 500),
    "the last kind is left": ("messages", (), 2500),
}
"""When to kill it: as soon as only this many objects of a kind are left."""

_OWN: typing.Final = """
import asyncio, sys, bots, persist

async def main():
    async with persist.Cache(bots.make(), sys.argv[1], rules=persist.Rules.load(sys.argv[2]), members="never") as cache:
        await cache.apply_rules()

asyncio.run(main())
"""
WAYS: typing.Final[Mapping[str, Sequence[str]]] = {
    "by the command line": ("-m", "persist", "apply-rules", "{url}", "--rules", "{file}"),
    "by the cache of a bot": ("-c", _OWN, "{url}", "{file}"),
}


@pytest.fixture(params=["sqlite_url", "postgresql_url", "mysql_url"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "rules.toml"
    RULES.dump(path)
    return path


def begun(way: Sequence[str], url: str, file: pathlib.Path) -> subprocess.Popen[bytes]:
    words = [word.format(url=url, file=file) if word != _OWN else word for word in way]
    return subprocess.Popen([sys.executable, *words], env={**os.environ, "PYTHONPATH": str(TESTS)}, cwd=file.parent)


async def killed(way: Sequence[str], url: str, file: pathlib.Path, moment: tuple[str, Where, int]) -> int:
    """Kill a process in the middle of its work, and return its exit status."""
    kind, where, most = moment
    store = open_store(url)
    await store.open()
    process = begun(way, url, file)
    try:
        async with asyncio.timeout(60):
            while (await store.select(Select(ENTITIES[kind], where=where, want="count"))).count > most:
                pass
    finally:
        process.send_signal(signal.SIGKILL)
        await store.close()
    return process.wait()


def everything(url: str) -> dict[tuple[str, Key], Record]:
    beside = ("shards", "completeness")
    return {(kind, one.key): one for kind, found in stored(url).items() if kind not in beside for one in found}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("way", WAYS)
def test_the_next_start_finds_nothing_by_halves_and_applying_again_finishes(
    url: str, file: pathlib.Path, tmp_path: pathlib.Path, way: str, moment: str
) -> None:
    whole = f"sqlite:///{tmp_path / 'whole.db'}"
    for each in (whole, url):
        fill(each, list(RECORDS))
    before = everything(url)
    call("apply-rules", whole, "--rules", str(file))
    after = everything(whole)
    assert len(after) < len(before)
    untouched = {place for place, one in after.items() if one.payload == before[place].payload}

    assert asyncio.run(killed(WAYS[way], url, file, MOMENTS[moment])) == -signal.SIGKILL
    left = everything(url)
    # The samples lack fields that hikari needs, and rules for members leave the voice states of rejected members.
    wrong = {each["what"] for each in answered("verify", url, code=1)["findings"]}
    assert wrong <= {"undecodable", "without owner", "unchecked"}
    assert untouched < left.keys() <= before.keys()
    assert before != left
    for place, one in before.items():
        is_done = (now := left.get(place)) is None or now.payload != one.payload
        assert (now and now.payload) == ((after.get(place) and after[place].payload) if is_done else one.payload), place
        assert is_done or now == one

    assert begun(WAYS[way], url, file).wait() == 0
    finished = everything(url)
    assert {place: one.payload for place, one in finished.items()} == {
        place: one.payload for place, one in after.items()
    }
    assert {place: finished[place] for place in untouched} == {place: before[place] for place in untouched}
