"""The alternatives to persist, each in its own environment; skipped where one cannot be installed."""

from __future__ import annotations

import functools
import json
import pathlib
import subprocess
import sys
import typing
from collections.abc import Callable

import places

__all__ = ("HIKARI_PERSIST", "SAKE", "Rival", "hikari_persist", "python_of", "skipped")

_BUILD: typing.Final = places.ROOT / "build" / "rivals"
skipped: dict[str, str] = {}
"""Why each skipped alternative is not measured, by name."""


class Rival(typing.NamedTuple):
    """A library to compare with."""

    name: str
    requirements: tuple[str, ...]
    program: str


HIKARI_PERSIST: typing.Final = Rival(
    "hikari-persist 0.3", ("hikari-persist==0.3.0", "aiosqlite"), "rival_hikari_persist.py"
)
SAKE: typing.Final = Rival("hikari-sake 1.1", ("hikari-sake==1.1.2", "setuptools<81"), "rival_sake.py")


@functools.cache
def python_of(rival: Rival) -> pathlib.Path | None:
    """Return the interpreter of a library's environment, created on first use, or ``None``."""
    place = _BUILD / rival.name.replace(" ", "-")
    python = place / "bin" / "python"
    try:
        if not (place / "installed").exists():
            subprocess.run([sys.executable, "-m", "venv", place], check=True, capture_output=True)
            install = [python, "-m", "pip", "install", "--quiet", *rival.requirements]
            subprocess.run(install, check=True, capture_output=True, text=True, timeout=300)
            (place / "installed").touch()
    except (subprocess.SubprocessError, OSError) as error:
        words = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        skipped[rival.name] = words[-1] if words else repr(error)
        return None
    return python


def figure(rival: Rival, *arguments: object) -> float:
    """Return the figure that a library's program prints."""
    python = python_of(rival)
    command = [str(python), str(places.HERE / rival.program), *map(str, arguments)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=600).stdout
    return float(json.loads(said.splitlines()[-1]))


def hikari_persist(way: str, count: int) -> Callable[[], float] | None:
    """Return a function that measures hikari-persist with ``count`` objects, or ``None`` if it cannot be installed."""
    if python_of(HIKARI_PERSIST) is None:
        return None

    def run() -> float:
        with places.folder() as place:
            return figure(HIKARI_PERSIST, way, place / "cache.db", count)

    return run
