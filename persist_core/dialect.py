"""SQL dialects: what differs between databases, as data."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence

from .model import Entity, Key
from .schema import Field, Rows, Storage, Table
from .spelling import Speller, keys_in_lists
from .spi import Row
from .words import Term

__all__ = ("Convert", "Dialect", "Integrity", "Question", "Search", "Statement", "converted")

Statement = tuple[str, Row]
"""SQL and its parameters."""

Convert = Callable[[typing.Any], typing.Any]
"""Converts a value. It is never called with ``None``."""


@dataclasses.dataclass(frozen=True, slots=True)
class Search:
    """How one database finds the texts that contain some terms, with an index on a table of texts.

    Results are checked, so an index may return too many texts, but never too few.

    Parameters
    ----------
    create, drop
        Make the statements that create a table of texts with its index, and that drop both if they exist. The arguments
        are that table and the one that it belongs to, whose deleted rows must disappear from here by themselves.
    matches
        Whether the text of a row has the terms of a search: a template for the name of its table {0} and the search
        {1}.
    asked
        Makes the search for all of some terms.
    prefix
        A prefix for all terms, in a database that ignores short ones and stop words.
    replaces
        Whether an upsert brings the index up to date for every row that it replaces. If not, rows are deleted first.
    offered
        A query that returns true if this database supports it.
    lacking
        The way out if it does not.
    """

    create: Callable[[Dialect, Table, Table], Iterable[str]]
    drop: Callable[[Table, Table], Iterable[str]]
    matches: str
    asked: Callable[[Sequence[Term]], str]
    prefix: str = ""
    replaces: bool = True
    offered: str = ""
    lacking: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Integrity:
    """How to check the integrity of one database.

    Parameters
    ----------
    ask
        Makes the queries from the names of all tables. A query that fails counts as a problem too.
    problem
        Returns the problem in a row of the result; ``None`` if there is none.
    offered
        A query that returns true if this user can run the check on this database.
    lacking
        The way out if not.
    """

    ask: Callable[[Sequence[str]], Iterable[str]]
    problem: Callable[[Row], str | None]
    offered: str = ""
    lacking: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Dialect:
    """The SQL dialect of one database.

    Parameters
    ----------
    types
        The SQL type for each type of column.
    placeholder
        Returns the n-th placeholder of a statement, counting from 1.
    upsert
        Turns rows of a table, no two with the same key, into statements that write them as fast as possible. A row with
        an unchanged payload must stay untouched; otherwise ``revision`` increases, and ``first_seen`` stays.
    loaded
        Turns new rows into the input of the database's bulk load, if it has one.
    quote
        Quotes an identifier.
    store
        How to convert a parameter of a type, if necessary: a template for the placeholder.
    load
        How to read a column of a type, if it has to be converted: a template for the column.
    bind, read
        The same conversions if they are made in Python, not in the database: for values going in, and coming out.
    keys
        Makes the condition that a record has one of some keys.
    among
        If many values of a type can be bound as one: a template for a column being among {}, and what to bind.
    contains
        Whether text {0} contains text {1}, by code points.
    shard
        Which of {1} shards the snowflake {0} belongs to.
    has_bits
        Whether {0} has all bits of {1}; both are given twice.
    day
        The day, in UTC, of a ``time`` column.
    between_commas
        The text of the snowflake {0} in the format of a ``snowflakes`` column.
    ascending, descending
        What follows a nullable column in ORDER BY so that NULL sorts first, or last.
    then_by
        What to sort texts by if the database considers different ones equal: a template for the column.
    lock_rows
        What follows a SELECT whose rows are about to be changed.
    keep_out
        Makes the statement, from a table, a condition and its parameters, that locks matching rows against other
        transactions and makes their changes so far visible. ``None`` if there is only one writer at a time anyway.
    lookups
        How many queries for single records may run at once; those that arrive meanwhile share the next query. 0 if it
        is faster to run each by itself.
    list_tables
        A query for the names of all tables.
    list_columns
        A query for the names of the columns of a table, whose name is a parameter.
    list_indexes
        A query for the names of all indexes.
    table_options
        What follows the columns in CREATE TABLE.
    index_part
        How a column appears in an index: a template for its name.
    keys_in_indexes
        Whether every index implicitly ends with the table's key, if that is one snowflake.
    inline_indexes
        Whether indexes are created with their table rather than after it, so that there is no state in between.
    comments
        Makes the statements that describe a table in the database.
    lock
        A query that acquires the lock for changing the schema, waiting for other processes, and returns true.
    unlock
        Releases that lock, if the end of the transaction does not.
    prepare, finish
        Statements that begin and end a migration, inside its transaction and its lock.
    checkpoint
        Statements that store the progress of a migration, if statements that change tables end the transaction anyway:
        an interrupted migration then continues where it was. With other databases it begins again.
    octets
        How many bytes the text {0} has.
    version, size
        Queries for the version of the server, and for the size of the database in bytes.
    may_create
        A query for whether the user may create tables, if the database has one.
    integrity
        How to check the integrity; ``None`` if that is not possible.
    tested
        The oldest version of the server that is tested; empty if that does not matter.
    vacuum
        Statements that free space, each run by itself outside a transaction: templates for a table, or for none.
    rewrite
        The same, but so that files of tables hold no deleted data; the tables may be locked meanwhile.
    exclusive
        Whether a database with tables but none of ours must belong to another application.
    many
        How many keys one statement may name.
    binary
        Whether a payload column can hold bytes as well as text.
    search
        How texts are searched; ``None`` if that is not supported.
    rows
        Whether an index is used for row comparisons such as ``> (a, b)``; otherwise each column is compared by itself.
    by_key
        What follows a table whose records are selected by key, if the database needs a hint for that.
    lock_note
        What follows a SELECT so that its result stays valid until the transaction ends, while others can read it.
    """

    types: Mapping[Storage, str]
    placeholder: Callable[[int], str]
    upsert: Callable[[Table, Rows[typing.Any]], Iterable[Statement]]
    list_tables: str
    list_columns: str
    list_indexes: str
    loaded: Callable[[Table, Rows[typing.Any]], Iterable[bytes]] | None = None
    quote: Callable[[str], str] = lambda name: f'"{name}"'
    store: Mapping[Storage, str] = dataclasses.field(default_factory=dict[typing.Any, typing.Any])
    load: Mapping[Storage, str] = dataclasses.field(default_factory=dict[typing.Any, typing.Any])
    bind: Mapping[Storage, Convert] = dataclasses.field(default_factory=dict[typing.Any, typing.Any])
    read: Mapping[Storage, Convert] = dataclasses.field(default_factory=dict[typing.Any, typing.Any])
    keys: Callable[[Speller, Entity[typing.Any], Sequence[Key]], str] = keys_in_lists
    among: Mapping[Storage, tuple[str, Convert]] = dataclasses.field(default_factory=dict[typing.Any, typing.Any])
    contains: str = "instr({0}, {1}) > 0"
    shard: str = "(({0} >> 22) % {1})"
    has_bits: str = "({0} & {1}) = {2}"
    day: str = "date({0})"
    between_commas: str = "',' || {0} || ','"
    ascending: str = ""
    descending: str = " DESC"
    then_by: str = ""
    lock_rows: str = ""
    keep_out: Callable[[str, str, Row], Statement] | None = None
    lookups: int = 0
    table_options: Callable[[Table], str] = lambda _: ""
    index_part: Callable[[Field], str] = lambda _: "{}"
    keys_in_indexes: bool = False
    inline_indexes: bool = False
    comments: Callable[[Table], Iterable[str]] = lambda _: ()
    lock: str = ""
    unlock: str = ""
    prepare: Sequence[str] = ()
    finish: Sequence[str] = ()
    checkpoint: Sequence[str] = ()
    octets: str = "OCTET_LENGTH({0})"
    version: str = "SELECT version()"
    size: str = ""
    may_create: str = ""
    integrity: Integrity | None = None
    tested: tuple[int, ...] = ()
    vacuum: Sequence[str] = ()
    rewrite: Sequence[str] = ()
    exclusive: bool = False
    many: int = 500
    binary: bool = False
    search: Search | None = None
    lock_note: str = ""
    rows: bool = False
    by_key: str = ""


class Question(typing.NamedTuple):
    """A dialect that depends on the server: a query, and the dialect for its result."""

    sql: str
    dialect: Callable[[Sequence[Row]], Dialect]
    """Returns the dialect for the rows of the result. Raises :class:`~persist.errors.SchemaError` if there is none."""


def converted(dialect: Dialect, kinds: Sequence[Storage], rows: Sequence[Row]) -> Sequence[Row]:
    """Return rows with columns of ``kinds``, after conversions that the database cannot do."""
    if not dialect.read:
        return rows
    converts = [(place, dialect.read[kind]) for place, kind in enumerate(kinds) if kind in dialect.read]
    if not converts:
        return rows
    changed = [list(row) for row in rows]
    for row in changed:
        for place, convert in converts:
            if row[place] is not None:
                row[place] = convert(row[place])
    return changed
