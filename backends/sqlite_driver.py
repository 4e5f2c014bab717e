"""The driver for SQLite: one connection that writes, in a thread, and two that read."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import pathlib
import sqlite3
import threading
import time
import typing
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Iterable, Sequence

import aiosqlite
import tenacity

from persist.dialect import Statement
from persist.errors import BackendError, SchemaError
from persist.spi import Row, Transaction, Work
from persist.urls import misplaced

from .sqlite_copying import copied
from .sqlite_dialect import APPLICATION_ID
from .sqlite_texts import undecoded

__all__ = ("SqliteDriver",)

T = typing.TypeVar("T")

_PRAGMAS: typing.Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA wal_autocheckpoint = 4000",
    "PRAGMA temp_store = MEMORY",
    # What is deleted is overwritten with zeros: nobody who gets hold of the file reads what is forgotten.
    "PRAGMA secure_delete = ON",
)
_GIVE_WAY: typing.Final = 0.00005
_INDEXES: typing.Final = "SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL TABLE % USING fts5%'"
_TEMPORARY: typing.Final = frozenset(
    (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM)
)


class _Transaction:
    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def execute(self, sql: str, params: Row = ()) -> None:
        await self._connection.execute_fetchall(sql, params)  # one trip to the writer's thread, not two

    async def execute_all(self, statements: Iterable[Statement]) -> None:
        """Run statements in one trip to the writer's thread, which also generates them."""
        await _in_thread(self._connection, functools.partial(_run, statements))

    async def fetch(self, sql: str, params: Row = ()) -> Sequence[Row]:
        return await _fetched(self._connection, sql, params)


