"""The interface between the core and backends, and the hooks for plugins.

A backend is a plugin: an entry point in the group ``persist.backends`` whose name is the scheme of its URLs and whose
module implements :func:`persist_backends`. It is imported only when a URL with its scheme is used.

The other hooks are for plugins of any kind, in the group ``persist.plugins``. These are imported when the first cache
is created. If a hook raises, that is logged once, and the bot goes on without the plugin's contribution.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence

import pluggy
import yarl

from .changes import Change
from .conditions import Where
from .model import Entity, Key, Record
from .plans import Event
from .urls import Option

__all__ = (
    "Addition",
    "Answers",
    "Backend",
    "Cursor",
    "Driver",
    "Order",
    "Page",
    "Row",
    "Select",
    "Store",
    "Transaction",
    "Unmade",
    "Unreadable",
    "Work",
    "hookimpl",
    "hookspec",
    "persist_backends",
    "persist_commands",
    "persist_committed",
    "persist_entities",
    "persist_timed",
)

hookspec: pluggy.HookspecMarker = pluggy.HookspecMarker("persist")
hookimpl: pluggy.HookimplMarker = pluggy.HookimplMarker("persist")

Row = Sequence[typing.Any]
Cursor = tuple[typing.Any, ...]
"""Where a page ended: the values of the columns it is sorted by, then the key. Opaque to the core."""


class Order(typing.NamedTuple):
    """A column to sort by. NULL sorts before everything else, or last in descending order; the key breaks ties."""

    column: str
    descending: bool = False


class Select(typing.NamedTuple):
    """A query to a store."""

    entity: Entity[typing.Any]
    """The kind to query."""

    keys: tuple[Key, ...] | None = None
    """Only the records with these keys, at most 1,000."""

    guild_id: int | None = None
    """Only records of this guild."""

    where: Where = ()
    """Only records that meet all of these conditions."""

    order: tuple[Order, ...] = ()
    """How to sort the records; by default by key."""

    after: Cursor | None = None
    """Continue after this place, from an earlier :attr:`Page.after`."""

    limit: int | None = None
    """The maximum number of records."""

    want: typing.Literal["records", "keys", "count"] = "records"
    """Complete records, records with their keys only (and empty payloads), or just how many there are."""

    metadata: bool = False
    """Whether to read when and how often each record was stored."""

    whole: bool = False
    """Whether to return the records' parts that are stored under their own kinds too, if the store has them at hand."""

    lazily: bool = False
    """Whether the answer may be in :attr:`Page.wholes` instead of :attr:`Page.records`."""


class Unreadable(typing.NamedTuple):
    """A record that can no longer be read."""

    entity: Entity[typing.Any]
    key: Key
    reason: str


@dataclasses.dataclass(slots=True, frozen=True)
class Unmade:
    """Records with their parts, each made during iteration.

    This way only a few of thousands are alive at once, and the garbage collector has less to walk over.
    """

    rows: Sequence[Row]
    """What they are made of, and nothing else: equal rows make equal records. Their values are hashable."""

    make: Callable[[Sequence[Row]], Iterator[Record | Unreadable]]
    """Makes the records of some of the rows, or says why one is unreadable."""

    def __iter__(self) -> Iterator[Record | Unreadable]:
        return self.make(self.rows)


@dataclasses.dataclass(slots=True)
class Page:
    """The answer to a query."""

    records: Sequence[Record]
    after: Cursor | None = None
    """Where to continue; ``None`` if the query had no limit, or this is the last page."""

    count: int = 0
    """How many records there are, if the query asked for that."""

    corrupt: Sequence[tuple[Key, str]] = ()
    """Keys of records that can no longer be read, and why."""

    parts: Mapping[Entity[typing.Any], Mapping[Key, Record]] | None = None
    """The stored parts of the records, from the same moment; ``None`` if they need a query of their own."""

    wholes: Unmade | None = None
    """The records with their parts; ``None`` if they are in ``records``."""


class Store(typing.Protocol):
    """Stores records. Errors of the database are raised as :class:`~persist.errors.BackendError`.

    So is, by ``apply`` and ``select``, that the store is not open; the message says "not open".
    """

    async def open(self) -> None:
        """Connect, and set up the database for use.

        Raises
        ------
        persist.errors.BackendError
            If the database cannot be reached.
        persist.errors.SchemaError
            If this code cannot use the database. Nothing in it has been changed.
        """

    async def close(self) -> None:
        """Disconnect. If the store is not open, this is a no-op. The store can be opened again."""

    async def apply(self, changes: Sequence[Change]) -> None:
        """Apply all ``changes`` in order, or none of them. Once this returns, they survive a crash of the process."""

    async def select(self, query: Select) -> Page:
        """Answer one query, from a consistent view of the database."""
        ...


class Answers(typing.Protocol):
    """Anything that answers queries: a store, or a snapshot of one."""

    async def select(self, query: Select) -> Page:
        """Answer one query."""
        ...


