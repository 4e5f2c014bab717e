"""Stores records in Redis 6.2 or newer: ``redis://user:password@host:6379/0``, or ``rediss://`` for TLS.

``?prefix=bot:``
    The prefix of all keys (default: ``persist:``).
``?max=8``
    The maximum number of connections.
``?timeout=10``
    Seconds to wait for a connection or an answer.

Each kind of object is one hash that maps keys to records. Next to it are sorted sets of its keys: one of all keys, and
one per guild.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import typing
from collections.abc import Awaitable, Callable, Iterator, Sequence

import orjson
import redis.asyncio
import redis.exceptions
import yarl
from redis.asyncio.client import Pipeline

from persist import Backend, BackendError, SchemaError, Select, Store, hookimpl, urls
from persist.changes import Change
from persist.conditions import withins
from persist.model import Entity, Key, Origin, Record
from persist.resolving import Outcome, answered, resolved
from persist.spi import Page

__all__ = ("RedisStore", "persist_backends")

_LAYOUT: typing.Final = 1
"""The version of the layout in which this plugin stores records; the database notes its own."""

_ATTEMPTS: typing.Final = 20
_SLICE: typing.Final = 250

_READ: typing.Final = """
local keys
if ARGV[2] == '' then
    keys = redis.call('ZRANGEBYLEX', KEYS[2], ARGV[1], '+')
else
    keys = redis.call('ZRANGEBYLEX', KEYS[2], ARGV[1], '+', 'LIMIT', 0, ARGV[2])
