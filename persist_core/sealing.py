"""How the payloads of a database are stored: what is wanted, what the database notes, and whether the two match."""

from __future__ import annotations

import base64
import dataclasses
import importlib
import typing
from collections.abc import Collection, Mapping, Sequence

import orjson

from .codec import ENCRYPTED, Codec, Columns, Layer
from .dialect import Dialect
from .encryption import Encryption
from .entities import ENTITIES
from .errors import SchemaError
from .schema import META

if typing.TYPE_CHECKING:
    from .ciphers import Ring

__all__ = ("ENCRYPTION", "PLAIN", "Note", "Sealed", "Sealing", "Turn", "is_note", "note_of")

ENCRYPTION: typing.Final = "encryption"
"""The name of the note that says which keys encrypt a database."""

_DICTIONARY: typing.Final = "anonymous dictionary of "
_EARLIER: typing.Final = "dictionary of "
"""The prefix for dictionaries trained on user content: still used to decompress, deleted once nothing needs them."""

_TABLES: typing.Final = "tables"
_ByKind = Mapping[str, Sequence[str]]


class Note(typing.NamedTuple):
    """A database's note about its encryption."""

    whole: bool
    """Whether all data is encrypted. If not, ``persist rekey`` is running or was interrupted."""

    keys: Mapping[str, str]
    """The keys needed to read the database, each with a value to verify it."""

    columns: _ByKind
    """The hashed columns, by kind."""

    before: _ByKind
    """Columns that used to be hashed, until their records are rewritten."""

    def dumped(self) -> str:
        """Return the note as text."""
        return orjson.dumps(self._asdict(), option=orjson.OPT_SORT_KEYS).decode()


class Sealed(typing.NamedTuple):
    """How the payloads of a database are stored."""

    codec: Codec | None
    notes: Mapping[str, str]
    """The notes about it that the database must have, including those that it has already."""


class Turn(typing.NamedTuple):
    """The transition from how payloads are stored to how they should be stored."""

    codec: Codec
    """Reads both forms, and writes the wanted one."""

    hides: bool
    """Whether plain data is going to be encrypted."""

    during: Mapping[str, str]
    """The database's notes during the transition."""

    after: Mapping[str, str]
    """Its notes when the last record has been rewritten; none at all if it is not encrypted then."""


def is_note(name: str) -> bool:
    """Return whether a note is about how payloads are stored."""
    return name == ENCRYPTION or name.startswith((_DICTIONARY, _EARLIER))


def note_of(notes: Mapping[str, str]) -> Note | None:
    """Return a database's note about its encryption; ``None`` if it is not encrypted."""
    return Note(**orjson.loads(notes[ENCRYPTION])) if ENCRYPTION in notes else None


