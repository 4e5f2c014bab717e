"""PostgreSQL and MariaDB: private servers, their baselines, and what people would use without persist."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import pathlib
import tempfile
import time
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

import aiomysql
import asyncpg
import measure
import orjson
import places  # noqa: F401 - it finds the tests' servers
import rivals
import servers
import store
import yarl

from persist.changes import Put
from persist.journal import Limits
from persist.plugins import open_store

__all__ = ("Pool", "aiomysql_pool", "asyncpg_pool", "database", "writes")

ROWS: typing.Final = 20_000
BATCH: typing.Final = 1000
"""How many rows the usual approach writes at once."""

STEP: typing.Final = Limits().busy
"""The number of waiting changes that a journal sends to a server in one transaction."""

Pool = Callable[[str, str], contextlib.AbstractAsyncContextManager[Callable[[tuple[int, int]], Awaitable[object]]]]
"""Runs a query with different parameters, on pooled connections."""


@contextlib.contextmanager
def database(name: str) -> Iterator[str | None]:
    """Yield an empty database on a private server, or ``None`` if no server is installed."""
    program = {"postgresql": servers.POSTGRESQL, "mysql": servers.MYSQL}[name]
    try:
        server = servers.find(program)
    except servers.NoServerError as error:
        rivals.skipped[name] = str(error)
        yield None
        return
    runner = asyncio.Runner()
    try:
        lent = server.database()
        url = runner.run(lent.__aenter__())
        try:
            yield url
        finally:
            runner.run(lent.__aexit__(None, None, None))
    finally:
        runner.close()
        server.close()


@contextlib.asynccontextmanager
async def asyncpg_pool(url: str, sql: str) -> AsyncIterator[Callable[[tuple[int, int]], Awaitable[object]]]:
    """Yield a function that sends PostgreSQL one query per call, on a pool of ten connections."""
    async with asyncpg.create_pool(url, min_size=10, max_size=10) as pool:
        spelled = sql.format("$1", "$2")

        async def ask(key: tuple[int, int]) -> object:
            row = await pool.fetchrow(spelled, *key)
            return orjson.loads(row[0])

        yield ask


@contextlib.asynccontextmanager
async def aiomysql_pool(url: str, sql: str) -> AsyncIterator[Callable[[tuple[int, int]], Awaitable[object]]]:
    """Yield a function that sends MariaDB one query per call, on a pool of ten connections."""
    pool = await aiomysql.create_pool(minsize=10, maxsize=10, **_mysql(url))
    spelled = sql.format("%s", "%s")

    async def ask(key: tuple[int, int]) -> object:
        async with pool.acquire() as connection, connection.cursor() as cursor:
            await cursor.execute(spelled, key)
            return orjson.loads((await cursor.fetchone())[0])

    try:
        yield ask
    finally:
        pool.close()
        await pool.wait_closed()


def _mysql(url: str) -> dict[str, typing.Any]:
    parts = yarl.URL(url)
    return {
        "host": parts.host,
        "port": parts.port or 3306,
        "user": parts.user,
        "password": parts.password or "",
        "db": parts.path.strip("/"),
        "charset": "utf8mb4",
        "autocommit": True,
    }


# ------------------------------------------------------------------------------------------------------------- writing


async def _ours(url: str, changes: Sequence[Put], clear: Callable[[], Awaitable[None]]) -> float:
    await clear()
    place = open_store(url)
    await place.open()
    try:
        began = time.perf_counter()
        for start in range(0, len(changes), STEP):
            await place.apply(changes[start : start + STEP])
        return len(changes) / (time.perf_counter() - began)
    finally:
        await place.close()


async def _postgresql(url: str, *statements: str) -> float:
    """Run statements, and return how many seconds the last one took."""
    connection = await asyncpg.connect(url)
    try:
        for sql in statements:
            began = time.perf_counter()
            await connection.execute(sql)
        return time.perf_counter() - began
    finally:
        await connection.close()


async def _mariadb(url: str, *statements: str, many: Sequence[tuple[object, ...]] = ()) -> float:
    """Run statements, the last one for many rows if given, and return how many seconds that one took."""
    connection = await aiomysql.connect(**_mysql(url))
    try:
        async with connection.cursor() as cursor:
            for sql in statements[:-1]:
                await cursor.execute(sql)
            began = time.perf_counter()
            if not many:
                await cursor.execute(statements[-1])
            for start in range(0, len(many), BATCH):
                await cursor.executemany(statements[-1], many[start : start + BATCH])
            return time.perf_counter() - began
    finally:
        connection.close()


@contextlib.contextmanager
def _shared() -> Iterator[pathlib.Path]:
    """Yield a folder that a server can write to."""
    with tempfile.TemporaryDirectory(prefix="persist-bench-") as name:
        pathlib.Path(name).chmod(0o777)
        yield pathlib.Path(name)


def writes(size: measure.Size) -> list[measure.Result]:
    """Return how fast 20,000 members are written, compared with the server loading the same rows from its own file."""
    count = size.of(ROWS)
    changes = [Put(record) for record in store.records(count)]
    found: list[measure.Result] = []
    with database("postgresql") as url, _shared() as place:
        if url is not None:
            file = place / "members.copy"
            clear = functools.partial(_postgresql, url, "TRUNCATE members")
            asyncio.run(_ours(url, changes, _nothing))
            asyncio.run(_postgresql(url, f"COPY members TO '{file}'"))
            ways = {
                "COPY by the server itself": lambda: (
                    count / asyncio.run(_postgresql(url, "TRUNCATE members", f"COPY members FROM '{file}'"))
                ),
                "persist": lambda: asyncio.run(_ours(url, changes, clear)),
            }
            found += measure.compare("write 20,000 members, PostgreSQL", "rows/s", ways, size.rounds)
    with database("mysql") as url, _shared() as place:
        if url is not None:
            found += _on_mariadb(url, place, changes, size)
    return found


async def _nothing() -> None:
    pass


def _on_mariadb(url: str, place: pathlib.Path, changes: Sequence[Put], size: measure.Size) -> list[measure.Result]:
    file, count = place / "members.load", len(changes)
    clear = functools.partial(_mariadb, url, "TRUNCATE members")
    asyncio.run(_ours(url, changes, _nothing))
    asyncio.run(_mariadb(url, f"SELECT * FROM members INTO OUTFILE '{file}' CHARACTER SET binary"))
    rows = asyncio.run(_all(url))
    marks = ", ".join(["%s"] * len(rows[0]))
    load = f"LOAD DATA INFILE '{file}' INTO TABLE members CHARACTER SET binary"
    insert = f"INSERT INTO members VALUES ({marks}) ON DUPLICATE KEY UPDATE payload = VALUES(payload)"
    ours = lambda: asyncio.run(_ours(url, changes, clear))  # noqa: E731
    floor = {
        "LOAD DATA by the server itself": lambda: count / asyncio.run(_mariadb(url, "TRUNCATE members", load)),
        "persist": ours,
    }
    usual = {
        "executemany of aiomysql": lambda: count / asyncio.run(_mariadb(url, "TRUNCATE members", insert, many=rows)),
        "persist": ours,
    }
    return [
        *measure.compare("write 20,000 members, MariaDB", "rows/s", floor, size.rounds),
        *measure.compare("write 20,000 members, MariaDB, against executemany", "rows/s", usual, size.rounds),
    ]


async def _all(url: str) -> Sequence[tuple[object, ...]]:
    connection = await aiomysql.connect(**_mysql(url))
    try:
        async with connection.cursor() as cursor:
            await cursor.execute("SELECT * FROM members")
            return list(await cursor.fetchall())
    finally:
        connection.close()
