"""Proof of an erasure, without the erased data."""

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
    """Proof that a user or a guild was erased, when, and how much. It reveals neither the id nor the data.

    You can give it to the user and check it later: ``await cache.verify_receipt(receipt)``.

    Attributes
    ----------
    kind
        ``"user"`` or ``"guild"``.
    subject
        A keyed hash of the id: the same for the same id in the same database, and meaningless without the key.
    key_id
        Which of the database's keys made the hash and the signature.
    began, ended
        When the erasure was requested, and when it was done, in UTC.
    erased
        How many records were erased, by kind.
    anonymised
        How many records of others named the user or guild and no longer do, by kind.
    purged
        Whether the database files were rewritten too, so that nothing remains in unused space. ``False`` on database
        servers, where ``persist vacuum URL --full`` does this, and if it failed; the log says why.
    signature
        HMAC-SHA256 of all of this with the database's key.
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
        """Return whether the signature is valid for a key."""
        return hmac.compare_digest(self.signature, self.signed(key).signature)

    def signed(self, key: bytes) -> Receipt:
        """Return a copy that is signed with a key."""
        said = {**self.as_dict(), "signature": "", "version": _VERSION}
        signature = hmac.digest(key, orjson.dumps(said, option=orjson.OPT_SORT_KEYS), "sha256").hex()
        return dataclasses.replace(self, signature=signature)

    def as_dict(self) -> dict[str, typing.Any]:
        """Return the receipt as values that JSON can hold; times are in ISO 8601."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        times = {name: getattr(self, name).isoformat() for name in _TIMES}
        return {**fields, **times, "erased": dict(self.erased), "anonymised": dict(self.anonymised)}

    @classmethod
    def from_dict(cls, said: Mapping[str, typing.Any]) -> Receipt:
        """Return the receipt that :meth:`as_dict` made a dict of.

        Raises
        ------
        persist.QueryError
            If the dict is not a receipt.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(said, Mapping) or set(said) != names:
            msg = f"a receipt has {', '.join(sorted(names))}, not {', '.join(sorted(map(str, said)))}"
            raise QueryError(msg)
        times: dict[str, typing.Any] = {name: _instant(name, said[name]) for name in _TIMES}
        return cls(**{**said, **times})


def _instant(name: str, spelt: object) -> datetime.datetime:
    try:
        instant = datetime.datetime.fromisoformat(spelt) if isinstance(spelt, str) else None
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        msg = f"{name!r} of a receipt must be a time in ISO 8601 such as 2026-01-31T12:00:00+00:00, not {spelt!r}"
        raise QueryError(msg)
    return instant
