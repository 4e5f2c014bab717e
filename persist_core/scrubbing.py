"""Removes a person from other people's data: one walk through any payload.

The person's own objects go; everybody else's stay, and name Discord's "Deleted User" instead of the person.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Sequence

__all__ = ("DELETED_USER", "NO_GUILD", "Erased", "scrubbed")

DELETED_USER: typing.Final = "456226577798135808"
"""The id that Discord itself uses for deleted accounts."""

NO_GUILD: typing.Final = "0"
"""The placeholder for a guild that must not be named."""

Erased = Callable[[str], str | None]
"""Returns the placeholder for an id that must not be there; ``None`` for an id that may stay."""

_STAND_IN: typing.Final[dict[str, typing.Any]] = {
    "username": "Deleted User",
    "discriminator": "0000",
    "global_name": None,
    "avatar": None,
    "public_flags": 0,
}
_LOOKS_LIKE_A_USER: typing.Final = ("username", "discriminator", "global_name")
_BY: typing.Final = ("author", "user", "user_id")
_SHORTEST: typing.Final = 15
"""The number of digits of the oldest ids. Shorter numbers only count as ids if a field or a mention says so."""

_IDS: typing.Final = re.compile(r"(?<=<@)\d{1,20}(?=>)|(?<=<@!)\d{1,20}(?=>)|(?<!\d)\d{15,20}(?!\d)")


class _Gone:
    """Marks what must be removed."""


_GONE: typing.Final = _Gone()


def scrubbed(payload: typing.Any, erased: Erased) -> typing.Any:
    """Return a payload that names nobody who is erased; the same object if it named none of them.

    Parameters
    ----------
    payload
        The payload of an object that is not the person's own, or an edit of one.
    erased
        Returns the placeholder for an id.
    """
    return _fields(payload, erased) if isinstance(payload, dict) else _walked(payload, erased)


def _walked(value: typing.Any, erased: Erased) -> typing.Any:
    if type(value) is str:
        return _text(value, erased)
    if type(value) is dict:
        return _object(value, erased)
    if type(value) is list:
        return _list(value, erased)
    return value


def _text(text: str, erased: Erased) -> str:
    if len(text) < _SHORTEST and "<@" not in text:
        return text
    walked = _IDS.sub(lambda found: erased(found[0]) or found[0], text)
    return text if walked == text else walked


def _list(items: Sequence[typing.Any], erased: Erased) -> typing.Any:
    walked = [_walked(item, erased) for item in items]
    if all(new is old for new, old in zip(walked, items, strict=True)):
        return items
    return [item for item in walked if item is not _GONE]


def _object(value: dict[str, typing.Any], erased: Erased) -> typing.Any:
    """Walk an object inside another one. An erased user is replaced; their own objects and permissions go."""
    if (stand_in := _stand_in(value.get("id"), erased)) is not None:
        return _anonymous(value, stand_in)
    if _is_by(value, erased) and ("author" in value or "id" not in value):
        return _GONE
    return _fields(value, erased)


def _fields(value: dict[str, typing.Any], erased: Erased) -> dict[str, typing.Any]:
    walked: dict[str, typing.Any] = {}
    changed = False
    is_by: bool | None = None
    for name, item in value.items():
        new = _named(name, item, erased)
        stand_in = erased(name) if name.isdecimal() else None
        if name == "member":  # it belongs to the user next to it
            is_by = _is_by(value, erased) if is_by is None else is_by
            new = _GONE if is_by else new
        if stand_in is not None and not (isinstance(item, dict) and _is_user(item)):
            new = _GONE
        changed = changed or new is not item or stand_in is not None
        if new is not _GONE:
            walked[stand_in or name] = new
    return walked if changed else value


def _named(name: str, item: typing.Any, erased: Erased) -> typing.Any:
    if type(item) is str and name.endswith("id") and item.isdecimal():
        return erased(item) or item
    return _walked(item, erased)


def _is_by(value: dict[str, typing.Any], erased: Erased) -> bool:
    """Return whether an object names somebody erased as its author or user."""
    for name in _BY:
        who = value.get(name)
        if _stand_in(who.get("id") if isinstance(who, dict) else who, erased) is not None:
            return True
    return False


def _stand_in(snowflake: object, erased: Erased) -> str | None:
    return erased(snowflake) if isinstance(snowflake, str) and snowflake.isdecimal() else None


def _is_user(value: dict[str, typing.Any]) -> bool:
    return value.keys() == {"id"} or any(name in value for name in _LOOKS_LIKE_A_USER)


def _anonymous(value: dict[str, typing.Any], stand_in: str) -> typing.Any:
    if not _is_user(value):
        return _GONE  # what a person may do in a channel, or a guild's name and icon
    return {"id": stand_in} if len(value) == 1 else {"id": stand_in, **_STAND_IN}
