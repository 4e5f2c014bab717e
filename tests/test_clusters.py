"""Many bots on a database cluster: one server dies, nothing acknowledged is lost, and the bots continue."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import sys
from collections.abc import AsyncIterator, Callable, Iterator

import clusters
import pytest
import servers

import persist
from persist.changes import Put
from persist.entities import MEMBERS, USERS
from persist.model import Origin
from persist.plugins import open_store
from persist.spi import Select

pytestmark = [pytest.mark.once, pytest.mark.timeout(300)]
_PROGRAM = pathlib.Path(__file__).with_name("flooding_store.py")
_BOTS = 3


class Flood:
    """A bot in its own process."""

    def __init__(self, process: asyncio.subprocess.Process, guild_id: int) -> None:
        self._process = process
        self.guild_id = guild_id
        self.acknowledged = 0
        self.said = ""

    async def goes_on(self, more: int = 200) -> None:
        """Wait until this many more changes have been acknowledged."""
        target = self.acknowledged + more
        async with asyncio.timeout(90):
            while self.acknowledged < target:
                await self._read()

    async def _read(self) -> bool:
        assert self._process.stdout is not None
        line = (await self._process.stdout.readline()).decode().strip()
        if line.isdecimal():
            self.acknowledged = int(line)
        elif line:
            self.said = line
        else:
            assert self.said, "the bot died"
        return bool(line)

    async def ends(self) -> None:
        """Let it end, and read the rest of its output."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with asyncio.timeout(60):
            while await self._read():
                pass
            assert await self._process.wait() == 0
        assert self.said == "quarantined 0 lost 0"


@contextlib.asynccontextmanager
async def flood(url: str, guild_id: int) -> AsyncIterator[Flood]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, _PROGRAM, url, str(guild_id), stdin=pipe, stdout=pipe
    )
    try:
        yield Flood(process, guild_id)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        process._transport.close()  # type: ignore[attr-defined]
        await asyncio.sleep(0)


async def members(url: str, guild_id: int) -> set[int]:
    store = open_store(url)
    await store.open()
    try:
        page = await store.select(Select(MEMBERS, guild_id=guild_id, want="keys"))
        return {int(record.key[1]) for record in page.records}
    finally:
        await store.close()


async def survive(urls: list[str], accident: Callable[[], None], after: str) -> None:
    """Flood from many processes, cause an accident, and check that all continue and nothing is missing."""
    async with contextlib.AsyncExitStack() as stack:
        bots = [await stack.enter_async_context(flood(url, number + 1)) for number, url in enumerate(urls)]
        await asyncio.gather(*(bot.goes_on() for bot in bots))
        await asyncio.to_thread(accident)
        await asyncio.gather(*(bot.goes_on(500) for bot in bots))
        for bot in bots:
            await bot.ends()
        for bot in bots:
            missing = set(range(1, bot.acknowledged + 1)) - await members(after, bot.guild_id)
            assert not missing, f"{len(missing)} of {bot.acknowledged} acknowledged changes are lost"


@contextlib.contextmanager
def _there(what: str, *, wanted: bool = True) -> Iterator[None]:
    if not wanted and os.environ.get("PERSIST_REQUIRE_SERVERS") == "1":
        raise servers.NoServerError(what)
    if not wanted:
        pytest.skip(what)
    try:
        yield
    except servers.NoServerError as error:
        if os.environ.get("PERSIST_REQUIRE_SERVERS") == "1":
            raise
        pytest.skip(str(error))


@pytest.fixture
def primary() -> Iterator[clusters.Primary]:
    with _there("PostgreSQL"):
        cluster = clusters.Primary(synchronous=True)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def galera() -> Iterator[clusters.Galera]:
    with _there(f"{clusters.GALERA} is not installed: install galera-4 and rsync.", wanted=clusters.GALERA.exists()):
        cluster = clusters.Galera()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


async def test_a_standby_takes_over_and_nothing_acknowledged_is_lost(primary: clusters.Primary) -> None:
    pytest.importorskip("asyncpg")
    await survive([primary.url()] * _BOTS, primary.fail_over, primary.url())


async def test_a_standby_answers_questions_and_refuses_changes(primary: clusters.Primary) -> None:
    pytest.importorskip("asyncpg")
    # Commits wait until the standby shows them, too.
    writer = open_store(f"{primary.url()}&synchronous_commit=remote_apply")
    reader = open_store(primary.url("standby"))
    record = USERS.record({"id": "1", "username": "a"}, None, Origin("gateway", 0, 1, "2024-01-01 00:00:00.000000"))
    await writer.open()
    await writer.apply([Put(record)])
    await writer.close()
    await reader.open()
    assert (await reader.select(Select(USERS, keys=((1,),)))).records
    with pytest.raises(persist.BackendError, match="is read-only"):
        await reader.apply([Put(record)])
    await reader.close()


async def test_a_node_of_three_dies_and_nothing_acknowledged_is_lost(galera: clusters.Galera) -> None:
    pytest.importorskip("aiomysql")
    urls = [galera.url(number % 3) for number in range(_BOTS)]
    await survive(urls, galera.nodes[1].kill, galera.url(0))
