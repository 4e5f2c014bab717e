"""The databases that other tests rely on are available and empty, and can be stopped."""

from __future__ import annotations

import contextlib
import pathlib
import typing
from collections.abc import AsyncIterator

import pytest
import servers
import yarl

asyncpg = pytest.importorskip("asyncpg", reason="asyncpg is not installed.")
aiomysql = pytest.importorskip("aiomysql", reason="aiomysql is not installed.")


@contextlib.asynccontextmanager
async def mysql_cursor(url: str) -> AsyncIterator[typing.Any]:
    where = yarl.URL(url)
    connection = await aiomysql.connect(
        host=where.host, port=where.port, user=where.user, password=where.password or "", db=where.path[1:]
    )
    async with connection, connection.cursor() as cursor:
        yield cursor


@contextlib.asynccontextmanager
async def postgresql_connection(url: str) -> AsyncIterator[typing.Any]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def test_postgresql_answers_from_an_empty_database(postgresql_url: str) -> None:
    async with postgresql_connection(postgresql_url) as connection:
        assert await connection.fetchval("SELECT 1") == 1
        assert await connection.fetchval("SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'") == 0


async def test_mysql_answers_from_an_empty_database(mysql_url: str) -> None:
    async with mysql_cursor(mysql_url) as cursor:
        await cursor.execute("SELECT 1")
        assert await cursor.fetchall() == ((1,),)
        await cursor.execute("SHOW TABLES")
        assert await cursor.fetchall() == ()


async def test_redis_answers(redis_url: str) -> None:
    await servers.REDIS.run(redis_url, "PING")


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_postgresql_can_be_taken_away_and_comes_back_with_its_data(
    postgresql_server: servers.Server, postgresql_url: str, end: str
) -> None:
    async with postgresql_connection(postgresql_url) as connection:
        await connection.execute("CREATE TABLE kept (id BIGINT)")
    getattr(postgresql_server, end)()
    with pytest.raises(ConnectionRefusedError):
        await asyncpg.connect(postgresql_url)
    postgresql_server.start()
    async with postgresql_connection(postgresql_url) as connection:
        assert await connection.fetchval("SELECT COUNT(*) FROM kept") == 0


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_mysql_can_be_taken_away_and_comes_back_with_its_data(
    mysql_server: servers.Server, mysql_url: str, end: str
) -> None:
    async with mysql_cursor(mysql_url) as cursor:
        await cursor.execute("CREATE TABLE kept (id BIGINT)")
    getattr(mysql_server, end)()
    with pytest.raises(aiomysql.OperationalError):
        await servers.MYSQL.run(mysql_url, "SELECT 1")
    mysql_server.start()
    async with mysql_cursor(mysql_url) as cursor:
        await cursor.execute("SELECT COUNT(*) FROM kept")
        assert await cursor.fetchall() == ((0,),)


async def test_a_stopped_server_is_back_for_the_next_test(redis_server: servers.Server, redis_url: str) -> None:
    redis_server.kill()
    with pytest.raises(ConnectionRefusedError):
        await servers.REDIS.run(redis_url, "PING")


async def test_a_database_is_new_each_time(postgresql_server: servers.Server) -> None:
    async with postgresql_server.database() as first, postgresql_server.database() as second:
        assert first != second


def test_a_program_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(servers.REDIS.variable, raising=False)
    with pytest.raises(servers.NoServerError, match="redis-server is not installed"):
        servers.find(servers.REDIS)
