"""Compression of payloads: zstandard, with a dictionary for each kind of object, trained on what payloads share.

A payload of a few hundred bytes hardly repeats itself, but it repeats others of its kind: what they share is in the
dictionary. Each compressed document names its dictionary, so used dictionaries must be kept. They must not contain user
content, and are therefore trained on :func:`~persist.anonymity.anonymous` payloads.
"""

from __future__ import annotations

import secrets
import threading
import typing
from collections.abc import Collection, Mapping, Sequence

from .codec import COMPRESSED
from .errors import CorruptRecordError, MissingDriverError
from .model import Key

try:
    import zstandard
except ModuleNotFoundError as _error:
    raise MissingDriverError("zstandard", "compression") from _error

__all__ = ("Zstd", "trained")

_LEVEL: typing.Final = 3
_SIZE: typing.Final = 8 * 1024
_MARK: typing.Final = bytes((COMPRESSED,))


def trained(samples: Sequence[bytes]) -> bytes | None:
    """Return a dictionary trained on samples; ``None`` if they have too little in common."""
    size = min(_SIZE, sum(map(len, samples)) // 10)
    try:
        number = secrets.randbelow(1 << 30) + (1 << 16)  # the smaller ones are reserved
        return zstandard.train_dictionary(size, list(samples), dict_id=number, level=_LEVEL).as_bytes()
    except zstandard.ZstdError:
        return None


class Zstd:
    """The layer that compresses documents.

    Parameters
    ----------
    dictionaries
        The dictionaries to compress with, by table.
    earlier
        Other dictionaries, for existing documents.
    """

    mark: int = COMPRESSED

    def __init__(self, dictionaries: Mapping[str, bytes], earlier: Collection[bytes] = ()) -> None:
        made = {table: zstandard.ZstdCompressionDict(data) for table, data in dictionaries.items()}
        for dictionary in made.values():
            dictionary.precompute_compress(level=_LEVEL)
        self._writing = {
            table: zstandard.ZstdCompressor(level=_LEVEL, dict_data=dictionary, write_checksum=False)
            for table, dictionary in made.items()
        }
        every = (*made.values(), *map(zstandard.ZstdCompressionDict, earlier))
        self._reading = {each.dict_id(): zstandard.ZstdDecompressor(dict_data=each) for each in every}
        # Neither is thread-safe, and a writer's thread and the event loop may use them at the same time.
        self._locks = (threading.Lock(), threading.Lock())

    def seal(self, table: str, key: Key, document: bytes) -> bytes:  # noqa: ARG002 - layers are called alike
        writer = self._writing.get(table)
        if writer is None:
            return document
        with self._locks[0]:
            smaller = _MARK + writer.compress(document)
        return smaller if len(smaller) < len(document) else document

    def unseal(self, table: str, key: Key, sealed: bytes) -> bytes:  # noqa: ARG002 - layers are called alike
        try:
            reader = self._reading.get(zstandard.get_frame_parameters(sealed[1:]).dict_id)
            if reader is None:
                msg = "it is compressed, but its dictionary is not in the database"
                raise CorruptRecordError(msg)
            with self._locks[1]:
                return reader.decompress(sealed[1:])
        except zstandard.ZstdError as error:
            msg = f"it is compressed and damaged: {error}"
            raise CorruptRecordError(msg) from error
