"""Encryption at rest, as users configure it: the keys, which one writes, and which columns stay in plain text."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import importlib
import os
import pathlib
import re
import secrets
import tomllib
import typing
from collections.abc import Collection, Mapping

from .entities import ENTITIES
from .errors import QueryError

__all__ = ("Encryption",)

_SIZE: typing.Final = 32
_ID: typing.Final = re.compile(r"[A-Za-z0-9._-]{1,32}")
_INLINE: typing.Final = "PERSIST_KEYS"
_FILE: typing.Final = "PERSIST_KEYS_FILE"


@dataclasses.dataclass(frozen=True, repr=False)
class Encryption:
    """Encrypt stored data with AES-256-GCM.

    Payloads are encrypted as a whole. The columns to find them by are stored separately: ids, numbers, flags and times
    in plain text, and each text column as a keyed hash, which can be found by its exact value only.

    Parameters
    ----------
    keys
        Keys by name, each made by :meth:`new_key`, or 32 bytes of your own. All of them can decrypt.
    current
        The name of the key that encrypts. Not needed if there is only one.
    columns
        For each kind named here, the text columns to encrypt; its other text columns stay in plain text, and can be
        sorted by and searched. For all other kinds, all text columns are encrypted.

    Raises
    ------
    persist.QueryError
        If an argument cannot be used.
    persist.MissingDriverError
        If the package ``cryptography`` is not installed.
    """

    keys: Mapping[str, str | bytes]
    current: str = ""
    columns: Mapping[str, Collection[str]] = dataclasses.field(default_factory=dict[str, Collection[str]])

    def __post_init__(self) -> None:
        importlib.import_module(f"{__package__}.ciphers")  # raises if the extra is missing
        if not isinstance(self.keys, Mapping) or not self.keys:
            msg = "keys must be a mapping from names to keys, such as {'2026': persist.Encryption.new_key()}"
            raise QueryError(msg)
        for name in self.keys:
            self.key(name)
        current = self.current or (next(iter(self.keys)) if len(self.keys) == 1 else "")
        if current not in self.keys:
            msg = f"current must name the key that encrypts, one of {', '.join(self.keys)}, not {self.current!r}"
            raise QueryError(msg)
        object.__setattr__(self, "current", current)

    def __repr__(self) -> str:
        names = ", ".join(map(repr, self.keys))
        return f"Encryption(keys={{{names}}}, current={self.current!r}, columns={self.columns!r})"

    @staticmethod
    def new_key() -> str:
        """Return a new key as text. Store it apart from the database; without it, the stored data is lost."""
        return base64.urlsafe_b64encode(secrets.token_bytes(_SIZE)).decode()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Encryption:
        """Read keys, and which columns to encrypt, from a TOML file.

        ::

            current = "2026"

            [keys]
            2026 = "..."
            2025 = "..."

            [columns]
            roles = []

        Raises
        ------
        persist.QueryError
            If the file cannot be read, or is not valid.
        """
        try:
            said = tomllib.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            # The parser's message may quote a line of the file, and that line may have a key.
            why = error.strerror if isinstance(error, OSError) else "it is not TOML"
            msg = f"the keys in {os.fspath(path)!r} cannot be read: {why}"
            raise QueryError(msg) from None
        if strange := sorted(said.keys() - {"keys", "current", "columns"}):
            msg = f"{os.fspath(path)!r} may have keys, current and columns, but not {', '.join(strange)}"
            raise QueryError(msg)
        return cls(said.get("keys", {}), said.get("current", ""), said.get("columns", {}))

    @classmethod
    def from_environment(cls) -> Encryption | None:
        """Return the encryption that ``PERSIST_KEYS`` or ``PERSIST_KEYS_FILE`` sets; ``None`` if neither is set.

        ``PERSIST_KEYS`` is ``name:key``, or several separated by commas, the current one first.
        ``PERSIST_KEYS_FILE`` is the path of a file for :meth:`load`.

        Raises
        ------
        persist.QueryError
            If the variable is not valid.
        """
        inline, path = os.environ.get(_INLINE, ""), os.environ.get(_FILE, "")
        if inline and path:
            msg = f"{_INLINE} and {_FILE} are both set; unset one of them"
            raise QueryError(msg)
        if path:
            return cls.load(path)
        if not inline:
            return None
        named = [part.strip().partition(":") for part in inline.split(",")]
        if not all(colon for _, colon, _ in named):  # what stands there alone may be a key, and is not repeated
            msg = f"{_INLINE} must be name:key, or several separated by commas; one part has no name or no key"
            raise QueryError(msg)
        keys = {name: key for name, _, key in named}
        if len(keys) < len(named):
            msg = f"{_INLINE} has the same name twice; each key needs its own"
            raise QueryError(msg)
        return cls(keys, named[0][0])

    def key(self, name: str) -> bytes:
        """Return a key as bytes.

        Raises
        ------
        persist.QueryError
            If it is not valid. The message does not contain it.
        """
        if not isinstance(name, str) or not _ID.fullmatch(name):
            this = f"one of {len(name)} characters" if isinstance(name, str) else repr(name)
            # It may be a key in the place of its name.
            msg = f"the name of a key must be up to 32 letters, digits, dots, dashes and underscores, not {this}"
            raise QueryError(msg)
        given = self.keys[name]
        try:
            key = base64.b64decode(given.encode(), altchars=b"-_", validate=True) if isinstance(given, str) else given
        except (binascii.Error, UnicodeEncodeError):
            key = b""
        if not isinstance(key, bytes) or len(key) != _SIZE:
            msg = f"the key {name!r} is neither {_SIZE} bytes nor base64 of them, as persist.Encryption.new_key() makes"
            raise QueryError(msg)
        return key

    def concealed(self) -> Mapping[str, list[str]]:
        """Return the names of all columns that are encrypted, by kind.

        Raises
        ------
        persist.QueryError
            If ``columns`` names a kind or column that does not exist, or a column that is not text.
        """
        if not isinstance(self.columns, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            example = "{'roles': set()}"
            msg = f"columns must be a mapping from kinds to names of columns, such as {example}, not {self.columns!r}"
            raise QueryError(msg)
        for name, columns in self.columns.items():
            if name not in ENTITIES:
                msg = f"there is no kind {name!r} to encrypt; there is: {', '.join(sorted(ENTITIES))}"
                raise QueryError(msg)
            if isinstance(columns, str) or not isinstance(columns, Collection):
                msg = f"columns of {name} must be a collection of names, such as {{'name'}}, not {columns!r}"
                raise QueryError(msg)
            texts = _texts(name)
            if strange := [column for column in columns if column not in texts]:
                msg = (
                    f"of {name}, {', '.join(texts) or 'no column'} can be encrypted, but not "
                    f"{', '.join(map(repr, strange))}: ids, numbers, flags and times stay in plain text; use "
                    "persist.Rules for what must not be stored at all"
                )
                raise QueryError(msg)
        return {name: sorted(self.columns.get(name, _texts(name))) for name in ENTITIES}


def _texts(name: str) -> list[str]:
    return [column for column, made in ENTITIES[name].columns.items() if made.kind == "text"]
