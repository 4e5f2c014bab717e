"""How the payloads of a database are stored: what is wanted, what it notes of itself, and whether the two fit."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping, Sequence

import orjson

from .codec import Codec
from .dialect import Dialect
from .encryption import Encryption
from .errors import SchemaError

if typing.TYPE_CHECKING:
    from .ciphers import Ring

__all__ = ("ENCRYPTION", "PLAIN", "Note", "Sealed", "Sealing", "Turn", "is_note", "note_of")

ENCRYPTION: typing.Final = "encryption"
"""The name of the note that says with which keys a database is encrypted."""

_TABLES: typing.Final = "tables"
_ByKind = Mapping[str, Sequence[str]]


class Note(typing.NamedTuple):
    """What a database notes of its encryption."""

    whole: bool
    """Whether all of it is encrypted. If not, ``persist rekey`` is at work, or was interrupted."""

    keys: Mapping[str, str]
    """The keys that it takes to read it, and what shows that they are the same."""

    columns: _ByKind
    """The columns that are hashes, by kind."""

    before: _ByKind
    """Columns that were, until they are rewritten."""

    def dumped(self) -> str:
        """Spell it."""
        return orjson.dumps(self._asdict(), option=orjson.OPT_SORT_KEYS).decode()


class Sealed(typing.NamedTuple):
    """How the payloads of a database are stored."""

    codec: Codec | None
    notes: Mapping[str, str]
    """What the database has to note of it, and what it does note of it."""


class Turn(typing.NamedTuple):
    """The way from how payloads are stored to how they are wanted to be."""

    codec: Codec
    """Reads what is stored in either way, and writes what is wanted."""

    hides: bool
    """Whether something becomes encrypted that was in clear."""

    during: Mapping[str, str]
    """What the database notes on the way."""

    after: Mapping[str, str]
    """What it notes when the last record has been rewritten: nothing at all if it is not encrypted then."""


def is_note(name: str) -> bool:
    """Tell whether a note of a database is about how its payloads are stored."""
    return name == ENCRYPTION


def note_of(notes: Mapping[str, str]) -> Note | None:
    """Return what a database notes of its encryption; ``None`` if it is not encrypted."""
    return Note(**orjson.loads(notes[ENCRYPTION])) if ENCRYPTION in notes else None


@dataclasses.dataclass(frozen=True, slots=True)
class Sealing:
    """How payloads are wanted to be stored.

    Parameters
    ----------
    encryption
        The keys.
    insist
        Whether a database that is not encrypted is refused if there are keys.
    """

    encryption: Encryption | None = None
    insist: bool = True

    def decide(self, dialect: Dialect, meta: Mapping[str, str], where: str) -> Sealed:
        """Return how the payloads of a database are stored from now on.

        Parameters
        ----------
        dialect
            How the database spells.
        meta
            All that it notes of itself; nothing about its version if it is new.
        where
            What it is called in messages.

        Raises
        ------
        persist.SchemaError
            If it is encrypted in another way than it is asked for.
        """
        note, is_new, encryption = note_of(meta), "schema_version" not in meta, self.encryption
        if encryption is None:
            _refuse_locked(note, where)
            return Sealed(None, {})
        if note is None and not is_new:
            if not self.insist:
                return Sealed(None, {})
            msg = (
                f"{where} is not encrypted, and keys are given; stop the bot and encrypt what is there with "
                "`persist rekey`, or name a new database"
            )
            raise SchemaError(msg)
        wanted = encryption.concealed()
        ring = _ring(encryption, note, where)
        if note is None:
            note = Note(whole=True, keys={}, columns=wanted, before={})
        else:
            _check_columns(note, wanted, orjson.loads(meta.get(_TABLES, "{}")), where)
        note = note._replace(keys={**note.keys, ring.current: ring.check(ring.current)}, columns=wanted)
        return Sealed(_codec(dialect, note, ring), {ENCRYPTION: note.dumped()})

    def turn(self, dialect: Dialect, meta: Mapping[str, str], where: str, *, decrypt: bool = False) -> Turn:
        """Return what it takes to rewrite all that a database holds.

        Parameters
        ----------
        dialect, meta, where
            As for :meth:`decide`.
        decrypt
            Whether it is not to be encrypted any more.

        Raises
        ------
        persist.SchemaError
            If there are no keys to do it with.
        """
        note, encryption = note_of(meta), self.encryption
        if encryption is None:
            _refuse_locked(note, where)
            msg = f"it takes keys to encrypt {where}: put them into PERSIST_KEYS, or their file into PERSIST_KEYS_FILE"
            raise SchemaError(msg)
        ring = _ring(encryption, note, where)
        known = note if note is not None else Note(whole=False, keys={}, columns={}, before={})
        wanted: _ByKind = {} if decrypt else encryption.concealed()
        during = known._replace(
            whole=known.whole and not decrypt and known.columns == wanted,
            keys=known.keys if decrypt else {**known.keys, ring.current: ring.check(ring.current)},
            columns=wanted,
            before=_joined(known.columns, known.before),
        )
        after = Note(whole=True, keys={ring.current: ring.check(ring.current)}, columns=wanted, before={})
        codec = _codec(dialect, during._replace(whole=False), ring, write=not decrypt)
        noted = {} if decrypt else {ENCRYPTION: after.dumped()}
        return Turn(codec, not (decrypt or during.whole), {ENCRYPTION: during.dumped()}, noted)

    def follow(self, dialect: Dialect, notes: Mapping[str, str], where: str) -> Sealed:
        """Return how payloads are stored now that a database notes something else than when it was opened.

        Raises
        ------
        persist.SchemaError
            If it takes keys that are not given.
        """
        note = note_of(notes)
        if note is None or self.encryption is None:
            _refuse_locked(note, where)
            return Sealed(None, notes)
        return Sealed(_codec(dialect, note, _ring(self.encryption, note, where)), notes)


PLAIN: typing.Final = Sealing()
"""As JSON."""


def _ring(encryption: Encryption, note: Note | None, where: str) -> Ring:
    from .ciphers import Ring  # noqa: PLC0415 - an extra

    ring, known = Ring(encryption), note.keys if note is not None else {}
    if lacking := sorted(known.keys() - encryption.keys.keys()):
        msg = (
            f"{where} is encrypted with {_listed(lacking)}, which is not given; give it as well, and `persist rekey` "
            "makes it needless"
        )
        raise SchemaError(msg)
    if wrong := sorted(name for name, check in known.items() if ring.check(name) != check):
        msg = f"{_listed(wrong)} is not the one that {where} is encrypted with; is it that of another database?"
        raise SchemaError(msg)
    return ring


def _codec(dialect: Dialect, note: Note, ring: Ring, *, write: bool = True) -> Codec:
    from .ciphers import Concealed  # noqa: PLC0415 - an extra

    held = None if note.whole else _joined(note.columns, note.before)
    layers = [ring] if write else []
    return Codec(layers, [ring], Concealed(ring, note.columns, held), binary=dialect.binary, strict=note.whole)


def _refuse_locked(note: Note | None, where: str) -> None:
    if note is not None:
        msg = (
            f"{where} is encrypted with {_listed(sorted(note.keys))}; give it with "
            "encryption=persist.Encryption(...), or in PERSIST_KEYS"
        )
        raise SchemaError(msg)


def _check_columns(note: Note, wanted: _ByKind, tables: _ByKind, where: str) -> None:
    """Refuse other columns than those that are hashes; what is new since then is as it is wanted."""
    for kind, columns in wanted.items():
        known = note.columns.get(kind, ())
        here = set(tables.get(kind, ()))
        for column in sorted({*columns, *known} & here):
            if (column in columns) != (column in known):
                said = ("encrypted", "in clear") if column in known else ("in clear", "encrypted")
                msg = (
                    f"{kind}.{column} is {said[0]} in {where}, and {said[1]} in what is asked for; `persist rekey` "
                    "with PERSIST_KEYS_FILE changes it, or leave columns= as it was"
                )
                raise SchemaError(msg)


def _joined(one: _ByKind, other: _ByKind) -> _ByKind:
    return {name: sorted({*one.get(name, ()), *other.get(name, ())}) for name in {**one, **other}}


def _listed(names: Sequence[str]) -> str:
    return f"the key {names[0]!r}" if len(names) == 1 else f"the keys {', '.join(map(repr, names))}"
