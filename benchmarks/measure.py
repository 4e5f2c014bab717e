"""Comparing ways to do one thing on a machine that is never quiet: in turn, several rounds, ratios of medians."""

from __future__ import annotations

import dataclasses
import gc
import statistics
import typing
from collections.abc import Callable, Mapping, Sequence

__all__ = ("Goal", "Result", "Size", "compare", "percentile", "summed_up")


class Size(typing.NamedTuple):
    """How much is measured."""

    rounds: int = 5
    """How often each way is measured, after once that does not count."""

    share: float = 1.0
    """Which part of the workload is done; less than all of it to see that a benchmark still runs."""

    def of(self, count: int) -> int:
        """Return a count of the whole workload, cut down to this size."""
        return max(1, int(count * self.share))


class Goal(typing.NamedTuple):
    """What a ratio, or the figure itself, is meant to reach."""

    least: float | None = None
    most: float | None = None
    figure: bool = False
    """Whether the figure is meant and not its ratio."""

    def __str__(self) -> str:
        bound = f">= {self.least:g}" if self.least is not None else f"<= {self.most:g}"
        return bound if self.figure else f"{bound} x"

    def met(self, result: Result) -> bool:
        """Tell whether a result reaches it."""
        value = result.median if self.figure else result.ratio
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


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

    rounds: int = 1


def compare(benchmark: str, unit: str, ways: Mapping[str, Callable[[], float]], rounds: int) -> list[Result]:
    """Measure ways to do one thing, one after the other in each round, and return what each came to.

    Parameters
    ----------
    benchmark, unit
        What is measured, and in what.
    ways
        Functions that do it once and return a figure. The first one is what the others are held against.
    rounds
        How often each is done, after once that does not count. With 1 nothing is done before.
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
    """Return what ways came to whose figures have been taken already."""
    first = statistics.median(next(iter(figures.values())))
    return [
        Result(benchmark, way, unit, middle, min(found), max(found), middle / first if first else 0.0, len(found))
        for way, found in figures.items()
        for middle in (statistics.median(found),)
    ]


def percentile(found: Sequence[float], share: float) -> float:
    """Return the figure that a share of all is not above."""
    return sorted(found)[min(len(found) - 1, int(len(found) * share))]
