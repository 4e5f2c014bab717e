"""How databases spell what they spell differently, as data."""

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
"""Makes one value of another. It is never given ``None``."""


@dataclasses.dataclass(frozen=True, slots=True)
class Search:
    """How one database finds the texts that have some terms, as an index beside a table of texts.

    What it finds is looked at: an index may name too many texts, and never too few.

    Parameters
    ----------
    create, drop
        Statements that make a table of texts with its index, and that do away with both, where they are. Given is
        that table, and the one that it belongs to: what goes from there goes from here by itself.
    matches
        Whether the text of a row has the terms of a question: a template for the name of its table {0} and
        the question {1}.
    asked
        Spells the question for all of some terms.
    prefix
        What all terms begin with, in a database that leaves out short ones and those of a list.
    offered
        Asks whether this database has what it takes. What it returns is true.
    lacking
        The way out where it has not.
    """

    create: Callable[[Dialect, Table, Table], Iterable[str]]
    drop: Callable[[Table, Table], Iterable[str]]
    matches: str
    asked: Callable[[Sequence[Term]], str]
    prefix: str = ""
    offered: str = ""
    lacking: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Integrity:
    """How one database is asked whether it is whole.

    Parameters
    ----------
    ask
        Makes the questions, of the names of all tables. A question that is refused tells of a problem as well.
    problem
        What a row of an answer says is wrong; ``None`` if it says that all is well.
    offered
        Asks whether this database can be asked by this user. What it returns is true.
    lacking
        The way out where it cannot.
    """

    ask: Callable[[Sequence[str]], Iterable[str]]
    problem: Callable[[Row], str | None]
    offered: str = ""
    lacking: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Dialect:
    """How one database spells what the others spell differently.

    Parameters
    ----------
    types
        The type of each kind of column.
    placeholder
        Spells the n-th parameter of a statement, counted from 1.
    upsert
        Turns rows of a table, no two of the same key, into statements that write them, as fast as the database goes.
        A row whose stored payload is the same must stay untouched; else ``revision`` grows, and ``first_seen`` stays.
    loaded
        Turns rows that are not stored yet into what its way to load many takes, where it has one.
    quote
        Spells an identifier.
    store
        How a parameter of a kind is converted, where it must be: a template for the placeholder.
    load
        How a column of a kind is read, where it must be converted: a template for the column.
    bind, read
        The same conversions where they are made here and not by the database: of values on their way in, and out.
    keys
        Spells the condition that a record has one of some keys.
    among
        Where many values of a kind are bound as one: a template for that a column is among {}, and what to bind.
    contains
        Whether text {0} contains text {1}, by code points.
    shard
        Which of {1} shards the snowflake {0} belongs to.
    has_bits
        Whether {0} has all bits of {1}; both are given twice.
    day
        The day, in UTC, of a ``time`` column.
    between_commas
        The text of the snowflake {0} as it stands in a column of ``snowflakes``.
    ascending, descending
        What follows a column that may be NULL in ORDER BY so that NULL comes first, and last.
    then_by
        What texts are sorted by where the database takes different ones for equal: a template for the column.
    lock_rows
        What follows a SELECT whose rows are about to be changed.
    keep_out
        Given a table, a condition and what it binds, makes the statement after which no other transaction says anything
        new of rows for which it holds, and what others have said is seen. Nothing where one writes at a time anyway.
    lookups
        How many questions for one record may be on their way at once; what arrives meanwhile shares the next query.
        0 where each is answered faster alone.
    list_tables
        Asks for the names of all tables that there are.
    list_columns
        Asks for the names of the columns of a table, given as a parameter.
    list_indexes
        Asks for the names of all indexes that there are.
    table_options
        What follows the columns in CREATE TABLE.
    index_part
        How a column stands in an index: a template for its name.
    keys_in_indexes
        Whether every index ends with the key of its table, where that is one snowflake, without naming it.
    inline_indexes
        Whether indexes are made with their table and not after it, so that there is no state in between.
    comments
        Makes the statements that describe a table in the database.
    lock
        Asks for the right to change the schema, and waits until no other process has it. What it returns is true.
    unlock
        Gives that right back, where the end of the transaction does not.
    prepare, finish
        Statements to begin and to end a migration with, inside its transaction and its lock.
    checkpoint
        Statements that store what a migration has done so far, where statements that change tables end the transaction
        anyway: a migration that was interrupted then goes on where it was, and elsewhere it begins again.
    octets
        How many bytes the text {0} has.
    version, size
        Ask for the version of the server, and for the bytes that the database takes.
    may_create
        Asks whether the user may make tables, where that can be asked.
    integrity
        How it is asked whether it is whole; ``None`` where it cannot be.
    tested
        The oldest version of the server that tests run on; nothing where that is not looked at.
    vacuum
        Statements that give back room, each by itself and outside a transaction: templates for a table, or for none.
    rewrite
        The same, so that files of tables hold nothing of what was deleted, though nobody can use them meanwhile.
    exclusive
        Whether a database with tables but none of ours must be somebody else's.
    many
        How many keys one statement may name.
    binary
        Whether a column of documents can hold bytes as well as text.
    search
        How texts are searched; ``None`` where that is not offered.
    rows
        Whether an index leads to what comes after ``(a, b)`` in one comparison; else each column is compared by itself.
    by_key
        What follows a table whose records are asked for by their keys, where the database has to be led to them.
    lock_note
        What follows a SELECT so that what it reads stays so until the transaction ends, and others may read it.
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
    """A dialect that depends on the server: what to ask it, and what the answer makes of it."""

    sql: str
    dialect: Callable[[Sequence[Row]], Dialect]
    """Returns the dialect for the rows of the answer. Raises :class:`~persist.errors.SchemaError` if there is none."""


def converted(dialect: Dialect, kinds: Sequence[Storage], rows: Sequence[Row]) -> Sequence[Row]:
    """Return rows, whose columns are of ``kinds``, with those values converted that the database could not convert."""
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