end
local found = {}
for _, key in ipairs(keys) do
    found[#found + 1] = key
    found[#found + 1] = redis.call('HGET', KEYS[1], key)
end
return found
"""
"""Reads records in key order, atomically."""

AnyEntity = Entity[typing.Any]


class RedisStore:
    """Stores records in one database of a Redis server.

    Parameters
    ----------
    connect
        Creates a client. It doesn't connect yet.
    name
        The name of the database in messages, without the password.
    prefix
        The prefix of all keys.
    """

    def __init__(self, connect: Callable[[], redis.asyncio.Redis], name: str, prefix: str) -> None:
        self._connect = connect
        self._name = name
        self._prefix = prefix
        self._client: redis.asyncio.Redis | None = None
        self._was_open = False

    def __repr__(self) -> str:
        return f"<RedisStore on {self._name}>"

    # ---------------------------------------------------------------------------------------------------- the 4 verbs

    async def open(self) -> None:
        client = self._connect()
        try:
            with self._translated():
                await client.set(self._named("layout"), _LAYOUT, nx=True)
                self._check(int(await client.get(self._named("layout"))))
        except BaseException:
            await client.aclose()
            raise
        self._client, self._was_open = client, True

    def _check(self, layout: int) -> None:
        if layout > _LAYOUT:
            msg = f"{self._name} has layout {layout} and this plugin knows up to {_LAYOUT}: upgrade persist-redis"
            raise SchemaError(msg)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with self._translated():
                await client.aclose()

    async def apply(self, changes: Sequence[Change]) -> None:
        async def write(pipe: Pipeline) -> None:
            outcomes = await resolved(changes, lambda query: self._read(pipe, query))
            pipe.multi()
            self._write(pipe, outcomes)

        await self._at_one_moment(write)

    async def select(self, query: Select) -> Page:
        client = self._opened()
        if any(withins(query.where)):  # reads more than one kind, which must happen atomically
            pages: list[Page] = []

            async def ask(pipe: Pipeline) -> None:
                pages.append(await answered(query, lambda part: self._read(pipe, part)))
                pipe.multi()

            await self._at_one_moment(ask)
            return pages[-1]
        with self._translated():
            if query.limit is not None and not (query.order or query.where or query.keys or query.want == "count"):
                page = await self._read(client, query)
                if not page.corrupt:
                    return await answered(query, lambda _: _at_once(page))
            return await answered(query, lambda part: self._read(client, part))

    # -------------------------------------------------------------------------------------------------------- reading

    async def _read(self, client: redis.asyncio.Redis, query: Select) -> Page:
        entity = query.entity
        if query.keys is not None:
            members = [_spelled(key) for key in query.keys]
            values = await _answer(client.hmget(self._named(entity.name), members)) if members else []
            found = list(zip(members, values, strict=True))
        else:
            first = "-" if query.after is None else b"(" + _spelled(query.after)
            names = (self._named(entity.name), self._index(entity, query.guild_id))
            flat = await _answer(client.eval(_READ, 2, *names, first, query.limit or ""))
            found = list(zip(flat[::2], flat[1::2], strict=True))
        records: list[Record] = []
        corrupt: list[tuple[Key, str]] = []
        for number, (member, value) in enumerate(found):
            try:
                if value is not None:
                    records.append(_record(entity, member, value))
            except (ValueError, TypeError) as error:
                corrupt.append((_key(entity, member), str(error)))
            if number % _SLICE == _SLICE - 1:
                await asyncio.sleep(0)  # let other tasks run
        return Page(records, corrupt=corrupt)

    # -------------------------------------------------------------------------------------------------------- writing

    async def _at_one_moment(self, step: Callable[[Pipeline], Awaitable[None]]) -> None:
        """Let ``step`` read and then queue its writes; repeat it if another client wrote in between."""
        client, version = self._opened(), self._named("version")
        with self._translated():
            for attempt in range(_ATTEMPTS):
                async with client.pipeline(transaction=True) as pipe:
                    await pipe.watch(version)
                    await step(pipe)
                    try:
                        await pipe.execute()
                    except redis.exceptions.WatchError:
                        pass
                    else:
                        return
                await asyncio.sleep(random.uniform(0, 0.002 * (attempt + 1)))
        msg = f"{self._name}: others were faster {_ATTEMPTS} times"
        raise BackendError(msg, temporary=True)

    def _write(self, pipe: Pipeline, outcomes: Sequence[Outcome]) -> None:
        for entity, key, before, after in outcomes:
            name, member = self._named(entity.name), _spelled(key)
            if before is not None and (after is None or after.guild_id != before.guild_id):
                pipe.zrem(self._index(entity, before.guild_id), member)
            if after is None:
                pipe.hdel(name, member)
                pipe.zrem(self._index(entity, None), member)
                continue
            pipe.hset(name, member, _value(after))
            if before is None:
                pipe.zadd(self._index(entity, None), {member: 0})
            if after.guild_id is not None and (before is None or before.guild_id != after.guild_id):
                pipe.zadd(self._index(entity, after.guild_id), {member: 0})
        if outcomes:
            pipe.incr(self._named("version"))

    # --------------------------------------------------------------------------------------------------------- naming

    def _named(self, name: str) -> str:
        return self._prefix + name

    def _index(self, entity: AnyEntity, guild_id: int | None) -> str:
        """Return the name of the sorted set with the keys of a guild, or with all keys."""
        return f"{self._named(entity.name)}:{'all' if guild_id is None else guild_id}"

    def _opened(self) -> redis.asyncio.Redis:
        if self._client is None:
            msg = f"{self._name} is not open"
            raise BackendError(msg)
        return self._client

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Translate the client library's exceptions into persist's."""
        try:
            yield
        except (redis.exceptions.RedisError, OSError) as error:
            refused = isinstance(error, redis.exceptions.AuthenticationError)
            # If the password worked before, a rejection is temporary: somebody is working on the server.
            temporary = isinstance(error, _TEMPORARY) and (self._was_open or not refused)
            raise BackendError(f"{self._name}: {error or type(error).__name__}", temporary=temporary) from error


_TEMPORARY: typing.Final = (
    OSError,
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
)


async def _answer(asked: typing.Any) -> typing.Any:
    # The client's type hints declare every command as a union of two types.
    return await asked


async def _at_once(page: Page) -> Page:
    return page


# ----------------------------------------------------------------------------------------------- what a record is there


def _spelled(key: Key) -> bytes:
    """Encode a key so that the order of bytes is the order of keys."""
    parts = [f"{part:020d}" if isinstance(part, int) else part.replace("\0", "\0\1") for part in key]
    return "\0\0".join(parts).encode()


def _key(entity: AnyEntity, member: bytes) -> Key:
    """Decode what :func:`_spelled` encoded."""
    parts = member.decode().split("\0\0")
    kinds = entity.key.values()
    return tuple(
        part.replace("\0\1", "\0") if kind == "text" else int(part) for kind, part in zip(kinds, parts, strict=True)
    )


def _value(record: Record) -> bytes:
    return orjson.dumps([record.payload, record.guild_id, tuple(record.origin), record.first_seen, record.revision])


def _record(entity: AnyEntity, member: bytes, value: bytes) -> Record:
    payload, guild_id, origin, first_seen, revision = orjson.loads(value)
    return Record(entity, _key(entity, member), guild_id, payload, Origin(*origin), first_seen, revision)


# ------------------------------------------------------------------------------------------------------ how it is named

_OPTIONS: typing.Final = {
    "prefix": urls.Option(str, "the prefix of all its keys, so that several bots can share one Redis (`persist:`)"),
    "max": urls.Option(urls.whole(1), "the maximum number of connections (8)"),
    "timeout": urls.Option(urls.seconds, "seconds to wait for an answer (10)"),
}


def _open(url: yarl.URL) -> Store:
    options = urls.options_of(url, _OPTIONS)
    timeout = options.get("timeout", 10)

    def connect() -> redis.asyncio.Redis:
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            str(url.with_query(None)),
            max_connections=options.get("max", 8),
            timeout=None,  # without a free connection, wait
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            protocol=2,
        )
        return redis.asyncio.Redis.from_pool(pool)

    place = url.with_query(None).with_user(None)
    return RedisStore(connect, f"the Redis database {place}", options.get("prefix", "persist:"))


@hookimpl
def persist_backends() -> Sequence[Backend]:
    """Register this backend under its two schemes."""
    return [Backend("redis", _open, _OPTIONS), Backend("rediss", _open, _OPTIONS)]
