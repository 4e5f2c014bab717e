"""Builds distributions as they are published."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys

__all__ = ("EXAMPLE", "ROOT", "build_example", "build_persist")

ROOT = pathlib.Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "your_own_backend"


def build_persist(folder: pathlib.Path) -> pathlib.Path:
    """Build persist's own wheel in a folder, and return it."""
    # From a copy, as setuptools would also include leftovers of earlier builds in build/.
    copy = folder / "persist"
    copy.mkdir()
    for name in ("LICENSE", "README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, copy)
    for name in ("persist_core", "backends", "integrations"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    return _build(copy)


def build_example(folder: pathlib.Path) -> pathlib.Path:
    """Build the wheel of the example of a third-party backend, and return it."""
    left = shutil.ignore_patterns("__pycache__", "build", "*.egg-info", ".*")
    return _build(pathlib.Path(shutil.copytree(EXAMPLE, folder / "example", ignore=left)))


def _build(copy: pathlib.Path) -> pathlib.Path:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", copy, copy]
    subprocess.run(command, check=True)
    (built,) = copy.glob("*.whl")
    return built
