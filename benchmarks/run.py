"""Run benchmarks, print a table, save the figures: ``make bench``, or ``make bench BENCH="writes --rounds 9"``."""

from __future__ import annotations

import argparse
import pathlib
import sys
import time
import typing
from collections.abc import Callable, Mapping

import engines
import fleet
import footprint
import gateway
import heard
import measure
import own_api
import payloads
import reads
import report
import rivals
import search
import sets
import store

RESULTS: typing.Final = pathlib.Path(__file__).with_name("results.json")
BENCHMARKS: typing.Final[Mapping[str, Callable[[measure.Size], list[measure.Result]]]] = {
    "writes": store.writes,
    "lag": store.lag,
    "unchanged": store.unchanged,
    "hook": heard.hook,
    "live": heard.live,
    "own-api": own_api.own_api,
    "presences": heard.presences,
    "memory-reads": reads.from_memory,
    "sqlite-reads": reads.from_sqlite,
    "postgresql-reads": reads.from_postgresql,
    "at-once": reads.at_once,
    "iterate": sets.iterate,
    "growth": sets.growth,
    "servers": engines.writes,
    "throughput": gateway.throughput,
    "chunks": gateway.chunks,
    "large-guild": gateway.large_guild,
    "fleet": fleet.fleet,
    "memory": footprint.memory,
    "payloads": lambda size: payloads.payloads(size.rounds),
    "search": lambda size: search.search(size.rounds),
}


_WHOLE: typing.Final = frozenset(("payloads", "search"))
"""Benchmarks that cannot be reduced, and are skipped in a smoke run."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench BENCH=", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to run: {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="how often to measure each way (default: 5)")
    parser.add_argument("--smoke", action="store_true", help="run a hundredth of the workload, once, as a check")
    parser.add_argument(
        "--compare", type=pathlib.Path, metavar="OLD.json", help="an older results.json to compare with"
    )
    parser.add_argument("--results", type=pathlib.Path, default=RESULTS, help="where to save the figures")
    parser.add_argument("--report", type=pathlib.Path, metavar="FOLDER", help="where to write a table and plots")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.names) - set(BENCHMARKS)):
        parser.error(f"there is no {', '.join(unknown)}; there is: {', '.join(BENCHMARKS)}")
    return arguments


def main() -> int:
    """Run the requested benchmarks."""
    arguments = _arguments()
    size = measure.Size(1, 0.01) if arguments.smoke else measure.Size(arguments.rounds)
    results: list[measure.Result] = []
    for name in arguments.names or (name for name in BENCHMARKS if not arguments.smoke or name not in _WHOLE):
        began = time.perf_counter()
        results += BENCHMARKS[name](size)
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
        report.write(results, rivals.skipped, arguments.results)
    old = report.read(arguments.compare) if arguments.compare else {}
    report.show(results, old)
    for rival, reason in rivals.skipped.items():
        print(f"{rival} is not measured: {reason}")
    if arguments.report:
        report.publish(results, arguments.report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
