"""What a backend provides: everything the core knows of a database.

A backend is a plugin: an entry point in the group ``persist.backends`` whose name is the scheme of its URLs and whose
module implements :func:`persist_backends`. It is imported only when a URL of its scheme is used.

The other hooks are for plugins of any kind, in the group ``persist.plugins``: these are imported when the first cache
is made. One that raises is named in the log, once, and the bot goes on without what it would have done.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence

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
"""Where a page ended: the values of the columns that it is ordered by, then its key. Opaque to the core."""


class Order(typing.NamedTuple):
    """A column to sort by. NULL comes before everything else, and last when descending; the key breaks ties."""

    column: str
    descending: bool = False


class Select(typing.NamedTuple):
    """A question to a store."""

    entity: Entity[typing.Any]
    """The kind of thing asked for."""

    keys: tuple[Key, ...] | None = None
    """Only these records. At most 1,000."""

    guild_id: int | None = None
    """Only records of this guild."""

    where: Where = ()
    """Only records for which all of this holds."""

    order: tuple[Order, ...] = ()
    """How to sort them; by key where it says nothing."""

    after: Cursor | None = None
    """Go on after this place, as an earlier page named it."""

    limit: int | None = None
    """How many records at most."""

    want: typing.Literal["records", "keys", "count"] = "records"
    """Whole records, their keys (the payloads are then empty), or only how many there are."""

    metadata: bool = False
    """Whether to read when and how often each record was stored."""

    whole: bool = False
    """Whether parts of records that are stored with their own kind are wanted too, if the store has them at hand."""

    lazily: bool = False
    """Whether the answer may be :attr:`Page.wholes` instead of :attr:`Page.records`."""


class Unreadable(typing.NamedTuple):
    """A record that cannot be read any more."""

    entity: Entity[typing.Any]
    key: Key
    reason: str


@dataclasses.dataclass(slots=True)
class Page:
    """An answer of a store."""

    records: Sequence[Record]
    after: Cursor | None = None
    """Where to go on; ``None`` when the page was not limited, or was the last one."""

    count: int = 0
    """How many there are, when that was asked."""

    corrupt: Sequence[tuple[Key, str]] = ()
    """Keys of records that cannot be read any more, and why."""

    parts: Mapping[Entity[typing.Any], Mapping[Key, Record]] | None = None
    """What is stored of the parts of the records, of the same moment; ``None`` if they have to be asked for."""

    wholes: Iterable[Record | Unreadable] | None = None
    """The records with their parts, or why there is none, each made when it is asked for; ``None`` if they are
    ``records``. Of thousands that are gone through, few are alive at once: a garbage collector walks over what is."""


class Store(typing.Protocol):
    """Keeps records. Every error that is the database's is raised as :class:`~persist.errors.BackendError`."""

    async def open(self) -> None:
        """Connect, and make the database ready to be used.

        Raises
        ------
        persist.errors.BackendError
            If the database cannot be reached.
        persist.errors.SchemaError
            If it is not one that this code can use. Nothing in it has been changed then.
        """

    async def close(self) -> None:
        """Disconnect. If the store is not open, this is a no-op; it may be opened again."""

    async def apply(self, changes: Sequence[Change]) -> None:
        """Make all of ``changes`` in order, or none of them. What it has made survives a crash of the process."""

    async def select(self, query: Select) -> Page:
        """Answer one question, with a consistent view of the database."""
        ...


class Answers(typing.Protocol):
    """Whatever answers questions about records: a store, or a store as it was at one moment."""

    async def select(self, query: Select) -> Page:
        """Answer one question."""
        ...


class Transaction(typing.Protocol):
    """A database connection between BEGIN and COMMIT.

    It may have an ``execute_all(statements)`` that runs statements in a thread of its own, which makes them as it goes,
    a ``give_way()`` that lets the event loop come round from such a thread, and a ``load``, as
    :data:`persist.loading.Load`, where the database has a quicker way for many new rows.
    """

    async def execute(self, sql: str, params: Row = ()) -> None:
        """Run one statement."""

    async def fetch(self, sql: str, params: Row = ()) -> Sequence[Row]:
        """Run one statement and return its rows."""
        ...


