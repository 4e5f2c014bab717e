"""Measure, print a table, and keep the figures: ``make bench``, or ``make bench BENCH="writes --rounds 9"``."""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import sys

import feed
import measure
import rich
import rich.table
import search
import store

RESULTS = pathlib.Path(__file__).with_name("results.json")
BENCHMARKS = {
    "writes": store.writes,
    "lag": store.lag,
    "reads": store.reads,
    "hook": feed.hook,
    "search": search.search,
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench BENCH=", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHMARKS)} (all)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (5)")
    parser.add_argument(
        "--compare", type=pathlib.Path, metavar="OLD.json", help="an older results.json to hold against"
    )
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.names) - set(BENCHMARKS)):
        parser.error(f"there is no {', '.join(unknown)}; there is: {', '.join(BENCHMARKS)}")
    return arguments


def _print(results: list[measure.Result], old: dict[tuple[str, str], float]) -> None:
    table = rich.table.Table("What", "Way", "Median", "Spread", "Ratio", *(("Was",) if old else ()))
    for result in results:
        before = old.get((result.benchmark, result.way))
        table.add_row(
            result.benchmark,
            result.way,
            f"{result.median:,.1f} {result.unit}",
            f"{result.low:,.1f} to {result.high:,.1f}",
            f"{result.ratio:.2f}",
            *((f"{before:.2f}" if before is not None else "",) if old else ()),
        )
    rich.print(table)


def main() -> int:
    """Run what was asked for."""
    arguments = _arguments()
    old = {}
    if arguments.compare:
        old = {(row["benchmark"], row["way"]): row["ratio"] for row in json.loads(arguments.compare.read_text())}
    results = [result for name in arguments.names or BENCHMARKS for result in BENCHMARKS[name](arguments.rounds)]
    _print(results, old)
    RESULTS.write_text(json.dumps([dataclasses.asdict(result) for result in results], indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
