"""Locates the simulator and the test servers, and provides temporary databases."""

from __future__ import annotations

import contextlib
import pathlib
import sys
import tempfile
from collections.abc import Iterator

__all__ = ("HERE", "ROOT", "folder", "size_of")

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent
sys.path.append(str(ROOT / "tests"))


@contextlib.contextmanager
def folder() -> Iterator[pathlib.Path]:
    """Yield a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="persist-bench-") as name:
        yield pathlib.Path(name)


def size_of(path: pathlib.Path) -> int:
    """Return the size in bytes of an SQLite database and the files next to it."""
    beside = (path, path.with_name(f"{path.name}-wal"))
    return sum(each.stat().st_size for each in beside if each.exists())
