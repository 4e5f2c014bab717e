"""Type checkers report each mistake that users may make, and nothing else."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
MISTAKES = pathlib.Path(__file__).with_name("mistakes.py")


def meant() -> set[int]:
    """Return the numbers of the lines marked as wrong."""
    return {number for number, line in enumerate(MISTAKES.read_text().splitlines(), 1) if line.endswith("# wrong")}


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def checker(name: str) -> None:
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed in this environment")


def test_mypy_complains_about_each_mistake_and_nothing_else() -> None:
    checker("mypy")
    said = run(sys.executable, "-m", "mypy", "--strict", "--output", "json", str(MISTAKES))
    found = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert {each["line"] for each in found if each["severity"] == "error"} == meant()


def test_pyright_complains_about_each_mistake_and_nothing_else() -> None:
    checker("pyright")
    said = json.loads(run(sys.executable, "-m", "pyright", "--outputjson", str(MISTAKES)))
    found = [each for each in said["generalDiagnostics"] if each["severity"] == "error"]
    assert {each["range"]["start"]["line"] + 1 for each in found} == meant()


def test_there_are_mistakes_to_be_found() -> None:
    assert len(meant()) > 40
