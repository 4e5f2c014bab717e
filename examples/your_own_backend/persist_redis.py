"""Keep records in Redis 6.2 or newer: ``redis://user:password@host:6379/0``, or ``rediss://`` for TLS.

``?prefix=bot:``
    What the names of all keys begin with (``persist:``).
``?max=8``
    How many connections there are at most.
``?timeout=10``
    Seconds to wait for a connection or an answer.

One kind of thing is one hash, from a key to a record. Beside it stand sorted sets of its keys: one of all of them, and
one for each guild.
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
"""What the version in the database says of how records are kept there."""

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
"""Reads records in the order of their keys, all at one moment."""

AnyEntity = Entity[typing.Any]


class RedisStore:
    """Keeps records in one database of a Redis server.

    Parameters
    ----------
    connect
        Makes a client. It connects nothing yet.
    name
        What the database is called in messages; never with a password.
    prefix
        What the names of all keys begin with.
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
        if any(withins(query.where)):  # more than one kind is read, and both at one moment
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
                await asyncio.sleep(0)  # whoever else waits for the event loop
        return Page(records, corrupt=corrupt)

    # -------------------------------------------------------------------------------------------------------- writing

    async def _at_one_moment(self, step: Callable[[Pipeline], Awaitable[None]]) -> None:
        """Let ``step`` read and then queue what it writes, again if somebody has written in between."""
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
        """Return the name of the set of the keys of a guild, or of all."""
        return f"{self._named(entity.name)}:{'all' if guild_id is None else guild_id}"

    def _opened(self) -> redis.asyncio.Redis:
        if self._client is None:
            msg = f"{self._name} is not open"
            raise BackendError(msg)
        return self._client

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what the client library raises into what persist raises."""
        try:
            yield
        except (redis.exceptions.RedisError, OSError) as error:
            refused = isinstance(error, redis.exceptions.AuthenticationError)
            # A password that was right is wrong for as long as somebody is at work on the server.
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
    # The client's own types say of every command that it may be one of two things.
    return await asked


async def _at_once(page: Page) -> Page:
    return page


# ----------------------------------------------------------------------------------------------- what a record is there


def _spelled(key: Key) -> bytes:
    """Spell a key so that the order of bytes is the order of keys."""
    parts = [f"{part:020d}" if isinstance(part, int) else part.replace("\0", "\0\1") for part in key]
    return "\0\0".join(parts).encode()


def _key(entity: AnyEntity, member: bytes) -> Key:
    """Return the key that :func:`_spelled` spelled."""
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
    "prefix": urls.Option(str, "what all its keys begin with, so that several bots can share a Redis (`persist:`)"),
    "max": urls.Option(urls.whole(1), "how many connections there are at most (8)"),
    "timeout": urls.Option(urls.seconds, "seconds to wait for an answer (10)"),
}


def _open(url: yarl.URL) -> Store:
    options = urls.options_of(url, _OPTIONS)
    timeout = options.get("timeout", 10)

    def connect() -> redis.asyncio.Redis:
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            str(url.with_query(None)),
            max_connections=options.get("max", 8),
            timeout=None,  # whoever finds all connections lent waits
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            protocol=2,
        )
        return redis.asyncio.Redis.from_pool(pool)

    place = url.with_query(None).with_user(None)
    return RedisStore(connect, f"the Redis database {place}", options.get("prefix", "persist:"))


@hookimpl
def persist_backends() -> Sequence[Backend]:
    """Offer this backend under its two schemes."""
    return [Backend("redis", _open, _OPTIONS), Backend("rediss", _open, _OPTIONS)]