@dataclasses.dataclass(frozen=True, slots=True)
class Sealing:
    """How payloads should be stored.

    Parameters
    ----------
    encryption
        The keys.
    insist
        Whether to reject an unencrypted database if there are keys.
    compression
        Whether to compress payloads.
    """

    encryption: Encryption | None = None
    insist: bool = True
    compression: bool = False

    def __post_init__(self) -> None:
        if self.compression:
            importlib.import_module(f"{__package__}.compression")  # raises if the extra is missing

    def decide(self, dialect: Dialect, meta: Mapping[str, str], where: str) -> Sealed:
        """Return how the payloads of a database are stored from now on.

        Parameters
        ----------
        dialect
            The dialect of the database.
        meta
            All notes of the database; without a version if it is new.
        where
            The name of the database in messages.

        Raises
        ------
        persist.SchemaError
            If it is encrypted differently than requested.
        """
        note, is_new, encryption = note_of(meta), "schema_version" not in meta, self.encryption
        if encryption is None:
            _refuse_locked(note, where)
            return Sealed(self._codec(dialect, meta, None, None), {})
        if note is None and not is_new:
            if not self.insist:
                return Sealed(self._codec(dialect, meta, None, None), {})
            msg = (
                f"{where} is not encrypted, but keys are set; stop the bot and encrypt the data with "
                "`persist rekey`, or name a new database"
            )
            raise SchemaError(msg)
        wanted = encryption.concealed()
        ring = _ring(encryption, note, where)
        if note is None:
            note = Note(whole=True, keys={}, columns=wanted, before={})
        else:
            _check_columns(note, wanted, orjson.loads(meta.get(_TABLES, "{}")), where)
        keys = {**note.keys, ring.current: ring.check(ring.current)}
        note = note._replace(keys=keys, columns={**note.columns, **wanted})
        return Sealed(self._codec(dialect, meta, note, ring), {ENCRYPTION: note.dumped()})

    def turn(self, dialect: Dialect, meta: Mapping[str, str], where: str, *, decrypt: bool = False) -> Turn:
        """Return the transition that rewrites everything in a database.

        Parameters
        ----------
        dialect, meta, where
            As for :meth:`decide`.
        decrypt
            Whether to remove the encryption.

        Raises
        ------
        persist.SchemaError
            If the keys for it are missing.
        """
        note, encryption = note_of(meta), self.encryption
        if encryption is None:
            if decrypt and note_of(meta) is None:
                msg = f"{where} is not encrypted: there is nothing to decrypt"
                raise SchemaError(msg)
            return self._turn_clear(dialect, meta, where)
        ring = _ring(encryption, note, where)
        _check_kinds(meta, where)
        known = note if note is not None else Note(whole=False, keys={}, columns={}, before={})
        wanted: _ByKind = {} if decrypt else encryption.concealed()
        during = known._replace(
            whole=known.whole and not decrypt and known.columns == wanted,
            keys=known.keys if decrypt else {**known.keys, ring.current: ring.check(ring.current)},
            columns=wanted,
            before=_joined(known.columns, known.before),
        )
        after = Note(whole=True, keys={ring.current: ring.check(ring.current)}, columns=wanted, before={})
        codec = self._made(dialect, meta, during._replace(whole=False), ring, write=not decrypt)
        sealing = None if decrypt else ring
        kept = _dictionary_notes(_dictionaries(meta, ring), sealing)
        earlier = _dictionary_notes(_dictionaries(meta, ring, _EARLIER), sealing, _EARLIER)
        noted = {} if decrypt else {ENCRYPTION: after.dumped()}
        hides = not (decrypt or during.whole)
        return Turn(codec, hides, {ENCRYPTION: during.dumped(), **kept, **earlier}, {**noted, **kept})

    def _turn_clear(self, dialect: Dialect, meta: Mapping[str, str], where: str) -> Turn:
        """Return how to compress everything in plain text, or to stop compressing it."""
        _refuse_locked(note_of(meta), where)
        codec = self._codec(dialect, meta, None, None)
        if codec is None:
            msg = f"there are no keys to encrypt {where} with; set PERSIST_KEYS, or PERSIST_KEYS_FILE to their file"
            if self.compression:
                msg = f"{where} has no dictionary to compress with yet; a bot with this URL creates it"
            raise SchemaError(msg)
        _check_kinds(meta, where)
        kept = {name: value for name, value in meta.items() if is_note(name)}
        after = {name: value for name, value in kept.items() if not name.startswith(_EARLIER)}
        return Turn(codec, hides=False, during=kept, after=after)

    def follow(self, dialect: Dialect, notes: Mapping[str, str], where: str) -> Sealed:
        """Return how payloads are stored, now that the notes have changed since the database was opened.

        Raises
        ------
        persist.SchemaError
            If it needs keys that were not given.
        """
        note = note_of(notes)
        if note is None or self.encryption is None:
            _refuse_locked(note, where)
            return Sealed(self._codec(dialect, notes, None, None), notes)
        return Sealed(self._codec(dialect, notes, note, _ring(self.encryption, note, where)), notes)

    @staticmethod
    def compressed(notes: Mapping[str, str]) -> Collection[str]:
        """Return the kinds that have a dictionary."""
        return {name.removeprefix(_DICTIONARY) for name in notes if name.startswith(_DICTIONARY)}

    @staticmethod
    def remembers(notes: Mapping[str, str]) -> bool:
        """Return whether dictionaries may contain fragments of user content, from when they were trained on it."""
        return any(name.startswith(_EARLIER) for name in notes)

    def dictionary(self, meta: Mapping[str, str], kind: str, dictionary: bytes, where: str) -> Mapping[str, str]:
        """Return the notes for a new dictionary of a kind; none if another process has already made one."""
        note = note_of(meta)
        ring = _ring(self.encryption, note, where) if self.encryption is not None and note is not None else None
        return {} if kind in _dictionaries(meta, ring) else _dictionary_notes({kind: dictionary}, ring)

    def _codec(self, dialect: Dialect, meta: Mapping[str, str], note: Note | None, ring: Ring | None) -> Codec | None:
        """Return the codec between records and rows; ``None`` if none is needed."""
        plain = note is None and not any(map(is_note, meta))
        return None if plain else self._made(dialect, meta, note, ring)

    def _made(
        self, dialect: Dialect, meta: Mapping[str, str], note: Note | None, ring: Ring | None, *, write: bool = True
    ) -> Codec:
        readers: list[Layer] = []
        layers: list[Layer] = []
        columns: Columns | None = None
        dictionaries, earlier = _dictionaries(meta, ring), _dictionaries(meta, ring, _EARLIER)
        if dictionaries or earlier:
            from .compression import Zstd  # noqa: PLC0415 - an extra

            readers.append(Zstd(dictionaries, earlier.values()))
            layers += readers if self.compression else ()
        if ring is not None and note is not None:
            from .ciphers import Concealed  # noqa: PLC0415 - an extra

            readers.append(ring)
            layers += [ring] if write else ()
            columns = Concealed(ring, note.columns, None if note.whole else _joined(note.columns, note.before))
        strict = note is not None and note.whole
        return Codec(layers, readers, columns, binary=dialect.binary, strict=strict)


