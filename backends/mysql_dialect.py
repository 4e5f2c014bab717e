"""The SQL dialects of MariaDB and MySQL."""

from __future__ import annotations

import dataclasses
import functools
import re
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence

from persist import ddl
from persist.dialect import Dialect, Integrity, Question, Search, Statement
from persist.errors import SchemaError
from persist.schema import Field, Rows, Storage, Table
from persist.slicing import is_one, slices
from persist.spi import Row
from persist.words import Term

__all__ = ("MARIADB", "MYSQL", "QUESTION", "literal")

_ROWS: typing.Final = 250
"""How many rows a statement writes: a longer one would block the event loop for more than a millisecond."""

_PACKET: typing.Final = 16_000_000
"""The maximum length of a statement in bytes, if the server allows that much."""

_BYTES: typing.Final = 16
"""The most bytes of a statement per character of its documents: as hexadecimal UTF-8, with its share of all other
columns."""


def literal(value: typing.Any) -> str:
    """Return a value as an SQL literal, for utf8mb4 and the sql_mode that every connection here sets."""
    return (_texts if type(value) is str else _numbers)((value,))[0]


def _quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


class _Form(typing.NamedTuple):
    """How an upsert refers to the row that could not be inserted, which differs between the server families."""

    alias: str
    """The text after the rows."""

    given: str
    """A template for a column of that row."""


_VALUES: typing.Final = _Form("", "VALUES({})")
_ALIAS: typing.Final = _Form(" AS `given`", "`given`.{}")


@functools.cache
def _ends(table: Table, form: _Form) -> tuple[str, str]:
    """Return the parts of an upsert before and after its rows."""
    names = ", ".join(_quote(field.name) for field in table.fields)
    stored, given = _quote(table.name) + ".{}", form.given
    compared = _quote(table.compared)
    same = f"{stored.format(compared)} <=> {given.format(compared)}"
    # Each assignment sees the results of those to its left, so the compared column comes last.
    # Columns that are read from the payload are unchanged if the payload is.
    beside = [name for name in table.changing if name in _BESIDE]
    changes = [
        f"{column} = IF({same}, {stored.format(column)}, {given.format(column)})" for column in map(_quote, beside)
    ]
    revision = _quote("revision")
    changes += [f"{revision} = {stored.format(revision)} + IF({same}, 0, 1)"] if table.counts else []
    read = [_quote(name) for name in table.changing if name not in _BESIDE and name != table.compared]
    changes += [f"{column} = {given.format(column)}" for column in (*read, compared)]
    start = f"INSERT INTO {_quote(table.name)} ({names}) VALUES "
    return start, f"{form.alias} ON DUPLICATE KEY UPDATE {', '.join(changes)}"


_BESIDE: typing.Final = frozenset(("guild_id", "source", "shard", "epoch", "last_updated"))
"""Columns that may differ although the payload is the same."""


