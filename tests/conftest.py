"""Fixtures for all tests. A server starts when the first test requests it, and not at all if none does."""

from __future__ import annotations

import os
import pathlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import frameworks
import hearing
import pytest
import servers
from fakecord import Payload, payloads


@contextmanager
def _running(program: servers.Program) -> Iterator[servers.NamedServer]:
    try:
        server = servers.find(program)
    except servers.NoServerError as error:
        if os.environ.get("PERSIST_REQUIRE_SERVERS") == "1":
            raise
        pytest.skip(str(error))
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def _any_postgresql() -> Iterator[servers.NamedServer]:
    with _running(servers.POSTGRESQL) as server:
        yield server


@pytest.fixture(scope="session")
def _any_mysql() -> Iterator[servers.NamedServer]:
    with _running(servers.MYSQL) as server:
        yield server


@pytest.fixture(scope="session")
def _any_redis() -> Iterator[servers.NamedServer]:
    with _running(servers.REDIS) as server:
        yield server


def _ours(server: servers.NamedServer) -> Iterator[servers.Server]:
    if not isinstance(server, servers.Server):
        pytest.skip(f"{server.program.variable} names a server that is not ours to stop.")
    yield server
    server.start()


@pytest.fixture
def postgresql_server(_any_postgresql: servers.NamedServer) -> Iterator[servers.Server]:
    """Yield the run's own PostgreSQL, which the test may stop, kill and start; it is running again afterward."""
    yield from _ours(_any_postgresql)


@pytest.fixture
def mysql_server(_any_mysql: servers.NamedServer) -> Iterator[servers.Server]:
    """Yield the run's own MariaDB, which the test may stop, kill and start; it is running again afterward."""
    yield from _ours(_any_mysql)


@pytest.fixture
def redis_server(_any_redis: servers.NamedServer) -> Iterator[servers.Server]:
    """Yield the run's own Redis, which the test may stop, kill and start; it is running again afterward."""
    yield from _ours(_any_redis)


@pytest.fixture
async def postgresql_url(_any_postgresql: servers.NamedServer) -> AsyncIterator[str]:
    """Yield the URL of a new, empty PostgreSQL database."""
    pytest.importorskip("asyncpg", reason="asyncpg is not installed.")
    async with _any_postgresql.database() as url:
        yield url


@pytest.fixture
async def mysql_url(_any_mysql: servers.NamedServer) -> AsyncIterator[str]:
    """Yield the URL of a new, empty MariaDB database."""
    pytest.importorskip("aiomysql", reason="aiomysql is not installed.")
    async with _any_mysql.database() as url:
        yield url


@pytest.fixture(params=["postgresql", "mysql"])
def place(request: pytest.FixtureRequest) -> servers.Place:
    """Return each server that the tests may stop, with a new database."""
    server = request.getfixturevalue(f"{request.param}_server")
    return servers.Place(server, request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def redis_url(_any_redis: servers.NamedServer) -> AsyncIterator[str]:
    """Yield the URL of an empty Redis database."""
    async with _any_redis.database() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: pathlib.Path) -> str:
    """Return the URL of an SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'cache.db'}"


@pytest.fixture(params=["all at once", "one by one"])
async def heard(request: pytest.FixtureRequest, sqlite_url: str) -> AsyncIterator[hearing.Hearing]:
    """Yield a bot that receives the test's events, with a cache that stores each event, or nothing until a flush."""
    async with hearing.Hearing(sqlite_url, settled=request.param == "one by one") as heard:
        yield heard


@pytest.fixture
async def guild(heard: hearing.Hearing) -> Payload:
    """Send the bot a guild with some of everything, and return the guild."""
    guild = payloads.guild(own_user=payloads.own_user(id=hearing.ME), members=6, threads=2, voice_states=2)
    await heard.ready(guild)
    return guild


@pytest.fixture(params=["sqlite", "memory", "postgresql", "mysql"])
def engine_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of an empty database, on each engine in turn."""
    if request.param == "memory":
        return "memory://"
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def stage(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[frameworks.Stage]:
    """Yield a stage for a bot of a command framework, in its own folder."""
    monkeypatch.chdir(tmp_path)
    async with frameworks.played() as stage:
        yield stage
