"""The README's claims about other libraries are true: each is installed as released, and runs the same scenarios."""

from __future__ import annotations

import functools
import pathlib
import sys
import typing

import pytest

_BENCHMARKS: typing.Final = pathlib.Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def claims() -> typing.Any:
    sys.path.append(str(_BENCHMARKS))
    try:
        import claims  # noqa: PLC0415 - its folder is on the path only now
    finally:
        sys.path.remove(str(_BENCHMARKS))
    return claims


def test_every_word_about_others_is_held_against_what_they_do(claims: typing.Any) -> None:
    assert set(claims.cells()) == claims.known()


@functools.cache
def _seen(facts: typing.Callable[[str], typing.Any], system: str) -> typing.Any:
    return facts(system)


@pytest.mark.once
@pytest.mark.timeout(600)
@pytest.mark.parametrize("system", ["hikari", "sake", "hikari-persist"])
def test_what_is_said_of_others_is_so(claims: typing.Any, system: str) -> None:
    try:
        seen = _seen(claims.facts, system)
    except LookupError as error:
        pytest.skip(str(error))
    wrong = [claim.row for claim in claims.CLAIMS if claim.system == system and not claim.holds(seen)]
    assert wrong == [], seen
