"""The driver for SQLite: one connection that writes, in a thread, and two that read."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
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
from persist.driver_errors import DROPPED
from persist.errors import BackendError, SchemaError
from persist.notices import Notices
from persist.spi import Row, Transaction, Work
from persist.urls import misplaced

from .sqlite_copying import copied
from .sqlite_dialect import APPLICATION_ID
from .sqlite_texts import take, undecoded

__all__ = ("SqliteDriver",)

_LOG = logging.getLogger("persist")
T = typing.TypeVar("T")

_PRAGMAS: typing.Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA wal_autocheckpoint = 4000",
    # A long-running reader keeps the log growing; afterward it is cut to this size.
    "PRAGMA journal_size_limit = 100000000",
    "PRAGMA temp_store = MEMORY",
    # Deleted data is overwritten with zeros, so that nobody can read it in the file.
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
    """A transaction for code in the writer's thread, where nothing ever waits."""

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
            take(error)
        return undecoded(sql, params, self._connection)

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
        take(error)
    return await _in_thread(connection, functools.partial(undecoded, sql, params))


def _in_thread(connection: aiosqlite.Connection, does: Callable[[sqlite3.Connection], T]) -> Awaitable[T]:
    # aiosqlite has no public way to run anything but statements in its thread.
    done: Awaitable[T] = connection._execute(does, connection._conn)  # type: ignore[no-untyped-call]  # noqa: SLF001
    return done