class _Inside:
    """The transaction of code in the writer's thread, where nothing has to be awaited."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def execute(self, sql: str, params: Row = ()) -> None:
        self._connection.execute(sql, params)

    async def execute_all(self, statements: Iterable[Statement]) -> None:
        _run(statements, self._connection)

    async def fetch(self, sql: str, params: Row = ()) -> Sequence[Row]:
        try:
            return self._connection.execute(sql, params).fetchall()
        except sqlite3.OperationalError as error:
            return undecoded(error, sql, params, self._connection)

    async def give_way(self) -> None:
        """Release the GIL for long enough that the event loop can take it, if it is waiting."""
        time.sleep(_GIVE_WAY)  # noqa: ASYNC251 - this runs in the writer's thread


def _run(statements: Iterable[Statement], connection: sqlite3.Connection) -> None:
    for sql, params in statements:
        connection.execute(sql, params)


async def _fetched(connection: aiosqlite.Connection, sql: str, params: Row) -> Sequence[Row]:
    try:
        return list(await connection.execute_fetchall(sql, params))
    except sqlite3.OperationalError as error:
        return await _in_thread(connection, functools.partial(undecoded, error, sql, params))


def _in_thread(connection: aiosqlite.Connection, does: Callable[[sqlite3.Connection], T]) -> Awaitable[T]:
    # aiosqlite has no public name for what its thread is to do besides statements.
    done: Awaitable[T] = connection._execute(does, connection._conn)  # type: ignore[no-untyped-call]  # noqa: SLF001
    return done


def _make(insist: Callable[[], None], work: Work, given_up: threading.Event, connection: sqlite3.Connection) -> None:
    """Run work in a transaction, in the writer's thread, unless it is canceled meanwhile."""
    insist()
    connection.execute("BEGIN IMMEDIATE")
    try:
        _run_through(work(_Inside(connection)))
        connection.execute("ROLLBACK" if given_up.is_set() else "COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite ends it itself where a disk is full
            connection.execute("ROLLBACK")
        raise


def _run_through(work: Coroutine[typing.Any, typing.Any, None]) -> None:
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    msg = "work in the writer's thread cannot wait for the event loop"
    raise RuntimeError(msg)


class SqliteDriver:
    """Runs SQL on one SQLite database: one connection writes, one reads many rows, and one reads single ones inline.

    Parameters
    ----------
    path
        The file, ``None`` for a database in memory.
    timeout
        Seconds to wait for another process that writes.
    """

    errors: tuple[type[Exception], ...] = (
        sqlite3.Error,
        UnicodeDecodeError,
    )  # the second where it quotes what is damaged
    writes_in_thread: bool = True

    def __init__(self, path: pathlib.Path | None, timeout: float = 5.0) -> None:
        self._path = path
        self._timeout = timeout
        self._writer: aiosqlite.Connection | None = None
        self._reader: aiosqlite.Connection | None = None
        self._inline: sqlite3.Connection | None = None
        self._lock = asyncio.Lock()

    def __repr__(self) -> str:
        return "SQLite in memory" if self._path is None else f"the SQLite database {str(self._path)!r}"

    @property
    def place(self) -> str | None:
        """The absolute path of the file; ``None`` in memory."""
        return None if self._path is None else os.path.normpath(self._path.absolute())

    @property
    def is_there(self) -> bool:
        """Whether there is a file to open."""
        return self._path is None or self._path.exists()

    async def open(self) -> None:
        self._lock = asyncio.Lock()  # it belongs to the loop that runs now
        path = self._path
        if path is not None and (told := misplaced(path)) is not None:
            msg = f"cannot open {self!r}: {told[0]}; {told[1]}"
            raise BackendError(msg)
        self._writer = writer = await self._connect(":memory:" if path is None else str(path))
        with self._recognised():
            await self._check(writer)
            await self._set(writer, ("PRAGMA page_size = 16384", *(_PRAGMAS if path is not None else ())))
        if path is not None:
            await self._open_readers(path)

    async def _set(self, writer: aiosqlite.Connection, pragmas: Iterable[str]) -> None:
        # Of two that turn a new file to WAL at once each would wait for the other: SQLite tells one so without waiting.
        patient = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(_busy),
            wait=tenacity.wait_random(0.005, 0.05),
            stop=tenacity.stop_after_delay(self._timeout),
            reraise=True,
        )
        async for attempt in patient:
            with attempt:
                for pragma in pragmas:
                    await writer.execute_fetchall(pragma)

    async def open_to_read(self) -> None:
        """Connect to an existing file, without creating or changing it."""
        self._lock = asyncio.Lock()
        path = self._path
        if path is None:
            msg = "only the cache that uses memory:// can see it; name a file or a server"
            raise BackendError(msg)
        if not path.is_file():
            msg = f"there is no file {str(path)!r} to read; a bot with a persist.Cache creates it"
            raise BackendError(msg)
        await self._open_readers(path)
        with self._recognised():
            await self.fetch("SELECT COUNT(*) FROM sqlite_schema")

    @contextlib.contextmanager
    def _recognised(self) -> Generator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                where = repr(str(self._path))
                msg = f"{where} is not an SQLite database or is damaged; name another file, or restore a backup"
                raise SchemaError(msg) from error
            raise

    async def _open_readers(self, path: pathlib.Path) -> None:
        # Only reading: WAL lets it go on while another connection writes.
        self._reader = await self._connect(str(path))
        await (await self._reader.execute("PRAGMA query_only = ON")).close()
        self._inline = sqlite3.connect(str(path), timeout=0.05, isolation_level=None, check_same_thread=False)
        self._inline.execute("PRAGMA query_only = ON")

    async def _connect(self, database: str) -> aiosqlite.Connection:
        connection = aiosqlite.connect(database, isolation_level=None, timeout=self._timeout)
        # A program that ends without closing must end: what is committed is safe. aiosqlite has no public name for it.
        worker: object = getattr(connection, "_thread", connection)
        if isinstance(worker, threading.Thread):
            worker.daemon = True
        try:
            return await connection
        except sqlite3.Error:
            # aiosqlite does not wait for its thread here, which complains when it finds the event loop gone.
            if isinstance(worker, threading.Thread):
                await asyncio.to_thread(worker.join)
            raise

    async def _check(self, writer: aiosqlite.Connection) -> None:
        # First the tables: another process may make them, and its id with them, between these two questions.
        found = await writer.execute_fetchall("SELECT name FROM sqlite_master WHERE type = 'table'")
        (row,) = await writer.execute_fetchall("PRAGMA application_id")
        if row[0] not in (0, APPLICATION_ID):
            msg = f"{self!r} belongs to another application (application_id {row[0]:#x}); name another file"
            raise SchemaError(msg)
        # Ours has its id from its first table on; into anybody else's not even the journal mode is written.
        if row[0] == 0 and (names := sorted(name for (name,) in found)):
            msg = f"{self!r} has tables that are not persist's: {', '.join(names)}. Name another file."
            raise SchemaError(msg)

    async def close(self) -> None:
        writer, reader, inline = self._writer, self._reader, self._inline
        self._writer = self._reader = self._inline = None
        if inline is not None:
            inline.close()
        if reader is not None:
            await reader.close()
        if writer is not None:
            try:
                if self._path is not None:  # leaves one whole file; another process may be reading, and then it waits
                    await (await writer.execute("PRAGMA wal_checkpoint(PASSIVE)")).close()
            finally:
                await writer.close()

    async def purge(self) -> bool:
        """Rewrite the file and empty its log, because split pages may hold copies of deleted data."""
        async with self._lock:
            writer = self._opened()
            for (name,) in await writer.execute_fetchall(_INDEXES):  # which keep what is deleted until they are merged
                await writer.execute_fetchall(f'INSERT INTO "{name}" ("{name}") VALUES (\'optimize\')')
            await writer.execute_fetchall("VACUUM")
            ((busy, *_),) = await writer.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
        if busy:
            msg = f"another process is reading {self!r}, so its write-ahead log cannot be emptied"
            raise BackendError(msg, temporary=True)
        return True

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        async with self._lock:
            writer = self._opened()
            try:
                # Inside: its thread may begin although whoever waits for that is cancelled.
                await writer.execute_fetchall("BEGIN IMMEDIATE")
                yield _Transaction(writer)
                await writer.commit()
            except BaseException:
                await asyncio.shield(writer.rollback())
                raise

    async def transact(self, work: Work) -> None:
        """Do something in a transaction, by one trip to the writer's thread.

        A trip is two turns of the event loop. They take long where a bot hears a flood: a large guild's members would
        wait for the dozen turns of each transaction.
        """
        async with self._lock:
            writer, given_up = self._opened(), threading.Event()
            try:
                await _in_thread(writer, functools.partial(_make, self._insist, work, given_up))
            except asyncio.CancelledError:
                given_up.set()
                await asyncio.shield(writer.rollback())  # its turn comes when nothing of this is under way any more
                raise

    def _insist(self) -> None:
        """Raise if the file has been deleted: everything stored in it would be gone once it is closed."""
        if not self.is_there:
            msg = f"the file of {self!r} was deleted or moved; move it back, or restart the bot to create a new one"
            raise BackendError(msg, temporary=True)

    async def fetch(self, sql: str, params: Row = ()) -> Sequence[Row]:
        if self._reader is not None:
            return await _fetched(self._reader, sql, params)
        async with self._lock:
            return await _fetched(self._opened(), sql, params)

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Transaction]:
        """Yield a connection with a snapshot of the database, unaffected by what others write meanwhile."""
        if self._path is None:
            yield _Transaction(self._opened())
            return
        connection = await self._connect(str(self._path))
        try:
            for sql in ("PRAGMA query_only = ON", "BEGIN", "SELECT COUNT(*) FROM sqlite_schema"):
                await connection.execute_fetchall(sql)
            yield _Transaction(connection)
        finally:
            await connection.close()

    async def backup(self, target: pathlib.Path, progress: Callable[[int, int], None]) -> None:
        """Copy a snapshot of the database to a new file, unaffected by what others write meanwhile."""
        if self._path is None:
            msg = "only the cache that uses memory:// can see it; name a file"
            raise BackendError(msg)
        await copied(self._path, target, progress)

    async def lookup(self, sql: str, params: Row = ()) -> Sequence[Row]:
        if self._inline is None:
            return await self.fetch(sql, params)
        try:
            # A dozen microseconds here; a trip to another thread takes ten times as long.
            return self._inline.execute(sql, params).fetchall()
        except sqlite3.OperationalError:
            return await self.fetch(sql, params)

    def _opened(self) -> aiosqlite.Connection:
        if self._writer is None:
            msg = f"{self!r} is not open"
            raise BackendError(msg)
        return self._writer

    def temporary(self, error: Exception) -> bool:
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _TEMPORARY

    def explain(self, error: Exception) -> str:
        if isinstance(error, UnicodeDecodeError):
            return f"{self!r}: a text in it is no text any more{_WAYS_OUT[sqlite3.SQLITE_CORRUPT]}"
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return f"{self!r}: {error}{_WAYS_OUT.get(code, '')}"


def _busy(error: BaseException) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


_WAYS_OUT: typing.Final = {
    sqlite3.SQLITE_CANTOPEN: "; does the folder exist, and can this user write to it?",
    sqlite3.SQLITE_READONLY: "; this user cannot write there: give it write access, or name another file",
    sqlite3.SQLITE_PERM: "; this user cannot read or write it: give it access, or name another file",
    sqlite3.SQLITE_BUSY: "; another process has been writing for longer than the timeout",
    sqlite3.SQLITE_FULL: "; free some space on the disk",
    sqlite3.SQLITE_CORRUPT: "; the file is damaged: restore a backup",
}
