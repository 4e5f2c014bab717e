"""Compares ways to do one thing on a machine that is never idle: in turns, in rounds, as ratios of medians."""

from __future__ import annotations

import dataclasses
import gc
import statistics
import typing
from collections.abc import Callable, Mapping, Sequence

__all__ = ("Goal", "Result", "Size", "compare", "percentile", "summed_up")


class Size(typing.NamedTuple):
    """How much to measure."""

    rounds: int = 5
    """How often to measure each way, after one warm-up."""

    share: float = 1.0
    """The share of the workload to run; less than 1 to check that a benchmark still works."""

    def of(self, count: int) -> int:
        """Return a count of the full workload, reduced to this size."""
        return max(1, int(count * self.share))


class Goal(typing.NamedTuple):
    """The target for a ratio, or for the figure itself."""

    least: float | None = None
    most: float | None = None
    figure: bool = False
    """Whether the target is for the figure instead of its ratio."""

    def __str__(self) -> str:
        bound = f">= {self.least:g}" if self.least is not None else f"<= {self.most:g}"
        return bound if self.figure else f"{bound} x"

    def met(self, result: Result) -> bool:
        """Return whether a result meets the goal."""
        value = result.median if self.figure else result.ratio
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """The result of one way, in the unit of its benchmark and relative to the first way."""

    benchmark: str
    way: str
    unit: str
    median: float
    low: float
    high: float
    ratio: float
    """The ratio of the medians, relative to the first way: above 1 is more of the unit."""

    rounds: int = 1


def compare(benchmark: str, unit: str, ways: Mapping[str, Callable[[], float]], rounds: int) -> list[Result]:
    """Measure several ways to do one thing, one after the other in each round, and return the result of each.

    Parameters
    ----------
    benchmark, unit
        What is measured, and its unit.
    ways
        Functions that do it once and return a figure. The first one is the baseline for the others.
    rounds
        How often to run each, after one warm-up. With 1, there is no warm-up.
    """
    figures: dict[str, list[float]] = {way: [] for way in ways}
    warm = rounds > 1
    for number in range(rounds + warm):
        for way, measure in ways.items():
            gc.collect()
            figure = measure()
            if number or not warm:
                figures[way].append(figure)
    return summed_up(benchmark, unit, figures)


def summed_up(benchmark: str, unit: str, figures: Mapping[str, Sequence[float]]) -> list[Result]:
    """Return the results for figures that have been measured already."""
    first = statistics.median(next(iter(figures.values())))
    return [
        Result(benchmark, way, unit, middle, min(found), max(found), middle / first if first else 0.0, len(found))
        for way, found in figures.items()
        for middle in (statistics.median(found),)
    ]


def percentile(found: Sequence[float], share: float) -> float:
    """Return the figure that this share of all figures does not exceed."""
    return sorted(found)[min(len(found) - 1, int(len(found) * share))]
