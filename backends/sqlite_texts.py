"""Reading rows of an SQLite file in which a text is damaged: one of them does not cost the others."""

from __future__ import annotations

import sqlite3
import typing
from collections.abc import Sequence

from persist.spi import Row

__all__ = ("undecoded",)

_SAID: typing.Final = "Could not decode to UTF-8"


def undecoded(error: sqlite3.OperationalError, sql: str, params: Row, connection: sqlite3.Connection) -> Sequence[Row]:
    """Ask a question again that failed, if a text of one row was the reason. Raises the error if it was not.

    What cannot be decoded is then a text with lone surrogates: it is no JSON, and nothing takes it for what it was.
    """
    if not str(error).startswith(_SAID):
        raise error
    before = connection.text_factory
    connection.text_factory = _decoded
    try:
        return connection.execute(sql, params).fetchall()
    finally:
        connection.text_factory = before


def _decoded(text: bytes) -> str:
    return text.decode(errors="surrogateescape")