def _make(insist: Callable[[], None], work: Work, given_up: threading.Event, connection: sqlite3.Connection) -> None:
    """Run work in a transaction, in the writer's thread; roll back if it is canceled meanwhile."""
    insist()
    connection.execute("BEGIN IMMEDIATE")
    try:
        _run_through(work(_Inside(connection)))
        connection.execute("ROLLBACK" if given_up.is_set() else "COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite ends it itself if the disk is full
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
        The file, ``None`` for a database in memory. A relative path starts at the current working directory, even if
        that changes later.
    timeout
        Seconds to wait for another process that writes.
    """

    errors: tuple[type[Exception], ...] = (
        sqlite3.Error,
        UnicodeDecodeError,
    )  # the second where it quotes what is damaged
    writes_in_thread: bool = True

    def __init__(self, path: pathlib.Path | None, timeout: float = 5.0) -> None:
        self._named = path
        self._path = None if path is None else _settled(path)
        self._timeout = timeout
        self._writer: aiosqlite.Connection | None = None
        self._reader: aiosqlite.Connection | None = None
        self._inline: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._lock = asyncio.Lock()
        self._notices = Notices(_LOG)  # each attempt to open ends with a close

    def __repr__(self) -> str:
        return "SQLite in memory" if self._path is None else f"the SQLite database {str(self._named)!r}"

    @property
    def place(self) -> str | None:
        """The absolute path of the file, which links lead to as well; ``None`` in memory."""
        return None if self._path is None else os.path.realpath(self._path)

    @property
    def is_there(self) -> bool:
        """Whether there is a file to open."""
        return self._path is None or self._path.exists()

    def _placed(self) -> pathlib.Path | None:
        """Return where the file is, or raise if it cannot be there."""
        if self._path is not None and (told := misplaced(self._path)) is not None:
            msg = f"cannot open {self!r}: {told[0]}; {told[1]}"
            raise BackendError(msg)
        return self._path

    async def open(self) -> None:
        self._lock = asyncio.Lock()  # it belongs to the running event loop
        path = self._placed()
        self._writer = writer = await self._connect(":memory:" if path is None else str(path))
        with self._recognised():
            await self._check(writer)
            await self._set(writer, ("PRAGMA page_size = 16384", *(_PRAGMAS if path is not None else ())))
        if path is not None:
            await self._open_readers(path)
            self._identity = _identity(path)

    async def _set(self, writer: aiosqlite.Connection, pragmas: Iterable[str]) -> None:
        # If two processes switch a new file to WAL at once, SQLite fails one of them at once to avoid a deadlock.
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
        path = self._placed()
        if path is None:
            msg = "only the cache that uses memory:// can see it; name a file or a server"
            raise BackendError(msg)
        if not path.is_file():
            msg = f"there is no file {str(path)!r} to read; a bot with a persist.Cache creates it"
            raise BackendError(msg)
        await self._open_readers(path)
        self._identity = _identity(path)
        with self._recognised(), self._permitted():
            await self.fetch("SELECT COUNT(*) FROM sqlite_schema")

    @contextlib.contextmanager
    def _recognised(self) -> Generator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if _code(error) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                where = repr(str(self._named))
                msg = f"{where} is not an SQLite database or is damaged; name another file, or restore a backup"
                raise SchemaError(msg) from error
            raise

    @contextlib.contextmanager
    def _permitted(self) -> Generator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if _code(error) == sqlite3.SQLITE_READONLY:
                msg = (
                    f"cannot read {self!r}: this user cannot write to its folder, which SQLite needs unless a bot has "
                    "the file open; start the bot first, or give this user write access to the folder"
                )
                raise BackendError(msg) from error
            raise

    async def _open_readers(self, path: pathlib.Path) -> None:
        # With WAL, these can read while another connection writes.
        self._reader = await self._connect(str(path))
        await (await self._reader.execute("PRAGMA query_only = ON")).close()
        self._inline = sqlite3.connect(str(path), timeout=0.05, isolation_level=None, check_same_thread=False)
        self._inline.execute("PRAGMA query_only = ON")

    async def _connect(self, database: str) -> aiosqlite.Connection:
        connection = aiosqlite.connect(database, isolation_level=None, timeout=self._timeout)
        # A program must be able to exit without closing: committed data is safe. aiosqlite has no public name for it.
        worker: object = getattr(connection, "_thread", connection)
        if isinstance(worker, threading.Thread):
            worker.daemon = True
        try:
            return await connection
        except sqlite3.Error:
            # aiosqlite does not wait for its thread here, which would complain if the event loop is gone by then.
            if isinstance(worker, threading.Thread):
                await asyncio.to_thread(worker.join)
            raise

    async def _check(self, writer: aiosqlite.Connection) -> None:
        # The tables first: between these two queries, another process may create them, along with the id.
        found = await writer.execute_fetchall("SELECT name FROM sqlite_master WHERE type = 'table'")
        (row,) = await writer.execute_fetchall("PRAGMA application_id")
        if row[0] not in (0, APPLICATION_ID):
            msg = f"{self!r} belongs to another application (application_id {row[0]:#x}); name another file"
            raise SchemaError(msg)
        # Ours has the id from its first table on. Nothing is written to a foreign file, not even the journal mode.
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
                if self._path is not None:  # leaves a single file, unless another process is reading
                    await (await writer.execute("PRAGMA wal_checkpoint(PASSIVE)")).close()
            except sqlite3.Error as error:  # committed data is safe in the log, and the next opening finds it there
                told = "the write-ahead log could not be written back; keep it beside the file: %(why)s"
                # If it is busy, another process has the file open, and writes it back.
                if not _busy(error) and self._has_log():
                    self._notices.say(logging.WARNING, "log", told, why=self.explain(error))
            finally:
                await writer.close()

    def _has_log(self) -> bool:
        log = pathlib.Path(f"{self._path}-wal")
        return log.is_file() and log.stat().st_size > 0

    async def purge(self) -> bool:
        """Rewrite the file and empty its log, because split pages may hold copies of deleted data."""
        async with self._lock:
            writer = self._opened()
            for (name,) in await writer.execute_fetchall(_INDEXES):  # they hold deleted data until they are merged
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
            self._insist()
            try:
                # Inside the try, as its thread may begin the transaction even if this task is canceled.
                await writer.execute_fetchall("BEGIN IMMEDIATE")
                yield _Transaction(writer)
                await writer.commit()
            except BaseException:
                await asyncio.shield(writer.rollback())
                raise

    async def transact(self, work: Work) -> None:
        """Run work in a transaction, with one trip to the writer's thread.

        A trip takes two turns of the event loop, which are long in a flood. With a trip per statement, each transaction
        would wait for a dozen turns while a large guild's members arrive.
        """
        async with self._lock:
            writer, given_up = self._opened(), threading.Event()
            try:
                await _in_thread(writer, functools.partial(_make, self._insist, work, given_up))
            except asyncio.CancelledError:
                given_up.set()
                await asyncio.shield(writer.rollback())  # it runs once the work has ended
                raise

    def _insist(self) -> None:
        """Raise if the file has been deleted or replaced: everything stored in it would be gone once it is closed."""
        if self._path is None or (found := _identity(self._path)) == self._identity:
            return
        happened = "deleted or moved; move it back, or restart the bot to create a new one"
        if found is not None:
            happened = "replaced by another; put it back, or restart the bot to use the other one"
        msg = f"the file of {self!r} was {happened}"
        raise BackendError(msg, temporary=True)

    def _insist_to_read(self) -> None:
        """Raise if the file was deleted or replaced and only this reader has it open; SQLite would not tell it."""
        if self._writer is not None or self._reader is None or self._path is None:
            return
        if _identity(self._path) != self._identity:
            msg = f"the file of {self!r} was deleted, moved or replaced; close this reader of it, and open it again"
            raise BackendError(msg)

    async def fetch(self, sql: str, params: Row = ()) -> Sequence[Row]:
        self._insist_to_read()
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
        self._insist_to_read()
        try:
            # This takes a dozen microseconds; a trip to another thread takes ten times as long.
            return self._inline.execute(sql, params).fetchall()
        except sqlite3.OperationalError:
            return await self.fetch(sql, params)

    def _opened(self) -> aiosqlite.Connection:
        if self._writer is None:
            msg = f"{self!r} is not open"
            raise BackendError(msg)
        return self._writer

    def temporary(self, error: Exception) -> bool:
        return _code(error) in _TEMPORARY or _lacks_table(error)

    def explain(self, error: Exception) -> str:
        if isinstance(error, UnicodeDecodeError):
            return f"{self!r}: a text in it is no longer valid UTF-8{_WAYS_OUT[sqlite3.SQLITE_CORRUPT]}"
        return f"{self!r}: {error}{DROPPED if _lacks_table(error) else _WAYS_OUT.get(_code(error), '')}"


def _code(error: BaseException) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _lacks_table(error: BaseException) -> bool:
    return _code(error) == sqlite3.SQLITE_ERROR and str(error).startswith("no such table")


def _settled(path: pathlib.Path) -> pathlib.Path:
    try:
        return path.absolute()
    except FileNotFoundError:  # the working directory has been removed, so opening fails
        return path


def _identity(path: pathlib.Path) -> tuple[int, int] | None:
    """Return what tells a file from another of the same name; ``None`` if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _busy(error: BaseException) -> bool:
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


_WAYS_OUT: typing.Final = {
    sqlite3.SQLITE_CANTOPEN: "; does the folder exist, and can this user write to it?",
    sqlite3.SQLITE_READONLY: "; this user cannot write there: give it write access, or name another file",
    sqlite3.SQLITE_PERM: "; this user cannot read or write it: give it access, or name another file",
    sqlite3.SQLITE_BUSY: "; another process has been writing for longer than the timeout",
    sqlite3.SQLITE_FULL: "; free some space on the disk",
    sqlite3.SQLITE_CORRUPT: "; the file is damaged: restore a backup",
}