PLAIN: typing.Final = Sealing()
"""As plain JSON."""


def _ring(encryption: Encryption, note: Note | None, where: str) -> Ring:
    from .ciphers import Ring  # noqa: PLC0415 - an extra

    ring, known = Ring(encryption), note.keys if note is not None else {}
    if lacking := sorted(known.keys() - encryption.keys.keys()):
        msg = (
            f"{where} is encrypted with {_listed(lacking)}, which is missing; add it too, until `persist rekey` has "
            "replaced it"
        )
        raise SchemaError(msg)
    if wrong := sorted(name for name, check in known.items() if ring.check(name) != check):
        msg = f"{_listed(wrong)} is not the one that {where} is encrypted with; does it belong to another database?"
        raise SchemaError(msg)
    return ring


def _dictionaries(meta: Mapping[str, str], ring: Ring | None, called: str = _DICTIONARY) -> Mapping[str, bytes]:
    """Return the dictionaries stored in a database, by kind."""
    found: dict[str, bytes] = {}
    for name, value in meta.items():
        if name.startswith(called):
            stored = base64.b64decode(value)
            if ring is not None and stored[0] == ENCRYPTED:
                stored = ring.unseal(META.name, (name,), stored)
            found[name.removeprefix(called)] = stored
    return found


def _dictionary_notes(
    dictionaries: Mapping[str, bytes], ring: Ring | None, called: str = _DICTIONARY
) -> Mapping[str, str]:
    """Return dictionaries in the form in which a database stores them."""
    notes: dict[str, str] = {}
    for kind, dictionary in dictionaries.items():
        name = f"{called}{kind}"
        stored = dictionary if ring is None else ring.seal(META.name, (name,), dictionary)
        notes[name] = base64.b64encode(stored).decode()
    return notes


def _refuse_locked(note: Note | None, where: str) -> None:
    if note is not None:
        msg = (
            f"{where} is encrypted with {_listed(sorted(note.keys))}; pass it with "
            "encryption=persist.Encryption(...), or set PERSIST_KEYS"
        )
        raise SchemaError(msg)


def _check_columns(note: Note, wanted: _ByKind, tables: _ByKind, where: str) -> None:
    """Raise an error if the encrypted columns would change; columns added since then may be encrypted or not."""
    for kind, columns in wanted.items():
        known = note.columns.get(kind, ())
        here = set(tables.get(kind, ()))
        for column in sorted({*columns, *known} & here):
            if (column in columns) != (column in known):
                said = ("encrypted", "in plain text") if column in known else ("in plain text", "encrypted")
                msg = (
                    f"{kind}.{column} is {said[0]} in {where}, but {said[1]} in these settings; `persist rekey` with "
                    "PERSIST_KEYS_FILE changes it, or leave columns= as it was"
                )
                raise SchemaError(msg)


def _check_kinds(meta: Mapping[str, str], where: str) -> None:
    """Raise an error if only part of a database would be rewritten: the rest would become unreadable."""
    tables: _ByKind = orjson.loads(meta.get(_TABLES, "{}"))
    if unknown := sorted(name for name in tables if name not in ENTITIES and not name.startswith("persist_")):
        msg = f"{where} has {', '.join(unknown)}, which no plugin here adds; run this where the plugins are installed"
        raise SchemaError(msg)


def _joined(one: _ByKind, other: _ByKind) -> _ByKind:
    return {name: sorted({*one.get(name, ()), *other.get(name, ())}) for name in {**one, **other}}


def _listed(names: Sequence[str]) -> str:
    return f"the key {names[0]!r}" if len(names) == 1 else f"the keys {', '.join(map(repr, names))}"