class Transaction(typing.Protocol):
    """A database connection between BEGIN and COMMIT.

    Optional methods: ``execute_all(statements)`` runs statements in a thread of its own, generating them as it goes;
    ``give_way()`` lets the event loop run from such a thread; and ``load``, as in :data:`persist.loading.Load`, uses a
    faster way of the database to insert many new rows.
    """

    async def execute(self, sql: str, params: Row = ()) -> None:
        """Run one statement."""

    async def fetch(self, sql: str, params: Row = ()) -> Sequence[Row]:
        """Run one statement and return its rows."""
        ...


Work = Callable[[Transaction], Coroutine[typing.Any, typing.Any, None]]
"""A function that does something in a transaction."""


class Driver(typing.Protocol):
    """Runs SQL on one database; everything that differs between client libraries.

    Optional members: ``writes_in_thread`` is true for a driver whose thread writes, and so competes with the event loop
    for the GIL; the loop then gives way when writing falls behind. ``transact(work)`` runs a :data:`Work` in that
    thread, from BEGIN to COMMIT; what it awaits there never blocks. ``collides(error)`` returns whether another
    transaction was in the way, so that an immediate retry helps; ``exceeds(error)`` returns whether the request took
    longer than the database allows, so that a part of it may succeed. ``recognise``, if the driver has such an
    attribute, is set to a function that it awaits with a transaction on each connection that it makes once the database
    is open.
    """

    errors: tuple[type[Exception], ...]
    """The exceptions of the client library."""

    async def open(self) -> None:
        """Connect."""

    async def close(self) -> None:
        """Disconnect. If there is no connection, this is a no-op."""

    def transaction(self) -> contextlib.AbstractAsyncContextManager[Transaction]:
        """Return a context that commits its statements at the end, or rolls back on any exception. One at a time."""
        ...

    async def fetch(self, sql: str, params: Row = ()) -> Sequence[Row]:
        """Run a query that returns many rows, outside any transaction, and return them."""
        ...

    async def lookup(self, sql: str, params: Row = ()) -> Sequence[Row]:
        """Run a query that returns a few rows by key, in the fastest way available, and return them."""
        ...

    def temporary(self, error: Exception) -> bool:
        """Return whether the same request may succeed later: a lost connection, a lock, a server that is starting."""
        ...

    def explain(self, error: Exception) -> str:
        """Return one sentence that says what went wrong and the way out. Never include a password."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Backend:
    """A kind of store, selected by the scheme of a URL.

    Parameters
    ----------
    scheme
        The part of a URL before ``://``.
    open
        Makes a store from a URL, without connecting. Raises :class:`~persist.errors.URLError` for a URL that is not
        valid, and :class:`~persist.errors.MissingDriverError` if its client library is missing.
    options
        The options of its URLs, behind the ``?``; :func:`persist.urls.options_of` parses them.
    """

    scheme: str
    open: Callable[[yarl.URL], Store]
    options: Mapping[str, Option] = dataclasses.field(default_factory=dict[str, Option], compare=False)


@hookspec
def persist_backends() -> Sequence[Backend]:
    """Return the backends that this plugin adds."""
    raise NotImplementedError


@dataclasses.dataclass(frozen=True, slots=True)
class Addition:
    """A kind that a plugin adds: an entity, and the gateway events that change it.

    Parameters
    ----------
    entity
        The kind. Its table is created when a database without it is opened.
    events
        How gateway events change it, by the name of the event. For events that the cache already handles, both apply;
        if the plugin's part raises, only the cache's own changes are made.
    """

    entity: Entity[typing.Any]
    events: Mapping[str, Event] = dataclasses.field(default_factory=dict[str, Event])


@hookspec
def persist_entities() -> Sequence[Addition]:
    """Return the kinds that this plugin adds; ``cache.view(entity)`` reads them.

    Called once, before the first store is created, so that all caches of a process have the same kinds.
    """
    raise NotImplementedError


@hookspec
def persist_committed(changes: Sequence[Change]) -> None:
    """Receive changes that are now in the database: a batch, without any changes that were rejected.

    Several changes of one key in a batch arrive as a single change. The hook is called on the event loop between two
    batches, and blocks it: take what you need, and do anything slow in a task or a thread. Do not modify the changes.

    Parameters
    ----------
    changes
        The stored changes, in order.
    """


@hookspec
def persist_timed(what: str, began: float, seconds: float, facts: Mapping[str, str | int]) -> None:
    """Receive the timing of an operation that has ended, for tracing.

    The hook is called on the event loop, in the context of the code that waited for the operation, if any.

    Parameters
    ----------
    what
        ``"open"``: opening a cache with its database; ``"migrate"``: one step of a migration; ``"flush"``: storing a
        batch, with all attempts; ``"fetch"``: a request to Discord.
    began
        When it began, in seconds since 1970.
    seconds
        How long it took.
    facts
        Details: ``changes`` of a flush, ``kind`` of a fetch, ``version`` of a migration; and ``error``, the name of the
        exception, if it failed.
    """


@hookspec
def persist_commands(app: typing.Any) -> None:
    """Add commands to the command line.

    Parameters
    ----------
    app
        The ``typer.Typer`` behind ``persist``. Decorate functions with ``app.command()``.
    """
