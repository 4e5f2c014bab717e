"""Comparing ways to do one thing on a machine that is never quiet: in turn, several rounds, ratios of medians."""

from __future__ import annotations

import dataclasses
import gc
import statistics
from collections.abc import Callable, Mapping

__all__ = ("Result", "compare")


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """How one way did, in the unit of its benchmark, and against the first way named."""

    benchmark: str
    way: str
    unit: str
    median: float
    low: float
    high: float
    ratio: float
    """Of the medians, against the first way: above 1 is more of the unit."""


def compare(benchmark: str, unit: str, ways: Mapping[str, Callable[[], float]], rounds: int) -> list[Result]:
    """Measure ways to do one thing, one after the other in each round, and return what each came to.

    Parameters
    ----------
    benchmark, unit
        What is measured, and in what.
    ways
        Functions that do it once and return a figure. The first one is what the others are held against.
    rounds
        How often each is done, after once that does not count.
    """
    figures: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, measure in ways.items():
            gc.collect()
            figure = measure()
            if number:
                figures[way].append(figure)
    first = statistics.median(next(iter(figures.values())))
    return [
        Result(benchmark, way, unit, middle, min(found), max(found), middle / first)
        for way, found in figures.items()
        for middle in (statistics.median(found),)
    ]
