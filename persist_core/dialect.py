"""How databases spell what they spell differently, as data; and how conditions are spelled with it."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from .codec import Codec
from .conditions import AllOf, AnyOf, Condition, Conditional, Known, Not, Where, Within, Worded
from .errors import QueryError
from .model import Entity, Key
from .schema import Columnar, Field, Rows, Storage, Table, texts_of
from .spi import Row
from .words import Term, terms_asked

__all__ = (
    "Convert",
    "Dialect",
    "Integrity",
    "Question",
    "Search",
    "Speller",
    "Statement",
    "converted",
    "is_one",
    "keys_in_lists",
    "shared",
    "slices",
)

Statement = tuple[str, Row]
"""SQL and its parameters."""

_FEW: typing.Final = 1000
"""How many values one statement may bind one by one: databases set a limit."""

_WIDE: typing.Final = 100
"""Options that stand side by side. SQLite counts each as one level deeper, and knows a thousand levels."""

Convert = Callable[[typing.Any], typing.Any]
"""Makes one value of another. It is never given ``None``."""


def is_one(values: Sequence[typing.Any]) -> bool:
    """Tell whether a column has one value all the way down, to be spelled once: most of what stands beside payloads."""
    return values.count(values[0]) == len(values)


def shared(table: Table, columns: Columnar) -> int:
    """Return how many columns, the last ones, have one value each all the way down, so that it can be bound once.

    It is all that stands beside the payloads, or none, so that there are few different statements to keep prepared.
    """
    beside = table.beside
    return beside if beside and len(columns[0]) > 1 and all(map(is_one, columns[-beside:])) else 0


def slices(table: Table, rows: Rows[typing.Any], most: int, size: int = 4_000_000) -> Iterator[Columnar]:
    """Cut rows into slices that are not too long, and whose documents are not too long together.

    Parameters
    ----------
    table
        Where the rows go.
    rows
        The rows. No more are made than what has been yielded needs.
    most
        How many rows a slice has at most, as long as the stride of the rows is 1.
    size
        How many characters of what is compared, as documents, a slice has at most, unless one row alone has more.
    """
    document = next((index for index, field in enumerate(table.fields) if field.name == table.compared), 0)
    start = 0
    while start < len(rows):
        count = most * rows.stride.times
        columns = rows.columns(start, count)
        start += count
        begin = weight = 0
        for end, length in enumerate(map(len, columns[document])):
            if end > begin and weight + length > size:
                yield [column[begin:end] for column in columns]
                begin, weight = end, 0
            weight += length
        yield [column[begin:] for column in columns] if begin else columns


def keys_in_lists(speller: Speller, entity: Entity[typing.Any], keys: Sequence[Key]) -> str:
    """Spell the condition that a record has one of some keys, grouped by all but the last part of them."""
    *firsts, last = entity.key.items()
    groups: dict[Key, list[int | str]] = {}
    for key in keys:
        groups.setdefault(key[:-1], []).append(key[-1])
    options = []
    for start, ends in groups.items():
        parts = [
            f"{speller.quote(name)} = {speller.value(kind, part)}"
            for (name, kind), part in zip(firsts, start, strict=True)
        ]
        end = speller.values(last[1], ends)
        name = speller.quote(last[0])
        parts.append(f"{name} = {end}" if len(ends) == 1 else f"{name} IN ({end})")
        options.append(" AND ".join(parts))
    return options[0] if len(options) == 1 else f"({' OR '.join(f'({option})' for option in options)})"


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


class _Spelling(typing.NamedTuple):
    """How one test of the table in ``conditions.py`` is spelled, and which values it binds, of which kinds."""

    template: Callable[[Dialect], str]
    values: Callable[[Storage, typing.Any], Sequence[tuple[Storage, typing.Any]]]


def _one(template: str) -> _Spelling:
    return _Spelling(lambda _: template, lambda kind, value: ((kind, value),))


def _after_prefix(prefix: str) -> str:
    """Return the least text that is greater than every text with this prefix."""
    last = ord(prefix[-1]) + 1
    return prefix[:-1] + chr(0xE000 if last == 0xD800 else last)  # noqa: PLR2004 - surrogates are no characters


def _prefix_values(kind: Storage, prefix: str) -> Sequence[tuple[Storage, typing.Any]]:
    stem = prefix.rstrip("\U0010ffff")
    return ((kind, prefix), (kind, _after_prefix(stem) if stem else prefix + "\U0010ffff" * 8))


_SPELLINGS: typing.Final[Mapping[str, _Spelling]] = {
    "equals": _one("{0} = {1}"),
    "less": _one("{0} < {1}"),
    "at_most": _one("{0} <= {1}"),
    "greater": _one("{0} > {1}"),
    "at_least": _one("{0} >= {1}"),
    "is_null": _Spelling(lambda _: "{0} IS NULL", lambda *_: ()),
    "contains": _Spelling(lambda dialect: dialect.contains, lambda _, text: (("text", text),)),
    "startswith": _Spelling(lambda _: "({0} >= {1} AND {0} < {2})", _prefix_values),
    "has_id": _Spelling(lambda dialect: dialect.contains, lambda _, snowflake: (("text", f",{snowflake},"),)),
    "has_bits": _Spelling(lambda dialect: dialect.has_bits, lambda kind, bits: ((kind, bits), (kind, bits))),
    "on_shard": _Spelling(
        lambda dialect: f"{dialect.shard} = {{2}}",
        lambda kind, shard: ((kind, shard[1]), (kind, shard[0])),
    ),
}


class Speller:
    """Spells conditions of one statement and gathers what they bind.

    Parameters
    ----------
    dialect
        How to spell.
    codec
        Which columns hold something else than what they are called.
    """

    def __init__(self, dialect: Dialect, codec: Codec | None = None) -> None:
        self._dialect = dialect
        self._codec = codec
        self.params: list[typing.Any] = []
        self.rows: bool = dialect.rows

    def quote(self, name: str) -> str:
        """Return an identifier."""
        return self._dialect.quote(name)

    def value(self, kind: Storage, value: typing.Any) -> str:
        """Bind a value and return what stands for it."""
        return self.values(kind, (value,))

    def bound(self, value: typing.Any) -> str:
        """Bind a value as it is and return what stands for it."""
        self.params.append(value)
        return self._dialect.placeholder(len(self.params))

    def values(self, kind: Storage, values: Iterable[typing.Any]) -> str:
        """Bind values and return the list that stands for them."""
        convert, template = self._dialect.bind.get(kind), self._dialect.store.get(kind)
        given = list(values) if convert is None else [None if v is None else convert(v) for v in values]
        places = range(len(self.params) + 1, len(self.params) + len(given) + 1)
        self.params += given
        marks = map(self._dialect.placeholder, places)
        return ", ".join(marks if template is None else map(template.format, marks))

    def where(self, entity: Entity[typing.Any], guild_id: int | None, where: Where) -> list[str]:
        """Return what must all hold."""
        if guild_id is not None:
            where = (Condition("guild_id", "equals", guild_id), *where)
        return [self.condition(entity, condition) for condition in where]

    def condition(self, entity: Entity[typing.Any], condition: Conditional) -> str:
        """Return one condition."""
        match condition:
            case Condition(column, test, value):
                return self._test(entity, column, test, value)
            case Not(inner):
                return f"NOT COALESCE({self.condition(entity, inner)}, FALSE)"
            case AnyOf(options):
                return _either([self.condition(entity, option) for option in options])
            case AllOf(parts):
                return f"({' AND '.join(self.condition(entity, part) for part in parts) or '1 = 1'})"
            case Within(columns, owner, where, ()):
                return self._within(columns, owner, where)
            case Within():
                return self._related(entity, condition)
            case Known(other, key):
                return f"EXISTS (SELECT 1 FROM {self.quote(other.name)} WHERE {self.keys(other, (key,))})"
            case Worded(other, phrases):
                return self._worded(other, phrases)

    def _test(self, entity: Entity[typing.Any], column: str, test: str, value: typing.Any) -> str:
        name, kind = self._dialect.quote(column), entity.kind_of(column)
        if self._codec is not None and (held := self._codec.sought(entity, column, test, value)) is not None:
            test, value = "is_in", held
        if test == "is_in":
            return self._among(name, kind, value)
        spelling = _SPELLINGS[test]
        if test == "startswith" and not value:
            return f"{name} IS NOT NULL"
        bound = [self.value(*pair) for pair in spelling.values(kind, value)]
        return spelling.template(self._dialect).format(name, *bound)

    def _among(self, name: str, kind: Storage, values: Collection[typing.Any]) -> str:
        if len(values) > _FEW and kind in self._dialect.among:
            template, convert = self._dialect.among[kind]
            bind = self._dialect.bind.get(kind)
            return f"{name} {template.format(self.bound(convert(map(bind, values) if bind else values)))}"
        return f"{name} IN ({self.values(kind, values)})" if values else "1 = 0"

    def _within(self, columns: tuple[str, ...], owner: Entity[typing.Any], where: Where) -> str:
        quote = self._dialect.quote
        parts = self.where(owner, None, where)
        key = ", ".join(map(quote, owner.key))
        inner = f"SELECT {key} FROM {quote(owner.name)}{_joined(' WHERE ', parts)}"
        left = ", ".join(map(quote, columns))
        return f"{left if len(columns) == 1 else f'({left})'} IN ({inner})"

    def _worded(self, entity: Entity[typing.Any], phrases: tuple[str, ...]) -> str:
        search = self._dialect.search
        if search is None or entity.searched is None:
            msg = f"{entity.name} cannot be searched in this database; search is not offered there"
            raise QueryError(msg)
        table, key = texts_of(entity).name, ", ".join(map(self.quote, entity.key))
        terms = terms_asked(phrases, inside=entity.searched.inside)
        asked = self.bound(search.asked([term._replace(word=search.prefix + term.word) for term in terms]))
        words = self.quote("words")
        # The index says where to look; this says what is found, and the same for every database.
        parts = [self._dialect.contains.format(words, self.value("text", phrase)) for phrase in phrases]
        parts.insert(0, search.matches.format(table, asked))
        inner = f"SELECT {key} FROM {self.quote(table)} WHERE {' AND '.join(parts)}"
        return f"{key if len(entity.key) == 1 else f'({key})'} IN ({inner})"

    def _related(self, entity: Entity[typing.Any], within: Within) -> str:
        # Asked for each of ours, by the key of theirs: what is asked about one person reads no table to its end.
        here, there = self.quote(entity.name), self.quote(within.entity.name)
        pairs = zip(within.theirs, within.columns, strict=True)
        same = [f"{there}.{self.quote(theirs)} = {here}.{self.quote(ours)}" for theirs, ours in pairs]
        parts = (*same, *self.where(within.entity, None, within.where))
        return f"EXISTS (SELECT 1 FROM {there} WHERE {' AND '.join(parts)})"

    def keys(self, entity: Entity[typing.Any], keys: Sequence[Key]) -> str:
        """Return the condition that a record has one of some keys."""
        return self._dialect.keys(self, entity, keys)


def _either(options: Sequence[str]) -> str:
    """Return what holds where at least one option does."""
    if len(options) <= _WIDE:
        return f"({' OR '.join(options) or '1 = 0'})"
    middle = len(options) // 2
    return f"({_either(options[:middle])} OR {_either(options[middle:])})"


def _joined(start: str, parts: Sequence[str]) -> str:
    return f"{start}{' AND '.join(parts)}" if parts else ""
