"""Compares hikari objects in every attribute; hikari's own ``==`` only compares IDs."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping, Sequence

import attrs

__all__ = ("assert_alike", "differences")


def differences(one: object, other: object, path: str = "it") -> Iterator[str]:
    """Yield a description of each difference: in type, attributes or items. The bot must be the same object."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        # hikari's cache stores tuples where its factory creates lists.
        yield from _in_places(one, other, path)
    elif type(one) is not type(other):
        yield f"{path}: {one!r} is a {type(one).__name__}, {other!r} a {type(other).__name__}"
    elif attrs.has(type(one)) or dataclasses.is_dataclass(one):
        yield from _in_attributes(one, other, path)
    elif isinstance(one, Mapping):
        yield from _in_items(one, typing.cast("Mapping[object, object]", other), path)
    elif one != other:
        yield f"{path}: {one!r} is not {other!r}"


def _in_attributes(one: object, other: object, path: str) -> Iterator[str]:
    fields = attrs.fields(type(one)) if attrs.has(type(one)) else dataclasses.fields(typing.cast("typing.Any", one))
    for name in (field.name for field in fields):
        left, right = getattr(one, name), getattr(other, name)
        if name.lstrip("_") == "app":
            if left is not right:
                yield f"{path}.app: they are of different bots"
        else:
            yield from differences(left, right, f"{path}.{name}")


def _in_items(one: Mapping[typing.Any, object], other: Mapping[typing.Any, object], path: str) -> Iterator[str]:
    for key in one.keys() ^ other.keys():
        yield f"{path}[{key!r}]: only one has it"
    for key in one.keys() & other.keys():
        yield from differences(one[key], other[key], f"{path}[{key!r}]")


def _in_places(one: Sequence[object], other: Sequence[object], path: str) -> Iterator[str]:
    if len(one) != len(other):
        yield f"{path}: {len(one)} items are not {len(other)}"
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        yield from differences(left, right, f"{path}[{place}]")


def assert_alike(one: object, other: object) -> None:
    """Fail unless two objects are equal in every attribute."""
    found = "; ".join(differences(one, other))
    assert not found, found
