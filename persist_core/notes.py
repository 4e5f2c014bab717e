"""The notes in a database about itself, and the lock for changing its notes and tables."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import typing
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

import orjson

from .dialect import Dialect
from .errors import BackendError, SchemaError
from .schema import META, VERSION, tables
from .sealing import ENCRYPTION, is_note
from .spi import Driver, Row, Transaction

__all__ = ("APPLICATION", "known", "locked", "of_payloads", "still_known")

_LOG = logging.getLogger("persist")

_LONG: typing.Final = 3.0
"""Seconds after which waiting for another process is logged."""

APPLICATION: typing.Final = "persist"
"""The application in the notes of persist's databases."""


_OBJECTS: typing.Final = ("tables", "search", ENCRYPTION)
"""The notes that are JSON objects."""


def _select_meta(dialect: Dialect) -> str:
    quote = dialect.quote
    return f"SELECT {quote('name')}, {quote('value')} FROM {quote(META.name)}"


async def of_payloads(dialect: Dialect, fetch: Callable[[str], Awaitable[Sequence[Row]]]) -> Mapping[str, str]:
    """Return a database's notes about how its payloads are stored."""
    return {row[0]: row[1] for row in await fetch(_select_meta(dialect)) if is_note(row[0])}


class _Fetches(typing.Protocol):
    async def fetch(self, sql: str, params: Sequence[typing.Any] = ()) -> Sequence[Sequence[typing.Any]]: ...


async def known(dialect: Dialect, database: _Fetches, where: str) -> Mapping[str, str]:
    """Return the notes of a database; none if it has no tables of persist's yet."""
    existing = {row[0] for row in await database.fetch(dialect.list_tables)}
    if META.name not in existing:
        ours = {table.name for table in tables()}
        if clash := sorted(existing if dialect.exclusive else existing & ours):
            msg = f"{where} has tables that are not persist's: {', '.join(clash)}. Name another database."
            raise SchemaError(msg)
        return {}
    meta = {row[0]: row[1] for row in await database.fetch(_select_meta(dialect))}
    if meta and meta.get("application") != APPLICATION:
        msg = f"{where} belongs to {meta.get('application')!r}, not to persist. Name another database."
        raise SchemaError(msg)
    version = meta.get("schema_version", "0")
    if not version.isdecimal() or int(version) > VERSION:
        msg = (
            f"{where} has version {version} of the schema, but this version of persist only knows up to {VERSION}. "
            "Upgrade hikari-persist, or name another database."
        )
        raise SchemaError(msg)
    if damaged := [name for name in _OBJECTS if not _is_object(meta.get(name, "{}"))]:
        msg = f"the notes of {where} about itself are damaged ({', '.join(damaged)}); restore a backup"
        raise SchemaError(msg)
    return meta


def _is_object(value: str) -> bool:
    try:
        return isinstance(orjson.loads(value), dict)
    except orjson.JSONDecodeError:
        return False


async def still_known(dialect: Dialect, database: _Fetches, where: str) -> Mapping[str, str]:
    """Return the notes of a database that is connected to again.

    A failover may have lost its last moments, and somebody may have replaced it by a backup or by another database.

    Raises
    ------
    persist.SchemaError
        If its schema is no longer the one that was opened.
    """
    meta = await known(dialect, database, where)
    if (version := meta.get("schema_version")) != str(VERSION):
        here = "has no tables of persist's anymore" if version is None else f"has version {version} of the schema now"
        msg = f"{where} {here}; bring it back as it was, or restart the bot to use it as it is"
        raise SchemaError(msg)
    return meta


@contextlib.asynccontextmanager
async def locked(dialect: Dialect, driver: Driver, transaction: Transaction) -> AsyncGenerator[None]:
    """Hold the lock for changing the tables and notes of a database, which one process has at a time."""
    for sql in dialect.prepare:
        await transaction.execute(sql)
    if dialect.lock and not await _is_locked(dialect, driver, transaction):
        msg = f"another process has been changing the tables of {driver!r} for too long; is it stuck?"
        raise BackendError(msg, temporary=True)
    try:
        yield
        for sql in dialect.finish:
            await transaction.execute(sql)
    except Exception:
        with contextlib.suppress(*driver.errors):
            await _unlock(dialect, transaction)
        raise
    await _unlock(dialect, transaction)


async def _is_locked(dialect: Dialect, driver: Driver, transaction: Transaction) -> bool:
    """Acquire the lock, waiting for any other process that holds it, and log that if it takes long."""
    told = "waiting for another process that is changing the tables of %r"
    waiting = asyncio.get_running_loop().call_later(_LONG, _LOG.warning, told, driver)
    try:
        return bool((await transaction.fetch(dialect.lock))[0][0])
    finally:
        waiting.cancel()


async def _unlock(dialect: Dialect, transaction: Transaction) -> None:
    if dialect.unlock:
        await transaction.fetch(dialect.unlock)