Work = Callable[[Transaction], Coroutine[typing.Any, typing.Any, None]]
"""Does something in a transaction."""


class Driver(typing.Protocol):
    """Runs SQL on one database; all that differs between client libraries.

    One whose thread writes, and so competes with the event loop for the interpreter's lock, has a ``writes_in_thread``
    that is true: the loop then gives way to it when it is late. It may have a ``transact(work)``, which does a
    :data:`Work` in that thread, from BEGIN to COMMIT: what it awaits there never has to be waited for. It may have a
    ``collides(error)``, which tells whether another transaction was in the way, so that trying again at once helps.
    """

    errors: tuple[type[Exception], ...]
    """What the client library raises."""

    async def open(self) -> None:
        """Connect."""

    async def close(self) -> None:
        """Disconnect. If there is no connection, this is a no-op."""

    def transaction(self) -> contextlib.AbstractAsyncContextManager[Transaction]:
        """Return a context in which statements are made all or, on any exception, none. One at a time."""
        ...

    async def fetch(self, sql: str, params: Row = ()) -> Sequence[Row]:
        """Run one query of many rows, beside any transaction, and return them."""
        ...

    async def lookup(self, sql: str, params: Row = ()) -> Sequence[Row]:
        """Run one query of a few rows by key in the fastest way there is, and return them."""
        ...

    def temporary(self, error: Exception) -> bool:
        """Tell whether the same request may succeed later: a lost connection, a lock, a server that is starting."""
        ...

    def explain(self, error: Exception) -> str:
        """Say in one sentence what went wrong and the way out. Never with a password."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Backend:
    """A way to keep records, chosen by the scheme of a URL.

    Parameters
    ----------
    scheme
        The part of a URL before ``://``.
    open
        Makes a store from a URL. It connects nothing yet. Raises :class:`~persist.errors.URLError` for a URL that it
        does not understand, and :class:`~persist.errors.MissingDriverError` when its client library is missing.
    options
        What its URLs may say behind the ``?``; :func:`persist.urls.options_of` reads it.
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
    """A kind of thing that a plugin adds: a row of the table of entities, and the rows of events that change it.

    Parameters
    ----------
    entity
        The kind. Its table is made when a database is opened that does not have it.
    events
        What gateway events change of it, by the name of the event. An event that has a row already does both; if this
        one raises, it changes nothing, and the other one is made in any case.
    """

    entity: Entity[typing.Any]
    events: Mapping[str, Event] = dataclasses.field(default_factory=dict[str, Event])


@hookspec
def persist_entities() -> Sequence[Addition]:
    """Return the kinds of things that this plugin adds, to be asked for by ``cache.view(entity)``.

    It is called once, before the first store is made: what can be remembered is the same for all caches of a process.
    """
    raise NotImplementedError


@hookspec
def persist_committed(changes: Sequence[Change]) -> None:
    """Hear of changes that are in the database now: all of a batch, or what is left of one without what was refused.

    Changes that one key went through within a batch are one change here. It is called on the event loop, between two
    batches, and nothing else runs meanwhile: note what you need, and do what takes long in a task or a thread. Changes
    are not to be changed.

    Parameters
    ----------
    changes
        What was stored, in the order in which it was.
    """


@hookspec
def persist_timed(what: str, began: float, seconds: float, facts: Mapping[str, str | int]) -> None:
    """Hear of something that took time, when it has ended: for traces.

    It is called on the event loop, in the context of whoever waited for it where somebody did.

    Parameters
    ----------
    what
        ``"open"``, of a cache with its database; ``"migrate"``, of one step of a schema; ``"flush"``, of a batch, with
        all attempts; ``"fetch"``, of a request to Discord.
    began
        When it began, in seconds since 1970.
    seconds
        How long it took.
    facts
        More of it: ``changes`` of a flush, ``kind`` of a fetch, ``version`` of a migration; ``error``, the name of an
        exception, where it failed.
    """


@hookspec
def persist_commands(app: typing.Any) -> None:
    """Add commands to the command line.

    Parameters
    ----------
    app
        The ``typer.Typer`` behind ``persist``. Decorate functions with ``app.command()``.
    """