def _upsert(table: Table, rows: Rows[typing.Any], *, form: _Form, packet: int = _PACKET) -> Iterator[Statement]:
    # As literals: the client library would take eight times as long to insert this many parameters.
    start, end = _ends(table, form)
    for some in slices(table, rows, _ROWS, packet // _BYTES):
        columns = [_literals(field.kind, values) for field, values in zip(table.fields, some, strict=True)]
        values = ",".join([f"({','.join(row)})" for row in zip(*columns, strict=True)])
        yield f"{start}{values}{end}", ()


def _literals(kind: Storage, values: Sequence[typing.Any]) -> list[str]:
    spell = _LITERALS.get(kind, _texts)
    return spell(values[:1]) * len(values) if is_one(values) else spell(values)


def _numbers(values: Sequence[typing.Any]) -> list[str]:
    return ["NULL" if v is None else f"{v:d}" for v in values]


def _texts(values: Sequence[typing.Any]) -> list[str]:
    given = "".join(filter(None, values))
    if "\\" not in given and "'" not in given:
        return ["NULL" if v is None else f"'{v}'" for v in values]
    return ["NULL" if v is None else "'" + v.replace("\\", "\\\\").replace("'", "''") + "'" for v in values]


def _documents(values: Sequence[typing.Any]) -> list[str]:
    return [f"x'{v.encode().hex()}'" for v in values]


_LITERALS: typing.Final[Mapping[Storage, Callable[[Sequence[typing.Any]], list[str]]]] = {
    "snowflake": _numbers,
    "integer": _numbers,
    "boolean": _numbers,
    "document": _documents,
}
"""Functions that make literals of many values of a type; all other types are text."""


def _index_part(field: Field) -> str:
    return "{}(191)" if field.kind == "text" else "{}"


def _table_options(table: Table) -> str:
    return f" ENGINE = InnoDB COMMENT = {literal(table.about)}"


def _types(text: str) -> dict[typing.Any, str]:
    return {
        "snowflake": "BIGINT",
        "integer": "BIGINT",
        "boolean": "BOOLEAN",
        "text": f"LONGTEXT {text}",
        "name": f"VARCHAR(191) {text}",
        "time": "DATETIME(6)",
        "snowflakes": f"LONGTEXT {text}",
        "document": f"LONGTEXT {text}",
    }


def _create_search(dialect: Dialect, texts: Table, owner: Table) -> Iterator[str]:
    key = ", ".join(map(_quote, texts.key))
    # In one statement: MySQL would make the table a second time for an index that comes later.
    yield from ddl.create(
        dialect,
        texts,
        f"FULLTEXT INDEX {_quote(f'{texts.name}_terms')} ({_quote('terms')})",
        f"FOREIGN KEY ({key}) REFERENCES {_quote(owner.name)} ({key}) ON DELETE CASCADE",
    )


def _asked(terms: Sequence[Term]) -> str:
    return " ".join(f"+{term.word}{'*' if term.is_open else ''}" for term in terms)


_SEARCH: typing.Final = Search(
    create=_create_search,
    drop=lambda texts, _: (f"DROP TABLE IF EXISTS {_quote(texts.name)}",),
    matches="MATCH (`terms`) AGAINST ({1} IN BOOLEAN MODE)",
    asked=_asked,
    # The index omits words of less than three letters and stop words; with this prefix, no word is one of them.
    prefix="__",
    offered="SELECT @@innodb_ft_min_token_size <= 3 AND @@innodb_ft_max_token_size >= 84",
    lacking="set innodb_ft_min_token_size = 3 and innodb_ft_max_token_size = 84, the defaults, on the server",
)

_PATIENT: typing.Final = "SESSION lock_wait_timeout = 86400, SESSION innodb_lock_wait_timeout = 86400"
_AS_BEFORE: typing.Final = "SESSION lock_wait_timeout = @persist_wait, SESSION innodb_lock_wait_timeout = @persist_wait"
# The name of a lock has 64 characters at most, as the name of a database has. MySQL 9 has no MD5 and no SHA1 any more.
_LOCK: typing.Final = "CONCAT('persist ', LEFT(SHA2(DATABASE(), 256), 32))"


def _checked(row: Row) -> str | None:
    """Return the problem in a row of CHECK TABLE: its table, its operation, its type of message, and its message."""
    table, _, sort, said = map(str, row)
    if sort == "note" or (sort == "status" and said in ("OK", "Table is already up to date")):
        return None
    return f"{table.rpartition('.')[2]}: {said}"


MARIADB: typing.Final = Dialect(
    types=_types("CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"),
    placeholder=lambda _: "?",
    upsert=functools.partial(_upsert, form=_VALUES),
    quote=_quote,
    load={"time": "CAST({} AS CHAR)"},
    contains="INSTR({0}, {1}) > 0",
    # The result of & is unsigned, so it would not equal a negative number.
    has_bits="CAST({0} & {1} AS SIGNED) = {2}",
    between_commas="CONCAT(',', {0}, ',')",
    # When it sorts with a LIMIT, MariaDB pads texts with zeros, so texts that end with zeros would be equal.
    then_by="LENGTH({0})",
    lock_rows=" FOR UPDATE",
    keep_out=lambda table, where, params: (f"SELECT NULL FROM {table} WHERE {where} FOR UPDATE", params),
    lookups=2,
    list_tables="SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()",
    list_columns=(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?"
    ),
    list_indexes="SELECT DISTINCT index_name FROM information_schema.statistics WHERE table_schema = DATABASE()",
    table_options=_table_options,
    index_part=_index_part,
    inline_indexes=True,
    lock=f"SELECT GET_LOCK({_LOCK}, 86400)",
    unlock=f"SELECT RELEASE_LOCK({_LOCK})",
    prepare=(f"SET SESSION max_statement_time = 0, {_PATIENT}",),
    finish=(f"SET SESSION max_statement_time = @persist_seconds, {_AS_BEFORE}",),
    checkpoint=("COMMIT", "START TRANSACTION"),
    version="SELECT CONCAT(IF(version() LIKE '%MariaDB%', '', 'MySQL '), version())",
    size="SELECT CAST(SUM(data_length + index_length) AS SIGNED) FROM information_schema.tables "
    "WHERE table_schema = DATABASE()",
    integrity=Integrity(lambda tables: (f"CHECK TABLE {', '.join(map(_quote, tables))}",), _checked),
    tested=(10, 11),
    vacuum=("OPTIMIZE TABLE {0}",),
    rewrite=("OPTIMIZE TABLE {0}",),
    many=1000,
    search=_SEARCH,
    by_key=" FORCE INDEX (PRIMARY)",  # it might use another index of the same columns
    lock_note=" LOCK IN SHARE MODE",
)

_OLDEST: typing.Final = (8, 0, 19)
MYSQL: typing.Final = dataclasses.replace(
    MARIADB,
    types=_types("CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin"),
    upsert=functools.partial(_upsert, form=_ALIAS),
    prepare=(f"SET SESSION max_execution_time = 0, {_PATIENT}",),
    finish=(f"SET SESSION max_execution_time = CAST(1000 * @persist_seconds AS SIGNED), {_AS_BEFORE}",),
    tested=_OLDEST,
    # Of several rows that one upsert replaces, MySQL indexes only the last again.
    search=dataclasses.replace(_SEARCH, replaces=False),
)


def _dialect(rows: Sequence[Row]) -> Dialect:
    version, packet = rows[0] if rows else ("MariaDB", _PACKET)
    dialect, form = _family(str(version))
    if packet >= _PACKET:
        return dialect
    return dataclasses.replace(dialect, upsert=functools.partial(_upsert, form=form, packet=packet))


def _family(version: str) -> tuple[Dialect, _Form]:
    if "mariadb" in version.lower():
        return MARIADB, _VALUES
    if tuple(map(int, re.findall(r"\d+", version)[:3])) < _OLDEST:
        msg = f"MySQL {version} is too old; upgrade it to {'.'.join(map(str, _OLDEST))} or newer"
        raise SchemaError(msg)
    return MYSQL, _ALIAS


QUESTION: typing.Final = Question("SELECT VERSION(), @@max_allowed_packet", _dialect)
"""Queries the family and version of the server, and the maximum length of a statement."""
