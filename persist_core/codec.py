"""The codec of a store: the transformations between a record and its row, beyond plain JSON.

A document passes through layers on its way into the database, and through the same ones in reverse on its way out. Each
layer starts its output with a byte of its own, so every stored document shows what is needed to read it; JSON starts
with ``{`` and needs nothing. Rows of different layers can share a table, and layers come and go with the settings.
"""

from __future__ import annotations

import base64
import typing
from collections.abc import Callable, Mapping, Sequence

import orjson

from .errors import CorruptRecordError, QueryError
from .model import Entity, Key, Record
from .schema import Columnar, columns_of, table_of

__all__ = ("COMPRESSED", "ENCRYPTED", "Codec", "Columns", "Layer", "packed", "place", "unpacked")

COMPRESSED: typing.Final = 1
ENCRYPTED: typing.Final = 2
_SEAL: typing.Final = bytes((ENCRYPTED,))
_JSON: typing.Final = ord("{")
_NEEDS: typing.Final = {
    COMPRESSED: "it is compressed, but its dictionary is not in the database",
    ENCRYPTED: "it is encrypted, but there are no keys",
}

Conceal = Callable[[str], str]
Seek = Callable[[str], Sequence[str]]
AnyEntity = Entity[typing.Any]


class Layer(typing.Protocol):
    """One transformation of documents."""

    @property
    def mark(self) -> int:
        """The first byte of its output."""
        ...

    def seal(self, table: str, key: Key, document: bytes) -> bytes:
        """Return the document to store, with the mark, or the document itself if this layer does not apply to it.

        The same document of the same record always gives the same result, so that a store can detect unchanged data.
        """
        ...

    def unseal(self, table: str, key: Key, sealed: bytes) -> bytes:
        """Return the document.

        Raises
        ------
        persist.CorruptRecordError
            If it cannot be read; the message says why.
        """
        ...


class Columns(typing.Protocol):
    """Knows which columns hold something other than their plain text."""

    def conceal(self, entity: AnyEntity, column: str) -> Conceal | None:
        """Return a function from a text to the value of its column; ``None`` if that is the text itself."""
        ...

    def seek(self, entity: AnyEntity, column: str) -> Seek | None:
        """Return a function from a text to all values that its column may hold; ``None`` if that is only the text."""
        ...


def packed(sealed: bytes, *, binary: bool) -> bytes | str:
    """Return layered bytes as a document column holds them: as a JSON string if the column cannot hold bytes."""
    return sealed if binary else f'"{base64.b64encode(sealed).decode()}"'


def unpacked(stored: bytes | str) -> bytes:
    """Return the bytes in a document column."""
    if isinstance(stored, str):
        if not stored.startswith('"'):
            return stored.encode()
        try:
            return base64.b64decode(stored[1:-1], validate=True)
        except ValueError:
            return b""
    return bytes(stored)


def place(table: str, key: Key) -> bytes:
    """Return a unique encoding of where something is stored."""
    return orjson.dumps((table, *key))


class Codec:
    """Makes rows from records, and documents from the content of rows.

    Parameters
    ----------
    layers
        The layers for documents on their way into the database.
    readers
        The layers they may have passed through in the past; if two share a mark, the later one is used.
    columns
        Knows which columns hold something other than their plain text.
    binary
        Whether a document column can hold bytes.
    strict
        Whether every document must be encrypted.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        readers: Sequence[Layer],
        columns: Columns | None,
        *,
        binary: bool,
        strict: bool = False,
    ) -> None:
        self._layers = layers
        self._readers: Mapping[int, Layer] = {layer.mark: layer for layer in readers}
        self._columns = columns
        self._binary = binary
        self._strict = strict
        self._makers: dict[AnyEntity, Callable[[Sequence[Record]], Columnar]] = {}

    def columns_of(self, records: Sequence[Record]) -> Columnar:
        """Return the rows of records of one kind, column by column, as :func:`~persist.schema.columns_of` does."""
        entity = records[0].entity
        make = self._makers.get(entity)
        if make is None:
            make = self._makers[entity] = self._maker(entity)
        return make(records)

    def _maker(self, entity: AnyEntity) -> Callable[[Sequence[Record]], Columnar]:
        names = [field.name for field in table_of(entity).fields]
        document = names.index("payload")
        concealed = [(names.index(name), conceal) for name, conceal in self.concealed(entity).items() if conceal]

        def make(records: Sequence[Record]) -> Columnar:
            columns = list(columns_of(records))
            documents = zip(records, columns[document], strict=True)
            columns[document] = [self.sealed(entity.name, record.key, plain) for record, plain in documents]
            for index, conceal in concealed:
                columns[index] = [None if value is None else conceal(value) for value in columns[index]]
            return columns

        return make

    def concealed(self, entity: AnyEntity) -> Mapping[str, Conceal | None]:
        """Return, for each text column of a kind, the function that computes its value."""
        columns = self._columns
        texts = [name for name, column in entity.columns.items() if column.kind == "text"]
        return {name: columns.conceal(entity, name) if columns else None for name in texts}

    def sealed(self, table: str, key: Key, document: str) -> bytes | str:
        """Return a document as it is stored under a key."""
        plain = whole = document.encode()
        for layer in self._layers:
            whole = layer.seal(table, key, whole)
        return document if whole is plain else packed(whole, binary=self._binary)

    def opened(self, table: str, key: Key, stored: bytes | str) -> bytes:
        """Return the JSON of a document that is stored under a key.

        Raises
        ------
        persist.CorruptRecordError
            If it cannot be read; the message says why.
        """
        document = unpacked(stored)
        if self._strict and document[:1] != _SEAL:
            msg = "it is not encrypted, although everything else in this database is; `persist rekey` encrypts it"
            raise CorruptRecordError(msg)
        while document[:1] and (mark := document[0]) != _JSON:
            layer = self._readers.get(mark)
            if layer is None:
                raise CorruptRecordError(_NEEDS.get(mark, "its payload is not JSON"))
            document = layer.unseal(table, key, document)
        return document

    def sought(self, entity: AnyEntity, column: str, test: str, value: typing.Any) -> Sequence[str] | None:
        """Return the values that a column may have where a test of its text holds; ``None`` if it has the text itself.

        Raises
        ------
        persist.QueryError
            If that cannot be determined from the column.
        """
        seek = self._columns.seek(entity, column) if self._columns else None
        if seek is None or test == "is_null":
            return None
        match test:
            case "equals":
                return [] if value is None else seek(value)
            case "is_in":
                return [held for text in value if text is not None for held in seek(text)]
            case _:
                raise QueryError(_closed(entity, column, f"compared by {test!r}"))

    def check_order(self, entity: AnyEntity, column: str) -> None:
        """Check that a column can be sorted by.

        Raises
        ------
        persist.QueryError
            If its values sort differently than its texts.
        """
        if self._columns is not None and self._columns.seek(entity, column) is not None:
            raise QueryError(_closed(entity, column, "sorted by"))


def _closed(entity: AnyEntity, column: str, what: str) -> str:
    return (
        f"{entity.name}.{column} is encrypted and cannot be {what}: the database can only test whether it equals a "
        f"string; do it in Python, or keep it in plain text with "
        f"persist.Encryption(..., columns={{{entity.name!r}: ...}})"
    )
