"""Proof that something was erased, without what it was."""

from __future__ import annotations

import dataclasses
import datetime
import hmac
import typing
from collections.abc import Mapping

import orjson

from .errors import QueryError

__all__ = ("Receipt",)

_VERSION: typing.Final = 1
_TIMES: typing.Final = ("began", "ended")


@dataclasses.dataclass(frozen=True, slots=True)
class Receipt:
    """Says that a person or a guild was erased, when, and how much it was. It names neither whom nor what.

    It can be handed out, and kept for whoever asks for proof: ``await cache.verify_receipt(receipt)``.

    Attributes
    ----------
    kind
        ``"user"`` or ``"guild"``.
    subject
        The keyed hash of the id: the same for the same id in the same database, and nothing without its key.
    key_id
        Which of the database's keys made the hash and the signature.
    began, ended
        When it was asked for, and when it was done, in UTC.
    erased
        How many things were erased, by kind.
    anonymised
        How many things of others named what was erased, and do not any more, by kind.
    purged
        Whether the files of the database were rewritten too, so that nothing is left in their gaps. It is ``False`` on
        servers, where ``persist vacuum URL --full`` does so, and where it could not be done; the log says why.
    signature
        HMAC-SHA256 of all of this under the database's key.
    """

    kind: typing.Literal["user", "guild"]
    subject: str
    key_id: str
    began: datetime.datetime
    ended: datetime.datetime
    erased: Mapping[str, int]
    anonymised: Mapping[str, int]
    purged: bool
    signature: str = ""

    def verify(self, key: bytes) -> bool:
        """Tell whether this is what was signed with a key."""
        return hmac.compare_digest(self.signature, self.signed(key).signature)

    def signed(self, key: bytes) -> Receipt:
        """Return the same with the signature that a key makes."""
        said = {**self.as_dict(), "signature": "", "version": _VERSION}
        signature = hmac.digest(key, orjson.dumps(said, option=orjson.OPT_SORT_KEYS), "sha256").hex()
        return dataclasses.replace(self, signature=signature)

    def as_dict(self) -> dict[str, typing.Any]:
        """Return what JSON can hold: its times are ISO 8601."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        times = {name: getattr(self, name).isoformat() for name in _TIMES}
        return {**fields, **times, "erased": dict(self.erased), "anonymised": dict(self.anonymised)}

    @classmethod
    def from_dict(cls, said: Mapping[str, typing.Any]) -> Receipt:
        """Return the receipt that :meth:`as_dict` has told of.

        Raises
        ------
        persist.QueryError
            If it is none.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(said, Mapping) or set(said) != names:
            msg = f"a receipt has {', '.join(sorted(names))}, and not {', '.join(sorted(map(str, said)))}"
            raise QueryError(msg)
        times: dict[str, typing.Any] = {name: _instant(name, said[name]) for name in _TIMES}
        return cls(**{**said, **times})


def _instant(name: str, spelt: object) -> datetime.datetime:
    try:
        instant = datetime.datetime.fromisoformat(spelt) if isinstance(spelt, str) else None
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        msg = f"{name!r} of a receipt is a time in ISO 8601 such as 2026-01-31T12:00:00+00:00, not {spelt!r}"
        raise QueryError(msg)
    return instant
