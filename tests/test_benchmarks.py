"""The benchmarks still run: a hundredth of each, once, whatever their results."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import subprocess
import sys

import pytest

pytestmark = pytest.mark.once
_PROGRAM = pathlib.Path(__file__).parent.parent / "benchmarks" / "run.py"


@pytest.mark.timeout(600)
@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="matplotlib is not installed")
def test_every_benchmark_still_runs(tmp_path: pathlib.Path) -> None:
    results = tmp_path / "results.json"
    command = [sys.executable, str(_PROGRAM), "--smoke", "--results", str(results), "--report", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=590)
    assert done.returncode == 0, done.stderr[-4000:]
    told = json.loads(results.read_text())
    assert len({row["benchmark"] for row in told["results"]}) > 15, told["skipped"]
    assert (tmp_path / "measured.md").read_text().count("\n| ") == len(told["results"]) + 1
    assert (tmp_path / "measured" / "writing.png").stat().st_size > 1000
    again = [
        sys.executable,
        str(_PROGRAM),
        "presences",
        "--smoke",
        "--results",
        str(results),
        "--compare",
        str(results),
    ]
    assert "Was" in subprocess.run(again, capture_output=True, text=True, check=True, timeout=60).stdout
