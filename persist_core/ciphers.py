"""The encryption itself: AES-256-GCM of documents, and keyed hashes of texts to find them by.

Three keys are derived from each key: one encrypts, one makes nonces, one makes hashes. A nonce is the HMAC of the
document and of where it is stored, so that two nonces are equal only if everything else is equal, too. A record that
arrives again unchanged is therefore encrypted to what is stored already, and nothing is written. This reveals whether a
record is back at an earlier version of itself, and nothing about how two records compare.
"""

from __future__ import annotations

import base64
import hmac
import typing
from collections.abc import Collection, Mapping, Sequence

from .codec import ENCRYPTED, Conceal, Seek, place
from .encryption import Encryption
from .errors import CorruptRecordError, MissingDriverError
from .model import Entity, Key

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ModuleNotFoundError as _error:
    raise MissingDriverError("cryptography", "encryption") from _error

__all__ = ("Concealed", "Ring")

_NONCE: typing.Final = 12
_HASH: typing.Final = 16
_HEAD: typing.Final = 2


class _Cipher:
    """Encrypts and hashes with one key."""

    def __init__(self, name: str, key: bytes) -> None:
        self.head = bytes((ENCRYPTED, len(name))) + name.encode()
        self._encrypting = AESGCM(_derived(key, "documents"))
        self._numbering = _derived(key, "nonces")
        self._hashing = _derived(key, "texts")

    def seal(self, where: bytes, document: bytes) -> bytes:
        where = self.head + where
        # The place is JSON, which contains no NUL, so the first one after it marks where the document begins.
        nonce = hmac.digest(self._numbering, where + b"\0" + document, "sha256")[:_NONCE]
        return self.head + nonce + self._encrypting.encrypt(nonce, document, where)

    def unseal(self, where: bytes, sealed: bytes) -> bytes:
        start = len(self.head)
        nonce = sealed[start : start + _NONCE]
        return self._encrypting.decrypt(nonce, sealed[start + _NONCE :], self.head + where)

    def hashed(self, column: bytes, text: str) -> str:
        digest = hmac.digest(self._hashing, column + text.encode("utf-8", "surrogatepass"), "sha256")
        return base64.b64encode(digest[:_HASH]).decode()


def _derived(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, None, f"persist 1 {purpose}".encode()).derive(key)


class Ring:
    """All keys: the layer that encrypts documents.

    Parameters
    ----------
    encryption
        The keys, and which of them writes.
    """

    mark: int = ENCRYPTED

    def __init__(self, encryption: Encryption) -> None:
        self._ciphers = {name: _Cipher(name, encryption.key(name)) for name in encryption.keys}
        self.current: str = encryption.current
        self._writing = self._ciphers[self.current]

    def seal(self, table: str, key: Key, document: bytes) -> bytes:
        return self._writing.seal(place(table, key), document)

    def unseal(self, table: str, key: Key, sealed: bytes) -> bytes:
        name = sealed[_HEAD : _HEAD + sum(sealed[1:_HEAD])].decode("utf-8", "replace")
        cipher = self._ciphers.get(name)
        if cipher is None:
            msg = f"it is encrypted with the key {name!r}, which is not among the keys"
            raise CorruptRecordError(msg)
        try:
            return cipher.unseal(place(table, key), sealed)
        except (InvalidTag, ValueError):
            msg = f"it was encrypted with a key other than this {name!r}, or altered, or moved from another record"
            raise CorruptRecordError(msg) from None

    def check(self, name: str) -> str:
        """Return a value that shows later whether a key of this name is the same one, and reveals nothing else."""
        return self._ciphers[name].hashed(place("persist_meta", ("check",)), name)

    def hashes(self, table: str, column: str, *, readable: bool) -> Seek:
        """Return a function that hashes a column's text: with the current key first, and if ``readable`` with all."""
        where = place(table, (column,))
        current = self._writing
        others = [cipher for cipher in self._ciphers.values() if cipher is not current] if readable else []
        return lambda text: [cipher.hashed(where, text) for cipher in (current, *others)]


class Concealed:
    """Knows which columns hold hashes.

    Parameters
    ----------
    ring
        The keys.
    written
        Columns whose texts are hashed before they are written, by kind.
    held
        Columns that may hold both hashes and texts, because the settings used to be different.
    """

    def __init__(
        self, ring: Ring, written: Mapping[str, Collection[str]], held: Mapping[str, Collection[str]] | None = None
    ) -> None:
        self._ring = ring
        self._written = written
        self._held = held

    def conceal(self, entity: Entity[typing.Any], column: str) -> Conceal | None:
        if column not in self._written.get(entity.name, ()):
            return None
        hashes = self._ring.hashes(entity.name, column, readable=False)
        return lambda text: hashes(text)[0]

    def seek(self, entity: Entity[typing.Any], column: str) -> Seek | None:
        mixed = self._held is not None and column in self._held.get(entity.name, ())
        if not mixed and column not in self._written.get(entity.name, ()):
            return None
        hashes = self._ring.hashes(entity.name, column, readable=True)

        def seek(text: str) -> Sequence[str]:
            return [*hashes(text), text] if mixed else hashes(text)

        return seek
