"""Statements that create and change tables, for a dialect."""

from __future__ import annotations

from .dialect import Dialect
from .schema import Field, Table

__all__ = ("add_column", "columns", "create", "indexes")


def create(dialect: Dialect, table: Table, *also: str) -> list[str]:
    """Return the statements that create a table, its indexes and its description. Whatever exists already stays.

    ``also`` are constraints and indexes that only this dialect has, spelled as they stand in the table's definition.
    """
    quote = dialect.quote
    parts = [*columns(dialect, table), f"PRIMARY KEY ({', '.join(map(quote, table.key))})", *also]
    later = indexes(dialect, table)
    if dialect.inline_indexes:
        parts += [f"INDEX {quote(name)} ({_indexed(dialect, table, index)})" for name, index in _named(table)]
        later = {}
    return [
        f"CREATE TABLE IF NOT EXISTS {quote(table.name)} ({', '.join(parts)}){dialect.table_options(table)}",
        *later.values(),
        *dialect.comments(table),
    ]


def indexes(dialect: Dialect, table: Table) -> dict[str, str]:
    """Return the names of a table's indexes, and the statements that create them if the table exists already."""
    quote = dialect.quote
    return {
        name: f"CREATE INDEX {quote(name)} ON {quote(table.name)} ({_indexed(dialect, table, index)})"
        for name, index in _named(table)
    }


def _named(table: Table) -> list[tuple[str, tuple[str, ...]]]:
    return [(f"{table.name}_by_{index[0]}", index) for index in table.indexes]


def columns(dialect: Dialect, table: Table) -> list[str]:
    """Return the columns of a table, as they stand where it is made."""
    return [_column(dialect, field) for field in table.fields]


def add_column(dialect: Dialect, table: Table, field: Field) -> str:
    """Return the statement that adds a column to a table."""
    return f"ALTER TABLE {dialect.quote(table.name)} ADD COLUMN {_column(dialect, field)}"


def _column(dialect: Dialect, field: Field) -> str:
    return f"{dialect.quote(field.name)} {dialect.types[field.kind]}{' NOT NULL' if field.required else ''}"


def _indexed(dialect: Dialect, table: Table, index: tuple[str, ...]) -> str:
    fields = {field.name: field for field in table.fields}
    if dialect.keys_in_indexes and len(table.key) == 1 and fields[table.key[0]].kind == "snowflake":
        index = tuple(name for name in index if name not in table.key)
    return ", ".join(dialect.index_part(fields[name]).format(dialect.quote(name)) for name in index)
