"""Reading rows of an SQLite file in which a text is damaged, without losing the other rows."""

from __future__ import annotations

import sqlite3
import typing
from collections.abc import Sequence

from persist.spi import Row

__all__ = ("take", "undecoded")

_SAID: typing.Final = "Could not decode to UTF-8"


def take(error: sqlite3.OperationalError) -> None:
    """Raise the error of a query, unless it failed because of a text that is not UTF-8."""
    if not str(error).startswith(_SAID):
        raise error
    error.__traceback__ = None  # it holds the cursor, which would keep the file open


def undecoded(sql: str, params: Row, connection: sqlite3.Connection) -> Sequence[Row]:
    """Repeat a query that failed because of a text that is not UTF-8.

    The bytes that cannot be decoded become lone surrogates, so the text is not valid JSON and is reported as damaged.
    """
    before = connection.text_factory
    connection.text_factory = _decoded
    try:
        return connection.execute(sql, params).fetchall()
    finally:
        connection.text_factory = before


def _decoded(text: bytes) -> str:
    return text.decode(errors="surrogateescape")
