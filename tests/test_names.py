"""The cache has the same methods as hikari's, with the same names, arguments and results."""

from __future__ import annotations

import inspect

import hikari
import pytest
import signatures

import persist


@pytest.mark.parametrize("name", [name for name, _ in signatures.named(hikari.api.Cache, "get_")])
def test_each_question_of_hikaris_cache_is_asked_the_same_way(name: str) -> None:
    ours = getattr(persist.Cache, name, None)
    assert list(signatures.differences(ours, getattr(hikari.api.Cache, name))) == []
    assert inspect.iscoroutinefunction(ours)


def test_there_are_questions_to_compare() -> None:
    assert len(list(signatures.named(hikari.api.Cache, "get_"))) >= 35
