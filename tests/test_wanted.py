"""The filters that type checkers know match the table of entities."""

from __future__ import annotations

import typing

import pytest

from persist import wanted
from persist.filter_names import parts_of
from persist.model import Entity, Kind
from persist.view import View
from persist.views import VIEWS

_TYPES: typing.Final[dict[Kind, str]] = {
    "snowflake": "Id",
    "integer": "Number",
    "boolean": "Truth",
    "text": "Text",
    "time": "Moment",
    "snowflakes": "Ids",
}


def filters(entity: Entity[typing.Any]) -> dict[str, str]:
    """Return the filters of a kind, with the names of their types."""
    columns = dict.fromkeys((*entity.key, *(("guild_id",) if entity.in_guild else ()), *entity.columns))
    types = {}
    for column in columns:
        types[column] = _TYPES[entity.kind_of(column)]
        short = column.removesuffix("_id")
        if short not in columns:
            types[short] = types[column]
    for part in parts_of(entity):
        types.setdefault(part.column, _TYPES[part.entity.kind_of(part.column)])
    return types


def spelled(view: type[View[typing.Any]]) -> str:
    """Return what wanted.py should contain for a view."""
    fields = "".join(f"    {name}: {kind}\n" for name, kind in filters(view.entity).items())
    return (
        f'class Wanted{view.__name__}(Wanted, total=False):\n    """The filters of {view.entity.name}."""\n\n{fields}'
    )


@pytest.mark.parametrize("view", VIEWS.values(), ids=lambda view: view.__name__)
def test_the_filters_of_a_view_are_those_of_its_table(view: type[View[typing.Any]]) -> None:
    should = f"\nIn persist_core/wanted.py there should be:\n\n{spelled(view)}"
    known: typing.Any = getattr(wanted, f"Wanted{view.__name__}", None)
    assert known is not None, should
    types = {name: getattr(wanted, kind) for name, kind in filters(view.entity).items()}
    assert {**typing.get_type_hints(wanted.Wanted), **types} == typing.get_type_hints(known), should
    for method in ("find", "count"):
        hints = typing.get_type_hints(getattr(view, method))
        assert hints["wanted"] == typing.Unpack[known], f"{view.__name__}.{method} takes Unpack[Wanted{view.__name__}]"
