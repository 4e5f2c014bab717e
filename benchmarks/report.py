"""Reports results: a table in the terminal, figures as JSON, and a page with plots for the documentation."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import platform
import re
import sqlite3
import typing
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import rich
import rich.table
from goals import GOALS
from matplotlib import pyplot
from measure import Result

__all__ = ("publish", "read", "show", "write")

mpl.use("Agg")
mpl.rcParams["svg.hashsalt"] = "persist"  # the same figures give the same file

Old = Mapping[tuple[str, str], float]
"""Ratios of an earlier run, by benchmark and way."""

_MACHINE: typing.Final = (
    f"a machine of {os.cpu_count()} cores, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
)
_PLOTS: typing.Final[Mapping[str, tuple[str, ...]]] = {
    "writing": (
        "write 40,000 members (SQLite)",
        "write 20,000 members, PostgreSQL",
        "write 20,000 members, MariaDB",
    ),
    "gateway": (
        "gateway to committed row, chunks of members",
        "gateway to committed row, against Redis",
        "messages through a whole bot",
    ),
    "reading": ("get_member, in memory", "get_member, from SQLite", "get_member, from PostgreSQL"),
    "growth": ("newest 50 of 1,000,000 messages, against 10,000", "start to first answer, as a database grows"),
}
"""The benchmarks that share a plot."""


def write(results: Sequence[Result], skipped: Mapping[str, str], path: pathlib.Path) -> None:
    """Save the figures, and the machine that they were measured on."""
    machine = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": platform.machine(),
        "sqlite": sqlite3.sqlite_version,
    }
    rows = [dataclasses.asdict(result) for result in results]
    path.write_text(json.dumps({"machine": machine, "skipped": dict(skipped), "results": rows}, indent=2) + "\n")


def read(path: pathlib.Path) -> Old:
    """Return the ratios in an older file."""
    return {(row["benchmark"], row["way"]): row["ratio"] for row in json.loads(path.read_text())["results"]}


def _cells(result: Result) -> tuple[str, ...]:
    goal = GOALS.get((result.benchmark, result.way))
    met = "" if goal is None else f"{goal} {'reached' if goal.met(result) else 'missed'}"
    return (
        result.benchmark,
        result.way,
        f"{_rounded(result.median)} {result.unit}",
        f"{_rounded(result.low)} to {_rounded(result.high)}",
        f"{result.ratio:.2f}",
        met,
    )


def _rounded(figure: float) -> str:
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"


def show(results: Sequence[Result], old: Old) -> None:
    """Print a table."""
    table = rich.table.Table("What", "Way", "Median", "Spread", "Ratio", "Goal", *(("Was",) if old else ()))
    for result in results:
        was = old.get((result.benchmark, result.way))
        table.add_row(*_cells(result), *((f"{was:.2f}" if was is not None else "",) if old else ()))
    rich.print(table)


def publish(results: Sequence[Result], folder: pathlib.Path) -> None:
    """Write a page with a table, ``measured.md``, and its plots to a folder."""
    pictures = folder / "measured"
    pictures.mkdir(parents=True, exist_ok=True)
    by_name: dict[str, list[Result]] = {}
    for result in results:
        by_name.setdefault(result.benchmark, []).append(result)
    shown = {name: [by_name[each] for each in each_of if each in by_name] for name, each_of in _PLOTS.items()}
    for name, found in shown.items():
        if found:
            _plot(found, pictures / name)
    lines = [
        "# What was measured",
        "",
        f"By `make bench`, on {_MACHINE}. [How fast it is](performance.md) says how to read this.",
        "",
        *(f"![{name}](measured/{name}.svg)\n" for name, found in shown.items() if found),
        "| What | Way | Median | Spread | Ratio | Goal |",
        "|---|---|---|---|---|---|",
        *(f"| {' | '.join(_cells(result))} |" for result in results),
    ]
    (folder / "measured.md").write_text("\n".join(lines) + "\n")


def _plot(groups: Sequence[Sequence[Result]], path: pathlib.Path) -> None:
    """Draw bars with their spread, one chart below the other, as SVG and PNG."""
    heights = [len(group) + 1 for group in groups]
    figure, axes = pyplot.subplots(
        len(groups), 1, figsize=(8, 0.55 * sum(heights)), height_ratios=heights, squeeze=False, layout="constrained"
    )
    for chart, group in zip(axes[:, 0], groups, strict=True):
        ways = [re.sub(r", reckoned.*", "", result.way) for result in group]
        medians = [result.median for result in group]
        spread = [[r.median - r.low for r in group], [r.high - r.median for r in group]]
        colours = ["#7e57c2" if way.startswith("persist") else "#b0bec5" for way in ways]
        chart.barh(ways, medians, xerr=spread, color=colours, ecolor="#455a64", capsize=3)
        chart.invert_yaxis()
        chart.set_title(group[0].benchmark, loc="left", fontsize=10)
        chart.set_xlabel(group[0].unit, fontsize=9)
        chart.tick_params(labelsize=9)
        chart.spines[["top", "right"]].set_visible(False)
    for suffix in ("svg", "png"):
        figure.savefig(path.with_suffix(f".{suffix}"), dpi=120, metadata={"Date": None} if suffix == "svg" else None)
    pyplot.close(figure)
